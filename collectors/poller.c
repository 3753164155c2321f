/* Polls the devices of one bus and makes a frame of each poll. */
#include "collectors/poller.h"

#include <assert.h>
#include <stdlib.h>

#include "collectors/bus_read.h"
#include "collectors/plan.h"
#include "collectors/readings.h"
#include "collectors/schedule.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/base/timerq.h"

/* Exception 02 may pass by itself: two in a row are believed, and not for ever. */
#define REFUSALS_BELIEVED 2
#define REFUSED_FOR_MS    (10 * 60 * 1000)
#define SPLITS_PER_POLL   8 /* More would hold the bus; the next poll goes on. */
#define FAILURES_PER_POLL 2 /* In a row; then the device is taken for dead. */

struct polled {
    struct device_plan plan;
    struct schedule *when; /* One per group. */
    struct backoff health;
    enum quality why;       /* Of the last failure. */
    int64_t rejoin_at_ms;   /* When refused requests are tried whole again. */
    int tries;              /* Turns of the poll at hand that brought nothing. */
    struct known_raw *raws; /* By point, from the device's first; NULL: no need. */
};

struct poller {
    struct poller_args args;
    const struct bus *bus;
    struct line line;
    struct polled *devices;
    uint32_t device_count;
    struct timerq *due; /* By index into devices. */

    /* Of the poll at hand. */
    struct readings *readings;
    struct frame *frame;
    struct read_answer answer;
};

/* What one poll of one device has seen so far. */
struct poll_state {
    struct polled *d;
    const struct device *device;
    int64_t now_ms; /* When it began. */
    bool probing;   /* It failed before: one question decides. */
    bool answered;
    bool line_down; /* The line is at fault, not the device. */
    uint32_t failures;
    uint32_t splits;
    struct link_result last; /* Of the last failure. */
};

/* ---- one request ---- */

/* The line was away and answers: devices that it failed meanwhile are asked at once. */
static void
forgive(struct poller *p)
{
    for (uint32_t i = 0; i < p->device_count; i++) {
        if (p->devices[i].why == QUALITY_REFUSED) {
            p->devices[i].health.retry_at_ms = INSTANT_NONE;
        }
    }
    p->line.returned = false;
}

/* Asks until answered or out of tries.  False when the line is down. */
static bool
ask(struct poller *p,
    struct poll_state *s,
    const struct plan_request *r,
    struct link_result *res)
{
    struct read_request q = {.unit = s->device->unit,
                             .table = r->table,
                             .address = r->address,
                             .count = r->count};
    struct device_stats *stats = &p->args.devices[s->d->plan.device];
    /* Who has not answered in this poll is asked again after the others' turns. */
    int tries = !s->answered || r->health.failures > 0 ? 1 : 1 + p->bus->retries;
    struct err err = {0};

    for (;;) {
        if (!line_ready(&p->line, false, &err)) {
            *res = (struct link_result){.quality = QUALITY_REFUSED};
            return false;
        }
        bool proven = p->line.answers > 0;
        line_ask(&p->line, &q, s->device->limits.gap_ms, stats, &p->answer, res);
        if (p->line.returned) {
            forgive(p);
        }
        if (res->quality == QUALITY_GOOD || res->quality == QUALITY_EXCEPTION ||
            atomic_load(p->args.stop)) {
            return true;
        }
        if (res->quality == QUALITY_REFUSED) {
            if (proven && !s->probing) {
                continue; /* The peer had closed an idle connection. */
            }
            if (!proven) {
                line_dropped(&p->line, res->text);
            }
            return true;
        }
        if (--tries == 0) {
            return true;
        }
    }
}

/* ---- one poll ---- */

static bool
is_refusal(uint8_t exception)
{
    return exception >= 1 && exception <= 3; /* Function, address, value. */
}

/* The device answered that it has no such registers.  True: ask the halves. */
static bool
refused(struct poller *p,
        struct poll_state *s,
        struct plan_group *g,
        uint32_t index,
        uint8_t exception)
{
    struct plan_request *r = &g->requests[index];

    if (!is_refusal(exception)) {
        return false;
    }
    if (s->d->rejoin_at_ms == INSTANT_MAX) {
        s->d->rejoin_at_ms = s->now_ms + REFUSED_FOR_MS;
    }
    if (r->point_count > 1) {
        return s->splits++ < SPLITS_PER_POLL &&
               plan_group_split(g, p->args.site, index);
    }
    r->exception = exception;
    if (++r->refusals >= REFUSALS_BELIEVED) {
        r->refusals = REFUSALS_BELIEVED;
        r->skip_until_ms = s->now_ms + REFUSED_FOR_MS;
    }
    return false;
}

static bool
given_up(const struct poller *p, const struct poll_state *s)
{
    return s->line_down || s->failures >= FAILURES_PER_POLL ||
           (!s->answered && s->failures > 0) || atomic_load(p->args.stop);
}

/* True when the request was split and its first half is to be asked next. */
static bool
poll_request(struct poller *p,
             struct poll_state *s,
             struct plan_group *g,
             uint32_t index)
{
    struct plan_request *r = &g->requests[index];
    struct link_result res;

    if (r->skip_until_ms > s->now_ms) {
        readings_mark(p->readings, g, r, QUALITY_EXCEPTION, r->exception);
        return false;
    }
    if (given_up(p, s)) {
        readings_mark(p->readings, g, r, s->last.quality, 0);
        return false;
    }
    if (s->answered && !backoff_due(&r->health, s->now_ms)) {
        readings_mark(p->readings, g, r, (enum quality)r->why, 0);
        return false;
    }
    s->line_down = !ask(p, s, r, &res);
    if (res.quality == QUALITY_GOOD || res.quality == QUALITY_EXCEPTION) {
        s->answered = true;
        s->probing = false;
        s->failures = 0;
        (void)backoff_succeeded(&r->health);
    }
    if (res.quality == QUALITY_GOOD) {
        r->refusals = 0;
        readings_decode(p->readings, g, r, &p->answer);
        return false;
    }
    if (res.quality == QUALITY_EXCEPTION) {
        if (refused(p, s, g, index, res.exception)) {
            return true;
        }
    } else {
        r->health.max_ms = BACKOFF_DEVICE_MAX_MS;
        (void)backoff_failed(&r->health, clock_mono_ms());
        r->why = (uint8_t)res.quality;
        s->failures++;
        s->last = res;
    }
    readings_mark(p->readings, g, r, res.quality, res.exception);
    return false;
}

/* A device that returns answers what it did not while it was away. */
static void
forget_silence(struct polled *d)
{
    for (uint32_t i = 0; i < d->plan.group_count; i++) {
        struct plan_group *g = &d->plan.groups[i];
        for (uint32_t r = 0; r < g->request_count; r++) {
            g->requests[r].health.retry_at_ms = INSTANT_NONE;
        }
    }
}

static void
judge_health(struct poller *p, struct poll_state *s)
{
    const char *id = s->device->id;

    if (s->answered) {
        if (backoff_succeeded(&s->d->health)) {
            forget_silence(s->d);
            log_info("%s (bus %s, unit %u) answers again", id, p->bus->id,
                     s->device->unit);
        }
        return;
    }
    if (s->line_down || s->failures == 0 || atomic_load(p->args.stop)) {
        return;
    }
    s->d->why = s->last.quality;
    if (backoff_failed(&s->d->health, clock_mono_ms())) {
        log_warning("%s (bus %s, unit %u) stopped answering: %s", id, p->bus->id,
                    s->device->unit, s->last.text);
    }
}

/* The device was well and has said nothing: its retries come one a turn, so that its
 * death costs the others one timeout at a time. */
static bool
has_retry(const struct poller *p, const struct poll_state *s)
{
    return !s->answered && !s->line_down && s->failures > 0 &&
           s->last.quality != QUALITY_REFUSED && s->d->health.failures == 0 &&
           s->d->tries < p->bus->retries;
}

static bool
group_due(const struct poll_state *s, uint32_t group)
{
    return s->d->when[group].due_ms <= s->now_ms;
}

/* The request that shows whether the device is there: one that is known to answer, so
 * that a device is not taken for dead because of a single request. */
static bool
find_lead(const struct poll_state *s, struct plan_group **group, uint32_t *index)
{
    for (uint32_t i = 0; i < s->d->plan.group_count; i++) {
        struct plan_group *g = &s->d->plan.groups[i];
        for (uint32_t r = 0; group_due(s, i) && r < g->request_count; r++) {
            if (g->requests[r].health.failures == 0 &&
                g->requests[r].skip_until_ms <= s->now_ms) {
                *group = g;
                *index = r;
                return true;
            }
        }
    }
    return false;
}

static void
rejoin(struct poller *p, struct poll_state *s)
{
    if (s->now_ms < s->d->rejoin_at_ms) {
        return;
    }
    s->d->rejoin_at_ms = INSTANT_MAX;
    for (uint32_t i = 0; i < s->d->plan.group_count; i++) {
        plan_group_join(&s->d->plan.groups[i], p->args.site);
    }
}

/* Asks all that is due.  True: the device gets another turn before its frame. */
static bool
poll_groups(struct poller *p, struct poll_state *s)
{
    struct err err;
    bool offline = !backoff_due(&s->d->health, s->now_ms);

    rejoin(p, s);
    s->probing = s->d->health.failures > 0;
    if (!line_ready(&p->line, false, &err)) {
        s->line_down = true;
        s->last.quality = QUALITY_REFUSED;
    }
    struct plan_group *lead = NULL;
    uint32_t lead_index = 0;
    uint32_t lead_first = 0; /* It keeps this place when others are split. */
    if (!offline && find_lead(s, &lead, &lead_index)) {
        lead_first = lead->requests[lead_index].first;
        if (poll_request(p, s, lead, lead_index)) {
            lead = NULL; /* Split: its halves are asked below. */
        }
    }
    for (uint32_t i = 0; i < s->d->plan.group_count; i++) {
        struct plan_group *g = &s->d->plan.groups[i];
        if (!group_due(s, i)) {
            continue;
        }
        for (uint32_t r = 0; r < g->request_count; r++) {
            if (g == lead && g->requests[r].first == lead_first) {
                continue;
            }
            if (offline && !s->line_down) {
                readings_mark(p->readings, g, &g->requests[r], QUALITY_OFFLINE, 0);
                continue;
            }
            while (poll_request(p, s, g, r)) {
                ; /* Split: the first half stands at the same place now. */
            }
        }
    }
    if (!offline && has_retry(p, s)) {
        return true;
    }
    if (!offline) {
        judge_health(p, s);
    }
    return false;
}

static void
push_frame(struct poller *p, const struct poll_state *s)
{
    struct frame *f = p->frame;

    readings_finish(p->readings, f);
    f->t_ms = engine_clock_now(p->args.clock);
    f->device = s->d->plan.device;
    f->flags = 0; /* The loop knows whether the clock is trusted. */
    /* A full ring counts what it drops; the loop tells. */
    (void)ring_push(p->args.frames, f, frame_bytes(f->count));
}

static int64_t
earliest(const struct polled *d)
{
    int64_t due_ms = INSTANT_MAX;

    for (uint32_t i = 0; i < d->plan.group_count; i++) {
        due_ms = d->when[i].due_ms < due_ms ? d->when[i].due_ms : due_ms;
    }
    return due_ms;
}

static void
schedule_again(struct poller *p, const struct poll_state *s, uint32_t slot)
{
    /* At full speed only what answers: silence at the common rhythm. */
    bool again = s->device->poll_continuous && s->answered;
    int64_t end_ms = clock_mono_ms();

    for (uint32_t i = 0; i < s->d->plan.group_count; i++) {
        struct schedule *when = &s->d->when[i];
        if (!group_due(s, i)) {
            continue;
        }
        schedule_next(when, end_ms);
        if (again && when->period_ms == s->device->poll_ms) {
            when->due_ms = end_ms;
        }
    }
    timerq_set(p->due, slot, earliest(s->d), 0);
}

int64_t
poller_due(const struct poller *p)
{
    return timerq_due(p->due);
}

void
poller_step(struct poller *p, int64_t now_ms)
{
    struct poll_state s = {.now_ms = now_ms};
    uint32_t slot;
    int64_t due_ms;
    uint8_t class;

    if (!timerq_first(p->due, &slot, &due_ms, &class) || due_ms > now_ms) {
        return;
    }
    s.d = &p->devices[slot];
    s.device = &p->args.site->devices[s.d->plan.device];
    readings_begin(p->readings, s.device, s.d->raws);
    bool retry = poll_groups(p, &s);
    if (retry) {
        s.d->tries++;
        timerq_set(p->due, slot, clock_mono_ms(), 0); /* Behind who waits already. */
        return;
    }
    s.d->tries = 0;
    if (!atomic_load(p->args.stop)) {
        push_frame(p, &s); /* A poll that was cut short says nothing. */
    }
    schedule_again(p, &s, slot);
}

int
poller_read(struct poller *p,
            const struct read_request *q,
            struct read_answer *out,
            struct err *err)
{
    return bus_read_line(&p->line, q, out, err);
}

/* ---- life ---- */

bool
device_is_polled(const struct site *site, uint32_t device, uint32_t bus)
{
    const struct device *d = &site->devices[device];

    if (d->role != DEVICE_EQUIPMENT || d->bus != bus) {
        return false;
    }
    for (uint32_t i = 0; i < d->point_count; i++) {
        if (site->points[d->first_point + i].table != REG_NONE) {
            return true;
        }
    }
    return false;
}

/* The device's points that take their decimals from another. */
static uint32_t
count_decimals(const struct site *site, const struct device *d)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->point_count; i++) {
        uint32_t from = site->points[d->first_point + i].decimals_from;
        if (from != NONE_INDEX) {
            assert(from >= d->first_point);
            assert(from < d->first_point + d->point_count);
            count++;
        }
    }
    return count;
}

static int
polled_init(struct polled *out,
            const struct site *site,
            uint32_t device,
            struct err *err)
{
    const struct device *d = &site->devices[device];

    *out = (struct polled){.rejoin_at_ms = INSTANT_MAX, .why = QUALITY_GOOD};
    backoff_init(&out->health, BACKOFF_DEVICE_MAX_MS);
    if (device_plan_init(&out->plan, site, device, err) != 0) {
        return err->code;
    }
    out->when = calloc(out->plan.group_count + 1, sizeof *out->when);
    if (out->when == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a schedule");
    }
    if (count_decimals(site, d) > 0) {
        out->raws = calloc(d->point_count, sizeof *out->raws);
        if (out->raws == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for decimals");
        }
    }
    return 0;
}

/* Scratch memory for the largest device of the bus. */
static int
alloc_scratch(struct poller *p, struct err *err)
{
    const struct site *site = p->args.site;
    uint32_t points = 1;
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < p->device_count; i++) {
        const struct device *d = &site->devices[p->devices[i].plan.device];
        uint32_t taking = count_decimals(site, d);
        assert(d->point_count <= FRAME_READINGS_MAX);
        points = d->point_count > points ? d->point_count : points;
        waiting = taking > waiting ? taking : waiting;
    }
    p->readings = readings_new(site, points, waiting);
    p->frame = calloc(1, frame_bytes((uint16_t)points));
    if (p->readings == NULL || p->frame == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a bus");
    }
    return 0;
}

static void
schedule_all(struct poller *p, int64_t now_ms)
{
    p->due = timerq_new(p->device_count);
    for (uint32_t i = 0; i < p->device_count; i++) {
        struct polled *d = &p->devices[i];
        for (uint32_t g = 0; g < d->plan.group_count; g++) {
            schedule_init(&d->when[g], now_ms, i, p->device_count,
                          d->plan.groups[0].poll_ms, d->plan.groups[g].poll_ms);
        }
        timerq_set(p->due, i, earliest(d), 0);
    }
}

int
poller_new(struct poller **out,
           const struct poller_args *args,
           int64_t now_ms,
           struct err *err)
{
    const struct site *site = args->site;
    struct poller *p = calloc(1, sizeof *p);
    uint32_t count = 0;

    if (p == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a bus");
    }
    p->args = *args;
    p->bus = &site->buses[args->bus];
    for (uint32_t i = 0; i < site->device_count; i++) {
        count += device_is_polled(site, i, args->bus);
    }
    p->devices = calloc(count + 1, sizeof *p->devices);
    if (p->devices == NULL) {
        err_set(err, ERR_NOMEM, "no memory for a bus");
        goto fail;
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (device_is_polled(site, i, args->bus) &&
            polled_init(&p->devices[p->device_count++], site, i, err) != 0) {
            goto fail;
        }
    }
    if (alloc_scratch(p, err) != 0 ||
        line_init(&p->line, p->bus, args->stats, args->clock, args->stop, err) != 0) {
        goto fail;
    }
    schedule_all(p, now_ms);
    *out = p;
    return 0;
fail:
    poller_free(p);
    return err->code;
}

void
poller_free(struct poller *p)
{
    if (p == NULL) {
        return;
    }
    for (uint32_t i = 0; i < p->device_count; i++) {
        device_plan_fini(&p->devices[i].plan);
        free(p->devices[i].when);
        free(p->devices[i].raws);
    }
    free(p->devices);
    timerq_free(p->due);
    line_fini(&p->line);
    readings_free(p->readings);
    free(p->frame);
    free(p);
}
