/* A small history with all that is odd in it, as the tables of history_vtab.h and, row
 * by row, as plain tables of SQLite beside them; and statements made of any bytes,
 * which must answer the same over both. */
#ifndef CARETAKER_TESTS_FAKE_SQL_WORLD_H
#define CARETAKER_TESTS_FAKE_SQL_WORLD_H

#include <assert.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/store/history.h"
#include "daemon/store/history_aggregate.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_vtab.h"
#include "daemon/store/sql_time.h"

#define WORLD_T0      INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define WORLD_DEVICES 4
#define WORLD_POINTS  3
#define WORLD_FIRST   INT64_C(-62135596800000) /* The year 1, */
#define WORLD_LAST    INT64_C(253402300799999) /* and the end of 9999. */

struct sql_world {
    sqlite3 *db;
    uint64_t samples, minutes;
};

/* ---- the history ---- */

static inline size_t
world_frame(unsigned char *out, uint32_t device, int64_t t_ms, uint32_t n)
{
    struct frame *f = (void *)out;
    *f = (struct frame){.t_ms = t_ms, .device = device, .flags = n % 11 == 0};
    for (uint32_t k = 0; k < WORLD_POINTS; k++) {
        if ((n + k) % 5 == 4) {
            continue;
        }
        struct reading *r = &f->readings[f->count++];
        *r = (struct reading){.point = device * WORLD_POINTS + k,
                              .value = (double)(n % 17) / (k == 1 ? 7 : 10)};
        if ((n + k) % 7 == 3) {
            *r = (struct reading){.point = r->point,
                                  .quality = (uint8_t)(1 + n % (QUALITY_COUNT - 1)),
                                  .detail = (uint8_t)(n % 4)};
        }
    }
    return frame_bytes(f->count);
}

/* Some frames of each device; those of odd rounds come late, or at the same times. */
static inline size_t
world_batch(unsigned char *out, uint32_t round)
{
    static const int64_t odd[] = {WORLD_FIRST, -1, 0, 1, WORLD_LAST, WORLD_T0 - 1};
    size_t size = 0;
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t d = 0; d < WORLD_DEVICES; d++) {
            uint32_t n = round * 4 + i;
            int64_t t_ms = WORLD_T0 + (int64_t)(n % 8) * (round < 4 ? 1000 : 30000) +
                           (d == 1 ? n % 3 : 0) * 997;
            size += world_frame(out + size, d, t_ms, n + d);
        }
    }
    size += world_frame(out + size, round % WORLD_DEVICES, odd[round % 6], round);
    return size;
}

static inline void
world_write(const char *dir, const struct site *site)
{
    static unsigned char batch[64 * (sizeof(struct frame) + WORLD_POINTS * 16)];
    struct history_db *h = NULL;
    struct err err = {0};
    enum history_trouble trouble;
    int rc = history_db_open(&h, dir, site, &err);
    for (uint32_t round = 0; rc == 0 && round < 9; round++) {
        size_t size = world_batch(batch, round);
        rc = history_db_write(h, batch, size, INSTANT_NONE, &trouble, &err);
        if (rc == 0 && (round == 3 || round == 5)) {
            rc = history_db_pack(h, &err);
        }
    }
    history_db_close(h);
    if (rc != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

/* ---- the plain tables ---- */

static inline void
world_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        abort();
    }
}

struct world_copy {
    sqlite3_stmt *insert;
    struct history_sample before;
    char device[8], point[8];
    int nth;
    uint64_t count;
};

static inline bool
world_copy_sample(void *ctx, const struct history_sample *s)
{
    struct world_copy *c = ctx;
    char time[INSTANT_TEXT_BYTES];
    bool again = c->count > 0 && s->t_ms == c->before.t_ms &&
                 strcmp(s->device, c->device) == 0 && strcmp(s->point, c->point) == 0;
    c->nth = again ? c->nth + 1 : 0;
    c->before.t_ms = s->t_ms;
    snprintf(c->device, sizeof c->device, "%s", s->device);
    snprintf(c->point, sizeof c->point, "%s", s->point);
    sqlite3_bind_text(c->insert, 1, s->device, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(c->insert, 2, s->point, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(c->insert, 3, instant_format_utc(time, s->t_ms), -1,
                      SQLITE_TRANSIENT);
    if (s->quality == QUALITY_GOOD) {
        sqlite3_bind_double(c->insert, 4, s->value);
    } else {
        sqlite3_bind_null(c->insert, 4);
    }
    sqlite3_bind_text(c->insert, 5, quality_name(s->quality), -1, SQLITE_STATIC);
    sqlite3_bind_int64(c->insert, 6, s->t_ms);
    sqlite3_bind_int(c->insert, 7, s->clock_untrusted);
    if (s->quality != QUALITY_GOOD && s->detail != 0) {
        sqlite3_bind_int(c->insert, 8, s->detail);
    } else {
        sqlite3_bind_null(c->insert, 8);
    }
    sqlite3_bind_int(c->insert, 9, c->nth);
    assert(sqlite3_step(c->insert) == SQLITE_DONE);
    sqlite3_reset(c->insert);
    c->count++;
    return true;
}

static inline uint64_t
world_copy_samples(sqlite3 *db, const char *dir)
{
    struct history_reader *r = NULL;
    struct err err = {0};
    struct world_copy c = {0};
    world_exec(db, "CREATE TABLE p.plain (device TEXT, point TEXT,"
                   " time TEXT COLLATE INSTANT, value REAL, quality TEXT, t_ms INTEGER,"
                   " clock_untrusted INTEGER, detail INTEGER, nth INTEGER)");
    assert(sqlite3_prepare_v2(
               db, "INSERT INTO p.plain VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
               -1, &c.insert, NULL) == SQLITE_OK);
    int rc = history_reader_open(&r, dir, &err);
    assert(rc == 0);
    rc = history_each(r, INSTANT_NONE + 1, INSTANT_MAX, NULL, NULL, world_copy_sample,
                      &c, &err);
    assert(rc == 0);
    history_reader_close(r);
    sqlite3_finalize(c.insert);
    return c.count;
}

/* Of intervals: what the aggregates themselves are is tested elsewhere. */
static inline uint64_t
world_copy_aggregates(sqlite3 *db, const char *table, int64_t step_ms)
{
    struct aggregate_cursor *c = NULL;
    struct aggregate_row r;
    struct err err = {0};
    sqlite3_stmt *insert = NULL;
    char sql[400], time[INSTANT_TEXT_BYTES];
    uint64_t count = 0;
    bool more = true;
    snprintf(sql, sizeof sql,
             "CREATE TABLE %s (device TEXT, point TEXT, time TEXT COLLATE INSTANT,"
             " t_ms INTEGER, min REAL, max REAL, mean REAL, last REAL, count INTEGER,"
             " last_ms INTEGER)",
             table);
    world_exec(db, sql);
    snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?,?,?,?,?,?,?,?,?,?)", table);
    assert(sqlite3_prepare_v2(db, sql, -1, &insert, NULL) == SQLITE_OK);
    world_exec(db, "BEGIN");
    const struct aggregate_filter filter = {
        .step_ms = step_ms, .from_ms = INSTANT_NONE + 1, .to_ms = INSTANT_MAX};
    int rc = aggregate_open(&c, db, &filter, &err);
    while (rc == 0 && (rc = aggregate_next(c, &r, &more, &err)) == 0 && more) {
        sqlite3_bind_text(insert, 1, r.device, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(insert, 2, r.point, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(insert, 3, instant_format_utc(time, r.t_ms), -1,
                          SQLITE_TRANSIENT);
        sqlite3_bind_int64(insert, 4, r.t_ms);
        sqlite3_bind_double(insert, 5, r.min);
        sqlite3_bind_double(insert, 6, r.max);
        sqlite3_bind_double(insert, 7, r.sum / (double)r.count);
        sqlite3_bind_double(insert, 8, r.last);
        sqlite3_bind_int64(insert, 9, (sqlite3_int64)r.count);
        sqlite3_bind_int64(insert, 10, r.last_ms);
        assert(sqlite3_step(insert) == SQLITE_DONE);
        sqlite3_reset(insert);
        count++;
    }
    assert(rc == 0);
    aggregate_close(c);
    sqlite3_finalize(insert);
    world_exec(db, "COMMIT");
    return count;
}

/* Values of all types in columns of all affinities. */
static inline void
world_make_keys(sqlite3 *db)
{
    static const char *const values[] = {"NULL",
                                         "5",
                                         "'05'",
                                         "'a'",
                                         "'A '",
                                         "x'61'",
                                         "1772323205000",
                                         "1772323205000.5",
                                         "'1772323205000'",
                                         "'2026-03-01T00:00:05.000Z'",
                                         "'2026-03-01 08:00:07+08:00'",
                                         "'2026'",
                                         "'zzz'",
                                         "''",
                                         "-1e300",
                                         "1e300",
                                         "10",
                                         "'p'"};
    world_exec(db, "CREATE TABLE p.keys (i INTEGER, t TEXT, n NUMERIC, b,"
                   " c TEXT COLLATE NOCASE, m TEXT COLLATE INSTANT)");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char sql[400];
        const char *v = values[i];
        snprintf(sql, sizeof sql, "INSERT INTO p.keys VALUES (%s, %s, %s, %s, %s, %s)",
                 v, v, v, v, v, v);
        world_exec(db, sql);
    }
}

/* Makes it in the folder, which must be empty. */
static inline void
sql_world_make(struct sql_world *w, const char *dir)
{
    static struct device devices[WORLD_DEVICES] = {
        {.id = "a"}, {.id = "A"}, {.id = "5"}, {.id = "05"}};
    static const char *const ids[WORLD_POINTS] = {"p", "10", "q"};
    static struct point points[WORLD_DEVICES * WORLD_POINTS];
    for (uint32_t i = 0; i < WORLD_DEVICES * WORLD_POINTS; i++) {
        points[i] =
            (struct point){.id = ids[i % WORLD_POINTS], .device = i / WORLD_POINTS};
        devices[i / WORLD_POINTS].first_point = i / WORLD_POINTS * WORLD_POINTS;
        devices[i / WORLD_POINTS].point_count = WORLD_POINTS;
    }
    const struct site site = {.devices = devices,
                              .device_count = WORLD_DEVICES,
                              .points = points,
                              .point_count = WORLD_DEVICES * WORLD_POINTS,
                              .history = {.flush_ms = 5000}};
    char path[300];
    world_write(dir, &site);
    snprintf(path, sizeof path, "%s/history.db", dir);
    assert(sqlite3_open(path, &w->db) == SQLITE_OK);
    assert(history_vtab_register(w->db) == SQLITE_OK);
    /* SQLite's own indexes lose what is NULL on both sides of IS (3.40). */
    world_exec(w->db, "PRAGMA automatic_index = OFF; ATTACH ':memory:' AS p");
    w->samples = world_copy_samples(w->db, dir);
    w->minutes = world_copy_aggregates(w->db, "p.plain_1m", ROLLUP_MINUTE_MS);
    world_copy_aggregates(w->db, "p.plain_1h", ROLLUP_HOUR_MS);
    world_make_keys(w->db);
}

#endif
