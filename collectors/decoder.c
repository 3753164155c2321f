/* Registers -> values, by what is known of a point. */
#include "collectors/decoder.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "collectors/pattern.h"

/* More than a 32-bit number has: the register holds rubbish. */
#define DECIMALS_MAX 9

void
decoder_init(struct decoder *out, const struct point *p, uint32_t first_point)
{
    assert(p->bit_low <= p->bit_high);
    memset(out, 0, sizeof *out);
    out->mul = p->scaling.mul;
    out->add = p->scaling.add;
    out->div = p->scaling.div;
    out->min = p->has_range ? p->range_min : -(double)INFINITY;
    out->max = p->has_range ? p->range_max : (double)INFINITY;
    out->sentinels = p->sentinels;
    out->sentinel_count = p->sentinel_count;
    out->decimals_from =
        p->decimals_from == NONE_INDEX ? NONE_INDEX : p->decimals_from - first_point;
    out->address = p->address;
    out->type = (uint8_t)p->type;
    out->order = (uint8_t)p->order;
    out->width = (uint8_t)point_width(p);
    out->bit_low = p->bit_low;
    out->bit_high = p->bit_high;
    out->counter =
        p->kind == POINT_COUNTER && p->table != REG_NONE && p->type != TYPE_BOOL;
}

/* ---- numbers ---- */

static uint64_t
joined(const struct decoder *d, const uint16_t *words)
{
    if (d->width == 1 && d->order == ORDER_ABCD) {
        return words[0];
    }
    return pattern_join(words, d->width, d->order);
}

/* The number as it stands in the registers: what sentinels are compared with. */
static uint64_t
raw_pattern(const struct decoder *d, const uint16_t *words)
{
    uint64_t raw = joined(d, words);

    if (d->type == TYPE_BITS || d->type == TYPE_BOOL) {
        assert(d->bit_high < 16 * d->width);
        raw = (raw >> d->bit_low) & pattern_mask(d->bit_low, d->bit_high);
    }
    return raw;
}

static double
float_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static double
double_from_bits(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* The unscaled number; NaN when the pattern is none of the type. */
static double
raw_number(enum value_type type, uint64_t pattern)
{
    uint64_t decimal;

    switch (type) {
    case TYPE_S16:
        return (double)(int16_t)(uint16_t)pattern;
    case TYPE_S32:
        return (double)(int32_t)(uint32_t)pattern;
    case TYPE_S64:
        return (double)(int64_t)pattern;
    case TYPE_F32:
        return float_from_bits((uint32_t)pattern);
    case TYPE_F64:
        return double_from_bits(pattern);
    case TYPE_BCD16:
    case TYPE_BCD32:
        return pattern_from_bcd(&decimal, pattern, type) ? (double)decimal
                                                         : (double)NAN;
    case TYPE_BOOL:
    case TYPE_U16:
    case TYPE_U32:
    case TYPE_U64:
    case TYPE_BITS:
        return (double)pattern;
    case TYPE_COUNT:
        break;
    }
    assert(!"a point has a type");
    return (double)NAN;
}

static void
set_bad(struct reading *out, enum quality why)
{
    out->value = 0.0;
    out->quality = (uint8_t)why;
    out->detail = 0;
}

/* Scales, then refuses what the process cannot have. */
static void
set_number(struct reading *out, const struct decoder *d, double raw, double shift)
{
    double value = raw * d->mul + d->add * shift;
    double divisor = d->div * shift;

    if (divisor != 1.0) {
        value /= divisor; /* Most need none, and it is the slowest step. */
    }
    if (!isfinite(value) || value < d->min || value > d->max) {
        set_bad(out, QUALITY_RANGE);
        return;
    }
    out->value = value;
    out->quality = QUALITY_GOOD;
    out->detail = 0;
}

static bool
is_sentinel(const struct decoder *d, uint64_t pattern)
{
    for (uint32_t i = 0; i < d->sentinel_count; i++) {
        if (d->sentinels[i].raw == pattern) {
            return true;
        }
    }
    return false;
}

static inline void
decode_one(struct reading *out,
           const struct decoder *d,
           const uint16_t *words,
           size_t words_count,
           int decimals)
{
    double shift = 1.0;

    if (words_count < d->width) {
        set_bad(out, QUALITY_CRC);
        return;
    }
    uint64_t pattern = raw_pattern(d, words);
    /* A bit has no value to spare: its whole register says that there is none. */
    if (d->sentinel_count > 0 &&
        is_sentinel(d, d->type == TYPE_BOOL ? joined(d, words) : pattern)) {
        set_bad(out, QUALITY_SENTINEL);
        return;
    }
    if (decimals > DECIMALS_MAX) {
        set_bad(out, QUALITY_RANGE);
        return;
    }
    for (int i = 0; i < decimals; i++) {
        shift *= 10.0; /* Exact up to 1e22. */
    }
    set_number(out, d, raw_number(d->type, pattern), shift);
}

void
decoder_words(struct reading *out,
              const struct decoder *d,
              const uint16_t *words,
              size_t words_count,
              int decimals)
{
    decode_one(out, d, words, words_count, decimals);
}

void
decoder_bit(struct reading *out, const struct decoder *d, bool bit)
{
    if (is_sentinel(d, bit)) {
        set_bad(out, QUALITY_SENTINEL);
        return;
    }
    set_number(out, d, bit ? 1.0 : 0.0, 1.0);
}

uint64_t
decoder_raw(const struct decoder *d, const uint16_t *words, size_t words_count)
{
    if (words_count < d->width) {
        return UINT64_MAX;
    }
    uint64_t pattern = raw_pattern(d, words);
    if (d->type == TYPE_BCD16 || d->type == TYPE_BCD32) {
        uint64_t decimal;
        return pattern_from_bcd(&decimal, pattern, d->type) ? decimal : UINT64_MAX;
    }
    return pattern;
}

void
decoder_many(struct reading *items,
             const struct decoder_run *run,
             const uint16_t *words,
             uint16_t words_count)
{
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t point = run->points[i];
        const struct decoder *d = &run->decoders[run->of_point[point]];
        uint16_t offset = (uint16_t)(d->address - run->address);
        decode_one(&items[point - run->first_point], d, &words[offset],
                   (size_t)(words_count - offset), -1);
    }
}
