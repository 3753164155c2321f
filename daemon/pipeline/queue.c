#include "daemon/pipeline/queue.h"

#include <stdlib.h>

#include "daemon/base/instant.h"

struct queue_need *
queue_needs(const struct site *site)
{
    struct queue_need *needs = calloc(site->device_count + 1, sizeof *needs);
    if (needs == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        const struct device *d = &site->devices[i];
        needs[i].homes += d->serves;
        needs[i].care += d->care;
        /* Up to the first one that says itself how many depend on it. */
        uint32_t up = d->serves > 0 ? d->parent : NONE_INDEX;
        while (up != NONE_INDEX && site->devices[up].serves <= 0) {
            needs[up].homes += d->serves;
            up = site->devices[up].parent;
        }
        up = d->care > 0 ? d->parent : NONE_INDEX;
        while (up != NONE_INDEX && site->devices[up].care <= 0) {
            needs[up].care += d->care;
            up = site->devices[up].parent;
        }
    }
    return needs;
}

struct queue_place
queue_place_of(const struct site *site,
               const struct queue_need *needs,
               const struct ticket *t)
{
    uint32_t device = t->device != NULL ? site_device(site, t->device) : NONE_INDEX;
    return (struct queue_place){
        .closed = t->state == TICKET_CLOSED,
        .priority = t->priority,
        .need = device != NONE_INDEX ? needs[device] : (struct queue_need){0, 0},
        .opened_ms = t->opened_ms,
        .number = t->number};
}

static int
order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int
queue_compare(const struct queue_place *a, const struct queue_place *b)
{
    int by = order(a->closed, b->closed);
    if (by == 0 && !a->closed) {
        by = order(b->priority, a->priority);
        by = by != 0 ? by : order(b->need.homes, a->need.homes);
        by = by != 0 ? by : order(b->need.care, a->need.care);
        by = by != 0 ? by : order(a->opened_ms, b->opened_ms);
    }
    return by != 0 ? by : order(a->number, b->number);
}

bool
queue_is_overdue(const struct ticket *t, int64_t now_ms)
{
    bool in_work = t->state != TICKET_RESOLVED && t->state != TICKET_CLOSED;
    bool respond = t->responded_ms == INSTANT_NONE && t->respond_by_ms <= now_ms;
    bool resolve = t->state != TICKET_WAITING && t->resolve_by_ms <= now_ms;
    return in_work && (respond || resolve);
}
