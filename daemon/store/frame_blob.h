/* The samples of one frame as bytes, for the history.  Pure.
 *
 *   blob    = format sample*                 format is one byte, FRAME_BLOB_FORMAT
 *   sample  = tag [key] [detail | value]
 *
 *   tag       7       6 5 4    3 2 1 0
 *        +--------+---------+----------+
 *        |  next  |  form   | quality  |     quality is enum quality
 *        +--------+---------+----------+
 *
 * With `next` set the key is the one before plus one; otherwise the difference to the
 * one before (at first: 0) follows as a zigzag varint.  A frame holds its points in
 * order, so nearly all samples have `next`.  What follows then depends on the form:
 *
 *   0  nothing: a sample that is not good
 *   1  zigzag varint n: the value is n
 *   2, 3, 4  the same: the value is n / 10, n / 100, n / 1000
 *   5  four bytes: IEEE 754 single, least significant byte first
 *   6  eight bytes: IEEE 754 double, least significant byte first
 *   7  one byte of detail: a sample that is not good, such as an exception's code
 *
 * The shortest form that reads back to the very same bits is taken: 81.2 is three
 * bytes.  A varint has seven bits a byte, low ones first, 0x80 set on all but the last.
 */
#ifndef CARETAKER_STORE_FRAME_BLOB_H
#define CARETAKER_STORE_FRAME_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BLOB_FORMAT           1
#define FRAME_BLOB_SAMPLE_BYTES_MAX 14 /* Tag, key of five bytes, double. */

struct blob_sample {
    double value; /* Finite; only when quality is good. */
    uint32_t key; /* Of the point, in the history's own table. */
    uint8_t quality;
    uint8_t detail;
};

/* `out` has room for 1 + count * FRAME_BLOB_SAMPLE_BYTES_MAX.  Returns the bytes used.
 */
size_t frame_blob_encode(uint8_t *out, const struct blob_sample *samples, size_t count);

/* False when the bytes are no such blob, or hold more than `max` samples. */
bool frame_blob_decode(struct blob_sample *out,
                       size_t max,
                       size_t *count,
                       const uint8_t *blob,
                       size_t size);

#endif
