/* Events: everything that happened, in order; the lines of replay, MQTT and the
 * journal. */
#ifndef CARETAKER_MODEL_EVENT_H
#define CARETAKER_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/words.h"

struct photo;
struct ticket_part;

enum event_kind {
    EVENT_DEVICE_OFFLINE,
    EVENT_DEVICE_ONLINE,
    EVENT_DEVICE_OUT_OF_SERVICE,
    EVENT_DEVICE_IN_SERVICE,
    EVENT_ALARM_RAISED,
    EVENT_ALARM_CHANGED,
    EVENT_ALARM_CLEARED,
    EVENT_ALARM_ACKNOWLEDGED,
    EVENT_ALARM_SHELVED,
    EVENT_ALARM_UNSHELVED,
    EVENT_ALARM_SUPPRESSED,
    EVENT_ALARM_UNSUPPRESSED,
    EVENT_ALARM_REALARMED, /* Acknowledged, but it stood too long: once more. */
    EVENT_TICKET_OPENED,
    EVENT_TICKET_JOINED,
    EVENT_TICKET_ASSIGNED,
    EVENT_TICKET_RESPONDED,
    EVENT_TICKET_WAITING,
    EVENT_TICKET_RESUMED,
    EVENT_TICKET_CHANGED,
    EVENT_TICKET_RESOLVED,
    EVENT_TICKET_VERIFIED,
    EVENT_TICKET_REOPENED,
    EVENT_TICKET_CLOSED,
    EVENT_TICKET_WARNED,
    EVENT_TICKET_BREACHED,
    EVENT_TICKET_ESCALATED,
    EVENT_TICKET_NOTED,
    EVENT_TICKET_RATED,
    EVENT_TICKET_WATCHED, /* Resolved: what its sensor has to show yet changed. */
    EVENT_TICKET_TICKED,  /* A step of its procedure was done, or was not. */
    EVENT_TICKET_PHOTOGRAPHED,
    EVENT_PLAN_REMINDED,  /* A visit is near: parts and people are to be there. */
    EVENT_PLAN_OVERDUE,   /* A visit was not made in its time. */
    EVENT_PLAN_MOVED,     /* The next visit has another day: done, or tightened. */
    EVENT_LEDGER_CHANGED, /* What is known of a device. */
    EVENT_CLOCK_STEPPED,
    EVENT_USER_ADDED, /* People: in the journal only, no concern of the plant. */
    EVENT_USER_CHANGED,
    EVENT_USER_REMOVED,
    EVENT_USER_LOGGED_IN,
    EVENT_USER_LOGGED_OUT,
    EVENT_USER_REFUSED, /* Failed log-ins; without a user: of no user of ours. */
    EVENT_TOKEN_ADDED,
    EVENT_TOKEN_REVOKED,
    EVENT_HISTORY_IMPORTED, /* By the API; `note`: how much, of when. */
    EVENT_KIND_COUNT
};

/* A case may expect those before this one. */
#define EVENT_CASE_COUNT EVENT_USER_ADDED

/* "alarm.raised" and so on. */
const char *event_kind_name(enum event_kind k);
bool event_kind_parse(enum event_kind *out, const char *text);
/* user.* and token.*: of who logs in from where an administrator alone may read. */
bool event_kind_is_of_people(enum event_kind k);

/* What a ticket's events change of its row, beside its state and instants:
 * opened      kind, priority, title, team, category, symptom, reporter, plan, due_ms;
 *             episodes is 1 with a rule, else 0
 * joined      episodes + 1
 * assigned    assignee; `by` is the assignee: he took it, `taken`
 * responded   `by` is the assignee: `taken`; responded_ms; first_responded_ms once
 * waiting     pause
 * resumed     resolve_by_ms, resolve_from_ms by as much; pause PAUSE_NONE
 * changed     priority, deadlines, category, team: those that it has; kind where it is
 *             news
 * resolved    resolution is `note`; `by` is the assignee: `taken`; first_resolved_ms
 *             once; PROOF_NONE; out of a pause the fields of resumed; work, see below
 * watched     proof
 * reopened    episodes + 1 when it has an episode; reopened + 1; deadlines; responded,
 *             resolved, verified, closed and visit_ms are none; rating 0; PROOF_NONE
 * closed      visit_ms is due_ms; PROOF_NONE; work; verified_ms when `verified` came
 * noted       work; visit_ms is none when it has a plan
 * ticked      the bit `step - 1` of steps: set, or cleared when `undone`
 * rated       rating
 * photographed photos + 1
 * clock.stepped moves every instant of a ticket but due_ms, which is a day on the wall
 *             (of a plan that counts from a moment: by whole days); deadlines in the
 *             working time of a team as clocks_step() says
 * Work: minutes, cost and parts are what was added to the row's (ticket_add_parts()),
 * and may be less than zero: a correction; cause takes the place of the one before.
 *
 * Fields that a kind does not use are zero / NULL.  All pointers are borrowed for the
 * length of the call that hands the event on. */
struct event {
    int64_t t_ms;
    enum event_kind kind;
    const char *device;
    const char *rule;
    int64_t ticket;         /* 0: none. */
    enum severity severity; /* Alarms: "severity"; tickets: "priority". */
    bool has_value;
    double value;
    int64_t episode;              /* Alarms, reopened; 0: not written. */
    enum ticket_kind ticket_kind; /* Written for ticket.opened; */
    bool kind_changed;            /* and for ticket.changed, where it is news. */
    const char *deadline;         /* "respond" or "resolve" for warned and breached. */
    int64_t respond_by_ms, resolve_by_ms; /* opened (not in its JSON), reopened,
                                             changed, resumed; 0: none. */
    const char *assignee;
    const char *by;   /* The person; NULL for the machine's own events. */
    const char *note; /* Reason, treatment, comment. */
    const char *title;
    int rating;
    int64_t step_ms;           /* clock.stepped */
    const char *group;         /* alarm.raised of a rule with a group. */
    bool first_out;            /* It is the first raised of that group. */
    const char *suppressed_by; /* "DEVICE/RULE" or "DEVICE". */
    int64_t until_ms;          /* Shelved, out of service; 0: none. */

    const char *team, *category; /* ticket.opened (in its JSON only without a rule,
                                    which says the same), .changed */
    const char *plan; /* plan.*, opened of a plan; noted: PLAN_FOLLOW_UP was opened. */
    int64_t due_ms;   /* plan.*, opened of a plan; closed: its follow-up visit; 0: none.
                       */
    const char *symptom, *reporter;
    enum pause pause;
    enum proof proof;  /* ticket.watched */
    const char *cause; /* Closing code. */
    int64_t minutes, cost;
    const struct ticket_part *parts;
    uint32_t part_count;
    int step; /* ticket.ticked: 1, 2, ...; 0: none. */
    bool undone;
    const struct photo *photo; /* ticket.photographed */
    int level;                 /* ticket.escalated: 1, 2, ... */
    const char *to;            /* ticket.escalated: who is told. */
    /* ledger.changed: which field, "document 3" or "alteration 2"; what it was, and
     * what it is now.  user.changed: "role", "name", "language", "disabled"; "password"
     * without either. */
    const char *record, *before, *after;
    /* user.*, token.*: whose; `title` is the name of the user or token.  Never a
     * secret, a password, or the hash of one. */
    const char *user;
    int64_t token;      /* Its number. */
    const char *role;   /* added */
    const char *remote; /* logged_in, refused: the address. */
};

/* One object without a line end, keys in this fixed order, absent ones left out:
 * alarms  t event device rule severity value episode group first_out suppressed_by
 *         until by note
 * tickets t event ticket device rule priority kind value episode deadline respond_by
 *         resolve_by
 *         assignee rating level to plan due category team symptom reporter pause proof
 *         cause minutes cost parts step undone number sha256 type bytes by note
 * plans   t event ticket device plan due by note
 * ledger  t event device record before after by note
 * people  t event user token name role record before after remote until by
 * devices t event device until by note.  `extra` (may be NULL) is put before the
 * closing brace, e.g. "\"seq\":17,\"id\":\"...\"". */
void event_to_json(struct strbuf *out, const struct event *e, const char *extra);

/* One line of plain words for the log and for replay, without its time: "alarm raised,
 * urgent: 2# pump bearing at 81.2 °C (pump-2/pump-bearing-hot)", "ticket 3 resolved: 2#
 * pump bearing at 81.2 °C (pump-2/pump-bearing-hot), cause wear, 40 min, cost 120.50,
 * parts bearing 6309 × 2 (350.00), by zhang: new bearing".  It says all that the event
 * changes.  Local times; amounts in the site's currency. */
void event_to_text(struct strbuf *out, const struct event *e);

#endif
