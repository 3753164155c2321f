/* What of the history goes: by age, by size, and in which order; what a wrong clock
 * does not make go; and that space comes back, a little with each flush. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/instant.h"
#include "daemon/store/history.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_keep.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/sanitized.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  INT64_C(1767225600000) /* 2026-01-01 */

#define POINTS 24
#define BATCH  400 /* Frames of one flush, at most. */

static char dir[SCRATCH_BYTES];
static char got[512];
static struct err err;
static struct device device = {.id = "pump", .point_count = POINTS};
static struct point points[POINTS];
static char ids[POINTS][8];
static struct site site;
static unsigned char
    batch[BATCH * (sizeof(struct frame) + POINTS * sizeof(struct reading))];
static size_t batch_size;
static uint64_t noise;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    batch_size = 0;
    noise = 1;
    for (uint32_t k = 0; k < POINTS; k++) {
        snprintf(ids[k], sizeof ids[k], "p%u", k);
        points[k] = (struct point){.id = ids[k]};
    }
    site = (struct site){.devices = &device,
                         .device_count = 1,
                         .points = points,
                         .point_count = POINTS,
                         .history = {.flush_ms = HOUR}}; /* Packed after 16. */
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

static struct history_db *
open_writer(void)
{
    struct history_db *h = NULL;
    must(history_db_open(&h, dir, &site, &err));
    return h;
}

/* A frame whose values take their eight bytes. */
static void
add(int64_t t_ms, uint16_t flags, uint16_t count)
{
    struct frame *f = (void *)(batch + batch_size);
    ck_assert_uint_le(batch_size + frame_bytes(count), sizeof batch);
    *f = (struct frame){.t_ms = t_ms, .flags = flags, .count = count};
    for (uint32_t k = 0; k < count; k++) {
        noise = noise * 6364136223846793005u + 1442695040888963407u;
        f->readings[k] =
            (struct reading){.point = k, .value = (double)(int64_t)noise / 3e9};
    }
    batch_size += frame_bytes(count);
}

/* As the writer's thread does: what does not fit makes room first. */
static void
flush(struct history_db *h, int64_t now_ms)
{
    enum history_trouble trouble = HISTORY_OTHER;
    int rc = history_db_write(h, batch, batch_size, now_ms, &trouble, &err);
    for (int i = 0; rc != 0 && trouble == HISTORY_FULL && i < 8; i++) {
        must(history_db_drop_oldest(h, &err));
        rc = history_db_write(h, batch, batch_size, now_ms, &trouble, &err);
    }
    must(rc);
    batch_size = 0;
}

static int64_t
count_of(const char *sql)
{
    scratch_query(dir, "history.db", sql, got);
    return strtoll(got, NULL, 10);
}

/* `count` frames, `step_ms` apart, in chunks. */
static void
write_chunks(struct history_db *h, int64_t from_ms, int count, int64_t step_ms)
{
    for (int i = 0; i < count; i++) {
        add(from_ms + i * step_ms, 0, POINTS);
        if (i % BATCH == BATCH - 1 || i == count - 1) {
            flush(h, INSTANT_NONE);
            must(history_db_pack(h, &err));
        }
    }
}

/* ---- the present ---- */

static const struct {
    const char *what;
    int64_t before_ms, newest_ms, passed_ms, after_ms;
} presents[] = {
    {"what is said first is believed", INSTANT_NONE, START, 0, START},
    {"time passes", START, START + 5000, 5000, START + 5000},
    {"a night without power", START, START + KEEP_LEAP_MS, 0, START + KEEP_LEAP_MS},
    {"a wrong year goes on slowly", START, START + 5000 * DAY, 5000,
     START + 5000 * KEEP_HASTE},
    {"not at all without time", START, START + 5000 * DAY, 0, START},
    {"no further than is said", START, START + 2 * DAY, DAY, START + 2 * DAY},
    {"a clock that is set back is followed", START, START - 90 * DAY, 5000,
     START - 90 * DAY},
    {"nothing is said", START, INSTANT_NONE, 5000, START},
    {"nothing was ever said", INSTANT_NONE, INSTANT_NONE, 5000, INSTANT_NONE},
};

START_TEST(the_present_is_believed_by_steps)
{
    struct history_present p = {.t_ms = presents[_i].before_ms, .mono_ms = 1000};
    history_present_step(&p, presents[_i].newest_ms, 1000 + presents[_i].passed_ms);
    ck_assert_msg(p.t_ms == presents[_i].after_ms, "%s", presents[_i].what);
    ck_assert_int_eq(p.mono_ms, 1000 + presents[_i].passed_ms);
}
END_TEST

START_TEST(the_present_is_kept_over_a_restart)
{
    struct history_db *h = open_writer();
    ck_assert_int_eq(history_db_space(h).present_ms, INSTANT_NONE);
    add(START, 0, 1);
    flush(h, START);
    add(START + 1000, 0, 1);
    flush(h, START + 1000); /* Too little to be written again. */
    history_db_close(h);
    h = open_writer();
    ck_assert_int_eq(history_db_space(h).present_ms, START);
    add(START + DAY, 0, 1);
    flush(h, START + DAY);
    ck_assert_int_eq(history_db_space(h).present_ms, START + DAY);
    history_db_close(h);
}
END_TEST

/* The daemon starts anew with a clock that is years ahead, and trusted. */
START_TEST(one_wrong_date_empties_nothing)
{
    site.history.keep_ms = 10 * DAY;
    struct history_db *w = open_writer();
    write_chunks(w, START, 1000, MINUTE);
    flush(w, START + DAY);
    history_db_close(w);
    struct history *h = NULL;
    must(history_open(&h, dir, &site, &err));
    for (int i = 0; i < 20; i++) {
        add(START + 5000 * DAY + i, 0, 1);
        ck_assert(history_push(h, (const void *)batch));
        batch_size = 0;
        must(history_flush(h, &err));
    }
    history_close(h);
    ck_assert_int_eq(
        count_of("SELECT sum(samples) FROM chunk WHERE t1 < 1767225600000 + 86400000"),
        1000 * POINTS);
}
END_TEST

START_TEST(an_import_of_the_future_empties_nothing)
{
    struct history_import_counts counts;
    site.history.keep_ms = site.history.keep_1m_ms = site.history.keep_1h_ms = 10 * DAY;
    struct history_db *h = open_writer();
    write_chunks(h, START, 1000, MINUTE);
    add(START + 5000 * DAY, 0, 1);
    must(history_db_import(h, batch, batch_size, &counts, &err));
    batch_size = 0;
    for (int i = 0; i < 20; i++) {
        add(START + DAY + i, 0, 1);
        flush(h, START + DAY + i);
    }
    must(history_db_pack(h, &err));
    history_db_close(h);
    ck_assert_int_eq(count_of("SELECT sum(samples) FROM chunk"), 1000 * POINTS + 21);
    ck_assert_int_gt(count_of("SELECT count(*) FROM rollup WHERE t1 < 1767225600000"
                              " + 86400000"),
                     1);
}
END_TEST

/* ---- age ---- */

START_TEST(frames_of_a_wrong_clock_are_as_old_as_their_neighbours)
{
    site.history.keep_ms = 30 * DAY;
    struct history_db *h = open_writer();
    write_chunks(h, START, 10, MINUTE);
    for (int i = 0; i < 10; i++) { /* A clock without a battery: 1970. */
        add(i * MINUTE, FRAME_CLOCK_UNTRUSTED, 1);
    }
    flush(h, INSTANT_NONE);
    must(history_db_pack(h, &err));
    write_chunks(h, START + 10 * DAY, 10, MINUTE);
    write_chunks(h, START + 20 * DAY, 10, MINUTE);
    const char *untrusted = "SELECT count(*) FROM chunk WHERE untrusted <> 0";
    ck_assert_int_eq(count_of(untrusted), 1);
    for (int i = 0; i < 3; i++) {
        flush(h, START + 39 * DAY);
    }
    ck_assert_int_eq(count_of("SELECT min(t0) FROM chunk WHERE untrusted = 0"),
                     START + 10 * DAY); /* What came before has gone. */
    ck_assert_int_eq(count_of(untrusted), 1);
    flush(h, START + 40 * DAY + HOUR);
    ck_assert_int_eq(count_of(untrusted), 0); /* With what came behind. */
    history_db_close(h);
}
END_TEST

/* Nobody ever knew the time: nothing is known to be old. */
START_TEST(frames_of_a_wrong_clock_alone_do_not_go_by_age)
{
    site.history.keep_ms = DAY;
    struct history_db *h = open_writer();
    for (int i = 0; i < 10; i++) {
        add(i * MINUTE, FRAME_CLOCK_UNTRUSTED, 1);
    }
    flush(h, INSTANT_NONE);
    must(history_db_pack(h, &err));
    flush(h, START);
    ck_assert_int_eq(count_of("SELECT count(*) FROM chunk"), 1);
    history_db_close(h);
}
END_TEST

START_TEST(what_is_old_goes_some_with_each_flush_and_its_space_comes_back)
{
    site.history.keep_ms = site.history.keep_1m_ms = site.history.keep_1h_ms = 10 * DAY;
    struct history_db *h = open_writer();
    write_chunks(h, START, 32000, 40000); /* In 80 chunks, of two weeks. */
    int64_t chunks = count_of("SELECT count(*) FROM chunk");
    const int64_t all = chunks, begun = count_of("PRAGMA page_count");
    int64_t pages = begun;
    ck_assert_int_gt(chunks, KEEP_AT_ONCE);
    ck_assert_int_gt(pages, 5 * 1024);
    int steps = 0;
    for (int64_t left = -1; left != pages || chunks > 0; steps++) {
        left = pages;
        flush(h, START + 60 * DAY);
        int64_t now = count_of("SELECT count(*) FROM chunk");
        ck_assert_int_le(chunks - now, KEEP_AT_ONCE);
        chunks = now;
        pages = count_of("PRAGMA page_count");
        /* And pages that map others. */
        ck_assert_int_le(left - pages, KEEP_VACUUM_PAGES + 8);
        ck_assert_int_lt(steps, 200);
    }
    ck_assert_int_ge(steps, all / KEEP_AT_ONCE);
    ck_assert_int_lt(pages, begun / 2);
    history_db_close(h);
    ck_assert_int_eq(count_of("PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    ck_assert_str_eq(
        (scratch_query(dir, "history.db", "PRAGMA integrity_check", got), got), "ok");
    struct stat st;
    char path[SCRATCH_BYTES + 16];
    snprintf(path, sizeof path, "%s/history.db", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, pages * 1024);
}
END_TEST

/* ---- size ---- */

static int64_t
bytes_on_disk(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[SCRATCH_BYTES + 32];
    struct stat st;
    int64_t bytes = 0;
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/history.db%s", dir, suffixes[i]);
        bytes += stat(path, &st) == 0 ? st.st_size : 0;
    }
    return bytes;
}

START_TEST(max_size_counts_everything_and_the_newest_stay)
{
    site.history.max_bytes = 2 << 20;
    struct history_db *h = open_writer();
    int64_t t_ms = START;
    for (int i = 0; i < 400 / SANITIZED_SLOWER; i++) {
        for (int k = 0; k < 100; k++, t_ms += 10000) {
            add(t_ms, 0, POINTS);
        }
        flush(h, t_ms);
        ck_assert_int_le(bytes_on_disk(), site.history.max_bytes);
    }
    ck_assert_int_gt(bytes_on_disk(), site.history.max_bytes / 2);
    ck_assert(!history_db_space(h).full);
    while (history_db_pack(h, &err) != 0) {
        must(history_db_drop_oldest(h, &err));
    }
    history_db_close(h);
    ck_assert_int_eq(count_of("SELECT max(t1) FROM chunk"), t_ms - 10000);
    ck_assert_int_gt(count_of("SELECT min(t1) FROM chunk"), START + HOUR);
    /* No hole: from the oldest to the newest all are there. */
    int64_t span = t_ms - count_of("SELECT min(t0) FROM chunk");
    ck_assert_int_eq(count_of("SELECT sum(samples) FROM chunk"), span / 10000 * POINTS);
}
END_TEST

/* Room for a fifth of what there is: each keeps about the same part of its time. */
START_TEST(samples_minutes_and_hours_get_shorter_together)
{
    site.history.keep_ms = 20 * DAY;
    site.history.keep_1m_ms = 80 * DAY;
    site.history.keep_1h_ms = 800 * DAY;
    struct history_db *h = open_writer();
    for (int day = 0; day < 20; day++) {
        write_chunks(h, START + day * DAY, 1440, MINUTE);
    }
    flush(h, START + 20 * DAY);
    int64_t minutes = count_of("SELECT min(t0) FROM rollup WHERE resolution = 60000");
    int64_t hours = count_of("SELECT min(t0) FROM rollup WHERE resolution = 3600000");
    history_db_close(h);
    int64_t whole = bytes_on_disk();
    site.history.max_bytes = whole / 2;
    h = open_writer();
    for (int i = 0; i < 200; i++) {
        flush(h, START + 20 * DAY);
    }
    int64_t chunk = count_of("SELECT min(t0) FROM chunk");
    ck_assert_int_gt(chunk, START + 5 * DAY); /* Samples first: minutes are young. */
    ck_assert_int_lt(chunk, START + 19 * DAY);
    ck_assert_int_eq(count_of("SELECT min(t0) FROM rollup WHERE resolution = 3600000"),
                     hours);
    history_db_close(h);
    site.history.max_bytes = whole / 8;
    h = open_writer();
    for (int i = 0; i < 200; i++) {
        flush(h, START + 20 * DAY);
    }
    /* Minutes that have lived more of their time than the samples that are left. */
    ck_assert_int_gt(count_of("SELECT min(t0) FROM rollup WHERE resolution = 60000"),
                     minutes);
    ck_assert_int_gt(count_of("SELECT min(t0) FROM chunk"), chunk);
    ck_assert_int_eq(count_of("SELECT min(t0) FROM rollup WHERE resolution = 3600000"),
                     hours);
    ck_assert_int_le(bytes_on_disk(), site.history.max_bytes + (1 << 20));
    history_db_close(h);
}
END_TEST

/* All that there is was recorded without a clock: the first goes first. */
START_TEST(frames_of_a_wrong_clock_make_room_in_the_order_of_recording)
{
    site.history.max_bytes = 1 << 20;
    struct history_db *h = open_writer();
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 50; k++) {
            add((i % 50 * 100 + k) * 1000, FRAME_CLOCK_UNTRUSTED, POINTS); /* Again. */
        }
        flush(h, INSTANT_NONE);
        must(history_db_pack(h, &err));
    }
    int64_t count = count_of("SELECT count(*) FROM chunk");
    ck_assert_int_gt(count, 5);
    int64_t first = count_of("SELECT min(key) FROM chunk");
    ck_assert_int_gt(first, 5);
    ck_assert_int_eq(count_of("SELECT max(key) FROM chunk"), first + count - 1);
    history_db_close(h);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history, keep");
    TCase *tc = tcase_create("keep");
    TCase *threads = tcase_create("threads");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 300);
    tcase_set_timeout(threads, 300);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_checked_fixture(threads, make_dir, remove_dir);
    tcase_add_loop_test(tc, the_present_is_believed_by_steps, 0,
                        (int)(sizeof presents / sizeof presents[0]));
    tcase_add_test(tc, the_present_is_kept_over_a_restart);
    tcase_add_test(tc, an_import_of_the_future_empties_nothing);
    tcase_add_test(tc, frames_of_a_wrong_clock_are_as_old_as_their_neighbours);
    tcase_add_test(tc, frames_of_a_wrong_clock_alone_do_not_go_by_age);
    tcase_add_test(tc, what_is_old_goes_some_with_each_flush_and_its_space_comes_back);
    tcase_add_test(tc, max_size_counts_everything_and_the_newest_stay);
    tcase_add_test(tc, samples_minutes_and_hours_get_shorter_together);
    tcase_add_test(tc, frames_of_a_wrong_clock_make_room_in_the_order_of_recording);
    tcase_add_test(threads, one_wrong_date_empties_nothing);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, threads);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
