/* state.db on a disk that loses power, fails or fills up at each of its operations, one
 * after the other: what was acknowledged is there, and nothing is there by halves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/state.h"
#include "daemon/store/state_internal.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/fake_disk.h"
#include "tests/fake/sanitized.h"

#define COMMITS 12
#define TRIES   4
#define SEEDS   4 /* In turn: nothing, all, twice some of what was not synced. */

static char dir[SCRATCH_BYTES];
static struct fake_disk *disk;

static void
make_dir(void)
{
    scratch_make(dir);
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

/* What the loop does for one frame: an alarm, its event and its message, together. */
static int
write_one(struct state *s, int64_t *seq, struct err *why)
{
    static const char payload[] = "{\"t\":\"2026-03-01T10:14:30.000Z\"}";
    struct alarm a = {.device = "pump-1",
                      .rule = "hot",
                      .state = ALARM_ACTIVE,
                      .cleared_ms = INSTANT_NONE,
                      .acked_ms = INSTANT_NONE,
                      .title = "hot"};
    const struct event e = {.t_ms = 1, .kind = EVENT_ALARM_RAISED, .device = "pump-1"};
    int rc = state_begin(s, why);
    rc = rc == 0 ? state_add_event(s, &e, payload, NULL, NULL, seq, why) : rc;
    a.episode = rc == 0 ? *seq : 0;
    rc = rc == 0 ? state_put_alarm(s, &a, why) : rc;
    rc = rc == 0 ? state_outbox_add(s, "event", payload, false, why) : rc;
    rc = rc == 0 ? state_outbox_add(s, "alarm/pump-1/hot", payload, true, why) : rc;
    rc = rc == 0 ? state_commit(s, why) : rc;
    if (rc != 0) {
        state_rollback(s);
    }
    return rc;
}

/* Opens, commits and closes; each change is tried again, as the loop does.  Returns how
 * many were acknowledged. */
static int64_t
work(bool to_the_end)
{
    struct state *s = NULL;
    struct err err = {0};
    int64_t seq = 0, acknowledged = 0;
    int rc = ERR_IO;
    for (int try = 0; rc != 0 && try < TRIES; try++) {
        rc = state_open(&s, dir, STORE_WRITE, &err);
    }
    for (int i = 0; rc == 0 && i < COMMITS; i++) {
        rc = ERR_IO;
        for (int try = 0; rc != 0 && try < TRIES; try++) {
            rc = write_one(s, &seq, &err);
        }
        acknowledged += rc == 0;
        if (rc == 0 && i == COMMITS / 2) {
            /* In the middle the log is brought into the file. */
            (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                            NULL, NULL);
        }
    }
    ck_assert_msg(rc == 0 || !to_the_end, "%s", err.text);
    state_close(s);
    return acknowledged;
}

static bool
next_in_line(void *ctx, const struct event_row *row)
{
    int64_t *last = ctx;
    ck_assert_int_eq(row->seq, *last + 1);
    *last = row->seq;
    return true;
}

static bool
keep_episode(void *ctx, const struct alarm *a)
{
    *(int64_t *)ctx = a->episode;
    return true;
}

/* `least` commits or more are there, each whole, and one more can be made. */
static void
judge(int64_t least, int64_t most, const char *what, uint64_t at)
{
    struct state *s = NULL;
    struct err err = {0};
    int64_t last = 0, episode = 0, depth = 0, seq = 0;
    char got[512];
    ck_assert_msg(state_open(&s, dir, STORE_WRITE, &err) == 0, "%s at %llu: %s", what,
                  (unsigned long long)at, err.text);
    ck_assert_int_eq(state_each_event(s, 0, 0, next_in_line, &last, &err), 0);
    ck_assert_msg(last >= least && last <= most, "%s at %llu: %lld of %lld..%lld", what,
                  (unsigned long long)at, (long long)last, (long long)least,
                  (long long)most);
    ck_assert_int_eq(state_each_alarm(s, true, keep_episode, &episode, &err), 0);
    ck_assert_int_eq(episode, last);
    ck_assert_int_eq(state_outbox_depth(s, &depth, &err), 0);
    ck_assert_int_eq(depth, last == 0 ? 0 : last + 1);
    ck_assert_msg(write_one(s, &seq, &err) == 0, "%s at %llu: %s", what,
                  (unsigned long long)at, err.text);
    ck_assert_int_eq(seq, last + 1);
    state_close(s);
    scratch_query(dir, "state.db", "PRAGMA integrity_check", got);
    ck_assert_str_eq(got, "ok");
}

static uint64_t
count_operations(void)
{
    disk = fake_disk_new();
    ck_assert_int_eq(work(true), COMMITS);
    uint64_t count = fake_disk_operations(disk);
    judge(COMMITS, COMMITS, "no fault", 0);
    fake_disk_free(disk);
    ck_assert_uint_gt(count, 50);
    return count;
}

START_TEST(test_the_power_goes_at_each_operation)
{
    uint64_t count = count_operations();
    for (uint64_t at = 1; at <= count; at += SANITIZED_SLOWER) {
        disk = fake_disk_new();
        fake_disk_plan(disk, FAKE_DISK_POWER, at);
        int64_t acknowledged = work(false);
        fake_disk_power_on(disk, at / SANITIZED_SLOWER % SEEDS);
        judge(acknowledged, acknowledged + 1, "power", at);
        fake_disk_free(disk);
    }
}
END_TEST

START_TEST(test_each_operation_fails_once)
{
    uint64_t count = count_operations();
    for (uint64_t at = 1; at <= count; at += SANITIZED_SLOWER) {
        disk = fake_disk_new();
        fake_disk_plan(disk, FAKE_DISK_FAILS, at);
        int64_t acknowledged = work(true);
        ck_assert_int_eq(acknowledged, COMMITS);
        judge(COMMITS, COMMITS, "failure", at);
        fake_disk_free(disk);
    }
}
END_TEST

START_TEST(test_the_disk_is_full_from_each_operation_on)
{
    uint64_t count = count_operations();
    for (uint64_t at = 1; at <= count; at += SANITIZED_SLOWER) {
        disk = fake_disk_new();
        fake_disk_plan(disk, FAKE_DISK_FULL, at);
        int64_t acknowledged = work(false);
        fake_disk_plan(disk, FAKE_DISK_WELL, 0);
        judge(acknowledged, acknowledged, "full disk", at);
        fake_disk_free(disk);
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("state, power");
    TCase *tc = tcase_create("power");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, test_the_power_goes_at_each_operation);
    tcase_add_test(tc, test_each_operation_fails_once);
    tcase_add_test(tc, test_the_disk_is_full_from_each_operation_on);
    suite_add_tcase(su, tc);
    return su;
}

int
main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
