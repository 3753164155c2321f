/* Points -> requests. */
#include "collectors/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/sample.h"

static bool
is_bit_table(enum reg_table t)
{
    return t == REG_COIL || t == REG_DISCRETE;
}

/* Sorting needs the points beside the indices; qsort() has no context. */
struct placed {
    enum reg_table table;
    uint16_t address;
    uint32_t point;
    int64_t poll_ms;
};

static int
compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->poll_ms != y->poll_ms) {
        return x->poll_ms < y->poll_ms ? -1 : 1;
    }
    if (x->table != y->table) {
        return x->table < y->table ? -1 : 1;
    }
    if (x->address != y->address) {
        return x->address < y->address ? -1 : 1;
    }
    return x->point < y->point ? -1 : x->point > y->point;
}

/* The most that one request to this device may ask for. */
static uint32_t
request_limit(const struct site *site, const struct point *p)
{
    const struct limits *l = &site->devices[p->device].limits;
    uint32_t limit = is_bit_table(p->table) ? l->max_bits : l->max_registers;
    uint32_t protocol = is_bit_table(p->table) ? READ_BITS_MAX : READ_REGISTERS_MAX;

    return limit == 0 || limit > protocol ? protocol : limit;
}

/* Sets table, address and count of a request from its points. */
static void
cover(struct plan_request *r, const struct plan_group *g, const struct site *site)
{
    const struct point *first = &site->points[g->order[r->first]];
    uint32_t end = 0;

    assert(r->point_count > 0);
    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &site->points[g->order[r->first + i]];
        uint32_t p_end = (uint32_t)p->address + point_width(p);
        end = p_end > end ? p_end : end;
    }
    r->table = first->table;
    r->address = first->address;
    r->count = (uint16_t)(end - first->address);
}

/* ---- joining ---- */

/* The cheapest way to ask for points i.. of a group, for every i. */
struct suffix {
    int64_t cost_us;
    uint32_t next; /* The first point of the request after the one that begins at i. */
};

struct joining {
    const struct plan_group *g;
    const struct site *site;
    struct plan_cost cost;
    int64_t now_us;
    struct suffix *best;
};

static bool
stands_alone(const struct joining *j, uint32_t k)
{
    return j->g->lessons != NULL && j->g->lessons[k].alone_until_us > j->now_us;
}

static bool
is_cut_before(const struct joining *j, uint32_t k)
{
    return j->g->lessons != NULL && j->g->lessons[k].cut_until_us > j->now_us;
}

static const struct point *
point_at(const struct joining *j, uint32_t k)
{
    return &j->site->points[j->g->order[k]];
}

/* More registers of other periods are not worth reading along. */
#define BRIDGE_MAX 32

/* The register is one of the device's own, polled at another time. */
static bool
is_owned(const struct joining *j,
         const struct device *d,
         enum reg_table table,
         uint32_t at)
{
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        const struct point *p = &j->site->points[i];
        if (p->table == table && p->address <= at &&
            at < (uint32_t)p->address + point_width(p)) {
            return true;
        }
    }
    return false;
}

/* A device that bears no holes bears what it is asked for at other times. */
static bool
may_bridge(const struct joining *j, const struct point *p, uint32_t end)
{
    const struct device *d = &j->site->devices[p->device];

    for (uint32_t at = end; at < p->address && !d->limits.holes; at++) {
        if (at - end >= BRIDGE_MAX || !is_owned(j, d, p->table, at)) {
            return false;
        }
    }
    return true;
}

/* May one request that began before point k, and ends at `end`, reach to it? */
static bool
may_reach(const struct joining *j, uint32_t k, enum reg_table table, uint32_t end)
{
    const struct point *p = point_at(j, k);

    return p->table == table && !stands_alone(j, k) && !is_cut_before(j, k) &&
           may_bridge(j, p, end);
}

static void
find_best(const struct joining *j, uint32_t i)
{
    const struct point *first = point_at(j, i);
    uint32_t limit = request_limit(j->site, first);
    uint32_t end = 0;

    j->best[i].cost_us = INT64_MAX;
    for (uint32_t k = i; k < j->g->point_count; k++) {
        const struct point *p = point_at(j, k);
        uint32_t p_end = (uint32_t)p->address + point_width(p);
        if (k > i && (stands_alone(j, i) || !may_reach(j, k, first->table, end))) {
            return;
        }
        end = p_end > end ? p_end : end;
        uint32_t span = end - first->address;
        /* A value wider than the device's limit is asked alone: half of it is no use.
         */
        if (k > i && span > limit) {
            return;
        }
        int64_t cost_us = j->cost.request_us +
                          j->cost.byte_us * plan_data_bytes(first->table, span) +
                          j->best[k + 1].cost_us;
        if (cost_us <= j->best[i].cost_us) { /* Of equals the fuller. */
            j->best[i] = (struct suffix){.cost_us = cost_us, .next = k + 1};
        }
    }
}

static bool
make_room(struct plan_group *g, uint32_t capacity)
{
    struct plan_request *grown;

    if (capacity <= g->request_capacity) {
        return true;
    }
    grown = realloc(g->requests, capacity * sizeof *g->requests);
    if (grown == NULL) {
        return false;
    }
    g->requests = grown;
    g->request_capacity = capacity;
    return true;
}

bool
plan_group_join(struct plan_group *g,
                const struct site *site,
                struct plan_cost cost,
                int64_t now_us)
{
    struct joining j = {.g = g, .site = site, .cost = cost, .now_us = now_us};
    uint32_t count = 0;

    j.best = malloc(((size_t)g->point_count + 1) * sizeof *j.best);
    if (j.best == NULL) {
        return false;
    }
    j.best[g->point_count] = (struct suffix){.next = g->point_count};
    for (uint32_t i = g->point_count; i-- > 0;) {
        find_best(&j, i);
    }
    for (uint32_t i = 0; i < g->point_count; i = j.best[i].next) {
        count++;
    }
    if (!make_room(g, count)) {
        free(j.best);
        return false;
    }
    g->request_count = 0;
    for (uint32_t i = 0; i < g->point_count; i = j.best[i].next) {
        struct plan_request *r = &g->requests[g->request_count++];
        *r = (struct plan_request){.first = i, .point_count = j.best[i].next - i};
        cover(r, g, site);
        if (stands_alone(&j, i)) {
            r->not_before_us = g->lessons[i].alone_until_us;
            r->why = QUALITY_EXCEPTION;
            r->detail = g->lessons[i].exception;
        }
    }
    free(j.best);
    return true;
}

struct lesson *
plan_group_lesson(struct plan_group *g, uint32_t k)
{
    assert(k < g->point_count);
    if (g->lessons == NULL) {
        g->lessons = calloc(g->point_count, sizeof *g->lessons);
    }
    return g->lessons != NULL ? &g->lessons[k] : NULL;
}

/* ---- splitting ---- */

/* How many of the request's points stay in its first half. */
static uint32_t
split_place(const struct plan_group *g,
            const struct plan_request *r,
            const struct site *site)
{
    uint32_t best = r->point_count / 2;
    uint32_t best_hole = 0;
    uint32_t end = 0;

    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &site->points[g->order[r->first + i]];
        uint32_t p_end = (uint32_t)p->address + point_width(p);
        if (i > 0 && p->address > end && p->address - end > best_hole) {
            best_hole = p->address - end;
            best = i;
        }
        end = p_end > end ? p_end : end;
    }
    return best;
}

bool
plan_group_split(struct plan_group *g, const struct site *site, uint32_t index)
{
    assert(index < g->request_count);
    if (g->requests[index].point_count < 2) {
        return false;
    }
    if (g->request_count == g->request_capacity &&
        !make_room(g, g->request_capacity * 2)) {
        return false;
    }
    struct plan_request *a = &g->requests[index];
    uint32_t keep = split_place(g, a, site);
    struct plan_request b = {
        .first = a->first + keep, .point_count = a->point_count - keep, .part = true};
    memmove(a + 2, a + 1, (g->request_count - index - 1) * sizeof *a);
    g->request_count++;
    *a = (struct plan_request){.first = a->first, .point_count = keep, .part = true};
    cover(a, g, site);
    cover(&b, g, site);
    a[1] = b;
    return true;
}

static int
group_init(struct plan_group *g,
           const struct site *site,
           const struct placed *points,
           uint32_t count,
           struct plan_cost cost,
           struct err *err)
{
    *g = (struct plan_group){.poll_ms = points[0].poll_ms};
    g->order = malloc(count * sizeof *g->order);
    if (g->order == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a reading plan");
    }
    for (uint32_t i = 0; i < count; i++) {
        g->order[i] = points[i].point;
    }
    g->point_count = count;
    if (!plan_group_join(g, site, cost, 0)) {
        return err_set(err, ERR_NOMEM, "no memory for a reading plan");
    }
    return 0;
}

static uint32_t
collect(struct placed *out, const struct site *site, const struct device *d)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->point_count; i++) {
        const struct point *p = &site->points[d->first_point + i];
        if (p->table == REG_NONE) {
            continue;
        }
        out[count++] = (struct placed){.table = p->table,
                                       .address = p->address,
                                       .point = d->first_point + i,
                                       .poll_ms = p->poll_ms};
    }
    qsort(out, count, sizeof *out, compare_placed);
    return count;
}

static uint32_t
count_periods(const struct placed *placed, uint32_t count)
{
    uint32_t periods = 0;

    for (uint32_t i = 0; i < count; i++) {
        periods += i == 0 || placed[i].poll_ms != placed[i - 1].poll_ms;
    }
    return periods;
}

int
device_plan_init(struct device_plan *plan,
                 const struct site *site,
                 uint32_t device,
                 struct plan_cost cost,
                 struct err *err)
{
    const struct device *d = &site->devices[device];
    struct placed *placed = NULL;
    int rc = 0;

    *plan = (struct device_plan){.device = device};
    if (d->point_count == 0) {
        return 0;
    }
    placed = calloc(d->point_count, sizeof *placed);
    if (placed == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a reading plan");
    }
    plan->point_count = collect(placed, site, d);
    if (plan->point_count == 0) {
        goto out;
    }
    plan->groups =
        calloc(count_periods(placed, plan->point_count), sizeof *plan->groups);
    if (plan->groups == NULL) {
        rc = err_set(err, ERR_NOMEM, "no memory for a reading plan");
        goto out;
    }
    for (uint32_t from = 0, to = 0; rc == 0 && from < plan->point_count; from = to) {
        while (to < plan->point_count && placed[to].poll_ms == placed[from].poll_ms) {
            to++;
        }
        rc = group_init(&plan->groups[plan->group_count++], site, &placed[from],
                        to - from, cost, err);
    }
out:
    free(placed);
    if (rc != 0) {
        device_plan_fini(plan);
    }
    return rc;
}

void
device_plan_fini(struct device_plan *plan)
{
    for (uint32_t i = 0; i < plan->group_count; i++) {
        free(plan->groups[i].order);
        free(plan->groups[i].requests);
        free(plan->groups[i].lessons);
    }
    free(plan->groups);
    *plan = (struct device_plan){0};
}

int
plan_function(enum reg_table table)
{
    switch (table) {
    case REG_COIL:
        return 1;
    case REG_DISCRETE:
        return 2;
    case REG_HOLDING:
        return 3;
    case REG_INPUT:
        return 4;
    case REG_NONE:
        break;
    }
    assert(!"a request has a table");
    return 0;
}

uint32_t
plan_data_bytes(enum reg_table table, uint32_t count)
{
    return is_bit_table(table) ? (count + 7) / 8 : count * 2;
}

/* Beside the data, both ways: function, address and count (5), function and size (2);
 * RTU has unit and CRC around each, TCP the seven bytes of MBAP. */
static uint32_t
framing_bytes(enum bus_kind kind)
{
    return 5 + 2 + 2 * (kind == BUS_TCP ? 7 : 3);
}

uint32_t
plan_wire_bytes(enum reg_table table, uint32_t count, enum bus_kind kind)
{
    return framing_bytes(kind) + plan_data_bytes(table, count);
}

int64_t
serial_character_us(const struct bus *bus)
{
    int bits = 1 + bus->data_bits + (bus->parity == 'N' ? 0 : 1) + bus->stop_bits;

    return ((int64_t)bits * 1000000 + bus->baud - 1) / bus->baud;
}

int64_t
serial_silence_us(const struct bus *bus)
{
    /* Modbus over Serial Line V1.02, 2.5.1.1: 3.5 characters of 11 bits; a fixed
     * 1.75 ms above 19200 baud. */
    return bus->baud > 19200 ? 1750 : (int64_t)(3.5 * 11 * 1000000) / bus->baud + 1;
}

int64_t
plan_line_us(const struct bus *bus, enum reg_table table, uint32_t count)
{
    int64_t line_us;

    if (bus->baud == 0) {
        return 0;
    }
    line_us = plan_wire_bytes(table, count, BUS_RTU) * serial_character_us(bus);
    return bus->kind == BUS_RTU ? line_us : line_us + serial_silence_us(bus);
}

struct plan_cost
plan_cost(const struct bus *bus, const struct limits *limits, int64_t turnround_us)
{
    /* Where no serial line is known the network and the peer are what takes time. */
    struct plan_cost c = {.byte_us = 1};
    bool line = bus->baud > 0;

    if (turnround_us < 0) {
        turnround_us = bus->kind == BUS_RTU ? 0 : TURNROUND_TCP_US;
        if (line) {
            /* It must hear that we ended. */
            int64_t silence_us = serial_silence_us(bus);
            turnround_us +=
                silence_us > TURNROUND_SERIAL_US ? silence_us : TURNROUND_SERIAL_US;
        }
    }
    if (!line && turnround_us < TURNROUND_TCP_US) {
        /* Of the machine and the network, and different each time: what it would
         * change is not worth planning anew. */
        turnround_us = TURNROUND_TCP_US;
    }
    c.request_us = turnround_us + limits->gap_ms * 1000;
    if (line) {
        c.byte_us = serial_character_us(bus);
        c.request_us += framing_bytes(BUS_RTU) * c.byte_us + serial_silence_us(bus);
    }
    return c;
}

int64_t
plan_request_us(const struct plan_request *r, struct plan_cost cost)
{
    return cost.request_us + cost.byte_us * plan_data_bytes(r->table, r->count);
}
