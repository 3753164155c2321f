/* The table of alarms, and what every step does with one of them. */
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/instant.h"

/* Where the entry of (device, rule) is, or would stand. */
size_t
entry_place(const struct alarms *a, uint32_t device, uint32_t rule)
{
    size_t low = 0;
    size_t high = a->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry *e = a->entries[middle];
        if (e->device < device || (e->device == device && e->rule < rule)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct entry *
entry_find(const struct alarms *a, uint32_t device, uint32_t rule)
{
    size_t at = entry_place(a, device, rule);
    if (at == a->count || a->entries[at]->device != device ||
        a->entries[at]->rule != rule) {
        return NULL;
    }
    return a->entries[at];
}

static void
make_room(struct entry ***list, size_t count, size_t *capacity)
{
    if (count < *capacity) {
        return;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    struct entry **grown = realloc(*list, *capacity * sizeof(struct entry *));
    if (grown == NULL) {
        abort();
    }
    *list = grown;
}

struct entry *
entry_find_or_add(struct alarms *a, uint32_t device, uint32_t rule)
{
    struct entry *e = entry_find(a, device, rule);
    if (e != NULL) {
        return e;
    }
    make_room(&a->entries, a->count, &a->capacity);
    e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->device = device;
    e->rule = rule;
    e->row.device = a->site->devices[device].id;
    e->row.rule = a->site->rules[rule].id;
    e->row.state = ALARM_NORMAL;
    e->row.raised_ms = INSTANT_NONE;
    e->row.cleared_ms = INSTANT_NONE;
    e->row.acked_ms = INSTANT_NONE;
    e->due_ms = INSTANT_MAX;
    e->silent_ms = INSTANT_NONE;
    size_t at = entry_place(a, device, rule);
    memmove(&a->entries[at + 1], &a->entries[at],
            (a->count - at) * sizeof(struct entry *));
    a->entries[at] = e;
    a->count++;
    return e;
}

void
entry_touch(struct alarms *a, struct entry *e)
{
    if (e->touched) {
        return;
    }
    make_room(&a->touched, a->touched_count, &a->touched_capacity);
    a->touched[a->touched_count++] = e;
    e->touched = true;
}

void
entry_set_restless(struct alarms *a, struct entry *e, bool restless)
{
    if (e->restless == restless) {
        return;
    }
    e->restless = restless;
    if (restless) {
        make_room(&a->restless, a->restless_count, &a->restless_capacity);
        a->restless[a->restless_count++] = e;
        return;
    }
    for (size_t i = 0; i < a->restless_count; i++) {
        if (a->restless[i] == e) {
            a->restless[i] = a->restless[--a->restless_count];
            return;
        }
    }
}

void
entry_touch_restless(struct alarms *a)
{
    for (size_t i = 0; i < a->restless_count; i++) {
        entry_touch(a, a->restless[i]);
    }
}

bool
entry_stands(const struct entry *e)
{
    return e->row.raised_ms != INSTANT_NONE && e->row.cleared_ms == INSTANT_NONE;
}

void
entry_set_titles(const struct alarms *a, struct entry *e)
{
    e->row.titles = (struct titles){0};
    if (a->view.titles != NULL) {
        a->view.titles(a->view.ctx, e->device, e->rule, &e->row.titles);
    }
}

void
entry_send(const struct alarms *a, struct entry *e)
{
    e->moved = false;
    if (a->sink->alarm != NULL) {
        a->sink->alarm(a->sink->ctx, &e->row);
    }
}

void
entry_tell(struct alarms *a, struct entry *e, struct event *event)
{
    event->device = e->row.device;
    event->rule = e->row.rule;
    event->severity = e->row.severity;
    event->title = e->row.title;
    if (e->moved) {
        entry_send(a, e);
    }
    a->sink->event(a->sink->ctx, event);
}

static void
earlier(int64_t *due_ms, int64_t t_ms)
{
    *due_ms = t_ms < *due_ms ? t_ms : *due_ms;
}

void
entry_plan(struct alarms *a, struct entry *e)
{
    const struct alarm *row = &e->row;
    int64_t realarm_ms = a->site->rules[e->rule].realarm_ms;
    int64_t before_ms = e->due_ms;
    e->due_ms = INSTANT_MAX;
    bool hidden_for = e->shelved || row->state == ALARM_SUPPRESSED;
    if (hidden_for && row->hiding.until_ms != 0) {
        earlier(&e->due_ms, row->hiding.until_ms);
    }
    if (row->state == ALARM_ACTIVE_ACKED && realarm_ms > 0) {
        earlier(&e->due_ms, row->acked_ms + realarm_ms);
    }
    if (row->chatter && row->raise_count > 0) {
        earlier(&e->due_ms,
                row->raises[row->raise_count - 1] + a->site->chatter_window_ms);
    }
    if (e->due_ms < a->due_ms) {
        a->due_ms = e->due_ms;
    } else if (before_ms == a->due_ms && e->due_ms != before_ms) {
        a->due_known = false;
    }
}
