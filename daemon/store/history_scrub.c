#include "daemon/store/history_scrub.h"

#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/history_db_internal.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_tail_internal.h"
#include "daemon/store/rollup_builder.h"

#define WEEK_MS       INT64_C(604800000)
#define ROWS_MAX      32     /* With one flush, */
#define ROW_BYTES_MAX 262144 /* or as many as have so many bytes. */
#define TORN          "page: torn"

static const struct {
    const char *name, *range, *next, *read, *replace, *drop;
} tables[SCRUB_TABLES] = {
    [SCRUB_CHUNK] =
        {"chunk", "SELECT (SELECT min(key) FROM chunk), (SELECT max(key) FROM chunk)",
         "SELECT key, device, t0, t1, untrusted, shift FROM chunk WHERE key > ?1"
         " ORDER BY key LIMIT 1",
         "SELECT bytes FROM chunk WHERE key = ?1",
         "UPDATE chunk SET samples = ?2, bytes = ?3 WHERE key = ?1",
         "DELETE FROM chunk WHERE key = ?1"},
    [SCRUB_ROLLUP] =
        {"rollup",
         "SELECT (SELECT min(key) FROM rollup), (SELECT max(key) FROM rollup)",
         "SELECT key, device, t0, t1, 0, 0 FROM rollup WHERE key > ?1"
         " ORDER BY key LIMIT 1",
         "SELECT bytes FROM rollup WHERE key = ?1",
         "UPDATE rollup SET bytes = ?3 WHERE key = ?1 AND ?2 IS NOT NULL",
         "DELETE FROM rollup WHERE key = ?1"},
};

void
scrub_suspect(struct scrub_suspects *s, enum scrub_table table, int64_t key)
{
    if (s->count[table] < ARRAY_LEN(s->keys[table])) {
        s->keys[table][s->count[table]++] = key;
    }
}

/* Runs a statement that gives no rows, and ends it. */
static int
run(sqlite3 *db, sqlite3_stmt *stmt, struct err *err)
{
    int rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : db_error(db, err, "write");
    sqlite3_finalize(stmt);
    return rc;
}

/* ---- the table ---- */

static int
shorten(sqlite3 *db, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(db, &stmt,
                        "DELETE FROM damaged WHERE key <="
                        " (SELECT max(key) FROM damaged) - ?1",
                        err);
    if (rc == 0) {
        sqlite3_bind_int(stmt, 1, HISTORY_DAMAGED_ROWS_MAX);
        rc = run(db, stmt, err);
    }
    rc = rc == 0 ? db_prepare(db, &stmt,
                              "UPDATE damaged SET bytes = NULL WHERE bytes IS NOT NULL"
                              " AND key <= (SELECT max(key) FROM damaged) - ?1",
                              err)
                 : rc;
    if (rc == 0) {
        sqlite3_bind_int(stmt, 1, HISTORY_DAMAGED_BYTES_MAX);
        rc = run(db, stmt, err);
    }
    return rc;
}

static void
log_find(const struct scrub_find *f)
{
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES];
    log_error("history: %s %lld, %s .. %s, is damaged and set aside: %s", f->what,
              (long long)f->row, instant_format_utc(from, f->t0),
              instant_format_utc(to, f->t1), f->why);
}

int
scrub_put(sqlite3 *db, const struct scrub_find *f, bool once, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(db, &stmt,
                        "INSERT INTO damaged (found_at, what, row, device, t0, t1,"
                        " untrusted, shift, why, bytes)"
                        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
                        " WHERE ?11 = 0 OR NOT EXISTS (SELECT 1 FROM damaged"
                        "  WHERE what = ?2 AND row = ?3 AND device IS ?4)",
                        err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, clock_real_ms());
    sqlite3_bind_text(stmt, 2, f->what, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, f->row);
    if (f->device != 0) {
        sqlite3_bind_int64(stmt, 4, f->device);
    }
    sqlite3_bind_int64(stmt, 5, f->t0);
    sqlite3_bind_int64(stmt, 6, f->t1);
    sqlite3_bind_int64(stmt, 7, f->untrusted);
    sqlite3_bind_int64(stmt, 8, f->shift);
    sqlite3_bind_text(stmt, 9, f->why, -1, SQLITE_STATIC);
    if (f->bytes != NULL) {
        sqlite3_bind_blob64(stmt, 10, f->bytes, f->size, SQLITE_STATIC);
    }
    sqlite3_bind_int(stmt, 11, once);
    rc = run(db, stmt, err);
    if (rc != 0 || sqlite3_changes(db) == 0) {
        return rc;
    }
    log_find(f);
    return shorten(db, err);
}

/* ---- one row ---- */

/* How many columns of a point were written: of one with single samples, but one. */
static uint32_t
columns_of_point(const struct scrub_find *f, uint32_t point)
{
    struct chunk chunk;
    struct chunk_part part = {0};
    uint32_t count = 0;
    if (!chunk_open(&chunk, f->bytes, f->size)) {
        return 0;
    }
    while (chunk_next(&chunk, &part)) {
        count += part.key / ROLLUP_COLUMNS == point;
    }
    return count;
}

/* Of a roll-up a point is whole when all its numbers are; else it is left away. */
static void
drop_parts_of_points(const struct scrub_find *f, struct sheet *s)
{
    for (uint32_t k = 0, end; k < s->columns; k = end) {
        uint32_t point = s->keys[k] / ROLLUP_COLUMNS;
        for (end = k + 1; end < s->columns && s->keys[end] / ROLLUP_COLUMNS == point;) {
            end++;
        }
        bool whole = end - k == columns_of_point(f, point);
        for (uint32_t i = k; !whole && i < end; i++) {
            for (uint32_t r = 0; r < s->rows; r++) {
                sheet_statuses(s, i)[r] = CHUNK_ABSENT;
            }
        }
    }
}

/* What is whole of it instead of it; where nothing is, it goes. */
static int
put_back(struct history_db *h,
         enum scrub_table table,
         const struct scrub_find *f,
         struct sheet *s,
         struct err *err)
{
    struct history_tail *t = h->tail;
    sqlite3_stmt *stmt = NULL;
    const uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t samples = 0;
    int rc = 0;
    if (table == SCRUB_ROLLUP) {
        drop_parts_of_points(f, s);
    }
    if (s->rows > 0 && s->columns > 0) {
        rc = chunk_sheet_encode(
            t->encoder, s, 0, s->rows,
            table == SCRUB_CHUNK ? t->scaling : history_rollup_scaling,
            table == SCRUB_CHUNK ? t->scaling_ctx : t, &bytes, &size, &samples);
        if (rc != 0) {
            return err_set(err, (enum err_code)rc, "history: a chunk cannot be made");
        }
    }
    rc = db_prepare(h->db, &stmt,
                    samples > 0 ? tables[table].replace : tables[table].drop, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, f->row);
    if (samples > 0) {
        sqlite3_bind_int64(stmt, 2, (int64_t)samples);
        sqlite3_bind_blob64(stmt, 3, bytes, size, SQLITE_STATIC);
    }
    t->known = false; /* It may have waited for its roll-up. */
    return run(h->db, stmt, err);
}

/* Reads the row that `f` tells of; a damaged one is set aside. */
static int
look_at(struct history_db *h,
        enum scrub_table table,
        struct scrub_find *f,
        struct err *err)
{
    struct sheet *s = &h->tail->before;
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(h->db, &stmt, tables[table].read, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, f->row);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        f->bytes = sqlite3_column_blob(stmt, 0);
        f->size = (size_t)sqlite3_column_bytes(stmt, 0);
        enum chunk_result r = chunk_sheet_read(f->bytes, f->size, 0, s);
        f->why = s->rows > 0 ? "values" : "checksum";
        rc = r == CHUNK_NOMEM ? err_set(err, ERR_NOMEM, "history") : 0;
        if (r == CHUNK_DAMAGED) {
            rc = scrub_put(h->db, f, false, err);
            rc = rc == 0 ? put_back(h, table, f, s, err) : rc;
        }
    } else if (step != SQLITE_DONE && db_is_damaged(h->db)) {
        /* To delete it would free pages that nobody knows. */
        f->why = TORN;
        rc = scrub_put(h->db, f, true, err);
    } else if (step != SQLITE_DONE) {
        rc = db_error(h->db, err, "read");
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* The first row behind `after`; `*key` 0: there is none. */
static int
look_behind(struct history_db *h,
            enum scrub_table table,
            int64_t after,
            int64_t *key,
            size_t *bytes,
            struct err *err)
{
    struct scrub_find f = {.what = tables[table].name};
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(h->db, &stmt, tables[table].next, err);
    *key = 0;
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, after);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        *key = f.row = sqlite3_column_int64(stmt, 0);
        f.device = sqlite3_column_int64(stmt, 1);
        f.t0 = sqlite3_column_int64(stmt, 2);
        f.t1 = sqlite3_column_int64(stmt, 3);
        f.untrusted = sqlite3_column_int64(stmt, 4);
        f.shift = sqlite3_column_int64(stmt, 5);
    }
    bool torn = step != SQLITE_ROW && step != SQLITE_DONE && db_is_damaged(h->db);
    if (step != SQLITE_ROW && step != SQLITE_DONE && !torn) {
        rc = db_error(h->db, err, "read");
    }
    sqlite3_finalize(stmt);
    if (torn) { /* Rows behind it cannot be found; the file lives on. */
        f = (struct scrub_find){.what = "page", .row = (int64_t)table, .why = TORN};
        f.t0 = f.t1 = clock_real_ms();
        return scrub_put(h->db, &f, true, err);
    }
    rc = rc == 0 && *key != 0 ? look_at(h, table, &f, err) : rc;
    *bytes += f.size;
    return rc;
}

/* ---- all rows, slowly ---- */

static int
range_of(struct history_db *h,
         enum scrub_table table,
         int64_t *least,
         int64_t *most,
         struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(h->db, &stmt, tables[table].range, err);
    *least = *most = 0;
    if (rc == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
        *least = sqlite3_column_int64(stmt, 0);
        *most = sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt); /* Torn: look_behind() says so. */
    return rc;
}

static int
scrub_some(struct history_db *h, enum scrub_table table, struct err *err)
{
    struct history_scrub *s = &h->scrub;
    int64_t least, most, key = 0;
    size_t bytes = 0;
    int rc = range_of(h, table, &least, &most, err);
    if (rc != 0 || most == 0) {
        return rc;
    }
    if (!s->begun[table]) {
        s->begun[table] = true;
        int64_t part = clock_real_ms() % WEEK_MS;
        s->at[table] =
            least + (int64_t)((double)(most - least) * (double)part / (double)WEEK_MS);
    }
    s->owed[table] += (double)(most - least + 1) * (double)h->site->history.flush_ms /
                      (double)WEEK_MS;
    s->owed[table] = s->owed[table] < ROWS_MAX ? s->owed[table] : ROWS_MAX;
    while (rc == 0 && s->owed[table] >= 1 && bytes < ROW_BYTES_MAX) {
        rc = look_behind(h, table, s->at[table], &key, &bytes, err);
        s->at[table] = key != 0 ? key : least - 1;
        s->owed[table] -= 1;
    }
    return rc;
}

static int
look_at_suspects(struct history_db *h, struct err *err)
{
    struct scrub_suspects *s = &h->tail->suspects;
    int64_t key;
    size_t bytes = 0;
    int rc = 0;
    for (int table = 0; table < SCRUB_TABLES; table++) {
        for (size_t i = 0; rc == 0 && i < s->count[table]; i++) {
            rc = look_behind(h, (enum scrub_table)table, s->keys[table][i] - 1, &key,
                             &bytes, err);
        }
        s->count[table] = 0;
    }
    return rc;
}

static int
forget_old(struct history_db *h, int64_t expire_ms, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(h->db, &stmt, "DELETE FROM damaged WHERE t1 < ?1", err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, expire_ms);
    return run(h->db, stmt, err);
}

int
history_scrub_count(struct history_db *h, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(h->db, &stmt,
                        "SELECT count(*) FROM damaged WHERE found_at > ?1", err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, clock_real_ms() - HISTORY_DAMAGED_TOLD_MS);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        h->scrub.counted = (uint64_t)sqlite3_column_int64(stmt, 0);
    } else {
        rc = db_error(h->db, err, "read");
    }
    sqlite3_finalize(stmt);
    return rc;
}

int
history_scrub_settle(struct history_db *h, int64_t expire_ms, struct err *err)
{
    int rc = look_at_suspects(h, err);
    rc = rc == 0 ? scrub_some(h, SCRUB_CHUNK, err) : rc;
    rc = rc == 0 ? scrub_some(h, SCRUB_ROLLUP, err) : rc;
    rc = rc == 0 && expire_ms != INSTANT_NONE ? forget_old(h, expire_ms, err) : rc;
    return rc == 0 ? history_scrub_count(h, err) : rc;
}
