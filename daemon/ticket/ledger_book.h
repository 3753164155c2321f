/* The ledger of a site: what its file says of each device, and what people changed.
 *
 * The daemon keeps one and changes it by commands (ledger.h); listings make one from
 * the rows of the database. */
#ifndef CARETAKER_TICKET_LEDGER_BOOK_H
#define CARETAKER_TICKET_LEDGER_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/ledger.h"
#include "daemon/model/site.h"

struct ledger_book;

/* `site` is borrowed until ledger_book_free().  Aborts when out of memory. */
struct ledger_book *ledger_book_new(const struct site *site);
void ledger_book_free(struct ledger_book *b); /* NULL is accepted. */

/* Takes in a row (copies).  False: the site has no such device; its numbers are taken
 * all the same. */
bool ledger_book_put(struct ledger_book *b, const struct ledger_row *row);

/* Who changed it, and when; NULL: what the file says holds. */
const char *ledger_book_changed(const struct ledger_book *b,
                                uint32_t device,
                                enum ledger_key key,
                                int64_t *changed_ms);
/* The value that holds; "" for none.  Returns `out`. */
char *ledger_book_value(char out[LEDGER_TEXT_BYTES],
                        const struct ledger_book *b,
                        uint32_t device,
                        enum ledger_key key);
/* Its area, else its location; "" for none.  Returns `out`. */
char *ledger_book_area(char out[LEDGER_TEXT_BYTES],
                       const struct ledger_book *b,
                       uint32_t device);

/* Those of all devices: first the site file's, then by number.  Removed ones are among
 * them.  Borrowed until the next put. */
const struct ledger_document *ledger_book_documents(const struct ledger_book *b,
                                                    size_t *count);
const struct ledger_alteration *ledger_book_alterations(const struct ledger_book *b,
                                                        size_t *count);
/* The one with that number, or NULL. */
const struct ledger_document *ledger_book_document(const struct ledger_book *b,
                                                   int64_t number);
/* The numbers that come next. */
int64_t ledger_book_next_document(const struct ledger_book *b);
int64_t ledger_book_next_alteration(const struct ledger_book *b);

/* Days until a paper runs out, on the day `today` (since 1970-01-01): 0 is its last
 * one, below 0 it has run out.  INT32_MAX: never, or it was removed. */
int32_t ledger_days_left(const struct ledger_document *d, int32_t today);
/* A warranty that is over needs nobody: it is told of only before that. */
bool ledger_is_near(const struct ledger_document *d, int32_t today);
/* The same of the warranty that stands in the record itself. */
bool
ledger_warranty_is_near(const struct ledger_book *b, uint32_t device, int32_t today);
/* Papers that somebody is to see to: those that run out within LEDGER_NEAR_DAYS,
 * warranties among them (also the one of the ledger's own field), and those that have,
 * warranties not. */
struct ledger_papers {
    size_t due, over; /* All of them; those that have run out. */
};
struct ledger_papers ledger_book_papers(const struct ledger_book *b, int32_t today);

#endif
