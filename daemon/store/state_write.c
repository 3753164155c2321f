#include <assert.h>
#include <stdio.h>

#include "daemon/base/instant.h"
#include "daemon/store/state_internal.h"
#include "daemon/store/state_titles.h"

/* After an error that ended the transaction, a further row would be committed alone:
 * it is refused until the caller has rolled back. */
int
state_lend_for_write(struct state *s,
                     enum state_sql which,
                     sqlite3_stmt **out,
                     struct err *err)
{
    assert(s->mode == STORE_WRITE);
    if (s->in_transaction && sqlite3_get_autocommit(s->db) != 0) {
        return err_set(err, ERR_IO, "%s: an error has ended the transaction",
                       sqlite3_db_filename(s->db, "main"));
    }
    return state_lend(s, which, out, err);
}

/* "ms,ms,..." into `out`; empty for none. */
static void
write_raises(char *out, size_t size, const struct alarm *a)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < a->raise_count && at < size; i++) {
        int n = snprintf(out + at, size - at, "%s%lld", i > 0 ? "," : "",
                         (long long)a->raises[i]);
        assert(n > 0);
        at += (size_t)n;
    }
}

static void
bind_hiding(sqlite3_stmt *stmt, int at, const struct hiding *h)
{
    bind_text_or_null(stmt, at, h->by);
    bind_text_or_null(stmt, at + 1, h->reason);
    bind_number_or_null(stmt, at + 2, h->since_ms);
    bind_number_or_null(stmt, at + 3, h->until_ms);
}

int
state_put_alarm(struct state *s, const struct alarm *a, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_ALARM, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, a->device);
    bind_text(stmt, 2, a->rule);
    bind_text(stmt, 3, severity_name(a->severity));
    bind_text(stmt, 4, alarm_state_name(a->state));
    sqlite3_bind_int64(stmt, 5, a->episode);
    bind_instant(stmt, 6, a->raised_ms);
    bind_instant(stmt, 7, a->cleared_ms);
    bind_instant(stmt, 8, a->acked_ms);
    bind_text_or_null(stmt, 9, a->acked_by);
    if (a->has_value) {
        sqlite3_bind_double(stmt, 10, a->value);
    } else {
        sqlite3_bind_null(stmt, 10);
    }
    bind_text(stmt, 11, a->title);
    bind_number_or_null(stmt, 12, a->ticket);
    bind_number_or_null(stmt, 13, a->returned_ms);
    sqlite3_bind_int(stmt, 14, a->untold);
    bind_text(stmt, 15, severity_name(a->told_severity));
    sqlite3_bind_int(stmt, 16, a->first_out);
    sqlite3_bind_int(stmt, 17, a->chatter);
    bind_hiding(stmt, 18, &a->hiding);
    char raises[RAISES_MAX * 21 + 1]; /* Each an int64_t and a comma. */
    write_raises(raises, sizeof raises, a);
    bind_text_or_null(stmt, 22, raises);
    struct strbuf titles = {0};
    state_titles_bind(stmt, 23, &a->titles, &titles);
    rc = state_run(s, SQL_PUT_ALARM, stmt, "put an alarm", err);
    strbuf_fini(&titles);
    return rc;
}

int
state_delete_alarm(struct state *s,
                   const char *device,
                   const char *rule,
                   struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_DELETE_ALARM, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, device);
    bind_text(stmt, 2, rule);
    return state_run(s, SQL_DELETE_ALARM, stmt, "delete an alarm", err);
}

int
state_put_timer(struct state *s, const struct timer_row *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_TIMER, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, row->device);
    bind_text(stmt, 2, row->rule);
    sqlite3_bind_int(stmt, 3, row->phase);
    sqlite3_bind_int(stmt, 4, row->level);
    sqlite3_bind_int(stmt, 5, row->target_level);
    bind_instant(stmt, 6, row->since_ms);
    sqlite3_bind_int(stmt, 7, row->clear);
    bind_instant(stmt, 8, row->clear_since_ms);
    bind_instant(stmt, 9, row->while_last_ms);
    return state_run(s, SQL_PUT_TIMER, stmt, "put a timer", err);
}

int
state_put_meter(struct state *s, const struct meter_row *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_METER, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, row->key);
    bind_instant(stmt, 2, row->last_ms);
    bind_instant(stmt, 3, row->since_ms);
    sqlite3_bind_double(stmt, 4, row->value);
    sqlite3_bind_int(stmt, 5, row->changed);
    sqlite3_bind_int64(stmt, 6, row->true_ms);
    sqlite3_bind_int64(stmt, 7, row->starts);
    sqlite3_bind_int64(stmt, 8, row->service_ms);
    sqlite3_bind_int64(stmt, 9, row->service_starts);
    bind_instant(stmt, 10, row->early_ms);
    return state_run(s, SQL_PUT_METER, stmt, "put a meter", err);
}

int
state_delete_timer(struct state *s,
                   const char *device,
                   const char *rule,
                   struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_DELETE_TIMER, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, device);
    bind_text(stmt, 2, rule);
    return state_run(s, SQL_DELETE_TIMER, stmt, "delete a timer", err);
}

int
state_put_device(struct state *s, const char *device, bool online, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_DEVICE, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, device);
    sqlite3_bind_int(stmt, 2, online);
    return state_run(s, SQL_PUT_DEVICE, stmt, "put a device", err);
}

int
state_put_service(struct state *s, const struct service *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum state_sql which = row->out ? SQL_PUT_SERVICE : SQL_DELETE_SERVICE;
    int rc = state_lend_for_write(s, which, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, row->device);
    if (row->out) {
        bind_text(stmt, 2, row->hiding.by);
        bind_text(stmt, 3, row->hiding.reason);
        sqlite3_bind_int64(stmt, 4, row->hiding.since_ms);
        bind_number_or_null(stmt, 5, row->hiding.until_ms);
    }
    return state_run(s, which, stmt, "put a device out of service", err);
}

int
state_put_alive(struct state *s, int64_t t_ms, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_ALIVE, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_instant(stmt, 1, t_ms);
    return state_run(s, SQL_PUT_ALIVE, stmt, "put the sign of life", err);
}

int
state_outbox_add(struct state *s,
                 const char *topic,
                 const char *payload,
                 bool retain,
                 struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc;
    if (retain) {
        rc = state_lend_for_write(s, SQL_OUTBOX_REPLACE, &stmt, err);
        if (rc != 0) {
            return rc;
        }
        bind_text(stmt, 1, topic);
        rc = state_run(s, SQL_OUTBOX_REPLACE, stmt, "replace in the outbox", err);
        if (rc != 0) {
            return rc;
        }
        if (s->depth >= 0) {
            s->depth -= sqlite3_changes64(s->db);
        }
    }
    rc = state_lend_for_write(s, SQL_OUTBOX_ADD, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, topic);
    bind_text(stmt, 2, payload);
    sqlite3_bind_int(stmt, 3, retain);
    rc = state_run(s, SQL_OUTBOX_ADD, stmt, "add to the outbox", err);
    if (rc == 0 && s->depth >= 0) {
        s->depth++;
    }
    return rc;
}

static int
remove_all(struct state *s, const int64_t *ids, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *stmt = NULL;
        int rc = state_lend_for_write(s, SQL_OUTBOX_REMOVE, &stmt, err);
        if (rc != 0) {
            return rc;
        }
        sqlite3_bind_int64(stmt, 1, ids[i]);
        rc = state_run(s, SQL_OUTBOX_REMOVE, stmt, "remove from the outbox", err);
        if (rc != 0) {
            return rc;
        }
        if (s->depth >= 0) {
            s->depth -= sqlite3_changes64(s->db);
        }
    }
    return 0;
}

int
state_outbox_remove(struct state *s, const int64_t *ids, size_t count, struct err *err)
{
    if (s->in_transaction || count < 2) {
        return remove_all(s, ids, count, err);
    }
    /* One sync to the disk for all of them. */
    int rc = state_begin(s, err);
    if (rc != 0) {
        return rc;
    }
    rc = remove_all(s, ids, count, err);
    if (rc == 0) {
        rc = state_commit(s, err);
    }
    if (rc != 0) {
        state_rollback(s);
    }
    return rc;
}
