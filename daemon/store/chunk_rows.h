/* The rows of a chunk: their times, flags and statuses, as chunk.h lays them out. */
#ifndef CARETAKER_STORE_CHUNK_ROWS_H
#define CARETAKER_STORE_CHUNK_ROWS_H

#include "daemon/store/chunk.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_coder.h"
#include "daemon/store/chunk_runs.h"

/* Times on a grid; what the encoder works out. */
struct chunk_rows_plan {
    bool runs;    /* There are flags or statuses other than 0. */
    bool follows; /* The grid follows the rows. */
    int64_t period;
    unsigned predictor;
    int64_t steps[CHUNK_ROWS_MAX];
    int64_t phases[CHUNK_ROWS_MAX];
    uint32_t states[CHUNK_ROWS_MAX]; /* Flags * 65536 + status. */
};

/* What a stream of rows learns. */
struct chunk_rows_chances {
    struct chance is_one[2];
    struct chance lengths[NUMBER_CHANCES];
    struct chunk_series_chances phases;
    struct chunk_runs runs;
};
void chunk_rows_chances_reset(struct chunk_rows_chances *chances);

/* `states` is filled already.  Times are in range. */
void chunk_rows_plan(struct chunk_rows_plan *plan, const int64_t *t_ms, uint32_t rows);
/* Needs room for 1 + 2 * VARINT_BYTES_MAX + 1 bytes. */
void chunk_rows_put_head(struct bytes *out,
                         const struct chunk_rows_plan *plan,
                         int64_t first);
void chunk_rows_put(const struct chunk_rows_plan *plan,
                    uint32_t rows,
                    struct coder *c,
                    struct chunk_rows_chances *chances);

struct chunk_rows_reader {
    bool runs, follows;
    int64_t first, period;
    unsigned predictor;
};
/* Leaves `c` at the stream.  False when it is damaged. */
bool chunk_rows_get_head(struct chunk_rows_reader *r, struct cursor *c);
/* False when a status is none or a time is out of range. */
bool chunk_rows_get(const struct chunk_rows_reader *r,
                    uint32_t rows,
                    struct coder *c,
                    struct chunk_rows_chances *chances,
                    int64_t *t_ms,
                    uint16_t *flags,
                    uint16_t *row_statuses);

#endif
