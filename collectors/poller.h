/* What to ask next on one bus, and what the answers mean: the reading plan, the
 * schedule, quarantine, splitting of refused blocks, retries and counting, for serial
 * lines and TCP endpoints alike.
 *
 * Pure but for the ring that takes its frames: no I/O and no clock.  Its user (a
 * channel) puts one question at a time to the wire:
 *
 *     poller_line(p, LINE_UP, now)
 *     while poller_next(p, now, &ask, &wake_us):     a question
 *         ... the wire ...
 *         poller_answer(p, now, &result, &answer)
 *     sleep until wake_us, or until the line changes
 */
#ifndef CARETAKER_COLLECTORS_POLLER_H
#define CARETAKER_COLLECTORS_POLLER_H

#include "collectors/bus_stats.h"
#include "collectors/wire.h"
#include "daemon/base/ring.h"

struct poller;
struct decoders;

/* Everything is borrowed until poller_free().  `devices` is indexed like
 * site->devices. */
struct poller_args {
    const struct site *site;
    const struct decoders *decoders; /* Of the site. */
    uint32_t bus;
    struct ring *frames;
    struct device_stats *devices;
    struct bus_stats *stats;
};

struct poller_now {
    int64_t mono_us;   /* For every interval. */
    int64_t engine_ms; /* What frames are dated with. */
};

/* The first polls are due from `now` on. */
int poller_new(struct poller **out,
               const struct poller_args *args,
               struct poller_now now,
               struct err *err);
void poller_free(struct poller *p); /* NULL is accepted. */

/* True for a device that this bus polls: it has points with registers there. */
bool device_is_polled(const struct site *site, uint32_t device, uint32_t bus);

enum line_state {
    LINE_OPENING, /* Not known yet: nothing is asked and nothing is judged. */
    LINE_UP,
    LINE_DOWN /* Devices that are due get frames that say `refused`. */
};
/* The state at the start is LINE_OPENING. */
void poller_line(struct poller *p, enum line_state state, struct poller_now now);

struct poller_ask {
    struct read_request q;
    uint32_t device;    /* Index into site->devices. */
    int64_t gap_us;     /* Pause since the last exchange, beside the line's silence. */
    int64_t timeout_us; /* For the device's thinking; bytes on the wire come on top. */
    int64_t listen_us;  /* RTU, after a timeout: how long its late answer is waited for
                           before anybody else is asked. */
};

/* True: `*ask` is to be asked now, and poller_answer() called with what became of it.
 * False: nothing to ask before `*wake_us` (monotonic; INT64_MAX: not by itself). Frames
 * that need no question (line down, quarantine) are pushed here. */
bool poller_next(struct poller *p,
                 struct poller_now now,
                 struct poller_ask *ask,
                 int64_t *wake_us);

/* `answer` is read with WIRE_OK only; `now` is after any listening. */
void poller_answer(struct poller *p,
                   struct poller_now now,
                   const struct wire_result *res,
                   const struct read_answer *answer);

#endif
