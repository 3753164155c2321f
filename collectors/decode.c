/* Registers -> values of a point, and back. */
#include "collectors/decode.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "collectors/decoder.h"
#include "collectors/pattern.h"

void
decode_words(struct reading *out,
             const struct point *p,
             const uint16_t *words,
             size_t words_count,
             int decimals)
{
    struct decoder d;

    decoder_init(&d, p, 0);
    decoder_words(out, &d, words, words_count, decimals);
}

void
decode_bit(struct reading *out, const struct point *p, bool bit)
{
    struct decoder d;

    decoder_init(&d, p, 0);
    decoder_bit(out, &d, bit);
}

uint64_t
decode_raw(const struct point *p, const uint16_t *words, size_t words_count)
{
    struct decoder d;

    decoder_init(&d, p, 0);
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
        return pattern_to_bcd((uint64_t)clamp_round(raw, 0.0, 9999.0), p->type);
    case TYPE_BCD32:
        return pattern_to_bcd((uint64_t)clamp_round(raw, 0.0, 99999999.0), p->type);
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

    assert(width <= PATTERN_WORDS_MAX);
    if (p->table == REG_COIL || p->table == REG_DISCRETE) {
        words[0] = pattern != 0;
        return;
    }
    if (p->type == TYPE_BITS || p->type == TYPE_BOOL) {
        uint64_t mask = pattern_mask(p->bit_low, p->bit_high) << p->bit_low;
        uint64_t old = pattern_join(words, width, p->order);
        pattern = (old & ~mask) | (pattern << p->bit_low);
    }
    pattern_split(words, width, p->order, pattern);
}
