#include <check.h>
#include <stdlib.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_route.h"

static const struct work_span weekdays[] = {
    {0, 480, 1080}, {1, 480, 1080}, {2, 480, 1080}, {3, 480, 1080}, {4, 480, 1080}};
static struct team teams[] = {{.id = "office", .hours = weekdays, .hours_count = 5}};
static struct calendar_day calendar[] = {{.from = 0, .to = 0}, {.from = 0, .to = 0}};
static struct site site = {.teams = teams, .team_count = 1, .calendar = calendar};

#define MONDAY 20003 /* 2024-10-07 */

START_TEST(test_near_visits_are_joined_in_their_windows)
{
    struct plan_stop stops[] = {
        {.team = "a",
         .place = "B1",
         .earliest = 10,
         .due = 13,
         .latest = 13,
         .index = 0},
        {.team = "a",
         .place = "B1",
         .earliest = 12,
         .due = 15,
         .latest = 18,
         .index = 1},
        {.team = "a",
         .place = "B1",
         .earliest = 14,
         .due = 20,
         .latest = 20,
         .index = 2},
        {.team = "a",
         .place = "B2",
         .earliest = 12,
         .due = 15,
         .latest = 18,
         .index = 3},
        {.team = "b",
         .place = "B1",
         .earliest = 12,
         .due = 15,
         .latest = 18,
         .index = 4},
    };
    plan_route(&site, stops, ARRAY_LEN(stops));
    static const struct {
        int32_t day;
        size_t index;
    } wanted[] = {{13, 0}, {13, 1}, {15, 3}, {15, 4}, {20, 2}};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        ck_assert_int_eq(stops[i].day, wanted[i].day);
        ck_assert_uint_eq(stops[i].index, wanted[i].index);
    }
}
END_TEST

START_TEST(test_of_several_rounds_the_nearest_is_taken)
{
    struct plan_stop stops[] = {
        {.place = "B1", .earliest = 10, .due = 10, .latest = 10, .index = 0},
        {.place = "B1", .earliest = 16, .due = 16, .latest = 16, .index = 1},
        {.place = "B1", .earliest = 9, .due = 17, .latest = 17, .index = 2},
    };
    plan_route(&site, stops, ARRAY_LEN(stops));
    ck_assert_uint_eq(stops[2].index, 2);
    ck_assert_int_eq(stops[2].day, 16);
}
END_TEST

START_TEST(test_the_day_is_one_on_which_the_team_works)
{
    int32_t saturday = MONDAY + 5;
    ck_assert(plan_team_works(&site, "office", MONDAY));
    ck_assert(!plan_team_works(&site, "office", saturday));
    struct plan_stop stop = {.team = "office",
                             .place = "B1",
                             .earliest = MONDAY,
                             .due = saturday,
                             .latest = saturday + 5};
    plan_route(&site, &stop, 1);
    ck_assert_int_eq(stop.day, saturday - 1); /* Before it, rather than late. */
    stop.earliest = saturday;
    plan_route(&site, &stop, 1);
    ck_assert_int_eq(stop.day, saturday + 2);
    calendar[0] = (struct calendar_day){.from = saturday + 2, .to = saturday + 2};
    calendar[1] =
        (struct calendar_day){.from = saturday, .to = saturday, .working = true};
    site.calendar_count = 2;
    ck_assert(!plan_team_works(&site, "office", saturday + 2)); /* A holiday. */
    ck_assert(plan_team_works(&site, "office", saturday));      /* Worked instead. */
    site.calendar_count = 0;
    stop.latest = saturday; /* The law asks for this day: they must come. */
    plan_route(&site, &stop, 1);
    ck_assert_int_eq(stop.day, saturday);
}
END_TEST

/* Over random windows: none is left, and there are as few rounds as the greedy bound,
 * the number of windows that have no day in common. */
START_TEST(test_no_window_is_left)
{
    enum { STOPS = 40 };
    srand(1);
    for (int round = 0; round < 2000; round++) {
        struct plan_stop stops[STOPS];
        for (size_t i = 0; i < STOPS; i++) {
            int32_t due = 100 + rand() % 60;
            stops[i] = (struct plan_stop){.place = "B1",
                                          .earliest = due - rand() % 8,
                                          .due = due,
                                          .latest = due + rand() % 5,
                                          .index = i};
        }
        plan_route(&site, stops, STOPS);
        int days = 0;
        for (size_t i = 0; i < STOPS; i++) {
            ck_assert_int_ge(stops[i].day, stops[i].earliest);
            ck_assert_int_le(stops[i].day, stops[i].latest);
            days += i == 0 || stops[i].day != stops[i - 1].day;
        }
        int apart = 0;
        for (int32_t after = 0, day = 0; day < 200; day++) {
            bool ends = false;
            for (size_t i = 0; i < STOPS; i++) {
                ends = ends || (stops[i].latest == day && stops[i].earliest > after);
            }
            if (ends) {
                after = day;
                apart++;
            }
        }
        ck_assert_int_le(days, apart);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("plan_route");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, test_near_visits_are_joined_in_their_windows);
    tcase_add_test(tc, test_of_several_rounds_the_nearest_is_taken);
    tcase_add_test(tc, test_the_day_is_one_on_which_the_team_works);
    tcase_add_test(tc, test_no_window_is_left);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
