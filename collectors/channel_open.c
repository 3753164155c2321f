/* Opening, losing and opening again. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/channel_inside.h"
#include "collectors/serial.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"

/* The C library asks three name servers twice for 5 s each at most; somebody waits. */
#define RESOLVE_US 10000000
/* A peer that went without a word is noticed on an idle connection. */
#define KEEPALIVE_IDLE_S  10
#define KEEPALIVE_EVERY_S 5
#define KEEPALIVE_COUNT   3

static void
tell(struct channel *ch, enum line_state state, const char *why)
{
    ch->told = state;
    ch->wake_us = ch->now_us;
    ch->args.user.line(ch->args.user.arg, channel_now(ch), state, why);
}

static void
complain(struct channel *ch, const char *why)
{
    if (!ch->complained && !ch->args.quiet) {
        ch->complained = true;
        log_warning("bus %s: %s; trying again until it works", ch->bus->id, why);
    }
}

void
channel_is_well(struct channel *ch)
{
    backoff_succeeded(&ch->health);
    if (ch->complained) {
        ch->complained = false;
        log_info("bus %s works again", ch->bus->id);
    }
}

void
channel_close(struct channel *ch)
{
    if (ch->fd < 0) {
        return;
    }
    if (ch->serial) {
        serial_close(ch->fd);
    } else {
        close(ch->fd);
    }
    ch->fd = -1;
    CHANNEL_SET(ch->args.stats->open, false);
}

/* It is down until the back-off ends; what is held cannot be asked. */
static void
go_down(struct channel *ch, const char *why)
{
    complain(ch, why);
    CHANNEL_SET(ch->args.stats->open, false);
    if (ch->held) {
        wire_fail(&ch->res, WIRE_REFUSED);
        (void)snprintf(ch->res.text, sizeof ch->res.text, "%.95s", why);
        channel_hand_over(ch);
    }
    ch->state = CHANNEL_CLOSED;
    ch->due_us = ch->health.retry_at_ms * 1000;
    tell(ch, LINE_DOWN, why);
}

static void
open_failed(struct channel *ch, const char *why)
{
    channel_close(ch);
    (void)backoff_failed(&ch->health, ch->now_us / 1000);
    go_down(ch, why);
}

/* False, with the reason in errno, when the kernel has no room for it. */
static bool
watch(const struct channel *ch, int op, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u32 = ch->args.id};

    return epoll_ctl(ch->args.epoll, op, ch->fd, &e) == 0;
}

static void
opened(struct channel *ch)
{
    CHANNEL_SET(ch->args.stats->open, true);
    CHANNEL_COUNT(ch->args.stats->opened, 1);
    if (ch->told != LINE_UP) {
        tell(ch, LINE_UP, NULL);
    }
    channel_is_open(ch);
}

/* ---- serial lines ---- */

static void
open_line(struct channel *ch)
{
    struct err err = {0};

    if (serial_open(&ch->fd, ch->bus, &err) != 0) {
        ch->fd = -1;
        open_failed(ch, err.text);
        return;
    }
    if (ch->bus->rs485 == RS485_KERNEL && !serial_set_rs485(ch->fd) &&
        !ch->rs485_said) {
        ch->rs485_said = true;
        log_warning("bus %s: %s has no RS-485 mode in the kernel; the adapter must "
                    "switch direction by itself",
                    ch->bus->id, ch->bus->path);
    }
    if (!watch(ch, EPOLL_CTL_ADD, EPOLLIN)) {
        open_failed(ch, err_reason(errno));
        return;
    }
    opened(ch);
}

/* ---- endpoints ---- */

static void
set_option(int fd, int level, int option, int value)
{
    /* Each is a refinement; without it the connection works too. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void
set_options(int fd, int64_t timeout_ms)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    /* Two questions that nobody has acknowledged. */
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(2 * timeout_ms + 1000));
}

static void
name_failure(const struct channel *ch, char text[256], const char *why)
{
    (void)snprintf(text, 256, "%.120s port %u: %s", ch->bus->host, ch->bus->port, why);
}

static void
connected(struct channel *ch)
{
    if (ch->bus->connect_pause_ms > 0) {
        ch->state = CHANNEL_PAUSING;
        ch->due_us = ch->now_us + ch->bus->connect_pause_ms * 1000;
        return;
    }
    opened(ch);
}

/* Tries the addresses that are left, until one is under way. */
static void
connect_next(struct channel *ch, const char *why)
{
    char text[256];

    while (ch->tried < ch->addresses.count) {
        uint32_t i = ch->tried++;
        const struct sockaddr *address =
            (const struct sockaddr *)&ch->addresses.list[i].address;
        ch->fd =
            socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (ch->fd < 0) {
            why = err_reason(errno);
            continue;
        }
        set_options(ch->fd, ch->bus->timeout_ms);
        if ((connect(ch->fd, address, ch->addresses.list[i].size) != 0 &&
             errno != EINPROGRESS) ||
            !watch(ch, EPOLL_CTL_ADD, EPOLLOUT)) {
            why = err_reason(errno);
            channel_close(ch);
            continue;
        }
        ch->state = CHANNEL_CONNECTING;
        ch->due_us = ch->now_us + ch->bus->timeout_ms * 1000;
        return;
    }
    name_failure(ch, text, why);
    open_failed(ch, text);
}

void
channel_connected(struct channel *ch)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(ch->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error == 0 && !watch(ch, EPOLL_CTL_MOD, EPOLLIN)) {
        error = errno;
    }
    if (error != 0) {
        channel_close(ch);
        connect_next(ch, err_reason(error));
        return;
    }
    connected(ch);
}

static void
open_endpoint(struct channel *ch)
{
    struct err err = {0};

    ch->tried = 0;
    if (resolve_numeric(&ch->addresses, ch->bus->host, ch->bus->port)) {
        connect_next(ch, tr("no address"));
        return;
    }
    if (resolver_ask(ch->args.resolver, &ch->lookup, ch->bus->host, ch->bus->port,
                     ch->args.id, &err) != 0) {
        open_failed(ch, err.text);
        return;
    }
    ch->state = CHANNEL_RESOLVING;
    ch->due_us = ch->now_us + RESOLVE_US;
}

void
channel_resolved(struct channel *ch)
{
    struct lookup *l = ch->lookup;
    struct err err = {0};

    ch->lookup = NULL;
    ch->now_us = clock_mono_us();
    if (lookup_take(l, &ch->addresses, &err) != 0) {
        open_failed(ch, err.text);
    } else {
        connect_next(ch, tr("no address"));
    }
}

/* ---- all kinds ---- */

void
channel_open_begin(struct channel *ch)
{
    ch->asked = ch->answers = ch->silences = 0; /* Of the new connection. */
    if (ch->serial) {
        open_line(ch);
    } else {
        open_endpoint(ch);
    }
}

void
channel_open_timer(struct channel *ch)
{
    char text[256];

    switch (ch->state) {
    case CHANNEL_CLOSED:
        channel_open_begin(ch);
        break;
    case CHANNEL_RESOLVING:
        lookup_cancel(ch->lookup);
        ch->lookup = NULL;
        name_failure(ch, text, tr("no name server answers"));
        open_failed(ch, text);
        break;
    case CHANNEL_CONNECTING:
        channel_close(ch);
        connect_next(ch, tr("no connection in time"));
        break;
    case CHANNEL_PAUSING:
        opened(ch);
        break;
    case CHANNEL_RESTING:
    case CHANNEL_IDLE:
    case CHANNEL_GAP:
    case CHANNEL_WAITING:
    case CHANNEL_LISTENING:
        break;
    }
}

void
channel_reopen(struct channel *ch)
{
    channel_close(ch);
    if (!ch->held) {
        tell(ch, LINE_OPENING, NULL);
    }
    channel_open_begin(ch);
}

void
channel_gone(struct channel *ch, enum wire_fault fault, const char *why)
{
    enum channel_state was = ch->state;
    uint32_t answers = ch->answers;
    char text[256];

    if (ch->serial) {
        (void)snprintf(text, sizeof text, "%.120s: %s", ch->bus->path, why);
    } else {
        name_failure(ch, text, why);
    }
    channel_close(ch);
    if (was == CHANNEL_WAITING) {
        wire_fail(&ch->res, fault);
        (void)snprintf(ch->res.text, sizeof ch->res.text, "%.95s", why);
    }
    if (was == CHANNEL_WAITING || was == CHANNEL_LISTENING) {
        channel_hand_over(ch);
    }
    if (ch->serial) {
        open_failed(ch, text);
    } else if (was == CHANNEL_IDLE && (answers > 0 || ch->asked == 0)) {
        /* Some peers close what they hear nothing on: that is not being down. */
        CHANNEL_SET(ch->args.stats->open, true);
        ch->state = CHANNEL_RESTING;
        ch->due_us = INT64_MAX;
    } else if (answers > 0) {
        channel_reopen(ch);
    } else if (backoff_failed(&ch->health, ch->now_us / 1000)) {
        channel_reopen(ch);
    } else {
        go_down(ch, text); /* One that makes its gateway drop is not the line. */
    }
}
