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
    const char *title, *team; /* Copied; may be NULL. */
    const char *by, *note;    /* Who reported it, and how; NULL for an alarm's. */
    const struct ticket_visit *visit; /* Of a planned one: its plan and day; or NULL. */
};
struct ticket_entry *
life_open(struct tickets *t, int64_t t_ms, const struct ticket_birth *birth);

/* The visit is due by its day, from t_ms on: both clocks end there. */
void
life_visit_clocks(struct ticket_entry *e, const struct ticket_visit *v, int64_t t_ms);

/* A further episode of its fault while it is worked on. */
void life_join(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
/* Resolved or closed before: work starts anew, with the same owner. */
void life_reopen(struct tickets *t,
                 struct ticket_entry *e,
                 int64_t t_ms,
                 const char *by,
                 const char *note);
/* A higher priority, with the nearer of the old deadlines and its own. */
void life_rise(struct tickets *t,
               struct ticket_entry *e,
               int64_t t_ms,
               enum severity priority);
/* Closed by a person, or (`by` is NULL) verified by its sensor: two events then. */
void life_close(struct tickets *t,
                struct ticket_entry *e,
                int64_t t_ms,
                const char *by,
                const char *note);

/* When the sensor will have confirmed the repair, as known at t_ms. */
void life_judge(struct tickets *t, struct ticket_entry *e, int64_t t_ms);
/* Plans the next timer and sends the row. */
void life_settle(struct tickets *t, struct ticket_entry *e);
/* Sends the event with what the row says filled in. */
void life_tell(struct tickets *t, const struct ticket_entry *e, struct event *event);
/* Plans the next timer only. */
void life_plan(struct tickets *t, struct ticket_entry *e);

/* Within this long after its closing the ticket takes its fault back. */
int64_t life_follow_up_ms(const struct tickets *t, const struct ticket_entry *e);
/* Forgets closed tickets that are past their follow-up at t_ms. */
void life_sweep(struct tickets *t, int64_t t_ms);

#endif
