/* Recorded frames for whoever wants to look at them more than once: logs as replay
 * reads them, or the samples of history.db. */
#ifndef CARETAKER_PIPELINE_FEED_H
#define CARETAKER_PIPELINE_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

struct feed_options {
    const struct site *site;
    const char *const *logs; /* With `log_count` 0, the history of the site is read. */
    uint32_t log_count;
    const struct log_map *map; /* Of the logs; may be NULL. */
    int64_t from_ms, to_ms;    /* Frames outside of it are passed over. */
    uint32_t device;           /* Only frames of this one; NONE_INDEX: of all. */
    bool quiet;                /* Bad rows have been told before. */
    const char *progress;      /* Heads a bar on standard error; NULL: none. */
    const atomic_bool *cancel; /* Looked at now and then; NULL: never.  ERR_REFUSED. */
};

struct feed_result {
    uint64_t frames, bad_rows;
    uint64_t samples, late_samples; /* As struct replay_result has them. */
    int64_t first_ms, last_ms;      /* INSTANT_NONE: there was no frame. */
};

/* Borrowed for the length of the call. */
typedef void (*feed_fn)(void *ctx, const struct frame *f);

/* Hands on every frame in order of time.  A history that does not exist has no frames;
 * samples of devices and points that the site does not have are passed over. */
int feed_each(const struct feed_options *o,
              feed_fn fn,
              void *ctx,
              struct feed_result *result,
              struct err *err);

#endif
