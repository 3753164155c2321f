/* Single reads outside the plan, and how a bus is written on the command line. */
#ifndef CARETAKER_COLLECTORS_BUS_READ_H
#define CARETAKER_COLLECTORS_BUS_READ_H

#include "collectors/line.h"

/* False, with what is accepted, when the protocol has no such request. */
bool read_request_valid(const struct read_request *q, struct err *err);

/* Asks once on a line, opened if need be. */
int bus_read_line(struct line *l,
                  const struct read_request *q,
                  struct read_answer *out,
                  struct err *err);

#endif
