/* What a changed rule would have done, beside what two whole replays of all rules over
 * the whole history say of it. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/replay_diff.h"
#include "daemon/pipeline/tuning/rule_trial.h"
#include "daemon/store/history_db.h"
#include "tests/daemon/store/scratch.h"

#define STEPS   1200
#define STEP_MS 10000
#define TOLD                                                                           \
    "title: t, cause: c, consequence: c, action: a, source: s, severity: normal}\n"

static const int64_t start_ms = 1772323200000; /* 2026-03-01T00:00:00Z */
static const char site_text[] =
    "site: {id: s, name: S, timezone: UTC, language: en}\n"
    "data: .\n"
    "devices:\n"
    "  - {id: feeder-1, type: feeder, stale_after: 1m, points: {voltage: {unit: V}}}\n"
    "  - {id: lone-1, type: other, stale_after: 1m, points: {x: {}}}\n"
    "  - {id: pump-1, type: pump, parent: feeder-1, stale_after: 1m,\n"
    "     points: {bearing: {unit: °C}, running: {}}}\n"
    "  - {id: pump-2, type: pump, parent: feeder-1, stale_after: 1m,\n"
    "     points: {bearing: {unit: °C}, running: {}}}\n"
    "  - {id: tank-1, type: tank, stale_after: 1m, points: {level: {unit: \"%\"}}}\n"
    "rules:\n"
    "  - {id: dead, applies_to: {type: feeder}, when: voltage < 100 V, suppresses: "
    "children, " TOLD
    "  - {id: dry, applies_to: {type: pump}, when: tank-1.level < 20 %, " TOLD
    "  - {id: hot, applies_to: {type: pump}, while: running, when: bearing > 80 °C,\n"
    "     clear: bearing < 75 °C, hold: 20s, " TOLD
    "  - {id: hotter, applies_to: {type: pump}, when: bearing > 85 °C,\n"
    "     suppressed_by: [hot], " TOLD
    "  - {id: lone, applies_to: {type: other}, when: x > 50, " TOLD
    "  - {id: low, applies_to: {type: tank}, when: level < 30 %, " TOLD
    "  - {id: odd, applies_to: {type: tank}, when: level < 25 %,\n"
    "     suppressed_by: [pump-1/hot], " TOLD;

static char dir[SCRATCH_BYTES];
static struct site *site;
static struct arena *arena;
static struct err err;
static struct diags diags;

static union {
    struct frame frame;
    unsigned char bytes[FRAME_BYTES_MAX];
} room;

/* A saw tooth between `low` and `high`, in `period` steps. */
static double
saw(int step, int period, double low, double high)
{
    int at = step % period;
    int half = period / 2;
    return low + (high - low) * (at < half ? at : period - at) / half;
}

static void
put(struct history_db *h, const char *device, int step, double one, double two)
{
    struct frame *f = &room.frame;
    enum history_trouble trouble;
    uint32_t d = site_device(site, device);
    *f = (struct frame){.t_ms = start_ms + step * (int64_t)STEP_MS, .device = d};
    for (uint32_t i = 0; i < site->devices[d].point_count; i++) {
        f->readings[f->count++] = (struct reading){
            .point = site->devices[d].first_point + i, .value = i == 0 ? one : two};
    }
    ck_assert_int_eq(history_db_write(h, room.bytes, frame_bytes(f->count),
                                      INSTANT_NONE, &trouble, &err),
                     0);
}

static void
record(void)
{
    struct history_db *h = NULL;
    ck_assert_int_eq(history_db_open(&h, dir, site, &err), 0);
    for (int i = 0; i < STEPS; i++) {
        put(h, "feeder-1", i, saw(i, 310, 60, 240), 0);
        put(h, "lone-1", i, saw(i, 50, 0, 100), 0);
        put(h, "pump-1", i, saw(i, 90, 60, 95), i % 200 < 150);
        put(h, "pump-2", i, saw(i, 130, 50, 90), 1);
        put(h, "tank-1", i, saw(i, 400, 5, 95), 0);
    }
    history_db_close(h);
}

static void
set_up(void)
{
    char path[SCRATCH_BYTES + 16];
    scratch_make(dir);
    diags_init(&diags);
    arena = arena_new();
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(site_text, f);
    fclose(f);
    site = config_load_site(path, NULL, 0, &diags);
    ck_assert_msg(site != NULL, "%s", diags.count > 0 ? diags.items[0].text : "");
    record();
}

static void
tear_down(void)
{
    site_free(site);
    arena_free(arena);
    diags_fini(&diags);
    scratch_remove(dir);
}

/* ---- the same by two whole replays ---- */

static void
replay(const struct rule_spec *changed, struct replay_alarms *alarms)
{
    struct site other = *site;
    struct rule_spec *rules = arena_array(arena, site->rule_count + 1, sizeof *rules);
    memcpy(rules, site->rules, site->rule_count * sizeof *rules);
    for (uint32_t i = 0; changed != NULL && i < site->rule_count; i++) {
        rules[i] = strcmp(rules[i].id, changed->id) == 0 ? *changed : rules[i];
    }
    other.rules = rules;
    const struct replay_history history = {.from_ms = INSTANT_NONE,
                                           .to_ms = INSTANT_MAX};
    const struct replay_options options = {.history = &history,
                                           .until_ms =
                                               start_ms + STEPS * (int64_t)STEP_MS,
                                           .take_event = replay_alarms_event,
                                           .take_ctx = alarms,
                                           .again = true};
    struct replay_result result;
    ck_assert_int_eq(replay_run(&other, &options, stdout, &result, &diags, &err), 0);
    ck_assert_uint_eq(result.frames, 5 * STEPS);
}

/* The lines of `replay --diff`, as a JSON array. */
static json_t *
whole(const struct rule_spec *changed)
{
    struct replay_alarms *base = replay_alarms_new();
    struct replay_alarms *other = replay_alarms_new();
    struct replay_diff diff;
    struct strbuf out = {0};
    replay(NULL, base);
    replay(changed, other);
    ck_assert_int_eq(replay_diff_json(base, other, 10000, &out, NULL, &diff, &err), 0);
    json_t *all = json_loads(strbuf_text(&out), 0, NULL);
    ck_assert(json_is_array(all));
    for (size_t i = json_array_size(all); i > 0; i--) {
        const json_t *kind = json_object_get(json_array_get(all, i - 1), "diff");
        if (strcmp(json_string_value(kind), "same") == 0) {
            json_array_remove(all, i - 1);
        }
    }
    replay_diff_fini(&diff);
    strbuf_fini(&out);
    replay_alarms_free(base);
    replay_alarms_free(other);
    return all;
}

/* ---- the trial ---- */

static struct rule_trial
trial(const struct rule_spec *changed)
{
    return (struct rule_trial){.site = site,
                               .rule = changed,
                               .from_ms = start_ms,
                               /* Later than the newest sample: it ends there. */
                               .to_ms = start_ms + STEPS * (int64_t)STEP_MS,
                               .budget_ms = RULE_TRIAL_BUDGET_MS,
                               .fill_ms = RULE_TRIAL_FILL_MS};
}

static int
run(const struct rule_trial *t, json_t **answer)
{
    struct strbuf out = {0};
    int code = rule_trial_run(t, &out, &diags, &err);
    *answer = code == 0 ? json_loads(strbuf_text(&out), 0, NULL) : NULL;
    ck_assert_msg(code != 0 || json_is_object(*answer), "%s", strbuf_text(&out));
    strbuf_fini(&out);
    return code;
}

static const struct {
    const char *rule, *when;
    int64_t hold_ms; /* -1: as it is. */
    bool off;
    bool others; /* Alarms of other rules change too. */
} changes[] = {
    {"hot", "bearing > 70 °C", -1, false, false},
    {"hot", "bearing > 90 °C", 600000, false, true},
    {"hot", NULL, -1, true, true},
    {"hotter", "bearing > 60 °C", -1, false, false},
    {"dead", "voltage < 200 V", -1, false, true},
    {"dry", "tank-1.level < 60 %", -1, false, false},
    {"dry", "tank-1.level < 60 % and lone-1.x > 30", -1, false, false},
    {"low", "level < 50 %", 30000, false, false},
    {"odd", NULL, 120000, false, false},
    {"lone", "x > 90", -1, false, false},
};

START_TEST(a_trial_finds_what_two_whole_replays_find)
{
    struct rule_spec changed = site->rules[site_rule(site, changes[_i].rule)];
    json_t *answer = NULL;
    size_t others = 0;
    if (changes[_i].when != NULL) {
        changed.levels[0].when.text = changes[_i].when;
        changed.levels[0].clear.text = NULL;
    }
    changed.hold_ms = changes[_i].hold_ms >= 0 ? changes[_i].hold_ms : changed.hold_ms;
    changed.enabled = !changes[_i].off;
    json_t *want = whole(&changed);
    struct rule_trial t = trial(&changed);
    ck_assert_msg(run(&t, &answer) == 0, "%s", err.text);
    json_t *got = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "alarms"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "diff")), "same") != 0) {
            json_array_append(got, row);
            others += strcmp(json_string_value(json_object_get(row, "rule")),
                             changed.id) != 0;
        }
    }
    ck_assert_uint_gt(json_array_size(want), 0);
    char *want_text = json_dumps(want, 0);
    char *got_text = json_dumps(got, 0);
    ck_assert_str_eq(got_text, want_text);
    ck_assert_msg((others > 0) == changes[_i].others, "%s: %zu", changed.id, others);
    free(want_text);
    free(got_text);
    json_decref(got);
    json_decref(want);
    json_decref(answer);
}
END_TEST

/* A rule that touches nothing else reads nothing else. */
START_TEST(only_what_is_concerned_is_read)
{
    struct rule_spec changed = site->rules[site_rule(site, "lone")];
    json_t *answer = NULL;
    struct rule_trial t = trial(&changed);
    ck_assert_int_eq(run(&t, &answer), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "frames")), STEPS);
    json_decref(answer);
    changed = site->rules[site_rule(site, "dry")];
    t.device = "pump-2";
    ck_assert_int_eq(run(&t, &answer), 0);
    /* Itself, the tank that it reads, and what feeds it, which may hide it. */
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "frames")), 3 * STEPS);
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "devices")), 1);
    json_decref(answer);
}
END_TEST

/* Of `lone`, tried from the 700th step on; the first alarm as changed. */
static json_t *
late_trial(const char *when, int64_t fill_ms, json_t **answer)
{
    struct rule_spec changed = site->rules[site_rule(site, "lone")];
    changed.levels[0].when.text = when;
    struct rule_trial t = trial(&changed);
    t.from_ms += 700 * (int64_t)STEP_MS;
    t.fill_ms = fill_ms;
    ck_assert_msg(run(&t, answer) == 0, "%s", err.text);
    ck_assert_int_eq(json_integer_value(json_object_get(*answer, "frames")), 500);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(*answer, "alarms"), i, row)
    {
        const char *diff = json_string_value(json_object_get(row, "diff"));
        if (strcmp(diff, "lost") != 0) {
            json_t *other = json_object_get(row, "other");
            return json_object_get(other != NULL ? other : row, "raised_at");
        }
    }
    return NULL;
}

static int64_t
step_of(const json_t *instant)
{
    int64_t t_ms = INSTANT_NONE;
    ck_assert_ptr_nonnull(instant);
    ck_assert_int_eq(instant_parse(&t_ms, json_string_value(instant), &err), 0);
    return (t_ms - start_ms) / STEP_MS;
}

static const struct {
    const char *when;
    int64_t filled_from; /* Step; -1: of nothing. */
    int64_t raised;      /* Step; as the windows are filled. */
    int64_t raised_cold; /* And as they begin empty. */
} windows[] = {
    /* The mean of the saw is 50; known when half an hour is half covered. */
    {"avg(x, 30m) > 40", 514, 700, 791},
    {"count(x > 50, 1h) >= 2", 334, 700, 763},
    /* It is above half of the time: an hour by the 720th step. */
    {"hours(x > 50) > 0.5", 0, 700, 1069},
    {"x > 50", -1, 713, 713},
};

START_TEST(windows_are_filled_from_what_was_recorded_before)
{
    json_t *answer = NULL;
    const json_t *raised = late_trial(windows[_i].when, RULE_TRIAL_FILL_MS, &answer);
    ck_assert_int_eq(step_of(raised), windows[_i].raised);
    const json_t *from = json_object_get(answer, "filled_from");
    if (windows[_i].filled_from < 0) {
        ck_assert(json_is_null(from));
    } else {
        ck_assert_int_eq(step_of(from), windows[_i].filled_from);
    }
    json_decref(answer);
    /* A past that takes too long to read is left out. */
    raised = late_trial(windows[_i].when, 0, &answer);
    if (windows[_i].filled_from == 0) { /* More frames than are looked at at once. */
        ck_assert(json_is_null(json_object_get(answer, "filled_from")));
        ck_assert_int_eq(step_of(raised), windows[_i].raised_cold);
    }
    json_decref(answer);
}
END_TEST

static int64_t
ticket_figure(const json_t *answer, const char *side, const char *key)
{
    const json_t *tickets = json_object_get(json_object_get(answer, "tickets"), side);
    const json_t *by = json_object_get(tickets, "by_priority");
    const json_t *value = json_object_get(tickets, key);
    return json_integer_value(value != NULL ? value : json_object_get(by, key));
}

/* Nobody works on them: the alarms behind the first of a device join its ticket. */
START_TEST(tickets_of_both_sides_are_counted)
{
    struct rule_spec changed = site->rules[site_rule(site, "dry")];
    json_t *answer = NULL;
    changed.levels[0].when.text = "tank-1.level < 60 %";
    changed.levels[0].severity = SEVERITY_CRITICAL;
    struct rule_trial t = trial(&changed);
    ck_assert_msg(run(&t, &answer) == 0, "%s", err.text);
    const json_t *counts = json_object_get(answer, "counts");
    static const char *const sides[] = {"before", "after"};
    for (int k = 0; k < 2; k++) {
        int64_t alarms = json_integer_value(json_object_get(counts, sides[k]));
        ck_assert_int_gt(alarms, 2);
        ck_assert_int_eq(ticket_figure(answer, sides[k], "opened"), 2);
        ck_assert_int_eq(ticket_figure(answer, sides[k], "joined"), alarms - 2);
        ck_assert_int_eq(ticket_figure(answer, sides[k], "normal"), k == 0 ? 2 : 0);
        ck_assert_int_eq(ticket_figure(answer, sides[k], "critical"), k == 0 ? 0 : 2);
        ck_assert_int_eq(ticket_figure(answer, sides[k], "urgent"), 0);
    }
    const json_t *after = json_object_get(json_object_get(answer, "tickets"), "after");
    const json_t *first = json_array_get(json_object_get(after, "first"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(first, "device")), "pump-2");
    ck_assert_str_eq(json_string_value(json_object_get(first, "rule")), "dry");
    ck_assert_str_eq(json_string_value(json_object_get(first, "priority")), "critical");
    /* Until then its feeder is dead, and hides it. */
    ck_assert_int_eq(step_of(json_object_get(first, "t")), 36);
    json_decref(answer);
}
END_TEST

START_TEST(who_waits_is_told_in_time)
{
    struct rule_spec changed = site->rules[site_rule(site, "hot")];
    atomic_bool cancel = true;
    json_t *answer = NULL;
    struct rule_trial t = trial(&changed);
    t.budget_ms = 0;
    ck_assert_int_eq(run(&t, &answer), ERR_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(err.text, "\"device\""));
    t.budget_ms = RULE_TRIAL_BUDGET_MS;
    t.cancel = &cancel;
    ck_assert_int_eq(run(&t, &answer), ERR_REFUSED);
    atomic_store(&cancel, false);
    ck_assert_int_eq(run(&t, &answer), 0);
    json_decref(answer);
}
END_TEST

START_TEST(what_cannot_be_tried_is_refused)
{
    struct rule_spec changed = site->rules[site_rule(site, "hot")];
    json_t *answer = NULL;
    struct rule_trial t = trial(&changed);
    t.device = "nobody";
    ck_assert_int_eq(run(&t, &answer), ERR_NOT_FOUND);
    t.device = "tank-1";
    ck_assert_int_eq(run(&t, &answer), ERR_NOT_FOUND);
    t.device = NULL;
    t.to_ms = t.from_ms;
    ck_assert_int_eq(run(&t, &answer), ERR_RANGE);
    t.to_ms = t.from_ms + RULE_TRIAL_MS_MAX + 1;
    ck_assert_int_eq(run(&t, &answer), ERR_RANGE);
    t = trial(&changed);
    changed.levels[0].when.text = "baering > 3";
    ck_assert_int_eq(run(&t, &answer), ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(err.text, "pump-1"));
    ck_assert_uint_eq(diags.errors, 0);
    changed.levels[0].when.text = "bearing > > 3";
    ck_assert_int_eq(run(&t, &answer), ERR_CONFIG);
    ck_assert_uint_eq(diags.errors, 1);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("rule_trial");
    TCase *tc = tcase_create("rule_trial");
    tcase_add_unchecked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, a_trial_finds_what_two_whole_replays_find, 0,
                        (int)ARRAY_LEN(changes));
    tcase_add_test(tc, only_what_is_concerned_is_read);
    tcase_add_loop_test(tc, windows_are_filled_from_what_was_recorded_before, 0,
                        (int)ARRAY_LEN(windows));
    tcase_add_test(tc, tickets_of_both_sides_are_counted);
    tcase_add_test(tc, who_waits_is_told_in_time);
    tcase_add_test(tc, what_cannot_be_tried_is_refused);
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
