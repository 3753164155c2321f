/* Reads files and prints what is said of each: for system tests that ask about
 * thousands.
 *
 *   driver_read KIND FILE...     KIND: site, profile, case, commands, map or simulation
 */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

static void
load(const char *kind, const char *path, struct diags *d)
{
    if (strcmp(kind, "case") == 0) {
        replay_case_free(config_load_case(path, d));
    } else if (strcmp(kind, "commands") == 0) {
        replay_case_free(config_load_commands(path, d));
    } else if (strcmp(kind, "map") == 0) {
        log_map_free(config_load_map(path, d));
    } else if (strcmp(kind, "simulation") == 0) {
        sim_free(config_load_sim(path, d));
    } else if (strcmp(kind, "profile") == 0) {
        (void)config_check_profile(path, d);
    } else {
        site_free(config_load_for_check(path, d));
    }
}

int
main(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        struct diags d;
        diags_init(&d);
        load(argv[1], argv[i], &d);
        diags_print(&d, stdout);
        diags_fini(&d);
    }
    return argc > 2 ? 0 : 2;
}
