#include "daemon/store/state_watch.h"

#include "daemon/base/instant.h"
#include "daemon/store/state_internal.h"

#define DOING "note what is watched"

/* A statement with :device and :t, where it has them. */
static int
run(struct state *s,
    enum state_sql which,
    const char *device,
    int64_t t_ms,
    struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, which, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    int at = sqlite3_bind_parameter_index(stmt, ":device");
    if (at > 0) {
        bind_text(stmt, at, device);
    }
    at = sqlite3_bind_parameter_index(stmt, ":t");
    if (at > 0) {
        sqlite3_bind_int64(stmt, at, t_ms);
    }
    return state_run(s, which, stmt, DOING, err);
}

/* Nothing was watched in [from_ms, to_ms).  Of no length it is kept too: a clock that
 * is put right afterwards gives it one. */
static int
put_silence(struct state *s, int64_t from_ms, int64_t to_ms, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_SILENCE, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, from_ms);
    sqlite3_bind_int64(stmt, 2, to_ms);
    return state_run(s, SQL_PUT_SILENCE, stmt, DOING, err);
}

/* Whether any device was ever noted. */
static int
is_first(struct state *s, bool *out, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_ANY_ROSTER, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    *out = !next_row(s, stmt, &rc, err);
    state_return(s, SQL_ANY_ROSTER, stmt);
    return rc;
}

static int
watch(struct state *s,
      const char *const *devices,
      size_t count,
      int64_t since_ms,
      int64_t now_ms,
      struct err *err)
{
    bool first = true;
    int code = is_first(s, &first, err);
    if (code == 0 && since_ms != INSTANT_NONE) {
        code = put_silence(s, since_ms, now_ms, err);
    }
    code = code == 0 ? run(s, SQL_ROSTER_CALL, NULL, 0, err) : code;
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (!first) {
            code = run(s, SQL_PUT_UNWATCHED, devices[i], now_ms, err);
        }
        code = code == 0 ? run(s, SQL_ROSTER_HERE, devices[i], now_ms, err) : code;
    }
    return code == 0 ? run(s, SQL_ROSTER_LEFT, NULL,
                           since_ms != INSTANT_NONE ? since_ms : now_ms, err)
                     : code;
}

int
state_watch(struct state *s,
            const char *const *devices,
            size_t count,
            int64_t since_ms,
            int64_t now_ms,
            struct err *err)
{
    int code = state_begin(s, err);
    if (code != 0) {
        return code;
    }
    code = watch(s, devices, count, since_ms, now_ms, err);
    code = code == 0 ? state_commit(s, err) : code;
    if (code != 0) {
        state_rollback(s);
    }
    return code;
}

int
state_each_unwatched(struct state *s, state_unwatched_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_UNWATCHED, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    while (next_row(s, stmt, &rc, err)) {
        if (!fn(ctx, column_text(stmt, 0), sqlite3_column_int64(stmt, 1),
                sqlite3_column_int64(stmt, 2))) {
            break;
        }
    }
    state_return(s, SQL_EACH_UNWATCHED, stmt);
    return rc;
}
