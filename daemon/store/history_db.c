#include "daemon/store/history_db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"

#define EXPIRE_FRAMES_MIN 500 /* Expired frames that go with one commit, at least. */
#define DISK_RESERVE_BYTES                                                             \
    ((uint64_t)16 << 20) /* Left to state.db: the history stops growing here. */

enum history_sql {
    SQL_INSERT,
    SQL_THERE,
    SQL_EXPIRE,
    SQL_DROP,
    SQL_ADD_DEVICE,
    SQL_DEVICE_KEY,
    SQL_ADD_POINT,
    SQL_POINT_KEY,
    SQL_COUNT
};

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_INSERT] =
        "INSERT INTO frame (t, device, flags, samples) VALUES (?1, ?2, ?3, ?4)",
    [SQL_THERE] = "SELECT samples FROM frame WHERE t = ?1 AND device = ?2",
    [SQL_EXPIRE] = "DELETE FROM frame WHERE rowid IN"
                   " (SELECT rowid FROM frame WHERE t < ?1 ORDER BY t LIMIT ?2)",
    [SQL_DROP] = "DELETE FROM frame WHERE rowid IN"
                 " (SELECT rowid FROM frame ORDER BY t LIMIT ?1)",
    [SQL_ADD_DEVICE] = "INSERT OR IGNORE INTO device (id) VALUES (?1)",
    [SQL_DEVICE_KEY] = "SELECT key FROM device WHERE id = ?1",
    [SQL_ADD_POINT] = "INSERT OR IGNORE INTO point (device, id) VALUES (?1, ?2)",
    [SQL_POINT_KEY] = "SELECT key FROM point WHERE device = ?1 AND id = ?2",
};

/* Devices and points are known by name, so that rows stay readable after the site has
 * changed.  The rows themselves hold keys. */
static const char version_1[] =
    "CREATE TABLE device ("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE point ("
    "  key INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES device (key),"
    "  id TEXT NOT NULL, UNIQUE (device, id)) STRICT;"
    "CREATE TABLE frame ("
    "  t INTEGER NOT NULL, device INTEGER NOT NULL, flags INTEGER NOT NULL,"
    "  samples BLOB NOT NULL) STRICT;"
    "CREATE INDEX frame_t ON frame (t, device);"
    "CREATE VIEW frames AS SELECT"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', frame.t / 1000.0, 'unixepoch') AS at,"
    "  device.id AS device, frame.flags & 1 AS clock_untrusted,"
    "  length(frame.samples) AS bytes"
    "  FROM frame JOIN device ON device.key = frame.device;";

static const char *const steps[HISTORY_SCHEMA_VERSION] = {version_1};

struct history_db {
    sqlite3 *db;
    sqlite3_stmt *kept[SQL_COUNT];
    const struct site *site;
    char dir[DB_PATH_BYTES];
    char path[DB_PATH_BYTES];
    uint32_t *device_keys; /* By index of the site; 0: not known yet. */
    uint32_t *point_keys;
    int64_t pages_max; /* From `max_size`; 0: not limited. */
    bool frozen;       /* The disk is nearly full: the file must not grow. */
    uint8_t blob[1 + FRAME_READINGS_MAX * FRAME_BLOB_SAMPLE_BYTES_MAX];
    struct blob_sample samples[FRAME_READINGS_MAX];
    /* Of an import: a frame that is there, and what of `samples` it has. */
    struct blob_sample there[FRAME_READINGS_MAX];
    uint8_t presence[FRAME_READINGS_MAX]; /* enum presence */
};

enum presence {
    PRESENCE_NEW,
    PRESENCE_OTHER, /* Another sample of this point and time is there. */
    PRESENCE_KNOWN  /* The very same sample is there. */
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
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(h->kept[i]);
        h->kept[i] = NULL;
    }
    db_close(h->db);
    h->db = NULL;
}

/* The file may grow to `max_size`, or not at all while the disk is nearly full; what
 * does not fit is SQLITE_FULL, and the oldest frames make room. */
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

static int
try_open(struct history_db *h, bool *damaged, struct err *err)
{
    int64_t page_bytes = 0;
    int64_t newest;
    int rc = db_open(&h->db, h->path, DB_WRITE, err);
    if (rc == 0) {
        rc = db_migrate(h->db, steps, HISTORY_SCHEMA_VERSION, err);
    }
    if (rc == 0) {
        rc = db_int(h->db, "SELECT max(t) FROM frame", 0, &newest, err);
    }
    if (rc == 0) {
        rc = db_int(h->db, "PRAGMA page_size", 4096, &page_bytes, err);
    }
    if (rc == 0) {
        h->pages_max = h->site->history.max_bytes / page_bytes;
        rc = limit_pages(h, false, err);
    }
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
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
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
    h->device_keys = calloc(site->device_count + 1, sizeof *h->device_keys);
    h->point_keys = calloc(site->point_count + 1, sizeof *h->point_keys);
    if (h->device_keys == NULL || h->point_keys == NULL) {
        rc = err_set(&local, ERR_NOMEM, "history");
        goto fail;
    }
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
            rc = try_open(h, &damaged, &local);
        }
    }
    if (rc != 0) {
        goto fail;
    }
    snprintf(h->dir, sizeof h->dir, "%s", dir);
    *out = h;
    return 0;
fail:
    history_db_close(h);
    return err_set(err, local.code, "%s", local.text);
}

void
history_db_close(struct history_db *h)
{
    if (h == NULL) {
        return;
    }
    close_db(h);
    free(h->device_keys);
    free(h->point_keys);
    free(h);
}

int
history_db_set_aside(struct history_db *h, struct err *err)
{
    bool damaged;
    close_db(h);
    forget_keys(h);
    int rc = move_aside(h, err->text, err);
    return rc != 0 ? rc : try_open(h, &damaged, err);
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
learn_point(struct history_db *h, uint32_t device_key, uint32_t point, struct err *err)
{
    const char *id = h->site->points[point].id;
    sqlite3_bind_int64(h->kept[SQL_ADD_POINT], 1, device_key);
    sqlite3_bind_text(h->kept[SQL_ADD_POINT], 2, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(h->kept[SQL_POINT_KEY], 1, device_key);
    sqlite3_bind_text(h->kept[SQL_POINT_KEY], 2, id, -1, SQLITE_STATIC);
    int rc = run(h, SQL_ADD_POINT, NULL, err);
    return rc != 0 ? rc : run(h, SQL_POINT_KEY, &h->point_keys[point], err);
}

/* Into `samples`, with keys that are learnt where they are new. */
static int
take_samples(struct history_db *h, const struct frame *f, struct err *err)
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

/* The first `count` of `samples`, as a frame of the time and device of `f`. */
static int
insert_samples(struct history_db *h,
               const struct frame *f,
               size_t count,
               struct err *err)
{
    size_t size = frame_blob_encode(h->blob, h->samples, count);
    sqlite3_stmt *stmt = h->kept[SQL_INSERT];
    sqlite3_bind_int64(stmt, 1, f->t_ms);
    sqlite3_bind_int64(stmt, 2, h->device_keys[f->device]);
    sqlite3_bind_int(stmt, 3, f->flags);
    sqlite3_bind_blob(stmt, 4, h->blob, (int)size, SQLITE_STATIC);
    return run(h, SQL_INSERT, NULL, err);
}

static int
insert_frames(struct history_db *h,
              const unsigned char *frames,
              size_t size,
              int64_t *count,
              struct err *err)
{
    size_t at = 0;
    while (at < size) {
        const struct frame *f = (const void *)(frames + at);
        int rc = take_samples(h, f, err);
        rc = rc == 0 ? insert_samples(h, f, f->count, err) : rc;
        if (rc != 0) {
            return rc;
        }
        at += frame_bytes(f->count);
        ++*count;
    }
    return 0;
}

static void
watch_disk(struct history_db *h)
{
    struct statvfs vfs;
    struct err err = {0};
    if (statvfs(h->dir, &vfs) != 0) {
        return; /* The write itself will say what is wrong. */
    }
    bool scarce = (uint64_t)vfs.f_bavail * vfs.f_frsize < DISK_RESERVE_BYTES;
    if (scarce == h->frozen) {
        return;
    }
    if (limit_pages(h, scarce, &err) != 0) {
        log_warning("%s", err.text);
    } else if (scarce) {
        log_warning("%s: the disk is nearly full; the oldest samples make room",
                    h->path);
    }
}

static int
failed(struct history_db *h, enum history_trouble *trouble, struct err *err)
{
    int code = sqlite3_errcode(h->db) & 0xff;
    *trouble = code == SQLITE_FULL    ? HISTORY_FULL
               : db_is_damaged(h->db) ? HISTORY_DAMAGED
                                      : HISTORY_OTHER;
    if (sqlite3_get_autocommit(h->db) == 0) {
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    }
    forget_keys(h); /* Those of this transaction are gone. */
    return err->code;
}

int
history_db_write(struct history_db *h,
                 const unsigned char *frames,
                 size_t size,
                 int64_t expire_ms,
                 enum history_trouble *trouble,
                 struct err *err)
{
    int64_t count = 0;
    if (h->db == NULL) { /* A new file could not be begun the last time. */
        bool damaged;
        int rc = try_open(h, &damaged, err);
        if (rc != 0) {
            *trouble = HISTORY_OTHER;
            return rc;
        }
    }
    watch_disk(h);
    int rc = db_exec(h->db, "BEGIN IMMEDIATE", err);
    if (rc == 0) {
        rc = insert_frames(h, frames, size, &count, err);
    }
    if (rc == 0) {
        /* More than came in, so that a backlog shrinks. */
        sqlite3_bind_int64(h->kept[SQL_EXPIRE], 1, expire_ms);
        sqlite3_bind_int64(h->kept[SQL_EXPIRE], 2, EXPIRE_FRAMES_MIN + 2 * count);
        rc = run(h, SQL_EXPIRE, NULL, err);
    }
    if (rc == 0) {
        rc = db_exec(h->db, "COMMIT", err);
    }
    return rc == 0 ? 0 : failed(h, trouble, err);
}

/* A value is only a value where the quality is good. */
static bool
same_sample(const struct blob_sample *a, const struct blob_sample *b)
{
    return a->quality == b->quality && a->detail == b->detail &&
           (a->quality != QUALITY_GOOD ||
            memcmp(&a->value, &b->value, sizeof a->value) == 0);
}

/* Marks which of the `count` samples are among the `there_count` of a frame that is
 * there.  Both mostly have the same points in the same order, so that each is found
 * where the one before it ended. */
static void
mark_there(struct history_db *h, size_t count, size_t there_count)
{
    size_t at = 0;
    for (size_t i = 0; i < there_count; i++) {
        size_t tried = 0;
        while (tried < count && h->samples[at].key != h->there[i].key) {
            at = at + 1 < count ? at + 1 : 0;
            tried++;
        }
        if (tried < count && same_sample(&h->samples[at], &h->there[i])) {
            h->presence[at] = PRESENCE_KNOWN;
        } else if (tried < count && h->presence[at] == PRESENCE_NEW) {
            h->presence[at] = PRESENCE_OTHER;
        }
    }
}

/* Looks at all frames of the time and device of `f`.  One that is damaged has nothing.
 */
static int
look_there(struct history_db *h, const struct frame *f, struct err *err)
{
    sqlite3_stmt *stmt = h->kept[SQL_THERE];
    int step;
    memset(h->presence, PRESENCE_NEW, f->count);
    sqlite3_bind_int64(stmt, 1, f->t_ms);
    sqlite3_bind_int64(stmt, 2, h->device_keys[f->device]);
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(stmt, 0);
        size_t size = (size_t)sqlite3_column_bytes(stmt, 0);
        size_t count = 0;
        if (frame_blob_decode(h->there, FRAME_READINGS_MAX, &count, blob, size)) {
            mark_there(h, f->count, count);
        }
    }
    int rc = step == SQLITE_DONE ? 0 : db_error(h->db, err, "read");
    sqlite3_reset(stmt);
    return rc;
}

/* Inserts what of the frame is not there. */
static int
import_frame(struct history_db *h,
             const struct frame *f,
             struct history_import_counts *counts,
             struct err *err)
{
    size_t left = 0;
    int rc = take_samples(h, f, err);
    rc = rc == 0 ? look_there(h, f, err) : rc;
    for (size_t i = 0; rc == 0 && i < f->count; i++) {
        counts->known += h->presence[i] == PRESENCE_KNOWN;
        counts->differing += h->presence[i] == PRESENCE_OTHER;
        if (h->presence[i] != PRESENCE_KNOWN) {
            h->samples[left++] = h->samples[i];
        }
    }
    return rc == 0 && left > 0 ? insert_samples(h, f, left, err) : rc;
}

static int
import_frames(struct history_db *h,
              const unsigned char *frames,
              size_t size,
              struct history_import_counts *counts,
              struct err *err)
{
    *counts = (struct history_import_counts){0};
    for (size_t at = 0; at < size;) {
        const struct frame *f = (const void *)(frames + at);
        int rc = import_frame(h, f, counts, err);
        if (rc != 0) {
            return rc;
        }
        at += frame_bytes(f->count);
    }
    return 0;
}

int
history_db_import(struct history_db *h,
                  const unsigned char *frames,
                  size_t size,
                  struct history_import_counts *counts,
                  struct err *err)
{
    enum history_trouble trouble;
    watch_disk(h);
    int rc = db_exec(h->db, "BEGIN IMMEDIATE", err);
    if (rc == 0) {
        rc = import_frames(h, frames, size, counts, err);
    }
    if (rc == 0) {
        rc = db_exec(h->db, "COMMIT", err);
    }
    return rc == 0 ? 0 : failed(h, &trouble, err);
}

int
history_db_drop_oldest(struct history_db *h, int64_t count, struct err *err)
{
    sqlite3_bind_int64(h->kept[SQL_DROP], 1, count);
    return run(h, SQL_DROP, NULL, err);
}
