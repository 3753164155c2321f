/* Counts and times in a window, and lives, against a walk over every millisecond. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "rules/meter.h"
#include "rules/rules.h"
#include "rules/spans.h"
#include "tests/fake/sanitized.h"

#define STREAMS  (300 / SANITIZED_SLOWER)
#define NEWS     120
#define WIDTH    150
#define PATIENCE 12

struct news {
    int64_t t;
    bool is_true;
};

static uint64_t
next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* What is known of the millisecond that begins at x, looking back from t. */
static enum span_state
state_at(const struct news *n, size_t count, int64_t x, int64_t t)
{
    for (size_t i = count; i-- > 0;) {
        if (n[i].t <= x) {
            int64_t until = i + 1 < count ? n[i + 1].t : t;
            return until - n[i].t > PATIENCE ? SPAN_UNKNOWN
                   : n[i].is_true            ? SPAN_TRUE
                                             : SPAN_FALSE;
        }
    }
    return SPAN_UNKNOWN;
}

static struct spans_sum
naive(const struct news *n, size_t count, int64_t t)
{
    struct spans_sum sum = {0, 0, 0};
    for (int64_t x = t - WIDTH; x < t; x++) {
        enum span_state state = state_at(n, count, x, t);
        sum.true_ms += state == SPAN_TRUE;
        sum.unknown_ms += state == SPAN_UNKNOWN;
    }
    for (size_t i = 1; i < count; i++) {
        sum.edges += n[i].t > t - WIDTH && n[i].is_true && !n[i - 1].is_true;
    }
    return sum;
}

static int64_t
naive_life(const struct news *n, size_t count, int64_t t)
{
    int64_t ms = 0;
    for (int64_t x = count > 0 ? n[0].t : t; x < t; x++) {
        ms += state_at(n, count, x, t) == SPAN_TRUE;
    }
    return ms;
}

struct held {
    int64_t low, high; /* -1: unknown. */
};

/* At least since the last gap or change; at most since the last change, or since the
 * sample before the gap in which it may have come. */
static struct held
naive_held(const struct news *n, size_t count, int64_t t)
{
    if (count == 0 || t - n[count - 1].t > PATIENCE) {
        return (struct held){-1, -1};
    }
    size_t i = count - 1;
    if (!n[i].is_true) {
        return (struct held){0, 0};
    }
    while (i > 0 && n[i - 1].is_true && n[i].t - n[i - 1].t <= PATIENCE) {
        i--;
    }
    size_t k = i;
    while (k > 0 && n[k - 1].is_true) {
        k--;
    }
    bool in_gap = k > 0 && n[k].t - n[k - 1].t > PATIENCE;
    return (struct held){t - n[i].t, t - n[in_gap ? k - 1 : k].t};
}

static struct held
held(const struct meter *m, int64_t t, int64_t patience)
{
    struct held h;
    return meter_held(m, t, patience, &h.low, &h.high) ? h : (struct held){-1, -1};
}

START_TEST(test_random_streams)
{
    struct news n[NEWS];
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        uint64_t rnd = seed * 104729;
        struct spans s;
        struct meter m = meter_new();
        int64_t starts = 0;
        int64_t t = 5000;
        size_t count = 0;
        spans_init(&s, WIDTH, PATIENCE);
        while (count < NEWS) {
            uint64_t draw = next_random(&rnd) % 40;
            t += draw < 30   ? (int64_t)(draw % 6) + 1
                 : draw < 39 ? 10 + (int64_t)draw / 4
                             : 200;
            if (draw % 4 != 0) {
                n[count] = (struct news){t, next_random(&rnd) % 3 != 0};
                starts += count > 0 && n[count].is_true && !n[count - 1].is_true;
                spans_set(&s, t, n[count].is_true);
                meter_set(&m, t, n[count].is_true, PATIENCE);
                count++;
            }
            struct spans_sum is = spans_read(&s, t);
            struct spans_sum should = naive(n, count, t);
            ck_assert_msg(is.edges == should.edges && is.true_ms == should.true_ms &&
                              is.unknown_ms == should.unknown_ms,
                          "seed %llu at %lld: %u %lld %lld, not %u %lld %lld",
                          (unsigned long long)seed, (long long)t, is.edges,
                          (long long)is.true_ms, (long long)is.unknown_ms, should.edges,
                          (long long)should.true_ms, (long long)should.unknown_ms);
            ck_assert_int_eq(meter_true(&m, t, PATIENCE), naive_life(n, count, t));
            struct held is_held = held(&m, t, PATIENCE);
            struct held should_hold = naive_held(n, count, t);
            ck_assert_int_eq(is_held.low, should_hold.low);
            ck_assert_int_eq(is_held.high, should_hold.high);
            ck_assert_int_eq(m.starts, starts);
        }
        spans_fini(&s);
    }
}
END_TEST

/* More changes than are kept: what they were is unknown, not forgotten. */
START_TEST(test_too_many_changes)
{
    struct spans s;
    spans_init(&s, 1000000, 10);
    for (int64_t t = 1; t <= 3 * SPANS_MAX; t++) {
        spans_set(&s, t, t % 2 == 0);
    }
    struct spans_sum sum = spans_read(&s, 3 * SPANS_MAX);
    ck_assert_uint_eq(sum.edges, SPANS_MAX / 2);
    ck_assert_int_eq(sum.true_ms + sum.unknown_ms, 1000000 - SPANS_MAX / 2);
    spans_shift(&s, 77);
    struct spans_sum moved = spans_read(&s, 3 * SPANS_MAX + 77);
    ck_assert(moved.edges == sum.edges && moved.true_ms == sum.true_ms &&
              moved.unknown_ms == sum.unknown_ms);
    spans_clear(&s);
    ck_assert_int_eq(spans_read(&s, 3 * SPANS_MAX + 77).unknown_ms, 1000000);
    spans_fini(&s);
}
END_TEST

START_TEST(test_a_restart_is_no_gap)
{
    struct spans s;
    struct meter m = meter_new();
    spans_init(&s, 600000, 5000);
    spans_set(&s, 0, true);
    spans_set(&s, 1000, true);
    meter_set(&m, 0, 1, 5000);
    meter_set(&m, 1000, 1, 5000);
    ck_assert_int_eq(held(&m, 30000, 5000).low, -1);
    s.resumed = m.resumed = true;
    ck_assert_int_eq(held(&m, 30000, 5000).low, 30000);
    ck_assert_int_eq(spans_read(&s, 30000).true_ms, 30000);
    spans_set(&s, 31000, true);
    meter_set(&m, 31000, 1, 5000);
    ck_assert_int_eq(held(&m, 31000, 5000).low, 31000);
    ck_assert_int_eq(meter_true(&m, 31000, 5000), 31000);
    ck_assert_int_eq(spans_read(&s, 31000).true_ms, 31000);
    /* A long one is. */
    s.resumed = m.resumed = true;
    int64_t later = 31000 + RULES_RESTART_GAP_MS + 1;
    spans_set(&s, later, true);
    meter_set(&m, later, 1, 5000);
    ck_assert_int_eq(held(&m, later, 5000).low, 0);
    ck_assert_int_eq(held(&m, later, 5000).high, later); /* It may have gone on. */
    ck_assert_int_eq(meter_true(&m, later, 5000), 31000);
    ck_assert_int_eq(spans_read(&s, later).true_ms, 31000);
    spans_fini(&s);
}
END_TEST

START_TEST(test_stillness)
{
    struct meter m = meter_new();
    ck_assert(isnan(meter_stuck(&m, 0, 100, 20)));
    for (int64_t t = 0; t <= 90; t += 10) {
        meter_set(&m, t, 7.5, 20);
        ck_assert(isnan(meter_stuck(&m, t, 100, 20))); /* It may have changed before. */
    }
    meter_set(&m, 100, 7.5, 20);
    ck_assert(meter_stuck(&m, 100, 100, 20) == 1);
    meter_set(&m, 110, 7.6, 20);
    ck_assert(meter_stuck(&m, 110, 100, 20) == 0);
    ck_assert(isnan(meter_stuck(&m, 131, 100, 20))); /* Nothing is known any more. */
    meter_set(&m, 140, 7.6, 20);
    ck_assert(isnan(meter_stuck(&m, 140, 100, 20)));
    meter_service(&m, 140, 20);
    meter_shift(&m, 1000);
    ck_assert_int_eq(m.last_ms, 1140);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("spans");
    TCase *tc = tcase_create("spans");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_random_streams);
    tcase_add_test(tc, test_too_many_changes);
    tcase_add_test(tc, test_a_restart_is_no_gap);
    tcase_add_test(tc, test_stillness);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
