/* state.db when the process is killed, and when the disk is full. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "daemon/base/instant.h"
#include "daemon/store/state.h"
#include "daemon/store/state_internal.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static struct err err;

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

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
    int rc = state_add_event(s, &e, payload, NULL, NULL, seq, why);
    a.episode = rc == 0 ? *seq : 0;
    if (rc == 0) {
        rc = state_put_alarm(s, &a, why);
    }
    if (rc == 0) {
        rc = state_outbox_add(s, "event", payload, false, why);
    }
    if (rc == 0) {
        rc = state_outbox_add(s, "alarm/pump-1/hot", payload, true, why);
    }
    return rc;
}

/* The child commits for ever and reports each sequence number after its commit. */
static void
commit_for_ever(int fd)
{
    struct state *s = NULL;
    struct err why = {0};
    int64_t seq = 0;
    if (state_open(&s, dir, STORE_WRITE, &why) != 0) {
        _exit(1);
    }
    for (;;) {
        if (state_begin(s, &why) != 0 || write_one(s, &seq, &why) != 0 ||
            state_commit(s, &why) != 0 ||
            write(fd, &seq, sizeof seq) != (ssize_t)sizeof seq) {
            _exit(1);
        }
    }
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

static const int kill_after[] = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233};

START_TEST(test_nothing_that_was_committed_is_lost_when_the_process_is_killed)
{
    int64_t told = 0;
    char got[512];
    for (size_t round = 0; round < ARRAY_LEN(kill_after); round++) {
        int fds[2];
        ck_assert_int_eq(pipe(fds), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(fds[0]);
            commit_for_ever(fds[1]);
        }
        close(fds[1]);
        int64_t seq = 0;
        for (int i = 0; i < kill_after[round]; i++) {
            ck_assert_int_eq(read(fds[0], &seq, sizeof seq), sizeof seq);
        }
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        while (read(fds[0], &seq, sizeof seq) == (ssize_t)sizeof seq) {
            /* What it had still said before it died. */
        }
        close(fds[0]);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        ck_assert_int_gt(seq, told);
        told = seq;

        struct state *s = NULL;
        int64_t last = 0, episode = 0, depth = 0;
        must(state_open(&s, dir, STORE_WRITE, &err));
        must(state_each_event(s, 0, 0, next_in_line, &last, &err));
        ck_assert_int_ge(last, told);
        ck_assert_int_le(last, told + 1);
        must(state_each_alarm(s, true, keep_episode, &episode, &err));
        ck_assert_int_eq(episode, last);
        must(state_outbox_depth(s, &depth, &err));
        ck_assert_int_eq(depth, last + 1);
        state_close(s);
        scratch_query(dir, "state.db", "PRAGMA integrity_check", got);
        ck_assert_str_eq(got, "ok");
        told = last;
    }
}
END_TEST

/* Begins, writes, commits until one of them fails; returns how many were committed. */
static int64_t
fill_up(struct state *s)
{
    int64_t seq = 0;
    for (int64_t done = 0; done < 100000; done++) {
        int rc = state_begin(s, &err);
        if (rc != 0) {
            return done;
        }
        rc = write_one(s, &seq, &err);
        if (rc == 0) {
            rc = state_commit(s, &err);
        }
        if (rc != 0) {
            state_rollback(s);
            return done;
        }
    }
    ck_abort_msg("the disk never filled up");
    return 0;
}

static void
check_after_full(struct state *s, int64_t committed)
{
    int64_t last = 0, seq = 0;
    must(state_each_event(s, 0, 0, next_in_line, &last, &err));
    ck_assert_int_eq(last, committed);
    must(state_begin(s, &err));
    must(write_one(s, &seq, &err));
    must(state_commit(s, &err));
    ck_assert_int_eq(seq, committed + 1);
}

START_TEST(test_a_full_disk_is_an_ordinary_error_and_passes)
{
    struct state *s = NULL;
    must(state_open(&s, dir, STORE_WRITE, &err));
    must(db_exec(s->db, "PRAGMA max_page_count = 60", &err));
    int64_t committed = fill_up(s);
    ck_assert_int_gt(committed, 10);
    ck_assert_ptr_nonnull(strstr(err.text, "state.db"));
    ck_assert_ptr_nonnull(strstr(err.text, "full"));
    must(db_exec(s->db, "PRAGMA max_page_count = 100000", &err));
    check_after_full(s, committed);
    state_close(s);
}
END_TEST

START_TEST(test_a_write_that_the_system_refuses_is_an_ordinary_error_and_passes)
{
    struct state *s = NULL;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    must(state_open(&s, dir, STORE_WRITE, &err));
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 512 * 1024;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    int64_t committed = fill_up(s);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_gt(committed, 1);
    ck_assert_ptr_nonnull(strstr(err.text, "state.db"));
    check_after_full(s, committed);
    state_close(s);
    signal(SIGXFSZ, SIG_DFL);
}
END_TEST

START_TEST(test_after_an_error_inside_a_transaction_no_row_slips_in_alone)
{
    struct state *s = NULL;
    int64_t seq = 0, last = 0;
    must(state_open(&s, dir, STORE_WRITE, &err));
    must(state_begin(s, &err));
    must(write_one(s, &seq, &err));
    /* As SQLite itself does when the disk is full. */
    must(db_exec(s->db, "ROLLBACK", &err));
    ck_assert_int_eq(write_one(s, &seq, &err), ERR_IO);
    ck_assert_int_eq(state_commit(s, &err), ERR_IO);
    state_rollback(s);
    must(state_each_event(s, 0, 0, next_in_line, &last, &err));
    ck_assert_int_eq(last, 0);
    state_close(s);
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("state, crash");
    TCase *tc = tcase_create("crash");
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc,
                   test_nothing_that_was_committed_is_lost_when_the_process_is_killed);
    tcase_add_test(tc, test_a_full_disk_is_an_ordinary_error_and_passes);
    tcase_add_test(
        tc, test_a_write_that_the_system_refuses_is_an_ordinary_error_and_passes);
    tcase_add_test(tc, test_after_an_error_inside_a_transaction_no_row_slips_in_alone);
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
