/* Sensors -> frames.  A worker thread per serial line and one for all endpoints poll
 * the devices, decode, and push a frame per poll into the ring; a failed poll is a
 * frame too.
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
/* collectors_stop() is to follow: who waits in collectors_read() is told so at once. */
void collectors_ask_stop(struct collectors *c);
void collectors_stop(struct collectors *c); /* At most one request's timeout per bus. */

/* What became of a question. */
enum wire_fault {
    WIRE_OK,
    WIRE_TIMEOUT,    /* Nothing came in time. */
    WIRE_CRC,        /* An answer with a wrong check sum (RTU). */
    WIRE_SHORT,      /* An answer that began and did not end. */
    WIRE_WRONG_UNIT, /* An answer of another unit. */
    WIRE_MALFORMED,  /* Of another function or length than asked for. */
    WIRE_EXCEPTION,  /* The device says no, with a code. */
    WIRE_REFUSED,    /* There is no connection, or no port, to ask on. */
    WIRE_LOST,       /* The connection or port went while we waited. */
    WIRE_FAULT_COUNT
};
/* "ok" "timeout" "crc" "short" "wrong_unit" "malformed" "exception" "refused" "lost" */
const char *wire_fault_name(enum wire_fault f);

#define EXCEPTION_CODES 16 /* 01..0B are standard; makers' own are counted at 0. */

struct wire_counts {
    /* Errors are all faults together; WIRE_REFUSED are polls that found no connection
     * and so asked nothing: they are no requests. */
    uint64_t requests, errors;
    uint64_t faults[WIRE_FAULT_COUNT];
    uint64_t exceptions[EXCEPTION_CODES]; /* By code. */
    uint64_t late; /* Answers that came after they had been given up. */
};

struct device_counts {
    struct wire_counts wire;
    bool quarantined;     /* Asked only now and then, since it does not answer. */
    uint32_t refused;     /* Points that the device has no register for. */
    double latency_ms;    /* Mean of the last answers; NaN before the first. */
    int64_t last_good_ms; /* Engine time of the last answer; INSTANT_NONE. */
};
/* Any thread; `device` is an index into site->devices.  Nothing is counted for one
 * without a bus. */
struct device_counts collectors_device(const struct collectors *c, uint32_t device);

struct bus_counts {
    struct wire_counts wire;
    bool online; /* The port is open / the endpoint connected, and somebody answered
                    within the last 10 s (two polls, where the bus is asked less often).
                  */
    double load; /* Share of the last 10 s spent in requests, in %. */
    double late; /* By how much polls came slower than planned in the last 10 s, in %:
                    100 is half as often.  0 while the bus holds its plan. */
    uint32_t quarantined; /* Devices. */
    uint64_t reconnects;  /* Connections made, or ports opened, after the first. */
    bool echo;            /* The line gives back what is sent. */
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

/* What was sent and received on a bus, as it came, for tools that look at the wire. */
struct wire_record {
    int64_t t_us; /* Engine time, UTC us. */
    bool sent;
    uint16_t size;
    uint8_t bytes[260];
};
/* Any thread: copies up to `max` records after `*cursor` and moves it on by one each. A
 * cursor of 0 begins: nothing has been kept before the first call.  Records that were
 * overwritten meanwhile are left out: then the cursor moves by more than was copied.
 * Keeping ends 10 s after the last call. */
size_t collectors_wire(struct collectors *c,
                       uint32_t bus,
                       uint64_t *cursor,
                       struct wire_record *out,
                       size_t max);

/* By a connection of its own: `bus` needs no devices and no site. */
int bus_read_once(const struct bus *bus,
                  const struct read_request *q,
                  struct read_answer *out,
                  struct err *err);
/* "tcp:HOST[:PORT]", "rtu_over_tcp:HOST:PORT" or "rtu:PATH[,BAUD,8N1]" into `*out`;
 * strings are copied to `arena`. */
int bus_parse(struct bus *out, struct arena *arena, const char *text, struct err *err);

#endif
