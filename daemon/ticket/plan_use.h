/* How much a device was used, counted from its samples: hours of running, starts, or
 * the units of its own counter; and how fast.  Pure; time arrives with the samples. */
#ifndef CARETAKER_TICKET_PLAN_USE_H
#define CARETAKER_TICKET_PLAN_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/plan.h"
#include "daemon/model/site.h"

#define PLAN_RATE_DAYS     14 /* The rate is a mean that forgets over so many days. */
#define PLAN_RATE_DAYS_MIN 3  /* A forecast from fewer would be a guess. */

/* What one point says of the use. */
struct plan_counter {
    enum plan_use kind;  /* PLAN_USE_NONE: the device has no such point. */
    double scale;        /* Of PLAN_USE_AMOUNT: units of the limit per unit. */
    int64_t patience_ms; /* A sample says nothing of what comes later than this. */
};

/* How the plan's use is read from the point.  A time of a point that is itself a
 * counter of hours (minutes, seconds) is the growth of that counter. */
struct plan_counter plan_counter_of(const struct plan_spec *p, const struct point *pt);

/* One good sample.  One that is not newer than the last is left out: it was counted. */
void plan_use_sample(struct plan_use_row *u,
                     const struct plan_counter *c,
                     int64_t t_ms,
                     double value);
/* Once a day: what was used since the last call makes the rate.  A day without a sample
 * says nothing. */
void plan_use_day(struct plan_use_row *u, int64_t t_ms);

double plan_used(const struct plan_use_row *u); /* Since the last visit. */
/* Whole days until `limit` is reached at the present rate; -1: there is no forecast. */
int32_t plan_use_days_left(const struct plan_use_row *u, double limit);
/* A visit at t_ms: `used` is 0 from here.  `days_ago` > 0: it was made so long ago, and
 * what was used since then is reckoned from the rate, where one is known. */
void plan_use_served(struct plan_use_row *u, int32_t days_ago);

#endif
