/* When a group of points is due: at a fixed rate that does not drift, and devices
 * spread over the period, so that a bus is asked evenly.  Pure: no clock.
 *
 * Due times are those of the bus's own plan.  A bus that cannot hold its plan puts the
 * whole of it off (struct poller keeps by how much): every device is then late by the
 * same share, and none is left out. */
#ifndef CARETAKER_COLLECTORS_SCHEDULE_H
#define CARETAKER_COLLECTORS_SCHEDULE_H

#include <stdint.h>

struct schedule {
    int64_t grid_us; /* Any moment of the grid; the others are whole periods away. */
    int64_t period_us;
    int64_t due_us;
};

/* A device's place among those that are polled: `share` in [0, 1) of a period after the
 * start, slow groups on the `turn`-th of the device's fast polls. */
struct schedule_place {
    double share;
    uint32_t turn;
    int64_t beat_us; /* Moments are rounded down to it; 1: not. */
};

/* `base_us` is the device's shortest period.  The first poll comes within a second of
 * `start_us`, whatever the period: nobody wants to wait a minute for the first value.
 * After it the grid holds. */
void schedule_init(struct schedule *s,
                   int64_t start_us,
                   struct schedule_place place,
                   int64_t base_us,
                   int64_t period_us);

/* It was polled: the next moment of the grid after the one that it was due at. */
void schedule_next(struct schedule *s);

/* Places for any number of buses, evenly spread however many there are: multiples of
 * the golden section, modulo 1. */
double schedule_spread(uint32_t index);

#endif
