/* Aggregates of the history: the good samples of each point and interval, out of
 * roll-ups, and of chunks and tail where those are not made yet.  What was taken under
 * an untrusted clock is left out.  Holds some intervals of each device at a time.
 *
 * As with history_cursor.h the caller keeps one transaction open meanwhile. */
#ifndef CARETAKER_STORE_HISTORY_AGGREGATE_H
#define CARETAKER_STORE_HISTORY_AGGREGATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

struct aggregate_filter {
    int64_t step_ms; /* ROLLUP_MINUTE_MS, ROLLUP_HOUR_MS, or a multiple of one. */
    int64_t from_ms, to_ms; /* Intervals that begin in it, both included. */
    const char *device;     /* Id; NULL: all.  Borrowed while opening. */
    const char *point;      /* The same. */
};

struct aggregate_row {
    int64_t t_ms;               /* Where the interval begins: a multiple of step_ms. */
    const char *device, *point; /* Ids, borrowed until the cursor is closed. */
    double min, max, sum, last;
    int64_t last_ms; /* When the last one was taken. */
    uint64_t count;  /* At least 1. */
};

/* When the oldest sample under a trusted clock (`resolution_ms` 0), or the oldest
 * roll-up of this resolution, was taken; INT64_MAX: there is none.  `device` NULL: of
 * all. */
int aggregate_oldest(sqlite3 *db,
                     int64_t resolution_ms,
                     const char *device,
                     int64_t *out,
                     struct err *err);

struct aggregate_cursor;
int aggregate_open(struct aggregate_cursor **out,
                   sqlite3 *db,
                   const struct aggregate_filter *filter,
                   struct err *err);
void aggregate_close(struct aggregate_cursor *c); /* NULL is accepted. */
/* Rows of the file that could not be read, wholly or in part, and were left out. */
uint64_t aggregate_damaged(const struct aggregate_cursor *c);
/* In order of time, then device, then point.  `more` false: there is none. */
int aggregate_next(struct aggregate_cursor *c,
                   struct aggregate_row *out,
                   bool *more,
                   struct err *err);

#endif
