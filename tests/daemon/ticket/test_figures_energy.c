/* Days that stand out, by hand. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/ticket/figures_energy.h"

#define DAYS 28

static struct figures_day days[DAYS];

/* Four weeks from a Monday: working days use 100 + 0..4, Saturdays 50, Sundays 20. */
static void
fill(void)
{
    for (int i = 0; i < DAYS; i++) {
        int weekday = i % 7;
        days[i] = (struct figures_day){.value = weekday < 5    ? 100 + weekday
                                                : weekday == 5 ? 50
                                                               : 20,
                                       .whole = true,
                                       .kind = weekday < 5    ? FIGURES_WORKDAY
                                               : weekday == 5 ? FIGURES_SATURDAY
                                                              : FIGURES_SUNDAY};
    }
}

static unsigned
mark(void)
{
    struct err err;
    unsigned marked = 0;
    ck_assert_int_eq(figures_mark_days(days, DAYS, &err), 0);
    for (int i = 0; i < DAYS; i++) {
        marked += days[i].marked;
    }
    return marked;
}

START_TEST(test_usual_days_do_not_stand_out)
{
    fill();
    ck_assert_uint_eq(mark(), 0);
    /* Median of four times 100..104. */
    ck_assert_double_eq(days[0].expected, 102);
    /* MAD 1, but the floor is 3 % of 102: (100 - 102) / 3.06. */
    ck_assert_double_eq_tol(days[0].score, -2 / 3.06, 1e-9);
    ck_assert(isnan(days[5].expected)); /* Four Saturdays are too few to say. */
}
END_TEST

START_TEST(test_a_sunday_among_working_days_stands_out_by_its_kind_only)
{
    fill();
    days[6].value = 100; /* As a working day: there are too few Sundays to tell. */
    days[9].value = 20;  /* A Wednesday as a Sunday. */
    days[16].value = 140;
    ck_assert_uint_eq(mark(), 2);
    ck_assert(days[9].marked);
    ck_assert_double_lt(days[9].score, -FIGURES_SCORE_CUT);
    ck_assert(days[16].marked);
    ck_assert_double_gt(days[16].score, FIGURES_SCORE_CUT);
}
END_TEST

START_TEST(test_a_day_that_was_not_measured_whole_is_not_judged)
{
    fill();
    days[9].value = 3;
    days[9].whole = false;
    ck_assert_uint_eq(mark(), 0);
    ck_assert(isnan(days[9].score));
}
END_TEST

/* Half of the days may be wild before the median follows them. */
START_TEST(test_the_median_holds_against_many_wild_days)
{
    fill();
    for (int i = 0, wild = 0; wild < 7; i++) {
        if (days[i].kind == FIGURES_WORKDAY) {
            days[i].value = 10000;
            wild++;
        }
    }
    ck_assert_uint_eq(mark(), 7);
    ck_assert_double_le(days[21].expected, 104);
}
END_TEST

START_TEST(test_nothing_at_all_is_no_fault)
{
    struct err err;
    ck_assert_int_eq(figures_mark_days(days, 0, &err), 0);
    for (int i = 0; i < DAYS; i++) {
        days[i] = (struct figures_day){.value = 0, .whole = true};
    }
    ck_assert_uint_eq(mark(), 0);
    ck_assert_double_eq(days[3].score, 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("figures_energy");
    TCase *tc = tcase_create("days");
    tcase_add_test(tc, test_usual_days_do_not_stand_out);
    tcase_add_test(tc, test_a_sunday_among_working_days_stands_out_by_its_kind_only);
    tcase_add_test(tc, test_a_day_that_was_not_measured_whole_is_not_judged);
    tcase_add_test(tc, test_the_median_holds_against_many_wild_days);
    tcase_add_test(tc, test_nothing_at_all_is_no_fault);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
