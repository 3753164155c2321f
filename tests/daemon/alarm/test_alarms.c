#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/alarms.h"
#include "daemon/base/instant.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

#define T0 1772360070000LL /* 2026-03-01T10:14:30Z */

static struct recorder *recorder;
static struct alarms *alarms;

static void
setup(void)
{
    recorder = recorder_new();
    alarms = alarms_new(small_site(), &recorder->sink, NULL);
}

static void
teardown(void)
{
    alarms_free(alarms);
    recorder_free(recorder);
}

/* One step with one edge: the alarm, or NULL when nobody was told anything. */
static const struct alarm *
step(const struct edge *e, const char *title)
{
    size_t before = recorder->count;
    alarms_edge(alarms, e, title);
    alarms_settle(alarms, e->t_ms);
    for (size_t i = 0; recorder->count > before && i < recorder->alarm_count; i++) {
        const struct alarm *a = &recorder->alarms[i];
        if (strcmp(a->device, small_site()->devices[e->device].id) == 0 &&
            strcmp(a->rule, small_site()->rules[e->rule].id) == 0) {
            return a;
        }
    }
    return NULL;
}

static const struct alarm *
edge(int64_t t_ms, enum edge_kind kind, enum severity severity, double value)
{
    struct edge e = {.t_ms = t_ms,
                     .kind = kind,
                     .device = PUMP_1,
                     .rule = BEARING_HOT,
                     .severity = severity,
                     .has_value = true,
                     .value = value};
    return step(&e, "bearing hot");
}

static int
ack(int64_t t_ms, const char *by, const char *note, struct err *err)
{
    struct command c = {.t_ms = t_ms,
                        .kind = COMMAND_ACK,
                        .device = "pump-1",
                        .rule = "bearing-hot",
                        .by = by,
                        .note = note};
    return alarms_command(alarms, &c, err);
}

static enum alarm_state
state(void)
{
    const struct alarm *a = alarms_get(alarms, PUMP_1, BEARING_HOT);
    return a != NULL ? a->state : ALARM_NORMAL;
}

START_TEST(an_alarm_is_raised_as_the_contract_writes_it)
{
    const struct alarm *a = edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->state, ALARM_ACTIVE);
    ck_assert_int_eq(a->raised_ms, T0);
    ck_assert_int_eq(a->cleared_ms, INSTANT_NONE);
    ck_assert_str_eq(a->title, "bearing hot");
    ck_assert_uint_eq(recorder->count, 1);
    ck_assert_str_eq(recorder_line(recorder, 0),
                     "{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"alarm.raised\","
                     "\"device\":\"pump-1\",\"rule\":\"bearing-hot\","
                     "\"severity\":\"urgent\",\"value\":81.2,\"episode\":1}");
}
END_TEST

START_TEST(the_row_comes_before_its_event)
{
    recorder->rows_too = true;
    edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    ck_assert_uint_eq(recorder->count, 2);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 0), "row "));
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 1), "alarm.raised"));
}
END_TEST

/* One letter a step: R raise, U raise at a higher severity, D change to a lower one,
 * C clear, A acknowledge; a lower-case letter must change nothing. */
static const struct {
    const char *name;
    const char *steps;
    enum alarm_state state;
    int64_t episode;
} walks[] = {
    {"raised is active", "R", ALARM_ACTIVE, 1},
    {"raised twice is one episode", "Rr", ALARM_ACTIVE, 1},
    {"acknowledged stays until it clears", "RA", ALARM_ACTIVE_ACKED, 1},
    {"acknowledged twice is refused", "RAa", ALARM_ACTIVE_ACKED, 1},
    {"cleared waits for its acknowledgement", "RC", ALARM_CLEARED, 1},
    {"cleared twice is told once", "RCc", ALARM_CLEARED, 1},
    {"acknowledged, then cleared, is normal", "RAC", ALARM_NORMAL, 1},
    {"cleared, then acknowledged, is normal", "RCA", ALARM_NORMAL, 1},
    {"nothing to acknowledge when normal", "RCAa", ALARM_NORMAL, 1},
    {"nothing to clear when normal", "RACc", ALARM_NORMAL, 1},
    {"never raised cannot clear", "c", ALARM_NORMAL, 0},
    {"never raised cannot be acknowledged", "a", ALARM_NORMAL, 0},
    {"raised again while cleared is the next episode", "RCR", ALARM_ACTIVE, 2},
    {"raised again after normal is the next episode", "RACR", ALARM_ACTIVE, 2},
    {"a new episode wants its own acknowledgement", "RACRC", ALARM_CLEARED, 2},
    {"a rise takes the acknowledgement back", "RAU", ALARM_ACTIVE, 1},
    {"a rise can be acknowledged anew", "RAUA", ALARM_ACTIVE_ACKED, 1},
    {"a fall keeps the acknowledgement", "RAD", ALARM_ACTIVE_ACKED, 1},
    {"a fall after a rise keeps it, too", "RUAD", ALARM_ACTIVE_ACKED, 1},
    {"up and down again", "RUD", ALARM_ACTIVE, 1},
    {"a change of one that is not raised raises it", "U", ALARM_ACTIVE, 1},
    {"a change after clearing raises it", "RCU", ALARM_ACTIVE, 2},
};

static bool
walk_step(char letter, int64_t t_ms)
{
    switch (letter) {
    case 'R':
        return edge(t_ms, EDGE_RAISED, SEVERITY_NORMAL, 1) != NULL;
    case 'U':
        return edge(t_ms, EDGE_CHANGED, SEVERITY_URGENT, 2) != NULL;
    case 'D':
        return edge(t_ms, EDGE_CHANGED, SEVERITY_INFO, 0) != NULL;
    case 'C':
        return edge(t_ms, EDGE_CLEARED, SEVERITY_NORMAL, 0) != NULL;
    case 'A':
        return ack(t_ms, "zhang", NULL, NULL) == 0;
    default:
        ck_abort_msg("no such step");
        return false;
    }
}

START_TEST(states_follow_the_steps)
{
    int64_t t_ms = T0;
    for (const char *c = walks[_i].steps; *c != '\0'; c++, t_ms += SECOND) {
        bool news = *c >= 'A' && *c <= 'Z';
        size_t before = recorder->count;
        ck_assert_msg(walk_step(news ? *c : (char)(*c - 'a' + 'A'), t_ms) == news,
                      "%s: step %c", walks[_i].name, *c);
        ck_assert_msg(recorder->count == before + (news ? 1 : 0), "%s: step %c",
                      walks[_i].name, *c);
    }
    ck_assert_msg(state() == walks[_i].state, "%s", walks[_i].name);
    if (walks[_i].episode > 0) {
        ck_assert_int_eq(recorder->alarms[0].episode, walks[_i].episode);
        ck_assert_int_eq(recorder->alarms[0].state, walks[_i].state);
    }
}
END_TEST

START_TEST(who_acknowledged_when_is_kept_until_the_next_episode)
{
    edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    ck_assert_int_eq(ack(T0 + 5, "张伟", "on my way", NULL), 0);
    edge(T0 + 9, EDGE_CLEARED, SEVERITY_URGENT, 70);
    const struct alarm *row = &recorder->alarms[0];
    ck_assert_int_eq(row->state, ALARM_NORMAL);
    ck_assert_int_eq(row->acked_ms, T0 + 5);
    ck_assert_str_eq(row->acked_by, "张伟");
    ck_assert_int_eq(row->cleared_ms, T0 + 9);
    ck_assert_ptr_nonnull(
        strstr(recorder_line(recorder, 1), "\"by\":\"张伟\",\"note\":\"on my way\""));
    edge(T0 + 20, EDGE_RAISED, SEVERITY_URGENT, 82);
    ck_assert_int_eq(row->acked_ms, INSTANT_NONE);
    ck_assert_str_eq(row->acked_by, "");
    ck_assert_int_eq(row->cleared_ms, INSTANT_NONE);
    ck_assert_int_eq(row->raised_ms, T0 + 20);
}
END_TEST

START_TEST(the_row_keeps_the_value_of_raising_and_the_event_has_that_of_clearing)
{
    edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    edge(T0 + 9, EDGE_CLEARED, SEVERITY_URGENT, 70.5);
    ck_assert_double_eq(recorder->alarms[0].value, 81.2);
    ck_assert_ptr_nonnull(
        strstr(recorder_line(recorder, 1), "\"value\":70.5,\"episode\":1}"));
}
END_TEST

START_TEST(refusals_say_why)
{
    struct err err = {0};
    ck_assert_int_eq(ack(T0, "zhang", NULL, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "alarm pump-1/bearing-hot is normal");
    edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    ck_assert_int_eq(ack(T0, "", NULL, &err), ERR_USAGE);
    ck_assert_int_eq(ack(T0, "zhang", NULL, &err), 0);
    ck_assert_int_eq(ack(T0, "li", NULL, &err), ERR_REFUSED);
    ck_assert_str_eq(err.text,
                     "alarm pump-1/bearing-hot was acknowledged by zhang already");
    struct command c = {.kind = COMMAND_ACK, .by = "li", .device = "pump-1"};
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_USAGE);
    c.rule = "no-such";
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_NOT_FOUND);
    c.rule = "dry-run";
    c.device = "no-such";
    ck_assert_int_eq(alarms_command(alarms, &c, &err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(the_ticket_is_tied_once)
{
    edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    recorder->rows_too = true;
    alarms_set_ticket(alarms, PUMP_1, BEARING_HOT, 7);
    ck_assert_uint_eq(recorder->count, 2);
    ck_assert_int_eq(recorder->alarms[0].ticket, 7);
    alarms_set_ticket(alarms, PUMP_1, BEARING_HOT, 7);
    alarms_set_ticket(alarms, PUMP_1, DRY_RUN, 8);
    ck_assert_uint_eq(recorder->count, 2);
}
END_TEST

static void
note_device(void *ctx, const struct alarm *row)
{
    char *text = ctx;
    strcat(text, row->device);
    strcat(text, "/");
    strcat(text, row->rule);
    strcat(text, " ");
}

START_TEST(the_listing_is_in_order_of_device_and_rule)
{
    static const uint32_t order[][2] = {
        {PUMP_2, DRY_RUN}, {LIFT_1, VIBRATION}, {PUMP_1, VIBRATION}, {PUMP_1, DRY_RUN}};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct edge e = {.t_ms = T0,
                         .kind = EDGE_RAISED,
                         .device = order[i][0],
                         .rule = order[i][1],
                         .severity = SEVERITY_INFO};
        ck_assert_ptr_nonnull(step(&e, NULL));
    }
    edge(T0, EDGE_RAISED, SEVERITY_NORMAL, 1);
    ck_assert_int_eq(ack(T0, "li", NULL, NULL), 0);
    edge(T0, EDGE_CLEARED, SEVERITY_NORMAL, 1); /* Normal again: not listed. */
    char text[400] = "";
    alarms_each(alarms, note_device, text);
    ck_assert_str_eq(text, "lift-1/vibration pump-1/dry-run pump-1/vibration "
                           "pump-2/dry-run ");
}
END_TEST

START_TEST(a_restored_alarm_goes_on_where_it_was)
{
    for (const char *const *steps = (const char *const[]){"R", "RA", "RC", "RAC", NULL};
         *steps != NULL; steps++) {
        struct recorder *first = recorder_new();
        struct alarms *a = alarms_new(small_site(), &first->sink, NULL);
        alarms_free(alarms);
        alarms = a;
        struct recorder *mine = recorder;
        recorder = first;
        for (const char *c = *steps; *c != '\0'; c++) {
            ck_assert(walk_step(*c, T0));
        }
        recorder = mine;
        alarms_free(alarms);
        alarms = alarms_new(small_site(), &recorder->sink, NULL);
        recorder_forget(recorder);
        ck_assert(alarms_restore(alarms, &first->alarms[0]));
        ck_assert_uint_eq(recorder->count, 0);
        bool raised = alarm_is_raised(&first->alarms[0]);
        ck_assert_int_eq(state(), first->alarms[0].state);
        ck_assert(walk_step('R', T0 + 1) == !raised);
        ck_assert_int_eq(alarms_get(alarms, PUMP_1, BEARING_HOT)->episode,
                         raised ? 1 : 2);
        recorder_free(first);
    }
}
END_TEST

START_TEST(a_row_of_a_device_or_rule_that_is_gone_is_given_back)
{
    struct alarm row = {.device = "gone", .rule = "dry-run", .state = ALARM_ACTIVE};
    ck_assert(!alarms_restore(alarms, &row));
    row.device = "pump-1";
    row.rule = "gone";
    ck_assert(!alarms_restore(alarms, &row));
}
END_TEST

START_TEST(a_stepped_clock_moves_what_is_listed)
{
    edge(T0, EDGE_RAISED, SEVERITY_URGENT, 81.2);
    edge(T0 + 5, EDGE_CLEARED, SEVERITY_URGENT, 70);
    recorder_forget(recorder);
    alarms_shift(alarms, -HOUR);
    ck_assert_uint_eq(recorder->count, 0);
    const struct alarm *a = alarms_get(alarms, PUMP_1, BEARING_HOT);
    ck_assert_int_eq(a->raised_ms, T0 - HOUR);
    ck_assert_int_eq(a->cleared_ms, T0 + 5 - HOUR);
    ck_assert_int_eq(a->acked_ms, INSTANT_NONE);
    ck_assert_int_eq(recorder->alarms[0].raised_ms, T0 - HOUR);
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    char title[3000] = "";
    char by[300] = "";
    for (int i = 0; i < 900; i++) {
        strcat(title, "泵");
    }
    for (int i = 0; i < 90; i++) {
        strcat(by, "张");
    }
    struct edge e = {.t_ms = T0,
                     .kind = EDGE_RAISED,
                     .device = PUMP_1,
                     .rule = BEARING_HOT,
                     .severity = SEVERITY_NORMAL};
    const struct alarm *a = step(&e, title);
    ck_assert_uint_eq(strlen(a->title), 255);
    ck_assert_int_eq(ack(T0, by, title, NULL), 0);
    ck_assert_uint_eq(strlen(recorder->alarms[0].acked_by), 63);
    ck_assert_ptr_null(strstr(recorder_line(recorder, 1), "\xEF\xBF\xBD"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("alarms");
    TCase *tc = tcase_create("life");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_alarm_is_raised_as_the_contract_writes_it);
    tcase_add_test(tc, the_row_comes_before_its_event);
    tcase_add_loop_test(tc, states_follow_the_steps, 0, (int)ARRAY_LEN(walks));
    tcase_add_test(tc, who_acknowledged_when_is_kept_until_the_next_episode);
    tcase_add_test(
        tc, the_row_keeps_the_value_of_raising_and_the_event_has_that_of_clearing);
    tcase_add_test(tc, refusals_say_why);
    tcase_add_test(tc, the_ticket_is_tied_once);
    tcase_add_test(tc, the_listing_is_in_order_of_device_and_rule);
    tcase_add_test(tc, a_restored_alarm_goes_on_where_it_was);
    tcase_add_test(tc, a_row_of_a_device_or_rule_that_is_gone_is_given_back);
    tcase_add_test(tc, a_stepped_clock_moves_what_is_listed);
    tcase_add_test(tc, long_texts_are_cut_between_characters);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
