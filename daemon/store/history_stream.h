/* The three kinds of rows that a cursor merges (history_cursor.h).  A stream stands on
 * a row of a sheet; its flags then hold FRAME_CLOCK_UNTRUSTED, and STREAM_DAMAGED. */
#ifndef CARETAKER_STORE_HISTORY_STREAM_H
#define CARETAKER_STORE_HISTORY_STREAM_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/history_damage.h"
#include "daemon/store/history_parts.h"
#include "daemon/store/history_window.h"
#include "daemon/store/sheet.h"
#include "daemon/store/tail.h"

#define STREAM_DAMAGED 0x8000u

struct stream_device {
    uint32_t key;
    uint32_t point; /* Its point that is asked for; 0: all. */
    int64_t packed; /* Up to this row of the tail it is in chunks. */
    char *id;       /* Owned. */
};

enum stream_kind { STREAM_FRAMES, STREAM_CHUNKS, STREAM_TAIL };

/* A row of the tail's window. */
struct stream_entry {
    int64_t t_ms;
    uint32_t rank, sheet, row;
};

/* What streams have in common. */
struct stream_source {
    sqlite3 *db; /* Borrowed. */
    int64_t from_ms, to_ms;
    struct stream_device *devices; /* In order of id: a rank is an index. */
    size_t device_count;
    uint32_t *ranks; /* By key, from 1; 0: not asked for. */
    size_t rank_count;
    bool sliced; /* Many devices are read: each keeps but a slice of its rows. */
    sqlite3_stmt *list, *chunk, *tail, *frames;
    struct sheet section, window; /* In passing. */
    struct history_damage damage; /* That was met. */
    /* Of one device, or point, only what is asked for is read. */
    struct parts chunk_parts, tail_parts;
};

struct stream {
    enum stream_kind kind;
    int64_t t_ms; /* Of the row, or not later than it, if not `loaded`. */
    uint32_t rank;
    bool loaded, ended;
    const struct sheet *on; /* The row that it stands on. */
    uint32_t row;
    /* Of its own, by kind: */
    struct windows windows;
    struct sheet sheet;
    struct window_part last;   /* CHUNKS: where the list goes on. */
    struct tail_writer slices; /* CHUNKS: rows of the window, coded. */
    struct tail coded;
    struct tail_part part;
    struct sheet *sheets; /* TAIL */
    size_t sheet_count, sheet_room;
    struct stream_entry *entries;
    size_t entry_count, entry_room, entry;
};

/* Stands on the next row, or, not loaded, on the first. */
int stream_step(struct stream *s, struct stream_source *source, struct err *err);

/* The same where that costs nothing; false: stream_step() does it. */
static inline bool
stream_step_within(struct stream *s)
{
    if (s->kind != STREAM_CHUNKS || !s->loaded || s->row + 1 >= s->sheet.rows) {
        return false;
    }
    s->t_ms = s->sheet.t_ms[++s->row];
    return true;
}

void stream_free(struct stream *s);
/* What tail rows there are. */
int stream_list_tail(struct stream *s, struct stream_source *source, struct err *err);

#endif
