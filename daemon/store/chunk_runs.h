/* A column that mostly says the same: what a sample or a row is, in runs.  Pure.
 *
 * A run is a 32-bit value and how many rows have it.  Coded are, of the value:
 *   0?                               by whether the run before was 0
 *   else: the last value but 0?      else: the one before that?
 *   else: 32 even bits
 * and of the length, apart for 0 and the others:
 *   as long as the last one?         else: length - 1, as a number (chunk_series.h)
 * A run ends at the last row even if its length says more.  At first the last values
 * are CHUNK_RUN_ABSENT and 0xffff0000, the last lengths 1. */
#ifndef CARETAKER_STORE_CHUNK_RUNS_H
#define CARETAKER_STORE_CHUNK_RUNS_H

#include "daemon/store/chunk_series.h"

#define CHUNK_RUN_ABSENT 0x10000u

struct chunk_runs {
    bool zero; /* The run before was. */
    uint32_t recent[2];
    uint64_t length[2];
    struct chance is_zero[2], is_recent[2];
    struct chance same_length[2];
    struct chance lengths[2][NUMBER_CHANCES];
};

void chunk_runs_init(struct chunk_runs *r);
void chunk_runs_put(struct chunk_runs *r,
                    struct coder *c,
                    const uint32_t *values,
                    size_t count);
/* Any bytes give some values. */
void
chunk_runs_get(struct chunk_runs *r, struct coder *c, uint32_t *values, size_t count);

#endif
