/* How far a figure can be believed: bounds for rates of rare events.  Pure.
 *
 * Events are counted in whole numbers, so the chi-square distributions needed have an
 * even number of degrees of freedom, and their tails are plain sums of Poisson terms
 * (NIST/SEMATECH e-Handbook, 8.4.5.1 and 1.3.6.6.6; Abramowitz & Stegun 26.4.21): no
 * library of special functions is needed. */
#ifndef CARETAKER_TICKET_FIGURES_BOUNDS_H
#define CARETAKER_TICKET_FIGURES_BOUNDS_H

#include <stdint.h>

#define FIGURES_CONFIDENCE 0.90 /* Of every bound and interval that is reported. */
#define FIGURES_FEW        5 /* With fewer events no rate is shown without its bound. */

/* What a chi-square variable of 2 * `half` degrees of freedom stays below with
 * probability `p` (0 < p < 1); `half` >= 1. */
double figures_chi_square(double p, uint64_t half);

/* MTBF that the equipment has at least, after `n` failures in `up` hours: the
 * observation was ended by time, so 2 n + 2 degrees of freedom. */
double figures_mtbf_lower(double up, uint64_t n);
/* Mean time to repair that it has at most, `n` >= 1 repairs having taken `sum`. */
double figures_mttr_upper(double sum, uint64_t n);

struct figures_interval {
    double low, high; /* `high` may be infinite. */
};

/* Rate of the first divided by rate of the second, of `a` events in `a_time` and `b` in
 * `b_time`: two-sided, exact (given a + b, `a` is binomial; Clopper-Pearson). NaN when
 * there were no events at all. */
struct figures_interval
figures_rate_ratio(uint64_t a, double a_time, uint64_t b, double b_time);

/* Of two sums or means of positive amounts; each is given with the square of its
 * relative standard error.  Two-sided, normal on the logarithm. */
struct figures_interval
figures_log_ratio(double ratio, double a_error2, double b_error2);

#endif
