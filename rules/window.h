/* A statistic over the good samples of a sliding window (t - width, t].
 *
 * Each sample costs amortised constant time (median and p95: the logarithm of their
 * number), and nothing is computed anew from all of them when one is asked for.  A
 * statistic is unknown while the samples span less than half of the width. */
#ifndef CARETAKER_RULES_WINDOW_H
#define CARETAKER_RULES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum window_kind {
    WINDOW_AVG,
    WINDOW_MIN,
    WINDOW_MAX,
    WINDOW_STDDEV,   /* Of a sample (n - 1); unknown of fewer than two. */
    WINDOW_QUANTILE, /* Between the two nearest, in proportion: type 7 of Hyndman and
                        Fan, as spreadsheets have it. */
    WINDOW_DELTA,    /* Newest less oldest. */
    WINDOW_RATE      /* The same, by the seconds between them. */
};

struct window_sample {
    int64_t t_ms;
    double value;
};

/* What some samples come to.  WINDOW_AVG: their sum, and beside it what its additions
 * rounded off (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B).
 * WINDOW_STDDEV: their mean, and the sum of the squares of the distances from it
 * (Welford 1962; two of them join as in Chan, Golub and LeVeque 1979). */
struct window_part {
    double first, second;
};

struct window {
    enum window_kind kind;
    double quantile; /* 0 to 1. */
    int64_t width_ms;
    uint32_t max; /* Samples; beyond it the oldest go early. */

    struct window_sample *ring;
    uint32_t room, head, count;
    uint32_t first; /* Number of the oldest sample; they are numbered for ever. */

    /* WINDOW_MIN and WINDOW_MAX: numbers of the samples that may still become the
     * extreme, in order of time and of value. */
    uint32_t *candidates;
    uint32_t candidate_head, candidate_count;

    /* WINDOW_AVG and WINDOW_STDDEV: nothing is ever subtracted, so nothing drifts.  The
     * newest samples are taken together; of the oldest, `older_count` of them, each
     * place knows what comes from it to the last of the older.  When no older ones are
     * left, all become older at once. */
    struct window_part *parts;
    uint32_t older_count;
    struct window_part newer;

    /* WINDOW_QUANTILE: two heaps of places in the ring: those up to the quantile, the
     * largest first, and those above it, the smallest first. */
    uint32_t *low, *high, *place;
    uint32_t low_count, high_count;
};

/* Nothing is allocated yet. */
void window_init(struct window *w,
                 enum window_kind kind,
                 double quantile,
                 int64_t width_ms,
                 uint32_t max);
void window_fini(struct window *w);
void window_clear(struct window *w); /* Forgets its samples. */

/* Times do not go back; `value` is finite.  Room grows by doubling, up to `max`: when
 * there is no memory the oldest sample goes early. */
void window_add(struct window *w, int64_t t_ms, double value);
/* At t; NaN: unknown.  What has left the window is forgotten. */
double window_value(struct window *w, int64_t t_ms);
/* The samples in the window at t: how many, from when to when (INSTANT_NONE: there is
 * none).  What has left the window is forgotten. */
struct window_extent {
    uint32_t count;
    int64_t first_ms, last_ms;
};
struct window_extent window_extent(struct window *w, int64_t t_ms);
/* The clock was stepped. */
void window_shift(struct window *w, int64_t delta_ms);

/* What `samples` of them take. */
size_t window_bytes(enum window_kind kind, uint64_t samples);

#endif
