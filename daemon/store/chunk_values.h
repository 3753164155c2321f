/* The good values of one column of a chunk: doubles as the integers that they came
 * from, and back to the same bits.  Pure.
 *
 * Form of a value, by n, an integer:
 *   SCALED   (n * mul + add) / div in doubles, as registers are decoded; with `single`
 *            that rounded to single precision
 *   SINGLE   an IEEE 754 single: n is its bits, so turned that they are in order (all
 *            bits flipped but the sign where that is set)
 *   DOUBLE   the same of a double
 *
 * as bytes (varints and zigzags: chunk_bytes.h):
 *
 *   head       bits 0, 1  0: no value at all, head and stream stand alone;
 *                         1 SCALED; 2 SINGLE; 3 DOUBLE
 *              bit 2      single
 *              bit 3      scaling: mul, add, div follow; else SCALED is n / 10^e
 *              bit 4      odd ones: some values have another form
 *              bit 5      palette: the integers coded are indices into it
 *              bit 6      all integers are the first: no predictor, none coded
 *              bit 7      of the column: it has statuses of its own (chunk.h)
 *   [e]        SCALED without `scaling`: one byte, 0..15
 *   [scaling]  mul, add, div, each a varint: zigzag(n) << 1 of a whole number below
 *              2^31, or 1 and then 8 bytes, a double
 *   [odd]      varint: how many; each: varint, how many values lie between it and
 *              the odd one before; 8 bytes, the double.  As integers they repeat the
 *              one before them.
 *   [palette]  varint: how many, 1..256; zigzag: the smallest; varints: how much
 *              each is above the one before, in 64 bits without a sign
 *   first      zigzag of the first integer
 *   [predictor]
 *              one byte, of the series; none for DOUBLE without a palette
 *   [stream]   of the range coder (chunk_coder.h), up to the end of the column:
 *              statuses, if it has any; the integers behind the first, as a series
 *              (chunk_series.h); those of DOUBLE without a palette as numbers, each
 *              the zigzag of its difference to the one before, in 64 bits
 *
 * The form is the first that fits: the scaling that the point is said to have, n / 10^e
 * with a small e, the same rounded to singles (|n| below 2^22, else the single's own
 * bits are fewer), SINGLE, DOUBLE.  Up to a sixteenth may be odd. */
#ifndef CARETAKER_STORE_CHUNK_VALUES_H
#define CARETAKER_STORE_CHUNK_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_series.h"

#define CHUNK_VALUES_MAX         8192 /* Rows of a chunk. */
#define CHUNK_VALUES_PALETTE_MAX 256
#define CHUNK_VALUES_ODD_SHARE   16

enum chunk_values_form {
    CHUNK_VALUES_NONE,
    CHUNK_VALUES_SCALED,
    CHUNK_VALUES_SINGLE,
    CHUNK_VALUES_DOUBLE
};

struct chunk_values_map {
    enum chunk_values_form form;
    bool single;
    bool scaling; /* mul, add, div stand for themselves; else n / 10^decimals. */
    uint8_t decimals;
    double mul, add, div;
};

/* What the encoder works out of a column, before its stream is written. */
struct chunk_values_plan {
    struct chunk_values_map map;
    uint32_t count;
    uint32_t odd_count;
    uint32_t palette_count; /* 0: none. */
    bool constant;
    unsigned predictor;
    int64_t ints[CHUNK_VALUES_MAX];
    uint32_t odd[CHUNK_VALUES_MAX / CHUNK_VALUES_ODD_SHARE + 1];
    int64_t palette[CHUNK_VALUES_PALETTE_MAX];
};

/* `scaling` is what the point is said to have; `mul` 0: not known. */
void chunk_values_plan(struct chunk_values_plan *plan,
                       const double *values,
                       uint32_t count,
                       const struct scaling *scaling);
/* Head up to predictor; `flag` is bit 7.  False without memory. */
bool chunk_values_put_head(struct bytes *out,
                           const struct chunk_values_plan *plan,
                           const double *values,
                           bool flag);
/* What a stream of values learns. */
struct chunk_values_chances {
    struct chunk_series_chances series;
    struct chance lengths[NUMBER_CHANCES];
};
void chunk_values_chances_reset(struct chunk_values_chances *chances);

/* The integers behind the first into the stream. */
void chunk_values_put(const struct chunk_values_plan *plan,
                      struct coder *c,
                      struct chunk_values_chances *chances);

struct chunk_values_reader {
    struct chunk_values_map map;
    uint32_t palette_count;
    bool constant;
    bool flag; /* Bit 7 of the head. */
    unsigned predictor;
    int64_t first;
    struct cursor odd; /* Borrowed from the column. */
    uint32_t odd_count;
    int64_t palette[CHUNK_VALUES_PALETTE_MAX];
};

/* Reads the head and leaves `c` at the stream.  False when it is damaged.  Every count
 * that it holds is checked against the bytes there are. */
bool chunk_values_get_head(struct chunk_values_reader *r, struct cursor *c);
/* `count` values, of which the first is `first`, into those `rows` of `values` whose
 * status says good (chunk.h); the others become 0.  False when it is damaged: `values`
 * then holds some. */
bool chunk_values_get(const struct chunk_values_reader *r,
                      struct coder *c,
                      struct chunk_values_chances *chances,
                      double *values,
                      const uint16_t *statuses,
                      uint32_t rows,
                      uint32_t count);

/* One integer's value. */
double chunk_values_of(const struct chunk_values_map *map, int64_t n);

#endif
