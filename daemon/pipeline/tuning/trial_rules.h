/* The rules of one side of a trial: those that have to do with the one that is tried.
 */
#ifndef CARETAKER_PIPELINE_TRIAL_RULES_H
#define CARETAKER_PIPELINE_TRIAL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"

/* Makes `out` the estate of `site` with `changed` (NULL: no change) among its rules, in
 * order of id.  Returns the rules of `out`, owned by the caller; aborts when out of
 * memory. */
struct rule_spec *trial_rules_set(struct site *out,
                                  const struct site *site,
                                  const struct rule_spec *changed);

/* Whether an alarm of the rule hides others, which stand or fall with it. */
bool trial_rules_hide(const struct site *site, uint32_t rule);

/* Switches off, in `rules` of `site`, what has nothing to do with `rule` (NONE_INDEX:
 * it is not on this side): its alarms are the same.  With `others_matter` the alarms of
 * all are looked at.  Aborts when out of memory. */
void trial_rules_leave_out(const struct site *site,
                           struct rule_spec *rules,
                           uint32_t rule,
                           bool others_matter);

#endif
