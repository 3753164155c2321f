#include "daemon/store/history_check.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/model/sample.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history_points.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/rollup_builder.h"
#include "daemon/store/tail.h"

#define ROWS_AT_ONCE     64
#define STRUCTURE_ERRORS 20
#define STRUCTURE_SHARE  0.2 /* Of the time, about. */

struct checking {
    const struct history_check *check;
    struct history_verdict *out;
    sqlite3 *db;
    struct history_points names;
    struct sheet sheet;
    double begin, share;       /* Of the progress: the table in hand. */
    struct history_finding at; /* What is being looked at. */
};

static void
tell(struct checking *c, enum history_fault fault, uint32_t point_key)
{
    struct history_finding f = c->at;
    uint32_t place = point_key != 0 ? history_points_place(&c->names, point_key) : 0;
    f.fault = fault;
    f.point = place != 0 ? c->names.points[place - 1].id : NULL;
    c->out->findings++;
    c->check->found(c->check->found_ctx, &f);
}

/* The row in hand: its device by key, 0: of several. */
static void
look_at(struct checking *c,
        enum history_part part,
        int64_t row,
        int64_t device,
        int64_t from_ms,
        int64_t to_ms)
{
    uint32_t rank = device > 0 && device <= UINT32_MAX
                        ? history_points_rank(&c->names, (uint32_t)device)
                        : 0;
    c->at = (struct history_finding){.part = part,
                                     .row = row,
                                     .device = rank != 0 ? c->names.devices[rank - 1].id
                                                         : NULL,
                                     .from_ms = from_ms,
                                     .to_ms = to_ms};
    if (device != 0 && rank == 0) {
        tell(c, HISTORY_FAULT_NAME, 0);
    }
}

/* A point of the device in hand. */
static void
check_name(struct checking *c, int64_t device, uint32_t point)
{
    uint32_t place = history_points_place(&c->names, point);
    if (place == 0 ||
        c->names.devices[c->names.points[place - 1].device].key != device) {
        tell(c, HISTORY_FAULT_NAME, 0);
    }
}

/* ---- rows ---- */

/* Reads the rows and all columns; names of damaged ones are told. */
static int
read_chunk(struct checking *c,
           const void *bytes,
           size_t size,
           uint32_t keys_per_point,
           bool *whole,
           struct err *err)
{
    uint16_t row_statuses[CHUNK_ROWS_MAX];
    struct chunk chunk;
    struct chunk_part part = {0};
    struct sheet *s = &c->sheet;
    *whole = false;
    sheet_clear(s);
    if (!chunk_open(&chunk, bytes, size)) {
        tell(c, HISTORY_FAULT_HEAD, 0);
        return 0;
    }
    if (!sheet_reserve(s, chunk.rows, chunk.columns)) {
        return err_set(err, ERR_NOMEM, "history");
    }
    if (!chunk_rows(&chunk, s->t_ms, s->flags, row_statuses)) {
        tell(c, HISTORY_FAULT_HEAD, 0);
        return 0;
    }
    s->rows = chunk.rows;
    *whole = true;
    while (chunk_next(&chunk, &part)) {
        uint32_t k = s->columns;
        if (!chunk_values(&chunk, &part, row_statuses, sheet_values(s, k),
                          sheet_statuses(s, k))) {
            tell(c, HISTORY_FAULT_VALUES, part.key / keys_per_point);
            *whole = false;
            continue;
        }
        s->keys[k] = part.key;
        s->columns++;
    }
    return 0;
}

static void
check_times(struct checking *c, int64_t shift, bool exact)
{
    const struct sheet *s = &c->sheet;
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (uint32_t i = 0; i < s->rows; i++) {
        int64_t t = (int64_t)((uint64_t)s->t_ms[i] + (uint64_t)shift);
        least = t < least ? t : least;
        most = t > most ? t : most;
    }
    if (s->rows > 0 && (exact ? least != c->at.from_ms || most != c->at.to_ms
                              : least < c->at.from_ms || most > c->at.to_ms)) {
        tell(c, HISTORY_FAULT_TIMES, 0);
    }
}

static uint64_t
samples_of(const struct sheet *s)
{
    uint64_t count = 0;
    for (uint32_t k = 0; k < s->columns; k++) {
        for (uint32_t i = 0; i < s->rows; i++) {
            count += sheet_statuses(s, k)[i] != CHUNK_ABSENT;
        }
    }
    return count;
}

static int
check_chunk(struct checking *c, sqlite3_stmt *row, struct err *err)
{
    int64_t device = sqlite3_column_int64(row, 1);
    bool whole;
    look_at(c, HISTORY_PART_CHUNK, sqlite3_column_int64(row, 0), device,
            sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3));
    int rc = read_chunk(c, sqlite3_column_blob(row, 6),
                        (size_t)sqlite3_column_bytes(row, 6), 1, &whole, err);
    if (rc != 0) {
        return rc;
    }
    uint64_t samples = samples_of(&c->sheet);
    check_times(c, sqlite3_column_int64(row, 4), true);
    if (whole && samples != (uint64_t)sqlite3_column_int64(row, 5)) {
        tell(c, HISTORY_FAULT_COUNT, 0);
    }
    for (uint32_t k = 0; k < c->sheet.columns; k++) {
        check_name(c, device, c->sheet.keys[k]);
    }
    c->out->chunks++;
    c->out->samples += samples;
    return 0;
}

static int
check_tail(struct checking *c, sqlite3_stmt *row, struct err *err)
{
    struct tail tail;
    struct tail_part part = {0};
    int64_t seq = sqlite3_column_int64(row, 0);
    int64_t from_ms = sqlite3_column_int64(row, 2),
            to_ms = sqlite3_column_int64(row, 3);
    look_at(c, HISTORY_PART_TAIL, seq, 0, from_ms, to_ms);
    c->out->tail_rows++;
    if (!tail_open(&tail, sqlite3_column_blob(row, 6),
                   (size_t)sqlite3_column_bytes(row, 6))) {
        tell(c, HISTORY_FAULT_HEAD, 0);
        return 0;
    }
    while (tail_next(&tail, &part)) {
        look_at(c, HISTORY_PART_TAIL, seq, part.device, from_ms, to_ms);
        enum tail_result r = tail_read(&tail, &part, &c->sheet);
        if (r == TAIL_NOMEM) {
            return err_set(err, ERR_NOMEM, "history");
        }
        if (r == TAIL_DAMAGED) {
            tell(c, HISTORY_FAULT_HEAD, 0);
            continue;
        }
        check_times(c, sqlite3_column_int64(row, 4), false);
        for (uint32_t k = 0; k < c->sheet.columns; k++) {
            check_name(c, part.device, c->sheet.keys[k]);
        }
        c->out->samples += samples_of(&c->sheet);
    }
    return 0;
}

static bool
is_there(const struct sheet *s, uint32_t column, uint32_t row)
{
    return column < s->columns && sheet_statuses(s, column)[row] != CHUNK_ABSENT;
}

/* Whether each interval of a point, whose columns begin at `first`, has its five
 * numbers, or the last one alone, and they can be. */
static bool
numbers_can_be(const struct sheet *s, uint32_t first)
{
    uint32_t at[ROLLUP_VALUES], point = s->keys[first] / ROLLUP_COLUMNS;
    for (uint32_t i = 0; i < ROLLUP_VALUES; i++) {
        at[i] = UINT32_MAX;
    }
    for (uint32_t k = first; k < s->columns && s->keys[k] / ROLLUP_COLUMNS == point;
         k++) {
        if (s->keys[k] % ROLLUP_COLUMNS >= ROLLUP_VALUES) {
            return false;
        }
        at[s->keys[k] % ROLLUP_COLUMNS] = k;
    }
    for (uint32_t r = 0; r < s->rows; r++) {
        double n[ROLLUP_VALUES] = {0};
        uint32_t there = 0;
        for (uint32_t i = 0; i < ROLLUP_VALUES; i++) {
            if (is_there(s, at[i], r)) {
                n[i] = sheet_values(s, at[i])[r];
                there++;
            }
        }
        bool alone = there == 1 && is_there(s, at[ROLLUP_LAST], r);
        if (there != 0 && !alone &&
            !(there == ROLLUP_VALUES && n[ROLLUP_COUNT] >= 1 &&
              n[ROLLUP_MIN] <= n[ROLLUP_MAX] && n[ROLLUP_LAST] >= n[ROLLUP_MIN] &&
              n[ROLLUP_LAST] <= n[ROLLUP_MAX])) {
            return false;
        }
    }
    return true;
}

static int
check_rollup(struct checking *c, sqlite3_stmt *row, struct err *err)
{
    int64_t device = sqlite3_column_int64(row, 1);
    bool whole;
    look_at(c, HISTORY_PART_ROLLUP, sqlite3_column_int64(row, 0), device,
            sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3));
    int rc =
        read_chunk(c, sqlite3_column_blob(row, 6), (size_t)sqlite3_column_bytes(row, 6),
                   ROLLUP_COLUMNS, &whole, err);
    if (rc != 0) {
        return rc;
    }
    check_times(c, 0, true);
    for (uint32_t k = 0; whole && k < c->sheet.columns; k++) {
        uint32_t point = c->sheet.keys[k] / ROLLUP_COLUMNS;
        if (k == 0 || c->sheet.keys[k - 1] / ROLLUP_COLUMNS != point) {
            check_name(c, device, point);
            if (!numbers_can_be(&c->sheet, k)) {
                tell(c, HISTORY_FAULT_NUMBERS, point);
            }
        }
    }
    c->out->rollups++;
    return 0;
}

static int
check_frame(struct checking *c, sqlite3_stmt *row, struct err *err)
{
    struct blob_sample samples[FRAME_READINGS_MAX];
    size_t count = 0;
    (void)err;
    look_at(c, HISTORY_PART_FRAME, sqlite3_column_int64(row, 0),
            sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2),
            sqlite3_column_int64(row, 3));
    if (!frame_blob_decode(samples, FRAME_READINGS_MAX, &count,
                           sqlite3_column_blob(row, 6),
                           (size_t)sqlite3_column_bytes(row, 6))) {
        tell(c, HISTORY_FAULT_HEAD, 0);
    }
    c->out->frames++;
    c->out->samples += count;
    return 0;
}

/* ---- tables ---- */

struct table {
    const char *name;
    const char *last; /* Its greatest key. */
    const char *rows; /* key, device, from, to, shift, samples, bytes behind ?1. */
    int (*check)(struct checking *, sqlite3_stmt *, struct err *);
    enum history_part part;
    double share; /* Of the progress. */
};

static const struct table tables[] = {
    {"frame", "SELECT max(rowid) FROM frame",
     "SELECT rowid, device, t, t, 0, 0, samples FROM frame WHERE rowid > ?1"
     " ORDER BY rowid LIMIT ?2",
     check_frame, HISTORY_PART_FRAME, 0.05},
    {"chunk", "SELECT max(key) FROM chunk",
     "SELECT key, device, t0, t1, shift, samples, bytes FROM chunk WHERE key > ?1"
     " ORDER BY key LIMIT ?2",
     check_chunk, HISTORY_PART_CHUNK, 0.6},
    {"tail", "SELECT max(seq) FROM tail",
     "SELECT seq, 0, t0, t1, shift, 0, bytes FROM tail WHERE seq > ?1"
     " ORDER BY seq LIMIT ?2",
     check_tail, HISTORY_PART_TAIL, 0.05},
    {"rollup", "SELECT max(key) FROM rollup",
     "SELECT key, device, t0, t1, 0, 0, bytes FROM rollup WHERE key > ?1"
     " ORDER BY key LIMIT ?2",
     check_rollup, HISTORY_PART_ROLLUP, 0.1}};

/* SQLite cannot read on.  Damage is a finding; anything else is an error. */
static int
broken(struct checking *c, enum history_part part, struct err *err)
{
    if (!db_is_damaged(c->db)) {
        return db_error(c->db, err, "read");
    }
    c->at = (struct history_finding){.part = part,
                                     .from_ms = INSTANT_NONE,
                                     .to_ms = INSTANT_NONE,
                                     .text = sqlite3_errmsg(c->db)};
    tell(c, HISTORY_FAULT_STRUCTURE, 0);
    return 0;
}

static void
progress(const struct checking *c, double done)
{
    if (c->check->progress != NULL) {
        c->check->progress(c->check->progress_ctx, c->begin + c->share * done);
    }
}

static int
check_rows(struct checking *c,
           const struct table *t,
           sqlite3_stmt *row,
           struct err *err)
{
    int64_t last = 0, first = INT64_MIN, key = INT64_MIN;
    int rc = db_int(c->db, t->last, 0, &last, err);
    int count = ROWS_AT_ONCE;
    if (rc != 0) {
        return broken(c, t->part, err);
    }
    while (rc == 0 && count == ROWS_AT_ONCE) {
        int step;
        count = 0;
        sqlite3_bind_int64(row, 1, key);
        sqlite3_bind_int(row, 2, ROWS_AT_ONCE);
        while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
            key = sqlite3_column_int64(row, 0);
            first = first == INT64_MIN ? key : first;
            rc = t->check(c, row, err);
            count++;
        }
        if (rc == 0 && step != SQLITE_DONE) {
            count = 0; /* What is behind it cannot be reached. */
            rc = broken(c, t->part, err);
        }
        sqlite3_reset(row);
        /* A table without rows has no first key, and is done. */
        progress(c, last > first && key >= first && first != INT64_MIN
                        ? ((double)key - (double)first) / ((double)last - (double)first)
                        : 1);
    }
    return rc;
}

static int
check_table(struct checking *c, const struct table *t, struct err *err)
{
    sqlite3_stmt *row = NULL;
    bool there = true;
    int rc = 0;
    if (t->part == HISTORY_PART_FRAME) {
        rc = history_has_frames(c->db, &there, err);
    }
    c->share = t->share;
    if (rc == 0 && there) {
        rc = db_prepare(c->db, &row, t->rows, err);
        rc = rc == 0 ? check_rows(c, t, row, err) : rc;
    }
    sqlite3_finalize(row);
    c->begin += t->share;
    return rc;
}

/* Pages, their order, and the indexes: what SQLite itself finds. */
static int
check_structure(struct checking *c, struct err *err)
{
    sqlite3_stmt *row = NULL;
    char sql[64];
    int step = SQLITE_DONE;
    c->share = STRUCTURE_SHARE;
    progress(c, 0);
    snprintf(sql, sizeof sql, "PRAGMA integrity_check(%d)", STRUCTURE_ERRORS);
    int rc = db_prepare(c->db, &row, sql, err);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (text == NULL || strcmp(text, "ok") != 0) {
            c->at = (struct history_finding){.part = HISTORY_PART_FILE,
                                             .from_ms = INSTANT_NONE,
                                             .to_ms = INSTANT_NONE,
                                             .text = text};
            tell(c, HISTORY_FAULT_STRUCTURE, 0);
        }
    }
    if (rc == 0 && step != SQLITE_DONE) {
        rc = broken(c, HISTORY_PART_FILE, err);
    }
    sqlite3_finalize(row);
    progress(c, 1);
    return rc;
}

/* Damage that was found before, and why. */
static int
list_set_aside(struct checking *c, struct err *err)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = db_prepare(
        c->db, &row, "SELECT row, device, t0, t1, why FROM damaged ORDER BY key", err);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t device = sqlite3_column_int64(row, 1);
        uint32_t rank = device > 0 && device <= UINT32_MAX
                            ? history_points_rank(&c->names, (uint32_t)device)
                            : 0;
        const struct history_finding f = {
            .part = HISTORY_PART_SET_ASIDE,
            .row = sqlite3_column_int64(row, 0),
            .device = rank != 0 ? c->names.devices[rank - 1].id : NULL,
            .from_ms = sqlite3_column_int64(row, 2),
            .to_ms = sqlite3_column_int64(row, 3),
            .text = (const char *)sqlite3_column_text(row, 4)};
        c->out->set_aside++;
        c->check->found(c->check->found_ctx, &f);
    }
    if (rc == 0 && step != SQLITE_DONE) {
        rc = broken(c, HISTORY_PART_FILE, err);
    }
    sqlite3_finalize(row);
    return rc;
}

static int
check_all(struct checking *c, struct err *err)
{
    int64_t pages = 0, page_bytes = 0;
    int rc = db_check_version(c->db, HISTORY_SCHEMA_VERSION, err);
    rc = rc == 0 ? db_int(c->db, "PRAGMA page_count", 0, &pages, err) : rc;
    rc = rc == 0 ? db_int(c->db, "PRAGMA page_size", 0, &page_bytes, err) : rc;
    c->out->bytes = (uint64_t)(pages * page_bytes);
    rc = rc == 0 ? history_points_read(&c->names, c->db, NULL, NULL, err) : rc;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(tables); i++) {
        rc = check_table(c, &tables[i], err);
    }
    rc = rc == 0 ? list_set_aside(c, err) : rc;
    return rc == 0 ? check_structure(c, err) : rc;
}

int
history_check(const struct history_check *check,
              struct history_verdict *out,
              struct err *err)
{
    struct checking c = {.check = check, .out = out};
    char path[DB_PATH_BYTES];
    *out = (struct history_verdict){0};
    int rc = db_path(path, check->data_dir, HISTORY_FILE, err);
    rc = rc == 0 ? db_open(&c.db, path, DB_READ, err) : rc;
    rc = rc == 0 ? check_all(&c, err) : rc;
    if (rc != 0 && c.db != NULL && db_is_damaged(c.db)) {
        rc = broken(&c, HISTORY_PART_FILE, err); /* Nothing of it can be read. */
    }
    history_points_free(&c.names);
    sheet_free(&c.sheet);
    db_close(c.db);
    return rc;
}
