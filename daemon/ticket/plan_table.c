/* The table of the plans: which go to which device, and which is due first. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/ticket/plan_entry.h"
#include "daemon/ticket/plan_route.h"

#define SAME_PLACE_MAX 10 /* First visits of one plan at one place on one day. */

/* ---- The heap of what is due ---- */

static bool
is_before(const struct plans *p, uint32_t a, uint32_t b)
{
    int64_t a_ms = p->entries[a].next_ms;
    int64_t b_ms = p->entries[b].next_ms;
    return a_ms != b_ms ? a_ms < b_ms : a < b;
}

static void
put(struct plans *p, uint32_t at, uint32_t entry)
{
    p->heap[at] = entry;
    p->entries[entry].heap_at = at;
}

static void
moved(struct plans *p, uint32_t entry)
{
    uint32_t at = p->entries[entry].heap_at;
    while (at > 0 && is_before(p, entry, p->heap[(at - 1) / 2])) {
        put(p, at, p->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= p->count) {
            break;
        }
        if (child + 1 < p->count && is_before(p, p->heap[child + 1], p->heap[child])) {
            child++;
        }
        if (!is_before(p, p->heap[child], entry)) {
            break;
        }
        put(p, at, p->heap[child]);
        at = child;
    }
    put(p, at, entry);
}

void
plan_entry_set_next(struct plans *p, struct plan_entry *e, int64_t next_ms)
{
    e->next_ms = next_ms;
    moved(p, (uint32_t)(e - p->entries));
}

/* ---- Making the table ---- */

static uint32_t
hash(uint32_t seed, const char *text)
{
    uint32_t h = seed;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        h = (h ^ *c) * 16777619u; /* FNV-1a */
    }
    return (h ^ 0xff) * 16777619u;
}

/* How many entries of each plan and place there were so far. */
struct places {
    struct {
        uint32_t key, count;
    } * slots;
    uint32_t mask;
};

static uint32_t
count_place(struct places *places, uint32_t key)
{
    uint32_t at = key & places->mask;
    while (places->slots[at].count > 0 && places->slots[at].key != key) {
        at = (at + 1) & places->mask;
    }
    places->slots[at].key = key;
    return places->slots[at].count++;
}

/* Devices of one place are first due together, so that one round serves them; those of
 * a large one in groups. */
static uint32_t
spread_of(const struct site *site,
          const struct plan_spec *spec,
          const struct device *d,
          struct places *places)
{
    uint32_t key = hash(hash(2166136261u, spec->id), plan_place(site, d));
    uint32_t group = count_place(places, key) / SAME_PLACE_MAX;
    char text[16];
    snprintf(text, sizeof text, "%u", group);
    return hash(key, text);
}

static void
entry_init(struct plan_entry *e,
           const struct site *site,
           uint32_t plan,
           uint32_t device)
{
    const struct plan_spec *spec = &site->plans[plan];
    const struct device *d = &site->devices[device];
    *e = (struct plan_entry){.spec = spec,
                             .plan = plan,
                             .device = device,
                             .point = NONE_INDEX,
                             .next_ms = INSTANT_MAX,
                             .calendar_day = DAY_NONE,
                             .next_of_device = NONE_INDEX,
                             .origin = {.installed_day = DAY_NONE}};
    snprintf(e->row.plan, sizeof e->row.plan, "%s", spec->id);
    snprintf(e->row.device, sizeof e->row.device, "%s", d->id);
    e->row.since_day = DAY_NONE;
    e->row.done_day = DAY_NONE;
    e->row.done_ms = INSTANT_NONE;
    e->row.base_day = DAY_NONE;
    e->row.moved_day = DAY_NONE;
    e->row.use_day = DAY_NONE;
    e->row.ticket_day = DAY_NONE;
    e->row.told_day = DAY_NONE;
    e->row.use.mark_ms = INSTANT_NONE;
    e->row.use.last_ms = INSTANT_NONE;
    if (spec->use != PLAN_USE_NONE) {
        e->point = site_point(site, device, spec->use_of);
    }
    if (e->point != NONE_INDEX) {
        e->counter = plan_counter_of(spec, &site->points[e->point]);
    }
    int32_t installed;
    if (d->ledger.installed != NULL &&
        civil_parse_date(&installed, d->ledger.installed)) {
        e->origin.installed_day = installed;
    }
}

static uint32_t
count_entries(const struct site *site)
{
    uint32_t count = 0;
    for (uint32_t d = 0; d < site->device_count; d++) {
        for (uint32_t i = 0; i < site->plan_count; i++) {
            count += plan_goes_to(&site->plans[i], &site->devices[d]);
        }
    }
    return count;
}

/* Where no plan of the device is called its service, each of them is one. */
static void
set_resets(struct plan_entry *of_device, uint32_t count)
{
    bool some = false;
    for (uint32_t i = 0; i < count; i++) {
        some = some || of_device[i].spec->service;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_spec *spec = of_device[i].spec;
        of_device[i].resets = spec->service || (!some && !spec->service_said);
    }
}

static void
fill(struct plans *p, struct places *places)
{
    const struct site *site = p->site;
    uint32_t at = 0;
    for (uint32_t d = 0; d < site->device_count; d++) {
        uint32_t first = at;
        p->first_of_device[d] = NONE_INDEX;
        for (uint32_t i = 0; i < site->plan_count; i++) {
            const struct plan_spec *spec = &site->plans[i];
            if (!plan_goes_to(spec, &site->devices[d])) {
                continue;
            }
            struct plan_entry *e = &p->entries[at];
            entry_init(e, site, i, d);
            e->origin.spread = spread_of(site, spec, &site->devices[d], places);
            if (e->point != NONE_INDEX) {
                e->next_of_device = p->first_of_device[d];
                p->first_of_device[d] = at;
            }
            put(p, at, at);
            at++;
        }
        set_resets(&p->entries[first], at - first);
    }
    assert(at == p->count);
}

static void *
zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

struct plans *
plans_new(const struct site *site,
          const struct sink *sink,
          const struct plans_view *view)
{
    struct plans *p = zeroed(1, sizeof *p);
    struct places places = {.mask = 1};
    p->site = site;
    p->sink = sink;
    p->view = *view;
    p->count = count_entries(site);
    p->entries = zeroed(p->count, sizeof *p->entries);
    p->heap = zeroed(p->count, sizeof *p->heap);
    p->first_of_device = zeroed(site->device_count, sizeof *p->first_of_device);
    while (places.mask <= 2 * p->count) {
        places.mask = places.mask * 2 + 1;
    }
    places.slots = zeroed((size_t)places.mask + 1, sizeof *places.slots);
    fill(p, &places);
    free(places.slots);
    return p;
}

void
plans_free(struct plans *p)
{
    if (p == NULL) {
        return;
    }
    free(p->entries);
    free(p->heap);
    free(p->first_of_device);
    free(p);
}

struct plan_entry *
plan_entry_find(const struct plans *p, uint32_t plan, uint32_t device)
{
    uint32_t low = 0;
    uint32_t high = p->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct plan_entry *e = &p->entries[middle];
        if (e->device == device && e->plan == plan) {
            return e;
        }
        if (e->device < device || (e->device == device && e->plan < plan)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
