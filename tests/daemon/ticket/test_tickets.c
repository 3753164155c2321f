#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

#define T0 1772360070000LL /* 2026-03-01T10:14:30Z */

static struct recorder *recorder;
static struct tickets *tickets;

static void
setup(void)
{
    recorder = recorder_new();
    recorder->short_lines = true;
    recorder->origin_ms = T0;
    tickets = tickets_new(small_site(), &recorder->sink, 1);
}

static void
teardown(void)
{
    tickets_free(tickets);
    recorder_free(recorder);
}

/* Fires all that is due at or before `t_ms` after T0. */
static void
advance(int64_t t_ms)
{
    while (tickets_due(tickets) <= T0 + t_ms) {
        tickets_fire(tickets);
    }
}

static int64_t
alarm_at(int64_t t_ms, enum edge_kind what, uint32_t rule, enum severity severity)
{
    advance(t_ms);
    struct alarm a = {.severity = severity,
                      .title = "pump is ill",
                      .titles = {{"pump is ill", "泵有故障"}}};
    return tickets_alarm(tickets, T0 + t_ms, what, &a, PUMP_1, rule, false);
}

static int
command_at(int64_t t_ms, enum command_kind kind, int64_t ticket, const char *note)
{
    advance(t_ms);
    struct command c = {
        .t_ms = T0 + t_ms, .kind = kind, .ticket = ticket, .by = "li", .note = note};
    return tickets_command(tickets, &c, NULL, NULL);
}

static void
watch_at(int64_t t_ms, uint32_t rule, bool clear, int64_t since_ms)
{
    advance(t_ms);
    struct watch w = {.clear = clear,
                      .clear_since_ms = T0 + since_ms,
                      .while_now = true,
                      .while_last_ms = T0 + t_ms};
    tickets_watch(tickets, T0 + t_ms, PUMP_1, rule, &w);
}

static void
expect(const char *lines)
{
    char *text = recorder_take(recorder);
    ck_assert_str_eq(text, lines);
    free(text);
}

static const struct ticket *
row(int64_t number)
{
    return &recorder->tickets[number - 1];
}

/* Opens ticket 1 of DRY_RUN at T0, resolved by li one minute later, its alarm cleared
 * after another. */
static void
repaired(void)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    ck_assert_int_eq(command_at(MINUTE, COMMAND_TICKET_RESOLVE, 1, "primed"), 0);
    alarm_at(2 * MINUTE, EDGE_CLEARED, DRY_RUN, SEVERITY_URGENT);
    recorder_forget(recorder);
}

START_TEST(an_alarm_opens_a_ticket_as_the_contract_writes_it)
{
    recorder->short_lines = false;
    ck_assert_int_eq(alarm_at(0, EDGE_RAISED, BEARING_HOT, SEVERITY_URGENT), 1);
    expect("{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"ticket.opened\","
           "\"ticket\":1,\"device\":\"pump-1\",\"rule\":\"bearing-hot\","
           "\"priority\":\"urgent\",\"kind\":\"fault\"}");
    ck_assert_str_eq(row(1)->title, "pump is ill");
    ck_assert_str_eq(row(1)->titles.in[LANGUAGE_ZH_CN], "泵有故障");
    ck_assert_str_eq(row(1)->team, "mechanical");
    ck_assert_int_eq(row(1)->episodes, 1);
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + 10 * MINUTE); /* The rule's own. */
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + 2 * HOUR);
}
END_TEST

static const struct {
    enum severity severity;
    int64_t respond, resolve;
} promises[] = {{SEVERITY_NORMAL, 2 * HOUR, 24 * HOUR},
                {SEVERITY_URGENT, 30 * MINUTE, 2 * HOUR},
                {SEVERITY_CRITICAL, 15 * MINUTE, 30 * MINUTE}};

START_TEST(deadlines_are_those_of_the_priority)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, promises[_i].severity);
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + promises[_i].respond);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + promises[_i].resolve);
    ck_assert_int_eq(tickets_due(tickets), T0 + promises[_i].respond * 4 / 5);
}
END_TEST

START_TEST(info_never_opens_and_never_joins)
{
    ck_assert_int_eq(alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_INFO), 0);
    ck_assert_int_eq(alarm_at(1, EDGE_CLEARED, DRY_RUN, SEVERITY_INFO), 0);
    expect("");
    ck_assert_int_eq(alarm_at(2, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL), 1);
    alarm_at(3, EDGE_CLEARED, DRY_RUN, SEVERITY_NORMAL);
    expect("2ms opened 1 normal");
    alarm_at(4, EDGE_RAISED, DRY_RUN, SEVERITY_INFO);
    expect("");
    ck_assert_int_eq(row(1)->episodes, 1);
}
END_TEST

START_TEST(info_that_rises_opens)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_INFO);
    ck_assert_int_eq(alarm_at(1, EDGE_CHANGED, DRY_RUN, SEVERITY_NORMAL), 1);
    expect("1ms opened 1 normal");
}
END_TEST

START_TEST(a_further_episode_joins_the_open_ticket)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    ck_assert_int_eq(alarm_at(1, EDGE_CLEARED, DRY_RUN, SEVERITY_NORMAL), 1);
    ck_assert_int_eq(row(1)->cleared_ms, T0 + 1);
    ck_assert_int_eq(alarm_at(2, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL), 1);
    expect("0s opened 1 normal; 2ms joined 1 normal");
    ck_assert_int_eq(row(1)->episodes, 2);
    ck_assert_int_eq(row(1)->cleared_ms, INSTANT_NONE);
    alarm_at(3, EDGE_CLEARED, DRY_RUN, SEVERITY_NORMAL);
    alarm_at(4, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    expect("4ms joined 1 normal; 4ms changed 1 urgent");
}
END_TEST

START_TEST(another_rule_or_device_has_its_own_ticket)
{
    ck_assert_int_eq(alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL), 1);
    ck_assert_int_eq(alarm_at(0, EDGE_RAISED, VIBRATION, SEVERITY_NORMAL), 2);
    ck_assert_int_eq(tickets_open_number(tickets, PUMP_1, DRY_RUN), 1);
    ck_assert_int_eq(tickets_open_number(tickets, PUMP_1, VIBRATION), 2);
    ck_assert_int_eq(tickets_open_number(tickets, PUMP_2, DRY_RUN), 0);
}
END_TEST

START_TEST(priority_rises_with_the_alarm_and_never_falls)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    alarm_at(MINUTE, EDGE_CHANGED, DRY_RUN, SEVERITY_URGENT);
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + 31 * MINUTE);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + MINUTE + 2 * HOUR);
    alarm_at(2 * MINUTE, EDGE_CHANGED, DRY_RUN, SEVERITY_NORMAL);
    ck_assert_int_eq(row(1)->priority, SEVERITY_URGENT);
    expect("0s opened 1 normal; 1m changed 1 urgent");
}
END_TEST

START_TEST(a_rise_keeps_the_nearer_deadline)
{
    alarm_at(0, EDGE_RAISED, BEARING_HOT, SEVERITY_NORMAL); /* Respond by 10m. */
    alarm_at(9 * MINUTE, EDGE_CHANGED, BEARING_HOT, SEVERITY_URGENT);
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + 10 * MINUTE);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + 9 * MINUTE + 2 * HOUR);
    expect("0s opened 1 normal; 8m warned 1 normal respond; 9m changed 1 urgent");
    advance(10 * MINUTE);
    expect("10m breached 1 urgent respond");
}
END_TEST

START_TEST(deadlines_warn_at_four_fifths_and_breach_once)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    advance(30 * DAY);
    expect("0s opened 1 urgent; 24m warned 1 urgent respond; "
           "30m breached 1 urgent respond; 1h 36m warned 1 urgent resolve; "
           "2h breached 1 urgent resolve");
    ck_assert_int_eq(tickets_due(tickets), INSTANT_MAX);
}
END_TEST

START_TEST(arriving_stops_the_respond_clock_and_resolving_the_other)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    command_at(25 * MINUTE, COMMAND_TICKET_ARRIVE, 1, NULL);
    command_at(100 * MINUTE, COMMAND_TICKET_RESOLVE, 1, "primed");
    advance(30 * DAY);
    expect("0s opened 1 urgent; 24m warned 1 urgent respond; 25m assigned 1 urgent li "
           "li; 25m responded 1 urgent li; 1h 36m warned 1 urgent resolve; "
           "1h 40m resolved 1 urgent li");
}
END_TEST

START_TEST(waiting_stops_the_resolve_clock_only)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    command_at(10 * MINUTE, COMMAND_TICKET_WAIT, 1, "bearing ordered");
    advance(DAY);
    expect("0s opened 1 urgent; 10m waiting 1 urgent li; 24m warned 1 urgent respond; "
           "30m breached 1 urgent respond");
    command_at(DAY + 10 * MINUTE, COMMAND_TICKET_RESUME, 1, NULL);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + DAY + 2 * HOUR);
    ck_assert_int_eq(row(1)->state, TICKET_OPENED);
    advance(3 * DAY);
    expect("1d resumed 1 urgent li; 1d 1h warned 1 urgent resolve; "
           "1d 2h breached 1 urgent resolve");
}
END_TEST

START_TEST(a_rise_while_waiting_gives_the_whole_promise_after_the_pause)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    command_at(HOUR, COMMAND_TICKET_WAIT, 1, "parts");
    alarm_at(5 * HOUR, EDGE_CHANGED, DRY_RUN, SEVERITY_CRITICAL);
    command_at(9 * HOUR, COMMAND_TICKET_RESUME, 1, NULL);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + 9 * HOUR + 30 * MINUTE);
}
END_TEST

START_TEST(resolving_out_of_a_pause_counts_the_pause)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    command_at(HOUR, COMMAND_TICKET_WAIT, 1, "parts");
    command_at(3 * HOUR, COMMAND_TICKET_RESOLVE, 1, "parts fitted");
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + 4 * HOUR);
    ck_assert_int_eq(row(1)->waiting_since_ms, INSTANT_NONE);
    ck_assert(!row(1)->resolve_breached);
}
END_TEST

START_TEST(a_clear_sensor_verifies_and_closes)
{
    repaired();
    watch_at(2 * MINUTE, DRY_RUN, true, 2 * MINUTE);
    ck_assert_int_eq(tickets_due(tickets), T0 + 7 * MINUTE);
    advance(DAY);
    expect("2m watched 1 urgent watching; 7m verified 1 urgent; 7m closed 1 urgent");
    ck_assert_int_eq(row(1)->state, TICKET_CLOSED);
    ck_assert_int_eq(row(1)->proof, PROOF_NONE);
    ck_assert_int_eq(row(1)->verified_ms, T0 + 7 * MINUTE);
    ck_assert_int_eq(row(1)->closed_ms, T0 + 7 * MINUTE);
}
END_TEST

START_TEST(an_alarm_that_clears_by_itself_closes_nothing)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    alarm_at(MINUTE, EDGE_CLEARED, DRY_RUN, SEVERITY_NORMAL);
    ck_assert(!tickets_wants_watch(tickets, PUMP_1, DRY_RUN));
    watch_at(MINUTE, DRY_RUN, true, MINUTE); /* Nobody asked for it. */
    advance(HOUR);
    expect("0s opened 1 normal");
}
END_TEST

START_TEST(verification_counts_from_the_latest_of_resolving_clearing_and_clear_signal)
{
    /* Resolved at 1m, cleared at 2m; the signal was clear already at 90 s: the
     * hysteresis of the alarm lies between. */
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    command_at(MINUTE, COMMAND_TICKET_RESOLVE, 1, NULL);
    watch_at(MINUTE, DRY_RUN, false, 0);
    watch_at(90 * SECOND, DRY_RUN, true, 90 * SECOND);
    ck_assert(tickets_wants_watch(tickets, PUMP_1, DRY_RUN));
    recorder_forget(recorder);
    advance(2 * MINUTE);
    alarm_at(2 * MINUTE, EDGE_CLEARED, DRY_RUN, SEVERITY_URGENT);
    ck_assert_int_eq(tickets_due(tickets), T0 + 7 * MINUTE);
    /* The signal is lost: unknown is not clear. */
    watch_at(4 * MINUTE, DRY_RUN, false, 0);
    advance(20 * MINUTE);
    expect("2m watched 1 urgent watching; 4m watched 1 urgent no-good-samples");
    watch_at(21 * MINUTE, DRY_RUN, true, 21 * MINUTE);
    advance(HOUR);
    expect("22m watched 1 urgent watching; 26m verified 1 urgent; 26m closed 1 urgent");
}
END_TEST

START_TEST(while_must_have_been_seen_after_the_repair)
{
    repaired();
    struct watch w = {.clear = true,
                      .clear_since_ms = T0 + MINUTE,
                      .while_now = false,
                      .while_last_ms = T0 + MINUTE};
    tickets_watch(tickets, T0 + 2 * MINUTE, PUMP_1, DRY_RUN, &w);
    advance(DAY);
    /* The pump did not run since: nothing was put to the test. */
    expect("2m watched 1 urgent not-running");
    ck_assert_int_eq(row(1)->proof, PROOF_NOT_RUNNING);
    w.while_now = true;
    tickets_watch(tickets, T0 + DAY, PUMP_1, DRY_RUN, &w);
    advance(DAY);
    expect("1d watched 1 urgent watching; 1d verified 1 urgent; 1d closed 1 urgent");
}
END_TEST

START_TEST(while_seen_briefly_after_the_repair_is_enough)
{
    repaired();
    struct watch w = {.clear = true,
                      .clear_since_ms = T0 + MINUTE,
                      .while_now = false,
                      .while_last_ms = T0 + 3 * MINUTE};
    tickets_watch(tickets, T0 + 3 * MINUTE, PUMP_1, DRY_RUN, &w);
    advance(DAY);
    expect("3m watched 1 urgent watching; 7m verified 1 urgent; 7m closed 1 urgent");
}
END_TEST

START_TEST(the_fault_that_returns_reopens_with_the_same_owner)
{
    repaired();
    watch_at(2 * MINUTE, DRY_RUN, true, 2 * MINUTE);
    ck_assert_int_eq(alarm_at(4 * MINUTE, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT), 1);
    expect("2m watched 1 urgent watching; 4m reopened 1 urgent li");
    ck_assert_int_eq(row(1)->proof, PROOF_NONE);
    ck_assert_int_eq(row(1)->state, TICKET_ASSIGNED);
    ck_assert_int_eq(row(1)->reopened, 1);
    ck_assert_int_eq(row(1)->episodes, 2);
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + 34 * MINUTE);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + 4 * MINUTE + 2 * HOUR);
    ck_assert_int_eq(row(1)->resolved_ms, INSTANT_NONE);
    advance(HOUR);
    expect("28m warned 1 urgent respond; 34m breached 1 urgent respond");
}
END_TEST

START_TEST(follow_up_decides_between_reopening_and_a_new_ticket)
{
    repaired();
    watch_at(2 * MINUTE, DRY_RUN, true, 2 * MINUTE);
    advance(7 * MINUTE);
    recorder_forget(recorder);
    /* Closed at 7m, follow-up two days; _i: the last moment inside, and the end. */
    int64_t t_ms = 7 * MINUTE + 2 * DAY - (_i == 0 ? 1 : 0);
    ck_assert_int_eq(alarm_at(t_ms, EDGE_RAISED, DRY_RUN, SEVERITY_CRITICAL), 1 + _i);
    expect(_i == 0 ? "2d reopened 1 critical li" : "2d opened 2 critical");
    ck_assert(_i == 0 || tickets_get(tickets, 1) == NULL);
}
END_TEST

START_TEST(a_resolved_ticket_whose_alarm_stands_waits_for_it)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    command_at(MINUTE, COMMAND_TICKET_RESOLVE, 1, "reset");
    recorder_forget(recorder);
    watch_at(MINUTE, DRY_RUN, true, MINUTE); /* Inside the hysteresis. */
    advance(HOUR);
    expect("1m watched 1 urgent alarm-stands");
    ck_assert_int_eq(command_at(HOUR, COMMAND_TICKET_CLOSE, 1, NULL), ERR_REFUSED);
    alarm_at(HOUR, EDGE_CHANGED, DRY_RUN, SEVERITY_CRITICAL);
    expect("1h changed 1 critical");
    alarm_at(HOUR + MINUTE, EDGE_CLEARED, DRY_RUN, SEVERITY_CRITICAL);
    advance(DAY);
    expect("1h 1m watched 1 critical watching; 1h 6m verified 1 critical; "
           "1h 6m closed 1 critical");
}
END_TEST

START_TEST(a_fault_that_falls_to_info_and_returns_reopens)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    ck_assert_int_eq(alarm_at(MINUTE, EDGE_CHANGED, DRY_RUN, SEVERITY_INFO), 1);
    command_at(2 * MINUTE, COMMAND_TICKET_RESOLVE, 1, "cleaned");
    recorder_forget(recorder);
    watch_at(2 * MINUTE, DRY_RUN, true, MINUTE);
    ck_assert_int_eq(tickets_due(tickets), INSTANT_MAX); /* It stands still. */
    alarm_at(3 * MINUTE, EDGE_CHANGED, DRY_RUN, SEVERITY_NORMAL);
    expect("2m watched 1 normal alarm-stands; 3m reopened 1 normal li");
}
END_TEST

START_TEST(timers_of_one_time_fire_in_order)
{
    /* Ticket 1 verifies at 24m, when tickets 2 and 3 warn. */
    alarm_at(0, EDGE_RAISED, VIBRATION, SEVERITY_URGENT);
    struct alarm a = {.severity = SEVERITY_URGENT};
    tickets_alarm(tickets, T0, EDGE_RAISED, &a, PUMP_2, VIBRATION, false);
    tickets_alarm(tickets, T0, EDGE_RAISED, &a, LIFT_1, DRY_RUN, false);
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    command_at(MINUTE, COMMAND_TICKET_RESOLVE, 4, NULL);
    alarm_at(19 * MINUTE, EDGE_CLEARED, DRY_RUN, SEVERITY_URGENT);
    watch_at(19 * MINUTE, DRY_RUN, true, 19 * MINUTE);
    recorder_forget(recorder);
    advance(24 * MINUTE);
    /* The sensor first; then by device, in whatever order they were opened. */
    expect("24m verified 4 urgent; 24m closed 4 urgent; 24m warned 3 urgent respond; "
           "24m warned 1 urgent respond; 24m warned 2 urgent respond");
}
END_TEST

START_TEST(overdue_deadlines_fire_at_their_own_time_and_not_again)
{
    alarm_at(0, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT);
    advance(24 * MINUTE);
    struct ticket stored = *row(1);
    recorder_forget(recorder);
    tickets_free(tickets);
    tickets = tickets_new(small_site(), &recorder->sink, 1);
    tickets_restore(tickets, &stored, true);
    expect("");
    advance(5 * DAY); /* The program was off for days. */
    expect("30m breached 1 urgent respond; 1h 36m warned 1 urgent resolve; "
           "2h breached 1 urgent resolve");
    ck_assert_int_eq(alarm_at(5 * DAY, EDGE_RAISED, VIBRATION, SEVERITY_NORMAL), 2);
}
END_TEST

START_TEST(a_ticket_of_equipment_that_is_gone_is_still_work)
{
    struct ticket stored = {.number = 9,
                            .device = "old-pump",
                            .rule = "old-rule",
                            .state = TICKET_ASSIGNED,
                            .priority = SEVERITY_NORMAL,
                            .assignee = "li",
                            .respond_by_ms = T0 + HOUR,
                            .resolve_by_ms = T0 + DAY,
                            .respond_from_ms = T0,
                            .resolve_from_ms = T0,
                            .respond_warn_ms = T0 + 48 * MINUTE,
                            .resolve_warn_ms = T0 + 20 * HOUR,
                            .escalate_ms = INSTANT_NONE,
                            .assign_ms = INSTANT_NONE,
                            .responded_ms = INSTANT_NONE,
                            .cleared_ms = INSTANT_NONE};
    tickets_restore(tickets, &stored, false);
    ck_assert_str_eq(tickets_get(tickets, 9)->device, "old-pump");
    ck_assert_int_eq(command_at(MINUTE, COMMAND_TICKET_RESOLVE, 9, "scrapped"), 0);
    ck_assert_int_eq(command_at(MINUTE, COMMAND_TICKET_CLOSE, 9, NULL), 0);
    expect("1m resolved 9 normal li; 1m closed 9 normal li");
    ck_assert_int_eq(alarm_at(HOUR, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL), 10);
}
END_TEST

START_TEST(a_stepped_clock_moves_deadlines_and_verification)
{
    repaired();
    watch_at(2 * MINUTE, DRY_RUN, true, 2 * MINUTE);
    alarm_at(2 * MINUTE, EDGE_RAISED, VIBRATION, SEVERITY_URGENT);
    recorder_forget(recorder);
    tickets_shift(tickets, T0 + 2 * MINUTE, 3 * DAY);
    ck_assert_int_eq(row(2)->respond_by_ms, T0 + 3 * DAY + 32 * MINUTE);
    ck_assert_int_eq(row(1)->resolved_ms, T0 + 3 * DAY + MINUTE);
    advance(4 * DAY);
    expect("3d verified 1 urgent; 3d closed 1 urgent; 3d warned 2 urgent respond; "
           "3d breached 2 urgent respond; 3d 1h warned 2 urgent resolve; "
           "3d 2h breached 2 urgent resolve");
    ck_assert_int_eq(row(1)->closed_ms, T0 + 3 * DAY + 7 * MINUTE);
}
END_TEST

START_TEST(closed_tickets_are_forgotten_after_their_follow_up)
{
    for (int i = 0; i < 1000; i++) {
        int64_t t_ms = i * 3 * DAY;
        int64_t number = alarm_at(t_ms, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
        ck_assert_int_eq(number, i + 1);
        alarm_at(t_ms + 1, EDGE_CLEARED, DRY_RUN, SEVERITY_NORMAL);
        ck_assert_int_eq(command_at(t_ms + 2, COMMAND_TICKET_RESOLVE, number, "primed"),
                         0);
        ck_assert_int_eq(command_at(t_ms + 3, COMMAND_TICKET_CLOSE, number, NULL), 0);
        ck_assert_ptr_nonnull(tickets_get(tickets, number));
        ck_assert_ptr_null(tickets_get(tickets, number - 1));
    }
}
END_TEST

/* One of the group "trip" on pump-1; `others`: another one stands. */
static int64_t
group_at(int64_t t_ms, enum edge_kind what, uint32_t rule, bool others)
{
    advance(t_ms);
    struct alarm a = {.severity = SEVERITY_URGENT, .title = "pump is ill"};
    return tickets_alarm(tickets, T0 + t_ms, what, &a, PUMP_1, rule, others);
}

START_TEST(alarms_of_one_group_share_a_ticket)
{
    ck_assert_int_eq(group_at(0, EDGE_RAISED, TRIPPED, false), 1);
    ck_assert_int_eq(group_at(SECOND, EDGE_RAISED, LOCKED, true), 1);
    expect("0s opened 1 urgent; 1s joined 1 urgent");
    ck_assert_str_eq(recorder->tickets[0].rule, "tripped");
    ck_assert_int_eq(recorder->tickets[0].episodes, 2);
    /* One is gone: the fault still stands. */
    ck_assert_int_eq(group_at(2 * SECOND, EDGE_CLEARED, TRIPPED, true), 1);
    ck_assert_int_eq(recorder->tickets[0].cleared_ms, INSTANT_NONE);
    ck_assert_int_eq(command_at(3 * SECOND, COMMAND_TICKET_RESOLVE, 1, "done"), 0);
    watch_at(3 * SECOND, TRIPPED, true, 2 * SECOND);
    ck_assert_int_eq(command_at(4 * SECOND, COMMAND_TICKET_CLOSE, 1, NULL),
                     ERR_REFUSED);
    advance(HOUR);
    expect("3s assigned 1 urgent li li; 3s resolved 1 urgent li; "
           "3s watched 1 urgent alarm-stands");
    /* The last is gone: from here the repair is verified. */
    ck_assert_int_eq(group_at(HOUR, EDGE_CLEARED, LOCKED, false), 1);
    advance(HOUR + 5 * MINUTE);
    expect("1h watched 1 urgent watching; 1h 5m verified 1 urgent; "
           "1h 5m closed 1 urgent");
    /* Whichever of the group returns, it is the same fault. */
    ck_assert_int_eq(group_at(2 * HOUR, EDGE_RAISED, LOCKED, false), 1);
    expect("2h reopened 1 urgent li");
    /* A rule without that group has a ticket of its own. */
    ck_assert_int_eq(alarm_at(2 * HOUR, EDGE_RAISED, DRY_RUN, SEVERITY_URGENT), 2);
}
END_TEST

START_TEST(one_of_a_group_that_follows_on_another_is_a_further_episode)
{
    group_at(0, EDGE_RAISED, TRIPPED, false);
    /* Of one step: the first clears, and the second stands by then. */
    group_at(SECOND, EDGE_CLEARED, TRIPPED, true);
    group_at(SECOND, EDGE_RAISED, LOCKED, false);
    expect("0s opened 1 urgent; 1s joined 1 urgent");
}
END_TEST

/* The site, where locked only predicts what tripped says. */
static void
predict(void)
{
    static struct site copy;
    static struct rule_spec rules[64];
    copy = *small_site();
    ck_assert_uint_le(copy.rule_count, ARRAY_LEN(rules));
    memcpy(rules, copy.rules, copy.rule_count * sizeof *rules);
    copy.rules = rules;
    rules[LOCKED].ticket_kind = TICKET_PREDICTED;
    tickets_free(tickets);
    tickets = tickets_new(&copy, &recorder->sink, 1);
}

START_TEST(what_was_predicted_comes_true)
{
    predict();
    ck_assert_int_eq(group_at(0, EDGE_RAISED, LOCKED, false), 1);
    ck_assert_int_eq(row(1)->kind, TICKET_PREDICTED);
    /* It lives as every other: resolved, cleared, verified, and back. */
    ck_assert_int_eq(command_at(SECOND, COMMAND_TICKET_RESOLVE, 1, "done"), 0);
    group_at(2 * SECOND, EDGE_CLEARED, LOCKED, false);
    watch_at(2 * SECOND, LOCKED, true, 2 * SECOND);
    advance(HOUR);
    ck_assert_int_eq(row(1)->state, TICKET_CLOSED);
    group_at(2 * HOUR, EDGE_RAISED, LOCKED, false);
    ck_assert_int_eq(row(1)->kind, TICKET_PREDICTED);
    ck_assert_int_eq(row(1)->reopened, 1);
    recorder->short_lines = false;
    recorder_forget(recorder);
    ck_assert_int_eq(group_at(2 * HOUR + SECOND, EDGE_RAISED, TRIPPED, true), 1);
    ck_assert_int_eq(row(1)->kind, TICKET_FAULT);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 0),
                                 "\"event\":\"ticket.changed\",\"ticket\":1,"
                                 "\"device\":\"pump-1\",\"rule\":\"locked\","
                                 "\"priority\":\"urgent\",\"kind\":\"fault\""));
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 1), "ticket.joined"));
    /* Once, and for good. */
    recorder_forget(recorder);
    group_at(2 * HOUR + 2 * SECOND, EDGE_RAISED, LOCKED, true);
    ck_assert_int_eq(row(1)->kind, TICKET_FAULT);
    ck_assert_ptr_nonnull(strstr(recorder_line(recorder, 0), "ticket.joined"));
}
END_TEST

START_TEST(a_fault_that_is_predicted_later_stays_one)
{
    predict();
    ck_assert_int_eq(group_at(0, EDGE_RAISED, TRIPPED, false), 1);
    ck_assert_int_eq(group_at(SECOND, EDGE_RAISED, LOCKED, true), 1);
    ck_assert_int_eq(row(1)->kind, TICKET_FAULT);
    expect("0s opened 1 urgent; 1s joined 1 urgent");
}
END_TEST

static void
add_life(TCase *tc)
{
    tcase_add_test(tc, an_alarm_opens_a_ticket_as_the_contract_writes_it);
    tcase_add_loop_test(tc, deadlines_are_those_of_the_priority, 0,
                        (int)ARRAY_LEN(promises));
    tcase_add_test(tc, info_never_opens_and_never_joins);
    tcase_add_test(tc, info_that_rises_opens);
    tcase_add_test(tc, a_further_episode_joins_the_open_ticket);
    tcase_add_test(tc, another_rule_or_device_has_its_own_ticket);
    tcase_add_test(tc, priority_rises_with_the_alarm_and_never_falls);
    tcase_add_test(tc, the_fault_that_returns_reopens_with_the_same_owner);
    tcase_add_loop_test(tc, follow_up_decides_between_reopening_and_a_new_ticket, 0, 2);
    tcase_add_test(tc, a_fault_that_falls_to_info_and_returns_reopens);
    tcase_add_test(tc, a_ticket_of_equipment_that_is_gone_is_still_work);
    tcase_add_test(tc, closed_tickets_are_forgotten_after_their_follow_up);
}

static void
add_clocks(TCase *tc)
{
    tcase_add_test(tc, a_rise_keeps_the_nearer_deadline);
    tcase_add_test(tc, deadlines_warn_at_four_fifths_and_breach_once);
    tcase_add_test(tc, arriving_stops_the_respond_clock_and_resolving_the_other);
    tcase_add_test(tc, waiting_stops_the_resolve_clock_only);
    tcase_add_test(tc, a_rise_while_waiting_gives_the_whole_promise_after_the_pause);
    tcase_add_test(tc, resolving_out_of_a_pause_counts_the_pause);
    tcase_add_test(tc, timers_of_one_time_fire_in_order);
    tcase_add_test(tc, overdue_deadlines_fire_at_their_own_time_and_not_again);
    tcase_add_test(tc, a_stepped_clock_moves_deadlines_and_verification);
}

static void
add_verification(TCase *tc)
{
    tcase_add_test(tc, a_clear_sensor_verifies_and_closes);
    tcase_add_test(tc, an_alarm_that_clears_by_itself_closes_nothing);
    tcase_add_test(
        tc, verification_counts_from_the_latest_of_resolving_clearing_and_clear_signal);
    tcase_add_test(tc, while_must_have_been_seen_after_the_repair);
    tcase_add_test(tc, while_seen_briefly_after_the_repair_is_enough);
    tcase_add_test(tc, a_resolved_ticket_whose_alarm_stands_waits_for_it);
    tcase_add_test(tc, alarms_of_one_group_share_a_ticket);
    tcase_add_test(tc, one_of_a_group_that_follows_on_another_is_a_further_episode);
    tcase_add_test(tc, what_was_predicted_comes_true);
    tcase_add_test(tc, a_fault_that_is_predicted_later_stays_one);
}

int
main(void)
{
    Suite *suite = suite_create("tickets");
    static const struct {
        const char *name;
        void (*add)(TCase *tc);
    } cases[] = {
        {"life", add_life}, {"clocks", add_clocks}, {"verification", add_verification}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TCase *tc = tcase_create(cases[i].name);
        tcase_add_checked_fixture(tc, setup, teardown);
        cases[i].add(tc);
        suite_add_tcase(suite, tc);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
