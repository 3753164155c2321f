/* The hot tail of the history: what all devices gave since the last flush, as bytes
 * that cost little.  A few rows of each device, then of the next; each can be read
 * without the others.  Pure: no I/O, no clock; damaged and hostile bytes are found, and
 * safe to read.
 *
 *   tail     = 'T' version crc size head section*
 *     version  one byte, TAIL_VERSION
 *     crc      4 bytes: CRC-32C of `size` and `head`
 *     size     varint: bytes of `head`
 *   head     = base period count (device rows size)*
 *     base: zigzag, UTC ms; period: varint, ms, the usual one between two polls; count:
 *     varint, how many sections; of each, varints: the device's key less that of the
 *     section before (at first: 0), its rows, its bytes
 *   section  = stream crc
 *     crc      4 bytes: CRC-32C of `stream`
 *
 * Numbers have their least significant byte first; varints, zigzags: chunk_bytes.h.
 * The stream (chunk_coder.h) holds, where "bit" is one by a chance of its own, "number"
 * is number_code() (chunk_series.h) and "tree of n" n bits, the highest first, each by
 * the chance at 1, then 1 and the bits before it:
 *
 *   number: how many columns;  of each: the key less 1 more than the one before (at
 *     first: 0) is 0? (bit), else that as a number
 *   number: zigzag of the first time less base;  bit: the period is that of the head;
 *     else it as a number
 *   of each row behind the first: steps == 1? (bit), else zigzag(steps) as a number
 *   a series of phases behind the first, which is 0;  time = grid + phase, grid = the
 *     first time, and for each row steps * period more
 *   bit: plain, that is all flags are 0 and all samples there and good; else
 *     of each row: its flags are those of the row before (bit; at first 0), else 16
 *     even bits;  and of each of its samples the status: that of the column's row
 *     before (bit, by whether the sample before in the row said so; at first good);
 *     else that of the sample before in the row (bit); else 16 even bits
 *   of each column that has good values:
 *     bit: the form is that of the column before (at first 0); else a tree of 4
 *     bit: near the column before;  number: zigzag of the first integer less (that
 *       column's first integer, or 0)
 *     a series of the others
 *
 * A series of integers x[0], x[1], ...:  nothing where there is no x[1]; else
 *   tree of 6: class c;  c == 0: all are x[0].  Else tree of 2: mode, and of each
 *   r = x[i] - p:
 *     mode 0: p = x[i-1];  1: p = x[i-1] and x[i-2] in the middle, rounded down;
 *     2: p = 2 x[i-1] - x[i-2];  3: p = x[0]   (x[-1] is x[0]; all in 64 bits,
 * wrapping) k = c - 4, at least 0;  |r| >> k in unary: each step by its number and c,
 * after TAIL_STEPS of them the rest as a number;  k even bits;  sign by a bit of c's
 * where r is not 0
 *
 * Forms, by n, the integer:  0..6 n / 10^form;  7..9 n * 10^-(form - 6);  10..13 n /
 * 10^(form - 9), rounded to single precision;  14, 15 the bits of an IEEE 754 single,
 * double, all but the sign flipped where it is set, so that they are in order.
 *
 * A section begins with chances that were found to be usual (learn_usual()), which are
 * part of the format: five rows are too few to learn from. */
#ifndef CARETAKER_STORE_TAIL_H
#define CARETAKER_STORE_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/chunk_bytes.h"
#include "daemon/store/sheet.h"

#define TAIL_VERSION   1
#define TAIL_CELLS_MAX (1u << 18) /* Of a section: what a reader holds at a time. */
#define TAIL_ROWS_MAX  (1u << 17) /* The same, where there are few columns. */
#define TAIL_STEPS     12

/* A zeroed one is ready. */
struct tail_writer {
    struct bytes directory, body, whole;
    int64_t base_ms, period_ms;
    uint32_t sections, last_device;
    int64_t *ints; /* Of a column. */
    size_t ints_room;
};
void tail_writer_free(struct tail_writer *w);
void tail_begin(struct tail_writer *w, int64_t base_ms, int64_t period_ms);
/* Rows [first, first + count) of the sheet, at least one, within TAIL_CELLS_MAX and
 * TAIL_ROWS_MAX, their times within CHUNK_TIME_MAX.  Devices come in order; one may
 * come several times.  Columns without any sample are left away.  False without memory.
 */
bool tail_add(struct tail_writer *w,
              uint32_t device,
              const struct sheet *s,
              uint32_t first,
              uint32_t count);
/* The bytes are borrowed until the next call.  False without memory. */
bool tail_end(struct tail_writer *w, const uint8_t **bytes, size_t *size);

struct tail {
    const uint8_t *bytes; /* Borrowed. */
    size_t size;
    int64_t base_ms, period_ms;
    uint32_t sections;
    size_t directory, body; /* Where they begin. */
};
/* One section; the next one is behind it. */
struct tail_part {
    uint32_t device, rows;
    size_t at, size;
    size_t directory; /* Where the next one's entry begins. */
    uint32_t index;   /* Of the next one. */
};
/* The head.  False when it is damaged or of another version. */
bool tail_open(struct tail *out, const uint8_t *bytes, size_t size);
/* The first section, of a zeroed part, and each next.  False behind the last. */
bool tail_next(const struct tail *t, struct tail_part *part);

enum tail_result { TAIL_READ, TAIL_DAMAGED, TAIL_NOMEM };
/* The section's rows instead of what the sheet holds. */
enum tail_result
tail_read(const struct tail *t, const struct tail_part *part, struct sheet *out);
/* The same; `key` other than 0: that column alone, if the section has it. */
enum tail_result tail_read_point(const struct tail *t,
                                 const struct tail_part *part,
                                 uint32_t key,
                                 struct sheet *out);

#endif
