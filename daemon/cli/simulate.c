#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "collectors/simulator.h"
#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"

#define PIECE_BYTES 4096

/* The last whole line of an answer; NULL: none has come yet. */
static const char *
last_line(const struct strbuf *answer)
{
    size_t at = answer->size;
    if (at == 0 || answer->text[at - 1] != '\n') {
        return NULL;
    }
    while (--at > 0 && answer->text[at - 1] != '\n') {
    }
    return answer->text + at;
}

static bool
begins_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* Reads until the line that ends an answer. */
static int
read_answer(int fd, const char *path, struct strbuf *answer, struct err *err)
{
    for (;;) {
        const char *last = last_line(answer);
        if (last != NULL && (begins_with(last, "ok") || begins_with(last, "error"))) {
            return 0;
        }
        char piece[PIECE_BYTES];
        ssize_t size = read(fd, piece, sizeof piece);
        if (size <= 0) {
            return err_set(err, ERR_IO, "%s: no simulator answers: %s", path,
                           size == 0 ? tr("it hung up") : err_reason(errno));
        }
        strbuf_add_bytes(answer, piece, (size_t)size);
    }
}

/* Rows go out without the "ok" after them, for a program that reads JSON lines. */
static int
print_answer(const struct strbuf *answer, struct err *err)
{
    const char *last = last_line(answer);
    bool has_rows = last != answer->text;
    size_t size = has_rows && strcmp(last, "ok\n") == 0 ? (size_t)(last - answer->text)
                                                        : answer->size;
    fwrite(answer->text, 1, size, stdout);
    return begins_with(last, "error")
               ? err_set(err, ERR_REFUSED, "the simulator refused")
               : 0;
}

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
    struct strbuf line = {0}, answer = {0};
    for (uint32_t i = 0; i < words->count; i++) {
        strbuf_printf(&line, "%s%s", i > 0 ? " " : "", words->items[i]);
    }
    strbuf_add_char(&line, '\n');
    int code = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        write(fd, line.text, line.size) != (ssize_t)line.size) {
        code = err_set(err, ERR_IO, "%s: no simulator answers: %s", path,
                       err_reason(errno));
    } else if ((code = read_answer(fd, path, &answer, err)) == 0) {
        code = print_answer(&answer, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    strbuf_fini(&line);
    strbuf_fini(&answer);
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
    "  fault UNIT KIND [KEY VALUE]... | clear UNIT\n"
    "  stats [UNIT] [by port|unit] [json] | port PORT open|hang|closed|free\n"
    "UNIT is an id, a number, or * for all; @PORT after it chooses among ports.\n"
    "Kinds: silent, slow [DURATION], bad_crc, wrong_unit, truncated, exception "
    "[CODE],\n"
    "drop, refuse TABLE [FROM..TO], refuse function N, garbage, late [DURATION].\n"
    "Keys, as in the file: every N, chance N%, times N; delay of slow and late, code "
    "of\n"
    "exception and refuse, place and bytes of garbage.  An answer ends with a line "
    "that\n"
    "begins with \"ok\" or \"error\".\n",
    run};
