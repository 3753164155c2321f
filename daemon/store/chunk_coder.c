#include "daemon/store/chunk_coder.h"

/* 65536 / (n + 1.6), in integers. */
#define SHARE(n)    (uint16_t)(65536 * 5 / (5 * (n) + 8))
#define SHARES4(n)  SHARE(n), SHARE((n) + 1), SHARE((n) + 2), SHARE((n) + 3)
#define SHARES16(n) SHARES4(n), SHARES4((n) + 4), SHARES4((n) + 8), SHARES4((n) + 12)

const uint16_t coder_shares[CODER_SEEN_MAX + 1] = {
    SHARES16(0),  SHARES16(16), SHARES16(32), SHARES16(48),
    SHARES16(64), SHARES16(80), SHARES16(96), SHARES16(112)};

#define SHIFT_BYTES 4
#define LOW_BYTES   8

void
coder_write(struct coder *c, uint8_t *out, size_t capacity)
{
    *c = (struct coder){
        .range = UINT64_MAX, .out = out, .out_begin = out, .out_end = out + capacity};
}

void
coder_carry(struct coder *c)
{
    uint8_t *at = c->out;
    /* The number is below 1, so that a byte which takes the carry is always there;
     * not so once the output was begun anew because it is full. */
    while (at > c->out_begin && ++*--at == 0) {
    }
}

static void
put_byte(struct coder *c, uint8_t byte)
{
    if (c->out == c->out_end) {
        c->full = true;
        c->out = c->out_begin;
    }
    if (c->out < c->out_end) {
        *c->out++ = byte;
    }
}

void
coder_shift_out(struct coder *c)
{
    for (int i = 0; i < SHIFT_BYTES; i++) {
        put_byte(c, (uint8_t)(c->low >> (56 - 8 * i)));
    }
    c->low <<= 32;
    c->range <<= 32;
}

/* Of the numbers in the interval, the one with the fewest bytes. */
size_t
coder_end(struct coder *c)
{
    uint64_t number = c->low;
    int bytes = 0;
    for (; bytes < LOW_BYTES; bytes++) {
        uint64_t rest = UINT64_MAX >> (8 * bytes);
        number = (c->low + rest) & ~rest;
        if (number - c->low < c->range) {
            break;
        }
    }
    if (bytes == LOW_BYTES) {
        number = c->low;
    }
    if (number < c->low) {
        coder_carry(c);
    }
    for (int i = 0; i < bytes; i++) {
        put_byte(c, (uint8_t)(number >> (56 - 8 * i)));
    }
    while (c->out > c->out_begin && c->out[-1] == 0) {
        c->out--;
    }
    return (size_t)(c->out - c->out_begin);
}

uint32_t
coder_last_word(const uint8_t *in, const uint8_t *in_end)
{
    uint32_t word = 0;
    for (int i = 0; i < SHIFT_BYTES; i++) {
        word = word << 8 | (in < in_end ? *in++ : 0);
    }
    return word;
}

void
coder_read(struct coder *c, const uint8_t *bytes, size_t size)
{
    *c = (struct coder){.range = UINT64_MAX, .in = bytes, .in_end = bytes + size};
    for (int i = 0; i < LOW_BYTES; i++) {
        c->low = c->low << 8 | (c->in < c->in_end ? *c->in++ : 0);
    }
}
