/* Windows against a recomputation from all samples, on random streams with gaps. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "rules/window.h"
#include "tests/fake/sanitized.h"

#define STREAMS (400 / SANITIZED_SLOWER)
#define SAMPLES 600
#define WIDTH   60000

struct stream {
    struct window_sample items[SAMPLES];
    size_t count;
};

static uint64_t
next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static double
value_of(uint64_t *rnd, int style)
{
    double whole = (double)(next_random(rnd) % 9);
    switch (style) {
    case 0:
        return whole; /* Many are equal. */
    case 1:
        return 1e9 + whole * 1e-3; /* Far from zero: sums of squares lose digits. */
    case 2: /* One in a while is enormous, and must leave no trace. */
        return next_random(rnd) % 50 == 0 ? 1e17 : whole / 7;
    default:
        return (double)(next_random(rnd) % 2000001) / 1000 - 1000;
    }
}

static int
compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* From nothing but the samples. */
static double
naive(const struct stream *s, enum window_kind kind, double quantile, int64_t t)
{
    double v[SAMPLES];
    size_t n = 0;
    size_t first = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].t_ms > t - WIDTH) {
            first = n == 0 ? i : first;
            v[n++] = s->items[i].value;
        }
    }
    const struct window_sample *oldest = &s->items[first];
    const struct window_sample *newest = &s->items[s->count - 1];
    if (n == 0 || 2 * (newest->t_ms - oldest->t_ms) < WIDTH) {
        return (double)NAN;
    }
    long double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += v[i];
    }
    long double mean = sum / n;
    long double squares = 0;
    for (size_t i = 0; i < n; i++) {
        squares += (v[i] - mean) * (v[i] - mean);
    }
    double delta = newest->value - oldest->value;
    switch (kind) {
    case WINDOW_AVG:
        return (double)mean;
    case WINDOW_STDDEV:
        return n > 1 ? (double)sqrtl(squares / (n - 1)) : (double)NAN;
    case WINDOW_DELTA:
        return delta;
    case WINDOW_RATE:
        return 1000 * delta / (double)(newest->t_ms - oldest->t_ms);
    case WINDOW_MIN:
    case WINDOW_MAX:
    case WINDOW_QUANTILE:
        break;
    }
    qsort(v, n, sizeof v[0], compare);
    if (kind != WINDOW_QUANTILE) {
        return kind == WINDOW_MIN ? v[0] : v[n - 1];
    }
    double at = (double)(n - 1) * quantile;
    size_t k = (size_t)floor(at);
    return k + 1 < n ? v[k] + (at - floor(at)) * (v[k + 1] - v[k]) : v[k];
}

static const struct {
    enum window_kind kind;
    double quantile;
    double exact; /* How far from the naive one it may be, of the largest value. */
} kinds[] = {
    {WINDOW_AVG, 0, 1e-15},    {WINDOW_MIN, 0, 0},        {WINDOW_MAX, 0, 0},
    {WINDOW_STDDEV, 0, 1e-12}, {WINDOW_QUANTILE, 0.5, 0}, {WINDOW_QUANTILE, 0.95, 0},
    {WINDOW_DELTA, 0, 0},      {WINDOW_RATE, 0, 1e-15},
};

static double
largest(const struct stream *s, int64_t t)
{
    double most = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].t_ms > t - WIDTH) {
            most = fmax(most, fabs(s->items[i].value));
        }
    }
    return most;
}

static void
check_stream(uint64_t seed, size_t k)
{
    struct stream s = {.count = 0};
    struct window w;
    uint64_t rnd = seed;
    int64_t t = 1000000;
    int style = (int)(next_random(&rnd) % 4);
    window_init(&w, kinds[k].kind, kinds[k].quantile, WIDTH, 1000);
    while (s.count < SAMPLES) {
        uint64_t draw = next_random(&rnd) % 100;
        /* Mostly a second, sometimes none at all, sometimes a gap past the width. */
        t += draw < 80 ? 1000 : draw < 90 ? 0 : draw < 99 ? 7300 : 2 * WIDTH;
        if (draw % 10 != 5) {
            s.items[s.count++] = (struct window_sample){t, value_of(&rnd, style)};
            window_add(&w, t, s.items[s.count - 1].value);
        }
        if (s.count == 0) {
            continue;
        }
        double is = window_value(&w, t);
        double should = naive(&s, kinds[k].kind, kinds[k].quantile, t);
        double apart = kinds[k].exact * largest(&s, t);
        ck_assert_msg(isnan(is) == isnan(should) &&
                          (isnan(is) || fabs(is - should) <= apart),
                      "kind %zu style %d seed %llu: %.17g, not %.17g, after %zu", k,
                      style, (unsigned long long)seed, is, should, s.count);
        if (next_random(&rnd) % 200 == 0) {
            window_shift(&w, 5000);
            t += 5000;
            for (size_t i = 0; i < s.count; i++) {
                s.items[i].t_ms += 5000;
            }
        }
    }
    window_fini(&w);
}

START_TEST(test_each_kind_is_what_all_samples_say)
{
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        check_stream(seed * 7919, (size_t)_i);
    }
}
END_TEST

/* Millions of samples later the sums are what they would be if made anew. */
START_TEST(test_sums_do_not_drift)
{
    struct window avg;
    struct window deviation;
    window_init(&avg, WINDOW_AVG, 0, 100, 1000);
    window_init(&deviation, WINDOW_STDDEV, 0, 100, 1000);
    for (int64_t t = 1; t <= 2000000 / SANITIZED_SLOWER; t++) {
        double value = t % 3 == 0 ? 1e15 : 0.1;
        window_add(&avg, t, value);
        window_add(&deviation, t, value);
    }
    int64_t end = 2000000 / SANITIZED_SLOWER;
    for (int64_t t = end + 1; t <= end + 100; t++) {
        window_add(&avg, t, 0.1);
        window_add(&deviation, t, 0.1);
    }
    ck_assert_double_eq_tol(window_value(&avg, end + 100), 0.1, 1e-15);
    ck_assert_double_eq_tol(window_value(&deviation, end + 100), 0, 1e-15);
    window_fini(&avg);
    window_fini(&deviation);
}
END_TEST

START_TEST(test_the_oldest_go_when_there_is_no_room)
{
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct window w;
        window_init(&w, kinds[k].kind, kinds[k].quantile, 1000, 50);
        for (int64_t t = 1; t <= 900; t++) {
            window_add(&w, t, (double)t);
        }
        /* It holds the last 50, which span less than half of the window. */
        ck_assert_uint_eq(w.count, 50);
        ck_assert(isnan(window_value(&w, 900)));
        for (int64_t t = 911; t <= 1401; t += 10) {
            window_add(&w, t, (double)t);
        }
        ck_assert(isnan(window_value(&w, 1401)));
        window_add(&w, 1421, 1421);
        ck_assert(!isnan(window_value(&w, 1421)) || kinds[k].kind == WINDOW_STDDEV);
        window_fini(&w);
    }
}
END_TEST

START_TEST(test_it_begins_and_ends_at_its_width)
{
    struct window w;
    window_init(&w, WINDOW_MAX, 0, 1000, 100);
    window_add(&w, 0, 9);
    ck_assert(isnan(window_value(&w, 499)));
    window_add(&w, 499, 1);
    ck_assert(isnan(window_value(&w, 499))); /* It spans less than half. */
    window_add(&w, 500, 1);
    ck_assert_double_eq(window_value(&w, 999), 9);
    ck_assert(isnan(window_value(&w, 1000))); /* (t - W, t]: the first has left. */
    window_add(&w, 1000, 2);
    ck_assert_double_eq(window_value(&w, 1000), 2);
    window_clear(&w);
    ck_assert(isnan(window_value(&w, 1000)));
    window_fini(&w);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("window");
    TCase *tc = tcase_create("window");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_each_kind_is_what_all_samples_say, 0,
                        (int)ARRAY_LEN(kinds));
    tcase_add_test(tc, test_sums_do_not_drift);
    tcase_add_test(tc, test_the_oldest_go_when_there_is_no_room);
    tcase_add_test(tc, test_it_begins_and_ends_at_its_width);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
