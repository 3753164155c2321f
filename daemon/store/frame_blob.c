#include "daemon/store/frame_blob.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "daemon/model/words.h"

#define TAG_NEXT      0x80u
#define TAG_QUALITY   0x0fu
#define TAG_FORM_AT   4
#define VARINT_MAX    10        /* Bytes of a 64-bit varint. */
#define SHORT_INT_MAX (1 << 27) /* Below it a varint is not longer than a single. */
#define EXACT_INT_MAX 9007199254740992.0 /* 2^53: every integer below is a double. */

_Static_assert(QUALITY_COUNT <= TAG_QUALITY + 1, "a quality is four bits");

enum form {
    FORM_NONE,
    FORM_INT,
    FORM_TENTHS,
    FORM_HUNDREDTHS,
    FORM_THOUSANDTHS,
    FORM_SINGLE,
    FORM_DOUBLE,
    FORM_DETAIL
};

static const double divisors[] = {[FORM_INT] = 1,
                                  [FORM_TENTHS] = 10,
                                  [FORM_HUNDREDTHS] = 100,
                                  [FORM_THOUSANDTHS] = 1000};

static uint8_t *
put_varint(uint8_t *out, int64_t value)
{
    uint64_t bits = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    while (bits >= 0x80) {
        *out++ = (uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    *out++ = (uint8_t)bits;
    return out;
}

static uint8_t *
put_bytes(uint8_t *out, uint64_t bits, int count)
{
    for (int i = 0; i < count; i++) {
        *out++ = (uint8_t)(bits >> (8 * i));
    }
    return out;
}

/* The value times `divisor` when that is a whole number that divides back to the same
 * bits. */
static bool
whole(double value, double divisor, double limit, int64_t *n)
{
    double scaled = value * divisor;
    if (!(fabs(scaled) < limit)) {
        return false;
    }
    *n = llrint(scaled);
    /* Minus zero is equal to zero, but not the same bits. */
    return (double)*n / divisor == value && (*n != 0 || !signbit(value));
}

static enum form
choose_form(double value, int64_t *n)
{
    for (int form = FORM_INT; form <= FORM_THOUSANDTHS; form++) {
        if (whole(value, divisors[form], SHORT_INT_MAX, n)) {
            return (enum form)form;
        }
    }
    if ((double)(float)value == value) {
        return FORM_SINGLE;
    }
    return whole(value, 1, EXACT_INT_MAX, n) ? FORM_INT : FORM_DOUBLE;
}

static uint8_t *
put_value(uint8_t *out, enum form form, double value, int64_t n)
{
    uint64_t bits;
    float single = (float)value;
    uint32_t single_bits;
    if (form == FORM_SINGLE) {
        memcpy(&single_bits, &single, sizeof single_bits);
        return put_bytes(out, single_bits, 4);
    }
    if (form == FORM_DOUBLE) {
        memcpy(&bits, &value, sizeof bits);
        return put_bytes(out, bits, 8);
    }
    return put_varint(out, n);
}

size_t
frame_blob_encode(uint8_t *out, const struct blob_sample *samples, size_t count)
{
    uint8_t *at = out;
    uint32_t previous = 0;
    *at++ = FRAME_BLOB_FORMAT;
    for (size_t i = 0; i < count; i++) {
        const struct blob_sample *s = &samples[i];
        enum form form;
        int64_t n = 0;
        bool next = s->key == previous + 1u;
        assert(s->quality < QUALITY_COUNT);
        if (s->quality == QUALITY_GOOD) {
            assert(isfinite(s->value));
            form = choose_form(s->value, &n);
        } else {
            form = s->detail != 0 ? FORM_DETAIL : FORM_NONE;
        }
        *at++ = (uint8_t)((next ? TAG_NEXT : 0) | (unsigned)form << TAG_FORM_AT |
                          s->quality);
        if (!next) {
            at = put_varint(at, (int64_t)s->key - (int64_t)previous);
        }
        previous = s->key;
        if (form == FORM_DETAIL) {
            *at++ = s->detail;
        } else if (form != FORM_NONE) {
            at = put_value(at, form, s->value, n);
        }
    }
    return (size_t)(at - out);
}

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static bool
get_varint(struct cursor *c, int64_t *out)
{
    uint64_t bits = 0;
    for (int i = 0; i < VARINT_MAX && c->at < c->end; i++) {
        uint8_t byte = *c->at++;
        bits |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = (int64_t)((bits >> 1) ^ (bits & 1 ? UINT64_MAX : 0));
            return true;
        }
    }
    return false;
}

static bool
get_bytes(struct cursor *c, uint64_t *out, int count)
{
    if (c->end - c->at < count) {
        return false;
    }
    *out = 0;
    for (int i = 0; i < count; i++) {
        *out |= (uint64_t)*c->at++ << (8 * i);
    }
    return true;
}

static bool
get_value(struct cursor *c, enum form form, double *out)
{
    uint64_t bits;
    uint32_t single_bits;
    float single;
    int64_t n;
    if (form == FORM_SINGLE) {
        if (!get_bytes(c, &bits, 4)) {
            return false;
        }
        single_bits = (uint32_t)bits;
        memcpy(&single, &single_bits, sizeof single);
        *out = (double)single;
    } else if (form == FORM_DOUBLE) {
        if (!get_bytes(c, &bits, 8)) {
            return false;
        }
        memcpy(out, &bits, sizeof *out);
    } else {
        if (!get_varint(c, &n)) {
            return false;
        }
        *out = (double)n / divisors[form];
    }
    return isfinite(*out);
}

static bool
get_sample(struct cursor *c, uint32_t previous, struct blob_sample *out)
{
    uint8_t tag = *c->at++;
    enum form form = (enum form)(tag >> TAG_FORM_AT & 7);
    int64_t difference = 1;
    *out = (struct blob_sample){.quality = tag & TAG_QUALITY};
    if (out->quality >= QUALITY_COUNT ||
        (!(tag & TAG_NEXT) && !get_varint(c, &difference))) {
        return false;
    }
    if (difference < -(int64_t)previous ||
        difference > (int64_t)UINT32_MAX - (int64_t)previous) {
        return false;
    }
    out->key = (uint32_t)((int64_t)previous + difference);
    bool has_value = form != FORM_NONE && form != FORM_DETAIL;
    if (has_value != (out->quality == QUALITY_GOOD)) {
        return false;
    }
    if (form == FORM_DETAIL) {
        if (c->at == c->end) {
            return false;
        }
        out->detail = *c->at++;
    }
    return !has_value || get_value(c, form, &out->value);
}

bool
frame_blob_decode(struct blob_sample *out,
                  size_t max,
                  size_t *count,
                  const uint8_t *blob,
                  size_t size)
{
    struct cursor c = {blob, blob + size};
    uint32_t previous = 0;
    size_t found = 0;
    if (size == 0 || *c.at++ != FRAME_BLOB_FORMAT) {
        return false;
    }
    while (c.at < c.end) {
        if (found == max || !get_sample(&c, previous, &out[found])) {
            return false;
        }
        previous = out[found++].key;
    }
    *count = found;
    return true;
}
