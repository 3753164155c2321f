/* Sensors -> frames: a worker per serial line, and one for all endpoints. */
#include "collectors/collectors.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "collectors/decoders.h"
#include "collectors/poller.h"
#include "collectors/worker.h"
#include "daemon/base/log.h"

/* Descriptors that the rest of the program needs, rounded up. */
#define FILES_BESIDE 256

/* Where a bus is polled. */
struct place {
    struct worker *worker; /* NULL: nothing to poll there. */
    uint32_t slot;
};

struct collectors {
    const struct site *site;
    struct engine_clock *clock;
    struct decoders decoders;
    struct device_stats *devices; /* Like site->devices. */
    struct bus_stats *stats;      /* Like site->buses, and so are these: */
    struct wire_tap **taps;       /* NULL where nothing is polled. */
    struct place *places;
    struct worker **workers;
    uint32_t worker_count;
};

static int64_t
shortest_poll(const struct site *site, uint32_t device)
{
    const struct device *d = &site->devices[device];
    int64_t shortest_ms = INT64_MAX;

    for (uint32_t k = 0; k < d->point_count; k++) {
        const struct point *p = &site->points[d->first_point + k];
        if (p->table != REG_NONE && p->poll_ms < shortest_ms) {
            shortest_ms = p->poll_ms;
        }
    }
    return shortest_ms;
}

/* Counts and a tap for every bus that is polled, in one pass over the devices. */
static int
init_buses(struct collectors *c, bool *polled, struct err *err)
{
    int64_t now_ms = clock_mono_ms();
    const struct site *site = c->site;

    for (uint32_t i = 0; i < site->device_count; i++) {
        uint32_t bus = site->devices[i].bus;
        device_stats_init(&c->devices[i]);
        if (bus >= site->bus_count || !device_is_polled(site, i, bus)) {
            continue;
        }
        int64_t poll_ms = shortest_poll(site, i);
        if (!polled[bus] || poll_ms < c->stats[bus].online_for_ms) {
            c->stats[bus].online_for_ms = poll_ms; /* For the pass below. */
        }
        polled[bus] = true;
    }
    for (uint32_t i = 0; i < site->bus_count; i++) {
        bus_stats_init(&c->stats[i], now_ms, c->stats[i].online_for_ms);
        if (polled[i] && (c->taps[i] = wire_tap_new()) == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for a bus");
        }
    }
    return 0;
}

static int
start_worker(struct collectors *c,
             const uint32_t *buses,
             uint32_t count,
             const char *name,
             struct ring *frames,
             struct err *err)
{
    struct worker_args args = {.site = c->site,
                               .decoders = &c->decoders,
                               .clock = c->clock,
                               .frames = frames,
                               .devices = c->devices,
                               .stats = c->stats,
                               .taps = c->taps,
                               .buses = buses,
                               .count = count,
                               .name = name};
    struct worker *w;
    int rc = worker_start(&w, &args, err);

    if (rc != 0) {
        return rc;
    }
    c->workers[c->worker_count++] = w;
    for (uint32_t i = 0; i < count; i++) {
        c->places[buses[i]] = (struct place){.worker = w, .slot = i};
    }
    return 0;
}

/* Serial lines want to be asked to the tenth of a millisecond: each has a thread. */
static int
start_workers(struct collectors *c,
              const bool *polled,
              uint32_t *endpoints,
              struct ring *frames,
              struct err *err)
{
    uint32_t count = 0;
    char name[32];
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < c->site->bus_count; i++) {
        if (polled[i] && c->site->buses[i].kind == BUS_RTU) {
            (void)snprintf(name, sizeof name, "bus:%.11s", c->site->buses[i].id);
            rc = start_worker(c, &i, 1, name, frames, err);
        } else if (polled[i]) {
            endpoints[count++] = i;
        }
    }
    if (rc == 0 && count > 0) {
        rc = start_worker(c, endpoints, count, "bus:tcp", frames, err);
    }
    return rc;
}

/* Every endpoint is a descriptor. */
static void
raise_file_limit(uint32_t buses)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        log_warning("open files: %s", err_reason(errno));
        return;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    if (limit.rlim_cur < (rlim_t)buses + FILES_BESIDE) {
        log_warning("%u buses may need more open files than the limit of %llu allows; "
                    "raise LimitNOFILE",
                    buses, (unsigned long long)limit.rlim_cur);
    }
}

int
collectors_start(struct collectors **out,
                 const struct site *site,
                 struct engine_clock *clock,
                 struct ring *frames,
                 struct err *err)
{
    struct collectors *c = calloc(1, sizeof *c);
    size_t buses = (size_t)site->bus_count + 1; /* Nothing of size 0. */
    bool *polled = calloc(buses, sizeof *polled);
    uint32_t *endpoints = calloc(buses, sizeof *endpoints);
    int rc = 0;

    if (c != NULL) {
        c->site = site;
        c->clock = clock;
        c->devices = calloc((size_t)site->device_count + 1, sizeof *c->devices);
        c->stats = calloc(buses, sizeof *c->stats);
        c->taps = calloc(buses, sizeof(struct wire_tap *));
        c->places = calloc(buses, sizeof *c->places);
        c->workers = calloc(buses, sizeof(struct worker *));
    }
    if (c == NULL || polled == NULL || endpoints == NULL || c->devices == NULL ||
        c->stats == NULL || c->taps == NULL || c->places == NULL ||
        c->workers == NULL) {
        rc = err_set(err, ERR_NOMEM, "no memory for the collectors");
    } else {
        raise_file_limit(site->bus_count);
        rc = decoders_init(&c->decoders, site, err);
        rc = rc == 0 ? init_buses(c, polled, err) : rc;
    }
    if (rc == 0) {
        rc = start_workers(c, polled, endpoints, frames, err);
    }
    free(polled);
    free(endpoints);
    if (rc != 0) {
        collectors_stop(c);
        return rc;
    }
    *out = c;
    return 0;
}

void
collectors_ask_stop(struct collectors *c)
{
    for (uint32_t i = 0; c != NULL && i < c->worker_count; i++) {
        worker_ask_stop(c->workers[i]);
    }
}

void
collectors_stop(struct collectors *c)
{
    if (c == NULL) {
        return;
    }
    collectors_ask_stop(c);
    for (uint32_t i = 0; i < c->worker_count; i++) {
        worker_stop(c->workers[i]);
    }
    for (uint32_t i = 0; c->taps != NULL && i < c->site->bus_count; i++) {
        wire_tap_free(c->taps[i]);
    }
    decoders_fini(&c->decoders);
    free(c->workers);
    free(c->places);
    free(c->taps);
    free(c->stats);
    free(c->devices);
    free(c);
}

struct device_counts
collectors_device(const struct collectors *c, uint32_t device)
{
    assert(device < c->site->device_count);
    return device_stats_read(&c->devices[device]);
}

struct bus_counts
collectors_bus(const struct collectors *c, uint32_t bus)
{
    assert(bus < c->site->bus_count);
    if (c->places[bus].worker == NULL) {
        return (struct bus_counts){0};
    }
    return bus_stats_read(&c->stats[bus], clock_mono_ms());
}

int
collectors_read(struct collectors *c,
                uint32_t bus,
                const struct read_request *q,
                struct read_answer *out,
                struct err *err)
{
    assert(bus < c->site->bus_count);
    if (!read_request_valid(q, err)) {
        return ERR_USAGE;
    }
    if (c->places[bus].worker == NULL) {
        return bus_read_once(&c->site->buses[bus], q, out, err);
    }
    return worker_read(c->places[bus].worker, c->places[bus].slot, q, out, err);
}

size_t
collectors_wire(struct collectors *c,
                uint32_t bus,
                uint64_t *cursor,
                struct wire_record *out,
                size_t max)
{
    assert(bus < c->site->bus_count);
    if (c->taps[bus] == NULL) {
        return 0;
    }
    return wire_tap_fetch(c->taps[bus], clock_mono_us(), cursor, out, max);
}
