/* Of history_aggregate.h: what lies in a window, out of roll-ups, chunks, the tail and
 * what an old schema left. */
#include "daemon/model/sample.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history_aggregate_internal.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/rollup_builder.h"
#include "daemon/store/tail.h"

static int
no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "history");
}

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
int
aggregate_load(struct aggregate_cursor *c, struct err *err)
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
