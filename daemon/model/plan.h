/* What is known of one plan on one device: when it was done, when it is due. */
#ifndef CARETAKER_MODEL_PLAN_H
#define CARETAKER_MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"

/* How much a device was used: hours, starts, or units of its counter. */
struct plan_use_row {
    double total;      /* Since it was first seen. */
    double at_service; /* `total` as of the last visit. */
    double at_mark;    /* `total` as of mark_ms, where the day's rate begins. */
    int64_t mark_ms;   /* INSTANT_NONE: no day was begun. */
    double rate;       /* Per day, of the latest days; 0: none is known. */
    int32_t rate_days; /* From how many days that is. */
    int64_t last_ms;   /* Of the last good sample; INSTANT_NONE: there is none. */
    double last_value;
};

/* The last visit, as it was before it was done: reopened, it was not. */
struct plan_before {
    int64_t ticket; /* Of the visit; 0: there is nothing to go back to. */
    int64_t done_ms;
    int32_t done_day, base_day, ticket_day;
    double at_service;
};

/* Plain data.  Days are numbered as in struct team's calendar; DAY_NONE: there is none.
 */
struct plan_row {
    char plan[ID_BYTES_MAX], device[ID_BYTES_MAX];
    int32_t since_day;  /* When the pair was first seen. */
    int32_t done_day;   /* The last visit, */
    int64_t done_ms;    /* INSTANT_NONE: none is known, */
    int32_t base_day;   /* and the planned day that it was for. */
    int32_t moved_day;  /* Where the next one, or the open one, was moved to. */
    int32_t use_day;    /* Where use has put the next one. */
    int64_t ticket;     /* Of the visit that is open; 0: none. */
    int32_t ticket_day; /* Its day, */
    int32_t told_day;   /* and the day on which it was last reminded of. */
    bool overdue;       /* It was told that the present visit is overdue. */
    bool held;          /* The visit waits for its device to be in service. */
    struct plan_before before;
    struct plan_use_row use;
};

#endif
