/* What rules remember. */
#include "rules/past.h"

#include <math.h>
#include <string.h>

#include "daemon/base/instant.h"

#define AGE_REACH_MS (INT64_C(7) * 86400000) /* Older than that is read as never. */

static double
value_now(const struct rules *r, const struct series_spec *spec, int64_t t_ms)
{
    if (spec->point != NONE_INDEX) {
        return r->known[spec->point]; /* Most follow a point as it is. */
    }
    struct program_env env = {
        .known = r->known,
        .quality = r->quality,
        .aged_ms = r->aged_ms,
        .last_ms = r->last_ms,
        .health = r->health,
        .unreachable = r->unreachable,
        .series = r->series,
        .t_ms = t_ms,
    };
    struct span all = {0, (uint16_t)spec->op_count};
    return program_run(spec->ops, all, spec->constants, spec->slots, &env);
}

/* A life of which nothing was saved begins with the first sample, not with what happens
 * to be recorded. */
static bool
is_life(const struct series_spec *spec)
{
    return spec->kind == SERIES_HOURS || spec->kind == SERIES_STARTS;
}

void
past_take(struct rules *r, uint32_t i, int64_t t_ms, bool sampled)
{
    struct series *s = &r->series[i];
    if (r->warming && is_life(s->spec) && !s->restored) {
        return;
    }
    series_take(s, r->site, t_ms, value_now(r, s->spec, t_ms), sampled);
    if (s->spec->watch_count > 0) {
        past_arm(r, i, t_ms);
    }
}

int64_t
past_due(const struct rules *r, uint32_t i, int64_t after_ms)
{
    const struct series_spec *spec = &r->specs[i];
    return watch_due(r, spec->watches, spec->watch_count, spec->slots, after_ms);
}

void
past_arm(struct rules *r, uint32_t i, int64_t t_ms)
{
    uint32_t timer = r->instance_count + r->site->device_count + i;
    int64_t due = past_due(r, i, t_ms);
    if (due == INSTANT_MAX) {
        timerq_cancel(r->timers, timer);
    } else if (timerq_due_of(r->timers, timer) > due) {
        timerq_set(r->timers, timer, due, TIMER_SERIES);
    }
}

/* ---- what is saved ---- */

void
rules_save_meters(struct rules *r, rules_meter_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < r->series_count; i++) {
        struct series *s = &r->series[i];
        if (!series_has_meter(s->spec) || !s->dirty) {
            continue;
        }
        s->dirty = false;
        const struct meter *m = &s->meter;
        struct rules_meter row = {.key = s->spec->key,
                                  .last_ms = m->last_ms,
                                  .since_ms = m->since_ms,
                                  .early_ms = m->early_ms,
                                  .value = m->value,
                                  .changed = m->changed,
                                  .true_ms = m->true_ms,
                                  .starts = m->starts,
                                  .service_ms = m->service_ms,
                                  .service_starts = m->service_starts};
        fn(ctx, &row);
    }
}

bool
rules_restore_meter(struct rules *r, const struct rules_meter *row)
{
    for (uint32_t i = 0; i < r->series_count; i++) {
        struct series *s = &r->series[i];
        if (!series_has_meter(s->spec) || strcmp(s->spec->key, row->key) != 0) {
            continue;
        }
        s->meter = (struct meter){.last_ms = row->last_ms,
                                  .since_ms = row->since_ms,
                                  .early_ms = row->early_ms,
                                  .value = row->value,
                                  .changed = row->changed,
                                  .resumed = true,
                                  .true_ms = row->true_ms,
                                  .starts = row->starts,
                                  .service_ms = row->service_ms,
                                  .service_starts = row->service_starts};
        s->restored = true;
        return true;
    }
    return false;
}

void
rules_service(struct rules *r, uint32_t device, int64_t t_ms)
{
    for (uint32_t i = 0; i < r->series_count; i++) {
        struct series *s = &r->series[i];
        if (s->spec->device == device && s->spec->since_service) {
            meter_service(&s->meter, t_ms, s->spec->patience_ms);
            s->dirty = true;
        }
    }
}

/* ---- what is read again ---- */

static void
reach_back(int64_t *from_ms, int64_t wanted_ms)
{
    *from_ms = wanted_ms < *from_ms ? wanted_ms : *from_ms;
}

/* All devices whose points a series reads. */
static void
reach_of_series(const struct rules *r,
                const struct series *s,
                int64_t t_ms,
                int64_t *from)
{
    const struct series_spec *spec = s->spec;
    int64_t wanted_ms = INSTANT_MAX;
    if (!series_has_meter(spec) || spec->kind == SERIES_STUCK) {
        wanted_ms = t_ms - spec->reach_ms;
    }
    if (s->restored && s->meter.last_ms < wanted_ms) {
        wanted_ms = s->meter.last_ms;
    }
    for (uint32_t k = 0; k < spec->slot_count; k++) {
        if (spec->slot_kinds[k] == SLOT_POINT) {
            reach_back(&from[r->site->points[spec->slots[k]].device], wanted_ms);
        } else if (spec->slot_kinds[k] == SLOT_DEVICE) {
            reach_back(&from[spec->slots[k]], wanted_ms);
        }
    }
}

/* An age that is compared must be known to that age. */
static void
reach_of_ages(const struct rules *r,
              const struct value_watch *watches,
              uint32_t count,
              const uint32_t *slots,
              int64_t t_ms,
              int64_t *from)
{
    for (uint32_t i = 0; i < count; i++) {
        if (watches[i].kind == WATCH_AGE) {
            const struct point *p = &r->site->points[slots[watches[i].slot]];
            int64_t ms =
                watches[i].ms < AGE_REACH_MS ? (int64_t)watches[i].ms : AGE_REACH_MS;
            reach_back(&from[p->device], t_ms - ms - p->stale_after_ms);
        }
    }
}

int64_t
rules_memory(const struct rules *r, int64_t t_ms, int64_t *from_ms)
{
    int64_t earliest_ms = INSTANT_MAX;
    for (uint32_t d = 0; d < r->site->device_count; d++) {
        from_ms[d] = INSTANT_MAX;
    }
    for (uint32_t i = 0; i < r->series_count; i++) {
        const struct series_spec *spec = &r->specs[i];
        reach_of_series(r, &r->series[i], t_ms, from_ms);
        reach_of_ages(r, spec->watches, spec->watch_count, spec->slots, t_ms, from_ms);
    }
    for (uint32_t i = 0; i < r->instance_count; i++) {
        const struct instance *in = &r->instances[i];
        reach_of_ages(r, in->code->watches, in->code->watch_count,
                      &r->slots[in->first_slot], t_ms, from_ms);
    }
    for (uint32_t d = 0; d < r->site->device_count; d++) {
        reach_back(&earliest_ms, from_ms[d]);
    }
    return earliest_ms;
}

void
rules_live_since(struct rules *r, int64_t since_ms, int64_t *from_ms)
{
    for (uint32_t i = 0; i < r->series_count; i++) {
        const struct series_spec *spec = &r->specs[i];
        if (!series_has_meter(spec) || r->series[i].restored) {
            continue;
        }
        r->series[i].restored = true;
        for (uint32_t k = 0; k < spec->slot_count; k++) {
            if (spec->slot_kinds[k] == SLOT_POINT) {
                reach_back(&from_ms[r->site->points[spec->slots[k]].device], since_ms);
            } else if (spec->slot_kinds[k] == SLOT_DEVICE) {
                reach_back(&from_ms[spec->slots[k]], since_ms);
            }
        }
    }
}

static void
ignore(void *ctx, const struct edge *e)
{
    (void)ctx;
    (void)e;
}

void
rules_warm(struct rules *r, const struct frame *f)
{
    r->warming = true;
    while (rules_due(r) <= f->t_ms) {
        rules_fire(r, ignore, NULL);
    }
    rules_frame(r, f, ignore, NULL);
}

/* A time in which the program did not run makes nothing older. */
static int64_t
aged(int64_t good_ms, int64_t alive_ms, int64_t t_ms)
{
    if (good_ms == INSTANT_NONE || alive_ms == INSTANT_NONE || alive_ms > t_ms) {
        return good_ms;
    }
    return good_ms < alive_ms ? good_ms + (t_ms - alive_ms) : t_ms;
}

/* What the points were is history; what grows by itself goes on growing. */
void
rules_warm_end(struct rules *r, int64_t alive_ms, int64_t t_ms)
{
    uint32_t i;
    while (marks_take(&r->touched, &i)) {
        /* Nothing is judged by what is past. */
    }
    r->warming = false;
    for (uint32_t d = 0; d < r->site->device_count; d++) {
        timerq_cancel(r->timers, r->instance_count + d);
        r->fresh_count[d] = 0;
        r->unreachable[d] = false;
        r->health[d] = DEVICE_UNKNOWN;
    }
    for (uint32_t p = 0; p < r->site->point_count; p++) {
        r->aged_ms[p] = aged(r->last_good_ms[p], alive_ms, t_ms);
        r->known[p] = (double)NAN;
        r->value[p] = 0;
        r->last_good_ms[p] = r->last_ms[p] = r->fresh_ms[p] = INSTANT_NONE;
        r->quality[p] = QUALITY_STALE;
        r->detail[p] = 0;
        r->fresh[p] = false;
    }
    for (uint32_t s = 0; s < r->series_count; s++) {
        timerq_cancel(r->timers, r->instance_count + r->site->device_count + s);
        series_resume(&r->series[s]);
        past_arm(r, s, t_ms);
    }
    for (i = 0; i < r->instance_count; i++) {
        judge_arm(r, i, t_ms);
    }
}
