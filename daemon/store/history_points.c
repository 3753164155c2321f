#include "daemon/store/history_points.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/db.h"

static int
no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "history");
}

/* An array by key that says where. */
static bool
note(uint32_t **places, size_t *count, uint32_t key, uint32_t place)
{
    if (key >= *count) {
        size_t room = key + key / 2 + 64;
        uint32_t *grown = realloc(*places, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        memset(grown + *count, 0, (room - *count) * sizeof *grown);
        *places = grown;
        *count = room;
    }
    (*places)[key] = place;
    return true;
}

static bool
grow(void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return true;
    }
    size_t wanted = *room + *room / 2 + 16;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *room = wanted;
    return true;
}

static const char *
text(sqlite3_stmt *row, int column)
{
    const char *t = (const char *)sqlite3_column_text(row, column);
    return t != NULL ? t : "";
}

static int
add_device(struct history_points *l, sqlite3_stmt *row, struct err *err)
{
    void *devices = l->devices;
    uint32_t key = (uint32_t)sqlite3_column_int64(row, 0);
    if (!grow(&devices, &l->device_room, l->device_count, sizeof *l->devices)) {
        return no_memory(err);
    }
    l->devices = devices;
    struct history_device *d = &l->devices[l->device_count++];
    *d = (struct history_device){.key = key,
                                 .packed = sqlite3_column_int64(row, 2),
                                 .rolled = sqlite3_column_int64(row, 3),
                                 .first = (uint32_t)l->point_count,
                                 .id = strdup(text(row, 1))};
    return d->id != NULL &&
                   note(&l->ranks, &l->rank_count, key, (uint32_t)l->device_count)
               ? 0
               : no_memory(err);
}

static int
add_point(struct history_points *l, sqlite3_stmt *row, struct err *err)
{
    void *points = l->points;
    uint32_t key = (uint32_t)sqlite3_column_int64(row, 4);
    if (!grow(&points, &l->point_room, l->point_count, sizeof *l->points)) {
        return no_memory(err);
    }
    l->points = points;
    struct history_point *p = &l->points[l->point_count++];
    *p = (struct history_point){.key = key,
                                .device = (uint32_t)l->device_count - 1,
                                .id = strdup(text(row, 5))};
    l->devices[p->device].count++;
    return p->id != NULL &&
                   note(&l->places, &l->place_count, key, (uint32_t)l->point_count)
               ? 0
               : no_memory(err);
}

int
history_points_read(struct history_points *l,
                    sqlite3 *db,
                    const char *device,
                    const char *point,
                    struct err *err)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = db_prepare(db, &row,
                        "SELECT d.key, d.id, ifnull(k.seq, 0), ifnull(k.rolled, 0),"
                        " p.key, p.id FROM device d JOIN point p ON p.device = d.key"
                        " LEFT JOIN packed k ON k.device = d.key"
                        " WHERE (?1 IS NULL OR d.id = ?1) AND (?2 IS NULL OR p.id = ?2)"
                        " ORDER BY d.id, p.id",
                        err);
    if (rc == 0) {
        sqlite3_bind_text(row, 1, device, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, point, -1, SQLITE_STATIC);
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        if (l->device_count == 0 || l->devices[l->device_count - 1].key !=
                                        (uint32_t)sqlite3_column_int64(row, 0)) {
            rc = add_device(l, row, err);
        }
        rc = rc == 0 ? add_point(l, row, err) : rc;
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(db, err, "read") : rc;
    sqlite3_finalize(row);
    return rc;
}

void
history_points_free(struct history_points *l)
{
    for (size_t i = 0; i < l->device_count; i++) {
        free(l->devices[i].id);
    }
    for (size_t i = 0; i < l->point_count; i++) {
        free(l->points[i].id);
    }
    free(l->devices);
    free(l->points);
    free(l->places);
    free(l->ranks);
}
