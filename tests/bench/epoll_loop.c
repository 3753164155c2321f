/* The other yardstick of TCP: an epoll loop that only reads, with nothing decoded.
 *
 *   epoll_loop [--slots N] SECONDS REGISTERS FIRST_PORT COUNT
 *
 * One connection to each port of 127.0.0.1, holding registers from 0 of unit 1, once a
 * second: all at once, or in N even slots of the second (as many slots as ports spread
 * them one by one).  Of an answer only header and length are looked at.  Prints the CPU
 * time of this process per 1000 registers. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"

#define REQUEST    12
#define ANSWER_MAX 260
#define EVENTS     64
#define PERIOD_US  INT64_C(1000000)

struct endpoint {
    int fd;
    uint16_t id;
    int have;
    uint8_t in[ANSWER_MAX];
};

struct loop {
    int epoll;
    int registers;
    int count;
    int slots; /* Of the second, in which so many are asked together. */
    struct endpoint *all;
    uint64_t good, bad;
};

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "epoll_loop: %s: %s\n", what, strerror(errno));
    exit(4);
}

static int64_t
cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) +
           u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void
connect_to(struct loop *l, int index, int port)
{
    struct endpoint *e = &l->all[index];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event v = {.events = EPOLLIN, .data.ptr = e};
    int on = 1;

    e->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (e->fd < 0 || connect(e->fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, e->fd, &v) != 0) {
        die("connect");
    }
}

static void
ask(struct loop *l, struct endpoint *e)
{
    uint16_t id = ++e->id;
    uint8_t q[REQUEST] = {(uint8_t)(id >> 8),   (uint8_t)id, 0, 0, 0, 6, 1, 3, 0, 0, 0,
                          (uint8_t)l->registers};

    e->have = 0;
    if (write(e->fd, q, sizeof q) != sizeof q) {
        die("send");
    }
}

static bool
take(struct loop *l, struct endpoint *e)
{
    int size = 9 + 2 * l->registers;
    ssize_t n = read(e->fd, e->in + e->have, sizeof e->in - (size_t)e->have);

    if (n <= 0) {
        die("receive");
    }
    e->have += (int)n;
    if (e->have < size) {
        return false;
    }
    bool good = e->have == size && e->in[0] == e->id >> 8 &&
                e->in[1] == (e->id & 0xFF) && e->in[7] == 3;
    l->good += good;
    l->bad += !good;
    return true;
}

/* Takes what has come, waiting for the first until `until_us`; how many are whole. */
static int
receive(struct loop *l, int64_t until_us)
{
    struct epoll_event events[EVENTS];
    int64_t left = until_us - clock_mono_us();
    struct timespec wait = {.tv_sec = left > 0 ? left / 1000000 : 0,
                            .tv_nsec = left > 0 ? left % 1000000 * 1000 : 0};
    int n = epoll_pwait2(l->epoll, events, EVENTS, &wait, NULL);
    int whole = 0;

    for (int i = 0; i < n; i++) {
        whole += take(l, events[i].data.ptr);
    }
    return whole;
}

static int64_t
due_us(const struct loop *l, int64_t start_us, int index)
{
    int64_t slot = (int64_t)index * l->slots / l->count;

    return start_us + slot * PERIOD_US / l->slots;
}

/* One round of all endpoints, which begins at `start_us`. */
static void
poll_all(struct loop *l, int64_t start_us)
{
    int asked = 0, answered = 0;

    while (answered < l->count) {
        int64_t now = clock_mono_us();
        while (asked < l->count && now >= due_us(l, start_us, asked)) {
            ask(l, &l->all[asked++]);
        }
        answered += receive(l, asked < l->count ? due_us(l, start_us, asked)
                                                : start_us + PERIOD_US);
        if (asked == l->count && clock_mono_us() >= start_us + 2 * PERIOD_US) {
            die("nobody answers");
        }
    }
}

int
main(int argc, char **argv)
{
    int given = argc > 2 && strcmp(argv[1], "--slots") == 0 ? 2 : 0;
    char **word = argv + 1 + given;
    struct loop l = {.epoll = epoll_create1(0), .slots = given > 0 ? atoi(argv[2]) : 1};

    if (argc - given != 5 || l.slots < 1 || l.epoll < 0) {
        fprintf(stderr,
                "usage: epoll_loop [--slots N] SECONDS REGISTERS FIRST_PORT COUNT\n");
        return 2;
    }
    int seconds = atoi(word[0]);
    l.registers = atoi(word[1]);
    l.count = atoi(word[3]);
    if (seconds < 1 || l.registers < 1 || l.registers > 125 || l.count < 1) {
        fprintf(stderr,
                "epoll_loop: 1 to 125 registers, at least 1 second and 1 port\n");
        return 2;
    }
    l.all = calloc((size_t)l.count, sizeof *l.all);
    if (l.all == NULL) {
        die("memory");
    }
    for (int i = 0; i < l.count; i++) {
        connect_to(&l, i, atoi(word[2]) + i);
    }
    int64_t spent = cpu_us();
    int64_t start = clock_mono_us();
    for (int s = 0; s < seconds; s++) {
        poll_all(&l, start + s * PERIOD_US);
        int64_t left = start + (s + 1) * PERIOD_US - clock_mono_us();
        if (left > 0) {
            usleep((useconds_t)left);
        }
    }
    spent = cpu_us() - spent;
    free(l.all);
    printf("bare epoll: %.1f us CPU per 1000 registers (%llu good, %llu bad answers)\n",
           (double)spent / ((double)l.good * l.registers / 1000.0),
           (unsigned long long)l.good, (unsigned long long)l.bad);
    return 0;
}
