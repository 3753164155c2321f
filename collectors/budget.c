/* Can a bus carry its plan? */
#include "collectors/budget.h"

#include <stdlib.h>

#include "collectors/plan.h"
#include "collectors/poller.h"
#include "collectors/quarantine.h"

#define PERIOD_STEP_MS 100 /* Advice in round numbers. */

/* The loads of the bus's devices, and how long each keeps others waiting when it dies.
 */
struct share {
    double load;
    int64_t stall_us;
};

static bool
grow(struct bus_budget *b, uint32_t *capacity)
{
    struct budget_line *grown;

    if (b->line_count < *capacity) {
        return true;
    }
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    grown = realloc(b->lines, *capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    b->lines = grown;
    return true;
}

/* The wire that takes the time: the line, where one is known. */
static enum bus_kind
counted_wire(const struct bus_budget *b, const struct site *site)
{
    const struct bus *bus = &site->buses[b->bus];

    return bus->baud > 0 ? BUS_RTU : bus->kind;
}

static bool
add_plan(struct bus_budget *b,
         uint32_t *capacity,
         const struct site *site,
         const struct device_plan *plan,
         struct plan_cost cost,
         double *load)
{
    const struct device *d = &site->devices[plan->device];

    for (uint32_t g = 0; g < plan->group_count; g++) {
        const struct plan_group *pg = &plan->groups[g];
        bool continuous = d->poll_continuous && pg->poll_ms == d->poll_ms;
        double of_period = 0.0;
        for (uint32_t i = 0; i < pg->request_count; i++) {
            const struct plan_request *r = &pg->requests[i];
            if (!grow(b, capacity)) {
                return false;
            }
            struct budget_line *l = &b->lines[b->line_count++];
            *l = (struct budget_line){
                .device = plan->device,
                .table = r->table,
                .address = r->address,
                .count = r->count,
                .points = r->point_count,
                .poll_ms = pg->poll_ms,
                .continuous = continuous,
                .bytes = plan_wire_bytes(r->table, r->count, counted_wire(b, site)),
                .took_us = plan_request_us(r, cost),
            };
            l->load =
                continuous ? 0.0 : (double)l->took_us / (double)pg->poll_ms / 10.0;
            of_period += l->load;
            b->cycle_us += l->took_us;
            b->round_us += continuous ? l->took_us : 0;
        }
        *load += of_period;
        if (b->heaviest == NONE_INDEX || of_period > b->heaviest_load) {
            b->heaviest = plan->device;
            b->heaviest_ms = pg->poll_ms;
            b->heaviest_load = of_period;
        }
    }
    return true;
}

static int
compare_shares(const void *a, const void *b)
{
    const struct share *x = a;
    const struct share *y = b;

    return (x->load > y->load) - (x->load < y->load);
}

static int
compare_stalls(const void *a, const void *b)
{
    const struct share *x = a;
    const struct share *y = b;

    return (x->stall_us < y->stall_us) - (x->stall_us > y->stall_us);
}

/* The worst of each: the lightest devices die, so that most is left to do; those with
 * the longest timeouts do. */
static void
judge_deaths(struct bus_budget *b, struct share *shares, const struct bus *bus)
{
    static const uint32_t deaths[BUDGET_DEATHS] = {1, 2, 4};
    double probes = bus->probe_share > 0.0 ? bus->probe_share : PROBE_SHARE_DEFAULT;

    qsort(shares, b->devices, sizeof *shares, compare_shares);
    for (int i = 0; i < BUDGET_DEATHS; i++) {
        struct budget_death *d = &b->deaths[i];
        *d = (struct budget_death){.dead =
                                       deaths[i] < b->devices ? deaths[i] : b->devices,
                                   .load = b->load + probes};
        for (uint32_t k = 0; k < d->dead; k++) {
            d->load -= shares[k].load;
        }
    }
    qsort(shares, b->devices, sizeof *shares, compare_stalls);
    for (int i = 0; i < BUDGET_DEATHS; i++) {
        for (uint32_t k = 0; k < b->deaths[i].dead; k++) {
            b->deaths[i].stall_us += shares[k].stall_us;
        }
    }
}

static void
advise(struct bus_budget *b)
{
    if (b->load < BUDGET_NARROW || b->heaviest == NONE_INDEX) {
        return;
    }
    double others = b->load - b->heaviest_load;

    b->slow_down = b->load / BUDGET_NARROW;
    if (others < BUDGET_NARROW) {
        double factor = b->heaviest_load / (BUDGET_NARROW - others);
        int64_t ms = (int64_t)((double)b->heaviest_ms * factor) + 1;
        b->remedy_ms = (ms + PERIOD_STEP_MS - 1) / PERIOD_STEP_MS * PERIOD_STEP_MS;
    }
}

static int64_t
stall_us(const struct bus *bus, const struct device *d)
{
    int64_t timeout_us =
        1000 * (d->limits.timeout_ms > 0 ? d->limits.timeout_ms : bus->timeout_ms);

    /* On a serial line the late answer is waited for as long again. */
    return (1 + bus->retries) * timeout_us * (bus->kind == BUS_TCP ? 1 : 2);
}

static int
add_devices(struct bus_budget *b,
            struct share *shares,
            const struct site *site,
            struct err *err)
{
    const struct bus *bus = &site->buses[b->bus];
    uint32_t capacity = 0;

    for (uint32_t i = 0; i < site->device_count; i++) {
        const struct device *d = &site->devices[i];
        struct plan_cost cost = plan_cost(bus, &d->limits, -1);
        struct device_plan plan;
        double load = 0.0;
        bool added;
        if (!device_is_polled(site, i, b->bus)) {
            continue;
        }
        if (device_plan_init(&plan, site, i, cost, err) != 0) {
            return err->code;
        }
        added = add_plan(b, &capacity, site, &plan, cost, &load);
        device_plan_fini(&plan);
        if (!added) {
            return err_set(err, ERR_NOMEM, "no memory for a budget");
        }
        shares[b->devices++] =
            (struct share){.load = load, .stall_us = stall_us(bus, d)};
        b->continuous += d->poll_continuous;
        b->load += load;
    }
    return 0;
}

int
bus_budget_init(struct bus_budget *out,
                const struct site *site,
                uint32_t bus,
                struct err *err)
{
    struct share *shares = calloc((size_t)site->device_count + 1, sizeof *shares);
    int rc;

    *out = (struct bus_budget){.bus = bus, .heaviest = NONE_INDEX};
    if (shares == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a budget");
    }
    rc = add_devices(out, shares, site, err);
    if (rc != 0) {
        bus_budget_fini(out);
        free(shares);
        return rc;
    }
    if (out->continuous > 0) {
        double left = 1.0 - out->load / 100.0;
        out->round_us =
            left > 0.0 ? (int64_t)((double)out->round_us / left) : INT64_MAX;
    }
    judge_deaths(out, shares, &site->buses[bus]);
    advise(out);
    free(shares);
    return 0;
}

void
bus_budget_fini(struct bus_budget *b)
{
    free(b->lines);
    *b = (struct bus_budget){.heaviest = NONE_INDEX};
}
