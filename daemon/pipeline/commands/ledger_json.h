/* Commands of the ledger as JSON:
 *   {"cmd":"ledger.set","by":..,"devices":{"pump-1":{"maker":"..","serial":null}}}
 *   {"cmd":"ledger.document","by":..,"device":..,"title":..,"link":..,"kind":..,
 *    "valid_until":..}
 *   {"cmd":"ledger.remove","by":..,"number":3}
 *   {"cmd":"ledger.alteration","by":..,"device":..,"what":..,"effect":..,"made_on":..,
 *    "made_by":..} */
#ifndef CARETAKER_PIPELINE_LEDGER_JSON_H
#define CARETAKER_PIPELINE_LEDGER_JSON_H

#include <jansson.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/command.h"

/* One command changes this many fields at most: a body of a megabyte holds no more. */
#define LEDGER_CHANGES_MAX 50000

/* The members above, behind command_from_json().  Texts are borrowed from `root`;
 * c->changes is owned by the caller: ledger_json_fini().  Other commands are left as
 * they are. */
int ledger_from_json(struct command *c, json_t *root, struct err *err);
void ledger_json_fini(struct command *c);

/* What the command did, as members of an answer: "changed" of set, else "number". */
void ledger_add_answer(struct strbuf *out, enum command_kind kind, int64_t number);

#endif
