#include "daemon/store/chunk_tail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_inside.h"

#define MAGIC       'T'
#define CRC_AT      2
#define STREAM_AT   6
#define HEAD_PLACES 16
#define HEAD_MAX    16384 /* Bytes of a head: odd values and a palette at their most. */
#define GROUP_BYTES 8192  /* A group's head beside its rows. */
#define HEAD_PLAIN  72    /* Bytes of a head but for odd values and palette; its key. */
#define HEAD_WORST  12    /* Bytes that one of them may take in the stream. */
/* Bytes that a row of a column may take, at worst: a chance is 24 / 65536 at least, so
 * a bit costs 11.5 at most.  A value has up to 1 + 1 + 20 + 48 of them and 64 even
 * ones: 109 bytes; a run 12 and 96: 30; a sixteenth of an odd value and a level of a
 * palette are 12 bytes of a head: 144.  A time takes less. */
#define ROW_WORST 320

_Static_assert(HEAD_MAX > (CHUNK_ROWS_MAX / CHUNK_VALUES_ODD_SHARE + 1) * 10 +
                              CHUNK_VALUES_PALETTE_MAX * VARINT_BYTES_MAX + 128,
               "every head fits");

struct tail_chances {
    struct chance more[1];
    struct chance rows[NUMBER_CHANCES], columns[NUMBER_CHANCES];
    struct chance keys[NUMBER_CHANCES];
    struct chance sizes[2][NUMBER_CHANCES]; /* Of heads: of rows, of columns. */
    struct chance places[2][HEAD_PLACES][256];
    struct chunk_chances parts;
};

static void
tail_chances_reset(struct tail_chances *c)
{
    chances_reset(c->more, 1);
    chances_reset(c->rows, NUMBER_CHANCES);
    chances_reset(c->columns, NUMBER_CHANCES);
    chances_reset(c->keys, NUMBER_CHANCES);
    chances_reset(&c->sizes[0][0], sizeof c->sizes / sizeof(struct chance));
    chances_reset(&c->places[0][0][0], sizeof c->places / sizeof(struct chance));
    chunk_chances_reset(&c->parts);
}

static uint8_t
byte_code(struct coder *c, struct chance *chances, unsigned byte, bool decode)
{
    unsigned node = 1;
    for (int i = 7; i >= 0; i--) {
        node = node << 1 | coder_bit(c, &chances[node], byte >> i & 1, decode);
    }
    return (uint8_t)node;
}

/* `kind` 0: of rows; 1: of a column. */
static void
put_head(struct coder *c, struct tail_chances *chances, int kind, const struct bytes *h)
{
    (void)number_code(c, chances->sizes[kind], h->size, false);
    for (size_t i = 0; i < h->size; i++) {
        size_t place = i < HEAD_PLACES ? i : HEAD_PLACES - 1;
        (void)byte_code(c, chances->places[kind][place], h->at[i], false);
    }
}

static bool
get_head(
    struct coder *c, struct tail_chances *chances, int kind, uint8_t *out, size_t *size)
{
    uint64_t count = number_code(c, chances->sizes[kind], 0, true);
    if (count > HEAD_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t place = i < HEAD_PLACES ? i : HEAD_PLACES - 1;
        out[i] = byte_code(c, chances->places[kind][place], 0, true);
    }
    *size = (size_t)count;
    return true;
}

struct chunk_tail_writer {
    struct bytes out;  /* From its first byte; what is used the coder knows. */
    struct bytes head; /* Of rows or a column. */
    struct coder coder;
    struct tail_chances chances;
    struct chunk_work work;
};

struct chunk_tail_writer *
chunk_tail_writer_new(void)
{
    return calloc(1, sizeof(struct chunk_tail_writer));
}

void
chunk_tail_writer_free(struct chunk_tail_writer *w)
{
    if (w != NULL) {
        bytes_free(&w->out);
        bytes_free(&w->head);
        free(w);
    }
}

void
chunk_tail_begin(struct chunk_tail_writer *w)
{
    w->out.size = 0;
    coder_write(&w->coder, w->out.at, 0);
    tail_chances_reset(&w->chances);
}

/* The coder never meets the end of its output: it has room for the worst there is. */
static bool
make_room(struct chunk_tail_writer *w, size_t room)
{
    size_t used = (size_t)(w->coder.out - w->coder.out_begin);
    w->out.size = STREAM_AT + used;
    if (!bytes_reserve(&w->out, room)) {
        return false;
    }
    w->coder.out_begin = w->out.at + STREAM_AT;
    w->coder.out = w->coder.out_begin + used;
    w->coder.out_end = w->out.at + w->out.capacity;
    return true;
}

static size_t
worst_of(const struct chunk_input *in)
{
    return GROUP_BYTES + (size_t)HEAD_WORST * HEAD_PLAIN * in->columns +
           ((size_t)in->columns + 1) * in->rows * ROW_WORST;
}

static void
add_column(struct chunk_tail_writer *w,
           const struct chunk_input *in,
           const struct chunk_column *k)
{
    w->head.size = 0;
    chunk_plan_column(&w->work, in, k);
    bool fits =
        chunk_values_put_head(&w->head, &w->work.values, w->work.good, w->work.runs);
    assert(fits); /* Its room was made before. */
    put_head(&w->coder, &w->chances, 1, &w->head);
    chunk_put_column(&w->work, in->rows, &w->coder, &w->chances.parts);
}

int
chunk_tail_add(struct chunk_tail_writer *w, const struct chunk_input *in)
{
    uint32_t next = 0;
    int rc = chunk_plan_rows(&w->work, in);
    if (rc != 0) {
        return rc;
    }
    w->head.size = 0;
    if (!make_room(w, worst_of(in)) || !bytes_reserve(&w->head, HEAD_MAX)) {
        return ERR_NOMEM;
    }
    (void)coder_bit(&w->coder, w->chances.more, true, false);
    (void)number_code(&w->coder, w->chances.rows, in->rows, false);
    (void)number_code(&w->coder, w->chances.columns, in->columns, false);
    chunk_rows_put_head(&w->head, &w->work.rows, in->t_ms[0]);
    put_head(&w->coder, &w->chances, 0, &w->head);
    chunk_rows_put(&w->work.rows, in->rows, &w->coder, &w->chances.parts.rows);
    for (uint32_t i = 0; i < in->columns; i++) {
        assert(i == 0 || in->column[i].key >= next);
        (void)number_code(&w->coder, w->chances.keys, in->column[i].key - next, false);
        next = in->column[i].key + 1;
        add_column(w, in, &in->column[i]);
    }
    return 0;
}

int
chunk_tail_end(struct chunk_tail_writer *w, const uint8_t **bytes, size_t *size)
{
    if (!make_room(w, GROUP_BYTES)) {
        return ERR_NOMEM;
    }
    (void)coder_bit(&w->coder, w->chances.more, false, false);
    size_t used = coder_end(&w->coder);
    assert(!w->coder.full);
    w->out.size = 0;
    bytes_fixed(&w->out, MAGIC, 1);
    bytes_fixed(&w->out, CHUNK_TAIL_VERSION, 1);
    bytes_fixed(&w->out, crc32c(w->out.at + STREAM_AT, used), STREAM_AT - CRC_AT);
    *bytes = w->out.at;
    *size = STREAM_AT + used;
    return 0;
}

struct chunk_tail_reader {
    struct coder coder;
    struct tail_chances chances;
    uint32_t rows;
    uint32_t left; /* Columns of the group. */
    bool first;    /* The next column is the group's first. */
    bool damaged;
    uint32_t key;
    uint8_t head[HEAD_MAX];
    int64_t t_ms[CHUNK_ROWS_MAX];
    uint16_t flags[CHUNK_ROWS_MAX], row_statuses[CHUNK_ROWS_MAX];
    uint16_t statuses[CHUNK_ROWS_MAX];
    double values[CHUNK_ROWS_MAX];
};

struct chunk_tail_reader *
chunk_tail_reader_new(void)
{
    return calloc(1, sizeof(struct chunk_tail_reader));
}

void
chunk_tail_reader_free(struct chunk_tail_reader *r)
{
    free(r);
}

bool
chunk_tail_open(struct chunk_tail_reader *r, const uint8_t *bytes, size_t size)
{
    struct cursor at = {bytes, bytes + size};
    uint64_t magic, version, crc;
    r->left = 0;
    r->damaged = true; /* Until it is open. */
    if (!cursor_fixed(&at, &magic, 1) || magic != MAGIC ||
        !cursor_fixed(&at, &version, 1) || version != CHUNK_TAIL_VERSION ||
        !cursor_fixed(&at, &crc, STREAM_AT - CRC_AT) ||
        crc != crc32c(at.at, (size_t)(at.end - at.at))) {
        return false;
    }
    coder_read(&r->coder, at.at, (size_t)(at.end - at.at));
    tail_chances_reset(&r->chances);
    r->damaged = false;
    return true;
}

static bool
get_rows(struct chunk_tail_reader *r)
{
    size_t size;
    struct chunk_rows_reader rows;
    uint64_t count = number_code(&r->coder, r->chances.rows, 0, true);
    uint64_t columns = number_code(&r->coder, r->chances.columns, 0, true);
    if (count < 1 || count > CHUNK_ROWS_MAX || columns > CHUNK_COLUMNS_MAX ||
        !get_head(&r->coder, &r->chances, 0, r->head, &size)) {
        return false;
    }
    struct cursor at = {r->head, r->head + size};
    r->rows = (uint32_t)count;
    r->left = (uint32_t)columns;
    r->first = true;
    return chunk_rows_get_head(&rows, &at) && at.at == at.end &&
           chunk_rows_get(&rows, r->rows, &r->coder, &r->chances.parts.rows, r->t_ms,
                          r->flags, r->row_statuses);
}

enum chunk_tail_found
chunk_tail_next(struct chunk_tail_reader *r, struct chunk_tail_group *out)
{
    struct chunk_tail_column ignored;
    while (!r->damaged && r->left > 0) {
        (void)chunk_tail_column(r, &ignored);
    }
    if (r->damaged) {
        return CHUNK_TAIL_DAMAGED;
    }
    if (!coder_bit(&r->coder, r->chances.more, false, true)) {
        return CHUNK_TAIL_END;
    }
    r->damaged = !get_rows(r);
    if (r->damaged) {
        return CHUNK_TAIL_DAMAGED;
    }
    *out = (struct chunk_tail_group){
        .rows = r->rows, .columns = r->left, .t_ms = r->t_ms, .flags = r->flags};
    return CHUNK_TAIL_GROUP;
}

static bool
get_column(struct chunk_tail_reader *r)
{
    size_t size;
    struct chunk_values_reader values;
    uint64_t key = number_code(&r->coder, r->chances.keys, 0, true);
    uint64_t least = r->first ? 0 : (uint64_t)r->key + 1;
    if (key > UINT32_MAX || least + key > UINT32_MAX ||
        !get_head(&r->coder, &r->chances, 1, r->head, &size)) {
        return false;
    }
    r->key = (uint32_t)(least + key);
    r->first = false;
    struct cursor at = {r->head, r->head + size};
    return chunk_values_get_head(&values, &at) && at.at == at.end &&
           chunk_get_column(&values, r->rows, &r->coder, &r->chances.parts,
                            r->row_statuses, r->values, r->statuses);
}

enum chunk_tail_found
chunk_tail_column(struct chunk_tail_reader *r, struct chunk_tail_column *out)
{
    if (r->damaged || r->left == 0) {
        return r->damaged ? CHUNK_TAIL_DAMAGED : CHUNK_TAIL_END;
    }
    r->left--;
    r->damaged = !get_column(r);
    if (r->damaged) {
        return CHUNK_TAIL_DAMAGED;
    }
    *out = (struct chunk_tail_column){
        .key = r->key, .values = r->values, .statuses = r->statuses};
    return CHUNK_TAIL_GROUP;
}
