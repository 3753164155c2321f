#include "daemon/alarm/alarms.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/*            raised                ack
 *   NORMAL ----------> ACTIVE -------------> ACTIVE_ACKED
 *     ^  ^               |  ^                   |
 *     |  |        clears |  | raised:           | clears
 *     |  |               v  | next episode      |
 *     |  +---- ack ---- CLEARED                 |
 *     +-----------------------------------------+
 */

struct entry {
    uint32_t device, rule;
    struct alarm row;
};

/* Entries in order of device, rule.  An alarm that was once raised stays here, so that
 * its episodes go on being counted. */
struct alarms {
    const struct site *site;
    const struct sink *sink;
    struct entry **entries;
    size_t count;
    size_t capacity;
};

struct alarms *
alarms_new(const struct site *site, const struct sink *sink)
{
    struct alarms *a = calloc(1, sizeof *a);
    if (a == NULL) {
        abort();
    }
    a->site = site;
    a->sink = sink;
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
    free(a);
}

/* Where the entry of (device, rule) is, or would stand. */
static size_t
place(const struct alarms *a, uint32_t device, uint32_t rule)
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

static struct entry *
find(const struct alarms *a, uint32_t device, uint32_t rule)
{
    size_t at = place(a, device, rule);
    if (at == a->count || a->entries[at]->device != device ||
        a->entries[at]->rule != rule) {
        return NULL;
    }
    return a->entries[at];
}

static struct entry *
find_or_add(struct alarms *a, uint32_t device, uint32_t rule)
{
    struct entry *e = find(a, device, rule);
    if (e != NULL) {
        return e;
    }
    if (a->count == a->capacity) {
        size_t capacity = a->capacity == 0 ? 16 : a->capacity * 2;
        struct entry **grown = realloc(a->entries, capacity * sizeof(struct entry *));
        if (grown == NULL) {
            abort();
        }
        a->entries = grown;
        a->capacity = capacity;
    }
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
    size_t at = place(a, device, rule);
    memmove(&a->entries[at + 1], &a->entries[at],
            (a->count - at) * sizeof(struct entry *));
    a->entries[at] = e;
    a->count++;
    return e;
}

bool
alarms_restore(struct alarms *a, const struct alarm *row)
{
    uint32_t device = site_device(a->site, row->device);
    uint32_t rule = site_rule(a->site, row->rule);
    if (device == NONE_INDEX || rule == NONE_INDEX) {
        return false;
    }
    struct entry *e = find_or_add(a, device, rule);
    e->row = *row;
    e->row.device = a->site->devices[device].id;
    e->row.rule = a->site->rules[rule].id;
    return true;
}

static void
send_row(const struct alarms *a, const struct entry *e)
{
    if (a->sink->alarm != NULL) {
        a->sink->alarm(a->sink->ctx, &e->row);
    }
}

/* The row first, then the event: who reads the event finds the row as it says. */
static void
tell(const struct alarms *a, const struct entry *e, struct event *event)
{
    event->device = e->row.device;
    event->rule = e->row.rule;
    event->severity = e->row.severity;
    event->title = e->row.title;
    send_row(a, e);
    a->sink->event(a->sink->ctx, event);
}

static void
set_value(struct entry *e, const struct edge *edge, const char *title)
{
    e->row.severity = edge->severity;
    e->row.has_value = edge->has_value;
    e->row.value = edge->has_value ? edge->value : 0;
    utf8_copy(e->row.title, sizeof e->row.title, title);
}

static void
raise_alarm(struct alarms *a, struct entry *e, const struct edge *edge)
{
    e->row.state = ALARM_ACTIVE;
    e->row.episode++;
    e->row.raised_ms = edge->t_ms;
    e->row.cleared_ms = INSTANT_NONE;
    e->row.acked_ms = INSTANT_NONE;
    e->row.acked_by[0] = '\0';
    e->row.ticket = 0;
    struct event event = {.t_ms = edge->t_ms,
                          .kind = EVENT_ALARM_RAISED,
                          .has_value = edge->has_value,
                          .value = edge->value,
                          .episode = e->row.episode};
    tell(a, e, &event);
}

static void
change_alarm(struct alarms *a, struct entry *e, const struct edge *edge)
{
    struct event event = {.t_ms = edge->t_ms,
                          .kind = EVENT_ALARM_CHANGED,
                          .has_value = edge->has_value,
                          .value = edge->value,
                          .episode = e->row.episode};
    tell(a, e, &event);
}

static void
clear_alarm(struct alarms *a, struct entry *e, const struct edge *edge)
{
    e->row.state = e->row.acked_ms != INSTANT_NONE ? ALARM_NORMAL : ALARM_CLEARED;
    e->row.cleared_ms = edge->t_ms;
    struct event event = {.t_ms = edge->t_ms,
                          .kind = EVENT_ALARM_CLEARED,
                          .has_value = edge->has_value,
                          .value = edge->value,
                          .episode = e->row.episode};
    tell(a, e, &event);
}

const struct alarm *
alarms_edge(struct alarms *a, const struct edge *edge, const char *title)
{
    assert(edge->device < a->site->device_count);
    assert(edge->rule < a->site->rule_count);
    if (edge->kind == EDGE_CLEARED) {
        struct entry *e = find(a, edge->device, edge->rule);
        if (e == NULL || !alarm_is_raised(&e->row)) {
            return NULL;
        }
        clear_alarm(a, e, edge);
        return &e->row;
    }
    assert(edge->kind == EDGE_RAISED || edge->kind == EDGE_CHANGED);
    /* Whether the rule says raised or changed, what the alarm was decides: after a
     * restart the two may not agree, and no alarm may be lost by it. */
    struct entry *e = find_or_add(a, edge->device, edge->rule);
    if (!alarm_is_raised(&e->row)) {
        set_value(e, edge, title);
        raise_alarm(a, e, edge);
        return &e->row;
    }
    if (e->row.severity == edge->severity) {
        return NULL;
    }
    set_value(e, edge, title);
    change_alarm(a, e, edge);
    return &e->row;
}

static int
refuse_ack(const struct alarm *row, struct err *err)
{
    switch (row->state) {
    case ALARM_ACTIVE:
    case ALARM_CLEARED:
        return 0;
    case ALARM_ACTIVE_ACKED:
        return err_set(err, ERR_REFUSED, "alarm %s/%s was acknowledged by %s already",
                       row->device, row->rule, row->acked_by);
    case ALARM_SHELVED:
    case ALARM_SUPPRESSED:
    case ALARM_OUT_OF_SERVICE:
        return err_set(err, ERR_REFUSED,
                       "alarm %s/%s is %s; it can be acknowledged when it shows again",
                       row->device, row->rule, alarm_state_name(row->state));
    case ALARM_NORMAL:
    case ALARM_STATE_COUNT:
        break;
    }
    return err_set(err, ERR_NOT_FOUND, "alarm %s/%s is normal", row->device, row->rule);
}

int
alarms_command(struct alarms *a, const struct command *c, struct err *err)
{
    assert(c->kind == COMMAND_ACK);
    if (c->device == NULL || c->rule == NULL) {
        return err_set(err, ERR_USAGE, "an alarm is named by its device and its rule");
    }
    if (c->by == NULL || c->by[0] == '\0') {
        return err_set(err, ERR_USAGE, "who acknowledges must be said");
    }
    uint32_t device = site_device(a->site, c->device);
    if (device == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%.63s\"", c->device);
    }
    uint32_t rule = site_rule(a->site, c->rule);
    if (rule == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no rule \"%.63s\"", c->rule);
    }
    struct entry *e = find(a, device, rule);
    if (e == NULL) {
        return err_set(err, ERR_NOT_FOUND, "alarm %s/%s is normal", c->device, c->rule);
    }
    int code = refuse_ack(&e->row, err);
    if (code != 0) {
        return code;
    }
    e->row.state = e->row.state == ALARM_ACTIVE ? ALARM_ACTIVE_ACKED : ALARM_NORMAL;
    e->row.acked_ms = c->t_ms;
    utf8_copy(e->row.acked_by, sizeof e->row.acked_by, c->by);
    char note[NOTE_BYTES];
    utf8_copy(note, sizeof note, c->note);
    struct event event = {.t_ms = c->t_ms,
                          .kind = EVENT_ALARM_ACKNOWLEDGED,
                          .by = e->row.acked_by,
                          .note = note[0] != '\0' ? note : NULL};
    tell(a, e, &event);
    return 0;
}

void
alarms_set_ticket(struct alarms *a, uint32_t device, uint32_t rule, int64_t ticket)
{
    struct entry *e = find(a, device, rule);
    if (e != NULL && e->row.ticket != ticket) {
        e->row.ticket = ticket;
        send_row(a, e);
    }
}

const struct alarm *
alarms_get(const struct alarms *a, uint32_t device, uint32_t rule)
{
    const struct entry *e = find(a, device, rule);
    return e != NULL && e->row.state != ALARM_NORMAL ? &e->row : NULL;
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

static void
shift(int64_t *t_ms, int64_t delta_ms)
{
    if (*t_ms != INSTANT_NONE) {
        *t_ms += delta_ms;
    }
}

void
alarms_shift(struct alarms *a, int64_t delta_ms)
{
    if (delta_ms == 0) {
        return;
    }
    for (size_t i = 0; i < a->count; i++) {
        struct entry *e = a->entries[i];
        if (e->row.state == ALARM_NORMAL) {
            continue; /* Over and done; nothing is counted from its instants. */
        }
        shift(&e->row.raised_ms, delta_ms);
        shift(&e->row.cleared_ms, delta_ms);
        shift(&e->row.acked_ms, delta_ms);
        send_row(a, e);
    }
}
