/* Bytes of a chunk, written and read: numbers least significant byte first; varints of
 * seven bits a byte, low ones first, 0x80 set on all but the last; signed ones zigzag
 * (0, -1, 1, -2, ...).  Reading never passes the end. */
#ifndef CARETAKER_STORE_CHUNK_BYTES_H
#define CARETAKER_STORE_CHUNK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_BYTES_MAX 10

/* Grows as it is written; zeroed at first, freed by bytes_free(). */
struct bytes {
    uint8_t *at;
    size_t size, capacity;
};
void bytes_free(struct bytes *b);
/* Room for `more` bytes behind `size`.  False without memory. */
bool bytes_reserve(struct bytes *b, size_t more);
/* These need room: up to VARINT_BYTES_MAX, or `count`. */
void bytes_varint(struct bytes *b, uint64_t value);
void bytes_fixed(struct bytes *b, uint64_t value, unsigned count);

struct cursor {
    const uint8_t *at, *end;
};
/* False at the end of the bytes, and for a varint of more than 64 bits. */
bool cursor_varint(struct cursor *c, uint64_t *out);
bool cursor_fixed(struct cursor *c, uint64_t *out, unsigned count);

static inline uint64_t
zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t
unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

/* CRC-32C (Castagnoli) as in RFC 3720, appendix B.4. */
uint32_t crc32c(const uint8_t *bytes, size_t size);

#endif
