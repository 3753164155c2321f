/* The life of every ticket: opened by an alarm or a person, assigned, responded,
 * resolved, verified by the sensor, closed; its deadlines (design section 7).
 * Pure: no I/O and no clock; decisions go to the sink in order: of each change first
 * the ticket's row as it is now, then its events. */
#ifndef CARETAKER_TICKET_TICKETS_H
#define CARETAKER_TICKET_TICKETS_H

#include "daemon/base/err.h"
#include "daemon/model/alarm.h"
#include "daemon/model/command.h"
#include "daemon/model/edge.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"
#include "daemon/model/ticket.h"

struct tickets;

/* `site` and `sink` are borrowed until tickets_free().  `next_number` is the first
 * number to give.  Aborts when out of memory. */
struct tickets *
tickets_new(const struct site *site, const struct sink *sink, int64_t next_number);
void tickets_free(struct tickets *t);

/* Takes back a stored row (copied): all that are not closed, and those closed less than
 * their follow-up ago.  `raised`: its alarm stands. */
void tickets_restore(struct tickets *t, const struct ticket *row, bool raised);

/* An alarm was raised, changed or cleared at t_ms.  Returns the number of the ticket
 * that it belongs to now; 0: none (severity info).  `a` may be NULL when it cleared.
 * Alarms of one group on one device share a ticket, which is that of the rule that
 * opened it; `others`: another alarm of the group stands.  A predicted ticket that a
 * rule of faults joins is one of a fault from then on, and stays it. */
int64_t tickets_alarm(struct tickets *t,
                      int64_t t_ms,
                      enum edge_kind what,
                      const struct alarm *a,
                      uint32_t device,
                      uint32_t rule,
                      bool others);

/* What is known of the condition of a ticket's rule; call it when the ticket resolves
 * and at every EDGE_WATCH.  Sets or cancels the verification timer. */
void tickets_watch(struct tickets *t,
                   int64_t t_ms,
                   uint32_t device,
                   uint32_t rule,
                   const struct watch *w);
/* The same of what was restored at t_ms (INSTANT_NONE: not known yet): the sensor was
 * not read since, and what was told before the restart stands until it has had time to
 * speak. */
void tickets_resume_watch(struct tickets *t,
                          int64_t t_ms,
                          uint32_t device,
                          uint32_t rule,
                          const struct watch *w);
/* True while a resolved ticket waits for this rule's sensor. */
bool tickets_wants_watch(const struct tickets *t, uint32_t device, uint32_t rule);

/* When the next deadline or verification is due; INSTANT_MAX: none. */
int64_t tickets_due(const struct tickets *t);
/* Fires the one earliest timer, at its own due time. */
void tickets_fire(struct tickets *t);

/* Every COMMAND_TICKET_...  On success `*number` (may be NULL) is the ticket's.
 * ERR_NOT_FOUND: no such ticket, or device and rule name none or several;
 * ERR_REFUSED: not from its present state, with what is possible; ERR_USAGE: something
 * that the command needs is missing or out of range. */
int tickets_command(struct tickets *t,
                    const struct command *c,
                    int64_t *number,
                    struct err *err);

/* A planned visit: its ticket opens.  Returns its number.  It is to be resolved by the
 * end of its day and of the grace of its plan. */
struct ticket_visit {
    const char *plan; /* Its id. */
    uint32_t device;
    enum severity priority;
    const char *title, *team;    /* `team` may be NULL. */
    const struct titles *titles; /* Of `title`; NULL: none. */
    int64_t due_ms;              /* As struct plan_work. */
    const char *by, *note;       /* May be NULL. */
};
int64_t
tickets_plan_open(struct tickets *t, int64_t t_ms, const struct ticket_visit *v);
/* An open visit has another day; nothing happens to one that is not in work.
 * `v` as above. */
void tickets_plan_move(struct tickets *t,
                       int64_t t_ms,
                       int64_t number,
                       const struct ticket_visit *v);

/* NULL when there is none in memory.  Borrowed until the next call. */
const struct ticket *tickets_get(const struct tickets *t, int64_t number);
/* Number of the open (not closed) ticket of this device and rule, or 0. */
int64_t tickets_open_number(const struct tickets *t, uint32_t device, uint32_t rule);

/* The wall clock was stepped, and showed now_ms before: every instant moves along, what
 * is to come as clocks_step() says, and the rows go to the sink (without events). */
void tickets_shift(struct tickets *t, int64_t now_ms, int64_t delta_ms);

#endif
