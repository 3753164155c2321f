#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/ticket/tickets.h"
#include "tests/fake/recorder.h"
#include "tests/fake/small_site.h"

#define T0 1772360070000LL

static struct recorder *recorder;
static struct tickets *tickets;
static struct err err;

static void
setup(void)
{
    recorder = recorder_new();
    recorder->short_lines = true;
    recorder->origin_ms = T0;
    tickets = tickets_new(small_site(), &recorder->sink, 1);
    memset(&err, 0, sizeof err);
}

static void
teardown(void)
{
    tickets_free(tickets);
    recorder_free(recorder);
}

static int
command(enum command_kind kind, int64_t ticket)
{
    struct command c = {.t_ms = T0 + MINUTE,
                        .kind = kind,
                        .ticket = ticket,
                        .by = "li",
                        .note = "said",
                        .rating = 4};
    int64_t number = 0;
    int code = tickets_command(tickets, &c, &number, &err);
    ck_assert(code != 0 || number == ticket);
    return code;
}

static void
alarm_is(enum edge_kind what)
{
    struct alarm a = {.severity = SEVERITY_NORMAL, .title = "ill"};
    tickets_alarm(tickets, T0, what, &a, PUMP_1, DRY_RUN, false);
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

/* Brings ticket 1 into the state by the shortest way. */
static void
bring_to(enum ticket_state state)
{
    alarm_is(EDGE_RAISED);
    alarm_is(EDGE_CLEARED);
    static const enum command_kind ways[TICKET_STATE_COUNT][2] = {
        [TICKET_ASSIGNED] = {COMMAND_TICKET_TAKE},
        [TICKET_RESPONDED] = {COMMAND_TICKET_ARRIVE},
        [TICKET_WAITING] = {COMMAND_TICKET_WAIT},
        [TICKET_RESOLVED] = {COMMAND_TICKET_RESOLVE},
        [TICKET_CLOSED] = {COMMAND_TICKET_RESOLVE, COMMAND_TICKET_CLOSE},
    };
    for (size_t i = 0; i < 2 && ways[state][i] != COMMAND_ACK; i++) {
        ck_assert_int_eq(command(ways[state][i], 1), 0);
    }
    ck_assert_int_eq(row(1)->state, state);
    recorder_forget(recorder);
}

/* Every command from every state: the events, or the refusal (it begins with "!"). */
static const struct {
    enum command_kind kind;
    const char *outcome[TICKET_STATE_COUNT];
} matrix[] = {
    {COMMAND_TICKET_TAKE,
     {"1m assigned 1 normal li li", "!ticket 1 is assigned to li already",
      "!ticket 1 is assigned to li already", "1m assigned 1 normal li li",
      "!ticket 1 is resolved; reopen it first",
      "!ticket 1 is closed; reopen it first"}},
    {COMMAND_TICKET_ARRIVE,
     {"1m assigned 1 normal li li; 1m responded 1 normal li",
      "1m responded 1 normal li", "!ticket 1 is responded; wait or resolve comes next",
      "1m assigned 1 normal li li; 1m responded 1 normal li",
      "!ticket 1 is resolved; reopen it first",
      "!ticket 1 is closed; reopen it first"}},
    {COMMAND_TICKET_WAIT,
     {"1m waiting 1 normal li", "1m waiting 1 normal li", "1m waiting 1 normal li",
      "!ticket 1 is waiting; resume or resolve comes next",
      "!ticket 1 is resolved; reopen it first",
      "!ticket 1 is closed; reopen it first"}},
    {COMMAND_TICKET_RESUME,
     {"!ticket 1 is opened; its clock is running",
      "!ticket 1 is assigned; its clock is running",
      "!ticket 1 is responded; its clock is running", "1m resumed 1 normal li",
      "!ticket 1 is resolved; reopen it first",
      "!ticket 1 is closed; reopen it first"}},
    {COMMAND_TICKET_RESOLVE,
     {"1m assigned 1 normal li li; 1m resolved 1 normal li", "1m resolved 1 normal li",
      "1m resolved 1 normal li", "1m assigned 1 normal li li; 1m resolved 1 normal li",
      "!ticket 1 is resolved; close it, or reopen it",
      "!ticket 1 is closed; reopen it first"}},
    {COMMAND_TICKET_CLOSE,
     {"!ticket 1 is opened; resolve it first",
      "!ticket 1 is assigned; resolve it first",
      "!ticket 1 is responded; resolve it first",
      "!ticket 1 is waiting; resolve it first", "1m closed 1 normal li",
      "!ticket 1 is closed; reopen, note and rate are possible"}},
    {COMMAND_TICKET_REOPEN,
     {"!ticket 1 is opened; it is open", "!ticket 1 is assigned; it is open",
      "!ticket 1 is responded; it is open",
      "!ticket 1 is waiting; it is open; resume it", "1m reopened 1 normal li li",
      "1m reopened 1 normal li li"}},
    {COMMAND_TICKET_NOTE,
     {"1m noted 1 normal li", "1m noted 1 normal li", "1m noted 1 normal li",
      "1m noted 1 normal li", "1m noted 1 normal li", "1m noted 1 normal li"}},
    {COMMAND_TICKET_RATE,
     {"!ticket 1 is opened; resolve it first",
      "!ticket 1 is assigned; resolve it first",
      "!ticket 1 is responded; resolve it first",
      "!ticket 1 is waiting; resolve it first",
      "!ticket 1 is resolved; it can be rated once it is closed",
      "1m rated 1 normal li"}},
};

START_TEST(every_command_from_every_state)
{
    size_t command_at = (size_t)_i / TICKET_STATE_COUNT;
    enum ticket_state state = (enum ticket_state)(_i % TICKET_STATE_COUNT);
    bring_to(state);
    struct ticket before = *row(1);
    const char *outcome = matrix[command_at].outcome[state];
    int code = command(matrix[command_at].kind, 1);
    if (outcome[0] == '!') {
        ck_assert_int_eq(code, ERR_REFUSED);
        ck_assert_str_eq(err.text, outcome + 1);
        expect("");
        ck_assert_mem_eq(row(1), &before, sizeof before);
    } else {
        ck_assert_int_eq(code, 0);
        expect(outcome);
    }
}
END_TEST

START_TEST(what_is_entered_is_kept)
{
    bring_to(TICKET_OPENED);
    command(COMMAND_TICKET_TAKE, 1);
    ck_assert_int_eq(row(1)->assigned_ms, T0 + MINUTE);
    ck_assert_str_eq(row(1)->assignee, "li");
    command(COMMAND_TICKET_ARRIVE, 1);
    ck_assert_int_eq(row(1)->responded_ms, T0 + MINUTE);
    command(COMMAND_TICKET_RESOLVE, 1);
    ck_assert_int_eq(row(1)->resolved_ms, T0 + MINUTE);
    ck_assert_str_eq(row(1)->resolution, "said");
    command(COMMAND_TICKET_CLOSE, 1);
    ck_assert_int_eq(row(1)->closed_ms, T0 + MINUTE);
    ck_assert_int_eq(row(1)->verified_ms, INSTANT_NONE);
    command(COMMAND_TICKET_RATE, 1);
    ck_assert_int_eq(row(1)->rating, 4);
}
END_TEST

START_TEST(a_ticket_changes_hands_and_keeps_its_state)
{
    bring_to(TICKET_RESPONDED);
    struct command c = {.t_ms = T0 + HOUR,
                        .kind = COMMAND_TICKET_TAKE,
                        .ticket = 1,
                        .by = "chief",
                        .assignee = "wang"};
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), 0);
    expect("1h assigned 1 normal wang chief");
    ck_assert_int_eq(row(1)->state, TICKET_RESPONDED);
    ck_assert_str_eq(row(1)->assignee, "wang");
}
END_TEST

START_TEST(resuming_goes_back_to_where_it_was)
{
    static const enum ticket_state states[] = {TICKET_OPENED, TICKET_ASSIGNED,
                                               TICKET_RESPONDED};
    bring_to(states[_i]);
    ck_assert_int_eq(command(COMMAND_TICKET_WAIT, 1), 0);
    ck_assert_int_eq(command(COMMAND_TICKET_RESUME, 1), 0);
    ck_assert_int_eq(row(1)->state, states[_i]);
}
END_TEST

START_TEST(who_arrives_while_it_waits_has_responded)
{
    bring_to(TICKET_WAITING);
    ck_assert_int_eq(command(COMMAND_TICKET_ARRIVE, 1), 0);
    ck_assert_int_eq(row(1)->state, TICKET_WAITING);
    ck_assert_int_eq(row(1)->responded_ms, T0 + MINUTE);
    ck_assert_int_eq(command(COMMAND_TICKET_ARRIVE, 1), ERR_REFUSED);
    ck_assert_int_eq(command(COMMAND_TICKET_RESUME, 1), 0);
    ck_assert_int_eq(row(1)->state, TICKET_RESPONDED);
}
END_TEST

START_TEST(a_standing_alarm_keeps_the_ticket_from_being_closed)
{
    alarm_is(EDGE_RAISED);
    command(COMMAND_TICKET_RESOLVE, 1);
    ck_assert_int_eq(command(COMMAND_TICKET_CLOSE, 1), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.text, "its alarm stands"));
    alarm_is(EDGE_CLEARED);
    ck_assert_int_eq(command(COMMAND_TICKET_CLOSE, 1), 0);
}
END_TEST

/* What is wrong with a command, whatever the state. */
static const struct {
    const char *name;
    struct command command;
    int code;
    const char *text;
} wrong[] = {
    {"nobody does it",
     {.kind = COMMAND_TICKET_TAKE, .ticket = 1, .by = " "},
     ERR_USAGE,
     "who does it must be said"},
    {"waiting for nothing",
     {.kind = COMMAND_TICKET_WAIT, .ticket = 1, .by = "li", .note = " "},
     ERR_USAGE,
     "what ticket 1 waits for must be said: parts, contractor, access, or in words"},
    {"an empty note",
     {.kind = COMMAND_TICKET_NOTE, .ticket = 1, .by = "li"},
     ERR_USAGE,
     "the note of ticket 1 is empty"},
    {"no ticket named",
     {.kind = COMMAND_TICKET_TAKE, .by = "li"},
     ERR_USAGE,
     "a ticket is named by its number, or by its device"},
    {"no such number",
     {.kind = COMMAND_TICKET_TAKE, .ticket = 77, .by = "li"},
     ERR_NOT_FOUND,
     "no ticket 77 is open or was closed lately"},
    {"a device without a ticket",
     {.kind = COMMAND_TICKET_TAKE, .device = "pump-2", .by = "li"},
     ERR_NOT_FOUND,
     "no ticket of pump-2 is open"},
    {"a rule without a ticket",
     {.kind = COMMAND_TICKET_TAKE, .device = "pump-1", .rule = "vibration", .by = "li"},
     ERR_NOT_FOUND,
     "no ticket of pump-1/vibration is open"},
    {"the number of another device",
     {.kind = COMMAND_TICKET_TAKE, .ticket = 1, .device = "pump-2", .by = "li"},
     ERR_NOT_FOUND,
     "ticket 1 is of pump-1/dry-run"},
    {"a report of nothing",
     {.kind = COMMAND_TICKET_OPEN, .by = "li"},
     ERR_USAGE,
     "a reported fault names its device"},
    {"a report of a device that is not there",
     {.kind = COMMAND_TICKET_OPEN, .device = "pump-9", .by = "li"},
     ERR_NOT_FOUND,
     "there is no device \"pump-9\""},
    {"a report of information",
     {.kind = COMMAND_TICKET_OPEN,
      .device = "pump-1",
      .by = "li",
      .has_priority = true,
      .priority = SEVERITY_INFO},
     ERR_USAGE,
     "info opens no ticket; normal, urgent and critical do"},
    {"a report of a rule",
     {.kind = COMMAND_TICKET_OPEN, .device = "pump-1", .rule = "dry-run", .by = "li"},
     ERR_USAGE,
     "a reported fault names neither a rule nor a ticket"},
};

START_TEST(what_is_wrong_is_said)
{
    alarm_is(EDGE_RAISED);
    recorder_forget(recorder);
    int64_t number = -1;
    ck_assert_msg(tickets_command(tickets, &wrong[_i].command, &number, &err) ==
                      wrong[_i].code,
                  "%s", wrong[_i].name);
    ck_assert_str_eq(err.text, wrong[_i].text);
    ck_assert_int_eq(number, -1);
    expect("");
}
END_TEST

START_TEST(a_rating_is_one_to_five_stars)
{
    bring_to(TICKET_CLOSED);
    for (int rating = -1; rating <= 7; rating++) {
        struct command c = {.t_ms = T0 + HOUR,
                            .kind = COMMAND_TICKET_RATE,
                            .ticket = 1,
                            .by = "resident",
                            .rating = rating};
        bool good = rating >= 1 && rating <= 5;
        ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err),
                         good ? 0 : ERR_USAGE);
        ck_assert_int_eq(row(1)->rating, rating < 1 ? 0 : rating > 5 ? 5 : rating);
    }
}
END_TEST

START_TEST(a_person_reports_a_fault)
{
    struct command c = {.t_ms = T0,
                        .kind = COMMAND_TICKET_OPEN,
                        .device = "lift-1",
                        .by = "desk",
                        .note = "door squeaks"};
    int64_t number = 0;
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), 0);
    ck_assert_int_eq(number, 1);
    expect("0s opened 1 normal desk");
    ck_assert_int_eq(row(1)->kind, TICKET_REPORTED);
    ck_assert_str_eq(row(1)->title, "door squeaks");
    ck_assert_ptr_null(row(1)->rule);
    ck_assert_int_eq(row(1)->respond_by_ms, T0 + 2 * HOUR);
    c.has_priority = true;
    c.priority = SEVERITY_CRITICAL;
    c.note = NULL;
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), 0);
    ck_assert_int_eq(row(2)->resolve_by_ms, T0 + 30 * MINUTE);
    ck_assert_str_eq(row(2)->title, "Lift 1");
    /* No sensor can verify it: a person closes it. */
    ck_assert_int_eq(command(COMMAND_TICKET_RESOLVE, 1), 0);
    ck_assert(!tickets_wants_watch(tickets, LIFT_1, NONE_INDEX));
    ck_assert_int_eq(command(COMMAND_TICKET_CLOSE, 1), 0);
    ck_assert_int_eq(command(COMMAND_TICKET_REOPEN, 1), 0);
}
END_TEST

START_TEST(one_open_ticket_is_found_by_its_device)
{
    alarm_is(EDGE_RAISED);
    struct command c = {
        .t_ms = T0, .kind = COMMAND_TICKET_TAKE, .device = "pump-1", .by = "li"};
    int64_t number = 0;
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), 0);
    ck_assert_int_eq(number, 1);
    struct alarm a = {.severity = SEVERITY_NORMAL};
    tickets_alarm(tickets, T0, EDGE_RAISED, &a, PUMP_1, VIBRATION, false);
    c.by = "wang";
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "pump-1 has 2 tickets: 1, 2; name one by its number");
    c.rule = "vibration";
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), 0);
    ck_assert_int_eq(number, 2);
}
END_TEST

START_TEST(a_visit_is_found_by_its_device_and_plan)
{
    alarm_is(EDGE_RAISED);
    struct command c = {.t_ms = T0,
                        .kind = COMMAND_TICKET_RESOLVE,
                        .device = "pump-1",
                        .plan = "monthly",
                        .by = "li",
                        .note = "done"};
    int64_t number = 0;
    /* The ticket of the alarm is not the visit. */
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "no ticket of pump-1/monthly is open");
    struct ticket_visit visit = {.plan = "monthly", .device = PUMP_1, .title = "Round"};
    ck_assert_int_eq(tickets_plan_open(tickets, T0, &visit), 2);
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), 0);
    ck_assert_int_eq(number, 2);
    ck_assert_int_eq(row(1)->state, TICKET_OPENED);
    c.plan = "yearly";
    c.ticket = 2;
    ck_assert_int_eq(tickets_command(tickets, &c, &number, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "ticket 2 is of pump-1/monthly");
}
END_TEST

START_TEST(a_closed_ticket_is_found_by_its_device_to_rate_or_reopen_it)
{
    bring_to(TICKET_CLOSED);
    struct command c = {.t_ms = T0 + HOUR,
                        .kind = COMMAND_TICKET_RATE,
                        .device = "pump-1",
                        .by = "desk",
                        .rating = 5};
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), 0);
    c.kind = COMMAND_TICKET_TAKE;
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), ERR_NOT_FOUND);
    c.kind = COMMAND_TICKET_REOPEN;
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), 0);
    ck_assert_int_eq(row(1)->state, TICKET_ASSIGNED);
    ck_assert_int_eq(row(1)->rating, 0);
}
END_TEST

START_TEST(many_candidates_are_named_up_to_a_limit)
{
    struct command c = {
        .t_ms = T0, .kind = COMMAND_TICKET_OPEN, .device = "lift-1", .by = "desk"};
    for (int i = 0; i < 40; i++) {
        ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), 0);
    }
    c.kind = COMMAND_TICKET_TAKE;
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text,
                     "lift-1 has 40 tickets: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
                     "...; name one by its number");
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    char text[3000] = "";
    for (int i = 0; i < 900; i++) {
        strcat(text, "漏");
    }
    recorder->short_lines = false;
    struct command c = {.t_ms = T0,
                        .kind = COMMAND_TICKET_OPEN,
                        .device = "lift-1",
                        .by = text,
                        .note = text};
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), 0);
    ck_assert_uint_eq(strlen(row(1)->title), 255);
    c.kind = COMMAND_TICKET_RESOLVE;
    ck_assert_int_eq(tickets_command(tickets, &c, NULL, &err), 0);
    ck_assert_uint_eq(strlen(row(1)->resolution), 1023);
    ck_assert_uint_eq(strlen(row(1)->assignee), 63);
    char *lines = recorder_take(recorder);
    ck_assert_ptr_null(strstr(lines, "\xEF\xBF\xBD"));
    free(lines);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ticket commands");
    TCase *tc = tcase_create("commands");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_command_from_every_state, 0,
                        (int)ARRAY_LEN(matrix) * TICKET_STATE_COUNT);
    tcase_add_test(tc, what_is_entered_is_kept);
    tcase_add_test(tc, a_ticket_changes_hands_and_keeps_its_state);
    tcase_add_loop_test(tc, resuming_goes_back_to_where_it_was, 0, 3);
    tcase_add_test(tc, who_arrives_while_it_waits_has_responded);
    tcase_add_test(tc, a_standing_alarm_keeps_the_ticket_from_being_closed);
    tcase_add_loop_test(tc, what_is_wrong_is_said, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, a_rating_is_one_to_five_stars);
    tcase_add_test(tc, a_person_reports_a_fault);
    tcase_add_test(tc, one_open_ticket_is_found_by_its_device);
    tcase_add_test(tc, a_visit_is_found_by_its_device_and_plan);
    tcase_add_test(tc, a_closed_ticket_is_found_by_its_device_to_rate_or_reopen_it);
    tcase_add_test(tc, many_candidates_are_named_up_to_a_limit);
    tcase_add_test(tc, long_texts_are_cut_between_characters);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
