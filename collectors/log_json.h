/* A log of JSON lines: one object a line, with the words of the long form as keys. */
#ifndef CARETAKER_COLLECTORS_LOG_JSON_H
#define CARETAKER_COLLECTORS_LOG_JSON_H

#include "collectors/log_lines.h"

/* The cells of a line, as the columns of the long form. */
enum log_json_cell {
    LOG_JSON_TIME,
    LOG_JSON_DEVICE,
    LOG_JSON_POINT,
    LOG_JSON_VALUE,
    LOG_JSON_QUALITY,
    LOG_JSON_DETAIL,
    LOG_JSON_CLOCK,
    LOG_JSON_CELLS
};

/* True when a log that begins with `line` is of this form. */
bool log_json_begins(const char *line);

/* Cuts `line`, of `size` bytes and a NUL, in place.  `cells` are LOG_JSON_CELLS; one
 * that is not in the line, or is null, is empty.  A key that is not known, or comes
 * twice, is an error; so is a value of another type: `time` is a string or a number,
 * `value` a number, true, false or null, the others are strings or null.  After an
 * error `*column` says where. */
int log_json_cut(
    struct log_cell *cells, char *line, size_t size, uint32_t *column, struct err *err);

#endif
