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
    SIGNAL_COUNTER,
    SIGNAL_CSV
};

struct signal_step {
    int64_t at_ms; /* Since the simulator's start. */
    double value;
};

/* A column of a log, played back from the simulator's start on. */
struct signal_csv {
    const char *file;
    const char *column; /* A heading, or DEVICE.POINT of a log in long form. */
    bool loop;          /* Begins again at its end; else the last value stays. */
    struct loc loc;     /* Where the simulation names it. */
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
        *steps; /* Straight lines between them with `interpolate`; of a counter the
                   resets: it goes on from each value at its time. */
    uint32_t step_count;
    bool interpolate;             /* Steps and CSV. */
    const struct signal_csv *csv; /* SIGNAL_CSV only. */
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
    SIM_FAULT_REFUSE,
    SIM_FAULT_GARBAGE,
    SIM_FAULT_LATE,
    SIM_FAULT_COUNT
};
#define SIM_FAULT_WORDS                                                                \
    "silent, slow, bad_crc, wrong_unit, truncated, exception, drop, refuse, garbage, " \
    "late"                                         /* For messages. */
const char *sim_fault_name(enum sim_fault_kind k); /* "silent" "slow" "bad_crc" ... */
bool sim_fault_parse(enum sim_fault_kind *out, const char *text);

#define SIM_DELAY_MS_MAX      3600000
#define SIM_DELAY_SLOW_MS     2000 /* Longer than most masters wait for an answer. */
#define SIM_DELAY_LATE_MS     3000 /* After they gave up, as a rule. */
#define SIM_GARBAGE_BYTES     8
#define SIM_GARBAGE_BYTES_MAX 32

/* Registers of a table, both ends included. */
struct sim_range {
    enum reg_table table;
    uint16_t low, high;
};
/* "holding 10..20", "input 0x10", "coil" (all of them). */
int sim_range_parse(struct sim_range *out, const char *text, struct err *err);

/* Where garbage stands; GARBAGE_ANY draws one of the others each time. */
enum sim_garbage { GARBAGE_ANY, GARBAGE_BEFORE, GARBAGE_AFTER, GARBAGE_BETWEEN };
extern const char *const sim_garbage_words[]; /* In this order; NULL-terminated. */

/* "20 %", "0.5%": more than 0 and at most 100. */
bool sim_chance_parse(double *out, const char *text);

struct sim_fault {
    enum sim_fault_kind kind;
    int64_t from_ms, to_ms; /* Since the start; INSTANT_MAX: for ever. */
    int64_t delay_ms;       /* Slow, late. */
    uint8_t code;           /* Exception, refuse; 0: refuse's usual one. */
    struct sim_range range; /* Refuse. */
    uint8_t function;       /* Refuse: this one instead of a range; 0: none. */
    enum sim_garbage place; /* Garbage. */
    uint8_t bytes;          /* Garbage: at most so many. */
    /* Which requests it strikes, of those that it could; all of them by default. */
    uint32_t every; /* Each N-th; 0: all. */
    double chance;  /* Drawn from a fixed seed, > 0 and <= 1; 0: all. */
    uint32_t times; /* So often in all; 0: no end. */
};

/* Fills in what was not given: the delay, and that a late answer comes once unless it
 * is said how often. */
void sim_fault_settle(struct sim_fault *f);

struct sim_unit {
    const char *id; /* Name for the control socket and messages: "pump-1". */
    uint8_t unit;
    int64_t turnaround_ms; /* It thinks so long before each answer. */
    struct sim_register *registers;
    uint32_t register_count;
    const struct sim_fault *faults;
    uint32_t fault_count;
};

/* [from, to) since the start. */
struct sim_window {
    int64_t from_ms, to_ms; /* INSTANT_MAX: for ever. */
};
struct sim_windows {
    const struct sim_window *items;
    uint32_t count;
};

#define SIM_PORTS_MAX       10000 /* What one process serves, copies counted. */
#define SIM_COALESCE_MS_MAX 180   /* The kernel gathers up to 200 ms (tcp(7)). */

struct sim_port {
    enum bus_kind kind;
    const char *host; /* TCP kinds; default 127.0.0.1. */
    uint16_t port;    /* TCP kinds; 0: any free one, printed at start. */
    const char *link; /* RTU: a pty is made and this symbolic link points to it. */
    uint32_t count;   /* Copies: ports from `port` on, links LINK-1 ...; 0: one. */
    int baud;         /* Both ways are paced at this rate; 0: not paced. */
    bool parity;      /* A bit more in each character, */
    int stop_bits;    /* and 1 (0 is 1) or 2 at its end. */
    bool strict;      /* RTU: what comes before 3.5 characters of silence is ignored. */
    bool echo;        /* RTU: the master hears itself. */
    uint32_t split;   /* TCP kinds: answers leave in pieces of so many bytes; 0: no. */
    int64_t coalesce_ms;       /* TCP kinds: those of this time leave together. */
    struct sim_windows closed; /* TCP kinds: connections are reset and refused, */
    struct sim_windows hang;   /* or accepted, and nothing is answered. */
    struct sim_unit *units;
    uint32_t unit_count;
};

/* Bits of a character on the wire: start, 8 data, parity, stop. */
int sim_char_bits(const struct sim_port *p);

struct sim {
    struct arena *arena; /* Owns everything below, and this. */
    const char *control; /* Unix socket for commands; may be NULL. */
    struct sim_port *ports;
    uint32_t port_count;
};

void sim_free(struct sim *s);

#endif
