/* caretaker_history.so: the tables of history_vtab.h for the sqlite3 shell, and any
 * program that loads extensions into its SQLite. */
#include <sqlite3ext.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/history_vtab.h"

/* sqlite3_vtab_rhs_value() came with it. */
#define SQLITE_LEAST 3038000

SQLITE_EXTENSION_INIT1

/* Shells speak English: there is nothing to translate, which a table says in one row.
 */
const struct catalogue_entry catalogue_zh_cn[] = {{"", ""}};
const size_t catalogue_zh_cn_count = 0;

/* SQLite makes the name out of the file's. */
__attribute__((visibility("default"))) int sqlite3_caretakerhistory_init(
    sqlite3 *db, char **text, const sqlite3_api_routines *api);

int
sqlite3_caretakerhistory_init(sqlite3 *db, char **text, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api)
    /* not translated: as all that the shell says. */
    if (sqlite3_libversion_number() < SQLITE_LEAST) {
        *text = sqlite3_mprintf("caretaker_history needs SQLite 3.38 or newer; this is"
                                " %s",
                                sqlite3_libversion());
        return SQLITE_ERROR;
    }
    return history_vtab_register(db);
}
