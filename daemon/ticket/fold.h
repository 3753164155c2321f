/* The row of a ticket from its events alone.  Pure.
 *
 * The line of an event says what people want to know; what it means for the row stands
 * beside it in the journal, in the column `more`, and is hashed with the rest: a JSON
 * merge patch (RFC 7396) of the row, whose members are the columns of the table
 * `ticket` with the values that they have there (instants as UTC milliseconds, flags as
 * 0 and 1, `parts` as an array).  What is null, 0 or "" in the row is absent.  So
 * deadlines, their clocks, pauses, flags, parts and costs at any moment follow from the
 * events up to it:
 *
 *   ticket.opened  {"number":3,"kind":"fault","respond_by_ms":1767226200000,...}
 *   ticket.waiting {"state":"waiting","waiting_since_ms":1767225660000,"pause":"parts"}
 *   ticket.resumed {"state":"responded","waiting_since_ms":null,"resolve_by_ms":...}
 *
 * A patch with `number` is the whole row: what came before is forgotten.  An alarm's
 * event that changes the row of its ticket (alarm.cleared) carries the ticket's number
 * in the column `ticket`.  clock.stepped moves every instant of the tickets that it
 * names by its step_ms and then patches them with what else came of it, as deadlines in
 * the working time of a team: {"3":{},"7":{"resolve_by_ms":...}}. */
#ifndef CARETAKER_TICKET_FOLD_H
#define CARETAKER_TICKET_FOLD_H

#include <stdbool.h>

#include "daemon/base/err.h"
#include "daemon/model/ticket.h"

/* Not to be copied: the row's ids point into it. */
struct fold {
    bool known; /* Something was told of the ticket. */
    struct ticket row;
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
};

/* The member of an opening's patch that is no column: the hash of the evidence that was
 * taken then.  It changes nothing of the row. */
#define FOLD_EVIDENCE "evidence"

/* A row of which nothing is known yet. */
void fold_init(struct fold *f);
/* The row as given; copies. */
void fold_set(struct fold *f, const struct ticket *row);

/* Takes the next event that tells of ticket `number`: `more` as in the journal, or
 * NULL. `name` and `json` are those of the event.  ERR_IO: what is no patch, in plain
 * words; the row is then undefined. */
int fold_event(struct fold *f,
               int64_t number,
               const char *name,
               const char *json,
               const char *more,
               struct err *err);

/* Moves every instant but days of a plan, as clock.stepped does. */
void fold_move(struct fold *f, int64_t step_ms);

/* The patch that makes `after` of `before`; of a
 * row that nothing was known of, the whole row.  Returns false, and writes nothing,
 * when they are the same. */
bool
fold_patch(struct strbuf *out, const struct fold *before, const struct ticket *after);

/* The row as one object, with the members of a patch; what is empty is absent. */
void fold_row_to_json(struct strbuf *out, const struct ticket *row);

/* Names of the members, for what must know them all; NULL behind the last. */
const char *fold_member(size_t index);

#endif
