/* Any registers through any point: no crash, and a good value is always finite. */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collectors/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Layout of an input: the point, then the registers. */
struct input {
    uint8_t type, order, table, bits, decimals, words_count, sentinels, flags;
    double mul, add, div, range_min, range_max, value;
    uint64_t sentinel;
    uint16_t words[4];
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in;

    if (size < sizeof in) {
        return 0;
    }
    memcpy(&in, data, sizeof in);
    struct sentinel sentinel = {.raw = in.sentinel, .name = "x"};
    uint8_t low = in.bits & 15;
    uint8_t high = in.bits >> 4;
    enum reg_table table = in.table % 5;
    bool bits = table == REG_COIL || table == REG_DISCRETE; /* They have no words. */
    uint8_t words = bits ? 1 : (uint8_t)(1u << (in.flags >> 2) % 3);
    struct point p = {
        .table = table,
        .type = in.type % TYPE_COUNT,
        .order = in.order % ORDER_COUNT,
        .bit_low = (uint8_t)((low < high ? low : high) * words),
        .bit_high = (uint8_t)((low < high ? high : low) * words + words - 1),
        .bit_words = words,
        .scaling = {.mul = in.mul, .add = in.add, .div = in.div},
        .has_range = (in.flags & 1) != 0,
        .range_min = in.range_min,
        .range_max = in.range_max,
        .sentinels = &sentinel,
        .sentinel_count = in.sentinels & 1,
        .decimals_from = NONE_INDEX,
    };
    struct reading r = {0};
    decode_words(&r, &p, in.words, in.words_count % 5, (int)in.decimals - 1);
    assert(r.quality != QUALITY_GOOD || isfinite(r.value));
    assert(r.quality < QUALITY_COUNT);
    decode_bit(&r, &p, (in.flags & 2) != 0);
    assert(r.quality != QUALITY_GOOD || isfinite(r.value));
    (void)decode_raw(&p, in.words, in.words_count % 5);

    /* What was encoded can be decoded, whatever the value was. */
    encode_words(in.words, &p, in.value);
    decode_words(&r, &p, in.words, 4, -1);
    assert(r.quality != QUALITY_GOOD || isfinite(r.value));
    return 0;
}
