/* What people say of their work on a ticket, as members of the JSON of a command:
 *
 *   ticket.open, .change   "category" "team" "symptom" "reporter"
 *   ticket.wait            "pause": "parts" "contractor" "access" "other"
 *   ticket.resolve, .close, .note
 *                          "cause": a closing code, "minutes": 40, "cost": 120.50,
 *                          "parts": [{"name":"seal ring","count":2,"cost":35.00}]
 *   ticket.tick            "step": 2, "undone": true */
#ifndef CARETAKER_PIPELINE_WORK_JSON_H
#define CARETAKER_PIPELINE_WORK_JSON_H

#include <jansson.h>

#include "daemon/base/err.h"
#include "daemon/model/command.h"
#include "daemon/model/ticket.h"

/* Behind command_from_json().  Texts are borrowed from `root`, and the parts of the
 * command are `parts`, room for TICKET_PARTS_MAX.  ERR_RANGE names the member and what
 * is accepted. */
int work_from_json(struct command *c,
                   struct ticket_part *parts,
                   json_t *root,
                   struct err *err);

#endif
