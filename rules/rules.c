#include "rules/rules.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "rules/engine.h"
#include "rules/past.h"

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

static void
mark_readers(struct marks *m, const struct readers *readers, uint32_t index)
{
    for (uint32_t i = readers->first[index]; i < readers->first[index + 1]; i++) {
        marks_add(m, readers->items[i]);
    }
}

static void
touch_point(struct rules *r, uint32_t point)
{
    mark_readers(&r->touched, &r->point_readers, point);
    if (r->series_count > 0) {
        mark_readers(&r->touched_series, &r->point_series, point);
    }
}

static void
touch_device(struct rules *r, uint32_t device)
{
    mark_readers(&r->touched, &r->online_readers, device);
    if (r->series_count > 0) {
        mark_readers(&r->touched_series, &r->online_series, device);
    }
}

static void
take_touched(struct rules *r, int64_t t_ms, bool sampled)
{
    uint32_t i;
    while (marks_take(&r->touched_series, &i)) {
        past_take(r, i, t_ms, sampled);
    }
}

/* First what is remembered, then what is made of it. */
static void
judge_touched(struct rules *r, int64_t t_ms, bool sampled, rules_edge_fn fn, void *ctx)
{
    uint32_t i;
    take_touched(r, t_ms, sampled);
    while (marks_take(&r->touched, &i)) {
        if (!r->warming) {
            judge(r, i, t_ms, fn, ctx);
        }
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
    if (!r->warming) {
        fn(ctx, &e);
    }
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
        r->aged_ms[p] = t_ms;
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
        has_value = has_value || (quality_is_answer(q) && q != QUALITY_EXCEPTION);
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
        touch_point(r, reading->point);
    }
    take_health(r, f, fn, ctx);
    touch_device(r, f->device);
    judge_touched(r, f->t_ms, true, fn, ctx);
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
        bool denied =
            r->last_ms[p] > r->fresh_ms[p] && quality_is_answer(r->quality[p]);
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
        touch_point(r, p);
    }
    if (next != INSTANT_MAX) {
        timerq_set(r->timers, r->instance_count + device, next, TIMER_DEVICE);
    }
    bool silent = r->fresh_count[device] == 0 || missed >= heard;
    if (any && silent && r->health[device] != DEVICE_OFFLINE) {
        set_health(r, device, DEVICE_OFFLINE, t_ms, fn, ctx);
        touch_device(r, device);
    }
    judge_touched(r, t_ms, false, fn, ctx);
}

static void
touch_series(struct rules *r, uint32_t series)
{
    const struct readers *outer = &r->outer_series;
    marks_add(&r->touched_series, series);
    mark_readers(&r->touched, &r->series_readers, series);
    for (uint32_t i = outer->first[series]; i < outer->first[series + 1]; i++) {
        touch_series(r, outer->items[i]); /* A call within a call: a few deep. */
    }
}

/* What a series follows depends on time alone just now: an age has been reached.  Those
 * that read it are judged when all series have done so, in their order among the others
 * of this time. */
static void
fire_series(struct rules *r, uint32_t series, int64_t t_ms)
{
    uint32_t i;
    if (past_due(r, series, t_ms - 1) != t_ms) {
        past_arm(r, series, t_ms); /* It was too early. */
        return;
    }
    touch_series(r, series);
    take_touched(r, t_ms, false);
    while (marks_take(&r->touched, &i)) {
        if (!r->warming) {
            r->instances[i].flags |= INSTANCE_CALLED;
            timerq_set(r->timers, i, t_ms, TIMER_INSTANCE);
        }
    }
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
    if (class == TIMER_SERIES) {
        fire_series(r, id - r->instance_count - r->site->device_count, due);
        return;
    }
    int64_t really = judge_due(r, &r->instances[id], due - 1);
    if (really == due || r->instances[id].flags & INSTANCE_CALLED) {
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
        shift(&r->aged_ms[p], delta_ms);
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
    for (uint32_t i = 0; i < r->series_count; i++) {
        series_shift(&r->series[i], delta_ms);
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
                          .stands = in->flags & INSTANCE_STANDS,
                          .while_now = in->flags & INSTANCE_WHILE,
                          .while_last_ms = in->while_last_ms,
                          .resuming = in->flags & INSTANCE_RESUMING};
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
