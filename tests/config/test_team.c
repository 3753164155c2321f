#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/civil.h"

static struct site *site;

static void
load(void)
{
    struct diags d;
    diags_init(&d);
    site = config_load_site("tests/config/good/duty.yaml", NULL, 0, &d);
    diags_print(&d, stderr);
    ck_assert_ptr_nonnull(site);
    ck_assert_uint_eq(d.count, 0);
    diags_fini(&d);
}

static void
unload(void)
{
    site_free(site);
}

START_TEST(people_are_reached_in_the_order_given)
{
    const struct person *p = &site->people[0];
    ck_assert_str_eq(p->role, "technician");
    ck_assert_uint_eq(p->skill_count, 2);
    ck_assert_str_eq(p->skills[1], "leak");
    ck_assert_uint_eq(p->way_count, 3);
    ck_assert_int_eq(p->ways[0].kind, WAY_MAIL); /* Of one entry by kind. */
    ck_assert_str_eq(p->ways[0].address, "zhang@example.org");
    ck_assert_int_eq(p->ways[1].kind, WAY_SMS);
    ck_assert_int_eq(p->ways[2].kind, WAY_PHONE);
    ck_assert_uint_eq(site->people[1].way_count, 0);
}
END_TEST

START_TEST(a_rule_whose_tickets_nobody_gets_is_warned_of)
{
    struct diags d;
    diags_init(&d);
    struct site *unasked =
        config_load_site("tests/config/good/unasked.yaml", NULL, 0, &d);
    ck_assert_ptr_nonnull(unasked);
    ck_assert_uint_eq(d.count, 1);
    ck_assert_uint_eq(d.warnings, 1);
    ck_assert_uint_eq(d.items[0].line, 12);
    ck_assert_ptr_nonnull(strstr(d.items[0].text, "\"of-nobody\" go to no team"));
    site_free(unasked);
    diags_fini(&d);
}
END_TEST

START_TEST(a_team_has_its_names_and_categories)
{
    const struct team *t = &site->teams[0];
    ck_assert_str_eq(text_in(&t->name, LANGUAGE_EN), "Mechanical");
    ck_assert_str_eq(text_in(&t->name, LANGUAGE_ZH_CN), "机械班");
    ck_assert_str_eq(text_in(&site->teams[1].name, LANGUAGE_ZH_CN), "night");
    ck_assert_uint_eq(t->category_count, 2);
    ck_assert_str_eq(t->categories[0], "bearing");
}
END_TEST

START_TEST(a_rota_has_its_turns_and_exceptions)
{
    const struct rota *r = &site->teams[0].rota;
    ck_assert(!r->daily);
    ck_assert_uint_eq(r->people_count, 2);
    ck_assert_str_eq(r->people[1], "li");
    ck_assert_int_eq(r->handover_minute, 480);
    ck_assert_int_eq(r->start, civil_from_date(2026, 3, 4));
    ck_assert_uint_eq(r->exception_count, 2);
    ck_assert_int_eq(r->exceptions[0].to, civil_from_date(2026, 5, 5));
    ck_assert_int_eq(r->exceptions[1].to, civil_from_date(2026, 5, 4));
    ck_assert_str_eq(r->exceptions[1].who, "zhang");
    const struct rota *plain = &site->teams[1].rota;
    ck_assert(plain->daily);
    ck_assert_int_eq(plain->handover_minute, 0);
    ck_assert_int_eq(plain->start, ROTA_START_DAY);
    ck_assert_int_eq(civil_weekday(ROTA_START_DAY), 0);
}
END_TEST

/* Weekday, begin and end, as read from the file above. */
static const struct work_span spans[] = {
    {0, 480, 720}, {0, 810, 1080}, {5, 1320, 1800}, {6, 1320, 1800}};

START_TEST(hours_stand_by_weekday_and_may_end_on_the_next_day)
{
    const struct team *t = &site->teams[0];
    ck_assert_uint_eq(t->hours_count, ARRAY_LEN(spans));
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        ck_assert_int_eq(t->hours[i].weekday, spans[i].weekday);
        ck_assert_int_eq(t->hours[i].from_minute, spans[i].from_minute);
        ck_assert_int_eq(t->hours[i].to_minute, spans[i].to_minute);
    }
    ck_assert(t->has_quiet);
    ck_assert_int_eq(t->quiet_from_minute, 1410);
    ck_assert_int_eq(t->quiet_to_minute, 300);
    ck_assert_uint_eq(site->teams[1].hours_count, 0);
    ck_assert_int_eq(site->teams[1].quiet_to_minute, 1440);
}
END_TEST

START_TEST(an_escalation_has_its_steps_in_order)
{
    const struct team *t = &site->teams[0];
    ck_assert_uint_eq(t->escalate_count, 2);
    ck_assert_int_eq(t->escalate[0].after_ms, 900000);
    ck_assert_str_eq(t->escalate[0].to, "li");
    ck_assert_str_eq(t->escalate[1].to, "technician");
}
END_TEST

START_TEST(the_calendar_stands_in_order)
{
    ck_assert_uint_eq(site->calendar_count, 2);
    ck_assert_int_eq(site->calendar[0].from, civil_from_date(2026, 9, 27));
    ck_assert_int_eq(site->calendar[0].to, civil_from_date(2026, 9, 27));
    ck_assert(site->calendar[0].working);
    ck_assert_int_eq(site->calendar[1].to, civil_from_date(2026, 10, 7));
    ck_assert(!site->calendar[1].working);
    ck_assert_str_eq(text_in(&site->calendar[1].name, LANGUAGE_ZH_CN), "国庆节");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("config team");
    TCase *tc = tcase_create("team");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, load, unload);
    tcase_add_test(tc, people_are_reached_in_the_order_given);
    tcase_add_test(tc, a_rule_whose_tickets_nobody_gets_is_warned_of);
    tcase_add_test(tc, a_team_has_its_names_and_categories);
    tcase_add_test(tc, a_rota_has_its_turns_and_exceptions);
    tcase_add_test(tc, hours_stand_by_weekday_and_may_end_on_the_next_day);
    tcase_add_test(tc, an_escalation_has_its_steps_in_order);
    tcase_add_test(tc, the_calendar_stands_in_order);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
