/* The time that counts for a ticket: all of it, or the working time of a team.
 *
 * A team works in its `hours`, of days that the site's calendar does not take out, and
 * not in its `quiet` hours.  A span runs from the first instant at which the wall shows
 * its begin to the first one at which it shows its end: one that the clock is put
 * forward in is shorter, one that it is put back in is longer.
 *
 * Pure: no clock.  Nothing walks by minutes; days are walked one by one. */
#ifndef CARETAKER_TICKET_CALENDAR_H
#define CARETAKER_TICKET_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"

/* How far calendar_add() and calendar_next() look; a team that works an hour a week
 * gets 520 hours done in it. */
#define CALENDAR_LOOK_DAYS 3653

struct calendar {
    const struct site *site; /* Borrowed, as the team. */
    const struct team *team; /* NULL: all time counts. */
};

/* True if t_ms counts. */
bool calendar_works(const struct calendar *c, int64_t t_ms);
/* The first instant from t_ms on that counts. */
int64_t calendar_next(const struct calendar *c, int64_t t_ms);
/* The earliest instant with `work_ms` of counting time between it and t_ms; work_ms is
 * 0 or more.  The end of the look when there is none within it. */
int64_t calendar_add(const struct calendar *c, int64_t t_ms, int64_t work_ms);
/* The latest instant with `work_ms` of counting time between it and t_ms. */
int64_t calendar_sub(const struct calendar *c, int64_t t_ms, int64_t work_ms);
/* How much of [from_ms, to_ms) counts; 0 unless from_ms < to_ms. */
int64_t calendar_between(const struct calendar *c, int64_t from_ms, int64_t to_ms);

/* The site's entry of a day, or NULL. */
const struct calendar_day *calendar_day_of(const struct site *site, int32_t day);

#endif
