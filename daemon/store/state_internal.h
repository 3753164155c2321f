/* What the write side and the read side of state.db share. */
#ifndef CARETAKER_STORE_STATE_INTERNAL_H
#define CARETAKER_STORE_STATE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/state.h"

#define GATEWAY_ID_BYTES    17 /* 16 hex digits. */
#define JOURNAL_FAULT_BYTES 256

enum state_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ADD_EVENT,
    SQL_PUT_HEAD,
    SQL_PUT_ALARM,
    SQL_DELETE_ALARM,
    SQL_PUT_TICKET,
    SQL_PUT_EVIDENCE,
    SQL_PUT_TIMER,
    SQL_DELETE_TIMER,
    SQL_PUT_METER,
    SQL_PUT_DEVICE,
    SQL_PUT_PLAN,
    SQL_PUT_SERVICE,
    SQL_DELETE_SERVICE,
    SQL_PUT_ALIVE,
    SQL_GET_ALIVE,
    SQL_GET_BORN,
    SQL_PUT_SILENCE,
    SQL_ANY_ROSTER,
    SQL_ROSTER_CALL,
    SQL_ROSTER_HERE,
    SQL_ROSTER_LEFT,
    SQL_PUT_UNWATCHED,
    SQL_EACH_UNWATCHED,
    SQL_OUTBOX_REPLACE,
    SQL_OUTBOX_ADD,
    SQL_OUTBOX_REMOVE,
    SQL_OUTBOX_DEPTH,
    SQL_EACH_ALARM,
    SQL_ONE_ALARM,
    SQL_LAST_EVENT,
    SQL_EACH_TICKET,
    SQL_TICKETS_AFTER, /* In the order of enum state_tickets. */
    SQL_TICKETS_AFTER_OF_DEVICE,
    SQL_TICKETS_AFTER_OF_PERSON,
    SQL_TICKETS_AFTER_OF_TEAM,
    SQL_TICKETS_BACK, /* As well. */
    SQL_TICKETS_BACK_OF_DEVICE,
    SQL_TICKETS_BACK_OF_PERSON,
    SQL_TICKETS_BACK_OF_TEAM,
    SQL_ONE_TICKET,
    SQL_MAX_TICKET,
    SQL_OLDEST_VISIT,
    SQL_EACH_TIMER,
    SQL_EACH_METER,
    SQL_EACH_DEVICE,
    SQL_EACH_PLAN,
    SQL_EACH_SERVICE,
    SQL_EACH_EVENT,
    SQL_EACH_TICKET_EVENT,
    SQL_EVENTS_BACK,
    SQL_EVENTS_BACK_OF_TICKET,
    SQL_EACH_DEVICE_FIGURE,
    SQL_EACH_TICKET_ROW,
    SQL_EACH_LOST_TICKET,
    SQL_EACH_OUTBOX,
    SQL_EACH_WORK,
    SQL_EACH_REOPENING,
    SQL_EACH_FIGURE_EVENT,
    SQL_FIRST_EVENT,
    SQL_EACH_SAME,
    SQL_EACH_LIKE,
    SQL_EACH_EVENT_OF,
    SQL_EACH_EVIDENCE,
    SQL_PUT_LEDGER,
    SQL_DELETE_LEDGER,
    SQL_PUT_DOCUMENT,
    SQL_PUT_ALTERATION,
    SQL_EACH_LEDGER,
    SQL_EACH_DOCUMENT,
    SQL_EACH_ALTERATION,
    SQL_PUT_PHOTO,
    SQL_EACH_PHOTO,
    SQL_HAS_PHOTO,
    SQL_PUT_USER,
    SQL_DELETE_USER,
    SQL_PUT_SESSION,
    SQL_DELETE_SESSION,
    SQL_DELETE_SESSIONS,
    SQL_DELETE_ENDED_SESSIONS,
    SQL_LIMIT_SESSIONS,
    SQL_SEE_SESSION,
    SQL_ADD_TOKEN,
    SQL_DELETE_TOKEN,
    SQL_DELETE_TOKENS,
    SQL_SEE_TOKEN,
    SQL_USER_GET,
    SQL_SESSION_FIND,
    SQL_TOKEN_FIND,
    SQL_TOKEN_GET,
    SQL_COUNT_USERS,
    SQL_EACH_USER,
    SQL_EACH_TOKEN,
    SQL_COUNT
};

struct state {
    sqlite3 *db;
    enum store_mode mode;
    int lock_fd;                     /* -1 for readers. */
    sqlite3_stmt *kept[SQL_COUNT];   /* Prepared once; NULL while in use. */
    bool in_transaction;             /* Between state_begin and commit or rollback. */
    struct journal_head last;        /* Of the journal, on disk. */
    struct journal_head pending;     /* The same, with this transaction's events. */
    char fault[JOURNAL_FAULT_BYTES]; /* See state_journal_fault(); "" when none. */
    int64_t depth;                   /* Outbox rows; -1: to be counted again. */
    char gateway_id[GATEWAY_ID_BYTES];
};

/* Lends the prepared statement; it goes back, reset, with state_return().  A nested
 * use, from a callback, gets a statement of its own. */
int
state_lend(struct state *s, enum state_sql which, sqlite3_stmt **out, struct err *err);
void state_return(struct state *s, enum state_sql which, sqlite3_stmt *stmt);

/* Runs a statement that gives no rows, and returns it in any case. */
int state_run(struct state *s,
              enum state_sql which,
              sqlite3_stmt *stmt,
              const char *doing,
              struct err *err);

/* The same for a statement that writes: refused once an error has ended the
 * transaction, where a further row would be committed alone. */
int state_lend_for_write(struct state *s,
                         enum state_sql which,
                         sqlite3_stmt **out,
                         struct err *err);

/* ---- state_journal.c ---- */

/* Where the chain goes on; fills `fault` if head and last event do not fit. */
int journal_open(struct state *s, struct err *err);
int journal_put_head(struct state *s, struct err *err);
/* `found` is false when there is none in meta, or what is there is no head. */
int
journal_read_head(sqlite3 *db, struct journal_head *out, bool *found, struct err *err);

/* The binders leave the text to the caller (SQLITE_STATIC): every statement is run and
 * cleared before the function that bound it returns. */
static inline void
bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static inline void
bind_text_or_null(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        bind_text(stmt, at, text);
    } else {
        sqlite3_bind_null(stmt, at);
    }
}

static inline void
bind_instant(sqlite3_stmt *stmt, int at, int64_t t_ms)
{
    if (t_ms == INSTANT_NONE) {
        sqlite3_bind_null(stmt, at);
    } else {
        sqlite3_bind_int64(stmt, at, t_ms);
    }
}

static inline void
bind_number_or_null(sqlite3_stmt *stmt, int at, int64_t number)
{
    if (number == 0) {
        sqlite3_bind_null(stmt, at);
    } else {
        sqlite3_bind_int64(stmt, at, number);
    }
}

static inline const char *
column_text(sqlite3_stmt *stmt, int at)
{
    return (const char *)sqlite3_column_text(stmt, at); /* NULL for NULL. */
}

static inline void
copy_text(char *out, size_t size, sqlite3_stmt *stmt, int at)
{
    const char *text = column_text(stmt, at);
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static inline int64_t
column_instant(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt, at) == SQLITE_NULL
               ? INSTANT_NONE
               : sqlite3_column_int64(stmt, at);
}

/* A word that this program does not know: somebody wrote in the file by hand. */
static inline int
bad_word(struct state *s, sqlite3_stmt *stmt, int at, struct err *err)
{
    const char *text = column_text(stmt, at);
    return err_set(err, ERR_IO, "%s: %s is '%s', which is not known",
                   sqlite3_db_filename(s->db, "main"), sqlite3_column_name(stmt, at),
                   text != NULL ? text : "");
}

/* Steps once.  True while there is a row; an error ends the rows with `rc`.  Where one
 * statement gives all of them, struct rows below is shorter. */
static inline bool
next_row(struct state *s, sqlite3_stmt *stmt, int *rc, struct err *err)
{
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        return true;
    }
    if (step != SQLITE_DONE) {
        *rc = db_error(s->db, err, "read");
    }
    return false;
}

/* The rows of one statement.  Whoever opens them closes them, also when it failed:
 *   struct rows r = rows_open(s, SQL_EACH_TIMER, err);
 *   while (rows_next(&r)) { ... r.stmt ...; on an error: r.rc = ..., break }
 *   return rows_close(&r); */
struct rows {
    struct state *s;
    enum state_sql which;
    sqlite3_stmt *stmt; /* NULL: it could not be lent. */
    int rc;
    struct err *err;
};

static inline struct rows
rows_open(struct state *s, enum state_sql which, struct err *err)
{
    struct rows r = {.s = s, .which = which, .err = err};
    r.rc = state_lend(s, which, &r.stmt, err);
    return r;
}

static inline void
rows_bind(struct rows *r, int at, int64_t value)
{
    if (r->rc == 0) {
        sqlite3_bind_int64(r->stmt, at, value);
    }
}

/* Borrowed until rows_close(). */
static inline void
rows_bind_text(struct rows *r, int at, const char *text)
{
    if (r->rc == 0) {
        bind_text(r->stmt, at, text);
    }
}

static inline bool
rows_next(struct rows *r)
{
    return r->rc == 0 && next_row(r->s, r->stmt, &r->rc, r->err);
}

static inline int
rows_close(struct rows *r)
{
    if (r->stmt != NULL) {
        state_return(r->s, r->which, r->stmt);
    }
    return r->rc;
}

#endif
