/* Values of a simulated register over time.  Pure. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_SIGNAL_H
#define CARETAKER_COLLECTORS_SIMULATOR_SIGNAL_H

#include <stdint.h>

#include "daemon/model/sim.h"

/* The signal without its noise.  One of kind SIGNAL_CSV has its rows in `steps`, and in
 * `period_ms` the time after which they begin again (0: the last stays). */
double signal_value(const struct signal *s, int64_t t_ms);

/* A counter rolls over where its registers do; other types of value stay. */
double signal_roll_over(const struct point *p, double value);

/* A sequence of numbers that its seed fixes: uniform over all 64 bits, or in [0, 1). */
uint64_t signal_random(uint64_t *state);
double signal_random_share(uint64_t *state);

#endif
