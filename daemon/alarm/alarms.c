#include "daemon/alarm/alarms.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/*            raised                ack
 *   NORMAL ----------> ACTIVE <------------> ACTIVE_ACKED
 *     ^  ^               |  ^    realarm        |
 *     |  |        clears |  | raised:           | clears
 *     |  |               v  | next episode      |
 *     |  +---- ack ---- CLEARED                 |
 *     +-----------------------------------------+
 *
 * A latched one stays ACTIVE when its condition goes, and ack clears it.  While it
 * stands it may be hidden (hide.c): SHELVED, which it may be at any time,
 * OUT_OF_SERVICE, SUPPRESSED.  Which of the states above it would show then follows
 * from its instants: alarm_unhidden(). */

struct alarms *
alarms_new(const struct site *site,
           const struct sink *sink,
           const struct alarms_view *view)
{
    struct alarms *a = calloc(1, sizeof *a);
    if (a == NULL) {
        abort();
    }
    a->site = site;
    a->sink = sink;
    if (view != NULL) {
        a->view = *view;
    }
    a->due_ms = INSTANT_MAX;
    a->due_known = true;
    hide_init(a);
    return a;
}

void
alarms_free(struct alarms *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->count; i++) {
        free(a->entries[i]);
    }
    free(a->entries);
    free(a->touched);
    free(a->restless);
    hide_fini(a);
    free(a);
}

bool
alarms_restore(struct alarms *a, const struct alarm *row)
{
    uint32_t device = site_device(a->site, row->device);
    uint32_t rule = site_rule(a->site, row->rule);
    if (device == NONE_INDEX || rule == NONE_INDEX) {
        return false;
    }
    struct entry *e = entry_find_or_add(a, device, rule);
    e->row = *row;
    e->row.device = a->site->devices[device].id;
    e->row.rule = a->site->rules[rule].id;
    e->shelved = row->state == ALARM_SHELVED;
    if (row->state == ALARM_NORMAL && alarm_unhidden(&e->row) != ALARM_NORMAL) {
        /* It is over, whatever its instants say. */
        e->row.raised_ms = INSTANT_NONE;
    }
    entry_plan(a, e);
    a->review = true; /* The configuration may hide it no more. */
    return true;
}

bool
alarms_restore_service(struct alarms *a, const struct service *s)
{
    uint32_t device = site_device(a->site, s->device);
    if (device == NONE_INDEX) {
        return false;
    }
    if (a->service[device] == NULL) {
        a->service[device] = calloc(1, sizeof *a->service[device]);
        if (a->service[device] == NULL) {
            abort();
        }
    }
    *a->service[device] = *s;
    a->service[device]->device = a->site->devices[device].id;
    a->due_known = false;
    return true;
}

static void
set_value(const struct alarms *a,
          struct entry *e,
          const struct edge *edge,
          const char *title)
{
    e->row.severity = edge->severity;
    e->row.has_value = edge->has_value;
    e->row.value = edge->has_value ? edge->value : 0;
    utf8_copy(e->row.title, sizeof e->row.title, title);
    entry_set_titles(a, e);
}

static void
take_cleared(struct alarms *a, struct entry *e, const struct edge *edge)
{
    bool latched = a->site->rules[e->rule].latch && !e->row.untold &&
                   e->row.acked_ms == INSTANT_NONE;
    if (latched && e->row.returned_ms != 0) {
        return;
    }
    if (latched) {
        e->row.returned_ms = edge->t_ms;
        e->moved = true;
    } else {
        step_clear(e, edge->t_ms);
    }
    hide_alarm_changed(a, e->device, e->rule);
    entry_touch(a, e);
}

static void
take_raised(struct alarms *a,
            struct entry *e,
            const struct edge *edge,
            const char *title)
{
    if (!entry_stands(e)) {
        set_value(a, e, edge, title);
        step_raise(a, e, edge->t_ms);
        hide_alarm_changed(a, e->device, e->rule);
        entry_touch(a, e);
        return;
    }
    if (e->row.returned_ms != 0) {
        e->row.returned_ms = 0;
        e->moved = true;
        hide_alarm_changed(a, e->device, e->rule);
        entry_touch(a, e);
    }
    if (e->row.severity != edge->severity) {
        e->severity_before = e->row.severity;
        set_value(a, e, edge, title);
        e->moved = true;
        e->pending = PENDING_CHANGED;
        entry_touch(a, e);
    }
}

void
alarms_edge(struct alarms *a, const struct edge *edge, const char *title)
{
    assert(edge->device < a->site->device_count);
    assert(edge->rule < a->site->rule_count);
    struct entry *e = edge->kind == EDGE_CLEARED
                          ? entry_find(a, edge->device, edge->rule)
                          : entry_find_or_add(a, edge->device, edge->rule);
    if (e == NULL) {
        return;
    }
    e->has_value = edge->has_value;
    e->value = edge->value;
    if (edge->kind == EDGE_CLEARED) {
        if (entry_stands(e)) {
            take_cleared(a, e, edge);
        }
        return;
    }
    assert(edge->kind == EDGE_RAISED || edge->kind == EDGE_CHANGED);
    /* Whether the rule says raised or changed, what the alarm was decides: after a
     * restart the two may not agree, and no alarm may be lost by it. */
    take_raised(a, e, edge, title);
}

void
alarms_reach_changed(struct alarms *a, uint32_t device)
{
    hide_reach_changed(a, device);
}

/* Edges come in order of device and rule; what goes by them may not. */
static int
compare_entries(const void *x, const void *y)
{
    const struct entry *a = *(struct entry *const *)x;
    const struct entry *b = *(struct entry *const *)y;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

void
alarms_settle(struct alarms *a, int64_t t_ms)
{
    entry_touch_restless(a);
    if (a->review) {
        for (size_t i = 0; i < a->count; i++) {
            step_settle(a, a->entries[i], t_ms);
        }
    } else {
        if (a->touched_count > 1) {
            qsort(a->touched, a->touched_count, sizeof(struct entry *),
                  compare_entries);
        }
        for (size_t i = 0; i < a->touched_count; i++) {
            step_settle(a, a->touched[i], t_ms);
        }
    }
    for (size_t i = 0; i < a->touched_count; i++) {
        a->touched[i]->touched = false;
    }
    a->touched_count = 0;
    a->review = false;
    if (!a->due_known) {
        a->due_ms = alarms_due(a);
        a->due_known = true;
    }
}

int64_t
alarms_due(const struct alarms *a)
{
    if (a->due_known) {
        return a->due_ms;
    }
    int64_t due_ms = service_due(a);
    for (size_t i = 0; i < a->count; i++) {
        due_ms = a->entries[i]->due_ms < due_ms ? a->entries[i]->due_ms : due_ms;
    }
    return due_ms;
}

static void
realarm(struct alarms *a, struct entry *e, int64_t t_ms)
{
    e->row.acked_ms = INSTANT_NONE;
    e->row.acked_by[0] = '\0';
    e->row.state = alarm_unhidden(&e->row);
    e->moved = true;
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_ALARM_REALARMED,
                          .has_value = e->row.has_value,
                          .value = e->row.value,
                          .episode = e->row.episode,
                          .note = N_("acknowledged, but it still stands")};
    entry_tell(a, e, &event);
}

/* One timer of the entry, at t_ms, which may be later than its due time: the program
 * was down, or the alarm was hidden then. */
static void
fire(struct alarms *a, struct entry *e, int64_t t_ms)
{
    struct alarm *row = &e->row;
    int64_t realarm_ms = a->site->rules[e->rule].realarm_ms;
    if (row->chatter &&
        (row->raise_count == 0 ||
         row->raises[row->raise_count - 1] + a->site->chatter_window_ms <= t_ms)) {
        row->chatter = false;
        e->moved = row->state != ALARM_NORMAL; /* Else it is in no listing. */
    }
    if (e->shelved && row->hiding.until_ms != 0 && row->hiding.until_ms <= t_ms) {
        e->shelved = false;
        hide_alarm_changed(a, e->device, e->rule);
    }
    if (row->state == ALARM_ACTIVE_ACKED && realarm_ms > 0 &&
        row->acked_ms + realarm_ms <= t_ms) {
        realarm(a, e, t_ms);
    }
    entry_touch(a, e);
}

void
alarms_fire(struct alarms *a, int64_t t_ms)
{
    service_fire(a, t_ms);
    for (size_t i = 0; i < a->count; i++) {
        if (a->entries[i]->due_ms <= t_ms) {
            fire(a, a->entries[i], t_ms);
        }
    }
    a->due_known = false;
    alarms_settle(a, t_ms);
}

void
alarms_set_ticket(struct alarms *a, uint32_t device, uint32_t rule, int64_t ticket)
{
    struct entry *e = entry_find(a, device, rule);
    if (e != NULL && e->row.ticket != ticket) {
        e->row.ticket = ticket;
        entry_send(a, e);
    }
}

const struct alarm *
alarms_get(const struct alarms *a, uint32_t device, uint32_t rule)
{
    const struct entry *e = entry_find(a, device, rule);
    return e != NULL && e->row.state != ALARM_NORMAL ? &e->row : NULL;
}

bool
alarms_group_stands(const struct alarms *a, uint32_t device, uint32_t rule)
{
    const char *group = a->site->rules[rule].group;
    if (group == NULL) {
        return false;
    }
    for (size_t i = entry_place(a, device, 0);
         i < a->count && a->entries[i]->device == device; i++) {
        const struct entry *e = a->entries[i];
        const char *its = a->site->rules[e->rule].group;
        if (e->rule != rule && its != NULL && strcmp(its, group) == 0 &&
            entry_stands(e) && !e->row.untold && e->row.severity > SEVERITY_INFO) {
            return true;
        }
    }
    return false;
}

void
alarms_each(const struct alarms *a,
            void (*fn)(void *ctx, const struct alarm *row),
            void *ctx)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->entries[i]->row.state != ALARM_NORMAL) {
            fn(ctx, &a->entries[i]->row);
        }
    }
}

const struct service *
alarms_service(const struct alarms *a, uint32_t device)
{
    return device < a->site->device_count ? a->service[device] : NULL;
}

static void
shift(int64_t *t_ms, int64_t delta_ms)
{
    if (*t_ms != INSTANT_NONE && *t_ms != 0) {
        *t_ms += delta_ms;
    }
}

static void
shift_entry(struct alarms *a, struct entry *e, int64_t delta_ms)
{
    for (uint32_t i = 0; i < e->row.raise_count; i++) {
        shift(&e->row.raises[i], delta_ms);
    }
    if (e->row.state != ALARM_NORMAL) {
        shift(&e->row.raised_ms, delta_ms);
        shift(&e->row.cleared_ms, delta_ms);
        shift(&e->row.acked_ms, delta_ms);
        shift(&e->row.returned_ms, delta_ms);
        shift(&e->row.hiding.since_ms, delta_ms);
        shift(&e->row.hiding.until_ms, delta_ms);
        shift(&e->silent_ms, delta_ms);
        entry_send(a, e);
    } /* Else it is over and done: nothing is counted from its instants. */
    entry_plan(a, e);
}

void
alarms_shift(struct alarms *a, int64_t delta_ms)
{
    if (delta_ms == 0) {
        return;
    }
    for (uint32_t d = 0; d < a->site->device_count; d++) {
        struct service *s = a->service[d];
        if (s != NULL) {
            shift(&s->hiding.since_ms, delta_ms);
            shift(&s->hiding.until_ms, delta_ms);
            if (a->sink->service != NULL) {
                a->sink->service(a->sink->ctx, s);
            }
        }
    }
    for (size_t i = 0; i < a->count; i++) {
        shift_entry(a, a->entries[i], delta_ms);
    }
    a->due_known = false;
    a->due_ms = alarms_due(a);
    a->due_known = true;
}
