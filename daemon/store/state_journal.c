/* The writing end of the journal: events, each with its hash, and the head; and what a
 * proof of it reads beside the chain. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/strbuf.h"
#include "daemon/store/journal_hash.h"
#include "daemon/store/state_internal.h"

static void
hash_event(unsigned char out[JOURNAL_HASH_BYTES],
           const struct journal_head *before,
           const struct event *e,
           const char *json,
           const char *more,
           const char *peer)
{
    struct journal_hasher h;
    journal_hash_begin(&h, before->hash);
    journal_hash_int(&h, before->seq + 1);
    journal_hash_int(&h, e->t_ms);
    journal_hash_text(&h, event_kind_name(e->kind));
    journal_hash_text_or_null(&h, e->device);
    journal_hash_text_or_null(&h, e->rule);
    if (e->ticket != 0) {
        journal_hash_int(&h, e->ticket);
    } else {
        journal_hash_text_or_null(&h, NULL);
    }
    journal_hash_text_or_null(&h, e->by);
    journal_hash_text(&h, json);
    journal_hash_text_or_null(&h, peer);
    journal_hash_text_or_null(&h, more);
    journal_hash_end(&h, out);
}

static int
insert(struct state *s,
       const struct journal_head *head,
       const struct event *e,
       const char *json,
       const char *more,
       const char *peer,
       struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_ADD_EVENT, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, head->seq);
    sqlite3_bind_int64(stmt, 2, e->t_ms);
    bind_text(stmt, 3, event_kind_name(e->kind));
    bind_text_or_null(stmt, 4, e->device);
    bind_text_or_null(stmt, 5, e->rule);
    bind_number_or_null(stmt, 6, e->ticket);
    bind_text_or_null(stmt, 7, e->by);
    bind_text(stmt, 8, json);
    bind_text_or_null(stmt, 9, peer);
    bind_text_or_null(stmt, 10, more);
    sqlite3_bind_blob(stmt, 11, head->hash, JOURNAL_HASH_BYTES, SQLITE_STATIC);
    return state_run(s, SQL_ADD_EVENT, stmt, "add an event", err);
}

/* A caller without a transaction gets one: an event and its head are never apart. */
static int
add_alone(struct state *s,
          const struct event *e,
          const char *json,
          const char *more,
          const char *peer,
          int64_t *seq,
          struct err *err)
{
    int rc = state_begin(s, err);
    if (rc != 0) {
        return rc;
    }
    rc = state_add_event(s, e, json, more, peer, seq, err);
    if (rc == 0) {
        rc = state_commit(s, err);
    }
    if (rc != 0) {
        state_rollback(s);
    }
    return rc;
}

int
state_add_event(struct state *s,
                const struct event *e,
                const char *json,
                const char *more,
                const char *peer,
                int64_t *seq,
                struct err *err)
{
    if (!s->in_transaction) {
        return add_alone(s, e, json, more, peer, seq, err);
    }
    struct journal_head head = {.seq = s->pending.seq + 1};
    hash_event(head.hash, &s->pending, e, json, more, peer);
    int rc = insert(s, &head, e, json, more, peer, err);
    if (rc == 0) {
        s->pending = head;
        *seq = head.seq;
    }
    return rc;
}

int
journal_put_head(struct state *s, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    char text[JOURNAL_HEAD_BYTES];
    int rc = state_lend_for_write(s, SQL_PUT_HEAD, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, journal_head_format(text, &s->pending));
    return state_run(s, SQL_PUT_HEAD, stmt, "put the head of the journal", err);
}

void
state_journal_head(const struct state *s, struct journal_head *out)
{
    assert(s->mode == STORE_WRITE);
    *out = s->in_transaction ? s->pending : s->last;
}

const char *
state_journal_fault(const struct state *s)
{
    return s->fault[0] != '\0' ? s->fault : NULL;
}

/* ---- When it is opened ---- */

int
journal_read_head(sqlite3 *db, struct journal_head *out, bool *found, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    *out = (struct journal_head){0};
    *found = false;
    int rc =
        db_prepare(db, &stmt, "SELECT value FROM meta WHERE key = 'journal_head'", err);
    if (rc != 0) {
        return rc;
    }
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        const char *text = column_text(stmt, 0);
        *found = text != NULL && journal_head_parse(out, text);
    } else if (step != SQLITE_DONE) {
        rc = db_error(db, err, "read the head of the journal");
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int
read_last(struct state *s, struct journal_head *out, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(s->db, &stmt,
                        "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", err);
    if (rc != 0) {
        return rc;
    }
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        out->seq = sqlite3_column_int64(stmt, 0);
        if (sqlite3_column_bytes(stmt, 1) == JOURNAL_HASH_BYTES) {
            memcpy(out->hash, sqlite3_column_blob(stmt, 1), JOURNAL_HASH_BYTES);
        }
    } else if (step != SQLITE_DONE) {
        rc = db_error(s->db, err, "read the last event");
    }
    sqlite3_finalize(stmt);
    return rc;
}

int
journal_open(struct state *s, struct err *err)
{
    struct journal_head head, last = {0};
    bool found = false;
    int rc = journal_read_head(s->db, &head, &found, err);
    if (rc == 0) {
        rc = read_last(s, &last, err);
    }
    if (rc != 0) {
        return rc;
    }
    if (!found) {
        snprintf(
            s->fault, sizeof s->fault,
            tr("the head of the journal is gone from meta; the last event is %" PRId64),
            last.seq);
    } else if (head.seq != last.seq) {
        snprintf(s->fault, sizeof s->fault,
                 tr("the journal ends with event %" PRId64
                    ", but its head is that of event %" PRId64),
                 last.seq, head.seq);
    } else if (memcmp(head.hash, last.hash, sizeof head.hash) != 0) {
        snprintf(s->fault, sizeof s->fault,
                 tr("event %" PRId64
                    ", the last of the journal, is not the one that its head names"),
                 last.seq);
    }
    /* The head is what was written with the last event.  Numbers are never used again:
     * consumers would take what is new for a repetition. */
    s->last = head;
    s->last.seq = head.seq > last.seq ? head.seq : last.seq;
    s->pending = s->last;
    return 0;
}

/* ---- For the proof ---- */

/* A column that holds JSON. */
static bool
is_json(const char *name, const char *text)
{
    return (text[0] == '[' && strcmp(name, "parts") == 0) ||
           (text[0] == '{' && strcmp(name, "titles") == 0);
}

static void
add_column(struct strbuf *out, sqlite3_stmt *stmt, int at)
{
    const char *name = sqlite3_column_name(stmt, at);
    int type = sqlite3_column_type(stmt, at);
    const char *text = type == SQLITE_TEXT ? column_text(stmt, at) : NULL;
    if (type == SQLITE_INTEGER && sqlite3_column_int64(stmt, at) != 0) {
        strbuf_json_int(out, name, sqlite3_column_int64(stmt, at));
    } else if (text != NULL && strlen(text) != (size_t)sqlite3_column_bytes(stmt, at)) {
        strbuf_json_str(out, name, "a text with a zero byte inside");
    } else if (text != NULL && is_json(name, text)) {
        strbuf_json_key(out, name);
        strbuf_add(out, text);
    } else if (text != NULL && text[0] != '\0') {
        strbuf_json_str(out, name, text);
    }
}

int
state_each_ticket_row(struct state *s, state_row_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct strbuf json = {0};
    int rc = state_lend(s, SQL_EACH_TICKET_ROW, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    while (next_row(s, stmt, &rc, err)) {
        strbuf_clear(&json);
        strbuf_add_char(&json, '{');
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            add_column(&json, stmt, i);
        }
        strbuf_add_char(&json, '}');
        if (!fn(ctx, sqlite3_column_int64(stmt, 0), strbuf_text(&json))) {
            break;
        }
    }
    strbuf_fini(&json);
    state_return(s, SQL_EACH_TICKET_ROW, stmt);
    return rc;
}

int
state_each_lost_ticket(struct state *s, state_row_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_LOST_TICKET, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    while (next_row(s, stmt, &rc, err)) {
        if (!fn(ctx, sqlite3_column_int64(stmt, 0), "{}")) {
            break;
        }
    }
    state_return(s, SQL_EACH_LOST_TICKET, stmt);
    return rc;
}

int
state_read_begin(struct state *s, struct err *err)
{
    assert(s->mode == STORE_READ);
    return db_exec(s->db, "BEGIN", err);
}

void
state_read_end(struct state *s)
{
    if (sqlite3_get_autocommit(s->db) == 0) {
        sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    }
}
