/* Any bytes as a chunk of the history.  Checksums are made to hold, so that what stands
 * behind them is read too; what is read must encode and read again to the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/chunk_bytes.h"

#define ROWS_MAX    512 /* Larger ones only take longer. */
#define COLUMNS_MAX 4
#define HEAD_AT     6 /* What the first checksum covers; see chunk.h. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_crc(uint8_t *at, const uint8_t *bytes, size_t size)
{
    struct bytes out = {.at = at};
    bytes_fixed(&out, crc32c(bytes, size), 4);
}

/* Whether it then opens. */
static bool
mend(uint8_t *bytes, size_t size, struct chunk *c)
{
    struct chunk_part part = {0};
    struct cursor head = {bytes + HEAD_AT, bytes + size};
    uint64_t head_size;
    if (size < HEAD_AT || !cursor_varint(&head, &head_size) ||
        head_size > (size_t)(head.end - head.at)) {
        return false;
    }
    put_crc(bytes + 2, bytes + HEAD_AT,
            (size_t)(head.at - bytes) - HEAD_AT + (size_t)head_size);
    if (!chunk_open(c, bytes, size) || c->rows > ROWS_MAX || c->columns > COLUMNS_MAX) {
        return false;
    }
    put_crc(bytes + c->rows_at + c->rows_size - 4, bytes + c->rows_at,
            c->rows_size - 4);
    while (chunk_next(c, &part)) {
        put_crc(bytes + part.at + part.size - 4, bytes + part.at, part.size - 4);
    }
    return true;
}

struct decoded {
    int64_t t_ms[ROWS_MAX];
    uint16_t flags[ROWS_MAX], row_statuses[ROWS_MAX];
    double values[COLUMNS_MAX][ROWS_MAX];
    uint16_t statuses[COLUMNS_MAX][ROWS_MAX];
    uint32_t keys[COLUMNS_MAX];
    uint32_t columns; /* That could be read. */
};

static bool
decode(struct decoded *d, const struct chunk *c)
{
    struct chunk_part part = {0};
    memset(d, 0, sizeof *d);
    if (!chunk_rows(c, d->t_ms, d->flags, d->row_statuses)) {
        return false;
    }
    while (chunk_next(c, &part)) {
        uint32_t k = d->columns;
        if (chunk_values(c, &part, d->row_statuses, d->values[k], d->statuses[k])) {
            d->keys[k] = part.key;
            d->columns++;
        }
    }
    return true;
}

static void
encode_again(const struct decoded *first, const struct chunk *c)
{
    static struct decoded second;
    struct chunk_column columns[COLUMNS_MAX];
    struct chunk again;
    const uint8_t *bytes;
    size_t size;
    struct chunk_encoder *e = chunk_encoder_new();
    for (uint32_t k = 0; k < first->columns; k++) {
        columns[k] = (struct chunk_column){.key = first->keys[k],
                                           .scaling = {1, 0, 10},
                                           .values = first->values[k],
                                           .statuses = first->statuses[k]};
    }
    const struct chunk_input in = {.rows = c->rows,
                                   .columns = first->columns,
                                   .t_ms = first->t_ms,
                                   .flags = first->flags,
                                   .column = columns};
    if (e == NULL || chunk_encode(e, &in, &bytes, &size) != 0 ||
        !chunk_open(&again, bytes, size) || !decode(&second, &again)) {
        abort();
    }
    assert(second.columns == first->columns);
    assert(memcmp(second.t_ms, first->t_ms, sizeof first->t_ms) == 0);
    assert(memcmp(second.flags, first->flags, sizeof first->flags) == 0);
    for (uint32_t k = 0; k < first->columns; k++) {
        size_t rows = c->rows;
        assert(memcmp(second.values[k], first->values[k], rows * sizeof(double)) == 0);
        assert(memcmp(second.statuses[k], first->statuses[k],
                      rows * sizeof(uint16_t)) == 0);
    }
    chunk_encoder_free(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoded first;
    struct chunk c;
    uint8_t *bytes = malloc(size + (size == 0));
    if (bytes == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    if (mend(bytes, size, &c) && decode(&first, &c)) {
        encode_again(&first, &c);
    }
    free(bytes);
    return 0;
}
