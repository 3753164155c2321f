/* A listing of visits (GET /api/v1/plan) for people. */
#ifndef CARETAKER_CLI_PLAN_PRINT_H
#define CARETAKER_CLI_PLAN_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"

/* `visits` is the JSON array.  By day and team, in the order of the round, then what it
 * comes to; `steps`: with what is to be done. */
void plan_print_text(struct strbuf *out,
                     const char *visits,
                     bool steps,
                     const char *currency);

#endif
