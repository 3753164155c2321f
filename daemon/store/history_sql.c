#include "daemon/store/history_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/db.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/history_vtab.h"
#include "daemon/store/state.h"

struct history_sql {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char refused[64]; /* What of the statement is not done here; "": nothing. */
};

/* What the chunks are kept in is no table for people. */
const char history_sql_tables[] =
    "WITH tables (schema, name, place) AS ("
    " SELECT 'main', column1, column2 FROM (VALUES ('samples', 0),"
    "  ('samples_1m', 1), ('samples_1h', 2))"
    " UNION ALL SELECT schema, name, 3 FROM pragma_table_list"
    "  WHERE (schema = 'state' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\')"
    "   OR (schema = 'main' AND name IN ('device', 'point', 'chunks', 'damaged')))"
    "SELECT iif(schema = 'main', '', schema || '.') || t.name AS \"table\","
    " (SELECT group_concat(iif(c.hidden, '[' || c.name || ']', c.name), ', ')"
    "  FROM pragma_table_xinfo(t.name, t.schema) c) AS columns"
    " FROM tables t ORDER BY schema, place, t.name";

/* ---- what a statement may do ---- */

/* They tell; of those that would be told something, the ones that ask about a name. */
static bool
pragma_reads(const char *name, const char *value)
{
    static const char *const about_a_name[] = {
        "foreign_key_list", "index_info",      "index_list",
        "index_xinfo",      "integrity_check", "quick_check",
        "table_info",       "table_list",      "table_xinfo",
    };
    static const char *const alone[] = {
        "application_id", "auto_vacuum",  "collation_list", "compile_options",
        "database_list",  "encoding",     "freelist_count", "function_list",
        "module_list",    "page_count",   "page_size",      "pragma_list",
        "schema_version", "user_version",
    };
    for (size_t i = 0; i < ARRAY_LEN(about_a_name); i++) {
        if (sqlite3_stricmp(name, about_a_name[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; value == NULL && i < ARRAY_LEN(alone); i++) {
        if (sqlite3_stricmp(name, alone[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* sqlite3_set_authorizer() asks this of all that a statement would do.  What changes
 * the database is let pass: to learn the columns of a virtual table SQLite makes as if
 * it made a table.  What really would, sqlite3_stmt_readonly() tells. */
static int
authorize(void *ctx,
          int action,
          const char *first,
          const char *second,
          const char *schema,
          const char *by)
{
    (void)schema;
    (void)by;
    struct history_sql *h = ctx;
    const char *word;
    switch (action) {
    case SQLITE_ATTACH:
        word = "ATTACH";
        break;
    case SQLITE_DETACH:
        word = "DETACH";
        break;
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        word = first; /* BEGIN, COMMIT, ... */
        break;
    case SQLITE_FUNCTION:
        word = sqlite3_stricmp(second, "load_extension") == 0 ? second : NULL;
        break;
    case SQLITE_PRAGMA:
        word = pragma_reads(first, second) ? NULL : first;
        break;
    default:
        word = NULL;
        break;
    }
    if (word == NULL) {
        return SQLITE_OK;
    }
    snprintf(h->refused, sizeof h->refused, "%s%s",
             action == SQLITE_PRAGMA ? "PRAGMA " : "", word);
    return SQLITE_DENY;
}

/* ---- opening ---- */

int
history_sql_open(struct history_sql **out, const char *dir, struct err *err)
{
    char path[DB_PATH_BYTES];
    struct history_sql *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    int rc = db_path(path, dir, HISTORY_FILE, err);
    rc = rc == 0 ? db_open(&h->db, path, DB_READ, err) : rc;
    rc = rc == 0 ? db_check_version(h->db, HISTORY_SCHEMA_VERSION, err) : rc;
    if (rc == 0 && history_vtab_register(h->db) != SQLITE_OK) {
        rc = db_error(h->db, err, "open");
    }
    if (rc != 0) {
        history_sql_close(h);
        return rc;
    }
    sqlite3_hard_heap_limit64(HISTORY_SQL_MEMORY);
    sqlite3_set_authorizer(h->db, authorize, h);
    *out = h;
    return 0;
}

void
history_sql_close(struct history_sql *h)
{
    if (h != NULL) {
        sqlite3_finalize(h->stmt);
        db_close(h->db);
        free(h);
    }
}

int
history_sql_add_state(struct history_sql *h, const char *dir, struct err *err)
{
    char path[DB_PATH_BYTES];
    sqlite3_stmt *attach = NULL;
    int rc = db_path(path, dir, STATE_FILE, err);
    if (rc != 0 || access(path, F_OK) != 0) {
        return rc;
    }
    sqlite3_set_authorizer(h->db, NULL, NULL);
    /* It is opened read-only too, as the first file is. */
    rc = db_prepare(h->db, &attach, "ATTACH ?1 AS state", err);
    if (rc == 0) {
        sqlite3_bind_text(attach, 1, path, -1, SQLITE_STATIC);
        if (sqlite3_step(attach) != SQLITE_DONE) {
            rc = err_set(err, ERR_IO, "%s: %s", path, sqlite3_errmsg(h->db));
        }
    }
    sqlite3_finalize(attach);
    sqlite3_set_authorizer(h->db, authorize, h);
    return rc;
}

/* ---- a statement ---- */

/* The line and the column, both from 1, of a byte of the text; -1: it is not known
 * where. */
static int
fail_at(struct err *err,
        enum err_code code,
        const char *text,
        ptrdiff_t offset,
        const char *what)
{
    int line = 1, column = 1;
    bool unknown = strncmp(what, "no such table", 13) == 0 ||
                   strncmp(what, "no such column", 14) == 0;
    const char *more =
        unknown ? tr("; caretaker sql --tables lists what there is") : "";
    if (offset < 0) {
        return err_set(err, code, "%s%s", what, more);
    }
    for (ptrdiff_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else {
            column += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
    }
    return err_set(err, code, "%d:%d: %s%s", line, column, what, more);
}

/* SQLite finds out by itself that a table of the history has no way to be written. */
static bool
would_change(const char *message)
{
    return strstr(message, " may not be modified") != NULL ||
           strstr(message, " may not be dropped") != NULL ||
           strstr(message, " may not be altered") != NULL;
}

/* The statement begins at that byte. */
static int
fail_to_prepare(struct history_sql *h, const char *text, size_t at, struct err *err)
{
    char what[ERR_TEXT_BYTES];
    int found = sqlite3_error_offset(h->db);
    ptrdiff_t offset = found >= 0 ? (ptrdiff_t)at + found : -1;
    if (h->refused[0] == '\0' && would_change(sqlite3_errmsg(h->db))) {
        snprintf(h->refused, sizeof h->refused, "%s", N_("what changes the database"));
    }
    if (h->refused[0] != '\0') {
        snprintf(what, sizeof what, tr("%s is refused: the history is only read here"),
                 tr(h->refused));
        return fail_at(err, ERR_REFUSED, text, offset, what);
    }
    if ((sqlite3_errcode(h->db) & 0xff) == SQLITE_ERROR) {
        return fail_at(err, ERR_USAGE, text, offset, sqlite3_errmsg(h->db));
    }
    return db_error(h->db, err, "prepare");
}

int
history_sql_begin(struct history_sql *h, const char *text, size_t size, struct err *err)
{
    sqlite3_finalize(h->stmt);
    h->stmt = NULL;
    h->refused[0] = '\0';
    /* Behind it there may be blanks, comments and semicolons. */
    for (size_t at = 0; at < size;) {
        sqlite3_stmt *stmt = NULL;
        const char *rest = NULL;
        if (sqlite3_prepare_v2(h->db, text + at, (int)(size - at), &stmt, &rest) !=
            SQLITE_OK) {
            return fail_to_prepare(h, text, at, err);
        }
        if (stmt != NULL && h->stmt != NULL) {
            sqlite3_finalize(stmt);
            return fail_at(err, ERR_USAGE, text, (ptrdiff_t)at,
                           tr("here another statement begins; one is accepted"));
        }
        if (stmt != NULL && !sqlite3_stmt_readonly(stmt)) {
            sqlite3_finalize(stmt);
            snprintf(h->refused, sizeof h->refused, "%s",
                     N_("what changes the database"));
            return fail_to_prepare(h, text, at, err);
        }
        h->stmt = stmt != NULL ? stmt : h->stmt;
        at = (size_t)(rest - text);
    }
    return h->stmt != NULL ? 0 : err_set(err, ERR_USAGE, "there is no statement here");
}

int
history_sql_columns(const struct history_sql *h)
{
    return sqlite3_column_count(h->stmt);
}

const char *
history_sql_heading(const struct history_sql *h, int column)
{
    const char *name = sqlite3_column_name(h->stmt, column);
    return name != NULL ? name : "";
}

int
history_sql_next(struct history_sql *h, bool *more, struct err *err)
{
    int step = sqlite3_step(h->stmt);
    *more = step == SQLITE_ROW;
    /* What the tables of the history say names the file. */
    if (step == SQLITE_CORRUPT_VTAB) {
        return err_set(err, ERR_IO, "%s", sqlite3_errmsg(h->db));
    }
    switch (step & 0xff) {
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return err_set(err, ERR_NOMEM, "the statement needs more than %d MiB of memory",
                       (int)(HISTORY_SQL_MEMORY >> 20));
    case SQLITE_ERROR:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return err_set(err, ERR_USAGE, "%s", sqlite3_errmsg(h->db));
    default:
        return db_error(h->db, err, "read");
    }
}

struct sql_cell
history_sql_cell(const struct history_sql *h, int column)
{
    struct sql_cell cell = {.type = SQL_NULL, .text = ""};
    switch (sqlite3_column_type(h->stmt, column)) {
    case SQLITE_INTEGER:
        cell.type = SQL_INTEGER;
        cell.integer = sqlite3_column_int64(h->stmt, column);
        break;
    case SQLITE_FLOAT:
        cell.type = SQL_REAL;
        cell.real = sqlite3_column_double(h->stmt, column);
        break;
    case SQLITE_TEXT:
        cell.type = SQL_TEXT;
        cell.text = (const char *)sqlite3_column_text(h->stmt, column);
        cell.size = (size_t)sqlite3_column_bytes(h->stmt, column);
        break;
    case SQLITE_BLOB:
        cell.type = SQL_BLOB;
        cell.text = sqlite3_column_blob(h->stmt, column);
        cell.size = (size_t)sqlite3_column_bytes(h->stmt, column);
        break;
    default:
        break;
    }
    cell.text = cell.text != NULL ? cell.text : "";
    return cell;
}
