/* What is predicted opens predicted work, and brings the next visit of a plan forward.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/pipeline/check.h"
#include "daemon/pipeline/pipeline.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/recorder.h"
#include "tests/rules/plant.h"

#define T0  1772360070000LL /* 2026-03-01 18:14:30 in Shanghai. */
#define DAY INT64_C(86400000)

static char dir[SCRATCH_BYTES];
static char path[SCRATCH_BYTES + 16];
static struct site *site;
static struct recorder *recorder;
static struct pipeline *pipeline;

static void
setup(void)
{
    scratch_make(dir);
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    site = NULL;
    pipeline = NULL;
    recorder = recorder_new();
}

static void
teardown(void)
{
    pipeline_free(pipeline);
    recorder_free(recorder);
    site_free(site);
    scratch_remove(dir);
}

/* A door, the elevator that it is of, and a rule on the door with these keys. */
static void
write_site(const char *start, const char *rule)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "site: {id: a, name: A, timezone: Asia/Shanghai}\n"
            "data: none\n"
            "devices:\n"
            "  - {id: lift-1, type: elevator, points: {moving: {type: bool}}}\n"
            "  - {id: door-1, type: door, parent: lift-1, stale_after: 90d,\n"
            "     points: {slow: {type: bool}, torque: {unit: N}}}\n"
            "  - {id: fan-1, type: fan, points: {moving: {type: bool}}}\n"
            "maintenance:\n"
            "  - {id: clean, applies_to: {type: fan}, every: 30d, start: 2026-06-01}\n"
            "  - {id: service, applies_to: {type: elevator}, every: 15d,\n"
            "     statutory: true, start: %s}\n"
            "rules:\n"
            "  - {id: wears, applies_to: {type: door}, cause: a, consequence: b,\n"
            "     action: c, %s}\n",
            start, rule);
    ck_assert_int_eq(fclose(f), 0);
}

static void
begin(const char *start, const char *rule)
{
    struct diags diags;
    write_site(start, rule);
    diags_init(&diags);
    site = config_load_site(path, NULL, 0, &diags);
    diags_print(&diags, stderr);
    ck_assert_ptr_nonnull(site);
    ck_assert_uint_eq(diags.count, 0);
    pipeline = pipeline_new(site, &recorder->sink, 1, &diags);
    ck_assert_ptr_nonnull(pipeline);
    diags_fini(&diags);
    pipeline_begin(pipeline, T0);
}

static void
door(int64_t age_ms, bool slow)
{
    uint32_t device = site_device(site, "door-1");
    struct frame *f = plant_frame(device, T0 + age_ms);
    plant_frame_add(f, site_point(site, device, "slow"), slow, QUALITY_GOOD);
    pipeline_frame(pipeline, f);
    free(f);
}

/* How many lines hold both; the last of them is in `*last`. */
static int
count(const char *event, const char *part, const char **last)
{
    char wanted[64];
    int n = 0;
    snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", event);
    for (size_t i = 0; i < recorder->count; i++) {
        const char *line = recorder->lines[i];
        if (strstr(line, wanted) != NULL && strstr(line, part) != NULL) {
            n++;
            if (last != NULL) {
                *last = line;
            }
        }
    }
    return n;
}

#define SOON                                                                           \
    "when: slow, severity: normal, "                                                   \
    "ticket: {kind: predicted, brings_forward: service, within: 5d}"

START_TEST(a_prediction_brings_the_visit_of_the_parent_forward)
{
    const char *moved = NULL;
    begin("2026-03-20", SOON);
    door(1000, true);
    ck_assert_int_eq(count("ticket.opened", "\"kind\":\"predicted\"", NULL), 1);
    ck_assert_int_eq(count("plan.moved", "", &moved), 1);
    ck_assert_str_eq(moved, "{\"t\":\"2026-03-01T10:14:31.000Z\",\"event\":"
                            "\"plan.moved\",\"device\":\"lift-1\",\"plan\":\"service\","
                            "\"due\":\"2026-03-05T16:00:00.000Z\","
                            "\"note\":\"brought forward by wears of door-1\"}");
    /* It is reminded of three days before the new day, and listed with why. */
    pipeline_advance(pipeline, T0 + DAY);
    ck_assert_int_eq(count("ticket.opened", "\"plan\":\"service\"", NULL), 0);
    for (uint32_t i = 0; i < plans_count(pipeline_plans(pipeline)); i++) {
        struct plan_now now = plans_get(pipeline_plans(pipeline), i, 0);
        ck_assert_int_eq(now.moved, strcmp(now.row->plan, "service") == 0);
    }
    pipeline_advance(pipeline, T0 + 2 * DAY);
    ck_assert_int_eq(count("ticket.opened", "\"plan\":\"service\"", NULL), 1);
}
END_TEST

START_TEST(what_clears_and_returns_moves_nothing_again)
{
    begin("2026-03-20", SOON);
    door(1000, true);
    door(2000, false);
    pipeline_advance(pipeline, T0 + DAY);
    door(DAY + 1000, true);
    ck_assert_int_eq(count("alarm.raised", "", NULL), 2);
    ck_assert_int_eq(count("plan.moved", "", NULL), 1);
}
END_TEST

START_TEST(a_visit_that_is_due_by_then_stays)
{
    begin("2026-03-06", SOON);
    door(1000, true);
    ck_assert_int_eq(count("ticket.opened", "\"kind\":\"predicted\"", NULL), 1);
    ck_assert_int_eq(count("plan.moved", "", NULL), 0);
}
END_TEST

START_TEST(an_open_visit_is_wanted_sooner)
{
    begin("2026-03-06",
          "when: slow, severity: normal, "
          "ticket: {kind: predicted, brings_forward: service, within: 0d}");
    pipeline_advance(pipeline, T0 + 2 * DAY);
    ck_assert_int_eq(count("ticket.opened", "\"plan\":\"service\"", NULL), 1);
    door(2 * DAY + 1000, true);
    ck_assert_int_eq(count("plan.moved", "\"ticket\":1", NULL), 1);
    ck_assert_int_eq(count("ticket.changed", "\"due\":\"2026-03-02T16:00", NULL), 1);
}
END_TEST

START_TEST(the_visit_after_one_that_did_not_help_is_brought_forward_too)
{
    struct err err = {0};
    begin("2026-03-20", SOON);
    door(1000, true);
    pipeline_advance(pipeline, T0 + 3 * DAY);
    struct command done = {.t_ms = T0 + 3 * DAY,
                           .kind = COMMAND_TICKET_RESOLVE,
                           .ticket = 2,
                           .by = "li",
                           .note = "rollers"};
    ck_assert_int_eq(pipeline_command(pipeline, &done, NULL, &err), 0);
    door(3 * DAY + 1000, false);
    door(4 * DAY, true);
    ck_assert_int_eq(count("plan.moved", "brought forward", NULL), 2);
}
END_TEST

START_TEST(info_is_nobodys_work_and_moves_nothing)
{
    begin("2026-03-20", "when: slow, severity: info, "
                        "ticket: {kind: predicted, brings_forward: service}");
    door(1000, true);
    ck_assert_int_eq(count("alarm.raised", "", NULL), 1);
    ck_assert_int_eq(count("plan.moved", "", NULL), 0);
}
END_TEST

/* The alarm that stood before the start does not ask again.  The row of the plan is
 * left out on purpose: its visit is where it was planned, and could be moved. */
START_TEST(a_restart_asks_for_nothing_again)
{
    begin("2026-03-20", SOON);
    door(1000, true);
    ck_assert_int_eq(count("plan.moved", "", NULL), 1);
    struct diags diags;
    diags_init(&diags);
    struct pipeline *second = pipeline_new(site, &recorder->sink, 2, &diags);
    diags_fini(&diags);
    ck_assert(pipeline_restore_alarm(second, &recorder->alarms[0]));
    pipeline_restore_ticket(second, &recorder->tickets[0]);
    pipeline_free(pipeline);
    pipeline = second;
    door(60000, true);
    ck_assert_int_eq(count("plan.moved", "", NULL), 1);
    door(120000, false);
    door(180000, true);
    ck_assert_int_eq(count("plan.moved", "", NULL), 2);
}
END_TEST

static const struct {
    const char *rule;
    enum ticket_kind kind;
} presets[] = {
    {"when: torque > 3 N, severity: normal", TICKET_FAULT},
    {"when: \"time_to(torque, 80 N, 6h) < 3d\", severity: normal", TICKET_PREDICTED},
    {"when: \"trend(torque, 6h) > 3 N/h\", severity: normal", TICKET_PREDICTED},
    {"when: \"drift (torque, 6h) > 3 N\", severity: normal", TICKET_PREDICTED},
    {"when: torque > 1.2 * baseline(torque), severity: normal", TICKET_PREDICTED},
    {"when: \"trend(torque, 6h) > 3 N/h\", severity: normal, ticket: {kind: fault}",
     TICKET_FAULT},
    /* Judged only then, and ended only then: what raises it is a limit. */
    {"when: torque > 3 N, while: torque > baseline(torque), clear: torque < "
     "baseline(torque), severity: normal",
     TICKET_FAULT},
    {"levels: [{severity: normal, when: \"trend(torque, 6h) > 3 N/h\"}, {severity: "
     "urgent, when: torque > 9 N}]",
     TICKET_FAULT},
    {"levels: [{severity: normal, when: \"trend(torque, 6h) > 3 N/h\"}, {severity: "
     "urgent, when: \"trend(torque, 6h) > 9 N/h\"}]",
     TICKET_PREDICTED},
};

START_TEST(what_a_rule_asks_presets_the_kind_of_its_tickets)
{
    begin("2026-03-20", presets[_i].rule);
    ck_assert_int_eq(site->rules[0].ticket_kind, presets[_i].kind);
}
END_TEST

/* Only a call asks: not a device of that name, and nothing between quotes. */
START_TEST(only_a_call_asks_for_a_prediction)
{
    static const struct {
        const char *when;
        bool predicts;
    } texts[] = {{"trend(a, 5m) > 3", true},
                 {"a > 3 and not drift\t(a, 1h) < 2", true},
                 {"trend.a > 3", false},
                 {"trend-2.a > 3 and (b)", false},
                 {"my-trend(a, 5m) > 3", false},
                 {"quality(a) != \"trend(\"", false},
                 {"quality(a) != 'it\"s drift(' and trend(a, 5m) > 3", true},
                 {"", false}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct rule_spec rule = {.level_count = 1};
        rule.levels[0].when.text = texts[i].when;
        ck_assert_msg(rule_predicts(&rule) == texts[i].predicts, "%s", texts[i].when);
    }
    struct rule_spec none = {.level_count = 0};
    ck_assert(!rule_predicts(&none));
}
END_TEST

static const struct {
    const char *ticket, *said; /* NULL: nothing. */
} checks[] = {
    {"brings_forward: service", NULL},
    {"brings_forward: clean",
     "14:72: warning: rule \"wears\" brings forward the plan \"clean\", which goes to "
     "none of its devices; a plan that goes to one of them, or to a parent of one, is "
     "accepted\n"},
    {"brings_forward: servise",
     "14:72: warning: rule \"wears\" brings forward the plan \"servise\", which the "
     "site does not have; the id of an entry of maintenance is accepted, such as "
     "service\n"},
    {"within: 3d",
     "14:64: \"within\" says when a visit is wanted, and no visit is named; add "
     "brings_forward: with the id of a plan\n"},
    {"brings_forward: service, within: 36h",
     "14:89: \"within\" is no number of whole days; plans go by days, such as 3d\n"},
    {"brings_forward: service, within: 91d",
     "14:89: \"within\" is \"91d\"; a duration from 0s to 90d is accepted, such as "
     "300ms 5s 10m 2h 15d\n"},
};

START_TEST(what_cannot_be_brought_forward_is_told)
{
    char rule[200];
    char *text = NULL;
    size_t size = 0;
    struct diags diags;
    struct strbuf said = {0};
    snprintf(rule, sizeof rule, "when: slow, severity: normal, ticket: {%s}",
             checks[_i].ticket);
    write_site("2026-03-20", rule);
    diags_init(&diags);
    site = check_site(path, &diags, NULL);
    FILE *out = open_memstream(&text, &size);
    diags_print(&diags, out);
    fclose(out);
    diags_fini(&diags);
    if (checks[_i].said != NULL) {
        strbuf_printf(&said, "%s:%s", path, checks[_i].said);
    }
    ck_assert_str_eq(text, strbuf_text(&said));
    strbuf_fini(&said);
    free(text);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("forward");
    TCase *tc = tcase_create("forward");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_prediction_brings_the_visit_of_the_parent_forward);
    tcase_add_test(tc, what_clears_and_returns_moves_nothing_again);
    tcase_add_test(tc, a_visit_that_is_due_by_then_stays);
    tcase_add_test(tc, an_open_visit_is_wanted_sooner);
    tcase_add_test(tc, the_visit_after_one_that_did_not_help_is_brought_forward_too);
    tcase_add_test(tc, info_is_nobodys_work_and_moves_nothing);
    tcase_add_test(tc, a_restart_asks_for_nothing_again);
    tcase_add_loop_test(tc, what_a_rule_asks_presets_the_kind_of_its_tickets, 0,
                        (int)ARRAY_LEN(presets));
    tcase_add_test(tc, only_a_call_asks_for_a_prediction);
    tcase_add_loop_test(tc, what_cannot_be_brought_forward_is_told, 0,
                        (int)ARRAY_LEN(checks));
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
