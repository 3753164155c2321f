/* Where an axis has its ticks, and what stands at them.  Pure. */
#ifndef CARETAKER_PIPELINE_CHART_AXIS_H
#define CARETAKER_PIPELINE_CHART_AXIS_H

#include <stddef.h>
#include <stdint.h>

#define CHART_TICKS_MAX      32
#define CHART_TICK_BYTES     24
#define CHART_VALUE_TICK_MAX 12

/* ---- Values ---- */

struct chart_scale {
    double low, high; /* low < high; both are ticks or enclose them. */
    double step;
    int decimals; /* Of the ticks' texts. */
};

/* A range that holds `low` to `high` with about `wanted` steps of 1, 2 or 5 times a
 * power of ten.  Any two finite numbers are taken; equal ones are set apart. */
struct chart_scale chart_scale_for(double low, double high, int wanted);
/* The ticks inside it, rising; returns how many. */
size_t chart_scale_ticks(double out[CHART_VALUE_TICK_MAX], const struct chart_scale *s);
/* The text of a tick into `out` of CHART_TICK_BYTES; returns `out`. */
char *chart_scale_text(char *out, const struct chart_scale *s, double tick);

/* ---- Local time ---- */

struct chart_tick {
    int64_t t_ms;
    char text[CHART_TICK_BYTES];  /* "14:30", "03-29", "2026-03" */
    char below[CHART_TICK_BYTES]; /* The day or the year, where it begins; or "". */
};

/* At most `wanted` ticks (2..CHART_TICKS_MAX) of [from_ms, to_ms], at even times of the
 * clock on the wall: full minutes, hours, days, Mondays, months, years.  Where clocks
 * are set forward or back the ticks stay at even local times. */
size_t chart_time_ticks(struct chart_tick out[CHART_TICKS_MAX],
                        int64_t from_ms,
                        int64_t to_ms,
                        int wanted);

#endif
