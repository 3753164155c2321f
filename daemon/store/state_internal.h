/* What the write side and the read side of state.db share. */
#ifndef CARETAKER_STORE_STATE_INTERNAL_H
#define CARETAKER_STORE_STATE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/db.h"
#include "daemon/store/state.h"

#define GATEWAY_ID_BYTES 17 /* 16 hex digits. */

enum state_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ADD_EVENT,
    SQL_PUT_ALARM,
    SQL_DELETE_ALARM,
    SQL_PUT_TICKET,
    SQL_PUT_TIMER,
    SQL_DELETE_TIMER,
    SQL_PUT_METER,
    SQL_PUT_DEVICE,
    SQL_PUT_SERVICE,
    SQL_DELETE_SERVICE,
    SQL_PUT_ALIVE,
    SQL_GET_ALIVE,
    SQL_OUTBOX_REPLACE,
    SQL_OUTBOX_ADD,
    SQL_OUTBOX_REMOVE,
    SQL_OUTBOX_DEPTH,
    SQL_EACH_ALARM,
    SQL_EACH_TICKET,
    SQL_MAX_TICKET,
    SQL_EACH_TIMER,
    SQL_EACH_METER,
    SQL_EACH_DEVICE,
    SQL_EACH_SERVICE,
    SQL_EACH_EVENT,
    SQL_EACH_OUTBOX,
    SQL_COUNT
};

struct state {
    sqlite3 *db;
    enum store_mode mode;
    int lock_fd;                   /* -1 for readers. */
    sqlite3_stmt *kept[SQL_COUNT]; /* Prepared once; NULL while in use. */
    bool in_transaction;           /* Between state_begin and commit or rollback. */
    int64_t last_seq;              /* Of the newest event on disk. */
    int64_t pending_seq;           /* The same, with this transaction's events. */
    int64_t depth;                 /* Outbox rows; -1: to be counted again. */
    char gateway_id[GATEWAY_ID_BYTES];
};

/* Lends the prepared statement; it goes back, reset, with state_return().  A nested
 * use, from a callback, gets a statement of its own. */
int
state_lend(struct state *s, enum state_sql which, sqlite3_stmt **out, struct err *err);
void state_return(struct state *s, enum state_sql which, sqlite3_stmt *stmt);

/* Runs a statement that gives no rows, and returns it in any case. */
int state_run(struct state *s,
              enum state_sql which,
              sqlite3_stmt *stmt,
              const char *doing,
              struct err *err);

#endif
