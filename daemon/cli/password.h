/* A password from whoever types it, or from a program. */
#ifndef CARETAKER_CLI_PASSWORD_H
#define CARETAKER_CLI_PASSWORD_H

#include <stdbool.h>

#include "daemon/base/err.h"

#define PASSWORD_TEXT_BYTES 512 /* Longer ones are refused as too long. */

/* Into `out` of PASSWORD_TEXT_BYTES, which the caller wipes.  At a terminal it is asked
 * for twice, with `prompt`, and not shown; else, or when `from_stdin`, it is the first
 * line of standard input.  ERR_RANGE: it cannot be one; ERR_REFUSED: the two differ, or
 * it was interrupted. */
int password_read(char *out, const char *prompt, bool from_stdin, struct err *err);

#endif
