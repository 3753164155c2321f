#include "daemon/store/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/model/words.h"

#define ROWS_FIRST    4
#define COLUMNS_FIRST 8

void
sheet_free(struct sheet *s)
{
    free(s->t_ms);
    free(s->flags);
    free(s->keys);
    free(s->values);
    free(s->statuses);
    free(s->order);
    *s = (struct sheet){0};
}

void
sheet_clear(struct sheet *s)
{
    s->rows = 0;
    s->columns = 0;
}

/* What a growing array may have, at least `want`. */
static uint32_t
grown(uint32_t room, uint32_t want, uint32_t first)
{
    room = room < first ? first : room;
    while (room < want) {
        room = room + room / 2 + 1;
    }
    return room;
}

/* The cells anew, with other room; columns move apart. */
static bool
move_cells(struct sheet *s, uint32_t row_room, uint32_t column_room)
{
    size_t cells = (size_t)row_room * column_room;
    double *values = malloc(cells * sizeof *values);
    uint16_t *statuses = malloc(cells * sizeof *statuses);
    if (values == NULL || statuses == NULL) {
        free(values);
        free(statuses);
        return false;
    }
    for (uint32_t c = 0; c < s->columns && s->rows > 0; c++) {
        memcpy(values + (size_t)c * row_room, sheet_values(s, c),
               s->rows * sizeof *values);
        memcpy(statuses + (size_t)c * row_room, sheet_statuses(s, c),
               s->rows * sizeof *statuses);
    }
    free(s->values);
    free(s->statuses);
    s->values = values;
    s->statuses = statuses;
    s->row_room = row_room;
    s->column_room = column_room;
    return true;
}

/* What there is by row, with more room. */
static bool
resize_rows(struct sheet *s, uint32_t room)
{
    int64_t *t_ms = realloc(s->t_ms, room * sizeof *t_ms);
    if (t_ms == NULL) {
        return false;
    }
    s->t_ms = t_ms;
    uint16_t *flags = realloc(s->flags, room * sizeof *flags);
    if (flags == NULL) {
        return false;
    }
    s->flags = flags;
    uint32_t *order = realloc(s->order, room * sizeof *order);
    if (order == NULL) {
        return false;
    }
    s->order = order;
    return true;
}

bool
sheet_reserve(struct sheet *s, uint32_t rows, uint32_t columns)
{
    if (rows <= s->row_room && columns <= s->column_room) {
        return true;
    }
    uint32_t row_room = grown(s->row_room, rows, ROWS_FIRST);
    uint32_t column_room = grown(s->column_room, columns, COLUMNS_FIRST);
    uint32_t *keys = realloc(s->keys, column_room * sizeof *keys);
    if (keys == NULL) {
        return false;
    }
    s->keys = keys;
    return resize_rows(s, row_room) && move_cells(s, row_room, column_room);
}

/* Where the key is, or belongs. */
static uint32_t
place_of(const struct sheet *s, uint32_t key)
{
    uint32_t low = 0, high = s->columns;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool
sheet_column(struct sheet *s, uint32_t key, uint32_t *column)
{
    uint32_t at = s->columns == 0 || s->keys[s->columns - 1] < key ? s->columns
                                                                   : place_of(s, key);
    *column = at;
    if (at < s->columns && s->keys[at] == key) {
        return true;
    }
    if (!sheet_reserve(s, s->rows + 1, s->columns + 1)) {
        return false;
    }
    for (uint32_t c = s->columns; c > at; c--) {
        s->keys[c] = s->keys[c - 1];
        memcpy(sheet_values(s, c), sheet_values(s, c - 1), s->rows * sizeof *s->values);
        memcpy(sheet_statuses(s, c), sheet_statuses(s, c - 1),
               s->rows * sizeof *s->statuses);
    }
    s->keys[at] = key;
    for (uint32_t i = 0; i < s->rows; i++) {
        sheet_values(s, at)[i] = 0;
        sheet_statuses(s, at)[i] = CHUNK_ABSENT;
    }
    s->columns++;
    return true;
}

/* A row without samples, which is not counted yet. */
static void
begin_row(struct sheet *s, int64_t t_ms, uint16_t flags)
{
    s->t_ms[s->rows] = t_ms;
    s->flags[s->rows] = flags;
    for (uint32_t c = 0; c < s->columns; c++) {
        sheet_values(s, c)[s->rows] = 0;
        sheet_statuses(s, c)[s->rows] = CHUNK_ABSENT;
    }
}

bool
sheet_add(struct sheet *s,
          int64_t t_ms,
          uint16_t flags,
          const struct blob_sample *samples,
          size_t count)
{
    uint32_t next = 0;
    if (!sheet_reserve(s, s->rows + 1, s->columns)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t c = next;
        if ((c >= s->columns || s->keys[c] != samples[i].key) &&
            !sheet_column(s, samples[i].key, &c)) {
            return false;
        }
        next = c + 1;
    }
    begin_row(s, t_ms, flags);
    next = 0;
    for (size_t i = 0; i < count; i++) {
        const struct blob_sample *b = &samples[i];
        uint32_t c =
            next < s->columns && s->keys[next] == b->key ? next : place_of(s, b->key);
        bool good = b->quality == (uint8_t)QUALITY_GOOD;
        sheet_values(s, c)[s->rows] = good ? b->value : 0;
        sheet_statuses(s, c)[s->rows] = CHUNK_STATUS(b->quality, b->detail);
        next = c + 1;
    }
    s->rows++;
    return true;
}

bool
sheet_append(struct sheet *s, const struct sheet *from, uint32_t first, uint32_t count)
{
    uint32_t c;
    if (!sheet_reserve(s, s->rows + count, s->columns)) {
        return false;
    }
    for (uint32_t k = 0; k < from->columns; k++) {
        if (!sheet_column(s, from->keys[k], &c)) {
            return false;
        }
    }
    /* A new column may have moved the cells, never to less room. */
    memcpy(s->t_ms + s->rows, from->t_ms + first, count * sizeof *s->t_ms);
    memcpy(s->flags + s->rows, from->flags + first, count * sizeof *s->flags);
    uint32_t k = 0;
    for (c = 0; c < s->columns; c++) {
        double *values = sheet_values(s, c) + s->rows;
        uint16_t *statuses = sheet_statuses(s, c) + s->rows;
        if (k < from->columns && from->keys[k] == s->keys[c]) {
            memcpy(values, sheet_values(from, k) + first, count * sizeof *values);
            memcpy(statuses, sheet_statuses(from, k) + first, count * sizeof *statuses);
            k++;
        } else {
            memset(values, 0, count * sizeof *values);
            memset(statuses, 0xff, count * sizeof *statuses); /* CHUNK_ABSENT */
        }
    }
    s->rows += count;
    return true;
}

uint32_t
sheet_columns_with(const struct sheet *s, const struct sheet *other)
{
    uint32_t a = 0, b = 0, count = 0;
    while (a < s->columns && b < other->columns) {
        uint32_t left = s->keys[a], right = other->keys[b];
        a += left <= right;
        b += right <= left;
        count++;
    }
    return count + (s->columns - a) + (other->columns - b);
}

/* Merges two halves of the row numbers, each in order. */
static void
merge(
    const int64_t *t_ms, const uint32_t *from, uint32_t *to, size_t half, size_t count)
{
    size_t left = 0, right = half;
    for (size_t i = 0; i < count; i++) {
        bool take_left =
            left < half && (right == count || t_ms[from[left]] <= t_ms[from[right]]);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

static uint32_t *
sorted(struct sheet *s, uint32_t *spare)
{
    uint32_t *from = s->order, *to = spare;
    for (uint32_t i = 0; i < s->rows; i++) {
        from[i] = i;
    }
    for (size_t width = 1; width < s->rows; width *= 2) {
        for (size_t at = 0; at < s->rows; at += 2 * width) {
            size_t count = s->rows - at < 2 * width ? s->rows - at : 2 * width;
            size_t half = count < width ? count : width;
            merge(s->t_ms, from + at, to + at, half, count);
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

bool
sheet_sort(struct sheet *s)
{
    uint32_t i = 1;
    while (i < s->rows && s->t_ms[i - 1] <= s->t_ms[i]) {
        i++;
    }
    if (i >= s->rows) {
        return true;
    }
    uint32_t *spare = malloc(s->rows * sizeof *spare);
    double *cells = malloc(s->rows * sizeof *cells);
    if (spare == NULL || cells == NULL) {
        free(spare);
        free(cells);
        return false;
    }
    const uint32_t *order = sorted(s, spare);
    int64_t *times = (void *)cells;
    uint16_t *shorts = (void *)cells;
    _Static_assert(sizeof *times == sizeof *cells, "one room for both");
    for (i = 0; i < s->rows; i++) {
        times[i] = s->t_ms[order[i]];
    }
    memcpy(s->t_ms, times, s->rows * sizeof *times);
    for (uint32_t c = 0; c < s->columns; c++) {
        double *values = sheet_values(s, c);
        for (i = 0; i < s->rows; i++) {
            cells[i] = values[order[i]];
        }
        memcpy(values, cells, s->rows * sizeof *values);
    }
    for (uint32_t c = 0; c <= s->columns; c++) {
        uint16_t *array = c < s->columns ? sheet_statuses(s, c) : s->flags;
        for (i = 0; i < s->rows; i++) {
            shorts[i] = array[order[i]];
        }
        memcpy(array, shorts, s->rows * sizeof *array);
    }
    free(spare);
    free(cells);
    return true;
}

size_t
sheet_samples(const struct sheet *s, uint32_t row, struct blob_sample *out)
{
    size_t count = 0;
    for (uint32_t c = 0; c < s->columns; c++) {
        uint16_t status = sheet_statuses(s, c)[row];
        if (status != CHUNK_ABSENT) {
            out[count++] = (struct blob_sample){.value = sheet_values(s, c)[row],
                                                .key = s->keys[c],
                                                .quality = (uint8_t)(status & 0xff),
                                                .detail = CHUNK_DETAIL(status)};
        }
    }
    return count;
}
