/* What can happen to one ticket: the steps that alarms, timers and people share.
 *
 * Each step changes the row, plans the ticket's next timer, sends the row to the sink,
 * then its events: who reads the event finds the row as it says. */
#ifndef CARETAKER_TICKET_LIFE_H
#define CARETAKER_TICKET_LIFE_H

#include "daemon/model/event.h"
#include "daemon/model/sink.h"
#include "daemon/ticket/table.h"
#include "daemon/ticket/tickets.h"

struct tickets {
    const struct site *site;
    const struct sink *sink;
    int64_t next_number;
    struct ticket_table table;
    int64_t sweep_ms; /* When the next closed ticket is past its follow-up. */
};

/* What a new ticket starts with. */
struct ticket_birth {
    enum ticket_kind kind;
    uint32_t device, rule; /* `rule` is NONE_INDEX for a reported one. */
    enum severity priority;
    const char *title, *team, *category; /* All texts are copied, and may be NULL. */
    const struct titles *titles;         /* Of `title`; NULL: none. */
    const char *by, *note;               /* Who opened it, and what he said. */
    const char *symptom, *reporter;
    const char *plan;     /* Of a planned one, with the day of the visit; */
    int64_t due_ms;       /* 0: none. */
    const char *assignee; /* Whose it is from the start. */
};
struct ticket_entry *
life_open(struct tickets *t, int64_t t_ms, const struct ticket_birth *birth);

/* It is `who`'s; nothing is sent. */
void life_assign(struct ticket_entry *e, const char *who, int64_t t_ms);

/* It is nobody's again; nothing is sent. */
void life_unassign(struct ticket_entry *e);

/* A further episode of its fault while it is worked on. */
void life_join(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
/* Resolved or closed before: work starts anew, with the same owner.  `said` has what is
 * told beside it: by and note, or value and episode of the alarm that is back. */
void life_reopen(struct tickets *t,
                 struct ticket_entry *e,
                 int64_t t_ms,
                 const struct event *said);
/* Assigns it to whoever of its team is to get it, if it is nobody's yet; of a normal
 * one, when its team works next.  What of this is left to do stands in the row. */
void life_dispatch(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
/* The next level of its escalation is due, at e->due_ms. */
void life_escalate(struct tickets *t, struct ticket_entry *e);

/* Predicted work has become a fault: another rule of its group says so. */
void life_come_true(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
/* A higher priority, with the nearer of the old deadlines and its own. */
void life_rise(struct tickets *t,
               struct ticket_entry *e,
               int64_t t_ms,
               enum severity priority);
/* Closed by a person (`said`: by, note, work), or (NULL) verified by its sensor: two
 * events then. */
void life_close(struct tickets *t,
                struct ticket_entry *e,
                int64_t t_ms,
                const struct event *said);

/* Plans the next timer and sends the row. */
void life_settle(struct tickets *t, struct ticket_entry *e);
/* Sends the event with what the row says filled in. */
void life_tell(struct tickets *t, const struct ticket_entry *e, struct event *event);
/* Plans the next timer only. */
void life_plan(struct tickets *t, struct ticket_entry *e);

/* The rule that opened it; NULL: none, or it is gone from the site. */
const struct rule_spec *life_rule(const struct tickets *t,
                                  const struct ticket_entry *e);
/* Within this long after its closing the ticket takes its fault back. */
int64_t life_follow_up_ms(const struct tickets *t, const struct ticket_entry *e);
/* Closed, and its follow-up is over at t_ms: another fault is another ticket. */
bool life_is_past(const struct tickets *t, const struct ticket_entry *e, int64_t t_ms);
/* Forgets closed tickets that are past their follow-up at t_ms and have no visit before
 * them. */
void life_sweep(struct tickets *t, int64_t t_ms);
/* Sees to it that this one is forgotten in time. */
void life_sweep_by(struct tickets *t, const struct ticket_entry *e);

#endif
