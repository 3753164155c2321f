/* What of the history cannot be read is set aside: its row moves to the table `damaged`
 * (history_schema.h), with why; whole columns of a chunk or a roll-up stay under its
 * key, so that only the damaged ones are lost and nothing is rolled up twice.
 *
 * It is found where rows are read anyway, and by a slow reading of all chunks and
 * roll-ups, some with each flush, within about a week.  That writes nothing unless it
 * finds something.  Within the transactions of the writer. */
#ifndef CARETAKER_STORE_HISTORY_SCRUB_H
#define CARETAKER_STORE_HISTORY_SCRUB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

#define HISTORY_DAMAGED_ROWS_MAX  1000 /* Of the table: the oldest go. */
#define HISTORY_DAMAGED_BYTES_MAX 64   /* So many rows keep what was in them. */
#define HISTORY_DAMAGED_TOLD_MS   INT64_C(86400000) /* How long a find is counted. */

struct history_db;
struct history_tail;

enum scrub_table { SCRUB_CHUNK, SCRUB_ROLLUP, SCRUB_TABLES };

/* Where the reading is.  Zero-initialised it begins at a place that the time of the
 * week says, so that many short runs read all, too. */
struct history_scrub {
    bool begun[SCRUB_TABLES];
    int64_t at[SCRUB_TABLES]; /* Keys: what is behind them comes next. */
    double owed[SCRUB_TABLES];
    uint64_t counted; /* Found within HISTORY_DAMAGED_TOLD_MS. */
};

/* Rows that were met damaged: looked at with the same flush.  Others wait for the
 * reading to come by. */
struct scrub_suspects {
    int64_t keys[SCRUB_TABLES][16];
    size_t count[SCRUB_TABLES];
};
void scrub_suspect(struct scrub_suspects *s, enum scrub_table table, int64_t key);

/* A row of `damaged`. */
struct scrub_find {
    const char *what;    /* The table that it stood in; "page", "file": no row. */
    int64_t row, device; /* `device` 0: not known. */
    int64_t t0, t1;
    int64_t untrusted, shift;
    const char *why;
    const void *bytes; /* NULL: not to be had. */
    size_t size;
};
/* Writes and logs it.  `once`: unless it stands there already. */
int scrub_put(sqlite3 *db, const struct scrub_find *f, bool once, struct err *err);

/* With each flush.  What was set aside and ended before `expire_ms` is forgotten. */
int history_scrub_settle(struct history_db *h, int64_t expire_ms, struct err *err);
/* Counts what was found lately. */
int history_scrub_count(struct history_db *h, struct err *err);

#endif
