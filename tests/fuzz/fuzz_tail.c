/* Any bytes as a tail of the history, and as a section of one whose checksums hold:
 * whatever is read is what its promises say, and can be written again. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/words.h"
#include "daemon/store/tail.h"

#define HEAD_MAX 64
/* A few bytes may stand for very many samples: so that inputs stay quick. */
#define ROWS_MAX  32
#define CELLS_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_sheet(const struct sheet *s)
{
    for (uint32_t i = 0; i < s->rows; i++) {
        assert(s->t_ms[i] <= CHUNK_TIME_MAX && s->t_ms[i] >= -CHUNK_TIME_MAX);
    }
    for (uint32_t k = 0; k < s->columns; k++) {
        assert(k == 0 || s->keys[k] > s->keys[k - 1]);
        for (uint32_t i = 0; i < s->rows; i++) {
            uint16_t status = sheet_statuses(s, k)[i];
            assert(status == CHUNK_ABSENT || CHUNK_QUALITY(status) < QUALITY_COUNT);
            assert(isfinite(sheet_values(s, k)[i]));
        }
    }
}

/* What was read is written, and read once more. */
static void
write_again(const struct sheet *s)
{
    static struct tail_writer writer;
    static struct sheet second;
    const uint8_t *bytes;
    size_t size;
    struct tail t;
    struct tail_part part = {0};
    tail_begin(&writer, s->t_ms[0], 1000);
    if (!tail_add(&writer, 1, s, 0, s->rows) || !tail_end(&writer, &bytes, &size)) {
        abort();
    }
    assert(tail_open(&t, bytes, size) && tail_next(&t, &part));
    assert(tail_read(&t, &part, &second) == TAIL_READ);
    assert(second.rows == s->rows && second.columns <= s->columns);
    assert(memcmp(second.t_ms, s->t_ms, s->rows * sizeof *s->t_ms) == 0);
}

/* One column alone is what it is among the others; what follows it may be damaged. */
static void
read_one(const struct tail *t, const struct tail_part *part, const struct sheet *all)
{
    static struct sheet one;
    uint32_t k = all->columns / 2;
    uint32_t key = all->columns > 0 ? all->keys[k] : 1;
    if (key == 0) {
        return; /* That is all of them. */
    }
    assert(tail_read_point(t, part, key, &one) == TAIL_READ);
    assert(one.rows == all->rows && one.columns == (all->columns > 0));
    assert(memcmp(one.t_ms, all->t_ms, all->rows * sizeof *all->t_ms) == 0);
    if (one.columns == 1) {
        assert(one.keys[0] == key);
        assert(memcmp(sheet_values(&one, 0), sheet_values(all, k),
                      all->rows * sizeof *all->values) == 0);
        assert(memcmp(sheet_statuses(&one, 0), sheet_statuses(all, k),
                      all->rows * sizeof *all->statuses) == 0);
    }
}

static void
read_all(const uint8_t *bytes, size_t size)
{
    static struct sheet sheet;
    struct tail t;
    struct tail_part part = {0};
    if (!tail_open(&t, bytes, size)) {
        return;
    }
    while (tail_next(&t, &part)) {
        if (tail_read(&t, &part, &sheet) == TAIL_READ) {
            check_sheet(&sheet);
            if ((uint64_t)sheet.rows * sheet.columns <= CELLS_MAX) {
                read_one(&t, &part, &sheet);
                write_again(&sheet);
            }
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t head_room[HEAD_MAX];
    struct bytes head = {.at = head_room, .capacity = HEAD_MAX};
    struct bytes out = {0};
    read_all(data, size);
    if (size < 2) {
        return 0;
    }
    /* The first two bytes say how many rows. */
    uint64_t rows = 1 + ((uint64_t)data[0] | (uint64_t)data[1] << 8) % ROWS_MAX;
    data += 2;
    size -= 2;
    bytes_varint(&head, zigzag(1000));
    bytes_varint(&head, 1000);
    bytes_varint(&head, 1);
    bytes_varint(&head, 7);
    bytes_varint(&head, rows);
    bytes_varint(&head, size + 4);
    if (!bytes_reserve(&out, 32 + HEAD_MAX + size)) {
        return 0;
    }
    bytes_fixed(&out, 'T', 1);
    bytes_fixed(&out, TAIL_VERSION, 1);
    bytes_fixed(&out, 0, 4);
    bytes_varint(&out, head.size);
    memcpy(out.at + out.size, head.at, head.size);
    out.size += head.size;
    uint32_t crc = crc32c(out.at + 6, out.size - 6);
    for (unsigned i = 0; i < 4; i++) {
        out.at[2 + i] = (uint8_t)(crc >> (8 * i));
    }
    memcpy(out.at + out.size, data, size);
    out.size += size;
    bytes_fixed(&out, crc32c(data, size), 4);
    read_all(out.at, out.size);
    bytes_free(&out);
    return 0;
}
