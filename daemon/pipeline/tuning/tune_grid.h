/* Which settings are worth a trial, chosen from what a log holds.  Pure. */
#ifndef CARETAKER_PIPELINE_TUNE_GRID_H
#define CARETAKER_PIPELINE_TUNE_GRID_H

#include <stdbool.h>
#include <stdint.h>

#define TUNE_AXIS_MAX     1000 /* Values of one parameter. */
#define TUNE_SAMPLES_KEPT 8192 /* For quantiles; more samples are thinned out. */

/* A sample of a stream of numbers, the same for the same stream. */
struct tune_pick {
    double values[TUNE_SAMPLES_KEPT];
    uint64_t seen;
    uint64_t random;
    double least, most;
};
void tune_pick_add(struct tune_pick *p, double value);
/* Sorts what is kept; nothing may be added any more.  Returns how many there are. */
uint32_t tune_pick_sort(struct tune_pick *p);
/* `share` 0..1 of a sorted one that is not empty. */
double tune_pick_quantile(const struct tune_pick *p, double share);

/* Each fills `out` (of TUNE_AXIS_MAX), in rising order without repeats, and returns how
 * many; `now` is among them. */
uint32_t tune_grid_thresholds(double *out,
                              const struct tune_pick *sorted,
                              bool above,
                              double now);
/* Without samples: around the present one. */
uint32_t tune_grid_around(double *out, double now);
/* `spread`: how far the value moves in general, 0 or more; `most`: up to which part of
 * it, 0.01 .. 1. */
uint32_t tune_grid_deadbands(double *out, double spread, double most, double now);
/* `interval_ms`: between two samples; 0: not known. */
uint32_t tune_grid_holds(int64_t *out, int64_t interval_ms, int64_t now_ms);

/* The nearest 1, 2 or 5 times a power of ten that is not above `size`; 0 for 0. */
double tune_grid_round_step(double size);

#endif
