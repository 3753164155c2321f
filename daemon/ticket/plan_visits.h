/* The visits of the coming weeks: when each is made, in which round, and why then.
 * Pure; what is not due yet is reckoned from what is known today. */
#ifndef CARETAKER_TICKET_PLAN_VISITS_H
#define CARETAKER_TICKET_PLAN_VISITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"
#include "daemon/ticket/plans.h"

/* Of one plan and device: each day of the five years that a listing may show, and what
 * is looked at beyond. */
#define PLAN_VISITS_MAX 2100
/* A window, from the ticket's opening to the end of the grace, is never longer (see
 * config/maintenance.c): what comes later joins nobody. */
#define PLAN_ROUND_DAYS_MAX 180

struct plan_visit {
    struct plan_now now; /* As it is today; `due_day` and `by_use` of this visit. */
    int32_t day;         /* On which it is made. */
    int32_t latest;      /* The last day that is allowed. */
    bool overdue;        /* That is past. */
    uint32_t after;      /* How many visits of the pair come before it: 0, 1, ... */
    uint32_t stop;       /* Of the round of its team on that day: 1, 2, ... */
    int64_t start_ms,
        end_ms;   /* By the team's hours; INSTANT_NONE: some time that day. */
    bool outside; /* It does not fit into the hours of its team on that day. */
};

/* Those that are made from `from` to `to`, and what is overdue by today, which comes
 * first; then by day, team, place.  Returns owned (free()), `*count` of them.  Aborts
 * when out of memory. */
struct plan_visit *plan_visits(const struct plans *p,
                               const struct site *site,
                               int32_t today,
                               int32_t from,
                               int32_t to,
                               size_t *count);

#endif
