#include "daemon/store/chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_inside.h"

#define MAGIC         'K'
#define CRC_AT        2
#define CRC_BYTES     4
#define SIZE_AT       (CRC_AT + CRC_BYTES)
#define ROWS_HEAD_MAX (2 + 2 * VARINT_BYTES_MAX)
#define STREAM_SLACK  64 /* Of a stream's first guess, beside its values. */

struct chunk_encoder {
    struct bytes body; /* Rows and columns. */
    struct bytes whole;
    struct chunk_work work;
    struct chunk_chances chances;
    size_t sizes[CHUNK_COLUMNS_MAX];
};

struct chunk_encoder *
chunk_encoder_new(void)
{
    return calloc(1, sizeof(struct chunk_encoder));
}

void
chunk_encoder_free(struct chunk_encoder *e)
{
    if (e != NULL) {
        bytes_free(&e->body);
        bytes_free(&e->whole);
        free(e);
    }
}

static bool
put_crc(struct bytes *out, size_t from)
{
    uint32_t crc = crc32c(out->at + from, out->size - from);
    if (!bytes_reserve(out, CRC_BYTES)) {
        return false;
    }
    bytes_fixed(out, crc, CRC_BYTES);
    return true;
}

/* The stream of the rows, or of a column; again if it did not fit. */
static bool
put_stream(struct chunk_encoder *e, uint32_t rows, bool column)
{
    size_t room = 2 * (size_t)rows + STREAM_SLACK;
    for (;; room *= 2) {
        struct coder c;
        if (!bytes_reserve(&e->body, room)) {
            return false;
        }
        coder_write(&c, e->body.at + e->body.size, room);
        if (column) {
            chunk_values_chances_reset(&e->chances.values);
            chunk_runs_init(&e->chances.runs);
            chunk_put_column(&e->work, rows, &c, &e->chances);
        } else {
            chunk_rows_chances_reset(&e->chances.rows);
            chunk_rows_put(&e->work.rows, rows, &c, &e->chances.rows);
        }
        size_t size = coder_end(&c);
        if (!c.full) {
            e->body.size += size;
            return true;
        }
    }
}

static bool
put_rows(struct chunk_encoder *e, const struct chunk_input *in)
{
    if (!bytes_reserve(&e->body, ROWS_HEAD_MAX)) {
        return false;
    }
    chunk_rows_put_head(&e->body, &e->work.rows, in->t_ms[0]);
    return put_stream(e, in->rows, false) && put_crc(&e->body, 0);
}

static bool
put_column(struct chunk_encoder *e,
           const struct chunk_input *in,
           const struct chunk_column *k)
{
    size_t from = e->body.size;
    chunk_plan_column(&e->work, in, k);
    return chunk_values_put_head(&e->body, &e->work.values, e->work.good,
                                 e->work.runs) &&
           put_stream(e, in->rows, true) && put_crc(&e->body, from);
}

static bool
put_head(struct bytes *out, const struct chunk_encoder *e, const struct chunk_input *in)
{
    uint32_t next = 0;
    size_t rows_size = e->body.size;
    for (uint32_t i = 0; i < in->columns; i++) {
        rows_size -= e->sizes[i];
    }
    out->size = 0;
    if (!bytes_reserve(out, (3 + 2 * (size_t)in->columns) * VARINT_BYTES_MAX)) {
        return false;
    }
    bytes_varint(out, in->rows);
    bytes_varint(out, in->columns);
    bytes_varint(out, rows_size);
    for (uint32_t i = 0; i < in->columns; i++) {
        assert(i == 0 || in->column[i].key >= next);
        bytes_varint(out, in->column[i].key - next);
        bytes_varint(out, e->sizes[i]);
        next = in->column[i].key + 1;
    }
    return true;
}

/* Everything into e->whole, where the head stands already. */
static bool
put_whole(struct chunk_encoder *e)
{
    struct bytes *out = &e->whole;
    size_t head_size = out->size;
    size_t before = SIZE_AT + VARINT_BYTES_MAX;
    if (!bytes_reserve(out, before + e->body.size)) {
        return false;
    }
    memmove(out->at + before, out->at, head_size);
    out->size = 0;
    bytes_fixed(out, MAGIC, 1);
    bytes_fixed(out, CHUNK_VERSION, 1);
    bytes_fixed(out, 0, CRC_BYTES);
    bytes_varint(out, head_size);
    memmove(out->at + out->size, out->at + before, head_size);
    out->size += head_size;
    uint32_t crc = crc32c(out->at + SIZE_AT, out->size - SIZE_AT);
    struct bytes crc_at = {.at = out->at + CRC_AT};
    bytes_fixed(&crc_at, crc, CRC_BYTES);
    memcpy(out->at + out->size, e->body.at, e->body.size);
    out->size += e->body.size;
    return true;
}

int
chunk_encode(struct chunk_encoder *e,
             const struct chunk_input *in,
             const uint8_t **bytes,
             size_t *size)
{
    int rc = chunk_plan_rows(&e->work, in);
    if (rc != 0) {
        return rc;
    }
    e->body.size = 0;
    if (!put_rows(e, in)) {
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < in->columns; i++) {
        size_t from = e->body.size;
        if (!put_column(e, in, &in->column[i])) {
            return ERR_NOMEM;
        }
        e->sizes[i] = e->body.size - from;
    }
    if (!put_head(&e->whole, e, in) || !put_whole(e)) {
        return ERR_NOMEM;
    }
    *bytes = e->whole.at;
    *size = e->whole.size;
    return 0;
}

static struct cursor
directory_of(const struct chunk *c, size_t at)
{
    return (struct cursor){c->bytes + at, c->bytes + c->rows_at};
}

static bool
read_entry(struct cursor *c, uint64_t *key, uint64_t *size)
{
    return cursor_varint(c, key) && cursor_varint(c, size);
}

/* The entries of all columns, and that they fill the chunk. */
static bool
check_directory(const struct chunk *c)
{
    struct cursor d = directory_of(c, c->directory);
    uint64_t key = 0, size = 0, next = 0;
    size_t left = c->size - c->rows_at - c->rows_size;
    for (uint32_t i = 0; i < c->columns; i++) {
        if (!read_entry(&d, &key, &size) || key > UINT32_MAX || size > left ||
            next + key > UINT32_MAX || size < CRC_BYTES) {
            return false;
        }
        next += key + 1;
        left -= (size_t)size;
    }
    return left == 0 && d.at == d.end;
}

bool
chunk_open(struct chunk *out, const uint8_t *bytes, size_t size)
{
    struct chunk c = {.bytes = bytes, .size = size};
    struct cursor at = {bytes, bytes + size};
    uint64_t magic, version, crc, head, rows, columns, rows_size;
    if (!cursor_fixed(&at, &magic, 1) || magic != MAGIC ||
        !cursor_fixed(&at, &version, 1) || version != CHUNK_VERSION ||
        !cursor_fixed(&at, &crc, CRC_BYTES) || !cursor_varint(&at, &head) ||
        head > (size_t)(at.end - at.at)) {
        return false;
    }
    c.rows_at = (size_t)(at.at - bytes) + (size_t)head;
    if (crc32c(bytes + SIZE_AT, c.rows_at - SIZE_AT) != crc) {
        return false;
    }
    at.end = bytes + c.rows_at;
    if (!cursor_varint(&at, &rows) || rows == 0 || rows > CHUNK_ROWS_MAX ||
        !cursor_varint(&at, &columns) || columns > CHUNK_COLUMNS_MAX ||
        !cursor_varint(&at, &rows_size) || rows_size < CRC_BYTES ||
        rows_size > size - c.rows_at) {
        return false;
    }
    c.rows = (uint32_t)rows;
    c.columns = (uint32_t)columns;
    c.rows_size = (size_t)rows_size;
    c.directory = (size_t)(at.at - bytes);
    if (!check_directory(&c)) {
        return false;
    }
    *out = c;
    return true;
}

bool
chunk_next(const struct chunk *c, struct chunk_part *part)
{
    uint64_t key, size;
    bool first = part->index == 0;
    struct cursor d = directory_of(c, first ? c->directory : part->directory);
    if (part->index == c->columns || !read_entry(&d, &key, &size)) {
        return false;
    }
    part->key = (uint32_t)(first ? key : part->key + key + 1);
    part->at = first ? c->rows_at + c->rows_size : part->at + part->size;
    part->size = (size_t)size;
    part->directory = (size_t)(d.at - c->bytes);
    part->index++;
    return true;
}

bool
chunk_find(const struct chunk *c, uint32_t key, struct chunk_part *part)
{
    *part = (struct chunk_part){0};
    while (chunk_next(c, part)) {
        if (part->key >= key) {
            return part->key == key;
        }
    }
    return false;
}

/* Takes the checksum off the end of a part. */
static bool
check_part(const uint8_t *bytes, size_t *size)
{
    uint64_t crc;
    *size -= CRC_BYTES;
    struct cursor at = {bytes + *size, bytes + *size + CRC_BYTES};
    return cursor_fixed(&at, &crc, CRC_BYTES) && crc == crc32c(bytes, *size);
}

bool
chunk_rows(const struct chunk *c,
           int64_t *t_ms,
           uint16_t *flags,
           uint16_t *row_statuses)
{
    struct chunk_rows_reader r;
    struct chunk_rows_chances chances;
    struct coder coder;
    size_t size = c->rows_size;
    const uint8_t *bytes = c->bytes + c->rows_at;
    if (!check_part(bytes, &size)) {
        return false;
    }
    struct cursor at = {bytes, bytes + size};
    if (!chunk_rows_get_head(&r, &at)) {
        return false;
    }
    coder_read(&coder, at.at, (size_t)(at.end - at.at));
    chunk_rows_chances_reset(&chances);
    return chunk_rows_get(&r, c->rows, &coder, &chances, t_ms, flags, row_statuses);
}

bool
chunk_values(const struct chunk *c,
             const struct chunk_part *part,
             const uint16_t *row_statuses,
             double *values,
             uint16_t *statuses)
{
    struct chunk_values_reader r;
    struct chunk_chances chances;
    struct coder coder;
    size_t size = part->size;
    const uint8_t *bytes = c->bytes + part->at;
    if (!check_part(bytes, &size)) {
        return false;
    }
    struct cursor at = {bytes, bytes + size};
    if (!chunk_values_get_head(&r, &at)) {
        return false;
    }
    coder_read(&coder, at.at, (size_t)(at.end - at.at));
    chunk_values_chances_reset(&chances.values);
    chunk_runs_init(&chances.runs);
    return chunk_get_column(&r, c->rows, &coder, &chances, row_statuses, values,
                            statuses);
}
