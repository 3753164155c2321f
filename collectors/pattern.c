/* Registers as one integer. */
#include "collectors/pattern.h"

#include <assert.h>

static uint16_t
swap_bytes(uint16_t w)
{
    return (uint16_t)((uint16_t)(w << 8) | (w >> 8));
}

uint64_t
pattern_join(const uint16_t *words, size_t width, enum byte_order order)
{
    bool low_first = order == ORDER_CDAB || order == ORDER_DCBA;
    bool swapped = order == ORDER_BADC || order == ORDER_DCBA;
    uint64_t raw = 0;

    for (size_t i = 0; i < width; i++) {
        uint16_t w = words[low_first ? width - 1 - i : i];
        raw = (raw << 16) | (swapped ? swap_bytes(w) : w);
    }
    return raw;
}

void
pattern_split(uint16_t *words, size_t width, enum byte_order order, uint64_t pattern)
{
    bool low_first = order == ORDER_CDAB || order == ORDER_DCBA;
    bool swapped = order == ORDER_BADC || order == ORDER_DCBA;

    for (size_t i = 0; i < width; i++) {
        uint16_t w = (uint16_t)(pattern >> (16 * (width - 1 - i)));
        words[low_first ? width - 1 - i : i] = swapped ? swap_bytes(w) : w;
    }
}

uint64_t
pattern_mask(uint8_t low, uint8_t high)
{
    assert(low <= high);
    return UINT64_MAX >> (63 - (high - low));
}

static int
bcd_digits(enum value_type t)
{
    return t == TYPE_BCD16 ? 4 : 8;
}

bool
pattern_from_bcd(uint64_t *value, uint64_t pattern, enum value_type type)
{
    uint64_t decimal = 0;

    for (int i = bcd_digits(type) - 1; i >= 0; i--) {
        uint64_t digit = (pattern >> (4 * i)) & 0xF;
        if (digit > 9) {
            return false;
        }
        decimal = decimal * 10 + digit;
    }
    *value = decimal;
    return true;
}

uint64_t
pattern_to_bcd(uint64_t value, enum value_type type)
{
    uint64_t pattern = 0;

    for (int i = 0; i < bcd_digits(type); i++) {
        pattern |= (value % 10) << (4 * i);
        value /= 10;
    }
    return pattern;
}
