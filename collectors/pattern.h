/* The bit pattern of a value in its registers: the integer that they make, before
 * anybody says what it means.  Pure. */
#ifndef CARETAKER_COLLECTORS_PATTERN_H
#define CARETAKER_COLLECTORS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"

#define PATTERN_WORDS_MAX 4 /* A 64-bit value. */

/* Joins `width` registers, and parts them again.  Orders, most significant byte 'a':
 *   abcd  AB CD  as Modbus sends it     cdab  CD AB  low word first
 *   badc  BA DC  bytes swapped          dcba  DC BA  both */
uint64_t pattern_join(const uint16_t *words, size_t width, enum byte_order order);
void
pattern_split(uint16_t *words, size_t width, enum byte_order order, uint64_t pattern);

/* As many ones as bits low..high, at the low end. */
uint64_t pattern_mask(uint8_t low, uint8_t high);

/* Binary-coded decimal, of TYPE_BCD16 or TYPE_BCD32.  From it: false when a digit is
 * above 9.  To it: of a value that has no more digits than the type. */
bool pattern_from_bcd(uint64_t *value, uint64_t pattern, enum value_type type);
uint64_t pattern_to_bcd(uint64_t value, enum value_type type);

#endif
