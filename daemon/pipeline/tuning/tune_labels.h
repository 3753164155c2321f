/* Windows in which somebody knows that a fault was there, from a CSV file:
 *
 *   from,to[,device][,label]
 *
 * Times as in a log; a window without a device holds for every device. */
#ifndef CARETAKER_PIPELINE_TUNE_LABELS_H
#define CARETAKER_PIPELINE_TUNE_LABELS_H

#include <stdint.h>

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/model/site.h"

#define TUNE_WINDOWS_MAX 10000 /* Times settings, results are kept of each. */

struct tune_window {
    int64_t from_ms, to_ms; /* from <= to; both belong to it. */
    uint32_t device;        /* NONE_INDEX: every device. */
};

struct tune_labels {
    struct tune_window *items; /* Owned; in order of the file. */
    uint32_t count;
};

/* Every mistake is told to `diags` with its place: a label that is guessed at would
 * make every figure wrong, so nothing is skipped.  ERR_CONFIG: there was one, or no
 * window at all. */
int tune_labels_read(struct tune_labels *out,
                     const struct site *site,
                     const char *path,
                     struct diags *diags,
                     struct err *err);
void tune_labels_fini(struct tune_labels *l);

/* The windows of one device in order of time, those that touch joined to one: one fault
 * is found once.  Into `out`, which has room for all; returns how many. */
uint32_t
tune_labels_of(struct tune_window *out, const struct tune_labels *l, uint32_t device);

#endif
