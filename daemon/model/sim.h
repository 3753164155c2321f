/* A simulated estate, as SIM.yaml describes it. */
#ifndef CARETAKER_MODEL_SIM_H
#define CARETAKER_MODEL_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/model/site.h"

enum signal_kind {
    SIGNAL_CONSTANT,
    SIGNAL_SINE,
    SIGNAL_RAMP,
    SIGNAL_STEPS,
    SIGNAL_COUNTER
};

struct signal_step {
    int64_t at_ms; /* Since the simulator's start. */
    double value;
};

/* value(t) in engineering units, then noise is added. */
struct signal {
    enum signal_kind kind;
    double value;      /* Constant; start of ramp and counter; middle of sine. */
    double amplitude;  /* Sine. */
    int64_t period_ms; /* Sine. */
    double per_second; /* Ramp and counter. */
    double min, max;   /* Ramp stops there; NaN: no stop. */
    double noise;      /* Uniform, +- this much; drawn from a fixed seed. */
    const struct signal_step
        *steps; /* Straight lines between them when `ramp` is set. */
    uint32_t step_count;
    bool interpolate;
};

/* One register (pair, quad) or bit of a simulated slave; encoded as a point is decoded.
 */
struct sim_register {
    const char *id;     /* Name for the control socket: "bearing". */
    struct point point; /* table, address, type, order, bits, scaling are used. */
    struct signal signal;
};

enum sim_fault_kind {
    SIM_FAULT_SILENT,
    SIM_FAULT_SLOW,
    SIM_FAULT_BAD_CRC,
    SIM_FAULT_WRONG_UNIT,
    SIM_FAULT_TRUNCATED,
    SIM_FAULT_EXCEPTION,
    SIM_FAULT_DROP,
    SIM_FAULT_COUNT
};
const char *sim_fault_name(enum sim_fault_kind k); /* "silent" "slow" "bad_crc" ... */
bool sim_fault_parse(enum sim_fault_kind *out, const char *text);

struct sim_fault {
    enum sim_fault_kind kind;
    int64_t from_ms, to_ms; /* Since the start; INSTANT_MAX: for ever. */
    int64_t delay_ms;       /* Slow. */
    uint8_t code;           /* Exception. */
};

struct sim_unit {
    const char *id; /* Name for the control socket and messages: "pump-1". */
    uint8_t unit;
    struct sim_register *registers;
    uint32_t register_count;
    const struct sim_fault *faults;
    uint32_t fault_count;
};

struct sim_port {
    enum bus_kind kind;
    const char *host; /* TCP; default 127.0.0.1. */
    uint16_t port;    /* TCP; 0: any free one, printed at start. */
    const char *link; /* RTU: a pty is made and this symbolic link points to it. */
    int baud;         /* RTU: answers are paced at this rate; 0: not paced. */
    struct sim_unit *units;
    uint32_t unit_count;
};

struct sim {
    struct arena *arena; /* Owns everything below, and this. */
    const char *control; /* Unix socket for commands; may be NULL. */
    struct sim_port *ports;
    uint32_t port_count;
};

void sim_free(struct sim *s);

#endif
