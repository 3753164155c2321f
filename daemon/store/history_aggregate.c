#include "daemon/store/history_aggregate.h"

#include <stdlib.h>

#include "daemon/store/db.h"
#include "daemon/store/history_aggregate_internal.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/rollup_builder.h"

/* Of a window: intervals times points.  20 MB at most, and for one point all at once.
 */
#define CELLS_MAX     (UINT32_C(1) << 18)
#define INTERVALS_MAX (UINT32_C(1) << 16)

static int
no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "history");
}

/* ---- opening ---- */

static int
list_tail(struct aggregate_cursor *c, struct err *err)
{
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int step = SQLITE_DONE;
    int rc = db_prepare(c->db, &row,
                        "SELECT seq, t0, t1, shift FROM tail"
                        " WHERE untrusted = 0 AND seq > ?1 ORDER BY seq",
                        err);
    if (rc == 0) { /* Of one device what is in chunks is not looked at. */
        sqlite3_bind_int64(
            row, 1, c->list.device_count == 1 ? c->list.devices[0].packed : INT64_MIN);
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        if (c->section_count == room) {
            room += room / 2 + 64;
            int64_t *grown =
                realloc(c->sections, SECTION_FIELDS * room * sizeof *grown);
            if (grown == NULL) {
                rc = no_memory(err);
                break;
            }
            c->sections = grown;
        }
        for (int i = 0; i < SECTION_FIELDS; i++) {
            c->sections[SECTION_FIELDS * c->section_count + (size_t)i] =
                sqlite3_column_int64(row, i);
        }
        c->section_count++;
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(c->db, err, "read") : rc;
    sqlite3_finalize(row);
    return rc;
}

static int
prepare(struct aggregate_cursor *c, struct err *err)
{
    bool has_frames = false;
    int rc = history_has_frames(c->db, &has_frames, err);
    if (rc == 0 && c->resolution_ms != 0) {
        rc = db_prepare(c->db, &c->rollups,
                        "SELECT bytes FROM rollup WHERE device = ?1 AND resolution = ?2"
                        " AND t1 >= ?3 AND t0 < ?4 ORDER BY key",
                        err);
    }
    rc = rc == 0 ? db_prepare(c->db, &c->chunks,
                              "SELECT shift, bytes FROM chunk INDEXED BY chunk_device"
                              " WHERE device = ?1 AND key > ?2 AND t1 >= ?3"
                              " AND t0 < ?4 AND untrusted = 0 ORDER BY key",
                              err)
                 : rc;
    rc = rc == 0 ? db_prepare(c->db, &c->tail_bytes,
                              "SELECT bytes FROM tail WHERE seq = ?1", err)
                 : rc;
    rc = rc == 0 ? db_prepare(c->db, &c->next,
                              "SELECT min(?4, ifnull((SELECT min(t0) FROM chunk"
                              "  WHERE device = ?1 AND t0 >= ?2), ?4), ifnull((SELECT"
                              "  min(t0) FROM rollup WHERE device = ?1"
                              "  AND resolution = ?3 AND t0 >= ?2), ?4))",
                              err)
                 : rc;
    if (rc == 0 && has_frames) {
        rc = db_prepare(c->db, &c->frames,
                        "SELECT t, device, samples FROM frame WHERE t >= ?1 AND t < ?2"
                        " AND flags & 1 = 0 ORDER BY t, rowid",
                        err);
    }
    return rc;
}

static int
least_of(sqlite3 *db,
         const char *sql,
         const char *device,
         int64_t resolution_ms,
         int64_t *out,
         struct err *err)
{
    sqlite3_stmt *row = NULL;
    int rc = db_prepare(db, &row, sql, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_text(row, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_int64(row, 2, resolution_ms);
    if (sqlite3_step(row) != SQLITE_ROW) {
        rc = db_error(db, err, "read");
    } else if (sqlite3_column_type(row, 0) != SQLITE_NULL &&
               sqlite3_column_int64(row, 0) < *out) {
        *out = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    return rc;
}

/* By the index of each device: nothing is scanned. */
int
aggregate_oldest(sqlite3 *db,
                 int64_t resolution_ms,
                 const char *device,
                 int64_t *out,
                 struct err *err)
{
    static const char *const samples[] = {
        "SELECT min((SELECT t0 FROM chunk WHERE device = d.key AND untrusted = 0"
        "  ORDER BY t0 LIMIT 1)) FROM device d"
        " WHERE (?1 IS NULL OR id = ?1) AND ?2 IS NOT NULL",
        "SELECT min(t0) FROM tail WHERE untrusted = 0 AND (?1 IS NULL OR ?1 <> '')"
        " AND ?2 IS NOT NULL",
        "SELECT min(t) FROM frame WHERE flags & 1 = 0 AND (?1 IS NULL OR ?1 <> '')"
        " AND ?2 IS NOT NULL"};
    static const char rollups[] =
        "SELECT min((SELECT min(t0) FROM rollup WHERE device = d.key"
        "  AND resolution = ?2)) FROM device d WHERE ?1 IS NULL OR id = ?1";
    bool has_frames = false;
    *out = INT64_MAX;
    if (resolution_ms != 0) {
        return least_of(db, rollups, device, resolution_ms, out, err);
    }
    int rc = history_has_frames(db, &has_frames, err);
    for (size_t i = 0; rc == 0 && i < (has_frames ? 3 : 2); i++) {
        rc = least_of(db, samples[i], device, 0, out, err);
    }
    return rc;
}

/* Where what there is begins and ends: windows beside it are not looked at. */
static int
narrow(struct aggregate_cursor *c, const char *device, struct err *err)
{
    static const char *const newest[] = {"SELECT max(t1) FROM chunk",
                                         "SELECT max(t1) FROM tail",
                                         "SELECT max(t1) FROM rollup"
                                         " WHERE resolution = 60000",
                                         "SELECT max(t1) FROM rollup"
                                         " WHERE resolution = 3600000",
                                         "SELECT max(t) FROM frame"};
    int64_t from = INT64_MAX, to = INT64_MIN, one;
    int rc = aggregate_oldest(c->db, 0, device, &from, err);
    if (rc == 0 && c->resolution_ms != 0) {
        rc = aggregate_oldest(c->db, c->resolution_ms, device, &one, err);
        from = rc == 0 && one < from ? one : from;
    }
    for (size_t i = 0; rc == 0 && i < (c->frames != NULL ? 5 : 4); i++) {
        rc = db_int(c->db, newest[i], INT64_MIN, &one, err);
        to = rc == 0 && one > to ? one : to;
    }
    if (rc != 0 || from > to) {
        c->ended = true;
        return rc;
    }
    int64_t first = rollup_interval(from, c->step_ms);
    int64_t last = rollup_interval(to, c->step_ms);
    c->first = first > c->first ? first : c->first;
    c->last = last < c->last ? last : c->last;
    c->ended = c->first > c->last || c->list.point_count == 0;
    return 0;
}

int
aggregate_open(struct aggregate_cursor **out,
               sqlite3 *db,
               const struct aggregate_filter *filter,
               struct err *err)
{
    struct aggregate_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return no_memory(err);
    }
    c->db = db;
    c->step_ms = filter->step_ms > 0 ? filter->step_ms : ROLLUP_MINUTE_MS;
    c->resolution_ms = c->step_ms % ROLLUP_HOUR_MS == 0     ? ROLLUP_HOUR_MS
                       : c->step_ms % ROLLUP_MINUTE_MS == 0 ? ROLLUP_MINUTE_MS
                                                            : 0;
    c->first = rollup_interval(filter->from_ms, c->step_ms);
    c->first += filter->from_ms % c->step_ms != 0; /* Only what begins in it. */
    c->last = rollup_interval(filter->to_ms, c->step_ms);
    int rc = history_points_read(&c->list, db, filter->device, filter->point, err);
    rc = rc == 0 ? prepare(c, err) : rc;
    rc = rc == 0 ? narrow(c, filter->device, err) : rc;
    rc = rc == 0 && !c->ended ? list_tail(c, err) : rc;
    if (rc != 0) {
        aggregate_close(c);
        return rc;
    }
    c->to = c->first - 1;
    *out = c;
    return 0;
}

void
aggregate_close(struct aggregate_cursor *c)
{
    if (c == NULL) {
        return;
    }
    history_points_free(&c->list);
    free(c->sections);
    free(c->parts);
    sheet_free(&c->sheet);
    sqlite3_finalize(c->rollups);
    sqlite3_finalize(c->chunks);
    parts_free(&c->tail_parts);
    sqlite3_finalize(c->tail_bytes);
    sqlite3_finalize(c->frames);
    sqlite3_finalize(c->next);
    free(c);
}

/* ---- windows ---- */

/* Behind an empty window: begins where something is, however long there is nothing. */
static int
skip_gap(struct aggregate_cursor *c, struct err *err)
{
    int64_t from_ms = c->from * c->step_ms, next_ms = c->last * c->step_ms;
    int rc = 0;
    for (size_t i = 0; i < c->section_count; i++) {
        int64_t t0 = c->sections[SECTION_FIELDS * i + SECTION_T0];
        next_ms = t0 >= from_ms && t0 < next_ms ? t0 : next_ms;
    }
    for (size_t i = 0; rc == 0 && i < c->list.device_count; i++) {
        sqlite3_bind_int64(c->next, 1, c->list.devices[i].key);
        sqlite3_bind_int64(c->next, 2, from_ms);
        sqlite3_bind_int64(c->next, 3, c->resolution_ms);
        sqlite3_bind_int64(c->next, 4, next_ms);
        rc = sqlite3_step(c->next) == SQLITE_ROW ? 0 : db_error(c->db, err, "read");
        next_ms = rc == 0 ? sqlite3_column_int64(c->next, 0) : next_ms;
        sqlite3_reset(c->next);
    }
    int64_t next = rollup_interval(next_ms, c->step_ms);
    next = c->beyond < next ? c->beyond : next;
    c->from = next > c->from ? next : c->from;
    return rc;
}

/* The next window; `ended` when there is none. */
static int
next_window(struct aggregate_cursor *c, struct err *err)
{
    int64_t most = CELLS_MAX / (int64_t)c->list.point_count;
    most = most < 1 ? 1 : most > INTERVALS_MAX ? INTERVALS_MAX : most;
    c->from = c->to + 1;
    /* Frames of an old schema are asked for as they come. */
    int rc = c->parts != NULL && !c->found && c->frames == NULL ? skip_gap(c, err) : 0;
    if (rc != 0 || c->from > c->last) {
        c->ended = true;
        return rc;
    }
    c->to = c->last - c->from < most ? c->last : c->from + most - 1;
    free(c->parts);
    c->parts =
        calloc((size_t)(c->to - c->from + 1) * c->list.point_count, sizeof *c->parts);
    c->at = 0;
    c->found = false;
    c->beyond = INT64_MAX;
    return c->parts != NULL ? aggregate_load(c, err) : no_memory(err);
}

uint64_t
aggregate_damaged(const struct aggregate_cursor *c)
{
    return c->damaged;
}

int
aggregate_next(struct aggregate_cursor *c,
               struct aggregate_row *out,
               bool *more,
               struct err *err)
{
    while (!c->ended) {
        size_t count =
            c->parts != NULL ? (size_t)(c->to - c->from + 1) * c->list.point_count : 0;
        while (c->at < count && c->parts[c->at].count == 0) {
            c->at++;
        }
        if (c->at < count) {
            const struct rollup_part *p = &c->parts[c->at];
            const struct history_point *point =
                &c->list.points[c->at % c->list.point_count];
            *out = (struct aggregate_row){
                .t_ms = (c->from + (int64_t)(c->at / c->list.point_count)) * c->step_ms,
                .device = c->list.devices[point->device].id,
                .point = point->id,
                .min = p->min,
                .max = p->max,
                .sum = rollup_part_sum(p),
                .last = p->last,
                .last_ms = p->last_ms,
                .count = p->count};
            c->at++;
            c->found = *more = true;
            return 0;
        }
        int rc = next_window(c, err);
        if (rc != 0) {
            return rc;
        }
    }
    *more = false;
    return 0;
}
