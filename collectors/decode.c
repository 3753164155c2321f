/* Registers -> values. */
#include "collectors/decode.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define DECIMALS_MAX                                                                   \
    9               /* More than a 32-bit number has: the register holds rubbish.      \
                     */
#define WORDS_MAX 4 /* A 64-bit value. */

static uint16_t
swap_bytes(uint16_t w)
{
    return (uint16_t)((uint16_t)(w << 8) | (w >> 8));
}

/* Joins `width` words into one integer.  Orders, most significant byte 'a':
 *   abcd  AB CD  as Modbus sends it     cdab  CD AB  low word first
 *   badc  BA DC  bytes swapped          dcba  DC BA  both */
static uint64_t
join_words(const uint16_t *words, size_t width, enum byte_order order)
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

static void
split_words(uint16_t *words, size_t width, enum byte_order order, uint64_t raw)
{
    bool low_first = order == ORDER_CDAB || order == ORDER_DCBA;
    bool swapped = order == ORDER_BADC || order == ORDER_DCBA;

    for (size_t i = 0; i < width; i++) {
        uint16_t w = (uint16_t)(raw >> (16 * (width - 1 - i)));
        words[low_first ? width - 1 - i : i] = swapped ? swap_bytes(w) : w;
    }
}

static uint64_t
field_mask(uint8_t low, uint8_t high)
{
    return UINT64_MAX >> (63 - (high - low));
}

struct decoder
decoder_of(const struct point *p, uint32_t first_point)
{
    assert(p->bit_low <= p->bit_high);
    return (struct decoder){.mul = p->scaling.mul,
                            .add = p->scaling.add,
                            .div = p->scaling.div,
                            .min = p->has_range ? p->range_min : -(double)INFINITY,
                            .max = p->has_range ? p->range_max : (double)INFINITY,
                            .sentinels = p->sentinels,
                            .sentinel_count = p->sentinel_count,
                            .decimals_from = p->decimals_from == NONE_INDEX
                                                 ? NONE_INDEX
                                                 : p->decimals_from - first_point,
                            .address = p->address,
                            .type = (uint8_t)p->type,
                            .order = (uint8_t)p->order,
                            .width = (uint8_t)point_width(p),
                            .bit_low = p->bit_low,
                            .bit_high = p->bit_high,
                            .counter = p->kind == POINT_COUNTER &&
                                       p->table != REG_NONE && p->type != TYPE_BOOL};
}

static uint64_t
joined(const struct decoder *d, const uint16_t *words)
{
    if (d->width == 1 && d->order == ORDER_ABCD) {
        return words[0];
    }
    return join_words(words, d->width, d->order);
}

/* The number as it stands in the registers: what sentinels are compared with. */
static uint64_t
raw_pattern(const struct decoder *d, const uint16_t *words)
{
    uint64_t raw = joined(d, words);

    if (d->type == TYPE_BITS || d->type == TYPE_BOOL) {
        assert(d->bit_high < 16 * d->width);
        raw = (raw >> d->bit_low) & field_mask(d->bit_low, d->bit_high);
    }
    return raw;
}

/* Binary-coded decimal; false when a digit is above 9. */
static bool
bcd_decode(uint64_t *out, uint64_t pattern, int digits)
{
    uint64_t value = 0;

    for (int i = digits - 1; i >= 0; i--) {
        uint64_t digit = (pattern >> (4 * i)) & 0xF;
        if (digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static uint64_t
bcd_encode(uint64_t value, int digits)
{
    uint64_t pattern = 0;

    for (int i = 0; i < digits; i++) {
        pattern |= (value % 10) << (4 * i);
        value /= 10;
    }
    return pattern;
}

static int
bcd_digits(enum value_type t)
{
    return t == TYPE_BCD16 ? 4 : 8;
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
        return bcd_decode(&decimal, pattern, bcd_digits(type)) ? (double)decimal
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
        return bcd_decode(&decimal, pattern, bcd_digits(d->type)) ? decimal
                                                                  : UINT64_MAX;
    }
    return pattern;
}

void
decode_words(struct reading *out,
             const struct point *p,
             const uint16_t *words,
             size_t words_count,
             int decimals)
{
    struct decoder d = decoder_of(p, 0);

    decoder_words(out, &d, words, words_count, decimals);
}

void
decode_bit(struct reading *out, const struct point *p, bool bit)
{
    struct decoder d = decoder_of(p, 0);

    decoder_bit(out, &d, bit);
}

uint64_t
decode_raw(const struct point *p, const uint16_t *words, size_t words_count)
{
    struct decoder d = decoder_of(p, 0);

    return decoder_raw(&d, words, words_count);
}

/* The nearest integer in [min, max]; NaN becomes 0 or what is nearest to it. */
static double
clamp_round(double raw, double min, double max)
{
    if (isnan(raw)) {
        raw = 0.0;
    }
    raw = round(raw);
    return raw < min ? min : raw > max ? max : raw;
}

static uint64_t
unsigned_pattern(double raw, int bits)
{
    double limit = ldexp(1.0, bits); /* One above the largest; exact. */

    raw = clamp_round(raw, 0.0, limit);
    if (raw >= limit) {
        return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    }
    return (uint64_t)raw;
}

static uint64_t
signed_pattern(double raw, int bits)
{
    double limit = ldexp(1.0, bits - 1);

    raw = clamp_round(raw, -limit, limit);
    if (raw >= limit) {
        return (UINT64_C(1) << (bits - 1)) - 1;
    }
    uint64_t pattern = (uint64_t)(int64_t)raw;
    return bits == 64 ? pattern : pattern & ((UINT64_C(1) << bits) - 1);
}

static uint64_t
float_pattern(double raw)
{
    const double max = 3.4028234663852886e38; /* FLT_MAX; beyond is undefined. */
    uint32_t bits;

    if (isfinite(raw)) {
        raw = raw > max ? max : raw < -max ? -max : raw;
    }
    float f = (float)raw;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static uint64_t
pattern_of(const struct point *p, double raw)
{
    uint64_t bits;

    switch (p->type) {
    case TYPE_U16:
        return unsigned_pattern(raw, 16);
    case TYPE_U32:
        return unsigned_pattern(raw, 32);
    case TYPE_U64:
        return unsigned_pattern(raw, 64);
    case TYPE_S16:
        return signed_pattern(raw, 16);
    case TYPE_S32:
        return signed_pattern(raw, 32);
    case TYPE_S64:
        return signed_pattern(raw, 64);
    case TYPE_F32:
        return float_pattern(raw);
    case TYPE_F64:
        memcpy(&bits, &raw, sizeof bits);
        return bits;
    case TYPE_BCD16:
        return bcd_encode((uint64_t)clamp_round(raw, 0.0, 9999.0), 4);
    case TYPE_BCD32:
        return bcd_encode((uint64_t)clamp_round(raw, 0.0, 99999999.0), 8);
    case TYPE_BOOL:
        return raw != 0.0 && !isnan(raw) ? 1 : 0;
    case TYPE_BITS:
        return unsigned_pattern(raw, p->bit_high - p->bit_low + 1);
    case TYPE_COUNT:
        break;
    }
    assert(!"a point has a type");
    return 0;
}

void
encode_words(uint16_t *words, const struct point *p, double value)
{
    const struct scaling *s = &p->scaling;
    size_t width = point_width(p);
    double raw = s->mul != 0.0 ? (value * s->div - s->add) / s->mul : 0.0;
    uint64_t pattern = pattern_of(p, raw);

    assert(width <= WORDS_MAX);
    if (p->table == REG_COIL || p->table == REG_DISCRETE) {
        words[0] = pattern != 0;
        return;
    }
    if (p->type == TYPE_BITS || p->type == TYPE_BOOL) {
        uint64_t mask = field_mask(p->bit_low, p->bit_high) << p->bit_low;
        uint64_t old = join_words(words, width, p->order);
        pattern = (old & ~mask) | (pattern << p->bit_low);
    }
    split_words(words, width, p->order, pattern);
}
