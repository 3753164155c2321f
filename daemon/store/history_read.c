#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history.h"
#include "daemon/store/history_db.h"

/* One sample of the device and time being gathered. */
struct gathered {
    struct blob_sample sample;
    const char *point; /* Borrowed from the names. */
    uint32_t order;    /* As read: the earlier of two frames comes first. */
    bool clock_untrusted;
};

struct history_reader {
    sqlite3 *db;
    sqlite3_stmt *name_of;
    sqlite3_stmt *edges[2]; /* The first, the last; NULL: not prepared yet. */
    char path[DB_PATH_BYTES];
    ino_t inode;  /* A damaged file is replaced under its name. */
    char **names; /* Ids of points by key; NULL: not asked yet. */
    size_t name_count;
    struct gathered *gathered;
    size_t gathered_count, gathered_capacity;
    struct blob_sample samples[FRAME_READINGS_MAX];
};

static void
close_file(struct history_reader *r)
{
    for (size_t i = 0; i < r->name_count; i++) {
        free(r->names[i]);
    }
    free(r->names);
    r->names = NULL;
    r->name_count = 0;
    sqlite3_finalize(r->name_of);
    r->name_of = NULL;
    for (size_t i = 0; i < ARRAY_LEN(r->edges); i++) {
        sqlite3_finalize(r->edges[i]);
        r->edges[i] = NULL;
    }
    db_close(r->db);
    r->db = NULL;
}

static int
open_file(struct history_reader *r, struct err *err)
{
    struct stat st;
    int rc = db_open(&r->db, r->path, DB_READ, err);
    if (rc == 0) {
        rc = db_check_version(r->db, HISTORY_SCHEMA_VERSION, err);
    }
    if (rc == 0) {
        rc = db_prepare(r->db, &r->name_of, "SELECT id FROM point WHERE key = ?1", err);
    }
    r->inode = rc == 0 && stat(r->path, &st) == 0 ? st.st_ino : 0;
    return rc;
}

/* Opens again when another file stands there now. */
static int
refresh(struct history_reader *r, struct err *err)
{
    struct stat st;
    if (r->db != NULL && stat(r->path, &st) == 0 && st.st_ino == r->inode) {
        return 0;
    }
    close_file(r);
    return open_file(r, err);
}

int
history_reader_open(struct history_reader **out, const char *dir, struct err *err)
{
    struct err local = {0};
    struct history_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    int rc = db_path(r->path, dir, HISTORY_FILE, &local);
    if (rc == 0) {
        rc = open_file(r, &local);
    }
    if (rc != 0) {
        history_reader_close(r);
        return err_set(err, local.code, "%s", local.text);
    }
    *out = r;
    return 0;
}

void
history_reader_close(struct history_reader *r)
{
    if (r == NULL) {
        return;
    }
    close_file(r);
    free(r->gathered);
    free(r);
}

static int
keep_name(struct history_reader *r, uint32_t key, const char *name, struct err *err)
{
    if (key >= r->name_count) {
        size_t count = r->name_count == 0 ? 256 : r->name_count;
        while (count <= key) {
            count *= 2;
        }
        char **names = realloc(r->names, count * sizeof *names);
        if (names == NULL) {
            return err_set(err, ERR_NOMEM, "%s", r->path);
        }
        memset(names + r->name_count, 0, (count - r->name_count) * sizeof *names);
        r->names = names;
        r->name_count = count;
    }
    r->names[key] = strdup(name);
    return r->names[key] != NULL ? 0 : err_set(err, ERR_NOMEM, "%s", r->path);
}

static int
point_name(struct history_reader *r, uint32_t key, const char **out, struct err *err)
{
    if (key >= r->name_count || r->names[key] == NULL) {
        sqlite3_bind_int64(r->name_of, 1, key);
        int step = sqlite3_step(r->name_of);
        int rc;
        if (step == SQLITE_ROW) {
            rc = keep_name(r, key, (const char *)sqlite3_column_text(r->name_of, 0),
                           err);
        } else if (step == SQLITE_DONE) {
            rc = err_set(err, ERR_IO, "%s: point %u has no name", r->path, key);
        } else {
            rc = db_error(r->db, err, "read");
        }
        sqlite3_reset(r->name_of);
        if (rc != 0) {
            return rc;
        }
    }
    *out = r->names[key];
    return 0;
}

/* Adds the samples of the row to those of its device and time. */
static int
gather(struct history_reader *r, sqlite3_stmt *row, const char *point, struct err *err)
{
    size_t count = 0;
    const void *blob = sqlite3_column_blob(row, 3);
    size_t size = (size_t)sqlite3_column_bytes(row, 3);
    bool untrusted = (sqlite3_column_int64(row, 2) & FRAME_CLOCK_UNTRUSTED) != 0;
    if (!frame_blob_decode(r->samples, FRAME_READINGS_MAX, &count, blob, size)) {
        char t[INSTANT_TEXT_BYTES];
        return err_set(err, ERR_IO, "%s: the frame of %s at %s is damaged", r->path,
                       (const char *)sqlite3_column_text(row, 1),
                       instant_format_utc(t, sqlite3_column_int64(row, 0)));
    }
    if (r->gathered_count + count > r->gathered_capacity) {
        size_t capacity = 2 * (r->gathered_count + count);
        struct gathered *grown = realloc(r->gathered, capacity * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "%s", r->path);
        }
        r->gathered = grown;
        r->gathered_capacity = capacity;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        int rc = point_name(r, r->samples[i].key, &name, err);
        if (rc != 0) {
            return rc;
        }
        if (point == NULL || strcmp(point, name) == 0) {
            struct gathered *g = &r->gathered[r->gathered_count];
            *g = (struct gathered){.sample = r->samples[i],
                                   .point = name,
                                   .order = (uint32_t)r->gathered_count,
                                   .clock_untrusted = untrusted};
            r->gathered_count++;
        }
    }
    return 0;
}

static int
by_point(const void *left, const void *right)
{
    const struct gathered *a = left;
    const struct gathered *b = right;
    int order = strcmp(a->point, b->point);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* Hands over what was gathered; false when the callback has had enough. */
static bool
hand_over(struct history_reader *r,
          int64_t t_ms,
          const char *device,
          history_fn fn,
          void *ctx)
{
    for (size_t i = 1; i < r->gathered_count; i++) {
        /* In order already, unless two frames of one time met here. */
        if (by_point(&r->gathered[i - 1], &r->gathered[i]) > 0) {
            qsort(r->gathered, r->gathered_count, sizeof *r->gathered, by_point);
            break;
        }
    }
    bool more = true;
    for (size_t i = 0; more && i < r->gathered_count; i++) {
        const struct gathered *g = &r->gathered[i];
        const struct history_sample s = {.t_ms = t_ms,
                                         .device = device,
                                         .point = g->point,
                                         .value = g->sample.value,
                                         .quality = (enum quality)g->sample.quality,
                                         .detail = g->sample.detail,
                                         .clock_untrusted = g->clock_untrusted};
        more = fn(ctx, &s);
    }
    r->gathered_count = 0;
    return more;
}

static int
prepare_each(struct history_reader *r,
             sqlite3_stmt **out,
             int64_t from_ms,
             int64_t to_ms,
             const char *device,
             const char *point,
             struct err *err)
{
    char sql[512];
    /* CROSS JOIN keeps the frames outside, so that the index gives their order. */
    snprintf(sql, sizeof sql,
             "SELECT f.t, d.id, f.flags, f.samples"
             " FROM frame f CROSS JOIN device d ON d.key = f.device"
             " WHERE f.t BETWEEN ?1 AND ?2%s%s ORDER BY f.t, d.id, f.rowid",
             device != NULL ? " AND f.device = (SELECT key FROM device WHERE id = ?3)"
                            : "",
             point != NULL ? " AND f.device IN (SELECT device FROM point WHERE id = ?4)"
                           : "");
    int rc = db_prepare(r->db, out, sql, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(*out, 1, from_ms);
    sqlite3_bind_int64(*out, 2, to_ms);
    if (device != NULL) {
        sqlite3_bind_text(*out, 3, device, -1, SQLITE_STATIC);
    }
    if (point != NULL) {
        sqlite3_bind_text(*out, 4, point, -1, SQLITE_STATIC);
    }
    return 0;
}

int
history_each(struct history_reader *r,
             int64_t from_ms,
             int64_t to_ms,
             const char *device,
             const char *point,
             history_fn fn,
             void *ctx,
             struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    char current[ID_BYTES_MAX] = "";
    int64_t t_ms = 0;
    bool more = true;
    int step;
    int rc = refresh(r, err);
    if (rc == 0) {
        rc = prepare_each(r, &stmt, from_ms, to_ms, device, point, err);
    }
    if (rc != 0) {
        return rc;
    }
    r->gathered_count = 0;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t row_ms = sqlite3_column_int64(stmt, 0);
        const char *row_device = (const char *)sqlite3_column_text(stmt, 1);
        if (row_ms != t_ms || strcmp(row_device, current) != 0) {
            more = hand_over(r, t_ms, current, fn, ctx);
            t_ms = row_ms;
            snprintf(current, sizeof current, "%s", row_device);
        }
        rc = more ? gather(r, stmt, point, err) : 0;
        if (!more || rc != 0) {
            break;
        }
    }
    if (rc == 0 && more && step == SQLITE_DONE) {
        hand_over(r, t_ms, current, fn, ctx);
    } else if (rc == 0 && more) {
        rc = db_error(r->db, err, "read");
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* True when the row has a good sample of the point. */
static int
look_for(struct history_reader *r,
         sqlite3_stmt *row,
         uint32_t key,
         struct history_edge *out,
         struct err *err)
{
    size_t count = 0;
    const void *blob = sqlite3_column_blob(row, 1);
    size_t size = (size_t)sqlite3_column_bytes(row, 1);
    if (!frame_blob_decode(r->samples, FRAME_READINGS_MAX, &count, blob, size)) {
        char t[INSTANT_TEXT_BYTES];
        return err_set(err, ERR_IO, "%s: the frame at %s is damaged", r->path,
                       instant_format_utc(t, sqlite3_column_int64(row, 0)));
    }
    for (size_t i = 0; i < count && !out->found; i++) {
        if (r->samples[i].key == key &&
            r->samples[i].quality == (uint8_t)QUALITY_GOOD) {
            *out = (struct history_edge){.found = true,
                                         .t_ms = sqlite3_column_int64(row, 0),
                                         .value = r->samples[i].value};
        }
    }
    return 0;
}

/* 0: the point was never recorded. */
static int
key_of(struct history_reader *r,
       const char *device,
       const char *point,
       uint32_t *key,
       int64_t *device_key,
       struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(r->db, &stmt,
                        "SELECT p.key, d.key FROM point p JOIN device d"
                        " ON d.key = p.device WHERE d.id = ?1 AND p.id = ?2",
                        err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, point, -1, SQLITE_STATIC);
    int step = sqlite3_step(stmt);
    *key = step == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(stmt, 0) : 0;
    *device_key = step == SQLITE_ROW ? sqlite3_column_int64(stmt, 1) : 0;
    rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : db_error(r->db, err, "read");
    sqlite3_finalize(stmt);
    return rc;
}

static int
prepare_edge(struct history_reader *r, bool last, struct err *err)
{
    char sql[192];
    if (r->edges[last] != NULL) {
        return 0;
    }
    snprintf(sql, sizeof sql,
             "SELECT t, samples FROM frame WHERE t >= ?1 AND t < ?2 AND device = ?3"
             " AND flags & %u = 0 ORDER BY t %s, rowid",
             FRAME_CLOCK_UNTRUSTED, last ? "DESC" : "ASC");
    return db_prepare(r->db, &r->edges[last], sql, err);
}

int
history_edge(struct history_reader *r,
             const char *device,
             const char *point,
             int64_t from_ms,
             int64_t to_ms,
             bool last,
             struct history_edge *out,
             struct err *err)
{
    uint32_t key = 0;
    int64_t device_key = 0;
    int step = SQLITE_DONE;
    *out = (struct history_edge){.found = false};
    int rc = refresh(r, err);
    rc = rc == 0 ? key_of(r, device, point, &key, &device_key, err) : rc;
    rc = rc == 0 ? prepare_edge(r, last, err) : rc;
    if (rc != 0 || key == 0) {
        return rc;
    }
    sqlite3_stmt *stmt = r->edges[last];
    sqlite3_bind_int64(stmt, 1, from_ms);
    sqlite3_bind_int64(stmt, 2, to_ms);
    sqlite3_bind_int64(stmt, 3, device_key);
    while (rc == 0 && !out->found && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = look_for(r, stmt, key, out, err);
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        rc = db_error(r->db, err, "read");
    }
    sqlite3_reset(stmt);
    return rc;
}

int
history_newest(struct history_reader *r, int64_t *t_ms, struct err *err)
{
    int rc = refresh(r, err);
    return rc != 0 ? rc
                   : db_int(r->db, "SELECT max(t) FROM frame", INSTANT_NONE, t_ms, err);
}
