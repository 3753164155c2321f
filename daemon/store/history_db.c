#include "daemon/store/history_db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history_db_internal.h"
#include "daemon/store/history_keep.h"
#include "daemon/store/history_rollup.h"

#define MOVE_FRAMES  4000   /* Of schema 1, that move with one flush, */
#define MOVE_SAMPLES 100000 /* or so many samples. */

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_ADD_DEVICE] = "INSERT OR IGNORE INTO device (id) VALUES (?1)",
    [SQL_DEVICE_KEY] = "SELECT key FROM device WHERE id = ?1",
    [SQL_ADD_POINT] = "INSERT OR IGNORE INTO point (device, id) VALUES (?1, ?2)",
    [SQL_POINT_KEY] = "SELECT key FROM point WHERE device = ?1 AND id = ?2",
};

static void
forget_keys(struct history_db *h)
{
    memset(h->device_keys, 0, h->site->device_count * sizeof *h->device_keys);
    memset(h->point_keys, 0, h->site->point_count * sizeof *h->point_keys);
}

static void
close_db(struct history_db *h)
{
    history_tail_detach(h->tail);
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(h->kept[i]);
        h->kept[i] = NULL;
    }
    db_close(h->db);
    h->db = NULL;
}

static int
try_open(struct history_db *h, bool *damaged, struct err *err)
{
    int64_t newest;
    int rc = db_open_new(&h->db, h->path, HISTORY_FIRST_SQL, err);
    if (rc == 0) {
        rc = db_migrate(h->db, history_schema, HISTORY_SCHEMA_VERSION, err);
    }
    if (rc == 0) {
        rc = db_int(h->db, "SELECT max(t1) FROM chunk", 0, &newest, err);
    }
    rc = rc == 0 ? history_keep_attach(&h->keep, h->db, err) : rc;
    rc = rc == 0 ? history_has_frames(h->db, &h->has_frames, err) : rc;
    rc = rc == 0 ? history_scrub_count(h, err) : rc;
    rc = rc == 0 ? history_clock_attach(&h->clock, h->db, err) : rc;
    rc = rc == 0 ? history_tail_attach(h->tail, h->db, err) : rc;
    for (int i = 0; rc == 0 && i < SQL_COUNT; i++) {
        rc = db_prepare(h->db, &h->kept[i], sql_texts[i], err);
    }
    if (rc != 0) {
        *damaged = db_is_damaged(h->db);
        close_db(h);
    }
    return rc;
}

/* The log belongs to the file: it moves along, under the name that SQLite expects. */
static int
move_aside(struct history_db *h, const char *why, struct err *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char stamp[32], from[DB_PATH_BYTES + 8], to[DB_PATH_BYTES + 64];
    struct tm tm;
    time_t now = (time_t)(clock_real_ms() / 1000);
    localtime_r(&now, &tm);
    size_t size = strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    for (int n = 2; n < 100; n++) { /* Another one of this second stays. */
        snprintf(to, sizeof to, "%s.damaged-%s", h->path, stamp);
        if (access(to, F_OK) != 0) {
            break;
        }
        snprintf(stamp + size, sizeof stamp - size, "-%d", n);
    }
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(from, sizeof from, "%s%s", h->path, suffixes[i]);
        snprintf(to, sizeof to, "%s.damaged-%s%s", h->path, stamp, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            return err_set(err, ERR_IO, "%s: cannot move it to %s: %s", from, to,
                           err_reason(errno));
        }
    }
    log_error("%s; it was moved to %s.damaged-%s and a new history begun", why, h->path,
              stamp);
    return 0;
}

/* In place of a file that was moved aside: what is lost is of the file's time, which
 * nobody knows. */
static int
begin_anew(struct history_db *h, const char *why, struct err *err)
{
    bool damaged;
    int rc = try_open(h, &damaged, err);
    const struct scrub_find f = {
        .what = "file", .t0 = clock_real_ms(), .t1 = clock_real_ms(), .why = why};
    rc = rc == 0 ? scrub_put(h->db, &f, false, err) : rc;
    return rc == 0 ? history_scrub_count(h, err) : rc;
}

uint64_t
history_db_damaged(const struct history_db *h)
{
    return h->scrub.counted;
}

/* What the site says of a point; chunks code its register then. */
static struct scaling
scaling_of(void *ctx, uint32_t key)
{
    const struct history_db *h = ctx;
    uint32_t point = key < h->point_of_key_count ? h->point_of_key[key] : 0;
    return point != 0 ? h->site->points[point - 1].scaling : (struct scaling){0};
}

int
history_db_open(struct history_db **out,
                const char *dir,
                const struct site *site,
                struct err *err)
{
    struct err local = {0};
    bool damaged = false;
    int rc;
    struct history_db *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    h->site = site;
    history_clock_init(&h->clock);
    h->device_keys = calloc(site->device_count + 1, sizeof *h->device_keys);
    h->point_keys = calloc(site->point_count + 1, sizeof *h->point_keys);
    if (h->device_keys == NULL || h->point_keys == NULL) {
        rc = err_set(&local, ERR_NOMEM, "history");
        goto fail;
    }
    rc = history_tail_new(&h->tail, site->history.flush_ms, &local);
    if (rc != 0) {
        goto fail;
    }
    history_tail_scaling(h->tail, scaling_of, h);
    snprintf(h->dir, sizeof h->dir, "%s", dir);
    h->keep = (struct history_keep){
        .tail = h->tail, .site = site, .dir = h->dir, .path = h->path};
    rc = db_path(h->path, dir, HISTORY_FILE, &local);
    if (rc == 0) {
        rc = db_make_dir(dir, &local);
    }
    if (rc == 0) {
        rc = try_open(h, &damaged, &local);
    }
    if (rc != 0 && damaged) {
        const struct err why = local;
        rc = move_aside(h, why.text, &local);
        if (rc == 0) {
            rc = begin_anew(h, why.text, &local);
        }
    }
    if (rc != 0) {
        goto fail;
    }
    *out = h;
    return 0;
fail:
    history_db_close(h);
    return err_set(err, local.code, "%s", local.text);
}

bool
history_db_was_synchronised(const struct history_db *h)
{
    return h->clock.now.synchronised;
}

void
history_db_close(struct history_db *h)
{
    if (h == NULL) {
        return;
    }
    if (h->tail != NULL) {
        close_db(h);
    }
    history_tail_free(h->tail);
    free(h->device_keys);
    free(h->point_keys);
    free(h->point_of_key);
    free(h);
}

int
history_db_set_aside(struct history_db *h, struct err *err)
{
    const struct err why = *err;
    close_db(h);
    forget_keys(h);
    int rc = move_aside(h, why.text, err);
    return rc != 0 ? rc : begin_anew(h, why.text, err);
}

/* Runs a kept statement whose parameters are bound.  With `key` it gives one row with
 * one integer. */
static int
run(struct history_db *h, enum history_sql which, uint32_t *key, struct err *err)
{
    sqlite3_stmt *stmt = h->kept[which];
    int step = sqlite3_step(stmt);
    int rc = 0;
    if (key != NULL && step == SQLITE_ROW) {
        *key = (uint32_t)sqlite3_column_int64(stmt, 0);
    } else if (key != NULL || step != SQLITE_DONE) {
        rc = db_error(h->db, err, "write");
    }
    sqlite3_reset(stmt);
    return rc;
}

static int
learn_device(struct history_db *h, uint32_t device, struct err *err)
{
    const char *id = h->site->devices[device].id;
    sqlite3_bind_text(h->kept[SQL_ADD_DEVICE], 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(h->kept[SQL_DEVICE_KEY], 1, id, -1, SQLITE_STATIC);
    int rc = run(h, SQL_ADD_DEVICE, NULL, err);
    return rc != 0 ? rc : run(h, SQL_DEVICE_KEY, &h->device_keys[device], err);
}

static int
keep_point(struct history_db *h, uint32_t key, uint32_t point, struct err *err)
{
    if (key >= h->point_of_key_count) {
        uint32_t count = key + key / 2 + 64;
        uint32_t *grown = realloc(h->point_of_key, count * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        memset(grown + h->point_of_key_count, 0,
               (count - h->point_of_key_count) * sizeof *grown);
        h->point_of_key = grown;
        h->point_of_key_count = count;
    }
    h->point_of_key[key] = point + 1;
    return 0;
}

static int
learn_point(struct history_db *h, uint32_t device_key, uint32_t point, struct err *err)
{
    const char *id = h->site->points[point].id;
    sqlite3_bind_int64(h->kept[SQL_ADD_POINT], 1, device_key);
    sqlite3_bind_text(h->kept[SQL_ADD_POINT], 2, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(h->kept[SQL_POINT_KEY], 1, device_key);
    sqlite3_bind_text(h->kept[SQL_POINT_KEY], 2, id, -1, SQLITE_STATIC);
    int rc = run(h, SQL_ADD_POINT, NULL, err);
    rc = rc != 0 ? rc : run(h, SQL_POINT_KEY, &h->point_keys[point], err);
    return rc != 0 ? rc : keep_point(h, h->point_keys[point], point, err);
}

int
history_db_samples(struct history_db *h, const struct frame *f, struct err *err)
{
    int rc = 0;
    if (h->device_keys[f->device] == 0) {
        rc = learn_device(h, f->device, err);
    }
    uint32_t device_key = h->device_keys[f->device];
    for (size_t i = 0; rc == 0 && i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        if (h->point_keys[r->point] == 0) {
            rc = learn_point(h, device_key, r->point, err);
        }
        h->samples[i] = (struct blob_sample){.value = r->value,
                                             .key = h->point_keys[r->point],
                                             .quality = r->quality,
                                             .detail = r->detail};
    }
    return rc;
}

int
history_db_take(struct history_db *h,
                const struct frame *f,
                size_t count,
                struct err *err)
{
    int rc = history_tail_take(h->tail, h->device_keys[f->device], f->t_ms, f->flags,
                               h->samples, count, err);
    if (rc == ERR_RANGE) {
        log_warning("%s: a frame of %s is left out: %s", h->path,
                    h->site->devices[f->device].id, err->text);
        rc = 0;
    }
    return rc;
}

/* What was gathered, with the mark of the clock that dated it. */
static int
put_gathered(struct history_db *h, struct err *err)
{
    int64_t mark = HISTORY_CLOCK_UNKNOWN;
    int rc = history_clock_mark(&h->clock, h->db, &mark, err);
    history_tail_mark(h->tail, mark);
    rc = rc == 0 ? history_tail_put(h->tail, err) : rc;
    history_tail_mark(h->tail, HISTORY_CLOCK_UNKNOWN);
    return rc;
}

static int
insert_frame(struct history_db *h, const struct frame *f, struct err *err)
{
    if (history_clock_is_record(f)) {
        int done = put_gathered(h, err);
        history_tail_clock_changed(h->tail);
        return done == 0 ? history_clock_take(&h->clock, h->db, f, err) : done;
    }
    int rc = history_db_samples(h, f, err);
    return rc == 0 ? history_db_take(h, f, f->count, err) : rc;
}

static int
insert_frames(struct history_db *h,
              const unsigned char *frames,
              size_t size,
              struct err *err)
{
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && at < size) {
        const struct frame *f = (const void *)(frames + at);
        rc = insert_frame(h, f, err);
        at += frame_bytes(f->count);
    }
    return rc == 0 ? put_gathered(h, err) : rc;
}

/* ---- from schema 1 ---- */

static int
take_old(struct history_db *h, sqlite3_stmt *row, int64_t *samples, struct err *err)
{
    const void *blob = sqlite3_column_blob(row, 3);
    size_t size = (size_t)sqlite3_column_bytes(row, 3), count = 0;
    int64_t device = sqlite3_column_int64(row, 1);
    if (device <= 0 || device > UINT32_MAX ||
        !frame_blob_decode(h->samples, FRAME_READINGS_MAX, &count, blob, size)) {
        const struct scrub_find f = {
            .what = "frame",
            .row = sqlite3_column_int64(row, 4),
            .device = device > 0 && device <= UINT32_MAX ? device : 0,
            .t0 = sqlite3_column_int64(row, 0),
            .t1 = sqlite3_column_int64(row, 0),
            .untrusted = sqlite3_column_int64(row, 2) & FRAME_CLOCK_UNTRUSTED,
            .why = "form",
            .bytes = blob,
            .size = size};
        return scrub_put(h->db, &f, false, err);
    }
    *samples += (int64_t)count;
    int rc = history_tail_take(h->tail, (uint32_t)device, sqlite3_column_int64(row, 0),
                               (uint16_t)(sqlite3_column_int(row, 2) & UINT16_MAX),
                               h->samples, count, err);
    if (rc == ERR_RANGE) {
        log_error("%s: a frame is left out: %s", h->path, err->text);
        rc = 0;
    }
    return rc;
}

/* The oldest frames into a row of the tail of their own. */
static int
move_frames(struct history_db *h, struct err *err)
{
    sqlite3_stmt *row = NULL;
    char sql[128];
    int64_t frames = 0, samples = 0;
    int step = SQLITE_DONE;
    int rc = db_prepare(h->db, &row,
                        "SELECT t, device, flags, samples, rowid FROM frame"
                        " ORDER BY t, device, rowid",
                        err);
    while (rc == 0 && frames < MOVE_FRAMES && samples < MOVE_SAMPLES &&
           (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = take_old(h, row, &samples, err);
        frames++;
    }
    rc = rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE
             ? db_error(h->db, err, "read")
             : rc;
    sqlite3_finalize(row);
    snprintf(sql, sizeof sql,
             "DELETE FROM frame WHERE rowid IN (SELECT rowid FROM frame"
             " ORDER BY t, device, rowid LIMIT %lld)",
             (long long)frames);
    rc = rc == 0 ? history_tail_put(h->tail, err) : rc;
    rc = rc == 0 ? db_exec(h->db, frames > 0 ? sql : "DROP TABLE frame", err) : rc;
    h->has_frames = rc != 0 || frames > 0;
    return rc;
}

/* Another process may have written meanwhile, an import beside the daemon: what is
 * known of the tail is then read again. */
int
history_db_begin(struct history_db *h, struct err *err)
{
    int64_t version = 0;
    int rc = db_exec(h->db, "BEGIN IMMEDIATE", err);
    rc = rc == 0 ? db_int(h->db, "PRAGMA data_version", 0, &version, err) : rc;
    if (rc == 0 && version != h->version) {
        h->version = version;
        history_tail_forget(h->tail);
        rc = history_has_frames(h->db, &h->has_frames, err);
    }
    return rc;
}

int
history_db_settle(struct history_db *h, int64_t now_ms, struct err *err)
{
    h->had_frames = h->has_frames;
    int rc = h->has_frames ? move_frames(h, err) : 0;
    if (rc == 0 && h->clock.now.pending) {
        rc = history_clock_settle(&h->clock, h->db, err);
        if (!h->clock.now.pending) { /* It does not know of the chunks that moved. */
            history_tail_forget(h->tail);
        }
    }
    rc = rc == 0 ? history_tail_pack(h->tail, false, err) : rc;
    int64_t expire_ms = history_keep_before(&h->keep, now_ms);
    rc = rc == 0 ? history_rollup_make(h->tail, false, expire_ms, err) : rc;
    rc = rc == 0 ? history_scrub_settle(h, expire_ms, err) : rc;
    /* While some are to be put right, what seems old may be of today. */
    now_ms = h->clock.now.pending ? INSTANT_NONE : now_ms;
    return rc == 0 ? history_keep_settle(&h->keep, now_ms, err) : rc;
}

void
history_db_kept(struct history_db *h)
{
    history_clock_keep(&h->clock);
    history_keep_ended(&h->keep, true);
    history_keep_tidy(&h->keep);
}

/* The log's index may not grow, or the user has used what he is given. */
static bool
has_no_space(sqlite3 *db)
{
    int code = sqlite3_errcode(db) & 0xff, cause = sqlite3_system_errno(db);
    return code == SQLITE_FULL ||
           (code == SQLITE_IOERR && (cause == ENOSPC || cause == EDQUOT));
}

int
history_db_failed(struct history_db *h, enum history_trouble *trouble, struct err *err)
{
    *trouble = has_no_space(h->db)    ? HISTORY_FULL
               : db_is_damaged(h->db) ? HISTORY_DAMAGED
                                      : HISTORY_OTHER;
    h->keep.refused = *trouble == HISTORY_FULL && sqlite3_errcode(h->db) != SQLITE_FULL;
    if (sqlite3_get_autocommit(h->db) == 0) {
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    }
    forget_keys(h); /* Those of this transaction are gone. */
    history_tail_forget(h->tail);
    history_clock_undo(&h->clock);
    history_keep_ended(&h->keep, false);
    h->has_frames = h->has_frames || h->had_frames;
    return err->code;
}

int
history_db_write(struct history_db *h,
                 const unsigned char *frames,
                 size_t size,
                 int64_t now_ms,
                 enum history_trouble *trouble,
                 struct err *err)
{
    if (h->db == NULL) { /* A new file could not be begun the last time. */
        bool damaged;
        int rc = try_open(h, &damaged, err);
        if (rc != 0) {
            *trouble = HISTORY_OTHER;
            return rc;
        }
    }
    history_keep_watch(&h->keep);
    int rc = history_db_begin(h, err);
    rc = rc == 0 ? insert_frames(h, frames, size, err) : rc;
    rc = rc == 0 ? history_db_settle(h, now_ms, err) : rc;
    rc = rc == 0 ? db_exec(h->db, "COMMIT", err) : rc;
    if (rc != 0) {
        return history_db_failed(h, trouble, err);
    }
    history_db_kept(h);
    return 0;
}

int
history_db_pack(struct history_db *h, struct err *err)
{
    enum history_trouble trouble;
    int rc = history_db_begin(h, err);
    rc = rc == 0 ? history_tail_pack(h->tail, true, err) : rc;
    rc = rc == 0 ? history_rollup_make(h->tail, true, INSTANT_NONE, err) : rc;
    rc = rc == 0 ? db_exec(h->db, "COMMIT", err) : rc;
    return rc == 0 ? 0 : history_db_failed(h, &trouble, err);
}

int
history_db_drop_oldest(struct history_db *h, struct err *err)
{
    enum history_trouble trouble;
    int64_t freed = 0;
    history_keep_fold(&h->keep);
    int rc = history_db_begin(h, err);
    rc = rc == 0 ? history_keep_drop(&h->keep, &freed, err) : rc;
    if (rc == 0 && freed == 0) {
        rc = err_set(err, ERR_IO, "%s: full, and nothing is left to drop", h->path);
    }
    rc = rc == 0 ? db_exec(h->db, "COMMIT", err) : rc;
    return rc == 0 ? 0 : history_db_failed(h, &trouble, err);
}

struct history_db_space
history_db_space(const struct history_db *h)
{
    return (struct history_db_space){.full = h->keep.frozen || h->keep.refused,
                                     .present_ms = h->keep.present_ms};
}
