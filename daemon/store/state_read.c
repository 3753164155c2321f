#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/store/state_internal.h"
#include "daemon/store/state_titles.h"

static int
one_int(struct state *s,
        enum state_sql which,
        int64_t absent,
        int64_t *out,
        struct err *err)
{
    struct rows r = rows_open(s, which, err);
    int64_t value = absent;
    if (rows_next(&r) && sqlite3_column_type(r.stmt, 0) != SQLITE_NULL) {
        value = sqlite3_column_int64(r.stmt, 0);
    }
    int rc = rows_close(&r);
    if (rc == 0) {
        *out = value;
    }
    return rc;
}

int
state_get_alive(struct state *s, int64_t *t_ms, struct err *err)
{
    return one_int(s, SQL_GET_ALIVE, INSTANT_NONE, t_ms, err);
}

int
state_get_born(struct state *s, int64_t *t_ms, struct err *err)
{
    return one_int(s, SQL_GET_BORN, INSTANT_NONE, t_ms, err);
}

int
state_last_event(struct state *s, int64_t *seq, struct err *err)
{
    return one_int(s, SQL_LAST_EVENT, 0, seq, err);
}

int
state_max_ticket(struct state *s, int64_t *number, struct err *err)
{
    return one_int(s, SQL_MAX_TICKET, 0, number, err);
}

int
state_oldest_visit(struct state *s, int64_t *closed_ms, struct err *err)
{
    return one_int(s, SQL_OLDEST_VISIT, INSTANT_MAX, closed_ms, err);
}

int
state_outbox_depth(struct state *s, int64_t *depth, struct err *err)
{
    /* Only the writer knows of every change, so only it may count along. */
    if (s->mode == STORE_WRITE && s->depth >= 0) {
        *depth = s->depth;
        return 0;
    }
    int rc = one_int(s, SQL_OUTBOX_DEPTH, 0, depth, err);
    if (rc == 0) {
        s->depth = *depth;
    }
    return rc;
}

/* "ms,ms,..."; what is not so ends the list. */
static void
read_raises(struct alarm *a, const char *text)
{
    while (text != NULL && *text != '\0' && a->raise_count < RAISES_MAX) {
        char *end = NULL;
        long long t_ms = strtoll(text, &end, 10);
        if (end == text) {
            return;
        }
        a->raises[a->raise_count++] = t_ms;
        text = *end == ',' ? end + 1 : end;
    }
}

static int
read_life(struct state *s, sqlite3_stmt *stmt, struct alarm *a, struct err *err)
{
    a->returned_ms = sqlite3_column_int64(stmt, 12);
    a->untold = sqlite3_column_int(stmt, 13) != 0;
    if (!severity_parse(&a->told_severity, column_text(stmt, 14))) {
        return bad_word(s, stmt, 14, err);
    }
    a->first_out = sqlite3_column_int(stmt, 15) != 0;
    a->chatter = sqlite3_column_int(stmt, 16) != 0;
    copy_text(a->hiding.by, sizeof a->hiding.by, stmt, 17);
    copy_text(a->hiding.reason, sizeof a->hiding.reason, stmt, 18);
    a->hiding.since_ms = sqlite3_column_int64(stmt, 19);
    a->hiding.until_ms = sqlite3_column_int64(stmt, 20);
    read_raises(a, column_text(stmt, 21));
    state_titles_read(&a->titles, stmt, 22);
    return 0;
}

static int
alarm_row(struct state *s, sqlite3_stmt *stmt, struct alarm *a, struct err *err)
{
    *a = (struct alarm){0};
    a->device = column_text(stmt, 0);
    a->rule = column_text(stmt, 1);
    if (!severity_parse(&a->severity, column_text(stmt, 2))) {
        return bad_word(s, stmt, 2, err);
    }
    if (!alarm_state_parse(&a->state, column_text(stmt, 3))) {
        return bad_word(s, stmt, 3, err);
    }
    a->episode = sqlite3_column_int64(stmt, 4);
    a->raised_ms = column_instant(stmt, 5);
    a->cleared_ms = column_instant(stmt, 6);
    a->acked_ms = column_instant(stmt, 7);
    copy_text(a->acked_by, sizeof a->acked_by, stmt, 8);
    a->has_value = sqlite3_column_type(stmt, 9) != SQLITE_NULL;
    a->value = sqlite3_column_double(stmt, 9);
    copy_text(a->title, sizeof a->title, stmt, 10);
    a->ticket = sqlite3_column_int64(stmt, 11);
    return read_life(s, stmt, a, err);
}

int
state_each_alarm(
    struct state *s, bool listing_only, state_alarm_fn fn, void *ctx, struct err *err)
{
    struct alarm a;
    struct rows r = rows_open(s, SQL_EACH_ALARM, err);
    rows_bind(&r, 1, listing_only);
    while (rows_next(&r)) {
        r.rc = alarm_row(s, r.stmt, &a, err);
        if (r.rc != 0 || !fn(ctx, &a)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_one_alarm(struct state *s,
                const char *device,
                const char *rule,
                state_alarm_fn fn,
                void *ctx,
                struct err *err)
{
    struct alarm a;
    struct rows r = rows_open(s, SQL_ONE_ALARM, err);
    rows_bind_text(&r, 1, device);
    rows_bind_text(&r, 2, rule);
    if (rows_next(&r)) {
        r.rc = alarm_row(s, r.stmt, &a, err);
        if (r.rc == 0) {
            (void)fn(ctx, &a);
        }
    }
    return rows_close(&r);
}

int
state_each_timer(struct state *s, state_timer_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_TIMER, err);
    while (rows_next(&r)) {
        const struct timer_row row = {
            .device = column_text(r.stmt, 0),
            .rule = column_text(r.stmt, 1),
            .phase = sqlite3_column_int(r.stmt, 2),
            .level = sqlite3_column_int(r.stmt, 3),
            .target_level = sqlite3_column_int(r.stmt, 4),
            .since_ms = column_instant(r.stmt, 5),
            .clear = sqlite3_column_int(r.stmt, 6) != 0,
            .clear_since_ms = column_instant(r.stmt, 7),
            .while_last_ms = column_instant(r.stmt, 8),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_meter(struct state *s, state_meter_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_METER, err);
    while (rows_next(&r)) {
        const struct meter_row row = {
            .key = column_text(r.stmt, 0),
            .last_ms = column_instant(r.stmt, 1),
            .since_ms = column_instant(r.stmt, 2),
            .value = sqlite3_column_double(r.stmt, 3),
            .changed = sqlite3_column_int(r.stmt, 4) != 0,
            .true_ms = sqlite3_column_int64(r.stmt, 5),
            .starts = sqlite3_column_int64(r.stmt, 6),
            .service_ms = sqlite3_column_int64(r.stmt, 7),
            .service_starts = sqlite3_column_int64(r.stmt, 8),
            .early_ms = column_instant(r.stmt, 9),
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_device(struct state *s, state_device_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_DEVICE, err);
    while (rows_next(&r)) {
        if (!fn(ctx, column_text(r.stmt, 0), sqlite3_column_int(r.stmt, 1) != 0)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_service(struct state *s, state_service_fn fn, void *ctx, struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_SERVICE, err);
    while (rows_next(&r)) {
        struct service row = {.device = column_text(r.stmt, 0), .out = true};
        copy_text(row.hiding.by, sizeof row.hiding.by, r.stmt, 1);
        copy_text(row.hiding.reason, sizeof row.hiding.reason, r.stmt, 2);
        row.hiding.since_ms = sqlite3_column_int64(r.stmt, 3);
        row.hiding.until_ms = sqlite3_column_int64(r.stmt, 4);
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_outbox(struct state *s,
                  int64_t after_id,
                  int64_t limit,
                  state_outbox_fn fn,
                  void *ctx,
                  struct err *err)
{
    struct rows r = rows_open(s, SQL_EACH_OUTBOX, err);
    rows_bind(&r, 1, after_id);
    rows_bind(&r, 2, limit > 0 ? limit : -1); /* -1: no limit. */
    while (rows_next(&r)) {
        const struct outbox_row row = {
            .id = sqlite3_column_int64(r.stmt, 0),
            .topic = column_text(r.stmt, 1),
            .payload = column_text(r.stmt, 2),
            .retain = sqlite3_column_int(r.stmt, 3) != 0,
        };
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}
