/* The integers of one column of a chunk: predicted, and the difference coded by what
 * the last ones were like.  Pure; integers only.
 *
 * Both the prediction and what is learnt are part of the format of chunks (chunk.h):
 * a change of anything here is a new version of it.
 *
 * The level L and its slope T are fixed-point numbers with 10 bits of fraction, at
 * first the first value and 0.  With p = L + T, base = p rounded, x the next value:
 *
 *   what is coded    r = x - base
 *   then             e = (x << 10) - p,  L = p + e * a / 64,  T = T + e * b / 64
 *
 * (divisions round down) where the predictor in the head of the series says a and b:
 * 64, 0 is the last value, 64, 64 goes straight on, 16, 0 is a mean of about seven.
 *
 * Scale: S is the mean of |r| * 256, at first 64; S = S + (|r| * 256 - S) / 16, rounded
 * down.  Its class s: with v = S / 16, rounded down, and n = floor(log2(v)), 0 where
 * v < 3, else 2 * (n - 1) + bit n - 1 of v: two classes for each doubling.
 *
 * Below class 8 (a mean below 2) the bits are, in this order:
 *   zero    r == 0; nothing follows then.  Two chances (coder_bit_two()):
 *           zero_near: by the upper 3 bits of the fraction of p + 1/2, by the last
 *             value's distance from base, held within -2..2, and by s: 0; 1, 2; 3, 4;
 *             more
 *           zero_past: by the last two values' distances, and by how many values in
 *             a row were like the one before them: 0; 1..3; 4..15; more
 *   sign    r < 0, by the same but s and the last: sign_near, sign_past
 *   steps   |r| - 1 in unary, a chance for each step and s, a 1 ends it; after 12
 *           steps what is left goes by its logarithm
 *
 * From class 8 on, with k = (s - 6) / 2:
 *   steps   |r| >> k in unary, the same way; after 20 steps by its logarithm
 *   low     the k lower bits of |r|, even
 *   sign    where r is not 0: an even bit, 1 where r < 0
 *
 * "By its logarithm" is n = floor(log2(v + 1)) in unary, at most 47, a chance for each
 * step of the series' `logs`, a 1 ends it; then the n lower bits of v + 1, even.  More
 * than 16 even bits go 16 at a time, from the highest on; the last part is shorter. */
#ifndef CARETAKER_STORE_CHUNK_SERIES_H
#define CARETAKER_STORE_CHUNK_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/chunk_coder.h"

/* Values lie within +-2^41.  The predictors amplify by at most 3 (a test adds up their
 * answers), so differences stay below 2^44, e * 64 below 2^(44 + 10 + 6), and nothing
 * overflows. */
#define CHUNK_SERIES_VALUE_MAX      (INT64_C(1) << 41)
#define CHUNK_SERIES_DIFFERENCE_MAX (INT64_C(1) << 44)

#define CHUNK_SERIES_PREDICTORS 10
#define CHUNK_SERIES_CLASSES    96 /* Of scale: one of 2^44 * 256 is in the last. */
#define CHUNK_SERIES_STEPS      20 /* Of a unary number. */
#define CHUNK_SERIES_LOG_STEPS  48 /* Of a logarithm: more is no value. */

/* What is learnt; one column's, or shared by many that are alike. */
struct chunk_series_chances {
    struct chance zero_near[8 * 5 * 4], zero_past[5 * 5 * 4];
    struct chance sign_near[8 * 5], sign_past[5 * 5];
    struct chance steps[CHUNK_SERIES_CLASSES][CHUNK_SERIES_STEPS];
    struct chance logs[CHUNK_SERIES_LOG_STEPS];
};
void chunk_series_chances_reset(struct chunk_series_chances *chances);

struct chunk_series {
    struct chunk_series_chances *chances; /* Borrowed. */
    int64_t level, slope;
    int32_t a, b;
    int64_t last, before; /* The last two values. */
    int64_t scale;        /* Mean of |r| in 256ths. */
    uint32_t still;       /* Values in a row that were like the one before. */
};

/* How fast predictors follow: a and b above. */
struct chunk_series_predictor {
    int32_t a, b;
};
extern const struct chunk_series_predictor
    chunk_series_predictors[CHUNK_SERIES_PREDICTORS];

/* The predictor that is worth most: for the encoder. */
unsigned chunk_series_choose(const int64_t *values, size_t count);

/* `first` is known to both sides, by other means. */
void chunk_series_init(struct chunk_series *s,
                       struct chunk_series_chances *chances,
                       int64_t first,
                       unsigned predictor);
/* Codes values that follow; they are in range. */
void chunk_series_put(struct chunk_series *s,
                      struct coder *c,
                      const int64_t *values,
                      size_t count);
/* False when a value is out of range: the stream is damaged. */
bool chunk_series_get(struct chunk_series *s,
                      struct coder *c,
                      int64_t *values,
                      size_t count);

/* Any number: how many bits it has (0..64), learnt in a tree of 7 decisions, highest
 * first, each with the chance at 1, then 1 and the decisions before it; then its bits
 * below the highest, even.  Decoding, a length above 64 reads as 0. */
#define NUMBER_CHANCES 128
uint64_t
number_code(struct coder *c, struct chance *lengths, uint64_t value, bool decode);

#endif
