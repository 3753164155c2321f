/* When a group of points is due: at a fixed rate that does not drift, and devices
 * spread over the period in steps of 100 ms, so that a bus is asked evenly and the
 * processor sleeps in between.  Pure: no clock. */
#ifndef CARETAKER_COLLECTORS_SCHEDULE_H
#define CARETAKER_COLLECTORS_SCHEDULE_H

#include <stdint.h>

struct schedule {
    int64_t grid_ms; /* Any moment of the grid; the others are whole periods away. */
    int64_t period_ms;
    int64_t due_ms;
};

/* Device `index` of `count` on its bus; `base_ms` is the device's shortest period.  The
 * first poll comes within a second of `start_ms`, whatever the period: nobody wants to
 * wait a minute for the first value.  After it the grid holds. */
void schedule_init(struct schedule *s,
                   int64_t start_ms,
                   uint32_t index,
                   uint32_t count,
                   int64_t base_ms,
                   int64_t period_ms);

/* It was polled: the next moment of the grid after `now_ms`.  Moments that passed
 * meanwhile are left out. */
void schedule_next(struct schedule *s, int64_t now_ms);

#endif
