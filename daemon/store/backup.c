#include "daemon/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/db.h"

#define PAGES_AT_ONCE 1024
#define COPY_SHARE    0.7 /* Of the time; the rest is for reading the copy. */
#define CHECK_STEPS   100000

struct copying {
    const struct backup *b;
    sqlite3 *from, *to;
    char part[DB_PATH_BYTES]; /* The file that is being written. */
    double checked;           /* Steps of the reading, about. */
    double expected;
};

static void
progress(const struct copying *c, double done)
{
    if (c->b->progress != NULL) {
        c->b->progress(c->b->ctx, done);
    }
}

/* ---- before ---- */

static int
folder_of(char *out, const char *path, struct err *err)
{
    char copy[DB_PATH_BYTES];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) {
        return err_set(err, ERR_RANGE, "%s: the path is too long", path);
    }
    snprintf(out, DB_PATH_BYTES, "%s", dirname(copy));
    return 0;
}

/* A log beside the copy would belong to another database; SQLite would read it. */
static int
clear_beside(const char *path, bool replace, struct err *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    char beside[DB_PATH_BYTES + 16];
    struct stat st;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(beside, sizeof beside, "%s%s", path, suffixes[i]);
        if (lstat(beside, &st) != 0) {
            continue;
        }
        if (!replace) {
            return err_set(err, ERR_REFUSED,
                           "%s is there, of another database; move it away, or say "
                           "--force",
                           beside);
        }
        if (unlink(beside) != 0) {
            return err_set(err, ERR_IO, "%s: %s", beside, err_reason(errno));
        }
    }
    return 0;
}

static int
check_target(const struct copying *c, struct err *err)
{
    const struct backup *b = c->b;
    struct stat from, to;
    if (stat(b->to, &to) != 0) {
        return clear_beside(b->to, b->replace, err);
    }
    if (stat(b->from, &from) == 0 && from.st_dev == to.st_dev &&
        from.st_ino == to.st_ino) {
        return err_set(err, ERR_REFUSED, "%s is the database itself", b->to);
    }
    if (!S_ISREG(to.st_mode)) {
        return err_set(err, ERR_REFUSED, "%s is no file", b->to);
    }
    if (!b->replace) {
        return err_set(err, ERR_REFUSED, "%s is there; --force replaces it", b->to);
    }
    return 0;
}

static int
check_space(const struct copying *c, uint64_t bytes, struct err *err)
{
    char folder[DB_PATH_BYTES];
    struct statvfs vfs;
    int rc = folder_of(folder, c->b->to, err);
    if (rc != 0) {
        return rc;
    }
    if (statvfs(folder, &vfs) != 0) {
        return err_set(err, ERR_IO, "%s: %s", folder, err_reason(errno));
    }
    uint64_t has = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    if (has >= bytes && has - bytes < c->b->leave) {
        return err_set(err, ERR_IO,
                       "%s has %.1f MB free, and a copy of %.1f MB would leave too "
                       "little for tickets and alarms; nothing was written",
                       folder, (double)has / 1e6, (double)bytes / 1e6);
    }
    return has >= bytes
               ? 0
               : err_set(err, ERR_IO,
                         "%s has %.1f MB free, and the copy takes %.1f MB; nothing was "
                         "written",
                         folder, (double)has / 1e6, (double)bytes / 1e6);
}

/* ---- copying ---- */

static int
open_copy(struct copying *c, struct err *err)
{
    (void)unlink(c->part); /* Of a backup that was cut off. */
    int fd = open(c->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: cannot make it: %s", c->part,
                       err_reason(errno));
    }
    close(fd);
    if (sqlite3_open_v2(c->part, &c->to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        return db_error(c->to, err, "open");
    }
    /* No log of the copy: until it has its name it is nothing. */
    return db_exec(c->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err);
}

/* Within one reading: what is written meanwhile does not begin the copy anew. */
static int
copy_pages(struct copying *c, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(c->to, "main", c->from, "main");
    int step = SQLITE_OK;
    if (backup == NULL) {
        return db_error(c->to, err, "copy");
    }
    while (step == SQLITE_OK) {
        step = sqlite3_backup_step(backup, PAGES_AT_ONCE);
        int total = sqlite3_backup_pagecount(backup);
        int left = sqlite3_backup_remaining(backup);
        progress(c, total > 0 ? COPY_SHARE * (total - left) / total : 0);
    }
    (void)sqlite3_backup_finish(backup); /* `step` says what was wrong. */
    if (step != SQLITE_DONE) {
        return err_set(err, ERR_IO, "%s: copy: %s", c->part, sqlite3_errstr(step));
    }
    return 0;
}

static int
checking(void *ctx)
{
    struct copying *c = ctx;
    c->checked += 1;
    double done = c->expected > 0 ? c->checked / c->expected : 1;
    progress(c, COPY_SHARE + (1 - COPY_SHARE) * (done < 1 ? done : 1));
    return 0;
}

/* That a disk took the bytes is not that it gives them back. */
static int
read_copy(struct copying *c, uint64_t bytes, struct err *err)
{
    sqlite3_stmt *row = NULL;
    c->expected = (double)bytes / 2e6; /* Measured: steps by size. */
    sqlite3_progress_handler(c->to, CHECK_STEPS, checking, c);
    int rc = db_prepare(c->to, &row, "PRAGMA quick_check(1)", err);
    if (rc == 0 && sqlite3_step(row) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (text == NULL || strcmp(text, "ok") != 0) {
            rc = err_set(err, ERR_IO,
                         "%s: the copy is damaged, as the database may be: %s",
                         c->b->to, text != NULL ? text : "");
        }
    } else if (rc == 0) {
        rc = db_error(c->to, err, "read");
    }
    sqlite3_finalize(row);
    return rc;
}

static int
sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) != 0
                 ? err_set(err, ERR_IO, "%s: %s", path, err_reason(errno))
                 : 0;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

/* On the disk first, then under its name. */
static int
give_name(struct copying *c, struct err *err)
{
    char folder[DB_PATH_BYTES];
    int rc = folder_of(folder, c->b->to, err);
    rc = rc == 0 ? sync_path(c->part, O_RDWR, err) : rc;
    rc = rc == 0 ? clear_beside(c->b->to, c->b->replace, err) : rc;
    if (rc == 0 && rename(c->part, c->b->to) != 0) {
        rc = err_set(err, ERR_IO, "%s: %s", c->b->to, err_reason(errno));
    }
    return rc == 0 ? sync_path(folder, O_RDONLY | O_DIRECTORY, err) : rc;
}

static int
copy(struct copying *c, uint64_t *bytes, struct err *err)
{
    int64_t pages = 0, page_bytes = 0;
    int rc = db_open(&c->from, c->b->from, DB_READ, err);
    rc = rc == 0 ? db_exec(c->from, "BEGIN", err) : rc;
    rc = rc == 0 ? db_int(c->from, "PRAGMA page_count", 0, &pages, err) : rc;
    rc = rc == 0 ? db_int(c->from, "PRAGMA page_size", 0, &page_bytes, err) : rc;
    /* The reading begins with the first page that is read. */
    rc = rc == 0 ? db_int(c->from, "SELECT count(*) FROM sqlite_schema", 0,
                          &(int64_t){0}, err)
                 : rc;
    *bytes = (uint64_t)(pages * page_bytes);
    rc = rc == 0 ? check_space(c, *bytes, err) : rc;
    rc = rc == 0 ? open_copy(c, err) : rc;
    rc = rc == 0 ? copy_pages(c, err) : rc;
    rc = rc == 0 ? read_copy(c, *bytes, err) : rc;
    /* Closed before it is renamed. */
    sqlite3_close(c->to);
    c->to = NULL;
    return rc == 0 ? give_name(c, err) : rc;
}

int
backup_make(const struct backup *b, uint64_t *bytes, struct err *err)
{
    struct copying c = {.b = b};
    *bytes = 0;
    if (snprintf(c.part, sizeof c.part, "%s.part", b->to) >= (int)sizeof c.part) {
        return err_set(err, ERR_RANGE, "%s: the path is too long", b->to);
    }
    int rc = check_target(&c, err);
    if (rc != 0) {
        return rc;
    }
    rc = copy(&c, bytes, err);
    if (c.to != NULL) {
        sqlite3_close(c.to);
    }
    db_close(c.from);
    if (rc != 0) {
        (void)unlink(c.part);
    }
    return rc;
}
