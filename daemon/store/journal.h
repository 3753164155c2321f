/* The journal: the rows of `events` in state.db, chained by hashes, so that a row that
 * was changed, removed or added from outside is found.
 *
 *   hash of row 0 = 32 zero bytes
 *   hash of row n = SHA-256(hash of row n - 1, then the columns of row n)
 *
 * The columns are seq, t, name, device, rule, ticket, person, json, peer and more, in
 * this order.  Each is written as a letter for its type (i integer, t text, n NULL),
 * the length of its content in bytes as decimal, a colon, the content, and a comma; an
 * integer is written in decimal, a text as its UTF-8 bytes:
 *
 *   i1:7,i13:1767225600000,t12:alarm.raised,t6:pump-1,t3:hot,n0:,n0:,t2:{},n0:,n0:,
 *
 * No two rows have the same form.  The head, which is the number and the hash of the
 * last row, stands in `meta` as "SEQ:HASH" with 64 hex digits and is written in the
 * same transaction as the row.  Triggers refuse UPDATE and DELETE; they are a fence,
 * the chain is the proof.  Who can write to the file can write the whole chain anew
 * from some row on: only a head that is kept elsewhere (--head, or the broker's log of
 * events) shows that.
 *
 * `more` is what an event means for the row of its ticket (see daemon/ticket/fold.h).
 */
#ifndef CARETAKER_STORE_JOURNAL_H
#define CARETAKER_STORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_HASH_BYTES 32 /* SHA-256, FIPS 180-4. */
/* "SEQ:" and the hex digits: 19 + 1 + 64, and the NUL. */
#define JOURNAL_HEAD_BYTES 88

struct journal_head {
    int64_t seq; /* 0: there is no row yet; the hash is all zero. */
    unsigned char hash[JOURNAL_HASH_BYTES];
};

/* "SEQ:HASH" into `out` of JOURNAL_HEAD_BYTES; returns `out`. */
char *journal_head_format(char *out, const struct journal_head *head);
/* The 64 hex digits alone, into `out` of JOURNAL_HEAD_BYTES; returns `out`. */
char *journal_hash_format(char *out, const struct journal_head *head);
/* The whole text must be "SEQ:HASH"; hex digits of either case. */
bool journal_head_parse(struct journal_head *out, const char *text);

#endif
