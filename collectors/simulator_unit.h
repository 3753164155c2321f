/* One simulated unit: registers whose values follow their signals, and the faults in
 * force.  Pure: time is an argument, in ms since the simulator's start. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_UNIT_H
#define CARETAKER_COLLECTORS_SIMULATOR_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sim.h"

struct simulator_unit;

/* `spec` is borrowed until simulator_unit_free(). */
int simulator_unit_new(struct simulator_unit **out,
                       const struct sim_unit *spec,
                       struct err *err);
void simulator_unit_free(struct simulator_unit *u);
const struct sim_unit *simulator_unit_spec(const struct simulator_unit *u);

/* Values of a read with functions 01-04, at most 125 registers or 2000 bits; returns a
 * slave_exception.  Addresses between two registers of a table read as 0, so that a
 * block may bridge holes; outside it is exception 02. */
uint8_t simulator_unit_read(struct simulator_unit *u,
                            uint8_t function,
                            uint16_t address,
                            uint16_t count,
                            int64_t t_ms,
                            uint16_t *values);

/* The fault in force: the one set by hand, else the last listed whose time it is. */
const struct sim_fault *simulator_unit_fault(const struct simulator_unit *u,
                                             int64_t t_ms);
/* `fault` is copied; its window is not looked at. */
void simulator_unit_set_fault(struct simulator_unit *u, const struct sim_fault *fault);
/* Ends every fault in force at `t_ms`; windows still to come do come. */
void simulator_unit_clear_faults(struct simulator_unit *u, int64_t t_ms);

/* By the register's id; false when there is none. */
bool simulator_unit_set(struct simulator_unit *u, const char *id, double value);
bool simulator_unit_release(struct simulator_unit *u, const char *id);
bool
simulator_unit_get(struct simulator_unit *u, const char *id, int64_t t_ms, double *out);

/* The signal without its noise. */
double signal_value(const struct signal *s, int64_t t_ms);

#endif
