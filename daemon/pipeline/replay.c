#include "daemon/pipeline/replay.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/replay_source.h"

#define PROGRESS_EVERY_FRAMES 4096
#define PROGRESS_EVERY_MS     200

struct replay {
    const struct replay_options *options;
    struct replay_result *result;
    FILE *out;
    struct strbuf line;
    struct replay_source *source;
    struct what_if *what_if; /* NULL: the samples are taken as they are. */
    bool stopped_by_bad_row;
    int64_t began_ms, shown_ms; /* Monotonic. */
    int64_t *last_ms;           /* By point: time of its last good sample. */
};

static void
print_event(void *ctx, const struct event *e)
{
    struct replay *r = ctx;
    r->result->events++;
    if (r->options->take_event != NULL) {
        r->options->take_event(r->options->take_ctx, e);
        return;
    }
    strbuf_clear(&r->line);
    if (r->options->format == REPLAY_JSONL) {
        event_to_json(&r->line, e, NULL);
    } else {
        char when[INSTANT_TEXT_BYTES];
        strbuf_printf(&r->line, "%s  ", instant_format_local(when, e->t_ms));
        event_to_text(&r->line, e);
    }
    strbuf_add_char(&r->line, '\n');
    fwrite(r->line.text, 1, r->line.size, r->out);
}

static void
on_bad_row(void *ctx, const struct loc *loc, const char *text)
{
    struct replay *r = ctx;
    if (r->options->strict) {
        r->stopped_by_bad_row = true;
        replay_source_stop(r->source);
    }
    if (r->options->again) {
        return;
    }
    if (loc->line == 0) { /* A capture has no lines. */
        fprintf(stderr, "%s: %s\n", loc->file, text);
    } else {
        fprintf(stderr, "%s:%u:%u: %s\n", loc->file, loc->line,
                loc->column > 0 ? loc->column : 1, text);
    }
}

static void
show_progress(struct replay *r, bool last)
{
    if (!r->options->progress) {
        return;
    }
    int64_t now = clock_mono_ms();
    if (!last && now - r->shown_ms < PROGRESS_EVERY_MS) {
        return;
    }
    r->shown_ms = now;
    struct replay_source_counts counts = replay_source_counts(r->source);
    uint64_t total = counts.total;
    uint64_t done = counts.done < total ? counts.done : total;
    int width = 30;
    int full = total > 0 ? (int)((uint64_t)width * done / total) : width;
    double seconds = (double)(now - r->began_ms) / 1000;
    fprintf(stderr, tr("\r[%.*s%.*s] %3d %%  %.2f million samples/s%s"), full,
            "##############################", width - full,
            "..............................",
            total > 0 ? (int)(100 * done / total) : 100,
            seconds > 0 ? (double)r->result->samples / seconds / 1e6 : 0.0,
            last ? "\n" : "");
}

/* A sample that comes when its point had gone stale: of a log with a slower rhythm. */
static void
count_late(struct replay *r, const struct site *site, const struct frame *f)
{
    for (uint16_t i = 0; i < f->count; i++) {
        const struct reading *s = &f->readings[i];
        if (s->quality != QUALITY_GOOD) {
            continue;
        }
        int64_t last = r->last_ms[s->point];
        if (last != INSTANT_NONE &&
            f->t_ms - last > site->points[s->point].stale_after_ms) {
            r->result->late_samples++;
        }
        r->last_ms[s->point] = f->t_ms;
    }
}

static void
override_stale_after(struct site *site, int64_t stale_after_ms)
{
    if (stale_after_ms <= 0) {
        return;
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        site->devices[i].stale_after_ms = stale_after_ms;
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        site->points[i].stale_after_ms = stale_after_ms;
    }
}

static void
note_counts(struct replay *r)
{
    struct replay_source_counts counts = replay_source_counts(r->source);
    struct replay_result *result = r->result;

    result->rows = counts.rows;
    result->bad_rows = counts.bad;
    result->exchanges = counts.exchanges;
    result->unmatched = counts.unmatched;
    result->elsewhere = counts.elsewhere;
    result->unknown = counts.unknown;
    if (r->what_if != NULL) {
        result->what_if = what_if_counts(r->what_if);
    }
    snprintf(result->elsewhere_at, sizeof result->elsewhere_at, "%s",
             counts.elsewhere_at);
}

/* Lets the time run out to the end of the log, or as far as was asked for. */
static void
finish(struct replay *r, struct pipeline *p, bool read_all)
{
    struct replay_result *result = r->result;
    int64_t end_ms = r->options->until_ms;

    if (read_all && !r->stopped_by_bad_row && end_ms == INSTANT_NONE) {
        int64_t last_ms = replay_source_counts(r->source).last_ms;

        if (r->what_if != NULL) {
            last_ms = what_if_time(r->what_if, last_ms);
        }
        /* Perhaps an empty row; of raw files, a frame may be later than any row. */
        result->last_ms = last_ms > result->last_ms ? last_ms : result->last_ms;
    }
    end_ms = end_ms != INSTANT_NONE ? end_ms : result->last_ms;
    if (end_ms != INSTANT_NONE && !r->stopped_by_bad_row) {
        pipeline_advance(p, end_ms);
    }
    show_progress(r, true);
}

static int
run_frames(struct replay *r,
           const struct site *site,
           struct pipeline *p,
           struct err *err)
{
    struct replay_result *result = r->result;
    const struct frame *f = NULL;
    struct frame *own = malloc(FRAME_BYTES_MAX);
    if (own == NULL) {
        return err_set(err, ERR_NOMEM, "replay");
    }
    while ((f = replay_source_next(r->source)) != NULL) {
        memcpy(own, f, frame_bytes(f->count));
        bool kept = r->what_if == NULL || what_if_apply(r->what_if, own);
        if (kept && r->options->until_ms != INSTANT_NONE &&
            own->t_ms > r->options->until_ms) {
            result->beyond_ms = own->t_ms;
            break;
        }
        result->frames++;
        result->samples += f->count;
        if (result->frames % PROGRESS_EVERY_FRAMES == 0) {
            show_progress(r, false);
        }
        if (!kept) {
            continue;
        }
        if (result->first_ms == INSTANT_NONE) {
            result->first_ms = own->t_ms;
        }
        result->last_ms = own->t_ms;
        count_late(r, site, own);
        pipeline_frame(p, own);
    }
    free(own);
    int code = replay_source_failed(r->source, err);
    if (code == 0) {
        finish(r, p, f == NULL);
    }
    return code;
}

int
replay_run(struct site *site,
           const struct replay_options *options,
           FILE *out,
           struct replay_result *result,
           struct diags *diags,
           struct err *err)
{
    *result = (struct replay_result){
        .first_ms = INSTANT_NONE, .last_ms = INSTANT_NONE, .beyond_ms = INSTANT_NONE};
    struct replay r = {
        .options = options, .result = result, .out = out, .began_ms = clock_mono_ms()};
    struct sink sink = {.ctx = &r, .event = print_event};
    int code = 0;
    override_stale_after(site, options->stale_after_ms);
    struct pipeline *p = pipeline_new(site, &sink, 1, diags);
    if (p == NULL) {
        return err_set(err, ERR_CONFIG, "the rules have errors");
    }
    r.last_ms = malloc((site->point_count + 1) * sizeof *r.last_ms);
    if (r.last_ms == NULL) {
        code = err_set(err, ERR_NOMEM, "replay");
        goto done;
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        r.last_ms[i] = INSTANT_NONE;
    }
    const struct replay_source_options source = {.map = options->map,
                                                 .paths = options->logs,
                                                 .count = options->log_count,
                                                 .bus = options->bus,
                                                 .history = options->history,
                                                 .bad = on_bad_row,
                                                 .ctx = &r};
    code = replay_source_open(&r.source, site, &source, err);
    if (code == 0 && options->what_if != NULL) {
        code = what_if_new(&r.what_if, site, options->what_if, err);
    }
    if (code != 0) {
        goto done;
    }
    if (options->look != NULL) {
        options->look(options->look_ctx, p, false);
    }
    code = run_frames(&r, site, p, err);
    if (code == 0 && options->look != NULL) {
        options->look(options->look_ctx, p, true);
    }
    note_counts(&r);
    if (code != 0) {
        goto done;
    }
    if (r.stopped_by_bad_row) {
        code = err_set(err, ERR_CONFIG, "stopped at the first bad row (--strict)");
    } else if (fflush(out) != 0) {
        code = err_set(err, ERR_IO, "the output cannot be written");
    }
done:
    replay_source_close(r.source);
    what_if_free(r.what_if);
    free(r.last_ms);
    strbuf_fini(&r.line);
    pipeline_free(p);
    return code;
}
