#include "daemon/store/history_keep.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_tail_internal.h"

/* Left to state.db: the history stops growing here, and grows again with half as much
 * more. */
#define DISK_RESERVE_BYTES (INT64_C(16) << 20)
/* A page of the tail that is used again before the log is folded back into the file is
 * written to the file once: the log holds the tail about twice. */
#define LOG_BYTES (INT64_C(16) << 20)
#define LOG_SHARE 8 /* Of `max_size`, at most. */

#define EXPIRE_CHUNKS 64 /* That go with one flush: more than come in. */
#define DROP_SHARE    16 /* Of `max_size`, that makes room. */
#define DROP_BYTES    (INT64_C(4) << 20) /* The same where there is none. */
#define FREE_SHARE    8                  /* Of the pages, that may be unused. */
#define FREE_MIN      2048
#define GIVE_BACK     512 /* Pages that leave the file with one flush. */

/* What is kept where the site does not say for how long: for the order of going. */
#define KEEP_DEFAULT_MS    INT64_C(7776000000)   /* 90 days */
#define KEEP_1M_DEFAULT_MS INT64_C(63072000000)  /* 2 years */
#define KEEP_1H_DEFAULT_MS INT64_C(630720000000) /* 20 years */

/* ---- how large it may get ---- */

/* The file may grow to `max_size`, or not at all while the disk is nearly full; what
 * does not fit is SQLITE_FULL, and the oldest makes room. */
static int
limit_pages(struct history_db *h, bool frozen, struct err *err)
{
    char sql[64];
    int64_t pages = h->pages_max > 0 ? h->pages_max : INT32_MAX;
    if (frozen) {
        int rc = db_int(h->db, "PRAGMA page_count", 0, &pages, err);
        if (rc != 0) {
            return rc;
        }
    }
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages);
    h->frozen = frozen;
    return db_exec(h->db, sql, err);
}

int
history_keep_limit(struct history_db *h, struct err *err)
{
    char sql[160];
    int64_t max = h->site->history.max_bytes, kind = 0;
    int64_t log = max > 0 && max / LOG_SHARE < LOG_BYTES ? max / LOG_SHARE : LOG_BYTES;
    int rc = db_int(h->db, "PRAGMA auto_vacuum", 0, &kind, err);
    h->gives_back = kind == 2; /* Files of schema 1 are not made for it. */
    h->log_bytes = log + log / 4;
    h->pages_max = max > 0 ? (max - h->log_bytes) / h->page_bytes : 0;
    snprintf(sql, sizeof sql,
             "PRAGMA wal_autocheckpoint = %lld; PRAGMA journal_size_limit = %lld;"
             /* Pages that are free would else be written, full of zeros. */
             "PRAGMA secure_delete = OFF",
             (long long)(log / h->page_bytes), (long long)h->log_bytes);
    rc = rc == 0 ? db_exec(h->db, sql, err) : rc;
    return rc == 0 ? limit_pages(h, false, err) : rc;
}

/* What the log can still take from the disk, beside what it has. */
static int64_t
log_to_come(const struct history_db *h)
{
    char path[DB_PATH_BYTES + 8];
    struct stat st;
    snprintf(path, sizeof path, "%s-wal", h->path);
    int64_t has = stat(path, &st) == 0 ? st.st_size : 0;
    return has < h->log_bytes ? h->log_bytes - has : 0;
}

void
history_keep_watch(struct history_db *h)
{
    struct statvfs vfs;
    struct err err = {0};
    if (statvfs(h->dir, &vfs) != 0) {
        return; /* The write itself will say what is wrong. */
    }
    int64_t left = (int64_t)((uint64_t)vfs.f_bavail * vfs.f_frsize) - log_to_come(h);
    bool scarce = left < (h->frozen ? DISK_RESERVE_BYTES + DISK_RESERVE_BYTES / 2
                                    : DISK_RESERVE_BYTES);
    if (scarce == h->frozen) {
        return;
    }
    if (limit_pages(h, scarce, &err) != 0) {
        log_warning("%s", err.text);
    } else if (scarce) {
        log_warning("%s: the disk is nearly full; the oldest samples make room",
                    h->path);
    } else {
        log_info("%s: the disk has space again", h->path);
    }
}

/* ---- by age ---- */

/* Rows of the tail become chunks first, and chunks are rolled up: what would be in
 * nothing does not go. */
static int
expire(struct history_db *h, int64_t expire_ms, struct err *err)
{
    struct history_tail *t = h->tail;
    sqlite3_bind_int64(t->kept[TAIL_SQL_EXPIRE_CHUNKS], 1, expire_ms);
    sqlite3_bind_int64(t->kept[TAIL_SQL_EXPIRE_CHUNKS], 2, EXPIRE_CHUNKS);
    return history_tail_run(t, TAIL_SQL_EXPIRE_CHUNKS, err);
}

/* ---- by size ---- */

/* A row that could go. */
struct oldest {
    int64_t key, bytes, t1;
    enum tail_sql drop;
    bool there;
};

static int
look(struct history_db *h, enum tail_sql which, struct oldest *out, struct err *err)
{
    sqlite3_stmt *row = h->tail->kept[which];
    int step = sqlite3_step(row);
    out->there = step == SQLITE_ROW;
    if (out->there) {
        out->key = sqlite3_column_int64(row, 0);
        out->bytes = sqlite3_column_int64(row, 1);
        out->t1 = sqlite3_column_int64(row, 2);
    }
    int rc =
        step == SQLITE_ROW || step == SQLITE_DONE ? 0 : db_error(h->db, err, "read");
    sqlite3_reset(row);
    return rc;
}

/* How much of its time it has lived. */
static double
lived(const struct oldest *o, int64_t now_ms, int64_t keep_ms, int64_t keep_default_ms)
{
    return (double)(now_ms - o->t1) / (double)(keep_ms > 0 ? keep_ms : keep_default_ms);
}

/* The row that goes next; the tail only when there is nothing else. */
static int
choose(struct history_db *h, int64_t now_ms, struct oldest *out, struct err *err)
{
    const struct history_spec *spec = &h->site->history;
    struct history_tail *t = h->tail;
    struct oldest one[3] = {{.drop = TAIL_SQL_DROP_CHUNK},
                            {.drop = TAIL_SQL_DROP_ROLLUP},
                            {.drop = TAIL_SQL_DROP_ROLLUP}};
    int rc = look(h, TAIL_SQL_OLDEST_CHUNK, &one[0], err);
    sqlite3_bind_int64(t->kept[TAIL_SQL_OLDEST_ROLLUP], 1, ROLLUP_MINUTE_MS);
    rc = rc == 0 ? look(h, TAIL_SQL_OLDEST_ROLLUP, &one[1], err) : rc;
    sqlite3_bind_int64(t->kept[TAIL_SQL_OLDEST_ROLLUP], 1, ROLLUP_HOUR_MS);
    rc = rc == 0 ? look(h, TAIL_SQL_OLDEST_ROLLUP, &one[2], err) : rc;
    const double parts[3] = {
        lived(&one[0], now_ms, spec->keep_ms, KEEP_DEFAULT_MS),
        lived(&one[1], now_ms, spec->keep_1m_ms, KEEP_1M_DEFAULT_MS),
        lived(&one[2], now_ms, spec->keep_1h_ms, KEEP_1H_DEFAULT_MS)};
    int best = -1;
    for (int i = 0; i < 3; i++) {
        if (one[i].there && (best < 0 || parts[i] > parts[best])) {
            best = i;
        }
    }
    if (rc != 0 || best >= 0) {
        *out = best >= 0 ? one[best] : *out;
        return rc;
    }
    out->drop = TAIL_SQL_DROP_TAIL;
    return look(h, TAIL_SQL_OLDEST_TAIL, out, err);
}

/* What an old schema left is older than all else. */
static int
drop_frames(struct history_db *h, int64_t *freed, struct err *err)
{
    int rc = db_exec(h->db,
                     "DELETE FROM frame WHERE rowid IN (SELECT rowid FROM frame"
                     " ORDER BY t LIMIT 1000)",
                     err);
    *freed = rc == 0 ? sqlite3_changes(h->db) : 0;
    return rc;
}

int
history_keep_drop(struct history_db *h, int64_t *freed, struct err *err)
{
    struct history_tail *t = h->tail;
    int64_t bytes =
        h->pages_max > 0 ? h->pages_max * h->page_bytes / DROP_SHARE : DROP_BYTES;
    int64_t now_ms = t->put_ms;
    struct oldest o = {.there = true};
    int rc = 0;
    *freed = 0;
    if (h->has_frames) {
        rc = drop_frames(h, freed, err);
        if (rc != 0 || *freed > 0) {
            return rc;
        }
    }
    rc = now_ms == 0 ? db_int(h->db, "SELECT max(t1) FROM chunk", 0, &now_ms, err) : 0;
    while (rc == 0 && *freed < bytes && o.there) {
        o = (struct oldest){.there = false};
        rc = choose(h, now_ms, &o, err);
        if (rc == 0 && o.there) {
            sqlite3_bind_int64(t->kept[o.drop], 1, o.key);
            rc = history_tail_run(t, o.drop, err);
            *freed += o.bytes > 0 ? o.bytes : 1;
        }
        t->known = t->known && o.drop != TAIL_SQL_DROP_TAIL;
    }
    return rc;
}

/* Near its limit the file drops its oldest before it is full; far below it, space that
 * is not used leaves the file. */
static int
make_room(struct history_db *h, struct err *err)
{
    char sql[64];
    int64_t pages = 0, unused = 0, freed = 0;
    int rc = db_int(h->db, "PRAGMA page_count", 0, &pages, err);
    rc = rc == 0 ? db_int(h->db, "PRAGMA freelist_count", 0, &unused, err) : rc;
    if (rc != 0) {
        return rc;
    }
    if (h->pages_max > 0 && h->pages_max - pages + unused < h->pages_max / DROP_SHARE) {
        return history_keep_drop(h, &freed, err);
    }
    if (h->gives_back && unused > FREE_MIN && unused > pages / FREE_SHARE) {
        snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", GIVE_BACK);
        return db_exec(h->db, sql, err);
    }
    return 0;
}

int
history_keep_settle(struct history_db *h, int64_t expire_ms, struct err *err)
{
    const struct history_spec *spec = &h->site->history;
    int rc = 0;
    /* While clocks are put right, what seems old may be of today. */
    if (expire_ms != INSTANT_NONE && !h->clock.now.pending) {
        rc = expire(h, expire_ms, err);
    }
    rc = rc == 0
             ? history_rollup_expire(h->tail, spec->keep_1m_ms, spec->keep_1h_ms, err)
             : rc;
    return rc == 0 ? make_room(h, err) : rc;
}
