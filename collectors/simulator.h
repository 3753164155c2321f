/* Modbus slaves on TCP ports and ptys, with scripted signals and faults.  Its wire code
 * is its own, so that the collector and libmodbus meet an independent peer. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_H
#define CARETAKER_COLLECTORS_SIMULATOR_H

#include <stdio.h>

#include "daemon/base/err.h"
#include "daemon/model/sim.h"

/* Runs until SIGINT or SIGTERM, which it takes over meanwhile.  Prints one line per
 * port to `out` once all are open: "tcp 127.0.0.1:15020" / "pty PATH -> /dev/pts/3",
 * then "ready".
 *
 * Control socket (if sim->control): one command a line, see simulator_control.h; its
 * answer is one line, or rows and then "ok". */
int simulator_run(const struct sim *sim, FILE *out, struct err *err);

#endif
