/* The simulator's commands, one a line; the text only, not the socket it comes from. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_CONTROL_H
#define CARETAKER_COLLECTORS_SIMULATOR_CONTROL_H

#include <stdint.h>

#include "collectors/simulator_unit.h"

#define CONTROL_LINE_BYTES   256 /* A command with its line end. */
#define CONTROL_ANSWER_BYTES 512

/* Carries out `line` (which it may cut into words) at `t_ms` and writes the answer
 * without a line end into `answer` of CONTROL_ANSWER_BYTES.  UNIT is a unit's id, or
 * its number where only one has it. */
void simulator_command(char *answer,
                       struct simulator_unit *const *units,
                       uint32_t count,
                       char *line,
                       int64_t t_ms);

#endif
