/* What all connections together may hold: bodies that come and are not finished,
 * answers that nobody reads; and that what is small goes on all the while. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/web/door.h"
#include "daemon/web/listen.h"
#include "tests/daemon/web/peers.h"

#define BODY_BYTES   ((size_t)8 << 20)
#define SLICE_BYTES  ((size_t)1 << 20)
#define BODIES       8 /* As many fit, and not one more. */
#define ANSWER_BYTES ((size_t)30 << 20)
#define ANSWERS      4 /* As well. */

static struct house house;
static struct web_service service;
static struct door *door;
static uint16_t port;
static char blank[ANSWER_BYTES];

/* Says how much came; /api/v1/large is a large answer. */
static unsigned
handle(void *worker, const struct web_request *r, struct strbuf *body)
{
    (void)worker;
    if (strcmp(r->path, "/api/v1/large") == 0) {
        strbuf_add_bytes(body, blank, ANSWER_BYTES);
        return 200;
    }
    strbuf_printf(body, "{\"got\":%zu}", r->body_size);
    return 200;
}

static void
needs(const char *method, const char *path, struct web_needs *out)
{
    (void)method;
    (void)path;
    out->body_max = BODY_BYTES;
}

static void
setup(void)
{
    struct err err = {0};
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    int fd = -1;
    const struct web_tcp tcp = {.listen = "127.0.0.1:0"};
    service = (struct web_service){.handle = handle, .needs = needs};
    memset(blank, ' ', sizeof blank);
    memset(&house, 0, sizeof house);
    house.service = &service;
    ck_assert_int_eq(streams_new(&house.streams, &err), 0);
    ck_assert_int_eq(workers_start(&house.workers, &service, &err), 0);
    ck_assert_msg(listen_tcp(&fd, tcp.listen, &err) == 0, "%s", err.text);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    port = ntohs(a.sin_port);
    ck_assert_msg(door_open(&door, &house, fd, &tcp, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
    door_close(door);
    workers_stop(house.workers);
    streams_free(house.streams);
    ck_assert_uint_eq(atomic_load(&house.bodies), 0);
    ck_assert_uint_eq(atomic_load(&house.answers), 0);
}

static void
send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        bytes += n;
        size -= (size_t)n;
    }
}

/* A body of which `sent` bytes come. */
static int
post(size_t size, size_t sent)
{
    char head[256];
    int fd = connect_to(port);
    int n = snprintf(head, sizeof head,
                     "POST /api/v1/small HTTP/1.1\r\nHost: localhost\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                     size);
    send_all(fd, head, (size_t)n);
    send_all(fd, blank, sent);
    return fd;
}

static void
expect(int fd, const char *line)
{
    struct strbuf got = {0};
    read_answer(fd, &got);
    ck_assert_msg(strncmp(strbuf_text(&got), line, strlen(line)) == 0, "%.200s",
                  strbuf_text(&got));
    close(fd);
    strbuf_fini(&got);
}

START_TEST(bodies_that_are_not_finished_take_no_more_than_there_is)
{
    int held[BODIES];
    for (size_t i = 0; i < BODIES; i++) {
        held[i] = post(BODY_BYTES, 0);
    }
    /* By turns: who is silent for long is hung up on. */
    for (size_t sent = 0; sent < BODY_BYTES - 1; sent += SLICE_BYTES) {
        size_t left = BODY_BYTES - 1 - sent;
        for (size_t i = 0; i < BODIES; i++) {
            send_all(held[i], blank, left < SLICE_BYTES ? left : SLICE_BYTES);
        }
    }
    AWAIT(atomic_load(&house.bodies) == BODIES * (BODY_BYTES - 1), "they do not come");
    expect(post(BODY_BYTES, BODY_BYTES), "HTTP/1.1 503 ");
    expect(post(1000, 1000), "HTTP/1.1 200 ");
    ck_assert_uint_eq(atomic_load(&house.bodies), BODIES * (BODY_BYTES - 1));
    close(held[0]);
    AWAIT(atomic_load(&house.bodies) < (BODIES - 1) * BODY_BYTES, "it is not freed");
    expect(post(BODY_BYTES, BODY_BYTES), "HTTP/1.1 200 ");
    send_all(held[1], "x", 1);
    expect(held[1], "HTTP/1.1 200 ");
    for (size_t i = 2; i < BODIES; i++) {
        close(held[i]);
    }
}
END_TEST

/* A little of each, now and then: who takes nothing for long is hung up on. */
static void
sip(const int *fds, size_t count)
{
    char bytes[4096];
    for (size_t i = 0; i < count; i++) {
        (void)recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
    }
}

START_TEST(answers_that_nobody_reads_take_no_more_than_there_is)
{
    int held[ANSWERS];
    for (size_t i = 0; i < ANSWERS; i++) {
        held[i] = connect_small(port, 4096);
        send_request(held[i], "GET", "/api/v1/large");
    }
    AWAIT((sip(held, ANSWERS), atomic_load(&house.answers) == ANSWERS * ANSWER_BYTES),
          "they are not made");
    int fd = connect_to(port);
    send_request(fd, "GET", "/api/v1/large");
    expect(fd, "HTTP/1.1 503 ");
    sip(held, ANSWERS);
    fd = connect_to(port);
    send_request(fd, "GET", "/api/v1/small");
    expect(fd, "HTTP/1.1 200 ");
    for (size_t i = 0; i < ANSWERS; i++) {
        close(held[i]);
    }
    AWAIT(atomic_load(&house.answers) == 0, "they are not freed");
    fd = connect_to(port);
    send_request(fd, "GET", "/api/v1/large");
    expect(fd, "HTTP/1.1 200 ");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("held");
    TCase *tc = tcase_create("held");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bodies_that_are_not_finished_take_no_more_than_there_is);
    tcase_add_test(tc, answers_that_nobody_reads_take_no_more_than_there_is);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
