/* Who is on duty: a pattern of weeks or days, and exceptions from it.
 *
 * A duty lasts from the handover of one day to that of the next and belongs to the day
 * on which it begins.  By weeks the duty changes hands at Monday's handover.  Where the
 * wall skips the handover it is the first instant behind the gap; where it shows it
 * twice, the first.  Pure: no clock. */
#ifndef CARETAKER_TICKET_ROTA_H
#define CARETAKER_TICKET_ROTA_H

#include <stdint.h>

#include "daemon/model/site.h"

/* A person's id; NULL: there is no rota. */
const char *rota_on_duty(const struct rota *r, int64_t t_ms);

/* Of the duty that t_ms is in. */
int32_t rota_day(const struct rota *r, int64_t t_ms);
/* Who has the duty that begins on this day; NULL: there is no rota. */
const char *rota_of_day(const struct rota *r, int32_t day);
/* The handover at which the duty of this day begins. */
int64_t rota_handover(const struct rota *r, int32_t day);

#endif
