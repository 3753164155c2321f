#include "daemon/pipeline/replay/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/log_lines.h"
#include "daemon/base/instant.h"
#include "daemon/base/progress.h"
#include "daemon/pipeline/replay/replay_source.h"

#define PROGRESS_EVERY_FRAMES 4096
#define CANCEL_EVERY_FRAMES   64

struct feed {
    const struct feed_options *o;
    feed_fn fn;
    void *ctx;
    struct feed_result *result;
    int64_t *last_ms; /* By point: time of its last good sample. */
    struct progress progress;
};

static void
note_samples(struct feed *f, const struct frame *frame)
{
    for (uint16_t i = 0; i < frame->count; i++) {
        const struct reading *r = &frame->readings[i];
        if (r->quality != QUALITY_GOOD) {
            continue;
        }
        int64_t last = f->last_ms[r->point];
        f->result->late_samples +=
            last != INSTANT_NONE &&
            frame->t_ms - last > f->o->site->points[r->point].stale_after_ms;
        f->last_ms[r->point] = frame->t_ms;
    }
}

static void
hand_on(struct feed *f, const struct frame *frame)
{
    struct feed_result *r = f->result;
    if (frame->t_ms < f->o->from_ms || frame->t_ms > f->o->to_ms ||
        (f->o->device != NONE_INDEX && frame->device != f->o->device)) {
        return;
    }
    r->first_ms = r->first_ms == INSTANT_NONE ? frame->t_ms : r->first_ms;
    r->last_ms = frame->t_ms > r->last_ms ? frame->t_ms : r->last_ms;
    r->frames++;
    r->samples += frame->count;
    note_samples(f, frame);
    f->fn(f->ctx, frame);
}

static void
on_bad_row(void *ctx, const struct loc *loc, const char *text)
{
    const struct feed *f = ctx;
    if (f->o->quiet) {
        return;
    }
    if (loc->line == 0) { /* A capture has no lines. */
        fprintf(stderr, "%s: %s\n", loc->file, text);
    } else {
        fprintf(stderr, "%s:%u:%u: %s\n", loc->file, loc->line,
                loc->column > 0 ? loc->column : 1, text);
    }
}

static int
read_all(struct feed *f, struct err *err)
{
    const struct feed_options *o = f->o;
    const struct replay_history history = {
        .from_ms = o->from_ms,
        .to_ms = o->to_ms,
        .device = o->device != NONE_INDEX ? o->site->devices[o->device].id : NULL,
        .may_be_absent = true};
    const struct replay_source_options options = {
        .map = o->map,
        .paths = o->logs,
        .count = o->log_count,
        .history = o->log_count == 0 ? &history : NULL,
        .bad = on_bad_row,
        .ctx = f};
    struct replay_source *source = NULL;
    const struct frame *frame;
    for (uint32_t i = 0; i < o->log_count; i++) {
        if (strcmp(o->logs[i], LOG_STDIN) == 0) { /* Callers feed more than once. */
            return err_set(err, ERR_USAGE,
                           "the logs are read more than once here, and standard input "
                           "can be read but once; a file is accepted");
        }
    }
    int code = replay_source_open(&source, o->site, &options, err);
    if (code != 0) {
        return code;
    }
    bool cancelled = false;
    for (uint64_t i = 1; !cancelled && (frame = replay_source_next(source)) != NULL;
         i++) {
        hand_on(f, frame);
        if (i % PROGRESS_EVERY_FRAMES == 0) {
            struct replay_source_counts c = replay_source_counts(source);
            progress_set(&f->progress,
                         c.total > 0 ? (double)c.done / (double)c.total : 0);
        }
        cancelled =
            i % CANCEL_EVERY_FRAMES == 0 && o->cancel != NULL && atomic_load(o->cancel);
    }
    f->result->bad_rows = replay_source_counts(source).bad;
    code = cancelled ? err_set(err, ERR_REFUSED, "cancelled")
                     : replay_source_failed(source, err);
    replay_source_close(source);
    return code;
}

int
feed_each(const struct feed_options *o,
          feed_fn fn,
          void *ctx,
          struct feed_result *result,
          struct err *err)
{
    uint32_t points = o->site->point_count;
    struct feed f = {.o = o,
                     .fn = fn,
                     .ctx = ctx,
                     .result = result,
                     .last_ms = malloc(((size_t)points + 1) * sizeof *f.last_ms)};
    int code;
    *result = (struct feed_result){.first_ms = INSTANT_NONE, .last_ms = INSTANT_NONE};
    if (f.last_ms == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to read the samples");
    }
    for (uint32_t i = 0; i < points; i++) {
        f.last_ms[i] = INSTANT_NONE;
    }
    progress_begin(&f.progress, o->progress, o->progress == NULL);
    code = read_all(&f, err);
    progress_end(&f.progress);
    free(f.last_ms);
    return code;
}
