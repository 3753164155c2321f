#include "daemon/store/history_aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/model/sample.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history_parts.h"
#include "daemon/store/history_points.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/rollup_builder.h"
#include "daemon/store/tail.h"

/* Of a window: intervals times points.  20 MB at most, and for one point all at once.
 */
#define CELLS_MAX     (UINT32_C(1) << 18)
#define INTERVALS_MAX (UINT32_C(1) << 16)

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

/* ---- a window ---- */

/* The part of a time and place; NULL: outside. */
static inline struct rollup_part *
part_of(struct aggregate_cursor *c, int64_t t_ms, uint32_t place)
{
    int64_t interval = rollup_interval(t_ms, c->step_ms);
    if (interval < c->from || interval > c->to) {
        c->beyond = interval > c->to && interval < c->beyond ? interval : c->beyond;
        return NULL;
    }
    return &c->parts[(size_t)(interval - c->from) * c->list.point_count + place];
}

static void
add_sheet(struct aggregate_cursor *c, const struct sheet *s, int64_t shift)
{
    for (uint32_t k = 0; k < s->columns; k++) {
        uint32_t place = history_points_place(&c->list, s->keys[k]);
        const double *values = sheet_values(s, k);
        const uint16_t *statuses = sheet_statuses(s, k);
        struct rollup_part *p = NULL;
        int64_t begin = 0;
        for (uint32_t i = 0; place != 0 && i < s->rows; i++) {
            int64_t t = (int64_t)((uint64_t)s->t_ms[i] + (uint64_t)shift);
            if (CHUNK_QUALITY(statuses[i]) != QUALITY_GOOD) {
                continue;
            }
            /* Most are of the interval of the one before. */
            if (p == NULL || t < begin || t - begin >= c->step_ms) {
                p = part_of(c, t, place - 1);
                begin = rollup_interval(t, c->step_ms) * c->step_ms;
            }
            if (p != NULL) {
                rollup_part_add(p, t, values[i]);
            }
        }
    }
}

/* One point's values of a block; without any the sheet has no columns.  False when they
 * are damaged. */
static bool
read_values(const struct chunk *chunk,
            uint32_t key,
            const uint16_t *row_statuses,
            struct sheet *s)
{
    struct chunk_part part = {0};
    uint32_t first = key * ROLLUP_COLUMNS, found = 0;
    s->columns = 0;
    for (uint32_t i = 0; i < ROLLUP_VALUES; i++) {
        for (uint32_t row = 0; row < s->rows; row++) {
            sheet_statuses(s, i)[row] = CHUNK_ABSENT;
        }
    }
    while (chunk_next(chunk, &part) && part.key < first + ROLLUP_VALUES) {
        if (part.key >= first) {
            uint32_t i = part.key - first;
            if (!chunk_values(chunk, &part, row_statuses, sheet_values(s, i),
                              sheet_statuses(s, i))) {
                return false;
            }
            found++;
        }
    }
    s->columns = found > 0 ? ROLLUP_VALUES : 0;
    return true;
}

/* What a row says of a point; false: nothing, or not all. */
static bool
stored_part(const struct sheet *s, uint32_t row, struct rollup_part *out)
{
    double last = sheet_values(s, ROLLUP_LAST)[row];
    double count = sheet_values(s, ROLLUP_COUNT)[row];
    uint32_t good = 0, absent = 0;
    for (uint32_t k = 0; k < ROLLUP_VALUES; k++) {
        uint16_t status = sheet_statuses(s, k)[row];
        good += status != CHUNK_ABSENT && CHUNK_QUALITY(status) == QUALITY_GOOD;
        absent += status == CHUNK_ABSENT;
    }
    *out = (struct rollup_part){.min = last,
                                .max = last,
                                .sum = last,
                                .last = last,
                                .last_ms = s->t_ms[row],
                                .count = 1};
    if (good == 1 && absent == ROLLUP_VALUES - 1) {
        return sheet_statuses(s, ROLLUP_LAST)[row] != CHUNK_ABSENT;
    }
    if (good != ROLLUP_VALUES || !(count >= 1 && count < 1e15)) {
        return false;
    }
    out->min = sheet_values(s, ROLLUP_MIN)[row];
    out->max = sheet_values(s, ROLLUP_MAX)[row];
    out->sum = sheet_values(s, ROLLUP_SUM)[row];
    out->count = (uint64_t)count;
    return true;
}

static void
join_values(struct aggregate_cursor *c, const struct sheet *s, uint32_t place)
{
    for (uint32_t i = 0; i < s->rows; i++) {
        struct rollup_part *p = part_of(c, s->t_ms[i], place);
        struct rollup_part part;
        if (p != NULL && stored_part(s, i, &part)) {
            rollup_part_join_stored(p, &part);
        }
    }
}

static int
add_block(struct aggregate_cursor *c,
          const struct history_device *d,
          const void *bytes,
          size_t size,
          struct err *err)
{
    uint16_t row_statuses[CHUNK_ROWS_MAX];
    struct chunk chunk;
    struct sheet *s = &c->sheet;
    sheet_clear(s);
    if (!chunk_open(&chunk, bytes, size)) {
        c->damaged++;
        return 0;
    }
    if (!sheet_reserve(s, chunk.rows, ROLLUP_VALUES)) {
        return no_memory(err);
    }
    if (!chunk_rows(&chunk, s->t_ms, s->flags, row_statuses)) {
        c->damaged++;
        return 0;
    }
    s->rows = chunk.rows;
    for (uint32_t i = d->first; i < d->first + d->count; i++) {
        if (!read_values(&chunk, c->list.points[i].key, row_statuses, s)) {
            c->damaged++;
        } else if (s->columns > 0) {
            join_values(c, s, i);
        }
    }
    return 0;
}

static int
add_rollups(struct aggregate_cursor *c,
            const struct history_device *d,
            int64_t from_ms,
            int64_t end_ms,
            struct err *err)
{
    int step = SQLITE_DONE, rc = 0;
    if (c->rollups == NULL) {
        return 0;
    }
    sqlite3_bind_int64(c->rollups, 1, d->key);
    sqlite3_bind_int64(c->rollups, 2, c->resolution_ms);
    sqlite3_bind_int64(c->rollups, 3, from_ms);
    sqlite3_bind_int64(c->rollups, 4, end_ms);
    while (rc == 0 && (step = sqlite3_step(c->rollups)) == SQLITE_ROW) {
        rc = add_block(c, d, sqlite3_column_blob(c->rollups, 0),
                       (size_t)sqlite3_column_bytes(c->rollups, 0), err);
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(c->db, err, "read") : rc;
    sqlite3_reset(c->rollups);
    return rc;
}

static int
add_chunks(struct aggregate_cursor *c,
           const struct history_device *d,
           int64_t from_ms,
           int64_t end_ms,
           struct err *err)
{
    int step = SQLITE_DONE, rc = 0;
    uint32_t key = d->count == 1 ? c->list.points[d->first].key : 0;
    sqlite3_bind_int64(c->chunks, 1, d->key);
    sqlite3_bind_int64(c->chunks, 2, c->rollups != NULL ? d->rolled : INT64_MIN);
    sqlite3_bind_int64(c->chunks, 3, from_ms);
    sqlite3_bind_int64(c->chunks, 4, end_ms);
    while (rc == 0 && (step = sqlite3_step(c->chunks)) == SQLITE_ROW) {
        enum chunk_result r = chunk_sheet_read(
            sqlite3_column_blob(c->chunks, 1),
            (size_t)sqlite3_column_bytes(c->chunks, 1), key, &c->sheet);
        if (r == CHUNK_NOMEM) {
            rc = no_memory(err);
        } else {
            c->damaged += r == CHUNK_DAMAGED;
            add_sheet(c, &c->sheet, sqlite3_column_int64(c->chunks, 0));
        }
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(c->db, err, "read") : rc;
    sqlite3_reset(c->chunks);
    return rc;
}

/* Sections of the devices that are asked for.  Of one device only its bytes are read.
 */
static int
add_sections(struct aggregate_cursor *c,
             const struct tail *tail,
             const int64_t *section,
             bool one,
             struct err *err)
{
    struct tail_part part = {0};
    int rc = 0;
    while (rc == 0 && tail_next(tail, &part)) {
        uint32_t rank = history_points_rank(&c->list, part.device);
        const struct history_device *d = rank != 0 ? &c->list.devices[rank - 1] : NULL;
        if (d == NULL || section[SECTION_SEQ] <= d->packed) {
            continue;
        }
        rc = one ? parts_need_section(&c->tail_parts, c->db, &part, err) : 0;
        if (rc != 0) {
            return rc;
        }
        enum tail_result r = tail_read_point(
            tail, &part, d->count == 1 ? c->list.points[d->first].key : 0, &c->sheet);
        if (r == TAIL_NOMEM) {
            rc = no_memory(err);
        } else if (r == TAIL_DAMAGED) {
            c->damaged++;
        } else {
            add_sheet(c, &c->sheet, section[SECTION_SHIFT]);
        }
    }
    return rc;
}

static int
add_tail_row(struct aggregate_cursor *c, const int64_t *section, struct err *err)
{
    sqlite3_stmt *row = c->tail_bytes;
    struct tail tail = {.bytes = NULL};
    bool one = c->list.device_count == 1, whole = false;
    int step = SQLITE_ROW, rc = 0;
    if (one) {
        rc = parts_open_tail(&c->tail_parts, c->db, section[SECTION_SEQ], &tail, &whole,
                             err);
    } else {
        sqlite3_bind_int64(row, 1, section[SECTION_SEQ]);
        step = sqlite3_step(row);
        rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0
                                                       : db_error(c->db, err, "read");
        whole = step == SQLITE_ROW && tail_open(&tail, sqlite3_column_blob(row, 0),
                                                (size_t)sqlite3_column_bytes(row, 0));
    }
    if (rc == 0 && whole) {
        rc = add_sections(c, &tail, section, one, err);
    } else if (rc == 0) {
        c->damaged++;
    }
    sqlite3_reset(row);
    return rc;
}

/* What an old schema left. */
static int
add_frames(struct aggregate_cursor *c, int64_t from_ms, int64_t end_ms, struct err *err)
{
    struct blob_sample samples[FRAME_READINGS_MAX];
    int step = SQLITE_DONE;
    if (c->frames == NULL) {
        return 0;
    }
    sqlite3_bind_int64(c->frames, 1, from_ms);
    sqlite3_bind_int64(c->frames, 2, end_ms);
    while ((step = sqlite3_step(c->frames)) == SQLITE_ROW) {
        int64_t t = sqlite3_column_int64(c->frames, 0);
        size_t count = 0;
        if (!frame_blob_decode(samples, FRAME_READINGS_MAX, &count,
                               sqlite3_column_blob(c->frames, 2),
                               (size_t)sqlite3_column_bytes(c->frames, 2))) {
            c->damaged++;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t place = history_points_place(&c->list, samples[i].key);
            struct rollup_part *p = place != 0 ? part_of(c, t, place - 1) : NULL;
            if (p != NULL && samples[i].quality == (uint8_t)QUALITY_GOOD) {
                rollup_part_add(p, t, samples[i].value);
            }
        }
    }
    int rc = step != SQLITE_DONE ? db_error(c->db, err, "read") : 0;
    sqlite3_reset(c->frames);
    return rc;
}

/* In order of recording: an old schema, what is rolled up, chunks, the tail. */
static int
load(struct aggregate_cursor *c, struct err *err)
{
    int64_t from_ms = c->from * c->step_ms, end_ms = (c->to + 1) * c->step_ms;
    int rc = add_frames(c, from_ms, end_ms, err);
    for (size_t i = 0; rc == 0 && i < c->list.device_count; i++) {
        rc = add_rollups(c, &c->list.devices[i], from_ms, end_ms, err);
        rc = rc == 0 ? add_chunks(c, &c->list.devices[i], from_ms, end_ms, err) : rc;
    }
    for (size_t i = 0; rc == 0 && i < c->section_count; i++) {
        const int64_t *s = &c->sections[SECTION_FIELDS * i];
        if (s[SECTION_T1] >= from_ms && s[SECTION_T0] < end_ms) {
            rc = add_tail_row(c, s, err);
        }
    }
    return rc;
}

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
    return c->parts != NULL ? load(c, err) : no_memory(err);
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
