#include "daemon/store/chunk_series.h"

#include <assert.h>

#include "daemon/base/err.h"

#define FRACTION        10 /* Bits of the level. */
#define NEAR_BITS       3  /* Of them tell the chances apart. */
#define ONE             (INT64_C(1) << FRACTION)
#define CLASS_COARSE    8  /* From this class on values are split. */
#define STEPS_FINE      12 /* Unary steps below it. */
#define SCALE_FIRST     64
#define NUMBER_TREE     7  /* Bits of a number's length. */
#define CHOOSE_MIN      24 /* Fewer values show nothing; the same predictor for all. */
#define PREDICTOR_SHORT 2
#define SAMPLED         1024 /* Values that a predictor is tried on, */
#define SAMPLED_AT      4    /* at so many places. */

_Static_assert(2 * (44 + 8 - 4 - 1) + 1 < CHUNK_SERIES_CLASSES,
               "scale_class() is inside");
_Static_assert(NEAR_BITS == 3, "zero_near has 8 of them");

/* Chosen among many more by what they gain on series of all kinds (bench_chunk). */
const struct chunk_series_predictor chunk_series_predictors[CHUNK_SERIES_PREDICTORS] = {
    {64, 0}, {64, 64}, {48, 0}, {32, 0}, {16, 0},
    {8, 0},  {16, 2},  {32, 4}, {8, 1},  {48, 16},
};

/* Halves of a power of two, rounded down; the compilers that we know shift signed
 * numbers arithmetically. */
_Static_assert((INT64_C(-1) >> 1) == -1, "divides by powers of two, down");

CODER_INLINE int64_t
ahead(const struct chunk_series *s)
{
    return s->level + s->slope;
}

CODER_INLINE void
follow(struct chunk_series *s, int64_t predicted, int64_t value)
{
    int64_t error = value * ONE - predicted;
    s->level = predicted + ((error * s->a) >> 6);
    s->slope += (error * s->b) >> 6;
}

/* Of `count` values, the mean distance from what is predicted. */
static double
mean_error(const int64_t *values, size_t count, unsigned predictor)
{
    struct chunk_series s = {.level = values[0] * ONE,
                             .a = chunk_series_predictors[predictor].a,
                             .b = chunk_series_predictors[predictor].b};
    int64_t sum = 0;
    for (size_t i = 1; i < count; i++) {
        int64_t predicted = ahead(&s);
        int64_t error = values[i] * ONE - predicted;
        sum += (error < 0 ? -error : error) >> 4; /* 1024 errors fit. */
        follow(&s, predicted, values[i]);
    }
    return (double)sum / (double)count * (16.0 / (double)ONE);
}

unsigned
chunk_series_choose(const int64_t *values, size_t count)
{
    double least = 0;
    unsigned best = 0;
    size_t part = count <= SAMPLED ? count : SAMPLED / SAMPLED_AT;
    size_t apart = count <= SAMPLED ? count : count / SAMPLED_AT;
    if (count < CHOOSE_MIN) {
        return PREDICTOR_SHORT;
    }
    for (unsigned p = 0; p < CHUNK_SERIES_PREDICTORS; p++) {
        double cost = 1; /* The mean number of bits is a logarithm of it. */
        for (size_t at = 0; at + part <= count; at += apart) {
            cost *= 1 + mean_error(values + at, part, p);
        }
        if (p == 0 || cost < least) {
            least = cost;
            best = p;
        }
    }
    return best;
}

void
chunk_series_chances_reset(struct chunk_series_chances *chances)
{
    chances_reset(chances->zero_near, ARRAY_LEN(chances->zero_near));
    chances_reset(chances->zero_past, ARRAY_LEN(chances->zero_past));
    chances_reset(chances->sign_near, ARRAY_LEN(chances->sign_near));
    chances_reset(chances->sign_past, ARRAY_LEN(chances->sign_past));
    chances_reset(&chances->steps[0][0], sizeof chances->steps / sizeof(struct chance));
    chances_reset(chances->logs, ARRAY_LEN(chances->logs));
}

void
chunk_series_init(struct chunk_series *s,
                  struct chunk_series_chances *chances,
                  int64_t first,
                  unsigned predictor)
{
    assert(predictor < CHUNK_SERIES_PREDICTORS);
    *s = (struct chunk_series){.chances = chances,
                               .level = first * ONE,
                               .a = chunk_series_predictors[predictor].a,
                               .b = chunk_series_predictors[predictor].b,
                               .last = first,
                               .before = first,
                               .scale = SCALE_FIRST};
}

/* -2..2, from 0. */
CODER_INLINE unsigned
distance(int64_t value, int64_t base)
{
    int64_t d = value - base;
    return (unsigned)((d < -2 ? -2 : d > 2 ? 2 : d) + 2);
}

CODER_INLINE unsigned
scale_class(int64_t scale)
{
    uint64_t v = (uint64_t)scale >> 4;
    if (v < 3) {
        return 0;
    }
    unsigned log2 = 63u - (unsigned)__builtin_clzll(v);
    return 2 * (log2 - 1) + (unsigned)(v >> (log2 - 1) & 1);
}

CODER_INLINE uint64_t
log_code(struct coder *c,
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
magnitude_code(struct chunk_series *s,
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
    return steps +
           log_code(c, s->chances->logs, CHUNK_SERIES_LOG_STEPS, value - steps, decode);
}

CODER_INLINE int64_t
fine_code(struct chunk_series *s,
          struct coder *c,
          int64_t predicted,
          int64_t base,
          unsigned class,
          int64_t r,
          const bool decode)
{
    unsigned near =
        (unsigned)((predicted + ONE / 2) & (ONE - 1)) >> (FRACTION - NEAR_BITS);
    unsigned one = distance(s->last, base);
    unsigned two = distance(s->before, base);
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
    m = magnitude_code(s, c, s->chances->steps[class], STEPS_FINE, m, decode);
    return negative ? -(int64_t)m - 1 : (int64_t)m + 1;
}

CODER_INLINE int64_t
coarse_code(struct chunk_series *s,
            struct coder *c,
            unsigned class,
            int64_t r,
            const bool decode)
{
    unsigned k = (class - 6) / 2;
    uint64_t m = decode ? 0 : (uint64_t)(r < 0 ? -r : r);
    uint64_t high = magnitude_code(s, c, s->chances->steps[class], CHUNK_SERIES_STEPS,
                                   m >> k, decode);
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
value_code(struct chunk_series *s, struct coder *c, int64_t *value, const bool decode)
{
    int64_t predicted = ahead(s);
    int64_t base = (predicted + ONE / 2) >> FRACTION;
    unsigned class = scale_class(s->scale);
    int64_t r = decode ? 0 : *value - base;
    if (class < CLASS_COARSE) {
        r = fine_code(s, c, predicted, base, class, r, decode);
    } else {
        r = coarse_code(s, c, class, r, decode);
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
    follow(s, predicted, *value);
    return true;
}

void
chunk_series_put(struct chunk_series *s,
                 struct coder *c,
                 const int64_t *values,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = values[i];
        (void)value_code(s, c, &value, false);
    }
}

bool
chunk_series_get(struct chunk_series *s, struct coder *c, int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!value_code(s, c, &values[i], true)) {
            return false;
        }
    }
    return true;
}

CODER_INLINE uint64_t
number_of(struct coder *c, struct chance *lengths, uint64_t value, const bool decode)
{
    unsigned bits = decode || value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
    unsigned node = 1;
    for (unsigned i = NUMBER_TREE; i-- > 0;) {
        node = node << 1 | coder_bit(c, &lengths[node], bits >> i & 1, decode);
    }
    bits = node - NUMBER_CHANCES;
    if (bits == 0 || bits > 64) {
        return 0;
    }
    uint64_t top = UINT64_C(1) << (bits - 1);
    return top | coder_even_long(c, value & (top - 1), bits - 1, decode);
}

uint64_t
number_code(struct coder *c, struct chance *lengths, uint64_t value, bool decode)
{
    return decode ? number_of(c, lengths, 0, true)
                  : number_of(c, lengths, value, false);
}
