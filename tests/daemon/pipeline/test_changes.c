/* What a step decided reaches state.db whole, or stays in memory whole. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/changes.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/small_site.h"

#define T0 1767225600000LL

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;
static struct changes *changes;
static struct site site; /* The small one, with a broker. */

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    log_init(LOG_LEVEL_ERROR);
    scratch_make(dir);
    site = *small_site();
    site.mqtt.enabled = true;
    site.mqtt.prefix = "ck";
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

static int
write_changes(void)
{
    return changes_write(changes, store, &site, T0 + 5000, NULL, &err);
}

/* ---- What the stages say ---- */

static void
say_event(enum event_kind kind, const char *rule, int64_t ticket)
{
    char device[] = "pump-1";
    char person[] = "zhang";
    struct event e = {.t_ms = T0,
                      .kind = kind,
                      .device = device,
                      .rule = rule,
                      .ticket = ticket,
                      .by = person};
    const struct sink *sink = changes_sink(changes);
    sink->event(sink->ctx, &e);
    /* Texts were borrowed for the call only. */
    memset(device, '#', sizeof device - 1);
    memset(person, '#', sizeof person - 1);
}

static void
say_alarm(enum alarm_state state)
{
    char device[] = "pump-1";
    char rule[] = "bearing-hot";
    struct alarm a = {.device = device,
                      .rule = rule,
                      .severity = SEVERITY_URGENT,
                      .state = state,
                      .episode = 1,
                      .raised_ms = T0,
                      .cleared_ms = INSTANT_NONE,
                      .acked_ms = INSTANT_NONE,
                      .title = "hot",
                      .ticket = 1};
    const struct sink *sink = changes_sink(changes);
    sink->alarm(sink->ctx, &a);
    memset(device, '#', sizeof device - 1);
    memset(rule, '#', sizeof rule - 1);
}

static void
say_ticket(enum ticket_state state)
{
    char device[] = "pump-1";
    char rule[] = "bearing-hot";
    struct ticket t = {.number = 1,
                       .kind = TICKET_FAULT,
                       .device = device,
                       .rule = rule,
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
                       .episodes = 1,
                       .title = "hot"};
    const struct sink *sink = changes_sink(changes);
    sink->ticket(sink->ctx, &t);
    memset(device, '#', sizeof device - 1);
    memset(rule, '#', sizeof rule - 1);
}

static void
say_timer(enum rule_phase phase, bool watched)
{
    const struct rule_state s = {.device = PUMP_1,
                                 .rule = BEARING_HOT,
                                 .phase = phase,
                                 .level = 0,
                                 .target_level = -1,
                                 .since_ms = T0,
                                 .clear_since_ms = T0,
                                 .while_last_ms = INSTANT_NONE};
    changes_add_timer(changes, &site, &s, watched);
}

/* A whole step: two events with their rows, and a timer. */
static void
say_step(void)
{
    say_alarm(ALARM_ACTIVE);
    say_event(EVENT_ALARM_RAISED, "bearing-hot", 0);
    say_ticket(TICKET_OPENED);
    say_event(EVENT_TICKET_OPENED, "bearing-hot", 1);
    say_timer(RULE_RAISED, false);
}

/* Rows of events, alarm, ticket, timer, outbox and the moment on record. */
#define EVERYTHING                                                                     \
    "SELECT (SELECT count(*) FROM events) || ' ' || (SELECT count(*) FROM alarm)"      \
    " || ' ' || (SELECT count(*) FROM ticket) || ' ' || (SELECT count(*) FROM timer)"  \
    " || ' ' || (SELECT count(*) FROM outbox)"

/* ---- What is written ---- */

START_TEST(a_step_is_written_with_all_that_it_decided)
{
    bool published = false;
    ck_assert(!changes_pending(changes));
    say_step();
    ck_assert(changes_pending(changes));
    ck_assert(changes_urgent(changes));
    ck_assert_str_eq(query(EVERYTHING), "0 0 0 0 0");
    must(changes_write(changes, store, &site, T0 + 5000, &published, &err));
    ck_assert(published);
    ck_assert(!changes_pending(changes));
    ck_assert(!changes_urgent(changes));
    ck_assert_str_eq(query(EVERYTHING), "2 1 1 1 4");
    ck_assert_str_eq(
        query("SELECT group_concat(seq || ' ' || name || ' ' || device || ' ' || rule,"
              " '; ') FROM events"),
        "1 alarm.raised pump-1 bearing-hot; 2 ticket.opened pump-1 bearing-hot");
    ck_assert_str_eq(query("SELECT device || ' ' || rule || ' ' || state FROM alarm"),
                     "pump-1 bearing-hot active");
    ck_assert_str_eq(query("SELECT device || ' ' || rule || ' ' || state FROM ticket"),
                     "pump-1 bearing-hot opened");
    int64_t alive_ms = 0;
    must(state_get_alive(store, &alive_ms, &err));
    ck_assert_int_eq(alive_ms, T0 + 5000);
}
END_TEST

START_TEST(the_journal_keeps_who_did_it_and_by_which_process)
{
    changes_set_peer(changes, "uid=1000 pid=42");
    say_event(EVENT_ALARM_ACKNOWLEDGED, "bearing-hot", 0);
    changes_set_peer(changes, NULL);
    say_event(EVENT_ALARM_CLEARED, "bearing-hot", 0);
    must(write_changes());
    ck_assert_str_eq(query("SELECT group_concat(person || ' ' || coalesce(peer, '-'),"
                           " '; ') FROM events"),
                     "zhang uid=1000 pid=42; zhang -");
}
END_TEST

static void
on_opening(void *ctx, const struct event *e, struct evidence_texts *out)
{
    int *count = ctx;
    ck_assert_str_eq(e->device, "pump-1");
    strbuf_printf(&out->facts, "{\"asked\":%d}", ++*count);
    strbuf_add(&out->rule, "- id: hot");
    rule_text_version(out->version, strbuf_text(&out->rule));
}

#define EVIDENCE                                                                       \
    "SELECT coalesce(group_concat(ticket || '/' || opening || ' ' || t_ms || ' ' ||"   \
    " facts || ' ' || rule || ' ' || length(version), '; '), 'none') FROM evidence"

START_TEST(a_witness_is_asked_when_a_ticket_opens)
{
    int count = 0;
    say_step();
    must(write_changes());
    ck_assert_str_eq(query(EVIDENCE), "none"); /* Replay has no witness. */
    changes_set_witness(changes, on_opening, &count);
    say_step();
    say_event(EVENT_TICKET_ASSIGNED, "bearing-hot", 1);
    ck_assert_int_eq(count, 1); /* At the moment itself, not when it is written. */
    ck_assert_str_eq(query(EVIDENCE), "none");
    must(write_changes());
    ck_assert_str_eq(query(EVIDENCE), "1/1 1767225600000 {\"asked\":1} - id: hot 12");
    say_event(EVENT_TICKET_REOPENED, "bearing-hot", 1);
    changes_discard(changes); /* And what was taken goes with it. */
    ck_assert_int_eq(count, 2);
}
END_TEST

START_TEST(devices_that_fall_silent_are_remembered)
{
    say_event(EVENT_DEVICE_OFFLINE, NULL, 0);
    must(write_changes());
    ck_assert_str_eq(query("SELECT id || ' ' || online FROM device"), "pump-1 0");
    say_event(EVENT_DEVICE_ONLINE, NULL, 0);
    must(write_changes());
    ck_assert_str_eq(query("SELECT id || ' ' || online FROM device"), "pump-1 1");
}
END_TEST

START_TEST(a_timer_is_kept_while_it_says_something)
{
    bool published = true;
    say_timer(RULE_PENDING, false);
    ck_assert(changes_pending(changes));
    ck_assert(!changes_urgent(changes));
    must(changes_write(changes, store, &site, T0, &published, &err));
    ck_assert(!published); /* Nothing new for anybody outside. */
    ck_assert_str_eq(query(EVERYTHING), "0 0 0 1 0");
    say_timer(RULE_NORMAL, true); /* A ticket waits for how long it has been clear. */
    must(write_changes());
    ck_assert_str_eq(query(EVERYTHING), "0 0 0 1 0");
    say_timer(RULE_NORMAL, false);
    must(write_changes());
    ck_assert_str_eq(query(EVERYTHING), "0 0 0 0 0");
}
END_TEST

START_TEST(what_is_gone_from_the_site_is_forgotten)
{
    say_step();
    must(write_changes());
    changes_forget_alarm(changes, "pump-1", "bearing-hot");
    changes_forget_timer(changes, "pump-1", "bearing-hot");
    must(write_changes());
    ck_assert_str_eq(query("SELECT (SELECT count(*) FROM alarm) || ' ' ||"
                           " (SELECT count(*) FROM timer)"),
                     "0 0");
    ck_assert_str_eq(query("SELECT payload FROM outbox"
                           " WHERE topic = 'ck/small/alarm/pump-1/bearing-hot'"),
                     "");
}
END_TEST

/* ---- What must go outside ---- */

START_TEST(the_outbox_has_each_message_in_order)
{
    say_step();
    must(write_changes());
    ck_assert_str_eq(query("SELECT group_concat(topic || ' ' || retain, '; ')"
                           " FROM (SELECT * FROM outbox ORDER BY id)"),
                     "ck/small/alarm/pump-1/bearing-hot 1; ck/small/event 0; "
                     "ck/small/ticket/1 1; ck/small/event 0");
    char id[64];
    snprintf(id, sizeof id, "%%,\"seq\":2,\"id\":\"%s-2\",\"hash\":\"%%\"}",
             state_gateway_id(store));
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM outbox WHERE payload LIKE '%s'",
             id);
    ck_assert_str_eq(query(sql), "1");
    ck_assert_str_eq(query("SELECT count(*) FROM outbox WHERE json_valid(payload)"),
                     "4");
    /* Each event tells the head of the journal as it was with it. */
    ck_assert_str_eq(query("SELECT count(*) FROM outbox, events WHERE"
                           " (payload ->> 'seq') = seq AND"
                           " (payload ->> 'hash') = lower(hex(hash))"),
                     "2");
}
END_TEST

START_TEST(without_a_broker_nothing_is_put_out)
{
    bool published = true;
    site.mqtt.enabled = false;
    say_step();
    must(changes_write(changes, store, &site, T0, &published, &err));
    ck_assert(!published);
    ck_assert_str_eq(query(EVERYTHING), "2 1 1 1 0");
}
END_TEST

START_TEST(the_topic_of_an_alarm_is_emptied_when_it_is_normal_again)
{
    const char *sql = "SELECT payload FROM outbox"
                      " WHERE topic = 'ck/small/alarm/pump-1/bearing-hot'";
    say_alarm(ALARM_CLEARED);
    must(write_changes());
    ck_assert_ptr_nonnull(strstr(query(sql), "\"state\":\"cleared\""));
    say_alarm(ALARM_NORMAL);
    must(write_changes());
    ck_assert_str_eq(query(sql), "");
    ck_assert_str_eq(query("SELECT count(*) FROM outbox"), "1");
}
END_TEST

/* ---- A disk that refuses ---- */

static const char *const tables[] = {"events", "alarm",  "ticket",
                                     "timer",  "outbox", "meta"};

START_TEST(a_step_that_fails_anywhere_is_not_written_at_all_and_not_lost)
{
    char sql[256];
    /* INSERT OR REPLACE and upserts insert first; meta has its row already. */
    snprintf(sql, sizeof sql,
             "CREATE TRIGGER refuse BEFORE INSERT ON %s BEGIN"
             " SELECT RAISE(ABORT, 'refused by the test'); END",
             tables[_i]);
    scratch_exec(dir, "state.db", sql);
    changes_set_peer(changes, "uid=1 pid=2");
    say_step();
    for (int attempt = 0; attempt < 3; attempt++) {
        ck_assert_int_ne(write_changes(), 0);
        ck_assert_ptr_nonnull(strstr(err.text, "refused by the test"));
        ck_assert(changes_urgent(changes));
        ck_assert_str_eq(query(EVERYTHING), "0 0 0 0 0");
    }
    /* Life goes on meanwhile. */
    say_ticket(TICKET_ASSIGNED);
    say_event(EVENT_TICKET_ASSIGNED, "bearing-hot", 1);
    ck_assert_int_ne(write_changes(), 0);
    scratch_exec(dir, "state.db", "DROP TRIGGER refuse");
    must(write_changes());
    /* The ticket's second retained message has taken the place of the first. */
    ck_assert_str_eq(query(EVERYTHING), "3 1 1 1 5");
    ck_assert_str_eq(query("SELECT group_concat(seq || ' ' || name, '; ') FROM events"),
                     "1 alarm.raised; 2 ticket.opened; 3 ticket.assigned");
    ck_assert_str_eq(query("SELECT state FROM ticket"), "assigned");
    ck_assert_str_eq(query("SELECT count(*) FROM events WHERE peer = 'uid=1 pid=2'"),
                     "3");
    must(write_changes());
    ck_assert_str_eq(query(EVERYTHING), "3 1 1 1 5"); /* And not once more. */
}
END_TEST

START_TEST(a_full_disk_loses_nothing)
{
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {4096, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 50; i++) {
        say_event(EVENT_ALARM_RAISED, "bearing-hot", 0);
    }
    int code = write_changes();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_ne(code, 0);
    ck_assert_str_eq(query("SELECT count(*) FROM events"), "0");
    must(write_changes());
    ck_assert_str_eq(query("SELECT count(*) || ' ' || min(seq) || ' ' || max(seq)"
                           " FROM events"),
                     "50 1 50");
    ck_assert_str_eq(query("SELECT count(*) FROM outbox"), "50");
}
END_TEST

START_TEST(what_waits_for_the_disk_outlives_the_site_that_it_came_from)
{
    scratch_exec(dir, "state.db",
                 "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN"
                 " SELECT RAISE(ABORT, 'refused by the test'); END");
    struct arena *arena = arena_new();
    const struct event e = {.t_ms = T0,
                            .kind = EVENT_TICKET_RESOLVED,
                            .device = arena_strdup(arena, "pump-2"),
                            .rule = arena_strdup(arena, "dry-run"),
                            .by = arena_strdup(arena, "li"),
                            .note = arena_strdup(arena, "opened the valve"),
                            .ticket = 3};
    const struct sink *sink = changes_sink(changes);
    sink->event(sink->ctx, &e);
    ck_assert_int_ne(write_changes(), 0);
    arena_free(arena);
    scratch_exec(dir, "state.db", "DROP TRIGGER refuse");
    must(write_changes());
    ck_assert_str_eq(query("SELECT device || ' ' || rule || ' ' || person || ' ' ||"
                           " (json ->> 'note') FROM events"),
                     "pump-2 dry-run li opened the valve");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("changes");
    TCase *tc = tcase_create("changes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_step_is_written_with_all_that_it_decided);
    tcase_add_test(tc, the_journal_keeps_who_did_it_and_by_which_process);
    tcase_add_test(tc, a_witness_is_asked_when_a_ticket_opens);
    tcase_add_test(tc, devices_that_fall_silent_are_remembered);
    tcase_add_test(tc, a_timer_is_kept_while_it_says_something);
    tcase_add_test(tc, what_is_gone_from_the_site_is_forgotten);
    tcase_add_test(tc, the_outbox_has_each_message_in_order);
    tcase_add_test(tc, without_a_broker_nothing_is_put_out);
    tcase_add_test(tc, the_topic_of_an_alarm_is_emptied_when_it_is_normal_again);
    tcase_add_loop_test(tc,
                        a_step_that_fails_anywhere_is_not_written_at_all_and_not_lost,
                        0, (int)ARRAY_LEN(tables));
    tcase_add_test(tc, a_full_disk_loses_nothing);
    tcase_add_test(tc, what_waits_for_the_disk_outlives_the_site_that_it_came_from);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
