/* What a wider deadband, an on-delay or an off-delay would have spared a bad actor, and
 * what it would have cost: its rule is really run with each of them over what was
 * recorded. */
#ifndef CARETAKER_PIPELINE_ALARM_ADVICE_H
#define CARETAKER_PIPELINE_ALARM_ADVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/report/advice_compare.h"

#define ADVICE_ACTORS_MAX 100
/* Of fewer raises, none is advised: such an alarm is no bad actor. */
#define ADVICE_RAISES_MIN 5
enum advice_kind { ADVICE_DEADBAND, ADVICE_OFF_DELAY, ADVICE_ON_DELAY, ADVICE_KINDS };
const char *
advice_kind_name(enum advice_kind k); /* "deadband" "off-delay" "on-delay" */

struct advice {
    enum advice_kind kind;
    double deadband;   /* Of ADVICE_DEADBAND, in the rule's unit. */
    const char *clear; /* The same as the `clear` to write. */
    int64_t delay_ms;  /* Of the others: the `clear_hold` or `hold` to write. */
    struct advice_cost cost;
    double burden; /* How much it takes of the delays that are allowed, 0 .. 1. */
    bool best;
};

struct advice_actor {
    uint32_t rule, device; /* By the caller; NONE_INDEX: not in the site any more. */
    uint32_t raises;       /* Of the present rule over what was recorded. */
    uint64_t samples;      /* That could be judged. */
    struct advice items[ADVICE_KINDS];
    uint32_t count;          /* Those that are worth it. */
    const char *unit;        /* Of a deadband; "" without one. */
    const char *no_deadband; /* Why none was tried; NULL: it was. */
    const char *nothing;     /* Why nothing was; NULL. */
};

struct advice_options {
    const struct site *site;
    const char *const *logs; /* With `log_count` 0, the history. */
    uint32_t log_count;
    const struct log_map *map;
    int64_t from_ms, to_ms;
    bool progress;
    const atomic_bool *cancel; /* As of struct feed_options. */
};

/* Fills what the actors (at most ADVICE_ACTORS_MAX) need; texts live as long as
 * `arena`. */
int advice_give(struct advice_actor *actors,
                uint32_t count,
                struct arena *arena,
                const struct advice_options *options,
                struct err *err);

/* Marks the best of several kinds: of those that save nearly as much as any, the least
 * burden. */
void advice_mark_best(struct advice *items, uint32_t count);

#endif
