/* What the worker counts and other threads read. */
#include "collectors/bus_stats.h"

#include <math.h>

#include "daemon/base/instant.h"

#define LATENCY_WEIGHT 8 /* The mean follows the last eight answers or so. */
#define ONLINE_MS      10000

#define LATE_MAX 9999.0 /* %; the plan stood still. */

/* Counters are statistics: no order between them is promised. */
#define SET(field, v) atomic_store_explicit(&(field), (v), memory_order_relaxed)
#define GET(field)    atomic_load_explicit(&(field), memory_order_relaxed)

void
device_stats_init(struct device_stats *d)
{
    *d = (struct device_stats){0};
    SET(d->latency_us, -1);
    SET(d->last_good_ms, INSTANT_NONE);
}

void
bus_stats_init(struct bus_stats *b, int64_t now_ms, int64_t shortest_poll_ms)
{
    *b = (struct bus_stats){.started_ms = now_ms};
    SET(b->last_answer_ms, INSTANT_NONE);
    /* A bus that is asked once a minute is not off between two answers. */
    b->online_for_ms =
        2 * shortest_poll_ms > ONLINE_MS ? 2 * shortest_poll_ms : ONLINE_MS;
    for (int i = 0; i <= LOAD_SECONDS; i++) {
        SET(b->load[i].second, -1);
    }
}

/* The slot of this second, emptied if it holds an old one. */
static int
slot_of(struct bus_stats *b, int64_t now_ms)
{
    int64_t second = now_ms / 1000;
    int i = (int)(second % (LOAD_SECONDS + 1));

    if (GET(b->load[i].second) != second) {
        SET(b->load[i].busy_us, 0);
        SET(b->load[i].lag_us, 0);
        SET(b->load[i].second, second);
    }
    return i;
}

/* One writer: no atomic read-modify-write is needed. */
static void
count(_Atomic uint64_t *counter)
{
    SET(*counter, GET(*counter) + 1);
}

static void
count_result(struct wire_stats *w, const struct wire_result *res)
{
    count(&w->requests);
    count(&w->faults[res->fault]);
    if (res->fault == WIRE_EXCEPTION) {
        count(&w->exceptions[res->exception < EXCEPTION_CODES ? res->exception : 0]);
    }
    if (res->late) {
        count(&w->late);
    }
}

static bool
is_answer(const struct wire_result *res)
{
    return res->fault == WIRE_OK || res->fault == WIRE_EXCEPTION;
}

static void
count_device(struct device_stats *d, const struct wire_result *res, int64_t engine_ms)
{
    count_result(&d->wire, res);
    if (res->fault == WIRE_OK) {
        SET(d->last_good_ms, engine_ms);
    }
    if (is_answer(res)) {
        int64_t mean_us = GET(d->latency_us);
        SET(d->latency_us, mean_us < 0
                               ? res->took_us
                               : mean_us + (res->took_us - mean_us) / LATENCY_WEIGHT);
    }
}

void
stats_request(struct bus_stats *b,
              struct device_stats *d,
              const struct wire_result *res,
              int64_t now_ms,
              int64_t engine_ms)
{
    int i = slot_of(b, now_ms);

    count_result(&b->wire, res);
    SET(b->load[i].busy_us, GET(b->load[i].busy_us) + res->took_us);
    if (is_answer(res)) {
        SET(b->last_answer_ms, now_ms);
    }
    if (d != NULL) {
        count_device(d, res, engine_ms);
    }
}

void
stats_refused(struct bus_stats *b, struct device_stats *d)
{
    count(&b->wire.faults[WIRE_REFUSED]);
    count(&d->wire.faults[WIRE_REFUSED]);
}

void
stats_lag(struct bus_stats *b, int64_t now_ms, int64_t lag_us)
{
    int i = slot_of(b, now_ms);

    SET(b->load[i].lag_us, GET(b->load[i].lag_us) + lag_us);
}

static struct wire_counts
wire_stats_read(const struct wire_stats *w)
{
    struct wire_counts c = {.requests = GET(w->requests), .late = GET(w->late)};

    for (int i = 0; i < WIRE_FAULT_COUNT; i++) {
        c.faults[i] = GET(w->faults[i]);
        c.errors += i != WIRE_OK ? c.faults[i] : 0;
    }
    for (int i = 0; i < EXCEPTION_CODES; i++) {
        c.exceptions[i] = GET(w->exceptions[i]);
    }
    return c;
}

struct device_counts
device_stats_read(const struct device_stats *d)
{
    int64_t latency_us = GET(d->latency_us);

    return (struct device_counts){
        .wire = wire_stats_read(&d->wire),
        .quarantined = GET(d->quarantined),
        .refused = GET(d->refused),
        .latency_ms = latency_us < 0 ? (double)NAN : (double)latency_us / 1000.0,
        .last_good_ms = GET(d->last_good_ms),
    };
}

struct bus_counts
bus_stats_read(const struct bus_stats *b, int64_t now_ms)
{
    int64_t last_ms = GET(b->last_answer_ms);
    int64_t span_ms = now_ms - b->started_ms;
    int64_t busy_us = 0;
    int64_t lag_us = 0;

    for (int i = 0; i <= LOAD_SECONDS; i++) {
        int64_t age = now_ms / 1000 - GET(b->load[i].second);
        if (age >= 0 && age < LOAD_SECONDS) {
            busy_us += GET(b->load[i].busy_us);
            lag_us += GET(b->load[i].lag_us);
        }
    }
    if (span_ms > LOAD_SECONDS * 1000) {
        span_ms = LOAD_SECONDS * 1000;
    }
    double load = span_ms > 0 ? (double)busy_us / (double)span_ms / 10.0 : 0.0;
    /* In a span in which the plan was put off by `lag`, only the rest of it was
     * carried out. */
    double kept_us = (double)span_ms * 1000.0 - (double)lag_us;
    double late = lag_us <= 0 || span_ms <= 0 ? 0.0
                  : kept_us > 0.0             ? 100.0 * (double)lag_us / kept_us
                                              : LATE_MAX;
    return (struct bus_counts){
        .wire = wire_stats_read(&b->wire),
        .online = GET(b->open) && last_ms != INSTANT_NONE &&
                  now_ms - last_ms <= b->online_for_ms,
        .load = load > 100.0 ? 100.0 : load,
        .late = late > LATE_MAX ? LATE_MAX : late,
        .quarantined = GET(b->quarantined),
        .reconnects = GET(b->opened) > 1 ? GET(b->opened) - 1 : 0,
        .echo = GET(b->echo),
    };
}
