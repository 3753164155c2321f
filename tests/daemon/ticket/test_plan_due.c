#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_due.h"

#define DAY_MS INT64_C(86400000)

static int32_t
day(const char *text)
{
    int32_t out;
    if (text == NULL) {
        return DAY_NONE;
    }
    ck_assert(civil_parse_date(&out, text));
    return out;
}

static void
expect_day(int32_t is, const char *wanted)
{
    char text[CIVIL_TEXT_BYTES];
    ck_assert_str_eq(is == DAY_NONE ? "none" : civil_format(text, is), wanted);
}

static struct plan_spec
every(int days)
{
    return (struct plan_spec){.id = "p",
                              .cycle = PLAN_EVERY,
                              .every_ms = days * DAY_MS,
                              .from_done = true,
                              .starts = DAY_NONE};
}

static struct plan_spec
by_weekday(int months, int nth, int weekday)
{
    return (struct plan_spec){.id = "p",
                              .cycle = PLAN_MONTHLY,
                              .months = months,
                              .nth = nth,
                              .weekday = weekday,
                              .starts = DAY_NONE};
}

static struct plan_spec
by_day(int months, int month_day)
{
    return (struct plan_spec){.id = "p",
                              .cycle = PLAN_MONTHLY,
                              .months = months,
                              .month_day = month_day,
                              .starts = DAY_NONE};
}

static const struct {
    int months, nth, weekday, month_day;
    const char *start, *from, *first;
} calendar[] = {
    {1, 1, 1, 0, NULL, "2026-01-01", "2026-01-06"},  /* First Tuesday. */
    {1, 1, 1, 0, NULL, "2026-01-06", "2026-01-06"},  /* The day itself counts. */
    {1, 1, 1, 0, NULL, "2026-01-07", "2026-02-03"},  /* Past: the next month's. */
    {1, -1, 4, 0, NULL, "2026-02-01", "2026-02-27"}, /* Last Friday. */
    {1, -1, 6, 0, NULL, "2026-05-31", "2026-05-31"}, /* Last Sunday is the last day. */
    {1, 4, 0, 0, NULL, "2026-02-01", "2026-02-23"},  /* Fourth Monday. */
    {1, 0, 0, 31, NULL, "2026-02-01", "2026-02-28"}, /* The last where it is shorter. */
    {1, 0, 0, 31, NULL, "2028-02-01", "2028-02-29"}, /* In a leap year. */
    {1, 0, 0, 29, NULL, "2026-02-28", "2026-02-28"},
    {1, 0, 0, 30, NULL, "2026-12-31", "2027-01-30"}, /* Over New Year. */
    {3, 0, 0, 5, NULL, "2026-01-06", "2026-04-05"},  /* From January. */
    {3, 0, 0, 5, "2026-02-01", "2026-01-06",
     "2026-02-05"}, /* From its start's month. */
    {3, 0, 0, 5, "2026-02-01", "2026-02-06", "2026-05-05"},
};

START_TEST(test_month_days)
{
    struct plan_spec p =
        calendar[_i].month_day > 0
            ? by_day(calendar[_i].months, calendar[_i].month_day)
            : by_weekday(calendar[_i].months, calendar[_i].nth, calendar[_i].weekday);
    p.starts = day(calendar[_i].start);
    expect_day(plan_calendar_day(&p, day(calendar[_i].from)), calendar[_i].first);
}
END_TEST

START_TEST(test_days_of_the_year_come_in_order_and_in_each_year)
{
    static const struct year_day days[] = {{2, 29}, {10, 15}};
    struct plan_spec p = {.cycle = PLAN_YEARLY,
                          .year_days = days,
                          .year_day_count = 2,
                          .starts = DAY_NONE};
    expect_day(plan_calendar_day(&p, day("2026-01-01")), "2026-02-28");
    expect_day(plan_calendar_day(&p, day("2026-03-01")), "2026-10-15");
    expect_day(plan_calendar_day(&p, day("2026-10-16")), "2027-02-28");
    expect_day(plan_calendar_day(&p, day("2028-01-01")), "2028-02-29");
}
END_TEST

static const struct {
    int every;
    bool from_plan, statutory;
    const char *base, *done, *next;
} nexts[] = {
    {15, false, false, "2026-01-10", "2026-01-08", "2026-01-23"}, /* From done. */
    {15, false, false, "2026-01-10", "2026-02-01", "2026-02-16"},
    {15, false, false, NULL, "2026-02-20",
     "2026-03-07"}, /* Over the end of February. */
    {15, false, false, NULL, "2028-02-20", "2028-03-06"},        /* In a leap year. */
    {15, true, false, "2026-01-10", "2026-01-08", "2026-01-25"}, /* From the plan. */
    {15, true, false, "2026-01-10", "2026-01-14",
     "2026-01-25"}, /* Late, same rhythm. */
    {15, true, false, "2026-01-10", "2026-01-19",
     "2026-02-09"}, /* So late: the next's. */
    {15, true, false, "2026-01-10", "2026-01-01", "2026-01-10"}, /* Too early for it. */
    {15, true, true, "2026-01-10", "2026-01-08",
     "2026-01-23"}, /* Never a longer gap. */
    {15, true, true, "2026-01-10", "2026-01-12", "2026-01-25"},
    {1, true, false, "2026-01-10", "2026-01-10", "2026-01-11"}, /* Daily. */
    {1, true, false, "2026-01-10", "2026-01-20", "2026-01-21"},
    {730, false, false, NULL, "2024-02-29", "2026-02-28"},
};

START_TEST(test_next_day_of_a_cycle)
{
    struct plan_spec p = every(nexts[_i].every);
    p.from_done = !nexts[_i].from_plan;
    p.statutory = nexts[_i].statutory;
    expect_day(plan_next_day(&p, day(nexts[_i].base), day(nexts[_i].done)),
               nexts[_i].next);
}
END_TEST

START_TEST(test_a_calendar_visit_serves_the_day_it_is_nearest_to)
{
    struct plan_spec p = by_weekday(1, 1, 1);
    expect_day(plan_next_day(&p, DAY_NONE, day("2026-01-06")), "2026-02-03");
    expect_day(plan_next_day(&p, DAY_NONE, day("2026-01-09")), "2026-02-03");
    expect_day(plan_next_day(&p, DAY_NONE, day("2026-01-31")), "2026-03-03");
    p.statutory = true; /* Three days early: three days early again. */
    expect_day(plan_next_day(&p, DAY_NONE, day("2026-01-31")), "2026-02-28");
}
END_TEST

START_TEST(test_season_holds_new_year)
{
    struct plan_spec p = every(7);
    p.has_season = true;
    p.season_from = (struct year_day){11, 15};
    p.season_to = (struct year_day){3, 15};
    ck_assert(plan_in_season(&p, day("2026-12-31")));
    ck_assert(plan_in_season(&p, day("2026-03-15")));
    ck_assert(!plan_in_season(&p, day("2026-03-16")));
    expect_day(plan_next_day(&p, DAY_NONE, day("2026-03-10")), "2026-11-15");
    expect_day(plan_next_day(&p, DAY_NONE, day("2026-12-30")), "2027-01-06");
}
END_TEST

static const struct {
    bool statutory;
    const char *start, *installed;
    uint32_t spread;
    const char *first;
} firsts[] = {
    {false, "2026-04-01", NULL, 7, "2026-04-01"}, /* To come. */
    {false, "2026-01-01", NULL, 7, "2026-03-17"}, /* Past: the first of its cycle. */
    {true, NULL, "2026-03-01", 7, "2026-03-16"},  /* From the installation. */
    {true, NULL, "2019-06-01", 7, "2026-03-11"},
    {true, NULL, NULL, 7, "2026-03-18"},           /* Within one cycle. */
    {false, NULL, "2019-06-01", 0, "2026-03-11"},  /* Spread. */
    {false, NULL, "2019-06-01", 14, "2026-03-25"}, /* A whole cycle at the most. */
    {false, NULL, NULL, 15, "2026-03-11"},
    {false, NULL, "2026-05-01", 3, "2026-05-16"}, /* It is not there yet. */
};

START_TEST(test_first_day)
{
    struct plan_spec p = every(15);
    p.statutory = firsts[_i].statutory;
    p.starts = day(firsts[_i].start);
    struct plan_origin o = {.since_day = day("2026-03-10"),
                            .installed_day = day(firsts[_i].installed),
                            .spread = firsts[_i].spread};
    expect_day(plan_first_day(&p, &o), firsts[_i].first);
}
END_TEST

/* Over random plans and visits: what follows never lies before the visit, and a
 * statutory one never further away than its cycle. */
START_TEST(test_a_next_day_is_never_too_far)
{
    srand(1);
    for (int round = 0; round < 20000; round++) {
        struct plan_spec p = every(1 + rand() % 400);
        p.from_done = rand() % 2 == 0;
        p.statutory = rand() % 2 == 0;
        int32_t base = day("2026-01-01") + rand() % 4000;
        int32_t done = base + rand() % 800 - 400;
        int32_t cycle = plan_cycle_days(&p);
        int32_t next = plan_next_day(&p, base, done);
        ck_assert_int_gt(next, done);
        ck_assert_int_le(next - done,
                         p.statutory || p.from_done ? cycle : cycle + cycle / 2);
    }
}
END_TEST

int
main(void)
{
    instant_zone_set("Asia/Shanghai");
    Suite *s = suite_create("plan_due");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, test_month_days, 0, (int)ARRAY_LEN(calendar));
    tcase_add_test(tc, test_days_of_the_year_come_in_order_and_in_each_year);
    tcase_add_loop_test(tc, test_next_day_of_a_cycle, 0, (int)ARRAY_LEN(nexts));
    tcase_add_test(tc, test_a_calendar_visit_serves_the_day_it_is_nearest_to);
    tcase_add_test(tc, test_season_holds_new_year);
    tcase_add_loop_test(tc, test_first_day, 0, (int)ARRAY_LEN(firsts));
    tcase_add_test(tc, test_a_next_day_is_never_too_far);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
