/* The same logs through two sets of rules, compared: alarms gained, lost and moved. */
#ifndef CARETAKER_PIPELINE_REPLAY_DIFF_H
#define CARETAKER_PIPELINE_REPLAY_DIFF_H

#include "daemon/pipeline/replay/replay.h"

/* The alarms of one run, in order of their raising. */
struct replay_alarms;

struct replay_alarms *replay_alarms_new(void);    /* NULL: memory */
void replay_alarms_free(struct replay_alarms *a); /* NULL is accepted. */
/* For struct replay_options: `alarms` is a struct replay_alarms. */
void replay_alarms_event(void *alarms, const struct event *e);

struct replay_diff_counts {
    uint64_t same, gained, lost, moved;
};
/* Of a device and rule that differ in something. */
struct replay_diff_total {
    char device[ID_BYTES_MAX], rule[ID_BYTES_MAX];
    struct replay_diff_counts counts;
};
struct replay_diff {
    struct replay_diff_counts all;
    struct replay_diff_total *totals; /* Owned; by device, then rule. */
    size_t total_count;
};
void replay_diff_fini(struct replay_diff *d);

/* Prints what `other` has and `base` has not (gained), the other way round (lost), and
 * what both have at other times or of another severity (moved), in order of time.  An
 * alarm of one run is the other's when device and rule are the same and they stood at
 * one time.  `diff` is for replay_diff_fini(), also after a failure.  ERR_NOMEM: an
 * event or the output did not fit into memory. */
int replay_diff_print(const struct replay_alarms *base,
                      const struct replay_alarms *other,
                      enum replay_format format,
                      FILE *out,
                      struct replay_diff *diff,
                      struct err *err);

/* The same as JSON, and also what both have alike ("same"): an array of {t diff device
 * rule severity raised_at cleared_at other} in order of time, of which the newest
 * `most` are given; `*left_out` (may be NULL) says how many older ones there are.  The
 * totals are of every device and rule that has alarms at all. */
int replay_diff_json(const struct replay_alarms *base,
                     const struct replay_alarms *other,
                     size_t most,
                     struct strbuf *out,
                     size_t *left_out,
                     struct replay_diff *diff,
                     struct err *err);

#endif
