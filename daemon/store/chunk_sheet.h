/* Sheets into chunks (chunk.h), and back.  Pure. */
#ifndef CARETAKER_STORE_CHUNK_SHEET_H
#define CARETAKER_STORE_CHUNK_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/sheet.h"

/* Scaling that the point of a key is said to have; `mul` 0: not known. */
typedef struct scaling chunk_scaling_fn(void *ctx, uint32_t key);

/* Rows [first, first + count) of the sheet, at most CHUNK_ROWS_MAX; columns without any
 * sample are left away.  0 or a chunk_encode() error; the bytes are borrowed until the
 * encoder's next call. */
int chunk_sheet_encode(struct chunk_encoder *e,
                       const struct sheet *s,
                       uint32_t first,
                       uint32_t count,
                       chunk_scaling_fn *scaling,
                       void *ctx,
                       const uint8_t **bytes,
                       size_t *size,
                       uint64_t *samples);

enum chunk_result {
    CHUNK_READ,
    CHUNK_DAMAGED, /* In part: the sheet holds what is whole, maybe nothing. */
    CHUNK_NOMEM
};
/* The chunk's rows instead of what the sheet holds.  `key` other than 0: that column
 * alone, if it has it. */
enum chunk_result
chunk_sheet_read(const uint8_t *bytes, size_t size, uint32_t key, struct sheet *out);

#endif
