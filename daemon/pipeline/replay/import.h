/* Recorded samples of elsewhere -> the site's history. */
#ifndef CARETAKER_PIPELINE_IMPORT_H
#define CARETAKER_PIPELINE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/replay/replay_source.h"

struct import_options {
    struct replay_source_options source; /* Its `bad` and `ctx` are not used. */
    bool strict;                         /* The first bad row ends it (ERR_CONFIG). */
    uint64_t told_max;                   /* So many bad rows are told; 0: all. */
    /* From 0 to 1, often; NULL: nobody looks. */
    void (*progress)(void *ctx, double done);
    void *progress_ctx;
};

struct import_result {
    uint64_t rows, bad_rows;
    uint64_t samples;   /* Read. */
    uint64_t known;     /* Of them, in the history already: they are not put twice. */
    uint64_t differing; /* Put beside another sample of the same point and time. */
    uint64_t expired;   /* Older than `history.keep`: the daemon deletes them. */
    uint64_t future;    /* Later than `now_ms`. */
    int64_t first_ms, last_ms; /* INSTANT_NONE: no sample. */
};

/* Writes in transactions of some thousand frames, beside a daemon that may be running.
 * Whatever ends it early, what `result` counts is on disk, and the same import once
 * more goes on from there.  `now_ms` is what `keep` counts back from, and
 * where the future begins. */
int import_run(const struct site *site,
               const struct import_options *options,
               int64_t now_ms,
               struct import_result *result,
               struct err *err);

#endif
