/* Titles in each language as state.db has them: a JSON object, NULL for none. */
#ifndef CARETAKER_STORE_STATE_TITLES_H
#define CARETAKER_STORE_STATE_TITLES_H

#include "daemon/model/titles.h"
#include "daemon/store/state_internal.h"

/* `text` holds what is bound until the statement has run. */
void state_titles_bind(sqlite3_stmt *stmt,
                       int at,
                       const struct titles *titles,
                       struct strbuf *text);
/* What is not so is left out. */
void state_titles_read(struct titles *out, sqlite3_stmt *stmt, int at);

#endif
