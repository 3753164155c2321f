/* Why an alarm is there, or is not, as JSON: what the rules say (rules/explain.h), and
 * what has become of it as an alarm and a ticket.  The same object from the daemon,
 * from a log and from the history. */
#ifndef CARETAKER_PIPELINE_EXPLAIN_JSON_H
#define CARETAKER_PIPELINE_EXPLAIN_JSON_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/pipeline.h"

/* The rule and the device by their ids, which may be NULL.  ERR_NOT_FOUND: there is no
 * such thing, with the nearest name, or ERR_USAGE: one was not given. */
int explain_find(const struct site *site,
                 const char *rule_id,
                 const char *device_id,
                 uint32_t *rule,
                 uint32_t *device,
                 struct err *err);

/* What stands beside it, of a replay. */
struct explain_origin {
    const char *source; /* "daemon", "log", "history" */
    int64_t from_ms;    /* What was before is not known; INSTANT_NONE. */
    const char *events; /* A JSON array of its latest ones; NULL. */
};

/* As of the pipeline's last step; `now_ms` when it has made none.  ERR_NOT_FOUND: the
 * rule is not bound to the device, and why. */
int explain_json(struct strbuf *out,
                 struct pipeline *p,
                 const struct site *site,
                 uint32_t rule,
                 uint32_t device,
                 int64_t now_ms,
                 const struct explain_origin *origin,
                 struct err *err);

#endif
