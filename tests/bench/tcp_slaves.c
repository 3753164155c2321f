/* Many Modbus TCP endpoints for benches, in one epoll loop: written for this alone, it
 * shares no code with the collectors or the simulator.
 *
 *   tcp_slaves [--period MS] FIRST_PORT COUNT
 *
 * Listens on 127.0.0.1, ports FIRST_PORT .. + COUNT, and answers reads of registers
 * (functions 3 and 4) of every unit: register n has the value n.  It notes when each
 * request arrives.
 *
 * Standard input: "report" is answered by one JSON object with what happened since the
 * report before; its end ends the program.  A port has missed a poll when fewer
 * requests came than there are whole periods in the window.  The jitter of a request is
 * how far it is from its port's grid: arrivals modulo the period, about their median.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
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

#define PORTS_MAX     10000
#define ARRIVALS_MAX  256 /* Of one port in a window; more are counted only. */
#define REQUEST       12  /* MBAP header, function, address, count. */
#define ANSWER_MAX    260
#define REGISTERS_MAX 125
#define EVENTS        256
#define BACKLOG       16

struct port {
    int listener;
    uint32_t arrivals; /* In the window. */
    uint32_t at_us[ARRIVALS_MAX];
};

struct connection {
    struct port *port;
    int fd;
    int have;
    uint8_t in[4 * REQUEST];
};

struct slaves {
    struct port *ports;
    uint32_t count;
    struct connection *by_fd; /* Connections by their descriptor. */
    uint32_t fds_max;
    int epoll;
    int64_t period_us, window_us;
    uint64_t requests, connects, drops, bad;
};

static int64_t
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "tcp_slaves: %s: %s\n", what, strerror(errno));
    exit(4);
}

static void
watch(const struct slaves *s, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        die("epoll");
    }
}

static void
listen_on(struct slaves *s, uint32_t index, int number)
{
    struct port *p = &s->ports[index];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)number),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;

    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (p->listener < 0 ||
        setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(p->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(p->listener, BACKLOG) != 0) {
        die("listen");
    }
    s->by_fd[p->listener].port = p;
    s->by_fd[p->listener].fd = -1;
    watch(s, p->listener);
}

static void
accept_one(struct slaves *s, struct port *p)
{
    int on = 1;
    int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }
    if ((uint32_t)fd >= s->fds_max) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->by_fd[fd] = (struct connection){.port = p, .fd = fd};
    s->connects++;
    watch(s, fd);
}

static void
drop(struct slaves *s, struct connection *c)
{
    close(c->fd);
    c->fd = -1;
    s->drops++;
}

/* Size of the answer; 0: no request that we know. */
static int
answer(uint8_t *out, const uint8_t *q)
{
    int address = q[8] << 8 | q[9];
    int count = q[10] << 8 | q[11];

    if (q[2] != 0 || q[3] != 0 || q[4] != 0 || q[5] != 6 || (q[7] != 3 && q[7] != 4) ||
        count < 1 || count > REGISTERS_MAX) {
        return 0;
    }
    memcpy(out, q, 8);
    out[5] = (uint8_t)(3 + 2 * count);
    out[4] = (uint8_t)((3 + 2 * count) >> 8);
    out[8] = (uint8_t)(2 * count);
    for (int i = 0; i < count; i++) {
        out[9 + 2 * i] = (uint8_t)((address + i) >> 8);
        out[10 + 2 * i] = (uint8_t)(address + i);
    }
    return 9 + 2 * count;
}

static void
serve(struct slaves *s, struct connection *c)
{
    uint8_t out[ANSWER_MAX];
    ssize_t size = read(c->fd, c->in + c->have, sizeof c->in - (size_t)c->have);

    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) {
            drop(s, c);
        }
        return;
    }
    int64_t t = now_us() - s->window_us;
    for (c->have += (int)size; c->have >= REQUEST;) {
        struct port *p = c->port;
        int length = answer(out, c->in);
        if (length == 0 || write(c->fd, out, (size_t)length) != length) {
            s->bad++;
            drop(s, c);
            return;
        }
        s->requests++;
        if (p->arrivals < ARRIVALS_MAX) {
            p->at_us[p->arrivals] = (uint32_t)t;
        }
        p->arrivals++;
        c->have -= REQUEST;
        memmove(c->in, c->in + REQUEST, (size_t)c->have);
    }
}

static int
by_value(const void *a, const void *b)
{
    int32_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Distances of a port's arrivals from its grid, into `out`; how many. */
static uint32_t
port_jitter(const struct port *p, int32_t period_us, int32_t *out)
{
    int32_t d[ARRIVALS_MAX];
    uint32_t n = p->arrivals < ARRIVALS_MAX ? p->arrivals : ARRIVALS_MAX;

    for (uint32_t i = 0; i < n; i++) {
        /* From the first one, so that no port is cut in two where the period turns. */
        int32_t r = (int32_t)((p->at_us[i] - p->at_us[0]) % (uint32_t)period_us);
        d[i] = r > period_us / 2 ? r - period_us : r;
    }
    qsort(d, n, sizeof *d, by_value);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = abs(d[i] - d[n / 2]);
    }
    return n;
}

static void
report(struct slaves *s)
{
    int64_t window = now_us() - s->window_us;
    uint64_t expected = (uint64_t)(window / s->period_us);
    uint64_t missed = 0, lacking = 0, polls = 0, n = 0;
    int32_t *jitter = malloc(s->count * sizeof *jitter * ARRIVALS_MAX);

    if (jitter == NULL) {
        die("memory");
    }
    for (uint32_t i = 0; i < s->count; i++) {
        struct port *p = &s->ports[i];
        if (p->arrivals < expected) {
            missed += expected - p->arrivals;
            lacking++;
        }
        polls += p->arrivals;
        n += port_jitter(p, (int32_t)s->period_us, jitter + n);
        p->arrivals = 0;
    }
    qsort(jitter, n, sizeof *jitter, by_value);
    printf("{\"seconds\":%.3f,\"polls\":%llu,\"expected\":%llu,\"missed\":%llu,"
           "\"ports_lacking\":%llu,\"connects\":%llu,\"drops\":%llu,\"bad\":%llu",
           (double)window / 1e6, (unsigned long long)polls,
           (unsigned long long)(expected * s->count), (unsigned long long)missed,
           (unsigned long long)lacking, (unsigned long long)s->connects,
           (unsigned long long)s->drops, (unsigned long long)s->bad);
    if (n > 0) {
        printf(",\"jitter_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
               jitter[n / 2] / 1e3, jitter[n * 99 / 100] / 1e3, jitter[n - 1] / 1e3);
    }
    printf("}\n");
    fflush(stdout);
    free(jitter);
    s->requests = s->connects = s->drops = s->bad = 0;
    s->window_us = now_us();
}

static void
run(struct slaves *s)
{
    struct epoll_event events[EVENTS];
    char words[64];

    for (;;) {
        int n = epoll_wait(s->epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            struct connection *c = &s->by_fd[fd];
            if (fd == STDIN_FILENO) {
                if (read(STDIN_FILENO, words, sizeof words) <= 0) {
                    return;
                }
                report(s);
            } else if (c->fd == fd) {
                serve(s, c);
            } else {
                accept_one(s, c->port);
            }
        }
    }
}

int
main(int argc, char **argv)
{
    struct slaves s = {.period_us = 1000000};
    struct rlimit limit;
    int i = 1;

    if (argc > 2 && strcmp(argv[1], "--period") == 0) {
        s.period_us = 1000 * (int64_t)atoi(argv[2]);
        i = 3;
    }
    int first = argc - i == 2 ? atoi(argv[i]) : 0;
    int count = argc - i == 2 ? atoi(argv[i + 1]) : 0;
    if (first < 1 || count < 1 || count > PORTS_MAX || first + count > 65536 ||
        s.period_us < 1000) {
        fprintf(stderr, "usage: tcp_slaves [--period MS] FIRST_PORT COUNT\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        die("limits");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    s.count = (uint32_t)count;
    s.fds_max =
        3 * s.count + 64; /* Listener, connection, and one that takes its place. */
    s.ports = calloc(s.count, sizeof *s.ports);
    s.by_fd = calloc(s.fds_max, sizeof *s.by_fd);
    s.epoll = epoll_create1(0);
    if (s.ports == NULL || s.by_fd == NULL || s.epoll < 0) {
        die("start");
    }
    for (uint32_t p = 0; p < s.count; p++) {
        listen_on(&s, p, first + (int)p);
    }
    s.by_fd[STDIN_FILENO].fd = -1;
    watch(&s, STDIN_FILENO);
    s.window_us = now_us();
    /* What is measured is when requests come, not when we get round to them. */
    bool punctual =
        sched_setscheduler(0, SCHED_FIFO,
                           &(struct sched_param){.sched_priority = 10}) == 0;
    printf("ready%s\n", punctual ? "" : " (not in real time)");
    fflush(stdout);
    run(&s);
    return 0;
}
