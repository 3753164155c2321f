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
 * A fault acts on the answers of its unit: silent, slow (later, while others are
 * served), bad_crc (on TCP a foreign transaction number), wrong_unit, truncated (its
 * first half), exception, drop (closes the connection; silent on a line).
 *
 * Control socket (if sim->control): one command a line, one answer a line ("ok", "ok
 * VALUE" or "error: ..."):  set UNIT REGISTER VALUE | free UNIT REGISTER (back to its
 * signal) | fault UNIT KIND [ARG] | clear UNIT | get UNIT REGISTER */
int simulator_run(const struct sim *sim, FILE *out, struct err *err);

#endif
