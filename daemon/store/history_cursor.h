/* Frames of the history in order of time, then of device's id, then as recorded, out of
 * chunks, the tail and what an old schema left.  Holds some rows of each device at a
 * time, however long the reading.
 *
 * The caller keeps one transaction open from history_cursor_open() to its close: what
 * moves from the tail into chunks meanwhile would be met twice, or never. */
#ifndef CARETAKER_STORE_HISTORY_CURSOR_H
#define CARETAKER_STORE_HISTORY_CURSOR_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history_damage.h"

struct history_filter {
    int64_t from_ms, to_ms; /* Both included. */
    const char *device;     /* Id; NULL: all.  Borrowed while opening. */
    const char *point;      /* The same.  Other points are not decoded. */
};

struct history_row {
    int64_t t_ms;
    uint32_t device;       /* Its key, */
    const char *device_id; /* and name: borrowed until the cursor is closed. */
    bool untrusted;        /* The clock was. */
    bool damaged;          /* About here something cannot be read; it has no samples. */
    size_t count;
    const struct blob_sample *samples; /* By key; borrowed until the next call. */
};

struct history_cursor;
int history_cursor_open(struct history_cursor **out,
                        sqlite3 *db,
                        const struct history_filter *filter,
                        struct err *err);
void history_cursor_close(struct history_cursor *c); /* NULL is accepted. */
/* What could not be read so far; as long as the cursor. */
const struct history_damage *history_cursor_damage(const struct history_cursor *c);
/* `more` false: there is none. */
int history_cursor_next(struct history_cursor *c,
                        struct history_row *out,
                        bool *more,
                        struct err *err);

/* Samples of one point that follow each other; borrowed until the next call. */
struct history_run {
    size_t count;
    const int64_t *t_ms;
    const double *values;
    const uint16_t *statuses; /* CHUNK_STATUS, or CHUNK_ABSENT: it has none. */
    const uint16_t *flags;    /* FRAME_... */
};
/* Rows right behind the one that history_cursor_next() gave last, as many as are at
 * hand, where one device and point are asked for.  Other rows it gives alone. */
void history_cursor_run(struct history_cursor *c, struct history_run *out);

#endif
