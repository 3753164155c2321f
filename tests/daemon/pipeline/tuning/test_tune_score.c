/* Settings against labelled faults, with figures computed by hand; the front and its
 * knee. */
#include <check.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/tuning/tune_score.h"

#define MIN(n)  ((n)*INT64_C(60000))
#define HOUR(n) MIN((n)*60)

/* Two devices for 24 h. The first has faults at 2..3 h and 10..12 h, the second one
 * that began before its log: 0..1 h. */
static const struct tune_window windows[] = {
    {HOUR(2), HOUR(3), 4}, {HOUR(10), HOUR(12), 4}, {-HOUR(1), HOUR(1), 9}};
static const struct tune_watch watches[] = {{4, 0, HOUR(24), &windows[0], 2},
                                            {9, 0, HOUR(24), &windows[2], 1}};

static struct tune_setting settings[4];
static struct tune_score *score;

static void
set_up(void)
{
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        settings[i] = (struct tune_setting){0};
    }
    ck_assert_int_eq(tune_score_new(&score, settings, ARRAY_LEN(settings), watches,
                                    ARRAY_LEN(watches), MIN(10), &err),
                     0);
}

static void
tear_down(void)
{
    tune_score_free(score);
    score = NULL;
}

START_TEST(days_are_those_without_a_fault)
{
    ck_assert_uint_eq(tune_score_faults(score), 3);
    /* 48 h less 1, 2 and the one hour of the third that was logged. */
    ck_assert_double_eq_tol(tune_score_days(score), 44.0 / 24, 1e-12);
}
END_TEST

/* Where a raise counts, on device 4.  What was missed counts with the 1 and 2 h of its
 * faults, and the 1 h that was logged of device 9's. */
static const struct {
    const char *what;
    int64_t at_ms;
    uint32_t missed, false_raises;
    int64_t median_ms, worst_ms;
} raises[] = {
    {"long before", HOUR(1), 3, 1, INSTANT_NONE, INSTANT_NONE},
    {"a moment before it may be early", HOUR(2) - MIN(10) - 1, 3, 1, INSTANT_NONE,
     INSTANT_NONE},
    {"as early as it may be", HOUR(2) - MIN(10), 2, 0, HOUR(1), HOUR(2)},
    {"when it begins", HOUR(2), 2, 0, HOUR(1), HOUR(2)},
    {"inside", HOUR(2) + MIN(25), 2, 0, HOUR(1), HOUR(2)},
    {"when it ends", HOUR(3), 2, 0, HOUR(1), HOUR(2)},
    {"a moment later", HOUR(3) + 1, 3, 1, INSTANT_NONE, INSTANT_NONE},
    {"in the second", HOUR(10) + MIN(25), 2, 0, HOUR(1), HOUR(1)},
    {"behind all", HOUR(20), 3, 1, INSTANT_NONE, INSTANT_NONE},
};

START_TEST(where_a_raise_counts)
{
    tune_score_raise(score, 1, 4, raises[_i].at_ms);
    tune_score_finish(score);
    ck_assert_uint_eq(settings[0].missed, 3);
    ck_assert_uint_eq(settings[1].missed, raises[_i].missed);
    ck_assert_uint_eq(settings[1].false_raises, raises[_i].false_raises);
    ck_assert_int_eq(settings[1].delay_median_ms, raises[_i].median_ms);
    ck_assert_int_eq(settings[1].delay_worst_ms, raises[_i].worst_ms);
}
END_TEST

START_TEST(only_the_first_raise_finds_and_later_ones_are_not_false)
{
    tune_score_raise(score, 0, 4, HOUR(2) + MIN(5));
    tune_score_raise(score, 0, 4, HOUR(2) + MIN(30));
    tune_score_raise(score, 0, 4, HOUR(10) + MIN(45));
    tune_score_raise(score, 0, 9, MIN(20)); /* 20 min into the log, not 80 into it. */
    tune_score_raise(score, 0, 9, HOUR(5));
    tune_score_raise(score, 0, 9, HOUR(6));
    tune_score_raise(score, 0, 7, HOUR(6)); /* Nobody watches it. */
    tune_score_finish(score);
    ck_assert_uint_eq(settings[0].missed, 0);
    ck_assert_uint_eq(settings[0].false_raises, 2);
    ck_assert_double_eq_tol(settings[0].false_per_day, 2 / (44.0 / 24), 1e-12);
    ck_assert_int_eq(settings[0].delay_median_ms, MIN(20)); /* Of 5, 20 and 45. */
    ck_assert_int_eq(settings[0].delay_worst_ms, MIN(45));
}
END_TEST

START_TEST(the_median_of_two_lies_between)
{
    struct tune_score *two = NULL;
    struct err err;
    ck_assert_int_eq(tune_score_new(&two, settings, 1, watches, 1, 0, &err), 0);
    tune_score_raise(two, 0, 4, HOUR(2) + MIN(5));
    tune_score_raise(two, 0, 4, HOUR(10) + MIN(45));
    tune_score_finish(two);
    ck_assert_int_eq(settings[0].delay_median_ms, MIN(25));
    tune_score_free(two);
}
END_TEST

/* Setting 1 is slower at the second fault and misses the third, which setting 0 finds
 * after 50 min: it is not the faster one, though those that it finds took it 30 min. */
START_TEST(a_missed_fault_is_no_way_to_be_fast)
{
    tune_score_raise(score, 0, 4, HOUR(2) + MIN(20));
    tune_score_raise(score, 0, 4, HOUR(10) + MIN(35));
    tune_score_raise(score, 0, 9, MIN(50));
    tune_score_raise(score, 1, 4, HOUR(2) + MIN(20));
    tune_score_raise(score, 1, 4, HOUR(10) + MIN(40));
    tune_score_finish(score);
    ck_assert_int_eq(settings[0].delay_median_ms, MIN(35));
    ck_assert_int_eq(settings[1].delay_median_ms, MIN(40)); /* Of 20, 40 and 60. */
    ck_assert_int_eq(settings[1].delay_worst_ms, MIN(60));
    tune_score_rank(settings, 2, 3, UINT64_MAX);
    ck_assert(settings[0].front);
    ck_assert(!settings[1].front);
}
END_TEST

START_TEST(too_many_faults_times_settings_are_refused)
{
    struct tune_watch big = watches[0];
    struct tune_score *s = NULL;
    struct err err = {0};
    big.window_count = TUNE_FINDINGS_MAX / 4 + 1; /* Not looked at. */
    ck_assert_int_eq(tune_score_new(&s, settings, 4, &big, 1, 0, &err), ERR_FULL);
    ck_assert_ptr_null(s);
}
END_TEST

static struct tune_setting
setting(uint32_t missed, uint64_t false_raises, int64_t delay_ms)
{
    return (struct tune_setting){.missed = missed,
                                 .false_raises = false_raises,
                                 .delay_median_ms = delay_ms,
                                 .delay_worst_ms = delay_ms};
}

START_TEST(the_front_holds_what_nothing_beats)
{
    struct tune_setting s[] = {
        setting(0, 100, MIN(1)),     setting(0, 100, MIN(2)), setting(1, 3, MIN(5)),
        setting(1, 4, MIN(5)),       setting(2, 0, MIN(9)),   setting(1, 3, MIN(5)),
        setting(4, 0, INSTANT_NONE),
    };
    s[5].now = true;
    tune_score_rank(s, ARRAY_LEN(s), 4, UINT64_MAX);
    const bool front[] = {true, false, false, false, true, true, false};
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        ck_assert_msg(s[i].front == front[i], "setting %zu", i);
    }
}
END_TEST

/* Scaled: missed 0, 0, 1; doublings of false raises 6 of 6, 1 of 6, 0; delays 0,
 * 0.1, 1. Distances squared 1; 1/36 + 0.0025; 4 + 0.25. */
START_TEST(the_knee_is_nearest_to_the_best_of_everything)
{
    struct tune_setting s[] = {setting(0, 63, MIN(0)), setting(0, 1, MIN(10)),
                               setting(3, 0, MIN(100))};
    tune_score_rank(s, ARRAY_LEN(s), 4, UINT64_MAX);
    ck_assert(!s[0].knee);
    ck_assert(s[1].knee);
    ck_assert(!s[2].knee);
}
END_TEST

/* A miss counts double: one more of the two that can be missed costs more than the
 * worst of false raises. */
START_TEST(a_miss_counts_more_than_false_raises)
{
    struct tune_setting s[] = {setting(0, 1000, 0), setting(1, 0, 0)};
    tune_score_rank(s, ARRAY_LEN(s), 2, UINT64_MAX);
    ck_assert(s[0].knee);
}
END_TEST

/* Without the ceiling the first would be the knee, as above. */
START_TEST(what_raises_too_often_is_no_knee)
{
    struct tune_setting s[] = {setting(0, 1000, 0), setting(1, 10, MIN(1)),
                               setting(1, 9, MIN(5))};
    tune_score_rank(s, ARRAY_LEN(s), 2, 10);
    ck_assert(!s[0].knee);
    ck_assert(s[0].front);
    ck_assert(s[1].knee || s[2].knee);
    tune_score_rank(s, ARRAY_LEN(s), 2, 9);
    ck_assert(s[2].knee);
    tune_score_rank(s, ARRAY_LEN(s), 2, 8);
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        ck_assert(!s[i].knee);
        ck_assert(s[i].front);
    }
}
END_TEST

static const struct {
    double per_day, days;
    uint64_t most;
} ceilings[] = {{1, 30.9, 30},
                {0.5, 30, 15},
                {1, 0.02, 1},
                {0, 30, 0},
                {1e300, 1e9, 1000000000000000000}};

START_TEST(the_ceiling_is_a_rate_but_for_one_raise)
{
    ck_assert_uint_eq(tune_score_false_max(ceilings[_i].per_day, ceilings[_i].days),
                      ceilings[_i].most);
}
END_TEST

START_TEST(what_finds_nothing_is_no_knee)
{
    struct tune_setting s[] = {setting(2, 0, INSTANT_NONE),
                               setting(2, 5, INSTANT_NONE)};
    tune_score_rank(s, ARRAY_LEN(s), 2, UINT64_MAX);
    ck_assert(!s[0].knee);
    ck_assert(!s[1].knee);
    s[1] = setting(1, 900, HOUR(20));
    tune_score_rank(s, ARRAY_LEN(s), 2, UINT64_MAX);
    ck_assert(!s[0].knee);
    ck_assert(s[1].knee);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("tune_score");
    TCase *tc = tcase_create("score");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, days_are_those_without_a_fault);
    tcase_add_loop_test(tc, where_a_raise_counts, 0, (int)ARRAY_LEN(raises));
    tcase_add_test(tc, only_the_first_raise_finds_and_later_ones_are_not_false);
    tcase_add_test(tc, the_median_of_two_lies_between);
    tcase_add_test(tc, a_missed_fault_is_no_way_to_be_fast);
    tcase_add_test(tc, too_many_faults_times_settings_are_refused);
    suite_add_tcase(s, tc);
    tc = tcase_create("rank");
    tcase_add_test(tc, the_front_holds_what_nothing_beats);
    tcase_add_test(tc, the_knee_is_nearest_to_the_best_of_everything);
    tcase_add_test(tc, a_miss_counts_more_than_false_raises);
    tcase_add_test(tc, what_raises_too_often_is_no_knee);
    tcase_add_loop_test(tc, the_ceiling_is_a_rate_but_for_one_raise, 0,
                        (int)ARRAY_LEN(ceilings));
    tcase_add_test(tc, what_finds_nothing_is_no_knee);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
