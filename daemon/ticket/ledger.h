/* Changing the ledger: what people ask for, checked, done as a whole and told. */
#ifndef CARETAKER_TICKET_LEDGER_H
#define CARETAKER_TICKET_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/command.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"
#include "daemon/ticket/ledger_book.h"

/* It is one of COMMAND_LEDGER_*. */
bool ledger_is_command(enum command_kind k);

/* Does it to the book; rows and ledger.changed events go to the sink, for each field
 * one.  Nothing is done when any part of it is refused.  What is set to the value that
 * it has already is no change; what is set to the file's value is the file's again.
 * `*number`: how many fields changed; or the document's or alteration's own. */
int ledger_command(struct ledger_book *b,
                   const struct site *site,
                   const struct sink *sink,
                   const struct command *c,
                   int64_t *number,
                   struct err *err);

#endif
