/* The entropy coder of chunks: adaptive binary range coding.  Pure; integers only, so
 * every machine writes the same bytes.
 *
 * The stream is one number, most significant byte first; bytes of zero at its end are
 * left away, and a reader that runs past the end reads zeros.  Coding narrows an
 * interval [low, low + range) of 64 bits, at first 0 and 2^64 - 1:
 *
 *   a bit whose chance of being 1 is p / 65536, p held within 24..65512:
 *       bound = (range >> 16) * p;  1 keeps the first `bound` of it, 0 the rest
 *   n even bits (n <= 16), as a number v:
 *       range = range >> n;  low = low + v * range
 *
 * and while range < 2^32 the upper 32 bits of low leave for the stream, and both are
 * shifted up by 32.  A carry out of low goes into the bytes written before.
 *
 * A chance is learnt.  It begins at 32768 of 65536; the n-th bit that it is used for
 * (from 0) moves it by ((bit ? 65535 : 0) - chance) * share / 65536, rounded down, with
 * share = 65536 * 5 / (5 * n + 8), rounded down, n at most 127.  A bit that has two of
 * them is coded by their mean, rounded down, and both learn. */
#ifndef CARETAKER_STORE_CHUNK_CODER_H
#define CARETAKER_STORE_CHUNK_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODER_SEEN_MAX 127 /* Bits after which a chance learns no slower. */
#define CODER_EVEN     16  /* Most even bits at a time. */
#define CODER_EVEN_FEW 4
#define CODER_INLINE   static inline __attribute__((always_inline))

struct coder {
    uint64_t low;   /* Reading: how far the stream's number is above low. */
    uint64_t range; /* At least 2^32 between two calls. */
    const uint8_t *in, *in_end;
    uint8_t *out, *out_begin, *out_end;
    bool full; /* `out` was too small: what was written is of no use. */
};

/* The chance of a 1 in 65536ths, never 0 nor 65536; and how often it was met. */
struct chance {
    uint16_t one;
    uint16_t seen;
};

void coder_write(struct coder *c, uint8_t *out, size_t capacity);
/* Ends the stream; the bytes that it has.  With `full` set: any number. */
size_t coder_end(struct coder *c);
/* Any bytes are safe to read.  `bytes` is borrowed while it is read. */
void coder_read(struct coder *c, const uint8_t *bytes, size_t size);

/* Shares of 65536 by which a chance moves. */
extern const uint16_t coder_shares[CODER_SEEN_MAX + 1];

/* Out of line: one time in 32 bits of output. */
void coder_shift_out(struct coder *c);
void coder_carry(struct coder *c);
/* What is left of the stream, less than 4 bytes, as if zeros followed. */
uint32_t coder_last_word(const uint8_t *in, const uint8_t *in_end);

/* Does not give the coder's address away: a copy of it may live in registers. */
CODER_INLINE void
coder_shift_in(struct coder *c)
{
    uint32_t word;
    if (__builtin_expect(c->in_end - c->in < 4, 0)) {
        word = coder_last_word(c->in, c->in_end);
        c->in = c->in_end;
    } else {
        word = (uint32_t)c->in[0] << 24 | (uint32_t)c->in[1] << 16 |
               (uint32_t)c->in[2] << 8 | c->in[3];
        c->in += 4;
    }
    c->low = c->low << 32 | word;
    c->range <<= 32;
}

static inline void
chances_reset(struct chance *chances, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        chances[i] = (struct chance){.one = 32768};
    }
}

CODER_INLINE void
chance_learn(struct chance *a, bool bit)
{
    int32_t target = bit ? 65535 : 0;
    a->one = (uint16_t)(a->one + (((target - a->one) * coder_shares[a->seen]) >> 16));
    a->seen = (uint16_t)(a->seen + (a->seen < CODER_SEEN_MAX));
}

CODER_INLINE void
coder_add(struct coder *c, uint64_t amount)
{
    c->low += amount;
    if (__builtin_expect(c->low < amount, 0)) {
        coder_carry(c);
    }
}

/* Codes `bit`, or returns what stands in the stream; `decode` is a constant. */
CODER_INLINE bool
coder_bit_of(struct coder *c, uint32_t one, bool bit, const bool decode)
{
    one = one < 24 ? 24 : one > 65512 ? 65512 : one;
    uint64_t bound = (c->range >> 16) * one;
    if (decode) {
        bit = c->low < bound;
    }
    if (bit) {
        c->range = bound;
    } else {
        c->range -= bound;
        if (decode) {
            c->low -= bound;
        } else {
            coder_add(c, bound);
        }
    }
    if (__builtin_expect(c->range < UINT64_C(1) << 32, 0)) {
        if (decode) {
            coder_shift_in(c);
        } else {
            coder_shift_out(c);
        }
    }
    return bit;
}

CODER_INLINE bool
coder_bit(struct coder *c, struct chance *a, bool bit, const bool decode)
{
    bit = coder_bit_of(c, a->one, bit, decode);
    chance_learn(a, bit);
    return bit;
}

/* By the mean of two chances, which both learn. */
CODER_INLINE bool
coder_bit_two(
    struct coder *c, struct chance *a, struct chance *b, bool bit, const bool decode)
{
    bit = coder_bit_of(c, ((uint32_t)a->one + b->one) >> 1, bit, decode);
    chance_learn(a, bit);
    chance_learn(b, bit);
    return bit;
}

/* `count` bits that are as likely 0 as 1; at most CODER_EVEN. */
CODER_INLINE uint32_t
coder_even(struct coder *c, uint32_t value, unsigned count, const bool decode)
{
    c->range >>= count;
    if (decode) {
        if (count <= CODER_EVEN_FEW) { /* Quicker than to divide. */
            value = 0;
            for (unsigned i = count; i-- > 0;) {
                uint64_t part = c->low >= c->range << i ? c->range << i : 0;
                value |= (uint32_t)(part != 0) << i;
                c->low -= part;
            }
        } else {
            uint64_t found = c->low / c->range;
            uint32_t most = (1u << count) - 1;
            value = found > most ? most : (uint32_t)found; /* More: damaged. */
            c->low -= value * c->range;
        }
    } else {
        coder_add(c, value * c->range);
    }
    if (__builtin_expect(c->range < UINT64_C(1) << 32, 0)) {
        if (decode) {
            coder_shift_in(c);
        } else {
            coder_shift_out(c);
        }
    }
    return value;
}

/* The same for up to 64 bits. */
CODER_INLINE uint64_t
coder_even_long(struct coder *c, uint64_t value, unsigned count, const bool decode)
{
    uint64_t found = 0;
    while (count > 0) {
        unsigned part = count < CODER_EVEN ? count : CODER_EVEN;
        count -= part;
        uint32_t bits = (uint32_t)(value >> count) & ((1u << part) - 1);
        found = found << part | coder_even(c, bits, part, decode);
    }
    return found;
}

#endif
