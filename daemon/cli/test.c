#include <stdio.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/replay/replay.h"

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, NULL, 0, argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count == 0) {
        return cli_usage_error(self, "no case was given");
    }
    unsigned passed_count = 0;
    unsigned failed_count = 0;
    for (uint32_t i = 0; i < args.count; i++) {
        struct diags diags;
        struct err err = {0};
        bool passed = false;
        diags_init(&diags);
        int code = replay_case_run(args.items[i], stdout, &passed, &diags, &err);
        diags_sort(&diags);
        diags_print(&diags, stderr);
        if (code != 0) {
            int now = cli_fail(&err);
            status = now > status ? now : status;
        }
        diags_fini(&diags);
        passed_count += code == 0 && passed;
        failed_count += code != 0 || !passed;
    }
    printf(tr("%u passed, %u failed\n"), passed_count, failed_count);
    if (status == CLI_OK && failed_count > 0) {
        status = CLI_NO;
    }
    return status;
}

const struct cli_command cli_test = {
    "test", "replay cases and compare with what they expect", "CASE.yaml...",
    "A case names a site, a log (or inline samples), what people do meanwhile, and "
    "the\n"
    "events that must, or must never, come of it.  A failing one prints what came "
    "instead,\n"
    "nearest first; the exit status is 1 then.\n",
    run};
