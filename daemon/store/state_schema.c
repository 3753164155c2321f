#include "daemon/store/state_schema.h"

/* Outbox ids are AUTOINCREMENT: an id that was removed must never come back, because a
 * receipt for it may still be on its way. Event numbers are not: they have no gaps. */
static const char version_1[] =
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

    /* For people with the sqlite3 shell: instants as RFC 3339. */
    "CREATE VIEW alarms AS SELECT device, rule, severity, state, episode,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', raised_ms / 1000.0, 'unixepoch') AS raised_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', cleared_ms / 1000.0, 'unixepoch') AS cleared_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', acked_ms / 1000.0, 'unixepoch') AS acked_at,"
    "  acked_by, value, title, ticket FROM alarm WHERE state <> 'normal';"
    "CREATE VIEW tickets AS SELECT number, kind, device, rule, priority, state,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', opened_ms / 1000.0, 'unixepoch') AS opened_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', respond_by_ms / 1000.0, 'unixepoch') AS "
    "respond_by,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', resolve_by_ms / 1000.0, 'unixepoch') AS "
    "resolve_by,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', responded_ms / 1000.0, 'unixepoch') AS "
    "responded_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', resolved_ms / 1000.0, 'unixepoch') AS "
    "resolved_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', verified_ms / 1000.0, 'unixepoch') AS "
    "verified_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', closed_ms / 1000.0, 'unixepoch') AS closed_at,"
    "  assignee, team, title, episodes, reopened, resolution, rating FROM ticket;"
    "CREATE VIEW events_view AS SELECT seq,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', t / 1000.0, 'unixepoch') AS at,"
    "  name, device, rule, ticket, person, json, peer FROM events;";

/* What hides an alarm, and devices out of service.  `raises` is the instants of the
 * latest episodes, as text with commas. */
static const char version_2[] =
    "ALTER TABLE alarm ADD COLUMN returned_ms INTEGER;"
    "ALTER TABLE alarm ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alarm ADD COLUMN told_severity TEXT NOT NULL DEFAULT 'info';"
    "ALTER TABLE alarm ADD COLUMN first_out INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alarm ADD COLUMN chatter INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alarm ADD COLUMN hidden_by TEXT;"
    "ALTER TABLE alarm ADD COLUMN hidden_reason TEXT;"
    "ALTER TABLE alarm ADD COLUMN hidden_since_ms INTEGER;"
    "ALTER TABLE alarm ADD COLUMN hidden_until_ms INTEGER;"
    "ALTER TABLE alarm ADD COLUMN raises TEXT;"
    "CREATE TABLE service ("
    "  device TEXT PRIMARY KEY, person TEXT NOT NULL, reason TEXT NOT NULL,"
    "  since_ms INTEGER NOT NULL, until_ms INTEGER) STRICT, WITHOUT ROWID;"
    "DROP VIEW alarms;"
    "CREATE VIEW alarms AS SELECT device, rule, severity, state, episode,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', raised_ms / 1000.0, 'unixepoch') AS raised_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', cleared_ms / 1000.0, 'unixepoch') AS cleared_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', acked_ms / 1000.0, 'unixepoch') AS acked_at,"
    "  acked_by, value, title, ticket, first_out, chatter, hidden_by, hidden_reason,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', hidden_since_ms / 1000.0, 'unixepoch')"
    "    AS hidden_since,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', hidden_until_ms / 1000.0, 'unixepoch')"
    "    AS hidden_until"
    "  FROM alarm WHERE state <> 'normal';"
    "CREATE VIEW out_of_service AS SELECT device, person, reason,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', since_ms / 1000.0, 'unixepoch') AS since,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', until_ms / 1000.0, 'unixepoch') AS until"
    "  FROM service;";

/* Lives: what hours(), starts(), held() and stuck() have counted. */
static const char version_3[] =
    "CREATE TABLE meter ("
    "  key TEXT PRIMARY KEY, last_ms INTEGER, since_ms INTEGER, early_ms INTEGER,"
    "  value REAL NOT NULL,"
    "  changed INTEGER NOT NULL, true_ms INTEGER NOT NULL, starts INTEGER NOT NULL,"
    "  service_ms INTEGER NOT NULL, service_starts INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;";

/* What is known of the work of a ticket: `parts` is a JSON array. */
static const char version_4[] =
    "ALTER TABLE ticket ADD COLUMN category TEXT;"
    "ALTER TABLE ticket ADD COLUMN plan TEXT;"
    "ALTER TABLE ticket ADD COLUMN due_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN symptom TEXT;"
    "ALTER TABLE ticket ADD COLUMN reporter TEXT;"
    "ALTER TABLE ticket ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ticket ADD COLUMN pause TEXT;"
    "ALTER TABLE ticket ADD COLUMN level INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ticket ADD COLUMN proof TEXT;"
    "ALTER TABLE ticket ADD COLUMN cause TEXT;"
    "ALTER TABLE ticket ADD COLUMN minutes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ticket ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ticket ADD COLUMN parts TEXT;"
    "ALTER TABLE ticket ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ticket ADD COLUMN first_responded_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN first_resolved_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN visit_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN respond_warn_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN resolve_warn_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN assign_ms INTEGER;"
    "ALTER TABLE ticket ADD COLUMN escalate_ms INTEGER;"
    "UPDATE ticket SET"
    "  respond_warn_ms = respond_from_ms + (respond_by_ms - respond_from_ms) * 4 / 5,"
    "  resolve_warn_ms = resolve_from_ms + (resolve_by_ms - resolve_from_ms) * 4 / 5;"
    "UPDATE ticket SET first_responded_ms = responded_ms,"
    "  first_resolved_ms = resolved_ms WHERE reopened = 0;"
    "UPDATE ticket SET pause = 'other' WHERE state = 'waiting';"
    "CREATE INDEX ticket_state ON ticket (state);"
    "CREATE INDEX ticket_device ON ticket (device, number);"
    "CREATE INDEX ticket_opened ON ticket (opened_ms);"
    "CREATE INDEX ticket_closed ON ticket (closed_ms);"
    "DROP VIEW tickets;"
    "CREATE VIEW tickets AS SELECT number, kind, device, rule, priority, state,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', opened_ms / 1000.0, 'unixepoch') AS opened_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', respond_by_ms / 1000.0, 'unixepoch') AS "
    "respond_by,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', resolve_by_ms / 1000.0, 'unixepoch') AS "
    "resolve_by,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', responded_ms / 1000.0, 'unixepoch') AS "
    "responded_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', resolved_ms / 1000.0, 'unixepoch') AS "
    "resolved_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', verified_ms / 1000.0, 'unixepoch') AS "
    "verified_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', closed_ms / 1000.0, 'unixepoch') AS closed_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', due_ms / 1000.0, 'unixepoch') AS due_at,"
    "  assignee, team, title, category, plan, symptom, reporter, pause, level, proof,"
    "  cause, minutes, cost, parts, episodes, reopened, resolution, rating FROM "
    "ticket;";

/* The chain of the journal.  Tickets that are older than `more` begin their fold with
 * the row that they have now, kept at their last event. */
static const char version_5[] =
    "ALTER TABLE events ADD COLUMN more TEXT;"
    "ALTER TABLE events ADD COLUMN hash BLOB NOT NULL DEFAULT x'';"
    "UPDATE events SET more = (SELECT json_patch('{}', json_object("
    "  'number', number, 'kind', kind, 'device', t.device, 'rule', t.rule,"
    "  'priority', priority, 'state', state, 'opened_ms', opened_ms,"
    "  'respond_by_ms', respond_by_ms, 'resolve_by_ms', resolve_by_ms,"
    "  'assigned_ms', assigned_ms, 'responded_ms', responded_ms,"
    "  'resolved_ms', resolved_ms, 'verified_ms', verified_ms,"
    "  'closed_ms', closed_ms, 'waiting_since_ms', waiting_since_ms,"
    "  'cleared_ms', cleared_ms, 'episodes', episodes, 'reopened', reopened,"
    "  'respond_warned', respond_warned, 'respond_breached', respond_breached,"
    "  'resolve_warned', resolve_warned, 'resolve_breached', resolve_breached,"
    "  'assignee', assignee, 'team', team, 'title', title, 'resolution', resolution,"
    "  'rating', rating, 'respond_from_ms', respond_from_ms,"
    "  'resolve_from_ms', resolve_from_ms, 'category', category, 'plan', plan,"
    "  'due_ms', due_ms, 'symptom', symptom, 'reporter', reporter, 'taken', taken,"
    "  'pause', pause, 'level', level, 'proof', proof, 'cause', cause,"
    "  'minutes', minutes, 'cost', cost, 'parts', iif(json_valid(parts), json(parts), "
    "NULL), 'steps', steps,"
    "  'first_responded_ms', first_responded_ms,"
    "  'first_resolved_ms', first_resolved_ms, 'visit_ms', visit_ms,"
    "  'respond_warn_ms', respond_warn_ms, 'resolve_warn_ms', resolve_warn_ms,"
    "  'assign_ms', assign_ms, 'escalate_ms', escalate_ms))"
    "  FROM ticket AS t WHERE t.number = events.ticket)"
    "  WHERE seq IN (SELECT max(seq) FROM events WHERE ticket IS NOT NULL"
    "                GROUP BY ticket);"
    "SELECT journal_chain();"
    "CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN"
    "  SELECT RAISE(ABORT, 'the journal only grows: no event is deleted'); END;"
    "CREATE TRIGGER events_stand BEFORE UPDATE ON events BEGIN"
    "  SELECT RAISE(ABORT, 'the journal only grows: no event is changed'); END;"
    "DROP VIEW events_view;"
    "CREATE VIEW events_view AS SELECT seq,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', t / 1000.0, 'unixepoch') AS at,"
    "  name, device, rule, ticket, person, json, peer, more, lower(hex(hash)) AS hash"
    "  FROM events;";

/* The ledger: what people changed of it.  A row that is replaced, or a document that
 * was taken out, is in the journal. */
static const char version_7[] =
    "CREATE TABLE ledger ("
    "  device TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    "  person TEXT NOT NULL, changed_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (device, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE ledger_document ("
    "  number INTEGER PRIMARY KEY, device TEXT NOT NULL, title TEXT NOT NULL,"
    "  link TEXT NOT NULL, kind TEXT NOT NULL, valid_until TEXT, person TEXT NOT NULL,"
    "  added_ms INTEGER NOT NULL, removed_by TEXT, removed_ms INTEGER) STRICT;"
    "CREATE TABLE ledger_alteration ("
    "  number INTEGER PRIMARY KEY, device TEXT NOT NULL, day TEXT NOT NULL,"
    "  what TEXT NOT NULL, effect TEXT, made_by TEXT, person TEXT NOT NULL,"
    "  added_ms INTEGER NOT NULL) STRICT;";

/* When each plan was done on each device, and what puts its next visit where.  Days are
 * numbered since 1970-01-01. */
static const char version_6[] =
    "CREATE TABLE plan ("
    "  plan TEXT NOT NULL, device TEXT NOT NULL, since_day INTEGER, done_day INTEGER,"
    "  done_ms INTEGER, base_day INTEGER, moved_day INTEGER, use_day INTEGER,"
    "  ticket INTEGER, ticket_day INTEGER, told_day INTEGER, overdue INTEGER NOT NULL,"
    "  held INTEGER NOT NULL, before_ticket INTEGER, before_done_ms INTEGER,"
    "  before_done_day INTEGER, before_base_day INTEGER, before_ticket_day INTEGER,"
    "  before_at_service REAL NOT NULL, used REAL NOT NULL,"
    "  used_at_service REAL NOT NULL, used_at_mark REAL NOT NULL, mark_ms INTEGER,"
    "  rate REAL NOT NULL, rate_days INTEGER NOT NULL, last_ms INTEGER,"
    "  last_value REAL NOT NULL, PRIMARY KEY (device, plan)) STRICT, WITHOUT ROWID;"
    "CREATE VIEW plans AS SELECT plan, device,"
    "  date(done_day * 86400, 'unixepoch') AS done,"
    "  date(moved_day * 86400, 'unixepoch') AS moved_to, ticket,"
    "  date(ticket_day * 86400, 'unixepoch') AS due, overdue,"
    "  used - used_at_service AS used_since, rate AS used_per_day FROM plan;";

/* For the report over a period, which must not read every event that there ever was;
 * and the few open tickets among all that are closed. */
static const char version_9[] =
    "CREATE INDEX events_figures ON events (seq) WHERE " STATE_FIGURE_EVENTS ";"
    "CREATE INDEX ticket_reopened ON ticket (number) WHERE reopened > 0;"
    "CREATE INDEX ticket_open ON ticket (number) WHERE state <> 'closed';";

/* What was known when a ticket opened: the rule as YAML, the rest as JSON. */
static const char version_8[] =
    "CREATE TABLE evidence ("
    "  ticket INTEGER NOT NULL, opening INTEGER NOT NULL, t_ms INTEGER NOT NULL,"
    "  rule TEXT, version TEXT, facts TEXT, device TEXT, bus TEXT,"
    "  PRIMARY KEY (ticket, opening)) STRICT;"
    "CREATE INDEX ticket_rule ON ticket (rule, number) WHERE rule IS NOT NULL;";

/* When the program did not run (device ""), and when a device was not in the site; the
 * devices that are in it now, or were. */
static const char version_watch[] =
    "CREATE TABLE unwatched (device TEXT NOT NULL, from_ms INTEGER NOT NULL,"
    "  to_ms INTEGER NOT NULL, PRIMARY KEY (device, from_ms)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE roster (device TEXT PRIMARY KEY, here INTEGER NOT NULL,"
    "  left_ms INTEGER) STRICT, WITHOUT ROWID;";

/* For listings of few among many: of a person, of a team, to be visited.  The index of
 * all states was read whole by a query for what is not closed. */
static const char version_11[] =
    "DROP INDEX ticket_state;"
    "CREATE INDEX ticket_assignee ON ticket (assignee, number)"
    "  WHERE assignee IS NOT NULL;"
    "CREATE INDEX ticket_team ON ticket (team, number) WHERE team IS NOT NULL;"
    "CREATE INDEX ticket_visit ON ticket (closed_ms)"
    "  WHERE visit_ms IS NOT NULL AND state = 'closed';"
    "CREATE INDEX events_rule ON events (device, rule)"
    "  WHERE ticket IS NULL AND rule IS NOT NULL;";

/* People who log in.  Of a password, of the secret of a session and of a token there is
 * a hash; numbers of tokens never come back, for the journal speaks of them. */
static const char version_people[] =
    "CREATE TABLE users ("
    "  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,"
    "  password TEXT NOT NULL, language TEXT, created_ms INTEGER NOT NULL,"
    "  disabled INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE sessions ("
    "  hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users (id),"
    "  created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL, remote TEXT, agent TEXT) STRICT, WITHOUT ROWID;"
    "CREATE INDEX sessions_user ON sessions (user);"
    "CREATE TABLE tokens ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE,"
    "  user TEXT NOT NULL REFERENCES users (id), name TEXT NOT NULL,"
    "  role TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER,"
    "  used_ms INTEGER) STRICT;"
    "CREATE INDEX tokens_user ON tokens (user);";

/* Photos of tickets: what the files of the folder `photos` are, SHA256.jpg and so on.
 */
static const char version_photos[] =
    "ALTER TABLE ticket ADD COLUMN photos INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE photo ("
    "  ticket INTEGER NOT NULL, number INTEGER NOT NULL, type TEXT NOT NULL,"
    "  bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, person TEXT NOT NULL, note TEXT,"
    "  added_ms INTEGER NOT NULL, PRIMARY KEY (ticket, number)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX photo_file ON photo (sha256);"
    "CREATE VIEW photos AS SELECT ticket, number,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', added_ms / 1000.0, 'unixepoch') AS added_at,"
    "  person, note, type, bytes, sha256 FROM photo;";

/* Titles in each language that a rule or plan has, as a JSON object; older rows have
 * none. */
static const char version_titles[] = "ALTER TABLE alarm ADD COLUMN titles TEXT;"
                                     "ALTER TABLE ticket ADD COLUMN titles TEXT;";

const char *const state_schema_steps[STATE_SCHEMA_VERSION] = {
    version_1,  version_2,      version_3,      version_4,     version_5,
    version_6,  version_7,      version_9,      version_8,     version_watch,
    version_11, version_people, version_photos, version_titles};
