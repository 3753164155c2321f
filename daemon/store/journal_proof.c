#include "daemon/store/journal_proof.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/journal_hash.h"
#include "daemon/store/state_internal.h"

/* How far back the row is looked for that another one follows on: so many rows added in
 * one place are told from a break. */
#define LINKS         1024
#define PROGRESS_ROWS 4096

struct link {
    int64_t seq;
    unsigned char stored[JOURNAL_HASH_BYTES];
    unsigned char computed[JOURNAL_HASH_BYTES]; /* The same unless it does not fit. */
};

struct walk {
    const struct journal_proof *proof;
    struct journal_sum *sum;
    bool has_head;
    struct journal_head head; /* As meta has it. */
    struct link links[LINKS]; /* A ring; links[count % LINKS] is next. */
    uint64_t count;
    struct link at_head, at_kept; /* The rows of these numbers; seq 0: not met. */
    int64_t bad_first, bad_last;  /* Rows that do not fit, not told yet; 0: none. */
    int64_t last_seq;
};

const char *
journal_fault_name(enum journal_fault fault)
{
    static const char *const names[] = {"changed", "rehashed",   "gone",
                                        "cut",     "added",      "anew",
                                        "no-head", "other-head", "other-kept"};
    _Static_assert(ARRAY_LEN(names) == JOURNAL_FAULT_COUNT, "a name for each");
    assert(fault < JOURNAL_FAULT_COUNT);
    return names[fault];
}

/* "row 8", "rows 8 to 9" */
static void
add_rows(struct strbuf *out, const struct journal_finding *f)
{
    if (f->first == f->last) {
        strbuf_printf(out, tr("row %" PRId64), f->first);
    } else {
        strbuf_printf(out, tr("rows %" PRId64 " to %" PRId64), f->first, f->last);
    }
}

void
journal_finding_to_text(struct strbuf *out, const struct journal_finding *f)
{
    bool one = f->first == f->last;
    if (f->fault != JOURNAL_NO_HEAD) {
        add_rows(out, f);
    }
    switch (f->fault) {
    case JOURNAL_CHANGED:
        strbuf_printf(out, tr("%s changed"), one ? " was" : " were");
        if (f->first > 1) {
            strbuf_printf(out, tr(", or row %" PRId64 " was and got a new hash"),
                          f->first - 1);
        }
        break;
    case JOURNAL_REHASHED:
        strbuf_add(out, tr(": its hash was changed"));
        break;
    case JOURNAL_GONE:
        strbuf_printf(out, tr("%s removed; what row %" PRId64 " was cannot be proven"),
                      one ? " was" : " were", f->last + 1);
        break;
    case JOURNAL_CUT:
        strbuf_printf(out, tr(", the last, %s removed"), one ? "was" : "were");
        break;
    case JOURNAL_ADDED:
        strbuf_printf(out, tr("%s added from outside"), one ? " was" : " were");
        break;
    case JOURNAL_ANEW:
        strbuf_add(out, tr(" begins a new chain: the head in meta was gone when it was "
                           "written"));
        break;
    case JOURNAL_NO_HEAD:
        strbuf_add(out, tr("the head in meta was removed or is none"));
        break;
    case JOURNAL_OTHER_HEAD:
        strbuf_add(
            out, tr(" is not the one that the head in meta names: either was changed"));
        break;
    case JOURNAL_OTHER_KEPT:
        strbuf_add(
            out, tr(" is not the one that the kept head names: the journal was written "
                    "anew before it, or up to it"));
        break;
    case JOURNAL_FAULT_COUNT:
        break;
    }
}

static void
tell(struct walk *w, enum journal_fault fault, int64_t first, int64_t last)
{
    const struct journal_finding f = {fault, first, last};
    w->sum->findings++;
    w->proof->found(w->proof->ctx, &f);
}

static void
tell_bad(struct walk *w)
{
    if (w->bad_first != 0) {
        tell(w, JOURNAL_CHANGED, w->bad_first, w->bad_last);
    }
    w->bad_first = 0;
    w->bad_last = 0;
}

static bool
is_hash(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, JOURNAL_HASH_BYTES) == 0;
}

/* The row before; of the first one, row 0. */
static const struct link *
newest(const struct walk *w)
{
    static const struct link none = {0};
    return w->count > 0 ? &w->links[(w->count - 1) % LINKS] : &none;
}

static bool
follows(const unsigned char *before, sqlite3_stmt *stmt, const unsigned char *stored)
{
    unsigned char hash[JOURNAL_HASH_BYTES];
    journal_hash_row(hash, before, stmt);
    return is_hash(hash, stored);
}

/* The newest row before the last one that this row follows on, or NULL. */
static const struct link *
find_older(const struct walk *w, sqlite3_stmt *stmt, const unsigned char *stored)
{
    uint64_t kept = w->count < LINKS ? w->count : LINKS;
    for (uint64_t back = 2; back <= kept; back++) {
        const struct link *l = &w->links[(w->count - back) % LINKS];
        if (follows(l->computed, stmt, stored)) {
            return l;
        }
    }
    return NULL;
}

/* It does not follow on the hash of the row before: on what, then? */
static void
judge_misfit(struct walk *w, sqlite3_stmt *stmt, const struct link *now)
{
    static const unsigned char nothing[JOURNAL_HASH_BYTES] = {0};
    const struct link *before = newest(w);
    const struct link *older = NULL;
    if (w->bad_last == before->seq && before->seq != 0 &&
        follows(before->computed, stmt, now->stored)) {
        w->bad_last--;
        if (w->bad_last < w->bad_first) {
            w->bad_first = 0;
        }
        tell_bad(w);
        tell(w, JOURNAL_REHASHED, before->seq, before->seq);
    } else if ((older = find_older(w, stmt, now->stored)) != NULL) {
        if (w->bad_first > older->seq) {
            w->bad_first = 0; /* They are told of as added. */
        } else if (w->bad_last > older->seq) {
            w->bad_last = older->seq;
        }
        tell_bad(w);
        tell(w, JOURNAL_ADDED, older->seq + 1, before->seq);
    } else if (before->seq != 0 && follows(nothing, stmt, now->stored)) {
        tell_bad(w);
        tell(w, JOURNAL_ANEW, now->seq, now->seq);
    } else {
        w->bad_first = w->bad_first != 0 ? w->bad_first : now->seq;
        w->bad_last = now->seq;
    }
}

static void
judge(struct walk *w, sqlite3_stmt *stmt, struct link *now)
{
    const struct link *before = newest(w);
    if (now->seq != before->seq + 1) {
        tell_bad(w);
        tell(w, JOURNAL_GONE, before->seq + 1, now->seq - 1);
        memcpy(now->computed, now->stored, sizeof now->computed);
        return;
    }
    journal_hash_row(now->computed, before->stored, stmt);
    if (is_hash(now->computed, now->stored)) {
        tell_bad(w);
    } else {
        judge_misfit(w, stmt, now);
    }
}

static void
hand_on(const struct walk *w, sqlite3_stmt *stmt)
{
    const char *name = column_text(stmt, 2);
    const char *json = column_text(stmt, 7);
    const struct event_row row = {
        .seq = sqlite3_column_int64(stmt, 0),
        .t_ms = sqlite3_column_int64(stmt, 1),
        .name = name != NULL ? name : "",
        .device = column_text(stmt, 3),
        .rule = column_text(stmt, 4),
        .ticket = sqlite3_column_int64(stmt, 5),
        .json = json != NULL ? json : "",
        .peer = column_text(stmt, 8),
        .more = column_text(stmt, 9),
    };
    w->proof->row(w->proof->ctx, &row);
}

static void
take_row(struct walk *w, sqlite3_stmt *stmt)
{
    struct link now = {.seq = sqlite3_column_int64(stmt, 0)};
    w->sum->rows++;
    if (w->proof->progress != NULL && w->sum->rows % PROGRESS_ROWS == 0) {
        w->proof->progress(w->proof->ctx, w->sum->rows, w->head.seq);
    }
    if (now.seq < 1) {
        tell(w, JOURNAL_ADDED, now.seq, now.seq);
        return;
    }
    if (sqlite3_column_bytes(stmt, JOURNAL_COLUMN_COUNT) == JOURNAL_HASH_BYTES) {
        memcpy(now.stored, sqlite3_column_blob(stmt, JOURNAL_COLUMN_COUNT),
               JOURNAL_HASH_BYTES);
    }
    w->last_seq = now.seq;
    if (!w->has_head || now.seq <= w->head.seq) {
        judge(w, stmt, &now);
        w->links[w->count++ % LINKS] = now;
        w->sum->head.seq = now.seq;
        memcpy(w->sum->head.hash, now.stored, JOURNAL_HASH_BYTES);
    }
    if (now.seq == w->head.seq) {
        w->at_head = now;
    }
    if (w->proof->kept != NULL && now.seq == w->proof->kept->seq) {
        w->at_kept = now;
    }
    if (w->proof->row != NULL) {
        hand_on(w, stmt);
    }
}

/* What the head in meta says of the end of the journal. */
static void
judge_head(struct walk *w)
{
    const struct link *end = newest(w);
    bool met = w->has_head && w->at_head.seq == w->head.seq;
    bool as_computed = met && is_hash(w->head.hash, w->at_head.computed);
    bool as_stored = met && is_hash(w->head.hash, w->at_head.stored);
    if (as_computed && !as_stored && w->bad_last == end->seq) {
        int64_t last = w->bad_last--;
        w->bad_first = w->bad_last < w->bad_first ? 0 : w->bad_first;
        tell_bad(w);
        tell(w, JOURNAL_REHASHED, last, last);
    }
    tell_bad(w);
    if (!w->has_head) {
        tell(w, JOURNAL_NO_HEAD, 0, 0);
    } else if (end->seq < w->head.seq) {
        tell(w, JOURNAL_CUT, end->seq + 1, w->head.seq);
    } else if (w->head.seq > 0 && !as_computed && !as_stored) {
        tell(w, JOURNAL_OTHER_HEAD, w->head.seq, w->head.seq);
    }
    if (w->has_head && w->last_seq > w->head.seq) {
        tell(w, JOURNAL_ADDED, w->head.seq + 1, w->last_seq);
    }
}

static void
judge_kept(struct walk *w)
{
    const struct journal_head *kept = w->proof->kept;
    if (kept == NULL || kept->seq == 0) {
        return;
    }
    if (kept->seq > w->last_seq) {
        if (!w->has_head || kept->seq > w->head.seq) {
            tell(w, JOURNAL_CUT, w->last_seq + 1, kept->seq);
        }
    } else if (w->at_kept.seq == kept->seq && !is_hash(kept->hash, w->at_kept.stored)) {
        tell(w, JOURNAL_OTHER_KEPT, kept->seq, kept->seq);
    }
}

int
journal_prove(struct state *s,
              const struct journal_proof *proof,
              struct journal_sum *out,
              struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    *out = (struct journal_sum){0};
    struct walk *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "proof of the journal");
    }
    w->proof = proof;
    w->sum = out;
    int rc = journal_read_head(s->db, &w->head, &w->has_head, err);
    if (rc == 0) {
        rc = db_prepare(s->db, &stmt,
                        "SELECT " JOURNAL_COLUMNS " FROM events ORDER BY seq", err);
    }
    while (rc == 0 && next_row(s, stmt, &rc, err)) {
        take_row(w, stmt);
    }
    sqlite3_finalize(stmt);
    if (rc == 0) {
        judge_head(w);
        judge_kept(w);
    }
    free(w);
    return rc;
}
