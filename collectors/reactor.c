#include "collectors/reactor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/timerq.h"

#define EVENTS_AT_ONCE 256
#define ID_WAKE        UINT32_MAX
#define ID_RESOLVED    (UINT32_MAX - 1)
/* So many connections begin in a second: a listener's queue is short. */
#define STARTS_PER_S 10000
#define WAIT_MAX_US  3600000000
/* While answers of many are awaited, they are gathered for so long: to wake up for each
 * costs more than to take it. */
#define GATHER_US   500
#define GATHER_FROM 8

struct reactor {
    int epoll;
    int wake;     /* eventfds */
    int resolved; /* Lookups are done. */
    struct resolver *resolver;
    struct timerq *due; /* By channel, in us. */
    struct channel **channels;
    uint32_t count, room;
    bool coarse;               /* The kernel has no epoll_pwait2(). */
    uint32_t waiting;          /* Channels that wait for an answer. */
    bool *waits;               /* By channel. */
    struct read_answer answer; /* Of the channel at hand. */
};

static int
watch(const struct reactor *r, int fd, uint32_t id, struct err *err)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = id};

    if (fd < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        return err_set(err, ERR_IO, "epoll: %s", err_reason(errno));
    }
    return 0;
}

int
reactor_new(struct reactor **out, uint32_t count, struct err *err)
{
    struct reactor *r = calloc(1, sizeof *r);

    if (r == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the buses");
    }
    r->room = count;
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->resolved = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->due = timerq_new(count);
    r->channels = calloc((size_t)count + 1, sizeof(struct channel *));
    r->waits = calloc((size_t)count + 1, sizeof *r->waits);
    struct err why = {0};
    if (r->channels == NULL || r->waits == NULL) {
        err_set(&why, ERR_NOMEM, "no memory for the buses");
    } else if (r->epoll < 0) {
        err_set(&why, ERR_IO, "epoll: %s", err_reason(errno));
    } else if (watch(r, r->wake, ID_WAKE, &why) == 0 &&
               watch(r, r->resolved, ID_RESOLVED, &why) == 0) {
        (void)resolver_new(&r->resolver, r->resolved, &why);
    }
    if (why.code != ERR_NONE) {
        reactor_free(r);
        return err_set(err, why.code, "%s", why.text);
    }
    *out = r;
    return 0;
}

static void
close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void
reactor_free(struct reactor *r)
{
    if (r == NULL) {
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        channel_free(r->channels[i]);
    }
    resolver_free(r->resolver);
    timerq_free(r->due);
    close_fd(r->epoll);
    close_fd(r->wake);
    close_fd(r->resolved);
    free(r->channels);
    free(r->waits);
    free(r);
}

int
reactor_add(struct reactor *r, struct channel_args args, struct err *err)
{
    assert(r->count < r->room);
    args.epoll = r->epoll;
    args.id = r->count;
    args.resolver = r->resolver;
    args.answer = &r->answer;
    struct channel *ch = channel_new(&args);
    if (ch == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a bus");
    }
    r->channels[r->count++] = ch;
    return 0;
}

/* The channel was called: when is it due now? */
static void
settle(struct reactor *r, uint32_t id)
{
    int64_t due_us = channel_due(r->channels[id]);
    bool waits = channel_waits(r->channels[id]);

    if (waits != r->waits[id]) {
        r->waits[id] = waits;
        r->waiting = waits ? r->waiting + 1 : r->waiting - 1;
    }
    if (due_us == INT64_MAX) {
        timerq_cancel(r->due, id);
    } else {
        timerq_set(r->due, id, due_us, 0);
    }
}

void
reactor_start(struct reactor *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        channel_start(r->channels[i], (int64_t)i * 1000000 / STARTS_PER_S);
        settle(r, i);
    }
}

void
reactor_hurry(struct reactor *r, uint32_t id)
{
    assert(id < r->count);
    channel_hurry(r->channels[id]);
    settle(r, id);
}

void
reactor_wake(struct reactor *r)
{
    uint64_t one = 1;

    /* Fails only when the counter is full, and then it is awake. */
    (void)!write(r->wake, &one, sizeof one);
}

int
reactor_watch(struct reactor *r, int fd, struct err *err)
{
    return watch(r, fd, ID_WAKE, err);
}

static void
drain(int fd)
{
    uint64_t count;

    (void)!read(fd, &count, sizeof count);
}

static void
serve_resolved(struct reactor *r)
{
    uint32_t id;

    drain(r->resolved);
    while (resolver_next(r->resolver, &id)) {
        channel_resolved(r->channels[id]);
        settle(r, id);
    }
}

static int
wait_events(struct reactor *r, struct epoll_event *events)
{
    int64_t due_us = timerq_due(r->due);
    int64_t left_us = due_us == INT64_MAX ? WAIT_MAX_US : due_us - clock_mono_us();

    if (left_us < 0) {
        left_us = 0;
    }
    if (r->waiting >= GATHER_FROM && left_us > GATHER_US) {
        struct timespec gather = {.tv_nsec = GATHER_US * 1000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &gather, NULL);
        left_us -= GATHER_US;
    }
    if (left_us > WAIT_MAX_US) {
        left_us = WAIT_MAX_US;
    }
    struct timespec t = {.tv_sec = left_us / 1000000,
                         .tv_nsec = left_us % 1000000 * 1000};
    int n = r->coarse ? -1 : epoll_pwait2(r->epoll, events, EVENTS_AT_ONCE, &t, NULL);
    /* Linux before 5.11, or a filter of system calls that does not know it. */
    r->coarse = r->coarse || (n < 0 && (errno == ENOSYS || errno == EPERM));
    if (r->coarse) { /* By the millisecond. */
        n = epoll_wait(r->epoll, events, EVENTS_AT_ONCE, (int)((left_us + 999) / 1000));
    }
    return n;
}

bool
reactor_turn(struct reactor *r)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool woken = false;
    uint32_t id;
    int64_t due_us;
    uint8_t class;

    int n = wait_events(r, events);
    for (int i = 0; i < n; i++) {
        id = events[i].data.u32;
        if (id == ID_WAKE) {
            drain(r->wake);
            woken = true;
        } else if (id == ID_RESOLVED) {
            serve_resolved(r);
        } else {
            channel_ready(r->channels[id], events[i].events);
            settle(r, id);
        }
    }
    /* What becomes due meanwhile is for the next turn. */
    int64_t now_us = clock_mono_us();
    while (timerq_first(r->due, &id, &due_us, &class) && due_us <= now_us) {
        channel_timer(r->channels[id]);
        settle(r, id);
    }
    return woken;
}
