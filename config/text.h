/* The text of a configuration file, before anybody parses it. */
#ifndef CARETAKER_CONFIG_TEXT_H
#define CARETAKER_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/diag.h"

/* The whole of a regular file of at most TREE_BYTES_MAX; free() it.  NULL, and
 * reported, when there is none. */
char *text_read(const char *path, size_t *size, struct diags *diags);

/* False, and reported with its place, unless it is UTF-8 without NUL bytes and control
 * characters. */
bool text_check(const char *file, const char *bytes, size_t size, struct diags *diags);

/* True if it holds a control character other than tab and line feed. */
bool text_has_control(const char *bytes, size_t size);

#endif
