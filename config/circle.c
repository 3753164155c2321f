/* Rules that suppress each other in a circle: with all of them raised, nobody would be
 * told of any. */
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

void
suppression_check(struct reader *r, const struct site *site)
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
