#include "daemon/store/rollup_builder.h"

#include <string.h>

#include "daemon/store/history_rollup.h"

int
rollup_builder_place(struct rollup_builder *b, uint32_t key)
{
    for (uint32_t i = 0; i < b->points; i++) {
        if (b->keys[i] == key) {
            return (int)i;
        }
    }
    if (b->points == ROLLUP_POINTS_MAX) {
        return -1;
    }
    b->keys[b->points] = key;
    b->parts[b->points] = (struct rollup_part){0};
    return (int)b->points++;
}

static void
put_value(struct blob_sample *out,
          uint32_t key,
          enum rollup_column column,
          double value)
{
    *out = (struct blob_sample){
        .value = value, .key = key * ROLLUP_COLUMNS + column, .quality = QUALITY_GOOD};
}

/* A row of those points whose last sample is of this time. */
static bool
put_row(struct rollup_builder *b, int64_t t_ms)
{
    struct blob_sample samples[ROLLUP_POINTS_MAX * ROLLUP_VALUES];
    size_t count = 0;
    for (uint32_t i = 0; i < b->points; i++) {
        const struct rollup_part *p = &b->parts[i];
        if (p->count > 0 && p->last_ms == t_ms) {
            put_value(&samples[count++], b->keys[i], ROLLUP_LAST, p->last);
            if (p->count == 1) {
                continue; /* It says all. */
            }
            put_value(&samples[count++], b->keys[i], ROLLUP_MIN, p->min);
            put_value(&samples[count++], b->keys[i], ROLLUP_MAX, p->max);
            put_value(&samples[count++], b->keys[i], ROLLUP_SUM, rollup_part_sum(p));
            put_value(&samples[count++], b->keys[i], ROLLUP_COUNT, (double)p->count);
        }
    }
    return sheet_add(&b->out, t_ms, 0, samples, count);
}

bool
rollup_builder_end(struct rollup_builder *b)
{
    int64_t after = INT64_MIN;
    bool any = b->open;
    while (any) {
        int64_t next = INT64_MAX;
        any = false;
        for (uint32_t i = 0; i < b->points; i++) {
            const struct rollup_part *p = &b->parts[i];
            if (p->count > 0 && p->last_ms > after && p->last_ms <= next) {
                next = p->last_ms;
                any = true;
            }
        }
        if (any && !put_row(b, next)) {
            return false;
        }
        after = next;
    }
    memset(b->parts, 0, b->points * sizeof *b->parts);
    b->open = false;
    return true;
}

bool
rollup_builder_add(struct rollup_builder *b,
                   const struct sheet *s,
                   const int *places,
                   uint32_t first,
                   uint32_t count,
                   int64_t shift_ms)
{
    int64_t interval = rollup_interval(s->t_ms[first] + shift_ms, b->resolution_ms);
    if (b->open && interval != b->interval && !rollup_builder_end(b)) {
        return false;
    }
    b->open = true;
    b->interval = interval;
    for (uint32_t k = 0; k < s->columns; k++) {
        if (places[k] < 0) {
            continue;
        }
        struct rollup_part *p = &b->parts[places[k]];
        const double *values = sheet_values(s, k) + first;
        const uint16_t *statuses = sheet_statuses(s, k) + first;
        for (uint32_t i = 0; i < count; i++) {
            if (CHUNK_QUALITY(statuses[i]) == QUALITY_GOOD) {
                rollup_part_add(p, s->t_ms[first + i] + shift_ms, values[i]);
            }
        }
    }
    return true;
}

void
rollup_builder_free(struct rollup_builder *b)
{
    sheet_free(&b->out);
}
