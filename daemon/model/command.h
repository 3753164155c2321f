/* What a person asks for: it enters as an event at the head of the one road. */
#ifndef CARETAKER_MODEL_COMMAND_H
#define CARETAKER_MODEL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/words.h"

struct ledger_change;
struct photo;
struct people_change;
struct ticket_part;

enum command_kind {
    COMMAND_ACK,
    COMMAND_SHELVE,      /* device, rule, note = reason, for_ms or until_ms. */
    COMMAND_UNSHELVE,    /* device, rule. */
    COMMAND_SERVICE,     /* device, service; out: note = reason, for_ms or until_ms. */
    COMMAND_TICKET_OPEN, /* A reported fault: device, priority, category, team,
                            reporter (else `by`), symptom (else note). */
    COMMAND_TICKET_TAKE, /* `by` owns it.  With `assignee`: a handover, by anybody. */
    COMMAND_TICKET_ARRIVE,
    COMMAND_TICKET_WAIT, /* pause, or note = what for. */
    COMMAND_TICKET_RESUME,
    COMMAND_TICKET_RESOLVE, /* note = treatment; cause, minutes, cost, parts. */
    COMMAND_TICKET_CLOSE,   /* The same. */
    COMMAND_TICKET_REOPEN,
    COMMAND_TICKET_NOTE, /* note, or any of cause, minutes, cost, parts. */
    COMMAND_TICKET_RATE,
    COMMAND_TICKET_TICK,     /* step, undone. */
    COMMAND_TICKET_CHANGE,   /* priority, category, team; note = why. */
    COMMAND_PLAN_START,      /* device, plan: its ticket opens now. */
    COMMAND_PLAN_DONE,       /* device, plan, day: a visit that was made on that day. */
    COMMAND_PLAN_MOVE,       /* device, plan, day: the next visit; note = why. */
    COMMAND_LEDGER_SET,      /* changes: all of them, or none. */
    COMMAND_LEDGER_DOCUMENT, /* device, title, link, document, valid_until. */
    COMMAND_LEDGER_REMOVE,   /* number: a document that holds no longer. */
    COMMAND_LEDGER_ALTERATION, /* device, what, effect, made_on, made_by. */
    COMMAND_TICKET_PHOTO,      /* photo, note: its file is on the disk already. */
    COMMAND_USER_ADD,          /* Those of people: `people`. */
    COMMAND_USER_CHANGE,
    COMMAND_USER_PASSWORD,
    COMMAND_USER_REMOVE,
    COMMAND_TOKEN_ADD,
    COMMAND_TOKEN_REVOKE,
    COMMAND_KIND_COUNT
};

/* A case may hold those before this one: neither the ledger nor photos nor users move
 * an alarm or a ticket. */
#define COMMAND_CASE_COUNT COMMAND_LEDGER_SET

/* What COMMAND_SERVICE makes of a device. */
enum service_wish { SERVICE_UNSAID, SERVICE_OUT, SERVICE_IN };

/* "ack", "shelve", "service", "ticket.open", ... the spelling of cases, API and MQTT.
 */
const char *command_kind_name(enum command_kind k);
/* Takes these, and alarm.ack, alarm.acknowledge, alarm.shelve, alarm.unshelve,
 * device.service and ticket.assign, which mean the same. */
bool command_kind_parse(enum command_kind *out, const char *text);
/* These others; NULL behind the last. */
const char *command_kind_alias(size_t index);
/* Of users and tokens: no stage of the plant sees it, and it does not come by MQTT. */
bool command_is_of_people(enum command_kind kind);

/* A ticket is named by its number, or by device (and rule, or plan) when one open
 * ticket fits. */
struct command {
    int64_t t_ms;
    enum command_kind kind;
    const char *device; /* May be NULL. */
    const char *rule;   /* May be NULL. */
    int64_t ticket;     /* 0: not given. */
    const char *by;     /* Required, never NULL. */
    const char *assignee;
    const char *note;
    enum severity priority;
    bool has_priority;
    int rating;
    int64_t for_ms;   /* 0: not given. */
    int64_t until_ms; /* 0: not given. */
    enum service_wish service;
    /* Of tickets. */
    const char *category, *team, *symptom, *reporter;
    enum pause pause;      /* wait; PAUSE_NONE: the note is one of its words, or it is
                              PAUSE_OTHER. */
    const char *cause;     /* Closing code. */
    int64_t minutes, cost; /* Beside what was entered before; less than 0 takes back. */
    const struct ticket_part *parts; /* As minutes. */
    uint32_t part_count;
    int step; /* 1, 2, ...; 0: not given. */
    bool undone;
    const struct photo *photo; /* Its type, bytes and sha256; NULL: no file came. */
    /* Of the ledger.  Dates are YYYY-MM-DD. */
    const struct ledger_change *changes;
    uint32_t change_count;
    int64_t number; /* Of a document; 0: not given. */
    const char *title, *link, *valid_until;
    enum document_kind document;
    const char *what, *effect, *made_on, *made_by;
    /* Of plans. */
    const char *plan;
    int32_t day; /* As struct plan_row has them; 0: not given. */
    /* Of users and tokens. */
    const struct people_change *people;
};

#endif
