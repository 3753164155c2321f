/* The tickets that the alarms of a trial would have opened.  Nobody works on them: a
 * further alarm of one that is open joins it, as it does in the plant. */
#ifndef CARETAKER_PIPELINE_TRIAL_TICKETS_H
#define CARETAKER_PIPELINE_TRIAL_TICKETS_H

#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/event.h"
#include "daemon/model/site.h"

#define TRIAL_TICKETS_GIVEN 8 /* One by one: the first. */

struct trial_ticket {
    int64_t t_ms;
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
    enum severity priority;
};
struct trial_tickets { /* Zeroed is empty and valid. */
    uint64_t by_priority[SEVERITY_COUNT];
    uint64_t joined;
    struct trial_ticket first[TRIAL_TICKETS_GIVEN];
    uint32_t first_count;
};

/* Others than of tickets that a rule opened are passed over. */
void trial_tickets_event(struct trial_tickets *t, const struct event *e);
/* {"opened":3,"joined":2,"by_priority":{"critical":0,"urgent":1,"normal":2},
 *  "first":[{"t":..,"device":..,"rule":..,"priority":..}]} */
void trial_tickets_json(struct strbuf *out, const struct trial_tickets *t);

#endif
