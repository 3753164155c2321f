/* Which points a rule reads, and with which numbers it compares them: what a chart of a
 * fault shows.  Pure. */
#ifndef CARETAKER_PIPELINE_RULE_POINTS_H
#define CARETAKER_PIPELINE_RULE_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/model/site.h"

#define RULE_POINTS_MAX 16 /* More lines than anybody tells apart. */
#define RULE_LIMITS_MAX 16

/* Where the point's value is when the comparison holds. */
enum rule_side { RULE_ABOVE, RULE_BELOW, RULE_EQUAL, RULE_UNEQUAL };
const char *rule_side_name(enum rule_side s); /* "above" "below" "equal" "unequal" */

/* `POINT > NUMBER`, or a mean, median, ... of the point's past. */
struct rule_limit {
    const struct rule_spec *rule; /* Borrowed. */
    uint32_t level;               /* Of the rule; of `while` it is 0. */
    uint32_t point;               /* Index into site->points. */
    double value;                 /* In the point's unit. */
    enum rule_side side;
    const char *text; /* As written: "bearing > 80 °C". */
    bool clears;      /* It stands in a `clear`. */
    int64_t hold_ms;  /* Beyond it for so long, or back for so long where it clears. */
};

struct rule_points {
    uint32_t points[RULE_POINTS_MAX]; /* In the order in which they are named. */
    uint32_t point_count;
    struct rule_limit limits[RULE_LIMITS_MAX];
    uint32_t limit_count;
    bool absent; /* A point that is named is not there. */
};

/* Adds those of the rule on that device to `out` (zeroed is empty).  Conditions that
 * cannot be read, and points that are not there, are left out.  Texts live in `arena`.
 */
void rule_points_add(struct rule_points *out,
                     struct arena *arena,
                     const struct site *site,
                     const struct rule_spec *rule,
                     uint32_t device);

/* With what any rule that goes to the point's device compares the point to raise an
 * alarm: at most `max` into `out`; returns how many.  Texts live in `arena`. */
uint32_t rule_points_limits(struct rule_limit *out,
                            uint32_t max,
                            struct arena *arena,
                            const struct site *site,
                            uint32_t point);

/* The point whose value the rule's alarms carry, which is the left side of its first
 * comparison; NONE_INDEX: that is something else. */
uint32_t rule_points_judged(const struct site *site,
                            const struct rule_spec *rule,
                            uint32_t device);

#endif
