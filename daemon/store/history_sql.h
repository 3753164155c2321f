/* Statements of a person over the history, and over the state beside it: SQL that only
 * reads.  Rows are read as they are asked for; what must be sorted goes to a temporary
 * file when it is much. */
#ifndef CARETAKER_STORE_HISTORY_SQL_H
#define CARETAKER_STORE_HISTORY_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

/* More than this a statement may not hold in memory, such as in one text. */
#define HISTORY_SQL_MEMORY ((int64_t)256 << 20)

struct history_sql;

/* ERR_NOT_FOUND: nothing was ever recorded. */
int history_sql_open(struct history_sql **out, const char *dir, struct err *err);
void history_sql_close(struct history_sql *h); /* NULL is accepted. */
/* Adds the tables of state.db as schema `state`, if there is such a file. */
int history_sql_add_state(struct history_sql *h, const char *dir, struct err *err);

/* Begins a statement, of which there must be one; the one before ends.  ERR_USAGE: it
 * is none that SQLite takes; ERR_REFUSED: it would do more than read.  The text says
 * where: "LINE:COLUMN: what is wrong". */
int history_sql_begin(struct history_sql *h,
                      const char *text,
                      size_t size,
                      struct err *err);
int history_sql_columns(const struct history_sql *h);
/* Borrowed until the statement ends. */
const char *history_sql_heading(const struct history_sql *h, int column);

/* The next row; `more` false: there is none. */
int history_sql_next(struct history_sql *h, bool *more, struct err *err);

enum sql_type { SQL_NULL, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB };
struct sql_cell {
    enum sql_type type;
    int64_t integer;
    double real;
    const char *text; /* Also of a blob; NUL behind it.  Borrowed until the next row. */
    size_t size;
};
struct sql_cell history_sql_cell(const struct history_sql *h, int column);

/* A statement that lists the tables and their columns; those in brackets are not in
 * "*". */
extern const char history_sql_tables[];

#endif
