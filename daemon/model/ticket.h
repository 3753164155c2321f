/* A ticket: a piece of work with deadlines. */
#ifndef CARETAKER_MODEL_TICKET_H
#define CARETAKER_MODEL_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/alarm.h"
#include "daemon/model/site.h"
#include "daemon/model/words.h"

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
    /* Where each of the two clocks started: 80 % of the way from here to the deadline
     * is warned of.  Both ends of the resolve clock move on by each pause. */
    int64_t respond_from_ms, resolve_from_ms;
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
    char title[TITLE_BYTES];
    char resolution[NOTE_BYTES]; /* What was done, as entered when resolving. */
    int rating;                  /* 1..5; 0 until rated. */
};

/* One object with the keys that every listing of tickets has, and no other. */
void ticket_to_listing(struct strbuf *out, const struct ticket *t);
/* The same keys, then closed_at, verified_at, episodes, reopened, resolution, rating.
 */
void ticket_to_json(struct strbuf *out, const struct ticket *t);

#endif
