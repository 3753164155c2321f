/* The ledger as JSON, from the site and state.db: the API and the command line without
 * a daemon give the same answer. */
#ifndef CARETAKER_PIPELINE_LEDGER_LIST_H
#define CARETAKER_PIPELINE_LEDGER_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"
#include "daemon/ticket/ledger_book.h"

struct ledger_filter { /* NULL: any. */
    const char *device, *type, *area, *keeper;
};

/* An array with the equipment that fits, by type, area and id: id name type location,
 * the fields of the ledger (null where nothing is known), then
 *   age_days age_used hours hours_used starts starts_used   used in % of the design
 * life life_used life_by    the most of the three, and which: "age" "hours" "starts"
 *   sources              of each known field: "file" or "database"
 *   documents            number (null: the site file's) title link kind valid_until
 *                        days_left
 *   alterations          how many
 * `store` may be NULL: nothing was written yet.  ERR_NOT_FOUND: no device of that
 * name. */
int listing_ledger(const struct site *site,
                   struct state *store,
                   const struct ledger_filter *filter,
                   int64_t now_ms,
                   struct strbuf *out,
                   struct err *err);

/* What both the listing and the life of a device are made from. */
struct ledger_use {
    double hours; /* NAN: no rule counts them. */
    double starts;
};
/* The book with all rows of the store; owned by the caller.  `uses` (one by device, may
 * be NULL) is filled from the rules' counters. */
int ledger_book_load(struct ledger_book **out,
                     const struct site *site,
                     struct state *store,
                     struct ledger_use *uses,
                     struct err *err);
/* The members from "maker" to "life_by", and "sources". */
void ledger_add_record(struct strbuf *out,
                       const struct ledger_book *b,
                       uint32_t device,
                       const struct ledger_use *use,
                       int32_t today);
/* "documents": those that hold; with `all` those that were removed, too. */
void ledger_add_documents(struct strbuf *out,
                          const struct ledger_book *b,
                          const char *device,
                          bool all,
                          int32_t today);

#endif
