/* What the visits of a listing (GET /api/v1/plan) come to: money and parts. */
#ifndef CARETAKER_PIPELINE_PLAN_SUMS_H
#define CARETAKER_PIPELINE_PLAN_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"

/* `visits` is the JSON array; so is what comes out.
 * A budget, by month and plan: month plan title team visits minutes cost; `cost` is
 * null where the plan sets nothing aside.  A visit that is overdue counts on the day it
 * is to be made on; what comes before the date `from` does not. */
void plan_budget(struct strbuf *out, const char *visits, const char *from);
/* What is to be there, by day, team and part: day team part count for (the devices). */
void plan_parts(struct strbuf *out, const char *visits);

/* What all of them come to. */
struct plan_total {
    int64_t visits, minutes;
    int64_t cost;      /* Hundredths of the currency. */
    int64_t uncosted;  /* Visits of which no cost is known, */
    int64_t unminuted; /* and of which no length is. */
};
struct plan_total plan_total(const char *visits);

#endif
