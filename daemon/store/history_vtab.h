/* The history as tables of SQL, read-only, of the main file of a connection:
 *
 *   samples(device, point, time, value, quality)
 *       one row a sample, as `caretaker export` has them: `value` is NULL unless
 *       `quality` is 'good'.  Hidden, but there when they are named: `t_ms` (the time
 *       as a number, UTC ms), `clock_untrusted` (1: taken before the wall clock was
 *       known to be right), `detail` (of an exception its code, of another fault its
 *       number in enum wire_fault; NULL: none), `nth` (0, 1, ... of one point's samples
 *       of one time)
 *   samples_1m, samples_1h(device, point, time, min, max, mean, last, count)
 *       one row for each point and minute, or hour, that has good samples (taken under
 * a clock that was right); `time` is when it begins.  Hidden: `t_ms`, and `last_ms`,
 *       when the last sample was taken
 *
 * `time` is RFC 3339 in UTC with milliseconds and compares as an instant (sql_time.h).
 *
 * What a query says of device, point and time is asked of the history: other chunks are
 * not read, other points not decoded.  Rows come in order of time, device and point.  A
 * statement sees one moment of the file. */
#ifndef CARETAKER_STORE_HISTORY_VTAB_H
#define CARETAKER_STORE_HISTORY_VTAB_H

#include <sqlite3.h>

/* Adds the tables and the collation INSTANT to a connection; the file is looked at when
 * a statement first names one of them.  Returns a code of SQLite. */
int history_vtab_register(sqlite3 *db);

#endif
