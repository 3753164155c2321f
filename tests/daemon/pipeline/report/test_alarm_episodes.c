/* Episodes from events, as a replay tells them and as state.db keeps them. */
#include <check.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/report/alarm_episodes.h"
#include "daemon/store/state.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct alarm_episodes a;
static struct err err;

static void
set_up(void)
{
    scratch_make(dir);
    alarm_episodes_init(&a);
}

static void
tear_down(void)
{
    alarm_episodes_fini(&a);
    scratch_remove(dir);
}

static struct event
event(enum event_kind kind, int64_t t_ms, const char *device, const char *rule)
{
    return (struct event){.kind = kind,
                          .t_ms = t_ms,
                          .device = device,
                          .rule = rule,
                          .severity = SEVERITY_NORMAL};
}

static void
tell(enum event_kind kind, int64_t t_ms, const char *device, const char *rule)
{
    struct event e = event(kind, t_ms, device, rule);
    alarm_episodes_event(&a, &e);
}

static void
check_episode(size_t i, const char *device, const char *rule, int64_t from, int64_t to)
{
    ck_assert_uint_lt(i, a.count);
    const struct alarm_quality_episode *e = &a.items[i];
    ck_assert_str_eq(a.names[e->alarm].device, device);
    ck_assert_str_eq(a.names[e->alarm].rule, rule);
    ck_assert_int_eq(e->raised_ms, from);
    ck_assert_int_eq(e->cleared_ms, to);
}

START_TEST(each_raise_ends_with_its_own_clearing)
{
    tell(EVENT_DEVICE_ONLINE, 5, "pump-1", NULL);
    tell(EVENT_ALARM_CLEARED, 7, "pump-1", "hot"); /* Of before there were events. */
    tell(EVENT_ALARM_RAISED, 10, "pump-1", "hot");
    tell(EVENT_ALARM_RAISED, 11, "pump-2", "hot");
    tell(EVENT_ALARM_RAISED, 12, "pump-1", "dry");
    tell(EVENT_ALARM_CLEARED, 20, "pump-1", "hot");
    tell(EVENT_ALARM_RAISED, 30, "pump-1", "hot");
    tell(EVENT_ALARM_CLEARED, 31, "pump-1", "dry");
    ck_assert_int_eq(a.first_ms, 5);
    ck_assert_uint_eq(a.count, 4);
    ck_assert_uint_eq(a.name_count, 3);
    check_episode(0, "pump-1", "hot", 10, 20);
    check_episode(1, "pump-2", "hot", 11, INSTANT_MAX);
    check_episode(2, "pump-1", "dry", 12, 31);
    check_episode(3, "pump-1", "hot", 30, INSTANT_MAX);
    ck_assert_uint_eq(a.items[0].alarm, a.items[3].alarm);
}
END_TEST

START_TEST(a_raise_ends_the_one_before_it)
{
    tell(EVENT_ALARM_RAISED, 10, "d", "r");
    tell(EVENT_ALARM_RAISED, 15, "d", "r");
    tell(EVENT_ALARM_CLEARED, 12, "d", "r"); /* The clock was set back. */
    check_episode(0, "d", "r", 10, 15);
    check_episode(1, "d", "r", 15, 15);
}
END_TEST

START_TEST(the_highest_severity_counts)
{
    struct event e = event(EVENT_ALARM_CHANGED, 11, "d", "r");
    tell(EVENT_ALARM_RAISED, 10, "d", "r");
    e.severity = SEVERITY_CRITICAL;
    alarm_episodes_event(&a, &e);
    e.severity = SEVERITY_INFO;
    alarm_episodes_event(&a, &e);
    ck_assert_int_eq(a.items[0].severity, SEVERITY_CRITICAL);
}
END_TEST

START_TEST(thousands_of_alarms_are_told_apart)
{
    char device[32];
    char rule[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(device, sizeof device, "pump-%d", i / 50);
            snprintf(rule, sizeof rule, "rule-%d", i % 50);
            tell(round == 0 ? EVENT_ALARM_RAISED : EVENT_ALARM_CLEARED,
                 10000 * round + i, device, rule);
        }
    }
    ck_assert(!a.out_of_memory);
    ck_assert_uint_eq(a.count, 5000);
    ck_assert_uint_eq(a.name_count, 5000);
    check_episode(0, "pump-0", "rule-0", 0, 10000);
    check_episode(4321, "pump-86", "rule-21", 4321, 14321);
}
END_TEST

/* As the daemon writes it: the event's row, and the alarm's. */
static void
store(struct state *s, const struct event *e)
{
    struct strbuf json = {0};
    int64_t seq = 0;
    event_to_json(&json, e, NULL);
    ck_assert_int_eq(state_add_event(s, e, strbuf_text(&json), NULL, NULL, &seq, &err),
                     0);
    strbuf_fini(&json);
}

static void
store_all(void)
{
    struct state *s = NULL;
    const struct event events[] = {
        event(EVENT_ALARM_RAISED, 10, "pump-1", "hot"),
        event(EVENT_ALARM_CLEARED, 20, "pump-1", "hot"),
        event(EVENT_ALARM_RAISED, 30, "pump-1", "hot"),
        event(EVENT_ALARM_RAISED, 40, "pump-1", "gone"),
    };
    const struct alarm row = {.device = "pump-1",
                              .rule = "hot",
                              .severity = SEVERITY_NORMAL,
                              .state = ALARM_ACTIVE,
                              .episode = 2,
                              .raised_ms = 30,
                              .cleared_ms = INSTANT_NONE,
                              .acked_ms = INSTANT_NONE,
                              .title = "hot"};
    ck_assert_int_eq(state_open(&s, dir, STORE_WRITE, &err), 0);
    ck_assert_int_eq(state_begin(s, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        store(s, &events[i]);
    }
    ck_assert_int_eq(state_put_alarm(s, &row, &err), 0);
    ck_assert_int_eq(state_commit(s, &err), 0);
    state_close(s);
}

START_TEST(from_a_database)
{
    store_all();
    ck_assert_msg(alarm_episodes_read(&a, dir, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(a.count, 3);
    check_episode(0, "pump-1", "hot", 10, 20);
    check_episode(1, "pump-1", "hot", 30, INSTANT_MAX);
    check_episode(2, "pump-1", "gone", 40, 40); /* It has no row any more. */
}
END_TEST

START_TEST(no_database)
{
    ck_assert_int_eq(alarm_episodes_read(&a, dir, &err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(an_event_that_somebody_broke_is_an_error)
{
    store_all();
    scratch_exec(dir, "state.db",
                 "DROP TRIGGER events_stand; UPDATE events SET json = "
                 "'{\"severity\":9' WHERE seq = 3");
    ck_assert_int_eq(alarm_episodes_read(&a, dir, &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "severity"));
}
END_TEST

START_TEST(events_of_a_later_version_are_passed_over)
{
    store_all();
    scratch_exec(dir, "state.db",
                 "DROP TRIGGER events_stand; UPDATE events SET name = 'alarm.sung' "
                 "WHERE seq = 4");
    ck_assert_int_eq(alarm_episodes_read(&a, dir, &err), 0);
    ck_assert_uint_eq(a.count, 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("alarm_episodes");
    TCase *tc = tcase_create("episodes");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, each_raise_ends_with_its_own_clearing);
    tcase_add_test(tc, a_raise_ends_the_one_before_it);
    tcase_add_test(tc, the_highest_severity_counts);
    tcase_add_test(tc, thousands_of_alarms_are_told_apart);
    tcase_add_test(tc, from_a_database);
    tcase_add_test(tc, no_database);
    tcase_add_test(tc, an_event_that_somebody_broke_is_an_error);
    tcase_add_test(tc, events_of_a_later_version_are_passed_over);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
