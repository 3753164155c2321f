/* In which order open tickets are worked: safety before everything (critical), then
 * urgent before normal; a fault that many homes depend on before one of few; of as
 * many, one that old or disabled residents depend on before others; else first come,
 * first served. */
#ifndef CARETAKER_PIPELINE_QUEUE_H
#define CARETAKER_PIPELINE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"
#include "daemon/model/ticket.h"

/* Who depends on a device: of both what it says itself (`serves`, `care`), else the sum
 * over what it feeds. */
struct queue_need {
    int64_t homes;
    int64_t care; /* Homes of old or disabled residents. */
};
/* Of each device, by index.  Returns owned; free() it.  NULL: no memory. */
struct queue_need *queue_needs(const struct site *site);

/* What of a ticket decides its place. */
struct queue_place {
    bool closed;
    enum severity priority;
    struct queue_need need;
    int64_t opened_ms;
    int64_t number;
};
/* `needs` as above; on no device, or one that is gone, nobody depends. */
struct queue_place queue_place_of(const struct site *site,
                                  const struct queue_need *needs,
                                  const struct ticket *t);

/* Below 0: `a` comes first.  Closed ones are last, by number. */
int queue_compare(const struct queue_place *a, const struct queue_place *b);

/* True if a deadline has passed at now_ms that the ticket's clock still runs for:
 * nobody responded, or it is not resolved and does not wait. */
bool queue_is_overdue(const struct ticket *t, int64_t now_ms);

#endif
