/* Edges: what the rules say happened.  The pipeline carries them to alarms and tickets.
 */
#ifndef CARETAKER_MODEL_EDGE_H
#define CARETAKER_MODEL_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/words.h"

enum edge_kind {
    EDGE_DEVICE_OFFLINE, /* It is silent: a point is stale, and none is newer. */
    EDGE_DEVICE_ONLINE,  /* It answers again after EDGE_DEVICE_OFFLINE. */
    EDGE_RAISED,
    EDGE_CHANGED, /* The severity moved inside a raised alarm. */
    EDGE_CLEARED,
    EDGE_WATCH /* What rules_watch() says of a watched instance has changed. */
};

struct edge {
    int64_t t_ms;
    enum edge_kind kind;
    uint32_t device;
    uint32_t rule; /* NONE_INDEX for the device kinds. */
    enum severity severity;
    bool has_value;
    double value; /* Left side of the first comparison, in its point's unit. */
};

/* Whether the condition of a rule on a device is known to be clear. */
struct watch {
    bool clear;             /* `when` is known to be false, on good samples. */
    int64_t clear_since_ms; /* Since when without a break; meaningless unless clear. */
    bool stands;            /* `when` is known to be true; neither: it is not known. */
    bool while_now;         /* `while` is true now, or there is none. */
    int64_t
        while_last_ms; /* The last time `while` was true; INSTANT_NONE: never seen. */
    bool resuming; /* Restored, and not judged since: nothing of this is known yet. */
};

#endif
