/* A ticket: a piece of work with deadlines. */
#ifndef CARETAKER_MODEL_TICKET_H
#define CARETAKER_MODEL_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/alarm.h"
#include "daemon/model/site.h"
#include "daemon/model/words.h"

#define TICKET_PARTS_MAX 16 /* Kinds of parts that one ticket's work can use. */
#define TICKET_STEPS_MAX 64 /* Steps of a procedure that can be ticked off. */
#define PART_BYTES       64
#define CODE_BYTES       32
#define PART_COUNT_MAX   1000000
#define WORK_MINUTES_MAX 1000000 /* Two years of one person. */

/* The plan of follow-up visits: critical tickets are looked at once more. */
#define PLAN_FOLLOW_UP "follow-up"

/* What was built in, or used up. */
struct ticket_part {
    char name[PART_BYTES];
    int64_t count;
    int64_t cost; /* Of all of them, in hundredths of the site's currency. */
};

/* Plain data; device and rule are borrowed from whoever gives the struct. */
struct ticket {
    int64_t number; /* 1, 2, ... per site; never reused. */
    enum ticket_kind kind;
    const char *device; /* May be NULL for a reported one. */
    const char *rule;   /* NULL unless an alarm opened it. */
    enum severity priority;
    enum ticket_state state;
    int64_t opened_ms;
    int64_t respond_by_ms;
    int64_t resolve_by_ms;
    /* Where each of the two clocks started: when it was opened or last reopened; that
     * of the resolve clock moves on by each pause, as its deadline does. */
    int64_t respond_from_ms, resolve_from_ms;
    int64_t respond_warn_ms, resolve_warn_ms; /* 80 % of the time are gone. */
    int64_t assign_ms; /* Nobody's yet: its team works again, and gets it; else NONE. */
    int64_t escalate_ms; /* When the next level is told; INSTANT_NONE: none is left. */
    int64_t assigned_ms, responded_ms, resolved_ms, verified_ms,
        closed_ms; /* INSTANT_NONE until. */
    int64_t
        waiting_since_ms; /* INSTANT_NONE unless waiting: the resolve clock stands. */
    int64_t cleared_ms;   /* When its alarm last cleared, or fell to info; INSTANT_NONE
                             while it stands above that. */
    int64_t episodes;     /* Alarm episodes that it holds. */
    int64_t reopened;     /* How often it was reopened; 0 is a first-time fix. */
    bool respond_warned, respond_breached, resolve_warned, resolve_breached;
    char assignee[PERSON_BYTES]; /* "" until assigned. */
    char team[ID_BYTES_MAX];
    char title[TITLE_BYTES]; /* In the language of the site. */
    struct titles titles;
    char resolution[NOTE_BYTES]; /* What was done, as entered when resolving. */
    int rating;                  /* 1..5; 0 until rated. */

    char category[ID_BYTES_MAX]; /* Kind of fault; "" when none was given. */
    char plan[ID_BYTES_MAX];     /* Of a planned one: its plan; "" for other kinds. */
    int64_t due_ms;              /* Of a planned one: the day of the visit; or NONE. */
    char symptom[NOTE_BYTES];    /* As reported. */
    char reporter[PERSON_BYTES]; /* Who reported it; "" for a machine's. */
    bool taken;                  /* Somebody took it himself: the assignee owns it. */
    enum pause pause;            /* PAUSE_NONE unless waiting. */
    int level;                   /* Steps of the team's escalation that were gone. */
    enum proof proof;            /* While resolved. */
    char cause[CODE_BYTES];      /* Closing code; "" until given. */
    int64_t minutes;             /* Worked, of all people together. */
    int64_t cost; /* Beside the parts, in hundredths of the site's currency. */
    struct ticket_part parts[TICKET_PARTS_MAX];
    uint32_t part_count;
    int64_t photos; /* How many it has. */
    uint64_t steps; /* Bit n: step n of its procedure was done. */
    int64_t first_responded_ms, first_resolved_ms; /* Reopening leaves them. */
    int64_t visit_ms; /* Closed: when its follow-up visit opens; INSTANT_NONE: there is
                         none, or it was opened. */
};

/* "seal", "seal=2", "seal=2@70.00": a name, how many, and what all of them cost.
 * ERR_RANGE says what is accepted. */
int ticket_part_parse(struct ticket_part *out, const char *text, struct err *err);
/* Adds to what was used already, by name; less than none of a thing is not possible,
 * and what is none at all leaves the list.  False, and nothing is changed, when it goes
 * below none or beyond TICKET_PARTS_MAX kinds. */
bool ticket_add_parts(struct ticket *t,
                      const struct ticket_part *parts,
                      uint32_t part_count);

/* [{"name":..,"count":..,"cost":70.00}] */
void ticket_parts_to_json(struct strbuf *out,
                          const struct ticket_part *parts,
                          uint32_t part_count);
/* One object with the keys that every listing of tickets has; behind them, while a
 * resolved one waits for its sensor, proof. */
void ticket_to_listing(struct strbuf *out, const struct ticket *t);
/* The same keys, then assigned_at .. closed_at, episodes, reopened, resolution, rating;
 * behind them, only where they say something, category to visit_at as in the struct,
 * and photos. */
void ticket_to_json(struct strbuf *out, const struct ticket *t);

#endif
