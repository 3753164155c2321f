/* One poll of one device: question by question, to a frame. */
#include <assert.h>

#include "collectors/poller_inside.h"

#define REPLAN_ANSWERS 16 /* Enough to know how fast a device is. */

/* ---- which requests belong to the turn ---- */

static bool
group_is_due(const struct poller *p, const struct polled *d, uint32_t g, int64_t now_us)
{
    return d->when[g].due_us + p->lag_us <= now_us;
}

static void
choose_groups(struct poller *p,
              const struct polled *d,
              enum turn_kind kind,
              int64_t now_us)
{
    bool at_will = kind == TURN_IDLE || kind == TURN_AGAIN;

    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        p->in_turn[g] = kind == TURN_PROBE || group_is_due(p, d, g, now_us) ||
                        (at_will && g == d->continuous_group);
    }
}

static bool
is_waiting(const struct plan_request *r, int64_t now_us)
{
    return r->not_before_us > now_us;
}

/* It got no answer before, while others of the device did: to try it again is a probe.
 */
static bool
is_mute(const struct plan_request *r)
{
    return r->silences > 0 && r->not_before_us > 0;
}

static bool
belongs(const struct poller *p, uint32_t group, const struct plan_request *r)
{
    return p->in_turn[group] || r->busies > 0;
}

/* The request that shows whether the device is there: one that is known to answer, so
 * that a device is not taken for dead because of a single request; of those the
 * shortest for a probe, the first for a poll. */
static bool
find_lead(const struct poller *p,
          const struct turn *t,
          int64_t now_us,
          uint32_t *group,
          uint32_t *index)
{
    const struct plan_request *best = NULL;

    for (uint32_t g = 0; g < t->d->plan.group_count; g++) {
        const struct plan_group *pg = &t->d->plan.groups[g];
        for (uint32_t i = 0; i < pg->request_count; i++) {
            const struct plan_request *r = &pg->requests[i];
            /* Whoever is in quarantine shows by any answer that it is back. */
            if (!belongs(p, g, r) || (is_waiting(r, now_us) && !t->probing)) {
                continue;
            }
            bool better = best == NULL || r->silences < best->silences ||
                          (t->probing && r->silences == best->silences &&
                           plan_data_bytes(r->table, r->count) <
                               plan_data_bytes(best->table, best->count));
            if (better) {
                best = r;
                *group = g;
                *index = i;
            }
        }
    }
    return best != NULL;
}

/* ---- marking ---- */

void
turn_mark(struct poller *p,
          uint32_t group,
          const struct plan_request *r,
          enum quality why,
          uint8_t detail)
{
    readings_mark(p->readings, &p->turn.d->plan.groups[group], r, why, detail);
    p->turn.spoke = true;
}

void
turn_mark_all(struct poller *p, enum quality why, uint8_t detail)
{
    const struct polled *d = p->turn.d;

    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        const struct plan_group *pg = &d->plan.groups[g];
        for (uint32_t i = 0; i < pg->request_count; i++) {
            const struct plan_request *r = &pg->requests[i];
            if (!belongs(p, g, r)) {
                continue;
            }
            if (is_waiting(r, p->turn.began_us) && r->refusals > 0 && r->busies == 0) {
                turn_mark(p, g, r, (enum quality)r->why, r->detail);
            } else {
                turn_mark(p, g, r, why, detail);
            }
        }
    }
}

/* ---- derived points ---- */

static void
say(struct poller *p, enum derived what, double value, enum quality q, uint8_t detail)
{
    uint32_t point = p->turn.d->derived[what];

    if (point != NONE_INDEX) {
        readings_set(p->readings, point, value, q, detail);
    }
}

/* Online at once when it changes, all of them once a minute. */
static void
add_derived(struct poller *p, int64_t now_us)
{
    struct polled *d = p->turn.d;
    bool online = d->health.failures == 0 && d->answered_ever;
    bool changed = online != d->derived_online;

    if (p->line != LINE_UP || (!changed && now_us < d->derived_us)) {
        return;
    }
    say(p, DERIVED_ONLINE, online ? 1.0 : 0.0, QUALITY_GOOD, 0);
    d->derived_online = online;
    if (now_us < d->derived_us) {
        return;
    }
    d->derived_us = now_us + DERIVED_EVERY_US;
    struct device_counts c = device_stats_read(&p->args.devices[d->plan.device]);
    /* Polls that found no connection were no questions: that is the bus's to say. */
    say(p, DERIVED_ERRORS, (double)(c.wire.errors - c.wire.faults[WIRE_REFUSED]),
        QUALITY_GOOD, 0);
    if (d->latencies > 0) {
        say(p, DERIVED_LATENCY, (double)d->latency_us / d->latencies / 1000.0,
            QUALITY_GOOD, 0);
    } else if (!online) {
        say(p, DERIVED_LATENCY, 0.0, d->why, 0);
    }
    d->latency_us = 0;
    d->latencies = 0;
}

/* ---- the end of a turn ---- */

static void
push_frame(struct poller *p, struct poller_now now)
{
    struct frame *f;

    add_derived(p, now.mono_us);
    f = readings_finish(p->readings);
    f->t_ms = now.engine_ms;
    f->device = p->turn.d->plan.device;
    f->flags = 0; /* The loop knows whether the clock is trusted. */
    if (f->count > 0) {
        /* A full ring counts what it drops; the loop tells. */
        (void)ring_put(p->args.frames, f, frame_bytes(f->count));
    }
}

/* A moment that passed is made up for, but not twice: then the plan was put off. */
static void
schedule_group(const struct poller *p, struct polled *d, uint32_t g)
{
    const struct turn *t = &p->turn;
    bool at_will =
        t->kind == TURN_QUIET || p->line != LINE_UP || g == d->continuous_group;

    if (t->kind == TURN_PROBE || !group_is_due(p, d, g, t->began_us)) {
        return;
    }
    do {
        schedule_next(&d->when[g]);
    } while (at_will && group_is_due(p, d, g, t->began_us));
}

/* It does not answer: moments that passed while that was found out are told by the
 * frame of the failure. */
static void
skip_passed(const struct poller *p, struct polled *d, int64_t now_us)
{
    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        while (group_is_due(p, d, g, now_us)) {
            schedule_next(&d->when[g]);
        }
    }
}

/* When the first of the requests that found the device busy is due again.  Those whose
 * time came and that were not asked (the line went, the turn was given up) wait for
 * their next poll. */
static int64_t
earliest_busy(const struct polled *d, int64_t now_us)
{
    int64_t first_us = INT64_MAX;

    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        const struct plan_group *pg = &d->plan.groups[g];
        for (uint32_t i = 0; i < pg->request_count; i++) {
            struct plan_request *r = &pg->requests[i];
            if (r->busies > 0 && r->not_before_us <= now_us) {
                r->busies = 0;
            } else if (r->busies > 0 && r->not_before_us < first_us) {
                first_us = r->not_before_us;
            }
        }
    }
    return first_us;
}

void
turn_finish(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;
    struct polled *d = t->d;

    if (t->spoke) {
        push_frame(p, now);
    }
    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        if (!p->in_turn[g]) {
            continue;
        }
        if (t->answered) {
            refusals_settle(p, &d->plan.groups[g], now.mono_us);
        }
        schedule_group(p, d, g);
    }
    if (d->health.failures > 0) {
        skip_passed(p, d, now.mono_us);
    }
    if (t->answered && d->answers >= d->replan_at) {
        d->replan_at = d->answers + REPLAN_ANSWERS;
        replan(p, d, now.mono_us);
    }
    if (!wire_is_lost(&t->last)) {
        d->drops = 0;
    }
    if (t->answered && d->relapse > 0 && ++d->good_polls >= RELAPSE_POLLS) {
        d->relapse--;
        d->good_polls = 0;
    }
    d->tries = 0;
    d->again_us = earliest_busy(d, t->began_us);
    t->d = NULL;
    poller_requeue(p, d, now.mono_us);
}

/* Nothing came of it, and it has another turn behind who waits already. */
void
turn_put_off(struct poller *p, int64_t until_us)
{
    struct polled *d = p->turn.d;

    d->again_us = until_us;
    d->waiting = true;
    p->turn.d = NULL;
    poller_requeue(p, d, until_us);
}

struct plan_request *
turn_at_hand(struct poller *p, struct plan_group **g)
{
    *g = &p->turn.d->plan.groups[p->turn.group];
    return &(*g)->requests[p->turn.request];
}

/* ---- questions ---- */

static void
fill_ask(struct poller *p, const struct plan_request *r, struct poller_ask *ask)
{
    const struct device *device = p->turn.device;
    const struct limits *l = &device->limits;
    int64_t timeout_ms = l->timeout_ms > 0 ? l->timeout_ms : p->bus->timeout_ms;

    *ask = (struct poller_ask){
        .q = {.unit = device->unit,
              .table = r->table,
              .address = r->address,
              .count = r->count},
        .device = p->turn.d->plan.device,
        .gap_us = p->turn.confirming ? timeout_ms * 1000 : l->gap_ms * 1000,
        .timeout_us = timeout_ms * 1000,
        .listen_us = p->turn.d->proven_silent ? 0 : timeout_ms * 1000};
}

/* What is to be done with a request when its place comes. */
static bool
is_to_be_asked(struct poller *p,
               uint32_t group,
               const struct plan_request *r,
               int64_t now_us)
{
    const struct turn *t = &p->turn;

    if (!belongs(p, group, r)) {
        return false;
    }
    if (group == t->lead_group && r->first == t->lead_first) {
        return false; /* Asked first. */
    }
    if (is_waiting(r, now_us) ||
        (is_mute(r) && !probe_budget_allows(&p->budget, now_us))) {
        if (r->busies == 0) {
            turn_mark(p, group, r, (enum quality)r->why, r->detail);
        }
        return false;
    }
    if (t->given_up) {
        turn_mark(p, group, r, wire_quality(&t->last), wire_detail(&t->last));
        return false;
    }
    return true;
}

static bool
find_question(struct poller *p, int64_t now_us)
{
    struct turn *t = &p->turn;

    while (t->group < t->d->plan.group_count) {
        const struct plan_group *g = &t->d->plan.groups[t->group];
        if (t->request == g->request_count) {
            t->group++;
            t->request = 0;
            continue;
        }
        if (t->retried > 0 ||
            is_to_be_asked(p, t->group, &g->requests[t->request], now_us)) {
            return true;
        }
        t->request++;
    }
    return false;
}

void
turn_begin(struct poller *p, uint32_t slot, enum turn_kind kind, struct poller_now now)
{
    struct turn *t = &p->turn;
    struct polled *d = &p->devices[slot];

    assert(t->d == NULL);
    *t = (struct turn){.d = d,
                       .slot = slot,
                       .device = &p->args.site->devices[d->plan.device],
                       .kind = kind,
                       .began_us = now.mono_us,
                       .lead_group = NONE_INDEX,
                       .probing = d->health.failures > 0};
    d->again_us = INT64_MAX;
    d->waiting = false;
    refusals_expire(p, d, now.mono_us);
    choose_groups(p, d, kind, now.mono_us);
    readings_begin(p->readings, t->device, d->raws, d->counters);
    if (p->line != LINE_UP) {
        stats_refused(p->args.stats, &p->args.devices[d->plan.device]);
        turn_mark_all(p, QUALITY_REFUSED, WIRE_REFUSED);
        t->group = d->plan.group_count;
    } else if (kind == TURN_QUIET) {
        turn_mark_all(p, QUALITY_OFFLINE, d->detail);
        t->group = d->plan.group_count;
    } else if (find_lead(p, t, now.mono_us, &t->group, &t->request)) {
        t->leading = true;
        t->lead_group = t->group;
        t->lead_first = d->plan.groups[t->group].requests[t->request].first;
    }
}

void
turn_give_up(struct poller *p)
{
    struct turn *t = &p->turn;

    t->last = (struct wire_result){.fault = WIRE_REFUSED};
    t->given_up = true;
    t->retried = 0;
    if (t->leading) {
        t->leading = false;
        t->lead_group = NONE_INDEX;
        t->group = 0;
        t->request = 0;
    }
}

bool
turn_next(struct poller *p, struct poller_now now, struct poller_ask *ask)
{
    struct turn *t = &p->turn;
    struct plan_group *g;

    assert(t->d != NULL && !t->asking);
    if (!t->leading && !find_question(p, now.mono_us)) {
        turn_finish(p, now);
        return false;
    }
    const struct plan_request *r = turn_at_hand(p, &g);
    fill_ask(p, r, ask);
    t->paid = is_mute(r);
    t->asking = true;
    t->asked_us = now.mono_us;
    return true;
}
