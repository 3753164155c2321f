/* history.db on a disk that loses power, fails or fills up at each of its operations,
 * one after the other: what was acknowledged is there once, and the file is whole.  The
 * work goes through all that the writer does: a file of schema 1 is brought up to date
 * and moves, flushes become rows of the tail, devices are packed, the log is folded
 * back, old chunks are rolled up and go. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_series.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/fake_disk.h"
#include "tests/fake/sanitized.h"

#define DEVICES   3
#define POINTS    4
#define OLD_POLLS 60
#define FLUSHES   260
#define POLLS     3 /* Of each device, in a flush. */
#define TRIES     4
#define SEEDS     4   /* In turn: nothing, all, twice some of what was not synced. */
#define EXPIRE_AT 180 /* The flush from which on the old frames go. */

#define OLD_MS    1000       /* Time of the first old frame, */
#define NEW_MS    1000000000 /* and of the first new one: milliseconds. */
#define SECOND_MS 1000
#define KEEP_MS   3600000

static char dir[SCRATCH_BYTES];
static struct fake_disk *disk;
static struct device devices[DEVICES] = {
    {.id = "a", .first_point = 0, .point_count = POINTS},
    {.id = "b", .first_point = POINTS, .point_count = POINTS},
    {.id = "c", .first_point = 2 * POINTS, .point_count = POINTS},
};
static struct point points[DEVICES * POINTS];
static const char *const point_ids[POINTS] = {"p", "q", "r", "s"};
static struct site site;
static unsigned char
    batch[DEVICES * POLLS * (sizeof(struct frame) + POINTS * sizeof(struct reading))];

static void
make_dir(void)
{
    scratch_make(dir);
    for (uint32_t i = 0; i < DEVICES * POINTS; i++) {
        points[i] = (struct point){.id = point_ids[i % POINTS], .device = i / POINTS};
    }
    site = (struct site){
        .devices = devices,
        .device_count = DEVICES,
        .points = points,
        .point_count = DEVICES * POINTS,
        /* A log of 64 KB, and packing after 16 flushes. */
        .history = {.flush_ms = 3600000, .keep_ms = KEEP_MS, .max_bytes = 524288}};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

/* What a point says at a time: each sample tells where it belongs. */
static double
value_at(int64_t t_ms, uint32_t point)
{
    return (double)(t_ms / SECOND_MS % 1000 * 16 + point) / 10;
}

static size_t
fill_batch(int flush)
{
    size_t size = 0;
    for (int p = 0; p < POLLS; p++) {
        for (uint32_t d = 0; d < DEVICES; d++) {
            struct frame *f = (void *)(batch + size);
            *f = (struct frame){.t_ms = NEW_MS + (flush * POLLS + p) * SECOND_MS,
                                .device = d,
                                .count = POINTS};
            for (uint32_t k = 0; k < POINTS; k++) {
                uint32_t point = d * POINTS + k;
                f->readings[k] =
                    (struct reading){.point = point, .value = value_at(f->t_ms, point)};
            }
            size += frame_bytes(POINTS);
        }
    }
    return size;
}

static void
exec(sqlite3 *db, const char *sql)
{
    struct err err = {0};
    ck_assert_msg(db_exec(db, sql, &err) == 0, "%s", err.text);
}

static void
write_old_frames(sqlite3 *db)
{
    uint8_t blob[1 + POINTS * FRAME_BLOB_SAMPLE_BYTES_MAX];
    struct blob_sample samples[POINTS];
    sqlite3_stmt *stmt = NULL;
    struct err err = {0};
    ck_assert_int_eq(
        db_prepare(db, &stmt, "INSERT INTO frame VALUES (?1, ?2, 0, ?3)", &err), 0);
    for (int64_t i = 0; i < OLD_POLLS * DEVICES; i++) {
        int64_t t_ms = OLD_MS + i / DEVICES * SECOND_MS;
        for (uint32_t k = 0; k < POINTS; k++) {
            uint32_t point = (uint32_t)(i % DEVICES) * POINTS + k;
            samples[k] =
                (struct blob_sample){.key = point + 1, .value = value_at(t_ms, point)};
        }
        size_t size = frame_blob_encode(blob, samples, POINTS);
        sqlite3_bind_int64(stmt, 1, t_ms);
        sqlite3_bind_int64(stmt, 2, i % DEVICES + 1);
        sqlite3_bind_blob(stmt, 3, blob, (int)size, SQLITE_STATIC);
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
}

/* A file of schema 1, safe on the disk before anything happens to that. */
static void
make_old_file(void)
{
    char path[SCRATCH_BYTES + 16], sql[128];
    sqlite3 *db = NULL;
    struct err err = {0};
    snprintf(path, sizeof path, "%s/history.db", dir);
    ck_assert_int_eq(db_open(&db, path, DB_WRITE, &err), 0);
    ck_assert_int_eq(db_migrate(db, history_schema, 1, &err), 0);
    exec(db, "BEGIN");
    for (uint32_t i = 0; i < DEVICES * POINTS; i++) {
        if (i % POINTS == 0) {
            snprintf(sql, sizeof sql, "INSERT INTO device (key, id) VALUES (%u, '%s')",
                     i / POINTS + 1, devices[i / POINTS].id);
            exec(db, sql);
        }
        snprintf(sql, sizeof sql,
                 "INSERT INTO point (key, device, id) VALUES (%u, %u, '%s')", i + 1,
                 i / POINTS + 1, point_ids[i % POINTS]);
        exec(db, sql);
    }
    write_old_frames(db);
    exec(db, "COMMIT");
    exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    db_close(db);
}

/* Opens, flushes and closes; each flush is tried again, as the thread does.  Returns
 * how many were acknowledged. */
static int
work(bool to_the_end)
{
    struct history_db *h = NULL;
    struct err err = {0};
    int acknowledged = 0;
    int rc = ERR_IO;
    for (int try = 0; rc != 0 && try < TRIES; try++) {
        rc = history_db_open(&h, dir, &site, &err);
    }
    for (int i = 0; rc == 0 && i < FLUSHES; i++) {
        enum history_trouble trouble;
        size_t size = fill_batch(i);
        int64_t now_ms = i >= EXPIRE_AT ? NEW_MS + KEEP_MS : INSTANT_NONE;
        rc = ERR_IO;
        for (int try = 0; rc != 0 && try < TRIES; try++) {
            rc = history_db_write(h, batch, size, now_ms, &trouble, &err);
        }
        acknowledged += rc == 0;
    }
    ck_assert_msg(rc == 0 || !to_the_end, "%s", err.text);
    history_db_close(h);
    return acknowledged;
}

/* Samples in their order: of each moment those of all devices and points. */
struct judgement {
    int64_t old, fresh;
    int64_t last_ms;
    uint32_t next; /* Point. */
};

static bool
next_in_line(void *ctx, const struct history_sample *s)
{
    struct judgement *j = ctx;
    ck_assert_str_eq(s->device, devices[j->next / POINTS].id);
    ck_assert_str_eq(s->point, point_ids[j->next % POINTS]);
    ck_assert(s->value == value_at(s->t_ms, j->next));
    if (j->next == 0) {
        bool first_fresh = s->t_ms >= NEW_MS && j->last_ms < NEW_MS;
        ck_assert_int_eq(s->t_ms, j->last_ms == INSTANT_NONE ? s->t_ms
                                  : first_fresh              ? NEW_MS
                                                             : j->last_ms + SECOND_MS);
    } else {
        ck_assert_int_eq(s->t_ms, j->last_ms);
    }
    j->last_ms = s->t_ms;
    j->next = (j->next + 1) % (DEVICES * POINTS);
    *(s->t_ms < NEW_MS ? &j->old : &j->fresh) += 1;
    return true;
}

static bool
count_bucket(void *ctx, const struct history_bucket *b)
{
    *(int64_t *)ctx += (int64_t)b->count;
    return true;
}

/* Whatever is in roll-ups, chunks and tail, minutes and hours have each sample once:
 * those that expired too. */
static void
judge_rollups(struct history_reader *r, int64_t samples, const char *what, uint64_t at)
{
    struct err err = {0};
    for (int i = 0; i < 2; i++) {
        int64_t count = 0;
        int64_t step_ms = i == 0 ? ROLLUP_MINUTE_MS : ROLLUP_HOUR_MS;
        ck_assert_msg(history_series(r, INSTANT_NONE, INSTANT_MAX, step_ms, NULL, NULL,
                                     count_bucket, &count, &err) == 0,
                      "%s at %llu: %s", what, (unsigned long long)at, err.text);
        ck_assert_msg(count == samples, "%s at %llu: %lld of %lld are rolled up", what,
                      (unsigned long long)at, (long long)count, (long long)samples);
    }
}

/* Between `least` and `most` flushes are there, each whole and once, and one more can
 * be made. */
static void
judge(int least, int most, const char *what, uint64_t at)
{
    enum { PER_FLUSH = DEVICES * POINTS * POLLS, OLD = OLD_POLLS * DEVICES * POINTS };
    struct judgement j = {.last_ms = INSTANT_NONE};
    struct history_db *h = NULL;
    struct history_reader *r = NULL;
    struct err err = {0};
    enum history_trouble trouble;
    char got[512];
    ck_assert_msg(history_db_open(&h, dir, &site, &err) == 0, "%s at %llu: %s", what,
                  (unsigned long long)at, err.text);
    ck_assert_msg(history_reader_open(&r, dir, &err) == 0, "%s", err.text);
    ck_assert_msg(history_each(r, INSTANT_NONE, INSTANT_MAX, NULL, NULL, next_in_line,
                               &j, &err) == 0,
                  "%s at %llu: %s", what, (unsigned long long)at, err.text);
    int64_t flushes = j.fresh / PER_FLUSH;
    ck_assert_int_eq(j.fresh % PER_FLUSH, 0);
    ck_assert_msg(flushes >= least && flushes <= most, "%s at %llu: %lld of %d..%d",
                  what, (unsigned long long)at, (long long)flushes, least, most);
    /* Only expiry takes old ones away, by whole chunks. */
    ck_assert_msg(j.old == OLD || flushes > EXPIRE_AT, "%s at %llu: %lld old", what,
                  (unsigned long long)at, (long long)j.old);
    judge_rollups(r, OLD + j.fresh, what, at);
    history_reader_close(r);
    size_t size = fill_batch((int)flushes);
    ck_assert_msg(history_db_write(h, batch, size, INSTANT_NONE, &trouble, &err) == 0,
                  "%s at %llu: %s", what, (unsigned long long)at, err.text);
    history_db_close(h);
    scratch_query(dir, "history.db", "PRAGMA integrity_check", got);
    ck_assert_str_eq(got, "ok");
}

/* A disk with the old file on it. */
static uint64_t
new_disk(void)
{
    disk = fake_disk_new();
    make_old_file();
    return fake_disk_operations(disk);
}

static void
expect(const char *sql, const char *want)
{
    char got[512];
    scratch_query(dir, "history.db", sql, got);
    ck_assert_str_eq(got, want);
}

/* All that the work does to the disk; at least a thousand points to crash at. */
static void
count_operations(uint64_t *first, uint64_t *last)
{
    *first = new_disk() + 1;
    ck_assert_int_eq(work(true), FLUSHES);
    *last = fake_disk_operations(disk);
    judge(FLUSHES, FLUSHES, "no fault", 0);
    expect("SELECT count(*) FROM sqlite_schema WHERE name = 'frame'", "0");
    expect("SELECT count(*) FROM chunk WHERE t1 < 1000000000", "0");
    expect("SELECT count(*) > 3 FROM chunk", "1");
    expect("SELECT count(DISTINCT device) FROM rollup", "3");
    expect("SELECT max(seq) - min(seq) < 40 FROM tail", "1");
    fake_disk_free(disk);
    ck_assert_uint_ge(*last - *first, 1000);
}

START_TEST(the_power_goes_at_each_operation)
{
    uint64_t first, last;
    count_operations(&first, &last);
    for (uint64_t at = first; at <= last; at += SANITIZED_SLOWER) {
        (void)new_disk();
        fake_disk_plan(disk, FAKE_DISK_POWER, at);
        int acknowledged = work(false);
        fake_disk_power_on(disk, at / SANITIZED_SLOWER % SEEDS);
        judge(acknowledged, acknowledged + 1, "power", at);
        fake_disk_free(disk);
    }
}
END_TEST

START_TEST(each_operation_fails_once)
{
    uint64_t first, last;
    count_operations(&first, &last);
    for (uint64_t at = first; at <= last; at += 3 * SANITIZED_SLOWER) {
        (void)new_disk();
        fake_disk_plan(disk, FAKE_DISK_FAILS, at);
        ck_assert_int_eq(work(true), FLUSHES);
        judge(FLUSHES, FLUSHES, "failure", at);
        fake_disk_free(disk);
    }
}
END_TEST

START_TEST(the_disk_is_full_from_each_operation_on)
{
    uint64_t first, last;
    count_operations(&first, &last);
    for (uint64_t at = first; at <= last; at += 3 * SANITIZED_SLOWER) {
        (void)new_disk();
        fake_disk_plan(disk, FAKE_DISK_FULL, at);
        int acknowledged = work(false);
        fake_disk_plan(disk, FAKE_DISK_WELL, 0);
        judge(acknowledged, acknowledged, "full disk", at);
        fake_disk_free(disk);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history, power");
    TCase *tc = tcase_create("power");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, the_power_goes_at_each_operation);
    tcase_add_test(tc, each_operation_fails_once);
    tcase_add_test(tc, the_disk_is_full_from_each_operation_on);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
