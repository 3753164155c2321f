/* Register maps as JSON: what `caretaker profiles --json` and the API give. */
#ifndef CARETAKER_PIPELINE_PROFILES_JSON_H
#define CARETAKER_PIPELINE_PROFILES_JSON_H

#include "daemon/base/strbuf.h"
#include "daemon/model/profile.h"

/* An array: id title source from checked file points (how many) probe. */
void profiles_json(struct strbuf *out, const struct profile_set *set);
/* One whole: the same with limits, and its points. */
void profile_json(struct strbuf *out, const struct profile *p);

const char *point_kind_text(enum point_kind kind); /* "gauge" "counter" "state" */
/* Bits of a register; a coil or discrete input has none. */
bool point_has_bits(const struct point *p);

#endif
