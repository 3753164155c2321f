/* What is known of the good samples of one point in one interval, and of a part of it.
 * Pure.
 *
 * Values of a register with a decimal scale are sums of whole numbers of its last
 * place: the sum is rounded to that place, so that it is the very number that the sum
 * of the integers gives (below 2^50 of them), and is stored as an integer.  Sums of
 * single-precision values that are no such decimals are rounded to single precision,
 * 6e-8 of it.  Values that are not finite are no part of anything. */
#ifndef CARETAKER_STORE_ROLLUP_PART_H
#define CARETAKER_STORE_ROLLUP_PART_H

#include <stdbool.h>
#include <stdint.h>

#define ROLLUP_DECIMALS_MAX  6
#define ROLLUP_DECIMALS_NONE (ROLLUP_DECIMALS_MAX + 1)

/* A zeroed one has nothing. */
struct rollup_part {
    double min, max, sum, last;
    int64_t last_ms; /* When `last` was taken. */
    uint64_t count;
    uint8_t decimals; /* That all values have at most; ROLLUP_DECIMALS_NONE: more. */
    bool not_single;  /* Some value is no single-precision number. */
};

/* A sample.  Of samples of one time the one that is added later is the last. */
void rollup_part_add(struct rollup_part *p, int64_t t_ms, double value);
/* Another part, which was recorded later. */
void rollup_part_join(struct rollup_part *p, const struct rollup_part *other);
/* The same of a part that was stored: its `decimals` and `not_single` are not known. */
void rollup_part_join_stored(struct rollup_part *p, const struct rollup_part *other);
/* The sum, rounded as is said above. */
double rollup_part_sum(const struct rollup_part *p);

#endif
