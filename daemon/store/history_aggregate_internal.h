/* What the files of history_aggregate.h share. */
#ifndef CARETAKER_STORE_HISTORY_AGGREGATE_INTERNAL_H
#define CARETAKER_STORE_HISTORY_AGGREGATE_INTERNAL_H

#include "daemon/store/history_aggregate.h"
#include "daemon/store/history_parts.h"
#include "daemon/store/history_points.h"
#include "daemon/store/rollup_part.h"
#include "daemon/store/sheet.h"

enum { SECTION_SEQ, SECTION_T0, SECTION_T1, SECTION_SHIFT, SECTION_FIELDS };

struct aggregate_cursor {
    sqlite3 *db;                    /* Borrowed. */
    int64_t step_ms, resolution_ms; /* 0: out of samples alone. */
    int64_t first, last;            /* Intervals of step_ms that are asked for. */
    struct history_points list;
    sqlite3_stmt *rollups, *chunks, *tail_bytes, *frames, *next;
    int64_t *sections; /* Of the tail: SECTION_... of each row. */
    struct parts tail_parts;
    size_t section_count;
    struct sheet sheet;
    /* The window: parts[(interval - from) * point_count + place]. */
    struct rollup_part *parts;
    int64_t from, to; /* Intervals. */
    size_t at;        /* The next part. */
    bool found;       /* The window had some. */
    int64_t beyond;   /* The first behind it, of what it was made of. */
    bool ended;
    uint64_t damaged; /* Spans that could not be read. */
};

/* Adds up all that lies in the window [from, to] into `parts`, which are zeroed. */
int aggregate_load(struct aggregate_cursor *c, struct err *err);

#endif
