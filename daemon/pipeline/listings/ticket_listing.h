/* The listing of tickets as JSON (design section 9), from state.db.  A house may have
 * worked a hundred thousand of them: the listing comes in pieces, and what it takes of
 * memory depends on the open ones alone. */
#ifndef CARETAKER_PIPELINE_TICKET_LISTING_H
#define CARETAKER_PIPELINE_TICKET_LISTING_H

#include <stdbool.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"

struct ticket_filter { /* NULL: any. */
    const char *device, *state, *assignee, *team;
    const char *order; /* "queue" or "number"; NULL: queue, by number with `all`. */
    bool all;          /* Closed ones too. */
    int64_t before;    /* Only of lower numbers; 0: all. */
    size_t limit;      /* Only so many: the first in their order, with closed ones the
                          newest; 0: no limit. */
    bool details;      /* Rows with `titles` (daemon/model/titles.h). */
    bool overdue;      /* Only those with a deadline that was missed and still runs. */
};
/* A limit as text, NULL: none.  False: it is no such number. */
#define TICKET_LIMIT_ACCEPTED "the limit is a number of tickets, from 1 to 1000000"
bool ticket_limit_parse(size_t *out, const char *text);

struct ticket_listing;
/* Open tickets in the order of the queue (pipeline/queue.h), closed ones behind them by
 * number.  What is overdue is so at now_ms.  Copies the filter, reads the open tickets;
 * `site` and `store` (may be NULL: nothing was written yet) are borrowed for the call.
 * ERR_RANGE: the filter names no state or order, with what is accepted. */
int ticket_listing_open(struct ticket_listing **out,
                        struct state *store,
                        const struct site *site,
                        const struct ticket_filter *filter,
                        int64_t now_ms,
                        struct err *err);
/* Appends the next piece, some hundred tickets at most behind the open ones; the pieces
 * together are one JSON array.  *more is false with the last.  A closed ticket is told
 * as it is when its piece is read. */
int ticket_listing_next(struct ticket_listing *l,
                        struct state *store,
                        struct strbuf *out,
                        bool *more,
                        struct err *err);
/* The lowest number that it gives where it has a limit and there may be older ones:
 * they are listed by `before`.  0: there are none. */
int64_t ticket_listing_before(const struct ticket_listing *l);
void ticket_listing_free(struct ticket_listing *l); /* NULL is accepted. */

/* All of it at once. */
int listing_tickets(struct state *store,
                    const struct site *site,
                    const struct ticket_filter *filter,
                    int64_t now_ms,
                    struct strbuf *out,
                    struct err *err);

#endif
