#include "daemon/store/chunk_series.h"

#include <assert.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_series_code.h"

#define SCALE_FIRST     64
#define NUMBER_TREE     7  /* Bits of a number's length. */
#define CHOOSE_MIN      24 /* Fewer values show nothing; the same predictor for all. */
#define PREDICTOR_SHORT 2
#define SAMPLED         1024 /* Values that a predictor is tried on, */
#define SAMPLED_AT      4    /* at so many places. */

_Static_assert(2 * (44 + 8 - 4 - 1) + 1 < CHUNK_SERIES_CLASSES,
               "series_scale_class() is inside");

/* Chosen among many more by what they gain on series of all kinds (bench_chunk). */
const struct chunk_series_predictor chunk_series_predictors[CHUNK_SERIES_PREDICTORS] = {
    {64, 0}, {64, 64}, {48, 0}, {32, 0}, {16, 0},
    {8, 0},  {16, 2},  {32, 4}, {8, 1},  {48, 16},
};

/* Of `count` values, the mean distance from what is predicted. */
static double
mean_error(const int64_t *values, size_t count, unsigned predictor)
{
    struct chunk_series s = {.level = values[0] * SERIES_ONE,
                             .a = chunk_series_predictors[predictor].a,
                             .b = chunk_series_predictors[predictor].b};
    int64_t sum = 0;
    for (size_t i = 1; i < count; i++) {
        int64_t predicted = series_ahead(&s);
        int64_t error = values[i] * SERIES_ONE - predicted;
        sum += (error < 0 ? -error : error) >> 4; /* 1024 errors fit. */
        series_follow(&s, predicted, values[i]);
    }
    return (double)sum / (double)count * (16.0 / (double)SERIES_ONE);
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
                               .level = first * SERIES_ONE,
                               .a = chunk_series_predictors[predictor].a,
                               .b = chunk_series_predictors[predictor].b,
                               .last = first,
                               .before = first,
                               .scale = SCALE_FIRST};
}

void
chunk_series_put(struct chunk_series *s,
                 struct coder *c,
                 const int64_t *values,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = values[i];
        (void)chunk_series_code(s, c, &value, false);
    }
}

bool
chunk_series_get(struct chunk_series *s, struct coder *c, int64_t *values, size_t count)
{
    struct chunk_series series = *s; /* In registers, mostly. */
    struct coder coder = *c;
    for (size_t i = 0; i < count; i++) {
        if (!chunk_series_code(&series, &coder, &values[i], true)) {
            return false;
        }
    }
    *s = series;
    *c = coder;
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
