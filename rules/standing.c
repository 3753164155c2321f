/* What the life of an alarm asks of its instance beyond the edges. */
#include <math.h>

#include "daemon/base/instant.h"
#include "rules/engine.h"

/* A program: of an instance, or of a series that it reads. */
struct reading_program {
    const struct op *ops;
    struct span span;
    const uint32_t *slots;
};

static struct reading_program
program_of_series(const struct series_spec *s)
{
    return (struct reading_program){s->ops, {0, (uint16_t)s->op_count}, s->slots};
}

static void
take_sample(struct rules_standing *out, int64_t t_ms, int64_t stale_after_ms)
{
    out->sampled_ms = t_ms < out->sampled_ms ? t_ms : out->sampled_ms;
    out->stale_after_ms =
        stale_after_ms > out->stale_after_ms ? stale_after_ms : out->stale_after_ms;
}

/* Its last good sample; INSTANT_NONE: what it is now is not known. */
static void
take_point(const struct rules *r, uint32_t p, struct rules_standing *out)
{
    take_sample(out, isnan(r->known[p]) ? INSTANT_NONE : r->last_good_ms[p],
                r->site->points[p].stale_after_ms);
}

/* A quality that the device has answered with counts as well as a good value. */
static void
take_quality(const struct rules *r, uint32_t p, struct rules_standing *out)
{
    bool answered = quality_is_answer((enum quality)r->quality[p]);
    take_sample(out, answered ? r->last_ms[p] : INSTANT_NONE,
                r->site->points[p].stale_after_ms);
}

/* The newest good sample of a device that answers. */
static void
take_device(const struct rules *r, uint32_t device, struct rules_standing *out)
{
    const struct device *d = &r->site->devices[device];
    int64_t newest = INSTANT_NONE;
    for (uint32_t p = d->first_point; p < d->first_point + d->point_count; p++) {
        if (r->site->points[p].derived == DERIVED_NONE && r->last_good_ms[p] > newest) {
            newest = r->last_good_ms[p];
        }
    }
    bool online = r->health[device] == DEVICE_ONLINE;
    take_sample(out, online ? newest : INSTANT_NONE, d->stale_after_ms);
}

static void
take_program(const struct rules *r,
             const struct reading_program *p,
             struct rules_standing *out)
{
    for (uint32_t i = p->span.first; i < (uint32_t)p->span.first + p->span.count; i++) {
        const struct op *op = &p->ops[i];
        if (op->code == OP_POINT || op->code == OP_AGE) {
            take_point(r, p->slots[op->a], out);
        } else if (op->code == OP_QUALITY) {
            take_quality(r, p->slots[op->a], out);
        } else if (op->code == OP_ONLINE) {
            take_device(r, p->slots[op->a], out);
        } else if (op->code == OP_SERIES || op->code == OP_RANGE) {
            struct reading_program inner =
                program_of_series(&r->specs[p->slots[op->a]]);
            take_program(r, &inner, out); /* A call within a call: a few deep. */
        }
    }
}

struct rules_standing
rules_standing(const struct rules *r, uint32_t device, uint32_t rule)
{
    struct rules_standing out = {.sampled_ms = INSTANT_MAX};
    uint32_t i = engine_find(r, device, rule);
    if (i == NONE_INDEX) {
        return out;
    }
    const struct instance *in = &r->instances[i];
    const int64_t *since = instance_since(r, in);
    int levels = (int)in->code->level_count;
    for (int k = in->level + 1; k < levels; k++) {
        out.pending = out.pending || (in->level < 0 && since[k] != INSTANT_NONE);
    }
    out.clearing = in->level >= 0;
    for (int k = 0; k <= in->level; k++) {
        out.clearing = out.clearing && since[k] != INSTANT_NONE;
        if (!out.clearing) {
            break;
        }
        int64_t over_ms = since[k] + r->site->rules[rule].clear_hold_ms;
        out.clears_ms = over_ms > out.clears_ms ? over_ms : out.clears_ms;
    }
    for (int k = 0; k < levels; k++) {
        const struct level_code *level = &in->code->levels[k];
        const struct span spans[] = {in->code->while_, level->when, level->clear};
        for (size_t s = 0; s < ARRAY_LEN(spans); s++) {
            struct reading_program p = {in->code->ops, spans[s],
                                        &r->slots[in->first_slot]};
            take_program(r, &p, &out);
        }
    }
    return out;
}

/* Whether the program asks if the device answers, or for how long or why it does not.
 */
static bool
asks_for_silence(const struct rules *r,
                 const struct reading_program *p,
                 uint32_t device)
{
    const struct site *site = r->site;
    /* A bus tells by a point whether anybody on it answers. */
    uint32_t bus_online = site->devices[device].role == DEVICE_BUS
                              ? site_point(site, device, "online")
                              : NONE_INDEX;
    bool asks = false;
    for (uint32_t i = p->span.first; i < (uint32_t)p->span.first + p->span.count; i++) {
        const struct op *op = &p->ops[i];
        if (op->code == OP_ONLINE) {
            asks = asks || p->slots[op->a] == device;
        } else if (op->code == OP_AGE || op->code == OP_QUALITY) {
            asks = asks || site->points[p->slots[op->a]].device == device;
        } else if (op->code == OP_POINT) {
            asks = asks || p->slots[op->a] == bus_online;
        } else if (op->code == OP_SERIES) {
            const struct series_spec *s = &r->specs[p->slots[op->a]];
            struct reading_program inner = program_of_series(s);
            /* A count of outages comes too late to tell of the first. */
            asks =
                asks || (s->kind == SERIES_HELD && asks_for_silence(r, &inner, device));
        }
    }
    return asks;
}

bool
rules_tells_silence(const struct rules *r, uint32_t device, uint32_t rule)
{
    uint32_t i = engine_find(r, device, rule);
    bool asks = false;
    if (i == NONE_INDEX) {
        return false;
    }
    const struct instance *in = &r->instances[i];
    for (uint32_t k = 0; k < in->code->level_count; k++) {
        struct reading_program p = {in->code->ops, in->code->levels[k].when,
                                    &r->slots[in->first_slot]};
        asks = asks || asks_for_silence(r, &p, device);
    }
    return asks;
}
