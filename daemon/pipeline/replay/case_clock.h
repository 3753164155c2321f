/* Moments of a case, once it is known when its log begins. */
#ifndef CARETAKER_PIPELINE_CASE_CLOCK_H
#define CARETAKER_PIPELINE_CASE_CLOCK_H

#include "daemon/base/arena.h"
#include "daemon/model/replay_case.h"

/* `first_ms` is the time of the log's first row.  INSTANT_NONE for CASE_TIME_NONE. */
int64_t case_clock_resolve(const struct case_time *t, int64_t first_ms);

/* The commands in order of their moments, those of one moment as they are written.  The
 * list is in the arena. */
const struct case_command **case_clock_order(struct arena *arena,
                                             const struct case_command *commands,
                                             uint32_t count,
                                             int64_t first_ms);

/* The command with its moments filled in. */
struct command case_clock_command(const struct case_command *c, int64_t first_ms);

#endif
