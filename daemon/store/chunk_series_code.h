/* One value of a series (chunk_series.h), coded where its neighbours are, so that what
 * is learnt and the coder stay in registers. */
#ifndef CARETAKER_STORE_CHUNK_SERIES_CODE_H
#define CARETAKER_STORE_CHUNK_SERIES_CODE_H

#include "daemon/store/chunk_series.h"

#define SERIES_FRACTION   10 /* Bits of the level. */
#define SERIES_NEAR_BITS  3  /* Of them tell the chances apart. */
#define SERIES_ONE        (INT64_C(1) << SERIES_FRACTION)
#define SERIES_COARSE     8  /* From this class on values are split. */
#define SERIES_STEPS_FINE 12 /* Unary steps below it. */

_Static_assert(SERIES_NEAR_BITS == 3, "zero_near has 8 of them");

/* Halves of a power of two, rounded down; the compilers that we know shift signed
 * numbers arithmetically. */
_Static_assert((INT64_C(-1) >> 1) == -1, "divides by powers of two, down");

CODER_INLINE int64_t
series_ahead(const struct chunk_series *s)
{
    return s->level + s->slope;
}

CODER_INLINE void
series_follow(struct chunk_series *s, int64_t predicted, int64_t value)
{
    int64_t error = value * SERIES_ONE - predicted;
    s->level = predicted + ((error * s->a) >> 6);
    s->slope += (error * s->b) >> 6;
}

/* -2..2, from 0. */
CODER_INLINE unsigned
series_distance(int64_t value, int64_t base)
{
    int64_t d = value - base;
    return (unsigned)((d < -2 ? -2 : d > 2 ? 2 : d) + 2);
}

CODER_INLINE unsigned
series_scale_class(int64_t scale)
{
    uint64_t v = (uint64_t)scale >> 4;
    if (v < 3) {
        return 0;
    }
    unsigned log2 = 63u - (unsigned)__builtin_clzll(v);
    return 2 * (log2 - 1) + (unsigned)(v >> (log2 - 1) & 1);
}

CODER_INLINE uint64_t
series_log_code(struct coder *c,
                struct chance *logs,
                unsigned limit,
                uint64_t value,
                const bool decode)
{
    unsigned bits = decode ? 0 : 63u - (unsigned)__builtin_clzll(value + 1);
    unsigned n = 0;
    while (n + 1 < limit && !coder_bit(c, &logs[n], n == bits, decode)) {
        n++;
    }
    uint64_t rest = decode ? 0 : value + 1 - (UINT64_C(1) << n);
    return (UINT64_C(1) << n) + coder_even_long(c, rest, n, decode) - 1;
}

/* A number in unary up to `steps`, then by its logarithm. */
CODER_INLINE uint64_t
series_magnitude_code(struct chunk_series *s,
                      struct coder *c,
                      struct chance *by_step,
                      unsigned steps,
                      uint64_t value,
                      const bool decode)
{
    for (unsigned i = 0; i < steps; i++) {
        if (coder_bit(c, &by_step[i], value == i, decode)) {
            return i;
        }
    }
    return steps + series_log_code(c, s->chances->logs, CHUNK_SERIES_LOG_STEPS,
                                   value - steps, decode);
}

CODER_INLINE int64_t
series_fine_code(struct chunk_series *s,
                 struct coder *c,
                 int64_t predicted,
                 int64_t base,
                 unsigned class,
                 int64_t r,
                 const bool decode)
{
    unsigned near = (unsigned)((predicted + SERIES_ONE / 2) & (SERIES_ONE - 1)) >>
                    (SERIES_FRACTION - SERIES_NEAR_BITS);
    unsigned one = series_distance(s->last, base);
    unsigned two = series_distance(s->before, base);
    unsigned scale = class < 1 ? 0 : class < 3 ? 1 : class < 5 ? 2 : 3;
    unsigned still = s->still == 0 ? 0 : s->still < 4 ? 1 : s->still < 16 ? 2 : 3;
    near = near * 5 + one;
    unsigned past = one * 5 + two;
    if (coder_bit_two(c, &s->chances->zero_near[near * 4 + scale],
                      &s->chances->zero_past[past * 4 + still], r == 0, decode)) {
        return 0;
    }
    bool negative = coder_bit_two(c, &s->chances->sign_near[near],
                                  &s->chances->sign_past[past], r < 0, decode);
    uint64_t m = decode ? 0 : (uint64_t)(r < 0 ? -r : r) - 1;
    m = series_magnitude_code(s, c, s->chances->steps[class], SERIES_STEPS_FINE, m,
                              decode);
    return negative ? -(int64_t)m - 1 : (int64_t)m + 1;
}

CODER_INLINE int64_t
series_coarse_code(struct chunk_series *s,
                   struct coder *c,
                   unsigned class,
                   int64_t r,
                   const bool decode)
{
    unsigned k = (class - 6) / 2;
    uint64_t m = decode ? 0 : (uint64_t)(r < 0 ? -r : r);
    uint64_t high = series_magnitude_code(s, c, s->chances->steps[class],
                                          CHUNK_SERIES_STEPS, m >> k, decode);
    uint64_t low = m & ((UINT64_C(1) << k) - 1);
    if (k <= CODER_EVEN) {
        low = coder_even(c, (uint32_t)low, k, decode);
    } else {
        low = coder_even_long(c, low, k, decode);
    }
    if (decode && high > (uint64_t)CHUNK_SERIES_DIFFERENCE_MAX >> k) {
        return 2 *
               CHUNK_SERIES_DIFFERENCE_MAX; /* Out of range, whatever it is added to. */
    }
    m = high << k | low;
    bool negative = m != 0 && coder_even(c, r < 0, 1, decode);
    return negative ? -(int64_t)m : (int64_t)m;
}

/* One value; decoding, false when it is out of range. */
CODER_INLINE bool
chunk_series_code(struct chunk_series *s,
                  struct coder *c,
                  int64_t *value,
                  const bool decode)
{
    int64_t predicted = series_ahead(s);
    int64_t base = (predicted + SERIES_ONE / 2) >> SERIES_FRACTION;
    unsigned class = series_scale_class(s->scale);
    int64_t r = decode ? 0 : *value - base;
    if (class < SERIES_COARSE) {
        r = series_fine_code(s, c, predicted, base, class, r, decode);
    } else {
        r = series_coarse_code(s, c, class, r, decode);
    }
    if (decode) {
        if (r > CHUNK_SERIES_DIFFERENCE_MAX || r < -CHUNK_SERIES_DIFFERENCE_MAX) {
            return false;
        }
        *value = base + r;
        if (*value > CHUNK_SERIES_VALUE_MAX || *value < -CHUNK_SERIES_VALUE_MAX) {
            return false;
        }
    }
    int64_t m = r < 0 ? -r : r;
    s->scale += (m * 256 - s->scale) >> 4;
    s->still = *value == s->last ? s->still + 1 : 0;
    s->before = s->last;
    s->last = *value;
    series_follow(s, predicted, *value);
    return true;
}

#endif
