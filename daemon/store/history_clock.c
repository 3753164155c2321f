#include "daemon/store/history_clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/db.h"

#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

/* Of a record, beside FRAME_CLOCK_UNTRUSTED. */
#define RECORD_SYNCHRONISED 2u
_Static_assert((FRAME_CLOCK_UNTRUSTED & RECORD_SYNCHRONISED) == 0, "two flags");

void
history_clock_record(struct frame *out,
                     int64_t offset_ms,
                     bool trusted,
                     bool synchronised)
{
    *out =
        (struct frame){.t_ms = offset_ms,
                       .device = UINT32_MAX,
                       .flags = (uint16_t)((trusted ? 0 : FRAME_CLOCK_UNTRUSTED) |
                                           (synchronised ? RECORD_SYNCHRONISED : 0))};
}

bool
history_clock_is_record(const struct frame *f)
{
    return f->device == UINT32_MAX;
}

/* A name that no other boot has, where the kernel tells none: then only this run can
 * put its frames right. */
static void
make_name(char *out)
{
    uint64_t random[2] = {0};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        log_warning("history: no random bytes for a name of this run");
    }
    snprintf(out, HISTORY_BOOT_BYTES, "%016" PRIx64 "%016" PRIx64, random[0],
             random[1]);
}

void
history_clock_init(struct history_clock *c)
{
    memset(c, 0, sizeof *c);
    c->now.trusted = c->kept.trusted = true;
    int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, c->boot, sizeof c->boot - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    c->boot[size > 0 ? size : 0] = '\0';
    c->boot[strcspn(c->boot, "\n")] = '\0';
    if (c->boot[0] == '\0') {
        make_name(c->boot);
    }
}

int
history_clock_attach(struct history_clock *c, sqlite3 *db, struct err *err)
{
    int64_t known = 0, synchronised = 0;
    int rc = db_int(db, "SELECT count(*) FROM clock WHERE shift IS NOT NULL", 0, &known,
                    err);
    rc = rc == 0 ? db_int(db, "SELECT count(*) FROM clock WHERE key = 0", 0,
                          &synchronised, err)
                 : rc;
    c->now.key = 0;
    c->now.pending = known > 0;
    c->now.synchronised = synchronised > 0;
    c->kept = c->now;
    return rc;
}

/* Runs a statement with up to three integers and, behind them, the boot's name.  With
 * `out` it may give a row with one integer; 0: it gives none. */
static int
run(const struct history_clock *c,
    sqlite3 *db,
    const char *sql,
    const int64_t args[3],
    int64_t *out,
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
    sqlite3_bind_text(stmt, 4, c->boot, -1, SQLITE_STATIC);
    int step = sqlite3_step(stmt);
    if (out != NULL) {
        *out = step == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    }
    rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : db_error(db, err, "write");
    sqlite3_finalize(stmt);
    return rc;
}

static int
note_synchronised(struct history_clock *c,
                  sqlite3 *db,
                  const struct frame *record,
                  struct err *err)
{
    if (c->now.synchronised || (record->flags & RECORD_SYNCHRONISED) == 0) {
        return 0;
    }
    c->now.synchronised = true;
    return run(c, db, "INSERT INTO clock (key, boot, offset) VALUES (?1, '', 0)",
               (const int64_t[3]){HISTORY_CLOCK_SYNCHRONISED}, NULL, err);
}

int
history_clock_take(struct history_clock *c,
                   sqlite3 *db,
                   const struct frame *record,
                   struct err *err)
{
    const int64_t args[3] = {record->t_ms};
    c->now.trusted = (record->flags & FRAME_CLOCK_UNTRUSTED) == 0;
    c->now.offset_ms = record->t_ms;
    c->now.key = 0;
    int rc = note_synchronised(c, db, record, err);
    if (rc != 0 || !c->now.trusted) {
        return rc;
    }
    rc = run(c, db,
             "UPDATE clock SET shift = ?1 - offset"
             " WHERE boot = ?4 AND shift IS NULL",
             args, NULL, err);
    c->now.pending = c->now.pending || (rc == 0 && sqlite3_changes(db) > 0);
    return rc;
}

int
history_clock_mark(struct history_clock *c, sqlite3 *db, int64_t *mark, struct err *err)
{
    const int64_t args[3] = {c->now.offset_ms};
    int rc = 0;
    if (c->now.trusted) {
        c->now.key = HISTORY_CLOCK_UNKNOWN;
    }
    if (c->now.key == 0) {
        rc = run(c, db,
                 "SELECT key FROM clock"
                 " WHERE boot = ?4 AND offset = ?1 AND shift IS NULL",
                 args, &c->now.key, err);
    }
    if (rc == 0 && c->now.key == 0) {
        rc = run(c, db, "INSERT INTO clock (boot, offset) VALUES (?4, ?1)", args, NULL,
                 err);
        c->now.key = rc == 0 ? sqlite3_last_insert_rowid(db) : 0;
    }
    *mark = c->now.key;
    return rc;
}

/* What may still be moved now. */
struct budget {
    int chunks, rows;
};

/* Those chunks of a row of the table that were recorded first. */
static int
move_chunks(const struct history_clock *c,
            sqlite3 *db,
            int64_t clock,
            int64_t shift,
            struct budget *left,
            struct err *err)
{
    int64_t key = 1, next = 0;
    int rc = run(c, db,
                 "SELECT max(ifnull((SELECT max(key) FROM chunk), 0),"
                 " ifnull((SELECT max(rolled) FROM packed), 0))",
                 (const int64_t[3]){0}, &next, err);
    while (rc == 0 && key != 0 && left->chunks > 0) {
        rc = run(c, db,
                 "SELECT key FROM chunk WHERE untrusted = ?1 AND untrusted <> 0"
                 " ORDER BY key LIMIT 1",
                 (const int64_t[3]){clock}, &key, err);
        if (rc == 0 && key != 0) {
            rc = run(c, db,
                     "UPDATE chunk SET key = ?2, untrusted = 0, shift = ?3,"
                     " t0 = t0 - shift + ?3, t1 = t1 - shift + ?3 WHERE key = ?1",
                     (const int64_t[3]){key, ++next, shift}, NULL, err);
            left->chunks--;
        }
    }
    return rc;
}

static int
move_rows(const struct history_clock *c,
          sqlite3 *db,
          int64_t clock,
          int64_t shift,
          struct budget *left,
          struct err *err)
{
    int rc = run(c, db,
                 "UPDATE tail SET untrusted = 0, shift = ?2,"
                 " t0 = t0 - shift + ?2, t1 = t1 - shift + ?2"
                 " WHERE seq IN (SELECT seq FROM tail WHERE untrusted = ?1"
                 "  AND untrusted <> 0 ORDER BY seq LIMIT ?3)",
                 (const int64_t[3]){clock, shift, left->rows}, NULL, err);
    left->rows -= rc == 0 ? sqlite3_changes(db) : 0;
    return rc;
}

/* One row of the table; `done`: nothing of it is left. */
static int
settle_one(const struct history_clock *c,
           sqlite3 *db,
           int64_t clock,
           struct budget *left,
           bool *done,
           struct err *err)
{
    int64_t shift = 0;
    int rc = run(c, db, "SELECT shift FROM clock WHERE key = ?1",
                 (const int64_t[3]){clock}, &shift, err);
    rc = rc == 0 ? move_chunks(c, db, clock, shift, left, err) : rc;
    rc = rc == 0 ? move_rows(c, db, clock, shift, left, err) : rc;
    *done = rc == 0 && left->chunks > 0 && left->rows > 0;
    if (*done) {
        rc = run(c, db, "DELETE FROM clock WHERE key = ?1", (const int64_t[3]){clock},
                 NULL, err);
        log_info("history: samples of an untrusted clock were put right by %" PRId64
                 " ms",
                 shift);
    }
    return rc;
}

int
history_clock_settle(struct history_clock *c, sqlite3 *db, struct err *err)
{
    struct budget left = {CLOCK_CHUNKS_AT_ONCE, CLOCK_ROWS_AT_ONCE};
    int64_t clock = 0;
    bool done = true;
    int rc = 0;
    while (rc == 0 && done && c->now.pending) {
        rc = run(c, db, "SELECT min(key) FROM clock WHERE shift IS NOT NULL",
                 (const int64_t[3]){0}, &clock, err);
        if (rc == 0 && clock == 0) {
            c->now.pending = false;
        } else if (rc == 0) {
            rc = settle_one(c, db, clock, &left, &done, err);
        }
    }
    return rc;
}

void
history_clock_keep(struct history_clock *c)
{
    c->kept = c->now;
}

void
history_clock_undo(struct history_clock *c)
{
    c->now = c->kept;
}
