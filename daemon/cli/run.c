#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/live/live.h"

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site = CLI_SITE_DEFAULT;
    bool debug = false;
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"debug", 'd', CLI_FLAG, &debug, NULL, "log details"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count > 0) {
        return cli_usage_error(self, "\"%s\" is not expected here", args.items[0]);
    }
    catalogue_speak(LANGUAGE_EN); /* The log's; who asks the API is heard in his. */
    log_init(debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    struct diags diags;
    struct err err = {0};
    diags_init(&diags);
    int code = live_run(site, "/proc/self/exe", &diags, &err);
    if (code == ERR_CONFIG) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    diags_fini(&diags);
    if (code != 0) {
        log_error("%s", err.text);
    }
    if (code == ERR_REFUSED) {
        return CLI_OUTSIDE; /* Another daemon holds the data folder. */
    }
    return err_exit_status(code);
}

const struct cli_command cli_run = {
    "run", "the daemon, in the foreground", "[-c SITE]",
    "Polls the sensors, judges them by the rules, keeps history and state, raises "
    "alarms\n"
    "and opens tickets, until SIGTERM.  SIGHUP reloads the configuration; a bad one "
    "is\n"
    "refused and the old one goes on.  Logs to the journal or to standard error.\n",
    run};
