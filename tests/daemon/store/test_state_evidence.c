/* What is kept of a ticket beside its row, and what its pack is read from. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/state_evidence.h"
#include "tests/daemon/store/scratch.h"

#define T0 INT64_C(1767225600000)

static char dir[SCRATCH_BYTES];
static struct err err;
static struct state *store;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
setup(void)
{
    scratch_make(dir);
    must(state_open(&store, dir, STORE_WRITE, &err));
}

static void
teardown(void)
{
    state_close(store);
    scratch_remove(dir);
}

static struct ticket
ticket(int64_t number, const char *device, const char *rule, int64_t reopened)
{
    return (struct ticket){.number = number,
                           .device = device,
                           .rule = rule,
                           .priority = SEVERITY_URGENT,
                           .opened_ms = T0 + number,
                           .responded_ms = INSTANT_NONE,
                           .resolved_ms = INSTANT_NONE,
                           .verified_ms = INSTANT_NONE,
                           .closed_ms = INSTANT_NONE,
                           .reopened = reopened,
                           .title = "hot"};
}

static void
put(int64_t number, const char *device, const char *rule, int64_t reopened)
{
    struct ticket t = ticket(number, device, rule, reopened);
    must(state_put_ticket(store, &t, &err));
}

static void
put_evidence(int64_t number, int64_t t_ms, const char *rule)
{
    const struct evidence_row row = {.ticket = number,
                                     .t_ms = t_ms,
                                     .rule = rule,
                                     .version = "abc",
                                     .facts = "{}",
                                     .device = NULL,
                                     .bus = ""};
    must(state_put_evidence(store, &row, &err));
}

struct seen {
    char text[256];
};

static bool
see_opening(void *ctx, const struct evidence_row *row)
{
    struct seen *s = ctx;
    size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%lld:%s:%s%s ",
             (long long)row->opening, row->rule, row->facts,
             row->device == NULL && row->bus == NULL ? "" : "!");
    return true;
}

static bool
see_number(void *ctx, const struct ticket *t)
{
    struct seen *s = ctx;
    size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%lld ", (long long)t->number);
    return true;
}

static bool
see_event(void *ctx, const struct event_row *row)
{
    struct seen *s = ctx;
    size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%lld ", (long long)row->seq);
    return true;
}

START_TEST(each_opening_has_its_own_row)
{
    struct seen s = {""};
    put(7, "pump-1", "hot", 0);
    put_evidence(7, T0, "first");
    put(7, "pump-1", "hot", 1);
    put_evidence(7, T0 + 1, "second");
    put_evidence(7, T0 + 1, "second again"); /* It takes the place of the one before. */
    put_evidence(8, T0, "of another");
    must(state_each_evidence(store, 7, see_opening, &s, &err));
    ck_assert_str_eq(s.text, "1:first:{} 2:second again:{} ");
}
END_TEST

START_TEST(it_goes_with_its_transaction)
{
    struct seen s = {""};
    must(state_begin(store, &err));
    put(7, "pump-1", "hot", 0);
    put_evidence(7, T0, "first");
    state_rollback(store);
    must(state_each_evidence(store, 7, see_opening, &s, &err));
    ck_assert_str_eq(s.text, "");
}
END_TEST

START_TEST(the_same_and_the_like_are_the_newest_first)
{
    static const struct {
        const char *device, *rule;
    } rows[] = {{"pump-1", "hot"}, {"pump-2", "hot"}, {"pump-1", "dry"},
                {"pump-1", "hot"}, {"pump-3", "hot"}, {"pump-1", "hot"},
                {NULL, NULL},      {"pump-1", NULL}};
    struct seen s = {""};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put((int64_t)i + 1, rows[i].device, rows[i].rule, 0);
    }
    struct ticket t = ticket(4, "pump-1", "hot", 0);
    must(state_each_like(store, &t, true, 10, see_number, &s, &err));
    ck_assert_str_eq(s.text, "6 1 ");
    s.text[0] = '\0';
    must(state_each_like(store, &t, true, 1, see_number, &s, &err));
    ck_assert_str_eq(s.text, "6 ");
    s.text[0] = '\0';
    must(state_each_like(store, &t, false, 10, see_number, &s, &err));
    ck_assert_str_eq(s.text, "5 2 ");
}
END_TEST

static void
put_event(enum event_kind kind,
          int64_t t_ms,
          const char *device,
          const char *rule,
          int64_t number)
{
    int64_t seq = 0;
    const struct event e = {
        .t_ms = t_ms, .kind = kind, .device = device, .rule = rule, .ticket = number};
    must(state_add_event(store, &e, "{}", NULL, NULL, &seq, &err));
}

static void
put_life(void)
{
    put_event(EVENT_ALARM_RAISED, T0 - 9, "pump-1", "hot", 0);  /* 1: long before. */
    put_event(EVENT_ALARM_RAISED, T0, "pump-2", "hot", 0);      /* 2 */
    put_event(EVENT_ALARM_RAISED, T0, "pump-1", "hot", 0);      /* 3: its own. */
    put_event(EVENT_TICKET_OPENED, T0, "pump-2", "hot", 8);     /* 4 */
    put_event(EVENT_TICKET_OPENED, T0, "pump-1", "hot", 7);     /* 5: its own. */
    put_event(EVENT_ALARM_RAISED, T0 + 1, "pump-1", "dry", 0);  /* 6 */
    put_event(EVENT_ALARM_CLEARED, T0 + 2, "pump-1", "hot", 0); /* 7: its own. */
    put_event(EVENT_TICKET_CLOSED, T0 + 3, "pump-1", "hot", 7); /* 8: its own. */
    put_event(EVENT_ALARM_RAISED, T0 + 4, "pump-1", "hot", 0);  /* 9: after its life. */
}

START_TEST(a_life_holds_the_tickets_and_its_alarms_events)
{
    struct seen s = {""};
    struct ticket t = ticket(7, "pump-1", "hot", 0);
    t.state = TICKET_CLOSED;
    put_life();
    must(state_each_event_of(store, &t, "[\"hot\"]", see_event, &s, &err));
    ck_assert_str_eq(s.text, "3 5 7 8 ");
    /* While it is open, what its alarm does belongs to it, too. */
    t.state = TICKET_ASSIGNED;
    s.text[0] = '\0';
    must(state_each_event_of(store, &t, "[\"hot\"]", see_event, &s, &err));
    ck_assert_str_eq(s.text, "3 5 7 8 9 ");
}
END_TEST

START_TEST(alarms_of_all_rules_that_share_the_ticket_belong_to_it)
{
    struct seen s = {""};
    struct ticket t = ticket(7, "pump-1", "hot", 0);
    t.state = TICKET_CLOSED;
    put_life();
    must(state_each_event_of(store, &t, "[\"hot\",\"dry\"]", see_event, &s, &err));
    ck_assert_str_eq(s.text, "3 5 6 7 8 ");
    s.text[0] = '\0';
    must(state_each_event_of(store, &t, NULL, see_event, &s, &err));
    ck_assert_str_eq(s.text, "5 8 ");
}
END_TEST

START_TEST(a_ticket_without_events_has_no_life)
{
    struct seen s = {""};
    struct ticket t = ticket(9, NULL, NULL, 0);
    put_life();
    must(state_each_event_of(store, &t, "[]", see_event, &s, &err));
    ck_assert_str_eq(s.text, "");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("state_evidence");
    TCase *tc = tcase_create("state_evidence");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_opening_has_its_own_row);
    tcase_add_test(tc, it_goes_with_its_transaction);
    tcase_add_test(tc, the_same_and_the_like_are_the_newest_first);
    tcase_add_test(tc, a_life_holds_the_tickets_and_its_alarms_events);
    tcase_add_test(tc, alarms_of_all_rules_that_share_the_ticket_belong_to_it);
    tcase_add_test(tc, a_ticket_without_events_has_no_life);
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
