/* Chunks: some hours of one device's samples as bytes, in columns, without loss.  Pure:
 * no I/O, no clock; damaged and hostile bytes are found, and safe to read.
 *
 * A row is one frame: its time, its flags, and of each point that it has a status (why
 * the value is good or not) and, if good, a value.  Times need no order.
 *
 *   chunk   = 'K' version crc size head rows column*
 *     version  one byte, CHUNK_VERSION
 *     crc      4 bytes: CRC-32C of `size` and `head`
 *     size     varint: bytes of `head`
 *   head    = rows columns rows_size (key size)*
 *     all varints: how many rows; how many columns; bytes of `rows`; of each column its
 *     key, the first as it is, then how far it is above the one before, less 1; and its
 *     bytes
 *   rows    = form first period [predictor] stream crc
 *   column  = values [stream] crc
 *     crc      4 bytes: CRC-32C of what stands before it in this part
 *
 * Numbers have their least significant byte first; varints, zigzags: chunk_bytes.h.
 * Parts are found by adding up sizes: a column is read without the others.
 *
 * rows: form is one byte, bit 0: there are flags or statuses other than 0; bit 1: the
 * grid follows the rows.  first: zigzag of the first time, UTC ms.  period: varint, ms.
 * predictor: one byte, of the series of phases.  The stream (chunk_coder.h) is
 *   [flags * 65536 + row status of each row, as runs (chunk_runs.h)]
 *   then of each row behind the first
 *     steps == 1?, by whether the row before was; else zigzag(steps) as a number
 *     phase, as the next value of a series (chunk_series.h) whose first is 0
 * With grid = the first time before the first row, then: time = grid + steps * period +
 * phase; the next grid is grid + steps * period, or, where it follows, this time.
 *
 * A status is detail * 256 + quality (enum quality); a row status is the one that most
 * of its points have.  Bit 7 of a column's head (chunk_values.h) is set where a row has
 * not the column's point, or it has another status: its stream then begins with runs of
 * 0: as the row; 65536 (CHUNK_RUN_ABSENT): not there; else status + 1.  Values are
 * those of the rows whose status is good, one behind the other.
 *
 * What it costs, and why it is no general compressor: bench_chunk prints the table.  On
 * 200 mixed series values take 0.22 bytes a sample, deltas through zstd 0.27 to 0.30:
 * noise has no repetitions to find, only a distribution to learn. */
#ifndef CARETAKER_STORE_CHUNK_H
#define CARETAKER_STORE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"
#include "daemon/model/words.h"

#define CHUNK_VERSION     1
#define CHUNK_ROWS_MAX    8192 /* More gains nothing, and a reader keeps them all. */
#define CHUNK_COLUMNS_MAX DEVICE_POINTS_MAX
#define CHUNK_ABSENT      0xffffu /* The status where a row has not the point. */
#define CHUNK_TIME_MAX    (INT64_C(1) << 50) /* 35,000 years either side of 1970. */

#define CHUNK_STATUS(quality, detail)                                                  \
    ((uint16_t)((unsigned)(detail) << 8 | (unsigned)(quality)))
#define CHUNK_QUALITY(status) ((enum quality)((status)&0xff))
#define CHUNK_DETAIL(status)  ((uint8_t)((status) >> 8))

/* What is encoded; everything is borrowed. */
struct chunk_column {
    uint32_t key;           /* Of the point, in the history's own table. */
    struct scaling scaling; /* Said of the point, a hint; mul 0: not known. */
    const double *values;   /* By row; any bits, looked at where the status is good. */
    const uint16_t *statuses;
};
struct chunk_input {
    uint32_t rows; /* 1..CHUNK_ROWS_MAX */
    uint32_t columns;
    const int64_t *t_ms;
    const uint16_t *flags;             /* enum FRAME_...; NULL: all 0. */
    const struct chunk_column *column; /* By key, each once. */
};

/* Works in about 400 KB of memory, and two chunks' bytes. */
struct chunk_encoder;
/* NULL without memory. */
struct chunk_encoder *chunk_encoder_new(void);
void chunk_encoder_free(struct chunk_encoder *e); /* NULL is accepted. */
/* 0; ERR_NOMEM; ERR_RANGE: a time beyond CHUNK_TIME_MAX.  The bytes are borrowed until
 * the next call. */
int chunk_encode(struct chunk_encoder *e,
                 const struct chunk_input *in,
                 const uint8_t **bytes,
                 size_t *size);

struct chunk {
    const uint8_t *bytes; /* Borrowed. */
    size_t size;
    uint32_t rows, columns;
    size_t directory; /* Where keys and sizes begin, */
    size_t rows_at, rows_size;
};
/* One column; the next one is behind it. */
struct chunk_part {
    uint32_t key;
    size_t at, size;  /* Of its bytes. */
    size_t directory; /* Where the next one's entry begins. */
    uint32_t index;   /* Of the next one. */
};

/* The head.  False when it is damaged or of another version. */
bool chunk_open(struct chunk *out, const uint8_t *bytes, size_t size);
/* The first column, of a zeroed part, and each next.  False behind the last. */
bool chunk_next(const struct chunk *c, struct chunk_part *part);
/* False when it has no such column. */
bool chunk_find(const struct chunk *c, uint32_t key, struct chunk_part *part);

/* These read parts of an opened chunk into arrays of `rows` elements.  False when the
 * part is damaged; the arrays then hold anything, and other parts may be whole. */
bool chunk_rows(const struct chunk *c,
                int64_t *t_ms,
                uint16_t *flags,
                uint16_t *row_statuses);
/* `row_statuses` as chunk_rows() gave them.  Where there is no good value it is 0. */
bool chunk_values(const struct chunk *c,
                  const struct chunk_part *part,
                  const uint16_t *row_statuses,
                  double *values,
                  uint16_t *statuses);

#endif
