/* Registers -> values of a point, and back.  Pure. */
#ifndef CARETAKER_COLLECTORS_DECODE_H
#define CARETAKER_COLLECTORS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/sample.h"
#include "daemon/model/site.h"

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
/* The raw integer of a point before scaling, as decimals_from uses it: decoder_raw().
 */
uint64_t decode_raw(const struct point *p, const uint16_t *words, size_t words_count);

/* The reverse, for the simulator: writes point_width() words.  Values outside the type
 * are clamped; a bit changes only its own bits of them. */
void encode_words(uint16_t *words, const struct point *p, double value);

#endif
