/* What waits for a disk that refuses: nothing is lost, and it does not grow for ever.
 */
#include <check.h>
#include <signal.h>
#include <sys/resource.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/changes.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/small_site.h"

static char dir[SCRATCH_BYTES];
static struct state *store;
static struct changes *changes;

static void
setup(void)
{
    struct err err;
    signal(SIGXFSZ, SIG_IGN);
    scratch_make(dir);
    ck_assert_int_eq(state_open(&store, dir, STORE_WRITE, &err), 0);
    changes = changes_new();
}

static void
teardown(void)
{
    changes_free(changes);
    state_close(store);
    scratch_remove(dir);
}

/* No file may grow beyond one byte: a full disk, for this process. */
static void
fill_disk(bool full)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = full ? 1 : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
raise_bearing(void)
{
    const struct site *site = small_site();
    const struct sink *sink = changes_sink(changes);
    const struct event e = {.t_ms = 1000,
                            .kind = EVENT_ALARM_RAISED,
                            .device = site->devices[PUMP_1].id,
                            .rule = site->rules[BEARING_HOT].id,
                            .severity = SEVERITY_URGENT,
                            .episode = 1};
    const struct alarm a = {.device = e.device,
                            .rule = e.rule,
                            .severity = SEVERITY_URGENT,
                            .state = ALARM_ACTIVE,
                            .episode = 1,
                            .raised_ms = 1000,
                            .cleared_ms = INSTANT_NONE,
                            .acked_ms = INSTANT_NONE};
    sink->event(sink->ctx, &e);
    sink->alarm(sink->ctx, &a);
}

static void
add_timer(uint32_t device, enum rule_phase phase, int64_t since_ms)
{
    const struct rule_state s = {.device = device,
                                 .rule = BEARING_HOT,
                                 .phase = phase,
                                 .level = -1,
                                 .target_level = 0,
                                 .since_ms = since_ms,
                                 .while_last_ms = INSTANT_NONE};
    changes_add_timer(changes, small_site(), &s, false);
}

static int
write_changes(void)
{
    struct err err;
    return changes_write(changes, store, small_site(), 2000, NULL, &err);
}

static void
expect_query(const char *sql, const char *expected)
{
    char text[512];
    scratch_query(dir, "state.db", sql, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_only_the_newest_of_a_timer_waits_for_the_disk)
{
    raise_bearing();
    add_timer(PUMP_1, RULE_PENDING, 1);
    add_timer(PUMP_2, RULE_PENDING, 1);
    fill_disk(true);
    ck_assert_int_ne(write_changes(), 0);
    for (int i = 2; i <= 1000; i++) {
        add_timer(PUMP_1, RULE_PENDING, i);
    }
    add_timer(PUMP_2, RULE_NORMAL, 9);
    ck_assert_int_ne(write_changes(), 0);
    fill_disk(false);
    ck_assert_uint_eq(changes_count(changes), 4);
    ck_assert_int_eq(write_changes(), 0);
    expect_query("SELECT group_concat(device || ' ' || since_ms) FROM timer",
                 "pump-1 1000");
}
END_TEST

START_TEST(test_discarded_changes_never_happened)
{
    raise_bearing();
    add_timer(PUMP_1, RULE_PENDING, 1);
    changes_discard(changes);
    ck_assert(!changes_pending(changes));
    ck_assert_int_eq(write_changes(), 0);
    expect_query("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM alarm)"
                 " + (SELECT count(*) FROM timer)",
                 "0");
    expect_query("SELECT value FROM meta WHERE key = 'alive_ms'", "2000");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("changes_waiting");
    TCase *tc = tcase_create("changes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_only_the_newest_of_a_timer_waits_for_the_disk);
    tcase_add_test(tc, test_discarded_changes_never_happened);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
