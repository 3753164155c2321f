/* What was changed in the rows of tickets and no event of the journal carries yet: each
 * change of a row goes into the journal as a patch, so that the row can be folded from
 * its events alone (daemon/ticket/fold.h). */
#ifndef CARETAKER_PIPELINE_OWED_H
#define CARETAKER_PIPELINE_OWED_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/model/event.h"
#include "daemon/store/state.h"
#include "daemon/ticket/fold.h"

struct owed_row {
    struct fold before;       /* As the journal has it. */
    const struct ticket *now; /* Borrowed until it is taken or dropped. */
};

/* Zero-initialised is empty and valid. */
struct owed {
    struct owed_row **rows;
    size_t count, capacity;
};

void owed_fini(struct owed *o); /* Leaves it empty. */

/* The row becomes `now`; called before it is put into `store`, from which the row
 * before is read: one that cannot be read counts as unknown.  Borrows `now`.  Aborts
 * when out of memory. */
void owed_add(struct owed *o, struct state *store, const struct ticket *now);
/* Puts the patch of the ticket into `more` and forgets it; nothing when there is none.
 */
void owed_take(struct owed *o, int64_t number, struct strbuf *more);
/* Puts those of all tickets into `more`, as clock.stepped has them. */
void owed_take_all(struct owed *o, int64_t step_ms, struct strbuf *more);
/* An event has told of it before. */
void owed_drop(struct owed *o, int64_t number);

/* ---- Which event carries which row ---- */

#define OWED_NO_ROW SIZE_MAX

/* One of the things that are written together, in order. */
struct owed_step {
    enum { OWED_NOTHING, OWED_ROW, OWED_EVENT } what;
    enum event_kind kind; /* Of an event. */
    int64_t ticket;       /* 0: of none. */
    const char *device, *rule;
    size_t carries; /* Out, an event: the row behind it that it carries. */
    bool carried;   /* Out, a row: an event before it carries it. */
};

/* A row is carried by the next event of its ticket, or of the clock, which needs no
 * plan.  Where none follows, what an alarm means for its ticket has no event of its
 * own, and the alarm's event before the row carries it. */
void owed_plan(struct owed_step *steps, size_t count);

#endif
