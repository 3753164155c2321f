/* Two runs of one rule, the present one and a changed one, over the same samples: what
 * the change spares and what it costs.  Pure arithmetic. */
#ifndef CARETAKER_PIPELINE_ADVICE_COMPARE_H
#define CARETAKER_PIPELINE_ADVICE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

/* Below this much of its raises a change is not worth it, ... */
#define ADVICE_SAVES_PERCENT 20
/* ... and of several sizes the least is taken that saves so much of what the greatest
 * does. */
#define ADVICE_ENOUGH_PERCENT 80
/* A raise may come later, or stand unseen, for this part of the time that people have
 * to respond; and no alarm may stand for longer than all of it while the present rule
 * would be clear, ... */
#define ADVICE_RESPOND_SHARE 4
/* ... nor for longer than this after any alarm that it stands for would clear: then the
 * raises were only turned into one that is stale (alarm_quality.h). */
#define ADVICE_KEPT_MAX_MS (INT64_C(24) * 3600 * 1000)

/* One time that the rule was raised. */
struct advice_span {
    int64_t raised_ms, cleared_ms; /* INSTANT_MAX: it stands at the end. */
};

/* Spans of one rule, in order, which do not overlap. */
struct advice_spans {
    const struct advice_span *items;
    size_t count;
};

struct advice_times {
    int64_t end_ms; /* Of the samples. */
    /* An alarm that comes back so soon after it cleared is the same to people; one that
     * comes later, and finds the changed rule's still standing, is hidden by it. */
    int64_t joins_ms;
    /* Only delays differ: the changed rule clears whenever the present one is clear for
     * `clears_within_ms`, also when the samples do not show it. */
    bool same_clear;
    int64_t clears_within_ms;
};

/* What a changed rule did, beside what the present one did. */
struct advice_cost {
    uint32_t raises; /* Of the changed one. */
    uint32_t saved;
    int64_t later_median_ms,
        later_worst_ms; /* Its raises, behind the present rule's. */
    /* The worst of all clearings of the present rule: up to the clearing of the alarm
     * that covers it. */
    int64_t clears_later_ms;
    int64_t idle_ms;   /* The longest that it stood at a time while that was clear. */
    uint32_t unseen;   /* Raises of the present rule of which it told nobody, */
    int64_t unseen_ms; /* and how long the longest of them stood. */
    /* It does not clear any more, or nothing of the samples shows that it does. */
    bool stuck;
};

int advice_compare(struct advice_cost *out,
                   struct advice_spans now,
                   struct advice_spans changed,
                   const struct advice_times *times,
                   struct err *err);
/* How much of what is allowed a change takes, where people have `respond_ms`: above 1,
 * it is too much.  INFINITY for one that is stuck, or is never raised. */
double advice_burden(const struct advice_cost *c, int64_t respond_ms);
/* Whether a change that saves so many of the raises is worth it. */
bool advice_saves_enough(uint32_t saved, uint32_t raises);
/* Of costs in rising order of size: which to take; UINT32_MAX: none is worth it. */
uint32_t
advice_compare_choose(const struct advice_cost *costs, uint32_t count, uint32_t raises);

#endif
