#include <stdio.h>

#include "collectors/simulator.h"
#include "config/config.h"
#include "daemon/cli/cli.h"

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, NULL, 0, argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count != 1) {
        return cli_usage_error(self, "give one simulator file");
    }
    struct diags diags;
    diags_init(&diags);
    struct sim *sim = config_load_sim(args.items[0], &diags);
    diags_sort(&diags);
    diags_print(&diags, stderr);
    diags_fini(&diags);
    if (sim == NULL) {
        return CLI_CONFIG;
    }
    struct err err = {0};
    int code = simulator_run(sim, stdout, &err);
    sim_free(sim);
    return code != 0 ? cli_fail(&err) : CLI_OK;
}

const struct cli_command cli_simulate = {
    "simulate", "Modbus slaves on TCP ports and ptys, with scripted faults", "SIM.yaml",
    "Runs until SIGINT or SIGTERM.  Prints where each port is, then \"ready\".  A "
    "control\n"
    "socket (control: in the file) takes one command a line:\n"
    "  set UNIT REGISTER VALUE | free UNIT REGISTER | fault UNIT KIND [ARG] |\n"
    "  clear UNIT | get UNIT REGISTER\n",
    run};
