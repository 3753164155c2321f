#include "daemon/ticket/tickets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/ticket/clocks.h"
#include "daemon/ticket/life.h"
#include "daemon/ticket/proof.h"
#include "daemon/ticket/visit.h"

/*   OPENED --take--> ASSIGNED --arrive--> RESPONDED --resolve--> RESOLVED --> CLOSED
 *      any of these three --wait--> WAITING --resume--> back    |   verified, or
 *                                                               |   by a person
 *   OPENED or ASSIGNED <---- the fault returns, or a person ----+-----------'
 */

struct tickets *
tickets_new(const struct site *site, const struct sink *sink, int64_t next_number)
{
    struct tickets *t = calloc(1, sizeof *t);
    if (t == NULL) {
        abort();
    }
    t->site = site;
    t->sink = sink;
    t->next_number = next_number;
    t->sweep_ms = INSTANT_MAX;
    ticket_table_init(&t->table);
    return t;
}

void
tickets_free(struct tickets *t)
{
    if (t == NULL) {
        return;
    }
    ticket_table_fini(&t->table);
    free(t);
}

void
tickets_restore(struct tickets *t, const struct ticket *row, bool raised)
{
    struct ticket_entry *e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->row = *row;
    e->device = NONE_INDEX;
    e->rule = NONE_INDEX;
    if (row->device != NULL) {
        utf8_copy(e->device_id, sizeof e->device_id, row->device);
        e->row.device = e->device_id;
        e->device = site_device(t->site, e->device_id);
    }
    if (row->rule != NULL) {
        utf8_copy(e->rule_id, sizeof e->rule_id, row->rule);
        e->row.rule = e->rule_id;
        e->rule = site_rule(t->site, e->rule_id);
    }
    e->raised = raised;
    e->verify_ms = INSTANT_MAX;
    e->proof_ms = INSTANT_MAX;
    e->due_ms = INSTANT_MAX;
    e->timer = TICKET_TIMER_NONE;
    ticket_table_add(&t->table, e);
    life_plan(t, e);
    if (row->number >= t->next_number) {
        t->next_number = row->number + 1;
    }
    life_sweep_by(t, e);
}

/* The alarm stands at a severity that is work.  `stood`: it did so before, too. */
static int64_t
on_fault(struct tickets *t,
         int64_t t_ms,
         const struct alarm *a,
         uint32_t device,
         uint32_t rule,
         struct ticket_entry *e,
         bool stood)
{
    if (e == NULL) {
        struct ticket_birth birth = {.kind = t->site->rules[rule].ticket_kind,
                                     .device = device,
                                     .rule = rule,
                                     .priority = a->severity,
                                     .title = a->title,
                                     .titles = &a->titles,
                                     .team = t->site->rules[rule].team,
                                     .category = t->site->rules[rule].category};
        return life_open(t, t_ms, &birth)->row.number;
    }
    bool done = e->row.state == TICKET_RESOLVED || e->row.state == TICKET_CLOSED;
    if (e->row.kind == TICKET_PREDICTED &&
        t->site->rules[rule].ticket_kind == TICKET_FAULT) {
        life_come_true(t, e, t_ms);
    }
    if (!stood && done) {
        /* The repair did not last: the same ticket, the same owner. */
        if (a->severity > e->row.priority) {
            e->row.priority = a->severity;
        }
        e->row.episodes++;
        e->row.cleared_ms = INSTANT_NONE;
        struct event evidence = {
            .has_value = a->has_value, .value = a->value, .episode = a->episode};
        life_reopen(t, e, t_ms, &evidence);
        return e->row.number;
    }
    if (!stood) {
        life_join(t, e, t_ms);
    }
    if (a->severity > e->row.priority) {
        life_rise(t, e, t_ms, a->severity);
    }
    return e->row.number;
}

/* The alarm is gone, or (`raised`) stands at info only, which is nobody's work. */
static int64_t
on_relief(struct tickets *t, int64_t t_ms, struct ticket_entry *e)
{
    if (e == NULL || e->row.state == TICKET_CLOSED) {
        return 0;
    }
    if (!e->raised || e->row.cleared_ms == INSTANT_NONE) {
        e->row.cleared_ms = t_ms;
    }
    enum proof before = e->row.proof;
    bool changed = proof_judge(t, e, t_ms);
    if (changed && e->row.proof == PROOF_NOT_GOOD) {
        /* The samples that end an alarm are good: the watch on its rule, which follows,
         * knows better.  If none does, it is judged again. */
        e->row.proof = before;
        e->proof_ms = t_ms;
        changed = false;
    }
    life_settle(t, e);
    if (changed) {
        proof_tell(t, e, t_ms);
    }
    return e->row.number;
}

/* The newest of this device and rule whose follow-up is not over, or NULL. */
static struct ticket_entry *
newest_of(const struct tickets *t, uint32_t device, uint32_t rule, int64_t t_ms)
{
    struct ticket_entry *e = ticket_table_newest(&t->table, device, rule);
    while (e != NULL && life_is_past(t, e, t_ms)) {
        e = ticket_table_before(&t->table, e);
    }
    return e;
}

/* The open ticket of the rule, else of its group; else the newest of either.  NULL when
 * there is none. */
static struct ticket_entry *
ticket_of(const struct tickets *t, uint32_t device, uint32_t rule, int64_t t_ms)
{
    const struct site *site = t->site;
    const char *group = site->rules[rule].group;
    struct ticket_entry *open = ticket_table_open(&t->table, device, rule);
    struct ticket_entry *newest = newest_of(t, device, rule, t_ms);
    for (uint32_t r = 0; open == NULL && group != NULL && r < site->rule_count; r++) {
        const char *its = site->rules[r].group;
        if (r == rule || its == NULL || strcmp(its, group) != 0) {
            continue;
        }
        struct ticket_entry *e = newest_of(t, device, r, t_ms);
        open = ticket_table_open(&t->table, device, r);
        if (e != NULL && (newest == NULL || e->row.number > newest->row.number)) {
            newest = e;
        }
    }
    return open != NULL ? open : newest;
}

int64_t
tickets_alarm(struct tickets *t,
              int64_t t_ms,
              enum edge_kind what,
              const struct alarm *a,
              uint32_t device,
              uint32_t rule,
              bool others)
{
    assert(what == EDGE_RAISED || what == EDGE_CHANGED || what == EDGE_CLEARED);
    assert(a != NULL || what == EDGE_CLEARED);
    life_sweep(t, t_ms);
    struct ticket_entry *e = ticket_of(t, device, rule, t_ms);
    bool stood = e != NULL && e->row.state != TICKET_CLOSED && e->raised &&
                 e->row.cleared_ms == INSTANT_NONE;
    bool relief = what == EDGE_CLEARED || a->severity == SEVERITY_INFO;
    if (e != NULL) {
        e->raised = what != EDGE_CLEARED || others;
    }
    if (relief && others) {
        return e != NULL && e->row.state != TICKET_CLOSED ? e->row.number : 0;
    }
    if (relief) {
        return on_relief(t, t_ms, e);
    }
    if (what == EDGE_RAISED && t->site->rules[rule].group != NULL) {
        stood = false; /* One more of the group is one more episode. */
    }
    return on_fault(t, t_ms, a, device, rule, e, stood);
}

/* The resolved ticket of this device and rule that its sensor can verify, or NULL. */
static struct ticket_entry *
watching(const struct tickets *t, uint32_t device, uint32_t rule)
{
    struct ticket_entry *e =
        rule == NONE_INDEX ? NULL : ticket_table_open(&t->table, device, rule);
    return e != NULL && e->row.state == TICKET_RESOLVED ? e : NULL;
}

static void
judge(struct tickets *t, struct ticket_entry *e, int64_t t_ms)
{
    if (proof_judge(t, e, t_ms)) {
        life_settle(t, e);
        proof_tell(t, e, t_ms);
    } else {
        life_plan(t, e);
    }
}

void
tickets_watch(struct tickets *t,
              int64_t t_ms,
              uint32_t device,
              uint32_t rule,
              const struct watch *w)
{
    struct ticket_entry *e = watching(t, device, rule);
    if (e == NULL) {
        return;
    }
    e->watch = *w;
    e->watched = true;
    judge(t, e, t_ms);
}

void
tickets_resume_watch(struct tickets *t,
                     int64_t t_ms,
                     uint32_t device,
                     uint32_t rule,
                     const struct watch *w)
{
    struct ticket_entry *e = watching(t, device, rule);
    if (e == NULL) {
        return;
    }
    e->watch = *w;
    e->watched = true;
    (void)proof_judge(t, e, INSTANT_NONE);
    if (t_ms != INSTANT_NONE) {
        e->proof_ms = t_ms + PROOF_SETTLE_MS; /* Then silence is told, too. */
    }
    life_plan(t, e);
}

bool
tickets_wants_watch(const struct tickets *t, uint32_t device, uint32_t rule)
{
    return watching(t, device, rule) != NULL;
}

int64_t
tickets_due(const struct tickets *t)
{
    const struct ticket_entry *e = ticket_table_first(&t->table);
    return e != NULL ? e->due_ms : INSTANT_MAX;
}

static void
fire_deadline(struct tickets *t,
              struct ticket_entry *e,
              bool *flag,
              enum event_kind kind,
              const char *deadline)
{
    int64_t due_ms = e->due_ms;
    *flag = true;
    life_settle(t, e);
    struct event event = {.t_ms = due_ms, .kind = kind, .deadline = deadline};
    life_tell(t, e, &event);
}

void
tickets_fire(struct tickets *t)
{
    struct ticket_entry *e = ticket_table_first(&t->table);
    if (e == NULL) {
        return;
    }
    struct ticket *row = &e->row;
    switch (e->timer) {
    case TICKET_TIMER_VERIFY:
        life_close(t, e, e->due_ms, NULL);
        break;
    case TICKET_TIMER_PROOF:
        judge(t, e, e->due_ms);
        break;
    case TICKET_TIMER_ASSIGN:
        life_dispatch(t, e, e->due_ms);
        break;
    case TICKET_TIMER_ESCALATE:
        life_escalate(t, e);
        break;
    case TICKET_TIMER_VISIT:
        visit_open(t, e, e->due_ms);
        break;
    case TICKET_TIMER_RESPOND_WARN:
        fire_deadline(t, e, &row->respond_warned, EVENT_TICKET_WARNED, "respond");
        break;
    case TICKET_TIMER_RESPOND_BREACH:
        fire_deadline(t, e, &row->respond_breached, EVENT_TICKET_BREACHED, "respond");
        break;
    case TICKET_TIMER_RESOLVE_WARN:
        fire_deadline(t, e, &row->resolve_warned, EVENT_TICKET_WARNED, "resolve");
        break;
    case TICKET_TIMER_RESOLVE_BREACH:
        fire_deadline(t, e, &row->resolve_breached, EVENT_TICKET_BREACHED, "resolve");
        break;
    case TICKET_TIMER_NONE:
        assert(!"what is due has a timer");
        break;
    }
}

int64_t
tickets_plan_open(struct tickets *t, int64_t t_ms, const struct ticket_visit *v)
{
    struct ticket_birth birth = {.kind = TICKET_PLANNED,
                                 .device = v->device,
                                 .rule = NONE_INDEX,
                                 .priority = v->priority,
                                 .title = v->title,
                                 .titles = v->titles,
                                 .team = v->team,
                                 .by = v->by,
                                 .note = v->note,
                                 .plan = v->plan,
                                 .due_ms = v->due_ms};
    life_sweep(t, t_ms);
    return life_open(t, t_ms, &birth)->row.number;
}

void
tickets_plan_move(struct tickets *t,
                  int64_t t_ms,
                  int64_t number,
                  const struct ticket_visit *v)
{
    struct ticket_entry *e = ticket_table_find(&t->table, number);
    if (e == NULL || e->row.state == TICKET_RESOLVED || e->row.state == TICKET_CLOSED) {
        return;
    }
    e->row.due_ms = v->due_ms;
    clocks_start(t->site, &e->row, t_ms);
    life_settle(t, e);
    struct event event = {.t_ms = t_ms,
                          .kind = EVENT_TICKET_CHANGED,
                          .respond_by_ms = e->row.respond_by_ms,
                          .resolve_by_ms = e->row.resolve_by_ms,
                          .due_ms = v->due_ms,
                          .by = v->by,
                          .note = v->note};
    life_tell(t, e, &event);
}

const struct ticket *
tickets_get(const struct tickets *t, int64_t number)
{
    const struct ticket_entry *e = ticket_table_find(&t->table, number);
    return e != NULL ? &e->row : NULL;
}

int64_t
tickets_open_number(const struct tickets *t, uint32_t device, uint32_t rule)
{
    const struct ticket_entry *e = ticket_table_open(&t->table, device, rule);
    return e != NULL ? e->row.number : 0;
}

static void
shift(int64_t *t_ms, int64_t delta_ms)
{
    if (*t_ms != INSTANT_NONE && *t_ms != INSTANT_MAX) {
        *t_ms += delta_ms;
    }
}

void
tickets_shift(struct tickets *t, int64_t now_ms, int64_t delta_ms)
{
    if (delta_ms == 0) {
        return;
    }
    for (size_t i = 0; i < t->table.count; i++) {
        struct ticket_entry *e = t->table.by_number[i];
        clocks_step(t->site, &e->row, now_ms, delta_ms);
        int64_t *const instants[] = {&e->row.opened_ms,
                                     &e->row.assigned_ms,
                                     &e->row.responded_ms,
                                     &e->row.resolved_ms,
                                     &e->row.verified_ms,
                                     &e->row.closed_ms,
                                     &e->row.waiting_since_ms,
                                     &e->row.cleared_ms,
                                     &e->row.visit_ms,
                                     &e->row.first_responded_ms,
                                     &e->row.first_resolved_ms,
                                     &e->verify_ms,
                                     &e->proof_ms,
                                     &e->watch.clear_since_ms,
                                     &e->watch.while_last_ms};
        for (size_t k = 0; k < ARRAY_LEN(instants); k++) {
            shift(instants[k], delta_ms);
        }
        life_settle(t, e);
    }
    shift(&t->sweep_ms, delta_ms);
}
