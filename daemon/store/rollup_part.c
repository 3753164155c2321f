#include "daemon/store/rollup_part.h"

#include <math.h>

/* 2^50: a sum below is exact to its last place. */
#define WHOLE_MAX 1125899906842624.0

static const double powers_of_ten[ROLLUP_DECIMALS_MAX + 1] = {1e0, 1e1, 1e2, 1e3,
                                                              1e4, 1e5, 1e6};

static inline bool
has_decimals(double value, unsigned decimals)
{
    double whole = value * powers_of_ten[decimals];
    if (!(fabs(whole) < WHOLE_MAX)) {
        return false;
    }
    whole = (double)(int64_t)(whole + (whole < 0 ? -0.5 : 0.5));
    return whole / powers_of_ten[decimals] == value;
}

static inline void
count_decimals(struct rollup_part *p, double value)
{
    while (p->decimals <= ROLLUP_DECIMALS_MAX && !has_decimals(value, p->decimals)) {
        p->decimals++;
    }
    if ((double)(float)value != value) {
        p->not_single = true;
    }
}

void
rollup_part_add(struct rollup_part *p, int64_t t_ms, double value)
{
    if (!isfinite(value)) {
        return;
    }
    count_decimals(p, value);
    if (p->count == 0 || value < p->min) {
        p->min = value;
    }
    if (p->count == 0 || value > p->max) {
        p->max = value;
    }
    if (p->count == 0 || t_ms >= p->last_ms) {
        p->last = value;
        p->last_ms = t_ms;
    }
    p->sum += value;
    p->count++;
}

void
rollup_part_join(struct rollup_part *p, const struct rollup_part *other)
{
    if (other->count == 0) {
        return;
    }
    if (p->count == 0) {
        *p = *other;
        return;
    }
    p->min = other->min < p->min ? other->min : p->min;
    p->max = other->max > p->max ? other->max : p->max;
    if (other->last_ms >= p->last_ms) {
        p->last = other->last;
        p->last_ms = other->last_ms;
    }
    p->sum += other->sum;
    p->count += other->count;
    p->decimals = other->decimals > p->decimals ? other->decimals : p->decimals;
    p->not_single = p->not_single || other->not_single;
}

void
rollup_part_join_stored(struct rollup_part *p, const struct rollup_part *other)
{
    struct rollup_part known = *other;
    /* A sum of numbers with so many decimals has no more. */
    count_decimals(p, other->sum);
    known.decimals = p->decimals;
    known.not_single = true;
    rollup_part_join(p, &known);
}

double
rollup_part_sum(const struct rollup_part *p)
{
    if (p->decimals <= ROLLUP_DECIMALS_MAX) {
        double whole = p->sum * powers_of_ten[p->decimals];
        if (fabs(whole) < WHOLE_MAX) {
            return rint(whole) / powers_of_ten[p->decimals];
        }
    }
    /* A single that is too large to be one stays as it is. */
    float single = (float)p->sum;
    return !p->not_single && isfinite(single) ? (double)single : p->sum;
}
