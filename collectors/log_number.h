/* Decimal numbers as logs write them, fast.  Pure. */
#ifndef CARETAKER_COLLECTORS_LOG_NUMBER_H
#define CARETAKER_COLLECTORS_LOG_NUMBER_H

#include <stdbool.h>

/* The nearest double to a decimal number such as -81.2 or 1.5e-3 that uses the whole
 * text.  False for anything else: infinities, NaN, hex, blanks,
 * and numbers beyond the range of a double. */
bool log_number_parse(double *out, const char *text);

#endif
