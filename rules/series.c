#include "rules/series.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/model/counter.h"

#define TABLE_FIRST  64
#define UNKNOWN_PART 100 /* Of a window: 1 % may be unknown. */
/* Logs may be denser than the poll that the site tells, and polls jitter. */
#define DENSER      8
#define DENSE_LEAST 65536
#define SPARE       2
#define SAMPLES_MAX (1u << 30)

void
series_book_init(struct series_book *b, struct arena *arena)
{
    *b = (struct series_book){.arena = arena};
}

void
series_book_fini(struct series_book *b)
{
    free(b->items);
    free(b->table);
    *b = (struct series_book){0};
}

static uint32_t
hash_bytes(uint32_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * 16777619u; /* FNV-1a */
    }
    return hash;
}

static uint32_t
hash_of(const struct series_spec *s)
{
    uint32_t hash = 2166136261u;
    uint32_t kind = (uint32_t)s->kind * 16 + (uint32_t)s->window;
    hash = hash_bytes(hash, &kind, sizeof kind);
    hash = hash_bytes(hash, &s->width_ms, sizeof s->width_ms);
    hash = hash_bytes(hash, s->ops, s->op_count * sizeof s->ops[0]);
    hash = hash_bytes(hash, s->slots, s->slot_count * sizeof s->slots[0]);
    return hash_bytes(hash, s->constants, s->constant_count * sizeof s->constants[0]);
}

static bool
same_bytes(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

static bool
is_same(const struct series_spec *a, const struct series_spec *b)
{
    return a->kind == b->kind && a->window == b->window &&
           same_bytes(&a->quantile, &b->quantile, sizeof a->quantile) &&
           a->since_service == b->since_service && a->width_ms == b->width_ms &&
           a->device == b->device && a->op_count == b->op_count &&
           a->constant_count == b->constant_count && a->slot_count == b->slot_count &&
           same_bytes(a->ops, b->ops, a->op_count * sizeof a->ops[0]) &&
           same_bytes(a->constants, b->constants,
                      a->constant_count * sizeof a->constants[0]) &&
           same_bytes(a->slots, b->slots, a->slot_count * sizeof a->slots[0]) &&
           same_bytes(a->slot_kinds, b->slot_kinds, a->slot_count);
}

static void
put_in_table(struct series_book *b, uint32_t index)
{
    uint32_t at = hash_of(&b->items[index]) & (b->table_size - 1);
    while (b->table[at] != 0) {
        at = (at + 1) & (b->table_size - 1);
    }
    b->table[at] = index + 1;
}

static void
make_room(struct series_book *b)
{
    if (b->count < b->room) {
        return;
    }
    b->room = b->room == 0 ? TABLE_FIRST / 2 : b->room * 2;
    b->items = reallocarray(b->items, b->room, sizeof *b->items);
    free(b->table);
    b->table_size = 2 * b->room;
    b->table = calloc(b->table_size, sizeof *b->table);
    if (b->items == NULL || b->table == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < b->count; i++) {
        put_in_table(b, i);
    }
}

void
series_book_begin(struct series_book *b,
                  struct arena *arena,
                  const struct series_spec *specs,
                  uint32_t count)
{
    series_book_init(b, arena);
    for (uint32_t i = 0; i < count; i++) {
        make_room(b);
        b->items[i] = specs[i];
        put_in_table(b, i);
        b->count++;
    }
}

static const void *
keep(struct arena *arena, const void *items, size_t count, size_t size)
{
    void *out = arena_array(arena, count + 1, size);
    if (count > 0) {
        memcpy(out, items, count * size);
    }
    return out;
}

uint32_t
series_book_add(struct series_book *b, const struct series_spec *spec)
{
    uint32_t at = b->table_size == 0 ? 0 : hash_of(spec) & (b->table_size - 1);
    while (b->table_size > 0 && b->table[at] != 0) {
        if (is_same(&b->items[b->table[at] - 1], spec)) {
            return b->table[at] - 1;
        }
        at = (at + 1) & (b->table_size - 1);
    }
    make_room(b);
    struct series_spec *s = &b->items[b->count];
    *s = *spec;
    s->ops = keep(b->arena, spec->ops, spec->op_count, sizeof s->ops[0]);
    s->constants =
        keep(b->arena, spec->constants, spec->constant_count, sizeof s->constants[0]);
    s->slots = keep(b->arena, spec->slots, spec->slot_count, sizeof s->slots[0]);
    s->slot_kinds = keep(b->arena, spec->slot_kinds, spec->slot_count, 1);
    s->watches = keep(b->arena, spec->watches, spec->watch_count, sizeof s->watches[0]);
    s->key = arena_strdup(b->arena, spec->key);
    b->bytes += series_spec_bytes(s);
    put_in_table(b, b->count);
    return b->count++;
}

static uint64_t
samples_of(const struct series_spec *spec)
{
    return (uint64_t)(spec->width_ms / spec->period_ms) + SPARE;
}

uint64_t
series_spec_bytes(const struct series_spec *spec)
{
    uint64_t bytes = sizeof(struct series);
    if (spec->kind == SERIES_WINDOW) {
        bytes += window_bytes(spec->window, samples_of(spec));
    } else if (!series_has_meter(spec)) {
        uint64_t changes = samples_of(spec);
        changes = changes > SPANS_MAX ? SPANS_MAX : changes;
        bytes += changes * sizeof(struct span_part);
    }
    return bytes;
}

void
series_init(struct series *s, const struct series_spec *spec)
{
    *s = (struct series){.spec = spec};
    if (spec->kind == SERIES_WINDOW) {
        uint64_t max = samples_of(spec) * DENSER;
        max = max < DENSE_LEAST ? DENSE_LEAST : max;
        window_init(&s->window, spec->window, spec->quantile, spec->width_ms,
                    max > SAMPLES_MAX ? SAMPLES_MAX : (uint32_t)max);
    } else if (series_has_meter(spec)) {
        s->meter = meter_new();
    } else {
        spans_init(&s->spans, spec->width_ms, spec->patience_ms);
    }
}

void
series_fini(struct series *s)
{
    if (s->spec->kind == SERIES_WINDOW) {
        window_fini(&s->window);
    } else if (!series_has_meter(s->spec)) {
        spans_fini(&s->spans);
    }
}

/* The counter as if it had never wrapped or begun anew. */
static double
counted(struct series *s, const struct site *site, double value)
{
    if (s->counter_known) {
        const struct point *p = &site->points[s->spec->counter];
        s->counter_total += counter_step(p, s->counter_last, value).increase;
    }
    s->counter_known = true;
    s->counter_last = value;
    return s->counter_total;
}

void
series_take(
    struct series *s, const struct site *site, int64_t t_ms, double value, bool sampled)
{
    const struct series_spec *spec = s->spec;
    if (isnan(value)) {
        return; /* What was known holds until it is too old. */
    }
    if (spec->kind == SERIES_WINDOW) {
        if (sampled) {
            window_add(&s->window, t_ms,
                       spec->counter == NONE_INDEX ? value : counted(s, site, value));
        }
    } else if (!series_has_meter(spec)) {
        spans_set(&s->spans, t_ms, value != 0);
    } else if (s->meter.last_ms == INSTANT_NONE || t_ms >= s->meter.last_ms) {
        meter_set(&s->meter, t_ms, value, spec->patience_ms);
        s->dirty = true;
    }
}

static double
life(const struct series *s, int64_t t_ms)
{
    const struct series_spec *spec = s->spec;
    const struct meter *m = &s->meter;
    if (m->last_ms == INSTANT_NONE) {
        return (double)NAN;
    }
    if (spec->kind == SERIES_STARTS) {
        return (double)(m->starts - (spec->since_service ? m->service_starts : 0));
    }
    int64_t ms = meter_true(m, t_ms, spec->patience_ms);
    return (double)(ms - (spec->since_service ? m->service_ms : 0)) / 3600000;
}

double
series_value(struct series *s, int64_t t_ms)
{
    double low;
    double high;
    switch (s->spec->kind) {
    case SERIES_WINDOW:
        return window_value(&s->window, t_ms);
    case SERIES_COUNT:
    case SERIES_TIME:
    case SERIES_HELD:
        series_range(s, t_ms, &low, &high);
        return low == high ? low : (double)NAN;
    case SERIES_HOURS:
    case SERIES_STARTS:
        return life(s, t_ms);
    case SERIES_STUCK:
        return meter_stuck(&s->meter, t_ms, s->spec->width_ms, s->spec->patience_ms);
    }
    assert(!"a series has a kind");
    return (double)NAN;
}

/* Of a part of the window so small nobody would call it unknown: else one poll that
 * failed would make a week unknown. */
static int64_t
unknown_of(const struct series *s, const struct spans_sum *sum)
{
    return sum->unknown_ms <= s->spec->width_ms / UNKNOWN_PART ? 0 : sum->unknown_ms;
}

void
series_range(struct series *s, int64_t t_ms, double *low, double *high)
{
    if (s->spec->kind == SERIES_COUNT) {
        struct spans_sum sum = spans_read(&s->spans, t_ms);
        *low = sum.edges;
        *high = unknown_of(s, &sum) > 0 ? (double)INFINITY : *low;
    } else if (s->spec->kind == SERIES_TIME) {
        struct spans_sum sum = spans_read(&s->spans, t_ms);
        *low = (double)sum.true_ms / 1000;
        *high = (double)(sum.true_ms + unknown_of(s, &sum)) / 1000;
    } else if (s->spec->kind == SERIES_HELD) {
        int64_t low_ms;
        int64_t high_ms;
        bool known =
            meter_held(&s->meter, t_ms, s->spec->patience_ms, &low_ms, &high_ms);
        *low = known ? (double)low_ms / 1000 : (double)NAN;
        *high = known ? (double)high_ms / 1000 : (double)NAN;
    } else {
        *low = *high = series_value(s, t_ms);
    }
}

void
series_grows_from(const struct series *s, int64_t t_ms, int64_t from_ms[2])
{
    const struct meter *m = &s->meter;
    int64_t low_ms;
    int64_t high_ms;
    from_ms[0] = from_ms[1] = INSTANT_NONE;
    if (s->spec->kind == SERIES_STUCK) {
        from_ms[0] = m->last_ms == INSTANT_NONE ? INSTANT_NONE : m->since_ms;
        return;
    }
    assert(s->spec->kind == SERIES_HELD);
    if (meter_held(m, t_ms, s->spec->patience_ms, &low_ms, &high_ms) && m->value != 0) {
        from_ms[0] = m->since_ms;
        from_ms[1] = m->early_ms;
    }
}

void
series_shift(struct series *s, int64_t delta_ms)
{
    if (s->spec->kind == SERIES_WINDOW) {
        window_shift(&s->window, delta_ms);
    } else if (series_has_meter(s->spec)) {
        meter_shift(&s->meter, delta_ms);
        s->dirty = true;
    } else {
        spans_shift(&s->spans, delta_ms);
    }
}

void
series_resume(struct series *s)
{
    if (s->spec->kind == SERIES_WINDOW) {
        return;
    }
    if (series_has_meter(s->spec)) {
        s->meter.resumed = true;
    } else {
        s->spans.resumed = true;
    }
}
