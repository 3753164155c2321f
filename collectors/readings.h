/* The readings of one poll of one device: filled request by request, then a frame, in
 * order of their points. */
#ifndef CARETAKER_COLLECTORS_READINGS_H
#define CARETAKER_COLLECTORS_READINGS_H

#include "collectors/collectors.h"
#include "collectors/decoders.h"
#include "collectors/plan.h"
#include "daemon/model/sample.h"

/* The last raw value of a point that says how many decimals others have.  Kept from
 * poll to poll, since it may be read less often than they are. */
struct known_raw {
    bool known;
    int raw;
};

/* The last good value of a counter, to tell when it wraps or begins anew. */
struct counter_memory {
    double value;
    bool known;
    uint8_t resets, wraps; /* That were told to the log. */
};
/* Points of the device that need one: counters in registers. */
uint32_t readings_counters(const struct decoders *decoders,
                           const struct device *device);

struct readings;

/* Room for any device of `points` points, `waiting` of which take their decimals from
 * another.  `site` and its `decoders` are borrowed.  NULL: no memory. */
struct readings *readings_new(const struct site *site,
                              const struct decoders *decoders,
                              uint32_t points,
                              uint32_t waiting);
void readings_free(struct readings *r); /* NULL is accepted. */

/* Begins anew; `raws` is by point from the device's first, or NULL when no point of the
 * device takes its decimals from another; `counters` are readings_counters(), or NULL
 * for none. */
void readings_begin(struct readings *r,
                    const struct device *device,
                    struct known_raw *raws,
                    struct counter_memory *counters);
/* All points of a request have the same fault. */
void readings_mark(struct readings *r,
                   const struct plan_group *g,
                   const struct plan_request *q,
                   enum quality why,
                   uint8_t detail);
/* One point that no request brings. */
void readings_set(
    struct readings *r, uint32_t point, double value, enum quality why, uint8_t detail);
void readings_decode(struct readings *r,
                     const struct plan_group *g,
                     const struct plan_request *q,
                     const struct read_answer *answer);
/* Every request was made: decodes what waited for its decimals, says of counters
 * whether they wrapped or began anew, and drops the points that were neither marked
 * nor decoded, in the frame's own place: nothing may be added until readings_begin().
 * The frame, whose time, device and flags are the caller's to set, is borrowed until
 * then. */
struct frame *readings_finish(struct readings *r);

#endif
