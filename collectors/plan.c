/* Points -> requests. */
#include "collectors/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

static uint32_t
hole_limit(const struct site *site, const struct point *p)
{
    if (!site->devices[p->device].limits.holes) {
        return 0;
    }
    return is_bit_table(p->table) ? HOLE_BITS_MAX : HOLE_REGISTERS_MAX;
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

void
plan_group_join(struct plan_group *g, const struct site *site)
{
    struct plan_request *r = NULL;
    uint32_t end = 0; /* One past the last register of `r`. */

    g->request_count = 0;
    for (uint32_t i = 0; i < g->point_count; i++) {
        const struct point *p = &site->points[g->order[i]];
        uint32_t p_end = (uint32_t)p->address + point_width(p);
        uint32_t new_end = p_end > end ? p_end : end;

        if (r != NULL && r->table == p->table &&
            p->address <= end + hole_limit(site, p) &&
            new_end - r->address <= request_limit(site, p)) {
            r->point_count++;
            end = new_end;
            r->count = (uint16_t)(end - r->address);
            continue;
        }
        /* A value wider than the device's limit is asked alone: half of it is no use.
         */
        assert(g->request_count < g->request_capacity);
        r = &g->requests[g->request_count++];
        *r = (struct plan_request){.first = i, .point_count = 1};
        cover(r, g, site);
        end = p_end;
    }
}

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
    if (g->request_count == g->request_capacity) {
        uint32_t capacity = g->request_capacity * 2;
        struct plan_request *grown =
            realloc(g->requests, capacity * sizeof *g->requests);
        if (grown == NULL) {
            return false;
        }
        g->requests = grown;
        g->request_capacity = capacity;
    }
    struct plan_request *a = &g->requests[index];
    uint32_t keep = split_place(g, a, site);
    struct plan_request b = {.first = a->first + keep,
                             .point_count = a->point_count - keep};
    memmove(a + 2, a + 1, (g->request_count - index - 1) * sizeof *a);
    g->request_count++;
    *a = (struct plan_request){.first = a->first, .point_count = keep};
    cover(a, g, site);
    cover(&b, g, site);
    a[1] = b;
    return true;
}

/* Requests that joining will need: at most one per point, mostly far fewer. */
static int
group_init(struct plan_group *g,
           const struct site *site,
           const struct placed *points,
           uint32_t count,
           struct err *err)
{
    struct plan_request *fitted;

    *g = (struct plan_group){.poll_ms = points[0].poll_ms};
    g->order = malloc(count * sizeof *g->order);
    g->requests = malloc(count * sizeof *g->requests);
    if (g->order == NULL || g->requests == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a reading plan");
    }
    for (uint32_t i = 0; i < count; i++) {
        g->order[i] = points[i].point;
    }
    g->point_count = count;
    g->request_capacity = count;
    plan_group_join(g, site);
    fitted = realloc(g->requests, g->request_count * sizeof *g->requests);
    if (fitted != NULL) {
        g->requests = fitted;
        g->request_capacity = g->request_count;
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
                        to - from, err);
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
plan_request_bytes(const struct plan_request *r, enum bus_kind kind)
{
    /* Beside function, address and count (5), and function and size (2): RTU has unit
     * and CRC, TCP the seven bytes of MBAP, each way. */
    uint32_t framing = kind == BUS_TCP ? 7 : 3;
    uint32_t data =
        is_bit_table(r->table) ? ((uint32_t)r->count + 7) / 8 : (uint32_t)r->count * 2;

    return framing + 5 + framing + 2 + data;
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
plan_request_us(const struct plan_request *r, const struct bus *bus)
{
    if (bus->kind != BUS_RTU) {
        return 0;
    }
    return (int64_t)plan_request_bytes(r, BUS_RTU) * serial_character_us(bus) +
           2 * serial_silence_us(bus);
}
