/* The simulator's commands, one a line; the text only, not the socket it comes from.
 *
 *   set UNIT REGISTER VALUE    a value by hand,
 *   free UNIT REGISTER         back to its signal
 *   get UNIT REGISTER          "ok VALUE"
 *   fault UNIT KIND ...        see simulator_fault.h
 *   clear UNIT                 ends the faults in force
 *   stats ...                  see simulator_stats.h
 *   port PORT open|hang|closed|free */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_CONTROL_H
#define CARETAKER_COLLECTORS_SIMULATOR_CONTROL_H

#include "collectors/simulator_target.h"
#include "daemon/base/strbuf.h"

#define CONTROL_LINE_BYTES 256 /* A command with its line end. */

/* Carries out `line` (which it may cut into words) at `t_ms` and adds the answer to
 * `answer`, which is empty, without its last line end.  Its last line begins with "ok"
 * or "error: ", and no other one does.  UNIT is a unit's id, or its number, and @PORT
 * after it where several ports have it; "*" is every unit. */
void simulator_command(struct strbuf *answer,
                       const struct control_target *target,
                       char *line,
                       int64_t t_ms);

#endif
