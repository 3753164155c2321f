/* Sheets of samples into sheets of roll-ups (history_rollup.h): of some points of one
 * device, at one resolution.  Pure. */
#ifndef CARETAKER_STORE_ROLLUP_BUILDER_H
#define CARETAKER_STORE_ROLLUP_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/chunk.h"
#include "daemon/store/rollup_part.h"
#include "daemon/store/sheet.h"

#define ROLLUP_VALUES     5 /* Columns of a point. */
#define ROLLUP_POINTS_MAX (CHUNK_COLUMNS_MAX / ROLLUP_VALUES)

/* A zeroed one is new, once it has its resolution. */
struct rollup_builder {
    int64_t resolution_ms;
    int64_t interval; /* That is open: time / resolution. */
    bool open;
    uint32_t points;
    uint32_t keys[ROLLUP_POINTS_MAX];
    struct rollup_part parts[ROLLUP_POINTS_MAX];
    struct sheet out; /* Owned. */
};

/* Division that rounds down. */
static inline int64_t
rollup_interval(int64_t t_ms, int64_t resolution_ms)
{
    return t_ms / resolution_ms - (t_ms % resolution_ms < 0);
}

/* The place of a point, which gets one while there is room; -1: there is none. */
int rollup_builder_place(struct rollup_builder *b, uint32_t key);
/* Rows [first, first + count) of the sheet, all of one interval; `places` says of each
 * column of the sheet where it goes, -1: nowhere.  False without memory. */
bool rollup_builder_add(struct rollup_builder *b,
                        const struct sheet *s,
                        const int *places,
                        uint32_t first,
                        uint32_t count,
                        int64_t shift_ms);
/* The open interval goes to `out`.  False without memory. */
bool rollup_builder_end(struct rollup_builder *b);
void rollup_builder_free(struct rollup_builder *b);

#endif
