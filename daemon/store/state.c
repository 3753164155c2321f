#include "daemon/store/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/store/journal_hash.h"
#include "daemon/store/state_internal.h"
#include "daemon/store/state_schema.h"

#define LOCK_FILE "lock"
#define LOCK_MODE 0640

/* Of a ticket, as state_ticket.c reads them. */
#define ALARM_COLUMNS                                                                  \
    "device, rule, severity, state, episode, raised_ms, cleared_ms, acked_ms,"         \
    " acked_by, value, title, ticket, returned_ms, untold, told_severity,"             \
    " first_out, chatter, hidden_by, hidden_reason, hidden_since_ms,"                  \
    " hidden_until_ms, raises, titles"
#define TICKET_COLUMNS                                                                 \
    "number, kind, device, rule, priority, state, opened_ms, respond_by_ms,"           \
    " resolve_by_ms, assigned_ms, responded_ms, resolved_ms, verified_ms,"             \
    " closed_ms, waiting_since_ms, cleared_ms, episodes, reopened, respond_warned,"    \
    " respond_breached, resolve_warned, resolve_breached, assignee, team, title,"      \
    " resolution, rating, respond_from_ms, resolve_from_ms, category, plan, due_ms,"   \
    " symptom, reporter, taken, pause, level, proof, cause, minutes, cost, parts,"     \
    " steps, first_responded_ms, first_resolved_ms, visit_ms, respond_warn_ms,"        \
    " resolve_warn_ms, assign_ms, escalate_ms, photos, titles"

#define TICKETS_AFTER(column)                                                          \
    "SELECT " TICKET_COLUMNS " FROM ticket WHERE " column                              \
    " = ?2 AND number > ?1 ORDER BY number"
#define TICKETS_BACK(column)                                                           \
    "SELECT " TICKET_COLUMNS " FROM ticket WHERE " column " = ?2 ORDER BY number DESC"

#define TOKEN_COLUMNS "number, hash, user, name, role, created_ms, expires_ms, used_ms"

#define EVENT_ROW                                                                      \
    "SELECT seq, t, name, device, rule, ticket, json, peer, more FROM events"

/* A name, or the part of it before the dot. */
#define EVENTS_BACK                                                                    \
    EVENT_ROW " WHERE seq > ?1 AND seq < ?2 AND (?4 IS NULL OR device = ?4)"           \
              " AND (?5 IS NULL OR rule = ?5) AND (?6 IS NULL OR name = ?6"            \
              " OR substr(name, 1, length(?6) + 1) = ?6 || '.')"                       \
              " AND (?8 = 0 OR (substr(name, 1, 5) <> 'user.'"                         \
              " AND substr(name, 1, 6) <> 'token.'))"

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ADD_EVENT] =
        "INSERT INTO events (seq, t, name, device, rule, ticket, person, json, peer,"
        " more, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [SQL_PUT_HEAD] =
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('journal_head', ?1)",
    [SQL_PUT_ALARM] =
        "INSERT OR REPLACE INTO alarm (device, rule, severity, state, episode,"
        " raised_ms, cleared_ms, acked_ms, acked_by, value, title, ticket,"
        " returned_ms, untold, told_severity, first_out, chatter, hidden_by,"
        " hidden_reason, hidden_since_ms, hidden_until_ms, raises, titles)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
    [SQL_DELETE_ALARM] = "DELETE FROM alarm WHERE device = ?1 AND rule = ?2",
    [SQL_PUT_TICKET] =
        "INSERT OR REPLACE INTO ticket (number, kind, device, rule, priority, state,"
        " opened_ms, respond_by_ms, resolve_by_ms, assigned_ms, responded_ms,"
        " resolved_ms, verified_ms, closed_ms, waiting_since_ms, cleared_ms, episodes,"
        " reopened, respond_warned, respond_breached, resolve_warned, resolve_breached,"
        " assignee, team, title, resolution, rating, respond_from_ms, resolve_from_ms,"
        " category, plan, due_ms, symptom, reporter, taken, pause, level, proof, cause,"
        " minutes, cost, parts, steps, first_responded_ms, first_resolved_ms, visit_ms,"
        " respond_warn_ms, resolve_warn_ms, assign_ms, escalate_ms, photos, titles)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30,"
        " ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43, ?44, ?45,"
        " ?46, ?47, ?48, ?49, ?50, ?51, ?52)",
    [SQL_PUT_EVIDENCE] =
        "INSERT OR REPLACE INTO evidence (ticket, opening, t_ms, rule, version, facts,"
        " device, bus) VALUES (?1, 1 + coalesce((SELECT reopened FROM ticket"
        " WHERE number = ?1), 0), ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_PUT_TIMER] =
        "INSERT OR REPLACE INTO timer (device, rule, phase, level, target_level,"
        " since_ms, clear, clear_since_ms, while_last_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [SQL_DELETE_TIMER] = "DELETE FROM timer WHERE device = ?1 AND rule = ?2",
    [SQL_PUT_METER] =
        "INSERT OR REPLACE INTO meter (key, last_ms, since_ms, value, changed, true_ms,"
        " starts, service_ms, service_starts, early_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_PUT_DEVICE] = "INSERT OR REPLACE INTO device (id, online) VALUES (?1, ?2)",
    [SQL_PUT_PLAN] =
        "INSERT OR REPLACE INTO plan (plan, device,"
        " since_day, done_day, done_ms, base_day, moved_day, use_day, ticket, "
        "ticket_day,"
        " told_day, overdue, held, before_ticket, before_done_ms, before_done_day,"
        " before_base_day, before_ticket_day, before_at_service, used, used_at_service,"
        " used_at_mark, mark_ms, rate, rate_days, last_ms, last_value)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)",
    [SQL_PUT_SERVICE] =
        "INSERT OR REPLACE INTO service (device, person, reason, since_ms, until_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_DELETE_SERVICE] = "DELETE FROM service WHERE device = ?1",
    [SQL_PUT_ALIVE] =
        "INSERT INTO meta (key, value) VALUES ('alive_ms', ?1), ('born_ms', ?1)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        " WHERE key = 'alive_ms'",
    [SQL_GET_ALIVE] = "SELECT value FROM meta WHERE key = 'alive_ms'",
    [SQL_GET_BORN] = "SELECT value FROM meta WHERE key = 'born_ms'",
    [SQL_PUT_SILENCE] = "INSERT OR REPLACE INTO unwatched (device, from_ms, to_ms)"
                        " VALUES ('', ?1, ?2)",
    [SQL_ANY_ROSTER] = "SELECT device FROM roster LIMIT 1",
    [SQL_ROSTER_CALL] = "UPDATE roster SET here = 0",
    [SQL_PUT_UNWATCHED] =
        "INSERT OR REPLACE INTO unwatched (device, from_ms, to_ms)"
        " SELECT id, coalesce(r.left_ms, 0), :t FROM (SELECT :device AS id)"
        " LEFT JOIN roster r ON r.device = id"
        " WHERE r.device IS NULL OR r.left_ms IS NOT NULL",
    [SQL_ROSTER_HERE] = "INSERT INTO roster (device, here) VALUES (:device, 1)"
                        " ON CONFLICT (device) DO UPDATE SET here = 1, left_ms = NULL",
    [SQL_ROSTER_LEFT] =
        "UPDATE roster SET left_ms = :t WHERE here = 0 AND left_ms IS NULL",
    [SQL_EACH_UNWATCHED] =
        "SELECT nullif(device, ''), from_ms, to_ms FROM unwatched ORDER BY from_ms",
    [SQL_OUTBOX_REPLACE] = "DELETE FROM outbox WHERE topic = ?1 AND retain = 1",
    [SQL_OUTBOX_ADD] =
        "INSERT INTO outbox (topic, payload, retain) VALUES (?1, ?2, ?3)",
    [SQL_OUTBOX_REMOVE] = "DELETE FROM outbox WHERE id = ?1",
    [SQL_OUTBOX_DEPTH] = "SELECT count(*) FROM outbox",
    [SQL_EACH_ALARM] = "SELECT " ALARM_COLUMNS " FROM alarm"
                       " WHERE ?1 = 0 OR state <> 'normal' ORDER BY device, rule",
    [SQL_ONE_ALARM] =
        "SELECT " ALARM_COLUMNS " FROM alarm WHERE device = ?1 AND rule = ?2",
    [SQL_LAST_EVENT] = "SELECT max(seq) FROM events",
    [SQL_EACH_TICKET] =
        "SELECT " TICKET_COLUMNS " FROM ticket WHERE number IN"
        " (SELECT number FROM ticket WHERE state <> 'closed'"
        "  UNION SELECT number FROM ticket WHERE closed_ms >= ?1) ORDER BY number",
    [SQL_TICKETS_AFTER] =
        "SELECT " TICKET_COLUMNS " FROM ticket WHERE number > ?1 ORDER BY number",
    [SQL_TICKETS_AFTER_OF_DEVICE] = TICKETS_AFTER("device"),
    [SQL_TICKETS_AFTER_OF_PERSON] = TICKETS_AFTER("assignee"),
    [SQL_TICKETS_AFTER_OF_TEAM] = TICKETS_AFTER("team"),
    [SQL_TICKETS_BACK] = "SELECT " TICKET_COLUMNS " FROM ticket ORDER BY number DESC",
    [SQL_TICKETS_BACK_OF_DEVICE] = TICKETS_BACK("device"),
    [SQL_TICKETS_BACK_OF_PERSON] = TICKETS_BACK("assignee"),
    [SQL_TICKETS_BACK_OF_TEAM] = TICKETS_BACK("team"),
    [SQL_ONE_TICKET] = "SELECT " TICKET_COLUMNS " FROM ticket WHERE number = ?1",
    [SQL_MAX_TICKET] = "SELECT max(number) FROM ticket",
    [SQL_OLDEST_VISIT] = "SELECT min(closed_ms) FROM ticket"
                         " WHERE visit_ms IS NOT NULL AND state = 'closed'",
    [SQL_EACH_TIMER] =
        "SELECT device, rule, phase, level, target_level, since_ms, clear,"
        " clear_since_ms, while_last_ms FROM timer ORDER BY device, rule",
    [SQL_EACH_METER] =
        "SELECT key, last_ms, since_ms, value, changed, true_ms, starts, service_ms,"
        " service_starts, early_ms FROM meter ORDER BY key",
    [SQL_EACH_DEVICE] = "SELECT id, online FROM device ORDER BY id",
    [SQL_EACH_PLAN] =
        "SELECT plan, device,"
        " since_day, done_day, done_ms, base_day, moved_day, use_day, ticket, "
        "ticket_day,"
        " told_day, overdue, held, before_ticket, before_done_ms, before_done_day,"
        " before_base_day, before_ticket_day, before_at_service, used, used_at_service,"
        " used_at_mark, mark_ms, rate, rate_days, last_ms, last_value"
        " FROM plan ORDER BY device, plan",
    [SQL_EACH_SERVICE] =
        "SELECT device, person, reason, since_ms, until_ms FROM service"
        " ORDER BY device",
    [SQL_EACH_EVENT] = EVENT_ROW " WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [SQL_EACH_TICKET_EVENT] = EVENT_ROW " WHERE ticket = ?1 ORDER BY seq",
    [SQL_EVENTS_BACK] = EVENTS_BACK " ORDER BY seq DESC LIMIT ?3",
    [SQL_EVENTS_BACK_OF_TICKET] =
        EVENTS_BACK " AND ticket = ?7 ORDER BY seq DESC LIMIT ?3",
    [SQL_EACH_DEVICE_FIGURE] =
        EVENT_ROW " WHERE " STATE_FIGURE_EVENTS " AND device = ?1 ORDER BY seq",
    [SQL_EACH_TICKET_ROW] = "SELECT * FROM ticket ORDER BY number",
    [SQL_EACH_LOST_TICKET] =
        "SELECT DISTINCT ticket FROM events WHERE ticket IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM ticket WHERE number = events.ticket)"
        " ORDER BY ticket",
    [SQL_EACH_OUTBOX] = "SELECT id, topic, payload, retain FROM outbox"
                        " WHERE id > ?1 ORDER BY id LIMIT ?2",
    [SQL_EACH_WORK] =
        "SELECT number, kind, priority, state, device, rule, category, assignee, team,"
        " cause, plan, opened_ms, coalesce(first_responded_ms, responded_ms),"
        " coalesce(first_resolved_ms, resolved_ms), reopened, minutes, cost, parts,"
        " rating FROM ticket WHERE opened_ms < ?2"
        " AND (opened_ms >= ?1 OR state <> 'closed' OR closed_ms >= ?1)"
        " ORDER BY number",
    [SQL_EACH_REOPENING] =
        "SELECT e.ticket, e.t, e.name = 'ticket.reopened' FROM ticket t"
        " CROSS JOIN events e ON e.ticket = t.number WHERE t.reopened > 0"
        " AND e.name IN ('ticket.reopened', 'ticket.resolved')"
        " ORDER BY t.number, e.seq",
    [SQL_EACH_FIGURE_EVENT] =
        "SELECT seq, t, name, device, rule, ticket, json FROM events"
        " WHERE " STATE_FIGURE_EVENTS " ORDER BY seq",
    [SQL_FIRST_EVENT] = "SELECT t FROM events ORDER BY seq LIMIT 1",
    /* Of one device there are fewer than of one rule, which stands for many: the +. */
    [SQL_EACH_SAME] =
        "SELECT " TICKET_COLUMNS " FROM ticket WHERE +rule = ?1 AND device = ?2"
        " AND number <> ?3 ORDER BY number DESC LIMIT ?4",
    [SQL_EACH_LIKE] =
        "SELECT " TICKET_COLUMNS " FROM ticket WHERE rule = ?1 AND device <> ?2"
        " AND number <> ?3 ORDER BY number DESC LIMIT ?4",
    /* Its own, and what its alarm did meanwhile: both by an index, for a ticket that
     * waits for months has most of the journal between its ends. */
    [SQL_EACH_EVENT_OF] =
        "WITH own AS (SELECT min(seq) AS first, max(seq) AS last, min(t) AS begin"
        "  FROM events WHERE ticket = ?1)"
        " SELECT seq, t, name, device, rule, ticket, json, peer FROM events"
        " WHERE ticket = ?1 UNION ALL"
        " SELECT e.seq, e.t, e.name, e.device, e.rule, e.ticket, e.json, e.peer"
        " FROM own CROSS JOIN (SELECT DISTINCT value FROM json_each(?3)) j"
        " CROSS JOIN events e"
        " WHERE e.device = ?2 AND e.rule = j.value"
        " AND e.ticket IS NULL AND e.rule IS NOT NULL"
        " AND e.seq BETWEEN own.first - ?4 AND iif(?5, 9223372036854775807, own.last)"
        " AND e.t >= own.begin AND e.name LIKE 'alarm.%' ORDER BY seq",
    [SQL_EACH_EVIDENCE] =
        "SELECT ticket, opening, t_ms, rule, version, facts, device, bus FROM evidence"
        " WHERE ticket = ?1 ORDER BY opening",
    [SQL_PUT_LEDGER] =
        "INSERT OR REPLACE INTO ledger (device, key, value, person, changed_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_DELETE_LEDGER] = "DELETE FROM ledger WHERE device = ?1 AND key = ?2",
    [SQL_PUT_DOCUMENT] =
        "INSERT OR REPLACE INTO ledger_document (number, device, title, link, kind,"
        " valid_until, person, added_ms, removed_by, removed_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_PUT_ALTERATION] =
        "INSERT OR REPLACE INTO ledger_alteration (number, device, day, what, effect,"
        " made_by, person, added_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_EACH_LEDGER] = "SELECT device, key, value, person, changed_ms FROM ledger"
                        " ORDER BY device, key",
    [SQL_EACH_DOCUMENT] =
        "SELECT number, device, title, link, kind, valid_until, person, added_ms,"
        " removed_by, removed_ms FROM ledger_document ORDER BY number",
    [SQL_EACH_ALTERATION] =
        "SELECT number, device, day, what, effect, made_by, person, added_ms"
        " FROM ledger_alteration ORDER BY number",
    [SQL_PUT_PHOTO] =
        "INSERT OR REPLACE INTO photo (ticket, number, type, bytes, sha256, person,"
        " note, added_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_EACH_PHOTO] = "SELECT ticket, number, type, bytes, sha256, person, note,"
                       " added_ms FROM photo WHERE ticket = ?1 ORDER BY number",
    [SQL_HAS_PHOTO] = "SELECT 1 FROM photo WHERE sha256 = ?1 AND type = ?2 LIMIT 1",
    [SQL_PUT_USER] =
        "INSERT INTO users (id, name, role, password, language, created_ms, disabled)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET"
        " name = excluded.name, role = excluded.role, password = excluded.password,"
        " language = excluded.language, disabled = excluded.disabled",
    [SQL_DELETE_USER] = "DELETE FROM users WHERE id = ?1",
    [SQL_PUT_SESSION] =
        "INSERT INTO sessions (hash, user, created_ms, seen_ms, expires_ms, remote,"
        " agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_DELETE_SESSION] = "DELETE FROM sessions WHERE hash = ?1",
    [SQL_DELETE_SESSIONS] = "DELETE FROM sessions WHERE user = ?1",
    [SQL_DELETE_ENDED_SESSIONS] = "DELETE FROM sessions WHERE expires_ms <= ?1",
    [SQL_LIMIT_SESSIONS] =
        "DELETE FROM sessions WHERE user = ?1 AND hash NOT IN (SELECT hash"
        " FROM sessions WHERE user = ?1 ORDER BY seen_ms DESC, hash LIMIT ?2)",
    [SQL_SEE_SESSION] = "UPDATE sessions SET seen_ms = ?2 WHERE hash = ?1",
    [SQL_ADD_TOKEN] =
        "INSERT INTO tokens (hash, user, name, role, created_ms, expires_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_DELETE_TOKEN] = "DELETE FROM tokens WHERE number = ?1",
    [SQL_DELETE_TOKENS] = "DELETE FROM tokens WHERE user = ?1",
    [SQL_SEE_TOKEN] = "UPDATE tokens SET used_ms = ?2 WHERE number = ?1",
    [SQL_USER_GET] =
        "SELECT id, name, role, password, language, created_ms, disabled FROM users"
        " WHERE id = ?1",
    [SQL_SESSION_FIND] =
        "SELECT hash, user, created_ms, seen_ms, expires_ms, remote, agent"
        " FROM sessions WHERE hash = ?1",
    [SQL_TOKEN_FIND] = "SELECT " TOKEN_COLUMNS " FROM tokens WHERE hash = ?1",
    [SQL_TOKEN_GET] = "SELECT " TOKEN_COLUMNS " FROM tokens WHERE number = ?1",
    [SQL_COUNT_USERS] =
        "SELECT count(*), count(*) FILTER (WHERE role = 'administrator' AND"
        " disabled = 0) FROM users",
    [SQL_EACH_USER] = "SELECT id, name, role, password, language, created_ms, disabled,"
                      " (SELECT count(*) FROM sessions WHERE user = users.id),"
                      " (SELECT count(*) FROM tokens WHERE user = users.id),"
                      " (SELECT max(seen_ms) FROM sessions WHERE user = users.id)"
                      " FROM users ORDER BY id",
    [SQL_EACH_TOKEN] = "SELECT " TOKEN_COLUMNS " FROM tokens"
                       " WHERE ?1 IS NULL OR user = ?1 ORDER BY number",
};

/* One caretaker to a folder.  The lock goes with the process, however it ends; the
 * number in the file only makes the message better. */
static int
lock_folder(struct state *s, const char *dir, struct err *err)
{
    char path[DB_PATH_BYTES];
    char text[32];
    int rc = db_path(path, dir, LOCK_FILE, err);
    if (rc != 0) {
        return rc;
    }
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE);
    if (s->lock_fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
        }
        ssize_t size = pread(s->lock_fd, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        return err_set(err, ERR_REFUSED,
                       "%s: another caretaker runs there (process %s)", dir,
                       text[0] != '\0' ? text : "unknown");
    }
    int size = snprintf(text, sizeof text, "%ld", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 ||
        pwrite(s->lock_fd, text, (size_t)size, 0) != size) {
        /* A full disk must not keep the alarms from running. */
        (void)!ftruncate(s->lock_fd, 0);
    }
    return 0;
}

static int
make_gateway_id(struct state *s, struct err *err)
{
    uint64_t id;
    char sql[96];
    if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id) {
        return err_set(err, ERR_IO, "random numbers: %s", err_reason(errno));
    }
    snprintf(sql, sizeof sql,
             "INSERT OR IGNORE INTO meta VALUES ('gateway_id', '%016llx')",
             (unsigned long long)id);
    return db_exec(s->db, sql, err);
}

static int
load_gateway_id(struct state *s, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(s->db, &stmt, "SELECT value FROM meta WHERE key = 'gateway_id'",
                        err);
    if (rc != 0) {
        return rc;
    }
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        snprintf(s->gateway_id, sizeof s->gateway_id, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
    } else if (step != SQLITE_DONE) {
        rc = db_error(s->db, err, "read the gateway's id");
    }
    sqlite3_finalize(stmt);
    return rc;
}

/* Everything that only the writer does after opening. */
static int
prepare_writer(struct state *s, struct err *err)
{
    int rc = journal_register(s->db, err);
    if (rc == 0) {
        rc = db_migrate(s->db, state_schema_steps, STATE_SCHEMA_VERSION, err);
    }
    if (rc == 0) {
        rc = make_gateway_id(s, err);
    }
    return rc == 0 ? journal_open(s, err) : rc;
}

int
state_open(struct state **out, const char *dir, enum store_mode mode, struct err *err)
{
    struct err local = {0};
    char path[DB_PATH_BYTES];
    int rc;
    struct state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return err_set(err, ERR_NOMEM, "%s", dir);
    }
    s->mode = mode;
    s->lock_fd = -1;
    s->depth = -1;
    rc = db_path(path, dir, STATE_FILE, &local);
    if (rc == 0 && mode == STORE_WRITE) {
        rc = db_make_dir(dir, &local);
        if (rc == 0) {
            rc = lock_folder(s, dir, &local);
        }
    }
    if (rc == 0) {
        rc = db_open(&s->db, path, mode == STORE_WRITE ? DB_WRITE : DB_READ, &local);
    }
    if (rc == 0) {
        rc = mode == STORE_WRITE
                 ? prepare_writer(s, &local)
                 : db_check_version(s->db, STATE_SCHEMA_VERSION, &local);
    }
    if (rc == 0) {
        rc = load_gateway_id(s, &local);
    }
    if (rc != 0) {
        state_close(s);
        return err_set(err, local.code, "%s", local.text);
    }
    *out = s;
    return 0;
}

void
state_close(struct state *s)
{
    if (s == NULL) {
        return;
    }
    if (s->in_transaction) {
        state_rollback(s);
    }
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(s->kept[i]);
    }
    db_close(s->db);
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
    }
    free(s);
}

int
state_lend(struct state *s, enum state_sql which, sqlite3_stmt **out, struct err *err)
{
    if (s->kept[which] != NULL) {
        *out = s->kept[which];
        s->kept[which] = NULL;
        return 0;
    }
    return db_prepare(s->db, out, sql_texts[which], err);
}

void
state_return(struct state *s, enum state_sql which, sqlite3_stmt *stmt)
{
    if (s->kept[which] != NULL) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    s->kept[which] = stmt;
}

int
state_run(struct state *s,
          enum state_sql which,
          sqlite3_stmt *stmt,
          const char *doing,
          struct err *err)
{
    int step = sqlite3_step(stmt);
    int rc = step == SQLITE_DONE ? 0 : db_error(s->db, err, doing);
    state_return(s, which, stmt);
    return rc;
}

int
state_begin(struct state *s, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    assert(s->mode == STORE_WRITE);
    assert(!s->in_transaction);
    int rc = state_lend(s, SQL_BEGIN, &stmt, err);
    if (rc == 0) {
        rc = state_run(s, SQL_BEGIN, stmt, "begin", err);
    }
    if (rc == 0) {
        s->in_transaction = true;
        s->pending = s->last;
    }
    return rc;
}

int
state_commit(struct state *s, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    assert(s->in_transaction);
    if (sqlite3_get_autocommit(s->db) != 0) {
        return err_set(err, ERR_IO, "%s: commit: an error has ended the transaction",
                       sqlite3_db_filename(s->db, "main"));
    }
    int rc = s->pending.seq != s->last.seq ? journal_put_head(s, err) : 0;
    if (rc == 0) {
        rc = state_lend(s, SQL_COMMIT, &stmt, err);
    }
    if (rc == 0) {
        rc = state_run(s, SQL_COMMIT, stmt, "commit", err);
    }
    if (rc == 0) {
        s->in_transaction = false;
        s->last = s->pending;
    }
    return rc;
}

void
state_rollback(struct state *s)
{
    assert(s->in_transaction);
    /* A full disk may have rolled it back already; then there is nothing to do. */
    if (sqlite3_get_autocommit(s->db) == 0) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    s->in_transaction = false;
    s->pending = s->last;
    s->depth = -1;
}

const char *
state_gateway_id(const struct state *s)
{
    return s->gateway_id;
}
