/* What the worker counts and other threads read: atomics, written by the worker only.
 */
#ifndef CARETAKER_COLLECTORS_BUS_STATS_H
#define CARETAKER_COLLECTORS_BUS_STATS_H

#include <stdatomic.h>

#include "collectors/collectors.h"
#include "collectors/link.h"

struct device_stats {
    _Atomic uint64_t requests, errors;
    _Atomic uint64_t timeouts, crc, exceptions, refused;
    _Atomic int64_t latency_us; /* Running mean; negative before the first answer. */
    _Atomic int64_t last_good_ms;
};

#define LOAD_SECONDS 10

/* Busy time by second; a slot is taken over when its second comes round again. */
struct bus_stats {
    _Atomic uint64_t requests, errors;
    _Atomic bool open;
    _Atomic int64_t last_answer_ms; /* Monotonic; INSTANT_NONE. */
    int64_t started_ms;             /* Monotonic; set once. */
    int64_t online_for_ms;          /* An answer counts for this long; set once. */
    struct {
        _Atomic int64_t second;
        _Atomic int64_t busy_us;
    } load[LOAD_SECONDS + 1];
};

void device_stats_init(struct device_stats *d);
void bus_stats_init(struct bus_stats *b, int64_t now_ms, int64_t shortest_poll_ms);

/* One request that ended at `now_ms` (monotonic), `engine_ms`; `d` is NULL for one that
 * no device asked for. */
void stats_request(struct bus_stats *b,
                   struct device_stats *d,
                   const struct link_result *res,
                   int64_t now_ms,
                   int64_t engine_ms);

struct device_counts device_stats_read(const struct device_stats *d);
struct bus_counts bus_stats_read(const struct bus_stats *b, int64_t now_ms);

#endif
