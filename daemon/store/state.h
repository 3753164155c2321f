/* state.db: alarms, tickets, events, timers, the outbox.  WAL, synchronous=FULL: what
 * was committed survives a power cut.  One writer (the loop); readers open their own.
 */
#ifndef CARETAKER_STORE_STATE_H
#define CARETAKER_STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/alarm.h"
#include "daemon/model/event.h"
#include "daemon/model/ledger.h"
#include "daemon/model/plan.h"
#include "daemon/model/ticket.h"
#include "daemon/store/journal.h"

#define STATE_FILE "state.db"

struct state;

enum store_mode { STORE_WRITE, STORE_READ };

/* `dir` is the data folder; made (0750) when missing and mode is STORE_WRITE.  Migrates
 * an older schema step by step, each in its own transaction; refuses a newer one.  A
 * second writer is refused (the folder is locked).  STORE_READ of a missing file:
 * ERR_NOT_FOUND. */
int
state_open(struct state **out, const char *dir, enum store_mode mode, struct err *err);
void state_close(struct state *s);

/* One transaction around everything that one frame, timer or command decided. */
int state_begin(struct state *s, struct err *err);
int state_commit(struct state *s, struct err *err);
void state_rollback(struct state *s);

/* Who this gateway is: a random id made with the database; 16 hex digits. */
const char *state_gateway_id(const struct state *s);

/* Appends the event to the journal and returns its sequence number (gap-free, from 1)
 * in `seq`.  `json` is the event's text without seq and id; `more` (may be NULL) is
 * what it means for the row of its ticket (daemon/ticket/fold.h); `peer` (may be NULL)
 * says by which process a command came ("uid=1000 pid=4242"). */
int state_add_event(struct state *s,
                    const struct event *e,
                    const char *json,
                    const char *more,
                    const char *peer,
                    int64_t *seq,
                    struct err *err);
/* The head with the events of the transaction that is under way; for writers. */
void state_journal_head(const struct state *s, struct journal_head *out);
/* What did not fit between the last event and the head when the database was opened for
 * writing; NULL: all did.  What comes next is chained to what the head said, never to
 * what stood in its place, so that `check --journal` goes on finding it. */
const char *state_journal_fault(const struct state *s);
/* An ALARM_NORMAL row stays in the table (for its episode) and out of listings. */
int state_put_alarm(struct state *s, const struct alarm *a, struct err *err);
int state_delete_alarm(struct state *s,
                       const char *device,
                       const char *rule,
                       struct err *err);
int state_put_ticket(struct state *s, const struct ticket *t, struct err *err);

/* Rule timers by the ids of device and rule, so that a reload finds them again. */
struct timer_row {
    const char *device, *rule;
    int phase, level, target_level; /* As rules/rules.h struct rule_state. */
    int64_t since_ms;
    bool clear;
    int64_t clear_since_ms, while_last_ms;
};
int state_put_timer(struct state *s, const struct timer_row *row, struct err *err);
int state_delete_timer(struct state *s,
                       const char *device,
                       const char *rule,
                       struct err *err);
/* In service again: the row goes. */
int state_put_service(struct state *s, const struct service *row, struct err *err);
/* What a function of the rules has counted in its life, by its device and its text. */
struct meter_row {
    const char *key;
    int64_t last_ms, since_ms, early_ms;
    double value;
    bool changed;
    int64_t true_ms, starts, service_ms, service_starts;
};
int state_put_meter(struct state *s, const struct meter_row *row, struct err *err);
int state_put_plan(struct state *s, const struct plan_row *row, struct err *err);
int state_put_device(struct state *s, const char *device, bool online, struct err *err);
/* The last moment at which the program is known to have run. */
int state_put_alive(struct state *s, int64_t t_ms, struct err *err);
int state_get_alive(struct state *s,
                    int64_t *t_ms,
                    struct err *err); /* INSTANT_NONE: never. */

/* The first such moment, as the clock was then.  INSTANT_NONE: not known. */
int state_get_born(struct state *s, int64_t *t_ms, struct err *err);

/* The outbox: what must still go outside, in order.  A retained message replaces an
 * older one of the same topic that still waits.  `payload` "" with retain empties a
 * topic. */
int state_outbox_add(struct state *s,
                     const char *topic,
                     const char *payload,
                     bool retain,
                     struct err *err);
int
state_outbox_remove(struct state *s, const int64_t *ids, size_t count, struct err *err);
int state_outbox_depth(struct state *s, int64_t *depth, struct err *err);

/* Read side.  Rows are borrowed for the length of each call.  A callback that returns
 * false ends the reading early (no error). */
typedef bool (*state_alarm_fn)(void *ctx, const struct alarm *a);
int state_each_alarm(
    struct state *s, bool listing_only, state_alarm_fn fn, void *ctx, struct err *err);
/* The one of this device and rule; `fn` is not called when there is none. */
int state_one_alarm(struct state *s,
                    const char *device,
                    const char *rule,
                    state_alarm_fn fn,
                    void *ctx,
                    struct err *err);
typedef bool (*state_ticket_fn)(void *ctx, const struct ticket *t);
/* Those not closed, and those closed at or after `closed_since_ms` (INSTANT_MIN... all:
 * INSTANT_NONE); in order of number. */
int state_each_ticket(struct state *s,
                      int64_t closed_since_ms,
                      state_ticket_fn fn,
                      void *ctx,
                      struct err *err);
/* Which tickets: all, or those of one device, assignee or team. */
enum state_tickets {
    TICKETS_ALL,
    TICKETS_OF_DEVICE,
    TICKETS_OF_PERSON,
    TICKETS_OF_TEAM,
};
/* Those with a number above `after`, in order of number: a callback that has had enough
 * can go on behind the last one later.  `id` is NULL for all. */
int state_tickets_after(struct state *s,
                        enum state_tickets which,
                        const char *id,
                        int64_t after,
                        state_ticket_fn fn,
                        void *ctx,
                        struct err *err);
/* The newest first: for a callback that soon has enough. */
int state_tickets_back(struct state *s,
                       enum state_tickets which,
                       const char *id,
                       state_ticket_fn fn,
                       void *ctx,
                       struct err *err);
int
state_max_ticket(struct state *s, int64_t *number, struct err *err); /* 0: none yet. */
/* When the first of those was closed that are still to be visited; INSTANT_MAX: none
 * is.
 */
int state_oldest_visit(struct state *s, int64_t *closed_ms, struct err *err);
/* The one of this number; `fn` is not called when there is none. */
int state_one_ticket(
    struct state *s, int64_t number, state_ticket_fn fn, void *ctx, struct err *err);
typedef bool (*state_timer_fn)(void *ctx, const struct timer_row *row);
int state_each_timer(struct state *s, state_timer_fn fn, void *ctx, struct err *err);
typedef bool (*state_meter_fn)(void *ctx, const struct meter_row *row);
int state_each_meter(struct state *s, state_meter_fn fn, void *ctx, struct err *err);
typedef bool (*state_device_fn)(void *ctx, const char *device, bool online);
int state_each_device(struct state *s, state_device_fn fn, void *ctx, struct err *err);
typedef bool (*state_service_fn)(void *ctx, const struct service *row);
int
state_each_service(struct state *s, state_service_fn fn, void *ctx, struct err *err);
/* What people changed of the ledger.  A field that is `gone` has no row. */
int state_put_ledger(struct state *s, const struct ledger_row *row, struct err *err);
typedef bool (*state_ledger_fn)(void *ctx, const struct ledger_row *row);
/* Fields by device and key, then documents (those that were removed too) and
 * alterations by number. */
int state_each_ledger(struct state *s, state_ledger_fn fn, void *ctx, struct err *err);
/* In order of device, then plan. */
typedef bool (*state_plan_fn)(void *ctx, const struct plan_row *row);
int state_each_plan(struct state *s, state_plan_fn fn, void *ctx, struct err *err);
struct event_row {
    int64_t seq, t_ms;
    const char *name;          /* "alarm.raised" */
    const char *device, *rule; /* May be NULL. */
    int64_t ticket;
    const char *json;
    const char *peer; /* May be NULL. */
    const char *more; /* May be NULL. */
};
typedef bool (*state_event_fn)(void *ctx, const struct event_row *row);
/* Events after `after_seq`, at most `limit` (0: all). */
int state_each_event(struct state *s,
                     int64_t after_seq,
                     int64_t limit,
                     state_event_fn fn,
                     void *ctx,
                     struct err *err);
/* The number of the newest; 0: there is none. */
int state_last_event(struct state *s, int64_t *seq, struct err *err);
/* The events of one ticket, in order: its own, and those of alarms that changed it. */
int state_each_ticket_event(
    struct state *s, int64_t number, state_event_fn fn, void *ctx, struct err *err);
/* Each row of the table of tickets as it stands there, in order of number: an object
 * with its columns; what is NULL, 0 or "" is left out. */
typedef bool (*state_row_fn)(void *ctx, int64_t number, const char *json);
int state_each_ticket_row(struct state *s, state_row_fn fn, void *ctx, struct err *err);
/* Tickets that have events and no row; `json` is "{}". */
int
state_each_lost_ticket(struct state *s, state_row_fn fn, void *ctx, struct err *err);
/* All that is read between the two is of one moment.  STORE_READ only. */
int state_read_begin(struct state *s, struct err *err);
void state_read_end(struct state *s);
struct outbox_row {
    int64_t id;
    const char *topic, *payload;
    bool retain;
};
typedef bool (*state_outbox_fn)(void *ctx, const struct outbox_row *row);
int state_each_outbox(struct state *s,
                      int64_t after_id,
                      int64_t limit,
                      state_outbox_fn fn,
                      void *ctx,
                      struct err *err);

#endif
