/* The rows of a chunk: their times, flags and statuses, as chunk.h lays them out. */
#ifndef CARETAKER_STORE_CHUNK_ROWS_H
#define CARETAKER_STORE_CHUNK_ROWS_H

#include "daemon/store/chunk.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_coder.h"

/* Times on a grid; what the encoder works out. */
struct rows_plan {
    bool runs;    /* There are flags or statuses other than 0. */
    bool follows; /* The grid follows the rows. */
    int64_t period;
    unsigned predictor;
    int64_t steps[CHUNK_ROWS_MAX];
    int64_t phases[CHUNK_ROWS_MAX];
    uint32_t states[CHUNK_ROWS_MAX]; /* Flags * 65536 + status. */
};

/* `states` is filled already.  Times are in range. */
void rows_plan(struct rows_plan *plan, const int64_t *t_ms, uint32_t rows);
/* Needs room for 1 + 2 * VARINT_BYTES_MAX + 1 bytes. */
void rows_put_head(struct bytes *out, const struct rows_plan *plan, int64_t first);
void rows_put(const struct rows_plan *plan, uint32_t rows, struct coder *c);

/* The whole part but its checksum; any bytes.  False when a time is out of range. */
bool rows_get(const uint8_t *bytes,
              size_t size,
              uint32_t rows,
              int64_t *t_ms,
              uint16_t *flags,
              uint16_t *row_statuses);

#endif
