/* Sensors -> frames.  One worker thread per bus polls its devices by libmodbus,
 * decodes, and pushes a frame per poll into the ring; a failed poll is a frame too.
 *
 * Read-only by construction: functions 01-04 are the only requests that exist here. */
#ifndef CARETAKER_COLLECTORS_COLLECTORS_H
#define CARETAKER_COLLECTORS_COLLECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "daemon/model/site.h"

struct collectors;

/* Starts a worker for every bus that has devices.  `site`, `clock` and `frames` are
 * borrowed until collectors_stop().  A port that cannot be opened is not an error: its
 * devices' samples say why and it is tried again with back-off. */
int collectors_start(struct collectors **out,
                     const struct site *site,
                     struct engine_clock *clock,
                     struct ring *frames,
                     struct err *err);
void collectors_stop(struct collectors *c); /* At most one request's timeout per bus. */

struct device_counts {
    uint64_t requests, errors;
    uint64_t timeouts, crc, exceptions, refused;
    double latency_ms;    /* Mean of the last answers; NaN before the first. */
    int64_t last_good_ms; /* Engine time of the last answer; INSTANT_NONE. */
};
/* Any thread; `device` is an index into site->devices.  Nothing is counted for one
 * without a bus. */
struct device_counts collectors_device(const struct collectors *c, uint32_t device);

struct bus_counts {
    bool online; /* The port is open / the endpoint connected, and somebody answered
                    within the last 10 s (two polls, where the bus is asked less often).
                  */
    double load; /* Share of the last 10 s spent in requests, in %. */
    uint64_t requests, errors;
};
struct bus_counts collectors_bus(const struct collectors *c, uint32_t bus);

/* One read outside the plan (`caretaker read`). */
struct read_request {
    uint8_t unit;
    enum reg_table table;
    uint16_t address;
    uint16_t count; /* Registers or bits; 1..125 or 1..2000. */
};
struct read_answer {
    uint16_t words[125]; /* Registers. */
    uint8_t bits[2000];  /* Coils and discrete inputs, one per byte. */
};
/* By the worker that owns the bus, between its polls; waits at most 10 s. */
int collectors_read(struct collectors *c,
                    uint32_t bus,
                    const struct read_request *q,
                    struct read_answer *out,
                    struct err *err);
/* By a connection of its own: `bus` needs no devices and no site. */
int bus_read_once(const struct bus *bus,
                  const struct read_request *q,
                  struct read_answer *out,
                  struct err *err);
/* "tcp:HOST[:PORT]" or "rtu:PATH[,BAUD,8N1]" into `*out`; strings are copied to
 * `arena`. */
int bus_parse(struct bus *out, struct arena *arena, const char *text, struct err *err);

#endif
