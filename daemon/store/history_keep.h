/* What the history keeps: by age, by size, and on a disk that is nearly full.
 *
 * Age: chunks, minutes and hours go when all in a row is older than `keep`, `keep_1m`,
 * `keep_1h`.  Size and disk: what has lived the largest part of the time that it may be
 * kept goes first, so that samples, minutes and hours get shorter together.  Whatever
 * goes, it is a bounded number of rows with one flush; the space is used again, and
 * given back a little at a time when an eighth of the file is free. */
#ifndef CARETAKER_STORE_HISTORY_KEEP_H
#define CARETAKER_STORE_HISTORY_KEEP_H

#include "daemon/store/history_db_internal.h"

/* How large the file and its log may get, of a file that was just opened. */
int history_keep_limit(struct history_db *h, struct err *err);
/* Looks at the disk: the file stops growing before it is full, and grows again when
 * there is space. */
void history_keep_watch(struct history_db *h);
/* Within a flush's transaction: what is too old, and what makes room, goes. */
int history_keep_settle(struct history_db *h, int64_t expire_ms, struct err *err);
/* Deletes the oldest; `freed` says how many bytes of values, 0: there was nothing. */
int history_keep_drop(struct history_db *h, int64_t *freed, struct err *err);

#endif
