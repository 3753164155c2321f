#include "daemon/store/state_evidence.h"

#include "daemon/store/journal_hash.h"
#include "daemon/store/state_internal.h"

/* Alarms are told before their tickets, in the same step. */
#define STEP_EVENTS 4096

_Static_assert(EVIDENCE_HASH_BYTES == 2 * JOURNAL_HASH_BYTES + 1, "hex");

void
state_evidence_hash(char out[EVIDENCE_HASH_BYTES], const struct evidence_row *row)
{
    static const unsigned char none[JOURNAL_HASH_BYTES];
    const char *const texts[] = {row->rule, row->version, row->facts, row->device,
                                 row->bus};
    unsigned char hash[JOURNAL_HASH_BYTES];
    struct journal_hasher h;
    journal_hash_begin(&h, none);
    journal_hash_int(&h, row->t_ms);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        journal_hash_text_or_null(&h, texts[i]);
    }
    journal_hash_end(&h, hash);
    sodium_bin2hex(out, EVIDENCE_HASH_BYTES, hash, sizeof hash);
}

int
state_put_evidence(struct state *s, const struct evidence_row *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_EVIDENCE, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, row->ticket);
    sqlite3_bind_int64(stmt, 2, row->t_ms);
    bind_text_or_null(stmt, 3, row->rule);
    bind_text_or_null(stmt, 4, row->version);
    bind_text_or_null(stmt, 5, row->facts);
    bind_text_or_null(stmt, 6, row->device);
    bind_text_or_null(stmt, 7, row->bus);
    return state_run(s, SQL_PUT_EVIDENCE, stmt, "put the evidence of a ticket", err);
}

int
state_each_evidence(
    struct state *s, int64_t ticket, state_evidence_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_EVIDENCE, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, ticket);
    while (next_row(s, stmt, &rc, err)) {
        const struct evidence_row row = {
            .ticket = sqlite3_column_int64(stmt, 0),
            .opening = sqlite3_column_int64(stmt, 1),
            .t_ms = sqlite3_column_int64(stmt, 2),
            .rule = column_text(stmt, 3),
            .version = column_text(stmt, 4),
            .facts = column_text(stmt, 5),
            .device = column_text(stmt, 6),
            .bus = column_text(stmt, 7),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    state_return(s, SQL_EACH_EVIDENCE, stmt);
    return rc;
}

int
state_each_event_of(struct state *s,
                    const struct ticket *t,
                    const char *rules,
                    state_event_fn fn,
                    void *ctx,
                    struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_EVENT_OF, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, t->number);
    bind_text_or_null(stmt, 2, t->device);
    bind_text_or_null(stmt, 3, rules);
    sqlite3_bind_int(stmt, 4, STEP_EVENTS);
    sqlite3_bind_int(stmt, 5, t->state != TICKET_CLOSED);
    while (next_row(s, stmt, &rc, err)) {
        const struct event_row row = {
            .seq = sqlite3_column_int64(stmt, 0),
            .t_ms = sqlite3_column_int64(stmt, 1),
            .name = column_text(stmt, 2),
            .device = column_text(stmt, 3),
            .rule = column_text(stmt, 4),
            .ticket = sqlite3_column_int64(stmt, 5),
            .json = column_text(stmt, 6),
            .peer = column_text(stmt, 7),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    state_return(s, SQL_EACH_EVENT_OF, stmt);
    return rc;
}
