/* Modbus slaves in a thread of the test, well-behaved or not as told.  On TCP the
 * answers are made by libmodbus's server side; those of RTU are made here, byte by
 * byte, so that they can be wrong. */
#ifndef CARETAKER_TESTS_FAKE_FAKE_SLAVE_H
#define CARETAKER_TESTS_FAKE_FAKE_SLAVE_H

#include <stdint.h>

#include "daemon/model/site.h"

#define FAKE_UNITS     16 /* Units 0..15. */
#define FAKE_STALL_MS  50
#define FAKE_REGISTERS 1000 /* Addresses 0..999 of each table; others are refused. */

enum fake_fault {
    FAKE_WELL,
    FAKE_SILENT,
    FAKE_EXCEPTION,  /* `arg`: the code. */
    FAKE_BAD_CRC,    /* RTU only */
    FAKE_WRONG_UNIT, /* RTU only */
    FAKE_LATE,       /* Once: answers `arg` ms late, then is well. */
    FAKE_DROP        /* Modbus TCP only: closes the connection instead of answering. */
};

struct fake_slave;

struct fake_slave *fake_slave_tcp(void);          /* On a free port of 127.0.0.1. */
struct fake_slave *fake_slave_rtu_over_tcp(void); /* The same. */
struct fake_slave *fake_slave_pty(void);
void fake_slave_free(struct fake_slave *s);

uint16_t fake_slave_port(const struct fake_slave *s);
const char *fake_slave_path(const struct fake_slave *s); /* What the master opens. */

void fake_slave_set(struct fake_slave *s,
                    uint8_t unit,
                    enum reg_table table,
                    uint16_t address,
                    uint16_t value);
void fake_slave_fault(struct fake_slave *s, uint8_t unit, enum fake_fault f, int arg);
/* A request that touches this register of the unit gets exception 2; -1: none. */
void fake_slave_hole(struct fake_slave *s, uint8_t unit, int address);
/* The same, but it gets no answer. */
void fake_slave_mute(struct fake_slave *s, uint8_t unit, int address);
/* How often its thread was held up for FAKE_STALL_MS or more, also by itself
 * (FAKE_LATE): an answer may have been late then, which is nobody else's fault. */
unsigned fake_slave_stalls(struct fake_slave *s);
/* Requests seen since the start. */
unsigned fake_slave_requests(struct fake_slave *s, uint8_t unit);
/* TCP: nobody listens, connections are closed; and back, on the same port. */
void fake_slave_away(struct fake_slave *s);
void fake_slave_back(struct fake_slave *s);

#endif
