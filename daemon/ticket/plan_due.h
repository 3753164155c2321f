/* The days on which a plan is due, by its calendar.  Pure: days in, days out.
 *
 * A visit serves the planned day that it is nearest to, be it early or late. */
#ifndef CARETAKER_TICKET_PLAN_DUE_H
#define CARETAKER_TICKET_PLAN_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"

/* Where the first visits of a plan without `start` are put. */
struct plan_origin {
    int32_t since_day;     /* When the plan was first seen on the device. */
    int32_t installed_day; /* DAY_NONE: not known. */
    uint32_t spread;       /* Any number; equal ones are due together. */
};

/* Days between two visits by the calendar: of a month 30, of a year 365; 0 of a plan
 * by use alone. */
int32_t plan_cycle_days(const struct plan_spec *p);
int32_t plan_remind_days(const struct plan_spec *p);
int32_t plan_grace_days(const struct plan_spec *p); /* 0 of a statutory plan. */

/* The first planned day at or after `day` of a plan by month or by year. */
int32_t plan_calendar_day(const struct plan_spec *p, int32_t day);
/* Whether the plan is due in this part of the year. */
bool plan_in_season(const struct plan_spec *p, int32_t day);

/* The first visit, of which nothing was done before:
 *  - `start`: that day, or the first of its cycle that is not past;
 *  - by month or year: the first planned day;
 *  - statutory and installed on a known day: the first of the cycle from there;
 *  - else a day within one cycle of since_day, by `spread`.
 * Without `start` never since_day itself: who puts up a site has other work that day.
 * DAY_NONE: by use alone. */
int32_t plan_first_day(const struct plan_spec *p, const struct plan_origin *o);

/* The visit after one that was done on `done` and had been planned for `base`
 * (DAY_NONE: for no day).  A statutory one is never further from `done` than its cycle.
 */
int32_t plan_next_day(const struct plan_spec *p, int32_t base, int32_t done);

/* Its days are dates of the calendar; else they count from a moment (every: 15d without
 * a start). */
bool plan_is_dated(const struct plan_spec *p);
/* By how many days a step of the wall clock moves what is planned: the whole days of
 * the step, half a one rounded away from 0; 0 where they are dates. */
int32_t plan_step_days(const struct plan_spec *p, int64_t step_ms);

#endif
