/* Damage to a real history: every reader gives what is whole and tells of the rest; the
 * writer sets the rest aside, and afterwards all that was whole is still there. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/history.h"
#include "daemon/store/history_check.h"
#include "daemon/store/history_db_internal.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"
#include "tests/fake/sanitized.h"

#define DEVICES     3
#define POINTS      4
#define POLLS       900
#define TAIL_POLLS  40
#define SAMPLES_MAX (DEVICES * POINTS * (POLLS + TAIL_POLLS))
#define START_MS    (MIXED_START_MS / 60000 * 60000)

static char dir[SCRATCH_BYTES];
static struct err err;
static struct device devices[DEVICES];
static struct point points[DEVICES * POINTS];
static const char *const device_ids[DEVICES] = {"a", "b", "c"};
static const char *const point_ids[POINTS] = {"flow", "level", "speed", "state"};
static struct site site;
static uint64_t seed;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

/* Samples that were read, as one number each; in order. */
struct samples {
    uint64_t sums[SAMPLES_MAX];
    size_t count;
    uint64_t spans; /* That the reader told. */
    int rc;
};
static struct samples all, before, after;

static uint32_t
any(uint32_t below)
{
    return (uint32_t)(mixed_random(&seed) >> 33) % below;
}

static bool
take(void *ctx, const struct history_sample *s)
{
    struct samples *x = ctx;
    uint64_t bits;
    memcpy(&bits, &s->value, sizeof bits);
    ck_assert_uint_lt(x->count, SAMPLES_MAX);
    bits = (bits ^ (uint64_t)s->t_ms) * UINT64_C(0x9E3779B97F4A7C15);
    bits ^= (uint64_t)s->device[0] << 8 ^ (uint64_t)s->point[0] << 16 ^
            (uint64_t)s->point[1] << 24 ^ (uint64_t)s->quality;
    x->sums[x->count++] = bits * UINT64_C(0x9E3779B97F4A7C15);
    return true;
}

static int
by_sum(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* All samples of a device, or of all; each point by itself where `one` is asked for. */
static void
read_samples(struct samples *x, const char *device, bool one)
{
    struct history_reader *r = NULL;
    x->count = x->spans = 0;
    x->rc = history_reader_open(&r, dir, &err);
    for (uint32_t k = 0; x->rc == 0 && k < (one ? POINTS : 1); k++) {
        x->rc = history_each(r, INSTANT_NONE, INSTANT_MAX, device,
                             one ? point_ids[k] : NULL, take, x, &err);
    }
    if (r != NULL) {
        x->spans = history_reader_damage(r)->spans;
    }
    history_reader_close(r);
    qsort(x->sums, x->count, sizeof x->sums[0], by_sum);
}

/* Nothing is given that was not written, and nothing twice. */
static void
expect_within(const struct samples *part, const struct samples *whole)
{
    size_t at = 0;
    for (size_t i = 0; i < part->count; i++) {
        while (at < whole->count && whole->sums[at] < part->sums[i]) {
            at++;
        }
        ck_assert_msg(at < whole->count && whole->sums[at] == part->sums[i],
                      "a sample that was never written, or twice");
        at++;
    }
}

static struct history_db *
open_writer(void)
{
    struct history_db *h = NULL;
    must(history_db_open(&h, dir, &site, &err));
    return h;
}

static void
write_polls(struct history_db *h, int first, int count)
{
    static unsigned char batch[DEVICES * FRAME_BYTES_MAX];
    enum history_trouble trouble;
    for (int p = first; p < first + count; p++) {
        size_t size = 0;
        for (uint32_t d = 0; d < DEVICES; d++) {
            struct frame *f = (void *)(batch + size);
            *f = (struct frame){.t_ms = START_MS + p * INT64_C(20000) + any(11),
                                .device = d,
                                .count = POINTS};
            for (uint32_t k = 0; k < POINTS; k++) {
                f->readings[k] = (struct reading){.point = d * POINTS + k,
                                                  .value = (double)any(2000) / 10};
            }
            size += frame_bytes(f->count);
        }
        must(history_db_write(h, batch, size, INSTANT_NONE, &trouble, &err));
    }
}

static void
make_history(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    seed = 11;
    for (uint32_t i = 0; i < DEVICES; i++) {
        devices[i] = (struct device){
            .id = device_ids[i], .first_point = i * POINTS, .point_count = POINTS};
        for (uint32_t k = 0; k < POINTS; k++) {
            points[i * POINTS + k] = (struct point){.id = point_ids[k], .device = i};
        }
    }
    site = (struct site){.devices = devices,
                         .device_count = DEVICES,
                         .points = points,
                         .point_count = DEVICES * POINTS,
                         .history = {.flush_ms = 5000}};
    struct history_db *h = open_writer();
    for (int part = 0; part < 3; part++) {
        write_polls(h, part * POLLS / 3, POLLS / 3);
        must(history_db_pack(h, &err));
    }
    write_polls(h, POLLS, TAIL_POLLS);
    history_db_close(h);
    read_samples(&all, NULL, false);
    ck_assert_int_eq(all.rc, 0);
    ck_assert_uint_eq(all.count, SAMPLES_MAX);
    ck_assert_uint_eq(all.spans, 0);
}

static void
remove_history(void)
{
    scratch_remove(dir);
}

/* The slow reading, as if a week went by with each flush: it comes by everything. */
static void
read_slowly(struct history_db *h)
{
    enum history_trouble trouble;
    site.history.flush_ms = INT64_C(604800000);
    for (int i = 0; i < 8; i++) { /* 32 rows of each table at a time. */
        must(history_db_write(h, NULL, 0, INSTANT_NONE, &trouble, &err));
    }
    site.history.flush_ms = 5000;
}

static int64_t
number(const char *sql)
{
    sqlite3 *db = NULL;
    char path[SCRATCH_BYTES + 16];
    int64_t out = -1;
    snprintf(path, sizeof path, "%s/history.db", dir);
    must(db_open(&db, path, DB_READ, &err));
    must(db_int(db, sql, -1, &out, &err));
    db_close(db);
    return out;
}

/* Inverts one bit of a value of the table. */
static void
flip_in(const char *table, int64_t key)
{
    sqlite3 *db = NULL;
    sqlite3_blob *blob = NULL;
    char path[SCRATCH_BYTES + 16];
    unsigned char byte;
    snprintf(path, sizeof path, "%s/history.db", dir);
    must(db_open(&db, path, DB_WRITE, &err));
    ck_assert_int_eq(sqlite3_blob_open(db, "main", table, "bytes", key, 1, &blob),
                     SQLITE_OK);
    int at = (int)any((uint32_t)sqlite3_blob_bytes(blob));
    ck_assert_int_eq(sqlite3_blob_read(blob, &byte, 1, at), SQLITE_OK);
    byte ^= (unsigned char)(1u << any(8));
    ck_assert_int_eq(sqlite3_blob_write(blob, &byte, 1, at), SQLITE_OK);
    sqlite3_blob_close(blob);
    db_close(db);
}

static void
count_finding(void *ctx, const struct history_finding *f)
{
    uint64_t *count = ctx;
    *count += f->part != HISTORY_PART_SET_ASIDE;
}

static uint64_t
findings(void)
{
    uint64_t count = 0;
    struct history_verdict verdict;
    const struct history_check check = {
        .data_dir = dir, .found = count_finding, .found_ctx = &count};
    must(history_check(&check, &verdict, &err));
    ck_assert_uint_eq(verdict.findings, count);
    return count;
}

START_TEST(a_bit_of_a_chunk_costs_no_more_than_its_column)
{
    int64_t last = number("SELECT max(key) FROM chunk");
    for (int round = 0; round < 25; round++) {
        int64_t key = 1 + any((uint32_t)last);
        const int64_t lost = number("SELECT count(*) FROM damaged");
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM chunk WHERE key = %d",
                 (int)key);
        if (number(sql) == 0) {
            continue; /* Its head was hit: it is gone. */
        }
        read_samples(&before, NULL, false);
        const size_t had = before.count;
        snprintf(sql, sizeof sql, "SELECT samples FROM chunk WHERE key = %d", (int)key);
        const int64_t samples = number(sql);
        flip_in("chunk", key);
        read_samples(&before, NULL, false);
        ck_assert_int_eq(before.rc, 0);
        expect_within(&before, &all);
        ck_assert_uint_lt(before.count, had);
        ck_assert_uint_le(had - before.count, (size_t)samples);
        ck_assert_uint_ge(before.spans, 1);
        ck_assert_uint_ge(findings(), 1);

        struct history_db *h = open_writer();
        read_slowly(h);
        ck_assert_uint_eq(history_db_damaged(h), (uint64_t)lost + 1);
        history_db_close(h);
        ck_assert_int_eq(number("SELECT count(*) FROM damaged"), lost + 1);
        read_samples(&after, NULL, false);
        ck_assert_int_eq(after.rc, 0);
        ck_assert_uint_eq(after.count, before.count);
        ck_assert_mem_eq(after.sums, before.sums, after.count * sizeof after.sums[0]);
        ck_assert_uint_eq(after.spans, (uint64_t)lost + 1); /* Still told. */
        ck_assert_uint_eq(findings(), 0);
    }
}
END_TEST

START_TEST(one_point_reads_past_what_is_damaged)
{
    int64_t key = number("SELECT key FROM chunk WHERE device = 1 ORDER BY t0 LIMIT 1");
    for (int round = 0; round < 10; round++) {
        flip_in("chunk", key);
        read_samples(&before, device_ids[0], false);
        read_samples(&after, device_ids[0], true);
        ck_assert_int_eq(after.rc, 0);
        expect_within(&after, &all);
        ck_assert_uint_eq(after.count, before.count);
        ck_assert_mem_eq(after.sums, before.sums, after.count * sizeof after.sums[0]);
    }
    ck_assert_uint_ge(after.spans, 1);
}
END_TEST

START_TEST(the_writer_sets_a_section_of_the_tail_aside_once)
{
    int64_t key = number("SELECT max(seq) - 5 FROM tail");
    flip_in("tail", key);
    read_samples(&before, NULL, false);
    ck_assert_int_eq(before.rc, 0);
    ck_assert_uint_lt(before.count, all.count);
    ck_assert_uint_le(all.count - before.count, DEVICES * POINTS);
    ck_assert_uint_ge(before.spans, 1);
    struct history_db *h = open_writer();
    must(history_db_pack(h, &err));
    history_db_close(h);
    ck_assert_int_eq(number("SELECT count(*) FROM damaged WHERE what = 'tail'"), 1);
    ck_assert_int_eq(number("SELECT count(*) FROM tail"), 0);
    read_samples(&after, NULL, false);
    expect_within(&after, &all);
    ck_assert_uint_eq(after.count, before.count);
    ck_assert_uint_eq(after.spans, 1);
}
END_TEST

START_TEST(a_damaged_roll_up_is_set_aside)
{
    int64_t last = number("SELECT max(key) FROM rollup");
    for (int64_t key = last; key > 0 && key > last - 3; key--) {
        flip_in("rollup", key);
    }
    struct history_db *h = open_writer();
    read_slowly(h);
    history_db_close(h);
    ck_assert_int_ge(number("SELECT count(*) FROM damaged WHERE what = 'rollup'"), 1);
    ck_assert_uint_eq(findings(), 0);
    read_samples(&after, NULL, false);
    ck_assert_uint_eq(after.count, all.count);
}
END_TEST

/* Four hours of one sample a minute, days behind the others: a point has one column,
 * and loses no other's. */
START_TEST(points_with_single_samples_outlast_the_damage_of_another)
{
    struct history_db *h = open_writer();
    static unsigned char batch[FRAME_BYTES_MAX];
    enum history_trouble trouble;
    must(history_db_pack(h, &err)); /* What follows is a row of its own. */
    for (int p = 0; p < 240; p++) {
        struct frame *f = (void *)batch;
        *f = (struct frame){.t_ms = START_MS + INT64_C(864000000) + p * INT64_C(60000),
                            .device = 0,
                            .count = POINTS};
        for (uint32_t k = 0; k < POINTS; k++) {
            f->readings[k] =
                (struct reading){.point = k, .value = (double)any(2000) / 10};
        }
        must(history_db_write(h, batch, frame_bytes(f->count), INSTANT_NONE, &trouble,
                              &err));
    }
    must(history_db_pack(h, &err));
    history_db_close(h);
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT key FROM rollup WHERE resolution = 60000 AND t0 >= %lld",
             (long long)START_MS + 864000000);
    int64_t key = number(sql);
    snprintf(sql, sizeof sql, "SELECT length(bytes) FROM rollup WHERE key = %lld",
             (long long)key);
    int64_t whole = number(sql);
    snprintf(sql, sizeof sql,
             "UPDATE rollup SET bytes = CAST(substr(bytes, 1, length(bytes) - 8)"
             " || zeroblob(8) AS BLOB) WHERE key = %lld",
             (long long)key);
    sqlite3 *db = NULL;
    char path[SCRATCH_BYTES + 16];
    snprintf(path, sizeof path, "%s/history.db", dir);
    must(db_open(&db, path, DB_WRITE, &err));
    must(db_exec(db, sql, &err));
    db_close(db);
    h = open_writer();
    read_slowly(h);
    history_db_close(h);
    ck_assert_int_eq(number("SELECT count(*) FROM damaged WHERE what = 'rollup'"), 1);
    /* All but one of the points. */
    snprintf(sql, sizeof sql, "SELECT length(bytes) FROM rollup WHERE key = %lld",
             (long long)key);
    ck_assert_int_gt(number(sql), whole / 2);
}
END_TEST

START_TEST(the_slow_reading_comes_by_everything)
{
    int64_t key = number("SELECT min(key) FROM chunk");
    flip_in("chunk", key);
    struct history_db *h = open_writer();
    /* As if a flush took an hour: a week has 168. */
    site.history.flush_ms = 3600000;
    for (int flush = 0; flush < 2 * 168 && history_db_damaged(h) == 0; flush++) {
        must(history_db_begin(h, &err));
        must(history_scrub_settle(h, INSTANT_NONE, &err));
        must(db_exec(h->db, "COMMIT", &err));
    }
    ck_assert_uint_eq(history_db_damaged(h), 1);
    history_db_close(h);
}
END_TEST

/* Any bit of the file: pages, lists of cells, keys, times. */
START_TEST(no_bit_of_the_file_makes_a_reader_crash_or_invent)
{
    char path[SCRATCH_BYTES + 16];
    struct stat st;
    const int rounds = SANITIZED_SLOWER > 1 ? 60 : 200;
    scratch_exec(dir, "history.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    snprintf(path, sizeof path, "%s/history.db", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    uint64_t whole = 0, readable = 0;
    for (int round = 0; round < rounds; round++) {
        off_t at = (off_t)any((uint32_t)st.st_size);
        unsigned char byte, was;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(pread(fd, &was, 1, at), 1);
        byte = was ^ (unsigned char)(1u << any(8));
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        read_samples(&after, NULL, false);
        readable += after.rc == 0;
        whole += after.count == all.count;
        read_samples(&before, device_ids[any(DEVICES)], true);
        ck_assert_int_eq(pwrite(fd, &was, 1, at), 1);
        close(fd);
    }
    /* Most bits are of values. */
    ck_assert_uint_ge(readable, (uint64_t)rounds * 8 / 10);
    ck_assert_uint_lt(whole, (uint64_t)rounds);
    read_samples(&after, NULL, false);
    ck_assert_uint_eq(after.count, all.count);
}
END_TEST

/* How a file is broken, as a whole. */
enum breaking { TRUNCATED, ZEROED, TORN_ROOT, BREAKINGS };

START_TEST(a_file_that_is_broken_as_a_whole_is_moved_aside_and_counted)
{
    char path[SCRATCH_BYTES + 16];
    static const char zeros[4096];
    struct stat st;
    scratch_exec(dir, "history.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    const int64_t root =
        number("SELECT rootpage FROM sqlite_schema WHERE name = 'chunk_end'");
    snprintf(path, sizeof path, "%s/history.db", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    switch ((enum breaking)_i) {
    case TRUNCATED:
        ck_assert_int_eq(ftruncate(fd, 1500), 0);
        break;
    case ZEROED:
        ck_assert_int_eq(pwrite(fd, zeros, 1024, 0), 1024);
        break;
    case TORN_ROOT:
        ck_assert_int_eq(pwrite(fd, zeros, 1024, (off_t)(root - 1) * 1024), 1024);
        break;
    case BREAKINGS:
        break;
    }
    close(fd);
    struct history_db *h = open_writer();
    ck_assert_uint_eq(history_db_damaged(h), 1);
    write_polls(h, 0, 2);
    history_db_close(h);
    ck_assert_int_eq(number("SELECT count(*) FROM damaged WHERE what = 'file'"), 1);
    read_samples(&after, NULL, false);
    ck_assert_uint_eq(after.count, 2 * DEVICES * POINTS);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

START_TEST(a_log_of_garbage_costs_nothing_that_is_in_the_file)
{
    char path[SCRATCH_BYTES + 16];
    scratch_exec(dir, "history.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    snprintf(path, sizeof path, "%s/history.db-wal", dir);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 20000; i++) {
        fputc((int)any(256), f);
    }
    fclose(f);
    snprintf(path, sizeof path, "%s/history.db-shm", dir);
    unlink(path);
    struct history_db *h = open_writer();
    history_db_close(h);
    read_samples(&after, NULL, false);
    ck_assert_uint_eq(after.count, all.count);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history_damage");
    TCase *tc = tcase_create("history_damage");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, make_history, remove_history);
    tcase_add_test(tc, a_bit_of_a_chunk_costs_no_more_than_its_column);
    tcase_add_test(tc, one_point_reads_past_what_is_damaged);
    tcase_add_test(tc, the_writer_sets_a_section_of_the_tail_aside_once);
    tcase_add_test(tc, a_damaged_roll_up_is_set_aside);
    tcase_add_test(tc, points_with_single_samples_outlast_the_damage_of_another);
    tcase_add_test(tc, the_slow_reading_comes_by_everything);
    tcase_add_test(tc, no_bit_of_the_file_makes_a_reader_crash_or_invent);
    tcase_add_loop_test(tc, a_file_that_is_broken_as_a_whole_is_moved_aside_and_counted,
                        0, BREAKINGS);
    tcase_add_test(tc, a_log_of_garbage_costs_nothing_that_is_in_the_file);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
