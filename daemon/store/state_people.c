#include "daemon/store/state_people.h"

#include <string.h>

#include "daemon/store/state_internal.h"

static void
bind_hash(sqlite3_stmt *stmt, int at, const unsigned char hash[SECRETS_HASH_BYTES])
{
    sqlite3_bind_blob(stmt, at, hash, SECRETS_HASH_BYTES, SQLITE_STATIC);
}

int
state_put_user(struct state *s, const struct user_row *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    const struct user *u = &row->user;
    int rc = state_lend_for_write(s, SQL_PUT_USER, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, u->id);
    bind_text(stmt, 2, u->name);
    bind_text(stmt, 3, role_name(u->role));
    bind_text(stmt, 4, row->password);
    bind_text_or_null(stmt, 5, u->has_language ? language_name(u->language) : NULL);
    sqlite3_bind_int64(stmt, 6, u->created_ms);
    sqlite3_bind_int(stmt, 7, u->disabled);
    return state_run(s, SQL_PUT_USER, stmt, "put a user", err);
}

int
state_put_session(struct state *s, const struct session_row *row, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_SESSION, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_hash(stmt, 1, row->hash);
    bind_text(stmt, 2, row->user);
    sqlite3_bind_int64(stmt, 3, row->created_ms);
    sqlite3_bind_int64(stmt, 4, row->seen_ms);
    sqlite3_bind_int64(stmt, 5, row->expires_ms);
    bind_text_or_null(stmt, 6, row->remote);
    bind_text_or_null(stmt, 7, row->agent);
    return state_run(s, SQL_PUT_SESSION, stmt, "put a session", err);
}

int
state_add_token(struct state *s,
                const struct token_row *row,
                int64_t *number,
                struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_ADD_TOKEN, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_hash(stmt, 1, row->hash);
    bind_text(stmt, 2, row->user);
    bind_text(stmt, 3, row->name);
    bind_text(stmt, 4, role_name(row->role));
    sqlite3_bind_int64(stmt, 5, row->created_ms);
    bind_instant(stmt, 6, row->expires_ms);
    rc = state_run(s, SQL_ADD_TOKEN, stmt, "add a token", err);
    if (rc == 0) {
        *number = sqlite3_last_insert_rowid(s->db);
    }
    return rc;
}

/* A statement with one text. */
static int
write_text(struct state *s, enum state_sql which, const char *text, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, which, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, text);
    return state_run(s, which, stmt, "write users", err);
}

/* A statement with one number. */
static int
write_number(struct state *s, enum state_sql which, int64_t number, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, which, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, number);
    return state_run(s, which, stmt, "write users", err);
}

int
state_delete_sessions(struct state *s, const char *user, struct err *err)
{
    return write_text(s, SQL_DELETE_SESSIONS, user, err);
}

int
state_limit_sessions(struct state *s, const char *user, int keep, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_LIMIT_SESSIONS, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text(stmt, 1, user);
    sqlite3_bind_int(stmt, 2, keep);
    return state_run(s, SQL_LIMIT_SESSIONS, stmt, "end the oldest sessions", err);
}

int
state_delete_tokens(struct state *s, const char *user, struct err *err)
{
    return write_text(s, SQL_DELETE_TOKENS, user, err);
}

int
state_delete_user(struct state *s, const char *id, struct err *err)
{
    int rc = state_delete_sessions(s, id, err);
    rc = rc == 0 ? state_delete_tokens(s, id, err) : rc;
    return rc == 0 ? write_text(s, SQL_DELETE_USER, id, err) : rc;
}

int
state_delete_session(struct state *s,
                     const unsigned char hash[SECRETS_HASH_BYTES],
                     struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_DELETE_SESSION, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_hash(stmt, 1, hash);
    return state_run(s, SQL_DELETE_SESSION, stmt, "end a session", err);
}

int
state_delete_ended_sessions(struct state *s, int64_t t_ms, struct err *err)
{
    return write_number(s, SQL_DELETE_ENDED_SESSIONS, t_ms, err);
}

int
state_delete_token(struct state *s, int64_t number, struct err *err)
{
    return write_number(s, SQL_DELETE_TOKEN, number, err);
}

int
state_see_session(struct state *s,
                  const unsigned char hash[SECRETS_HASH_BYTES],
                  int64_t t_ms,
                  struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_SEE_SESSION, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_hash(stmt, 1, hash);
    sqlite3_bind_int64(stmt, 2, t_ms);
    return state_run(s, SQL_SEE_SESSION, stmt, "see a session", err);
}

int
state_see_token(struct state *s, int64_t number, int64_t t_ms, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_SEE_TOKEN, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_int64(stmt, 2, t_ms);
    return state_run(s, SQL_SEE_TOKEN, stmt, "see a token", err);
}

/* ---- Reading ---- */

static int
read_user(struct state *s, sqlite3_stmt *stmt, struct user_row *row, struct err *err)
{
    struct user *u = &row->user;
    *row = (struct user_row){.seen_ms = INSTANT_NONE};
    copy_text(u->id, sizeof u->id, stmt, 0);
    copy_text(u->name, sizeof u->name, stmt, 1);
    if (!role_parse(&u->role, column_text(stmt, 2))) {
        return bad_word(s, stmt, 2, err);
    }
    copy_text(row->password, sizeof row->password, stmt, 3);
    const char *language = column_text(stmt, 4);
    if (language != NULL) {
        if (!language_parse(&u->language, language)) {
            return bad_word(s, stmt, 4, err);
        }
        u->has_language = true;
    }
    u->created_ms = sqlite3_column_int64(stmt, 5);
    u->disabled = sqlite3_column_int(stmt, 6) != 0;
    return 0;
}

static void
read_hash(unsigned char out[SECRETS_HASH_BYTES], sqlite3_stmt *stmt, int at)
{
    const void *bytes = sqlite3_column_blob(stmt, at);
    memset(out, 0, SECRETS_HASH_BYTES);
    if (bytes != NULL && sqlite3_column_bytes(stmt, at) == SECRETS_HASH_BYTES) {
        memcpy(out, bytes, SECRETS_HASH_BYTES);
    }
}

static void
read_session(sqlite3_stmt *stmt, struct session_row *row)
{
    *row = (struct session_row){0};
    read_hash(row->hash, stmt, 0);
    copy_text(row->user, sizeof row->user, stmt, 1);
    row->created_ms = sqlite3_column_int64(stmt, 2);
    row->seen_ms = sqlite3_column_int64(stmt, 3);
    row->expires_ms = sqlite3_column_int64(stmt, 4);
    copy_text(row->remote, sizeof row->remote, stmt, 5);
    copy_text(row->agent, sizeof row->agent, stmt, 6);
}

static int
read_token(struct state *s, sqlite3_stmt *stmt, struct token_row *row, struct err *err)
{
    *row = (struct token_row){.number = sqlite3_column_int64(stmt, 0)};
    read_hash(row->hash, stmt, 1);
    copy_text(row->user, sizeof row->user, stmt, 2);
    copy_text(row->name, sizeof row->name, stmt, 3);
    if (!role_parse(&row->role, column_text(stmt, 4))) {
        return bad_word(s, stmt, 4, err);
    }
    row->created_ms = sqlite3_column_int64(stmt, 5);
    row->expires_ms = column_instant(stmt, 6);
    row->used_ms = column_instant(stmt, 7);
    return 0;
}

/* The one row, or that there is none.  Not translated: who asks says it better. */
static int
none(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "%s", "");
}

int
state_user_get(struct state *s, const char *id, struct user_row *out, struct err *err)
{
    struct rows r = rows_open(s, SQL_USER_GET, err);
    bool found = false;
    if (r.rc == 0) {
        bind_text(r.stmt, 1, id);
    }
    if (rows_next(&r)) {
        found = true;
        r.rc = read_user(s, r.stmt, out, err);
    }
    int rc = rows_close(&r);
    return rc == 0 && !found ? none(err) : rc;
}

int
state_session_find(struct state *s,
                   const unsigned char hash[SECRETS_HASH_BYTES],
                   struct session_row *out,
                   struct err *err)
{
    struct rows r = rows_open(s, SQL_SESSION_FIND, err);
    bool found = false;
    if (r.rc == 0) {
        bind_hash(r.stmt, 1, hash);
    }
    if (rows_next(&r)) {
        found = true;
        read_session(r.stmt, out);
    }
    int rc = rows_close(&r);
    return rc == 0 && !found ? none(err) : rc;
}

static int
one_token(struct rows *r, struct token_row *out, struct err *err)
{
    bool found = false;
    if (rows_next(r)) {
        found = true;
        r->rc = read_token(r->s, r->stmt, out, err);
    }
    int rc = rows_close(r);
    return rc == 0 && !found ? none(err) : rc;
}

int
state_token_find(struct state *s,
                 const unsigned char hash[SECRETS_HASH_BYTES],
                 struct token_row *out,
                 struct err *err)
{
    struct rows r = rows_open(s, SQL_TOKEN_FIND, err);
    if (r.rc == 0) {
        bind_hash(r.stmt, 1, hash);
    }
    return one_token(&r, out, err);
}

int
state_token_get(struct state *s, int64_t number, struct token_row *out, struct err *err)
{
    struct rows r = rows_open(s, SQL_TOKEN_GET, err);
    rows_bind(&r, 1, number);
    return one_token(&r, out, err);
}

int
state_count_users(struct state *s,
                  int64_t *users,
                  int64_t *administrators,
                  struct err *err)
{
    struct rows r = rows_open(s, SQL_COUNT_USERS, err);
    if (rows_next(&r)) {
        *users = sqlite3_column_int64(r.stmt, 0);
        *administrators = sqlite3_column_int64(r.stmt, 1);
    }
    return rows_close(&r);
}

int
state_each_user(struct state *s, state_user_fn fn, void *ctx, struct err *err)
{
    struct user_row row;
    struct rows r = rows_open(s, SQL_EACH_USER, err);
    while (rows_next(&r)) {
        r.rc = read_user(s, r.stmt, &row, err);
        if (r.rc != 0) {
            break;
        }
        row.sessions = sqlite3_column_int64(r.stmt, 7);
        row.tokens = sqlite3_column_int64(r.stmt, 8);
        row.seen_ms = column_instant(r.stmt, 9);
        if (!fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}

int
state_each_token(
    struct state *s, const char *user, state_token_fn fn, void *ctx, struct err *err)
{
    struct token_row row;
    struct rows r = rows_open(s, SQL_EACH_TOKEN, err);
    if (r.rc == 0) {
        bind_text_or_null(r.stmt, 1, user);
    }
    while (rows_next(&r)) {
        r.rc = read_token(s, r.stmt, &row, err);
        if (r.rc != 0 || !fn(ctx, &row)) {
            break;
        }
    }
    return rows_close(&r);
}
