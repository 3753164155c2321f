/* Polls the devices of one bus and makes a frame of each poll.  Blocking; used by one
 * thread.  bus_worker.c is the thread. */
#ifndef CARETAKER_COLLECTORS_POLLER_H
#define CARETAKER_COLLECTORS_POLLER_H

#include "collectors/bus_stats.h"
#include "daemon/base/ring.h"

struct poller;

/* Everything is borrowed until poller_free().  `devices` is indexed like site->devices.
 * The first polls are due from `now_ms` (monotonic) on. */
struct poller_args {
    const struct site *site;
    uint32_t bus;
    struct engine_clock *clock;
    struct ring *frames;
    struct device_stats *devices;
    struct bus_stats *stats;
    const atomic_bool *stop;
};
int poller_new(struct poller **out,
               const struct poller_args *args,
               int64_t now_ms,
               struct err *err);
void poller_free(struct poller *p); /* NULL is accepted. */

/* True for a device that this bus polls: it has points with registers there. */
bool device_is_polled(const struct site *site, uint32_t device, uint32_t bus);

/* When the next device is due, monotonic. */
int64_t poller_due(const struct poller *p);
/* Polls the device that has waited longest and pushes its frame, if one is due. */
void poller_step(struct poller *p, int64_t now_ms);

/* A read outside the plan. */
int poller_read(struct poller *p,
                const struct read_request *q,
                struct read_answer *out,
                struct err *err);

#endif
