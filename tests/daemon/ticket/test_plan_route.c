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

START_TEST(test_what_a_day_does_not_hold_is_made_on_another)
{
    /* 600 min a day: Tuesday holds one of 400.  The third goes on to Wednesday, the
     * fourth comes on Monday, and then there is no room for the second. */
    struct plan_stop stops[] = {
        {.earliest = MONDAY, .due = MONDAY + 1, .latest = MONDAY + 1, .index = 0},
        {.earliest = MONDAY, .due = MONDAY + 1, .latest = MONDAY + 1, .index = 1},
        {.earliest = MONDAY, .due = MONDAY + 1, .latest = MONDAY + 2, .index = 2},
        {.earliest = MONDAY, .due = MONDAY + 1, .latest = MONDAY + 1, .index = 3},
    };
    static const int32_t wanted[] = {1, 1, 2, 0};
    for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
        stops[i].team = "office";
        stops[i].place = "B1";
        stops[i].minutes = 400;
    }
    plan_route(&site, stops, ARRAY_LEN(stops));
    for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
        ck_assert_int_eq(stops[i].day - MONDAY, wanted[stops[i].index]);
    }
}
END_TEST

/* No day is longer than the team works while one of its visits finds room elsewhere. */
START_TEST(test_random_weeks_are_level)
{
    enum { STOPS = 30 };
    srand((unsigned)_i + 1);
    struct plan_stop stops[STOPS];
    int64_t minutes[60] = {0};
    for (size_t i = 0; i < STOPS; i++) {
        int32_t due = MONDAY + 10 + rand() % 30;
        stops[i] = (struct plan_stop){.team = "office",
                                      .place = rand() % 2 == 0 ? "B1" : "B2",
                                      .earliest = due - rand() % 8,
                                      .due = due,
                                      .latest = due + rand() % 5,
                                      .minutes = rand() % 5 * 60,
                                      .index = i};
    }
    plan_route(&site, stops, STOPS);
    for (size_t i = 0; i < STOPS; i++) {
        ck_assert_int_ge(stops[i].day, stops[i].earliest);
        ck_assert_int_le(stops[i].day, stops[i].latest);
        ck_assert(i == 0 || stops[i - 1].day <= stops[i].day);
        minutes[stops[i].day - MONDAY] += stops[i].minutes;
    }
    for (size_t i = 0; i < STOPS; i++) {
        int64_t load = minutes[stops[i].day - MONDAY];
        bool works = plan_team_works(&site, "office", stops[i].day);
        if (stops[i].minutes == 0 || load <= (works ? 600 : 0)) {
            continue;
        }
        for (int32_t day = stops[i].earliest; day <= stops[i].latest; day++) {
            ck_assert(!plan_team_works(&site, "office", day) ||
                      minutes[day - MONDAY] + stops[i].minutes > 600);
        }
    }
}
END_TEST

static const struct {
    int weekday, from;
    int64_t minutes;
    int start; /* -1: there is no room. */
} fits[] = {
    {0, 0, 60, 480},    {0, 500, 60, 500}, {0, 480, 240, 480}, {0, 481, 240, 810},
    {0, 810, 270, 810}, {0, 811, 270, -1}, {0, 480, 271, -1},  {1, 480, 60, -1},
    {0, 1079, 1, 1079}, {0, 1080, 1, -1},
};

START_TEST(test_visits_stand_within_the_hours_and_not_in_the_break)
{
    static const struct work_span halves[] = {{0, 480, 720}, {0, 810, 1080}};
    struct team team = {.id = "halves", .hours = halves, .hours_count = 2};
    struct site own = {.teams = &team, .team_count = 1};
    ck_assert_int_eq(plan_team_fit(&own, "halves", MONDAY + fits[_i].weekday,
                                   fits[_i].from, fits[_i].minutes),
                     fits[_i].start);
    team.hours_count = 0; /* Always at work; a day ends at midnight all the same. */
    ck_assert_int_eq(plan_team_fit(&own, "halves", MONDAY, 1400, 40), 1400);
    ck_assert_int_eq(plan_team_fit(&own, "halves", MONDAY, 1400, 41), -1);
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
    tcase_add_test(tc, test_what_a_day_does_not_hold_is_made_on_another);
    tcase_add_loop_test(tc, test_random_weeks_are_level, 0, 100);
    tcase_add_loop_test(tc, test_visits_stand_within_the_hours_and_not_in_the_break, 0,
                        (int)ARRAY_LEN(fits));
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
