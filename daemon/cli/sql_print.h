/* The rows of a statement: for people, a spreadsheet or a program.  Each is printed as
 * it comes; a table keeps some of them back, to see how wide they are. */
#ifndef CARETAKER_CLI_SQL_PRINT_H
#define CARETAKER_CLI_SQL_PRINT_H

#include "daemon/store/history_sql.h"

enum sql_format { SQL_TABLE, SQL_CSV, SQL_JSON, SQL_JSONL };

/* ERR_IO: the output cannot be written, or the history not be read. */
int sql_print(struct history_sql *h, enum sql_format format, struct err *err);

#endif
