/* What commands act on, and which of it a name means.  Pure. */
#ifndef CARETAKER_COLLECTORS_SIMULATOR_TARGET_H
#define CARETAKER_COLLECTORS_SIMULATOR_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "collectors/simulator_unit.h"

struct control_port {
    const char *name;              /* Its address or link. */
    struct simulator_stats nobody; /* Of requests for units that it does not have. */
};

struct control_unit {
    struct simulator_unit *unit;
    const struct control_port *port; /* May be NULL. */
};

/* All of it borrowed. */
struct control_target {
    const struct control_unit *units; /* Those of a port stand together. */
    uint32_t unit_count;
    const struct control_port *ports;
    uint32_t port_count;
    /* The command "port"; NULL: there are no ports. */
    int (*port)(void *ctx, const char *name, const char *state, struct err *err);
    void *ctx;
};

/* UNIT of a command in its parts: an id, a number or "*", and @PORT. */
struct simulator_wanted {
    const char *name; /* "*": all. */
    const char *port; /* NULL: any. */
    bool is_number;
    long number;
};
/* Cuts `name` in place and borrows it. */
void simulator_wanted_parse(struct simulator_wanted *w, char *name);
bool simulator_wanted_port(const struct simulator_wanted *w,
                           const struct control_port *p);
bool simulator_wanted_unit(const struct simulator_wanted *w,
                           const struct control_unit *u);

/* The one unit that is meant; an id goes before a number.  NULL: none, or several. */
struct simulator_unit *simulator_find_unit(const struct control_target *target,
                                           const struct simulator_wanted *w,
                                           struct err *err);

#endif
