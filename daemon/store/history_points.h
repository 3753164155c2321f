/* Names and keys of what a reader is asked for. */
#ifndef CARETAKER_STORE_HISTORY_POINTS_H
#define CARETAKER_STORE_HISTORY_POINTS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

struct history_point {
    uint32_t key;
    uint32_t device; /* Index of its device. */
    char *id;        /* Owned. */
};
struct history_device {
    uint32_t key;
    int64_t packed, rolled; /* As in the table `packed`. */
    uint32_t first, count;  /* Its points. */
    char *id;               /* Owned. */
};

/* A zeroed one is empty. */
struct history_points {
    struct history_device *devices; /* In order of id, */
    size_t device_count, device_room;
    struct history_point *points; /* as are the points of each. */
    size_t point_count, point_room;
    uint32_t *places; /* By key of a point, from 1; 0: not asked for. */
    size_t place_count;
    uint32_t *ranks; /* The same of devices. */
    size_t rank_count;
};

/* All that have these ids; NULL: any. */
int history_points_read(struct history_points *l,
                        sqlite3 *db,
                        const char *device,
                        const char *point,
                        struct err *err);
void history_points_free(struct history_points *l);

/* Index + 1 of a point or device by its key; 0: it is not asked for. */
static inline uint32_t
history_points_place(const struct history_points *l, uint32_t key)
{
    return key < l->place_count ? l->places[key] : 0;
}
static inline uint32_t
history_points_rank(const struct history_points *l, uint32_t key)
{
    return key < l->rank_count ? l->ranks[key] : 0;
}

#endif
