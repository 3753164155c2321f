/* The newest samples of many devices as one piece of bytes: what a flush writes, before
 * chunks take over.  Pure.
 *
 * The same columns as in chunks (chunk.h), but for a few rows of very many points: all
 * of them are one stream and share what is learnt, so nothing is spent on each point to
 * learn it anew, nor on offsets and checksums.  It is read from its beginning only.
 *
 *   tail    = 'T' version crc stream
 *     version  one byte, CHUNK_TAIL_VERSION
 *     crc      4 bytes, least significant first: CRC-32C of the stream
 *   stream  (chunk_coder.h) =
 *     (1 group)* 0                  a bit before each group, with a chance
 *   group   = rows columns head(rows) rows  (key head(column) column)*
 *     rows, columns, key: numbers (chunk_series.h); key as in a chunk, each with
 * chances of its own head: a number, its size; then its bytes as they stand in a chunk,
 * bit by bit from the highest, each by the byte's place (up to 15; of rows up to 15,
 * too, apart) and the bits of it before rows, column: as the streams in a chunk,
 * chances not begun anew */
#ifndef CARETAKER_STORE_CHUNK_TAIL_H
#define CARETAKER_STORE_CHUNK_TAIL_H

#include "daemon/store/chunk.h"

#define CHUNK_TAIL_VERSION 1

/* Works in about 450 KB of memory, and the tail's bytes twice. */
struct chunk_tail_writer;
/* NULL without memory. */
struct chunk_tail_writer *chunk_tail_writer_new(void);
void chunk_tail_writer_free(struct chunk_tail_writer *w); /* NULL is accepted. */
void chunk_tail_begin(struct chunk_tail_writer *w);
/* A group: some rows of a device.  0; ERR_NOMEM; ERR_RANGE as chunk_encode().  After a
 * failure the tail is as it was before. */
int chunk_tail_add(struct chunk_tail_writer *w, const struct chunk_input *in);
/* Borrowed until the next call.  0 or ERR_NOMEM. */
int chunk_tail_end(struct chunk_tail_writer *w, const uint8_t **bytes, size_t *size);

struct chunk_tail_reader;
struct chunk_tail_reader *chunk_tail_reader_new(void); /* NULL without memory. */
void chunk_tail_reader_free(struct chunk_tail_reader *r);
/* `bytes` is borrowed while it is read.  False when they are damaged or of another
 * version. */
bool chunk_tail_open(struct chunk_tail_reader *r, const uint8_t *bytes, size_t size);

enum chunk_tail_found { CHUNK_TAIL_GROUP, CHUNK_TAIL_END, CHUNK_TAIL_DAMAGED };
struct chunk_tail_group { /* The reader's; until the next group. */
    uint32_t rows, columns;
    const int64_t *t_ms;
    const uint16_t *flags;
};
/* Steps over what is left of the group before. */
enum chunk_tail_found chunk_tail_next(struct chunk_tail_reader *r,
                                      struct chunk_tail_group *out);
struct chunk_tail_column { /* The reader's; until the next column. */
    uint32_t key;
    const double *values; /* 0 where it is not good. */
    const uint16_t *statuses;
};
/* The next column of the group: GROUP while there is one, END behind the last. */
enum chunk_tail_found chunk_tail_column(struct chunk_tail_reader *r,
                                        struct chunk_tail_column *out);

#endif
