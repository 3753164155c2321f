/* Counters (`kind: counter`) that wrap or begin anew.  Pure.
 *
 *   65530 -> 4      of a u16: it went past 65535, and counted 10
 *   51234 -> 17     it fell for another reason: a restart, or another device */
#ifndef CARETAKER_MODEL_COUNTER_H
#define CARETAKER_MODEL_COUNTER_H

#include "daemon/model/sample.h"
#include "daemon/model/site.h"

/* A wrap is believed when it explains the fall with a step below this part of the whole
 * range: a reset looks like one only when it came within the last eighth of the range
 * and the new value is small too. */
#define COUNTER_WRAP_PART 8

/* How many raw values the point's type has; 0: not a whole number of them. */
double counter_raw_values(const struct point *p);
/* What the counter advances by until it is where it was: 2^bits or 10^digits, scaled,
 * in the point's unit.  0: it has no such end, or none that is known (floats, samples
 * of a log, decimals that another point tells). */
double counter_modulus(const struct point *p);

struct counter_step {
    double increase; /* In the point's unit.  Never against the sign of the scale. */
    enum counter_detail kind;
};

/* From one good value to the next.  After a reset nobody knows what was counted in
 * between: the increase is 0, and counting goes on from the new value.  Both are
 * finite. */
struct counter_step counter_step(const struct point *p, double before, double after);

#endif
