#include "rules/rules.h"

#include <assert.h>
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

void
marks_add(struct marks *m, uint32_t index)
{
    uint32_t word = index / 64;
    m->words[word] |= UINT64_C(1) << (index % 64);
    if (m->low == m->high) {
        m->low = word;
        m->high = word + 1;
        return;
    }
    m->low = word < m->low ? word : m->low;
    m->high = word >= m->high ? word + 1 : m->high;
}

bool
marks_take(struct marks *m, uint32_t *index)
{
    while (m->low < m->high) {
        uint64_t word = m->words[m->low];
        if (word != 0) {
            *index = m->low * 64 + (uint32_t)__builtin_ctzll(word);
            m->words[m->low] = word & (word - 1);
            return true;
        }
        m->low++;
    }
    m->low = m->high = 0;
    return false;
}

/* Turns counts at [i + 1] into where each list begins. */
static void
sum_up(uint32_t *first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        first[i + 1] += first[i];
    }
}

/* Lists, for each point or device, the instances whose slots of `kind` name it. */
static void
index_readers(struct rules *r,
              enum slot_kind kind,
              uint32_t count,
              uint32_t **first_out,
              uint32_t **readers_out)
{
    uint32_t *first = arena_array(r->arena, (size_t)count + 2, sizeof *first);
    for (int fill = 0; fill < 2; fill++) {
        for (uint32_t i = 0; i < r->instance_count; i++) {
            const struct instance *in = &r->instances[i];
            for (uint32_t s = 0; s < in->code->slot_count; s++) {
                if (in->code->slot_kinds[s] != kind) {
                    continue;
                }
                uint32_t index = r->slots[in->first_slot + s];
                if (fill) {
                    (*readers_out)[first[index + 1]++] = i;
                } else {
                    first[index + 2]++;
                }
            }
        }
        if (!fill) {
            sum_up(first + 1, count);
            *readers_out = arena_array(r->arena, (size_t)first[count + 1] + 1,
                                       sizeof **readers_out);
        }
    }
    *first_out = first; /* Filling has moved each beginning to its place. */
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
make_tables(struct rules *r)
{
    struct arena *a = r->arena;
    size_t points = (size_t)r->site->point_count + 1;
    size_t devices = (size_t)r->site->device_count + 1;
    r->value = arena_array(a, points, sizeof *r->value);
    r->known = arena_array(a, points, sizeof *r->known);
    r->last_good_ms = arena_array(a, points, sizeof *r->last_good_ms);
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
        r->last_ms[p] = INSTANT_NONE;
        r->fresh_ms[p] = INSTANT_NONE;
        r->quality[p] = QUALITY_STALE;
    }
    uint32_t words = words_for(r->instance_count);
    r->touched.words = arena_array(a, words, sizeof(uint64_t));
    r->dirty.words = arena_array(a, words, sizeof(uint64_t));
    index_readers(r, SLOT_POINT, r->site->point_count, &r->reader_first, &r->readers);
    index_readers(r, SLOT_DEVICE, r->site->device_count, &r->online_first,
                  &r->online_readers);
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
    binding_fini(&binding);
    if (diags->errors > errors) {
        rules_free(r);
        return NULL;
    }
    make_tables(r);
    uint32_t timers = r->instance_count + site->device_count;
    r->timers = timerq_new(timers);
    /* A timer is a heap entry (due, id, class) and its place. */
    r->bytes = sizeof *r + arena_bytes(r->arena) + (size_t)timers * 20;
    return r;
}

void
rules_free(struct rules *r)
{
    if (r == NULL) {
        return;
    }
    timerq_free(r->timers);
    arena_free(r->arena);
    free(r);
}

static void
touch(struct rules *r, const uint32_t *first, const uint32_t *readers, uint32_t index)
{
    for (uint32_t i = first[index]; i < first[index + 1]; i++) {
        marks_add(&r->touched, readers[i]);
    }
}

static void
judge_touched(struct rules *r, int64_t t_ms, rules_edge_fn fn, void *ctx)
{
    uint32_t i;
    while (marks_take(&r->touched, &i)) {
        judge(r, i, t_ms, fn, ctx);
    }
}

static void
set_health(struct rules *r,
           uint32_t device,
           enum device_health health,
           int64_t t_ms,
           rules_edge_fn fn,
           void *ctx)
{
    enum device_health before = r->health[device];
    r->health[device] = (uint8_t)health;
    if (health == DEVICE_ONLINE && before != DEVICE_OFFLINE) {
        return; /* Its first answer is no return. */
    }
    struct edge e = {
        .t_ms = t_ms,
        .kind = health == DEVICE_ONLINE ? EDGE_DEVICE_ONLINE : EDGE_DEVICE_OFFLINE,
        .device = device,
        .rule = NONE_INDEX,
    };
    fn(ctx, &e);
}

/* Puts a reading into the table of latest values. */
static void
take_reading(struct rules *r, const struct reading *reading, int64_t t_ms)
{
    uint32_t p = reading->point;
    const struct point *point = &r->site->points[p];
    bool good = reading->quality == QUALITY_GOOD;
    bool first = r->last_ms[p] == INSTANT_NONE;
    r->last_ms[p] = t_ms;
    r->quality[p] = reading->quality;
    r->detail[p] = reading->detail;
    r->known[p] = (double)NAN;
    if (good) {
        assert(isfinite(reading->value));
        r->value[p] = reading->value;
        r->known[p] = reading->value;
        r->last_good_ms[p] = t_ms;
    }
    if (good || first) {
        r->fresh_ms[p] = t_ms;
    }
    if ((good || first) && !r->fresh[p]) {
        r->fresh[p] = true;
        r->fresh_count[point->device] += point->derived == DERIVED_NONE;
        /* One timer a device; it may be early, never late. */
        uint32_t timer = r->instance_count + point->device;
        int64_t due = t_ms + point->stale_after_ms;
        if (timerq_due_of(r->timers, timer) > due) {
            timerq_set(r->timers, timer, due, TIMER_DEVICE);
        }
    }
}

/* Whether a reading of this quality came out of an answer of the device. */
static bool
is_answer(enum quality q)
{
    return q == QUALITY_GOOD || q == QUALITY_EXCEPTION || q == QUALITY_RANGE ||
           q == QUALITY_SENTINEL || q == QUALITY_STUCK;
}

/* What a frame tells of its device as a whole.  Derived points say what the collector
 * knows, not what the device answered. */
static void
take_health(struct rules *r, const struct frame *f, rules_edge_fn fn, void *ctx)
{
    bool asked = false;
    bool answers = false;
    bool refused = false;
    bool has_value = false; /* Of a register, whether or not it can be used. */
    for (uint32_t i = 0; i < f->count; i++) {
        enum quality q = f->readings[i].quality;
        if (r->site->points[f->readings[i].point].derived != DERIVED_NONE) {
            continue;
        }
        asked = true;
        answers = answers || q == QUALITY_GOOD;
        refused = refused || q == QUALITY_REFUSED;
        has_value = has_value || (is_answer(q) && q != QUALITY_EXCEPTION);
    }
    if (asked) {
        /* Other points may have an exception, remembered from better days. */
        r->unreachable[f->device] = refused && !has_value;
    }
    if (answers && r->health[f->device] != DEVICE_ONLINE) {
        set_health(r, f->device, DEVICE_ONLINE, f->t_ms, fn, ctx);
    }
}

void
rules_frame(struct rules *r, const struct frame *f, rules_edge_fn fn, void *ctx)
{
    assert(f->device < r->site->device_count);
    const struct device *d = &r->site->devices[f->device];
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *reading = &f->readings[i];
        assert(reading->point - d->first_point < d->point_count);
        take_reading(r, reading, f->t_ms);
        touch(r, r->reader_first, r->readers, reading->point);
    }
    take_health(r, f, fn, ctx);
    touch(r, r->online_first, r->online_readers, f->device);
    judge_touched(r, f->t_ms, fn, ctx);
}

int64_t
rules_due(const struct rules *r)
{
    return timerq_due(r->timers);
}

/* The timer of a device: makes stale what is due, and waits for the next point.
 *
 * The device is offline when all its points are stale, and also when one is that was
 * asked in vain and nothing has come since: a meter whose voltage is read once a second
 * is missed within seconds, though its energy, read once a minute, is not stale yet. */
static void
fire_device(struct rules *r, uint32_t device, int64_t t_ms, rules_edge_fn fn, void *ctx)
{
    const struct device *d = &r->site->devices[device];
    int64_t next = INSTANT_MAX;
    int64_t heard = INSTANT_NONE;  /* The newest sample of what is still fresh, */
    int64_t missed = INSTANT_NONE; /* and the last of a point that waits in vain. */
    bool any = false;
    for (uint32_t p = d->first_point; p < d->first_point + d->point_count; p++) {
        if (!r->fresh[p]) {
            continue;
        }
        bool derived = r->site->points[p].derived != DERIVED_NONE;
        int64_t due = r->fresh_ms[p] + r->site->points[p].stale_after_ms;
        if (due > t_ms) {
            next = due < next ? due : next;
            if (derived) {
                continue;
            }
            heard = r->fresh_ms[p] > heard ? r->fresh_ms[p] : heard;
            continue;
        }
        any = any || !derived;
        bool strict = r->site->points[p].stale_after_ms < d->stale_after_ms;
        bool denied = r->last_ms[p] > r->fresh_ms[p] && is_answer(r->quality[p]);
        if (!strict && !denied && !derived) {
            missed = r->fresh_ms[p] > missed ? r->fresh_ms[p] : missed;
        }
        r->fresh[p] = false;
        r->fresh_count[device] -= !derived;
        if (r->quality[p] == QUALITY_GOOD) {
            r->quality[p] = QUALITY_STALE; /* A worse reason stays the reason. */
            r->detail[p] = 0;
        }
        r->known[p] = (double)NAN;
        touch(r, r->reader_first, r->readers, p);
    }
    if (next != INSTANT_MAX) {
        timerq_set(r->timers, r->instance_count + device, next, TIMER_DEVICE);
    }
    bool silent = r->fresh_count[device] == 0 || missed >= heard;
    if (any && silent && r->health[device] != DEVICE_OFFLINE) {
        set_health(r, device, DEVICE_OFFLINE, t_ms, fn, ctx);
        touch(r, r->online_first, r->online_readers, device);
    }
    judge_touched(r, t_ms, fn, ctx);
}

void
rules_fire(struct rules *r, rules_edge_fn fn, void *ctx)
{
    uint32_t id;
    int64_t due;
    uint8_t class;
    if (!timerq_first(r->timers, &id, &due, &class)) {
        return;
    }
    timerq_cancel(r->timers, id);
    if (class == TIMER_DEVICE) {
        fire_device(r, id - r->instance_count, due, fn, ctx);
        return;
    }
    int64_t really = judge_due(r, &r->instances[id], due - 1);
    if (really == due) {
        judge(r, id, due, fn, ctx);
    } else if (really != INSTANT_MAX) {
        timerq_set(r->timers, id, really, TIMER_INSTANCE); /* It was too early. */
    }
}

static void
shift(int64_t *t_ms, int64_t delta_ms)
{
    if (*t_ms != INSTANT_NONE) {
        *t_ms += delta_ms;
    }
}

void
rules_shift(struct rules *r, int64_t delta_ms)
{
    for (uint32_t p = 0; p < r->site->point_count; p++) {
        shift(&r->last_good_ms[p], delta_ms);
        shift(&r->last_ms[p], delta_ms);
        shift(&r->fresh_ms[p], delta_ms);
    }
    for (uint32_t i = 0; i < r->instance_count; i++) {
        struct instance *in = &r->instances[i];
        int64_t *since = instance_since(r, in);
        for (uint32_t k = 0; k < in->code->level_count; k++) {
            shift(&since[k], delta_ms);
        }
        in->clear_since_ms += delta_ms;
        shift(&in->while_last_ms, delta_ms);
        if (in->level >= 0 || in->flags & INSTANCE_WATCHED ||
            timerq_is_set(r->timers, i)) {
            marks_add(&r->dirty, i); /* Its saved instants are of the old clock. */
        }
    }
    shift(&r->alive_ms, delta_ms);
    timerq_shift(r->timers, delta_ms);
}

struct latest
rules_latest(const struct rules *r, uint32_t point)
{
    assert(point < r->site->point_count);
    return (struct latest){.value = r->value[point],
                           .quality = r->quality[point],
                           .detail = r->detail[point],
                           .t_ms = r->last_ms[point],
                           .last_good_ms = r->last_good_ms[point]};
}

enum device_health
rules_device_health(const struct rules *r, uint32_t device)
{
    assert(device < r->site->device_count);
    return r->health[device];
}

uint32_t
engine_find(const struct rules *r, uint32_t device, uint32_t rule)
{
    if (device >= r->site->device_count) {
        return NONE_INDEX;
    }
    uint32_t low = r->device_first[device];
    uint32_t high = r->device_first[device + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->instances[middle].rule == rule) {
            return middle;
        }
        if (r->instances[middle].rule < rule) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NONE_INDEX;
}

bool
rules_bound(const struct rules *r, uint32_t device, uint32_t rule)
{
    return engine_find(r, device, rule) != NONE_INDEX;
}

struct watch
rules_watch(const struct rules *r, uint32_t device, uint32_t rule)
{
    uint32_t i = engine_find(r, device, rule);
    if (i == NONE_INDEX) {
        return (struct watch){.while_last_ms = INSTANT_NONE};
    }
    const struct instance *in = &r->instances[i];
    return (struct watch){.clear = in->flags & INSTANCE_CLEAR,
                          .clear_since_ms = in->clear_since_ms,
                          .while_now = in->flags & INSTANCE_WHILE,
                          .while_last_ms = in->while_last_ms};
}

void
rules_set_watched(struct rules *r, uint32_t device, uint32_t rule, bool watched)
{
    uint32_t i = engine_find(r, device, rule);
    if (i == NONE_INDEX) {
        return;
    }
    struct instance *in = &r->instances[i];
    if (watched != (bool)(in->flags & INSTANCE_WATCHED)) {
        in->flags ^= INSTANCE_WATCHED;
        marks_add(&r->dirty, i);
    }
}

struct rules_counts
rules_count(const struct rules *r)
{
    return (struct rules_counts){.evaluations = r->evaluations,
                                 .instances = r->instance_count,
                                 .bytes = r->bytes};
}
