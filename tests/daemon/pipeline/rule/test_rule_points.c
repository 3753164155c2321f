/* The points that a rule reads, and the limits that a chart shows. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/strbuf.h"
#include "daemon/pipeline/rule/rule_points.h"
#include "tests/fake/log_site.h"

static struct site *site;
static struct arena *arena;

static void
set_up(void)
{
    site = log_site_new(2, 3);
    arena = arena_new();
    for (uint32_t i = 0; i < site->point_count; i++) {
        site->points[i].unit = strcmp(site->points[i].id, "p0000") == 0   ? "°C"
                               : strcmp(site->points[i].id, "p0001") == 0 ? "MPa"
                                                                          : NULL;
    }
}

static void
tear_down(void)
{
    arena_free(arena);
    site_free(site);
}

/* "p0000=80" each; "!" behind one of a `clear`. */
static const struct {
    const char *when, *clear, *also_while;
    const char *points, *limits;
} rules[] = {
    {"p0000 > 80 °C", "p0000 < 75 °C", NULL, "p0000", "p0000=80 p0000=75!"},
    {"80 °C < p0000", NULL, NULL, "p0000", "p0000=80"},
    {"p0000 > 353.15 K", NULL, NULL, "p0000", "p0000=80"},
    {"p0001 < 250 kPa and p0000 > -5", NULL, "p0002 == 1", "p0001 p0000 p0002",
     "p0001=0.25 p0000=-5 p0002=1"},
    {"avg(p0000, 5m) > 60 or max(p0001, 1h) >= 1", NULL, NULL, "p0000 p0001",
     "p0000=60 p0001=1"},
    /* What is no value of a point in its own unit is no level of it. */
    {"rate(p0000, 5m) > 1 or count(p0002, 1h) > 5 or p0000 > p0001 or p0000 - p0001 > "
     "3",
     NULL, NULL, "p0000 p0002 p0001", ""},
    {"not (p0000 < 10)", NULL, NULL, "p0000", "p0000=10"},
    {"p0000 > 5 kg", NULL, NULL, "p0000", ""},
    {"age(p0000) > 5m", NULL, NULL, "p0000", ""},
    {"p0009 > 5 and p0000 > 1", NULL, NULL, "p0000", "p0000=1"},
    {"this is (no rule", NULL, NULL, "", ""},
};

START_TEST(points_and_limits_are_found)
{
    struct rule_spec rule = {.id = "r", .level_count = 1};
    struct rule_points found = {0};
    struct strbuf points = {0};
    struct strbuf limits = {0};
    rule.levels[0].when.text = rules[_i].when;
    rule.levels[0].clear.text = rules[_i].clear;
    rule.while_.text = rules[_i].also_while;
    rule_points_add(&found, arena, site, &rule, 0);
    for (uint32_t i = 0; i < found.point_count; i++) {
        strbuf_printf(&points, "%s%s", i > 0 ? " " : "",
                      site->points[found.points[i]].id);
    }
    for (uint32_t i = 0; i < found.limit_count; i++) {
        const struct rule_limit *l = &found.limits[i];
        strbuf_printf(&limits, "%s%s=%g%s", i > 0 ? " " : "", site->points[l->point].id,
                      l->value, l->clears ? "!" : "");
        bool in_when = strstr(rules[_i].when, l->text) != NULL;
        ck_assert(in_when || l->clears || rules[_i].also_while != NULL);
    }
    ck_assert_str_eq(strbuf_text(&points), rules[_i].points);
    ck_assert_int_eq(found.absent, strstr(rules[_i].when, "p0009") != NULL);
    ck_assert_str_eq(strbuf_text(&limits), rules[_i].limits);
    strbuf_fini(&points);
    strbuf_fini(&limits);
}
END_TEST

START_TEST(points_of_other_devices_are_theirs)
{
    char words[100];
    struct rule_spec rule = {.id = "r", .level_count = 1};
    struct rule_points found = {0};
    snprintf(words, sizeof words, "%s.p0000 > 80 and p0000 > 70", site->devices[1].id);
    rule.levels[0].when.text = words;
    rule_points_add(&found, arena, site, &rule, 0);
    ck_assert_uint_eq(found.point_count, 2);
    ck_assert_uint_eq(site->points[found.points[0]].device, 1);
    ck_assert_uint_eq(site->points[found.points[1]].device, 0);
    ck_assert_uint_eq(found.limits[0].point, found.points[0]);
}
END_TEST

START_TEST(those_of_several_rules_are_together)
{
    struct rule_spec rule = {
        .id = "r", .level_count = 1, .hold_ms = 30000, .clear_hold_ms = 60000};
    struct rule_points found = {0};
    rule.levels[0].when.text = "p0000 > 80";
    rule.levels[0].clear.text = "p0000 < 75";
    rule_points_add(&found, arena, site, &rule, 0);
    rule_points_add(&found, arena, site, &rule, 0);
    rule.hold_ms = 0;
    rule.levels[0].when.text = "p0000 > 80 and p0001 > 1";
    rule_points_add(&found, arena, site, &rule, 0);
    /* What is said again is one line; what is held for another time is another. */
    ck_assert_uint_eq(found.point_count, 2);
    ck_assert_uint_eq(found.limit_count, 4);
    ck_assert_int_eq(found.limits[0].hold_ms, 30000);
    ck_assert_int_eq(found.limits[1].hold_ms, 60000);
    ck_assert_int_eq(found.limits[2].hold_ms, 0);
    ck_assert_str_eq(found.limits[3].text, "p0001 > 1");
}
END_TEST

START_TEST(there_are_never_too_many)
{
    struct rule_spec rule = {.id = "r", .level_count = 1};
    struct rule_points found = {0};
    struct strbuf words = {0};
    for (int i = 0; i < 60; i++) {
        strbuf_printf(&words, "%sp%04d > %d", i > 0 ? " or " : "", i % 3, i);
    }
    rule.levels[0].when.text = strbuf_text(&words);
    rule_points_add(&found, arena, site, &rule, 0);
    ck_assert_uint_eq(found.point_count, 3);
    ck_assert_uint_eq(found.limit_count, RULE_LIMITS_MAX);
    strbuf_fini(&words);
}
END_TEST

static const struct {
    const char *when;
    enum rule_side side;
    int judged; /* Point; -1: none. */
} sides[] = {
    {"p0000 > 80", RULE_ABOVE, 0},
    {"80 < p0000", RULE_ABOVE, 0},
    {"p0000 <= 80", RULE_BELOW, 0},
    {"80 >= p0000", RULE_BELOW, 0},
    {"not (p0000 < 10)", RULE_ABOVE, 0},
    {"not not p0000 < 10", RULE_BELOW, 0},
    {"p0002 == 1", RULE_EQUAL, 2},
    {"not (p0002 == 1)", RULE_UNEQUAL, 2},
    {"p0002 != 1", RULE_UNEQUAL, 2},
    {"running and p0001 > 1", RULE_ABOVE, 1},
    {"rate(p0000, 5m) > 1 and p0001 < 1", RULE_BELOW, -1},
};

START_TEST(where_the_value_is_beyond_a_limit)
{
    struct rule_spec rule = {.id = "r", .level_count = 1};
    struct rule_points found = {0};
    rule.levels[0].when.text = sides[_i].when;
    rule_points_add(&found, arena, site, &rule, 0);
    ck_assert_uint_eq(found.limit_count, 1);
    ck_assert_str_eq(rule_side_name(found.limits[0].side),
                     rule_side_name(sides[_i].side));
    ck_assert_ptr_eq(found.limits[0].rule, &rule);
    uint32_t judged = rule_points_judged(site, &rule, 0);
    ck_assert_int_eq(judged == NONE_INDEX ? -1 : (int)judged, sides[_i].judged);
}
END_TEST

START_TEST(limits_of_a_point_are_those_of_all_rules_of_its_device)
{
    struct rule_limit limits[2];
    struct rule_spec *all = arena_array(arena, 3, sizeof *all);
    site->rules = all;
    site->rule_count = 3;
    all[0] = (struct rule_spec){.id = "a", .level_count = 2};
    all[0].levels[0] =
        (struct rule_level){SEVERITY_NORMAL, {.text = "p0000 > 70"}, {0}, {0}};
    all[0].levels[1] = (struct rule_level){
        SEVERITY_URGENT, {.text = "p0000 > 80"}, {.text = "p0000 < 75"}, {0}};
    all[1] = (struct rule_spec){
        .id = "b", .level_count = 1, .applies_to = {.id = site->devices[1].id}};
    all[1].levels[0].when.text = "p0000 > 60";
    all[2] = (struct rule_spec){.id = "c", .level_count = 1};
    all[2].levels[0].when.text = "p0000 < 5";
    ck_assert_uint_eq(rule_points_limits(limits, 2, arena, site, 0), 2);
    ck_assert_uint_eq(limits[1].level, 1);
    ck_assert(limits[1].value == 80);
    /* Another device's, and no more than there is room for. */
    ck_assert_uint_eq(
        rule_points_limits(limits, 1, arena, site, site->devices[1].first_point), 1);
    ck_assert_uint_eq(rule_points_limits(limits, 2, arena, site, 1), 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("rule_points");
    TCase *tc = tcase_create("rule_points");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, points_and_limits_are_found, 0, (int)ARRAY_LEN(rules));
    tcase_add_test(tc, points_of_other_devices_are_theirs);
    tcase_add_test(tc, those_of_several_rules_are_together);
    tcase_add_test(tc, there_are_never_too_many);
    tcase_add_loop_test(tc, where_the_value_is_beyond_a_limit, 0,
                        (int)ARRAY_LEN(sides));
    tcase_add_test(tc, limits_of_a_point_are_those_of_all_rules_of_its_device);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
