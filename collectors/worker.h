/* The thread of some buses: polls what is due, and serves reads between the polls. */
#ifndef CARETAKER_COLLECTORS_WORKER_H
#define CARETAKER_COLLECTORS_WORKER_H

#include "collectors/channel.h"

struct worker;

/* Everything is borrowed until worker_stop().  Arrays are indexed like the site's; the
 * worker writes the counts of its own buses and devices only. */
struct worker_args {
    const struct site *site;
    const struct decoders *decoders; /* Of the site. */
    struct engine_clock *clock;
    struct ring *frames;
    struct device_stats *devices;
    struct bus_stats *stats; /* Ready for use. */
    struct wire_tap **taps;
    const uint32_t *buses; /* Those that this worker polls. */
    uint32_t count;
    const char *name; /* Of the thread; cut after 15 bytes. */
};

int worker_start(struct worker **out, const struct worker_args *args, struct err *err);

/* Tells it to stop; returns at once, so that all can be told first. */
void worker_ask_stop(struct worker *w); /* NULL is accepted. */
/* Waits for it and frees it. */
void worker_stop(struct worker *w); /* NULL is accepted. */

/* Any thread: one read by the worker's bus `slot` (of args.buses), between the polls;
 * waits at most 10 s. */
int worker_read(struct worker *w,
                uint32_t slot,
                const struct read_request *q,
                struct read_answer *out,
                struct err *err);

#endif
