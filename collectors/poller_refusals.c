/* What a device refuses: blocks are split until the bad register stands alone, and what
 * is good is joined again around it. */
#include "collectors/poller_inside.h"
#include "daemon/base/log.h"

/* Exceptions 01-03 may pass by themselves (seen on real devices): so many in a row are
 * believed, and not for ever. */
#define REFUSALS_BELIEVED 3
#define REFUSED_FOR_US    (INT64_C(10) * 60 * 1000000)
#define REFUSED_MAX_US    (INT64_C(6) * 3600 * 1000000)
#define EXPIRE_AGAIN_US   (INT64_C(60) * 1000000)
#define SPLITS_PER_POLL   16 /* More would hold the bus; the next poll goes on. */

static struct plan_cost
cost_of(const struct poller *p, const struct polled *d)
{
    return plan_cost(p->bus, &p->args.site->devices[d->plan.device].limits,
                     d->planned_us);
}

/* The pause grows with each refusal after it was believed. */
static int64_t
pause_after(uint8_t times)
{
    int64_t pause_us = REFUSED_FOR_US;

    for (uint8_t i = REFUSALS_BELIEVED; i < times && pause_us < REFUSED_MAX_US; i++) {
        pause_us *= 2;
    }
    return pause_us < REFUSED_MAX_US ? pause_us : REFUSED_MAX_US;
}

static void
keep_until(struct polled *d, int64_t until_us)
{
    d->rejoin_us = until_us < d->rejoin_us ? until_us : d->rejoin_us;
}

static void
count_refused(struct poller *p, int change)
{
    _Atomic uint32_t *refused = &p->args.devices[p->turn.d->plan.device].refused;
    uint32_t now = atomic_load_explicit(refused, memory_order_relaxed);

    atomic_store_explicit(refused, (uint32_t)((int64_t)now + change),
                          memory_order_relaxed);
}

static void
tell_point(const struct poller *p, uint32_t point, uint8_t exception, bool refused)
{
    const struct point *pt = &p->args.site->points[point];

    if (refused) {
        log_warning(
            "%s (bus %s, unit %u) has no %s: %s %u is refused with exception %u; "
            "left out, and tried again now and then",
            p->turn.device->id, p->bus->id, p->turn.device->unit, pt->id,
            reg_table_name(pt->table), pt->address, exception);
    } else {
        log_info("%s (bus %s, unit %u) gives %s now", p->turn.device->id, p->bus->id,
                 p->turn.device->unit, pt->id);
    }
}

static void
refuse_point(struct poller *p,
             struct plan_group *g,
             struct plan_request *r,
             uint8_t exception,
             int64_t now_us)
{
    struct lesson *l = plan_group_lesson(g, r->first);

    r->refusals = r->refusals < UINT8_MAX ? (uint8_t)(r->refusals + 1) : UINT8_MAX;
    if (l == NULL) {
        return; /* No memory: it is asked again with the next poll. */
    }
    l->exception = exception;
    l->refusals = l->refusals < UINT8_MAX ? (uint8_t)(l->refusals + 1) : UINT8_MAX;
    if (l->refusals < REFUSALS_BELIEVED) {
        return;
    }
    l->alone_until_us = now_us + pause_after(l->refusals);
    r->not_before_us = l->alone_until_us;
    r->why = QUALITY_EXCEPTION;
    r->detail = exception;
    keep_until(p->turn.d, l->alone_until_us);
    if (!l->told) {
        l->told = true;
        count_refused(p, 1);
        tell_point(p, g->order[r->first], exception, true);
    }
}

bool
refusals_take(struct poller *p,
              struct plan_group *g,
              uint32_t index,
              uint8_t exception,
              int64_t now_us)
{
    struct plan_request *r = &g->requests[index];

    if (r->point_count == 1) {
        refuse_point(p, g, r, exception, now_us);
        return false;
    }
    if (p->turn.splits >= SPLITS_PER_POLL ||
        !plan_group_split(g, p->args.site, index)) {
        g->requests[index].refusals = 1; /* Not settled: the next poll goes on. */
        return false;
    }
    p->turn.splits++;
    return true;
}

void
refusals_forget(struct poller *p, struct plan_group *g, struct plan_request *r)
{
    r->refusals = 0;
    for (uint32_t k = r->first; g->lessons != NULL && k < r->first + r->point_count;
         k++) {
        struct lesson *l = &g->lessons[k];
        if (l->refusals == 0) {
            continue;
        }
        l->refusals = 0;
        l->alone_until_us = 0;
        if (l->told) {
            l->told = false;
            count_refused(p, -1);
            tell_point(p, g->order[k], 0, false);
        }
    }
}

static bool
is_alone(const struct plan_group *g, const struct plan_request *r, int64_t now_us)
{
    return g->lessons != NULL && g->lessons[r->first].alone_until_us > now_us;
}

/* Some part was refused and is not believed yet, or got no answer: wait. */
static bool
is_open(const struct plan_group *g, int64_t now_us)
{
    for (uint32_t i = 0; i < g->request_count; i++) {
        const struct plan_request *r = &g->requests[i];
        if (r->part && !is_alone(g, r, now_us) &&
            (r->refusals > 0 || r->silences > 0 || r->busies > 0)) {
            return true;
        }
    }
    return false;
}

static bool
has_parts(const struct plan_group *g)
{
    for (uint32_t i = 0; i < g->request_count; i++) {
        if (g->requests[i].part) {
            return true;
        }
    }
    return false;
}

/* All parts are good, and yet the whole was refused: no request shall reach across the
 * places where it was parted, if that happens again and again. */
static void
blame_borders(struct poller *p, struct plan_group *g, int64_t now_us)
{
    for (uint32_t i = 1; i < g->request_count; i++) {
        const struct plan_request *r = &g->requests[i];
        struct lesson *l;
        if (!r->part || !g->requests[i - 1].part ||
            g->requests[i - 1].table != r->table) {
            continue;
        }
        l = plan_group_lesson(g, r->first);
        if (l == NULL) {
            return;
        }
        l->cuts = l->cuts < UINT8_MAX ? (uint8_t)(l->cuts + 1) : UINT8_MAX;
        if (l->cuts < REFUSALS_BELIEVED) {
            continue;
        }
        l->cut_until_us = now_us + pause_after(l->cuts);
        keep_until(p->turn.d, l->cut_until_us);
        if (l->cuts == REFUSALS_BELIEVED) {
            log_info(
                "%s (bus %s, unit %u) refuses to be read across %s %u; from there on "
                "a request of its own",
                p->turn.device->id, p->bus->id, p->turn.device->unit,
                reg_table_name(r->table), r->address);
        }
    }
}

/* Doubts that did not come true again are over. */
static void
clear_doubts(struct plan_group *g, int64_t now_us)
{
    for (uint32_t k = 0; k < g->point_count; k++) {
        struct lesson *l = &g->lessons[k];
        if (l->cut_until_us <= now_us) {
            l->cuts = 0;
        }
    }
}

/* Some request got no answer, or found the device busy: what is known of it would be
 * lost if it were joined with others. */
static bool
waits_alone(const struct plan_group *g)
{
    for (uint32_t i = 0; i < g->request_count; i++) {
        if (g->requests[i].silences > 0 || g->requests[i].busies > 0) {
            return true;
        }
    }
    return false;
}

void
refusals_settle(struct poller *p, struct plan_group *g, int64_t now_us)
{
    bool bad_found = false;

    if (!has_parts(g)) {
        if (g->lessons != NULL) {
            clear_doubts(g, now_us);
        }
        return;
    }
    if (is_open(g, now_us)) {
        return;
    }
    for (uint32_t i = 0; i < g->request_count; i++) {
        bad_found =
            bad_found || (g->requests[i].part && is_alone(g, &g->requests[i], now_us));
    }
    if (!bad_found) {
        blame_borders(p, g, now_us);
    }
    (void)plan_group_join(g, p->args.site, cost_of(p, p->turn.d), now_us);
}

void
refusals_expire(struct poller *p, struct polled *d, int64_t now_us)
{
    if (now_us < d->rejoin_us) {
        return;
    }
    d->rejoin_us = INT64_MAX;
    for (uint32_t i = 0; i < d->plan.group_count; i++) {
        struct plan_group *g = &d->plan.groups[i];
        if (g->lessons == NULL) {
            continue;
        }
        for (uint32_t k = 0; k < g->point_count; k++) {
            const struct lesson *l = &g->lessons[k];
            if (l->alone_until_us > now_us) {
                keep_until(d, l->alone_until_us);
            }
            if (l->cut_until_us > now_us) {
                keep_until(d, l->cut_until_us);
            }
        }
        if (waits_alone(g)) {
            keep_until(d, now_us + EXPIRE_AGAIN_US);
            continue;
        }
        (void)plan_group_join(g, p->args.site, cost_of(p, d), now_us);
    }
}

void
replan(struct poller *p, struct polled *d, int64_t now_us)
{
    int64_t was_us =
        plan_cost(p->bus, &p->args.site->devices[d->plan.device].limits, d->planned_us)
            .request_us;
    int64_t is_us = plan_cost(p->bus, &p->args.site->devices[d->plan.device].limits,
                              d->turnround_us)
                        .request_us;

    if (is_us < 2 * was_us && was_us < 2 * is_us) {
        return;
    }
    d->planned_us = d->turnround_us;
    for (uint32_t i = 0; i < d->plan.group_count; i++) {
        struct plan_group *g = &d->plan.groups[i];
        if (!has_parts(g) && !waits_alone(g)) {
            (void)plan_group_join(g, p->args.site, cost_of(p, d), now_us);
        }
    }
}
