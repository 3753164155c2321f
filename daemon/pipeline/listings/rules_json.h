/* The rules of a site as JSON, in the language of the thread: what stands in the files,
 * where they go, and how their alarms stand.
 *
 *   id title enabled severity (the worst) levels [{severity when clear}] while hold_ms
 *   clear_hold_ms applies_to {type id tag location} devices device_count cause
 *   consequence action respond_within_ms procedure team category ticket_kind group
 * latch realarm_ms suppressed_by suppresses_children source version file line standing
 * hidden unacked    alarms of it: raised, of those hidden, to be acknowledged
 *
 * points         as rule_names.h, of the first of the devices
 *
 * `devices` are ids, in a listing the first RULES_DEVICES_LISTED.  One rule alone has
 * `yaml`, as in rule_text.h, and `places`: device name alarm (a row of the listing of
 * alarms, or null) explain (see explain_json.h, or null). */
#ifndef CARETAKER_PIPELINE_RULES_JSON_H
#define CARETAKER_PIPELINE_RULES_JSON_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"
#include "daemon/store/state.h"

#define RULES_DEVICES_LISTED 20
#define RULES_EXPLAINED      50 /* Places of one rule that are explained at once. */

/* All of them, as an array, in order of id.  `store` may be NULL: nothing was written
 * yet. */
int rules_json(struct strbuf *out,
               const struct site *site,
               struct state *store,
               struct err *err);

/* What the engine knows of the rule on the device, as an object appended to `out`;
 * false: nothing. */
typedef bool (*rules_explain_fn)(void *ctx,
                                 const char *rule,
                                 const char *device,
                                 struct strbuf *out);
/* One of them.  `device` (NULL: all) is the one whose place is given.  ERR_NOT_FOUND:
 * there is no such rule or device, or the rule does not go there. */
int rule_json(struct strbuf *out,
              const struct site *site,
              struct state *store,
              const char *rule,
              const char *device,
              rules_explain_fn explain,
              void *ctx,
              struct err *err);

#endif
