/* What the report over a period reads of state.db: tickets without what is written in
 * them, and the few kinds of events that say how equipment was.  Read side; rows are
 * borrowed for the length of each call. */
#ifndef CARETAKER_STORE_STATE_FIGURES_H
#define CARETAKER_STORE_STATE_FIGURES_H

#include "daemon/store/state.h"

struct work_row {
    int64_t number;
    enum ticket_kind kind;
    enum severity priority;
    enum ticket_state state;
    const char *device, *rule, *category, *person, *team, *cause,
        *plan;                                    /* May be NULL. */
    int64_t opened_ms, responded_ms, resolved_ms; /* Responded, resolved: first. */
    int64_t reopened, minutes, cost;
    const char *parts; /* JSON array; may be NULL. */
    int rating;
};
typedef bool (*state_work_fn)(void *ctx, const struct work_row *row);
/* Tickets that were opened in [from_ms, to_ms), and those opened before that were open
 * in it; in order of number. */
int state_each_work(struct state *s,
                    int64_t from_ms,
                    int64_t to_ms,
                    state_work_fn fn,
                    void *ctx,
                    struct err *err);

/* Events ticket.resolved and ticket.reopened of tickets that were ever reopened, in
 * order of ticket, then as they came. */
struct reopening_row {
    int64_t ticket, t_ms;
    bool reopened;
};
typedef bool (*state_reopening_fn)(void *ctx, const struct reopening_row *row);
int state_each_reopening(struct state *s,
                         state_reopening_fn fn,
                         void *ctx,
                         struct err *err);

/* Events device.*, alarm.raised .changed .cleared, ticket.breached, plan.overdue and
 * clock.stepped, in order. */
int
state_each_figure_event(struct state *s, state_event_fn fn, void *ctx, struct err *err);
/* Time of the first event; INSTANT_NONE: there is none. */
int state_first_event(struct state *s, int64_t *t_ms, struct err *err);

#endif
