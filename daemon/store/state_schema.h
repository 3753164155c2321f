/* The tables of state.db, made for people with the sqlite3 shell too: words as in the
 * listings, instants as UTC milliseconds (columns that end in _ms, and `t`), and the
 * views `alarms`, `tickets` and `events_view` with readable times. */
#ifndef CARETAKER_STORE_STATE_SCHEMA_H
#define CARETAKER_STORE_STATE_SCHEMA_H

#define STATE_SCHEMA_VERSION 14

/* The condition of the index `events_figures`; a query that is to use it has the same
 * words. */
#define STATE_FIGURE_EVENTS                                                            \
    "name IN ('device.offline', 'device.online', 'device.out_of_service',"             \
    " 'device.in_service', 'alarm.raised', 'alarm.changed', 'alarm.cleared',"          \
    " 'ticket.breached', 'plan.overdue', 'clock.stepped')"

extern const char *const state_schema_steps[STATE_SCHEMA_VERSION];

#endif
