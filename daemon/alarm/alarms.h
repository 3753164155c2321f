/* The life of every alarm of the site (ISA-18.2): raised, acknowledged, cleared;
 * latched, alarmed again, shelved, suppressed, out of service; chatter and first-out.
 * Pure: no I/O and no clock; decisions go to the sink in order: of each change first
 * the alarm's row as it is now, then the event.
 *
 * Hiding changes what people are told, never what is judged: the rules go on, an
 * episode that begins hidden is told when it comes out if it still stands then, and a
 * recovery is always told.  What comes out because its suppressor is over stands only
 * when samples from after that say so. */
#ifndef CARETAKER_ALARM_ALARMS_H
#define CARETAKER_ALARM_ALARMS_H

#include "daemon/base/err.h"
#include "daemon/model/alarm.h"
#include "daemon/model/command.h"
#include "daemon/model/edge.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"

#define SHELF_MS_MAX (INT64_C(365) * 24 * 3600000) /* Longer: change the rule. */

struct alarms;

/* Whether a device answers; for a bus: whether anybody on it does. */
enum reach { REACH_UNKNOWN, REACH_ANSWERS, REACH_SILENT };

/* How far the rules have come with an alarm, and how new what they know is. */
struct standing {
    bool pending;           /* Not raised, and the hold that raises it runs. */
    bool clearing;          /* Raised, and the clear_hold that ends it runs, */
    int64_t clears_ms;      /* until then. */
    int64_t sampled_ms;     /* All that it is judged on is known from samples as new as
                               this; INSTANT_NONE: not all is known at present,
                               INSTANT_MAX: it needs no samples. */
    int64_t stale_after_ms; /* The longest of what it is judged on. */
};

/* What the alarm room needs of the rest.  Members may be NULL. */
struct alarms_view {
    void *ctx;
    enum reach (*reach)(void *ctx, uint32_t device);
    /* Somebody was told: EDGE_RAISED, EDGE_CHANGED or EDGE_CLEARED, which is what a
     * ticket must hear of. */
    void (*news)(void *ctx, enum edge_kind what, uint32_t device, uint32_t rule);
    /* Of a rule that is bound to the device; NULL: it is judged on new samples, and no
     * hold runs. */
    struct standing (*standing)(void *ctx, uint32_t device, uint32_t rule);
    /* Whether the rule is bound to the device and tells of its silence; asked by
     * alarms_new().  NULL: none does. */
    bool (*tells_silence)(void *ctx, uint32_t device, uint32_t rule);
    /* Whether the rule is bound to the device; NULL: always. */
    bool (*bound)(void *ctx, uint32_t device, uint32_t rule);
    /* The title of the alarm as of now; NULL: it is left empty. */
    void (*title)(
        void *ctx, uint32_t device, uint32_t rule, char *out, size_t out_size);
    /* The same in each language of its rule; asked whenever a title is taken.  NULL:
     * there are none. */
    void (*titles)(void *ctx, uint32_t device, uint32_t rule, struct titles *out);
};

/* `site` and `sink` are borrowed until alarms_free(); `view` (may be NULL) is copied.
 * Aborts when out of memory. */
struct alarms *alarms_new(const struct site *site,
                          const struct sink *sink,
                          const struct alarms_view *view);
void alarms_free(struct alarms *a);

/* Takes back a stored row (copied), before anything else.  False when its device or
 * rule is gone from the site: the caller says so to the outside. */
bool alarms_restore(struct alarms *a, const struct alarm *row);
bool alarms_restore_service(struct alarms *a, const struct service *s);

/* Takes EDGE_RAISED, EDGE_CHANGED or EDGE_CLEARED; what comes of it is told by
 * alarms_settle().  `title` (copied) is used for raised and changed.  An edge that
 * the alarm already reflects (after a restart) changes nothing. */
void alarms_edge(struct alarms *a, const struct edge *e, const char *title);
/* The device fell silent or answers: what that hides is looked at anew. */
void alarms_reach_changed(struct alarms *a, uint32_t device);
/* Ends a step: tells what the edges of time `t_ms` mean, with all of them known.  A
 * step without edges ends, too: what waits for new samples, or is hidden while a hold
 * runs, is looked at anew. */
void alarms_settle(struct alarms *a, int64_t t_ms);

/* COMMAND_ACK, _SHELVE, _UNSHELVE, _SERVICE; settles.  ERR_NOT_FOUND: no such alarm or
 * device; ERR_REFUSED: not from its present state; ERR_USAGE: device, rule, person,
 * reason or end is missing; ERR_RANGE: an end that is past or too far. */
int alarms_command(struct alarms *a, const struct command *c, struct err *err);

/* When the next shelf, maintenance, repetition or chatter ends; INSTANT_MAX: none. */
int64_t alarms_due(const struct alarms *a);
/* Fires every timer due at or before `t_ms`, which is the time that is told; settles.
 */
void alarms_fire(struct alarms *a, int64_t t_ms);

/* Ties the ticket's number to the alarm; sends the alarm to the sink when it changed.
 */
void
alarms_set_ticket(struct alarms *a, uint32_t device, uint32_t rule, int64_t ticket);

/* NULL when that alarm is normal or was never raised. */
const struct alarm *alarms_get(const struct alarms *a, uint32_t device, uint32_t rule);
/* Whether another rule of its group stands on the device, told and above info. */
bool alarms_group_stands(const struct alarms *a, uint32_t device, uint32_t rule);
/* The alarms of the listing, in order of device, rule. */
void alarms_each(const struct alarms *a,
                 void (*fn)(void *ctx, const struct alarm *row),
                 void *ctx);
/* Out of service; NULL: it is in service. */
const struct service *alarms_service(const struct alarms *a, uint32_t device);

/* The wall clock was stepped: every instant of the listing moves along, and the rows go
 * to the sink (without events). */
void alarms_shift(struct alarms *a, int64_t delta_ms);

#endif
