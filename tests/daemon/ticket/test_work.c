/* Who owns a ticket, what was done for it, and that it is looked at once more. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

#define T0 1772360070000LL

static struct site site;
static struct rule_spec rules[SMALL_SITE_RULES];
static struct recorder *recorder;
static struct tickets *tickets;
static struct err err;

static const struct text steps[] = {{{"Start the standby pump"}},
                                    {{"Stop the hot one"}}};
static struct procedure procedures[] = {
    {.id = "dry", .steps = steps, .step_count = ARRAY_LEN(steps)}, {.id = "empty"}};
static const char *const mechanics[] = {"zhang", "wang"};
static struct team teams[] = {
    {.id = "lifts"},
    {.id = "mechanical",
     .members = mechanics,
     .member_count = ARRAY_LEN(mechanics),
     .rota = {.people = mechanics, .people_count = 1, .daily = true}}};
static const char *const causes[] = {"door-sill"};

static void
setup(void)
{
    site = *small_site();
    memcpy(rules, site.rules, sizeof rules);
    rules[DRY_RUN].procedure = "dry";
    rules[VIBRATION].procedure = "empty";
    site.rules = rules;
    site.procedures = procedures;
    site.procedure_count = ARRAY_LEN(procedures);
    site.teams = teams;
    site.team_count = ARRAY_LEN(teams);
    site.causes = causes;
    site.cause_count = ARRAY_LEN(causes);
    site.visit_after_ms = 3 * DAY;
    recorder = recorder_new();
    recorder->short_lines = true;
    recorder->origin_ms = T0;
    tickets = tickets_new(&site, &recorder->sink, 1);
    memset(&err, 0, sizeof err);
}

static void
teardown(void)
{
    tickets_free(tickets);
    recorder_free(recorder);
}

static void
advance(int64_t t_ms)
{
    while (tickets_due(tickets) <= T0 + t_ms) {
        tickets_fire(tickets);
    }
}

static void
alarm_is(int64_t t_ms, enum edge_kind what, uint32_t rule, enum severity severity)
{
    advance(t_ms);
    struct alarm a = {.severity = severity,
                      .title = "pump is ill",
                      .titles = {{"pump is ill", "泵有故障"}},
                      .has_value = true,
                      .value = 81.2,
                      .episode = 7};
    tickets_alarm(tickets, T0 + t_ms, what, &a, PUMP_1, rule, false);
}

static int
give(int64_t t_ms, struct command c)
{
    advance(t_ms);
    c.t_ms = T0 + t_ms;
    c.ticket = c.ticket == 0 && c.kind != COMMAND_TICKET_OPEN ? 1 : c.ticket;
    c.by = c.by != NULL ? c.by : "li";
    memset(&err, 0, sizeof err);
    return tickets_command(tickets, &c, NULL, &err);
}

#define GIVE(t_ms, ...) give((t_ms), (struct command){__VA_ARGS__})
#define must(call)      ck_assert_msg((call) == 0, "%s", err.text)

static void
expect(const char *lines)
{
    char *text = recorder_take(recorder);
    ck_assert_str_eq(text, lines);
    free(text);
}

static void
refused(int code, int wanted, const char *text)
{
    ck_assert_int_eq(code, wanted);
    ck_assert_str_eq(err.text, text);
}

static const struct ticket *
row(int64_t number)
{
    return &recorder->tickets[number - 1];
}

static void
open_dry(void)
{
    alarm_is(0, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    alarm_is(0, EDGE_CLEARED, DRY_RUN, SEVERITY_NORMAL);
    recorder_forget(recorder);
}

/* ---- Owners ---- */

START_TEST(who_takes_it_owns_it_until_he_hands_it_over)
{
    open_dry();
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE));
    ck_assert(row(1)->taken);
    refused(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "wang"), ERR_REFUSED,
            "ticket 1 is owned by li, who took it; to hand it over say to whom (--to "
            "NAME)");
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_ARRIVE, .by = "wang"));
    ck_assert_str_eq(row(1)->assignee, "li"); /* A colleague came along. */
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "chief", .assignee = "wang"));
    ck_assert_str_eq(row(1)->assignee, "wang");
    ck_assert(row(1)->taken);
    refused(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE), ERR_REFUSED,
            "ticket 1 is owned by wang, who took it; to hand it over say to whom (--to "
            "NAME)");
    expect("1m assigned 1 normal li li; 1m responded 1 normal wang; "
           "1m assigned 1 normal wang chief");
}
END_TEST

START_TEST(what_was_given_out_is_owned_by_whoever_takes_it_first)
{
    open_dry();
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "chief", .assignee = "wang"));
    ck_assert(!row(1)->taken);
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "wang"));
    ck_assert(row(1)->taken);
    refused(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "wang"), ERR_REFUSED,
            "ticket 1 is assigned to wang already");
    expect("1m assigned 1 normal wang chief; 1m assigned 1 normal wang wang");
}
END_TEST

START_TEST(who_is_there_first_owns_what_nobody_took)
{
    static const enum command_kind deeds[] = {COMMAND_TICKET_ARRIVE,
                                              COMMAND_TICKET_RESOLVE};
    open_dry();
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "chief", .assignee = "wang"));
    must(GIVE(2 * MINUTE, .kind = deeds[_i]));
    ck_assert_str_eq(row(1)->assignee, "li");
    ck_assert(row(1)->taken);
    expect(_i == 0 ? "1m assigned 1 normal wang chief; 2m assigned 1 normal li li; "
                     "2m responded 1 normal li"
                   : "1m assigned 1 normal wang chief; 2m assigned 1 normal li li; "
                     "2m resolved 1 normal li");
}
END_TEST

START_TEST(a_reopened_ticket_keeps_its_owner_and_its_first_times)
{
    open_dry();
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_ARRIVE));
    must(GIVE(2 * MINUTE, .kind = COMMAND_TICKET_RESOLVE));
    must(GIVE(3 * MINUTE, .kind = COMMAND_TICKET_CLOSE));
    recorder->short_lines = false;
    recorder_forget(recorder);
    alarm_is(HOUR, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    /* With what was measured, and which time it is. */
    expect("{\"t\":\"2026-03-01T11:14:30.000Z\",\"event\":\"ticket.reopened\","
           "\"ticket\":1,\"device\":\"pump-1\",\"rule\":\"dry-run\","
           "\"priority\":\"normal\",\"value\":81.2,\"episode\":7,"
           "\"respond_by\":\"2026-03-01T13:14:30.000Z\","
           "\"resolve_by\":\"2026-03-02T11:14:30.000Z\",\"assignee\":\"li\"}");
    ck_assert_int_eq(row(1)->responded_ms, INSTANT_NONE);
    ck_assert_int_eq(row(1)->first_responded_ms, T0 + MINUTE);
    ck_assert_int_eq(row(1)->first_resolved_ms, T0 + 2 * MINUTE);
    must(GIVE(2 * HOUR, .kind = COMMAND_TICKET_ARRIVE));
    must(GIVE(2 * HOUR, .kind = COMMAND_TICKET_RESOLVE));
    ck_assert_int_eq(row(1)->responded_ms, T0 + 2 * HOUR);
    ck_assert_int_eq(row(1)->first_responded_ms, T0 + MINUTE);
    ck_assert_int_eq(row(1)->first_resolved_ms, T0 + 2 * MINUTE);
    refused(GIVE(2 * HOUR, .kind = COMMAND_TICKET_CLOSE), ERR_REFUSED,
            "ticket 1 is resolved but its alarm stands; it closes when the sensor "
            "confirms, or reopen it");
}
END_TEST

/* ---- What was done ---- */

START_TEST(work_adds_up_over_notes_and_repairs)
{
    const struct ticket_part seals = {"seal ring", 2, 7000};
    const struct ticket_part seal_back = {"seal ring", -1, -3500};
    const struct ticket_part fuse = {"fuse 16 A", 1, 0};
    open_dry();
    must(GIVE(0, .kind = COMMAND_TICKET_NOTE, .minutes = 25, .parts = &fuse,
              .part_count = 1));
    must(GIVE(0, .kind = COMMAND_TICKET_RESOLVE, .note = "new seal", .cause = "leak",
              .minutes = 40, .cost = 12050, .parts = &seals, .part_count = 1));
    must(GIVE(0, .kind = COMMAND_TICKET_NOTE, .minutes = -5, .parts = &seal_back,
              .part_count = 1));
    must(GIVE(0, .kind = COMMAND_TICKET_CLOSE, .cause = "door-sill"));
    ck_assert_int_eq(row(1)->minutes, 60);
    ck_assert_int_eq(row(1)->cost, 12050);
    ck_assert_uint_eq(row(1)->part_count, 2);
    ck_assert_str_eq(row(1)->parts[1].name, "seal ring");
    ck_assert_int_eq(row(1)->parts[1].count, 1);
    ck_assert_int_eq(row(1)->parts[1].cost, 3500);
    ck_assert_str_eq(row(1)->cause, "door-sill");
    ck_assert_str_eq(row(1)->resolution, "new seal");
}
END_TEST

START_TEST(an_event_says_all_that_was_entered)
{
    const struct ticket_part seals = {"seal ring", 2, 7000};
    open_dry();
    recorder->short_lines = false;
    must(GIVE(0, .kind = COMMAND_TICKET_TAKE));
    recorder_forget(recorder);
    must(GIVE(0, .kind = COMMAND_TICKET_RESOLVE, .note = "new seal", .cause = "leak",
              .minutes = 40, .cost = 12050, .parts = &seals, .part_count = 1));
    expect("{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"ticket.resolved\","
           "\"ticket\":1,\"device\":\"pump-1\",\"rule\":\"dry-run\","
           "\"priority\":\"normal\",\"cause\":\"leak\",\"minutes\":40,\"cost\":120.50,"
           "\"parts\":[{\"name\":\"seal ring\",\"count\":2,\"cost\":70.00}],"
           "\"by\":\"li\",\"note\":\"new seal\"}");
}
END_TEST

static const struct ticket_part part_back = {"seal ring", -1, 0};
static const struct {
    struct command command;
    int code;
    const char *text; /* It begins so. */
} wrong[] = {
    {{.kind = COMMAND_TICKET_RESOLVE, .cause = "laek"},
     ERR_USAGE,
     "there is no closing code \"laek\"; did you mean leak? Accepted are wear, dirt, "},
    {{.kind = COMMAND_TICKET_NOTE, .cause = "xxxxxxxxxxxx"},
     ERR_USAGE,
     "there is no closing code \"xxxxxxxxxxxx\"; accepted are wear, dirt, "},
    {{.kind = COMMAND_TICKET_NOTE, .minutes = -1},
     ERR_USAGE,
     "ticket 1 has 0 minutes of work; the sum must be 0 to 1000000"},
    {{.kind = COMMAND_TICKET_NOTE, .cost = -1},
     ERR_USAGE,
     "ticket 1 has cost 0.00; the sum must be 0 to 1000000000000.00"},
    {{.kind = COMMAND_TICKET_NOTE, .parts = &part_back, .part_count = 1},
     ERR_USAGE,
     "the parts of ticket 1 would be less than none, or more than 16 kinds"},
    {{.kind = COMMAND_TICKET_TICK, .step = 3},
     ERR_USAGE,
     "ticket 1 has the steps 1 to 2 of dry"},
    {{.kind = COMMAND_TICKET_TICK, .step = 0},
     ERR_USAGE,
     "ticket 1 has the steps 1 to 2 of dry"},
    {{.kind = COMMAND_TICKET_TICK, .step = 2, .undone = true},
     ERR_REFUSED,
     "step 2 of ticket 1 is not done"},
    {{.kind = COMMAND_TICKET_CHANGE},
     ERR_USAGE,
     "what changes of ticket 1 must be said: its priority, category or team"},
    {{.kind = COMMAND_TICKET_CHANGE, .team = "plumbers"},
     ERR_NOT_FOUND,
     "there is no team \"plumbers\"; accepted are lifts, mechanical"},
    {{.kind = COMMAND_TICKET_CHANGE, .has_priority = true, .priority = SEVERITY_URGENT},
     ERR_USAGE,
     "why the priority of ticket 1 changes must be said"},
    {{.kind = COMMAND_TICKET_CHANGE, .has_priority = true, .priority = SEVERITY_INFO},
     ERR_USAGE,
     "info is no work; critical, urgent and normal are accepted"},
    {{.kind = COMMAND_TICKET_CHANGE, .has_priority = true, .priority = SEVERITY_NORMAL},
     ERR_REFUSED,
     "ticket 1 is so already"},
    {{.kind = COMMAND_TICKET_WAIT, .pause = PAUSE_OTHER},
     ERR_USAGE,
     "what ticket 1 waits for must be said: parts, contractor, access, or in words"},
    {{.kind = COMMAND_TICKET_OPEN, .device = "lift-1", .team = "plumbers"},
     ERR_NOT_FOUND,
     "there is no team \"plumbers\"; accepted are lifts, mechanical"},
};

START_TEST(what_is_wrong_changes_nothing)
{
    open_dry();
    struct ticket before = *row(1);
    int64_t rows = (int64_t)recorder->ticket_rows;
    ck_assert_int_eq(give(MINUTE, wrong[_i].command), wrong[_i].code);
    ck_assert_msg(strncmp(err.text, wrong[_i].text, strlen(wrong[_i].text)) == 0, "%s",
                  err.text);
    ck_assert_int_eq((int64_t)recorder->ticket_rows, rows);
    ck_assert_mem_eq(tickets_get(tickets, 1), &before, offsetof(struct ticket, device));
    ck_assert_int_eq(tickets_get(tickets, 1)->minutes, 0);
    expect("");
}
END_TEST

START_TEST(more_kinds_of_parts_than_a_row_holds_are_refused_whole)
{
    struct ticket_part parts[TICKET_PARTS_MAX + 1];
    open_dry();
    for (int i = 0; i <= TICKET_PARTS_MAX; i++) {
        parts[i] = (struct ticket_part){.count = 1};
        snprintf(parts[i].name, sizeof parts[i].name, "part %d", i);
    }
    ck_assert_int_eq(GIVE(0, .kind = COMMAND_TICKET_NOTE, .minutes = 5, .parts = parts,
                          .part_count = TICKET_PARTS_MAX + 1),
                     ERR_USAGE);
    ck_assert_int_eq(tickets_get(tickets, 1)->minutes, 0);
    ck_assert_uint_eq(tickets_get(tickets, 1)->part_count, 0);
    must(GIVE(0, .kind = COMMAND_TICKET_NOTE, .parts = parts,
              .part_count = TICKET_PARTS_MAX));
    ck_assert_uint_eq(row(1)->part_count, TICKET_PARTS_MAX);
    must(GIVE(0, .kind = COMMAND_TICKET_NOTE, .parts = parts, .part_count = 1));
    ck_assert_int_eq(row(1)->parts[0].count, 2);
}
END_TEST

START_TEST(steps_are_ticked_off_and_back)
{
    open_dry();
    must(GIVE(0, .kind = COMMAND_TICKET_TICK, .step = 1));
    must(GIVE(0, .kind = COMMAND_TICKET_TICK, .step = 2));
    ck_assert_uint_eq(row(1)->steps, 3);
    refused(GIVE(0, .kind = COMMAND_TICKET_TICK, .step = 2), ERR_REFUSED,
            "step 2 of ticket 1 is done already; it can be taken back (--undo)");
    must(GIVE(0, .kind = COMMAND_TICKET_TICK, .step = 1, .undone = true));
    ck_assert_uint_eq(row(1)->steps, 2);
    alarm_is(0, EDGE_RAISED, VIBRATION, SEVERITY_NORMAL);
    refused(GIVE(0, .kind = COMMAND_TICKET_TICK, .ticket = 2, .step = 1), ERR_REFUSED,
            "ticket 2 has no procedure with steps to tick off; note what was done "
            "instead");
}
END_TEST

START_TEST(a_change_is_one_event_and_moves_the_deadlines)
{
    open_dry();
    must(GIVE(0, .kind = COMMAND_TICKET_CHANGE, .has_priority = true,
              .priority = SEVERITY_CRITICAL, .team = "lifts", .category = "seal",
              .note = "somebody is inside"));
    expect("0s changed 1 critical li");
    ck_assert_str_eq(row(1)->team, "lifts");
    ck_assert_str_eq(row(1)->category, "seal");
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + 15 * MINUTE);
    ck_assert_int_eq(row(1)->resolve_by_ms, T0 + 30 * MINUTE);
    recorder->short_lines = false;
    must(GIVE(0, .kind = COMMAND_TICKET_CHANGE, .category = "pump"));
    expect("{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"ticket.changed\","
           "\"ticket\":1,\"device\":\"pump-1\",\"rule\":\"dry-run\","
           "\"priority\":\"critical\",\"category\":\"pump\",\"by\":\"li\"}");
}
END_TEST

START_TEST(another_team_asks_its_own_people)
{
    open_dry();
    must(GIVE(0, .kind = COMMAND_TICKET_TAKE, .by = "chief", .assignee = "li"));
    expect("0s assigned 1 normal li chief");
    must(GIVE(0, .kind = COMMAND_TICKET_CHANGE, .team = "mechanical"));
    expect("0s changed 1 normal li; 0s assigned 1 normal zhang");
    ck_assert_str_eq(row(1)->assignee, "zhang");
    ck_assert_int_eq(row(1)->state, TICKET_ASSIGNED);
    /* Nobody is on duty there. */
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_CHANGE, .team = "lifts"));
    ck_assert_str_eq(row(1)->assignee, "");
    ck_assert_int_eq(row(1)->assigned_ms, INSTANT_NONE);
    ck_assert_int_eq(row(1)->state, TICKET_OPENED);
    /* One of the team keeps it, as does whoever took it. */
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "chief", .assignee = "wang"));
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_CHANGE, .team = "mechanical"));
    ck_assert_str_eq(row(1)->assignee, "wang");
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_TAKE, .by = "wang"));
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_CHANGE, .team = "lifts"));
    ck_assert_str_eq(row(1)->assignee, "wang");
}
END_TEST

START_TEST(what_it_waits_for_is_a_word_or_words)
{
    static const struct {
        enum pause given;
        const char *note;
        enum pause kept;
    } waits[] = {{PAUSE_PARTS, NULL, PAUSE_PARTS},
                 {PAUSE_NONE, "contractor", PAUSE_CONTRACTOR},
                 {PAUSE_NONE, "配件", PAUSE_PARTS},
                 {PAUSE_NONE, "bearing ordered", PAUSE_OTHER},
                 {PAUSE_ACCESS, "parts", PAUSE_ACCESS},
                 {PAUSE_OTHER, "rain", PAUSE_OTHER}};
    open_dry();
    recorder->short_lines = false;
    must(GIVE(0, .kind = COMMAND_TICKET_WAIT, .pause = waits[_i].given,
              .note = waits[_i].note));
    ck_assert_int_eq(row(1)->pause, waits[_i].kept);
    bool noted = strstr(recorder->lines[0], "\"note\":") != NULL;
    ck_assert(noted == (_i >= 3)); /* The word itself is said once. */
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_RESUME));
    ck_assert_int_eq(row(1)->pause, PAUSE_NONE);
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_WAIT, .pause = PAUSE_PARTS));
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_RESOLVE));
    ck_assert_int_eq(row(1)->pause, PAUSE_NONE);
}
END_TEST

START_TEST(a_report_says_what_was_seen_and_by_whom)
{
    recorder->short_lines = false;
    must(GIVE(0, .kind = COMMAND_TICKET_OPEN, .device = "lift-1", .by = "desk",
              .symptom = "door scrapes", .reporter = "Mrs Wang", .category = "door",
              .team = "lifts", .note = "second call"));
    expect("{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"ticket.opened\","
           "\"ticket\":1,\"device\":\"lift-1\",\"priority\":\"normal\","
           "\"kind\":\"reported\",\"category\":\"door\",\"team\":\"lifts\","
           "\"symptom\":\"door scrapes\",\"reporter\":\"Mrs Wang\",\"by\":\"desk\","
           "\"note\":\"second call\"}");
    ck_assert_str_eq(row(1)->title, "door scrapes");
    /* It is no sensor's: it stays resolved until somebody closes it. */
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_RESOLVE));
    advance(400 * DAY);
    ck_assert_int_eq(row(1)->state, TICKET_RESOLVED);
    ck_assert_int_eq(row(1)->proof, PROOF_NONE);
    must(GIVE(400 * DAY, .kind = COMMAND_TICKET_CLOSE, .by = "desk"));
}
END_TEST

/* ---- What the sensor shows ---- */

static void
watch(int64_t t_ms, bool clear, int64_t since_ms, bool stands)
{
    advance(t_ms);
    struct watch w = {.clear = clear,
                      .clear_since_ms = T0 + since_ms,
                      .stands = stands,
                      .while_now = true,
                      .while_last_ms = T0 + t_ms};
    tickets_watch(tickets, T0 + t_ms, PUMP_1, DRY_RUN, &w);
}

START_TEST(a_sensor_that_comes_and_goes_is_told_once_a_minute_at_most)
{
    open_dry();
    must(GIVE(MINUTE, .kind = COMMAND_TICKET_RESOLVE));
    recorder_forget(recorder);
    watch(MINUTE, true, 0, false);
    for (int64_t t_ms = 2 * MINUTE; t_ms < 4 * MINUTE; t_ms += 20 * SECOND) {
        watch(t_ms, false, 0, false);
        watch(t_ms + 10 * SECOND, true, t_ms + 10 * SECOND, false);
    }
    expect("1m watched 1 normal watching; 2m watched 1 normal no-good-samples");
    watch(4 * MINUTE, false, 0, true);
    advance(5 * MINUTE);
    expect("4m watched 1 normal alarm-stands"); /* Its condition does. */
    watch(5 * MINUTE, true, 5 * MINUTE, false);
    advance(HOUR);
    expect("6m watched 1 normal watching; 10m verified 1 normal; 10m closed 1 normal");
}
END_TEST

START_TEST(a_machine_that_stands_keeps_its_alarm_and_the_refusal_says_so)
{
    open_dry();
    struct watch w = {
        .clear = true, .clear_since_ms = T0 + MINUTE, .while_last_ms = T0 + MINUTE - 1};
    alarm_is(MINUTE, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    must(GIVE(2 * MINUTE, .kind = COMMAND_TICKET_RESOLVE));
    recorder_forget(recorder);
    tickets_watch(tickets, T0 + 2 * MINUTE, PUMP_1, DRY_RUN, &w);
    expect("2m watched 1 normal not-running");
    refused(GIVE(3 * MINUTE, .kind = COMMAND_TICKET_CLOSE), ERR_REFUSED,
            "ticket 1 is resolved but its alarm stands until its device runs again; it "
            "closes when the sensor confirms, or reopen it");
    /* Running, it is seen running once its alarm has cleared, or it is ill after all.
     */
    w.while_now = true;
    tickets_watch(tickets, T0 + 4 * MINUTE, PUMP_1, DRY_RUN, &w);
    expect("");
    w = (struct watch){.stands = true, .while_now = true};
    tickets_watch(tickets, T0 + 5 * MINUTE, PUMP_1, DRY_RUN, &w);
    expect("5m watched 1 normal alarm-stands");
}
END_TEST

/* ---- The follow-up visit ---- */

static void
close_critical(void)
{
    alarm_is(0, EDGE_RAISED, DRY_RUN, SEVERITY_CRITICAL);
    alarm_is(0, EDGE_CLEARED, DRY_RUN, SEVERITY_CRITICAL);
    must(GIVE(0, .kind = COMMAND_TICKET_RESOLVE));
    must(GIVE(0, .kind = COMMAND_TICKET_CLOSE));
    ck_assert_int_eq(row(1)->visit_ms, T0 + 3 * DAY);
    recorder_forget(recorder);
}

START_TEST(a_critical_ticket_is_visited_once_more_by_its_owner)
{
    close_critical();
    recorder->short_lines = false;
    advance(3 * DAY - 1);
    expect("");
    advance(3 * DAY);
    expect("{\"t\":\"2026-03-04T10:14:30.000Z\",\"event\":\"ticket.opened\","
           "\"ticket\":2,\"device\":\"pump-1\",\"priority\":\"normal\","
           "\"kind\":\"planned\",\"plan\":\"follow-up\","
           "\"due\":\"2026-03-04T10:14:30.000Z\","
           "\"note\":\"follow-up visit of ticket 1\"}; "
           "{\"t\":\"2026-03-04T10:14:30.000Z\",\"event\":\"ticket.assigned\","
           "\"ticket\":2,\"device\":\"pump-1\",\"priority\":\"normal\","
           "\"assignee\":\"li\"}; "
           "{\"t\":\"2026-03-04T10:14:30.000Z\",\"event\":\"ticket.noted\","
           "\"ticket\":1,\"device\":\"pump-1\",\"rule\":\"dry-run\","
           "\"priority\":\"critical\",\"plan\":\"follow-up\","
           "\"note\":\"its follow-up visit is ticket 2\"}");
    ck_assert_str_eq(row(2)->title, "Follow-up visit: pump is ill");
    ck_assert_str_eq(row(2)->titles.in[LANGUAGE_EN], "Follow-up visit: pump is ill");
    ck_assert_str_eq(row(2)->titles.in[LANGUAGE_ZH_CN], "回访：泵有故障");
    ck_assert(!row(2)->taken);
    /* Until the end of the next day (the zone is UTC). */
    ck_assert_int_eq(row(2)->resolve_by_ms, T0 / DAY * DAY + 5 * DAY);
    ck_assert_int_eq(row(1)->visit_ms, INSTANT_NONE);
    must(GIVE(3 * DAY, .kind = COMMAND_TICKET_RESOLVE, .ticket = 2));
    must(GIVE(3 * DAY, .kind = COMMAND_TICKET_CLOSE, .ticket = 2));
    recorder_forget(recorder);
    advance(100 * DAY);
    expect("");
}
END_TEST

START_TEST(a_visit_that_is_still_to_be_made_serves_for_the_fault_that_came_back)
{
    close_critical();
    advance(3 * DAY);
    recorder_forget(recorder);
    alarm_is(4 * DAY, EDGE_RAISED, DRY_RUN, SEVERITY_CRITICAL);
    alarm_is(4 * DAY, EDGE_CLEARED, DRY_RUN, SEVERITY_CRITICAL);
    must(GIVE(4 * DAY, .kind = COMMAND_TICKET_RESOLVE, .ticket = 3));
    must(GIVE(4 * DAY, .kind = COMMAND_TICKET_CLOSE, .ticket = 3));
    must(GIVE(4 * DAY, .kind = COMMAND_TICKET_WAIT, .ticket = 2, .note = "parts"));
    recorder_forget(recorder);
    advance(7 * DAY);
    expect("7d noted 3 critical");
    ck_assert_int_eq(row(3)->visit_ms, INSTANT_NONE);
    ck_assert_ptr_null(tickets_get(tickets, 4));
}
END_TEST

START_TEST(a_ticket_that_is_reopened_is_not_visited)
{
    close_critical();
    must(GIVE(DAY, .kind = COMMAND_TICKET_REOPEN));
    ck_assert_int_eq(row(1)->visit_ms, INSTANT_NONE);
    must(GIVE(DAY, .kind = COMMAND_TICKET_RESOLVE));
    must(GIVE(DAY, .kind = COMMAND_TICKET_CLOSE));
    ck_assert_int_eq(row(1)->visit_ms, T0 + 4 * DAY);
}
END_TEST

START_TEST(a_visit_outlives_the_follow_up_and_a_restart)
{
    close_critical(); /* The follow-up of its rule is two days. */
    /* Past it a fault is another ticket, though this one is still here. */
    alarm_is(2 * DAY + HOUR, EDGE_RAISED, DRY_RUN, SEVERITY_NORMAL);
    ck_assert_int_eq(row(2)->state, TICKET_OPENED);
    refused(GIVE(2 * DAY + HOUR, .kind = COMMAND_TICKET_REOPEN), ERR_NOT_FOUND,
            "no ticket 1 is open or was closed lately");
    struct ticket stored[2] = {*row(1), *row(2)};
    tickets_free(tickets);
    tickets = tickets_new(&site, &recorder->sink, 3);
    tickets_restore(tickets, &stored[0], false);
    tickets_restore(tickets, &stored[1], true);
    recorder_forget(recorder);
    advance(3 * DAY);
    ck_assert_int_eq(row(3)->kind, TICKET_PLANNED);
    ck_assert_str_eq(row(3)->plan, PLAN_FOLLOW_UP);
    must(GIVE(3 * DAY, .kind = COMMAND_TICKET_NOTE, .ticket = 2, .note = "x"));
    ck_assert_ptr_null(tickets_get(tickets, 1)); /* Nothing is left to do. */
}
END_TEST

START_TEST(no_visit_to_what_is_gone_or_was_never_critical)
{
    close_critical();
    struct ticket stored = *row(1);
    stored.device = "old-pump";
    tickets_free(tickets);
    tickets = tickets_new(&site, &recorder->sink, 2);
    tickets_restore(tickets, &stored, false);
    advance(4 * DAY);
    expect("3d noted 1 critical");
    alarm_is(4 * DAY, EDGE_RAISED, VIBRATION, SEVERITY_URGENT);
    alarm_is(4 * DAY, EDGE_CLEARED, VIBRATION, SEVERITY_URGENT);
    must(GIVE(4 * DAY, .kind = COMMAND_TICKET_RESOLVE, .ticket = 2));
    must(GIVE(4 * DAY, .kind = COMMAND_TICKET_CLOSE, .ticket = 2));
    ck_assert_int_eq(row(2)->visit_ms, INSTANT_NONE);
}
END_TEST

START_TEST(a_stepped_clock_moves_the_visit_and_the_first_times)
{
    close_critical();
    tickets_shift(tickets, T0, DAY);
    ck_assert_int_eq(row(1)->visit_ms, T0 + 4 * DAY);
    ck_assert_int_eq(row(1)->first_resolved_ms, T0 + DAY);
    advance(4 * DAY);
    ck_assert_int_eq(row(2)->due_ms, T0 + 4 * DAY);
    int64_t by_ms = row(2)->resolve_by_ms;
    tickets_shift(tickets, T0 + 4 * DAY, HOUR);
    ck_assert_int_eq(row(2)->due_ms, T0 + 4 * DAY); /* A day on the wall, */
    ck_assert_int_eq(row(2)->resolve_by_ms, by_ms); /* with its end. */
}
END_TEST

static void
add_work(TCase *tc)
{
    tcase_add_test(tc, work_adds_up_over_notes_and_repairs);
    tcase_add_test(tc, an_event_says_all_that_was_entered);
    tcase_add_loop_test(tc, what_is_wrong_changes_nothing, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, more_kinds_of_parts_than_a_row_holds_are_refused_whole);
    tcase_add_test(tc, steps_are_ticked_off_and_back);
    tcase_add_test(tc, a_change_is_one_event_and_moves_the_deadlines);
    tcase_add_test(tc, a_machine_that_stands_keeps_its_alarm_and_the_refusal_says_so);
    tcase_add_loop_test(tc, what_it_waits_for_is_a_word_or_words, 0, 6);
    tcase_add_test(tc, another_team_asks_its_own_people);
    tcase_add_test(tc, a_report_says_what_was_seen_and_by_whom);
    tcase_add_test(tc, a_sensor_that_comes_and_goes_is_told_once_a_minute_at_most);
}

int
main(void)
{
    Suite *suite = suite_create("ticket work");
    TCase *owners = tcase_create("owners");
    TCase *work = tcase_create("work");
    TCase *visits = tcase_create("visits");
    tcase_add_test(owners, who_takes_it_owns_it_until_he_hands_it_over);
    tcase_add_test(owners, what_was_given_out_is_owned_by_whoever_takes_it_first);
    tcase_add_loop_test(owners, who_is_there_first_owns_what_nobody_took, 0, 2);
    tcase_add_test(owners, a_reopened_ticket_keeps_its_owner_and_its_first_times);
    add_work(work);
    tcase_add_test(visits, a_critical_ticket_is_visited_once_more_by_its_owner);
    tcase_add_test(
        visits, a_visit_that_is_still_to_be_made_serves_for_the_fault_that_came_back);
    tcase_add_test(visits, a_ticket_that_is_reopened_is_not_visited);
    tcase_add_test(visits, a_visit_outlives_the_follow_up_and_a_restart);
    tcase_add_test(visits, no_visit_to_what_is_gone_or_was_never_critical);
    tcase_add_test(visits, a_stepped_clock_moves_the_visit_and_the_first_times);
    TCase *const cases[] = {owners, work, visits};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tcase_add_checked_fixture(cases[i], setup, teardown);
        suite_add_tcase(suite, cases[i]);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
