/* The same of a moment in the past: recorded samples, of logs or of the site's own
 * history, run through the pipeline up to it. */
#ifndef CARETAKER_PIPELINE_EXPLAIN_PAST_H
#define CARETAKER_PIPELINE_EXPLAIN_PAST_H

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/site.h"

/* The history is read from this long before what the windows need, so that holds and
 * deadbands are seen. */
#define EXPLAIN_BEFORE_MS  (INT64_C(24) * 3600000)
#define EXPLAIN_EVENTS_MAX 5 /* The latest of the alarm and its ticket. */

struct explain_past_options {
    struct site *site; /* Is changed: its stale_after, and which rules run. */
    uint32_t rule, device;
    const char *const *logs; /* With `log_count` 0, the history. */
    uint32_t log_count;
    const struct log_map *map; /* As struct replay_options has these. */
    const char *bus;
    int64_t stale_after_ms;
    int64_t at_ms;   /* INSTANT_NONE: the last row; of the history `now_ms`. */
    int64_t from_ms; /* Of the history; INSTANT_NONE: as far back as needed. */
    int64_t now_ms;
    bool progress;
};

/* ERR_NOT_FOUND: nothing is recorded, or the rule is not for the device.  ERR_CONFIG:
 * the rules have errors (in `diags`). */
int explain_past(struct strbuf *out,
                 const struct explain_past_options *options,
                 struct diags *diags,
                 struct err *err);

#endif
