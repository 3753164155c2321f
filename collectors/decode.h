/* Registers -> values.  Pure. */
#ifndef CARETAKER_COLLECTORS_DECODE_H
#define CARETAKER_COLLECTORS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/sample.h"
#include "daemon/model/site.h"

/* How a point is decoded, in one cache line: devices of one profile share it
 * (decoders.h), so what thousands of points need stays near the processor. */
struct decoder {
    double mul, add, div;             /* As struct scaling. */
    double min, max;                  /* Of its range; infinite where it has none. */
    const struct sentinel *sentinels; /* Borrowed from the point. */
    uint32_t sentinel_count;
    uint32_t decimals_from; /* Counted from the device's first point; or NONE_INDEX. */
    uint16_t address;
    uint8_t type;  /* enum value_type */
    uint8_t order; /* enum byte_order */
    uint8_t width; /* Registers. */
    uint8_t bit_low, bit_high;
    uint8_t counter; /* Whether it counts: see readings.h. */
};
_Static_assert(sizeof(struct decoder) == 64, "one cache line");

/* `first_point` is its device's. */
struct decoder decoder_of(const struct point *p, uint32_t first_point);

/* A value is a double: a 64-bit number past 2^53 becomes the nearest one.  A number
 * that overflows when it is scaled, or is none, has QUALITY_RANGE.
 *
 * Decodes a point from its own registers (`words[0]` is the one at point->address) and
 * writes value, quality and detail of `out`.  `words_count` is what was read from there
 * on; fewer than point_width() gives QUALITY_CRC.  `decimals` is the raw value of
 * decimals_from, or -1 when the point has none. */
void decode_words(struct reading *out,
                  const struct point *p,
                  const uint16_t *words,
                  size_t words_count,
                  int decimals);
/* A coil or discrete input. */
void decode_bit(struct reading *out, const struct point *p, bool bit);
/* The same by its decoder. */
void decoder_words(struct reading *out,
                   const struct decoder *d,
                   const uint16_t *words,
                   size_t words_count,
                   int decimals);
/* Points without decimals_from that one request brings. */
struct decoder_run {
    const struct decoder *decoders;
    const uint32_t *of_point; /* Index into decoders, by point. */
    const uint32_t *points;
    uint32_t count;
    uint32_t first_point; /* Its reading is items[0]. */
    uint16_t address;     /* Of words[0]. */
};
void decoder_many(struct reading *items,
                  const struct decoder_run *run,
                  const uint16_t *words,
                  uint16_t words_count);
void decoder_bit(struct reading *out, const struct decoder *d, bool bit);
uint64_t
decoder_raw(const struct decoder *d, const uint16_t *words, size_t words_count);
/* The raw integer of a point before scaling, as decimals_from uses it. */
uint64_t decode_raw(const struct point *p, const uint16_t *words, size_t words_count);

/* The reverse, for the simulator: writes point_width() words.  Values outside the type
 * are clamped; a bit changes only its own bits of them. */
void encode_words(uint16_t *words, const struct point *p, double value);

#endif
