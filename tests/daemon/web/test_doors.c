/* The doors and the workers behind them: the TCP door opens, moves, waits for its port
 * and speaks TLS while the unix socket answers; what is slow holds up nothing quick,
 * and what nobody can take now is refused at once. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/web/web.h"
#include "tests/daemon/web/peers.h"

#define PATH_BYTES   512
#define SLOW_AT_ONCE 2  /* Workers for what is slow, */
#define SLOW_WAITING 16 /* and how much waits for them. */
#define REFUSED      7

static char dir[PATH_BYTES];
static struct web *server;
static atomic_int slow_begun;
static sem_t slow_may_end;
static int old_stderr = -1;

/* Waits where the path says so. */
static unsigned
handle(void *worker, const struct web_request *r, struct strbuf *body)
{
    (void)worker;
    if (strcmp(r->path, "/api/v1/slow") == 0) {
        atomic_fetch_add(&slow_begun, 1);
        while (sem_wait(&slow_may_end) != 0) {
        }
    }
    strbuf_add_char(body, '{');
    strbuf_json_bool(body, "local", r->local);
    strbuf_json_bool(body, "tls", r->tls);
    strbuf_json_str(body, "peer", r->peer);
    strbuf_add_char(body, '}');
    return 200;
}

static void
needs(const char *method, const char *path, struct web_needs *out)
{
    (void)method;
    out->lane = strcmp(path, "/api/v1/slow") == 0       ? WEB_SLOW
                : strcmp(path, "/api/v1/password") == 0 ? WEB_PASSWORD
                                                        : WEB_QUICK;
}

static const struct web_service service = {.handle = handle, .needs = needs};

/* In the folder of the test. */
static void
run_command(const char *words)
{
    char command[PATH_BYTES * 2];
    int n = snprintf(command, sizeof command, "cd '%s' && %s", dir, words);
    ck_assert_int_lt(n, (int)sizeof command);
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* What is logged goes to a file from now on. */
static void
catch_log(void)
{
    char path[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/log", dir);
    old_stderr = dup(STDERR_FILENO);
    ck_assert_ptr_nonnull(freopen(path, "a", stderr));
}

static void
read_log(struct strbuf *out)
{
    char path[PATH_BYTES + 8];
    char bytes[4096];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/log", dir);
    FILE *f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    strbuf_clear(out);
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0) {
        strbuf_add_bytes(out, bytes, n);
    }
    fclose(f);
}

static int
count_logged(const char *text)
{
    struct strbuf log = {0};
    int count = 0;
    read_log(&log);
    for (const char *p = strbuf_text(&log); (p = strstr(p, text)) != NULL; p++) {
        count++;
    }
    strbuf_fini(&log);
    return count;
}

static void
await_logged(const char *text, int count)
{
    AWAIT(count_logged(text) >= count, "it is never said: %s", text);
}

static void
setup(void)
{
    struct err err;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/test_doors.XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    catch_log();
    atomic_store(&slow_begun, 0);
    ck_assert_int_eq(sem_init(&slow_may_end, 0, 0), 0);
    int r = web_start(&server, dir, &service, &err);
    ck_assert_msg(r == 0, "%s", err.text);
}

static void
teardown(void)
{
    for (int i = 0; i < SLOW_AT_ONCE + SLOW_WAITING; i++) {
        (void)sem_post(&slow_may_end);
    }
    web_stop(server);
    server = NULL;
    (void)fflush(stderr);
    ck_assert_int_ge(dup2(old_stderr, STDERR_FILENO), 0);
    close(old_stderr);
    run_command("rm -rf \"$PWD\"");
}

/* ---- Peers ---- */

/* Whether the TCP door at `port` answers; it is plain HTTP. */
static bool
answers(uint16_t port)
{
    struct strbuf got = {0};
    int fd = connect_to(port);
    if (fd < 0) {
        return false;
    }
    send_request(fd, "GET", "/api/v1/quick");
    read_answer(fd, &got);
    bool well =
        strncmp(strbuf_text(&got), "HTTP/1.1 200 ", 13) == 0 &&
        strstr(got.text, "{\"local\":false,\"tls\":false,\"peer\":\"127.0.0.1\"}") !=
            NULL;
    close(fd);
    strbuf_fini(&got);
    return well;
}

/* Whether nobody listens there. */
static bool
refuses(uint16_t port)
{
    int fd = connect_to(port);
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0;
}

static void
check_local(void)
{
    struct err err;
    struct strbuf got = {0};
    unsigned status = 0;
    int r = web_ask(dir, "GET", "/api/v1/quick", NULL, WAIT_MS, &status, &got, &err);
    ck_assert_msg(r == 0 && status == 200, "%s", r == 0 ? got.text : err.text);
    ck_assert_ptr_nonnull(strstr(got.text, "{\"local\":true"));
    strbuf_fini(&got);
}

static struct web_figures
figures(void)
{
    struct web_figures f;
    web_figures(server, &f);
    return f;
}

static void
await_door(bool open)
{
    AWAIT(figures().listens == open, "the door does not %s", open ? "open" : "close");
}

static void
wish(uint16_t port, const char *cert, const char *key)
{
    struct err err;
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    const struct web_tcp tcp = {
        .listen = port != 0 ? where : NULL, .cert_file = cert, .key_file = key};
    ck_assert_msg(web_listen(server, &tcp, &err) == 0, "%s", err.text);
}

/* ---- The TCP door ---- */

START_TEST(the_door_opens_moves_and_closes)
{
    uint16_t first = free_port();
    wish(first, NULL, NULL);
    await_door(true);
    ck_assert(answers(first));
    check_local();
    uint16_t second = free_port();
    ck_assert_uint_ne(first, second);
    wish(second, NULL, NULL);
    await_logged("the page is at http://", 2);
    await_door(true);
    ck_assert(answers(second));
    ck_assert(refuses(first));
    wish(0, NULL, NULL);
    AWAIT(refuses(second), "the door does not close");
    check_local();
}
END_TEST

/* The same port again, with a connection of the old door still open. */
START_TEST(the_door_opens_anew_where_it_was)
{
    uint16_t port = free_port();
    wish(port, NULL, NULL);
    await_door(true);
    for (int i = 2; i < 6; i++) {
        int held = connect_to(port);
        struct strbuf got = {0};
        ck_assert_int_ge(held, 0);
        wish(port, NULL, NULL);
        await_logged("the page is at http://", i);
        await_door(true);
        ck_assert(answers(port));
        read_answer(held, &got); /* It was hung up. */
        ck_assert_uint_eq(got.size, 0);
        strbuf_fini(&got);
        close(held);
    }
}
END_TEST

START_TEST(only_the_last_of_many_wishes_stays)
{
    uint16_t ports[20];
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        ports[i] = free_port();
        wish(ports[i], NULL, NULL);
    }
    char last[64];
    snprintf(last, sizeof last, "the page is at http://127.0.0.1:%u/",
             ports[ARRAY_LEN(ports) - 1]);
    await_logged(last, 1);
    await_door(true);
    ck_assert(answers(ports[ARRAY_LEN(ports) - 1]));
    for (size_t i = 0; i < ARRAY_LEN(ports) - 1; i++) {
        if (ports[i] != ports[ARRAY_LEN(ports) - 1]) {
            ck_assert(refuses(ports[i]));
        }
    }
}
END_TEST

START_TEST(a_port_that_is_taken_is_waited_for)
{
    uint16_t port = 0;
    int fd = take_port(&port, true);
    wish(port, NULL, NULL);
    await_logged("tried again", 1);
    check_local();
    close(fd);
    await_door(true); /* By the clock that asks again. */
    ck_assert(answers(port));
}
END_TEST

static const struct {
    const char *name, *listen, *cert, *key, *said;
} bad[] = {
    {"a name that nobody has", "nobody.invalid:8080", NULL, NULL,
     "nobody.invalid:8080"},
    {"an address that is not ours", "192.0.2.1:8080", NULL, NULL, "192.0.2.1:8080: "},
    {"no port", "127.0.0.1", NULL, NULL, "127.0.0.1: is no ADDRESS:PORT"},
    {"a certificate that is not there", "127.0.0.1:0", "/nonexistent/c.pem",
     "/nonexistent/k.pem", "/nonexistent/c.pem: "},
    {"a certificate that is none", "127.0.0.1:0", "/etc/passwd", "/etc/passwd",
     "a certificate and its key as PEM are accepted"},
    {"a folder", "127.0.0.1:0", "/", "/", "/: is no file of PEM"},
    {"no end of it", "127.0.0.1:0", "/dev/zero", "/dev/zero",
     "/dev/zero: is no file of PEM"},
};

/* And the next wish is as good as the first. */
START_TEST(what_cannot_be_opened_is_said_and_stops_nothing)
{
    struct err err;
    const struct web_tcp tcp = {
        .listen = bad[_i].listen, .cert_file = bad[_i].cert, .key_file = bad[_i].key};
    ck_assert_int_eq(web_listen(server, &tcp, &err), 0);
    await_logged(bad[_i].said, 1);
    ck_assert_msg(!figures().listens, "%s", bad[_i].name);
    check_local();
    uint16_t port = free_port();
    wish(port, NULL, NULL);
    await_door(true);
    ck_assert(answers(port));
}
END_TEST

/* ---- TLS ---- */

/* What curl, which is not ours, says. */
static int
run_curl(const char *options, uint16_t port, char *out, size_t size)
{
    char command[PATH_BYTES * 3];
    snprintf(command, sizeof command,
             "curl -sS --max-time 60 --cacert '%s/c.pem' %s "
             "https://localhost:%u/api/v1/quick 2>&1",
             dir, options, port);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    int how = pclose(f);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

/* Those before 1.2 have been withdrawn (RFC 8996). */
static const struct {
    const char *options;
    int result; /* CURLE_SSL_CONNECT_ERROR is 35. */
} versions[] = {
    {"", 0},
    {"--tlsv1.3", 0},
    {"--tls-max 1.2", 0},
    {"--tls-max 1.1 --tlsv1.1 --ciphers DEFAULT@SECLEVEL=0", 35},
    {"--tls-max 1.0 --tlsv1.0 --ciphers DEFAULT@SECLEVEL=0", 35},
};

START_TEST(with_a_certificate_it_speaks_tls)
{
    char cert[PATH_BYTES + 16];
    char key[PATH_BYTES + 16];
    char said[4096];
    struct strbuf got = {0};
    uint16_t port = free_port();
    /* As in any estate: our own authority. */
    run_command("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                "-nodes -days 2 -subj /CN=localhost -addext "
                "subjectAltName=DNS:localhost -keyout k.pem -out c.pem 2>/dev/null");
    snprintf(cert, sizeof cert, "%s/c.pem", dir);
    snprintf(key, sizeof key, "%s/k.pem", dir);
    wish(port, cert, key);
    await_door(true);
    ck_assert_int_eq(count_logged("the page is at https://"), 1);
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        int how = run_curl(versions[i].options, port, said, sizeof said);
        ck_assert_msg(how == versions[i].result, "%s: %d %s", versions[i].options, how,
                      said);
        ck_assert_msg(how != 0 || strstr(said, "{\"local\":false,\"tls\":true") != NULL,
                      "%s", said);
    }
    /* Who speaks plain HTTP gets nothing, and hangs nobody. */
    int fd = connect_to(port);
    ck_assert_int_ge(fd, 0);
    send_request(fd, "GET", "/api/v1/quick");
    read_answer(fd, &got);
    ck_assert_msg(strstr(strbuf_text(&got), "HTTP/1.1 200") == NULL, "%s", got.text);
    close(fd);
    strbuf_fini(&got);
    check_local();
    /* A key of somebody else is no key. */
    run_command("openssl genpkey -algorithm EC -pkeyopt "
                "ec_paramgen_curve:prime256v1 -out k.pem 2>/dev/null");
    wish(port, cert, key);
    await_logged("does not start with them", 1);
    await_door(false);
    check_local();
}
END_TEST

/* ---- Workers ---- */

static void
await_slow(int count)
{
    AWAIT(atomic_load(&slow_begun) >= count, "no worker takes what is slow");
}

START_TEST(what_nobody_can_take_is_refused_and_what_is_quick_goes_on)
{
    int fds[SLOW_AT_ONCE + SLOW_WAITING + REFUSED];
    struct strbuf got = {0};
    uint16_t port = free_port();
    int well = 0;
    wish(port, NULL, NULL);
    await_door(true);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_to(port);
        send_request(fds[i], "GET", "/api/v1/slow");
        if (i == SLOW_AT_ONCE - 1) {
            await_slow(SLOW_AT_ONCE); /* No worker is free now. */
        }
    }
    /* Those that are refused are answered at once, all others are not. */
    for (int i = 0; i < REFUSED; i++) {
        struct pollfd p[ARRAY_LEN(fds)];
        for (size_t k = 0; k < ARRAY_LEN(fds); k++) {
            p[k] = (struct pollfd){.fd = fds[k], .events = POLLIN};
        }
        ck_assert_int_ge(poll(p, ARRAY_LEN(fds), WAIT_MS), 1);
        size_t k = 0;
        while (p[k].revents == 0) {
            k++;
        }
        read_answer(fds[k], &got);
        ck_assert_msg(strncmp(strbuf_text(&got), "HTTP/1.1 503 ", 13) == 0 &&
                          strstr(got.text, "\r\nRetry-After: 2\r\n") != NULL &&
                          strstr(got.text, "application/problem+json") != NULL &&
                          strstr(got.text, "\"detail\":\"the gateway is too busy") !=
                              NULL,
                      "%s", got.text);
        close(fds[k]);
        fds[k] = -1;
        /* Neither of the doors is held up for what is quick. */
        ck_assert(answers(port));
        check_local();
    }
    /* Nor is who logs in. */
    int fd = connect_to(port);
    send_request(fd, "POST", "/api/v1/password");
    read_answer(fd, &got);
    ck_assert_int_eq(strncmp(strbuf_text(&got), "HTTP/1.1 200 ", 13), 0);
    close(fd);
    ck_assert_uint_eq(figures().refused, REFUSED);
    ck_assert_int_eq(atomic_load(&slow_begun), SLOW_AT_ONCE);
    for (int i = 0; i < SLOW_AT_ONCE + SLOW_WAITING; i++) {
        ck_assert_int_eq(sem_post(&slow_may_end), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0) {
            read_answer(fds[i], &got);
            well += strncmp(strbuf_text(&got), "HTTP/1.1 200 ", 13) == 0;
            close(fds[i]);
        }
    }
    ck_assert_int_eq(well, SLOW_AT_ONCE + SLOW_WAITING);
    strbuf_fini(&got);
}
END_TEST

/* Who hangs up while a worker is at it: the worker's answer goes nowhere, and nothing
 * is left behind. */
START_TEST(who_does_not_wait_for_the_answer_is_forgotten)
{
    uint16_t port = free_port();
    wish(port, NULL, NULL);
    await_door(true);
    for (int i = 0; i < SLOW_AT_ONCE; i++) {
        int fd = connect_to(port);
        send_request(fd, "GET", "/api/v1/slow");
        await_slow(i + 1);
        close(fd);
    }
    for (int i = 0; i < SLOW_AT_ONCE; i++) {
        ck_assert_int_eq(sem_post(&slow_may_end), 0);
    }
    AWAIT(figures().connections == 0, "a connection is left");
    ck_assert(answers(port));
}
END_TEST

static void *
stop_server(void *ctx)
{
    web_stop(ctx);
    return NULL;
}

/* What was done must be known to be done: a command that is under way when the daemon
 * is stopped is answered. */
START_TEST(a_stop_waits_for_answers_that_are_under_way)
{
    pthread_t stopper;
    struct strbuf got = {0};
    uint16_t port = free_port();
    wish(port, NULL, NULL);
    await_door(true);
    int fd = connect_to(port);
    send_request(fd, "GET", "/api/v1/slow");
    await_slow(1);
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_server, server), 0);
    server = NULL;
    ck_assert_int_eq(sem_post(&slow_may_end), 0);
    read_answer(fd, &got);
    ck_assert_msg(strncmp(strbuf_text(&got), "HTTP/1.1 200 ", 13) == 0, "it says: %s",
                  strbuf_text(&got));
    ck_assert_int_eq(pthread_join(stopper, NULL), 0);
    close(fd);
    strbuf_fini(&got);
}
END_TEST

static Suite *
doors_suite(void)
{
    Suite *s = suite_create("doors");
    TCase *tc = tcase_create("tcp");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_door_opens_moves_and_closes);
    tcase_add_test(tc, the_door_opens_anew_where_it_was);
    tcase_add_test(tc, only_the_last_of_many_wishes_stays);
    tcase_add_test(tc, a_port_that_is_taken_is_waited_for);
    tcase_add_loop_test(tc, what_cannot_be_opened_is_said_and_stops_nothing, 0,
                        (int)ARRAY_LEN(bad));
    tcase_add_test(tc, with_a_certificate_it_speaks_tls);
    suite_add_tcase(s, tc);
    tc = tcase_create("workers");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_nobody_can_take_is_refused_and_what_is_quick_goes_on);
    tcase_add_test(tc, who_does_not_wait_for_the_answer_is_forgotten);
    tcase_add_test(tc, a_stop_waits_for_answers_that_are_under_way);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *sr = srunner_create(doors_suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
