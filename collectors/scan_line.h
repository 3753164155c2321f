/* A scan on a line or endpoint of our own. */
#ifndef CARETAKER_COLLECTORS_SCAN_LINE_H
#define CARETAKER_COLLECTORS_SCAN_LINE_H

#include "collectors/scan.h"

/* Called after each question. */
typedef void (*scan_tick_fn)(void *ctx);

/* Asks all that the scan wants to know.  `bus` as it is to be set; its timeout is how
 * long a unit may take, ten times that for those that need patience.  0: that was all,
 * 1: `stop_fd` (-1: none) became readable, and the scan is stopped; an error: the line
 * cannot be opened. */
int scan_line(struct scan *s,
              const struct bus *bus,
              int stop_fd,
              scan_tick_fn tick,
              void *ctx,
              struct err *err);

#endif
