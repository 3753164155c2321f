/* What of history.db goes, and when.
 *
 * By age: chunks and rows of the tail after `keep`, minutes after `keep_1m`, hours
 * after `keep_1h`, some with each flush.  The present is what a trusted clock says, but
 * it is believed to have gone ahead by more than a day only at KEEP_HASTE times the
 * pace that time passes: one wrong date must not empty the file.  Frames under an
 * untrusted clock are as old as those that were recorded before and after them.
 *
 * By size: file, log and its index stay within `max_size`.  What has lived the largest
 * part of the time that it may be kept goes first, so that samples, minutes and hours
 * get shorter together.
 *
 * By the disk: when the space that is left is no more than state.db and the log may
 * need, the file does not grow, and what comes takes the place of the oldest.  When it
 * is less, some of the oldest goes with each flush and its space is given back.
 *
 * Space goes back to the disk in steps of at most KEEP_VACUUM_PAGES: only much of it is
 * worth the writing, or when it is scarce. */
#ifndef CARETAKER_STORE_HISTORY_KEEP_H
#define CARETAKER_STORE_HISTORY_KEEP_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"
#include "daemon/store/history_tail.h"

/* The present may be ahead of what is on record by so much, the machine was off; beyond
 * that the difference shrinks by so many times the time that passes. */
#define KEEP_LEAP_MS INT64_C(86400000)
#define KEEP_HASTE   16
/* Chunks, or rows, that go with one flush: more than come in. */
#define KEEP_AT_ONCE 64
/* Pages that one flush gives back to the disk. */
#define KEEP_VACUUM_PAGES 256
/* Left to state.db and the rest of the system; at most a quarter of the disk. */
#define KEEP_RESERVE_BYTES (INT64_C(16) << 20)

/* By which time samples are old. */
struct history_present {
    int64_t t_ms;    /* INSTANT_NONE: nobody knows. */
    int64_t mono_ms; /* When that was; of the monotonic clock, or INSTANT_NONE. */
};
/* Pure: a trusted clock says `newest_ms`, and the monotonic one `mono_ms`. */
void
history_present_step(struct history_present *p, int64_t newest_ms, int64_t mono_ms);

struct history_keep {
    sqlite3 *db; /* Borrowed, as all here; NULL: not attached. */
    struct history_tail *tail;
    const struct site *site;
    const char *dir, *path;
    int64_t page_bytes;
    int64_t pages_max; /* Of the file, from `max_size`; 0: not limited. */
    int64_t reserve_bytes;
    int64_t log_bytes;  /* How long the log gets before it is folded back. */
    int64_t present_ms; /* As in the file; INSTANT_NONE: it says nothing. */
    int64_t stored_ms;  /* The same as of the last commit. */
    int64_t pages;      /* Of the file, when it was frozen. */
    bool vacuums;       /* The file was made to give space back. */
    bool vacuuming;     /* Until little is free. */
    bool frozen;        /* The disk is nearly full: the file must not grow. */
    bool short_of;      /* Not even the reserve is left. */
    bool refused;       /* The disk took no more, whatever it says of itself. */
};

/* A file whose schema is there; all is borrowed until another is attached. */
int history_keep_attach(struct history_keep *k, sqlite3 *db, struct err *err);
/* Looks at the disk, outside of a transaction. */
void history_keep_watch(struct history_keep *k);
/* Samples that end before this are too old; INSTANT_NONE: none is. */
int64_t history_keep_before(const struct history_keep *k, int64_t now_ms);
/* In a transaction: what is too old goes, and room is made.  now_ms INSTANT_NONE, what
 * comes is not dated yet: nothing goes for its age. */
int history_keep_settle(struct history_keep *k, int64_t now_ms, struct err *err);
/* In a transaction: some of the oldest make room.  freed: bytes, about; 0: nothing was
 * there that could go. */
int history_keep_drop(struct history_keep *k, int64_t *freed, struct err *err);
/* After a commit: gives some space back. */
void history_keep_tidy(struct history_keep *k);
/* How the transaction ended. */
void history_keep_ended(struct history_keep *k, bool well);
/* Folds the log back into the file, so that its place serves again: what makes room on
 * a full disk needs some itself. */
void history_keep_fold(struct history_keep *k);

#endif
