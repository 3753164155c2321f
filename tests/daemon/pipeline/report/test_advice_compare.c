/* What a changed rule spares and costs, computed by hand. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/report/advice_compare.h"

#define END 10000

static struct advice_cost
compare_at(const struct advice_span *now,
           size_t now_count,
           const struct advice_span *changed,
           size_t changed_count,
           struct advice_times times)
{
    struct advice_cost out;
    struct err err;
    ck_assert_int_eq(advice_compare(&out, (struct advice_spans){now, now_count},
                                    (struct advice_spans){changed, changed_count},
                                    &times, &err),
                     0);
    return out;
}

static struct advice_cost
compare(const struct advice_span *now,
        size_t now_count,
        const struct advice_span *changed,
        size_t changed_count)
{
    return compare_at(now, now_count, changed, changed_count,
                      (struct advice_times){.end_ms = END, .joins_ms = 100});
}

/* The present rule: three short ones, a long one, and one that stands at the end. */
static const struct advice_span now[] = {
    {1000, 1010}, {1020, 1050}, {1060, 1070}, {3000, 4000}, {9000, INSTANT_MAX}};

START_TEST(the_same_costs_nothing)
{
    struct advice_cost c = compare(now, 5, now, 5);
    ck_assert_uint_eq(c.raises, 5);
    ck_assert_uint_eq(c.saved, 0);
    ck_assert_int_eq(c.later_worst_ms, 0);
    ck_assert_int_eq(c.clears_later_ms, 0);
    ck_assert_int_eq(c.idle_ms, 0);
    ck_assert_uint_eq(c.unseen, 0);
    ck_assert(!c.stuck);
}
END_TEST

/* A hold of 100: only the long ones are left, 100 later; three are never seen, the
 * longest of which stood for 30. */
START_TEST(an_on_delay)
{
    static const struct advice_span held[] = {{3100, 4000}, {9100, INSTANT_MAX}};
    struct advice_cost c = compare(now, 5, held, 2);
    ck_assert_uint_eq(c.raises, 2);
    ck_assert_uint_eq(c.saved, 3);
    ck_assert_int_eq(c.later_median_ms, 100);
    ck_assert_int_eq(c.later_worst_ms, 100);
    ck_assert_int_eq(c.clears_later_ms, 0);
    ck_assert_uint_eq(c.unseen, 3);
    ck_assert_int_eq(c.unseen_ms, 30);
}
END_TEST

/* A clear_hold of 50 joins the short ones: raised at once.  The first of them cleared
 * at 1010 and now does so at 1120; for 50 at a time it stands while nothing is the
 * matter. */
START_TEST(an_off_delay)
{
    static const struct advice_span held[] = {
        {1000, 1120}, {3000, 4050}, {9000, INSTANT_MAX}};
    struct advice_cost c = compare(now, 5, held, 3);
    ck_assert_uint_eq(c.saved, 2);
    ck_assert_int_eq(c.later_worst_ms, 0);
    ck_assert_int_eq(c.clears_later_ms, 110);
    ck_assert_int_eq(c.idle_ms, 50);
    ck_assert_uint_eq(c.unseen, 0);
    ck_assert(!c.stuck);
}
END_TEST

/* One that waits for its delay at the end is known to clear then; of a deadband nothing
 * is known. */
START_TEST(an_off_delay_that_waits_at_the_end)
{
    static const struct advice_span before[] = {{9000, 9980}};
    static const struct advice_span waits[] = {{9000, INSTANT_MAX}};
    struct advice_times times = {
        .end_ms = END, .joins_ms = 100, .same_clear = true, .clears_within_ms = 50};
    struct advice_cost c = compare_at(before, 1, waits, 1, times);
    ck_assert(!c.stuck);
    ck_assert_int_eq(c.clears_later_ms, 50);
    ck_assert_int_eq(c.idle_ms, 50);
    c = compare(before, 1, waits, 1);
    ck_assert(c.stuck);
}
END_TEST

/* A deadband that never comes back: one alarm until the end.  The third one came 10
 * after it was clear, the others after 1930 and 5000: nobody was told of those. */
START_TEST(a_deadband_that_is_too_wide)
{
    static const struct advice_span stuck[] = {{1000, INSTANT_MAX}};
    struct advice_cost c = compare(now, 5, stuck, 1);
    ck_assert_uint_eq(c.saved, 4);
    ck_assert_int_eq(c.clears_later_ms, END - 1010);
    ck_assert_int_eq(c.idle_ms, 5000);
    ck_assert_uint_eq(c.unseen, 2);
    ck_assert_int_eq(c.unseen_ms, 1000);
    ck_assert(c.stuck); /* Though the last one stands as well. */
    c = compare(now, 4, stuck, 1);
    ck_assert_int_eq(c.idle_ms, END - 4000);
    ck_assert(c.stuck);
}
END_TEST

/* Two that clear, and one alarm in place of both: the first by 3000 later. */
START_TEST(an_alarm_that_joins_two)
{
    static const struct advice_span two[] = {{1000, 2000}, {4000, 5000}};
    static const struct advice_span one[] = {{1000, 5200}};
    struct advice_cost c = compare(two, 2, one, 1);
    ck_assert_int_eq(c.clears_later_ms, 3200);
    ck_assert_int_eq(c.idle_ms, 2000);
    ck_assert_uint_eq(c.unseen, 1);
    ck_assert_int_eq(c.unseen_ms, 1000);
    ck_assert(!c.stuck);
    c = compare_at(two, 2, one, 1,
                   (struct advice_times){.end_ms = END, .joins_ms = 2000});
    ck_assert_uint_eq(c.unseen, 0);
}
END_TEST

#define TICKS 400

/* Whether one of the spans stands at t. */
static bool
stands(const struct advice_span *spans, size_t count, int64_t t)
{
    for (size_t i = 0; i < count; i++) {
        if (spans[i].raised_ms <= t && t < spans[i].cleared_ms) {
            return true;
        }
    }
    return false;
}

/* The present spans with an off-delay: each goes on for `delay`, and joins what comes.
 */
static size_t
delayed(struct advice_span *out,
        const struct advice_span *spans,
        size_t count,
        int64_t delay)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        if (made == 0 || out[made - 1].cleared_ms < spans[i].raised_ms) {
            out[made++].raised_ms = spans[i].raised_ms;
        }
        out[made - 1].cleared_ms = spans[i].cleared_ms + delay;
    }
    return made;
}

/* Tick by tick: how long the changed one stands behind each clearing, at most, and how
 * long at a time it does while the present one is clear. */
START_TEST(random_spans_cost_what_a_walk_along_them_shows)
{
    struct advice_span spans[TICKS], held[TICKS];
    uint64_t random = 88172645463325252u + (uint64_t)_i;
    int64_t delay = 1 + _i % 9;
    int64_t kept = 0, idle = 0, idle_now = 0;
    size_t count = 0;
    for (int64_t t = 0; t < TICKS - 40;) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t from = t + 1 + (int64_t)(random % 11);
        spans[count++] =
            (struct advice_span){from, from + 1 + (int64_t)(random / 11 % 7)};
        t = spans[count - 1].cleared_ms;
    }
    size_t held_count = delayed(held, spans, count, delay);
    for (int64_t t = 0; t < TICKS; t++) {
        bool now_stands = stands(spans, count, t);
        idle_now = stands(held, held_count, t) && !now_stands ? idle_now + 1 : 0;
        idle = idle_now > idle ? idle_now : idle;
        int64_t end = t;
        while (t > 0 && stands(spans, count, t - 1) && !now_stands &&
               stands(held, held_count, end)) {
            end++;
        }
        kept = end - t > kept ? end - t : kept;
    }
    struct advice_cost c =
        compare_at(spans, count, held, held_count,
                   (struct advice_times){.end_ms = TICKS, .joins_ms = delay});
    ck_assert_int_eq(c.idle_ms, idle);
    ck_assert_int_eq(c.clears_later_ms, kept);
    ck_assert_uint_eq(c.saved, count - held_count);
    ck_assert_uint_eq(c.unseen, 0);
    ck_assert_int_eq(c.later_worst_ms, 0);
}
END_TEST

/* Of a limit of 100: a quarter of it to come later or be hidden, all to stand idle. */
static const struct {
    const char *what;
    struct advice_cost cost;
    double burden;
} burdens[] = {
    {"nothing", {.raises = 1}, 0},
    {"late by a quarter", {.raises = 1, .later_worst_ms = 25}, 1},
    {"hidden for a quarter", {.raises = 1, .unseen_ms = 25}, 1},
    {"idle for all of it", {.raises = 1, .idle_ms = 100}, 1},
    {"the greatest counts", {.raises = 1, .idle_ms = 50, .unseen_ms = 20}, 0.8},
    {"a day", {.raises = 1, .clears_later_ms = ADVICE_KEPT_MAX_MS}, 1},
    {"stuck", {.raises = 1, .stuck = true}, INFINITY},
    {"never raised", {.raises = 0}, INFINITY},
};

START_TEST(what_is_too_much)
{
    double burden = advice_burden(&burdens[_i].cost, 100);
    ck_assert_msg(isinf(burdens[_i].burden) ? isinf(burden)
                                            : fabs(burden - burdens[_i].burden) < 1e-9,
                  "%s: %g", burdens[_i].what, burden);
}
END_TEST

START_TEST(nothing_raised_any_more)
{
    struct advice_cost c = compare(now, 5, NULL, 0);
    ck_assert_uint_eq(c.saved, 5);
    ck_assert_uint_eq(c.unseen, 5);
    ck_assert_int_eq(c.unseen_ms, 1000);
    c = compare(NULL, 0, now, 5);
    ck_assert_uint_eq(c.saved, 0);
}
END_TEST

static const struct {
    const char *what;
    uint32_t raises, saved[4], count, chosen;
} choices[] = {
    {"the least that saves 80 % of the most", 100, {10, 79, 80, 100}, 4, 2},
    {"all the same: the least", 10, {6, 6, 6, 6}, 4, 0},
    {"less than a fifth is not worth it", 100, {5, 10, 19, 19}, 4, UINT32_MAX},
    {"a fifth is", 100, {5, 10, 16, 20}, 4, 2},
    {"one raise alone is no pattern", 2, {1, 1, 1, 1}, 4, UINT32_MAX},
    {"two are", 3, {0, 2, 2, 2}, 4, 1},
    {"nothing was tried", 10, {0, 0, 0, 0}, 0, UINT32_MAX},
};

START_TEST(which_is_taken)
{
    struct advice_cost costs[4] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        costs[i].saved = choices[_i].saved[i];
    }
    ck_assert_uint_eq(
        advice_compare_choose(costs, choices[_i].count, choices[_i].raises),
        choices[_i].chosen);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("advice_compare");
    TCase *tc = tcase_create("compare");
    tcase_add_test(tc, the_same_costs_nothing);
    tcase_add_test(tc, an_on_delay);
    tcase_add_test(tc, an_off_delay);
    tcase_add_test(tc, an_off_delay_that_waits_at_the_end);
    tcase_add_test(tc, a_deadband_that_is_too_wide);
    tcase_add_test(tc, an_alarm_that_joins_two);
    tcase_add_loop_test(tc, random_spans_cost_what_a_walk_along_them_shows, 0, 100);
    tcase_add_loop_test(tc, what_is_too_much, 0, (int)ARRAY_LEN(burdens));
    tcase_add_test(tc, nothing_raised_any_more);
    tcase_add_loop_test(tc, which_is_taken, 0, (int)ARRAY_LEN(choices));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
