/* What a condition, or a value, has done so far: since when it is so, how long it was
 * true in its life, how often it began.
 *
 * Between two samples it is as the earlier one said, but where nothing was known for
 * longer than `patience` nothing is counted, and "since" is known to be in between. */
#ifndef CARETAKER_RULES_METER_H
#define CARETAKER_RULES_METER_H

#include <stdbool.h>
#include <stdint.h>

/* Plain data: what is saved of it is all there is. */
struct meter {
    int64_t last_ms;  /* The last time at which it was known; INSTANT_NONE: never. */
    int64_t since_ms; /* It has been as it is since then, as far as is known, */
    int64_t early_ms; /* and cannot have been for longer than since then. */
    double value;     /* What it was; a condition: 0 or 1. */
    bool changed;     /* At since_ms it did change: nothing older is known else. */
    bool resumed;     /* Restored; no sample came since. */
    int64_t true_ms;  /* In its life. */
    int64_t starts;   /* Rising edges in its life. */
    int64_t service_ms, service_starts; /* What these were at the last service. */
};

struct meter meter_new(void);

/* How long nothing may be known: longer across a restart, which is no silence of the
 * sensor. */
int64_t memory_patience(int64_t patience_ms, bool resumed);

/* A condition is true or false at t, a value is this; times do not go back.  A gap up
 * to patience_ms is none. */
void meter_set(struct meter *m, int64_t t_ms, double value, int64_t patience_ms);
/* Time since it became true, in ms, between two numbers: where nothing was known for a
 * while it may have been something else meanwhile.  Both 0: it is false.  False is
 * returned when it is unknown. */
bool meter_held(const struct meter *m,
                int64_t t_ms,
                int64_t patience_ms,
                int64_t *low_ms,
                int64_t *high_ms);
/* True time in its life, in ms, up to t. */
int64_t meter_true(const struct meter *m, int64_t t_ms, int64_t patience_ms);
/* Whether the value has stayed the same for `width_ms`: 0, 1, or NaN for unknown. */
double
meter_stuck(const struct meter *m, int64_t t_ms, int64_t width_ms, int64_t patience_ms);
void meter_service(struct meter *m, int64_t t_ms, int64_t patience_ms);
void meter_shift(struct meter *m, int64_t delta_ms);

#endif
