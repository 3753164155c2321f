/* What a rule predicts brings the next visit of a plan forward. */
#ifndef CARETAKER_PIPELINE_FORWARD_H
#define CARETAKER_PIPELINE_FORWARD_H

#include "daemon/base/diag.h"
#include "daemon/model/site.h"
#include "daemon/ticket/plans.h"
#include "rules/rules.h"

/* The alarm of the rule on the device is work since t_ms: the next visit of the plan
 * that the rule names is due so many days from today at the latest.  The visit is that
 * of the device, else of the nearest of its parents that the plan goes to.  Nothing
 * happens where it is due by then already, or the rule names no plan of the site. */
void forward_visit(struct plans *p,
                   const struct site *site,
                   int64_t t_ms,
                   uint32_t device,
                   uint32_t rule);

/* Warns of a rule on devices of which none is, or belongs to, one that its plan goes
 * to: its alarms would bring nothing forward. */
void
forward_check(const struct site *site, const struct rules *rules, struct diags *diags);

#endif
