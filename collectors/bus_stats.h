/* What the workers count and other threads read: atomics, each written by one worker.
 */
#ifndef CARETAKER_COLLECTORS_BUS_STATS_H
#define CARETAKER_COLLECTORS_BUS_STATS_H

#include <stdatomic.h>

#include "collectors/wire.h"

struct wire_stats {
    _Atomic uint64_t requests;
    _Atomic uint64_t faults[WIRE_FAULT_COUNT]; /* WIRE_OK: good answers. */
    _Atomic uint64_t exceptions[EXCEPTION_CODES];
    _Atomic uint64_t late;
};

struct device_stats {
    struct wire_stats wire;
    _Atomic bool quarantined;
    _Atomic uint32_t refused;
    _Atomic int64_t latency_us; /* Running mean; negative before the first answer. */
    _Atomic int64_t last_good_ms;
};

#define LOAD_SECONDS 10

/* Busy time by second; a slot is taken over when its second comes round again. */
struct bus_stats {
    struct wire_stats wire;
    _Atomic bool open;
    _Atomic bool echo;
    _Atomic uint64_t opened;        /* How often. */
    _Atomic uint32_t quarantined;   /* Devices. */
    _Atomic int64_t last_answer_ms; /* Monotonic; INSTANT_NONE. */
    int64_t started_ms;             /* Monotonic; set once. */
    int64_t online_for_ms;          /* An answer counts for this long; set once. */
    struct {
        _Atomic int64_t second;
        _Atomic int64_t busy_us;
        _Atomic int64_t lag_us; /* By which the plan was put off. */
    } load[LOAD_SECONDS + 1];
};

void device_stats_init(struct device_stats *d);
void bus_stats_init(struct bus_stats *b, int64_t now_ms, int64_t shortest_poll_ms);

/* One request that ended at `now_ms` (monotonic), `engine_ms`; `d` is NULL for one that
 * no device asked for. */
void stats_request(struct bus_stats *b,
                   struct device_stats *d,
                   const struct wire_result *res,
                   int64_t now_ms,
                   int64_t engine_ms);
/* A poll of the device that found no connection, so that nothing was asked. */
void stats_refused(struct bus_stats *b, struct device_stats *d);
/* The plan was put off by `lag_us`, since the bus cannot hold it. */
void stats_lag(struct bus_stats *b, int64_t now_ms, int64_t lag_us);

struct device_counts device_stats_read(const struct device_stats *d);
struct bus_counts bus_stats_read(const struct bus_stats *b, int64_t now_ms);

#endif
