#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/words.h"
#include "daemon/store/tail.h"
#include "daemon/store/tail_models.h"

#define MAGIC      'T'
#define CRC_BYTES  4
#define CRC_AT     2
#define ROOM_FIRST 256
#define HUGE_SIZE  (UINT64_C(1) << 58) /* Differences are added up to here. */

void
tail_writer_free(struct tail_writer *w)
{
    bytes_free(&w->directory);
    bytes_free(&w->body);
    bytes_free(&w->whole);
    free(w->ints);
    *w = (struct tail_writer){0};
}

void
tail_begin(struct tail_writer *w, int64_t base_ms, int64_t period_ms)
{
    assert(period_ms > 0);
    w->base_ms = base_ms;
    w->period_ms = period_ms;
    w->sections = 0;
    w->last_device = 0;
    w->directory.size = 0;
    w->body.size = 0;
}

/* What is written, as its parts see it. */
struct section {
    const struct sheet *sheet;
    uint32_t first, rows;
    int64_t *ints;
    struct tail_models models;
};

static unsigned
bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

static void
put_number(struct coder *c, struct chance *lengths, int64_t value)
{
    (void)number_code(c, lengths, zigzag(value), false);
}

/* The mode with the smallest differences; their class. */
static unsigned
choose_mode(const int64_t *x, size_t count, unsigned *class)
{
    uint64_t sums[TAIL_MODES] = {0}, first = (uint64_t)x[0];
    uint64_t last = first, before = first;
    unsigned best = 0;
    for (size_t i = 1; i < count; i++) {
        for (unsigned mode = 0; mode < TAIL_MODES; mode++) {
            int64_t r =
                (int64_t)((uint64_t)x[i] - tail_expect(mode, first, last, before));
            uint64_t size = r < 0 ? 0 - (uint64_t)r : (uint64_t)r;
            sums[mode] += size < HUGE_SIZE ? size : HUGE_SIZE;
            sums[mode] = sums[mode] < HUGE_SIZE ? sums[mode] : HUGE_SIZE;
        }
        before = last;
        last = (uint64_t)x[i];
    }
    for (unsigned mode = 1; mode < TAIL_MODES; mode++) {
        best = sums[mode] < sums[best] ? mode : best;
    }
    unsigned bits = bits_of(sums[best] * 8 / (count - 1));
    *class = sums[best] == 0 ? 0 : bits == 0 ? 1 : bits;
    return best;
}

static void
put_series(struct coder *c, struct tail_models *m, const int64_t *x, size_t count)
{
    unsigned class;
    if (count < 2) {
        return;
    }
    unsigned mode = choose_mode(x, count, &class);
    (void)tail_tree(c, m->classes, TAIL_CLASS_BITS, class, false);
    if (class == 0) {
        return;
    }
    (void)tail_tree(c, m->modes, TAIL_MODE_BITS, mode, false);
    uint64_t first = (uint64_t)x[0], last = first, before = first;
    for (size_t i = 1; i < count; i++) {
        uint64_t p = tail_expect(mode, first, last, before);
        (void)tail_difference(c, m, class, (int64_t)((uint64_t)x[i] - p), false);
        before = last;
        last = (uint64_t)x[i];
    }
}

static bool
column_used(const struct section *s, uint32_t column)
{
    const uint16_t *statuses = sheet_statuses(s->sheet, column) + s->first;
    for (uint32_t i = 0; i < s->rows; i++) {
        if (statuses[i] != CHUNK_ABSENT) {
            return true;
        }
    }
    return false;
}

static void
put_keys(struct section *s, struct coder *c)
{
    struct tail_models *m = &s->models;
    uint32_t used = 0, next = 0;
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        used += column_used(s, k);
    }
    (void)number_code(c, m->heads, used, false);
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        if (column_used(s, k)) {
            uint32_t ahead = s->sheet->keys[k] - next;
            (void)coder_bit(c, &m->key_next, ahead == 0, false);
            if (ahead != 0) {
                (void)number_code(c, m->heads, ahead, false);
            }
            next = s->sheet->keys[k] + 1;
        }
    }
}

/* The period of the rows: the head's where it fits, else the first difference. */
static uint64_t
period_of(const struct tail_writer *w, const int64_t *t_ms, uint32_t rows)
{
    int64_t step = rows > 1 ? (int64_t)((uint64_t)t_ms[1] - (uint64_t)t_ms[0]) : 0;
    bool fits = step <= 0 || llabs(step - w->period_ms) <= w->period_ms / 4;
    return (uint64_t)(fits ? w->period_ms : step);
}

static void
put_times(struct section *s, const struct tail_writer *w, struct coder *c)
{
    struct tail_models *m = &s->models;
    const int64_t *t_ms = s->sheet->t_ms + s->first;
    uint64_t period = period_of(w, t_ms, s->rows);
    uint64_t grid = (uint64_t)t_ms[0];
    put_number(c, m->heads, (int64_t)(grid - (uint64_t)w->base_ms));
    (void)coder_bit(c, &m->period_same, period == (uint64_t)w->period_ms, false);
    if (period != (uint64_t)w->period_ms) {
        (void)number_code(c, m->heads, period, false);
    }
    s->ints[0] = 0;
    for (uint32_t i = 1; i < s->rows; i++) {
        int64_t ahead = (int64_t)((uint64_t)t_ms[i] - grid + period / 2);
        int64_t steps = ahead / (int64_t)period - (ahead % (int64_t)period < 0);
        (void)coder_bit(c, &m->step_one, steps == 1, false);
        if (steps != 1) {
            put_number(c, m->heads, steps);
        }
        grid += (uint64_t)steps * period;
        s->ints[i] = (int64_t)((uint64_t)t_ms[i] - grid);
    }
    put_series(c, m, s->ints, s->rows);
}

static bool
is_plain(const struct section *s)
{
    for (uint32_t i = 0; i < s->rows; i++) {
        if (s->sheet->flags[s->first + i] != 0) {
            return false;
        }
    }
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        const uint16_t *statuses = sheet_statuses(s->sheet, k) + s->first;
        bool used = column_used(s, k);
        for (uint32_t i = 0; used && i < s->rows; i++) {
            if (statuses[i] != CHUNK_STATUS(QUALITY_GOOD, 0)) {
                return false;
            }
        }
    }
    return true;
}

static void
put_row_statuses(struct section *s, struct coder *c, uint32_t row)
{
    struct tail_models *m = &s->models;
    uint16_t beside = CHUNK_STATUS(QUALITY_GOOD, 0);
    bool said_so = true;
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        const uint16_t *statuses = sheet_statuses(s->sheet, k) + s->first;
        uint16_t status = statuses[row];
        uint16_t before = row > 0 ? statuses[row - 1] : CHUNK_STATUS(QUALITY_GOOD, 0);
        if (!column_used(s, k)) {
            continue;
        }
        said_so = coder_bit(c, &m->status_same[said_so], status == before, false);
        if (!said_so && !coder_bit(c, &m->status_beside, status == beside, false)) {
            (void)coder_even(c, status, 16, false);
        }
        beside = status;
    }
}

static void
put_statuses(struct section *s, struct coder *c)
{
    struct tail_models *m = &s->models;
    uint16_t last = 0;
    if (coder_bit(c, &m->plain, is_plain(s), false)) {
        return;
    }
    for (uint32_t i = 0; i < s->rows; i++) {
        uint16_t flags = s->sheet->flags[s->first + i];
        if (!coder_bit(c, &m->flags_same, flags == last, false)) {
            (void)coder_even(c, flags, 16, false);
        }
        last = flags;
        put_row_statuses(s, c, i);
    }
}

/* The good values of a column as integers of the first form that they all have. */
static size_t
take_ints(struct section *s, uint32_t column, unsigned *form)
{
    const uint16_t *statuses = sheet_statuses(s->sheet, column) + s->first;
    const double *values = sheet_values(s->sheet, column) + s->first;
    for (*form = 0;; ++*form) {
        size_t count = 0;
        uint32_t i = 0;
        while (i < s->rows && (CHUNK_QUALITY(statuses[i]) != QUALITY_GOOD ||
                               tail_form_int(*form, values[i], &s->ints[count]))) {
            count += CHUNK_QUALITY(statuses[i]) == QUALITY_GOOD;
            i++;
        }
        if (i == s->rows) {
            return count;
        }
    }
}

static void
put_columns(struct section *s, struct coder *c)
{
    struct tail_models *m = &s->models;
    unsigned last_form = 0, form;
    uint64_t last_first = 0;
    for (uint32_t k = 0; k < s->sheet->columns; k++) {
        size_t count = take_ints(s, k, &form);
        if (count == 0) {
            continue;
        }
        uint64_t first = (uint64_t)s->ints[0];
        if (!coder_bit(c, &m->form_same, form == last_form, false)) {
            (void)tail_tree(c, m->forms, TAIL_FORM_BITS, form, false);
        }
        bool near =
            form == last_form && bits_of(zigzag((int64_t)(first - last_first))) <
                                     bits_of(zigzag((int64_t)first));
        (void)coder_bit(c, &m->near, near, false);
        put_number(c, m->firsts, (int64_t)(first - (near ? last_first : 0)));
        put_series(c, m, s->ints, count);
        last_form = form;
        last_first = first;
    }
}

static bool
put_section(struct tail_writer *w, struct section *s)
{
    size_t room = ROOM_FIRST + (size_t)s->rows * s->sheet->columns * 2;
    size_t size = 0;
    struct coder c = {.full = true};
    for (; c.full; room *= 2) {
        if (!bytes_reserve(&w->body, room + CRC_BYTES)) {
            return false;
        }
        tail_models_init(&s->models);
        coder_write(&c, w->body.at + w->body.size, room);
        put_keys(s, &c);
        put_times(s, w, &c);
        put_statuses(s, &c);
        put_columns(s, &c);
        size = coder_end(&c);
    }
    uint32_t crc = crc32c(w->body.at + w->body.size, size);
    w->body.size += size;
    bytes_fixed(&w->body, crc, CRC_BYTES);
    return true;
}

bool
tail_add(struct tail_writer *w,
         uint32_t device,
         const struct sheet *s,
         uint32_t first,
         uint32_t count)
{
    assert(count > 0 && count <= TAIL_ROWS_MAX);
    assert((uint64_t)count * s->columns <= TAIL_CELLS_MAX);
    assert(device >= w->last_device);
    struct section section = {.sheet = s, .first = first, .rows = count};
    size_t from = w->body.size;
    if (count > w->ints_room) {
        int64_t *ints = realloc(w->ints, count * sizeof *ints);
        if (ints == NULL) {
            return false;
        }
        w->ints = ints;
        w->ints_room = count;
    }
    section.ints = w->ints;
    if (!put_section(w, &section) ||
        !bytes_reserve(&w->directory, 3 * VARINT_BYTES_MAX)) {
        return false;
    }
    bytes_varint(&w->directory, device - w->last_device);
    bytes_varint(&w->directory, count);
    bytes_varint(&w->directory, w->body.size - from);
    w->last_device = device;
    w->sections++;
    return true;
}

bool
tail_end(struct tail_writer *w, const uint8_t **bytes, size_t *size)
{
    uint8_t room[3 * VARINT_BYTES_MAX];
    struct bytes start = {.at = room, .capacity = sizeof room};
    struct bytes *out = &w->whole;
    bytes_varint(&start, zigzag(w->base_ms));
    bytes_varint(&start, (uint64_t)w->period_ms);
    bytes_varint(&start, w->sections);
    out->size = 0;
    if (!bytes_reserve(out, CRC_AT + CRC_BYTES + VARINT_BYTES_MAX + start.size +
                                w->directory.size + w->body.size)) {
        return false;
    }
    bytes_fixed(out, MAGIC, 1);
    bytes_fixed(out, TAIL_VERSION, 1);
    bytes_fixed(out, 0, CRC_BYTES);
    bytes_varint(out, start.size + w->directory.size);
    memcpy(out->at + out->size, room, start.size);
    out->size += start.size;
    if (w->sections > 0) {
        memcpy(out->at + out->size, w->directory.at, w->directory.size);
        out->size += w->directory.size;
    }
    size_t covered = CRC_AT + CRC_BYTES;
    struct bytes crc_at = {.at = out->at + CRC_AT, .capacity = CRC_BYTES};
    bytes_fixed(&crc_at, crc32c(out->at + covered, out->size - covered), CRC_BYTES);
    if (w->sections > 0) {
        memcpy(out->at + out->size, w->body.at, w->body.size);
        out->size += w->body.size;
    }
    *bytes = out->at;
    *size = out->size;
    return true;
}
