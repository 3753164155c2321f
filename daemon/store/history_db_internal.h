/* What the files of history_db.h share. */
#ifndef CARETAKER_STORE_HISTORY_DB_INTERNAL_H
#define CARETAKER_STORE_HISTORY_DB_INTERNAL_H

#include <sqlite3.h>

#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history_clock.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_keep.h"
#include "daemon/store/history_scrub.h"
#include "daemon/store/history_tail.h"

enum history_sql {
    SQL_ADD_DEVICE,
    SQL_DEVICE_KEY,
    SQL_ADD_POINT,
    SQL_POINT_KEY,
    SQL_COUNT
};

struct history_db {
    sqlite3 *db;
    sqlite3_stmt *kept[SQL_COUNT];
    struct history_tail *tail;
    struct history_clock clock;
    struct history_scrub scrub;
    const struct site *site;
    char dir[DB_PATH_BYTES];
    char path[DB_PATH_BYTES];
    uint32_t *device_keys; /* By index of the site; 0: not known yet. */
    uint32_t *point_keys;
    uint32_t *point_of_key; /* Back; index + 1, 0: not of the site. */
    uint32_t point_of_key_count;
    struct history_keep keep;
    int64_t version; /* Of the data, as other connections left it. */
    bool has_frames; /* Of schema 1; had: before this transaction. */
    bool had_frames;
    struct blob_sample samples[FRAME_READINGS_MAX]; /* Of a frame. */
};

/* The frame's samples into `samples`, with keys that are learnt where they are new. */
int history_db_samples(struct history_db *h, const struct frame *f, struct err *err);
/* Gathers the first `count` of `samples` as a frame of the time and device of `f`. */
int history_db_take(struct history_db *h,
                    const struct frame *f,
                    size_t count,
                    struct err *err);
/* Begins a transaction that writes. */
int history_db_begin(struct history_db *h, struct err *err);
/* What else is done in the transaction that writes frames. */
int history_db_settle(struct history_db *h, int64_t now_ms, struct err *err);
/* The transaction is on disk: what comes behind it. */
void history_db_kept(struct history_db *h);
/* Undoes the transaction.  Returns the code of `err`. */
int
history_db_failed(struct history_db *h, enum history_trouble *trouble, struct err *err);

#endif
