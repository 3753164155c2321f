/* Hashing of one row of the journal, in the form that daemon/store/journal.h gives, and
 * the SQL function by which the schema chains rows that are older than the chain. */
#ifndef CARETAKER_STORE_JOURNAL_HASH_H
#define CARETAKER_STORE_JOURNAL_HASH_H

#include <sodium.h>
#include <sqlite3.h>

#include "daemon/base/err.h"
#include "daemon/store/journal.h"

_Static_assert(JOURNAL_HASH_BYTES == crypto_hash_sha256_BYTES, "SHA-256");

/* The columns that are hashed, in their order, then the hash itself. */
#define JOURNAL_COLUMNS                                                                \
    "seq, t, name, device, rule, ticket, person, json, peer, more, hash"
#define JOURNAL_COLUMN_COUNT 10 /* Without the hash, which follows them. */

struct journal_hasher {
    crypto_hash_sha256_state state;
};

void journal_hash_begin(struct journal_hasher *h,
                        const unsigned char before[JOURNAL_HASH_BYTES]);
void journal_hash_int(struct journal_hasher *h, int64_t value);
void journal_hash_text(struct journal_hasher *h, const char *text);
/* NULL and "" are both NULL, as they are bound. */
void journal_hash_text_or_null(struct journal_hasher *h, const char *text);
void journal_hash_end(struct journal_hasher *h, unsigned char out[JOURNAL_HASH_BYTES]);

/* The same of the row that `stmt` stands at; its first columns are JOURNAL_COLUMNS.  A
 * value of another type than the schema's has a form of its own (r, b). */
void journal_hash_row(unsigned char out[JOURNAL_HASH_BYTES],
                      const unsigned char before[JOURNAL_HASH_BYTES],
                      sqlite3_stmt *stmt);

/* Makes journal_chain() known to SQL on this connection: it hashes every row of events
 * that there is, writes the head to meta and returns it.  For the schema only. */
int journal_register(sqlite3 *db, struct err *err);

#endif
