/* Visits that are near each other are made on one day.  Pure.
 *
 * Two visits are near when the same team makes them at the same place: the area of the
 * ledger, else the location, else the device itself.  Each has a window of days in
 * which it may be made; those whose windows have a day in common are joined, so that
 * there are as few days as can be, and of these days each takes the one nearest to its
 * own.  What a day of the team's hours does not hold is made on another one of its
 * window that does.  No window is ever left: a statutory visit is never later than its
 * day, another one never later than its day and its grace. */
#ifndef CARETAKER_TICKET_PLAN_ROUTE_H
#define CARETAKER_TICKET_PLAN_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"

struct plan_stop {
    const char *team; /* May be NULL. */
    const char *place;
    int32_t earliest, due, latest; /* earliest <= latest; both included. */
    int64_t minutes;               /* How long it takes; 0: not known. */
    int32_t day;                   /* Out: the day on which it is made. */
    size_t index;                  /* The caller's. */
};

/* Where the device is, for the sake of rounds. */
const char *plan_place(const struct site *site, const struct device *d);

/* Fills in `day` (aborts when out of memory) and puts the stops in order of day, team,
 * place, index.  Where the windows leave a choice, the day is the first due one, and
 * one on which the team works (its hours, and the calendar of the site). */
void plan_route(const struct site *site, struct plan_stop *stops, size_t count);

/* Whether the team works on this day; without hours it always does. */
bool plan_team_works(const struct site *site, const char *team, int32_t day);

/* The first minute of the day, not before from_minute, from which on the team works for
 * `minutes` without a break; -1: none.  Without hours it works until midnight. */
int plan_team_fit(const struct site *site,
                  const char *team,
                  int32_t day,
                  int from_minute,
                  int64_t minutes);

#endif
