/* Aggregates and last values of the history, for whoever draws or lists them (the read
 * side of history.h). */
#ifndef CARETAKER_STORE_HISTORY_SERIES_H
#define CARETAKER_STORE_HISTORY_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/history.h"

struct history_bucket {
    int64_t t_ms; /* Where the interval begins, a multiple of its length. */
    const char *device, *point; /* Borrowed during the call. */
    double min, max, mean, last;
    int64_t last_ms; /* When the last good sample was taken. */
    uint64_t count;  /* Of good samples, at least 1. */
};
/* A callback that returns false ends the reading. */
typedef bool (*history_bucket_fn)(void *ctx, const struct history_bucket *b);

/* Intervals of `step_ms` that overlap [from_ms, to_ms], in order of time, device,
 * point. `device` and `point` may be NULL: all.  Reads hours where `step_ms` is a
 * multiple of one, else minutes where it is a multiple of one, else samples. */
int history_series(struct history_reader *r,
                   int64_t from_ms,
                   int64_t to_ms,
                   int64_t step_ms,
                   const char *device,
                   const char *point,
                   history_bucket_fn fn,
                   void *ctx,
                   struct err *err);

/* The shortest length that divides an hour, or a day, or is some days, with which
 * [from_ms, to_ms] has at most `most` intervals.  Under a minute: samples are read. */
int64_t history_step(int64_t from_ms, int64_t to_ms, uint32_t most);

/* The newest sample of each point, good or not, in order of device and point. */
int history_last(struct history_reader *r,
                 const char *device,
                 const char *point,
                 history_fn fn,
                 void *ctx,
                 struct err *err);

#endif
