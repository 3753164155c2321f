#include <stdlib.h>
#include <sys/stat.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/history.h"
#include "daemon/store/history_reader.h"

static void
close_file(struct history_reader *r)
{
    history_names_fini(&r->names);
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
    history_damage_log(&r->damage, r->path);
    close_file(r);
    free(r);
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
    struct history_samples *samples = NULL;
    const struct history_sample *sample;
    bool begun = false;
    int rc = history_reader_refresh(r, err);
    rc = rc == 0 ? history_reader_begin(r, &begun, err) : rc;
    rc = rc == 0 ? history_samples_open(&samples, r->db, &r->names, &filter, err) : rc;
    while (rc == 0 && (rc = history_samples_next(samples, &sample, err)) == 0 &&
           sample != NULL && fn(ctx, sample)) {
    }
    if (samples != NULL) {
        history_samples_damage(samples, &r->damage);
    }
    if (rc == 0) {
        rc = history_damage_set_aside(&r->damage, r->db, from_ms, to_ms, device, err);
    }
    history_samples_close(samples);
    history_reader_end(r, begun);
    return rc;
}

const struct history_damage *
history_reader_damage(const struct history_reader *r)
{
    return &r->damage;
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
