/* Frames of one device as a table: a row is a frame, a column a point.  What the
 * history puts into its tail and its chunks, and what it reads out of them.  Pure.
 *
 * Columns are in order of key.  A status is a CHUNK_STATUS, or CHUNK_ABSENT where the
 * frame does not have the point; a value is one where the status is good. */
#ifndef CARETAKER_STORE_SHEET_H
#define CARETAKER_STORE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/chunk.h"
#include "daemon/store/frame_blob.h"

/* A zeroed one is empty.  All arrays are owned. */
struct sheet {
    uint32_t rows, columns;
    uint32_t row_room, column_room;
    int64_t *t_ms;
    uint16_t *flags;
    uint32_t *keys;
    double *values; /* Column c begins at c * row_room; so do statuses. */
    uint16_t *statuses;
    uint32_t *order; /* For sorting. */
};

void sheet_free(struct sheet *s);
/* No rows, no columns; the memory stays. */
void sheet_clear(struct sheet *s);
/* All below: false without memory; the sheet is then as it was. */
bool sheet_reserve(struct sheet *s, uint32_t rows, uint32_t columns);
/* The column of a key, which is made where it is missing. */
bool sheet_column(struct sheet *s, uint32_t key, uint32_t *column);
/* A row with the samples behind the others.  Of two samples of one point the later
 * counts. */
bool sheet_add(struct sheet *s,
               int64_t t_ms,
               uint16_t flags,
               const struct blob_sample *samples,
               size_t count);
/* The rows [first, first + count) of another one behind the others. */
bool
sheet_append(struct sheet *s, const struct sheet *from, uint32_t first, uint32_t count);
/* How many columns both would have together. */
uint32_t sheet_columns_with(const struct sheet *s, const struct sheet *other);
/* Rows in order of time; those of one time stay as they are. */
bool sheet_sort(struct sheet *s);

static inline double *
sheet_values(const struct sheet *s, uint32_t column)
{
    return s->values + (size_t)column * s->row_room;
}

static inline uint16_t *
sheet_statuses(const struct sheet *s, uint32_t column)
{
    return s->statuses + (size_t)column * s->row_room;
}

/* The samples of a row into `out`, which has room for all columns; how many. */
size_t sheet_samples(const struct sheet *s, uint32_t row, struct blob_sample *out);

#endif
