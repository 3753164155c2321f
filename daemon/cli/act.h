/* What a person does: one command to the daemon. */
#ifndef CARETAKER_CLI_ACT_H
#define CARETAKER_CLI_ACT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/command.h"

struct action {
    const char *site, *by, *device, *rule, *note, *to, *priority;
    const char *how_long, *until, *state;
    bool json;
    int64_t ticket;
    int rating;
    struct strbuf more; /* Further members of the JSON. */
};

/* Asks the daemon of a->site, and prints its answer, or "ticket 3: SAID".  Returns the
 * exit status. */
int act_send(struct action *a, enum command_kind kind, const char *said);

#endif
