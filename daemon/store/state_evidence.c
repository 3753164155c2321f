#include "daemon/store/state_evidence.h"

#include <string.h>

#include "daemon/base/strbuf.h"
#include "daemon/store/state_internal.h"

/* Alarms are told before their tickets, in the same step. */
#define STEP_EVENTS 4096

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
    int rc = db_prepare(s->db, &stmt,
                        "SELECT ticket, opening, t_ms, rule, version, facts, device,"
                        " bus FROM evidence WHERE ticket = ?1 ORDER BY opening",
                        err);
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
    sqlite3_finalize(stmt);
    return rc;
}

/* The reading of all tickets, with another end. */
static int
prepare_tickets(struct state *s, sqlite3_stmt **out, const char *end, struct err *err)
{
    const char *all = state_sql_text(SQL_EACH_TICKET);
    struct strbuf sql = {0};
    strbuf_add_bytes(&sql, all, (size_t)(strstr(all, " WHERE ") - all));
    strbuf_add(&sql, end);
    int rc = db_prepare(s->db, out, strbuf_text(&sql), err);
    strbuf_fini(&sql);
    return rc;
}

static int
hand_over_tickets(
    struct state *s, sqlite3_stmt *stmt, state_ticket_fn fn, void *ctx, struct err *err)
{
    struct ticket t;
    int rc = 0;
    while (next_row(s, stmt, &rc, err)) {
        rc = state_ticket_row(s, stmt, &t, err);
        if (rc != 0 || !fn(ctx, &t)) {
            break;
        }
    }
    sqlite3_finalize(stmt);
    return rc;
}

int
state_get_ticket(
    struct state *s, int64_t number, state_ticket_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = prepare_tickets(s, &stmt, " WHERE number = ?1", err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, number);
    return hand_over_tickets(s, stmt, fn, ctx, err);
}

int
state_each_like(struct state *s,
                const struct ticket *t,
                bool same,
                int64_t limit,
                state_ticket_fn fn,
                void *ctx,
                struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = prepare_tickets(
        s, &stmt,
        same ? " WHERE rule = ?1 AND device = ?2 AND number <> ?3"
               " ORDER BY number DESC LIMIT ?4"
             : " WHERE rule = ?1 AND device <> ?2 ORDER BY number DESC LIMIT ?4",
        err);
    if (rc != 0) {
        return rc;
    }
    bind_text_or_null(stmt, 1, t->rule);
    bind_text_or_null(stmt, 2, t->device);
    if (same) {
        sqlite3_bind_int64(stmt, 3, t->number);
    }
    sqlite3_bind_int64(stmt, 4, limit);
    return hand_over_tickets(s, stmt, fn, ctx, err);
}

int
state_each_event_of(struct state *s,
                    const struct ticket *t,
                    state_event_fn fn,
                    void *ctx,
                    struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(
        s->db, &stmt,
        "WITH own AS (SELECT min(seq) AS first, max(seq) AS last, min(t) AS begin"
        "  FROM events WHERE ticket = ?1)"
        " SELECT e.seq, e.t, e.name, e.device, e.rule, e.ticket, e.json, e.peer"
        " FROM own, events e WHERE e.seq BETWEEN own.first - ?4 AND own.last"
        " AND (e.ticket = ?1 OR (e.device = ?2 AND e.rule = ?3 AND e.t >= own.begin"
        "  AND e.ticket IS NULL AND e.name LIKE 'alarm.%')) ORDER BY e.seq",
        err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, t->number);
    bind_text_or_null(stmt, 2, t->device);
    bind_text_or_null(stmt, 3, t->rule);
    sqlite3_bind_int(stmt, 4, STEP_EVENTS);
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
    sqlite3_finalize(stmt);
    return rc;
}
