#include "daemon/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"

#define DIR_MODE  0750
#define FILE_MODE 0640

/* What root makes belongs to the owner of the folder that it is made in, so that a
 * daemon under its own user finds nothing there that it may not open.  SQLite itself
 * gives the log and its index to the owner of the database. */
static int
give_to_owner(int fd, const char *path, struct err *err)
{
    char folder[DB_PATH_BYTES];
    struct stat st;
    if (geteuid() != 0) {
        return 0;
    }
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder) {
        return err_set(err, ERR_RANGE, "%s: the path is too long", path);
    }
    if (stat(dirname(folder), &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0) {
        return err_set(err, ERR_IO, "%s: cannot give it to the owner of its folder: %s",
                       path, err_reason(errno));
    }
    return 0;
}

int
db_make_dir(const char *dir, struct err *err)
{
    if (mkdir(dir, DIR_MODE) != 0) {
        return errno == EEXIST ? 0
                               : err_set(err, ERR_IO, "%s: cannot make it: %s", dir,
                                         err_reason(errno));
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", dir, err_reason(errno));
    }
    int rc = give_to_owner(fd, dir, err);
    close(fd);
    return rc;
}

int
db_path(char *out, const char *dir, const char *name, struct err *err)
{
    int size = snprintf(out, DB_PATH_BYTES, "%s/%s", dir, name);
    if (size < 0 || size >= DB_PATH_BYTES) {
        return err_set(err, ERR_RANGE, "%s: the path is too long", dir);
    }
    return 0;
}

/* SQLite would make the file with 0644 and gives the log the mode of the file, so the
 * file is made here; an empty file is an empty database. */
static int
make_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        if (errno == EEXIST) {
            return 0;
        }
        return err_set(err, ERR_IO, "%s: cannot make it: %s", path, err_reason(errno));
    }
    int rc = 0;
    if (fchmod(fd, FILE_MODE) != 0) { /* Whatever the umask took away. */
        rc = err_set(err, ERR_IO, "%s: cannot set its mode: %s", path,
                     err_reason(errno));
    }
    rc = rc == 0 ? give_to_owner(fd, path, err) : rc;
    close(fd);
    return rc;
}

/* The first statements on a file: that it cannot be opened is what they show, and not
 * which of them it was. */
static int
exec_to_open(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : db_error(db, err, "open");
}

static int
set_pragmas(sqlite3 *db, enum db_mode mode, struct err *err)
{
    char sql[256];
    snprintf(sql, sizeof sql, "PRAGMA cache_size = -%d", DB_CACHE_KIB);
    int rc = exec_to_open(db, sql, err);
    if (rc != 0 || mode == DB_READ) {
        return rc;
    }
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
             "PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = %d;"
             "PRAGMA journal_size_limit = " DB_WAL_KEEP_MAX,
             DB_WAL_PAGES);
    rc = exec_to_open(db, sql, err);
    if (rc != 0) {
        return rc;
    }
    int keep_log = 1;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log) !=
        SQLITE_OK) {
        return db_error(db, err, "keep the log");
    }
    return 0;
}

static int
take_pages(void *pages, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    *(long long *)pages = values[0] != NULL ? strtoll(values[0], NULL, 10) : 0;
    return 0;
}

/* A file that is not empty is not told again: it would write that down, on a disk that
 * may be full. */
static int
tell_first(sqlite3 *db, const char *first, struct err *err)
{
    long long pages = 0;
    if (first[0] == '\0') {
        return 0;
    }
    if (sqlite3_exec(db, "PRAGMA page_count", take_pages, &pages, NULL) != SQLITE_OK) {
        return db_error(db, err, "open");
    }
    return pages == 0 ? exec_to_open(db, first, err) : 0;
}

static int
open_with(sqlite3 **out,
          const char *path,
          enum db_mode mode,
          const char *first,
          struct err *err)
{
    sqlite3 *db = NULL;
    struct err local = {0};
    int rc;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == DB_WRITE) {
        flags |= SQLITE_OPEN_READWRITE;
        rc = make_file(path, &local);
    } else {
        flags |= SQLITE_OPEN_READONLY;
        /* Only what is not there is empty; what may not be looked at is an error. */
        rc = access(path, F_OK) == 0
                 ? 0
                 : err_set(&local, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s",
                           path, err_reason(errno));
    }
    if (rc != 0) {
        goto fail;
    }
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        rc = err_set(&local, ERR_IO, "%s: %s", path,
                     db ? sqlite3_errmsg(db) : tr("no memory"));
        goto fail;
    }
    sqlite3_busy_timeout(db, DB_BUSY_MS);
    rc = tell_first(db, first, &local);
    rc = rc == 0 ? set_pragmas(db, mode, &local) : rc;
    if (rc != 0) {
        goto fail;
    }
    *out = db;
    return 0;
fail:
    /* The caller may ask db_is_damaged(): a connection that exists is handed over. */
    *out = db;
    return err_set(err, local.code, "%s", local.text);
}

int
db_open(sqlite3 **out, const char *path, enum db_mode mode, struct err *err)
{
    return open_with(out, path, mode, "", err);
}

int
db_open_new(sqlite3 **out, const char *path, const char *first, struct err *err)
{
    return open_with(out, path, DB_WRITE, first, err);
}

void
db_close(sqlite3 *db)
{
    /* v2: statements that are still open would only delay it, never leak. */
    sqlite3_close_v2(db);
}

int
db_error(sqlite3 *db, struct err *err, const char *doing)
{
    const char *file = sqlite3_db_filename(db, "main");
    const char *what = "";
    enum err_code code = ERR_IO;
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_NOMEM:
        code = ERR_NOMEM;
        break;
    case SQLITE_BUSY:
        code = ERR_TIMEOUT;
        break;
    case SQLITE_CORRUPT:
        what = tr("the file is damaged: ");
        break;
    case SQLITE_NOTADB:
        what = tr("no SQLite database, or damaged where it begins: ");
        break;
    default:
        break;
    }
    return err_set(err, code, "%s: %s: %s%s", file ? file : "database", doing, what,
                   sqlite3_errmsg(db));
}

bool
db_is_damaged(sqlite3 *db)
{
    int code = db == NULL ? SQLITE_OK : sqlite3_errcode(db) & 0xff;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

int
db_exec(sqlite3 *db, const char *sql, struct err *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        char doing[64];
        snprintf(doing, sizeof doing, "%.*s", (int)strcspn(sql, ";\n("), sql);
        return db_error(db, err, doing);
    }
    return 0;
}

int
db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, struct err *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) !=
        SQLITE_OK) {
        return db_error(db, err, "prepare");
    }
    return 0;
}

int
db_int(sqlite3 *db, const char *sql, int64_t absent, int64_t *out, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(db, &stmt, sql, err);
    if (rc != 0) {
        return rc;
    }
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        bool is_null = sqlite3_column_type(stmt, 0) == SQLITE_NULL;
        *out = is_null ? absent : sqlite3_column_int64(stmt, 0);
    } else if (step == SQLITE_DONE) {
        *out = absent;
    } else {
        rc = db_error(db, err, "read");
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int
newer(sqlite3 *db, int64_t version, int count, struct err *err)
{
    return err_set(err, ERR_REFUSED,
                   "%s: schema %lld is newer than this program, which knows %d",
                   sqlite3_db_filename(db, "main"), (long long)version, count);
}

static int
migrate_step(sqlite3 *db, const char *step, int version, struct err *err)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    int rc = db_exec(db, "BEGIN IMMEDIATE", err);
    if (rc == 0) {
        rc = db_exec(db, step, err);
    }
    if (rc == 0) {
        rc = db_exec(db, sql, err);
    }
    if (rc == 0) {
        rc = db_exec(db, "COMMIT", err);
    }
    if (rc != 0) {
        if (sqlite3_get_autocommit(db) == 0) {
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
        return err_wrap(err, "schema %d", version);
    }
    return 0;
}

int
db_migrate(sqlite3 *db, const char *const *steps, int count, struct err *err)
{
    int64_t version = 0;
    int rc = db_int(db, "PRAGMA user_version", 0, &version, err);
    if (rc != 0) {
        return rc;
    }
    if (version > count || version < 0) {
        return newer(db, version, count, err);
    }
    for (int i = (int)version; rc == 0 && i < count; i++) {
        rc = migrate_step(db, steps[i], i + 1, err);
    }
    return rc;
}

int
db_check_version(sqlite3 *db, int count, struct err *err)
{
    int64_t version = 0;
    int rc = db_int(db, "PRAGMA user_version", 0, &version, err);
    if (rc != 0) {
        return rc;
    }
    const char *file = sqlite3_db_filename(db, "main");
    if (version == 0) {
        return err_set(err, ERR_NOT_FOUND, "%s: nothing was written yet", file);
    }
    if (version > count || version < 0) {
        return newer(db, version, count, err);
    }
    if (version < count) {
        return err_set(err, ERR_REFUSED,
                       "%s: schema %lld is older than this program's %d; "
                       "start the daemon once to bring it up to date",
                       file, (long long)version, count);
    }
    return 0;
}
