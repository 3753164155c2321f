/* Samples under a clock that is wrong, is set, is set back: what was marked is put
 * right exactly once when the offset is known, whatever was packed, restarted or cut
 * off meanwhile; what was not marked stays as it was recorded. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/history.h"
#include "daemon/store/history_aggregate.h"
#include "daemon/store/history_clock.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_rollup.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"
#include "tests/fake/sanitized.h"
#include "tests/fake/small_plant.h"

#define DEVICES    5
#define POINTS     2
#define FRAMES_MAX 20000
#define NOW        INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define SECOND     INT64_C(1000)
#define HOUR       (3600 * SECOND)

static char dir[SCRATCH_BYTES];
static struct err err;
static char got[512];
static struct small_plant plant;
static const char *const point_ids[POINTS] = {"flow", "level"};
static struct site site;
static uint64_t seed;

/* What was recorded, and what it should be now; each frame has a value of its own. */
struct model_frame {
    int64_t t_ms, offset_ms;
    int boot; /* -1: nobody can put it right. */
    bool untrusted, seen;
};
static struct model_frame model[FRAMES_MAX];
static size_t model_count;
static unsigned char batch[FRAMES_MAX * (sizeof(struct frame) + POINTS * 16)];
static size_t batch_size;

/* The machine: its monotonic clock, and what the daemon makes of it. */
static int64_t mono_ms, offset_ms;
static bool trusted;
static int boot;
static int64_t now_ms; /* With each flush. */

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_dir(void)
{
    scratch_make(dir);
    log_init(LOG_LEVEL_ERROR);
    memset(&err, 0, sizeof err);
    seed = 11;
    model_count = batch_size = 0;
    mono_ms = 50 * SECOND;
    offset_ms = NOW - mono_ms;
    trusted = true;
    boot = 0;
    now_ms = INSTANT_NONE;
    small_plant_make(&plant, DEVICES, POINTS, point_ids);
    site = plant.site;
    /* Packed after 16 flushes. */
    site.history = (struct history_spec){.flush_ms = HOUR, .keep_ms = 1};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

static uint32_t
any(uint32_t below)
{
    return (uint32_t)(mixed_random(&seed) >> 33) % below;
}

/* ---- the machine ---- */

static void
record_frame(uint32_t device)
{
    struct frame *f = (void *)(batch + batch_size);
    ck_assert_uint_lt(model_count, FRAMES_MAX);
    *f = (struct frame){.t_ms = mono_ms + offset_ms,
                        .device = device,
                        .count = POINTS,
                        .flags = trusted ? 0 : FRAME_CLOCK_UNTRUSTED};
    for (uint32_t k = 0; k < POINTS; k++) {
        f->readings[k] = (struct reading){
            .point = device * POINTS + k,
            .value = (double)(model_count * DEVICES * POINTS + device * POINTS + k)};
    }
    model[model_count++] = (struct model_frame){
        .t_ms = f->t_ms, .offset_ms = offset_ms, .boot = boot, .untrusted = !trusted};
    batch_size += frame_bytes(POINTS);
}

static void
poll_all(void)
{
    for (uint32_t d = 0; d < DEVICES; d++) {
        record_frame(d);
    }
    mono_ms += SECOND;
}

/* What the daemon says when it starts, and when the clock is stepped. */
static void
tell_clock(int64_t offset, bool trust)
{
    struct frame *record = (void *)(batch + batch_size);
    history_clock_record(record, offset, trust, false);
    batch_size += frame_bytes(0);
    offset_ms = offset;
    trusted = trust;
    for (size_t i = 0; trust && i < model_count; i++) {
        struct model_frame *m = &model[i];
        if (m->untrusted && m->boot == boot) {
            m->t_ms += offset - m->offset_ms;
            m->untrusted = false;
        }
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
write_batch(struct history_db *h)
{
    enum history_trouble trouble;
    must(history_db_write(h, batch, batch_size, now_ms, &trouble, &err));
    batch_size = 0;
}

/* The power was cut: another boot id, another monotonic clock. */
static void
reboot(void)
{
    scratch_exec(dir, "history.db",
                 "UPDATE clock SET boot = 'boot-' || key WHERE key > 1");
    boot++;
    mono_ms = (int64_t)any(100) * SECOND;
}

static int64_t
count_of(const char *sql)
{
    scratch_query(dir, "history.db", sql, got);
    return strtoll(got, NULL, 10);
}

static void
settle(struct history_db *h)
{
    for (int i = 0; count_of("SELECT count(*) FROM clock WHERE shift IS NOT NULL") > 0;
         i++) {
        ck_assert_int_lt(i, 1000);
        write_batch(h);
    }
}

/* ---- what is read ---- */

struct reading_order {
    int64_t t_ms;
    uint32_t device, point;
    uint64_t samples;
    bool strict; /* Nothing was put right. */
    double last;
};

static bool
check_sample(void *ctx, const struct history_sample *s)
{
    struct reading_order *o = ctx;
    uint64_t number = (uint64_t)s->value;
    uint32_t device = (uint32_t)(number / POINTS % DEVICES);
    uint32_t point = (uint32_t)(number % POINTS);
    struct model_frame *m = &model[number / (DEVICES * POINTS)];
    ck_assert_uint_lt(number / (DEVICES * POINTS), model_count);
    ck_assert_str_eq(s->device, plant.ids[device]);
    ck_assert_str_eq(s->point, point_ids[point]);
    ck_assert_msg(s->t_ms == m->t_ms && s->clock_untrusted == m->untrusted,
                  "frame %llu: %lld%s, not %lld%s",
                  (unsigned long long)(number / (DEVICES * POINTS)), (long long)s->t_ms,
                  s->clock_untrusted ? "?" : "", (long long)m->t_ms,
                  m->untrusted ? "?" : "");
    bool later = s->t_ms > o->t_ms;
    bool same = s->t_ms == o->t_ms;
    ck_assert(later ||
              (same && (device > o->device ||
                        (device == o->device &&
                         (point > o->point || (point == o->point &&
                                               (!o->strict || s->value > o->last)))))));
    m->seen = true;
    *o = (struct reading_order){s->t_ms,        device,    point,
                                o->samples + 1, o->strict, s->value};
    return true;
}

/* All of the model is there, once, in order; with `strict` also those of one time. */
static void
expect_model(bool strict)
{
    struct reading_order o = {.t_ms = INSTANT_NONE, .strict = strict};
    struct history_reader *r = NULL;
    for (size_t i = 0; i < model_count; i++) {
        model[i].seen = false;
    }
    must(history_reader_open(&r, dir, &err));
    must(
        history_each(r, INSTANT_NONE, INSTANT_MAX, NULL, NULL, check_sample, &o, &err));
    history_reader_close(r);
    for (size_t i = 0; i < model_count; i++) {
        ck_assert_msg(model[i].seen, "frame %zu is missing", i);
    }
    ck_assert_uint_eq(o.samples, model_count * POINTS);
}

static void
expect_edge(uint32_t device, bool last)
{
    struct history_edge want = {.found = false}, have;
    struct history_reader *r = NULL;
    for (size_t i = device; i < model_count; i += DEVICES) { /* poll_all() alone. */
        const struct model_frame *m = &model[i];
        if (!m->untrusted && (!want.found || (last && m->t_ms > want.t_ms) ||
                              (!last && m->t_ms < want.t_ms))) {
            want = (struct history_edge){
                true, m->t_ms, (double)(i * DEVICES * POINTS + device * POINTS)};
        }
    }
    must(history_reader_open(&r, dir, &err));
    must(history_edge(r, plant.ids[device], point_ids[0], INSTANT_NONE, INSTANT_MAX,
                      last, &have, &err));
    history_reader_close(r);
    ck_assert_int_eq(have.found, want.found);
    ck_assert_int_eq(have.t_ms, want.t_ms);
    ck_assert(have.value == want.value);
}

/* What a point's samples of one interval come to, in the model. */
static struct aggregate_row
sum_up(uint32_t device, uint32_t point, int64_t t_ms, int64_t step_ms)
{
    struct aggregate_row sum = {.t_ms = t_ms};
    for (size_t i = device; i < model_count; i += DEVICES) {
        const struct model_frame *m = &model[i];
        double value = (double)(i * DEVICES * POINTS + device * POINTS + point);
        if (m->untrusted || m->t_ms < t_ms || m->t_ms >= t_ms + step_ms) {
            continue;
        }
        sum.min = sum.count == 0 || value < sum.min ? value : sum.min;
        sum.max = sum.count == 0 || value > sum.max ? value : sum.max;
        sum.last_ms = sum.count == 0 || m->t_ms > sum.last_ms ? m->t_ms : sum.last_ms;
        sum.sum += value;
        sum.count++;
    }
    return sum;
}

static void
expect_aggregates(int64_t step_ms)
{
    const struct aggregate_filter filter = {
        .step_ms = step_ms, .from_ms = 0, .to_ms = 10 * NOW};
    struct aggregate_cursor *c = NULL;
    struct aggregate_row row;
    uint64_t counted = 0, trusted_samples = 0;
    bool more = true;
    sqlite3 *db = scratch_open(dir, "history.db");
    must(db_exec(db, "BEGIN", &err));
    must(aggregate_open(&c, db, &filter, &err));
    must(aggregate_next(c, &row, &more, &err));
    while (more) {
        uint32_t device = (uint32_t)strtoul(row.device + 2, NULL, 10);
        uint32_t point = strcmp(row.point, point_ids[0]) != 0;
        struct aggregate_row want = sum_up(device, point, row.t_ms, step_ms);
        ck_assert_uint_eq(row.count, want.count);
        ck_assert(row.min == want.min && row.max == want.max && row.sum == want.sum);
        ck_assert_int_eq(row.last_ms, want.last_ms);
        counted += row.count;
        must(aggregate_next(c, &row, &more, &err));
    }
    for (size_t i = 0; i < model_count; i++) {
        trusted_samples += model[i].untrusted ? 0 : POINTS;
    }
    ck_assert_uint_eq(counted, trusted_samples);
    aggregate_close(c);
    sqlite3_close(db);
}

/* ---- tests ---- */

START_TEST(a_clock_of_1970_is_put_right_when_it_is_set)
{
    struct history_db *h = open_writer();
    tell_clock(0, false);
    for (int i = 0; i < 100; i++) {
        poll_all();
        if (i % 3 == 0) {
            write_batch(h);
        }
    }
    write_batch(h);
    ck_assert_int_gt(count_of("SELECT count(*) FROM chunk WHERE untrusted <> 0"), 0);
    ck_assert_int_gt(count_of("SELECT count(*) FROM tail WHERE untrusted <> 0"), 0);
    expect_model(true);
    poll_all();
    tell_clock(HOUR, false); /* Set, and still wrong. */
    poll_all();
    tell_clock(NOW, true);
    poll_all();
    write_batch(h);
    settle(h);
    expect_model(true);
    expect_edge(1, true);
    ck_assert_int_eq(count_of("SELECT count(*) FROM chunk WHERE untrusted <> 0"), 0);
    ck_assert_int_eq(count_of("SELECT count(*) FROM clock"), 1);
    must(history_db_pack(h, &err));
    expect_model(true);
    history_db_close(h);
}
END_TEST

START_TEST(what_is_put_right_is_new_to_the_roll_ups)
{
    struct history_db *h = open_writer();
    tell_clock(NOW, true);
    poll_all();
    tell_clock(NOW - HOUR, false);
    poll_all();
    write_batch(h);
    must(history_db_pack(h, &err));
    ck_assert_int_lt(count_of("SELECT max(key) FROM chunk"), 12);
    scratch_exec(dir, "history.db", "UPDATE packed SET rolled = 12");
    tell_clock(NOW, true);
    write_batch(h);
    settle(h);
    ck_assert_int_eq(count_of("SELECT count(*) FROM chunk WHERE key > 12"), DEVICES);
    ck_assert_int_eq(count_of("SELECT count(*) FROM chunk WHERE key <= 12"), DEVICES);
    expect_model(true);
    history_db_close(h);
}
END_TEST

/* Many chunks and rows: some with each flush, and a restart between.  What waits is not
 * deleted for its age, which is not known. */
START_TEST(much_is_put_right_in_steps)
{
    enum { ROUNDS = 440 };
    int steps = 0;
    site.history.flush_ms = 60 * SECOND; /* Packed after 90. */
    struct history_db *h = open_writer();
    tell_clock(0, false);
    for (int i = 0; i < ROUNDS; i++) {
        poll_all();
        mono_ms += i % 2 == 0 ? 7 * HOUR : 0; /* Chunks of their own. */
        write_batch(h);
    }
    int64_t left = count_of("SELECT count(*) FROM chunk");
    ck_assert_int_gt(left, 2 * CLOCK_CHUNKS_AT_ONCE);
    ck_assert_int_gt(count_of("SELECT count(*) FROM tail"), CLOCK_ROWS_AT_ONCE);
    tell_clock(NOW, true);
    poll_all();
    now_ms = NOW;
    write_batch(h);
    while (count_of("SELECT count(*) FROM clock WHERE shift IS NOT NULL") > 0) {
        int64_t before = left;
        write_batch(h);
        left = count_of("SELECT count(*) FROM chunk WHERE untrusted <> 0");
        ck_assert_int_le(before - left, 2 * CLOCK_CHUNKS_AT_ONCE);
        history_db_close(h);
        h = open_writer(); /* Nothing is said to it. */
        steps++;
    }
    ck_assert_int_ge(steps, 2);
    write_batch(h);
    expect_model(true);
    ck_assert_int_eq(count_of("SELECT count(*) FROM tail WHERE untrusted <> 0"), 0);
    history_db_close(h);
}
END_TEST

START_TEST(a_restart_of_the_daemon_is_no_restart_of_the_machine)
{
    struct history_db *h = open_writer();
    tell_clock(0, false);
    poll_all();
    write_batch(h);
    history_db_close(h);
    h = open_writer();
    tell_clock(0, false); /* As before: one row of the table does. */
    poll_all();
    write_batch(h);
    ck_assert_int_eq(count_of("SELECT count(*) FROM clock"), 2);
    history_db_close(h);
    h = open_writer();
    tell_clock(7, false);
    poll_all();
    write_batch(h);
    history_db_close(h);
    h = open_writer(); /* The clock was set while it was down. */
    tell_clock(NOW, true);
    poll_all();
    write_batch(h);
    settle(h);
    expect_model(true);
    history_db_close(h);
}
END_TEST

START_TEST(what_another_boot_left_stays_marked)
{
    struct history_db *h = open_writer();
    tell_clock(0, false);
    poll_all();
    write_batch(h);
    history_db_close(h);
    reboot();
    h = open_writer();
    tell_clock(NOW, true);
    poll_all();
    write_batch(h);
    settle(h);
    expect_model(true);
    history_db_close(h);
}
END_TEST

/* Whatever happens to clock, daemon and machine. */
START_TEST(any_course_of_things)
{
    struct history_db *h = open_writer();
    seed = (uint64_t)_i + 1;
    tell_clock(any(2) == 0 ? 0 : offset_ms, any(2) == 0);
    for (int i = 0; i < 400 / SANITIZED_SLOWER + 100; i++) {
        switch (any(12)) {
        case 0:
            tell_clock(NOW + ((int64_t)any(200) - 100) * (int64_t)any(100000),
                       any(2) == 0);
            break;
        case 1:
            write_batch(h);
            must(history_db_pack(h, &err));
            break;
        case 2:
            write_batch(h);
            history_db_close(h);
            if (any(4) == 0) {
                reboot();
            }
            h = open_writer();
            tell_clock(any(2) == 0 ? offset_ms : NOW + (int64_t)any(50) * SECOND,
                       any(2) == 0);
            break;
        case 3:
        case 4:
        case 5:
            write_batch(h);
            break;
        default:
            poll_all();
            break;
        }
    }
    write_batch(h);
    settle(h);
    expect_model(false);
    expect_aggregates(ROLLUP_HOUR_MS);
    for (uint32_t d = 0; d < DEVICES; d++) {
        record_frame(d);
    }
    write_batch(h);
    must(history_db_pack(h, &err));
    expect_model(false);
    expect_aggregates(ROLLUP_MINUTE_MS);
    expect_aggregates(ROLLUP_HOUR_MS);
    ck_assert_int_gt(count_of("SELECT count(*) FROM rollup"), 0);
    history_db_close(h);
}
END_TEST

/* Trusted, and set back, by as much as makes the same times again. */
START_TEST(a_clock_that_is_set_back_overwrites_and_reorders_nothing)
{
    struct history_db *h = open_writer();
    tell_clock(NOW, true);
    for (int i = 0; i < 60; i++) {
        poll_all();
        if (i % 20 == 19) {
            tell_clock(offset_ms - 10 * SECOND, true);
        }
        write_batch(h);
        if (i == 30) {
            must(history_db_pack(h, &err));
        }
        expect_model(true);
    }
    expect_edge(2, false);
    expect_edge(2, true);
    must(history_db_pack(h, &err));
    expect_model(true);
    expect_aggregates(ROLLUP_MINUTE_MS); /* Two of one time count twice. */
    expect_edge(2, false);
    expect_edge(2, true);
    history_db_close(h);
}
END_TEST

/* ---- by the thread ---- */

static void
push_batch(struct history *h)
{
    for (size_t at = 0; at < batch_size;) {
        const struct frame *f = (const void *)(batch + at);
        if (history_clock_is_record(f)) {
            history_clock(h, f->t_ms, (f->flags & FRAME_CLOCK_UNTRUSTED) == 0, false);
        } else {
            ck_assert(history_push(h, f));
        }
        at += frame_bytes(f->count);
    }
    batch_size = 0;
}

START_TEST(the_ring_keeps_the_order_of_frames_and_clock)
{
    struct history *h = NULL;
    must(history_open(&h, dir, &site, &err));
    tell_clock(0, false);
    for (int i = 0; i < 20; i++) {
        poll_all();
    }
    tell_clock(NOW, true);
    for (int i = 0; i < 20; i++) {
        poll_all();
    }
    tell_clock(NOW - HOUR, false);
    poll_all();
    push_batch(h);
    must(history_flush(h, &err));
    struct history_counts counts = history_count(h);
    ck_assert_uint_eq(counts.frames, model_count);
    ck_assert_uint_eq(counts.samples, model_count * POINTS);
    history_close(h);
    expect_model(true);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history, clock");
    TCase *tc = tcase_create("clock");
    TCase *threads = tcase_create("threads");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 300);
    tcase_set_timeout(threads, 300);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_checked_fixture(threads, make_dir, remove_dir);
    tcase_add_test(tc, a_clock_of_1970_is_put_right_when_it_is_set);
    tcase_add_test(tc, what_is_put_right_is_new_to_the_roll_ups);
    tcase_add_test(tc, much_is_put_right_in_steps);
    tcase_add_test(tc, a_restart_of_the_daemon_is_no_restart_of_the_machine);
    tcase_add_test(tc, what_another_boot_left_stays_marked);
    tcase_add_loop_test(tc, any_course_of_things, 0, 20);
    tcase_add_test(tc, a_clock_that_is_set_back_overwrites_and_reorders_nothing);
    tcase_add_test(threads, the_ring_keeps_the_order_of_frames_and_clock);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, threads);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
