/* What the stages say becomes a journal from which every ticket can be folded, however
 * it is cut into transactions; and what is changed by hand is named. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/changes.h"
#include "daemon/pipeline/journal/journal_check.h"
#include "daemon/ticket/tickets.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/sanitized.h"
#include "tests/fake/small_site.h"

#define T0    1767225600000LL
#define SEEDS 12
#define STEPS (SANITIZED_SLOWER > 1 ? 150 : 400)

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;
static struct changes *changes;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    log_init(LOG_LEVEL_ERROR);
    scratch_make(dir);
    must(state_open(&store, dir, STORE_WRITE, &err));
    changes = changes_new();
}

static void
teardown(void)
{
    changes_free(changes);
    state_close(store);
    scratch_remove(dir);
}

static const char *
query(const char *sql)
{
    static char text[512];
    scratch_query(dir, "state.db", sql, text);
    return text;
}

static void
write_changes(void)
{
    must(changes_write(changes, store, small_site(), T0, NULL, &err));
}

/* The lines of what is found. */
static char *
check_now(int64_t *tickets)
{
    struct journal_verdict v;
    const struct journal_check check = {.data_dir = dir};
    must(journal_check(&check, &v, &err));
    if (tickets != NULL) {
        *tickets = v.tickets;
    }
    ck_assert_int_eq(v.findings == 0, v.text.size == 0);
    char *text = strbuf_take(&v.text);
    journal_verdict_fini(&v);
    return text;
}

static void
expect_found(const char *want)
{
    char *got = check_now(NULL);
    ck_assert_str_eq(got, want);
    free(got);
}

static void
say(const struct event *e)
{
    const struct sink *sink = changes_sink(changes);
    sink->event(sink->ctx, e);
}

/* ---- Random lives ---- */

/* The small site, with a team whose hours count for some of the tickets, so that a step
 * of the clock is more for them than a move. */
static const struct site *
site_with_hours(void)
{
    static const struct work_span hours[] = {
        {0, 480, 1080}, {2, 480, 1080}, {4, 1320, 1800}};
    static const struct escalation steps[] = {{20 * MINUTE, "li"}};
    static const struct team team = {.id = "mechanical",
                                     .hours = hours,
                                     .hours_count = ARRAY_LEN(hours),
                                     .escalate = steps,
                                     .escalate_count = 1};
    static struct site site;
    site = *small_site();
    site.teams = (struct team *)(uintptr_t)&team;
    site.team_count = 1;
    return &site;
}

struct world {
    struct tickets *tickets;
    int64_t now_ms;
    bool raised[3];
    uint32_t seed;
};

static const uint32_t devices[] = {PUMP_1, PUMP_1, PUMP_2};
static const uint32_t rules[] = {LOCKED, TRIPPED, BEARING_HOT}; /* A group, and one. */

static uint32_t
draw(struct world *w, uint32_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 17;
    w->seed ^= w->seed << 5;
    return w->seed % below;
}

/* As the pipeline does it: the alarm's event, then what it means for its ticket. */
static void
step_alarm(struct world *w)
{
    uint32_t i = draw(w, 3);
    enum edge_kind kind = !w->raised[i]     ? EDGE_RAISED
                          : draw(w, 3) == 0 ? EDGE_CHANGED
                                            : EDGE_CLEARED;
    const struct site *site = small_site();
    struct alarm a = {.device = site->devices[devices[i]].id,
                      .rule = site->rules[rules[i]].id,
                      .severity = (enum severity)draw(w, SEVERITY_COUNT),
                      .title = "hot",
                      .episode = 1,
                      .state = kind == EDGE_CLEARED ? ALARM_NORMAL : ALARM_ACTIVE,
                      .cleared_ms = kind == EDGE_CLEARED ? w->now_ms : INSTANT_NONE};
    const struct event e = {.t_ms = w->now_ms,
                            .kind = kind == EDGE_RAISED    ? EVENT_ALARM_RAISED
                                    : kind == EDGE_CHANGED ? EVENT_ALARM_CHANGED
                                                           : EVENT_ALARM_CLEARED,
                            .device = a.device,
                            .rule = a.rule,
                            .severity = a.severity,
                            .episode = 1};
    w->raised[i] = kind != EDGE_CLEARED;
    bool others = i < 2 && w->raised[1 - i];
    changes_sink(changes)->alarm(changes_sink(changes)->ctx, &a);
    say(&e);
    (void)tickets_alarm(w->tickets, w->now_ms, kind, &a, devices[i], rules[i], others);
}

static void
step_command(struct world *w)
{
    static const char *const people[] = {"li", "wang 王"};
    static const struct ticket_part parts[] = {{"bearing 6309", 2, 8800},
                                               {"轴封", 1, 0}};
    const uint32_t kinds = COMMAND_TICKET_CHANGE - COMMAND_TICKET_TAKE + 1;
    struct command c = {.t_ms = w->now_ms,
                        .kind = COMMAND_TICKET_TAKE + draw(w, kinds),
                        .ticket = 1 + draw(w, 6),
                        .by = people[draw(w, 2)],
                        .note = "because \"so\"",
                        .priority = SEVERITY_NORMAL + draw(w, 3),
                        .has_priority = draw(w, 2) != 0,
                        .rating = 1 + (int)draw(w, 5),
                        .pause = (enum pause)draw(w, PAUSE_COUNT),
                        .minutes = draw(w, 60),
                        .cost = draw(w, 2) * INT64_C(12050),
                        .parts = parts,
                        .part_count = draw(w, 3),
                        .step = 1 + (int)draw(w, 4),
                        .undone = draw(w, 3) == 0};
    if (draw(w, 10) == 0) {
        c.kind = COMMAND_TICKET_OPEN;
        c.ticket = 0;
        c.device = "pump-2";
    }
    (void)tickets_command(w->tickets, &c, NULL, &err);
}

static void
step_clock(struct world *w)
{
    int64_t step_ms = (int64_t)draw(w, 7200000) - 3600000;
    tickets_shift(w->tickets, w->now_ms, step_ms);
    w->now_ms += step_ms;
    say(&(const struct event){
        .t_ms = w->now_ms, .kind = EVENT_CLOCK_STEPPED, .step_ms = step_ms});
}

static void
step_watch(struct world *w)
{
    const struct watch watch = {.clear = draw(w, 2) != 0,
                                .clear_since_ms = w->now_ms - MINUTE,
                                .while_now = draw(w, 2) != 0,
                                .while_last_ms = INSTANT_NONE};
    uint32_t i = draw(w, 3);
    tickets_watch(w->tickets, w->now_ms, devices[i], rules[i], &watch);
}

static void
step(struct world *w)
{
    w->now_ms += draw(w, 4) == 0 ? draw(w, 3600000) : draw(w, 60000);
    while (tickets_due(w->tickets) <= w->now_ms) {
        tickets_fire(w->tickets);
    }
    switch (draw(w, 8)) {
    case 0:
    case 1:
    case 2:
        step_alarm(w);
        break;
    case 3:
        step_watch(w);
        break;
    case 4:
        if (draw(w, 4) == 0) {
            step_clock(w);
            break;
        }
        /* fall through */
    default:
        step_command(w);
        break;
    }
}

START_TEST(random_lives_fold_to_their_rows_after_every_transaction)
{
    struct world w = {.seed = 77 + (uint32_t)_i, .now_ms = T0};
    w.tickets = tickets_new(_i % 2 == 0 ? small_site() : site_with_hours(),
                            changes_sink(changes), 1);
    /* One step a transaction, or many: as while a disk refuses. */
    uint32_t together = _i % 3 == 0 ? 1 : _i % 3 == 1 ? 7 : 60;
    int64_t tickets = 0;
    for (int i = 0; i < STEPS; i++) {
        step(&w);
        if (draw(&w, together) == 0) {
            write_changes();
            char *by_now = check_now(NULL);
            ck_assert_msg(by_now[0] == '\0', "step %d: %s", i, by_now);
            free(by_now);
        }
    }
    write_changes();
    char *found = check_now(&tickets);
    ck_assert_str_eq(found, "");
    free(found);
    tickets_free(w.tickets);
    ck_assert_int_gt(tickets, 2);
    /* Every change had an event of its own, or an alarm's. */
    ck_assert_str_eq(query("SELECT count(*) FROM events WHERE name = 'ticket.changed'"
                           " AND more IS NOT NULL AND (more ->> 'priority') IS NULL"),
                     "0");
}
END_TEST

/* ---- Which event carries it ---- */

static struct ticket
a_ticket(enum ticket_state state)
{
    return (struct ticket){.number = 1,
                           .device = "pump-1",
                           .rule = "bearing-hot",
                           .priority = SEVERITY_URGENT,
                           .state = state,
                           .opened_ms = T0,
                           .respond_by_ms = T0 + MINUTE,
                           .resolve_by_ms = T0 + HOUR,
                           .respond_from_ms = T0,
                           .resolve_from_ms = T0,
                           .assigned_ms = INSTANT_NONE,
                           .responded_ms = INSTANT_NONE,
                           .resolved_ms = INSTANT_NONE,
                           .verified_ms = INSTANT_NONE,
                           .closed_ms = INSTANT_NONE,
                           .waiting_since_ms = INSTANT_NONE,
                           .cleared_ms = INSTANT_NONE,
                           .due_ms = INSTANT_NONE,
                           .first_responded_ms = INSTANT_NONE,
                           .first_resolved_ms = INSTANT_NONE,
                           .visit_ms = INSTANT_NONE,
                           .title = "hot"};
}

static void
say_row(const struct ticket *t)
{
    const struct sink *sink = changes_sink(changes);
    sink->ticket(sink->ctx, t);
}

static void
say_kind(enum event_kind kind, int64_t ticket)
{
    say(&(const struct event){.t_ms = T0,
                              .kind = kind,
                              .device = "pump-1",
                              .rule = "bearing-hot",
                              .ticket = ticket,
                              .episode = 1});
}

#define CARRIED                                                                        \
    "SELECT group_concat(name || ' ' || ifnull(ticket, '-') || ' ' ||"                 \
    " ifnull(more, '-'), '; ') FROM events WHERE seq > 1"

START_TEST(an_alarms_event_carries_what_it_means_for_the_ticket)
{
    struct ticket t = a_ticket(TICKET_OPENED);
    say_row(&t);
    say_kind(EVENT_TICKET_OPENED, 1);
    write_changes();
    say_kind(EVENT_ALARM_CLEARED, 0);
    t.cleared_ms = 5;
    say_row(&t);
    write_changes();
    ck_assert_str_eq(query(CARRIED), "alarm.cleared 1 {\"cleared_ms\":5}");
    expect_found("");
}
END_TEST

START_TEST(a_change_that_no_event_tells_gets_one)
{
    struct ticket t = a_ticket(TICKET_OPENED);
    say_row(&t);
    say_kind(EVENT_TICKET_OPENED, 1);
    write_changes();
    t.level = 2;
    say_row(&t);
    write_changes();
    ck_assert_str_eq(query(CARRIED), "ticket.changed 1 {\"level\":2}");
    say_row(&t); /* The same once more changes nothing. */
    write_changes();
    ck_assert_str_eq(query("SELECT count(*) FROM events"), "2");
    expect_found("");
}
END_TEST

START_TEST(rows_that_change_twice_in_a_transaction_are_told_once_each)
{
    struct ticket t = a_ticket(TICKET_OPENED);
    say_kind(EVENT_ALARM_RAISED, 0);
    say_row(&t);
    say_kind(EVENT_TICKET_OPENED, 1);
    t.level = 1;
    say_row(&t);
    say_kind(EVENT_TICKET_ESCALATED, 1);
    say_kind(EVENT_ALARM_CLEARED, 0);
    t.level = 0;
    t.cleared_ms = 6;
    say_row(&t);
    say_kind(EVENT_ALARM_CLEARED, 0);
    t.cleared_ms = 7;
    say_row(&t);
    write_changes();
    expect_found("");
    ck_assert_str_eq(query("SELECT count(*) FROM events"), "5");
    ck_assert_str_eq(query("SELECT more FROM events WHERE seq = 3"), "{\"level\":1}");
}
END_TEST

START_TEST(a_row_made_unreadable_by_hand_stops_nobody)
{
    struct ticket t = a_ticket(TICKET_OPENED);
    say_row(&t);
    say_kind(EVENT_TICKET_OPENED, 1);
    write_changes();
    scratch_exec(dir, "state.db", "UPDATE ticket SET state = 'odd'");
    expect_found(
        "ticket 1: state is \"odd\" in the table and \"opened\" by its events\n");
    t.state = TICKET_ASSIGNED;
    say_row(&t);
    say_kind(EVENT_TICKET_ASSIGNED, 1);
    write_changes();
    expect_found("");
}
END_TEST

/* ---- By hand ---- */

static const struct {
    const char *sql, *found;
} by_hand[] = {
    {"UPDATE ticket SET resolve_by_ms = 7",
     "ticket 1: resolve_by_ms is 7 in the table and 1767229200000 by its events\n"},
    {"UPDATE ticket SET closed_ms = 7",
     "ticket 1: closed_ms is 7 in the table and null by its events\n"},
    {"UPDATE ticket SET title = ''",
     "ticket 1: title is null in the table and \"hot\" by its events\n"},
    {"UPDATE ticket SET title = 'hot' || char(0)",
     "ticket 1: title is \"a text with a zero byte inside\" in the table and \"hot\" "
     "by "
     "its events\n"},
    {"UPDATE ticket SET parts = '[oh'",
     "ticket 1: its parts or titles in the table are no JSON\n"},
    {"UPDATE ticket SET titles = '{oh'",
     "ticket 1: its parts or titles in the table are no JSON\n"},
    {"UPDATE ticket SET titles = '{\"en\":\"cold\"}'",
     "ticket 1: titles is {\"en\": \"cold\"} in the table and null by its events\n"},
    {"UPDATE ticket SET number = 2",
     "ticket 2: no event tells of it\nticket 1: its row was removed from the table\n"},
    {"ALTER TABLE ticket ADD COLUMN colour TEXT; UPDATE ticket SET colour = 'red'",
     "ticket 1: colour is \"red\" in the table and null by its events\n"},
    {"UPDATE meta SET value = '2:x' WHERE key = 'journal_head'",
     "the head in meta was removed or is none\n"},
};

START_TEST(what_is_done_by_hand_is_named)
{
    struct ticket t = a_ticket(TICKET_OPENED);
    say_row(&t);
    say_kind(EVENT_TICKET_OPENED, 1);
    write_changes();
    scratch_exec(dir, "state.db", by_hand[_i].sql);
    expect_found(by_hand[_i].found);
}
END_TEST

START_TEST(a_standing_alarm_without_its_row_is_named)
{
    const struct sink *sink = changes_sink(changes);
    const struct alarm a = {.device = "pump-1",
                            .rule = "bearing-hot",
                            .severity = SEVERITY_URGENT,
                            .title = "hot",
                            .episode = 1,
                            .state = ALARM_ACTIVE,
                            .cleared_ms = INSTANT_NONE};
    sink->alarm(sink->ctx, &a);
    say_kind(EVENT_ALARM_RAISED, 0);
    write_changes();
    expect_found("");
    scratch_exec(dir, "state.db", "DELETE FROM alarm");
    expect_found("alarm pump-1/bearing-hot: it stands by its events, and its row was "
                 "removed from the table\n");
    say_kind(EVENT_ALARM_CLEARED, 0);
    write_changes();
    expect_found("");
}
END_TEST

static void
on_opening(void *ctx, const struct event *e, struct evidence_texts *out)
{
    (void)ctx;
    strbuf_printf(&out->facts, "{\"ticket\":%lld}", (long long)e->ticket);
    strbuf_add(&out->rule, "- id: hot");
}

static const struct {
    const char *sql;
    const char *found;
} evidence_by_hand[] = {
    {"UPDATE evidence SET rule = '- id: cold' WHERE opening = 2",
     "ticket 1: the evidence of its opening 2 was changed\n"},
    {"UPDATE evidence SET bus = '{}' WHERE opening = 1",
     "ticket 1: the evidence of its opening 1 was changed\n"},
    {"UPDATE evidence SET t_ms = t_ms + 1 WHERE opening = 1",
     "ticket 1: the evidence of its opening 1 was changed\n"},
    {"DELETE FROM evidence WHERE opening = 1",
     "ticket 1: the evidence of its opening 1 was removed\n"},
    {"INSERT INTO evidence (ticket, opening, t_ms) VALUES (1, 3, 7)",
     "ticket 1: there is evidence of opening 3, of which no event tells\n"},
    {"INSERT INTO evidence (ticket, opening, t_ms) VALUES (1, -1, 7)",
     "ticket 1: there is evidence of opening -1, of which no event tells\n"},
};

START_TEST(evidence_changed_by_hand_is_named)
{
    struct ticket t = a_ticket(TICKET_OPENED);
    changes_set_witness(changes, on_opening, NULL);
    say_row(&t);
    say_kind(EVENT_TICKET_OPENED, 1);
    t.reopened = 1;
    say_row(&t);
    say_kind(EVENT_TICKET_REOPENED, 1);
    write_changes();
    expect_found("");
    scratch_exec(dir, "state.db", evidence_by_hand[_i].sql);
    expect_found(evidence_by_hand[_i].found);
}
END_TEST

START_TEST(findings_beyond_the_limit_are_counted)
{
    scratch_exec(
        dir, "state.db",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 150) INSERT INTO ticket (number, kind, priority, state,"
        " episodes, reopened, respond_warned, respond_breached, resolve_warned,"
        " resolve_breached, title) SELECT i, 'fault', 'urgent', 'opened', 0, 0,"
        " 0, 0, 0, 0, '' FROM n");
    struct journal_verdict v;
    const struct journal_check check = {.data_dir = dir};
    must(journal_check(&check, &v, &err));
    ck_assert_int_eq(v.findings, 150);
    size_t lines = 0;
    for (const char *c = strbuf_text(&v.text); *c != '\0'; c++) {
        lines += *c == '\n';
    }
    ck_assert_uint_eq(lines, JOURNAL_FINDINGS_SHOWN);
    journal_verdict_fini(&v);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("journal_check");
    TCase *tc = tcase_create("journal_check");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, random_lives_fold_to_their_rows_after_every_transaction, 0,
                        SEEDS);
    tcase_add_test(tc, an_alarms_event_carries_what_it_means_for_the_ticket);
    tcase_add_test(tc, a_change_that_no_event_tells_gets_one);
    tcase_add_test(tc, rows_that_change_twice_in_a_transaction_are_told_once_each);
    tcase_add_test(tc, a_row_made_unreadable_by_hand_stops_nobody);
    tcase_add_loop_test(tc, what_is_done_by_hand_is_named, 0, (int)ARRAY_LEN(by_hand));
    tcase_add_test(tc, a_standing_alarm_without_its_row_is_named);
    tcase_add_loop_test(tc, evidence_changed_by_hand_is_named, 0,
                        ARRAY_LEN(evidence_by_hand));
    tcase_add_test(tc, findings_beyond_the_limit_are_counted);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
