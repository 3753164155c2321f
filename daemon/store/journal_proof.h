/* Proves the chain of the journal: reads it once, in bounded memory, and names each row
 * that was changed, removed or added since it was written. */
#ifndef CARETAKER_STORE_JOURNAL_PROOF_H
#define CARETAKER_STORE_JOURNAL_PROOF_H

#include "daemon/store/state.h"

enum journal_fault {
    JOURNAL_CHANGED,  /* They do not follow on the row before them: they were changed,
                         or that one was, and got a new hash. */
    JOURNAL_REHASHED, /* The row is what was written; its hash is not. */
    JOURNAL_GONE,     /* They were there and are not. */
    JOURNAL_CUT,      /* The same, at the end. */
    JOURNAL_ADDED,    /* They were not written by the daemon. */
    JOURNAL_ANEW,     /* The row follows on nothing: there was no head to follow on. */
    JOURNAL_NO_HEAD,  /* In meta. */
    JOURNAL_OTHER_HEAD, /* The head in meta names another row of that number. */
    JOURNAL_OTHER_KEPT, /* So does the head that was kept elsewhere. */
    JOURNAL_FAULT_COUNT
};

/* "changed" "rehashed" "gone" "cut" "added" "anew" "no-head" "other-head" "other-kept"
 */
const char *journal_fault_name(enum journal_fault fault);

struct journal_finding {
    enum journal_fault fault;
    int64_t first, last; /* Rows; JOURNAL_NO_HEAD has none. */
};
/* One line of plain words, without an end of line. */
void journal_finding_to_text(struct strbuf *out, const struct journal_finding *f);

struct journal_proof {
    const struct journal_head *kept; /* Elsewhere; may be NULL. */
    void *ctx;
    void (*found)(void *ctx, const struct journal_finding *f);
    /* Each row from 1 on, in order, whether it fits or not; may be NULL. */
    void (*row)(void *ctx, const struct event_row *row);
    /* Now and then; may be NULL.  `total` is what the head says. */
    void (*progress)(void *ctx, int64_t done, int64_t total);
};

struct journal_sum {
    int64_t rows;
    int64_t findings;
    struct journal_head head; /* Of the last row; what to keep elsewhere. */
};

/* 0 also when there are findings; an error only when it cannot be read. */
int journal_prove(struct state *s,
                  const struct journal_proof *proof,
                  struct journal_sum *out,
                  struct err *err);

#endif
