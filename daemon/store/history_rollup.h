/* The roll-ups of history.db: of each point and minute, and of each point and hour, the
 * least, the greatest, the sum, the last and the number of its good samples.
 *
 * A row of the table is a chunk (chunk.h) of one device and resolution.  Its rows are
 * intervals: time / resolution, rounded down, says which; the time itself is when the
 * last sample of the values in this row was taken.  An interval whose points have their
 * last samples at different times has several rows.  Of point key k it has the columns
 * k * ROLLUP_COLUMNS + enum rollup_column; where there was but one sample, only its
 * value as the last one. */
#ifndef CARETAKER_STORE_HISTORY_ROLLUP_H
#define CARETAKER_STORE_HISTORY_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"

#include "daemon/base/err.h"

#define ROLLUP_MINUTE_MS INT64_C(60000)
#define ROLLUP_HOUR_MS   INT64_C(3600000)

enum rollup_column {
    ROLLUP_MIN,
    ROLLUP_MAX,
    ROLLUP_SUM,
    ROLLUP_LAST,
    ROLLUP_COUNT,
    ROLLUP_COLUMNS = 8
};

struct history_tail;

/* Writes the roll-ups of some devices' chunks that have none yet: of those that have
 * many, or whose are old, about as many samples as were put since; `all`: of all.
 * Chunks that end before `expire_ms` are about to go and wait no longer.  Within the
 * transaction of a flush. */
int history_rollup_make(struct history_tail *t,
                        bool all,
                        int64_t expire_ms,
                        struct err *err);
/* Scaling of a column of a roll-up; `ctx`: the tail. */
struct scaling history_rollup_scaling(void *ctx, uint32_t key);
/* Deletes some rows whose intervals all are older; INSTANT_NONE: none is. */
int history_rollup_expire(struct history_tail *t,
                          int64_t minutes_before_ms,
                          int64_t hours_before_ms,
                          struct err *err);

#endif
