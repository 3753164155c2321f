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
    struct rows r = rows_open(s, SQL_EACH_WORK, err);
    rows_bind(&r, 1, from_ms);
    rows_bind(&r, 2, to_ms);
    while (rows_next(&r)) {
        struct work_row row = {
            .number = sqlite3_column_int64(r.stmt, 0),
            .device = column_text(r.stmt, 4),
            .rule = column_text(r.stmt, 5),
            .category = column_text(r.stmt, 6),
            .person = column_text(r.stmt, 7),
            .team = column_text(r.stmt, 8),
            .cause = column_text(r.stmt, 9),
            .plan = column_text(r.stmt, 10),
            .opened_ms = column_instant(r.stmt, 11),
            .responded_ms = column_instant(r.stmt, 12),
            .resolved_ms = column_instant(r.stmt, 13),
            .reopened = sqlite3_column_int64(r.stmt, 14),
            .minutes = sqlite3_column_int64(r.stmt, 15),
            .cost = sqlite3_column_int64(r.stmt, 16),
            .parts = column_text(r.stmt, 17),
            .rating = sqlite3_column_int(r.stmt, 18),
        };
        if (!ticket_kind_parse(&row.kind, column_text(r.stmt, 1))) {
            r.rc = bad_word(s, r.stmt, 1, err);
        } else if (!severity_parse(&row.priority, column_text(r.stmt, 2))) {
            r.rc = bad_word(s, r.stmt, 2, err);
        } else if (!ticket_state_parse(&row.state, column_text(r.stmt, 3))) {
            r.rc = bad_word(s, r.stmt, 3, err);
        }
        if (r.rc != 0 || !fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_reopening(struct state *s, state_reopening_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_REOPENING, err);
    while (rows_next(&r)) {
        const struct reopening_row row = {
            .ticket = sqlite3_column_int64(r.stmt, 0),
            .t_ms = sqlite3_column_int64(r.stmt, 1),
            .reopened = sqlite3_column_int(r.stmt, 2) != 0,
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_figure_event(struct state *s, state_event_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_FIGURE_EVENT, err);
    while (rows_next(&r)) {
        const struct event_row row = {
            .seq = sqlite3_column_int64(r.stmt, 0),
            .t_ms = sqlite3_column_int64(r.stmt, 1),
            .name = column_text(r.stmt, 2),
            .device = column_text(r.stmt, 3),
            .rule = column_text(r.stmt, 4),
            .ticket = sqlite3_column_int64(r.stmt, 5),
            .json = column_text(r.stmt, 6),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_first_event(struct state *s, int64_t *t_ms, struct err *err)
{
    struct rows r = rows_open(s, SQL_FIRST_EVENT, err);
    int64_t first_ms = INSTANT_NONE;
    if (rows_next(&r)) {
        first_ms = column_instant(r.stmt, 0);
    }
    int rc = rows_close(&r);
    if (rc == 0) {
        *t_ms = first_ms;
    }
    return rc;
}
