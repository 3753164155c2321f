/* What to ask next on one bus: whose turn it is. */
#include "collectors/poller.h"

#include <assert.h>
#include <stdlib.h>

#include "collectors/poller_inside.h"
#include "daemon/base/instant.h"

/* Continuous devices take what is left; but not less than this. */
#define IDLE_WAIT_US     10000000
#define TOLERANCE_MAX_US 1000000
/* Polls of TCP endpoints begin on a common beat: to wake up for each of many costs more
 * than to poll it.  A serial line has one worker for itself. */
#define BEATS_FEW      1 /* Each has a network of its own; units of one stand apart. */
#define BEATS_MANY     4 /* For shorter bursts, */
#define ENDPOINTS_MANY 200 /* where there are so many. */
#define BEATS_MAX      20
#define PROBE_SLACK_US 50000

_Static_assert(INSTANT_MAX == INT64_MAX, "an unset timer is never due");

/* ---- whose turn it is ---- */

struct candidate {
    struct timerq *queue; /* NULL: nobody. */
    uint32_t slot;
    enum turn_kind kind;
    int64_t due_us; /* Monotonic. */
};

static int64_t
first_due(const struct timerq *q, int64_t shift_us)
{
    int64_t due_us = timerq_due(q);

    return due_us == INSTANT_MAX ? INT64_MAX : due_us + shift_us;
}

/* The first of a queue, if it comes before the best so far. */
static void
consider(struct candidate *best,
         struct timerq *queue,
         enum turn_kind kind,
         int64_t shift_us)
{
    int64_t due_us;
    uint32_t slot;
    uint8_t class;

    if (!timerq_first(queue, &slot, &due_us, &class) ||
        due_us + shift_us >= best->due_us) {
        return;
    }
    *best = (struct candidate){
        .queue = queue, .slot = slot, .kind = kind, .due_us = due_us + shift_us};
}

/* How long a continuous device waits while others are late, or the line is down. */
static int64_t
idle_wait_us(const struct poller *p)
{
    return p->line == LINE_UP ? IDLE_WAIT_US : TOLERANCE_MAX_US;
}

/* The device that was due first. */
static struct candidate
most_late(const struct poller *p)
{
    struct candidate best = {.due_us = INT64_MAX};

    consider(&best, p->due, TURN_DUE, p->lag_us);
    consider(&best, p->again, TURN_AGAIN, 0);
    consider(&best, p->idle, TURN_IDLE, idle_wait_us(p));
    return best;
}

/* What a probe may cost at most: its silence, and listening to it. */
static int64_t
probe_cost_us(const struct poller *p, uint32_t slot)
{
    const struct polled *d = &p->devices[slot];
    int64_t own_ms = p->args.site->devices[d->plan.device].limits.timeout_ms;
    int64_t timeout_us = 1000 * (own_ms > 0 ? own_ms : p->bus->timeout_ms);

    return (p->bus->kind == BUS_TCP || d->proven_silent ? 1 : 2) * timeout_us +
           PROBE_SLACK_US;
}

/* When the first probe of `queue` may begin: paid for by the budget from `free_us` on,
 * or costing nobody anything, where the next poll is due at `next_us`. */
static int64_t
first_probe_us(const struct poller *p,
               const struct timerq *queue,
               int64_t next_us,
               int64_t free_us,
               int64_t now_us)
{
    int64_t due_us;
    uint32_t slot;
    uint8_t class;

    if (!timerq_first(queue, &slot, &due_us, &class)) {
        return INT64_MAX;
    }
    if (timerq_due(p->idle) == INSTANT_MAX &&
        (next_us == INT64_MAX ||
         next_us - (due_us > now_us ? due_us : now_us) > probe_cost_us(p, slot))) {
        free_us = now_us; /* Nobody waits. */
    }
    return due_us > free_us ? due_us : free_us;
}

/* When the next probe may begin, and out of which queue. */
static int64_t
probe_due_us(const struct poller *p, int64_t now_us, struct timerq **queue)
{
    if (p->line != LINE_UP) {
        return INT64_MAX;
    }
    int64_t next_us = most_late(p).due_us;
    bool waits = next_us <= now_us;
    bool owed = timerq_due(p->probes) < now_us - PROBE_PATIENCE_US;
    int64_t paid_us = p->budget.free_us;
    int64_t credit_us = waits || owed ? paid_us : probe_budget_credit(&p->budget);
    int64_t fresh_us = first_probe_us(p, p->fresh, next_us, credit_us, now_us);
    int64_t stale_us = first_probe_us(p, p->probes, next_us, paid_us, now_us);
    bool both = fresh_us <= now_us && stale_us <= now_us;
    bool fresh = both ? !p->fresh_was_last : fresh_us < stale_us;

    *queue = fresh ? p->fresh : p->probes;
    return fresh ? fresh_us : stale_us;
}

/* The bus does not keep up: all later polls are put off with this one. */
static void
put_plan_off(struct poller *p, const struct candidate *c, int64_t now_us)
{
    int64_t late_us = now_us - c->due_us - p->tolerance_us;

    if (c->queue == p->due && p->line == LINE_UP && late_us > 0) {
        p->lag_us += late_us;
        stats_lag(p->args.stats, now_us / 1000, late_us);
    }
}

static bool
choose(struct poller *p, int64_t now_us, struct candidate *out)
{
    const struct candidate nobody = {.due_us = INT64_MAX};
    struct candidate c = nobody;

    consider(&c, p->quiet, TURN_QUIET, p->lag_us);
    if (c.due_us <= now_us) {
        *out = c; /* Costs no bus time. */
        return true;
    }
    struct timerq *probes;
    if (probe_due_us(p, now_us, &probes) <= now_us) {
        c = nobody;
        consider(&c, probes, TURN_PROBE, 0);
        p->fresh_was_last = probes == p->fresh;
        *out = c;
        return true;
    }
    c = most_late(p);
    if (c.due_us <= now_us) {
        put_plan_off(p, &c, now_us);
        *out = c;
        return true;
    }
    c = nobody;
    if (p->line == LINE_UP) {
        consider(&c, p->idle, TURN_IDLE, 0);
    }
    *out = c;
    return c.queue != NULL;
}

static int64_t
wake_us(const struct poller *p, int64_t now_us)
{
    int64_t first_us = most_late(p).due_us;
    int64_t quiet_us = first_due(p->quiet, p->lag_us);
    struct timerq *probes;
    int64_t probe_us = probe_due_us(p, now_us, &probes);

    first_us = quiet_us < first_us ? quiet_us : first_us;
    return probe_us < first_us ? probe_us : first_us;
}

bool
poller_next(struct poller *p,
            struct poller_now now,
            struct poller_ask *ask,
            int64_t *until_us)
{
    struct candidate c;

    *until_us = INT64_MAX;
    for (;;) {
        if (p->line == LINE_OPENING) {
            return false;
        }
        if (p->turn.d == NULL) {
            if (!choose(p, now.mono_us, &c)) {
                *until_us = wake_us(p, now.mono_us);
                return false;
            }
            timerq_cancel(c.queue, c.slot);
            turn_begin(p, c.slot, c.kind, now);
        }
        if (turn_next(p, now, ask)) {
            return true;
        }
    }
}

void
poller_answer(struct poller *p,
              struct poller_now now,
              const struct wire_result *res,
              const struct read_answer *answer)
{
    assert(p->turn.d != NULL);
    turn_answer(p, now, res, answer);
}

/* ---- queues ---- */

static int64_t
earliest_due(const struct polled *d, bool with_continuous)
{
    int64_t due_us = INT64_MAX;

    for (uint32_t g = 0; g < d->plan.group_count; g++) {
        if ((with_continuous || g != d->continuous_group) &&
            d->when[g].due_us < due_us) {
            due_us = d->when[g].due_us;
        }
    }
    return due_us;
}

static void
set_or_cancel(struct timerq *q, uint32_t slot, int64_t due_us)
{
    if (due_us == INT64_MAX) {
        timerq_cancel(q, slot);
    } else {
        timerq_set(q, slot, due_us, 0);
    }
}

/* It answered a moment ago and seldom fails: most likely it only missed a question. */
static bool
is_fresh(const struct polled *d)
{
    return d->answered_ever && d->relapse == 0 && d->health.failures > 0 &&
           d->health.failures <= PROBE_FRESH_FAILURES;
}

void
poller_requeue(struct poller *p, struct polled *d, int64_t now_us)
{
    uint32_t slot = (uint32_t)(d - p->devices);
    bool dead = d->health.failures > 0;
    bool waits = d->waiting && !dead;
    bool continuous = d->continuous_group != NONE_INDEX;
    bool fresh = is_fresh(d);
    int64_t probe_us = dead ? d->health.retry_at_ms * 1000 : INT64_MAX;

    set_or_cancel(p->quiet, slot, dead ? earliest_due(d, true) : INT64_MAX);
    set_or_cancel(p->fresh, slot, fresh ? probe_us : INT64_MAX);
    set_or_cancel(p->probes, slot, fresh ? INT64_MAX : probe_us);
    set_or_cancel(p->again, slot, dead ? INT64_MAX : d->again_us);
    set_or_cancel(p->due, slot, dead || waits ? INT64_MAX : earliest_due(d, false));
    set_or_cancel(p->idle, slot, dead || waits || !continuous ? INT64_MAX : now_us);
}

void
poller_set_quarantine(struct poller *p, struct polled *d, bool quarantined)
{
    struct device_stats *stats = &p->args.devices[d->plan.device];
    uint32_t count =
        atomic_load_explicit(&p->args.stats->quarantined, memory_order_relaxed);

    if (atomic_load_explicit(&stats->quarantined, memory_order_relaxed) ==
        quarantined) {
        return;
    }
    atomic_store_explicit(&stats->quarantined, quarantined, memory_order_relaxed);
    atomic_store_explicit(&p->args.stats->quarantined,
                          quarantined ? count + 1 : count - 1, memory_order_relaxed);
}

/* ---- the line ---- */

/* Who failed because the line was away is asked at once. */
static void
forgive(struct poller *p, int64_t now_us)
{
    for (uint32_t i = 0; i < p->device_count; i++) {
        struct polled *d = &p->devices[i];
        if (d->health.failures > 0 && d->why == QUALITY_REFUSED) {
            d->health.retry_at_ms = now_us / 1000;
            poller_requeue(p, d, now_us);
        }
    }
    probe_budget_init(&p->budget, p->budget.share * 100.0, now_us);
}

void
poller_line(struct poller *p, enum line_state state, struct poller_now now)
{
    struct turn *t = &p->turn;

    assert(!t->asking);
    if (state == LINE_UP && p->line != LINE_UP) {
        /* Polls that had to wait longer meanwhile are not made up for; the plan stays
         * on the beat. */
        int64_t late_us = now.mono_us - first_due(p->due, p->lag_us);
        if (late_us > p->tolerance_us) {
            p->lag_us += late_us + p->beat_us - 1;
            p->lag_us -= p->lag_us % p->beat_us;
        }
        if (p->was_down) {
            forgive(p, now.mono_us);
        }
        p->was_down = false;
    }
    p->line = state;
    if (state == LINE_DOWN) {
        p->was_down = true;
        if (t->d != NULL) {
            turn_give_up(p);
        }
    }
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

static void
find_derived(struct polled *out, const struct site *site, const struct device *d)
{
    for (size_t i = 0; i < ARRAY_LEN(out->derived); i++) {
        out->derived[i] = NONE_INDEX;
    }
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        if (site->points[i].derived != DERIVED_NONE) {
            out->derived[site->points[i].derived] = i;
        }
    }
}

static int
polled_init(struct polled *out,
            const struct poller *p,
            uint32_t device,
            struct err *err)
{
    const struct site *site = p->args.site;
    const struct device *d = &site->devices[device];

    *out = (struct polled){.why = QUALITY_OFFLINE,
                           .again_us = INT64_MAX,
                           .turnround_us = -1,
                           .planned_us = -1,
                           .rejoin_us = INT64_MAX,
                           .continuous_group = NONE_INDEX};
    backoff_init(&out->health, BACKOFF_DEVICE_MAX_MS);
    find_derived(out, site, d);
    if (device_plan_init(&out->plan, site, device, plan_cost(p->bus, &d->limits, -1),
                         err) != 0) {
        return err->code;
    }
    for (uint32_t g = 0; d->poll_continuous && g < out->plan.group_count; g++) {
        if (out->plan.groups[g].poll_ms == d->poll_ms) {
            out->continuous_group = g;
        }
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
    uint32_t counters = readings_counters(p->args.decoders, d);
    if (counters > 0) {
        out->counters = calloc(counters, sizeof *out->counters);
        if (out->counters == NULL) {
            return err_set(err, ERR_NOMEM, "no memory for counters");
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
    uint32_t groups = 1;

    for (uint32_t i = 0; i < p->device_count; i++) {
        const struct polled *polled = &p->devices[i];
        const struct device *d = &site->devices[polled->plan.device];
        uint32_t taking = count_decimals(site, d);
        assert(d->point_count <= FRAME_READINGS_MAX);
        points = d->point_count > points ? d->point_count : points;
        waiting = taking > waiting ? taking : waiting;
        groups = polled->plan.group_count > groups ? polled->plan.group_count : groups;
    }
    p->readings = readings_new(site, p->args.decoders, points, waiting);
    p->in_turn = calloc(groups, sizeof *p->in_turn);
    if (p->readings == NULL || p->in_turn == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a bus");
    }
    return 0;
}

/* So many in a period, and in a second of a long one. */
static uint32_t
count_beats(const struct poller *p)
{
    uint32_t beats = p->args.site->bus_count < ENDPOINTS_MANY ? BEATS_FEW : BEATS_MANY;

    /* Units behind one gateway stand apart from each other as well. */
    if (p->device_count > beats) {
        beats = p->device_count < BEATS_MAX ? p->device_count : BEATS_MAX;
    }
    return beats;
}

static int64_t
beat_us(const struct poller *p, int64_t base_us)
{
    int64_t within_us = base_us < 1000000 ? base_us : 1000000;
    int64_t beat = within_us / count_beats(p);

    return p->bus->kind == BUS_RTU || beat == 0 ? 1 : beat;
}

/* Devices of one bus stand apart from each other; so do buses that one worker polls. */
static void
schedule_all(struct poller *p, int64_t now_us)
{
    bool serial = p->bus->kind == BUS_RTU;
    int64_t shortest_us = INT64_MAX;

    p->due = timerq_new(p->device_count);
    p->quiet = timerq_new(p->device_count);
    p->again = timerq_new(p->device_count);
    p->fresh = timerq_new(p->device_count);
    p->probes = timerq_new(p->device_count);
    p->idle = timerq_new(p->device_count);
    for (uint32_t i = 0; i < p->device_count; i++) {
        struct polled *d = &p->devices[i];
        int64_t base_us = d->plan.groups[0].poll_ms * 1000;
        double share =
            (double)i / p->device_count + (serial ? 0.0 : schedule_spread(p->args.bus));
        int64_t beat = beat_us(p, base_us);
        struct schedule_place place = {
            .share = share < 1.0 ? share : share - 1.0, .turn = i, .beat_us = beat};
        p->beat_us = beat > p->beat_us ? beat : p->beat_us;
        for (uint32_t g = 0; g < d->plan.group_count; g++) {
            /* The beat is common to all buses, whenever each of them was made. */
            schedule_init(&d->when[g], now_us - now_us % place.beat_us, place, base_us,
                          d->plan.groups[g].poll_ms * 1000);
        }
        shortest_us = base_us < shortest_us ? base_us : shortest_us;
        poller_requeue(p, d, now_us);
    }
    p->tolerance_us = shortest_us < TOLERANCE_MAX_US ? shortest_us : TOLERANCE_MAX_US;
}

int
poller_new(struct poller **out,
           const struct poller_args *args,
           struct poller_now now,
           struct err *err)
{
    const struct site *site = args->site;
    struct poller *p = calloc(1, sizeof *p);
    uint32_t count = 0;
    double share;

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
            polled_init(&p->devices[p->device_count++], p, i, err) != 0) {
            goto fail;
        }
    }
    if (alloc_scratch(p, err) != 0) {
        goto fail;
    }
    share = p->bus->probe_share > 0.0 ? p->bus->probe_share : PROBE_SHARE_DEFAULT;
    probe_budget_init(&p->budget, share, now.mono_us);
    schedule_all(p, now.mono_us);
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
        free(p->devices[i].counters);
    }
    free(p->devices);
    timerq_free(p->due);
    timerq_free(p->quiet);
    timerq_free(p->again);
    timerq_free(p->fresh);
    timerq_free(p->probes);
    timerq_free(p->idle);
    readings_free(p->readings);
    free(p->in_turn);
    free(p);
}
