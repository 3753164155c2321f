/* SQLite as both databases want it: opened in WAL mode with every commit synced, errors
 * that name the file, and a schema that grows by numbered steps. */
#ifndef CARETAKER_STORE_DB_H
#define CARETAKER_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

#define DB_PATH_BYTES   4096
#define DB_CACHE_KIB    1024 /* Page cache of one connection; a gateway is small. */
#define DB_BUSY_MS      5000 /* A person's sqlite3 shell may hold a lock for a moment. */
#define DB_WAL_PAGES    256  /* Checkpoint after 1 MiB of log. */
#define DB_WAL_KEEP_MAX "4194304" /* Bytes of log file kept after a checkpoint. */

enum db_mode { DB_WRITE, DB_READ };

/* Makes the folder (0750) when it is missing; its parent must exist.  What root makes,
 * folder or database, belongs to the owner of the folder that it is made in. */
int db_make_dir(const char *dir, struct err *err);
/* "DIR/NAME" into `out` of DB_PATH_BYTES. */
int db_path(char *out, const char *dir, const char *name, struct err *err);

/* DB_WRITE makes the file (0640) when it is missing.  DB_READ of a missing file is
 * ERR_NOT_FOUND.  The log file stays beside the database when it is closed, so that
 * people who may not write in the folder can still read.  Returns owned, also after a
 * failure: `out` is then NULL or a connection for db_is_damaged() and db_close(). */
int db_open(sqlite3 **out, const char *path, enum db_mode mode, struct err *err);
/* The same; `first` is what only an empty file can be told, such as its page size. */
int db_open_new(sqlite3 **out, const char *path, const char *first, struct err *err);
void db_close(sqlite3 *db); /* NULL is accepted. */

/* Fills `err` with "FILE: doing: what SQLite says" for the error that `db` met last. */
int db_error(sqlite3 *db, struct err *err, const char *doing);
/* True when the file itself is bad: no database, or a damaged one. */
bool db_is_damaged(sqlite3 *db);

int db_exec(sqlite3 *db, const char *sql, struct err *err);
int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, struct err *err);
/* The single integer that `sql` gives; `absent` when it gives no row, or NULL. */
int db_int(sqlite3 *db, const char *sql, int64_t absent, int64_t *out, struct err *err);

/* Step i (from 0) takes the schema from user_version i to i + 1, in a transaction of
 * its own.  A file with a version above `count` was made by a newer program and is
 * refused. */
int db_migrate(sqlite3 *db, const char *const *steps, int count, struct err *err);
/* For readers, which never migrate: the version must be `count`.  A file without any
 * schema yet is ERR_NOT_FOUND. */
int db_check_version(sqlite3 *db, int count, struct err *err);

#endif
