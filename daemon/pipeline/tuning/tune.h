/* Sweeps threshold, deadband and hold of a limit rule over a recorded log on which the
 * faults are labelled: what each setting would have missed, raised in vain, and how
 * late it would have been.  The engine of the daemon does the judging. */
#ifndef CARETAKER_PIPELINE_TUNE_H
#define CARETAKER_PIPELINE_TUNE_H

#include "daemon/pipeline/rule/rule_form.h"
#include "daemon/pipeline/tuning/tune_score.h"

struct tune_options {
    const struct site *site;
    uint32_t rule;
    uint32_t level;
    uint32_t device; /* NONE_INDEX: every device of the rule that is in the log. */
    const char *const *logs;
    uint32_t log_count;
    const struct log_map *map; /* May be NULL. */
    const struct tune_labels *labels;
    int64_t early_ms;
    double false_per_day_max; /* Of the knee. */
    /* What to try beside the present setting; where nothing is given (count 0), values
     * that suit the log. */
    const double *thresholds, *deadbands;
    const int64_t *holds;
    uint32_t threshold_count, deadband_count, hold_count;
    bool progress;
    bool quiet; /* Bad rows are counted only. */
};

struct tune {
    struct arena *arena; /* Owns the texts of `form`; rule_form_when() may use it. */
    struct rule_form form;
    const char *unit; /* Of threshold and deadband; "" without one. */
    struct tune_setting *settings;
    uint32_t count;
    uint32_t now;   /* The present one. */
    uint32_t knee;  /* NONE_INDEX: no setting finds anything, or they all raise */
    bool any_found; /* too often, which is when this is set. */
    double false_per_day_max;
    uint32_t faults;   /* Labelled ones that the log can show. */
    uint32_t left_out; /* Windows of devices or times that are not in the log. */
    uint32_t devices;  /* In the log, with the rule. */
    double days;       /* Of all devices, outside the faults. */
    int64_t first_ms, last_ms;
    uint64_t samples, late_samples, bad_rows;
};

/* ERR_RANGE: the rule cannot be tuned (rule_form_read).  ERR_NOT_FOUND: it is not for
 * the device, or nothing of it is in the log.  Returns owned contents: tune_fini(),
 * until which the site is borrowed. */
int tune_run(struct tune *out, const struct tune_options *options, struct err *err);
void tune_fini(struct tune *t);

#endif
