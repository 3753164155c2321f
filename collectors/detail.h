/* What a bad sample says beside its quality, as a word in logs and listings:
 *
 *   timeout, crc, refused    "timeout" "crc" "short" "wrong_unit" "malformed" "refused"
 *                            "lost", as wire_fault_name(); "11": a gateway's exception
 *   exception                the code, "2"
 *
 * Other samples have none. */
#ifndef CARETAKER_COLLECTORS_DETAIL_H
#define CARETAKER_COLLECTORS_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/words.h"

#define DETAIL_BYTES 16 /* With the NUL. */

/* `detail` as in struct reading; "" where it says nothing.  Returns `out`. */
char *detail_write(char out[DETAIL_BYTES], enum quality q, uint8_t detail);
/* False when it is no word for a sample of that quality; "" is one of any. */
bool detail_parse(uint8_t *out, enum quality q, const char *text);

#endif
