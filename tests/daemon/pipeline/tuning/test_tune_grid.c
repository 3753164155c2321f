/* Which settings are tried. */
#include <check.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/pipeline/tuning/tune_grid.h"

static struct tune_pick pick;

static void
set_up(void)
{
    pick = (struct tune_pick){.seen = 0};
}

static void
check_rising(const double *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        ck_assert_double_gt(values[i], values[i - 1]);
    }
}

static bool
has(const double *values, uint32_t count, double wanted)
{
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] == wanted) {
            return true;
        }
    }
    return false;
}

static const struct {
    double size, step;
} steps[] = {{0, 0},     {-1, 0},      {1, 1},     {1.9, 1},    {2, 2},
             {4.99, 2},  {5, 5},       {9.9, 5},   {10, 10},    {0.2, 0.2},
             {0.3, 0.2}, {0.07, 0.05}, {700, 500}, {1e-6, 1e-6}};

START_TEST(steps_are_round)
{
    ck_assert_double_eq_tol(tune_grid_round_step(steps[_i].size), steps[_i].step,
                            1e-15);
}
END_TEST

START_TEST(quantiles_of_few_are_exact)
{
    for (int i = 100; i >= 0; i--) {
        tune_pick_add(&pick, i);
    }
    ck_assert_uint_eq(tune_pick_sort(&pick), 101);
    ck_assert_double_eq(tune_pick_quantile(&pick, 0), 0);
    ck_assert_double_eq(tune_pick_quantile(&pick, 0.5), 50);
    ck_assert_double_eq(tune_pick_quantile(&pick, 0.95), 95);
    ck_assert_double_eq(tune_pick_quantile(&pick, 1), 100);
}
END_TEST

/* A million numbers, one of them rare: the ends are kept, the middle is near. */
START_TEST(quantiles_of_many_are_near_and_the_ends_exact)
{
    for (int i = 0; i < 1000000; i++) {
        tune_pick_add(&pick, i == 123456 ? 5000 : i % 1000);
    }
    ck_assert_uint_eq(tune_pick_sort(&pick), TUNE_SAMPLES_KEPT);
    ck_assert_double_eq(tune_pick_quantile(&pick, 1), 5000);
    ck_assert_double_eq(tune_pick_quantile(&pick, 0), 0);
    ck_assert_double_eq_tol(tune_pick_quantile(&pick, 0.5), 500, 30);
    ck_assert_double_eq_tol(tune_pick_quantile(&pick, 0.9), 900, 20);
}
END_TEST

START_TEST(thresholds_lie_on_the_alarm_s_side)
{
    double out[TUNE_AXIS_MAX];
    for (int i = 0; i <= 1000; i++) {
        tune_pick_add(&pick, i / 10.0);
    }
    (void)tune_pick_sort(&pick);
    uint32_t count = tune_grid_thresholds(out, &pick, true, 80.5);
    check_rising(out, count);
    ck_assert(has(out, count, 80.5)); /* The present one, as it is. */
    ck_assert_double_ge(out[0], 50);
    ck_assert_double_le(out[count - 1], 100);
    ck_assert(has(out, count, 99.5));
    count = tune_grid_thresholds(out, &pick, false, 80.5);
    check_rising(out, count);
    ck_assert_double_le(out[count - 2], 50);
    ck_assert_double_eq(out[count - 1], 80.5);
}
END_TEST

START_TEST(a_flat_log_leaves_the_present_threshold)
{
    double out[TUNE_AXIS_MAX];
    tune_pick_add(&pick, 7);
    (void)tune_pick_sort(&pick);
    ck_assert_uint_eq(tune_grid_thresholds(out, &pick, true, 9), 1);
    ck_assert_double_eq(out[0], 9);
}
END_TEST

START_TEST(around_a_number)
{
    double out[TUNE_AXIS_MAX];
    uint32_t count = tune_grid_around(out, -40);
    ck_assert_uint_eq(count, 13);
    check_rising(out, count);
    ck_assert_double_eq(out[0], -52);
    ck_assert_double_eq(out[6], -40);
    ck_assert_double_eq(out[12], -28);
    ck_assert_uint_eq(tune_grid_around(out, 0), 1);
}
END_TEST

START_TEST(deadbands_begin_with_none)
{
    double out[TUNE_AXIS_MAX];
    uint32_t count = tune_grid_deadbands(out, 40, 0.2, 5);
    const double wanted[] = {0, 0.4, 0.8, 2, 4, 5, 8};
    ck_assert_uint_eq(count, ARRAY_LEN(wanted));
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_double_eq_tol(out[i], wanted[i], 1e-12);
    }
    ck_assert_uint_eq(tune_grid_deadbands(out, 0, 1, 0), 1);
    count = tune_grid_deadbands(out, 40, 1, 0);
    ck_assert_double_eq(out[count - 1], 40);
}
END_TEST

START_TEST(holds_are_no_shorter_than_from_sample_to_sample)
{
    int64_t out[TUNE_AXIS_MAX];
    uint32_t count = tune_grid_holds(out, 300000, 90000);
    const int64_t wanted[] = {0,       90000,   300000,  600000,
                              1800000, 3600000, 7200000, 14400000};
    ck_assert_uint_eq(count, ARRAY_LEN(wanted));
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(out[i], wanted[i]);
    }
    count = tune_grid_holds(out, 1000, 0);
    ck_assert_int_eq(out[0], 0);
    ck_assert_int_eq(out[1], 1000);
    ck_assert_int_eq(out[count - 1], 300000);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("tune_grid");
    TCase *tc = tcase_create("grid");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_loop_test(tc, steps_are_round, 0, (int)ARRAY_LEN(steps));
    tcase_add_test(tc, quantiles_of_few_are_exact);
    tcase_add_test(tc, quantiles_of_many_are_near_and_the_ends_exact);
    tcase_add_test(tc, thresholds_lie_on_the_alarm_s_side);
    tcase_add_test(tc, a_flat_log_leaves_the_present_threshold);
    tcase_add_test(tc, around_a_number);
    tcase_add_test(tc, deadbands_begin_with_none);
    tcase_add_test(tc, holds_are_no_shorter_than_from_sample_to_sample);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
