#include "daemon/pipeline/replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/replay/case_clock.h"
#include "daemon/pipeline/replay/replay_source.h"
#include "daemon/pipeline/replay/replay_state.h"

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
    int64_t began_ms, shown_ms;           /* Monotonic. */
    int64_t *last_ms;                     /* By point: time of its last good sample. */
    struct replay_state *state;           /* NULL: none is written. */
    const struct case_command **commands; /* In order of their moments. */
    uint32_t next_command;
};

static void
print_event(void *ctx, const struct event *e)
{
    struct replay *r = ctx;
    r->result->events++;
    if (r->state != NULL) {
        const struct sink *sink = replay_state_sink(r->state);
        sink->event(sink->ctx, e);
    }
    if (r->options->take_event != NULL) {
        r->options->take_event(r->options->take_ctx, e);
        return;
    }
    if (r->options->silent) {
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

/* ---- rows, which only a state.db wants ---- */

#define PASS_ON(name, type)                                                            \
    static void pass_##name(void *ctx, const struct type *row)                         \
    {                                                                                  \
        const struct replay *r = ctx;                                                  \
        const struct sink *sink = replay_state_sink(r->state);                         \
        sink->name(sink->ctx, row);                                                    \
    }
PASS_ON(alarm, alarm)
PASS_ON(ticket, ticket)
PASS_ON(service, service)
PASS_ON(ledger, ledger_row)
PASS_ON(plan, plan_row)

static struct sink
sink_of(struct replay *r)
{
    if (r->state == NULL) {
        return (struct sink){.ctx = r, .event = print_event};
    }
    return (struct sink){.ctx = r,
                         .event = print_event,
                         .alarm = pass_alarm,
                         .ticket = pass_ticket,
                         .service = pass_service,
                         .ledger = pass_ledger,
                         .plan = pass_plan};
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

/* People act before the frame of the same moment. */
static int
do_commands(struct replay *r, struct pipeline *p, int64_t t_ms, struct err *err)
{
    const struct replay_case *all = r->options->commands;
    int code = 0;
    while (code == 0 && r->commands != NULL && r->next_command < all->command_count) {
        const struct case_command *c = r->commands[r->next_command];
        struct command command = case_clock_command(c, r->result->first_ms);
        struct err refusal = {0};
        if (command.t_ms > t_ms) {
            break;
        }
        r->next_command++;
        r->result->commands++;
        if (pipeline_command(p, &command, NULL, &refusal) != 0) {
            r->result->refused++;
            fprintf(stderr, tr("%s:%u:%u: %s was refused: %s\n"), c->loc.file,
                    c->loc.line, c->loc.column, command_kind_name(command.kind),
                    refusal.text);
        }
        code = r->state != NULL ? replay_state_step(r->state, command.t_ms, err) : 0;
    }
    return code;
}

/* The first row is there: now it is known when everything begins. */
static int
begin(struct replay *r, int64_t t_ms, struct err *err)
{
    const struct replay_case *all = r->options->commands;
    r->result->first_ms = t_ms;
    if (all != NULL) {
        r->commands =
            case_clock_order(all->arena, all->commands, all->command_count, t_ms);
    }
    return r->state != NULL ? replay_state_begin(r->state, t_ms, err) : 0;
}

/* Lets the time run out to the end of the log, or as far as was asked for. */
static int
finish(struct replay *r, struct pipeline *p, bool read_all, struct err *err)
{
    int code = 0;
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
        code = do_commands(r, p, end_ms, err);
        pipeline_advance(p, end_ms);
    }
    if (code == 0 && r->state != NULL && end_ms != INSTANT_NONE) {
        code = replay_state_end(r->state, p, end_ms, err);
    }
    show_progress(r, true);
    return code;
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
    int code = 0;
    if (own == NULL) {
        return err_set(err, ERR_NOMEM, "replay");
    }
    while (code == 0 && (f = replay_source_next(r->source)) != NULL) {
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
            code = begin(r, own->t_ms, err);
        }
        result->last_ms = own->t_ms;
        count_late(r, site, own);
        code = code == 0 ? do_commands(r, p, own->t_ms, err) : code;
        pipeline_frame(p, own);
        if (code == 0 && r->state != NULL) {
            code = replay_state_step(r->state, own->t_ms, err);
        }
    }
    free(own);
    code = code == 0 ? replay_source_failed(r->source, err) : code;
    return code == 0 ? finish(r, p, f == NULL, err) : code;
}

/* What a run needs beside its pipeline; replay_run() releases it, also half-built. */
static int
prepare(struct replay *r, const struct site *site, struct err *err)
{
    const struct replay_options *options = r->options;
    const struct replay_source_options source = {.map = options->map,
                                                 .paths = options->logs,
                                                 .count = options->log_count,
                                                 .bus = options->bus,
                                                 .history = options->history,
                                                 .bad = on_bad_row,
                                                 .ctx = r};
    r->last_ms = malloc((site->point_count + 1) * sizeof *r->last_ms);
    if (r->last_ms == NULL) {
        return err_set(err, ERR_NOMEM, "replay");
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        r->last_ms[i] = INSTANT_NONE;
    }
    int code = replay_source_open(&r->source, site, &source, err);
    if (code == 0 && options->what_if != NULL) {
        code = what_if_new(&r->what_if, site, options->what_if, err);
    }
    return code;
}

static int
run_through(struct replay *r,
            const struct site *site,
            struct pipeline *p,
            struct err *err)
{
    const struct replay_options *options = r->options;
    if (options->look != NULL) {
        options->look(options->look_ctx, p, false);
    }
    int code = run_frames(r, site, p, err);
    if (code == 0 && options->look != NULL) {
        options->look(options->look_ctx, p, true);
    }
    note_counts(r);
    if (code != 0) {
        return code;
    }
    if (r->stopped_by_bad_row) {
        return err_set(err, ERR_CONFIG, "stopped at the first bad row (--strict)");
    }
    return fflush(r->out) == 0 ? 0
                               : err_set(err, ERR_IO, "the output cannot be written");
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
    int code = options->state_dir != NULL
                   ? replay_state_open(&r.state, options->state_dir, site, err)
                   : 0;
    if (code != 0) {
        return code;
    }
    struct sink sink = sink_of(&r);
    override_stale_after(site, options->stale_after_ms);
    struct pipeline *p = pipeline_new(site, &sink, 1, diags);
    code = p != NULL ? prepare(&r, site, err)
                     : err_set(err, ERR_CONFIG, "the rules have errors");
    if (code == 0) {
        code = run_through(&r, site, p, err);
    }
    replay_source_close(r.source);
    what_if_free(r.what_if);
    free(r.last_ms);
    strbuf_fini(&r.line);
    pipeline_free(p);
    replay_state_close(r.state);
    return code;
}
