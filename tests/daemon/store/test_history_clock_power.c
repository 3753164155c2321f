/* Samples under a clock that was wrong are being put right while the disk loses power,
 * or fails, at each of its operations, one after the other: all of it is put right,
 * once, or none of it, if the power went before that the clock was set was on disk. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/history.h"
#include "daemon/store/history_clock.h"
#include "daemon/store/history_db.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/fake_disk.h"
#include "tests/fake/sanitized.h"
#include "tests/fake/small_plant.h"

#define DEVICES   5
#define POINTS    2
#define FRAMES    (FLUSHES * DEVICES)
#define FLUSHES   160
#define SET_AT    120 /* The flush with which the clock is set. */
#define TRIES     4
#define SEEDS     4 /* In turn: nothing, all, twice some of what was not synced. */
#define NOW       INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define SECOND_MS 1000
#define FIRST     2 /* Devices that are polled before the clock is set. */

static char dir[SCRATCH_BYTES];
static struct err err;
static struct fake_disk *disk;
static struct small_plant plant;
static const char *const point_ids[POINTS] = {"flow", "level"};
static struct site site;
static unsigned char batch[(DEVICES + 1) * (sizeof(struct frame) + POINTS * 16)];

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_dir(void)
{
    scratch_make(dir);
    log_init(LOG_LEVEL_ERROR);
    small_plant_make(&plant, DEVICES, POINTS, point_ids);
    site = plant.site;
    /* Packed after 16 flushes. */
    site.history = (struct history_spec){.flush_ms = 3600000};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

/* Stepped now and then, and wrong still. */
static int64_t
wrong_offset(int64_t flush, int64_t device)
{
    int64_t polled = device < FIRST && flush > 0 ? flush - 1 : flush;
    return polled / 40 * INT64_C(3600000);
}

/* One poll of each device, with what the daemon says of the clock in it. */
static size_t
fill_batch(int flush)
{
    size_t size = 0;
    bool changed = flush == 0 || flush == SET_AT ||
                   wrong_offset(flush, 0) != wrong_offset(flush, FIRST);
    for (uint32_t d = 0; d < DEVICES; d++) {
        bool trusted = flush > SET_AT || (flush == SET_AT && d >= FIRST);
        int64_t offset_ms = trusted ? NOW : wrong_offset(flush, d);
        if (changed && d == (flush == 0 ? 0 : FIRST)) {
            history_clock_record((void *)(batch + size), offset_ms, trusted, false);
            size += frame_bytes(0);
        }
        struct frame *f = (void *)(batch + size);
        *f = (struct frame){.t_ms = flush * SECOND_MS + offset_ms,
                            .device = d,
                            .count = POINTS,
                            .flags = trusted ? 0 : FRAME_CLOCK_UNTRUSTED};
        for (uint32_t k = 0; k < POINTS; k++) {
            f->readings[k] = (struct reading){
                .point = d * POINTS + k,
                .value = (double)flush * DEVICES * POINTS + d * POINTS + k};
        }
        size += frame_bytes(POINTS);
    }
    return size;
}

/* Returns how many flushes were acknowledged. */
static int
work(bool to_the_end)
{
    struct history_db *h = NULL;
    int acknowledged = 0, rc = ERR_IO;
    for (int try = 0; rc != 0 && try < TRIES; try++) {
        rc = history_db_open(&h, dir, &site, &err);
    }
    for (int i = 0; rc == 0 && i < FLUSHES; i++) {
        enum history_trouble trouble;
        size_t size = fill_batch(i);
        rc = ERR_IO;
        for (int try = 0; rc != 0 && try < TRIES; try++) {
            rc = history_db_write(h, batch, size, INSTANT_NONE, &trouble, &err);
        }
        acknowledged += rc == 0;
    }
    ck_assert_msg(rc == 0 || !to_the_end, "%s", err.text);
    history_db_close(h);
    return acknowledged;
}

struct judgement {
    bool seen[FRAMES * POINTS];
    int64_t marked, samples, newest; /* Flush. */
};

static bool
judge_sample(void *ctx, const struct history_sample *s)
{
    struct judgement *j = ctx;
    int64_t number = (int64_t)s->value, flush = number / (DEVICES * POINTS);
    ck_assert_int_lt(number, FRAMES * POINTS);
    ck_assert(!j->seen[number]);
    j->seen[number] = true;
    ck_assert_int_eq(s->t_ms, flush * SECOND_MS +
                                  (s->clock_untrusted
                                       ? wrong_offset(flush, number / POINTS % DEVICES)
                                       : NOW));
    j->marked += s->clock_untrusted;
    j->newest = flush > j->newest ? flush : j->newest;
    j->samples++;
    return true;
}

/* The machine comes back, as another boot. */
static void
judge(int least, int most, const char *what, uint64_t at)
{
    char got[512] = "1";
    enum history_trouble trouble;
    struct judgement j = {.newest = -1};
    struct history_reader *r = NULL;
    struct history_db *h = NULL;
    must(history_db_open(&h, dir, &site, &err)); /* The tables are there now. */
    history_db_close(h);
    scratch_exec(dir, "history.db", "UPDATE clock SET boot = 'gone' WHERE key > 1");
    must(history_db_open(&h, dir, &site, &err));
    for (int i = 0; strcmp(got, "0") != 0; i++) {
        ck_assert_int_lt(i, 100);
        must(history_db_write(h, batch, 0, INSTANT_NONE, &trouble, &err));
        scratch_query(dir, "history.db",
                      "SELECT count(*) FROM clock WHERE shift IS NOT NULL", got);
    }
    history_db_close(h);
    must(history_reader_open(&r, dir, &err));
    must(
        history_each(r, INSTANT_NONE, INSTANT_MAX, NULL, NULL, judge_sample, &j, &err));
    history_reader_close(r);
    ck_assert_int_eq(j.samples, (j.newest + 1) * DEVICES * POINTS);
    ck_assert_msg(j.newest + 1 >= least && j.newest + 1 <= most,
                  "%s at %llu: %lld of %d..%d", what, (unsigned long long)at,
                  (long long)j.newest + 1, least, most);
    ck_assert_msg(j.marked == (j.newest < SET_AT ? j.samples : 0),
                  "%s at %llu: %lld of %lld marked", what, (unsigned long long)at,
                  (long long)j.marked, (long long)j.samples);
    scratch_query(dir, "history.db", "PRAGMA integrity_check", got);
    ck_assert_str_eq(got, "ok");
}

static uint64_t
count_operations(void)
{
    char got[512];
    disk = fake_disk_new();
    ck_assert_int_eq(work(true), FLUSHES);
    uint64_t last = fake_disk_operations(disk);
    judge(FLUSHES, FLUSHES, "no fault", 0);
    scratch_query(dir, "history.db", "SELECT count(*) > 10 FROM chunk", got);
    ck_assert_str_eq(got, "1");
    fake_disk_free(disk);
    return last;
}

START_TEST(the_power_goes_at_each_operation)
{
    uint64_t last = count_operations();
    ck_assert_uint_ge(last, 500);
    for (uint64_t at = 1; at <= last; at += SANITIZED_SLOWER) {
        disk = fake_disk_new();
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
    uint64_t last = count_operations();
    for (uint64_t at = 1; at <= last; at += 3 * SANITIZED_SLOWER) {
        disk = fake_disk_new();
        fake_disk_plan(disk, FAKE_DISK_FAILS, at);
        ck_assert_int_eq(work(true), FLUSHES);
        judge(FLUSHES, FLUSHES, "failure", at);
        fake_disk_free(disk);
    }
}
END_TEST

/* ---- by the thread ---- */

/* [1]: samples that are marked; [0]: the others. */
static bool
note_marked(void *ctx, const struct history_sample *s)
{
    uint64_t *counts = ctx;
    counts[s->clock_untrusted]++;
    return true;
}

static void
push_one(struct history *h, int64_t device, int64_t t_ms)
{
    struct frame *f = (void *)batch;
    *f = (struct frame){.t_ms = t_ms,
                        .device = (uint32_t)device,
                        .count = 1,
                        .flags = FRAME_CLOCK_UNTRUSTED};
    f->readings[0] = (struct reading){.point = (uint32_t)device * POINTS};
    (void)history_push(h, f);
}

/* What is kept while the disk refuses is the newest: of the clock, too. */
START_TEST(what_was_said_of_the_clock_outlives_the_frames_that_are_dropped)
{
    struct rlimit before, small;
    struct history *h = NULL;
    struct history_reader *r = NULL;
    uint64_t counts[2] = {0, 0};
    signal(SIGXFSZ, SIG_IGN);
    must(history_open(&h, dir, &site, &err));
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    history_clock(h, 5, false, false);
    for (int64_t i = 0; history_count(h).dropped == 0; i++) {
        /* Nothing is asserted: Check writes a file for that, which may not grow. */
        push_one(h, i % DEVICES, i);
        if (i % 5000 == 0) {
            (void)history_flush(h, &err);
        }
    }
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    must(history_flush(h, &err));
    history_clock(h, NOW, true, true);
    must(history_flush(h, &err));
    must(history_flush(h, &err));
    uint64_t kept = history_count(h).samples;
    history_close(h);
    must(history_reader_open(&r, dir, &err));
    must(history_each(r, INSTANT_NONE, INSTANT_MAX, NULL, NULL, note_marked, counts,
                      &err));
    history_reader_close(r);
    ck_assert_uint_gt(kept, 0);
    ck_assert_uint_eq(counts[0], kept);
    ck_assert_uint_eq(counts[1], 0);
}
END_TEST

START_TEST(that_the_clock_was_synchronised_is_kept)
{
    struct history *h = NULL;
    char got[512];
    for (int i = 0; i < 4; i++) {
        must(history_open(&h, dir, &site, &err));
        ck_assert_int_eq(history_was_synchronised(h), i >= 2);
        history_clock(h, NOW, i % 2 == 0, i == 1);
        ck_assert_int_eq(history_was_synchronised(h), i >= 2);
        history_close(h);
    }
    scratch_query(dir, "history.db", "SELECT count(*) FROM clock WHERE key < 2", got);
    ck_assert_str_eq(got, "2");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history, clock, power");
    TCase *tc = tcase_create("power");
    TCase *threads = tcase_create("threads");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 300);
    tcase_set_timeout(threads, 300);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_checked_fixture(threads, make_dir, remove_dir);
    tcase_add_test(tc, the_power_goes_at_each_operation);
    tcase_add_test(tc, each_operation_fails_once);
    tcase_add_test(threads, that_the_clock_was_synchronised_is_kept);
    tcase_add_test(threads,
                   what_was_said_of_the_clock_outlives_the_frames_that_are_dropped);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, threads);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
