/* What the files of the read side of history.h share. */
#ifndef CARETAKER_STORE_HISTORY_READER_H
#define CARETAKER_STORE_HISTORY_READER_H

#include <sqlite3.h>
#include <sys/types.h>

#include "daemon/store/db.h"
#include "daemon/store/history.h"
#include "daemon/store/history_samples.h"
#include "daemon/store/history_schema.h"

struct history_reader {
    sqlite3 *db;
    char path[DB_PATH_BYTES];
    ino_t inode; /* A damaged file is replaced under its name. */
    struct history_names names;
    struct history_damage damage; /* Met since it was opened. */
};

/* Opens again when another file stands there now. */
int history_reader_refresh(struct history_reader *r, struct err *err);
/* All that is read until the end is of one moment.  Within another such reading it
 * belongs to that: `begun` is then false. */
int history_reader_begin(struct history_reader *r, bool *begun, struct err *err);
void history_reader_end(struct history_reader *r, bool begun);

#endif
