#include "collectors/simulator_serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collectors/simulator_send.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"

#define EVENTS_MAX  256
#define ACCEPTS_MAX 64    /* In a row, before others are served. */
#define GAP_US      20000 /* Ends a frame of unknown length; 3.5 characters are less. */
#define REQUEST_CHARACTERS                                                             \
    8 /* Of a read on the line behind a gateway: unit, 5 bytes, CRC. */

int64_t
simulator_now_us(const struct simulator *s)
{
    return clock_mono_us() - s->start_us;
}

void
simulator_unwatch(struct simulator *s, uint32_t index)
{
    struct source *c = &s->sources[index];

    timerq_cancel(s->timers, TIMER_OF_SOURCE(index));
    if (c->kind != SOURCE_LINE) { /* The pty closes its own. */
        close(c->fd);
    }
    if (c->waiting != NULL) {
        strbuf_fini(c->waiting);
        free(c->waiting);
        c->waiting = NULL;
    }
    c->kind = SOURCE_FREE;
    c->generation++;
    c->next_free = s->free_source;
    s->free_source = index;
}

int
simulator_watch(struct simulator *s,
                enum source_kind kind,
                int fd,
                struct port *port,
                uint32_t *out,
                struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    uint32_t i = s->free_source;
    struct source *c;

    if (i == NONE_INDEX) {
        if (s->sources_used == SOURCES_MAX) {
            return err_set(err, ERR_FULL, "more than %d connections", SOURCES_MAX);
        }
        i = s->sources_used;
    }
    c = &s->sources[i];
    event.data.u64 = (uint64_t)c->generation << 32 | i;
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return err_set(err, ERR_IO, "epoll: %s", err_reason(errno));
    }
    if (i == s->free_source) {
        s->free_source = c->next_free;
    } else {
        s->sources_used++;
    }
    c->kind = kind;
    c->fd = fd;
    c->port = port;
    c->busy_us = 0;
    c->corked = false;
    c->size = 0;
    if (out != NULL) {
        *out = i;
    }
    return 0;
}

static struct simulator_unit *
port_unit(const struct port *p, uint8_t number)
{
    uint16_t index = p->by_number[number];

    return index > 0 ? p->units[index - 1] : NULL;
}

static void
answer_send(struct simulator *s, uint32_t index, const struct simulator_answer *a)
{
    struct source *c = &s->sources[index];
    uint32_t generation = c->generation;
    const struct simulator_line *l = &c->port->line;
    int64_t ready_us = simulator_now_us(s);

    if (l->char_ns > 0 && ready_us < l->end_us + l->silence_us) {
        ready_us = l->end_us + l->silence_us; /* The request is on the line so long. */
    }
    ready_us += a->delay_ms * 1000;
    if (a->size > 0) {
        simulator_send(s, index, a->adu, a->size, ready_us, false);
    }
    if (a->stray_size > 0 && c->generation == generation) {
        simulator_send(s, index, a->stray, a->stray_size,
                       ready_us + a->stray_delay_ms * 1000, false);
    }
}

static void
request_serve(struct simulator *s, uint32_t index, const struct slave_request *q)
{
    struct source *c = &s->sources[index];
    struct port *p = c->port;
    int64_t now = simulator_now_us(s);
    struct simulator_unit *unit = port_unit(p, q->unit);
    struct simulator_answer a;

    if (p->framing == SLAVE_TCP && p->line.char_ns > 0) {
        (void)simulator_line_receive(&p->line, now, REQUEST_CHARACTERS, true);
    }
    simulator_answer(&a, unit, p->framing, q, now / 1000);
    if (unit == NULL) {
        p->control->nobody.requests++;
        p->control->nobody.answers += a.kind == ANSWER_SEND;
    }
    switch (a.kind) {
    case ANSWER_NONE:
        break;
    case ANSWER_HANG_UP:
        if (c->kind == SOURCE_MASTER) {
            simulator_unwatch(s, index);
        }
        break;
    case ANSWER_SEND:
        answer_send(s, index, &a);
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
        int64_t now = simulator_now_us(s), end_us = c->port->line.end_us;

        timerq_set(s->timers, TIMER_OF_SOURCE(index),
                   (end_us > now ? end_us : now) + GAP_US, 0);
    } else {
        timerq_cancel(s->timers, TIMER_OF_SOURCE(index));
    }
}

static void
lines_take(struct simulator *s, uint32_t index)
{
    struct source *c = &s->sources[index];
    uint32_t generation = c->generation;
    const struct control_target target = {
        s->units,      s->unit_count,          s->control_ports,
        s->port_count, simulator_port_command, s};

    while (c->generation == generation && c->waiting == NULL) {
        struct strbuf answer = {0};
        char line[CONTROL_LINE_BYTES];
        const uint8_t *end = memchr(c->bytes, '\n', c->size);
        size_t length = end != NULL ? (size_t)(end - c->bytes) : c->size;
        bool too_long = length >= sizeof line;

        if (end == NULL && !too_long) {
            return;
        }
        if (too_long) {
            strbuf_printf(&answer, tr("error: a line has at most %zu bytes"),
                          sizeof line - 1);
        } else {
            memcpy(line, c->bytes, length);
            line[length] = '\0';
            source_consume(c, length + 1);
            simulator_command(&answer, &target, line, simulator_now_us(s) / 1000);
        }
        strbuf_add_char(&answer, '\n');
        simulator_tell(s, index, &answer);
        if (too_long && c->generation == generation) {
            simulator_unwatch(s, index);
        }
    }
}

/* What has come in on a line, or on what stands for one: counts its time, sends its
 * echo.  False when it came too early to be heard. */
static bool
line_hears(struct simulator *s, uint32_t index, size_t size)
{
    struct source *c = &s->sources[index];
    struct port *p = c->port;
    const uint8_t *bytes = c->bytes + c->size;
    int64_t now = simulator_now_us(s);
    bool inside = c->size > 0 && now - p->line.end_us < p->line.silence_us;
    struct simulator_unit *unit = port_unit(p, bytes[0]);
    enum line_heard heard;

    if (p->line.strict && c->size > 0 && !inside) {
        memmove(c->bytes, bytes, size); /* The silence ended what was there. */
        c->size = 0;
        bytes = c->bytes;
    }
    heard = simulator_line_receive(&p->line, now, size, inside);
    if (p->spec->echo) {
        int64_t from_us = p->line.end_us - simulator_line_us(&p->line, size);

        for (size_t at = 0; at < size; at += SLAVE_ADU_BYTES_MAX) {
            size_t piece =
                size - at < SLAVE_ADU_BYTES_MAX ? size - at : SLAVE_ADU_BYTES_MAX;

            simulator_send(s, index, bytes + at, piece,
                           from_us + simulator_line_us(&p->line, at), true);
        }
    }
    if (heard == LINE_EARLY) {
        struct simulator_stats *stats =
            unit != NULL ? simulator_unit_stats(unit) : &p->control->nobody;

        stats->violations++;
    }
    return heard == LINE_HEARD;
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
                           n < 0 ? err_reason(errno) : "closed");
        }
        simulator_unwatch(s, index);
        return 0;
    }
    if (c->kind == SOURCE_CONTROL) {
        c->size += (size_t)n;
        lines_take(s, index);
        return 0;
    }
    if (c->port->state == PORT_HANG) {
        c->size = 0;
        return 0;
    }
    if (c->port->framing == SLAVE_RTU && !line_hears(s, index, (size_t)n)) {
        return 0;
    }
    c->size += (size_t)n;
    requests_take(s, index, false);
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
    int one = 1;

    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                refuse_waiting(s, c->fd);
            }
            return;
        }
        if (kind == SOURCE_MASTER) { /* Segments are as we cut them. */
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        }
        if (simulator_watch(s, kind, fd, c->port, NULL, NULL) != 0) {
            close(fd); /* The master sees why: it is refused. */
        }
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
    case SOURCE_TIMER:
        s->timer_us = INSTANT_NONE; /* It has run out and is set anew. */
        break;
    case SOURCE_LISTENER:
    case SOURCE_CONTROL_LISTENER:
        source_accept(s, index);
        break;
    case SOURCE_CONTROL:
        if (c->waiting != NULL) {
            if (simulator_tell_more(s, index)) {
                lines_take(s, index); /* Commands that came meanwhile. */
            }
            break;
        }
        return source_read(s, index, err);
    case SOURCE_MASTER:
    case SOURCE_LINE:
        return source_read(s, index, err);
    case SOURCE_FREE:
        break;
    }
    return 0;
}

static int
timers_fire(struct simulator *s, struct err *err)
{
    uint32_t id;
    int64_t due_us;
    uint8_t class;

    while (timerq_first(s->timers, &id, &due_us, &class) &&
           due_us <= simulator_now_us(s)) {
        timerq_cancel(s->timers, id);
        if (id < OUTGOING_MAX) {
            simulator_send_more(s, id);
        } else if (id < TIMER_OF_PORT(0)) {
            requests_take(s, id - TIMER_OF_SOURCE(0), true);
        } else if (simulator_port_update(s, id - TIMER_OF_PORT(0), err) != 0) {
            return err->code;
        }
    }
    return 0;
}

/* Sets the timer descriptor to the earliest due time; epoll's own timeout counts in ms,
 * which is a character at 9,600 baud. */
static int
timer_set(struct simulator *s, struct err *err)
{
    int64_t due_us = timerq_due(s->timers), at_us;
    struct itimerspec at = {0};

    if (due_us == s->timer_us) {
        return 0;
    }
    if (due_us != INSTANT_MAX) {
        at_us = due_us + s->start_us;
        at.it_value.tv_sec = at_us / 1000000;
        at.it_value.tv_nsec = at_us % 1000000 * 1000;
    }
    if (timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) != 0) {
        return err_set(err, ERR_IO, "timerfd: %s", err_reason(errno));
    }
    s->timer_us = due_us;
    return 0;
}

int
simulator_serve(struct simulator *s, struct err *err)
{
    struct epoll_event events[EVENTS_MAX];

    s->running = true;
    while (s->running) {
        int n;

        if (timer_set(s, err) != 0) {
            return err->code;
        }
        n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, -1);
        if (n < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "epoll: %s", err_reason(errno));
        }
        for (int i = 0; i < n; i++) {
            if (event_take(s, &events[i], err) != 0) {
                return err->code;
            }
        }
        if (timers_fire(s, err) != 0) {
            return err->code;
        }
    }
    return 0;
}
