#include "daemon/ticket/life.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/ticket/clocks.h"
#include "daemon/ticket/dispatch.h"
#include "daemon/ticket/proof.h"

const struct rule_spec *
life_rule(const struct tickets *t, const struct ticket_entry *e)
{
    return e->rule != NONE_INDEX ? &t->site->rules[e->rule] : NULL;
}

int64_t
life_follow_up_ms(const struct tickets *t, const struct ticket_entry *e)
{
    const struct rule_spec *rule = life_rule(t, e);
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
        offer(e, TICKET_TIMER_PROOF, e->proof_ms);
    }
    if (in_work && row->assignee[0] == '\0' && row->assign_ms != INSTANT_NONE) {
        offer(e, TICKET_TIMER_ASSIGN, row->assign_ms);
    }
    if (respond_runs && !row->respond_warned) {
        offer(e, TICKET_TIMER_RESPOND_WARN, row->respond_warn_ms);
    }
    if (respond_runs && !row->respond_breached) {
        offer(e, TICKET_TIMER_RESPOND_BREACH, row->respond_by_ms);
    }
    if (respond_runs && row->escalate_ms != INSTANT_NONE) {
        offer(e, TICKET_TIMER_ESCALATE, row->escalate_ms);
    }
    if (resolve_runs && !row->resolve_warned) {
        offer(e, TICKET_TIMER_RESOLVE_WARN, row->resolve_warn_ms);
    }
    if (resolve_runs && !row->resolve_breached) {
        offer(e, TICKET_TIMER_RESOLVE_BREACH, row->resolve_by_ms);
    }
    if (row->state == TICKET_CLOSED && row->visit_ms != INSTANT_NONE) {
        offer(e, TICKET_TIMER_VISIT, row->visit_ms);
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

static struct ticket_entry *
new_entry(struct tickets *t, const struct ticket_birth *birth)
{
    struct ticket_entry *e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->device = birth->device;
    e->rule = birth->rule;
    e->verify_ms = INSTANT_MAX;
    e->proof_ms = INSTANT_MAX;
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
    int64_t *const none[] = {
        &row->assigned_ms,       &row->responded_ms,
        &row->resolved_ms,       &row->verified_ms,
        &row->closed_ms,         &row->waiting_since_ms,
        &row->cleared_ms,        &row->due_ms,
        &row->visit_ms,          &row->first_responded_ms,
        &row->first_resolved_ms, &row->assign_ms,
        &row->escalate_ms,
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        *none[i] = INSTANT_NONE;
    }
    return e;
}

static const char *
or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

void
life_assign(struct ticket_entry *e, const char *who, int64_t t_ms)
{
    utf8_copy(e->row.assignee, sizeof e->row.assignee, who);
    e->row.assigned_ms = t_ms;
    e->row.assign_ms = INSTANT_NONE;
    if (e->row.state == TICKET_OPENED) {
        e->row.state = TICKET_ASSIGNED;
    }
}

void
life_unassign(struct ticket_entry *e)
{
    e->row.assignee[0] = '\0';
    e->row.assigned_ms = INSTANT_NONE;
    if (e->row.state == TICKET_ASSIGNED) {
        e->row.state = TICKET_OPENED;
    }
}

struct ticket_entry *
life_open(struct tickets *t, int64_t t_ms, const struct ticket_birth *birth)
{
    struct ticket_entry *e = new_entry(t, birth);
    struct ticket *row = &e->row;
    row->opened_ms = t_ms;
    utf8_copy(row->title, sizeof row->title, birth->title);
    if (birth->titles != NULL) {
        row->titles = *birth->titles;
    }
    const struct team *team = dispatch_team(t->site, birth->team, birth->category);
    utf8_copy(row->team, sizeof row->team, team != NULL ? team->id : birth->team);
    utf8_copy(row->category, sizeof row->category, birth->category);
    utf8_copy(row->symptom, sizeof row->symptom, birth->symptom);
    utf8_copy(row->reporter, sizeof row->reporter, birth->reporter);
    utf8_copy(row->plan, sizeof row->plan, birth->plan);
    if (birth->due_ms != 0) {
        row->due_ms = birth->due_ms;
    }
    clocks_start(t->site, row, t_ms);
    ticket_table_add(&t->table, e);
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_OPENED,
                          .respond_by_ms = row->respond_by_ms,
                          .resolve_by_ms = row->resolve_by_ms,
                          .team = or_null(row->team),
                          .category = or_null(row->category),
                          .symptom = or_null(row->symptom),
                          .reporter = or_null(row->reporter),
                          .plan = or_null(row->plan),
                          .due_ms = birth->due_ms,
                          .by = birth->by,
                          .note = birth->note};
    life_tell(t, e, &event);
    if (birth->assignee != NULL && birth->assignee[0] != '\0') {
        life_assign(e, birth->assignee, t_ms);
        life_settle(t, e);
        struct event assigned = {
            .t_ms = t_ms, .kind = EVENT_TICKET_ASSIGNED, .assignee = row->assignee};
        life_tell(t, e, &assigned);
    }
    life_dispatch(t, e, t_ms);
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
            const struct event *said)
{
    struct ticket *row = &e->row;
    assert(row->state == TICKET_RESOLVED || row->state == TICKET_CLOSED);
    row->state = row->assignee[0] != '\0' ? TICKET_ASSIGNED : TICKET_OPENED;
    row->reopened++;
    row->responded_ms = INSTANT_NONE;
    row->resolved_ms = INSTANT_NONE;
    row->verified_ms = INSTANT_NONE;
    row->closed_ms = INSTANT_NONE;
    row->visit_ms = INSTANT_NONE;
    row->rating = 0; /* It was given to a repair that did not last. */
    proof_forget(e);
    clocks_start(t->site, row, t_ms);
    life_settle(t, e);
    struct event event = *said;
    event.t_ms = t_ms;
    event.kind = EVENT_TICKET_REOPENED;
    event.respond_by_ms = row->respond_by_ms;
    event.resolve_by_ms = row->resolve_by_ms;
    event.assignee = or_null(row->assignee);
    life_tell(t, e, &event);
    life_dispatch(t, e, t_ms);
}

void
life_come_true(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    assert(e->row.kind == TICKET_PREDICTED);
    e->row.kind = TICKET_FAULT;
    life_settle(t, e);
    struct event event = {
        .t_ms = t_ms, .kind = EVENT_TICKET_CHANGED, .kind_changed = true};
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
    clocks_change_priority(t->site, row, t_ms, priority);
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_CHANGED,
                          .respond_by_ms = row->respond_by_ms,
                          .resolve_by_ms = row->resolve_by_ms};
    life_tell(t, e, &event);
    life_dispatch(t, e, t_ms); /* It may have waited for its team to work. */
}

void
life_sweep_by(struct tickets *t, const struct ticket_entry *e)
{
    if (e->row.state != TICKET_CLOSED || e->row.visit_ms != INSTANT_NONE) {
        return;
    }
    int64_t forget_ms = e->row.closed_ms + life_follow_up_ms(t, e);
    if (forget_ms < t->sweep_ms) {
        t->sweep_ms = forget_ms;
    }
}

/* What endangered people is looked at once more, some days after. */
static int64_t
visit_after(const struct tickets *t, const struct ticket_entry *e, int64_t t_ms)
{
    return e->row.priority == SEVERITY_CRITICAL && e->row.kind != TICKET_PLANNED &&
                   t->site->visit_after_ms > 0
               ? t_ms + t->site->visit_after_ms
               : INSTANT_NONE;
}

void
life_close(struct tickets *t,
           struct ticket_entry *e,
           int64_t t_ms,
           const struct event *said)
{
    struct ticket *row = &e->row;
    assert(row->state == TICKET_RESOLVED);
    row->state = TICKET_CLOSED;
    row->closed_ms = t_ms;
    if (said == NULL) {
        row->verified_ms = t_ms;
    }
    row->visit_ms = visit_after(t, e, t_ms);
    proof_forget(e);
    life_sweep_by(t, e);
    life_settle(t, e);
    if (said == NULL) {
        struct event verified = {.t_ms = t_ms, .kind = EVENT_TICKET_VERIFIED};
        life_tell(t, e, &verified);
    }
    struct event closed = {0};
    if (said != NULL) {
        closed = *said;
    }
    closed.t_ms = t_ms;
    closed.kind = EVENT_TICKET_CLOSED;
    closed.due_ms = row->visit_ms != INSTANT_NONE ? row->visit_ms : 0;
    life_tell(t, e, &closed);
}

bool
life_is_past(const struct tickets *t, const struct ticket_entry *e, int64_t t_ms)
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
    return life_is_past(s->tickets, e, s->t_ms) && e->row.visit_ms == INSTANT_NONE;
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
        life_sweep_by(t, t->table.by_number[i]);
    }
}
