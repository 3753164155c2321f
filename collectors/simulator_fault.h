/* A fault in the words of a command, which are those of SIM.yaml.  Pure.
 *
 *   slow delay 3s every 2         {slow: [from, to], delay: 3s, every: 2}
 *   slow 3s every 2               the same: the key of the first value may be left out
 *   exception 6 chance 20%
 *   refuse holding 10..20 code 4 times 3 */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_FAULT_H
#define CARETAKER_COLLECTORS_SIMULATOR_FAULT_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sim.h"

/* `words`: the kind, then keys and values; at least one.  What is not given is as in a
 * file that does not give it.  ERR_USAGE or ERR_RANGE says what is accepted. */
int simulator_fault_parse(struct sim_fault *out,
                          char *const *words,
                          uint32_t count,
                          struct err *err);

#endif
