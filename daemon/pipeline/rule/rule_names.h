/* What the points of a rule are called: its expressions and its title name them by
 * id. */
#ifndef CARETAKER_PIPELINE_RULE_NAMES_H
#define CARETAKER_PIPELINE_RULE_NAMES_H

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

/* {"bearing":{"title":"Bearing temperature","unit":"°C"},"feeder-1.power":{..}}, keyed
 * as the rule writes them, in order of the alphabet; `title` (in the language of the
 * thread, null for none) and `unit` as of the points of `device` (NONE_INDEX: of none,
 * but for those of devices that are named). */
void rule_names_json(struct strbuf *out,
                     const struct site *site,
                     const struct rule_spec *rule,
                     uint32_t device);

#endif
