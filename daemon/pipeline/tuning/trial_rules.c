#include "daemon/pipeline/tuning/trial_rules.h"

#include <stdlib.h>
#include <string.h>

bool
trial_rules_hide(const struct site *site, uint32_t rule)
{
    bool found = site->rules[rule].suppresses_children;
    for (uint32_t r = 0; r < site->rule_count && !found; r++) {
        const struct rule_spec *other = &site->rules[r];
        for (uint32_t i = 0; i < other->suppressed_by_count && !found; i++) {
            const char *slash = strchr(other->suppressed_by[i], '/');
            const char *id = slash != NULL ? slash + 1 : other->suppressed_by[i];
            found = strcmp(id, site->rules[rule].id) == 0;
        }
    }
    return found;
}

/* Marks the rules that hide `rule`, and those that hide them. */
static void
need_hiders(const struct site *site, uint32_t rule, bool *needed)
{
    if (needed[rule]) {
        return;
    }
    needed[rule] = true;
    for (uint32_t i = 0; i < site->rules[rule].suppressed_by_count; i++) {
        const char *name = site->rules[rule].suppressed_by[i];
        const char *slash = strchr(name, '/');
        uint32_t hider = site_rule(site, slash != NULL ? slash + 1 : name);
        if (hider != NONE_INDEX) {
            need_hiders(site, hider, needed);
        }
    }
}

void
trial_rules_leave_out(const struct site *site,
                      struct rule_spec *rules,
                      uint32_t rule,
                      bool others_matter)
{
    bool *needed = calloc((size_t)site->rule_count + 1, sizeof *needed);
    if (needed == NULL) {
        abort();
    }
    for (uint32_t r = 0; r < site->rule_count; r++) {
        if (others_matter || r == rule || rules[r].suppresses_children) {
            need_hiders(site, r, needed);
        }
    }
    for (uint32_t r = 0; r < site->rule_count; r++) {
        rules[r].enabled = rules[r].enabled && needed[r];
    }
    free(needed);
}

struct rule_spec *
trial_rules_set(struct site *out,
                const struct site *site,
                const struct rule_spec *changed)
{
    uint32_t count = 0;
    struct rule_spec *rules = calloc((size_t)site->rule_count + 2, sizeof *rules);
    if (rules == NULL) {
        abort();
    }
    for (uint32_t r = 0; r < site->rule_count; r++) {
        int order = changed != NULL ? strcmp(changed->id, site->rules[r].id) : 1;
        if (order < 0) {
            rules[count++] = *changed;
            changed = NULL;
        }
        rules[count++] = order == 0 ? *changed : site->rules[r];
        changed = order == 0 ? NULL : changed;
    }
    if (changed != NULL) {
        rules[count++] = *changed;
    }
    *out = *site;
    out->rules = rules;
    out->rule_count = count;
    return rules;
}
