/* The samples of the history one at a time, in order of time, then device, then point,
 * then as recorded: a cursor (history_cursor.h) whose frames are taken apart and whose
 * points have names.
 *
 * As there the caller keeps one transaction open meanwhile. */
#ifndef CARETAKER_STORE_HISTORY_SAMPLES_H
#define CARETAKER_STORE_HISTORY_SAMPLES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/history.h"
#include "daemon/store/history_cursor.h"

/* Ids of points by key, as they are met.  Zero-initialised there are none. */
struct history_names {
    char **ids;
    size_t count;
    sqlite3_stmt *ask; /* Of the connection that asked first. */
};
void history_names_fini(struct history_names *n); /* Before the connection is closed. */

struct history_samples;
/* `names` are of `db`, borrowed until history_samples_close(). */
int history_samples_open(struct history_samples **out,
                         sqlite3 *db,
                         struct history_names *names,
                         const struct history_filter *filter,
                         struct err *err);
void history_samples_close(struct history_samples *s); /* NULL is accepted. */
/* Joins to `d` what could not be read so far. */
void history_samples_damage(const struct history_samples *s, struct history_damage *d);
/* The next one that is whole, borrowed until the next call; NULL: there is none. */
int history_samples_next(struct history_samples *s,
                         const struct history_sample **out,
                         struct err *err);

#endif
