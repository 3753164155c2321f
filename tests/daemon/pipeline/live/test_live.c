/* The daemon itself, in a process of its own: what a reload keeps. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/live/live.h"
#include "daemon/web/web.h"
#include "tests/daemon/store/scratch.h"

#define DEADLINE_MS 60000 /* Never met on a healthy machine, however slow. */
#define ASK_MS      10000

#define SITE "site: {id: a, name: A, timezone: UTC}\ndata: .\n"
#define RULE                                                                           \
    "rules:\n"                                                                         \
    "  - {id: mem, applies_to: {id: gateway}, when: memory > 0, severity: info,"       \
    " cause: c, consequence: d, action: e}\n"
#define NO_PASSWORD                                                                    \
    "mqtt: {broker: \"mqtt://127.0.0.1:1\", username: u, password_file: missing}\n"

static char dir[SCRATCH_BYTES];
static char path[SCRATCH_BYTES + 16];
static int notify_fd;
static pid_t daemon_pid;

static void
write_site(const char *text)
{
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* Waits until the daemon says READY to its service manager. */
static void
wait_ready(void)
{
    int64_t deadline_ms = clock_mono_ms() + DEADLINE_MS;
    char text[512] = "";
    while (strstr(text, "READY=1") == NULL) {
        struct pollfd p = {.fd = notify_fd, .events = POLLIN};
        int64_t left = deadline_ms - clock_mono_ms();
        ck_assert_msg(left > 0 && poll(&p, 1, (int)left) == 1, "it never got ready");
        ssize_t size = recv(notify_fd, text, sizeof text - 1, 0);
        ck_assert_int_gt(size, 0);
        text[size] = '\0';
    }
}

static void
setup(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    scratch_make(dir);
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    snprintf(a.sun_path, sizeof a.sun_path, "%.80s/notify", dir);
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(notify_fd, (const struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", a.sun_path, 1), 0);
    write_site(SITE RULE);
    daemon_pid = fork();
    ck_assert_int_ge(daemon_pid, 0);
    if (daemon_pid == 0) {
        struct diags diags;
        struct err err;
        log_init(LOG_LEVEL_ERROR);
        diags_init(&diags);
        _exit(live_run(path, NULL, &diags, &err) == 0 ? 0 : 1);
    }
    wait_ready();
}

static void
teardown(void)
{
    int status = -1;
    kill(daemon_pid, SIGTERM);
    ck_assert_int_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d",
                  status);
    close(notify_fd);
    scratch_remove(dir);
}

static bool
alarm_is_listed(void)
{
    unsigned status = 0;
    struct strbuf answer = {0};
    struct err err;
    int code =
        web_ask(dir, "GET", "/api/v1/alarms", NULL, ASK_MS, &status, &answer, &err);
    ck_assert_int_eq(code, 0);
    ck_assert_uint_eq(status, 200);
    bool found = strstr(strbuf_text(&answer), "\"rule\":\"mem\"") != NULL;
    strbuf_fini(&answer);
    return found;
}

static void
wait_for_alarm(void)
{
    int64_t deadline_ms = clock_mono_ms() + DEADLINE_MS;
    while (!alarm_is_listed()) {
        ck_assert_msg(clock_mono_ms() < deadline_ms, "the alarm never came");
        poll(NULL, 0, 20);
    }
}

static void
reload(const char *site)
{
    write_site(site);
    ck_assert_int_eq(kill(daemon_pid, SIGHUP), 0);
    wait_ready();
}

static void
expect_events(const char *expected)
{
    char text[512];
    scratch_query(dir, "state.db", "SELECT group_concat(name) FROM events", text);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_a_reload_that_cannot_start_leaves_the_old_site_and_its_alarms)
{
    wait_for_alarm();
    reload(SITE NO_PASSWORD);
    ck_assert(alarm_is_listed());
    expect_events("alarm.raised");
    /* And the one after it is taken as if nothing had been. */
    reload(SITE RULE);
    ck_assert(alarm_is_listed());
    expect_events("alarm.raised");
}
END_TEST

START_TEST(test_a_rule_that_is_gone_takes_its_alarm_along)
{
    wait_for_alarm();
    reload(SITE);
    ck_assert(!alarm_is_listed());
    expect_events("alarm.raised,alarm.cleared");
}
END_TEST

START_TEST(test_the_sign_of_life_moves_while_nothing_changes)
{
    char before[512];
    char now[512];
    static const char sql[] = "SELECT value FROM meta WHERE key = 'alive_ms'";
    wait_for_alarm();
    scratch_query(dir, "state.db", sql, before);
    int64_t deadline_ms = clock_mono_ms() + DEADLINE_MS;
    do {
        ck_assert_msg(clock_mono_ms() < deadline_ms, "it stands still at %s", before);
        poll(NULL, 0, 100);
        scratch_query(dir, "state.db", sql, now);
    } while (strcmp(now, before) == 0);
    expect_events("alarm.raised");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("live");
    TCase *tc = tcase_create("live");
    tcase_set_timeout(tc, 2 * DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc,
                   test_a_reload_that_cannot_start_leaves_the_old_site_and_its_alarms);
    tcase_add_test(tc, test_a_rule_that_is_gone_takes_its_alarm_along);
    tcase_add_test(tc, test_the_sign_of_life_moves_while_nothing_changes);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
