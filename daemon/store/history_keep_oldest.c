/* Of history_keep.h: which ones are the oldest. */
#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/history_keep_internal.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/history_tail_internal.h"

#define MARKS_MAX 16 /* Values of `untrusted` that are looked at with one flush. */

struct victim {
    int64_t key, bytes;
    int64_t t_ms; /* When it ended, or may have. */
    int64_t mark; /* `untrusted` */
};

/* Runs a statement with up to three integers; fills the columns of its row, if any. */
static int
ask(sqlite3 *db,
    const char *sql,
    const int64_t args[3],
    int64_t *columns,
    int count,
    bool *found,
    struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(db, &stmt, sql, err);
    if (rc != 0) {
        return rc;
    }
    for (int i = 0; i < 3; i++) {
        sqlite3_bind_int64(stmt, i + 1, args[i]);
    }
    int step = sqlite3_step(stmt);
    *found = step == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
    for (int i = 0; *found && i < count; i++) {
        columns[i] = sqlite3_column_int64(stmt, i);
    }
    rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : db_error(db, err, "read");
    sqlite3_finalize(stmt);
    return rc;
}

/* ---- chunks ---- */

/* When a chunk under an untrusted clock was recorded, by its neighbours in the order of
 * recording: not before the trusted one that came before it, and about when the next
 * one began.  With none after it, it is the newest there is. */
static int
judge_by_neighbours(const struct history_keep *k, struct victim *v, struct err *err)
{
    const int64_t args[3] = {v->key};
    int64_t before = INSTANT_NONE, after = INSTANT_MAX - 1;
    bool found = false;
    int rc = ask(k->db,
                 "SELECT t1 FROM chunk WHERE key < ?1 AND untrusted = 0"
                 " ORDER BY key DESC LIMIT 1",
                 args, &before, 1, &found, err);
    rc = rc == 0 ? ask(k->db,
                       "SELECT t0 FROM chunk WHERE key > ?1 AND untrusted = 0"
                       " ORDER BY key LIMIT 1",
                       args, &after, 1, &found, err)
                 : rc;
    v->t_ms = before > after ? before : after;
    return rc;
}

/* The first one recorded of those with this mark; key 0: there is none. */
static int
first_of_mark(const struct history_keep *k,
              int64_t mark,
              struct victim *v,
              struct err *err)
{
    int64_t columns[2] = {0};
    bool found = false;
    int rc = ask(k->db,
                 "SELECT key, length(bytes) FROM chunk"
                 " WHERE untrusted = ?1 AND untrusted <> 0 ORDER BY key LIMIT 1",
                 (const int64_t[3]){mark}, columns, 2, &found, err);
    *v = (struct victim){
        .key = found ? columns[0] : 0, .bytes = columns[1], .mark = mark};
    return rc == 0 && found ? judge_by_neighbours(k, v, err) : rc;
}

/* One of each mark. */
static int
find_untrusted(const struct history_keep *k,
               struct victim *victims,
               size_t *count,
               struct err *err)
{
    int64_t mark = 0;
    bool found = true;
    int rc = 0;
    *count = 0;
    while (rc == 0 && found && *count < MARKS_MAX) {
        rc = ask(k->db,
                 "SELECT min(untrusted) FROM chunk"
                 " WHERE untrusted <> 0 AND untrusted > ?1",
                 (const int64_t[3]){mark}, &mark, 1, &found, err);
        if (rc == 0 && found) {
            rc = first_of_mark(k, mark, &victims[*count], err);
            (*count)++;
        }
    }
    return rc;
}

static bool
is_rolled(const struct history_tail *t, int64_t device, int64_t key)
{
    return device >= 0 && device < t->waiting_count && key <= t->waiting[device].rolled;
}

static int
find_trusted(const struct history_keep *k,
             int64_t before_ms,
             bool rolled,
             struct victim *victims,
             size_t *count,
             struct err *err)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = rolled ? history_tail_know(k->tail, err) : 0;
    rc = rc == 0 ? db_prepare(k->db, &row,
                              "SELECT key, t1, device, length(bytes) FROM chunk"
                              " INDEXED BY chunk_end"
                              " WHERE t1 < ?1 AND untrusted = 0 ORDER BY t1",
                              err)
                 : rc;
    *count = 0;
    sqlite3_bind_int64(row, 1, before_ms);
    while (rc == 0 && *count < KEEP_AT_ONCE &&
           (step = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t key = sqlite3_column_int64(row, 0);
        if (!rolled || is_rolled(k->tail, sqlite3_column_int64(row, 2), key)) {
            victims[(*count)++] =
                (struct victim){.key = key,
                                .t_ms = sqlite3_column_int64(row, 1),
                                .bytes = sqlite3_column_int64(row, 3)};
        }
    }
    rc = rc == 0 && step != SQLITE_DONE && step != SQLITE_ROW
             ? db_error(k->db, err, "read")
             : rc;
    sqlite3_finalize(row);
    return rc;
}

/* The oldest of those under an untrusted clock; NULL: there is none. */
static struct victim *
oldest_untrusted(struct victim *victims, size_t count)
{
    struct victim *oldest = NULL;
    for (size_t i = 0; i < count; i++) {
        struct victim *v = &victims[i];
        if (v->key != 0 && (oldest == NULL || v->t_ms < oldest->t_ms ||
                            (v->t_ms == oldest->t_ms && v->key < oldest->key))) {
            oldest = v;
        }
    }
    return oldest;
}

int
history_keep_chunks(struct history_keep *k,
                    int64_t before_ms,
                    bool rolled,
                    struct keep_budget *left,
                    struct err *err)
{
    struct victim trusted[KEEP_AT_ONCE], untrusted[MARKS_MAX];
    size_t trusted_count = 0, untrusted_count = 0, at = 0;
    int rc = find_trusted(k, before_ms, rolled, trusted, &trusted_count, err);
    rc = rc == 0 ? find_untrusted(k, untrusted, &untrusted_count, err) : rc;
    while (rc == 0 && left->rows > 0 && left->freed < left->bytes) {
        struct victim *v = oldest_untrusted(untrusted, untrusted_count);
        if (at < trusted_count && (v == NULL || trusted[at].t_ms <= v->t_ms)) {
            v = &trusted[at++];
        } else if (v == NULL || v->t_ms >= before_ms) {
            break;
        }
        sqlite3_bind_int64(k->tail->kept[TAIL_SQL_DROP_CHUNK], 1, v->key);
        rc = history_tail_run(k->tail, TAIL_SQL_DROP_CHUNK, err);
        left->freed += v->bytes;
        left->rows--;
        if (rc == 0 && v->mark != 0) {
            rc = first_of_mark(k, v->mark, v, err);
        }
    }
    return rc;
}

/* ---- the other tables ---- */

/* Deletes one after the other what `oldest` names, key and bytes. */
static int
drop_by(struct history_keep *k,
        const char *oldest,
        const int64_t args[3],
        enum tail_sql drop,
        struct keep_budget *left,
        struct err *err)
{
    int64_t columns[2];
    bool found = true;
    int rc = 0;
    while (rc == 0 && found && left->rows > 0 && left->freed < left->bytes) {
        rc = ask(k->db, oldest, args, columns, 2, &found, err);
        if (rc == 0 && found) {
            sqlite3_bind_int64(k->tail->kept[drop], 1, columns[0]);
            rc = history_tail_run(k->tail, drop, err);
            left->freed += columns[1];
            left->rows--;
        }
    }
    return rc;
}

int
history_keep_rollups(struct history_keep *k,
                     int64_t resolution_ms,
                     int64_t before_ms,
                     struct keep_budget *left,
                     struct err *err)
{
    return drop_by(k,
                   "SELECT key, length(bytes) FROM rollup"
                   " WHERE resolution = ?1 AND t1 < ?2 ORDER BY t1 LIMIT 1",
                   (const int64_t[3]){resolution_ms, before_ms}, TAIL_SQL_DROP_ROLLUP,
                   left, err);
}

int
history_keep_rows(struct history_keep *k, struct keep_budget *left, struct err *err)
{
    const int rows = left->rows;
    int rc = drop_by(k, "SELECT seq, length(bytes) FROM tail ORDER BY seq LIMIT 1",
                     (const int64_t[3]){0}, TAIL_SQL_DROP_TAIL, left, err);
    if (left->rows != rows) {
        k->tail->known = false;
    }
    return rc;
}

int
history_keep_frames(struct history_keep *k, struct keep_budget *left, struct err *err)
{
    bool has_frames = false;
    int64_t bytes = 0;
    int rc = history_has_frames(k->db, &has_frames, err);
    if (rc != 0 || !has_frames || left->freed >= left->bytes) {
        return rc;
    }
    rc = db_int(k->db,
                "SELECT sum(length(samples)) FROM"
                " (SELECT samples FROM frame ORDER BY t LIMIT 1000)",
                0, &bytes, err);
    rc = rc == 0 ? db_exec(k->db,
                           "DELETE FROM frame WHERE rowid IN"
                           " (SELECT rowid FROM frame ORDER BY t LIMIT 1000)",
                           err)
                 : rc;
    left->freed += rc == 0 ? bytes : 0;
    return rc;
}

/* ---- where the oldest ends ---- */

int
history_keep_oldest(struct history_keep *k,
                    int64_t resolution_ms,
                    int64_t *t_ms,
                    struct err *err)
{
    struct victim untrusted[MARKS_MAX];
    size_t count = 0;
    const int64_t args[3] = {resolution_ms};
    bool found = false;
    *t_ms = INSTANT_MAX;
    if (resolution_ms != 0) {
        return ask(k->db, "SELECT min(t1) FROM rollup WHERE resolution = ?1", args,
                   t_ms, 1, &found, err);
    }
    int rc = ask(k->db,
                 "SELECT t1 FROM chunk INDEXED BY chunk_end WHERE untrusted = 0"
                 " ORDER BY t1 LIMIT 1",
                 args, t_ms, 1, &found, err);
    rc = rc == 0 ? find_untrusted(k, untrusted, &count, err) : rc;
    const struct victim *v = oldest_untrusted(untrusted, count);
    if (v != NULL && v->t_ms < *t_ms) {
        *t_ms = v->t_ms;
    }
    return rc;
}
