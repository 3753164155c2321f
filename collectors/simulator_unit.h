/* One simulated unit: registers whose values follow their signals, the faults in force,
 * and what was counted.  Pure: time is an argument, in ms since the simulator's start.
 */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_UNIT_H
#define CARETAKER_COLLECTORS_SIMULATOR_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collectors/simulator_map.h"
#include "collectors/slave_codec.h"
#include "daemon/base/err.h"
#include "daemon/model/sim.h"

struct simulator_unit;

/* `spec` is borrowed until simulator_unit_free().  `like` may be NULL; a unit of the
 * same registers, with which they are then shared.  `copy` tells units of one spec
 * apart. */
int simulator_unit_new_like(struct simulator_unit **out,
                            const struct sim_unit *spec,
                            const struct simulator_unit *like,
                            uint32_t copy,
                            struct err *err);
int simulator_unit_new(struct simulator_unit **out,
                       const struct sim_unit *spec,
                       struct err *err);
void simulator_unit_free(struct simulator_unit *u);
const struct sim_unit *simulator_unit_spec(const struct simulator_unit *u);

/* See simulator_map_read(). */
uint8_t simulator_unit_read(struct simulator_unit *u,
                            uint8_t function,
                            uint16_t address,
                            uint16_t count,
                            int64_t t_ms,
                            uint16_t *values);

/* Which faults strike a request.  Those in force are asked in turn: the unit's own as
 * they are listed, then those set by hand in the order in which they were set.  Of one
 * kind the last that strikes counts.  silent, drop, exception and refuse each decide
 * what becomes of the request: the last of them that strikes does, and the others do
 * not count.  After that come, one on top of the other, wrong_unit, bad_crc, truncated
 * and garbage; the delays of slow and late are added.  An answer that is not sent is
 * not damaged. */
struct simulator_strike {
    const struct sim_fault *decides; /* silent, drop, exception, refuse; or NULL. */
    const struct sim_fault *by_kind[SIM_FAULT_COUNT]; /* The others; or NULL. */
};
void simulator_unit_strike(struct simulator_unit *u,
                           const struct slave_request *q,
                           int64_t t_ms,
                           struct simulator_strike *out);
/* `fault` is copied; its window is not looked at.  It takes the place of the one of its
 * kind that was set by hand before. */
void simulator_unit_set_fault(struct simulator_unit *u, const struct sim_fault *fault);
/* Ends every fault in force at `t_ms`; windows still to come do come. */
void simulator_unit_clear_faults(struct simulator_unit *u, int64_t t_ms);
/* Draws for what a fault leaves to chance. */
uint64_t simulator_unit_random(struct simulator_unit *u);

/* By the register's id; false when there is none. */
bool simulator_unit_set(struct simulator_unit *u, const char *id, double value);
bool simulator_unit_release(struct simulator_unit *u, const char *id);
bool
simulator_unit_get(struct simulator_unit *u, const char *id, int64_t t_ms, double *out);

struct simulator_stats {
    uint64_t requests;   /* Heard. */
    uint64_t answers;    /* Sent or on their way, exceptions too. */
    uint64_t violations; /* Requests that came too early and were not heard. */
    uint64_t faults[SIM_FAULT_COUNT]; /* Struck. */
};
struct simulator_stats *simulator_unit_stats(struct simulator_unit *u);

#endif
