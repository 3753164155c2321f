/* What rules remember. */
#include "rules/past.h"

#include <math.h>
#include <string.h>

#include "daemon/base/instant.h"

static double
value_now(const struct rules *r, const struct series_spec *spec, int64_t t_ms)
{
    if (spec->point != NONE_INDEX) {
        return r->known[spec->point]; /* Most follow a point as it is. */
    }
    struct program_env env = {
        .known = r->known,
        .quality = r->quality,
        .last_good_ms = r->last_good_ms,
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

int64_t
rules_memory_from(const struct rules *r, int64_t t_ms)
{
    int64_t from_ms = INSTANT_MAX;
    for (uint32_t i = 0; i < r->series_count; i++) {
        const struct series *s = &r->series[i];
        int64_t wanted_ms = INSTANT_MAX;
        if (!series_has_meter(s->spec) || s->spec->kind == SERIES_STUCK) {
            wanted_ms = t_ms - s->spec->reach_ms;
        }
        if (s->restored) {
            wanted_ms = s->meter.last_ms;
        }
        from_ms = wanted_ms < from_ms ? wanted_ms : from_ms;
    }
    return from_ms;
}

bool
rules_remembers(const struct rules *r, uint32_t point)
{
    return r->point_series.first[point] < r->point_series.first[point + 1];
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

/* What the points were is history; what grows by itself goes on growing. */
void
rules_warm_end(struct rules *r, int64_t t_ms)
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
    }
    for (i = 0; i < r->instance_count; i++) {
        judge_arm(r, i, t_ms);
    }
}
