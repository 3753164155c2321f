#include "collectors/simulator.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "collectors/simulator_serve.h"
#include "daemon/base/clock.h"

static int
units_make(struct simulator *s, struct err *err)
{
    for (uint32_t p = 0; p < s->spec->port_count; p++) {
        const struct sim_port *spec = &s->spec->ports[p];

        for (uint32_t i = 0; i < spec->unit_count; i++) {
            struct simulator_unit **u = &s->units[s->unit_count];
            uint8_t number = spec->units[i].unit;

            if (s->ports[p].by_number[number] != NULL) {
                return err_set(err, ERR_CONFIG, "two units %u on one port", number);
            }
            if (simulator_unit_new(u, &spec->units[i], err) != 0) {
                return err->code;
            }
            s->ports[p].by_number[number] = *u;
            s->unit_count++;
        }
    }
    return 0;
}

static int
ports_open(struct simulator *s, FILE *out, struct err *err)
{
    for (uint32_t i = 0; i < s->spec->port_count; i++) {
        struct port *p = &s->ports[i];
        int fd;

        if (p->spec->kind == BUS_RTU) {
            if (port_pty_open(&p->pty, p->spec->link, err) != 0 ||
                simulator_watch(s, SOURCE_LINE, p->pty.fd, p, err) != 0) {
                return err->code;
            }
            memcpy(p->name, p->pty.name, sizeof p->name);
            fprintf(out, "pty %s -> %s\n", p->spec->link, p->name);
            continue;
        }
        if (port_listen(&fd, p->name, p->spec, err) != 0) {
            return err->code;
        }
        if (simulator_watch(s, SOURCE_LISTENER, fd, p, err) != 0) {
            close(fd);
            return err->code;
        }
        fprintf(out, "%s %s\n", p->spec->kind == BUS_TCP ? "tcp" : "rtu_over_tcp",
                p->name);
    }
    return 0;
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
    if (simulator_watch(s, SOURCE_CONTROL_LISTENER, fd, NULL, err) != 0) {
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
        return err_set(err, ERR_IO, "signalfd: %s", strerror(errno));
    }
    if (simulator_watch(s, SOURCE_SIGNAL, fd, NULL, err) != 0) {
        close(fd);
        return err->code;
    }
    return 0;
}

static int
tables_make(struct simulator *s, struct err *err)
{
    size_t unit_count = 0;

    for (uint32_t i = 0; i < s->spec->port_count; i++) {
        unit_count += s->spec->ports[i].unit_count;
    }
    s->ports = calloc((size_t)s->spec->port_count + 1, sizeof *s->ports);
    s->units = calloc(unit_count + 1, sizeof(struct simulator_unit *));
    s->sources = calloc(SOURCES_MAX, sizeof *s->sources);
    s->laters = calloc(LATER_MAX, sizeof *s->laters);
    if (s->ports == NULL || s->units == NULL || s->sources == NULL ||
        s->laters == NULL) {
        return err_set(err, ERR_NOMEM, "simulator");
    }
    for (uint32_t i = 0; i < s->spec->port_count; i++) {
        struct port *p = &s->ports[i];

        p->spec = &s->spec->ports[i];
        p->framing = p->spec->kind == BUS_TCP ? SLAVE_TCP : SLAVE_RTU;
        p->pty.fd = p->pty.slave_fd = -1;
    }
    for (uint32_t i = 0; i < LATER_MAX; i++) {
        s->laters[i].next_free = i + 1;
    }
    s->timers = timerq_new(LATER_MAX + SOURCES_MAX);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->spare_fd = s->epoll_fd >= 0 ? dup(s->epoll_fd) : -1;
    if (s->spare_fd < 0) {
        return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
    }
    return 0;
}

static void
simulator_fini(struct simulator *s)
{
    for (uint32_t i = 0; s->sources != NULL && i < SOURCES_MAX; i++) {
        if (s->sources[i].kind != SOURCE_FREE) {
            simulator_unwatch(s, i);
        }
    }
    for (uint32_t i = 0; s->ports != NULL && i < s->spec->port_count; i++) {
        if (s->ports[i].spec != NULL) {
            port_pty_close(&s->ports[i].pty);
        }
    }
    for (uint32_t i = 0; i < s->unit_count; i++) {
        simulator_unit_free(s->units[i]);
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
    free(s->laters);
    free(s->sources);
    free(s->units);
    free(s->ports);
}

int
simulator_run(const struct sim *sim, FILE *out, struct err *err)
{
    struct simulator s = {.spec = sim, .epoll_fd = -1, .spare_fd = -1};
    int status;

    port_raise_descriptor_limit();
    s.start_us = clock_mono_us();
    if ((status = tables_make(&s, err)) != 0 || (status = units_make(&s, err)) != 0 ||
        (status = signals_open(&s, err)) != 0 ||
        (status = ports_open(&s, out, err)) != 0 ||
        (status = control_open(&s, err)) != 0) {
        goto done;
    }
    fputs("ready\n", out);
    if (fflush(out) != 0) {
        status = err_set(err, ERR_IO, "standard output: %s", strerror(errno));
        goto done;
    }
    status = simulator_serve(&s, err);
done:
    simulator_fini(&s);
    return status;
}
