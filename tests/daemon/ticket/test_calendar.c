#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/calendar.h"

#define MINUTE_MS 60000LL
#define HOUR_MS   (60 * MINUTE_MS)

/* mon-fri 08:00-12:00 and 13:00-18:00. */
static const struct work_span office[] = {
    {0, 480, 720},  {0, 780, 1080}, {1, 480, 720},  {1, 780, 1080}, {2, 480, 720},
    {2, 780, 1080}, {3, 480, 720},  {3, 780, 1080}, {4, 480, 720},  {4, 780, 1080}};
/* Every night 22:00-06:00. */
static const struct work_span nights[] = {
    {0, 1320, 1800}, {1, 1320, 1800}, {2, 1320, 1800}, {3, 1320, 1800},
    {4, 1320, 1800}, {5, 1320, 1800}, {6, 1320, 1800}};
static const struct team teams[] = {
    {.id = "office", .hours = office, .hours_count = ARRAY_LEN(office)},
    {.id = "nights", .hours = nights, .hours_count = ARRAY_LEN(nights)},
    {.id = "day-and-night",
     .has_quiet = true,
     .quiet_from_minute = 1320,
     .quiet_to_minute = 420},
};
enum { OFFICE, NIGHTS, QUIET };

/* 2026-10-01 to 07 are days off, Saturday 2026-10-10 is worked. */
static struct calendar_day days[2];

static struct site
site_with_days(void)
{
    days[0] = (struct calendar_day){
        civil_from_date(2026, 10, 1), civil_from_date(2026, 10, 7), false, {{NULL}}};
    days[1] = (struct calendar_day){
        civil_from_date(2026, 10, 10), civil_from_date(2026, 10, 10), true, {{NULL}}};
    return (struct site){.calendar = days, .calendar_count = ARRAY_LEN(days)};
}

static int64_t
at(const char *text)
{
    int64_t t_ms = 0;
    ck_assert_int_eq(instant_parse(&t_ms, text, NULL), 0);
    return t_ms;
}

static const struct {
    const char *what, *zone;
    int team;
    const char *from;
    int64_t work_ms;
    const char *to;
} sums[] = {
    {"within a span", "Asia/Shanghai", OFFICE, "2026-03-02 09:00", 2 * HOUR_MS,
     "2026-03-02 11:00"},
    {"to the end of a span, not to the next", "Asia/Shanghai", OFFICE,
     "2026-03-02 09:00", 3 * HOUR_MS, "2026-03-02 12:00"},
    {"over lunch", "Asia/Shanghai", OFFICE, "2026-03-02 11:00", 2 * HOUR_MS,
     "2026-03-02 14:00"},
    {"over the night", "Asia/Shanghai", OFFICE, "2026-03-02 17:30", HOUR_MS,
     "2026-03-03 08:30"},
    {"over the weekend", "Asia/Shanghai", OFFICE, "2026-03-06 17:00", 2 * HOUR_MS,
     "2026-03-09 09:00"},
    {"from the night", "Asia/Shanghai", OFFICE, "2026-03-03 03:00", HOUR_MS,
     "2026-03-03 09:00"},
    {"over the holidays, which follow each other", "Asia/Shanghai", OFFICE,
     "2026-09-30 17:00", 2 * HOUR_MS, "2026-10-08 09:00"},
    {"a Saturday that is worked", "Asia/Shanghai", OFFICE, "2026-10-09 17:00",
     2 * HOUR_MS, "2026-10-10 09:00"},
    {"a span over midnight", "Asia/Shanghai", NIGHTS, "2026-03-02 23:00", 6 * HOUR_MS,
     "2026-03-03 05:00"},
    {"from one night into the next", "Asia/Shanghai", NIGHTS, "2026-03-02 12:00",
     9 * HOUR_MS, "2026-03-03 23:00"},
    {"the night into a day off is worked to its end", "Asia/Shanghai", NIGHTS,
     "2026-09-30 22:00", 8 * HOUR_MS, "2026-10-01 06:00"},
    {"and the next begins behind the days off", "Asia/Shanghai", NIGHTS,
     "2026-09-30 22:00", 9 * HOUR_MS, "2026-10-08 23:00"},
    {"spring: a night of seven hours", "Europe/Berlin", NIGHTS, "2026-03-28 22:00",
     8 * HOUR_MS, "2026-03-29 23:00"},
    {"autumn: a night of nine hours", "Europe/Berlin", NIGHTS, "2026-10-24 22:00",
     9 * HOUR_MS, "2026-10-25 06:00"},
    {"quiet hours", "Asia/Shanghai", QUIET, "2026-03-02 21:00", 2 * HOUR_MS,
     "2026-03-03 08:00"},
    {"quiet hours know no holidays where there are no hours", "Asia/Shanghai", QUIET,
     "2026-10-03 06:00", HOUR_MS, "2026-10-03 08:00"},
};

START_TEST(working_time_is_added)
{
    struct site site = site_with_days();
    struct calendar c = {&site, &teams[sums[_i].team]};
    instant_zone_set(sums[_i].zone);
    char text[INSTANT_TEXT_BYTES];
    int64_t from_ms = at(sums[_i].from);
    int64_t to_ms = calendar_add(&c, from_ms, sums[_i].work_ms);
    ck_assert_msg(to_ms == at(sums[_i].to), "%s: gave %s", sums[_i].what,
                  instant_format_local(text, to_ms));
    ck_assert_int_eq(calendar_between(&c, from_ms, to_ms), sums[_i].work_ms);
}
END_TEST

START_TEST(without_a_team_all_time_counts)
{
    struct site site = site_with_days();
    struct calendar c = {&site, NULL};
    ck_assert(calendar_works(&c, 12345));
    ck_assert_int_eq(calendar_next(&c, 12345), 12345);
    ck_assert_int_eq(calendar_add(&c, 5, 7), 12);
    ck_assert_int_eq(calendar_sub(&c, 12, 7), 5);
    ck_assert_int_eq(calendar_between(&c, 5, 12), 7);
    ck_assert_int_eq(calendar_between(&c, 12, 5), 0);
}
END_TEST

START_TEST(a_team_that_is_never_there_ends_the_look)
{
    struct calendar_day all = {
        civil_from_date(2026, 1, 1), civil_from_date(2099, 1, 1), false, {{NULL}}};
    struct site site = {.calendar = &all, .calendar_count = 1};
    struct calendar c = {&site, &teams[OFFICE]};
    instant_zone_set("UTC");
    int64_t from_ms = at("2026-01-02");
    int64_t far_ms = from_ms + (CALENDAR_LOOK_DAYS + 1) * 24 * HOUR_MS;
    ck_assert_int_eq(calendar_next(&c, from_ms), far_ms);
    ck_assert_int_eq(calendar_add(&c, from_ms, 1), far_ms);
    ck_assert(calendar_sub(&c, at("2099-01-01"), 1) <
              from_ms + 99 * 365 * 24 * HOUR_MS);
}
END_TEST

/* ---- Random teams, against a walk by minutes ---- */

struct random_team {
    struct team team;
    struct work_span spans[7 * TEAM_HOURS_MAX];
    struct calendar_day days[40];
    struct site site;
};

static uint32_t
draw(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static void
make_team(struct random_team *r, uint32_t *seed, int32_t first)
{
    memset(r, 0, sizeof *r);
    r->team.id = "random";
    r->team.hours = r->spans;
    uint32_t density = draw(seed, 4);
    for (int weekday = 0; weekday < 7; weekday++) {
        uint32_t count = density == 0 ? 0 : draw(seed, density + 1);
        for (uint32_t i = 0; i < count; i++) {
            int from = (int)draw(seed, 96) * 15;
            int to = from + 15 + (int)draw(seed, 90) * 15;
            to = to > from + 1440 ? from + 1440 : to;
            r->spans[r->team.hours_count++] =
                (struct work_span){(uint8_t)weekday, (int16_t)from, (int16_t)to};
        }
    }
    r->team.has_quiet = draw(seed, 2) == 0;
    if (r->team.has_quiet) {
        r->team.quiet_from_minute = (int)draw(seed, 96) * 15;
        r->team.quiet_to_minute =
            (r->team.quiet_from_minute + 15 + (int)draw(seed, 40) * 15) % 1440;
    }
    int32_t day = first;
    while (r->site.calendar_count < ARRAY_LEN(r->days)) {
        day += 1 + (int32_t)draw(seed, 6);
        int32_t last = day + (int32_t)draw(seed, 2);
        r->days[r->site.calendar_count++] =
            (struct calendar_day){day, last, draw(seed, 2) == 0, {{NULL}}};
        day = last;
    }
    r->site.calendar = r->days;
}

static int
like(const struct random_team *r, int32_t day)
{
    for (uint32_t i = 0; i < r->site.calendar_count; i++) {
        if (r->days[i].from <= day && day <= r->days[i].to) {
            return r->days[i].working ? 0 : -1;
        }
    }
    return civil_weekday(day);
}

#define WALK_MINUTES (12 * 1440)

/* Around days on which the clock is put forward or back, and others. */
static const struct {
    const char *zone;
    const char *around;
} places[] = {
    {"Europe/Berlin", "2026-03-29"},       {"Europe/Berlin", "2026-10-25"},
    {"America/Sao_Paulo", "2018-11-04"},   {"America/Sao_Paulo", "2019-02-17"},
    {"Australia/Lord_Howe", "2026-10-04"}, {"Australia/Lord_Howe", "2026-04-05"},
    {"Pacific/Apia", "2011-12-30"},        {"Asia/Shanghai", "2026-10-01"},
    {"America/St_Johns", "2006-10-29"},    {"UTC", "2100-02-28"},
};
#define TEAMS_EACH 8

static int64_t start_ms;
static bool minutes[WALK_MINUTES];
static int64_t before[WALK_MINUTES + 1]; /* Minutes that count, before each one. */

/* Marks the minutes from the first showing of one time of the wall to that of another.
 */
static void
mark(bool *out, int32_t day, int from, int to)
{
    int64_t first = (civil_instant(day, from) - start_ms) / MINUTE_MS;
    int64_t end = (civil_instant(day, to) - start_ms) / MINUTE_MS;
    for (int64_t i = first < 0 ? 0 : first; i < end && i < WALK_MINUTES; i++) {
        out[i] = true;
    }
}

/* By the promise's own words, span by span and minute by minute. */
static void
walk(const struct random_team *r, int32_t around)
{
    static bool quiet[WALK_MINUTES];
    start_ms = civil_instant(around - 5, 0);
    for (int i = 0; i < WALK_MINUTES; i++) {
        minutes[i] = r->team.hours_count == 0;
        quiet[i] = false;
    }
    for (int32_t day = around - 9; day < around + 12; day++) {
        int weekday = like(r, day);
        for (uint32_t i = 0; i < r->team.hours_count; i++) {
            const struct work_span *s = &r->spans[i];
            if (s->weekday == weekday) {
                mark(minutes, day, s->from_minute, s->to_minute);
            }
        }
        int from = r->team.quiet_from_minute;
        int to = r->team.quiet_to_minute;
        if (r->team.has_quiet) {
            mark(quiet, day, from, to <= from ? to + 1440 : to);
        }
    }
    for (int i = 0; i < WALK_MINUTES; i++) {
        minutes[i] = minutes[i] && !quiet[i];
        before[i + 1] = before[i] + minutes[i];
    }
}

static void
check_pair(const struct calendar *c, int a, int b)
{
    int64_t a_ms = start_ms + a * MINUTE_MS;
    int64_t b_ms = start_ms + b * MINUTE_MS;
    int64_t work_ms = calendar_between(c, a_ms, b_ms);
    ck_assert_int_eq(work_ms, (before[b] - before[a]) * MINUTE_MS);
    /* The earliest and the latest instant with that much between. */
    int64_t there_ms = calendar_add(c, a_ms, work_ms);
    int64_t back_ms = calendar_sub(c, b_ms, work_ms);
    ck_assert_int_eq(calendar_between(c, a_ms, there_ms), work_ms);
    ck_assert_int_eq(calendar_between(c, back_ms, b_ms), work_ms);
    ck_assert(there_ms <= b_ms);
    ck_assert(back_ms >= a_ms);
    if (work_ms > 0) {
        ck_assert_int_lt(calendar_between(c, a_ms, there_ms - 1), work_ms);
        ck_assert_int_lt(calendar_between(c, back_ms + 1, b_ms), work_ms);
        /* In two steps as in one. */
        int64_t half_ms = calendar_add(c, a_ms, work_ms / 2);
        ck_assert_int_eq(calendar_add(c, half_ms, work_ms - work_ms / 2), there_ms);
    }
}

START_TEST(random_teams_equal_a_walk_by_minutes)
{
    uint32_t seed = 77 + (uint32_t)_i;
    instant_zone_set(places[_i].zone);
    int32_t day = 0;
    ck_assert(civil_parse_date(&day, places[_i].around));
    for (int n = 0; n < TEAMS_EACH; n++) {
        struct random_team r;
        make_team(&r, &seed, day - 8);
        struct calendar c = {&r.site, &r.team};
        walk(&r, day);
        int next = WALK_MINUTES;
        for (int i = WALK_MINUTES; i-- > 0;) {
            int64_t t_ms = start_ms + i * MINUTE_MS;
            next = minutes[i] ? i : next;
            bool edge = i > 0 && minutes[i] != minutes[i - 1];
            if (!edge && i % 11 != 0) {
                continue; /* Each edge, and some minutes between. */
            }
            ck_assert_msg(calendar_works(&c, t_ms) == minutes[i], "minute %d", i);
            if (next < WALK_MINUTES) {
                ck_assert_int_eq(calendar_next(&c, t_ms), start_ms + next * MINUTE_MS);
            }
        }
        for (int i = 0; i < 150; i++) {
            int a = (int)draw(&seed, WALK_MINUTES);
            int b = a + (int)draw(&seed, (uint32_t)(WALK_MINUTES - a));
            check_pair(&c, a, b);
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *tc = tcase_create("working time");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, working_time_is_added, 0, (int)ARRAY_LEN(sums));
    tcase_add_test(tc, without_a_team_all_time_counts);
    tcase_add_test(tc, a_team_that_is_never_there_ends_the_look);
    tcase_add_loop_test(tc, random_teams_equal_a_walk_by_minutes, 0,
                        (int)ARRAY_LEN(places));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
