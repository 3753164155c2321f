/* How often and for how long a condition was true within a sliding window
 * (t - width, t].
 *
 * Between two samples a condition is as the earlier one said.  Where nothing was known
 * for longer than `patience` it is unknown: such a part of the window may hold any
 * number of rising edges, and any share of it may have been true. */
#ifndef CARETAKER_RULES_SPANS_H
#define CARETAKER_RULES_SPANS_H

#include <stdbool.h>
#include <stdint.h>

/* Changes that one window keeps; of more, the oldest become unknown. */
#define SPANS_MAX 4096

enum span_state { SPAN_UNKNOWN, SPAN_FALSE, SPAN_TRUE };

struct span_part {
    int64_t start_ms;
    uint8_t state; /* enum span_state, up to the next part. */
    bool edge;     /* It begins with a rising edge. */
};

struct spans {
    int64_t width_ms, patience_ms;
    struct span_part *ring;
    uint32_t room, head, count;
    uint32_t edges;              /* Of the parts. */
    int64_t true_ms, unknown_ms; /* Of all parts but the last, which goes on. */
    int64_t last_ms;             /* The last time at which it was known. */
    uint8_t known;               /* What it was then. */
    bool resumed;                /* A restart is no gap, if nothing came since. */
};

/* Nothing is allocated yet. */
void spans_init(struct spans *s, int64_t width_ms, int64_t patience_ms);
void spans_fini(struct spans *s);

/* It is true or false at t; times do not go back. */
void spans_set(struct spans *s, int64_t t_ms, bool is_true);
/* Forgets everything. */
void spans_clear(struct spans *s);
void spans_shift(struct spans *s, int64_t delta_ms);

struct spans_sum {
    uint32_t edges;
    int64_t true_ms, unknown_ms; /* Within the window. */
};
struct spans_sum spans_read(struct spans *s, int64_t t_ms);

#endif
