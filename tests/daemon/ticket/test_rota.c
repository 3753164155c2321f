#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/dispatch.h"
#include "daemon/ticket/rota.h"

static const char *const two[] = {"zhang", "li"};
static const char *const three[] = {"zhang", "li", "wang"};
static struct rota_exception exceptions[3];

static struct rota
rota_of(int which)
{
    struct rota r = {.people = two,
                     .people_count = 2,
                     .handover_minute = 480,
                     .start = ROTA_START_DAY};
    if (which == 1) { /* Weeks, zhang from 2026-03-02; 04 is in that week. */
        r.start = civil_from_date(2026, 3, 4);
        exceptions[0] = (struct rota_exception){civil_from_date(2026, 3, 11),
                                                civil_from_date(2026, 3, 12), "wang"};
        exceptions[1] = (struct rota_exception){civil_from_date(2026, 3, 12),
                                                civil_from_date(2026, 3, 12), "zhang"};
        r.exceptions = exceptions;
        r.exception_count = 2;
    } else if (which == 2) { /* Days, zhang on 2026-03-02. */
        r.daily = true;
        r.people = three;
        r.people_count = 3;
        r.start = civil_from_date(2026, 3, 2);
    } else if (which == 3) { /* Handed over when Berlin's clock is put forward. */
        r.daily = true;
        r.start = civil_from_date(2026, 3, 28);
        r.handover_minute = 150;
    }
    return r;
}

static const struct {
    const char *what;
    int rota;
    const char *zone, *at, *who;
} duties[] = {
    {"the week of the start", 1, "Asia/Shanghai", "2026-03-04 12:00", "zhang"},
    {"its Monday, from the handover on", 1, "Asia/Shanghai", "2026-03-02 08:00",
     "zhang"},
    {"until then the week before counts", 1, "Asia/Shanghai", "2026-03-02 07:59:59",
     "li"},
    {"Sunday", 1, "Asia/Shanghai", "2026-03-08 23:00", "zhang"},
    {"Monday before the handover", 1, "Asia/Shanghai", "2026-03-09 07:59:59", "zhang"},
    {"Monday's handover", 1, "Asia/Shanghai", "2026-03-09 08:00", "li"},
    {"before the start it went on likewise", 1, "Asia/Shanghai", "2026-02-25", "li"},
    {"an exception begins with its day's handover", 1, "Asia/Shanghai",
     "2026-03-11 07:59", "li"},
    {"an exception", 1, "Asia/Shanghai", "2026-03-11 08:00", "wang"},
    {"the later one of two", 1, "Asia/Shanghai", "2026-03-12 08:00", "zhang"},
    {"it lasts until the handover of the day behind it", 1, "Asia/Shanghai",
     "2026-03-13 07:59:59", "zhang"},
    {"and the pattern goes on", 1, "Asia/Shanghai", "2026-03-13 08:00", "li"},
    {"without a start, from 1970-01-05", 0, "UTC", "1970-01-05 08:00", "zhang"},
    {"a week later", 0, "UTC", "1970-01-12 08:00", "li"},
    {"the week before", 0, "UTC", "1970-01-05 07:59", "li"},
    {"days", 2, "Asia/Shanghai", "2026-03-02 08:00", "zhang"},
    {"the next day", 2, "Asia/Shanghai", "2026-03-03 08:00", "li"},
    {"its morning", 2, "Asia/Shanghai", "2026-03-03 07:59", "zhang"},
    {"the third day", 2, "Asia/Shanghai", "2026-03-04 12:00", "wang"},
    {"and around", 2, "Asia/Shanghai", "2026-03-05 12:00", "zhang"},
    {"before the start", 2, "Asia/Shanghai", "2026-03-01 12:00", "wang"},
    {"02:30 is skipped: just before the gap", 3, "Europe/Berlin",
     "2026-03-29T00:59:59Z", "zhang"},
    {"02:30 is skipped: behind the gap", 3, "Europe/Berlin", "2026-03-29T01:00:00Z",
     "li"},
    {"02:30 comes twice: before the first", 3, "Europe/Berlin", "2026-10-25T00:29:59Z",
     "zhang"},
    {"02:30 comes twice: the first", 3, "Europe/Berlin", "2026-10-25T00:30:00Z", "li"},
    {"02:30 comes twice: the second changes nothing", 3, "Europe/Berlin",
     "2026-10-25T01:30:00Z", "li"},
};

static int64_t
at(const char *text)
{
    int64_t t_ms = 0;
    ck_assert_int_eq(instant_parse(&t_ms, text, NULL), 0);
    return t_ms;
}

START_TEST(somebody_is_on_duty)
{
    instant_zone_set(duties[_i].zone);
    struct rota r = rota_of(duties[_i].rota);
    const char *who = rota_on_duty(&r, at(duties[_i].at));
    ck_assert_msg(strcmp(who, duties[_i].who) == 0, "%s: %s", duties[_i].what, who);
}
END_TEST

START_TEST(without_people_nobody_is_on_duty)
{
    struct rota r = {.people_count = 0};
    ck_assert_ptr_null(rota_on_duty(&r, 0));
    ck_assert_ptr_null(rota_of_day(&r, 0));
}
END_TEST

/* Each duty begins where the one before ends, for years of any zone. */
START_TEST(duties_follow_each_other_without_a_gap)
{
    static const char *const zones[] = {"Europe/Berlin", "America/Sao_Paulo",
                                        "Australia/Lord_Howe", "Asia/Shanghai"};
    instant_zone_set(zones[_i]);
    struct rota r = rota_of(2);
    for (r.handover_minute = 0; r.handover_minute < 1440; r.handover_minute += 30) {
        for (int32_t day = civil_from_date(2017, 1, 1);
             day < civil_from_date(2020, 1, 1); day++) {
            int64_t from_ms = rota_handover(&r, day);
            ck_assert_int_eq(rota_day(&r, from_ms), day);
            ck_assert_int_eq(rota_day(&r, from_ms - 1), day - 1);
        }
    }
}
END_TEST

/* ---- dispatch ---- */

static const char *const bearing[] = {"bearing"};
static const char *const electric[] = {"voltage", "bearing"};
static const char *const members[] = {"zhang", "li", "chen"};
static struct person people[] = {
    {.id = "zhang", .role = "technician", .skills = bearing, .skill_count = 1},
    {.id = "li", .role = "technician", .skills = electric, .skill_count = 2},
    {.id = "chen", .role = "chief"},
    {.id = "zhao", .role = "chief"},
    {.id = "sun", .role = "manager"},
    {.id = "manager", .role = "guest", .skills = electric, .skill_count = 2},
};
static struct team teams[] = {
    {.id = "mechanical", .members = members, .member_count = 3},
    {.id = "electrical",
     .members = members,
     .member_count = 2,
     .categories = electric,
     .category_count = 2},
    {.id = "later", .categories = bearing, .category_count = 1},
};
static const struct site site = {.people = people,
                                 .person_count = ARRAY_LEN(people),
                                 .teams = teams,
                                 .team_count = ARRAY_LEN(teams)};

START_TEST(a_team_is_named_or_found_by_category)
{
    ck_assert_ptr_eq(dispatch_team(&site, "mechanical", "voltage"), &teams[0]);
    ck_assert_ptr_eq(dispatch_team(&site, NULL, "bearing"), &teams[1]);
    ck_assert_ptr_eq(dispatch_team(&site, "", "voltage"), &teams[1]);
    ck_assert_ptr_null(dispatch_team(&site, NULL, "paint"));
    ck_assert_ptr_null(dispatch_team(&site, NULL, NULL));
    ck_assert_ptr_null(dispatch_team(&site, "nobody", "bearing"));
}
END_TEST

START_TEST(without_a_rota_only_a_single_skill_decides)
{
    ck_assert_str_eq(dispatch_person(&site, &teams[0], "voltage", 0), "li");
    ck_assert_ptr_null(dispatch_person(&site, &teams[0], "bearing", 0)); /* Two. */
    ck_assert_ptr_null(dispatch_person(&site, &teams[0], "paint", 0));
    ck_assert_ptr_null(dispatch_person(&site, &teams[0], "", 0));
    ck_assert_ptr_null(dispatch_person(&site, NULL, "voltage", 0));
}
END_TEST

START_TEST(with_a_rota_skills_do_not_matter)
{
    struct team t = teams[0];
    t.rota = rota_of(1);
    instant_zone_set("Asia/Shanghai");
    ck_assert_str_eq(dispatch_person(&site, &t, "voltage", at("2026-03-04 12:00")),
                     "zhang");
}
END_TEST

static const struct {
    const char *what;
    int team;
    const char *to, *reached;
} steps[] = {
    {"a person", 0, "sun", "sun"},
    {"a role: who has it in the team", 0, "chief", "chen"},
    {"a role of several in the team", 0, "technician", "zhang,li"},
    {"a role that nobody of the team has", 1, "chief", "chen,zhao"},
    {"a person's id comes before a role", 0, "manager", "manager"},
    {"nobody", 0, "cook", ""},
};

START_TEST(an_escalation_reaches_people)
{
    struct strbuf out = {0};
    dispatch_reached(&out, &site, &teams[steps[_i].team], steps[_i].to);
    ck_assert_msg(strcmp(strbuf_text(&out), steps[_i].reached) == 0, "%s: \"%s\"",
                  steps[_i].what, strbuf_text(&out));
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("rota");
    TCase *tc = tcase_create("duty and dispatch");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, somebody_is_on_duty, 0, (int)ARRAY_LEN(duties));
    tcase_add_test(tc, without_people_nobody_is_on_duty);
    tcase_add_loop_test(tc, duties_follow_each_other_without_a_gap, 0, 4);
    tcase_add_test(tc, a_team_is_named_or_found_by_category);
    tcase_add_test(tc, without_a_rota_only_a_single_skill_decides);
    tcase_add_test(tc, with_a_rota_skills_do_not_matter);
    tcase_add_loop_test(tc, an_escalation_reaches_people, 0, (int)ARRAY_LEN(steps));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
