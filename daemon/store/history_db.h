/* The tables of history.db and the writer's side of them.  One thread at a time. */
#ifndef CARETAKER_STORE_HISTORY_DB_H
#define CARETAKER_STORE_HISTORY_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"
#include "daemon/store/history_schema.h"

struct history_db;

/* A file that SQLite refuses is moved aside, with its log, to
 * history.db.damaged-YYYYMMDD-HHMMSS (local time), logged, and a new one begun.
 * `site` is borrowed until history_db_close(). */
int history_db_open(struct history_db **out,
                    const char *dir,
                    const struct site *site,
                    struct err *err);
void history_db_close(struct history_db *h); /* NULL is accepted. */

/* Whether the machine's clock once was. */
bool history_db_was_synchronised(const struct history_db *h);

enum history_trouble {
    HISTORY_FULL,    /* The disk, or what `max_size` allows. */
    HISTORY_DAMAGED, /* The file must be set aside. */
    HISTORY_OTHER
};

/* Writes the frames (`size` bytes of them, one behind the other) in one transaction: as
 * a row of the tail.  Among them may be records of the clock (history_clock.h).  In it
 * some devices that are due move from the tail into chunks, some frames of an old
 * schema into the tail, and some of what is too old by `now_ms` goes, and makes room
 * (history_keep.h).  now_ms INSTANT_NONE: nothing goes for its age.  After a failure
 * nothing of it was written and `trouble` says what can be done. */
int history_db_write(struct history_db *h,
                     const unsigned char *frames,
                     size_t size,
                     int64_t now_ms,
                     enum history_trouble *trouble,
                     struct err *err);
struct history_import_counts {
    uint64_t known;     /* Samples that were there, and are not written. */
    uint64_t differing; /* Written beside another one of the same point and time. */
};
/* Writes in one transaction the samples of the frames that are not there already, with
 * the same time, point, value, quality and detail, in whatever frame.  After a failure
 * nothing of it was written. */
int history_db_import(struct history_db *h,
                      const unsigned char *frames,
                      size_t size,
                      struct history_import_counts *counts,
                      struct err *err);
/* Moves all that is in the tail into chunks. */
int history_db_pack(struct history_db *h, struct err *err);
/* Spans that were found damaged within a day. */
uint64_t history_db_damaged(const struct history_db *h);
/* Deletes the oldest frames to make room. */
int history_db_drop_oldest(struct history_db *h, struct err *err);
struct history_db_space {
    bool full;          /* The oldest make room for want of disk. */
    int64_t present_ms; /* The last `now_ms`, about; INSTANT_NONE: there was none. */
};
struct history_db_space history_db_space(const struct history_db *h);
/* Closes the damaged file, moves it aside and begins a new one. */
int history_db_set_aside(struct history_db *h, struct err *err);

#endif
