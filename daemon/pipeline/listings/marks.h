/* What happened to a device over a time, for the margin of its charts, as JSON:
 *
 *   {"device":"pump-1","from":ms,"to":ms,"more":0,"marks":[{"t":ms,"end":ms|null,
 *     "kind":"alarm"|"ticket"|"maintenance"|"service"|"offline","severity":..|null,
 *     "state":..|null,"text":..,"link":..|null,"rule":..|null,"ticket":5|null}]}
 *
 * in order of `t`, whatever touches [from, to].  `end` null: it goes on, or is a moment
 * alone.  `state` of a ticket is its state; of maintenance "done", "planned" or
 * "overdue".  Where there are too many, `more` older ones were left out. */
#ifndef CARETAKER_PIPELINE_MARKS_H
#define CARETAKER_PIPELINE_MARKS_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"

#define MARKS_MAX 2000

/* `store` may be NULL: nothing was written yet. */
int marks_json(struct strbuf *out,
               const struct site *site,
               struct state *store,
               uint32_t device,
               int64_t from_ms,
               int64_t to_ms,
               int64_t now_ms,
               struct err *err);

/* The title of a rule on a device, as it was when its alarm had `value` (NaN: not
 * known); what else stands in braces is not known any more. */
void marks_rule_title(struct strbuf *out,
                      const struct site *site,
                      uint32_t rule,
                      uint32_t device,
                      double value);

#endif
