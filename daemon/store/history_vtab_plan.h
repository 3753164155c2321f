/* Which conditions of a query a table of history_vtab.h takes over, and what they then
 * say.  All of them only narrow: SQLite looks at each row again, except where a
 * condition is one that is met exactly. */
#ifndef CARETAKER_STORE_HISTORY_VTAB_PLAN_H
#define CARETAKER_STORE_HISTORY_VTAB_PLAN_H

#include <sqlite3.h>

#include "daemon/store/sql_time.h"

/* The columns that all tables begin with, and those of each. */
enum vtab_column {
    VTAB_DEVICE,
    VTAB_POINT,
    VTAB_TIME,
    VTAB_T_MS,
    VTAB_OWN,
    SAMPLES_VALUE = VTAB_OWN,
    SAMPLES_QUALITY,
    SAMPLES_UNTRUSTED,
    SAMPLES_DETAIL,
    SAMPLES_NTH,
    AGGREGATE_MIN = VTAB_OWN,
    AGGREGATE_MAX,
    AGGREGATE_MEAN,
    AGGREGATE_LAST,
    AGGREGATE_COUNT,
    AGGREGATE_LAST_MS
};

/* Fills a plan for a table of about `rows`; returns a code of SQLite. */
int vtab_plan_make(sqlite3_index_info *info, double rows);

#define VTAB_IDS_MAX 100 /* Of a list; a longer one narrows nothing. */

/* Ids that are asked for; none: all. */
struct vtab_ids {
    char *id[VTAB_IDS_MAX]; /* Owned. */
    int count;
};
struct vtab_bounds {
    struct sql_range range; /* Empty: there are no rows. */
    struct vtab_ids devices, points;
};
/* What the values of a plan say; returns a code of SQLite.  `out` is to be given to
 * vtab_bounds_fini() in any case. */
int vtab_plan_read(struct vtab_bounds *out,
                   const char *plan,
                   int argc,
                   sqlite3_value **argv);
void vtab_bounds_fini(struct vtab_bounds *b); /* Frees and zeroes. */

#endif
