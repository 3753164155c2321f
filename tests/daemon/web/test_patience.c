/* Who sends a byte now and then is hung up on; who waits for us, or for events, is not.
 * One patience of the server is some hundred milliseconds here. */
#include <check.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/web/web.h"
#include "tests/daemon/web/peers.h"

#define PATH_BYTES 512
#define EACH_MS    400
#define DRIP_MS    20
#define ATTEMPTS   5 /* A stall of the machine is no fault of the server. */

static char dir[PATH_BYTES];
static struct web *server;
static uint16_t port;
static sem_t slow_begun, slow_may_end;
static atomic_llong happened;

static unsigned
handle(void *worker, const struct web_request *r, struct strbuf *body)
{
    (void)worker;
    if (strcmp(r->path, "/api/v1/slow") == 0) {
        (void)sem_post(&slow_begun);
        while (sem_wait(&slow_may_end) != 0) {
        }
    }
    if (strcmp(r->path, "/api/v1/stream") == 0) {
        r->answer->stream = true;
        r->answer->stream_after = 0;
        strbuf_add(body, ": hello\n\n");
        return 200;
    }
    strbuf_printf(body, "{\"bytes\":%zu}", r->body_size);
    return 200;
}

/* One event, once there is one. */
static int64_t
news(void *worker, struct web *w, int64_t after)
{
    (void)worker;
    int64_t newest = atomic_load(&happened);
    if (after >= 0 && after < newest) {
        web_publish(w, newest, "id: 1\ndata: x\n\n", 15);
    }
    return newest;
}

static const struct web_service service = {
    .handle = handle, .news = news, .patience_ms = EACH_MS};

static void
setup(void)
{
    struct err err;
    struct web_figures f = {0};
    const char *tmp = getenv("TMPDIR");
    char where[32];
    snprintf(dir, sizeof dir, "%s/test_patience.XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    atomic_store(&happened, 0);
    ck_assert_int_eq(sem_init(&slow_begun, 0, 0), 0);
    ck_assert_int_eq(sem_init(&slow_may_end, 0, 0), 0);
    ck_assert_msg(web_start(&server, dir, &service, &err) == 0, "%s", err.text);
    port = free_port();
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    ck_assert_int_eq(web_listen(server, &(struct web_tcp){.listen = where}, &err), 0);
    AWAIT((web_figures(server, &f), f.listens), "the door does not open");
}

static void
teardown(void)
{
    (void)sem_post(&slow_may_end);
    web_stop(server);
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

static void
send_text(int fd, const char *text)
{
    ck_assert_int_eq((int)send(fd, text, strlen(text), MSG_NOSIGNAL),
                     (int)strlen(text));
}

/* A byte each DRIP_MS, until the other side has hung up.  What comes back is taken. */
static void
drip(int fd)
{
    int64_t limit_ms = clock_mono_ms() + WAIT_MS;
    for (;;) {
        char byte = 'a';
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(clock_mono_ms() < limit_ms, "it may drip for ever");
        if (poll(&p, 1, DRIP_MS) == 1 && recv(fd, &byte, 1, 0) <= 0) {
            return;
        }
        if (send(fd, "a", 1, MSG_NOSIGNAL) != 1) {
            return;
        }
    }
}

/* ---- Who trickles ---- */

static const char *const beginnings[] = {
    "",
    "GET /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nX: ",
    "POST /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
    "POST /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    "\r\n18000\r\n",
    /* A request that is whole, and then another that is not. */
    "GET /api/v1/quick HTTP/1.1\r\nHost: localhost\r\n\r\nGET ",
    "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\nGET ",
};

START_TEST(who_trickles_is_hung_up_on)
{
    struct web_figures f = {0};
    int64_t begun_ms = clock_mono_ms();
    int fd = connect_to(port);
    send_text(fd, beginnings[_i]);
    drip(fd);
    ck_assert_int_ge(clock_mono_ms() - begun_ms, EACH_MS);
    close(fd);
    AWAIT((web_figures(server, &f), f.connections == 0), "its place is not free");
}
END_TEST

/* ---- Who does not ---- */

static void
check_answer(int fd, const char *end)
{
    struct strbuf got = {0};
    read_answer(fd, &got);
    ck_assert_msg(strncmp(strbuf_text(&got), "HTTP/1.1 200 ", 13) == 0 &&
                      strstr(got.text, end) != NULL,
                  "it says: %s", strbuf_text(&got));
    strbuf_fini(&got);
    close(fd);
}

/* A dripping client has come, and was sent away: longer than one patience. */
static void
let_a_patience_pass(void)
{
    int fd = connect_to(port);
    drip(fd);
    close(fd);
}

/* A request that a worker has.  Once more where we ourselves took too long to ask. */
static int
ask_slow(void)
{
    int64_t limit_ms = clock_mono_ms() + WAIT_MS;
    int fd = -1;
    while (fd < 0 || sem_trywait(&slow_begun) != 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(clock_mono_ms() < limit_ms, "no worker takes it");
        if (fd >= 0 && poll(&p, 1, TURN_MS) == 0) {
            continue;
        }
        if (fd >= 0) {
            close(fd);
        }
        fd = connect_to(port);
        send_request(fd, "GET", "/api/v1/slow");
    }
    return fd;
}

START_TEST(who_waits_for_us_is_answered)
{
    int fd = ask_slow();
    let_a_patience_pass();
    ck_assert_int_eq(sem_post(&slow_may_end), 0);
    check_answer(fd, "{\"bytes\":0}");
}
END_TEST

START_TEST(a_stream_may_be_silent)
{
    char got[4096] = "";
    size_t size = 0;
    int fd = -1;
    for (int i = 0; size == 0; i++) { /* Again where we took too long to ask. */
        ck_assert_int_lt(i, ATTEMPTS);
        if (fd >= 0) {
            close(fd);
        }
        fd = connect_to(port);
        send_request(fd, "GET", "/api/v1/stream");
        ssize_t n = recv(fd, got, sizeof got - 1, 0);
        size = n > 0 ? (size_t)n : 0;
    }
    let_a_patience_pass();
    let_a_patience_pass();
    atomic_store(&happened, 1);
    web_wake(server);
    while (strstr(got, "data: x") == NULL) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, WAIT_MS) == 1, "it says only: %s", got);
        ssize_t n = recv(fd, got + size, sizeof got - 1 - size, 0);
        ck_assert_msg(n > 0, "it was hung up on: %s", got);
        size += (size_t)n;
        got[size] = '\0';
    }
    close(fd);
}
END_TEST

/* For three patiences a block each DRIP_MS, then the rest.  False: it hung up. */
static bool
send_much(int fd)
{
    char block[4096];
    int64_t end_ms = clock_mono_ms() + 3 * EACH_MS;
    send_text(fd,
              "POST /api/v1/quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
              "Content-Length: 819200\r\n\r\n");
    memset(block, 'a', sizeof block);
    for (int sent = 0; sent < 200; sent++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int wait_ms = sent < 199 && clock_mono_ms() < end_ms ? DRIP_MS : 0;
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) != (ssize_t)sizeof block ||
            (sent < 199 && poll(&p, 1, wait_ms) != 0)) {
            return false;
        }
    }
    return true;
}

/* A photo over a slow line: what comes lengthens the time.  But nothing does before the
 * first of it has come, which may take too long on a busy machine. */
START_TEST(who_sends_much_has_more_time)
{
    int fd = connect_to(port);
    for (int i = 1; !send_much(fd); i++) {
        ck_assert_int_lt(i, ATTEMPTS);
        close(fd);
        fd = connect_to(port);
    }
    check_answer(fd, "{\"bytes\":819200}");
}
END_TEST

/* The command line is one of us. */
START_TEST(the_unix_socket_is_not_hurried)
{
    struct strbuf got = {0};
    struct err err;
    unsigned status = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%.80s/%s", dir, WEB_SOCKET_NAME);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    send_text(fd, "GET /api/v1/quick HTTP/1.1\r\nHost: local");
    let_a_patience_pass();
    send_text(fd, "host\r\nConnection: close\r\n\r\n");
    check_answer(fd, "{\"bytes\":0}");
    ck_assert_int_eq(
        web_ask(dir, "GET", "/api/v1/quick", NULL, WAIT_MS, &status, &got, &err), 0);
    ck_assert_uint_eq(status, 200);
    strbuf_fini(&got);
}
END_TEST

static Suite *
patience_suite(void)
{
    Suite *s = suite_create("patience");
    TCase *tc = tcase_create("patience");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, who_trickles_is_hung_up_on, 0, (int)ARRAY_LEN(beginnings));
    tcase_add_test(tc, who_waits_for_us_is_answered);
    tcase_add_test(tc, a_stream_may_be_silent);
    tcase_add_test(tc, who_sends_much_has_more_time);
    tcase_add_test(tc, the_unix_socket_is_not_hurried);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *sr = srunner_create(patience_suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
