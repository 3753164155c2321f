/* Plans in state.db. */
#include "daemon/base/instant.h"
#include "daemon/store/state_internal.h"

static void
bind_day(sqlite3_stmt *stmt, int at, int32_t day)
{
    if (day == DAY_NONE) {
        sqlite3_bind_null(stmt, at);
    } else {
        sqlite3_bind_int(stmt, at, day);
    }
}

static int32_t
column_day(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt, at) == SQLITE_NULL
               ? DAY_NONE
               : (int32_t)sqlite3_column_int(stmt, at);
}

int
state_put_plan(struct state *s, const struct plan_row *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_PLAN, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    const struct plan_use_row *use = &row->use;
    bind_text(stmt, 1, row->plan);
    bind_text(stmt, 2, row->device);
    bind_day(stmt, 3, row->since_day);
    bind_day(stmt, 4, row->done_day);
    bind_instant(stmt, 5, row->done_ms);
    bind_day(stmt, 6, row->base_day);
    bind_day(stmt, 7, row->moved_day);
    bind_day(stmt, 8, row->use_day);
    bind_number_or_null(stmt, 9, row->ticket);
    bind_day(stmt, 10, row->ticket_day);
    bind_day(stmt, 11, row->told_day);
    sqlite3_bind_int(stmt, 12, row->overdue);
    sqlite3_bind_int(stmt, 13, row->held);
    bind_number_or_null(stmt, 14, row->before.ticket);
    bind_instant(stmt, 15, row->before.done_ms);
    bind_day(stmt, 16, row->before.done_day);
    bind_day(stmt, 17, row->before.base_day);
    bind_day(stmt, 18, row->before.ticket_day);
    sqlite3_bind_double(stmt, 19, row->before.at_service);
    sqlite3_bind_double(stmt, 20, use->total);
    sqlite3_bind_double(stmt, 21, use->at_service);
    sqlite3_bind_double(stmt, 22, use->at_mark);
    bind_instant(stmt, 23, use->mark_ms);
    sqlite3_bind_double(stmt, 24, use->rate);
    sqlite3_bind_int(stmt, 25, use->rate_days);
    bind_instant(stmt, 26, use->last_ms);
    sqlite3_bind_double(stmt, 27, use->last_value);
    return state_run(s, SQL_PUT_PLAN, stmt, "put a plan", err);
}

static void
plan_row_read(sqlite3_stmt *stmt, struct plan_row *row)
{
    *row = (struct plan_row){.since_day = column_day(stmt, 2),
                             .done_day = column_day(stmt, 3),
                             .done_ms = column_instant(stmt, 4),
                             .base_day = column_day(stmt, 5),
                             .moved_day = column_day(stmt, 6),
                             .use_day = column_day(stmt, 7),
                             .ticket = sqlite3_column_int64(stmt, 8),
                             .ticket_day = column_day(stmt, 9),
                             .told_day = column_day(stmt, 10),
                             .overdue = sqlite3_column_int(stmt, 11) != 0,
                             .held = sqlite3_column_int(stmt, 12) != 0};
    row->before = (struct plan_before){.ticket = sqlite3_column_int64(stmt, 13),
                                       .done_ms = column_instant(stmt, 14),
                                       .done_day = column_day(stmt, 15),
                                       .base_day = column_day(stmt, 16),
                                       .ticket_day = column_day(stmt, 17),
                                       .at_service = sqlite3_column_double(stmt, 18)};
    row->use = (struct plan_use_row){.total = sqlite3_column_double(stmt, 19),
                                     .at_service = sqlite3_column_double(stmt, 20),
                                     .at_mark = sqlite3_column_double(stmt, 21),
                                     .mark_ms = column_instant(stmt, 22),
                                     .rate = sqlite3_column_double(stmt, 23),
                                     .rate_days = sqlite3_column_int(stmt, 24),
                                     .last_ms = column_instant(stmt, 25),
                                     .last_value = sqlite3_column_double(stmt, 26)};
    copy_text(row->plan, sizeof row->plan, stmt, 0);
    copy_text(row->device, sizeof row->device, stmt, 1);
}

int
state_each_plan(struct state *s, state_plan_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct plan_row row;
    int rc = state_lend(s, SQL_EACH_PLAN, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    while (next_row(s, stmt, &rc, err)) {
        plan_row_read(stmt, &row);
        if (!fn(ctx, &row)) {
            break;
        }
    }
    state_return(s, SQL_EACH_PLAN, stmt);
    return rc;
}
