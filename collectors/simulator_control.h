/* The simulator's commands, one a line; the text only, not the socket it comes from. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_CONTROL_H
#define CARETAKER_COLLECTORS_SIMULATOR_CONTROL_H

#include <stdint.h>

#include "collectors/simulator_unit.h"

#define CONTROL_LINE_BYTES   256 /* A command with its line end. */
#define CONTROL_ANSWER_BYTES 512

struct control_unit {
    struct simulator_unit *unit;
    const char *port; /* Its address or link; may be NULL. */
};

/* What commands act on; all of it borrowed. */
struct control_target {
    const struct control_unit *units;
    uint32_t unit_count;
    /* The command "port"; NULL: there are no ports. */
    int (*port)(void *ctx, const char *name, const char *state, struct err *err);
    void *ctx;
};

/* Carries out `line` (which it may cut into words) at `t_ms` and writes the answer
 * without a line end into `answer` of CONTROL_ANSWER_BYTES.  UNIT is a unit's id, or
 * its number, and @PORT after it where several ports have it; "*" is every unit. */
void simulator_command(char *answer,
                       const struct control_target *target,
                       char *line,
                       int64_t t_ms);

#endif
