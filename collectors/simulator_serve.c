#include "collectors/simulator_serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collectors/simulator_answer.h"
#include "daemon/base/clock.h"

#define EVENTS_MAX 64
#define GAP_MS     20   /* Ends a frame of unknown length; 3.5 characters are less. */
#define CHAR_BITS  11   /* Start, 8 data, parity or second stop, stop. */
#define CHUNK_US   5000 /* A paced answer leaves in pieces of this length. */

static int64_t
now_us(const struct simulator *s)
{
    return clock_mono_us() - s->start_us;
}

void
simulator_unwatch(struct simulator *s, uint32_t index)
{
    struct source *c = &s->sources[index];

    timerq_cancel(s->timers, LATER_MAX + index);
    if (c->kind != SOURCE_LINE) { /* The pty closes its own. */
        close(c->fd);
    }
    c->kind = SOURCE_FREE;
    c->generation++;
}

int
simulator_watch(struct simulator *s,
                enum source_kind kind,
                int fd,
                struct port *port,
                struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    uint32_t i = 0;
    struct source *c;

    while (i < SOURCES_MAX && s->sources[i].kind != SOURCE_FREE) {
        i++;
    }
    if (i == SOURCES_MAX) {
        return err_set(err, ERR_FULL, "more than %d connections", SOURCES_MAX);
    }
    c = &s->sources[i];
    event.data.u64 = (uint64_t)c->generation << 32 | i;
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
    }
    c->kind = kind;
    c->fd = fd;
    c->port = port;
    c->busy_us = 0;
    c->size = 0;
    return 0;
}

/* A master that does not take its answers loses the connection; a line without a
 * listener loses the bytes, as copper does. */
static void
source_write(struct simulator *s, uint32_t index, const void *bytes, size_t size)
{
    struct source *c = &s->sources[index];
    ssize_t n;

    if (c->kind == SOURCE_LINE) {
        n = write(c->fd, bytes, size);
    } else {
        n = send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if ((n < 0 || (size_t)n != size) && c->kind != SOURCE_LINE) {
        simulator_unwatch(s, index);
    }
}

static void
later_release(struct simulator *s, uint32_t id)
{
    s->laters[id].next_free = s->free_later;
    s->free_later = id;
}

static void
later_schedule(struct simulator *s, uint32_t id, int64_t due_us)
{
    timerq_set(s->timers, id, (due_us + 999) / 1000, 0);
}

/* When the next piece of a paced answer has been on the wire in full. */
static int64_t
later_next_us(const struct later *a)
{
    size_t piece = (size_t)(CHUNK_US / a->byte_us) + 1;
    size_t end = a->size - a->sent > piece ? a->sent + piece : a->size;

    return a->start_us + (int64_t)end * a->byte_us;
}

/* How many of its bytes are due. */
static size_t
later_due(const struct later *a, int64_t now)
{
    int64_t passed = a->byte_us > 0 ? (now - a->start_us) / a->byte_us : INT64_MAX;

    if (passed < 0) {
        return 0;
    }
    return passed < (int64_t)a->size ? (size_t)passed : a->size;
}

static void
later_fire(struct simulator *s, uint32_t id)
{
    struct later *a = &s->laters[id];
    struct source *c = &s->sources[a->source];
    int64_t now = now_us(s);
    size_t due;

    if (c->kind == SOURCE_FREE || c->generation != a->generation) {
        later_release(s, id);
        return;
    }
    if (a->byte_us > 0 && !a->on_line) {
        /* The delay is over; the request's own time on the wire comes first. */
        a->on_line = true;
        a->start_us = (c->busy_us > now ? c->busy_us : now) + 8 * a->byte_us;
        c->busy_us = a->start_us + (int64_t)a->size * a->byte_us;
        later_schedule(s, id, later_next_us(a));
        return;
    }
    due = later_due(a, now);
    if (due > a->sent) {
        source_write(s, a->source, a->adu + a->sent, due - a->sent);
        a->sent = due;
    }
    if (a->sent < a->size) {
        later_schedule(s, id, later_next_us(a));
    } else {
        later_release(s, id);
    }
}

static void
answer_send(struct simulator *s,
            uint32_t index,
            const uint8_t *adu,
            size_t size,
            int64_t delay_ms)
{
    struct source *c = &s->sources[index];
    int baud = c->kind == SOURCE_LINE ? c->port->spec->baud : 0;
    uint32_t id = s->free_later;
    struct later *a;

    if (delay_ms <= 0 && baud <= 0) {
        source_write(s, index, adu, size);
        return;
    }
    if (id == LATER_MAX) {
        return; /* As a slave that is overrun. */
    }
    a = &s->laters[id];
    s->free_later = a->next_free;
    a->source = index;
    a->generation = c->generation;
    a->on_line = false;
    a->byte_us = baud > 0 ? (CHAR_BITS * INT64_C(1000000) + baud - 1) / baud : 0;
    a->size = size;
    a->sent = 0;
    memcpy(a->adu, adu, size);
    if (delay_ms > 0) {
        later_schedule(s, id, now_us(s) + delay_ms * 1000);
    } else {
        later_fire(s, id);
    }
}

static void
request_serve(struct simulator *s, uint32_t index, const struct slave_request *q)
{
    struct source *c = &s->sources[index];
    struct simulator_answer a;

    simulator_answer(&a, c->port->by_number[q->unit], c->port->framing, q,
                     now_us(s) / 1000);
    switch (a.kind) {
    case ANSWER_NONE:
        break;
    case ANSWER_HANG_UP:
        if (c->kind == SOURCE_MASTER) {
            simulator_unwatch(s, index);
        }
        break;
    case ANSWER_SEND:
        answer_send(s, index, a.adu, a.size, a.delay_ms);
        break;
    }
}

static void
source_consume(struct source *c, size_t used)
{
    c->size -= used;
    memmove(c->bytes, c->bytes + used, c->size);
}

/* Serves what has arrived in full. */
static void
requests_take(struct simulator *s, uint32_t index, bool gap)
{
    struct source *c = &s->sources[index];
    uint32_t generation = c->generation;
    struct slave_request q;

    while (c->kind != SOURCE_FREE && c->generation == generation) {
        size_t used;
        enum slave_parse got =
            slave_parse(&q, c->port->framing, c->bytes, c->size, gap, &used);

        source_consume(c, used);
        if (got == SLAVE_BROKEN) {
            simulator_unwatch(s, index);
        } else if (got == SLAVE_REQUEST) {
            request_serve(s, index, &q);
        } else {
            break;
        }
    }
    if (c->generation != generation || c->port->framing != SLAVE_RTU) {
        return;
    }
    if (c->size > 0) {
        timerq_set(s->timers, LATER_MAX + index, now_us(s) / 1000 + GAP_MS, 0);
    } else {
        timerq_cancel(s->timers, LATER_MAX + index);
    }
}

static void
lines_take(struct simulator *s, uint32_t index)
{
    struct source *c = &s->sources[index];
    uint32_t generation = c->generation;
    char answer[CONTROL_ANSWER_BYTES + 1];

    while (c->generation == generation) {
        char line[CONTROL_LINE_BYTES];
        const uint8_t *end = memchr(c->bytes, '\n', c->size);
        size_t length = end != NULL ? (size_t)(end - c->bytes) : c->size;
        bool too_long = length >= sizeof line;

        if (end == NULL && !too_long) {
            return;
        }
        if (too_long) {
            snprintf(answer, sizeof answer, "error: a line has at most %zu bytes",
                     sizeof line - 1);
        } else {
            memcpy(line, c->bytes, length);
            line[length] = '\0';
            source_consume(c, length + 1);
            simulator_command(answer, s->units, s->unit_count, line, now_us(s) / 1000);
        }
        strcat(answer, "\n");
        source_write(s, index, answer, strlen(answer));
        if (too_long && c->generation == generation) {
            simulator_unwatch(s, index);
        }
    }
}

/* Returns 0, or an error that ends the simulator. */
static int
source_read(struct simulator *s, uint32_t index, struct err *err)
{
    struct source *c = &s->sources[index];
    ssize_t n = read(c->fd, c->bytes + c->size, sizeof c->bytes - c->size);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (n <= 0) {
        if (c->kind == SOURCE_LINE) {
            return err_set(err, ERR_IO, "%s: %s", c->port->name,
                           n < 0 ? strerror(errno) : "closed");
        }
        simulator_unwatch(s, index);
        return 0;
    }
    c->size += (size_t)n;
    if (c->kind == SOURCE_CONTROL) {
        lines_take(s, index);
    } else {
        requests_take(s, index, false);
    }
    return 0;
}

/* Out of descriptors, a waiting connection would wake epoll for ever: it is taken with
 * the spare one and closed. */
static void
refuse_waiting(struct simulator *s, int listener)
{
    int fd;

    close(s->spare_fd);
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    s->spare_fd = dup(s->epoll_fd);
}

static void
source_accept(struct simulator *s, uint32_t index)
{
    struct source *c = &s->sources[index];
    enum source_kind kind = c->kind == SOURCE_LISTENER ? SOURCE_MASTER : SOURCE_CONTROL;
    int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        if (simulator_watch(s, kind, fd, c->port, NULL) != 0) {
            close(fd); /* The master sees why: it is refused. */
        }
    } else if (errno == EMFILE || errno == ENFILE) {
        refuse_waiting(s, c->fd);
    }
}

/* Taken off the queue, or they would strike when their mask is lifted. */
static void
signals_drain(int fd)
{
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof info) > 0) {
    }
}

static int
event_take(struct simulator *s, const struct epoll_event *event, struct err *err)
{
    uint32_t index = (uint32_t)(event->data.u64 & UINT32_MAX);
    struct source *c = &s->sources[index];

    if (c->kind == SOURCE_FREE || c->generation != event->data.u64 >> 32) {
        return 0; /* Closed by an earlier event of the same batch. */
    }
    switch (c->kind) {
    case SOURCE_SIGNAL:
        signals_drain(c->fd);
        s->running = false;
        break;
    case SOURCE_LISTENER:
    case SOURCE_CONTROL_LISTENER:
        source_accept(s, index);
        break;
    case SOURCE_MASTER:
    case SOURCE_LINE:
    case SOURCE_CONTROL:
        return source_read(s, index, err);
    case SOURCE_FREE:
        break;
    }
    return 0;
}

static void
timers_fire(struct simulator *s)
{
    uint32_t id;
    int64_t due_ms;
    uint8_t class;

    while (timerq_first(s->timers, &id, &due_ms, &class) &&
           due_ms <= now_us(s) / 1000) {
        timerq_cancel(s->timers, id);
        if (id < LATER_MAX) {
            later_fire(s, id);
        } else {
            requests_take(s, id - LATER_MAX, true);
        }
    }
}

static int
wait_ms(const struct simulator *s)
{
    int64_t due_ms = timerq_due(s->timers), left_ms;

    if (due_ms == INT64_MAX) {
        return -1;
    }
    left_ms = due_ms - now_us(s) / 1000;
    return left_ms < 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms;
}

int
simulator_serve(struct simulator *s, struct err *err)
{
    struct epoll_event events[EVENTS_MAX];

    s->running = true;
    while (s->running) {
        int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, wait_ms(s));

        if (n < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
        }
        for (int i = 0; i < n; i++) {
            if (event_take(s, &events[i], err) != 0) {
                return err->code;
            }
        }
        timers_fire(s);
    }
    return 0;
}
