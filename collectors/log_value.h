/* The value of a point as a log's cell has it.  Pure. */
#ifndef CARETAKER_COLLECTORS_LOG_VALUE_H
#define CARETAKER_COLLECTORS_LOG_VALUE_H

#include "collectors/log_lines.h"
#include "daemon/model/site.h"

/* A decimal number; where the cells are not separated by commas also one with a decimal
 * comma; and true or false of a point that has no other type.  ERR_RANGE: anything
 * else. */
int log_value_read(double *out,
                   const struct point *p,
                   const struct log_cell *cell,
                   char separator,
                   struct err *err);

#endif
