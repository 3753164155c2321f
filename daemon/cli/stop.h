/* Ctrl-C and SIGTERM as something to look at, for commands that then print what they
 * have instead of dying. */
#ifndef CARETAKER_CLI_STOP_H
#define CARETAKER_CLI_STOP_H

#include <stdbool.h>

#include "daemon/base/err.h"

/* From now on both only make `*out` readable, for ever; the caller closes it.  Threads
 * must begin after this, so that none of them takes the signal. */
int stop_open(int *out, struct err *err);
bool stop_asked(int fd); /* Does not wait. */

#endif
