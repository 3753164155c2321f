/* Single reads outside the plan, and how a bus is written on the command line. */
#ifndef CARETAKER_COLLECTORS_BUS_READ_H
#define CARETAKER_COLLECTORS_BUS_READ_H

#include "collectors/wire.h"

/* 0 when it was answered, else the error for a person. */
int read_result(const struct wire_result *res, uint8_t unit, struct err *err);
/* The words or bits that `q` asks for; the others stay as they are. */
void read_copy(struct read_answer *out,
               const struct read_answer *answer,
               const struct read_request *q);

#endif
