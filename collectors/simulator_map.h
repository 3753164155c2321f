/* The registers of a simulated unit: where they are and how their values move.  One map
 * serves all units that have the same registers; what differs between them is theirs.
 */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_MAP_H
#define CARETAKER_COLLECTORS_SIMULATOR_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/sim.h"

struct simulator_map;

/* What one unit has of its own. */
struct simulator_state {
    double *held;   /* By cell: set by hand; NaN: follows its signal.  NULL: none. */
    uint64_t noise; /* State of its generator. */
};

/* `registers` are borrowed until the map is freed; the logs that they play back are
 * read now.  Returns owned, with one reference. */
int simulator_map_new(struct simulator_map **out,
                      const struct sim_register *registers,
                      uint32_t count,
                      struct err *err);
struct simulator_map *simulator_map_share(struct simulator_map *m); /* One more. */
void simulator_map_free(struct simulator_map *m);                   /* One less. */
const struct sim_register *simulator_map_registers(const struct simulator_map *m);
uint32_t simulator_map_count(const struct simulator_map *m);

/* Values of a read with functions 01-04, at most 125 registers or 2000 bits; returns a
 * slave_exception.  Addresses between two registers of a table read as 0, so that a
 * block may bridge holes; outside it is exception 02. */
uint8_t simulator_map_read(const struct simulator_map *m,
                           struct simulator_state *state,
                           uint8_t function,
                           uint16_t address,
                           uint16_t count,
                           int64_t t_ms,
                           uint16_t *values);

/* The table that a function reads; REG_NONE: it does not read. */
enum reg_table simulator_table_of(uint8_t function);

/* The cell of a register's id, an index into `held`; -1: there is none. */
int64_t simulator_map_find(const struct simulator_map *m, const char *id);
double simulator_map_value(const struct simulator_map *m,
                           struct simulator_state *state,
                           uint32_t cell,
                           int64_t t_ms);

#endif
