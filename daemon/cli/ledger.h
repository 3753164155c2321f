/* ledger: what its parts share. */
#ifndef CARETAKER_CLI_LEDGER_H
#define CARETAKER_CLI_LEDGER_H

#include <stdbool.h>

#include "daemon/cli/cli.h"

struct ledger_args {
    const char *site, *type, *area, *keeper, *device, *by, *note;
    const char *title, *kind, *valid_until, *effect, *on, *made_by;
    struct cli_list columns; /* KEY=HEADING */
    struct cli_list words;   /* The first is the action. */
    bool json, csv, bom, dry_run;
};

/* The listing of what the filters let through: of the daemon, or of the database. */
int cli_ledger_fetch(const struct site *site,
                     const struct ledger_args *a,
                     struct strbuf *out,
                     struct err *err);
/* Begins the body of a command; the caller adds its members and the brace. */
void
cli_ledger_begin(struct strbuf *body, const struct ledger_args *a, const char *command);
/* Sends it; `*number` is how many fields changed, or the number of what was added. */
int cli_ledger_send(const struct site *site,
                    const struct strbuf *body,
                    int64_t *number,
                    struct strbuf *answer,
                    struct err *err);

int cli_ledger_export(const struct cli_command *self, const struct ledger_args *a);
int cli_ledger_import(const struct cli_command *self, const struct ledger_args *a);

#endif
