/* The life of every alarm of the site: raised, acknowledged, cleared (ISA-18.2).
 * Pure: no I/O and no clock; decisions go to the sink in order: of each change first
 * the alarm's row as it is now, then the event. */
#ifndef CARETAKER_ALARM_ALARMS_H
#define CARETAKER_ALARM_ALARMS_H

#include "daemon/base/err.h"
#include "daemon/model/alarm.h"
#include "daemon/model/command.h"
#include "daemon/model/edge.h"
#include "daemon/model/sink.h"
#include "daemon/model/site.h"

struct alarms;

/* `site` and `sink` are borrowed until alarms_free().  Aborts when out of memory. */
struct alarms *alarms_new(const struct site *site, const struct sink *sink);
void alarms_free(struct alarms *a);

/* Takes back a stored row (copied), before anything else.  False when its device or
 * rule is gone from the site: the caller says so to the outside. */
bool alarms_restore(struct alarms *a, const struct alarm *row);

/* Applies EDGE_RAISED, EDGE_CHANGED or EDGE_CLEARED and returns the alarm (borrowed
 * until the next call).  `title` (copied) is used for raised and changed.  An edge that
 * the alarm already reflects (after a restart) changes nothing and tells nobody; NULL
 * is returned then. */
const struct alarm *
alarms_edge(struct alarms *a, const struct edge *e, const char *title);

/* COMMAND_ACK.  ERR_NOT_FOUND: no such alarm in the listing; ERR_REFUSED: already
 * acknowledged, or hidden; ERR_USAGE: device, rule or person is missing. */
int alarms_command(struct alarms *a, const struct command *c, struct err *err);

/* Ties the ticket's number to the alarm; sends the alarm to the sink when it changed.
 */
void
alarms_set_ticket(struct alarms *a, uint32_t device, uint32_t rule, int64_t ticket);

/* NULL when that alarm is normal or was never raised. */
const struct alarm *alarms_get(const struct alarms *a, uint32_t device, uint32_t rule);
/* The alarms of the listing, in order of device, rule. */
void alarms_each(const struct alarms *a,
                 void (*fn)(void *ctx, const struct alarm *row),
                 void *ctx);

/* The wall clock was stepped: every instant of the listing moves along, and the rows go
 * to the sink (without events). */
void alarms_shift(struct alarms *a, int64_t delta_ms);

#endif
