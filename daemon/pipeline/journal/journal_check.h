/* caretaker check --journal: is the journal as it was written, and are the tables what
 * its events say, and the files of photos what was told of them?  Reads state.db as of
 * one moment, beside a daemon that may be running; memory is bounded by the alarms of
 * the site and by how often the clock was stepped while tickets were open, not by the
 * length of the journal. */
#ifndef CARETAKER_PIPELINE_JOURNAL_CHECK_H
#define CARETAKER_PIPELINE_JOURNAL_CHECK_H

#include "daemon/base/strbuf.h"
#include "daemon/store/journal_proof.h"

#define JOURNAL_FINDINGS_SHOWN 100 /* More are counted. */

struct journal_check {
    const char *data_dir;
    const struct journal_head *kept; /* Elsewhere; may be NULL. */
    /* From 0 to 1, now and then; may be NULL. */
    void (*progress)(void *ctx, double done);
    void *ctx;
};

struct journal_verdict {
    int64_t events, tickets, alarms, photos, findings;
    struct journal_head head;
    struct strbuf text; /* Of each finding a line. */
    struct strbuf json; /* The same as members of an array, without its brackets:
                           kind, then first and last (rows), or ticket (and photo), or
                           device and rule, with field, table, journal; text. */
};

/* ERR_NOT_FOUND: there is no database.  `out` is filled in any case; free it with
 * journal_verdict_fini(). */
int journal_check(const struct journal_check *check,
                  struct journal_verdict *out,
                  struct err *err);
void journal_verdict_fini(struct journal_verdict *v);

#endif
