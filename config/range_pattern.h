/* A range of whole numbers as a regular expression, for schemas: bounds of a number
 * that stands inside a text, such as a duration. */
#ifndef CARETAKER_CONFIG_RANGE_PATTERN_H
#define CARETAKER_CONFIG_RANGE_PATTERN_H

#include <stdint.h>

#include "daemon/base/strbuf.h"

/* Appends "(...)" that takes just the numbers from low to high, written without leading
 * zeros; 0 <= low <= high < 10^18. */
void range_pattern_add(struct strbuf *b, int64_t low, int64_t high);

#endif
