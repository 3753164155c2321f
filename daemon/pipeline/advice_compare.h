/* Two runs of one rule, the present one and a changed one, over the same samples: what
 * the change spares and what it costs.  Pure arithmetic. */
#ifndef CARETAKER_PIPELINE_ADVICE_COMPARE_H
#define CARETAKER_PIPELINE_ADVICE_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

/* Below this much of its raises a change is not worth it, ... */
#define ADVICE_SAVES_PERCENT 20
/* ... and of several sizes the least is taken that saves so much of what the greatest
 * does. */
#define ADVICE_ENOUGH_PERCENT 80

/* One time that the rule was raised. */
struct advice_span {
    int64_t raised_ms, cleared_ms; /* INSTANT_MAX: it stands at the end. */
};

/* What a changed rule did, beside what the present one did. */
struct advice_cost {
    uint32_t raises; /* Of the changed one. */
    uint32_t saved;
    int64_t later_median_ms,
        later_worst_ms;      /* Its raises, behind the present rule's. */
    int64_t clears_later_ms; /* Its clearings, at worst. */
    uint32_t unseen; /* Raises of the present rule at which it was silent all along, */
    int64_t unseen_ms; /* and how long the longest of them stood. */
};

/* Spans of one rule are in order and do not overlap; what stands ends at `end_ms`. */
int advice_compare(struct advice_cost *out,
                   const struct advice_span *now,
                   size_t now_count,
                   const struct advice_span *changed,
                   size_t changed_count,
                   int64_t end_ms,
                   struct err *err);
/* Of costs in rising order of size: which to take; UINT32_MAX: none is worth it. */
uint32_t
advice_compare_choose(const struct advice_cost *costs, uint32_t count, uint32_t raises);

#endif
