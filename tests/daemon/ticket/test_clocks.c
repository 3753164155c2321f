/* Clocks, escalation and assignment of tickets whose team has hours and a rota, through
 * the whole life of a ticket. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/clocks.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

/* mon-fri 08:00-18:00, zhang and li in turn by weeks, quiet from 12:00 to 13:00; the
 * week of 2026-03-02 is zhang's. */
static const struct work_span office[] = {
    {0, 480, 1080}, {1, 480, 1080}, {2, 480, 1080}, {3, 480, 1080}, {4, 480, 1080}};
static const char *const turns[] = {"zhang", "li"};
static const struct escalation steps[] = {{15 * MINUTE, "chief"}, {30 * MINUTE, "sun"}};
static const char *const hot[] = {"heat"};
static const struct person people[] = {
    {.id = "zhang"}, {.id = "li"}, {.id = "chen", .role = "chief"}, {.id = "sun"}};
static struct team teams[2];
static struct rule_spec rules[2];
static struct device devices[] = {{.id = "pump-1", .name = "Pump 1", .type = "pump"}};
static struct site site;
static struct recorder *recorder;
static struct tickets *tickets;

static int64_t
at(const char *text)
{
    int64_t t_ms = 0;
    ck_assert_int_eq(instant_parse(&t_ms, text, NULL), 0);
    return t_ms;
}

static void
setup(void)
{
    instant_zone_set("Asia/Shanghai");
    teams[0] = (struct team){.id = "office",
                             .hours = office,
                             .hours_count = ARRAY_LEN(office),
                             .has_quiet = true,
                             .quiet_from_minute = 720,
                             .quiet_to_minute = 780,
                             .categories = hot,
                             .category_count = 1,
                             .rota = {.people = turns,
                                      .people_count = 2,
                                      .handover_minute = 480,
                                      .start = civil_from_date(2026, 3, 2)},
                             .escalate = steps,
                             .escalate_count = 2};
    teams[1] = (struct team){.id = "shift"};
    rules[0] = (struct rule_spec){.id = "hot",
                                  .category = "heat",
                                  .verify_for_ms = 5 * MINUTE,
                                  .follow_up_ms = 7 * DAY};
    rules[1] = (struct rule_spec){
        .id = "wet", .team = "shift", .verify_for_ms = MINUTE, .follow_up_ms = DAY};
    site = *small_site();
    site.devices = devices;
    site.device_count = 1;
    site.rules = rules;
    site.rule_count = 2;
    site.teams = teams;
    site.team_count = 2;
    site.people = (struct person *)(uintptr_t)people;
    site.person_count = ARRAY_LEN(people);
    recorder = recorder_new();
    recorder->short_lines = true;
    tickets = tickets_new(&site, &recorder->sink, 1);
}

static void
teardown(void)
{
    tickets_free(tickets);
    recorder_free(recorder);
}

static void
advance(const char *to)
{
    while (tickets_due(tickets) <= at(to)) {
        tickets_fire(tickets);
    }
}

static void
alarm_is(const char *when, enum edge_kind what, uint32_t rule, enum severity severity)
{
    advance(when);
    struct alarm a = {.severity = severity, .title = "ill"};
    tickets_alarm(tickets, at(when), what, &a, 0, rule, false);
}

static void
person_does(const char *when, enum command_kind kind, const char *by)
{
    advance(when);
    struct command c = {
        .t_ms = at(when), .kind = kind, .ticket = 1, .by = by, .note = "x"};
    struct err err;
    ck_assert_msg(tickets_command(tickets, &c, NULL, &err) == 0, "%s", err.text);
}

static const struct ticket *
row(void)
{
    return &recorder->tickets[0];
}

/* The lines since the last call, counted from `origin`, which the setup is told. */
static void
expect(const char *lines)
{
    char *text = recorder_take(recorder);
    ck_assert_str_eq(text, lines);
    free(text);
}

#define ck_assert_at(t_ms, text)                                                       \
    do {                                                                               \
        char is_[INSTANT_TEXT_BYTES];                                                  \
        ck_assert_msg(                                                                 \
            (t_ms) == at(text), "%s is %s, not %s", #t_ms,                             \
            (t_ms) == INSTANT_NONE ? "none" : instant_format_local(is_, t_ms), text);  \
    } while (0)

START_TEST(a_normal_ticket_of_the_night_waits_for_the_morning)
{
    recorder->origin_ms = at("2026-03-02 22:00"); /* Monday. */
    alarm_is("2026-03-02 22:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    expect("0s opened 1 normal");
    ck_assert_str_eq(row()->team, "office"); /* By its category. */
    ck_assert_str_eq(row()->category, "heat");
    ck_assert_at(row()->assign_ms, "2026-03-03 08:00");
    ck_assert_at(row()->escalate_ms, "2026-03-03 08:15");
    ck_assert_at(row()->respond_warn_ms, "2026-03-03 09:36");
    ck_assert_at(row()->respond_by_ms, "2026-03-03 10:00");
    ck_assert_at(row()->resolve_by_ms, "2026-03-05 15:00"); /* 24 h of 9 a day. */
    advance("2026-03-03 10:00");
    expect("10h assigned 1 normal zhang; 10h 15m escalated 1 normal; "
           "10h 30m escalated 1 normal; 11h 36m warned 1 normal respond; "
           "12h breached 1 normal respond");
    ck_assert_int_eq(row()->level, 2);
    ck_assert_int_eq(row()->escalate_ms, INSTANT_NONE);
    ck_assert_int_eq(row()->assign_ms, INSTANT_NONE);
    ck_assert_int_eq(row()->state, TICKET_ASSIGNED);
    ck_assert(!row()->taken);
}
END_TEST

START_TEST(who_is_on_duty_when_the_team_works_again_gets_it)
{
    recorder->origin_ms = at("2026-03-07 12:00"); /* Saturday; Monday is li's. */
    alarm_is("2026-03-07 12:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    advance("2026-03-09 08:00");
    expect("0s opened 1 normal; 1d 20h assigned 1 normal li");
}
END_TEST

START_TEST(an_urgent_one_never_waits)
{
    recorder->origin_ms = at("2026-03-07 23:00");
    alarm_is("2026-03-07 23:00", EDGE_RAISED, 0, SEVERITY_URGENT);
    expect("0s opened 1 urgent; 0s assigned 1 urgent zhang");
    ck_assert_at(row()->respond_by_ms, "2026-03-07 23:30");
    ck_assert_at(row()->resolve_by_ms, "2026-03-08 01:00");
    advance("2026-03-07 23:45");
    expect("15m escalated 1 urgent; 24m warned 1 urgent respond; "
           "30m breached 1 urgent respond; 30m escalated 1 urgent");
}
END_TEST

START_TEST(an_escalation_says_its_level_and_whom_it_reaches)
{
    recorder->short_lines = false;
    alarm_is("2026-03-02 22:00", EDGE_RAISED, 0, SEVERITY_URGENT);
    advance("2026-03-02 22:16");
    const char *line = recorder_line(recorder, 2);
    ck_assert_ptr_nonnull(strstr(line, "\"event\":\"ticket.escalated\",\"ticket\":1"));
    ck_assert_ptr_nonnull(strstr(line, "\"level\":1,\"to\":\"chen\""));
    ck_assert_ptr_null(strstr(line, "\"by\""));
    ck_assert_ptr_null(strstr(recorder_line(recorder, 1), "\"by\""));
}
END_TEST

START_TEST(who_arrives_stops_the_escalation)
{
    recorder->origin_ms = at("2026-03-03 09:00");
    alarm_is("2026-03-03 09:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    person_does("2026-03-03 09:20", COMMAND_TICKET_ARRIVE, "zhang");
    advance("2026-03-03 12:00");
    expect("0s opened 1 normal; 0s assigned 1 normal zhang; 15m escalated 1 normal; "
           "20m responded 1 normal zhang");
}
END_TEST

START_TEST(a_pause_stops_the_resolve_clock_for_working_time_only)
{
    alarm_is("2026-03-05 16:00", EDGE_RAISED, 0, SEVERITY_NORMAL); /* Thursday. */
    ck_assert_at(row()->resolve_by_ms, "2026-03-10 12:00");
    person_does("2026-03-05 16:10", COMMAND_TICKET_ARRIVE, "zhang");
    person_does("2026-03-06 17:00", COMMAND_TICKET_WAIT, "zhang"); /* Friday. */
    person_does("2026-03-09 09:00", COMMAND_TICKET_RESUME, "zhang");
    /* It waited two working hours over the weekend. */
    ck_assert_at(row()->resolve_by_ms, "2026-03-10 15:00");
    /* A pause that is all outside of the hours moves nothing. */
    person_does("2026-03-09 20:00", COMMAND_TICKET_WAIT, "zhang");
    person_does("2026-03-10 07:00", COMMAND_TICKET_RESUME, "zhang");
    ck_assert_at(row()->resolve_by_ms, "2026-03-10 15:00");
}
END_TEST

START_TEST(a_deadline_missed_before_the_pause_stays_missed)
{
    recorder->origin_ms = at("2026-03-02 10:00");
    alarm_is("2026-03-02 10:00", EDGE_RAISED, 1, SEVERITY_URGENT);
    person_does("2026-03-02 10:10", COMMAND_TICKET_ARRIVE, "li");
    person_does("2026-03-02 13:00", COMMAND_TICKET_WAIT, "li");
    person_does("2026-03-02 15:00", COMMAND_TICKET_RESUME, "li");
    ck_assert_at(row()->resolve_by_ms, "2026-03-02 14:00"); /* Late by one hour. */
    recorder_forget(recorder);
    advance("2026-03-09 10:00");
    expect(""); /* It is told once. */
}
END_TEST

START_TEST(a_rise_ends_the_waiting_for_the_morning)
{
    recorder->origin_ms = at("2026-03-02 22:00");
    alarm_is("2026-03-02 22:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    alarm_is("2026-03-02 23:00", EDGE_CHANGED, 0, SEVERITY_URGENT);
    expect("0s opened 1 normal; 1h changed 1 urgent; 1h assigned 1 urgent zhang");
    ck_assert_at(row()->respond_by_ms, "2026-03-02 23:30");
    ck_assert_at(row()->resolve_by_ms, "2026-03-03 01:00");
    ck_assert_at(row()->escalate_ms, "2026-03-02 23:15"); /* What was left of it. */
    advance("2026-03-02 23:30");
    expect("1h 15m escalated 1 urgent; 1h 24m warned 1 urgent respond; "
           "1h 30m breached 1 urgent respond; 1h 30m escalated 1 urgent");
}
END_TEST

START_TEST(a_reopened_ticket_starts_anew)
{
    recorder->origin_ms = at("2026-03-03 09:00");
    alarm_is("2026-03-03 09:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    person_does("2026-03-03 09:50", COMMAND_TICKET_RESOLVE, "zhang");
    alarm_is("2026-03-03 09:55", EDGE_CLEARED, 0, SEVERITY_NORMAL);
    ck_assert_int_eq(row()->level, 2);
    alarm_is("2026-03-03 17:50", EDGE_RAISED, 0, SEVERITY_NORMAL);
    ck_assert_int_eq(row()->level, 0);
    ck_assert_at(row()->escalate_ms, "2026-03-04 08:05");
    ck_assert_at(row()->respond_by_ms, "2026-03-04 09:50");
    ck_assert_str_eq(row()->assignee, "zhang");
}
END_TEST

START_TEST(without_a_rota_and_a_skill_it_stays_opened)
{
    recorder->origin_ms = at("2026-03-03 09:00");
    alarm_is("2026-03-03 09:00", EDGE_RAISED, 1, SEVERITY_NORMAL);
    expect("0s opened 1 normal");
    ck_assert_int_eq(row()->state, TICKET_OPENED);
    ck_assert_int_eq(row()->escalate_ms, INSTANT_NONE);
}
END_TEST

/* ---- A lower priority, another team: the rows alone ---- */

static struct ticket
opened(const char *when, enum severity priority, const char *team)
{
    struct ticket t = {.kind = TICKET_FAULT,
                       .rule = "hot",
                       .priority = priority,
                       .state = TICKET_OPENED,
                       .opened_ms = at(when),
                       .responded_ms = INSTANT_NONE,
                       .waiting_since_ms = INSTANT_NONE,
                       .due_ms = INSTANT_NONE};
    strcpy(t.team, team);
    clocks_start(&site, &t, at(when));
    return t;
}

START_TEST(a_lower_priority_counts_from_where_the_clock_started)
{
    struct ticket t = opened("2026-03-02 10:00", SEVERITY_URGENT, "office");
    t.respond_warned = t.respond_breached = true;
    clocks_change_priority(&site, &t, at("2026-03-02 10:40"), SEVERITY_NORMAL);
    ck_assert_at(t.respond_by_ms, "2026-03-02 12:00");
    ck_assert_at(t.respond_warn_ms, "2026-03-02 11:36");
    ck_assert(!t.respond_warned && !t.respond_breached);
    ck_assert_at(t.resolve_by_ms, "2026-03-04 17:00");
    /* And up again: the nearer one, from now on. */
    clocks_change_priority(&site, &t, at("2026-03-02 11:00"), SEVERITY_CRITICAL);
    ck_assert_at(t.respond_by_ms, "2026-03-02 11:15");
    ck_assert_at(t.respond_warn_ms, "2026-03-02 11:12");
    ck_assert_at(t.resolve_by_ms, "2026-03-02 11:30");
}
END_TEST

START_TEST(a_lower_priority_brings_no_deadline_of_the_past)
{
    struct ticket t = opened("2026-03-02 10:00", SEVERITY_URGENT, "shift");
    t.respond_warned = t.respond_breached = true;
    clocks_change_priority(&site, &t, at("2026-03-02 12:00"), SEVERITY_NORMAL);
    ck_assert_at(t.respond_by_ms, "2026-03-02 10:30"); /* 12:00 is gone by. */
    ck_assert(t.respond_breached);
    ck_assert_at(t.resolve_by_ms, "2026-03-03 10:00");
}
END_TEST

START_TEST(eighty_per_cent_that_are_gone_are_warned_of_at_once)
{
    struct ticket t = opened("2026-03-02 10:00", SEVERITY_URGENT, "shift");
    clocks_change_priority(&site, &t, at("2026-03-02 11:50"), SEVERITY_NORMAL);
    ck_assert_at(t.respond_by_ms, "2026-03-02 12:00");
    ck_assert_at(t.respond_warn_ms, "2026-03-02 11:50"); /* 11:36 is gone by. */
}
END_TEST

START_TEST(another_team_has_what_was_left)
{
    struct ticket t = opened("2026-03-02 17:00", SEVERITY_NORMAL, "office");
    ck_assert_at(t.respond_by_ms, "2026-03-03 09:00");
    clocks_change_team(&site, &t, at("2026-03-02 17:30"), "shift");
    ck_assert_at(t.respond_by_ms, "2026-03-02 19:00");
    ck_assert_int_eq(t.escalate_ms, INSTANT_NONE);
    clocks_change_team(&site, &t, at("2026-03-02 17:45"), "office");
    ck_assert_at(t.respond_by_ms, "2026-03-03 09:00");
    ck_assert_at(t.escalate_ms, "2026-03-02 18:00");
    clocks_change_team(&site, &t, at("2026-03-02 17:45"), NULL);
    ck_assert_str_eq(t.team, "");
    ck_assert_at(t.respond_by_ms, "2026-03-02 19:00");
}
END_TEST

START_TEST(a_visit_is_made_by_the_end_of_its_day_and_grace)
{
    static struct plan_spec plan = {.id = "grease", .grace_ms = 2 * DAY};
    site.plans = &plan;
    site.plan_count = 1;
    struct ticket t = {.kind = TICKET_PLANNED,
                       .priority = SEVERITY_NORMAL,
                       .responded_ms = INSTANT_NONE,
                       .waiting_since_ms = INSTANT_NONE,
                       .due_ms = at("2026-03-20 00:00"),
                       .team = "office",
                       .plan = "grease"};
    clocks_start(&site, &t, at("2026-03-13 08:00"));
    ck_assert_at(t.respond_by_ms, "2026-03-23 00:00");
    ck_assert_at(t.resolve_by_ms, "2026-03-23 00:00");
    ck_assert_int_eq(t.escalate_ms, INSTANT_NONE);
    clocks_change_priority(&site, &t, at("2026-03-14 08:00"), SEVERITY_URGENT);
    ck_assert_at(t.resolve_by_ms, "2026-03-23 00:00");
}
END_TEST

/* ---- Stopped and started in the middle, and the clock stepped ---- */

static const char *const moments[] = {"2026-03-02 22:00", "2026-03-03 07:59",
                                      "2026-03-03 08:00", "2026-03-03 08:20",
                                      "2026-03-03 09:50", "2026-03-04 10:00"};

/* What happens from a Monday evening to the end of the week, with a restart at one of
 * the moments; free() it. */
static char *
week(const char *restart)
{
    setup();
    recorder->origin_ms = at("2026-03-02 22:00");
    alarm_is("2026-03-02 22:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    if (restart != NULL) {
        advance(restart);
        struct ticket stored = *row();
        tickets_free(tickets);
        tickets = tickets_new(&site, &recorder->sink, 1);
        tickets_restore(tickets, &stored, true);
    }
    advance("2026-03-07 10:00");
    char *lines = recorder_take(recorder);
    teardown();
    return lines;
}

START_TEST(a_restart_changes_nothing)
{
    char *plain = week(NULL);
    char *restarted = week(moments[_i]);
    ck_assert_str_eq(restarted, plain);
    free(plain);
    free(restarted);
}
END_TEST

START_TEST(what_was_planned_stays_when_the_hours_change)
{
    alarm_is("2026-03-02 22:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    struct ticket stored = *row();
    recorder->origin_ms = at("2026-03-02 22:00");
    recorder_forget(recorder);
    tickets_free(tickets);
    teams[0].hours_count = 0;
    tickets = tickets_new(&site, &recorder->sink, 1);
    tickets_restore(tickets, &stored, true);
    advance("2026-03-03 08:15");
    expect("10h assigned 1 normal zhang; 10h 15m escalated 1 normal");
}
END_TEST

START_TEST(a_stepped_clock_moves_all_that_is_planned)
{
    alarm_is("2026-03-02 22:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    tickets_shift(tickets, at("2026-03-02 22:00"), DAY);
    ck_assert_at(row()->opened_ms, "2026-03-03 22:00");
    ck_assert_at(row()->assign_ms, "2026-03-04 08:00");
    ck_assert_at(row()->escalate_ms, "2026-03-04 08:15");
    ck_assert_at(row()->respond_warn_ms, "2026-03-04 09:36");
    ck_assert_at(row()->resolve_warn_ms, "2026-03-06 09:12");
}
END_TEST

START_TEST(behind_a_step_as_much_working_time_is_left_as_before)
{
    recorder->origin_ms = at("2026-03-07 23:00");
    alarm_is("2026-03-05 16:00", EDGE_RAISED, 0, SEVERITY_NORMAL); /* Thursday. */
    advance("2026-03-05 17:00");
    recorder_forget(recorder);
    tickets_shift(tickets, at("2026-03-05 17:00"), 54 * HOUR); /* Saturday, 23:00. */
    ck_assert_at(row()->respond_by_ms, "2026-03-09 09:00");
    ck_assert_at(row()->respond_warn_ms, "2026-03-09 08:36");
    ck_assert_at(row()->resolve_by_ms, "2026-03-11 14:00"); /* 23 h of 9 a day. */
    /* The first hour of both clocks is gone. */
    ck_assert_at(row()->resolve_from_ms, "2026-03-06 17:00");
    ck_assert_at(row()->respond_from_ms, "2026-03-06 17:00");
    advance("2026-03-09 09:00");
    expect("1d 9h warned 1 normal respond; 1d 10h breached 1 normal respond");
    /* A second step finds it gone by, and brings it no nearer. */
    tickets_shift(tickets, at("2026-03-09 09:00"), -10 * HOUR); /* Sunday, 23:00. */
    ck_assert_at(row()->respond_by_ms, "2026-03-08 23:00");
    ck_assert_at(row()->resolve_by_ms, "2026-03-11 12:00");
    recorder_forget(recorder);
    advance("2026-03-10 07:00");
    expect(""); /* It is told once. */
}
END_TEST

START_TEST(a_step_in_a_pause_leaves_what_the_clock_had_left)
{
    alarm_is("2026-03-05 16:00", EDGE_RAISED, 0, SEVERITY_NORMAL);
    person_does("2026-03-05 16:10", COMMAND_TICKET_ARRIVE, "zhang");
    person_does("2026-03-06 17:00", COMMAND_TICKET_WAIT, "zhang"); /* 14 h are left. */
    advance("2026-03-06 17:30");
    tickets_shift(tickets, at("2026-03-06 17:30"), -8 * HOUR);
    ck_assert_at(row()->responded_ms, "2026-03-05 08:10");
    ck_assert_at(row()->respond_by_ms, "2026-03-05 10:00"); /* It was kept. */
    ck_assert_at(row()->waiting_since_ms, "2026-03-06 09:00");
    person_does("2026-03-06 10:00", COMMAND_TICKET_RESUME, "zhang");
    ck_assert_at(row()->resolve_by_ms, "2026-03-09 16:00"); /* 7 h and 7 h. */
}
END_TEST

START_TEST(a_step_leaves_the_deadlines_of_an_urgent_one_where_they_were)
{
    alarm_is("2026-03-05 17:50", EDGE_RAISED, 0, SEVERITY_URGENT);
    tickets_shift(tickets, at("2026-03-05 17:50"), 3 * DAY + HOUR);
    ck_assert_at(row()->respond_by_ms, "2026-03-08 19:20");
    ck_assert_at(row()->resolve_by_ms, "2026-03-08 20:50");
    ck_assert_at(row()->escalate_ms, "2026-03-08 19:05");
}
END_TEST

static const enum severity drawn[] = {SEVERITY_NORMAL, SEVERITY_NORMAL,
                                      SEVERITY_URGENT};

/* Many steps add up: what is left of a running clock is what passed of it less, in the
 * time that counts; and a deadline of working hours is never outside of them. */
START_TEST(no_step_gives_or_takes_working_time)
{
    srand((unsigned)_i + 1);
    int64_t now_ms = at("2026-03-02 00:00") + rand() % (int)(7 * DAY / MINUTE) * MINUTE;
    struct ticket t = opened("2026-03-02 00:00", drawn[_i % 3], "office");
    t.opened_ms = now_ms;
    clocks_start(&site, &t, now_ms);
    struct calendar c = clocks_calendar(&site, &t);
    int64_t left_ms = calendar_between(&c, now_ms, t.resolve_by_ms);
    ck_assert_int_eq(left_ms, site.promises[t.priority].resolve_ms);
    for (int i = 0; i < 20; i++) {
        int64_t pass_ms = rand() % (int)(3 * HOUR);
        if (calendar_between(&c, now_ms, now_ms + pass_ms) >= left_ms) {
            break;
        }
        left_ms -= calendar_between(&c, now_ms, now_ms + pass_ms);
        now_ms += pass_ms;
        int64_t step_ms = (rand() % 2 == 0 ? 1 : -1) * (rand() % (int)(4 * DAY));
        clocks_step(&site, &t, now_ms, step_ms);
        now_ms += step_ms;
        ck_assert_int_eq(calendar_between(&c, now_ms, t.resolve_by_ms), left_ms);
        ck_assert_int_eq(calendar_between(&c, t.resolve_from_ms, t.resolve_by_ms),
                         site.promises[t.priority].resolve_ms);
        ck_assert(calendar_works(&c, t.resolve_by_ms - 1));
    }
}
END_TEST

static struct plan_spec visits[] = {
    {.id = "grease", .every_ms = 90 * DAY, .grace_ms = 2 * DAY, .starts = DAY_NONE},
    {.id = "inspect", .cycle = PLAN_MONTHLY, .months = 1, .grace_ms = 2 * DAY}};
/* Opened on 2026-03-13, due on 2026-03-20, and stepped on 2026-03-14 at 08:00. */
static const struct {
    const char *plan;
    int64_t step_ms;
    const char *due, *by;
} stepped_visits[] = {
    {"grease", HOUR, "2026-03-20 00:00", "2026-03-23 00:00"},
    {"grease", 10 * DAY + HOUR, "2026-03-30 00:00", "2026-04-02 00:00"},
    {"grease", -3 * DAY, "2026-03-17 00:00", "2026-03-20 00:00"},
    {"inspect", 3 * DAY, "2026-03-20 00:00", "2026-03-23 00:00"},
    {"inspect", 10 * DAY, "2026-03-20 00:00", "2026-03-24 08:00"}, /* Gone by: now. */
};

START_TEST(a_step_leaves_a_visit_its_day_or_the_days_until_it)
{
    site.plans = visits;
    site.plan_count = ARRAY_LEN(visits);
    struct ticket t = {.kind = TICKET_PLANNED,
                       .priority = SEVERITY_NORMAL,
                       .state = TICKET_OPENED,
                       .responded_ms = INSTANT_NONE,
                       .waiting_since_ms = INSTANT_NONE,
                       .due_ms = at("2026-03-20 00:00"),
                       .team = "office"};
    strcpy(t.plan, stepped_visits[_i].plan);
    clocks_start(&site, &t, at("2026-03-13 08:00"));
    clocks_step(&site, &t, at("2026-03-14 08:00"), stepped_visits[_i].step_ms);
    ck_assert_at(t.due_ms, stepped_visits[_i].due);
    ck_assert_at(t.resolve_by_ms, stepped_visits[_i].by);
    ck_assert_int_le(t.resolve_warn_ms, t.resolve_by_ms);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("clocks");
    TCase *tc = tcase_create("clocks by the team");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_normal_ticket_of_the_night_waits_for_the_morning);
    tcase_add_test(tc, who_is_on_duty_when_the_team_works_again_gets_it);
    tcase_add_test(tc, an_urgent_one_never_waits);
    tcase_add_test(tc, an_escalation_says_its_level_and_whom_it_reaches);
    tcase_add_test(tc, who_arrives_stops_the_escalation);
    tcase_add_test(tc, a_pause_stops_the_resolve_clock_for_working_time_only);
    tcase_add_test(tc, a_deadline_missed_before_the_pause_stays_missed);
    tcase_add_test(tc, a_rise_ends_the_waiting_for_the_morning);
    tcase_add_test(tc, a_reopened_ticket_starts_anew);
    tcase_add_test(tc, without_a_rota_and_a_skill_it_stays_opened);
    tcase_add_test(tc, a_lower_priority_counts_from_where_the_clock_started);
    tcase_add_test(tc, a_lower_priority_brings_no_deadline_of_the_past);
    tcase_add_test(tc, eighty_per_cent_that_are_gone_are_warned_of_at_once);
    tcase_add_test(tc, another_team_has_what_was_left);
    tcase_add_test(tc, a_visit_is_made_by_the_end_of_its_day_and_grace);
    tcase_add_test(tc, what_was_planned_stays_when_the_hours_change);
    tcase_add_test(tc, a_stepped_clock_moves_all_that_is_planned);
    tcase_add_test(tc, behind_a_step_as_much_working_time_is_left_as_before);
    tcase_add_test(tc, a_step_in_a_pause_leaves_what_the_clock_had_left);
    tcase_add_test(tc, a_step_leaves_the_deadlines_of_an_urgent_one_where_they_were);
    tcase_add_loop_test(tc, no_step_gives_or_takes_working_time, 0, 300);
    tcase_add_loop_test(tc, a_step_leaves_a_visit_its_day_or_the_days_until_it, 0,
                        (int)ARRAY_LEN(stepped_visits));
    suite_add_tcase(suite, tc);
    TCase *restarts = tcase_create("restarts");
    tcase_add_loop_test(restarts, a_restart_changes_nothing, 0,
                        (int)ARRAY_LEN(moments));
    suite_add_tcase(suite, restarts);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
