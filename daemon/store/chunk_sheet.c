#include "daemon/store/chunk_sheet.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"

/* How many samples a column has in the rows. */
static uint32_t
samples_of(const struct sheet *s, uint32_t column, uint32_t first, uint32_t count)
{
    const uint16_t *statuses = sheet_statuses(s, column) + first;
    uint32_t samples = 0;
    for (uint32_t i = 0; i < count; i++) {
        samples += statuses[i] != CHUNK_ABSENT;
    }
    return samples;
}

int
chunk_sheet_encode(struct chunk_encoder *e,
                   const struct sheet *s,
                   uint32_t first,
                   uint32_t count,
                   chunk_scaling_fn *scaling,
                   void *ctx,
                   const uint8_t **bytes,
                   size_t *size,
                   uint64_t *samples)
{
    struct chunk_input in = {
        .rows = count, .t_ms = s->t_ms + first, .flags = s->flags + first};
    struct chunk_column *columns = calloc(s->columns + 1, sizeof *columns);
    if (columns == NULL) {
        return ERR_NOMEM;
    }
    *samples = 0;
    for (uint32_t k = 0; k < s->columns && in.columns < CHUNK_COLUMNS_MAX; k++) {
        uint32_t has = samples_of(s, k, first, count);
        if (has > 0) {
            columns[in.columns++] =
                (struct chunk_column){.key = s->keys[k],
                                      .scaling = scaling(ctx, s->keys[k]),
                                      .values = sheet_values(s, k) + first,
                                      .statuses = sheet_statuses(s, k) + first};
            *samples += has;
        }
    }
    in.column = columns;
    int rc = chunk_encode(e, &in, bytes, size);
    free(columns);
    return rc;
}

/* A column behind the others; false when it is damaged. */
static bool
read_column(const struct chunk *c,
            const struct chunk_part *part,
            const uint16_t *row_statuses,
            struct sheet *out)
{
    uint32_t k = out->columns;
    if (!chunk_values(c, part, row_statuses, sheet_values(out, k),
                      sheet_statuses(out, k))) {
        return false;
    }
    out->keys[k] = part->key;
    out->columns++;
    return true;
}

enum chunk_result
chunk_sheet_read(const uint8_t *bytes, size_t size, uint32_t key, struct sheet *out)
{
    struct chunk c;
    struct chunk_part part = {0};
    uint16_t row_statuses[CHUNK_ROWS_MAX];
    bool whole = true;
    sheet_clear(out);
    if (!chunk_open(&c, bytes, size)) {
        return CHUNK_DAMAGED;
    }
    if (!sheet_reserve(out, c.rows, key != 0 ? 1 : c.columns)) {
        return CHUNK_NOMEM;
    }
    if (!chunk_rows(&c, out->t_ms, out->flags, row_statuses)) {
        return CHUNK_DAMAGED;
    }
    out->rows = c.rows;
    if (key != 0) {
        whole =
            !chunk_find(&c, key, &part) || read_column(&c, &part, row_statuses, out);
    } else {
        while (chunk_next(&c, &part)) {
            whole = read_column(&c, &part, row_statuses, out) && whole;
        }
    }
    return whole ? CHUNK_READ : CHUNK_DAMAGED;
}
