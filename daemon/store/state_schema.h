/* The tables of state.db, made for people with the sqlite3 shell too: words as in the
 * listings, instants as UTC milliseconds (columns that end in _ms, and `t`), and the
 * views `alarms`, `tickets` and `events_view` with readable times. */
#ifndef CARETAKER_STORE_STATE_SCHEMA_H
#define CARETAKER_STORE_STATE_SCHEMA_H

#define STATE_SCHEMA_VERSION 5

extern const char *const state_schema_steps[STATE_SCHEMA_VERSION];

#endif
