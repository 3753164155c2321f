/* What is written down when a ticket opens: the rule as it is, and what it, its
 * procedure and the site say of it.  Pure. */
#ifndef CARETAKER_PIPELINE_EVIDENCE_TAKE_H
#define CARETAKER_PIPELINE_EVIDENCE_TAKE_H

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/rule/rule_text.h"

#define EVIDENCE_POINTS_MAX   10 /* What a page can show of a fault. */
#define EVIDENCE_AFFECTED_MAX 64 /* Devices that hang on another one. */

/* All of it; texts may be empty.  Zeroed is empty. */
struct evidence_texts {
    struct strbuf rule, facts, device, bus;
    char version[RULE_VERSION_BYTES];
};
void evidence_texts_fini(struct evidence_texts *t);

/* Fills `rule`, `version` and `facts` for a ticket of these (NONE_INDEX: it has none);
 * `plan` (may be NULL) is a planned one's.  Facts are one object:
 * cause consequence action    of the rule, in each language; where it says them
 * source      of the rule
 * procedure   {id title steps parts}, texts in each language
 * points      [{device point unit state gap_ms read}], to be drawn: those that the rule
 *             reads first (`read`), then others of the device
 * limits      [{device point value text clears hold_ms}], in the unit of the point
 * group       [{id version text cause consequence action source}]: the other rules
 *             that share the ticket, where there are any; their points and limits are
 *             among those above
 * device      {id name type location tags serves care parent bus unit affects ledger};
 *             `affects`: devices on the bus that it stands for, or fed by it */
void evidence_take_facts(struct evidence_texts *out,
                         const struct site *site,
                         uint32_t device,
                         uint32_t rule,
                         const char *plan);

/* {"maker":..,"model":..,...,"documents":[..]}: what the site file knows of the device,
 * as in the listing of the ledger; absent keys left out. */
void evidence_ledger_json(struct strbuf *out, const struct ledger *l);

#endif
