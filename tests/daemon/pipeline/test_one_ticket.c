/* One piece of work, one ticket: a line or a feeder that fails takes twenty devices
 * along, and an alarm that chatters is one fault. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/pipeline.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/recorder.h"
#include "tests/rules/plant.h"

#define DEVICES 20
#define T0      1772360070000LL

static char dir[SCRATCH_BYTES];
static struct site *site;
static struct recorder *recorder;
static struct pipeline *pipeline;

/* Twenty meters on a line, all behind one feeder that is read elsewhere. */
static void
write_site(const char *path)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "site: {id: a, timezone: Asia/Shanghai}\n"
               "data: none\n"
               "buses:\n"
               "  - {id: line, tcp: \"192.0.2.10:502\"}\n"
               "  - {id: room, tcp: \"192.0.2.11:502\"}\n"
               "devices:\n"
               "  - {id: feeder, type: feeder, bus: room, unit: 1, poll: 10s,\n"
               "     points: {u: {register: input 0, unit: V}}}\n");
    for (int i = 0; i < DEVICES; i++) {
        fprintf(f,
                "  - {id: meter-%02d, type: meter, bus: line, unit: %d, poll: 10s,\n"
                "     parent: feeder, points: {u: {register: input 0, unit: V}}}\n",
                i, i + 1);
    }
    fprintf(f,
            "alarms: {chatter: {episodes: 5, window: 10m}}\n"
            "maintenance:\n"
            "  - {id: look, applies_to: {id: feeder}, every: 30d, start: 2026-06-01}\n"
            "rules:\n"
            "  - {id: line-down, applies_to: {type: bus}, when: not online,\n"
            "     hold: 30s, severity: urgent, cause: a, consequence: b, action: c}\n"
            "  - {id: meter-dead, applies_to: {type: meter}, when: u < 100 V,\n"
            "     hold: 20s, severity: urgent, cause: a, consequence: b, action: c}\n"
            "  - {id: meter-silent, applies_to: {type: meter}, when: not online,\n"
            "     hold: 30s, severity: normal, cause: a, consequence: b, action: c}\n"
            "  - {id: feeder-dead, applies_to: {type: feeder}, when: u < 100 V,\n"
            "     hold: 10s, severity: critical, suppresses: children,\n"
            "     cause: a, consequence: b, action: c}\n");
    ck_assert_int_eq(fclose(f), 0);
}

static void
setup(void)
{
    char path[SCRATCH_BYTES + 16];
    struct diags diags;
    scratch_make(dir);
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    write_site(path);
    diags_init(&diags);
    site = config_load_site(path, NULL, 0, &diags);
    diags_print(&diags, stderr);
    ck_assert_ptr_nonnull(site);
    recorder = recorder_new();
    pipeline = pipeline_new(site, &recorder->sink, 1, &diags);
    ck_assert_ptr_nonnull(pipeline);
    diags_fini(&diags);
}

static void
teardown(void)
{
    pipeline_free(pipeline);
    recorder_free(recorder);
    site_free(site);
    scratch_remove(dir);
}

static void
frame(
    int64_t age_s, const char *device, const char *point, double value, enum quality q)
{
    uint32_t index = site_device(site, device);
    struct frame *f = plant_frame(index, T0 + age_s * 1000);
    plant_frame_add(f, site_point(site, index, point), value, q);
    pipeline_frame(pipeline, f);
    free(f);
}

/* A round of polls: what the meters and the feeder show, and whether the line lives. */
static void
round_of(int64_t age_s, double meters, enum quality q, double feeder)
{
    frame(age_s, "feeder", "u", feeder, QUALITY_GOOD);
    for (int i = 0; i < DEVICES; i++) {
        char id[24];
        snprintf(id, sizeof id, "meter-%02d", i);
        frame(age_s + 1, id, "u", meters, q);
    }
    frame(age_s + 2, "line", "online", q == QUALITY_GOOD, QUALITY_GOOD);
    frame(age_s + 2, "room", "online", 1, QUALITY_GOOD);
}

static int
count(const char *event)
{
    char wanted[64];
    int n = 0;
    snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", event);
    for (size_t i = 0; i < recorder->count; i++) {
        n += strstr(recorder->lines[i], wanted) != NULL;
    }
    return n;
}

START_TEST(a_line_that_fails_is_one_ticket)
{
    int64_t age_s = 0;
    for (; age_s < 120; age_s += 10) {
        round_of(age_s, 230, QUALITY_GOOD, 230);
    }
    for (; age_s < 3600; age_s += 10) {
        round_of(age_s, 0, QUALITY_REFUSED, 230);
    }
    ck_assert_int_eq(count("device.offline"), DEVICES);
    ck_assert_int_eq(count("ticket.opened"), 1);
    ck_assert_str_eq(recorder->tickets[0].device, "line");
    ck_assert_int_eq(recorder->tickets[0].priority, SEVERITY_URGENT);
    for (; age_s < 3900; age_s += 10) {
        round_of(age_s, 230, QUALITY_GOOD, 230);
    }
    ck_assert_int_eq(count("ticket.opened"), 1);
    ck_assert_int_eq(count("alarm.raised"), 1);
}
END_TEST

START_TEST(a_feeder_that_fails_is_one_ticket)
{
    int64_t age_s = 0;
    for (; age_s < 120; age_s += 10) {
        round_of(age_s, 230, QUALITY_GOOD, 230);
    }
    for (; age_s < 3600; age_s += 10) {
        round_of(age_s, 3, QUALITY_GOOD, 2);
    }
    ck_assert_int_eq(count("ticket.opened"), 1);
    ck_assert_str_eq(recorder->tickets[0].device, "feeder");
    ck_assert_int_eq(count("alarm.suppressed"), DEVICES);
    for (; age_s < 3900; age_s += 10) {
        round_of(age_s, 230, QUALITY_GOOD, 230);
    }
    ck_assert_int_eq(count("ticket.opened"), 1);
}
END_TEST

/* Without the suppression they would be twenty: the test can fail. */
START_TEST(meters_that_fail_each_for_itself_are_tickets_each)
{
    for (int64_t age_s = 0; age_s < 120; age_s += 10) {
        round_of(age_s, age_s < 60 ? 230 : 3, QUALITY_GOOD, 230);
    }
    ck_assert_int_eq(count("ticket.opened"), DEVICES);
}
END_TEST

START_TEST(an_alarm_that_chatters_is_one_ticket)
{
    for (int64_t age_s = 0; age_s < 3600; age_s += 10) {
        frame(age_s, "meter-07", "u", age_s % 120 < 60 ? 230 : 3, QUALITY_GOOD);
    }
    ck_assert_int_eq(count("alarm.raised"), 30);
    ck_assert_int_eq(count("ticket.opened"), 1);
    ck_assert_int_eq(count("ticket.joined"), 29);
    ck_assert_int_eq(recorder->tickets[0].episodes, 30);
    ck_assert(recorder->alarms[0].chatter);
}
END_TEST

static int
give(int64_t age_s, enum command_kind kind, int64_t ticket, struct err *err)
{
    struct command c = {
        .t_ms = T0 + age_s * 1000, .kind = kind, .ticket = ticket, .by = "li"};
    if (kind == COMMAND_PLAN_START) {
        c.plan = "look";
        c.device = "feeder";
    } else {
        c.note = "said";
    }
    return pipeline_command(pipeline, &c, NULL, err);
}

/* A visit that was made is not made anew beside the next one. */
START_TEST(a_past_visit_is_not_reopened_while_the_next_is_open)
{
    struct err err = {0};
    ck_assert_int_eq(give(1, COMMAND_PLAN_START, 0, &err), 0);
    ck_assert_int_eq(give(2, COMMAND_TICKET_RESOLVE, 1, &err), 0);
    /* Resolved or closed, it can be taken up again, until the next one is there. */
    ck_assert_int_eq(give(3, COMMAND_TICKET_REOPEN, 1, &err), 0);
    ck_assert_int_eq(give(4, COMMAND_TICKET_RESOLVE, 1, &err), 0);
    ck_assert_int_eq(give(5, COMMAND_TICKET_CLOSE, 1, &err), 0);
    ck_assert_int_eq(give(6, COMMAND_PLAN_START, 0, &err), 0);
    ck_assert_int_eq(count("ticket.opened"), 2);
    ck_assert_int_eq(give(7, COMMAND_TICKET_REOPEN, 1, &err), ERR_REFUSED);
    ck_assert_str_eq(err.text, "ticket 1 is done and ticket 2 of the next visit is "
                               "open; use that one");
    ck_assert_int_eq(recorder->tickets[0].state, TICKET_CLOSED);
    ck_assert_int_eq(count("ticket.reopened"), 1);
    /* Nor by its device, which means the open one. */
    struct command c = {.t_ms = T0 + 8000,
                        .kind = COMMAND_TICKET_REOPEN,
                        .device = "feeder",
                        .by = "li",
                        .note = "said"};
    ck_assert_int_eq(pipeline_command(pipeline, &c, NULL, &err), ERR_REFUSED);
    ck_assert_int_eq(give(9, COMMAND_TICKET_RESOLVE, 2, &err), 0);
    ck_assert_int_eq(give(10, COMMAND_TICKET_REOPEN, 1, &err), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("one ticket");
    TCase *tc = tcase_create("one ticket");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_line_that_fails_is_one_ticket);
    tcase_add_test(tc, a_feeder_that_fails_is_one_ticket);
    tcase_add_test(tc, meters_that_fail_each_for_itself_are_tickets_each);
    tcase_add_test(tc, an_alarm_that_chatters_is_one_ticket);
    tcase_add_test(tc, a_past_visit_is_not_reopened_while_the_next_is_open);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
