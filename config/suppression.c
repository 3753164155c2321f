/* What no single rule shows: rules that suppress each other in a circle, of which
 * nobody would be told once all are raised, and suppressors that can never stand. */
#include <string.h>

#include "config/load.h"

/* Whether `rule` is suppressed by a rule of the same device that is still `in`. */
static bool
is_suppressed_within(const struct site *site, uint32_t rule, const bool *in)
{
    const struct rule_spec *r = &site->rules[rule];
    for (uint32_t i = 0; i < r->suppressed_by_count; i++) {
        /* One of a named device is another alarm. */
        uint32_t other = strchr(r->suppressed_by[i], '/') == NULL
                             ? site_rule(site, r->suppressed_by[i])
                             : NONE_INDEX;
        if (other != NONE_INDEX && in[other]) {
            return true;
        }
    }
    return false;
}

/* Whether `other` may be raised on a device that `rule` judges, or on one that feeds
 * it; or `rule` judges none, which is said elsewhere. */
static bool
can_meet(const struct site *site,
         const struct rule_spec *rule,
         const struct rule_spec *other)
{
    bool judges = false;
    for (uint32_t d = 0; d < site->device_count; d++) {
        if (!applies_to_device(&rule->applies_to, &site->devices[d])) {
            continue;
        }
        judges = true;
        for (uint32_t at = d; at != NONE_INDEX; at = site->devices[at].parent) {
            if (applies_to_device(&other->applies_to, &site->devices[at])) {
                return true;
            }
        }
    }
    return !judges;
}

static void
check_idle(struct reader *r, const struct site *site, const struct rule_spec *rule)
{
    for (uint32_t i = 0; i < rule->suppressed_by_count; i++) {
        const char *name = rule->suppressed_by[i];
        uint32_t other = strchr(name, '/') == NULL ? site_rule(site, name) : NONE_INDEX;
        if (other != NONE_INDEX && !can_meet(site, rule, &site->rules[other])) {
            diags_add(r->diags, DIAG_WARNING, &rule->loc,
                      "rule \"%s\" is never suppressed by \"%s\", which judges neither "
                      "its devices nor what feeds them; DEVICE/%s names it on another",
                      rule->id, name, name);
        }
    }
}

static void
check_circles(struct reader *r, const struct site *site)
{
    bool *in = arena_array(r->arena, (size_t)site->rule_count + 1, sizeof *in);
    bool changed = true;
    for (uint32_t i = 0; i < site->rule_count; i++) {
        in[i] = true;
    }
    /* What nothing is left to suppress stands in no circle, nor do those that only it
     * suppresses.  A rule behind a circle stays, and is named with it. */
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < site->rule_count; i++) {
            if (in[i] && !is_suppressed_within(site, i, in)) {
                in[i] = false;
                changed = true;
            }
        }
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        bool itself = false; /* Said already, where it stands. */
        const struct rule_spec *rule = &site->rules[i];
        for (uint32_t k = 0; k < rule->suppressed_by_count; k++) {
            itself = itself || strcmp(rule->suppressed_by[k], rule->id) == 0;
        }
        if (in[i] && !itself) {
            diags_add(
                r->diags, DIAG_ERROR, &rule->loc,
                "rule \"%s\" is suppressed by rules that suppress each other in a "
                "circle; take one of them out",
                rule->id);
        }
    }
}

void
suppression_check(struct reader *r, const struct site *site)
{
    check_circles(r, site);
    for (uint32_t i = 0; i < site->rule_count; i++) {
        check_idle(r, site, &site->rules[i]);
    }
}
