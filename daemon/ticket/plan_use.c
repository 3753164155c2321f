#include "daemon/ticket/plan_use.h"

#include <string.h>

#include "daemon/base/instant.h"

#define HOUR_MS       3600000.0
#define DAY_MS        86400000.0
#define DAYS_LEFT_MAX 36500 /* Further away than anybody plans. */

/* In hours; 0: the unit is no time. */
static double
hours_per_unit(const char *unit)
{
    if (unit == NULL) {
        return 0;
    }
    if (strcmp(unit, "h") == 0) {
        return 1;
    }
    if (strcmp(unit, "min") == 0) {
        return 1.0 / 60;
    }
    return strcmp(unit, "s") == 0 ? 1.0 / 3600 : 0;
}

struct plan_counter
plan_counter_of(const struct plan_spec *p, const struct point *pt)
{
    struct plan_counter c = {
        .kind = p->use, .scale = 1, .patience_ms = pt->stale_after_ms};
    double hours = hours_per_unit(pt->unit);
    if (p->use == PLAN_USE_HOURS && hours > 0) {
        c.kind = PLAN_USE_AMOUNT;
        c.scale = hours;
    }
    return c;
}

void
plan_use_sample(struct plan_use_row *u,
                const struct plan_counter *c,
                int64_t t_ms,
                double value)
{
    bool first = u->last_ms == INSTANT_NONE;
    if (!first && t_ms <= u->last_ms) {
        return;
    }
    int64_t since_ms = first ? 0 : t_ms - u->last_ms;
    bool was_on = !first && u->last_value != 0;
    switch (c->kind) {
    case PLAN_USE_HOURS:
        if (was_on) {
            int64_t on_ms = since_ms < c->patience_ms ? since_ms : c->patience_ms;
            u->total += (double)on_ms / HOUR_MS;
        }
        break;
    case PLAN_USE_STARTS:
        u->total += !first && !was_on && value != 0;
        break;
    case PLAN_USE_AMOUNT:
        /* A counter that fell was set back: it counts on from there. */
        if (!first && value > u->last_value) {
            u->total += (value - u->last_value) * c->scale;
        }
        break;
    case PLAN_USE_NONE:
        break;
    }
    u->last_ms = t_ms;
    u->last_value = value;
}

void
plan_use_day(struct plan_use_row *u, int64_t t_ms)
{
    bool began = u->mark_ms != INSTANT_NONE && u->mark_ms < t_ms;
    bool sampled = u->last_ms != INSTANT_NONE && u->last_ms > u->mark_ms;
    if (began && sampled) {
        double days = (double)(t_ms - u->mark_ms) / DAY_MS;
        double per_day = (u->total - u->at_mark) / days;
        if (u->rate_days < PLAN_RATE_DAYS) {
            u->rate_days++;
        }
        u->rate += (per_day - u->rate) / u->rate_days;
    }
    u->mark_ms = t_ms;
    u->at_mark = u->total;
}

double
plan_used(const struct plan_use_row *u)
{
    return u->total - u->at_service;
}

int32_t
plan_use_days_left(const struct plan_use_row *u, double limit)
{
    double left = limit - plan_used(u);
    if (left <= 0) {
        return 0;
    }
    if (u->rate_days < PLAN_RATE_DAYS_MIN || u->rate <= 0) {
        return -1;
    }
    double days = left / u->rate;
    return days < DAYS_LEFT_MAX ? (int32_t)days : -1;
}

void
plan_use_served(struct plan_use_row *u, int32_t days_ago)
{
    if (days_ago <= 0) {
        u->at_service = u->total;
        return;
    }
    double since = u->rate * days_ago;
    if (u->rate_days > 0 && since < plan_used(u)) {
        u->at_service = u->total - since;
    }
}
