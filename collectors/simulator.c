#include "collectors/simulator.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collectors/simulator_send.h"
#include "collectors/simulator_serve.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"

/* The units of a port, which is a copy of its spec. */
static int
units_make(struct simulator *s, struct port *p, uint32_t spec_port, struct err *err)
{
    const struct sim_port *spec = p->spec;
    const struct simulator_unit *like = NULL;
    bool is_copy = p > s->ports && p[-1].spec == spec;

    p->by_number = s->numbers[spec_port];
    p->units = &s->unit_of[s->unit_count];
    for (uint32_t i = 0; i < spec->unit_count; i++) {
        uint8_t number = spec->units[i].unit;

        if (!is_copy && s->numbers[spec_port][number] != 0) {
            return err_set(err, ERR_CONFIG, "two units %u on one port", number);
        }
        s->numbers[spec_port][number] = (uint16_t)(i + 1);
        if (simulator_unit_new_like(&p->units[i], &spec->units[i],
                                    is_copy ? p[-1].units[i] : like,
                                    (uint32_t)(p - s->ports), err) != 0) {
            return err->code;
        }
        like = p->units[i];
        s->unit_count++;
    }
    return 0;
}

static int
ports_make(struct simulator *s, struct err *err)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < s->spec->port_count; i++) {
        const struct sim_port *spec = &s->spec->ports[i];

        for (uint32_t copy = 0; copy < (spec->count > 1 ? spec->count : 1); copy++) {
            struct port *p = &s->ports[next];

            p->spec = spec;
            p->control = &s->control_ports[next++];
            p->framing = spec->kind == BUS_TCP ? SLAVE_TCP : SLAVE_RTU;
            simulator_line_init(&p->line, spec->baud, sim_char_bits(spec),
                                spec->strict);
            p->pty.fd = p->pty.slave_fd = -1;
            p->listener = NONE_INDEX;
            if (units_make(s, p, i, err) != 0) {
                return err->code;
            }
        }
    }
    return 0;
}

/* By what commands call them. */
static void
units_list(struct simulator *s)
{
    for (uint32_t i = 0; i < s->port_count; i++) {
        struct port *p = &s->ports[i];
        size_t first = (size_t)(p->units - s->unit_of);

        p->control->name = p->spec->kind == BUS_RTU ? p->pty.link : p->name;
        for (uint32_t k = 0; k < p->spec->unit_count; k++) {
            s->units[first + k] = (struct control_unit){p->units[k], p->control};
        }
    }
}

static int
control_open(struct simulator *s, struct err *err)
{
    int fd;

    if (s->spec->control == NULL) {
        return 0;
    }
    if (port_control_listen(&fd, s->spec->control, err) != 0) {
        return err->code;
    }
    s->control = s->spec->control;
    if (simulator_watch(s, SOURCE_CONTROL_LISTENER, fd, NULL, NULL, err) != 0) {
        close(fd);
        return err->code;
    }
    return 0;
}

static int
signals_open(struct simulator *s, struct err *err)
{
    sigset_t mask;
    int fd;

    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &mask, &s->old_mask);
    s->masked = true;
    fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_IO, "signalfd: %s", err_reason(errno));
    }
    if (simulator_watch(s, SOURCE_SIGNAL, fd, NULL, NULL, err) != 0) {
        close(fd);
        return err->code;
    }
    return 0;
}

static int
timer_open(struct simulator *s, struct err *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd < 0) {
        return err_set(err, ERR_IO, "timerfd: %s", err_reason(errno));
    }
    if (simulator_watch(s, SOURCE_TIMER, fd, NULL, NULL, err) != 0) {
        close(fd);
        return err->code;
    }
    s->timer_fd = fd;
    s->timer_us = INSTANT_MAX;
    return 0;
}

static int
tables_make(struct simulator *s, struct err *err)
{
    size_t unit_count = 0;

    for (uint32_t i = 0; i < s->spec->port_count; i++) {
        const struct sim_port *p = &s->spec->ports[i];
        uint32_t copies = p->count > 1 ? p->count : 1;

        unit_count += (size_t)p->unit_count * copies;
        s->port_count += copies;
    }
    if (s->port_count > SIM_PORTS_MAX) {
        return err_set(err, ERR_CONFIG, "%u ports; at most %d are accepted",
                       s->port_count, SIM_PORTS_MAX);
    }
    s->ports = calloc((size_t)s->port_count + 1, sizeof *s->ports);
    s->control_ports = calloc((size_t)s->port_count + 1, sizeof *s->control_ports);
    s->numbers = calloc((size_t)s->spec->port_count + 1, sizeof *s->numbers);
    s->units = calloc(unit_count + 1, sizeof *s->units);
    s->unit_of = calloc(unit_count + 1, sizeof(struct simulator_unit *));
    s->sources = calloc(SOURCES_MAX, sizeof *s->sources);
    s->outgoing = calloc(OUTGOING_MAX, sizeof *s->outgoing);
    if (s->ports == NULL || s->control_ports == NULL || s->numbers == NULL ||
        s->units == NULL || s->unit_of == NULL || s->sources == NULL ||
        s->outgoing == NULL) {
        return err_set(err, ERR_NOMEM, "simulator");
    }
    s->free_source = s->free_outgoing = NONE_INDEX;
    s->timers = timerq_new(OUTGOING_MAX + SOURCES_MAX + s->port_count);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->spare_fd = s->epoll_fd >= 0 ? dup(s->epoll_fd) : -1;
    if (s->spare_fd < 0) {
        return err_set(err, ERR_IO, "epoll: %s", err_reason(errno));
    }
    return 0;
}

static void
simulator_fini(struct simulator *s)
{
    for (uint32_t i = 0; i < s->sources_used; i++) {
        if (s->sources[i].kind != SOURCE_FREE) {
            simulator_unwatch(s, i);
        }
    }
    for (uint32_t i = 0; s->ports != NULL && i < s->port_count; i++) {
        if (s->ports[i].spec != NULL) {
            port_pty_close(&s->ports[i].pty);
            free(s->ports[i].link);
        }
    }
    for (uint32_t i = 0; i < s->unit_count; i++) {
        simulator_unit_free(s->unit_of[i]);
    }
    if (s->control != NULL) {
        unlink(s->control);
    }
    if (s->epoll_fd >= 0) {
        close(s->epoll_fd);
    }
    if (s->spare_fd >= 0) {
        close(s->spare_fd);
    }
    if (s->masked) {
        pthread_sigmask(SIG_SETMASK, &s->old_mask, NULL);
    }
    timerq_free(s->timers);
    free(s->outgoing);
    free(s->sources);
    free(s->unit_of);
    free(s->units);
    free(s->numbers);
    free(s->control_ports);
    free(s->ports);
}

int
simulator_run(const struct sim *sim, FILE *out, struct err *err)
{
    struct simulator s = {.spec = sim, .epoll_fd = -1, .spare_fd = -1};
    int status;

    port_raise_descriptor_limit();
    s.start_us = clock_mono_us();
    if ((status = tables_make(&s, err)) != 0 || (status = ports_make(&s, err)) != 0 ||
        (status = signals_open(&s, err)) != 0 || (status = timer_open(&s, err)) != 0 ||
        (status = simulator_ports_open(&s, out, err)) != 0 ||
        (status = control_open(&s, err)) != 0) {
        goto done;
    }
    units_list(&s);
    fputs("ready\n", out);
    if (fflush(out) != 0) {
        status = err_set(err, ERR_IO, "standard output: %s", err_reason(errno));
        goto done;
    }
    status = simulator_serve(&s, err);
done:
    simulator_fini(&s);
    return status;
}
