#include "daemon/store/state_events.h"

#include "daemon/store/state_internal.h"

static int
give_rows(struct rows *r, state_event_fn fn, void *ctx)
{
    while (rows_next(r)) {
        const struct event_row row = {
            .seq = sqlite3_column_int64(r->stmt, 0),
            .t_ms = sqlite3_column_int64(r->stmt, 1),
            .name = column_text(r->stmt, 2),
            .device = column_text(r->stmt, 3),
            .rule = column_text(r->stmt, 4),
            .ticket = sqlite3_column_int64(r->stmt, 5),
            .json = column_text(r->stmt, 6),
            .peer = column_text(r->stmt, 7),
            .more = column_text(r->stmt, 8),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(r);
}

int
state_each_event(struct state *s,
                 int64_t after_seq,
                 int64_t limit,
                 state_event_fn fn,
                 void *ctx,
                 struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_EVENT, err);
    rows_bind(&r, 1, after_seq);
    rows_bind(&r, 2, limit > 0 ? limit : -1); /* -1: no limit. */
    return give_rows(&r, fn, ctx);
}

int
state_each_ticket_event(
    struct state *s, int64_t number, state_event_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_TICKET_EVENT, err);
    rows_bind(&r, 1, number);
    return give_rows(&r, fn, ctx);
}

int
state_events_back(struct state *s,
                  const struct event_query *q,
                  state_event_fn fn,
                  void *ctx,
                  struct err *err)
{
    struct rows r =
        rows_open(s, q->ticket != 0 ? SQL_EVENTS_BACK_OF_TICKET : SQL_EVENTS_BACK, err);
    rows_bind(&r, 1, q->after);
    rows_bind(&r, 2, q->before);
    rows_bind(&r, 3, q->limit);
    if (r.rc == 0) {
        bind_text_or_null(r.stmt, 4, q->device);
        bind_text_or_null(r.stmt, 5, q->rule);
        bind_text_or_null(r.stmt, 6, q->event);
    }
    if (q->ticket != 0) {
        rows_bind(&r, 7, q->ticket);
    }
    rows_bind(&r, 8, q->no_people);
    return give_rows(&r, fn, ctx);
}

int
state_each_device_figure(
    struct state *s, const char *device, state_event_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_DEVICE_FIGURE, err);
    if (r.rc == 0) {
        bind_text(r.stmt, 1, device);
    }
    return give_rows(&r, fn, ctx);
}
