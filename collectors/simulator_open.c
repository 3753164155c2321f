#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/simulator_serve.h"
#include "daemon/base/instant.h"

#define LISTED_MAX 20 /* Copies that get a line each; more are summed up. */

static int
listener_open(struct simulator *s, struct port *p, uint16_t number, struct err *err)
{
    int fd;

    if (port_listen(&fd, p->name, &p->number, p->spec->host, number, err) != 0) {
        return err->code;
    }
    if (simulator_watch(s, SOURCE_LISTENER, fd, p, &p->listener, err) != 0) {
        close(fd);
        return err->code;
    }
    return 0;
}

static int
pty_open(struct simulator *s, struct port *p, uint32_t copy, struct err *err)
{
    const char *link = p->spec->link;

    if (p->spec->count > 1) {
        size_t size = strlen(link) + 12;

        p->link = malloc(size);
        if (p->link == NULL) {
            return err_set(err, ERR_NOMEM, "%s", link);
        }
        snprintf(p->link, size, "%s-%" PRIu32, link, copy + 1);
        link = p->link;
    }
    if (port_pty_open(&p->pty, link, err) != 0 ||
        simulator_watch(s, SOURCE_LINE, p->pty.fd, p, NULL, err) != 0) {
        return err->code;
    }
    memcpy(p->name, p->pty.name, sizeof p->name);
    return 0;
}

static void
say_where(const struct port *first, uint32_t count, FILE *out)
{
    const struct sim_port *spec = first->spec;
    const struct port *last = first + count - 1;
    const char *kind = spec->kind == BUS_TCP ? "tcp" : "rtu_over_tcp";

    if (count > LISTED_MAX && spec->kind == BUS_RTU) {
        fprintf(out, "pty %s .. %s (%" PRIu32 " lines)\n", first->pty.link,
                last->pty.link, count);
        return;
    }
    if (count > LISTED_MAX) {
        fprintf(out, "%s %s .. %u (%" PRIu32 " ports)\n", kind, first->name,
                last->number, count);
        return;
    }
    for (const struct port *p = first; p <= last; p++) {
        if (spec->kind == BUS_RTU) {
            fprintf(out, "pty %s -> %s\n", p->pty.link, p->name);
        } else {
            fprintf(out, "%s %s\n", kind, p->name);
        }
    }
}

int
simulator_ports_open(struct simulator *s, FILE *out, struct err *err)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < s->spec->port_count; i++) {
        const struct sim_port *spec = &s->spec->ports[i];
        uint32_t count = spec->count > 1 ? spec->count : 1, first = next;

        for (uint32_t copy = 0; copy < count; copy++, next++) {
            struct port *p = &s->ports[next];
            uint16_t number = spec->port;

            if (number > 0) {
                number = (uint16_t)(number + copy);
            }
            if (spec->kind == BUS_RTU ? pty_open(s, p, copy, err) != 0
                                      : listener_open(s, p, number, err) != 0) {
                return err->code;
            }
        }
        say_where(&s->ports[first], count, out);
        for (uint32_t n = first; n < next; n++) {
            if (simulator_port_update(s, n, err) != 0) {
                return err->code;
            }
        }
    }
    return 0;
}

/* ---- States ---- */

static void
masters_reset(struct simulator *s, const struct port *p)
{
    for (uint32_t i = 0; i < s->sources_used; i++) {
        if (s->sources[i].kind == SOURCE_MASTER && s->sources[i].port == p) {
            port_reset_on_close(s->sources[i].fd);
            simulator_unwatch(s, i);
        }
    }
}

static int
set_state(struct simulator *s, struct port *p, enum port_state state, struct err *err)
{
    if (state == PORT_CLOSED && p->listener != NONE_INDEX) {
        simulator_unwatch(s, p->listener);
        p->listener = NONE_INDEX;
        masters_reset(s, p);
    }
    if (state != PORT_CLOSED && p->listener == NONE_INDEX && p->spec->kind != BUS_RTU &&
        listener_open(s, p, p->number, err) != 0) {
        return err->code;
    }
    p->state = state;
    return 0;
}

/* Is it in one of the windows?  `*next_ms` becomes the next moment when that changes,
 * if it is before it. */
static bool
within(const struct sim_windows *w, int64_t t_ms, int64_t *next_ms)
{
    bool is_within = false;

    for (uint32_t i = 0; i < w->count; i++) {
        const struct sim_window *one = &w->items[i];
        int64_t edge_ms = t_ms < one->from_ms ? one->from_ms : one->to_ms;

        is_within |= one->from_ms <= t_ms && t_ms < one->to_ms;
        if (edge_ms > t_ms && edge_ms < *next_ms) {
            *next_ms = edge_ms;
        }
    }
    return is_within;
}

int
simulator_port_update(struct simulator *s, uint32_t port, struct err *err)
{
    struct port *p = &s->ports[port];
    int64_t t_ms = simulator_now_us(s) / 1000, next_ms = INSTANT_MAX;
    bool is_closed = within(&p->spec->closed, t_ms, &next_ms);
    bool hangs = within(&p->spec->hang, t_ms, &next_ms);

    if (next_ms != INSTANT_MAX) {
        timerq_set(s->timers, TIMER_OF_PORT(port), next_ms * 1000, 0);
    }
    if (p->by_hand) {
        return 0;
    }
    return set_state(s, p,
                     is_closed ? PORT_CLOSED
                     : hangs   ? PORT_HANG
                               : PORT_OPEN,
                     err);
}

static bool
is_called(const struct port *p, const char *name)
{
    const char *link = p->pty.link;

    if (p->spec->kind != BUS_RTU) {
        const char *colon = strrchr(p->name, ':');

        return strcmp(p->name, name) == 0 ||
               (colon != NULL && strcmp(colon + 1, name) == 0);
    }
    if (link == NULL) {
        return false;
    }
    return strcmp(link, name) == 0 ||
           (strrchr(link, '/') != NULL && strcmp(strrchr(link, '/') + 1, name) == 0);
}

int
simulator_port_command(void *simulator,
                       const char *name,
                       const char *state,
                       struct err *err)
{
    static const char *const states[] = {"open", "hang", "closed"};
    struct simulator *s = simulator;
    size_t wanted = 0;
    uint32_t found = 0;
    bool by_plan = strcmp(state, "free") == 0;

    while (wanted < ARRAY_LEN(states) && strcmp(states[wanted], state) != 0) {
        wanted++;
    }
    if (wanted == ARRAY_LEN(states) && !by_plan) {
        return err_set(err, ERR_USAGE,
                       "'%s' is no state; open, hang, closed and free are accepted",
                       state);
    }
    for (uint32_t i = 0; i < s->port_count; i++) {
        struct port *p = &s->ports[i];
        int status;

        if (strcmp(name, "*") != 0 && !is_called(p, name)) {
            continue;
        }
        if (p->spec->kind == BUS_RTU && (enum port_state)wanted == PORT_CLOSED) {
            return err_set(err, ERR_USAGE, "a line cannot be closed");
        }
        found++;
        p->by_hand = !by_plan;
        status = by_plan ? simulator_port_update(s, i, err)
                         : set_state(s, p, (enum port_state)wanted, err);
        if (status != 0) {
            return status;
        }
    }
    return found > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "no port '%s'", name);
}
