/* How a point is decoded: what the sample path needs of it, and nothing else.  Pure.
 * Points of decode.h are decoded by decoders, too; decoders.h has those of a site. */
#ifndef CARETAKER_COLLECTORS_DECODER_H
#define CARETAKER_COLLECTORS_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/sample.h"
#include "daemon/model/site.h"

/* In one cache line: devices of one profile share it, so what thousands of points need
 * stays near the processor. */
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
_Static_assert(sizeof(struct decoder) <= 64, "one cache line");

/* Of a point whose device's first is `first_point`.  Padding is zeroed, so that
 * decoders which are alike are alike byte by byte. */
void decoder_init(struct decoder *out, const struct point *p, uint32_t first_point);

/* Writes value, quality and detail of `out` from the point's own registers: `words[0]`
 * is the one at `address`.  `words_count` is what was read from there on; fewer than
 * `width` gives QUALITY_CRC.  A sentinel gives QUALITY_SENTINEL; what is no number of
 * the type, cannot be scaled or is out of range gives QUALITY_RANGE.  `decimals` is the
 * raw value of decimals_from, by whose power of ten it is divided; negative: it has
 * none. */
void decoder_words(struct reading *out,
                   const struct decoder *d,
                   const uint16_t *words,
                   size_t words_count,
                   int decimals);
/* A coil or discrete input. */
void decoder_bit(struct reading *out, const struct decoder *d, bool bit);
/* What decimals_from of another point asks for, and sentinels are compared with: the
 * registers in order, unscaled and without a sign, of bits only those, of BCD the
 * decimal number.  UINT64_MAX: `words_count` is fewer than `width`, or a digit is above
 * 9. */
uint64_t
decoder_raw(const struct decoder *d, const uint16_t *words, size_t words_count);

/* Points without decimals_from that one request brings. */
struct decoder_run {
    const struct decoder *decoders;
    const uint32_t *of_point; /* Index into decoders, by point. */
    const uint32_t *points;
    uint32_t count;
    uint32_t first_point; /* Its reading is items[0]. */
    uint16_t address;     /* Of words[0]; no point begins before it. */
};
/* decoder_words() of each. */
void decoder_many(struct reading *items,
                  const struct decoder_run *run,
                  const uint16_t *words,
                  uint16_t words_count);

#endif
