/* How good the settings of a rule are against labelled faults.  Pure arithmetic.
 *
 * A fault is found by an alarm that is *raised* while its window lasts, or up to
 * `early_ms` before: one that stands already when the fault comes tells nobody.  Every
 * raise outside of all windows is false; further ones inside are neither. */
#ifndef CARETAKER_PIPELINE_TUNE_SCORE_H
#define CARETAKER_PIPELINE_TUNE_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/pipeline/tuning/tune_labels.h"

#define TUNE_SETTINGS_MAX 5000
#define TUNE_FINDINGS_MAX 20000000 /* Settings times faults: 160 MB. */
/* False raises for each day of a device that a knee may have.  EEMUA 191 and ISA-18.2
 * give an operator 144 alarms a day, of which the ten most frequent make no more than
 * 5 %: 0.72 for each of them. */
#define TUNE_FALSE_PER_DAY_MAX 1.0

struct tune_setting {
    double threshold, deadband; /* In the unit of the rule's number. */
    int64_t hold_ms;
    bool now; /* As the rule has it. */
    /* By tune_score_finish(). */
    uint32_t missed;
    uint64_t false_raises;
    double false_per_day;
    /* Of all faults, one that was missed with its whole length; INSTANT_NONE: all
     * were. */
    int64_t delay_median_ms, delay_worst_ms;
    /* By tune_score_rank(). */
    bool front; /* No other is as good in every figure; of equals, one is. */
    bool knee;
};

/* What is watched: one device, the time for which it was logged, and its faults, which
 * are in order, do not touch, and lie in that time in part at least. */
struct tune_watch {
    uint32_t device;
    int64_t first_ms, last_ms;
    const struct tune_window *windows; /* Borrowed until tune_score_free(). */
    uint32_t window_count;
};

struct tune_score;

/* `settings` and `watches`, in order of device, are borrowed until tune_score_free().
 * ERR_FULL: more than
 * TUNE_FINDINGS_MAX. */
int tune_score_new(struct tune_score **out,
                   struct tune_setting *settings,
                   uint32_t setting_count,
                   const struct tune_watch *watches,
                   uint32_t watch_count,
                   int64_t early_ms,
                   struct err *err);
void tune_score_free(struct tune_score *s); /* NULL is accepted. */

uint32_t tune_score_faults(const struct tune_score *s);
double
tune_score_days(const struct tune_score *s); /* Of all devices, outside faults. */

/* An alarm of the setting was raised on the device; raises of one setting and device
 * come in order of time. */
void
tune_score_raise(struct tune_score *s, uint32_t setting, uint32_t device, int64_t t_ms);
/* Fills the figures of every setting. */
void tune_score_finish(struct tune_score *s);

/* How many false raises a setting may have to be the knee, of `per_day` on `days`; one
 * raise in a shorter log says nothing of a rate. */
uint64_t tune_score_false_max(double per_day, double days);
/* Marks the front and its knee.  Of those of the front that find something and have no
 * more than `false_max` false raises, each figure (faults missed, doublings of the
 * false raises, median delay) is scaled to 0 for the best and 1 for the worst; the knee
 * is nearest to 0 in all three, a miss counting double and the delay half.  There may
 * be none. */
void tune_score_rank(struct tune_setting *settings,
                     uint32_t count,
                     uint32_t faults,
                     uint64_t false_max);

#endif
