/* The photos of a ticket against what the journal's events say: the row is there, the
 * file is there, and is what it was.  A part of
 * daemon/pipeline/journal/journal_check.h. */
#ifndef CARETAKER_PIPELINE_JOURNAL_PHOTOS_H
#define CARETAKER_PIPELINE_JOURNAL_PHOTOS_H

#include "daemon/pipeline/journal/journal_check.h"
#include "daemon/store/state.h"

struct journal_photos {
    struct journal_verdict *out; /* Borrowed. */
    struct state *store;         /* Borrowed. */
    const char *data_dir;
    int64_t ticket;
    int64_t told; /* Photos of this ticket that the journal tells of. */
};

/* A row of the journal of x->ticket; others than ticket.photographed are passed over.
 */
int journal_photos_note(struct journal_photos *x,
                        const struct event_row *row,
                        struct err *err);
/* Behind the last: there are no rows of which nothing was told. */
int journal_photos_check(struct journal_photos *x, struct err *err);

#endif
