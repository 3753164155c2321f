#include "daemon/store/state_schema.h"

/* Milliseconds as RFC 3339; NULL stays NULL. */
#define ISO(column) "strftime('%Y-%m-%dT%H:%M:%fZ', " column " / 1000.0, 'unixepoch')"

/* Outbox ids are AUTOINCREMENT: an id that was removed must never come back, because a
 * receipt for it may still be on its way. Event numbers are not: they have no gaps. */
static const char
    version_1[] =
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
        "CREATE TABLE alarm ("
        "  device TEXT NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL,"
        "  state TEXT NOT NULL, episode INTEGER NOT NULL, raised_ms INTEGER,"
        "  cleared_ms INTEGER, acked_ms INTEGER, acked_by TEXT, value REAL,"
        "  title TEXT NOT NULL, ticket INTEGER,"
        "  PRIMARY KEY (device, rule)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE ticket ("
        "  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, device TEXT, rule TEXT,"
        "  priority TEXT NOT NULL, state TEXT NOT NULL, opened_ms INTEGER,"
        "  respond_by_ms INTEGER, resolve_by_ms INTEGER, assigned_ms INTEGER,"
        "  responded_ms INTEGER, resolved_ms INTEGER, verified_ms INTEGER,"
        "  closed_ms INTEGER, waiting_since_ms INTEGER, cleared_ms INTEGER,"
        "  episodes INTEGER NOT NULL, reopened INTEGER NOT NULL,"
        "  respond_warned INTEGER NOT NULL, respond_breached INTEGER NOT NULL,"
        "  resolve_warned INTEGER NOT NULL, resolve_breached INTEGER NOT NULL,"
        "  assignee TEXT, team TEXT, title TEXT NOT NULL, resolution TEXT,"
        "  rating INTEGER, respond_from_ms INTEGER, resolve_from_ms INTEGER) STRICT;"
        "CREATE TABLE events ("
        "  seq INTEGER PRIMARY KEY, t INTEGER NOT NULL, name TEXT NOT NULL, device "
        "TEXT,"
        "  rule TEXT, ticket INTEGER, person TEXT, json TEXT NOT NULL, peer TEXT) "
        "STRICT;"
        "CREATE INDEX events_ticket ON events (ticket) WHERE ticket IS NOT NULL;"
        "CREATE TABLE timer ("
        "  device TEXT NOT NULL, rule TEXT NOT NULL, phase INTEGER NOT NULL,"
        "  level INTEGER NOT NULL, target_level INTEGER NOT NULL, since_ms INTEGER,"
        "  clear INTEGER NOT NULL, clear_since_ms INTEGER, while_last_ms INTEGER,"
        "  PRIMARY KEY (device, rule)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE device ("
        "  id TEXT PRIMARY KEY, online INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE outbox ("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL,"
        "  payload TEXT NOT NULL, retain INTEGER NOT NULL) STRICT;"
        "CREATE UNIQUE INDEX outbox_retained ON outbox (topic) WHERE retain = 1;"

        "CREATE VIEW alarms AS SELECT device, rule, severity, state, episode,"
        "  " ISO("raised_ms") " AS raised_at, " ISO(
            "cleared_ms") " AS cleared_at,"
                          "  " ISO(
                              "acked_ms") " AS acked_at, acked_by, value, title, ticket"
                                          "  FROM alarm WHERE state <> 'normal';"
                                          "CREATE VIEW tickets AS SELECT number, kind, "
                                          "device, rule, priority, state,"
                                          "  " ISO("opened_ms") " AS opened_at, " ISO(
                                              "respond_by_ms") " AS respond_by,"
                                                               "  " ISO("resolve_by_ms") " AS resolve_by, " ISO(
                                                                   "responded_ms") " AS"
                                                                                   " re"
                                                                                   "spo"
                                                                                   "nde"
                                                                                   "d_"
                                                                                   "at,"
                                                                                   " "
                                                                                   " " ISO("resolved_ms") " AS resolved_at, " ISO(
                                                                                       "verified_ms") " AS verified_at,"
                                                                                                      "  " ISO(
                                                                                                          "closed_ms") " AS closed_at, assignee, team, title, episodes, reopened,"
                                                                                                                       "  resolution, rating FROM ticket;"
                                                                                                                       "CREATE VIEW events_view AS SELECT seq, " ISO(
                                                                                                                           "t") " AS at, name, device, rule,"
                                                                                                                                "  ticket, person, json, peer FROM events;";

const char *const state_schema_steps[STATE_SCHEMA_VERSION] = {version_1};
