#include "daemon/ticket/life.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

static const struct rule_spec *
rule_of(const struct tickets *t, const struct ticket_entry *e)
{
    return e->rule != NONE_INDEX ? &t->site->rules[e->rule] : NULL;
}

int64_t
life_follow_up_ms(const struct tickets *t, const struct ticket_entry *e)
{
    const struct rule_spec *rule = rule_of(t, e);
    return rule != NULL ? rule->follow_up_ms : t->site->follow_up_ms;
}

void
life_tell(struct tickets *t, const struct ticket_entry *e, struct event *event)
{
    event->ticket = e->row.number;
    event->device = e->row.device;
    event->rule = e->row.rule;
    event->severity = e->row.priority;
    event->ticket_kind = e->row.kind;
    event->title = e->row.title;
    if (e->row.plan[0] != '\0' &&
        (event->kind == EVENT_TICKET_OPENED || event->kind == EVENT_TICKET_CHANGED)) {
        event->plan = e->row.plan;
        event->due_ms = e->row.due_ms != INSTANT_NONE ? e->row.due_ms : 0;
    }
    t->sink->event(t->sink->ctx, event);
}

/* Takes the timer if it is due before the one that is planned so far. */
static void
offer(struct ticket_entry *e, enum ticket_timer timer, int64_t due_ms)
{
    if (due_ms < e->due_ms) {
        e->due_ms = due_ms;
        e->timer = timer;
    }
}

static int64_t
warn_ms(int64_t from_ms, int64_t by_ms)
{
    return from_ms + (by_ms - from_ms) * 4 / 5;
}

void
life_plan(struct tickets *t, struct ticket_entry *e)
{
    const struct ticket *row = &e->row;
    bool in_work = row->state != TICKET_RESOLVED && row->state != TICKET_CLOSED;
    /* A visit has its day; that somebody is there sooner was promised to nobody. */
    bool respond_runs =
        in_work && row->responded_ms == INSTANT_NONE && row->due_ms == INSTANT_NONE;
    bool resolve_runs = in_work && row->state != TICKET_WAITING;
    e->due_ms = INSTANT_MAX;
    e->timer = TICKET_TIMER_NONE;
    /* Offered in the order in which they fire when due together. */
    if (row->state == TICKET_RESOLVED) {
        offer(e, TICKET_TIMER_VERIFY, e->verify_ms);
    }
    if (respond_runs && !row->respond_warned) {
        offer(e, TICKET_TIMER_RESPOND_WARN,
              warn_ms(row->respond_from_ms, row->respond_by_ms));
    }
    if (respond_runs && !row->respond_breached) {
        offer(e, TICKET_TIMER_RESPOND_BREACH, row->respond_by_ms);
    }
    if (resolve_runs && !row->resolve_warned) {
        offer(e, TICKET_TIMER_RESOLVE_WARN,
              warn_ms(row->resolve_from_ms, row->resolve_by_ms));
    }
    if (resolve_runs && !row->resolve_breached) {
        offer(e, TICKET_TIMER_RESOLVE_BREACH, row->resolve_by_ms);
    }
    ticket_table_moved(&t->table, e);
}

void
life_settle(struct tickets *t, struct ticket_entry *e)
{
    life_plan(t, e);
    if (t->sink->ticket != NULL) {
        t->sink->ticket(t->sink->ctx, &e->row);
    }
}

/* Both clocks start at t_ms, whole. */
static void
start_clocks(const struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    const struct promise *promise = &t->site->promises[e->row.priority];
    const struct rule_spec *rule = rule_of(t, e);
    bool own = rule != NULL && rule->respond_within_ms > 0;
    e->row.respond_from_ms = t_ms;
    e->row.resolve_from_ms = t_ms;
    e->row.respond_by_ms = t_ms + (own ? rule->respond_within_ms : promise->respond_ms);
    e->row.resolve_by_ms = t_ms + promise->resolve_ms;
    e->row.respond_warned = false;
    e->row.respond_breached = false;
    e->row.resolve_warned = false;
    e->row.resolve_breached = false;
}

void
life_visit_clocks(struct ticket_entry *e, const struct ticket_visit *v, int64_t t_ms)
{
    struct ticket *row = &e->row;
    utf8_copy(row->plan, sizeof row->plan, v->plan);
    row->due_ms = v->due_ms;
    row->respond_from_ms = t_ms;
    row->resolve_from_ms = t_ms;
    row->respond_by_ms = v->by_ms;
    row->resolve_by_ms = v->by_ms;
    row->respond_warned = false;
    row->respond_breached = false;
    row->resolve_warned = false;
    row->resolve_breached = false;
}

struct ticket_entry *
life_open(struct tickets *t, int64_t t_ms, const struct ticket_birth *birth)
{
    struct ticket_entry *e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->device = birth->device;
    e->rule = birth->rule;
    e->verify_ms = INSTANT_MAX;
    e->due_ms = INSTANT_MAX;
    e->timer = TICKET_TIMER_NONE;
    struct ticket *row = &e->row;
    row->number = t->next_number++;
    row->kind = birth->kind;
    utf8_copy(e->device_id, sizeof e->device_id, t->site->devices[birth->device].id);
    row->device = e->device_id;
    if (birth->rule != NONE_INDEX) {
        utf8_copy(e->rule_id, sizeof e->rule_id, t->site->rules[birth->rule].id);
        row->rule = e->rule_id;
        row->episodes = 1;
        e->raised = true;
    }
    row->priority = birth->priority;
    row->state = TICKET_OPENED;
    row->opened_ms = t_ms;
    row->assigned_ms = INSTANT_NONE;
    row->responded_ms = INSTANT_NONE;
    row->resolved_ms = INSTANT_NONE;
    row->verified_ms = INSTANT_NONE;
    row->closed_ms = INSTANT_NONE;
    row->waiting_since_ms = INSTANT_NONE;
    row->cleared_ms = INSTANT_NONE;
    row->due_ms = INSTANT_NONE;
    row->first_responded_ms = INSTANT_NONE;
    row->first_resolved_ms = INSTANT_NONE;
    row->visit_ms = INSTANT_NONE;
    utf8_copy(row->title, sizeof row->title, birth->title);
    utf8_copy(row->team, sizeof row->team, birth->team);
    start_clocks(t, e, t_ms);
    if (birth->visit != NULL) {
        life_visit_clocks(e, birth->visit, t_ms);
    }
    ticket_table_add(&t->table, e);
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_OPENED,
                          .respond_by_ms = row->respond_by_ms,
                          .resolve_by_ms = row->resolve_by_ms,
                          .by = birth->by,
                          .note = birth->note};
    life_tell(t, e, &event);
    return e;
}

void
life_join(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    e->row.episodes++;
    e->row.cleared_ms = INSTANT_NONE;
    life_settle(t, e);
    struct event event = {.t_ms = t_ms, .kind = EVENT_TICKET_JOINED};
    life_tell(t, e, &event);
}

void
life_reopen(struct tickets *t,
            struct ticket_entry *e,
            int64_t t_ms,
            const char *by,
            const char *note)
{
    struct ticket *row = &e->row;
    assert(row->state == TICKET_RESOLVED || row->state == TICKET_CLOSED);
    row->state = row->assignee[0] != '\0' ? TICKET_ASSIGNED : TICKET_OPENED;
    row->reopened++;
    row->responded_ms = INSTANT_NONE;
    row->resolved_ms = INSTANT_NONE;
    row->verified_ms = INSTANT_NONE;
    row->closed_ms = INSTANT_NONE;
    row->rating = 0; /* It was given to a repair that did not last. */
    e->watched = false;
    e->verify_ms = INSTANT_MAX;
    start_clocks(t, e, t_ms);
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_REOPENED,
                          .respond_by_ms = row->respond_by_ms,
                          .resolve_by_ms = row->resolve_by_ms,
                          .assignee = row->assignee[0] != '\0' ? row->assignee : NULL,
                          .by = by,
                          .note = note};
    life_tell(t, e, &event);
}

void
life_rise(struct tickets *t,
          struct ticket_entry *e,
          int64_t t_ms,
          enum severity priority)
{
    struct ticket *row = &e->row;
    assert(priority > row->priority);
    assert(row->state != TICKET_CLOSED);
    const struct promise *promise = &t->site->promises[priority];
    row->priority = priority;
    bool in_work = row->state != TICKET_RESOLVED;
    int64_t respond_by_ms = t_ms + promise->respond_ms;
    if (in_work && row->responded_ms == INSTANT_NONE &&
        respond_by_ms < row->respond_by_ms) {
        row->respond_from_ms = t_ms;
        row->respond_by_ms = respond_by_ms;
        row->respond_warned = false;
    }
    /* A clock that stands for a pause is compared where it stands: the pause comes on
     * top of either deadline when it ends. */
    int64_t from_ms = row->state == TICKET_WAITING ? row->waiting_since_ms : t_ms;
    int64_t resolve_by_ms = from_ms + promise->resolve_ms;
    if (in_work && resolve_by_ms < row->resolve_by_ms) {
        row->resolve_from_ms = from_ms;
        row->resolve_by_ms = resolve_by_ms;
        row->resolve_warned = false;
    }
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_CHANGED,
                          .respond_by_ms = row->respond_by_ms,
                          .resolve_by_ms = row->resolve_by_ms};
    life_tell(t, e, &event);
}

void
life_close(struct tickets *t,
           struct ticket_entry *e,
           int64_t t_ms,
           const char *by,
           const char *note)
{
    assert(e->row.state == TICKET_RESOLVED);
    e->row.state = TICKET_CLOSED;
    e->row.closed_ms = t_ms;
    if (by == NULL) {
        e->row.verified_ms = t_ms;
    }
    e->watched = false;
    e->verify_ms = INSTANT_MAX;
    int64_t forget_ms = t_ms + life_follow_up_ms(t, e);
    if (forget_ms < t->sweep_ms) {
        t->sweep_ms = forget_ms;
    }
    life_settle(t, e);
    if (by == NULL) {
        struct event verified = {.t_ms = t_ms, .kind = EVENT_TICKET_VERIFIED};
        life_tell(t, e, &verified);
    }
    struct event closed = {
        .t_ms = t_ms, .kind = EVENT_TICKET_CLOSED, .by = by, .note = note};
    life_tell(t, e, &closed);
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

void
life_judge(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    e->verify_ms = INSTANT_MAX;
    const struct rule_spec *rule = rule_of(t, e);
    if (e->row.state != TICKET_RESOLVED || e->row.kind != TICKET_FAULT ||
        rule == NULL || e->raised || !e->watched || !e->watch.clear) {
        return;
    }
    /* INSTANT_NONE is the least of all instants. */
    int64_t repaired_ms = later(e->row.resolved_ms, e->row.cleared_ms);
    bool while_seen = e->watch.while_now || e->watch.while_last_ms >= repaired_ms;
    if (!while_seen) {
        return; /* The repair was not yet put to the test. */
    }
    int64_t start_ms = later(repaired_ms, e->watch.clear_since_ms);
    e->verify_ms = later(start_ms + rule->verify_for_ms, t_ms);
}

static bool
is_past(const struct tickets *t, const struct ticket_entry *e, int64_t t_ms)
{
    return e->row.state == TICKET_CLOSED &&
           t_ms - e->row.closed_ms >= life_follow_up_ms(t, e);
}

struct sweep {
    const struct tickets *tickets;
    int64_t t_ms;
};

static bool
is_gone(const void *ctx, const struct ticket_entry *e)
{
    const struct sweep *s = ctx;
    return is_past(s->tickets, e, s->t_ms);
}

void
life_sweep(struct tickets *t, int64_t t_ms)
{
    if (t_ms < t->sweep_ms) {
        return;
    }
    struct sweep sweep = {t, t_ms};
    ticket_table_sweep(&t->table, is_gone, &sweep);
    t->sweep_ms = INSTANT_MAX;
    for (size_t i = 0; i < t->table.count; i++) {
        const struct ticket_entry *e = t->table.by_number[i];
        if (e->row.state == TICKET_CLOSED &&
            e->row.closed_ms + life_follow_up_ms(t, e) < t->sweep_ms) {
            t->sweep_ms = e->row.closed_ms + life_follow_up_ms(t, e);
        }
    }
}
