/* Sensors -> frames: one worker per bus. */
#include "collectors/collectors.h"

#include <assert.h>
#include <stdlib.h>

#include "collectors/bus_read.h"
#include "collectors/bus_worker.h"
#include "collectors/poller.h"

struct collectors {
    const struct site *site;
    struct device_stats *devices; /* Like site->devices. */
    struct bus_worker **workers;  /* Like site->buses; NULL: nothing to poll there. */
};

static bool
bus_is_polled(const struct site *site, uint32_t bus)
{
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (device_is_polled(site, i, bus)) {
            return true;
        }
    }
    return false;
}

int
collectors_start(struct collectors **out,
                 const struct site *site,
                 struct engine_clock *clock,
                 struct ring *frames,
                 struct err *err)
{
    struct collectors *c = calloc(1, sizeof *c);
    struct err why = {0};

    if (c == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the collectors");
    }
    c->site = site;
    c->devices = calloc((size_t)site->device_count + 1, sizeof *c->devices);
    c->workers = calloc((size_t)site->bus_count + 1, sizeof(struct bus_worker *));
    if (c->devices == NULL || c->workers == NULL) {
        err_set(&why, ERR_NOMEM, "no memory for the collectors");
        goto fail;
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        device_stats_init(&c->devices[i]);
    }
    for (uint32_t i = 0; i < site->bus_count; i++) {
        if (bus_is_polled(site, i) && bus_worker_start(&c->workers[i], site, i, clock,
                                                       frames, c->devices, &why) != 0) {
            err_wrap(&why, "bus %s", site->buses[i].id);
            goto fail;
        }
    }
    *out = c;
    return 0;
fail:
    collectors_stop(c);
    return err_set(err, why.code, "%s", why.text);
}

void
collectors_stop(struct collectors *c)
{
    if (c == NULL) {
        return;
    }
    for (uint32_t i = 0; c->workers != NULL && i < c->site->bus_count; i++) {
        bus_worker_ask_stop(c->workers[i]);
    }
    for (uint32_t i = 0; c->workers != NULL && i < c->site->bus_count; i++) {
        bus_worker_stop(c->workers[i]);
    }
    free(c->workers);
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
    if (c->workers[bus] == NULL) {
        return (struct bus_counts){0};
    }
    return bus_worker_counts(c->workers[bus]);
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
    if (c->workers[bus] == NULL) {
        return bus_read_once(&c->site->buses[bus], q, out, err);
    }
    return bus_worker_read(c->workers[bus], q, out, err);
}
