/* A folder of its own for each test, and a look into a database as a person would. */
#ifndef CARETAKER_TESTS_STORE_SCRATCH_H
#define CARETAKER_TESTS_STORE_SCRATCH_H

#include <check.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_BYTES 256

/* Makes an empty folder and puts its path into `out` of SCRATCH_BYTES. */
static inline void
scratch_make(char *out)
{
    const char *base = getenv("TMPDIR");
    snprintf(out, SCRATCH_BYTES, "%s/ck-store-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(out));
}

/* Removes the folder and the files in it. */
static inline void
scratch_remove(const char *path)
{
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            ck_assert_int_eq(unlinkat(dirfd(d), e->d_name, 0), 0);
        }
    }
    closedir(d);
    ck_assert_int_eq(rmdir(path), 0);
}

static inline sqlite3 *
scratch_open(const char *dir, const char *name)
{
    char path[SCRATCH_BYTES + 64];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
        SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    return db;
}

static inline void
scratch_exec(const char *dir, const char *name, const char *sql)
{
    sqlite3 *db = scratch_open(dir, name);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* The first column of the first row as text ("NULL" for NULL) into `out`. */
static inline void
scratch_query(const char *dir, const char *name, const char *sql, char out[512])
{
    sqlite3 *db = scratch_open(dir, name);
    sqlite3_stmt *stmt = NULL;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s",
                  sql, sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    snprintf(out, 512, "%s", text != NULL ? text : "NULL");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

#endif
