#include "daemon/pipeline/check.h"

#include <stdlib.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/budgets.h"
#include "daemon/pipeline/forward.h"

static bool
has_equipment(const struct site *site, uint32_t bus)
{
    bool found = false;
    for (uint32_t d = 0; d < site->device_count; d++) {
        found = found || (site->devices[d].bus == bus &&
                          site->devices[d].role == DEVICE_EQUIPMENT);
    }
    return found;
}

/* While an endpoint refuses, or a line is gone, whether its devices are online is not
 * known, and their own rules are silent: only a rule of the bus tells anybody. */
static void
warn_of_silent_buses(const struct site *site,
                     const struct rules *rules,
                     struct diags *diags)
{
    for (uint32_t b = 0; b < site->bus_count; b++) {
        const struct bus *bus = &site->buses[b];
        bool told = !has_equipment(site, b);
        for (uint32_t r = 0; r < site->rule_count; r++) {
            told = told || rules_tells_silence(rules, bus->device, r);
        }
        if (!told) {
            diags_add(diags, DIAG_WARNING, &bus->loc,
                      "bus \"%s\" has devices, but no rule tells when it is lost: then "
                      "they are unknown, and nobody is told; a rule with applies_to: "
                      "{type: bus} and when: not online does, such as bus-down of "
                      "config/rules/bus.yaml",
                      bus->id);
        }
    }
}

struct site *
check_site(const char *path, struct diags *diags, struct rules_counts *counts)
{
    struct site *site = config_load_for_check(path, diags);
    struct rules *rules = site != NULL ? rules_new(site, diags) : NULL;
    bool good = rules != NULL && !site->incomplete;
    if (good && counts != NULL) {
        *counts = rules_count(rules);
    }
    if (good) {
        warn_of_silent_buses(site, rules, diags);
        forward_check(site, rules, diags);
    }
    rules_free(rules);
    struct err err;
    if (good && budgets_warn(site, diags, &err) != 0) {
        abort(); /* Out of memory, as every allocation while the site is loaded. */
    }
    diags_sort(diags);
    if (!good) {
        site_free(site);
        return NULL;
    }
    instant_zone_set(site->timezone);
    return site;
}
