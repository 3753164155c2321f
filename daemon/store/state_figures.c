#include "daemon/store/state_figures.h"

#include "daemon/store/state_internal.h"

int
state_each_work(struct state *s,
                int64_t from_ms,
                int64_t to_ms,
                state_work_fn fn,
                void *ctx,
                struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_WORK, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, from_ms);
    sqlite3_bind_int64(stmt, 2, to_ms);
    while (next_row(s, stmt, &rc, err)) {
        struct work_row row = {
            .number = sqlite3_column_int64(stmt, 0),
            .device = column_text(stmt, 4),
            .rule = column_text(stmt, 5),
            .category = column_text(stmt, 6),
            .person = column_text(stmt, 7),
            .team = column_text(stmt, 8),
            .cause = column_text(stmt, 9),
            .plan = column_text(stmt, 10),
            .opened_ms = column_instant(stmt, 11),
            .responded_ms = column_instant(stmt, 12),
            .resolved_ms = column_instant(stmt, 13),
            .reopened = sqlite3_column_int64(stmt, 14),
            .minutes = sqlite3_column_int64(stmt, 15),
            .cost = sqlite3_column_int64(stmt, 16),
            .parts = column_text(stmt, 17),
            .rating = sqlite3_column_int(stmt, 18),
        };
        if (!ticket_kind_parse(&row.kind, column_text(stmt, 1))) {
            rc = bad_word(s, stmt, 1, err);
        } else if (!severity_parse(&row.priority, column_text(stmt, 2))) {
            rc = bad_word(s, stmt, 2, err);
        } else if (!ticket_state_parse(&row.state, column_text(stmt, 3))) {
            rc = bad_word(s, stmt, 3, err);
        }
        if (rc != 0 || !fn(ctx, &row)) {
            break;
        }
    }
    state_return(s, SQL_EACH_WORK, stmt);
    return rc;
}

int
state_each_reopening(struct state *s, state_reopening_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_REOPENING, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    while (next_row(s, stmt, &rc, err)) {
        const struct reopening_row row = {
            .ticket = sqlite3_column_int64(stmt, 0),
            .t_ms = sqlite3_column_int64(stmt, 1),
            .reopened = sqlite3_column_int(stmt, 2) != 0,
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    state_return(s, SQL_EACH_REOPENING, stmt);
    return rc;
}

int
state_each_figure_event(struct state *s, state_event_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_FIGURE_EVENT, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    while (next_row(s, stmt, &rc, err)) {
        const struct event_row row = {
            .seq = sqlite3_column_int64(stmt, 0),
            .t_ms = sqlite3_column_int64(stmt, 1),
            .name = column_text(stmt, 2),
            .device = column_text(stmt, 3),
            .rule = column_text(stmt, 4),
            .ticket = sqlite3_column_int64(stmt, 5),
            .json = column_text(stmt, 6),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    state_return(s, SQL_EACH_FIGURE_EVENT, stmt);
    return rc;
}

int
state_first_event(struct state *s, int64_t *t_ms, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_FIRST_EVENT, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    int64_t first_ms = INSTANT_NONE;
    if (next_row(s, stmt, &rc, err)) {
        first_ms = column_instant(stmt, 0);
    }
    state_return(s, SQL_FIRST_EVENT, stmt);
    if (rc == 0) {
        *t_ms = first_ms;
    }
    return rc;
}
