#include "daemon/pipeline/forward.h"

#include <stdio.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/model/ticket.h"

#define DAY_MS INT64_C(86400000)

static uint32_t
plan_of(const struct site *site, const struct rule_spec *rule)
{
    return rule->brings_forward != NULL ? site_plan(site, rule->brings_forward)
                                        : NONE_INDEX;
}

void
forward_visit(struct plans *p,
              const struct site *site,
              int64_t t_ms,
              uint32_t device,
              uint32_t rule)
{
    const struct rule_spec *spec = &site->rules[rule];
    uint32_t plan = plan_of(site, spec);
    uint32_t of = plan != NONE_INDEX ? plan_device_of(site, plan, device) : NONE_INDEX;
    if (of == NONE_INDEX) {
        return;
    }
    char why[NOTE_BYTES];
    struct err refused; /* It is due by then already, which is all that was wanted. */
    int32_t day = civil_day(t_ms) + (int32_t)(spec->forward_within_ms / DAY_MS);
    (void)snprintf(why, sizeof why,
                   tr_in(site->language, "brought forward by %s of %s"), spec->id,
                   site->devices[device].id);
    (void)plans_tighten(p, t_ms, plan, of, day, why, NULL, &refused);
}

void
forward_check(const struct site *site, const struct rules *rules, struct diags *diags)
{
    for (uint32_t r = 0; r < site->rule_count; r++) {
        const struct rule_spec *spec = &site->rules[r];
        uint32_t plan = plan_of(site, spec);
        bool asked = false;
        bool found = false;
        for (uint32_t d = 0; d < site->device_count && plan != NONE_INDEX; d++) {
            if (rules_bound(rules, d, r)) {
                asked = true;
                found = found || plan_device_of(site, plan, d) != NONE_INDEX;
            }
        }
        if (asked && !found) {
            diags_add(
                diags, DIAG_WARNING, &spec->forward_loc,
                "rule \"%s\" brings forward the plan \"%s\", which goes to none of "
                "its devices; a plan that goes to one of them, or to a parent of "
                "one, is accepted",
                spec->id, spec->brings_forward);
        }
    }
}
