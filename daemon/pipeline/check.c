#include "daemon/pipeline/check.h"

#include <stdlib.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/budgets.h"

struct site *
check_site(const char *path, struct diags *diags, struct rules_counts *counts)
{
    struct site *site = config_load_for_check(path, diags);
    struct rules *rules = site != NULL ? rules_new(site, diags) : NULL;
    bool good = rules != NULL && !site->incomplete;
    if (good && counts != NULL) {
        *counts = rules_count(rules);
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
