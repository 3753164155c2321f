#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/instant.h"
#include "daemon/store/chunk.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history.h"
#include "daemon/store/history_cursor.h"
#include "daemon/store/history_reader.h"

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

int
history_reader_refresh(struct history_reader *r, struct err *err)
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

static int
damaged(const struct history_reader *r, const struct history_row *row, struct err *err)
{
    char t[INSTANT_TEXT_BYTES];
    return err_set(err, ERR_IO, "%s: the frame of %s at %s is damaged", r->path,
                   row->device_id, instant_format_utc(t, row->t_ms));
}

/* Adds the samples of the row to those of its device and time. */
static int
gather(struct history_reader *r, const struct history_row *row, struct err *err)
{
    if (row->damaged) {
        return damaged(r, row, err);
    }
    if (r->gathered_count + row->count > r->gathered_capacity) {
        size_t capacity = 2 * (r->gathered_count + row->count);
        struct reader_sample *grown = realloc(r->gathered, capacity * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "%s", r->path);
        }
        r->gathered = grown;
        r->gathered_capacity = capacity;
    }
    for (size_t i = 0; i < row->count; i++) {
        struct reader_sample *g = &r->gathered[r->gathered_count];
        *g = (struct reader_sample){.sample = row->samples[i],
                                    .order = (uint32_t)r->gathered_count,
                                    .clock_untrusted = row->untrusted};
        int rc = point_name(r, row->samples[i].key, &g->point, err);
        if (rc != 0) {
            return rc;
        }
        r->gathered_count++;
    }
    return 0;
}

static int
by_point(const void *left, const void *right)
{
    const struct reader_sample *a = left;
    const struct reader_sample *b = right;
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
        const struct reader_sample *g = &r->gathered[i];
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

/* Reads on from the first row of a moment and device to the last. */
static int
each_row(struct history_reader *r,
         struct history_cursor *c,
         history_fn fn,
         void *ctx,
         struct err *err)
{
    struct history_row row;
    const char *device = "";
    int64_t t_ms = 0;
    bool more = true, wanted = true;
    int rc = 0;
    r->gathered_count = 0;
    while (rc == 0 && wanted) {
        rc = history_cursor_next(c, &row, &more, err);
        if (rc == 0 && (!more || row.t_ms != t_ms || row.device_id != device)) {
            wanted = hand_over(r, t_ms, device, fn, ctx) && more;
            t_ms = row.t_ms;
            device = more ? row.device_id : "";
        }
        rc = rc == 0 && wanted ? gather(r, &row, err) : rc;
    }
    return rc;
}

/* Hands over what follows a row; false when the callback has had enough. */
static bool
hand_over_run(struct history_cursor *c,
              struct history_sample *s,
              history_fn fn,
              void *ctx)
{
    struct history_run run;
    bool wanted = true;
    history_cursor_run(c, &run);
    for (size_t i = 0; wanted && i < run.count; i++) {
        if (run.statuses[i] != CHUNK_ABSENT) {
            s->t_ms = run.t_ms[i];
            s->value = run.values[i];
            s->quality = CHUNK_QUALITY(run.statuses[i]);
            s->detail = CHUNK_DETAIL(run.statuses[i]);
            s->clock_untrusted = (run.flags[i] & FRAME_CLOCK_UNTRUSTED) != 0;
            wanted = fn(ctx, s);
        }
    }
    return wanted;
}

/* The same of one point: there is nothing to be put in order. */
static int
each_sample(struct history_reader *r,
            struct history_cursor *c,
            history_fn fn,
            void *ctx,
            struct err *err)
{
    struct history_row row;
    bool more = true, wanted = true;
    int rc = history_cursor_next(c, &row, &more, err);
    while (rc == 0 && more && wanted) {
        struct history_sample s = {.device = row.device_id};
        rc = row.damaged ? damaged(r, &row, err) : 0;
        for (size_t i = 0; rc == 0 && wanted && i < row.count; i++) {
            const struct blob_sample *b = &row.samples[i];
            s.t_ms = row.t_ms;
            s.value = b->value;
            s.quality = (enum quality)b->quality;
            s.detail = b->detail;
            s.clock_untrusted = row.untrusted;
            rc = point_name(r, b->key, &s.point, err);
            wanted = rc == 0 && fn(ctx, &s);
        }
        if (rc == 0 && wanted) {
            wanted = hand_over_run(c, &s, fn, ctx);
        }
        if (rc == 0 && wanted) {
            rc = history_cursor_next(c, &row, &more, err);
        }
    }
    return rc;
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
    const struct history_filter filter = {
        .from_ms = from_ms, .to_ms = to_ms, .device = device, .point = point};
    struct history_cursor *c = NULL;
    bool begun = false;
    int rc = history_reader_refresh(r, err);
    rc = rc == 0 ? history_reader_begin(r, &begun, err) : rc;
    rc = rc == 0 ? history_cursor_open(&c, r->db, &filter, err) : rc;
    if (rc == 0) {
        rc = device != NULL && point != NULL ? each_sample(r, c, fn, ctx, err)
                                             : each_row(r, c, fn, ctx, err);
    }
    history_cursor_close(c);
    history_reader_end(r, begun);
    return rc;
}

int
history_reader_begin(struct history_reader *r, bool *begun, struct err *err)
{
    *begun = sqlite3_get_autocommit(r->db) != 0;
    return *begun ? db_exec(r->db, "BEGIN", err) : 0;
}

void
history_reader_end(struct history_reader *r, bool begun)
{
    if (begun && sqlite3_get_autocommit(r->db) == 0) {
        sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* It only read. */
    }
}

int
history_newest(struct history_reader *r, int64_t *t_ms, struct err *err)
{
    static const char *const newest[] = {"SELECT max(t1) FROM chunk",
                                         "SELECT max(t1) FROM tail",
                                         "SELECT max(t) FROM frame"};
    bool begun = false, has_frames = false;
    int64_t found = INSTANT_NONE, one;
    int rc = history_reader_refresh(r, err);
    rc = rc == 0 ? history_reader_begin(r, &begun, err) : rc;
    rc = rc == 0 ? history_has_frames(r->db, &has_frames, err) : rc;
    for (size_t i = 0; rc == 0 && i < (has_frames ? 3 : 2); i++) {
        rc = db_int(r->db, newest[i], INSTANT_NONE, &one, err);
        found = rc == 0 && one > found ? one : found;
    }
    history_reader_end(r, begun);
    if (rc == 0) {
        *t_ms = found;
    }
    return rc;
}
