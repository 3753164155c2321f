/* What history_keep.c and history_keep_oldest.c share. */
#ifndef CARETAKER_STORE_HISTORY_KEEP_INTERNAL_H
#define CARETAKER_STORE_HISTORY_KEEP_INTERNAL_H

#include "daemon/store/history_keep.h"

/* What one flush may still delete. */
struct keep_budget {
    int64_t bytes, freed; /* Wanted; and what has gone. */
    int rows;
};

/* Deletes the oldest chunks of those that end before; `rolled`: only those that are in
 * roll-ups. */
int history_keep_chunks(struct history_keep *k,
                        int64_t before_ms,
                        bool rolled,
                        struct keep_budget *left,
                        struct err *err);
/* Rows of roll-ups whose intervals all are before. */
int history_keep_rollups(struct history_keep *k,
                         int64_t resolution_ms,
                         int64_t before_ms,
                         struct keep_budget *left,
                         struct err *err);
/* Rows of the tail, those that were written first. */
int
history_keep_rows(struct history_keep *k, struct keep_budget *left, struct err *err);
/* Frames of schema 1, where there are any. */
int
history_keep_frames(struct history_keep *k, struct keep_budget *left, struct err *err);
/* When the oldest of a resolution ended, 0: of the chunks.  INSTANT_MAX: there is none.
 */
int history_keep_oldest(struct history_keep *k,
                        int64_t resolution_ms,
                        int64_t *t_ms,
                        struct err *err);

#endif
