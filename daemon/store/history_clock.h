/* What the history knows of the clock that its frames are dated by.
 *
 * A frame's time is the monotonic clock plus an offset.  While nobody knows whether the
 * offset is right, frames are marked, and the offset is kept in the table `clock`: one
 * row for each offset of each boot of the machine.  A row of the tail and a chunk name
 * it in their column `untrusted`.  When the right offset is known, all that was marked
 * since the machine booted, also by an earlier run of the daemon, is off by the
 * difference of the two: it is moved by that in steps, each within a transaction of the
 * writer, and the mark goes.
 *
 * What a row is moved by is reckoned from the table alone, and the row leaves the set
 * of those that wait when it is moved: steps may be cut off anywhere and go on later.
 * A chunk gets a new key, above all others: to the roll-ups it is a new one. */
#ifndef CARETAKER_STORE_HISTORY_CLOCK_H
#define CARETAKER_STORE_HISTORY_CLOCK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sample.h"

/* Row of the table for marked frames that nobody can put right: those of an import, and
 * of schema 1. */
#define HISTORY_CLOCK_UNKNOWN 1
/* Row of the table that is there when the machine's clock was synchronised once. */
#define HISTORY_CLOCK_SYNCHRONISED 0

/* Put right with one flush. */
#define CLOCK_CHUNKS_AT_ONCE 256
#define CLOCK_ROWS_AT_ONCE   64

/* Among frames, in their order: from here on they are dated by this offset. */
void history_clock_record(struct frame *out,
                          int64_t offset_ms,
                          bool trusted,
                          bool synchronised);
bool history_clock_is_record(const struct frame *f);

#define HISTORY_BOOT_BYTES 40

struct history_clock_state {
    bool trusted;      /* Or nothing was said yet. */
    int64_t offset_ms; /* Unless trusted. */
    int64_t key;       /* Row of the table; 0: to be looked for. */
    bool pending;      /* Something waits to be put right. */
    bool synchronised; /* HISTORY_CLOCK_SYNCHRONISED is there. */
};
struct history_clock {
    struct history_clock_state now, kept; /* `kept`: as of the last commit. */
    char boot[HISTORY_BOOT_BYTES];        /* Of the machine. */
};

void history_clock_init(struct history_clock *c);
/* Another file is open. */
int history_clock_attach(struct history_clock *c, sqlite3 *db, struct err *err);

/* What follows is done within a transaction; keep() and undo() say how that ended. */
int history_clock_take(struct history_clock *c,
                       sqlite3 *db,
                       const struct frame *record,
                       struct err *err);
/* What rows of marked frames have in the column `untrusted`. */
int history_clock_mark(struct history_clock *c,
                       sqlite3 *db,
                       int64_t *mark,
                       struct err *err);
/* Puts some of what waits right.  The caller deletes nothing by age while `pending`. */
int history_clock_settle(struct history_clock *c, sqlite3 *db, struct err *err);
void history_clock_keep(struct history_clock *c);
void history_clock_undo(struct history_clock *c);

#endif
