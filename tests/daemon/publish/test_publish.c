/* The outbox against a real broker: order, receipts, retained topics, the last will,
 * outages, passwords, TLS. */
#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/publish/publish.h"
#include "daemon/store/state.h"
#include "tests/daemon/publish/broker.h"

#define GRACE_MS 30000
#define TURN_MS  5 /* Between two looks at what gives no event. */

/* paho 1.3.12 forgets topic and payload of messages that are in flight when the broker
 * goes away: a few kilobytes for each outage, allocated and lost inside the library. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:libpaho-mqtt3as";
}

static char dir[256];
static struct err err;
static struct site site;
static char uri[64];
static struct broker broker;
static struct child subscriber;
static struct state *state;
static struct ring *receipts;
static struct publisher *publisher;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
set_up(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/ck-publish-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(&err, 0, sizeof err);
    broker = (struct broker){.dir = dir, .port = free_port()};
    snprintf(uri, sizeof uri, "mqtt://127.0.0.1:%d", broker.port);
    site =
        (struct site){.id = "riverside-a",
                      .mqtt = {.enabled = true, .broker = uri, .prefix = "caretaker"}};
    must(state_open(&state, dir, STORE_WRITE, &err));
    must(ring_new(&receipts, 65536, &err));
}

static void
tear_down(void)
{
    publisher_stop(publisher, 0);
    publisher = NULL;
    child_end(&subscriber, SIGKILL);
    child_end(&broker.child, SIGKILL);
    state_close(state);
    state = NULL;
    ring_free(receipts);
    receipts = NULL;
    DIR *d = opendir(dir);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    closedir(d);
    rmdir(dir);
}

static void
start_publisher(void)
{
    must(publisher_start(&publisher, &site, dir, receipts, NULL, &err));
}

static void
add(const char *topic, const char *payload, bool retain)
{
    must(state_outbox_add(state, topic, payload, retain, &err));
    if (publisher != NULL) {
        publisher_wake(publisher);
    }
}

static void
add_numbers(int from, int to)
{
    char text[16];
    must(state_begin(state, &err));
    for (int i = from; i <= to; i++) {
        snprintf(text, sizeof text, "%d", i);
        must(state_outbox_add(state, "caretaker/riverside-a/event", text, false, &err));
    }
    must(state_commit(state, &err));
    if (publisher != NULL) {
        publisher_wake(publisher);
    }
}

/* What the loop does with receipts, until at most `depth` rows are left. */
static void
take_receipts(int64_t depth)
{
    int64_t left = 0;
    must(state_outbox_depth(state, &left, &err));
    while (left > depth) {
        struct publish_receipt r;
        struct pollfd p = {.fd = ring_fd(receipts), .events = POLLIN};
        ck_assert_msg(poll(&p, 1, BROKER_PATIENCE) == 1, "no receipt came");
        while (ring_pop(receipts, &r, sizeof r) > 0) {
            must(state_outbox_remove(state, &r.outbox_id, 1, &err));
        }
        must(state_outbox_depth(state, &left, &err));
    }
}

static void
expect_line(const char *want)
{
    char line[BROKER_LINE];
    ck_assert(child_line(&subscriber, line));
    ck_assert_str_eq(line, want);
}

/* Until the publisher says so; the case's own time limit ends a wait for ever. */
static struct publisher_status
wait_for_error(const char *text)
{
    struct publisher_status status = {0};
    while (strstr(status.last_error, text) == NULL) {
        publisher_status(publisher, &status);
        poll(NULL, 0, TURN_MS);
    }
    return status;
}

/* The receipt is in the ring a moment before it is counted. */
static struct publisher_status
wait_for_acknowledged(uint64_t count)
{
    struct publisher_status status = {0};
    while (status.acknowledged < count) {
        publisher_status(publisher, &status);
        poll(NULL, 0, TURN_MS);
    }
    return status;
}

START_TEST(test_topics_are_those_of_the_contract)
{
    struct strbuf b = {0};
    publish_topic_alarm(&b, &site, "pump-1", "hot");
    ck_assert_str_eq(strbuf_text(&b), "caretaker/riverside-a/alarm/pump-1/hot");
    strbuf_clear(&b);
    publish_topic_ticket(&b, &site, 12);
    ck_assert_str_eq(strbuf_text(&b), "caretaker/riverside-a/ticket/12");
    strbuf_clear(&b);
    publish_topic_event(&b, &site);
    ck_assert_str_eq(strbuf_text(&b), "caretaker/riverside-a/event");
    strbuf_clear(&b);
    publish_topic_status(&b, &site);
    ck_assert_str_eq(strbuf_text(&b), "caretaker/riverside-a/status");
    strbuf_fini(&b);
}
END_TEST

START_TEST(test_rows_arrive_in_order_and_status_says_online_then_offline)
{
    char want[64];
    ring_free(receipts);
    must(ring_new(&receipts, 64, &err)); /* So small that it is full at times. */
    broker_start(&broker);
    subscriber_start(&subscriber, &broker, "caretaker/#", false);
    add_numbers(1, 150);
    start_publisher();
    expect_line("0 caretaker/riverside-a/status online");
    add_numbers(151, 300);
    take_receipts(0);
    for (int i = 1; i <= 300; i++) {
        snprintf(want, sizeof want, "0 caretaker/riverside-a/event %d", i);
        expect_line(want);
    }
    struct publisher_status status = wait_for_acknowledged(300);
    ck_assert(status.connected);
    ck_assert_uint_eq(status.sent, 300);
    ck_assert_uint_eq(status.acknowledged, 300);
    ck_assert_uint_eq(status.reconnects, 0);
    ck_assert_str_eq(status.last_error, "");
    publisher_stop(publisher, GRACE_MS);
    publisher = NULL;
    expect_line("0 caretaker/riverside-a/status offline");
}
END_TEST

START_TEST(test_retained_topics_stay_and_an_empty_one_goes)
{
    broker_start(&broker);
    start_publisher();
    add("caretaker/riverside-a/alarm/a/b", "gone", true);
    take_receipts(0);
    add("caretaker/riverside-a/alarm/a/b", "", true);
    add("caretaker/riverside-a/alarm/c/d", "{\"state\":\"active\"}", true);
    add("caretaker/riverside-a/event", "not retained", false);
    take_receipts(0);
    subscriber_start(&subscriber, &broker, "caretaker/riverside-a/alarm/#", false);
    expect_line("1 caretaker/riverside-a/alarm/c/d {\"state\":\"active\"}");
    /* Nothing of the others came before or comes between. */
    add("caretaker/riverside-a/alarm/c/d", "next", true);
    expect_line("0 caretaker/riverside-a/alarm/c/d next");
    take_receipts(0);
}
END_TEST

START_TEST(test_the_last_will_says_offline_when_the_process_is_killed)
{
    int fds[2];
    char byte = 0;
    broker_start(&broker);
    subscriber_start(&subscriber, &broker, "caretaker/#", false);
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(fds[1]);
        if (publisher_start(&publisher, &site, dir, receipts, NULL, &err) != 0) {
            _exit(1);
        }
        (void)!read(fds[0], &byte, 1); /* For ever: the parent never writes. */
        _exit(0);
    }
    close(fds[0]);
    expect_line("0 caretaker/riverside-a/status online");
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    expect_line("0 caretaker/riverside-a/status offline");
    close(fds[1]);
}
END_TEST

START_TEST(test_a_broker_restart_in_the_middle_loses_nothing)
{
    char line[BROKER_LINE];
    broker_start(&broker);
    subscriber_start(&subscriber, &broker, "caretaker/riverside-a/event", true);
    add_numbers(1, 2000);
    start_publisher();
    take_receipts(1700);
    child_end(&broker.child, SIGTERM);
    /* Rows that are committed during the outage come after those that waited. */
    add_numbers(2001, 2100);
    broker_start(&broker);
    take_receipts(0);
    int next = 1;
    while (next <= 2100) {
        ck_assert(child_line(&subscriber, line));
        int number = atoi(strrchr(line, ' '));
        ck_assert_int_le(number, next); /* A repeat is allowed, a gap is not. */
        next += number == next;
    }
    struct publisher_status status = wait_for_acknowledged(2100);
    ck_assert_uint_ge(status.reconnects, 1);
}
END_TEST

START_TEST(test_it_starts_without_a_broker_and_connects_when_there_is_one)
{
    add_numbers(1, 3);
    start_publisher();
    struct publisher_status status = wait_for_error("no connection");
    ck_assert(!status.connected);
    broker_start(&broker);
    take_receipts(0);
    publisher_status(publisher, &status);
    ck_assert(status.connected);
}
END_TEST

START_TEST(test_stopping_does_not_wait_for_a_broker_that_is_away)
{
    start_publisher();
    wait_for_error("no connection");
    publisher_stop(publisher, GRACE_MS * 1000); /* The case would time out. */
    publisher = NULL;
}
END_TEST

static void
write_file(const char *name, const char *text, char path[512])
{
    snprintf(path, 512, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
run_command(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    ck_assert_msg(system(command) == 0, "%s", command);
}

START_TEST(test_a_password_opens_the_broker)
{
    char good[512], bad[512], extra[1024];
    run_command("mosquitto_passwd -b -c %s/passwords gw7 'open sesame' 2>/dev/null",
                dir);
    snprintf(extra, sizeof extra, "allow_anonymous false\npassword_file %s/passwords\n",
             dir);
    write_file("good.pass", "open sesame\r\nsecond line\n", good);
    write_file("bad.pass", "open barley\n", bad);
    broker.extra = extra;
    broker_start(&broker);
    site.mqtt.username = "gw7";
    site.mqtt.password_file = bad;
    add_numbers(1, 1);
    start_publisher();
    wait_for_error("uthori");
    publisher_stop(publisher, 0);
    publisher = NULL;
    site.mqtt.password_file = good;
    start_publisher();
    take_receipts(0);
}
END_TEST

START_TEST(test_a_topic_that_the_broker_refuses_does_not_hold_up_the_others)
{
    char acl[512], extra[1024];
    int64_t depth = 0;
    write_file("acl", "topic readwrite caretaker/riverside-a/#\n", acl);
    snprintf(extra, sizeof extra, "allow_anonymous true\nacl_file %s\n", acl);
    run_command("chmod 600 %s", acl);
    broker.extra = extra;
    broker_start(&broker);
    add("caretaker/elsewhere/event", "refused", false);
    add_numbers(1, 100);
    start_publisher();
    take_receipts(1);
    wait_for_error("refused");
    must(state_outbox_depth(state, &depth, &err));
    ck_assert_int_eq(depth, 1); /* It is kept, and offered again later. */
}
END_TEST

START_TEST(test_tls_checks_the_certificate)
{
    char ca[512], other[512], extra[1024];
    static const char make[] =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        " -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1,DNS:localhost"
        " -keyout %s/%s.key -out %s/%s.pem 2>/dev/null";
    run_command(make, dir, "ours", dir, "ours");
    run_command(make, dir, "other", dir, "other");
    snprintf(ca, sizeof ca, "%s/ours.pem", dir);
    snprintf(other, sizeof other, "%s/other.pem", dir);
    snprintf(extra, sizeof extra,
             "allow_anonymous true\ncertfile %s\nkeyfile %s/ours.key\n", ca, dir);
    broker.extra = extra;
    broker_start(&broker);
    snprintf(uri, sizeof uri, "mqtts://127.0.0.1:%d", broker.port);
    site.mqtt.ca_file = other;
    add_numbers(1, 3);
    start_publisher();
    wait_for_error("no connection");
    publisher_stop(publisher, 0);
    publisher = NULL;
    site.mqtt.ca_file = ca;
    start_publisher();
    take_receipts(0);
}
END_TEST

static const struct {
    const char *what;
    const char *broker, *password, *ca; /* Texts of the files; NULL: no such file. */
    bool wants_password, wants_ca;
} wrong[] = {
    {"a scheme that nobody knows", "http://127.0.0.1:1883", NULL, NULL, false, false},
    {"a password file that is missing", "mqtt://127.0.0.1:1", NULL, NULL, true, false},
    {"a password file that is empty", "mqtt://127.0.0.1:1", "\n", NULL, true, false},
    {"a CA file that is missing", "mqtts://127.0.0.1:1", NULL, NULL, false, true},
    {"a CA file without a certificate", "mqtts://127.0.0.1:1", NULL, "x", false, true},
};

START_TEST(test_what_can_never_work_fails_at_once)
{
    char password[512], ca[512];
    snprintf(password, sizeof password, "%s/missing.pass", dir);
    snprintf(ca, sizeof ca, "%s/missing.pem", dir);
    if (wrong[_i].password != NULL) {
        write_file("a.pass", wrong[_i].password, password);
    }
    if (wrong[_i].ca != NULL) {
        write_file("a.pem", wrong[_i].ca, ca);
    }
    site.mqtt.broker = wrong[_i].broker;
    site.mqtt.password_file = wrong[_i].wants_password ? password : NULL;
    site.mqtt.ca_file = wrong[_i].wants_ca ? ca : NULL;
    ck_assert_msg(publisher_start(&publisher, &site, dir, receipts, NULL, &err) ==
                      ERR_CONFIG,
                  "%s", wrong[_i].what);
    ck_assert_ptr_null(publisher);
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("publish");
    TCase *tc = tcase_create("publish");
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_topics_are_those_of_the_contract);
    tcase_add_test(tc, test_the_last_will_says_offline_when_the_process_is_killed);
    tcase_add_test(tc, test_rows_arrive_in_order_and_status_says_online_then_offline);
    tcase_add_test(tc, test_retained_topics_stay_and_an_empty_one_goes);
    tcase_add_test(tc, test_a_broker_restart_in_the_middle_loses_nothing);
    tcase_add_test(tc, test_it_starts_without_a_broker_and_connects_when_there_is_one);
    tcase_add_test(tc, test_stopping_does_not_wait_for_a_broker_that_is_away);
    tcase_add_test(tc, test_a_password_opens_the_broker);
    tcase_add_test(tc,
                   test_a_topic_that_the_broker_refuses_does_not_hold_up_the_others);
    tcase_add_test(tc, test_tls_checks_the_certificate);
    tcase_add_loop_test(tc, test_what_can_never_work_fails_at_once, 0,
                        (int)ARRAY_LEN(wrong));
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
