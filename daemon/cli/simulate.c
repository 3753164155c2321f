#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "collectors/simulator.h"
#include "config/config.h"
#include "daemon/cli/cli.h"

#define ANSWER_BYTES 512

/* One command to a running simulator: the words joined by spaces, its answer printed.
 */
static int
control(const char *path, const struct cli_list *words, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return err_set(err, ERR_USAGE, "%s: the path is too long for a socket", path);
    }
    memcpy(address.sun_path, path, strlen(path));
    struct strbuf line = {0};
    for (uint32_t i = 0; i < words->count; i++) {
        strbuf_printf(&line, "%s%s", i > 0 ? " " : "", words->items[i]);
    }
    strbuf_add_char(&line, '\n');
    char answer[ANSWER_BYTES] = "";
    ssize_t size = -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        write(fd, line.text, line.size) == (ssize_t)line.size) {
        size = read(fd, answer, sizeof answer - 1);
    }
    int code = 0;
    if (size <= 0) {
        code = err_set(err, ERR_IO, "%s: no simulator answers: %s", path,
                       size == 0 ? "it hung up" : strerror(errno));
    } else {
        answer[size] = '\0';
        fputs(answer, stdout);
        if (strncmp(answer, "error", strlen("error")) == 0) {
            code = err_set(err, ERR_REFUSED, "the simulator refused");
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    strbuf_fini(&line);
    return code;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *socket_path = NULL;
    const struct cli_option options[] = {
        {"control", 0, CLI_TEXT, &socket_path, "SOCKET",
         "send one command to a running simulator"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (socket_path != NULL) {
        struct err refused = {0};
        int answered = control(socket_path, &args, &refused);
        return answered != 0 ? cli_fail(&refused) : CLI_OK;
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
    "simulate", "Modbus slaves on TCP ports and ptys, with scripted faults",
    "SIM.yaml | --control SOCKET COMMAND...",
    "Runs until SIGINT or SIGTERM.  Prints where each port is, then \"ready\".  A "
    "control\n"
    "socket (control: in the file) takes one command a line:\n"
    "  set UNIT REGISTER VALUE | free UNIT REGISTER | get UNIT REGISTER\n"
    "  fault UNIT KIND [ARGUMENT] [every N | chance N%] [times N] | clear UNIT\n"
    "  stats [UNIT] | port PORT open|hang|closed|free\n"
    "UNIT is an id, a number, or * for all; @PORT after it chooses among ports.\n"
    "Kinds: silent, slow DURATION, bad_crc, wrong_unit, truncated, exception CODE,\n"
    "drop, refuse TABLE FROM..TO, refuse function N, garbage, late DURATION.\n",
    run};
