/* What a person asks for: it enters as an event at the head of the one road. */
#ifndef CARETAKER_MODEL_COMMAND_H
#define CARETAKER_MODEL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/words.h"

struct ticket_part;

enum command_kind {
    COMMAND_ACK,
    COMMAND_SHELVE,      /* device, rule, note = reason, for_ms or until_ms. */
    COMMAND_UNSHELVE,    /* device, rule. */
    COMMAND_SERVICE,     /* device, service; out: note = reason, for_ms or until_ms. */
    COMMAND_TICKET_OPEN, /* A reported fault: device, priority, note = symptom. */
    COMMAND_TICKET_TAKE, /* Assigns it to `assignee`, else to `by`. */
    COMMAND_TICKET_ARRIVE,
    COMMAND_TICKET_WAIT, /* note = reason, required. */
    COMMAND_TICKET_RESUME,
    COMMAND_TICKET_RESOLVE, /* note = treatment. */
    COMMAND_TICKET_CLOSE,
    COMMAND_TICKET_REOPEN,
    COMMAND_TICKET_NOTE,
    COMMAND_TICKET_RATE,
    COMMAND_TICKET_TICK,   /* step, undone. */
    COMMAND_TICKET_CHANGE, /* priority, category, team; note = why. */
    COMMAND_PLAN_START,    /* device, plan: its ticket opens now. */
    COMMAND_PLAN_DONE,     /* device, plan, day: a visit that was made on that day. */
    COMMAND_PLAN_MOVE,     /* device, plan, day: the next visit; note = why. */
    COMMAND_KIND_COUNT
};

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

/* A ticket is named by its number, or by device (and rule) when one open ticket fits.
 */
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
    enum pause pause;  /* wait; PAUSE_NONE: PAUSE_OTHER. */
    const char *cause; /* resolve, close: closing code. */
    int64_t minutes, cost;
    const struct ticket_part *parts;
    uint32_t part_count;
    int step; /* 1, 2, ...; 0: not given. */
    bool undone;
    /* Of plans. */
    const char *plan;
    int32_t day; /* As struct plan_row has them; 0: not given. */
};

#endif
