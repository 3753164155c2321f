/* What the life of an alarm asks of the rules: holds that run, how new the samples are
 * that a rule is judged on, and which rules tell of silence. */
#include <check.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "rules/rules.h"
#include "tests/rules/plant.h"

#define T0 1767225600000LL /* 2026-01-01T00:00:00Z */

static struct plant *plant;
static struct rules *rules;

static void
on_edge(void *ctx, const struct edge *e)
{
    (void)ctx;
    (void)e;
}

static void
start(void)
{
    struct diags diags;
    diags_init(&diags);
    rules = rules_new(&plant->site, &diags);
    ck_assert_msg(rules != NULL, "%s", diags.count > 0 ? diags.items[0].text : "");
    diags_fini(&diags);
}

static void
setup(void)
{
    plant = plant_new();
}

static void
teardown(void)
{
    rules_free(rules);
    free(plant);
}

/* One sample. */
static void
sample(int64_t t_ms, uint32_t device, const char *point, double value, enum quality q)
{
    while (rules_due(rules) <= T0 + t_ms) {
        rules_fire(rules, on_edge, NULL);
    }
    struct frame *f = plant_frame(device, T0 + t_ms);
    plant_frame_add(f, site_point(&plant->site, device, point), value, q);
    rules_frame(rules, f, on_edge, NULL);
    free(f);
}

/* INSTANT_NONE and INSTANT_MAX stay what they are. */
static int64_t
sampled(uint32_t rule)
{
    int64_t t_ms = rules_standing(rules, PUMP_1, rule).sampled_ms;
    return t_ms == INSTANT_NONE || t_ms == INSTANT_MAX ? t_ms : t_ms - T0;
}

START_TEST(holds_that_run_are_told_apart)
{
    struct rule_spec *hot = plant_rule(plant, "hot", "a > 80 °C");
    hot->hold_ms = 3000;
    hot->clear_hold_ms = 2000;
    hot->level_count = 2;
    hot->levels[1] = hot->levels[0];
    hot->levels[1].when = plant_text("a > 90 °C");
    start();
    sample(0, PUMP_1, "a", 85, QUALITY_GOOD);
    struct rules_standing now = rules_standing(rules, PUMP_1, 0);
    ck_assert(now.pending && !now.clearing);
    sample(3000, PUMP_1, "a", 85, QUALITY_GOOD);
    now = rules_standing(rules, PUMP_1, 0);
    ck_assert(!now.pending && !now.clearing);
    /* On its way up it is raised already. */
    sample(4000, PUMP_1, "a", 95, QUALITY_GOOD);
    now = rules_standing(rules, PUMP_1, 0);
    ck_assert(!now.pending && !now.clearing);
    sample(7000, PUMP_1, "a", 95, QUALITY_GOOD);
    /* Down to the lower level is not the end of it. */
    sample(8000, PUMP_1, "a", 85, QUALITY_GOOD);
    ck_assert(!rules_standing(rules, PUMP_1, 0).clearing);
    sample(9000, PUMP_1, "a", 60, QUALITY_GOOD);
    now = rules_standing(rules, PUMP_1, 0);
    ck_assert(now.clearing);
    ck_assert_int_eq(now.clears_ms, T0 + 11000);
    /* Unknown cancels it. */
    sample(9500, PUMP_1, "a", 0, QUALITY_TIMEOUT);
    ck_assert(!rules_standing(rules, PUMP_1, 0).clearing);
    ck_assert(!rules_standing(rules, PUMP_2, 0).pending); /* It is not bound there. */
}
END_TEST

START_TEST(samples_are_as_new_as_the_oldest_that_is_judged)
{
    struct rule_spec *both = plant_rule(plant, "both", "a > 80 °C and b > 80 °C");
    both->while_ = plant_text("run");
    (void)plant_rule(plant, "mean", "avg(a, 2s) > 80 °C");
    (void)plant_rule(plant, "odd", "quality(v) == \"sentinel\"");
    (void)plant_rule(plant, "quiet", "not online");
    start();
    ck_assert_int_eq(sampled(0), INSTANT_NONE);
    ck_assert_int_eq(sampled(3), INSTANT_NONE);
    sample(1000, PUMP_1, "a", 85, QUALITY_GOOD);
    sample(2000, PUMP_1, "b", 85, QUALITY_GOOD);
    ck_assert_int_eq(sampled(0), INSTANT_NONE);
    sample(3000, PUMP_1, "run", 1, QUALITY_GOOD);
    ck_assert_int_eq(sampled(0), 1000);
    ck_assert_int_eq(sampled(1), 1000);
    ck_assert_int_eq(sampled(3), 3000);
    ck_assert_int_eq(rules_standing(rules, PUMP_1, 0).stale_after_ms, 5000);
    sample(4000, PUMP_1, "a", 85, QUALITY_GOOD);
    ck_assert_int_eq(sampled(0), 2000);
    ck_assert_int_eq(sampled(1), 4000);
    sample(5000, PUMP_1, "b", 0, QUALITY_SENTINEL); /* An answer, but no value. */
    ck_assert_int_eq(sampled(0), INSTANT_NONE);
    sample(5000, PUMP_1, "v", 0, QUALITY_TIMEOUT);
    ck_assert_int_eq(sampled(2), INSTANT_NONE);
    sample(6000, PUMP_1, "v", 0, QUALITY_SENTINEL);
    ck_assert_int_eq(sampled(2), 6000);
    while (rules_due(rules) != INSTANT_MAX) {
        rules_fire(rules, on_edge, NULL);
    }
    for (uint32_t r = 0; r < 4; r++) {
        ck_assert_int_eq(rules_standing(rules, PUMP_1, r).sampled_ms,
                         r == 2 ? T0 + 6000 : INSTANT_NONE);
    }
}
END_TEST

START_TEST(rules_that_tell_of_silence_are_known)
{
    static const struct {
        const char *when;
        bool tells;
    } rows[] = {
        {"not online", true},
        {"held(not online) > 1m", true},
        {"age(a) > 1m", true},
        {"quality(a) == \"timeout\" or a > 80 °C", true},
        {"count(not online, 1h) >= 3", false},
        {"not feeder-1.online and a > 80 °C", false},
        {"a > 80 °C", false},
        {"stuck(a, 1h)", false},
    };
    char id[] = "r0";
    ck_assert_uint_le(ARRAY_LEN(rows), PLANT_RULES_MAX);
    char ids[PLANT_RULES_MAX][3];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        id[1] = (char)('0' + i);
        memcpy(ids[i], id, sizeof id);
        (void)plant_rule(plant, ids[i], rows[i].when);
    }
    plant->rules[6].while_ = plant_text("online"); /* That is a gate. */
    start();
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(rules_tells_silence(rules, PUMP_1, i) == rows[i].tells, "%s",
                      rows[i].when);
        ck_assert(!rules_tells_silence(rules, PUMP_2, i));
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("standing");
    TCase *tc = tcase_create("standing");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, holds_that_run_are_told_apart);
    tcase_add_test(tc, samples_are_as_new_as_the_oldest_that_is_judged);
    tcase_add_test(tc, rules_that_tell_of_silence_are_known);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
