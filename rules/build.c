/* The engine is put together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "rules/engine.h"

static uint32_t
words_for(uint32_t count)
{
    return count / 64 + 1;
}

/* Turns counts at [i + 1] into where each list begins. */
static void
sum_up(uint32_t *first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        first[i + 1] += first[i];
    }
}

/* What reads: an instance, or a series. */
struct reader_slots {
    const uint8_t *kinds;
    const uint32_t *slots;
    uint32_t count;
};

static struct reader_slots
slots_of(const struct rules *r, bool is_series, uint32_t i)
{
    if (is_series) {
        const struct series_spec *s = &r->specs[i];
        return (struct reader_slots){s->slot_kinds, s->slots, s->slot_count};
    }
    const struct instance *in = &r->instances[i];
    return (struct reader_slots){in->code->slot_kinds, &r->slots[in->first_slot],
                                 in->code->slot_count};
}

/* Lists, for each of `count` things, the instances or series whose slots of `kind` name
 * it. */
static struct readers
index_readers(struct rules *r, bool of_series, enum slot_kind kind, uint32_t count)
{
    uint32_t readers = of_series ? r->series_count : r->instance_count;
    struct readers out = {arena_array(r->arena, (size_t)count + 2, sizeof(uint32_t)),
                          NULL};
    for (int fill = 0; fill < 2; fill++) {
        for (uint32_t i = 0; i < readers; i++) {
            struct reader_slots in = slots_of(r, of_series, i);
            for (uint32_t s = 0; s < in.count; s++) {
                if (in.kinds[s] != kind) {
                    continue;
                }
                if (fill) {
                    out.items[out.first[in.slots[s] + 1]++] = i;
                } else {
                    out.first[in.slots[s] + 2]++;
                }
            }
        }
        if (!fill) {
            sum_up(out.first + 1, count);
            out.items = arena_array(r->arena, (size_t)out.first[count + 1] + 1,
                                    sizeof(uint32_t));
        }
    }
    return out; /* Filling has moved each beginning to its place. */
}

static void
make_instances(struct rules *r, const struct binding *b)
{
    struct arena *arena = r->arena;
    uint32_t devices = r->site->device_count;
    uint32_t levels = 0;
    r->instance_count = b->count;
    r->instances = arena_array(arena, (size_t)b->count + 1, sizeof *r->instances);
    r->device_first = arena_array(arena, (size_t)devices + 1, sizeof(uint32_t));
    r->slots = arena_array(arena, (size_t)b->slot_count + 1, sizeof(uint32_t));
    if (b->slot_count > 0) {
        memcpy(r->slots, b->slots, b->slot_count * sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < b->count; i++) {
        const struct bound *from = &b->items[i];
        r->instances[i] = (struct instance){
            .code = from->code,
            .while_last_ms = INSTANT_NONE,
            .device = from->device,
            .rule = from->rule,
            .first_slot = from->first_slot,
            .first_since = levels,
            .level = -1,
            .flags = from->code->while_.count == 0 ? INSTANCE_WHILE : 0,
        };
        levels += from->code->level_count;
        r->device_first[from->device + 1]++;
    }
    sum_up(r->device_first, devices);
    r->since = arena_array(arena, (size_t)levels + 1, sizeof *r->since);
    for (uint32_t k = 0; k < levels; k++) {
        r->since[k] = INSTANT_NONE;
    }
}

static void
make_series(struct rules *r, const struct series_book *book)
{
    struct series_spec *specs =
        arena_array(r->arena, (size_t)book->count + 1, sizeof *specs);
    r->series = arena_array(r->arena, (size_t)book->count + 1, sizeof *r->series);
    r->series_count = book->count;
    r->specs = specs;
    for (uint32_t i = 0; i < book->count; i++) {
        specs[i] = book->items[i];
        series_init(&r->series[i], &specs[i]);
    }
}

static void
make_tables(struct rules *r)
{
    struct arena *a = r->arena;
    size_t points = (size_t)r->site->point_count + 1;
    size_t devices = (size_t)r->site->device_count + 1;
    r->value = arena_array(a, points, sizeof *r->value);
    r->known = arena_array(a, points, sizeof *r->known);
    r->last_good_ms = arena_array(a, points, sizeof *r->last_good_ms);
    r->aged_ms = arena_array(a, points, sizeof *r->aged_ms);
    r->last_ms = arena_array(a, points, sizeof *r->last_ms);
    r->fresh_ms = arena_array(a, points, sizeof *r->fresh_ms);
    r->quality = arena_array(a, points, sizeof *r->quality);
    r->detail = arena_array(a, points, sizeof *r->detail);
    r->fresh = arena_array(a, points, sizeof *r->fresh);
    r->health = arena_array(a, devices, sizeof *r->health);
    r->unreachable = arena_array(a, devices, sizeof *r->unreachable);
    r->fresh_count = arena_array(a, devices, sizeof *r->fresh_count);
    for (uint32_t p = 0; p < r->site->point_count; p++) {
        r->known[p] = (double)NAN;
        r->last_good_ms[p] = INSTANT_NONE;
        r->aged_ms[p] = INSTANT_NONE;
        r->last_ms[p] = INSTANT_NONE;
        r->fresh_ms[p] = INSTANT_NONE;
        r->quality[p] = QUALITY_STALE;
    }
    uint32_t words = words_for(r->instance_count);
    r->touched.words = arena_array(a, words, sizeof(uint64_t));
    r->dirty.words = arena_array(a, words, sizeof(uint64_t));
    r->touched_series.words =
        arena_array(a, words_for(r->series_count), sizeof(uint64_t));
    r->point_readers = index_readers(r, false, SLOT_POINT, r->site->point_count);
    r->point_series = index_readers(r, true, SLOT_POINT, r->site->point_count);
    r->online_readers = index_readers(r, false, SLOT_DEVICE, r->site->device_count);
    r->online_series = index_readers(r, true, SLOT_DEVICE, r->site->device_count);
    r->series_readers = index_readers(r, false, SLOT_SERIES, r->series_count);
    r->outer_series = index_readers(r, true, SLOT_SERIES, r->series_count);
}

struct rules *
rules_new(const struct site *site, struct diags *diags)
{
    size_t errors = diags->errors;
    struct binding binding;
    struct rules *r = calloc(1, sizeof *r);
    if (r == NULL) {
        abort();
    }
    r->site = site;
    r->arena = arena_new();
    r->alive_ms = INSTANT_NONE;
    binding_init(&binding, r->arena, site, diags);
    make_instances(r, &binding);
    make_series(r, &binding.series);
    binding_fini(&binding);
    if (diags->errors > errors) {
        rules_free(r);
        return NULL;
    }
    make_tables(r);
    uint32_t timers = r->instance_count + site->device_count + r->series_count;
    r->timers = timerq_new(timers);
    /* A timer is a heap entry (due, id, class) and its place. */
    r->bytes = sizeof *r + arena_bytes(r->arena) + (size_t)timers * 20;
    for (uint32_t i = 0; i < r->series_count; i++) {
        r->bytes += series_spec_bytes(&r->specs[i]);
    }
    return r;
}

void
rules_free(struct rules *r)
{
    if (r == NULL) {
        return;
    }
    for (uint32_t i = 0; i < r->series_count; i++) {
        series_fini(&r->series[i]);
    }
    timerq_free(r->timers);
    arena_free(r->arena);
    free(r);
}
