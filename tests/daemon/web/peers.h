/* Who speaks to the TCP door, over real sockets. */
#ifndef CARETAKER_TESTS_WEB_PEERS_H
#define CARETAKER_TESTS_WEB_PEERS_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/strbuf.h"

#define WAIT_MS 60000 /* Only a hang takes this long. */
#define TURN_MS 2     /* Between two looks at what gives no event. */

#define AWAIT(condition, ...)                                                          \
    for (int64_t limit_ms = clock_mono_ms() + WAIT_MS; !(condition);                   \
         (void)poll(NULL, 0, TURN_MS))                                                 \
    ck_assert_msg(clock_mono_ms() < limit_ms, __VA_ARGS__)

static inline struct sockaddr_in
loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket on a port of its own. */
static inline int
take_port(uint16_t *port, bool listening)
{
    struct sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    if (listening) {
        ck_assert_int_eq(listen(fd, 4), 0);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

/* The socket stays until the program ends: it is in no server's way, and nobody else is
 * given the port who asks for any. */
static inline uint16_t
free_port(void)
{
    uint16_t port = 0;
    (void)take_port(&port, false);
    return port;
}

/* -1: refused.  `receive_bytes`, if not 0, wait in the kernel unread. */
static inline int
connect_small(uint16_t port, int receive_bytes)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    if (receive_bytes > 0) {
        ck_assert_int_eq(
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes),
            0);
    }
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        ck_assert_int_eq(errno, ECONNREFUSED);
        close(fd);
        return -1;
    }
    return fd;
}

static inline int
connect_to(uint16_t port)
{
    return connect_small(port, 0);
}

static inline void
send_request(int fd, const char *method, const char *path)
{
    char request[512];
    int n = snprintf(request, sizeof request,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                     method, path);
    ck_assert_int_eq((int)send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
}

/* The whole answer, "" where there was none. */
static inline void
read_answer(int fd, struct strbuf *out)
{
    char bytes[4096];
    ssize_t n = 0;
    strbuf_clear(out);
    do {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, WAIT_MS) == 1, "there is no answer");
        n = read(fd, bytes, sizeof bytes);
        strbuf_add_bytes(out, bytes, n > 0 ? (size_t)n : 0);
    } while (n > 0);
}

#endif
