/* What a changed rule would have done: the recorded history of the devices that it
 * concerns, through two pipelines at once, one with the site's rules as they run and
 * one with the changed rule in their place.  The engine is the one that the daemon
 * runs, and never the running one.
 *
 * Devices that are replayed are those that the rule goes to, before or after the
 * change, what feeds them, and whatever their rules read or are hidden by.  Alarms are
 * compared as by `replay --diff`.
 *
 * Windows are filled from what was recorded before the time that is tried, as far as
 * they reach and RULE_TRIAL_FILL_MS_MAX; lives (hours, starts) count what that time is
 * long before it, at least a week.  Where that would take more than `fill_ms`, they
 * begin empty. */
#ifndef CARETAKER_PIPELINE_RULE_TRIAL_H
#define CARETAKER_PIPELINE_RULE_TRIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

#define RULE_TRIAL_MS_MAX      (INT64_C(31) * 86400000) /* Of history. */
#define RULE_TRIAL_FILL_MS_MAX (INT64_C(31) * 86400000) /* Before it, for windows. */
#define RULE_TRIAL_BUDGET_MS   INT64_C(20000)           /* Somebody waits. */
#define RULE_TRIAL_FILL_MS     (RULE_TRIAL_BUDGET_MS / 2)
#define RULE_TRIAL_ALARMS      1000 /* Given one by one. */

struct rule_trial {
    const struct site *site;
    const struct rule_spec *rule; /* As changed; an id that the site has not: new. */
    const char *device;           /* Only this one; NULL: all that it goes to. */
    int64_t from_ms, to_ms;
    int64_t budget_ms;         /* Of the clock on the wall of who waits; */
    int64_t fill_ms;           /* of it, for what was recorded before. */
    const atomic_bool *cancel; /* Looked at now and then; NULL: never. */
};

/* Appends one object:
 *   rule from to device frames samples took_ms
 *   devices    ids of those that the rule goes to, before or after; devices_gained and
 *              devices_lost of them
 *   counts     same gained lost moved before after
 *   places     the same of each device and rule that has alarms
 *   filled_from  when the first sample of before was taken, that filled a window; null:
 *              none was
 *   tickets    before and after, see trial_tickets.h
 *   alarms     see replay_diff_json(); left_out
 *
 * ERR_CONFIG: the rule is wrong: `diags` says where.  ERR_NOT_FOUND: there is no such
 * device, the rule goes to none, or there is no history.  ERR_RANGE: the time is empty
 * or too long.  ERR_TIMEOUT: the budget is spent; the text says how to ask for less.
 * ERR_REFUSED: it was cancelled. */
int rule_trial_run(const struct rule_trial *t,
                   struct strbuf *out,
                   struct diags *diags,
                   struct err *err);

#endif
