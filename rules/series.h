/* What a rule remembers of the past: one series for each different call of a function
 * with a window or a life, such as avg(pressure, 5m) or hours(running), on each device.
 * Rules that make the same call on the same device share it.
 *
 *   values      avg min max stddev median p95 delta rate     window.h
 *   conditions  count time                                   spans.h
 *               held hours starts, and stuck of a value      meter.h */
#ifndef CARETAKER_RULES_SERIES_H
#define CARETAKER_RULES_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/model/site.h"
#include "rules/meter.h"
#include "rules/program.h"
#include "rules/spans.h"
#include "rules/window.h"

/* All windows of a site together, at the rate of their points' polls. */
#define SERIES_BYTES_MAX (UINT64_C(256) << 20)

enum series_kind {
    SERIES_WINDOW,
    SERIES_COUNT,
    SERIES_TIME,
    SERIES_HELD,
    SERIES_HOURS,
    SERIES_STARTS,
    SERIES_STUCK
};

/* What is to be followed.  In the arena of the rules; equal ones are kept once. */
struct series_spec {
    enum series_kind kind;
    enum window_kind window; /* Of SERIES_WINDOW; */
    double quantile;         /* and of its quantile. */
    bool since_service;      /* Of SERIES_HOURS and SERIES_STARTS. */
    int64_t width_ms;
    int64_t patience_ms; /* The longest stale_after of its points: a gap up to it is
                            none. */
    int64_t period_ms;   /* The shortest poll of its points. */
    int64_t reach_ms;    /* How far back a sample may matter to it. */

    /* The value or condition that is followed. */
    const struct op *ops;
    const double *constants;
    const uint32_t *slots;
    const uint8_t *slot_kinds; /* enum slot_kind; also what the series within read. */
    const struct value_watch *watches;
    uint32_t op_count, constant_count, slot_count, watch_count;

    uint32_t point;   /* It is this point as it is; NONE_INDEX: more than that. */
    uint32_t counter; /* Its increases are counted, past wraps and resets; or
                         NONE_INDEX. */
    uint32_t device;  /* Of the rule. */
    const char *key;  /* "hours(running)", and the device's id before it: what is saved
                         is found by it. */
};

/* All of a site, while its rules are compiled. */
struct series_book {
    struct arena *arena;
    struct series_spec *items;
    uint32_t count, room;
    uint32_t *table; /* Hash table of indices plus one. */
    uint32_t table_size;
    uint64_t bytes; /* What they will take when they are full. */
};

void series_book_init(struct series_book *b, struct arena *arena);
void series_book_fini(struct series_book *b);
/* The index of the equal one, or of a copy of *spec. */
uint32_t series_book_add(struct series_book *b, const struct series_spec *spec);
/* A book that has these `count` already, in this order; they are borrowed. */
void series_book_begin(struct series_book *b,
                       struct arena *arena,
                       const struct series_spec *specs,
                       uint32_t count);
/* What one of them will take when it is full, in bytes. */
uint64_t series_spec_bytes(const struct series_spec *spec);

struct series {
    const struct series_spec *spec;
    union {
        struct window window;
        struct spans spans;
        struct meter meter;
    };
    double counter_last, counter_total; /* Of spec->counter. */
    bool counter_known;
    bool dirty;    /* Its meter is to be saved. */
    bool restored; /* Its meter was. */
};

void series_init(struct series *s, const struct series_spec *spec);
void series_fini(struct series *s);

/* Takes what its program says now, NaN for unknown.  `sampled`: a sample came, not only
 * news that there is none. */
void series_take(struct series *s,
                 const struct site *site,
                 int64_t t_ms,
                 double value,
                 bool sampled);
/* What it says at t: NaN unknown; seconds of time and held, hours, a count, 0 or 1. */
double series_value(struct series *s, int64_t t_ms);
/* Count, time and held: between which two it lies; high may be infinite, and both NaN.
 * Of a window of which no more than 1 % is unknown, all is known.  Others: their value
 * twice. */
void series_range(struct series *s, int64_t t_ms, double *low, double *high);
/* Since when held() or stuck() grows, at least and at most; INSTANT_NONE: it does not.
 */
void series_grows_from(const struct series *s, int64_t t_ms, int64_t from_ms[2]);
void series_shift(struct series *s, int64_t delta_ms);
/* The program was restarted: the time since the last sample is no gap. */
void series_resume(struct series *s);
/* Whether it has a life that is saved: a meter. */
static inline bool
series_has_meter(const struct series_spec *spec)
{
    return spec->kind >= SERIES_HELD;
}

#endif
