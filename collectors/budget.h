/* Can a bus carry its plan?  What its requests take of its time, and what is left when
 * devices die.  Pure; computed from the configuration, with a device's thinking taken
 * as TURNROUND_SERIAL_US or TURNROUND_TCP_US, since nothing is measured yet. */
#ifndef CARETAKER_COLLECTORS_BUDGET_H
#define CARETAKER_COLLECTORS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"

#define BUDGET_NARROW 80.0  /* % of its time: no room for retries and probes. */
#define BUDGET_FULL   100.0 /* It cannot be done. */
#define BUDGET_DEATHS 3     /* 1, 2 and 4 dead devices. */

struct budget_line {
    uint32_t device;
    enum reg_table table;
    uint16_t address;
    uint16_t count;  /* Registers or bits. */
    uint32_t points; /* That it brings. */
    int64_t poll_ms;
    bool continuous; /* Whenever the bus is free. */
    uint32_t bytes;  /* On the wire, both ways: on the serial line behind a gateway,
                        where it is counted. */
    int64_t took_us; /* Of the bus. */
    double load;     /* %; 0 for continuous ones. */
};

struct budget_death {
    uint32_t dead;    /* So many devices do not answer; never more than there are. */
    double load;      /* Of those that do, if the lightest died, and the probes. */
    int64_t stall_us; /* Once, when they die together: how long the others wait. */
};

struct bus_budget {
    uint32_t bus;
    uint32_t devices;          /* That are polled there. */
    struct budget_line *lines; /* By device, then period, then table and address. */
    uint32_t line_count;
    double load; /* % of its time that the plan takes, continuous polls left out. */
    int64_t cycle_us;    /* All requests once. */
    uint32_t continuous; /* Devices. */
    int64_t round_us;    /* All continuous devices once, in the time that is left;
                            INT64_MAX: nothing is left. */
    struct budget_death deaths[BUDGET_DEATHS];

    /* What to change when it is too much. */
    uint32_t heaviest; /* Device, with one of its periods; NONE_INDEX: none. */
    int64_t heaviest_ms;
    double heaviest_load;
    int64_t remedy_ms; /* So long a period in its place lets the bus come below
                          BUDGET_NARROW; 0: that one alone cannot do it. */
    double slow_down;  /* Or all periods times this. */
};

/* `out` owns its lines. */
int bus_budget_init(struct bus_budget *out,
                    const struct site *site,
                    uint32_t bus,
                    struct err *err);
void bus_budget_fini(struct bus_budget *b);

#endif
