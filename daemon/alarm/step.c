/* What one step means for one alarm.  The rules' edges are taken first and told at the
 * end of the step: only then is it known what explains what.
 *
 *               shown before     shown after
 *   untold      hidden           active         alarm.raised, now
 *   told        hidden           active         alarm.changed, if its severity is other
 *   raised      -                hidden         told later, or never
 *   cleared     any              any            alarm.cleared, always
 */
#include <string.h>

#include "daemon/alarm/inside.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

void
step_news(struct alarms *a, const struct entry *e, enum edge_kind what)
{
    if (a->view.news != NULL) {
        a->view.news(a->view.ctx, what, e->device, e->rule);
    }
}

static void
tell(struct alarms *a,
     struct entry *e,
     int64_t t_ms,
     enum event_kind kind,
     const char *note)
{
    bool raised = kind == EVENT_ALARM_RAISED;
    bool measured =
        raised || kind == EVENT_ALARM_CHANGED || kind == EVENT_ALARM_CLEARED;
    /* An episode that was hidden so far is told with the value that the row kept. */
    bool of_edge = e->pending != PENDING_NOTHING;
    struct event event = {
        .t_ms = t_ms,
        .kind = kind,
        .has_value = measured && (of_edge ? e->has_value : e->row.has_value),
        .value = of_edge ? e->value : e->row.value,
        .episode = e->row.episode,
        .group = raised ? a->site->rules[e->rule].group : NULL,
        .first_out = raised && e->row.first_out,
        .note = note,
    };
    if (kind == EVENT_ALARM_SUPPRESSED) {
        event.suppressed_by = e->row.hiding.by;
    } else if (kind == EVENT_ALARM_UNSHELVED) {
        event.by = e->by;
        event.note = e->by == NULL ? N_("its time is over") : e->note;
    }
    entry_tell(a, e, &event);
}

void
step_clear(struct entry *e, int64_t t_ms)
{
    e->row.cleared_ms = t_ms;
    e->row.returned_ms = 0;
    e->pending = PENDING_CLEARED;
}

/* Counts the episodes of the last window. */
static void
count_raise(struct alarms *a, struct alarm *row, int64_t t_ms)
{
    uint32_t wanted = a->site->chatter_episodes;
    if (wanted == 0) {
        return;
    }
    if (row->raise_count == RAISES_MAX) {
        memmove(row->raises, row->raises + 1, (RAISES_MAX - 1) * sizeof row->raises[0]);
        row->raise_count--;
    }
    row->raises[row->raise_count++] = t_ms;
    if (row->raise_count >= wanted &&
        row->raises[row->raise_count - wanted] > t_ms - a->site->chatter_window_ms) {
        row->chatter = true;
    }
}

/* Whether `other` is of the group of `e` on its device. */
static bool
is_mate(const struct alarms *a, const struct entry *e, const struct entry *other)
{
    const char *group = a->site->rules[e->rule].group;
    const char *its = a->site->rules[other->rule].group;
    return other != e && group != NULL && its != NULL && strcmp(its, group) == 0;
}

/* First-out: the one that is told while no other of its group that was told stands.
 * What is hidden has its reason elsewhere and is not the first to say what is wrong. */
static void
find_first_out(struct alarms *a, struct entry *e)
{
    bool first = a->site->rules[e->rule].group != NULL;
    size_t start = entry_place(a, e->device, 0);
    for (size_t i = start; i < a->count && a->entries[i]->device == e->device; i++) {
        const struct entry *other = a->entries[i];
        bool told = is_mate(a, e, other) && entry_stands(other) && !other->row.untold;
        first = first && !told;
    }
    for (size_t i = start; first && i < a->count && a->entries[i]->device == e->device;
         i++) {
        struct entry *other = a->entries[i];
        if (other->row.first_out && is_mate(a, e, other)) {
            other->row.first_out = false; /* That was the last time. */
            entry_send(a, other);
        }
    }
    e->row.first_out = first;
}

void
step_raise(struct alarms *a, struct entry *e, int64_t t_ms)
{
    struct alarm *row = &e->row;
    row->first_out = false;
    row->episode++;
    row->raised_ms = t_ms;
    row->cleared_ms = INSTANT_NONE;
    row->acked_ms = INSTANT_NONE;
    row->acked_by[0] = '\0';
    row->returned_ms = 0;
    row->ticket = 0;
    row->untold = true;
    count_raise(a, row, t_ms);
    e->pending = PENDING_RAISED;
}

/* What has become worse since somebody saw it is to be seen again. */
static bool
take_back_ack(struct entry *e, enum severity told)
{
    struct alarm *row = &e->row;
    if (row->acked_ms == INSTANT_NONE || row->severity <= told) {
        return false;
    }
    row->acked_ms = INSTANT_NONE;
    row->acked_by[0] = '\0';
    row->state = alarm_unhidden(row);
    return true;
}

static void
show_raised(struct alarms *a, struct entry *e, int64_t t_ms)
{
    find_first_out(a, e);
    e->row.untold = false;
    e->row.told_severity = e->row.severity;
    e->moved = true;
    tell(a, e, t_ms, EVENT_ALARM_RAISED, NULL);
    step_news(a, e, EDGE_RAISED);
}

static void
show_changed(struct alarms *a, struct entry *e, enum severity told, int64_t t_ms)
{
    bool again = take_back_ack(e, told);
    e->row.told_severity = e->row.severity;
    e->moved = true;
    tell(a, e, t_ms, EVENT_ALARM_CHANGED,
         again ? N_("acknowledged, but it has become worse") : NULL);
    step_news(a, e, EDGE_CHANGED);
}

/* It stands and can be seen. */
static void
settle_shown(struct alarms *a, struct entry *e, enum alarm_state before, int64_t t_ms)
{
    if (before == ALARM_SUPPRESSED && e->pending != PENDING_RAISED) {
        tell(a, e, t_ms, EVENT_ALARM_UNSUPPRESSED, NULL);
    }
    enum severity told =
        alarm_state_is_hidden(before) ? e->row.told_severity : e->severity_before;
    if (e->row.untold) {
        show_raised(a, e, t_ms);
    } else if (alarm_state_is_hidden(before) ? told != e->row.severity
                                             : e->pending == PENDING_CHANGED) {
        show_changed(a, e, told, t_ms);
    }
}

/* It stands and is hidden. */
static void
settle_hidden(struct alarms *a, struct entry *e, enum alarm_state before, int64_t t_ms)
{
    if (!alarm_state_is_hidden(before)) {
        e->row.told_severity =
            e->pending == PENDING_CHANGED ? e->severity_before : e->row.severity;
    }
    bool news = before != ALARM_SUPPRESSED || e->pending == PENDING_RAISED;
    if (e->row.state == ALARM_SUPPRESSED && news) {
        tell(a, e, t_ms, EVENT_ALARM_SUPPRESSED, NULL);
    }
    /* To fall is to recover in part, and that is never hidden. */
    if (!e->row.untold && e->row.severity < e->row.told_severity) {
        show_changed(a, e, e->row.told_severity, t_ms);
    }
}

/* Takes over what is shown now. */
static void
set_state(struct entry *e,
          enum alarm_state state,
          const struct hiding *hiding,
          int64_t t_ms)
{
    struct alarm *row = &e->row;
    bool same = state == row->state && strcmp(row->hiding.by, hiding->by) == 0 &&
                strcmp(row->hiding.reason, hiding->reason) == 0 &&
                row->hiding.until_ms == hiding->until_ms;
    if (same && e->pending == PENDING_NOTHING) {
        return;
    }
    int64_t since_ms = row->hiding.since_ms;
    bool goes_on = state == row->state && e->pending != PENDING_RAISED;
    row->hiding = *hiding;
    if (state == ALARM_SUPPRESSED) {
        row->hiding.since_ms = goes_on ? since_ms : t_ms;
    }
    row->state = state;
    e->moved = true;
}

void
step_settle(struct alarms *a, struct entry *e, int64_t t_ms)
{
    enum alarm_state before = e->row.state;
    struct hiding hiding;
    bool restless = false;
    enum alarm_state state = hide_state(a, e, t_ms, &hiding, &restless);
    entry_set_restless(a, e, restless);
    set_state(e, state, &hiding, t_ms);
    if (before == ALARM_SHELVED && state != ALARM_SHELVED) {
        tell(a, e, t_ms, EVENT_ALARM_UNSHELVED, NULL);
    }
    if (e->pending == PENDING_CLEARED) {
        tell(a, e, t_ms, EVENT_ALARM_CLEARED, NULL);
        if (!e->row.untold) {
            step_news(a, e, EDGE_CLEARED);
        }
    } else if (entry_stands(e) && alarm_state_is_hidden(state)) {
        settle_hidden(a, e, before, t_ms);
    } else if (entry_stands(e)) {
        settle_shown(a, e, before, t_ms);
    }
    if (e->moved) {
        entry_send(a, e);
    }
    e->pending = PENDING_NOTHING;
    e->by = NULL;
    e->note = NULL;
    entry_plan(a, e);
}
