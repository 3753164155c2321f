/* Limits in rules: found, and written with other numbers. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/rule/rule_form.h"
#include "tests/fake/log_site.h"

static struct site *site;
static struct arena *arena;
static struct rule_spec rule;

static void
set_up(void)
{
    site = log_site_new(2, 2);
    arena = arena_new();
    rule = (struct rule_spec){.id = "r", .level_count = 1, .enabled = true};
    for (uint32_t i = 0; i < site->point_count; i++) {
        site->points[i].unit = strcmp(site->points[i].id, "p0000") == 0 ? "°C" : NULL;
    }
}

static void
tear_down(void)
{
    arena_free(arena);
    site_free(site);
}

static struct expr_text
text(const char *words)
{
    return (struct expr_text){words, {"rules.yaml", 7, 11}};
}

static const struct {
    const char *when, *clear;
    bool above;
    double threshold;
    const char *unit, *value;
    bool has_deadband;
    double deadband;
    double other, other_deadband; /* And what is written for them. */
    const char *other_when, *other_clear;
} forms[] = {
    {"p0000 > 80 °C", "p0000 < 75 °C", true, 80, "°C", "p0000", true, 5, 90, 2,
     "p0000 > 90 °C", "p0000 < 88 °C"},
    {"p0000 > 80", NULL, true, 80, NULL, "p0000", true, 0, 85.5, 0, "p0000 > 85.5",
     NULL},
    {"p0000 > 80", NULL, true, 80, NULL, "p0000", true, 0, 80, 3, "p0000 > 80",
     "p0000 < 77"},
    {"p0000 >= 80 degC", NULL, true, 80, "degC", "p0000", true, 0, 70, 2,
     "p0000 >= 70 degC", "p0000 < 68 degC"},
    {"80 °C < p0000", "p0000 <= 353.15 K", true, 80, "°C", "p0000", true, 0, 81, 1,
     "81 °C < p0000", "p0000 <= 80 °C"},
    {"p0001 < 0.2 MPa", "p0001 > 0.25 MPa", false, 0.2, "MPa", "p0001", true, 0.05, 0.1,
     0.2, "p0001 < 0.1 MPa", "p0001 > 0.3 MPa"},
    {"p0001 < 0.2 MPa", "p0001 > 250 kPa", false, 0.2, "MPa", "p0001", true, 0.05, 0.1,
     0.2, "p0001 < 0.1 MPa", "p0001 > 0.3 MPa"},
    {"p0000 < -5 °C", "p0000 > -3 °C", false, -5, "°C", "p0000", true, 2, -8, 1,
     "p0000 < -8 °C", "p0000 > -7 °C"},
    {"running and p0001 < 5", NULL, false, 5, NULL, "p0001", true, 0, 4, 1,
     "running and p0001 < 4", "not (running and p0001 < 5)"},
    {"running and p0001 < 5", "not running or p0001 > 6", false, 5, NULL, "p0001",
     false, 0, 4, 1, "running and p0001 < 4", "not running or p0001 > 6"},
    {"p0001 < 5", "p0000 > 6", false, 5, NULL, "p0001", false, 0, 4, 1, "p0001 < 4",
     "p0000 > 6"},
    {"p0001 < 5", "p0001 > 4", false, 5, NULL, "p0001", false, 0, 4, 1, "p0001 < 4",
     "p0001 > 4"}, /* It would clear before it is over. */
    {"p0000 - p0001 > 20", NULL, true, 20, NULL, "p0000 - p0001", true, 0, 30, 5,
     "p0000 - p0001 > 30", "p0000 - p0001 < 25"},
    {"d1.p0000 > 80 °C", NULL, true, 80, "°C", "d1.p0000", true, 0, 70, 0,
     "d1.p0000 > 70 °C", NULL},
};

START_TEST(limits_are_found_and_written)
{
    struct rule_form f;
    struct err err = {0};
    rule.levels[0] = (struct rule_level){.when = text(forms[_i].when),
                                         .clear = text(forms[_i].clear)};
    ck_assert_msg(rule_form_read(&f, arena, site, &rule, 0, &err) == 0, "%s", err.text);
    ck_assert(f.above == forms[_i].above);
    ck_assert_double_eq(f.threshold, forms[_i].threshold);
    ck_assert_pstr_eq(f.unit, forms[_i].unit);
    ck_assert_str_eq(f.value, forms[_i].value);
    ck_assert(f.has_deadband == forms[_i].has_deadband);
    if (f.has_deadband) {
        ck_assert_double_eq_tol(f.deadband, forms[_i].deadband, 1e-9);
    }
    struct rule_spec other =
        rule_form_spec(&f, arena, forms[_i].other, forms[_i].other_deadband);
    ck_assert_str_eq(other.levels[0].when.text, forms[_i].other_when);
    ck_assert_pstr_eq(other.levels[0].clear.text, forms[_i].other_clear);
    other = rule_form_spec(&f, arena, f.threshold, f.deadband);
    ck_assert_str_eq(other.levels[0].when.text, forms[_i].when);
    ck_assert_pstr_eq(other.levels[0].clear.text, forms[_i].clear);
}
END_TEST

static const struct {
    const char *when, *says;
} others[] = {
    {"running", "is no limit"},
    {"not online", "is no limit"},
    {"p0000 == 3", "is no limit"},
    {"p0000 > p0001", "is no limit"},
    {"p0000 > 5 or p0001 > 5", "is no limit"},
    {"not (p0000 > 5)", "is no limit"},
    {"p0000 > 5 and p0001 > 6", "has more than one limit"},
    {"p0000 > 5 and p0000 < 9", "has more than one limit"},
};

START_TEST(other_forms_are_refused_with_their_place)
{
    struct rule_form f;
    struct err err = {0};
    rule.levels[0] = (struct rule_level){.when = text(others[_i].when)};
    ck_assert_int_eq(rule_form_read(&f, arena, site, &rule, 0, &err), ERR_RANGE);
    ck_assert_msg(strstr(err.text, others[_i].says) != NULL, "%s", err.text);
    ck_assert_msg(strncmp(err.text, "rules.yaml:7:11: ", 17) == 0, "%s", err.text);
}
END_TEST

START_TEST(one_level_of_several)
{
    struct rule_form f;
    struct err err = {0};
    rule.level_count = 2;
    rule.levels[0] = (struct rule_level){.when = text("p0001 > 5")};
    rule.levels[1] =
        (struct rule_level){.when = text("p0001 > 8"), .clear = text("p0001 < 7")};
    ck_assert_int_eq(rule_form_read(&f, arena, site, &rule, 1, &err), 0);
    struct rule_spec other = rule_form_spec(&f, arena, 9, 3);
    ck_assert_str_eq(other.levels[0].when.text, "p0001 > 5");
    ck_assert_str_eq(other.levels[1].when.text, "p0001 > 9");
    ck_assert_str_eq(other.levels[1].clear.text, "p0001 < 6");
}
END_TEST

START_TEST(values_in_the_unit_of_the_number)
{
    struct rule_form f;
    struct err err = {0};
    uint32_t point = site_point(site, 0, "p0000");
    rule.levels[0] = (struct rule_level){.when = text("p0000 > 350 K")};
    ck_assert_int_eq(rule_form_read(&f, arena, site, &rule, 0, &err), 0);
    ck_assert_double_eq_tol(rule_form_in_unit(&f, &site->points[point], 80), 353.15,
                            1e-9);
    ck_assert_str_eq(rule_form_unit(&f, site, 0), "K");
    rule.levels[0] = (struct rule_level){.when = text("p0000 > 80")};
    ck_assert_int_eq(rule_form_read(&f, arena, site, &rule, 0, &err), 0);
    ck_assert_double_eq(rule_form_in_unit(&f, &site->points[point], 80), 80);
    ck_assert_str_eq(rule_form_unit(&f, site, 0), "°C");
}
END_TEST

START_TEST(which_rules_read_other_devices)
{
    rule.levels[0] =
        (struct rule_level){.when = text("p0000 > 5 and greatest(p0001, 2) > 1")};
    ck_assert(!rule_form_reads_others(&rule));
    rule.levels[0].clear = text("greatest(p0001, d1.p0000) < 1");
    ck_assert(rule_form_reads_others(&rule));
    rule.levels[0].clear = text(NULL);
    rule.while_ = text("not d1.online");
    ck_assert(rule_form_reads_others(&rule));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("rule_form");
    TCase *tc = tcase_create("form");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, limits_are_found_and_written, 0, (int)ARRAY_LEN(forms));
    tcase_add_loop_test(tc, other_forms_are_refused_with_their_place, 0,
                        (int)ARRAY_LEN(others));
    tcase_add_test(tc, one_level_of_several);
    tcase_add_test(tc, values_in_the_unit_of_the_number);
    tcase_add_test(tc, which_rules_read_other_devices);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
