#include "daemon/pipeline/replay/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/store/history.h"
#include "daemon/store/history_db.h"

#define BATCH_BYTES ((size_t)1 << 20) /* Frames of one transaction. */

_Static_assert(BATCH_BYTES >= 2 * FRAME_BYTES_MAX, "the largest frame finds room");

struct import {
    const struct import_options *options;
    struct import_result *result;
    struct replay_source *source;
    struct history_db *db;
    int64_t now_ms;
    int64_t keep_from_ms; /* INSTANT_NONE: all is kept. */
    unsigned char *batch;
    size_t size;
    uint64_t samples; /* In the batch. */
    bool stopped_by_bad_row;
    uint64_t told; /* Bad rows. */
};

static void
on_bad_row(void *ctx, const struct loc *loc, const char *text)
{
    struct import *im = ctx;
    if (im->options->strict) {
        im->stopped_by_bad_row = true;
        replay_source_stop(im->source);
    }
    if (im->options->told_max > 0 && im->told++ >= im->options->told_max) {
        return;
    }
    if (loc->line == 0) { /* A capture has no lines. */
        fprintf(stderr, "%s: %s\n", loc->file, text);
    } else {
        fprintf(stderr, "%s:%u:%u: %s\n", loc->file, loc->line,
                loc->column > 0 ? loc->column : 1, text);
    }
}

/* Nobody knows how much is to come of standard input. */
static void
show_progress(const struct import *im)
{
    struct replay_source_counts c = replay_source_counts(im->source);
    if (im->options->progress != NULL && c.total > 0) {
        im->options->progress(im->options->progress_ctx,
                              (double)c.done / (double)c.total);
    }
}

static int
write_batch(struct import *im, struct err *err)
{
    struct history_import_counts counts = {0};
    if (im->size == 0) {
        return 0;
    }
    int code = history_db_import(im->db, im->batch, im->size, &counts, err);
    if (code == 0) {
        im->result->samples += im->samples;
        im->result->known += counts.known;
        im->result->differing += counts.differing;
        im->size = im->samples = 0;
    }
    return code;
}

static void
add_frame(struct import *im, const struct frame *f)
{
    struct import_result *result = im->result;
    memcpy(im->batch + im->size, f, frame_bytes(f->count));
    im->size += frame_bytes(f->count);
    im->samples += f->count;
    if (im->keep_from_ms != INSTANT_NONE && f->t_ms < im->keep_from_ms) {
        result->expired += f->count;
    }
    result->future += f->t_ms > im->now_ms ? f->count : 0;
    result->first_ms = result->first_ms == INSTANT_NONE ? f->t_ms : result->first_ms;
    result->last_ms = f->t_ms;
}

static int
copy_all(struct import *im, struct err *err)
{
    const struct frame *f;
    int code = 0;
    while (code == 0 && (f = replay_source_next(im->source)) != NULL) {
        if (im->size + frame_bytes(f->count) > BATCH_BYTES) {
            code = write_batch(im, err);
            show_progress(im);
        }
        if (code == 0) {
            add_frame(im, f);
        }
    }
    code = code != 0 ? code : replay_source_failed(im->source, err);
    code = code != 0 ? code : write_batch(im, err);
    code = code != 0 ? code : history_db_pack(im->db, err);
    if (code == 0 && im->stopped_by_bad_row) {
        code =
            err_set(err, ERR_CONFIG,
                    "stopped at the first bad row (--strict); what stood before it is "
                    "in the history");
    }
    return code;
}

/* A file that cannot be read is the daemon's to set aside, not an import's. */
static int
check_history(const struct site *site, struct err *err)
{
    struct history_reader *reader = NULL;
    int64_t newest_ms;
    int code = history_reader_open(&reader, site->data_dir, err);
    if (code == 0) {
        code = history_newest(reader, &newest_ms, err);
    }
    history_reader_close(reader);
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int
open_all(struct import *im, const struct site *site, struct err *err)
{
    struct replay_source_options source = im->options->source;
    source.bad = on_bad_row;
    source.ctx = im;
    im->batch = malloc(BATCH_BYTES);
    if (im->batch == NULL) {
        return err_set(err, ERR_NOMEM, "import");
    }
    int code = replay_source_open(&im->source, site, &source, err);
    if (code == 0) {
        code = check_history(site, err);
    }
    if (code == 0) {
        code = history_db_open(&im->db, site->data_dir, site, err);
    }
    return code;
}

int
import_run(const struct site *site,
           const struct import_options *options,
           int64_t now_ms,
           struct import_result *result,
           struct err *err)
{
    struct import im = {.options = options,
                        .result = result,
                        .now_ms = now_ms,
                        .keep_from_ms = site->history.keep_ms > 0
                                            ? now_ms - site->history.keep_ms
                                            : INSTANT_NONE};
    *result = (struct import_result){.first_ms = INSTANT_NONE, .last_ms = INSTANT_NONE};
    int code = open_all(&im, site, err);
    if (code == 0) {
        code = copy_all(&im, err);
        struct replay_source_counts c = replay_source_counts(im.source);
        result->rows = c.rows;
        result->bad_rows = c.bad;
    }
    history_db_close(im.db);
    replay_source_close(im.source);
    free(im.batch);
    return code;
}
