/* The visits of the coming weeks as JSON, from state.db: the API and the command line
 * without a daemon give the same answer. */
#ifndef CARETAKER_PIPELINE_PLAN_LISTING_H
#define CARETAKER_PIPELINE_PLAN_LISTING_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"

#define PLAN_WEEKS_DEFAULT 4
#define PLAN_WEEKS_MAX     260 /* Five years. */

struct plan_filter { /* NULL: any. */
    const char *team, *device, *plan;
    const char *from, *to; /* Dates; NULL: today, and PLAN_WEEKS_DEFAULT weeks on. */
    const char *language;  /* Of titles and steps; NULL: the site's. */
};

/* An array, overdue visits first, then by day and round: day plan device title team
 * place stop due latest statutory overdue ticket state assignee minutes cost why used
 * limit use per_day from_days last_done start end outside_hours uid on_duty people
 * steps parts; days are dates; people are who will be on duty, of a team without a rota
 * its members.  ERR_RANGE: a date cannot be read, or they are out of order, or the
 * language is none of ours.  `store` may be NULL: nothing was written yet.  As of
 * now_ms. */
int listing_plan(struct state *store,
                 const struct site *site,
                 const struct plan_filter *filter,
                 int64_t now_ms,
                 struct strbuf *out,
                 struct err *err);

/* The days of the site's calendar from `from` to `to` (as struct plan_filter), as an
 * array in order of time: day, working (true: a day off that is worked; false: a day
 * that nobody works), title (in the language of the thread; null for none).  ERR_RANGE
 * as above. */
int listing_calendar(const struct site *site,
                     const char *from,
                     const char *to,
                     int64_t now_ms,
                     struct strbuf *out,
                     struct err *err);

/* The plans that go to one device, as an array: plan title due last_done statutory
 * overdue ticket why used limit use per_day from_days. */
int listing_device_plans(struct state *store,
                         const struct site *site,
                         uint32_t device,
                         int64_t now_ms,
                         struct strbuf *out,
                         struct err *err);

#endif
