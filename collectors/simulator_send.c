#include "collectors/simulator_send.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_US    2000 /* A paced answer leaves in pieces of about this length. */
#define PAUSE_US    2000 /* Between the segments of a split answer. */
#define MBAP_EXCESS 4    /* Bytes of a TCP frame that a serial line does not carry. */
#define NONE        UINT32_MAX

static uint32_t
outgoing_take(struct simulator *s)
{
    uint32_t id = s->free_outgoing;

    if (id != NONE) {
        s->free_outgoing = s->outgoing[id].next_free;
    } else if (s->outgoing_used < OUTGOING_MAX) {
        id = s->outgoing_used++;
    }
    return id;
}

static void
outgoing_release(struct simulator *s, uint32_t id)
{
    s->outgoing[id].next_free = s->free_outgoing;
    s->free_outgoing = id;
}

static void
set_cork(struct source *c, int on)
{
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0) {
        c->corked = on != 0;
    }
}

/* The first answer of a segment starts the time in which others may join it. */
static void
gather(struct simulator *s, uint32_t source)
{
    struct source *c = &s->sources[source];
    uint32_t id;

    if (c->kind != SOURCE_MASTER || c->corked || c->port->spec->coalesce_ms <= 0 ||
        (id = outgoing_take(s)) == NONE) {
        return;
    }
    set_cork(c, 1);
    s->outgoing[id].source = source;
    s->outgoing[id].generation = c->generation;
    s->outgoing[id].size = 0;
    timerq_set(s->timers, id, simulator_now_us(s) + c->port->spec->coalesce_ms * 1000,
               0);
}

/* A master that does not take its answers loses the connection; a line without a
 * listener loses the bytes, as copper does. */
static void
send_now(struct simulator *s, uint32_t source, const void *bytes, size_t size)
{
    struct source *c = &s->sources[source];
    ssize_t n;

    gather(s, source);
    if (c->kind == SOURCE_LINE) {
        n = write(c->fd, bytes, size);
    } else {
        n = send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if ((n < 0 || (size_t)n != size) && c->kind != SOURCE_LINE) {
        simulator_unwatch(s, source);
    }
}

/* Byte by byte as the line carries them; else whole or split. */
static bool
is_trickling(const struct port *p)
{
    return p->line.char_ns > 0 && p->framing == SLAVE_RTU;
}

/* Gives the answer its time on the line. */
static void
place(struct simulator *s, struct outgoing *o)
{
    struct source *c = &s->sources[o->source];
    struct port *p = c->port;
    uint32_t split = p->spec->split;

    o->placed = true;
    if (is_trickling(p)) {
        o->start_us = simulator_line_answer(&p->line, o->start_us, o->size);
        return;
    }
    if (p->line.char_ns > 0) { /* A gateway hands over what its line has carried. */
        size_t carried = o->size > MBAP_EXCESS ? o->size - MBAP_EXCESS : o->size;

        o->start_us = simulator_line_answer(&p->line, o->start_us, carried) +
                      simulator_line_us(&p->line, carried);
    }
    if (split > 0) {
        if (o->start_us < c->busy_us) {
            o->start_us = c->busy_us;
        }
        c->busy_us = o->start_us + (int64_t)((o->size + split - 1) / split) * PAUSE_US;
    }
}

/* When the next piece is due. */
static int64_t
next_us(const struct simulator *s, const struct outgoing *o)
{
    const struct port *p = s->sources[o->source].port;

    if (is_trickling(p)) {
        size_t piece = (size_t)(PIECE_US * INT64_C(1000) / p->line.char_ns) + 1;
        size_t end = o->size - o->sent > piece ? o->sent + piece : o->size;

        return o->start_us + simulator_line_us(&p->line, end);
    }
    if (p->spec->split > 0) {
        return o->start_us + (int64_t)(o->sent / p->spec->split) * PAUSE_US;
    }
    return o->start_us;
}

/* How many of its bytes are due. */
static size_t
due_bytes(const struct simulator *s, const struct outgoing *o, int64_t now)
{
    const struct port *p = s->sources[o->source].port;
    int64_t passed = now - o->start_us, due;

    if (passed < 0) {
        return 0;
    }
    if (is_trickling(p)) {
        due = passed * 1000 / p->line.char_ns;
    } else if (p->spec->split > 0) {
        due = (passed / PAUSE_US + 1) * (int64_t)p->spec->split;
    } else {
        return o->size;
    }
    return due < (int64_t)o->size ? (size_t)due : o->size;
}

void
simulator_send_more(struct simulator *s, uint32_t id)
{
    struct outgoing *o = &s->outgoing[id];
    struct source *c = &s->sources[o->source];
    int64_t now = simulator_now_us(s);
    size_t due;

    if (c->kind == SOURCE_FREE || c->generation != o->generation || o->size == 0) {
        if (c->kind == SOURCE_MASTER && c->generation == o->generation) {
            set_cork(c, 0);
        }
        outgoing_release(s, id);
        return;
    }
    if (!o->placed) {
        int64_t ready_us = o->start_us;

        place(s, o);
        if (o->start_us > ready_us) {
            /* Even if its time has come meanwhile: what is under way before it may be
             * late as well, and must not be cut in two. */
            timerq_set(s->timers, id, next_us(s, o), 0);
            return;
        }
    }
    due = due_bytes(s, o, now);
    if (due > o->sent) {
        const uint8_t *from = o->bytes + o->sent;
        size_t size = due - o->sent;

        o->sent = due;
        if (due == o->size && c->kind == SOURCE_LINE) {
            simulator_line_given_out(&c->port->line, now);
        }
        send_now(s, o->source, from, size);
    }
    if (o->sent < o->size) {
        timerq_set(s->timers, id, next_us(s, o), 0);
    } else {
        outgoing_release(s, id);
    }
}

void
simulator_send(struct simulator *s,
               uint32_t source,
               const uint8_t *bytes,
               size_t size,
               int64_t ready_us,
               bool is_echo)
{
    struct source *c = &s->sources[source];
    const struct port *p = c->port;
    int64_t now = simulator_now_us(s);
    struct outgoing *o;
    uint32_t id;

    assert(size > 0);
    assert(size <= ANSWER_BYTES_MAX);
    if (ready_us <= now && p->line.char_ns == 0 && p->spec->split == 0) {
        send_now(s, source, bytes, size);
        return;
    }
    id = outgoing_take(s);
    if (id == NONE) {
        return; /* As a slave that is overrun. */
    }
    o = &s->outgoing[id];
    o->source = source;
    o->generation = c->generation;
    o->placed = is_echo;
    o->start_us = ready_us;
    o->size = size;
    o->sent = 0;
    memcpy(o->bytes, bytes, size);
    timerq_set(s->timers, id, is_echo ? next_us(s, o) : ready_us, 0);
}

/* ---- Control connections ---- */

static bool
wait_for(struct simulator *s, uint32_t source, uint32_t events)
{
    struct source *c = &s->sources[source];
    struct epoll_event event = {.events = events};

    event.data.u64 = (uint64_t)c->generation << 32 | source;
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0) {
        simulator_unwatch(s, source);
        return false;
    }
    return true;
}

/* Returns how much was taken; the connection is closed when its peer has gone. */
static size_t
send_some(struct simulator *s, uint32_t source, const char *text, size_t size)
{
    ssize_t n = send(s->sources[source].fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        simulator_unwatch(s, source);
    }
    return n > 0 ? (size_t)n : 0;
}

void
simulator_tell(struct simulator *s, uint32_t source, struct strbuf *answer)
{
    struct source *c = &s->sources[source];
    size_t sent = send_some(s, source, answer->text, answer->size);

    if (c->kind == SOURCE_FREE || sent == answer->size) {
        strbuf_fini(answer);
        return;
    }
    c->waiting = malloc(sizeof *c->waiting);
    if (c->waiting == NULL) {
        abort(); /* As strbuf does. */
    }
    *c->waiting = *answer;
    *answer = (struct strbuf){0};
    c->waiting_sent = sent;
    (void)wait_for(s, source, EPOLLOUT);
}

bool
simulator_tell_more(struct simulator *s, uint32_t source)
{
    struct source *c = &s->sources[source];

    c->waiting_sent += send_some(s, source, c->waiting->text + c->waiting_sent,
                                 c->waiting->size - c->waiting_sent);
    if (c->kind == SOURCE_FREE || c->waiting_sent < c->waiting->size) {
        return false;
    }
    strbuf_fini(c->waiting);
    free(c->waiting);
    c->waiting = NULL;
    return wait_for(s, source, EPOLLIN);
}
