/* Why a sample is bad, and what went wrong on a wire: for listings. */
#ifndef CARETAKER_PIPELINE_CAUSES_H
#define CARETAKER_PIPELINE_CAUSES_H

#include <stdint.h>

#include "collectors/collectors.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/words.h"

#define CAUSE_BYTES 48 /* With the NUL. */

/* "good", "exception 2", "crc (short frame)" into `out`; `detail` as in struct reading.
 * Returns `out`. */
char *cause_describe(char out[CAUSE_BYTES], enum quality q, uint8_t detail);

/* {"timeout":3,...,"exception":{"2":1},...,"late":0}, all kinds but those exceptions
 * that never came. */
void causes_json(struct strbuf *out, const char *key, const struct wire_counts *w);

/* What went wrong most often: "timeout", "exception 2"; of several the first in the
 * order above.  NULL: nothing did. */
const char *cause_most(char out[CAUSE_BYTES], const struct wire_counts *w);

#endif
