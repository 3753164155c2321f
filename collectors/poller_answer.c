/* What an answer, or its absence, means for its request and its device. */
#include <assert.h>

#include "collectors/poller_inside.h"
#include "daemon/base/log.h"

#define FAILURES_PER_POLL 2 /* In a row; then the device is taken for dead. */
#define BUSY_TRIES        5
#define BUSY_FIRST_US     100000 /* Doubles: all in all 3.1 s. */
#define TURNROUND_WEIGHT  8

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

/* ---- the device's health ---- */

static void
is_well(struct poller *p)
{
    struct turn *t = &p->turn;
    struct polled *d = t->d;

    uint32_t failures = d->health.failures;

    d->answered_ever = true;
    if (backoff_succeeded(&d->health)) {
        d->relapse = failures < RELAPSE_MAX ? (uint8_t)failures : RELAPSE_MAX;
        d->good_polls = 0;
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

    count_silence(d, turn_at_hand(p, &g));

    d->why = wire_quality(&t->last);
    d->detail = wire_detail(&t->last);
    turn_mark_all(p, d->why, d->detail);
    bool first = d->health.failures == 0;
    if (first) {
        d->health.failures = d->relapse;
    }
    (void)backoff_failed(&d->health, now.mono_us / 1000);
    if (first) {
        log_warning("%s (bus %s, unit %u) stopped answering: %s", t->device->id,
                    p->bus->id, t->device->unit, t->last.text);
    }
    poller_set_quarantine(p, d, true);
    turn_finish(p, now);
}

static void
keep_time(struct poller *p, const struct wire_result *res, const struct plan_request *r)
{
    struct polled *d = p->turn.d;
    int64_t line_us = plan_line_us(p->bus, r->table, r->count);
    int64_t turn_us = res->took_us > line_us ? res->took_us - line_us : 0;

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
        turn_mark(p, p->turn.group, r, QUALITY_EXCEPTION, res->exception);
        return;
    }
    r->not_before_us = now_us + (BUSY_FIRST_US << r->busies);
    r->busies++;
}

/* True: the same place is asked: its request was split, or is in doubt. */
static bool
take_answer(struct poller *p,
            struct poller_now now,
            const struct wire_result *res,
            const struct read_answer *answer)
{
    struct turn *t = &p->turn;
    struct plan_group *g;
    struct plan_request *r = turn_at_hand(p, &g);

    if (t->probing && p->bus->kind != BUS_TCP && !t->confirming) {
        /* RTU has no ids: it may be the answer to an earlier question, of another
         * register.  The same is asked again, after a silence. */
        t->confirming = true;
        return true;
    }
    t->confirming = false;
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
    turn_mark(p, t->group, r, QUALITY_EXCEPTION, res->exception);
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
        turn_put_off(p, now.mono_us);
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
    struct plan_request *r = turn_at_hand(p, &g);
    struct backoff pause = {.max_ms = BACKOFF_DEVICE_MAX_MS, .failures = r->silences};

    (void)backoff_failed(&pause, now.mono_us / 1000);
    r->not_before_us = pause.retry_at_ms * 1000;
    r->silences = r->silences < UINT8_MAX ? (uint8_t)(r->silences + 1) : UINT8_MAX;
    r->why = (uint8_t)wire_quality(&t->last);
    r->detail = wire_detail(&t->last);
    turn_mark(p, t->group, r, (enum quality)r->why, r->detail);
    t->failures++;
    t->given_up = t->given_up || t->failures >= FAILURES_PER_POLL;
    go_on(p);
}

static void
take_silence_of_request(struct poller *p, struct poller_now now)
{
    struct turn *t = &p->turn;
    struct plan_group *g;
    const struct plan_request *r = turn_at_hand(p, &g);

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
        turn_put_off(p, now.mono_us);
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
    if (t->probing || t->paid) {
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
    if (wire_is_lost(res)) {
        take_loss(p, now);
    } else if (t->answered) {
        take_silence_of_request(p, now);
    } else {
        take_silence_of_device(p, now);
    }
}
