/* The recorded frames of some devices of a site, in order of time: of a few each is
 * read by itself, so that what the others recorded meanwhile is not. */
#ifndef CARETAKER_PIPELINE_DEVICE_LANES_H
#define CARETAKER_PIPELINE_DEVICE_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

#define DEVICE_LANES_MAX 32 /* Devices that are read one by one; of more, all are. */

struct device_lanes;

/* `devices` (by device, borrowed as `site` until device_lanes_close()) says which.
 * ERR_NOT_FOUND: nothing was ever recorded. */
int device_lanes_open(struct device_lanes **out,
                      const struct site *site,
                      const bool *devices,
                      int64_t from_ms,
                      int64_t to_ms,
                      struct err *err);
void device_lanes_close(struct device_lanes *l); /* NULL is accepted. */

/* The next in order of time, then of device, as the history gives all of them together;
 * borrowed until the next call.  NULL at the end, and when it cannot be read on: `err`
 * has a code then. */
const struct frame *device_lanes_next(struct device_lanes *l, struct err *err);

#endif
