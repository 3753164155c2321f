#include "daemon/store/tail.h"

#include <string.h>

#include "daemon/model/words.h"
#include "daemon/store/tail_models.h"

#define MAGIC      'T'
#define CRC_BYTES  4
#define CRC_AT     2
#define PERIOD_MAX (INT64_C(1) << 50)

static bool
read_entry(struct cursor *d, uint64_t *device, uint64_t *rows, uint64_t *size)
{
    return cursor_varint(d, device) && cursor_varint(d, rows) && cursor_varint(d, size);
}

/* The entries of all sections, and that they fill the bytes. */
static bool
check_directory(const struct tail *t, struct cursor d)
{
    uint64_t device = 0, ahead, rows, size;
    size_t left = t->size - t->body;
    for (uint32_t i = 0; i < t->sections; i++) {
        if (!read_entry(&d, &ahead, &rows, &size) || ahead > UINT32_MAX - device ||
            rows == 0 || rows > TAIL_ROWS_MAX || size > left || size < CRC_BYTES) {
            return false;
        }
        device += ahead;
        left -= (size_t)size;
    }
    return left == 0 && d.at == d.end;
}

bool
tail_open(struct tail *out, const uint8_t *bytes, size_t size)
{
    struct tail t = {.bytes = bytes, .size = size};
    struct cursor at = {bytes, bytes + size};
    uint64_t magic, version, crc, head, base, period, sections;
    if (!cursor_fixed(&at, &magic, 1) || magic != MAGIC ||
        !cursor_fixed(&at, &version, 1) || version != TAIL_VERSION ||
        !cursor_fixed(&at, &crc, CRC_BYTES) || !cursor_varint(&at, &head) ||
        head > (size_t)(at.end - at.at)) {
        return false;
    }
    t.body = (size_t)(at.at - bytes) + (size_t)head;
    size_t covered = CRC_AT + CRC_BYTES;
    if (crc32c(bytes + covered, t.body - covered) != crc) {
        return false;
    }
    at.end = bytes + t.body;
    if (!cursor_varint(&at, &base) || !cursor_varint(&at, &period) || period == 0 ||
        period > PERIOD_MAX || !cursor_varint(&at, &sections) || sections > head) {
        return false;
    }
    t.base_ms = unzigzag(base);
    t.period_ms = (int64_t)period;
    t.sections = (uint32_t)sections;
    t.directory = (size_t)(at.at - bytes);
    if (!check_directory(&t, at)) {
        return false;
    }
    *out = t;
    return true;
}

bool
tail_next(const struct tail *t, struct tail_part *part)
{
    uint64_t ahead, rows, size;
    bool first = part->index == 0;
    struct cursor d = {t->bytes + (first ? t->directory : part->directory),
                       t->bytes + t->body};
    if (part->index == t->sections || !read_entry(&d, &ahead, &rows, &size)) {
        return false;
    }
    part->device = (uint32_t)(first ? ahead : part->device + ahead);
    part->at = first ? t->body : part->at + part->size;
    part->rows = (uint32_t)rows;
    part->size = (size_t)size;
    part->directory = (size_t)(d.at - t->bytes);
    part->index++;
    return true;
}

struct section {
    struct sheet *sheet;
    uint32_t rows;
    uint32_t key; /* 0: all. */
    struct coder coder;
    struct tail_models models;
};

static int64_t
get_number(struct section *s, struct chance *lengths)
{
    return unzigzag(number_code(&s->coder, lengths, 0, true));
}

/* The series, one after the other. */
struct series_reader {
    unsigned class, mode;
    uint64_t first, last, before;
};

static void
begin_series(struct section *s, struct series_reader *r, int64_t first, bool more)
{
    struct tail_models *m = &s->models;
    *r = (struct series_reader){
        .first = (uint64_t)first, .last = (uint64_t)first, .before = (uint64_t)first};
    if (more) {
        r->class = tail_tree(&s->coder, m->classes, TAIL_CLASS_BITS, 0, true);
        if (r->class != 0) {
            r->mode = tail_tree(&s->coder, m->modes, TAIL_MODE_BITS, 0, true);
        }
    }
}

static int64_t
next_of_series(struct section *s, struct series_reader *r)
{
    if (r->class == 0) {
        return (int64_t)r->first;
    }
    uint64_t p = tail_expect(r->mode, r->first, r->last, r->before);
    p += (uint64_t)tail_difference(&s->coder, &s->models, r->class, 0, true);
    r->before = r->last;
    r->last = p;
    return (int64_t)p;
}

/* Room for all cells, and the columns' keys. */
static enum tail_result
get_keys(struct section *s)
{
    struct tail_models *m = &s->models;
    uint64_t columns = number_code(&s->coder, m->heads, 0, true), next = 0;
    if (columns > CHUNK_COLUMNS_MAX || columns * s->rows > TAIL_CELLS_MAX) {
        return TAIL_DAMAGED;
    }
    sheet_clear(s->sheet);
    if (!sheet_reserve(s->sheet, s->rows, (uint32_t)columns)) {
        return TAIL_NOMEM;
    }
    for (uint32_t k = 0; k < columns; k++) {
        uint64_t ahead = 0;
        if (!coder_bit(&s->coder, &m->key_next, false, true)) {
            ahead = number_code(&s->coder, m->heads, 0, true);
        }
        if (next > UINT32_MAX || ahead > UINT32_MAX - next) {
            return TAIL_DAMAGED;
        }
        s->sheet->keys[k] = (uint32_t)(next + ahead);
        next += ahead + 1;
    }
    s->sheet->columns = (uint32_t)columns;
    s->sheet->rows = s->rows;
    return TAIL_READ;
}

/* False when a time is beyond CHUNK_TIME_MAX. */
static bool
get_times(struct section *s, const struct tail *t)
{
    struct tail_models *m = &s->models;
    int64_t *t_ms = s->sheet->t_ms;
    uint64_t period = (uint64_t)t->period_ms;
    uint64_t grid = (uint64_t)t->base_ms + (uint64_t)get_number(s, m->heads);
    struct series_reader phases;
    if (!coder_bit(&s->coder, &m->period_same, false, true)) {
        period = number_code(&s->coder, m->heads, 0, true);
    }
    t_ms[0] = (int64_t)grid;
    for (uint32_t i = 1; i < s->rows; i++) {
        bool one = coder_bit(&s->coder, &m->step_one, false, true);
        grid += (one ? 1 : (uint64_t)get_number(s, m->heads)) * period;
        t_ms[i] = (int64_t)grid;
    }
    begin_series(s, &phases, 0, s->rows > 1);
    for (uint32_t i = 1; i < s->rows; i++) {
        t_ms[i] = (int64_t)((uint64_t)t_ms[i] + (uint64_t)next_of_series(s, &phases));
    }
    for (uint32_t i = 0; i < s->rows; i++) {
        if (t_ms[i] > CHUNK_TIME_MAX || t_ms[i] < -CHUNK_TIME_MAX) {
            return false;
        }
    }
    return true;
}

static bool
get_row_statuses(struct section *s, uint32_t row)
{
    struct tail_models *m = &s->models;
    uint16_t beside = CHUNK_STATUS(QUALITY_GOOD, 0);
    bool said_so = true;
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        uint16_t *statuses = sheet_statuses(s->sheet, k);
        uint16_t status = row > 0 ? statuses[row - 1] : CHUNK_STATUS(QUALITY_GOOD, 0);
        said_so = coder_bit(&s->coder, &m->status_same[said_so], false, true);
        if (!said_so) {
            status = coder_bit(&s->coder, &m->status_beside, false, true)
                         ? beside
                         : (uint16_t)coder_even(&s->coder, 0, 16, true);
        }
        if (status != CHUNK_ABSENT && CHUNK_QUALITY(status) >= QUALITY_COUNT) {
            return false;
        }
        statuses[row] = status;
        beside = status;
    }
    return true;
}

static bool
get_statuses(struct section *s)
{
    struct tail_models *m = &s->models;
    struct sheet *sheet = s->sheet;
    uint16_t last = 0;
    if (coder_bit(&s->coder, &m->plain, false, true)) {
        memset(sheet->flags, 0, s->rows * sizeof *sheet->flags);
        for (uint32_t k = 0; k < sheet->columns; k++) {
            memset(sheet_statuses(sheet, k), 0, s->rows * sizeof *sheet->statuses);
        }
        return true;
    }
    for (uint32_t i = 0; i < s->rows; i++) {
        if (!coder_bit(&s->coder, &m->flags_same, false, true)) {
            last = (uint16_t)coder_even(&s->coder, 0, 16, true);
        }
        sheet->flags[i] = last;
        if (!get_row_statuses(s, i)) {
            return false;
        }
    }
    return true;
}

static bool
get_values(
    struct section *s, uint32_t column, unsigned form, int64_t first, size_t count)
{
    const uint16_t *statuses = sheet_statuses(s->sheet, column);
    double *values = sheet_values(s->sheet, column);
    struct series_reader r;
    bool wanted = s->key == 0 || s->sheet->keys[column] == s->key;
    bool begun = false;
    begin_series(s, &r, first, count > 1);
    for (uint32_t i = 0; i < s->rows; i++) {
        values[i] = 0;
        if (CHUNK_QUALITY(statuses[i]) == QUALITY_GOOD) {
            int64_t n = begun ? next_of_series(s, &r) : first;
            begun = true;
            if (wanted && !tail_form_value(form, n, &values[i])) {
                return false;
            }
        }
    }
    return true;
}

static bool
get_columns(struct section *s)
{
    struct tail_models *m = &s->models;
    unsigned form = 0;
    uint64_t last_first = 0;
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        const uint16_t *statuses = sheet_statuses(s->sheet, k);
        size_t count = 0;
        if (s->key != 0 && s->sheet->keys[k] > s->key) {
            return true; /* Of what follows nothing is asked for. */
        }
        for (uint32_t i = 0; i < s->rows; i++) {
            count += CHUNK_QUALITY(statuses[i]) == QUALITY_GOOD;
        }
        if (count == 0) {
            memset(sheet_values(s->sheet, k), 0, s->rows * sizeof *s->sheet->values);
            continue;
        }
        if (!coder_bit(&s->coder, &m->form_same, false, true)) {
            form = tail_tree(&s->coder, m->forms, TAIL_FORM_BITS, 0, true);
        }
        bool near = coder_bit(&s->coder, &m->near, false, true);
        last_first = (uint64_t)get_number(s, m->firsts) + (near ? last_first : 0);
        if (!get_values(s, k, form, (int64_t)last_first, count)) {
            return false;
        }
    }
    return true;
}

/* Of all columns that are read the one that is asked for is left, if it is there. */
static void
leave_one(struct section *s)
{
    struct sheet *sheet = s->sheet;
    uint32_t k = 0;
    while (k < sheet->columns && sheet->keys[k] != s->key) {
        k++;
    }
    if (k > 0 && k < sheet->columns) {
        sheet->keys[0] = s->key;
        memcpy(sheet_values(sheet, 0), sheet_values(sheet, k),
               sheet->rows * sizeof *sheet->values);
        memcpy(sheet_statuses(sheet, 0), sheet_statuses(sheet, k),
               sheet->rows * sizeof *sheet->statuses);
    }
    sheet->columns = k < sheet->columns;
}

enum tail_result
tail_read_point(const struct tail *t,
                const struct tail_part *part,
                uint32_t key,
                struct sheet *out)
{
    struct section s = {.sheet = out, .rows = part->rows, .key = key};
    const uint8_t *bytes = t->bytes + part->at;
    size_t size = part->size - CRC_BYTES;
    struct cursor at = {bytes + size, bytes + part->size};
    uint64_t crc;
    if (!cursor_fixed(&at, &crc, CRC_BYTES) || crc != crc32c(bytes, size)) {
        return TAIL_DAMAGED;
    }
    tail_models_init(&s.models);
    coder_read(&s.coder, bytes, size);
    enum tail_result result = get_keys(&s);
    if (result != TAIL_READ) {
        return result;
    }
    if (!get_times(&s, t) || !get_statuses(&s) || !get_columns(&s)) {
        return TAIL_DAMAGED;
    }
    if (key != 0) {
        leave_one(&s);
    }
    return TAIL_READ;
}

enum tail_result
tail_read(const struct tail *t, const struct tail_part *part, struct sheet *out)
{
    return tail_read_point(t, part, 0, out);
}
