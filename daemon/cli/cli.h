/* The command line: options, help, tables, and asking the daemon. */
#ifndef CARETAKER_CLI_CLI_H
#define CARETAKER_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/collectors.h"
#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

#define CLI_SITE_DEFAULT "/etc/caretaker/site.yaml"
#define CLI_OPTIONS_MAX  24
#define CLI_LIST_MAX     1024 /* Words; a shell may name a folder of cases. */

/* Exit statuses of design section 3. */
enum cli_status {
    CLI_OK = 0,
    CLI_NO = 1,
    CLI_USAGE = 2,
    CLI_CONFIG = 3,
    CLI_OUTSIDE = 4
};

struct cli_list {
    const char *items[CLI_LIST_MAX];
    uint32_t count;
};

enum cli_option_kind { CLI_FLAG, CLI_TEXT, CLI_LIST };
struct cli_option {
    const char *name; /* Long form. */
    char letter;      /* Short form, or 0. */
    enum cli_option_kind kind;
    void *out;         /* bool *, const char **, struct cli_list *. */
    const char *value; /* Name of its value in the help; NULL for a flag. */
    const char *help;
};

struct cli_command {
    const char *name;
    const char *summary; /* One line. */
    const char *usage;   /* What follows "caretaker NAME". */
    const char *about;   /* Paragraphs of the help. */
    int (*run)(const struct cli_command *self, int argc, char **argv);
};
extern const struct cli_command cli_run, cli_check, cli_replay, cli_test, cli_status,
    cli_devices, cli_alarms, cli_tickets, cli_ack, cli_shelve, cli_unshelve,
    cli_service, cli_ticket, cli_export, cli_import, cli_read, cli_scan, cli_sniff,
    cli_record, cli_simulate, cli_profiles, cli_schema, cli_completion;

#endif
