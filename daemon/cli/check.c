#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/check.h"

static const char *
plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static bool
check_whole_site(const char *path, struct diags *diags)
{
    struct rules_counts counts = {0};
    struct site *site = check_site(path, diags, &counts);
    if (site == NULL) {
        return false;
    }
    struct site_equipment e = site_equipment(site);
    printf("%s: ok: %u device%s with %u point%s on %u bus%s, %u rule%s on %u place%s\n",
           path, e.devices, plural(e.devices), e.points, plural(e.points),
           site->bus_count, site->bus_count == 1 ? "" : "es", site->rule_count,
           plural(site->rule_count), counts.instances, plural(counts.instances));
    site_free(site);
    return true;
}

/* The kind of a file is told by the first word at the start of a line. */
static bool
file_begins_with(const char *path, const char *key)
{
    FILE *f = fopen(path, "re");
    char line[256];
    bool found = false;
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        found = strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':';
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}

static bool
check_file(const char *path, struct diags *diags)
{
    bool good = false;
    if (file_begins_with(path, "profile")) {
        good = config_check_profile(path, diags);
    } else if (file_begins_with(path, "case")) {
        struct replay_case *c = config_load_case(path, diags);
        good = c != NULL;
        replay_case_free(c);
    } else if (file_begins_with(path, "slaves")) {
        struct sim *s = config_load_sim(path, diags);
        good = s != NULL;
        sim_free(s);
    } else {
        return check_whole_site(path, diags);
    }
    if (good) {
        printf("%s: ok\n", path);
    }
    return good;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site = NULL;
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (site != NULL || args.count == 0) {
        if (args.count == CLI_LIST_MAX) {
            return cli_usage_error(self, "too many files");
        }
        args.items[args.count++] = site != NULL ? site : CLI_SITE_DEFAULT;
    }
    for (uint32_t i = 0; i < args.count; i++) {
        struct diags diags;
        diags_init(&diags);
        bool good = check_file(args.items[i], &diags);
        diags_sort(&diags);
        diags_print(&diags, stderr);
        if (!good) {
            fprintf(stderr, "%s: %zu error%s\n", args.items[i], diags.errors,
                    diags.errors == 1 ? "" : "s");
            status = CLI_CONFIG;
        }
        diags_fini(&diags);
    }
    return status;
}

const struct cli_command cli_check = {
    "check", "validate everything, report every error with its place",
    "[-c SITE] [FILE...]",
    "Reads the site file and all that it includes, compiles the rules, and prints "
    "each\n"
    "error as file:line:column: what is wrong; what is accepted.  Files may also be\n"
    "profiles, cases and simulator files.  Exit status 3 when there is an error; "
    "warnings\n"
    "do not count.\n",
    run};
