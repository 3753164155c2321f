/* Explanations: verdicts in words, each part's value, and that nothing changes by them.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>

#include "rules/engine.h"
#include "rules/explain.h"
#include "tests/rules/plant.h"

static void
note_edge(void *ctx, const struct edge *e)
{
    struct strbuf *out = ctx;
    strbuf_printf(out, "%lld %d\n", (long long)e->t_ms, (int)e->kind);
}

static struct rules *
rules_of(const struct plant *p)
{
    struct diags diags;
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
    }
    ck_assert_ptr_nonnull(r);
    diags_fini(&diags);
    return r;
}

static void
fire_until(struct rules *r, int64_t t_ms, struct strbuf *edges)
{
    while (rules_due(r) <= t_ms) {
        rules_fire(r, note_edge, edges);
    }
}

/* "2000 a=90,run=1": a frame of pump-1; "2000" lets time pass; "a=!timeout" is a bad
 * sample.  Steps are parted by ';'.  Returns the last time. */
static int64_t
play(const struct plant *p, struct rules *r, const char *script, struct strbuf *edges)
{
    char *copy = strdup(script);
    char *save = NULL;
    int64_t t_ms = 0;
    ck_assert_ptr_nonnull(copy);
    for (char *step = strtok_r(copy, ";", &save); step != NULL;
         step = strtok_r(NULL, ";", &save)) {
        char *rest = NULL;
        char *words = NULL;
        t_ms = strtoll(step, &rest, 10);
        struct frame *f = plant_frame(PUMP_1, t_ms);
        fire_until(r, t_ms, edges);
        for (char *word = strtok_r(rest, ", ", &words); word != NULL;
             word = strtok_r(NULL, ", ", &words)) {
            char *value = strchr(word, '=');
            enum quality q = QUALITY_GOOD;
            ck_assert_ptr_nonnull(value);
            *value++ = '\0';
            if (*value == '!') {
                ck_assert(quality_parse(&q, value + 1));
            }
            plant_frame_add(f, site_point(&p->site, PUMP_1, word),
                            q == QUALITY_GOOD ? strtod(value, NULL) : 0, q);
        }
        if (f->count > 0) {
            rules_frame(r, f, note_edge, edges);
        }
        free(f);
    }
    free(copy);
    return t_ms;
}

/* ---- verdicts ---- */

static const struct scenario {
    const char *name;
    const char *while_, *when, *clear;
    const char *when_2; /* A second level, urgent. */
    int64_t hold_ms, clear_hold_ms;
    const char *script;
    const char *verdict;
} scenarios[] = {
    {.name = "false, with the value",
     .when = "a > 80 °C",
     .script = "1000 a=72.25",
     .verdict = "not raised: `a > 80 °C` is false (a is 72.25 °C)"},
    {.name = "raised",
     .when = "a > 80 °C",
     .script = "1000 a=81.2",
     .verdict = "raised because `a > 80 °C` is true (a is 81.2 °C)"},
    {.name = "never read",
     .when = "a > 80 °C",
     .script = "1000 b=1",
     .verdict = "not raised: `a` is unknown: it was never read"},
    {.name = "no good sample so far",
     .when = "a > 80 °C",
     .script = "1000 a=!crc",
     .verdict = "not raised: `a` is unknown: it has given no good sample so far (crc)"},
    {.name = "unknown since, and why",
     .when = "a > 80 °C",
     .script = "1000 a=1; 2000 a=!timeout",
     .verdict = "not raised: `a` is unknown: no good sample since 1970-01-01 00:00:01 "
                "(timeout)"},
    {.name = "stale",
     .when = "a > 80 °C",
     .script = "1000 a=1; 7000",
     .verdict = "not raised: `a` is unknown: no good sample since 1970-01-01 00:00:01 "
                "(stale)"},
    {.name = "a hold runs",
     .when = "a > 80 °C",
     .hold_ms = 30000,
     .script = "1000 a=90; 4000 a=91",
     .verdict = "waits: `a > 80 °C` is true (a is 91 °C) since 1970-01-01 00:00:01; "
                "hold 30s is over at 1970-01-01 00:00:31, in 27s"},
    {.name = "while is false",
     .while_ = "run",
     .when = "a > 80 °C",
     .script = "1000 a=90,run=0",
     .verdict = "not raised: it is judged only while `run` is true, and `run` is "
                "false"},
    {.name = "while is unknown",
     .while_ = "run and b < 5",
     .when = "a > 80 °C",
     .script = "1000 a=70,run=1,b=1; 2000 run=!timeout; 3000 a=90",
     .verdict = "not raised: it is judged only while `run and b < 5` is true, and "
                "`run` is unknown: no good sample since 1970-01-01 00:00:01 (timeout)"},
    {.name = "between when and clear",
     .when = "a > 80 °C",
     .clear = "a < 75 °C",
     .script = "1000 a=90; 2000 a=78",
     .verdict = "still raised: `a < 75 °C` is false (a is 78 °C)"},
    {.name = "unknown does not clear",
     .when = "a > 80 °C",
     .script = "1000 a=90; 2000 a=!timeout",
     .verdict = "still raised, as unknown does not clear: `a` is unknown: no good "
                "sample since 1970-01-01 00:00:01 (timeout)"},
    {.name = "a clear_hold runs",
     .when = "a > 80 °C",
     .clear = "a < 75 °C",
     .clear_hold_ms = 60000,
     .script = "1000 a=90; 2000 a=70",
     .verdict = "raised, but `a < 75 °C` is true (a is 70 °C) since 1970-01-01 "
                "00:00:02; clear_hold 1m is over at 1970-01-01 00:01:02, in 1m"},
    {.name = "a clear_hold without clear",
     .when = "a > 80 °C",
     .clear_hold_ms = 60000,
     .script = "1000 a=90; 2000 a=70",
     .verdict = "raised, but `a > 80 °C` is false (a is 70 °C) since 1970-01-01 "
                "00:00:02; clear_hold 1m is over at 1970-01-01 00:01:02, in 1m"},
    {.name = "raised while not judged",
     .while_ = "run",
     .when = "a > 80 °C",
     .script = "1000 a=90,run=1; 2000 a=70,run=0",
     .verdict = "still raised: it is cleared only while `run` is true, and `run` is "
                "false"},
    {.name = "and: what is false in it",
     .when = "run and a > 80 °C and b < 5",
     .script = "1000 a=70,b=1,run=1",
     .verdict = "not raised: `a > 80 °C` is false (a is 70 °C)"},
    {.name = "or: all are false",
     .when = "run or a > 80 °C",
     .script = "1000 a=70,run=0",
     .verdict = "not raised: `run` is false and `a > 80 °C` is false (a is 70 °C)"},
    {.name = "a chain of or is one",
     .when = "run or a > 80 °C or (x or b > 5)",
     .script = "1000 a=70,run=0,x=0,b=9",
     .verdict = "raised because `b > 5` is true (b is 9 °C)"},
    {.name = "not of a composition in parentheses",
     .when = "not (run or a > 80 °C) and b > 1",
     .script = "1000 a=90,b=2,run=0",
     .verdict = "not raised: `a > 80 °C` is true (a is 90 °C)"},
    {.name = "both sides of a comparison are measured",
     .when = "a - b > k",
     .script = "1000 a=70,b=65,k=10",
     .verdict = "not raised: `a - b > k` is false (a - b is 5 K, k is 10 K)"},
    {.name = "no finite value",
     .when = "v / n > 2",
     .script = "1000 v=1,n=0",
     .verdict = "not raised: `v / n` is unknown: it has no finite value"},
    {.name = "a window that is too empty",
     .when = "avg(a, 10s) > 80 °C",
     .script = "1000 a=90; 2000 a=90; 3000 a=90",
     .verdict = "not raised: `avg(a, 10s)` is unknown: its good samples (3 since "
                "1970-01-01 00:00:01) span 2s of the 5s needed"},
    {.name = "a window without a sample",
     .when = "avg(a, 2s) > 80 °C",
     .script = "1000 a=90; 4000",
     .verdict = "not raised: `avg(a, 2s)` is unknown: no good sample in the last 2s"},
    {.name = "a window that is known",
     .when = "avg(a, 2s) > 80 °C",
     .script = "1000 a=90; 2000 a=92",
     .verdict = "raised because `avg(a, 2s) > 80 °C` is true (avg(a, 2s) is 91 °C)"},
    {.name = "a count that is known in part",
     .when = "count(run, 1h) > 1",
     .script = "1000 run=0; 2000 run=1; 3000 run=0",
     .verdict = "not raised: `count(run, 1h)` is at least 1: 59m 58s of the 1h are not "
                "known"},
    {.name = "a count that is decided already",
     .when = "count(run, 1h) == 0",
     .script = "1000 run=0; 2000 run=1; 3000 run=0",
     .verdict = "not raised: `count(run, 1h) == 0` is false (count(run, 1h) is at "
                "least 1)"},
    {.name = "time between two limits",
     .when = "time(run, 10s) > 8 s",
     .script = "1000 run=1; 3000 run=1",
     .verdict = "not raised: `time(run, 10s)` is at least 2 s and at most 10 s: 8s of "
                "the 10s are not known"},
    {.name = "held",
     .when = "held(run) > 5 s",
     .script = "1000 run=0; 2000 run=1; 4000 run=1",
     .verdict = "not raised: `held(run) > 5 s` is false (held(run) is 2 s)"},
    {.name = "stuck is followed only since",
     .when = "stuck(a, 1m)",
     .script = "1000 a=1; 4000 a=1",
     .verdict = "not raised: `stuck(a, 1m)` is unknown: it is followed only since "
                "1970-01-01 00:00:01"},
    {.name = "a quality",
     .when = "quality(a) == \"timeout\"",
     .script = "1000 a=!crc",
     .verdict = "not raised: `quality(a) == \"timeout\"` is false (quality(a) is crc)"},
    {.name = "an age",
     .when = "age(a) > 1m",
     .script = "1000 a=1; 4000 b=1",
     .verdict = "not raised: `age(a) > 1m` is false (age(a) is 3 s, 1m is 60 s)"},
    {.name = "a limit in another unit",
     .when = "pressure > 800 kPa",
     .script = "1000 pressure=0.5",
     .verdict = "not raised: `pressure > 800 kPa` is false (pressure is 0.5 MPa, "
                "800 kPa is 0.8 MPa)"},
    {.name = "whether it answers",
     .when = "not online",
     .script = "1000 a=1",
     .verdict = "not raised: `online` is true"},
    {.name = "zero and one of a log are true and false",
     .when = "x",
     .script = "1000 x=1",
     .verdict = "raised because `x` is true"},
    {.name = "levels: the unknown one is named",
     .when = "a > 80 °C",
     .when_2 = "b > 90 °C",
     .script = "1000 a=70",
     .verdict = "not raised: `b` is unknown: it was never read"},
    {.name = "levels: it goes up",
     .when = "a > 80 °C",
     .when_2 = "a > 90 °C",
     .hold_ms = 5000,
     .script = "1000 a=85; 5900 a=95; 6000 a=95",
     .verdict = "raised because `a > 80 °C` is true (a is 95 °C), longer than hold 5s; "
                "goes up to urgent: "
                "hold 5s is over at 1970-01-01 00:00:10, in 4s"},
};

static struct plant *
plant_of(const struct scenario *s)
{
    struct plant *p = plant_new();
    struct rule_spec *rule = plant_rule(p, "r", s->when);
    rule->while_ = plant_text(s->while_);
    rule->levels[0].clear = plant_text(s->clear);
    rule->hold_ms = s->hold_ms;
    rule->clear_hold_ms = s->clear_hold_ms;
    if (s->when_2 != NULL) {
        rule->level_count = 2;
        rule->levels[1].severity = SEVERITY_URGENT;
        rule->levels[1].when = plant_text(s->when_2);
    }
    return p;
}

START_TEST(test_verdicts)
{
    const struct scenario *s = &scenarios[_i];
    struct plant *p = plant_of(s);
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    struct explanation e;
    instant_zone_set("UTC");
    int64_t t_ms = play(p, r, s->script, &edges);
    ck_assert_msg(explain_rule(&e, r, PUMP_1, 0, t_ms), "%s", s->name);
    ck_assert_msg(strcmp(e.verdict, s->verdict) == 0, "%s:\n%s\n%s", s->name, e.verdict,
                  s->verdict);
    explain_fini(&e);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

/* ---- parts ---- */

START_TEST(test_parts_have_their_values)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "pressure  >\n 800 kPa and (run or\n a < 300 K)");
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    struct explanation e;
    int64_t t_ms = play(p, r, "1000 pressure=0.9,run=0; 2500 a=20", &edges);
    ck_assert(explain_rule(&e, r, PUMP_1, 0, t_ms));
    const struct explain_part *root = e.levels[0].when;
    ck_assert_int_eq(root->kind, EXPLAIN_AND);
    ck_assert_str_eq(root->text, "pressure > 800 kPa and (run or a < 300 K)");
    ck_assert_double_eq(root->value, 1);
    const struct explain_part *left = root->first;
    ck_assert_str_eq(left->text, "pressure > 800 kPa");
    ck_assert_double_eq(left->value, 1);
    ck_assert_double_eq(left->first->value, 0.9);
    ck_assert_str_eq(left->first->unit, "MPa");
    ck_assert_str_eq(left->first->next->text, "800 kPa");
    ck_assert_int_eq(left->first->next->kind, EXPLAIN_CONSTANT);
    ck_assert_double_eq(left->first->next->value, 0.8); /* In the point's unit. */
    ck_assert_str_eq(left->first->next->unit, "MPa");
    const struct explain_part *right = left->next;
    ck_assert_int_eq(right->kind, EXPLAIN_OR);
    ck_assert_str_eq(right->text, "run or a < 300 K");
    ck_assert(right->first->is_truth);
    ck_assert_double_eq(right->first->value, 0);
    ck_assert_double_eq_tol(right->first->next->first->next->value, 26.85, 1e-9);
    ck_assert_ptr_null(right->next);

    ck_assert_uint_eq(e.point_count, 3);
    ck_assert_str_eq(e.points[0].reads, "pressure");
    ck_assert(e.points[0].known);
    ck_assert_int_eq(e.points[0].latest.last_good_ms, 1000);
    ck_assert_int_eq(e.points[0].stale_ms, 6000);
    ck_assert_int_eq(e.points[2].stale_ms, 7500);
    explain_fini(&e);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_a_chain_has_its_parts_side_by_side)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "run or x or not (a > 1 and b > 1 and run) or (x or run)");
    struct rules *r = rules_of(p);
    struct explanation e;
    struct strbuf seen = {0};
    ck_assert(explain_rule(&e, r, PUMP_1, 0, 1000));
    for (const struct explain_part *s = e.levels[0].when->first; s; s = s->next) {
        strbuf_printf(&seen, "%s; ", s->text);
    }
    ck_assert_str_eq(strbuf_text(&seen),
                     "run; x; not (a > 1 and b > 1 and run); x; run; ");
    strbuf_fini(&seen);
    explain_fini(&e);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_memory_is_shown_once_with_what_it_keeps)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "avg(a, 10s) > 80 °C and hours(run) > 2 h")->while_ =
        plant_text("avg(a, 10s) > 5 °C and time(run, 4s) > 0 s");
    struct rules *r = rules_of(p);
    struct strbuf edges = {0};
    struct explanation e;
    int64_t t_ms = play(p, r,
                        "0 a=10,run=1; 4000 a=20,run=1; 8000 a=30,run=0; "
                        "9000 a=!timeout,run=0",
                        &edges);
    ck_assert(explain_rule(&e, r, PUMP_1, 0, t_ms));
    ck_assert_uint_eq(e.memory_count, 3);
    const struct explain_memory *avg = &e.memories[0];
    ck_assert_str_eq(avg->text, "avg(a, 10s)");
    ck_assert_double_eq(avg->value, 20);
    ck_assert_str_eq(avg->unit, "°C");
    ck_assert_uint_eq(avg->samples, 3);
    ck_assert_int_eq(avg->first_ms, 0);
    ck_assert_int_eq(avg->last_ms, 8000);
    ck_assert_int_eq(avg->needed_ms, 5000);
    const struct explain_memory *time = &e.memories[1];
    ck_assert_int_eq(time->true_ms, 3000);
    ck_assert_int_eq(time->unknown_ms, 0);
    ck_assert_double_eq(time->value, 3);
    ck_assert_double_eq_tol(e.memories[2].value, 8.0 / 3600, 1e-12);
    ck_assert_str_eq(e.memories[2].unit, "h");
    ck_assert_ptr_null(e.memories[2].why);
    explain_fini(&e);
    strbuf_fini(&edges);
    rules_free(r);
    free(p);
}
END_TEST

START_TEST(test_after_a_restart_it_waits_for_samples)
{
    struct plant *p = plant_new();
    plant_rule(p, "r", "a > 80 °C")->hold_ms = 60000;
    struct rules *r = rules_of(p);
    struct explanation e;
    struct rule_state s = {.device = PUMP_1,
                           .rule = 0,
                           .phase = RULE_PENDING,
                           .level = -1,
                           .target_level = 0,
                           .since_ms = 1000,
                           .while_last_ms = INSTANT_NONE};
    ck_assert(rules_restore(r, &s, 2000));
    ck_assert(explain_rule(&e, r, PUMP_1, 0, 3000));
    ck_assert(e.resuming);
    ck_assert_str_eq(e.verdict,
                     "not raised: it waits for the first samples since the start");
    explain_fini(&e);
    rules_free(r);
    free(p);
}
END_TEST

static const struct unbound {
    const char *id, *type, *tag, *when, *clear;
    bool disabled;
    const char *why;
} unbounds[] = {
    {.when = "load > 5 %", .why = "the device has no point `load`"},
    {.type = "power",
     .when = "load > 5 % and u > 1 V",
     .clear = "load < 3 %",
     .why = "it applies to type `power`, and the device's is `pump`; the device has no "
            "point `load`; the device has no point `u`"},
    {.id = "pump-2",
     .when = "a > 1 °C",
     .why = "it applies to id `pump-2`, and the device's is `pump-1`"},
    {.tag = "fire",
     .when = "a > 1 °C",
     .why = "it applies to tag `fire`, which the device does not have"},
    {.when = "a > 1 °C", .disabled = true, .why = "it is not enabled"},
    {.when = "avg(feeder-1.load + n, 5m) > 1 and online and a > 1 °C", .why = ""},
};

START_TEST(test_why_a_rule_is_not_bound)
{
    const struct unbound *u = &unbounds[_i];
    struct plant *p = plant_new();
    struct rule_spec *rule = plant_rule(p, "r", u->when);
    struct strbuf why = {0};
    rule->applies_to.id = u->id;
    rule->applies_to.type = u->type;
    rule->applies_to.tag = u->tag;
    rule->levels[0].clear = plant_text(u->clear);
    rule->enabled = !u->disabled;
    explain_unbound(&why, &p->site, PUMP_1, 0);
    ck_assert_str_eq(strbuf_text(&why), u->why);
    strbuf_fini(&why);
    free(p);
}
END_TEST

START_TEST(test_numbers_for_people)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{72.25, "72.25"},
                {81.19999694824219, "81.2"},
                {0.1 + 0.2, "0.3"},
                {1234567.891, "1234568"},
                {-0.000123456, "-0.000123456"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[NUMBER_TEXT_BYTES];
        ck_assert_str_eq(explain_number(out, rows[i].value), rows[i].text);
    }
}
END_TEST

/* ---- on random streams ---- */

static const char *const expressions[] = {
    "a > 50 °C",
    "a - b > 10 K and not run",
    "run or quality(a) == \"timeout\" or x",
    "avg(a, 20s) > 50 °C and count(run, 1m) > 2",
    "time(a > 50 °C, 30s) >= 10 s or held(run) > 8 s",
    "rate(n, 15s) > 1 or delta(a, 30s) < -5 K or stuck(b, 12s)",
    "median(least(a, b), 20s) < 40 °C and max(v / n, 30s) > 0.5 mm/s",
    "hours(run and a > 20 °C) > 0.01 h and starts(run) mod 2 == 1",
    "age(a) > 7 s or not online or 30 < n",
    "count(avg(a, 5s) > 50 °C, 1m) == 0 and unbalance(a + 300 K, b + 300 K) > 1 %",
    "true and (count(run, 2m) < 1 or 3 <= count(x, 40s)) == false",
    "feeder-1.p > 0.4 kW or abs(n - 50) > 45",
};

static uint32_t
draw(uint32_t *dice, uint32_t sides)
{
    *dice = *dice * 1664525u + 1013904223u;
    return (*dice >> 8) % sides;
}

static void
random_frame(const struct plant *p,
             struct rules *r,
             int64_t t_ms,
             uint32_t *dice,
             struct strbuf *edges)
{
    static const char *const ids[] = {"a", "b", "n", "run", "v", "x"};
    struct frame *f = plant_frame(PUMP_1, t_ms);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        bool truth = ids[i][0] == 'r' || ids[i][0] == 'x';
        uint32_t luck = draw(dice, 10);
        if (luck < 7) {
            plant_frame_add(f, site_point(&p->site, PUMP_1, ids[i]),
                            draw(dice, truth ? 2 : 100), QUALITY_GOOD);
        } else if (luck == 7) {
            plant_frame_add(f, site_point(&p->site, PUMP_1, ids[i]), 0,
                            QUALITY_TIMEOUT);
        }
    }
    fire_until(r, t_ms, edges);
    rules_frame(r, f, note_edge, edges);
    free(f);
}

static enum tri
tri_of(const struct explain_part *p)
{
    return isnan(p->value) ? TRI_UNKNOWN : p->value != 0 ? TRI_TRUE : TRI_FALSE;
}

/* What logic says of parts must be what the whole is. */
static void
check_logic(const struct explain_part *p)
{
    bool any_false = false;
    bool any_true = false;
    bool any_unknown = false;
    for (const struct explain_part *s = p->first; s != NULL; s = s->next) {
        any_false = any_false || s->value == 0;
        any_true = any_true || (!isnan(s->value) && s->value != 0);
        any_unknown = any_unknown || isnan(s->value);
        check_logic(s);
    }
    enum tri want = tri_of(p);
    if (p->kind == EXPLAIN_AND) {
        want = any_false ? TRI_FALSE : any_unknown ? TRI_UNKNOWN : TRI_TRUE;
    } else if (p->kind == EXPLAIN_OR) {
        want = any_true ? TRI_TRUE : any_unknown ? TRI_UNKNOWN : TRI_FALSE;
    } else if (p->kind == EXPLAIN_NOT) {
        want = any_unknown ? TRI_UNKNOWN : any_true ? TRI_FALSE : TRI_TRUE;
    }
    ck_assert_msg(tri_of(p) == want, "%s", p->text);
}

static void
look(struct rules *r, int64_t t_ms)
{
    struct explanation e;
    struct verdict v;
    ck_assert(explain_rule(&e, r, PUMP_1, 0, t_ms));
    judge_look(r, &r->instances[0], t_ms, &v);
    ck_assert_msg(tri_of(e.levels[0].when) == v.when[0], "%s at %lld: %s",
                  e.levels[0].when_text, (long long)t_ms, e.verdict);
    ck_assert_int_eq(tri_of(e.while_), v.while_);
    ck_assert_int_eq(e.levels[0].raised, e.state.level >= 0);
    check_logic(e.levels[0].when);
    explain_fini(&e);
}

/* The same stream twice: looked at after each step, and never. */
START_TEST(test_it_agrees_with_the_engine_and_changes_nothing)
{
    struct plant *p = plant_new();
    struct rule_spec *rule = plant_rule(p, "r", expressions[_i]);
    rule->while_ = plant_text("n != 13 or run");
    rule->hold_ms = 2000;
    rule->clear_hold_ms = 3000;
    struct strbuf edges[2] = {{0}, {0}};
    for (int round = 0; round < 2; round++) {
        struct rules *r = rules_of(p);
        uint32_t dice = 7 + (uint32_t)_i;
        int64_t t_ms = 1000;
        for (int step = 0; step < 1000; step++) {
            bool gap = draw(&dice, 60) == 0;
            t_ms += gap ? 20000 : 500 + draw(&dice, 1000);
            random_frame(p, r, t_ms, &dice, &edges[round]);
            if (round == 0) {
                look(r, t_ms);
            }
        }
        rules_free(r);
    }
    ck_assert_str_eq(strbuf_text(&edges[0]), strbuf_text(&edges[1]));
    strbuf_fini(&edges[0]);
    strbuf_fini(&edges[1]);
    free(p);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("explain");
    TCase *tc = tcase_create("explain");
    tcase_add_loop_test(tc, test_verdicts, 0, (int)ARRAY_LEN(scenarios));
    tcase_add_test(tc, test_parts_have_their_values);
    tcase_add_test(tc, test_a_chain_has_its_parts_side_by_side);
    tcase_add_test(tc, test_memory_is_shown_once_with_what_it_keeps);
    tcase_add_test(tc, test_after_a_restart_it_waits_for_samples);
    tcase_add_loop_test(tc, test_why_a_rule_is_not_bound, 0, (int)ARRAY_LEN(unbounds));
    tcase_add_test(tc, test_numbers_for_people);
    tcase_add_loop_test(tc, test_it_agrees_with_the_engine_and_changes_nothing, 0,
                        (int)ARRAY_LEN(expressions));
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
