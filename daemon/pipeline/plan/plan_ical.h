/* The coming visits for the calendars of people. */
#ifndef CARETAKER_PIPELINE_PLAN_ICAL_H
#define CARETAKER_PIPELINE_PLAN_ICAL_H

#include <stdint.h>

#include "daemon/base/strbuf.h"

/* An iCalendar file; one appointment for each visit of `visits`, the JSON array of
 * listing_plan().  `name` is that of the calendar, stamp_ms is now. */
void
plan_ical(struct strbuf *out, const char *name, const char *visits, int64_t stamp_ms);

#endif
