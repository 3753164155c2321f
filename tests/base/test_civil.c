#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "tests/fake/sanitized.h"

#define MINUTE_MS 60000LL
#define DAY_MS    (1440 * MINUTE_MS)

/* What the wall shows, and the UTC instant that it is: checked by `zdump -v`. */
static const struct {
    const char *what, *zone, *date;
    int minute;
    const char *utc;
} walls[] = {
    {"a zone without daylight saving", "Asia/Shanghai", "2026-03-01", 18 * 60 + 14,
     "2026-03-01T10:14:00.000Z"},
    {"and the summers when it had it", "Asia/Shanghai", "1988-07-01", 720,
     "1988-07-01T03:00:00.000Z"},
    {"before spring", "Europe/Berlin", "2026-03-29", 119, "2026-03-29T00:59:00.000Z"},
    {"skipped: the first instant behind", "Europe/Berlin", "2026-03-29", 120,
     "2026-03-29T01:00:00.000Z"},
    {"skipped as well", "Europe/Berlin", "2026-03-29", 179, "2026-03-29T01:00:00.000Z"},
    {"behind the gap", "Europe/Berlin", "2026-03-29", 180, "2026-03-29T01:00:00.000Z"},
    {"behind the gap", "Europe/Berlin", "2026-03-29", 181, "2026-03-29T01:01:00.000Z"},
    {"shown twice: the first", "Europe/Berlin", "2026-10-25", 120,
     "2026-10-25T00:00:00.000Z"},
    {"shown twice: the first", "Europe/Berlin", "2026-10-25", 179,
     "2026-10-25T00:59:00.000Z"},
    {"after autumn", "Europe/Berlin", "2026-10-25", 180, "2026-10-25T02:00:00.000Z"},
    {"in the last year of the promise", "Europe/Berlin", "2200-07-01", 720,
     "2200-07-01T10:00:00.000Z"},
    {"a midnight that is skipped", "America/Sao_Paulo", "2018-11-04", 0,
     "2018-11-04T03:00:00.000Z"},
    {"the end of the day before it", "America/Sao_Paulo", "2018-11-03", 1440,
     "2018-11-04T03:00:00.000Z"},
    {"an hour before midnight twice", "America/Sao_Paulo", "2019-02-16", 23 * 60 + 30,
     "2019-02-17T01:30:00.000Z"},
    {"the midnight after it", "America/Sao_Paulo", "2019-02-17", 0,
     "2019-02-17T03:00:00.000Z"},
    {"half an hour is skipped", "Australia/Lord_Howe", "2026-10-04", 130,
     "2026-10-03T15:30:00.000Z"},
    {"half an hour is shown twice", "Australia/Lord_Howe", "2026-04-05", 100,
     "2026-04-04T14:40:00.000Z"},
    {"and after it", "Australia/Lord_Howe", "2026-04-05", 120,
     "2026-04-04T15:30:00.000Z"},
    {"a whole day is skipped", "Pacific/Apia", "2011-12-30", 720,
     "2011-12-30T10:00:00.000Z"},
    {"minutes below 0 are yesterday's", "UTC", "2026-03-01", -1,
     "2026-02-28T23:59:00.000Z"},
    {"and minutes beyond the day tomorrow's", "UTC", "2026-02-28", 3 * 1440,
     "2026-03-03T00:00:00.000Z"},
};

START_TEST(the_wall_is_turned_into_an_instant)
{
    char utc[INSTANT_TEXT_BYTES];
    int32_t day = 0;
    instant_zone_set(walls[_i].zone);
    ck_assert(civil_parse_date(&day, walls[_i].date));
    instant_format_utc(utc, civil_instant(day, walls[_i].minute));
    ck_assert_msg(strcmp(utc, walls[_i].utc) == 0, "%s: %s %s minute %d gave %s",
                  walls[_i].what, walls[_i].zone, walls[_i].date, walls[_i].minute,
                  utc);
}
END_TEST

static const char *const zones[] = {
    "Asia/Shanghai", "Europe/Berlin",   "America/Sao_Paulo", "Australia/Lord_Howe",
    "UTC",           "Asia/Kathmandu",  "Africa/Cairo",      "America/St_Johns",
    "Pacific/Apia",  "America/Asuncion"};

static int64_t
wall_minutes(int64_t t_ms)
{
    return (int64_t)civil_day(t_ms) * 1440 + civil_minute(t_ms);
}

/* Of every minute of the day, by the promise's own words: the first minute of time at
 * which the wall shows it, or more. */
static void
walk(int64_t *first_ms, int32_t day)
{
    int64_t wall = (int64_t)day * 1440;
    int64_t t_ms = (wall - 1560) * MINUTE_MS;
    for (int minute = 0; minute < 1440; minute++) {
        while (wall_minutes(t_ms) < wall + minute) {
            t_ms += MINUTE_MS;
        }
        first_ms[minute] = t_ms;
    }
}

/* From 1970 to the last year of the promise; the shorter time has a change in each. */
#define YEARS       (SANITIZED_SLOWER > 1 ? 46 : 230)
#define CHANGES_MAX (50 / SANITIZED_SLOWER)
#define DAYS_APART  2048u /* Of the random ones, in the mean. */

/* Days on which the offset changes, and random ones. */
START_TEST(an_instant_is_what_a_walk_by_minutes_finds)
{
    instant_zone_set(zones[_i]);
    uint32_t seed = 4711;
    int changes = 0;
    int64_t begin_ms = civil_instant(0, 0);
    for (int32_t day = 0; day < YEARS * 365; day++) {
        int64_t end_ms = civil_instant(day + 1, 0);
        int64_t length_ms = end_ms - begin_ms;
        begin_ms = end_ms;
        seed = seed * 1664525u + 1013904223u;
        if (length_ms != DAY_MS && changes < CHANGES_MAX) {
            changes++;
        } else if (seed >= UINT32_MAX / DAYS_APART) {
            continue;
        }
        int64_t first_ms[1440];
        walk(first_ms, day);
        for (int minute = 0; minute < 1440; minute++) {
            ck_assert_msg(civil_instant(day, minute) == first_ms[minute],
                          "%s, day %d, minute %d: %lld, not %lld", zones[_i], day,
                          minute, (long long)civil_instant(day, minute),
                          (long long)first_ms[minute]);
        }
    }
    ck_assert_int_eq(changes > 0, strcmp(zones[_i], "UTC") != 0);
}
END_TEST

START_TEST(the_order_of_questions_does_not_matter)
{
    instant_zone_set("Europe/Berlin");
    int32_t gap = civil_from_date(2026, 3, 29);
    int64_t first = civil_instant(gap, 150);
    (void)civil_instant(civil_from_date(2026, 7, 1), 0);
    ck_assert_int_eq(civil_instant(gap, 150), first);
    (void)civil_instant(civil_from_date(2026, 1, 1), 0);
    ck_assert_int_eq(civil_instant(gap, 150), first);
}
END_TEST

START_TEST(every_date_is_written_and_read_back)
{
    int32_t day = civil_from_date(1, 1, 1);
    int32_t last = civil_from_date(9999, 12, 31);
    int weekday = civil_weekday(day);
    ck_assert_int_eq(civil_from_date(1970, 1, 1), 0);
    ck_assert_int_eq(civil_weekday(civil_from_date(2026, 3, 2)), 0);
    for (; day <= last; day++, weekday = (weekday + 1) % 7) {
        char text[CIVIL_TEXT_BYTES];
        int32_t back = 0;
        ck_assert(civil_parse_date(&back, civil_format(text, day)));
        ck_assert_int_eq(back, day);
        ck_assert_int_eq(civil_weekday(day), weekday);
    }
}
END_TEST

static const char *const no_dates[] = {
    "",           "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00",  "2026-04-31",
    "0000-01-01", "2026-1-1",   "2026/01/01", "2026-01-0x", "2026-01-011", "today"};

START_TEST(what_is_no_date_is_refused)
{
    int32_t day = 42;
    ck_assert_msg(!civil_parse_date(&day, no_dates[_i]), "\"%s\" was taken",
                  no_dates[_i]);
    ck_assert_int_eq(day, 42);
}
END_TEST

START_TEST(seconds_before_1970_belong_to_the_day_before)
{
    instant_zone_set("UTC");
    ck_assert_int_eq(civil_day(-1), -1);
    ck_assert_int_eq(civil_minute(-1), 1439);
    ck_assert_int_eq(civil_day(0), 0);
    ck_assert_int_eq(civil_minute(59999), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("civil");
    TCase *tc = tcase_create("days and minutes on the wall");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, the_wall_is_turned_into_an_instant, 0,
                        (int)ARRAY_LEN(walls));
    tcase_add_loop_test(tc, an_instant_is_what_a_walk_by_minutes_finds, 0,
                        (int)ARRAY_LEN(zones));
    tcase_add_test(tc, the_order_of_questions_does_not_matter);
    tcase_add_test(tc, every_date_is_written_and_read_back);
    tcase_add_loop_test(tc, what_is_no_date_is_refused, 0, (int)ARRAY_LEN(no_dates));
    tcase_add_test(tc, seconds_before_1970_belong_to_the_day_before);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
