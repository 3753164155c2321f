/* Roll-ups: what a minute's and an hour's numbers are, how they are kept, and what is
 * read when samples, then minutes, have gone. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/history.h"
#include "daemon/store/history_check.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_series.h"
#include "daemon/store/rollup_builder.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"
#include "tests/fake/sanitized.h"

#define HOUR   ROLLUP_HOUR_MS
#define MINUTE ROLLUP_MINUTE_MS
#define DAY    (24 * HOUR)
#define START  INT64_C(1767225600000) /* 2026-01-01 */

#define MANY 300

static char dir[SCRATCH_BYTES];
static char got[512];
static struct err err;
#define DEVICES 6
static struct device devices[DEVICES] = {{.id = "pump"}, {.id = "q1"}, {.id = "q2"},
                                         {.id = "q3"},   {.id = "q4"}, {.id = "q5"}};
static struct point points[MANY];
static char ids[MANY][8];
static struct site site;
static unsigned char batch[1u << 22];
static size_t batch_size;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    batch_size = 0;
    for (uint32_t k = 0; k < MANY; k++) {
        snprintf(ids[k], sizeof ids[k], "p%03u", k);
        points[k] = (struct point){.id = ids[k]};
    }
    devices[0].point_count = 1;
    site = (struct site){.devices = devices,
                         .device_count = DEVICES,
                         .points = points,
                         .point_count = MANY,
                         .history = {.flush_ms = 5000, .keep_ms = 1}};
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

static void
add(int64_t t_ms, uint16_t count, double value)
{
    struct frame *f = (void *)(batch + batch_size);
    ck_assert_uint_le(batch_size + frame_bytes(count), sizeof batch);
    *f = (struct frame){.t_ms = t_ms, .count = count};
    for (uint32_t k = 0; k < count; k++) {
        f->readings[k] = (struct reading){.point = k, .value = value + k};
    }
    batch_size += frame_bytes(count);
}

/* A frame of a device that has one point, which is behind those of the first. */
static void
add_to(uint32_t device, int64_t t_ms, double value)
{
    struct frame *f = (void *)(batch + batch_size);
    ck_assert_uint_le(batch_size + frame_bytes(1), sizeof batch);
    *f = (struct frame){.t_ms = t_ms, .device = device, .count = 1};
    f->readings[0] = (struct reading){.point = device, .value = value};
    batch_size += frame_bytes(1);
}

static void
flush(struct history_db *h, int64_t now_ms)
{
    enum history_trouble trouble;
    must(history_db_write(h, batch, batch_size, now_ms, &trouble, &err));
    batch_size = 0;
}

static int64_t
count_of(const char *sql)
{
    scratch_query(dir, "history.db", sql, got);
    return strtoll(got, NULL, 10);
}

/* ---- parts ---- */

START_TEST(sums_of_decimals_are_decimals)
{
    struct rollup_part p = {0}, first = {0}, second = {0};
    for (int i = 0; i < 60; i++) {
        rollup_part_add(&p, i, (double)(217 + i % 7) / 10);
        rollup_part_add(i < 30 ? &first : &second, i, (double)(217 + i % 7) / 10);
    }
    int whole = 0;
    for (int i = 0; i < 60; i++) {
        whole += 217 + i % 7;
    }
    ck_assert(rollup_part_sum(&p) == (double)whole / 10);
    rollup_part_join(&first, &second);
    ck_assert(rollup_part_sum(&first) == (double)whole / 10);
    ck_assert_uint_eq(first.count, 60);
}
END_TEST

START_TEST(sums_of_singles_are_singles_and_doubles_stay_as_they_are)
{
    struct rollup_part single = {0}, wide = {0};
    double sum = 0;
    for (int i = 1; i < 10; i++) {
        rollup_part_add(&single, i, (double)(1.0F / (float)i));
        rollup_part_add(&wide, i, 1.0 / i);
        sum += 1.0 / i;
    }
    double s = rollup_part_sum(&single);
    ck_assert(s == (double)(float)s);
    ck_assert_double_eq_tol(s, sum, 1e-6);
    ck_assert(rollup_part_sum(&wide) == sum);
}
END_TEST

START_TEST(what_is_not_finite_is_no_part)
{
    struct rollup_part p = {0};
    rollup_part_add(&p, 1, NAN);
    rollup_part_add(&p, 2, INFINITY);
    ck_assert_uint_eq(p.count, 0);
    rollup_part_add(&p, 3, -1e300);
    rollup_part_add(&p, 4, -1e-300);
    ck_assert_uint_eq(p.count, 2);
    ck_assert(p.min == -1e300 && p.max == -1e-300 && p.last == -1e-300);
    ck_assert(isfinite(rollup_part_sum(&p)));
}
END_TEST

START_TEST(the_last_is_so_by_its_time_then_as_recorded)
{
    struct rollup_part p = {0}, late = {0}, same = {0};
    rollup_part_add(&p, 50, 1);
    rollup_part_add(&late, 40, 2);
    rollup_part_add(&same, 50, 3);
    rollup_part_join(&p, &late);
    ck_assert(p.last == 1);
    rollup_part_join(&p, &same);
    ck_assert(p.last == 3);
}
END_TEST

START_TEST(intervals_are_rounded_down_before_1970_too)
{
    ck_assert_int_eq(rollup_interval(-1, 60000), -1);
    ck_assert_int_eq(rollup_interval(-60000, 60000), -1);
    ck_assert_int_eq(rollup_interval(-60001, 60000), -2);
    ck_assert_int_eq(rollup_interval(59999, 60000), 0);
}
END_TEST

/* ---- the table ---- */

struct tally {
    uint64_t count, buckets;
    int64_t first_ms, last_ms;
    double min, max;
};

static bool
tally(void *ctx, const struct history_bucket *b)
{
    struct tally *t = ctx;
    t->first_ms = t->buckets == 0 ? b->t_ms : t->first_ms;
    t->min = t->buckets == 0 || b->min < t->min ? b->min : t->min;
    t->max = t->buckets == 0 || b->max > t->max ? b->max : t->max;
    t->last_ms = b->t_ms;
    t->buckets++;
    t->count += b->count;
    return true;
}

static struct tally
series(int64_t from_ms, int64_t to_ms, int64_t step_ms, const char *point)
{
    struct tally t = {0};
    struct history_reader *r = NULL;
    must(history_reader_open(&r, dir, &err));
    must(history_series(r, from_ms, to_ms, step_ms, NULL, point, tally, &t, &err));
    history_reader_close(r);
    return t;
}

START_TEST(a_device_with_more_points_than_a_row_holds_has_several)
{
    struct history_db *h = open_writer();
    for (int i = 0; i < 200; i++) {
        add(START + i * 1000, MANY, i);
    }
    flush(h, INSTANT_NONE);
    must(history_db_pack(h, &err));
    ck_assert_int_eq(count_of("SELECT count(*) FROM rollup WHERE resolution = 60000"),
                     2);
    /* The second half goes behind the first, in both. */
    for (int i = 200; i < 400; i++) {
        add(START + i * 1000, MANY, i);
    }
    flush(h, INSTANT_NONE);
    must(history_db_pack(h, &err));
    history_db_close(h);
    ck_assert_int_eq(count_of("SELECT count(*) FROM rollup WHERE resolution = 60000"),
                     2);
    for (uint32_t k = 0; k < MANY; k += 37) {
        struct tally t = series(INSTANT_NONE, INSTANT_MAX, HOUR, ids[k]);
        ck_assert_uint_eq(t.buckets, 1);
        ck_assert_uint_eq(t.count, 400);
        ck_assert(t.min == k && t.max == 399 + k);
    }
}
END_TEST

START_TEST(small_rows_are_put_together_to_long_ones)
{
    struct history_db *h = open_writer();
    const int hours = 240 / SANITIZED_SLOWER;
    for (int hour = 0; hour < hours; hour++) {
        for (int i = 0; i < 360; i++) {
            add(START + hour * HOUR + i * 10000, 1, (double)i / 10);
        }
        flush(h, INSTANT_NONE);
        must(history_db_pack(h, &err));
    }
    history_db_close(h);
    int64_t minutes = count_of("SELECT count(*) FROM rollup WHERE resolution = 60000");
    int64_t rows = count_of("SELECT count(*) FROM rollup WHERE resolution = 3600000");
    ck_assert_int_le(minutes, hours * 60 / 480 + 6);
    ck_assert_int_le(rows, 10);
    struct tally t = series(START, START + hours * HOUR - 1, MINUTE, "p000");
    ck_assert_uint_eq(t.buckets, (uint64_t)hours * 60);
    ck_assert_uint_eq(t.count, (uint64_t)hours * 360);
    t = series(START + 10 * HOUR, START + 20 * HOUR - 1, HOUR, NULL);
    ck_assert_uint_eq(t.buckets, 10);
    ck_assert_int_eq(t.first_ms, START + 10 * HOUR);
}
END_TEST

START_TEST(chunks_are_rolled_up_by_themselves_and_counted_once)
{
    struct history_db *h = open_writer();
    uint64_t count = 0;
    int64_t now = START;
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 900; k++, now += 1000, count++) {
            add(now, 1, k);
        }
        flush(h, INSTANT_NONE);
        if (i % 5 == 0) {
            ck_assert_uint_eq(series(START, now, HOUR, NULL).count, count);
            ck_assert_uint_eq(series(START, now, MINUTE, NULL).count, count);
            ck_assert_uint_eq(series(START, now, 7000, NULL).count, count);
        }
        if (i == 20) {
            history_db_close(h);
            h = open_writer();
        }
    }
    history_db_close(h);
    ck_assert_int_gt(count_of("SELECT rolled FROM packed"), 0);
    ck_assert_int_gt(count_of("SELECT count(*) FROM chunk, packed WHERE key > rolled"),
                     0);
}
END_TEST

/* An hour each day for 40 days. */
static void
write_days(struct history_db *h)
{
    for (int day = 0; day < 40; day++) {
        for (int i = 0; i < 360; i++) {
            add(START + day * DAY + i * 10000, 1, i);
        }
        flush(h, INSTANT_NONE);
    }
    must(history_db_pack(h, &err));
}

START_TEST(where_samples_have_gone_minutes_answer_and_then_hours)
{
    struct history_db *h = open_writer();
    int64_t end = START + 40 * DAY;
    write_days(h);
    for (int i = 0; i < 10; i++) {
        add(end + i, 1, 0);
        flush(h, START + 30 * DAY);
    }
    ck_assert_int_eq(count_of("SELECT min(t0) FROM chunk"), START + 30 * DAY);
    /* Ten days of samples, thirty of minutes; each hour is 60 of these. */
    struct tally t = series(START, end - 1, 10000, "p000");
    ck_assert_uint_eq(t.count, 40 * 360);
    ck_assert_uint_eq(t.buckets, 30 * 60 + 10 * 360);
    history_db_close(h);
    scratch_exec(dir, "history.db",
                 "DELETE FROM rollup WHERE resolution = 60000 AND t1 < 1767225600000"
                 " + 20 * 86400000");
    int64_t minutes = count_of("SELECT min(t0) FROM rollup WHERE resolution = 60000");
    ck_assert_int_gt(minutes, START);
    t = series(START, end - 1, 10000, "p000");
    ck_assert_uint_eq(t.count, 40 * 360);
    ck_assert_int_eq(t.first_ms, START);
    t = series(START, end - 1, MINUTE, "p000");
    ck_assert_uint_eq(t.count, 40 * 360);
    ck_assert_uint_eq(series(START, end - 1, DAY, "p000").buckets, 40);
}
END_TEST

/* As after days without power: all that waits is old at once, wherever it is, and
 * nothing says how much may be done. */
START_TEST(what_goes_was_rolled_up_before)
{
    enum { CHUNK = 3000, TAIL = 500 };
    struct history_db *h = open_writer();
    for (int half = 0; half < 2; half++) {
        for (uint32_t d = 0; d < DEVICES; d++) {
            for (int i = 0; i < (half == 0 ? CHUNK : TAIL); i++) {
                add_to(d, START + half * DAY / 2 + i * 1000, i);
            }
        }
        flush(h, INSTANT_NONE);
    }
    ck_assert_int_gt(count_of("SELECT count(*) FROM tail"), 0);
    ck_assert_int_ge(count_of("SELECT count(*) FROM chunk WHERE key > 0"), DEVICES);
    ck_assert_int_eq(count_of("SELECT count(*) FROM rollup"), 0);
    history_db_close(h);
    h = open_writer();
    for (int i = 0; i < 2000; i++) { /* Until packing is due by age. */
        add_to(0, START + 40 * DAY + i * 1000, 0);
        flush(h, START + 10 * DAY);
        ck_assert_uint_eq(series(START, START + DAY, HOUR, NULL).count,
                          (uint64_t)DEVICES * (CHUNK + TAIL));
        if (count_of(
                "SELECT count(*) FROM chunk WHERE t1 < 1767225600000 + 864000000") +
                count_of(
                    "SELECT count(*) FROM tail WHERE t1 < 1767225600000 + 864000000") ==
            0) {
            break;
        }
    }
    history_db_close(h);
    ck_assert_int_eq(count_of("SELECT count(*) FROM chunk WHERE t1 < 1767225600000"
                              " + 864000000"),
                     0);
    ck_assert_int_eq(count_of("SELECT count(*) FROM tail WHERE t1 < 1767225600000"
                              " + 864000000"),
                     0);
}
END_TEST

START_TEST(minutes_and_hours_go_when_they_are_old)
{
    site.history.keep_1m_ms = 10 * DAY;
    site.history.keep_1h_ms = 20 * DAY;
    struct history_db *h = open_writer();
    int64_t end = START + 40 * DAY;
    write_days(h);
    for (int i = 0; i < 20; i++) {
        add(end + i, 1, 0);
        flush(h, INSTANT_NONE);
    }
    history_db_close(h);
    /* Only rows that are old as a whole. */
    ck_assert_int_gt(count_of("SELECT count(*) FROM rollup"), 0);
    ck_assert_int_eq(count_of("SELECT count(*) FROM rollup WHERE resolution = 60000"
                              " AND t1 < 1767225600000 + 30 * 86400000"),
                     0);
    ck_assert_int_eq(count_of("SELECT count(*) FROM rollup WHERE resolution = 3600000"
                              " AND t1 < 1767225600000 + 20 * 86400000"),
                     0);
    ck_assert_int_lt(count_of("SELECT min(t0) FROM rollup WHERE resolution = 3600000"),
                     START + 21 * DAY);
}
END_TEST

START_TEST(late_samples_are_added_to_what_is_there)
{
    struct history_db *h = open_writer();
    write_days(h);
    for (int i = 0; i < 360; i++) {
        add(START + i * 10000 + 5000, 1, -5);
    }
    flush(h, INSTANT_NONE);
    struct tally t = series(START, START + HOUR - 1, HOUR, NULL);
    ck_assert_uint_eq(t.count, 720); /* In the tail, */
    ck_assert(t.min == -5 && t.max == 359);
    must(history_db_pack(h, &err));
    t = series(START, START + HOUR - 1, HOUR, NULL);
    ck_assert_uint_eq(t.count, 720); /* and rolled up. */
    ck_assert(t.min == -5 && t.max == 359);
    history_db_close(h);
}
END_TEST

/* ---- whatever is written, aggregates are those of what is read ---- */

#define CASES  4     /* Points of a device that are compared. */
#define NAIVE  60000 /* Good samples. */
#define MODELS 3     /* Devices. */

/* A good sample as it was read, in order. */
struct good {
    int64_t t_ms;
    uint32_t device, point;
    double value;
};
static struct good goods[NAIVE];
static size_t good_count;
static uint64_t seed;

static uint32_t
any(uint32_t below)
{
    return (uint32_t)(mixed_random(&seed) >> 33) % below;
}

/* A tenth, whole, single, double. */
static double
some_value(uint32_t point)
{
    double n = (double)any(20000) - 10000;
    return point == 0   ? n / 10
           : point == 1 ? n
           : point == 2 ? (double)(float)(n / 7)
                        : n / 7;
}

static void
add_some(uint32_t device, int64_t t_ms)
{
    struct frame *f = (void *)(batch + batch_size);
    ck_assert_uint_le(batch_size + frame_bytes(CASES), sizeof batch);
    *f = (struct frame){.t_ms = t_ms, .device = device};
    for (uint32_t k = 0; k < CASES; k++) {
        if (any(12) != 0) { /* Else a hole. */
            struct reading *r = &f->readings[f->count++];
            *r = (struct reading){.point = device * CASES + k, .value = some_value(k)};
            r->quality = any(15) == 0 ? QUALITY_TIMEOUT : QUALITY_GOOD;
        }
    }
    batch_size += frame_bytes(f->count);
}

static bool
keep_good(void *ctx, const struct history_sample *s)
{
    (void)ctx;
    if (s->quality == QUALITY_GOOD && !s->clock_untrusted) {
        ck_assert_uint_lt(good_count, NAIVE);
        goods[good_count++] =
            (struct good){.t_ms = s->t_ms,
                          .device = (uint32_t)(s->device[1] - '0'),
                          .point = (uint32_t)atoi(s->point + 1) % CASES,
                          .value = s->value};
    }
    return true;
}

struct naive {
    int64_t step_ms;
    uint64_t count;
    size_t first; /* Good one that is not before the bucket. */
};

/* The bucket is the sum of its samples, and decimals add up exactly. */
static bool
is_naive(void *ctx, const struct history_bucket *b)
{
    struct naive *n = ctx;
    uint32_t device = (uint32_t)(b->device[1] - '0');
    uint32_t point = (uint32_t)atoi(b->point + 1) % CASES;
    double min = INFINITY, max = -INFINITY, sum = 0, last = 0;
    int64_t last_ms = 0, tenths = 0;
    uint64_t count = 0;
    while (n->first < good_count && goods[n->first].t_ms < b->t_ms) {
        n->first++;
    }
    for (size_t i = n->first; i < good_count && goods[i].t_ms < b->t_ms + n->step_ms;
         i++) {
        const struct good *g = &goods[i];
        if (g->device != device || g->point != point) {
            continue;
        }
        min = g->value < min ? g->value : min;
        max = g->value > max ? g->value : max;
        sum += g->value;
        tenths += (int64_t)rint(g->value * 10);
        last = g->value; /* They are in order. */
        last_ms = g->t_ms;
        count++;
    }
    ck_assert_uint_eq(b->count, count);
    ck_assert(b->min == min && b->max == max && b->last == last);
    ck_assert_int_eq(b->last_ms, last_ms);
    if (point <= 1) {
        ck_assert(b->mean == (double)tenths / 10 / (double)count);
    } else {
        ck_assert_double_eq_tol(b->mean, sum / (double)count, point == 2 ? 1e-2 : 1e-9);
    }
    n->count += count;
    return true;
}

static void
expect_naive(void)
{
    static const int64_t steps[] = {20000, MINUTE, 5 * MINUTE, HOUR, DAY};
    struct history_reader *r = NULL;
    good_count = 0;
    must(history_reader_open(&r, dir, &err));
    must(history_each(r, INSTANT_NONE, INSTANT_MAX, NULL, NULL, keep_good, NULL, &err));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct naive n = {.step_ms = steps[i]};
        must(history_series(r, INSTANT_NONE, INSTANT_MAX, steps[i], NULL, NULL,
                            is_naive, &n, &err));
        ck_assert_uint_eq(n.count, good_count);
    }
    history_reader_close(r);
}

/* Times are whole seconds, so that many are the same; before 1970 and behind. */
START_TEST(aggregates_are_those_of_the_samples)
{
    static struct device some[MODELS] = {
        {.id = "m0", .point_count = CASES},
        {.id = "m1", .first_point = CASES, .point_count = CASES},
        {.id = "m2", .first_point = 2 * CASES, .point_count = CASES}};
    struct history_db *h = NULL;
    seed = (uint64_t)_i + 1;
    site.devices = some;
    site.device_count = MODELS;
    site.point_count = MODELS * CASES;
    site.history.flush_ms = 3600000; /* Packed after 16. */
    for (uint32_t k = 0; k < MODELS * CASES; k++) {
        points[k].device = k / CASES;
        points[k].scaling =
            k % CASES == 0 ? (struct scaling){1, 0, 10} : (struct scaling){0};
    }
    int64_t now = _i % 2 == 0 ? -3 * HOUR : START;
    h = open_writer();
    for (int flushes = 0; flushes < 90 / SANITIZED_SLOWER + 20; flushes++) {
        for (int i = 0; i < 12; i++, now += 1000 * (1 + any(20))) {
            for (uint32_t d = 0; d < MODELS; d++) {
                add_some(d, now - (any(10) == 0 ? 1000 * (int64_t)any(9000) : 0));
            }
        }
        flush(h, INSTANT_NONE);
        switch (any(14)) {
        case 0:
            must(history_db_pack(h, &err));
            break;
        case 1:
            history_db_close(h);
            h = open_writer();
            break;
        case 2:
            now += 8 * HOUR; /* No chunk goes over it. */
            break;
        case 3:
            now -= HOUR;
            break;
        default:
            break;
        }
        if (any(16) == 0) {
            expect_naive();
        }
    }
    expect_naive();
    must(history_db_pack(h, &err));
    history_db_close(h);
    ck_assert_int_eq(count_of("SELECT count(*) FROM chunk, packed USING (device)"
                              " WHERE key > rolled"),
                     0);
    expect_naive();
    struct history_check check = {.data_dir = dir};
    struct history_verdict verdict;
    must(history_check(&check, &verdict, &err));
    ck_assert_uint_gt(verdict.rollups, 0);
    ck_assert_uint_eq(verdict.findings, 0);
}
END_TEST

/* ---- last values ---- */

struct last {
    size_t count;
    int64_t t_ms[MANY];
    double value[MANY];
};

static bool
keep_last(void *ctx, const struct history_sample *s)
{
    struct last *l = ctx;
    ck_assert_str_eq(s->point, ids[l->count]);
    l->t_ms[l->count] = s->t_ms;
    l->value[l->count++] = s->value;
    return true;
}

static void
read_last(struct last *l)
{
    struct history_reader *r = NULL;
    *l = (struct last){0};
    must(history_reader_open(&r, dir, &err));
    must(history_last(r, NULL, NULL, keep_last, l, &err));
    history_reader_close(r);
}

START_TEST(the_last_of_each_point_wherever_it_is)
{
    static struct last l;
    struct history_db *h = open_writer();
    for (int i = 0; i < 100; i++) {
        add(START + i * 1000, i < 50 ? 3 : 2, i); /* One point falls silent. */
    }
    flush(h, INSTANT_NONE);
    for (int where = 0; where < 2; where++) {
        read_last(&l);
        ck_assert_uint_eq(l.count, 3);
        ck_assert(l.value[0] == 99 && l.value[1] == 100 && l.value[2] == 51);
        ck_assert_int_eq(l.t_ms[2], START + 49000);
        must(history_db_pack(h, &err));
    }
    add(START + 200000, 1, 7);
    flush(h, INSTANT_NONE);
    read_last(&l);
    ck_assert(l.value[0] == 7 && l.value[1] == 100 && l.value[2] == 51);
    /* Its samples go; the hour knows. */
    for (int i = 0; i < 4; i++) {
        add(START + DAY + i, 2, i);
        flush(h, START + DAY / 2);
    }
    read_last(&l);
    ck_assert_uint_eq(l.count, 3);
    ck_assert(l.value[2] == 51);
    history_db_close(h);
}
END_TEST

START_TEST(steps_are_as_short_as_may_be)
{
    ck_assert_int_eq(history_step(START, START + 59999, 60), 1000);
    ck_assert_int_eq(history_step(START, START + 60000, 60), 2000);
    ck_assert_int_eq(history_step(START, START + DAY - 1, 1440), MINUTE);
    ck_assert_int_eq(history_step(START, START + 365 * DAY - 1, 8760), HOUR);
    ck_assert_int_eq(history_step(START, START + 365 * DAY - 1, 365), DAY);
    ck_assert_int_ge(history_step(INT64_MIN, INT64_MAX, 100), DAY);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history_rollup");
    TCase *tc = tcase_create("history_rollup");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, sums_of_decimals_are_decimals);
    tcase_add_test(tc, sums_of_singles_are_singles_and_doubles_stay_as_they_are);
    tcase_add_test(tc, what_is_not_finite_is_no_part);
    tcase_add_test(tc, the_last_is_so_by_its_time_then_as_recorded);
    tcase_add_test(tc, intervals_are_rounded_down_before_1970_too);
    tcase_add_test(tc, a_device_with_more_points_than_a_row_holds_has_several);
    tcase_add_test(tc, small_rows_are_put_together_to_long_ones);
    tcase_add_test(tc, chunks_are_rolled_up_by_themselves_and_counted_once);
    tcase_add_test(tc, where_samples_have_gone_minutes_answer_and_then_hours);
    tcase_add_test(tc, what_goes_was_rolled_up_before);
    tcase_add_test(tc, minutes_and_hours_go_when_they_are_old);
    tcase_add_test(tc, late_samples_are_added_to_what_is_there);
    tcase_add_loop_test(tc, aggregates_are_those_of_the_samples, 0, 6);
    tcase_add_test(tc, the_last_of_each_point_wherever_it_is);
    tcase_add_test(tc, steps_are_as_short_as_may_be);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
