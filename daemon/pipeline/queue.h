/* In which order open tickets are worked: safety before everything (critical), then
 * urgent before normal; a fault that many homes depend on before one of few; else first
 * come, first served. */
#ifndef CARETAKER_PIPELINE_QUEUE_H
#define CARETAKER_PIPELINE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"
#include "daemon/model/ticket.h"

/* How many homes depend on each device, by index: what it says itself (`serves`), else
 * the sum over what it feeds.  Returns owned; free() it.  NULL: no memory. */
int64_t *queue_homes(const struct site *site);

/* What of a ticket decides its place. */
struct queue_place {
    bool closed;
    enum severity priority;
    int64_t homes;
    int64_t opened_ms;
    int64_t number;
};
/* `homes` as above; a ticket of no device, or of one that is gone, serves none. */
struct queue_place
queue_place_of(const struct site *site, const int64_t *homes, const struct ticket *t);

/* Below 0: `a` comes first.  Closed ones are last, by number. */
int queue_compare(const struct queue_place *a, const struct queue_place *b);

/* True if a deadline has passed at now_ms that the ticket's clock still runs for:
 * nobody responded, or it is not resolved and does not wait. */
bool queue_is_overdue(const struct ticket *t, int64_t now_ms);

#endif
