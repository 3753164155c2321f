/* The thread of one bus: polls what is due, serves reads between the polls, sleeps. */
#ifndef CARETAKER_COLLECTORS_BUS_WORKER_H
#define CARETAKER_COLLECTORS_BUS_WORKER_H

#include "collectors/bus_stats.h"
#include "daemon/base/ring.h"

struct bus_worker;

/* Everything is borrowed until bus_worker_stop().  `devices` is indexed like
 * site->devices; the worker writes those of its bus. */
int bus_worker_start(struct bus_worker **out,
                     const struct site *site,
                     uint32_t bus,
                     struct engine_clock *clock,
                     struct ring *frames,
                     struct device_stats *devices,
                     struct err *err);

/* Tells it to stop; returns at once, so that all buses can be told first. */
void bus_worker_ask_stop(struct bus_worker *w); /* NULL is accepted. */
/* Waits for it and frees it. */
void bus_worker_stop(struct bus_worker *w); /* NULL is accepted. */

/* Any thread: one read between the polls; waits at most 10 s. */
int bus_worker_read(struct bus_worker *w,
                    const struct read_request *q,
                    struct read_answer *out,
                    struct err *err);

struct bus_counts bus_worker_counts(const struct bus_worker *w);

#endif
