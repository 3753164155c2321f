/* What a scan found, as a table, as JSON, and as the beginning of a site file. */
#ifndef CARETAKER_CLI_SCAN_SITE_H
#define CARETAKER_CLI_SCAN_SITE_H

#include "collectors/scan.h"
#include "daemon/cli/cli.h"

/* One line setting at which units answered. */
struct scan_result {
    struct bus bus; /* As it was set. */
    struct scan_found found[SCAN_UNITS_MAX];
    uint32_t count;
    bool all_answer; /* See scan_all_answer(). */
};

struct scan_results {
    struct scan_result *items; /* Owned. */
    uint32_t count;
    const struct profile_set *profiles;
};

int scan_print(const struct scan_results *r, bool json);
/* The setting with the most units is the bus; never overwrites a file. */
int scan_write_site(const struct scan_results *r, const char *path, struct err *err);

#endif
