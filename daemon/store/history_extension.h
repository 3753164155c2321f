/* Before all else in the sources of caretaker_history.so: SQLite is then called through
 * the table of functions that the program which loads it hands over, whose SQLite may
 * be another than the one we are linked to. */
#ifndef CARETAKER_STORE_HISTORY_EXTENSION_H
#define CARETAKER_STORE_HISTORY_EXTENSION_H

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3 /* It is defined in history_extension.c. */

#endif
