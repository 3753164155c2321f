/* One poll of one device: question by question, to a frame. */
#include <assert.h>
#include <string.h>

#include "collectors/poller_inside.h"
#include "daemon/base/log.h"

#define FAILURES_PER_POLL 2 /* In a row; then the device is taken for dead. */
#define BUSY_TRIES        5
#define BUSY_FIRST_US     100000 /* Doubles: all in all 3.1 s. */
#define TURNROUND_WEIGHT  8
#define REPLAN_ANSWERS    16 /* Enough to know how fast a device is. */

/* ---- words of the protocol ---- */

static bool
is_refusal(const struct wire_result *res)
{
    return res->fault == WIRE_EXCEPTION && res->exception >= 1 && res->exception <= 3;
}

static bool
is_busy(const struct wire_result *res)
{
    return res->fault == WIRE_EXCEPTION &&
           (res->exception == 5 || res->exception == 6); /* Acknowledge, busy. */
}

/* Nobody was there to answer; a gateway's word for that (0A, 0B) is one, too. */
static bool
is_silence(const struct wire_result *res)
{
    return res->fault != WIRE_OK && (res->fault != WIRE_EXCEPTION ||
                                     res->exception == 0x0A || res->exception == 0x0B);
}

static bool
is_lost(const struct wire_result *res)
{
    return res->fault == WIRE_LOST || res->fault == WIRE_REFUSED;
}

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

static void
mark(struct poller *p,
     uint32_t group,
     const struct plan_request *r,
     enum quality why,
     uint8_t detail)
{
    readings_mark(p->readings, &p->turn.d->plan.groups[group], r, why, detail);
    p->turn.spoke = true;
}

static void
mark_all(struct poller *p, enum quality why, uint8_t detail)
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
                mark(p, g, r, (enum quality)r->why, r->detail);
            } else {
                mark(p, g, r, why, detail);
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
    struct frame *f = p->frame;

    add_derived(p, now.mono_us);
    readings_finish(p->readings, f);
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

static void
finish(struct poller *p, struct poller_now now)
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
    if (t->answered && d->answers >= d->replan_at) {
        d->replan_at = d->answers + REPLAN_ANSWERS;
        replan(p, d, now.mono_us);
    }
    if (!is_lost(&t->last)) {
        d->drops = 0;
    }
    d->tries = 0;
    d->again_us = earliest_busy(d, t->began_us);
    t->d = NULL;
    poller_requeue(p, d, now.mono_us);
}

/* Nothing came of it, and it has another turn behind who waits already. */
static void
put_off(struct poller *p, int64_t until_us)
{
    struct polled *d = p->turn.d;

    d->again_us = until_us;
    d->waiting = true;
    p->turn.d = NULL;
    poller_requeue(p, d, until_us);
}

/* ---- the device's health ---- */

static struct plan_request *
at_hand(struct poller *p, struct plan_group **g)
{
    *g = &p->turn.d->plan.groups[p->turn.group];
    return &(*g)->requests[p->turn.request];
}

static void
is_well(struct poller *p)
{
    struct turn *t = &p->turn;
    struct polled *d = t->d;

    d->answered_ever = true;
    if (backoff_succeeded(&d->health)) {
        d->proven_silent = false;
        poller_set_quarantine(p, d, false);
        log_info("%s (bus %s, unit %u) answers again", t->device->id, p->bus->id,
                 t->device->unit);
        /* It answers now what it did not while it was away. */
        for (uint32_t g = 0; g < d->plan.group_count; g++) {
            struct plan_group *pg = &d->plan.groups[g];
            for (uint32_t i = 0; i < pg->request_count; i++) {
                if (pg->requests[i].silences > 0) {
                    pg->requests[i].silences = 1;
                    pg->requests[i].not_before_us = 0;
                }
            }
        }
    }
}

/* The next probe is made by another request, should this be the one that is mute. */
static void
count_silence(struct polled *d, struct plan_request *asked)
{
    if (asked->silences < UINT8_MAX) {
        asked->silences++;
        return;
    }
    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        const struct plan_group *pg = &d->plan.groups[g];
        for (uint32_t i = 0; i < pg->request_count; i++) {
            pg->requests[i].silences = 1;
        }
    }
    asked->silences = 2;
}

static void
is_dead(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;
    struct polled *d = t->d;
    struct plan_group *g;

    count_silence(d, at_hand(p, &g));

    d->why = wire_quality(&t->last);
    mark_all(p, d->why, wire_detail(&t->last));
    if (backoff_failed(&d->health, now.mono_us / 1000)) {
        log_warning("%s (bus %s, unit %u) stopped answering: %s", t->device->id,
                    p->bus->id, t->device->unit, t->last.text);
    }
    poller_set_quarantine(p, d, true);
    finish(p, now);
}

static void
keep_time(struct poller *p, const struct wire_result *res, const struct plan_request *r)
{
    struct polled *d = p->turn.d;
    int64_t wire_us = 0;

    if (p->bus->kind == BUS_RTU) {
        wire_us =
            plan_wire_bytes(r->table, r->count, BUS_RTU) * serial_character_us(p->bus);
    }
    int64_t turn_us = res->took_us > wire_us ? res->took_us - wire_us : 0;
    d->turnround_us =
        d->turnround_us < 0
            ? turn_us
            : d->turnround_us + (turn_us - d->turnround_us) / TURNROUND_WEIGHT;
    d->answers++;
    d->latency_us += res->took_us;
    d->latencies++;
}

/* ---- answers ---- */

static void
go_on(struct poller *p)
{
    struct turn *t = &p->turn;

    t->retried = 0;
    if (t->leading) {
        t->leading = false;
        t->group = 0;
        t->request = 0;
    } else {
        t->request++;
    }
}

/* The device is at work; it is asked again in a moment, others meanwhile. */
static void
take_busy(struct poller *p,
          struct plan_request *r,
          const struct wire_result *res,
          int64_t now_us)
{
    if (r->busies >= BUSY_TRIES) {
        r->busies = 0;
        r->not_before_us = 0;
        mark(p, p->turn.group, r, QUALITY_EXCEPTION, res->exception);
        return;
    }
    r->not_before_us = now_us + (BUSY_FIRST_US << r->busies);
    r->busies++;
}

/* True: the request was split, its first half is next. */
static bool
take_answer(struct poller *p,
            struct poller_now now,
            const struct wire_result *res,
            const struct read_answer *answer)
{
    struct turn *t = &p->turn;
    struct plan_group *g;
    struct plan_request *r = at_hand(p, &g);

    t->answered = true;
    t->probing = false;
    t->failures = 0;
    is_well(p);
    keep_time(p, res, r);
    r->silences = 0;
    if (is_busy(res)) {
        take_busy(p, r, res, now.mono_us);
        return false;
    }
    r->busies = 0;
    r->not_before_us = 0;
    if (res->fault == WIRE_OK) {
        refusals_forget(p, g, r);
        readings_decode(p->readings, g, r, answer);
        t->spoke = true;
        return false;
    }
    if (is_refusal(res) &&
        refusals_take(p, g, t->request, res->exception, now.mono_us)) {
        if (t->leading) {
            t->leading = false; /* The halves have their turn with the others. */
            t->lead_group = NONE_INDEX;
            t->group = 0;
            t->request = 0;
        }
        return true;
    }
    mark(p, t->group, r, QUALITY_EXCEPTION, res->exception);
    return false;
}

static bool
has_retry(const struct poller *p, const struct turn *t)
{
    return !t->probing && t->d->answered_ever && t->d->tries < p->bus->retries;
}

static void
take_silence_of_device(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;

    if (has_retry(p, t)) {
        t->d->tries++;
        put_off(p, now.mono_us);
        return;
    }
    is_dead(p, now);
}

/* One request of a device that answers others. */
static void
leave_request(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;
    struct plan_group *g;
    struct plan_request *r = at_hand(p, &g);
    struct backoff pause = {.max_ms = BACKOFF_DEVICE_MAX_MS, .failures = r->silences};

    (void)backoff_failed(&pause, now.mono_us / 1000);
    r->not_before_us = pause.retry_at_ms * 1000;
    r->silences = r->silences < UINT8_MAX ? (uint8_t)(r->silences + 1) : UINT8_MAX;
    r->why = (uint8_t)wire_quality(&t->last);
    r->detail = wire_detail(&t->last);
    mark(p, t->group, r, (enum quality)r->why, r->detail);
    t->failures++;
    t->given_up = t->given_up || t->failures >= FAILURES_PER_POLL;
    go_on(p);
}

static void
take_silence_of_request(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;
    struct plan_group *g;
    const struct plan_request *r = at_hand(p, &g);

    if (r->silences == 0 && t->retried < p->bus->retries) {
        t->retried++; /* The same again. */
        return;
    }
    leave_request(p, now);
}

/* The connection went with the question.  Once is bad luck.  A request on which it goes
 * again is left alone for a while, and a device that has no other to quarantine. */
static void
take_loss(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;

    if (!t->probing && t->d->drops == 0) {
        t->d->drops = 1;
        put_off(p, now.mono_us);
    } else if (t->answered) {
        t->given_up = true;
        leave_request(p, now);
    } else {
        is_dead(p, now);
    }
}

void
turn_answer(struct poller *p,
            struct poller_now now,
            const struct wire_result *res,
            const struct read_answer *answer)
{
    struct turn *t = &p->turn;
    struct polled *d = t->d;

    assert(t->asking);
    t->asking = false;
    stats_request(p->args.stats, &p->args.devices[d->plan.device], res,
                  now.mono_us / 1000, now.engine_ms);
    if (t->probing) {
        probe_budget_spend(&p->budget, t->asked_us, now.mono_us - t->asked_us);
    }
    if (!is_silence(res)) {
        if (!take_answer(p, now, res, answer)) {
            go_on(p);
        }
        return;
    }
    t->last = *res;
    if (res->late) {
        d->proven_silent = false;
    } else if (res->fault == WIRE_TIMEOUT && d->health.failures > 0) {
        d->proven_silent = true;
    }
    if (is_lost(res)) {
        take_loss(p, now);
    } else if (t->answered) {
        take_silence_of_request(p, now);
    } else {
        take_silence_of_device(p, now);
    }
}

/* ---- questions ---- */

static void
fill_ask(struct poller *p, const struct plan_request *r, struct poller_ask *ask)
{
    const struct device *device = p->turn.device;
    const struct limits *l = &device->limits;
    int64_t timeout_ms = l->timeout_ms > 0 ? l->timeout_ms : p->bus->timeout_ms;

    *ask = (struct poller_ask){.q = {.unit = device->unit,
                                     .table = r->table,
                                     .address = r->address,
                                     .count = r->count},
                               .device = p->turn.d->plan.device,
                               .gap_us = l->gap_ms * 1000,
                               .timeout_us = timeout_ms * 1000,
                               .listen_us =
                                   p->turn.d->proven_silent ? 0 : timeout_ms * 1000};
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
    if (is_waiting(r, now_us)) {
        if (r->busies == 0) {
            mark(p, group, r, (enum quality)r->why, r->detail);
        }
        return false;
    }
    if (t->given_up) {
        mark(p, group, r, wire_quality(&t->last), wire_detail(&t->last));
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
        mark_all(p, QUALITY_REFUSED, WIRE_REFUSED);
        t->group = d->plan.group_count;
    } else if (kind == TURN_QUIET) {
        mark_all(p, QUALITY_OFFLINE, 0);
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
        finish(p, now);
        return false;
    }
    fill_ask(p, at_hand(p, &g), ask);
    t->asking = true;
    t->asked_us = now.mono_us;
    return true;
}
