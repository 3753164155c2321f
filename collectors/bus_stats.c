/* What the worker counts and other threads read. */
#include "collectors/bus_stats.h"

#include <math.h>

#include "daemon/base/instant.h"

#define LATENCY_WEIGHT 8 /* The mean follows the last eight answers or so. */
#define ONLINE_MS      10000

/* Counters are statistics: no order between them is promised. */
#define ADD(counter, n) atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)
#define SET(field, v)   atomic_store_explicit(&(field), (v), memory_order_relaxed)
#define GET(field)      atomic_load_explicit(&(field), memory_order_relaxed)

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

static void
add_busy(struct bus_stats *b, int64_t now_ms, int64_t took_us)
{
    int64_t second = now_ms / 1000;
    int i = (int)(second % (LOAD_SECONDS + 1));

    if (GET(b->load[i].second) != second) {
        SET(b->load[i].busy_us, 0);
        SET(b->load[i].second, second);
    }
    ADD(b->load[i].busy_us, took_us);
}

static void
count_error(struct device_stats *d, enum quality why)
{
    ADD(d->errors, 1);
    if (why == QUALITY_TIMEOUT) {
        ADD(d->timeouts, 1);
    } else if (why == QUALITY_CRC) {
        ADD(d->crc, 1);
    } else if (why == QUALITY_EXCEPTION) {
        ADD(d->exceptions, 1);
    } else {
        ADD(d->refused, 1);
    }
}

static void
count_device(struct device_stats *d, const struct link_result *res, int64_t engine_ms)
{
    ADD(d->requests, 1);
    if (res->quality != QUALITY_GOOD) {
        count_error(d, res->quality);
    } else {
        SET(d->last_good_ms, engine_ms);
    }
    if (res->quality == QUALITY_GOOD || res->quality == QUALITY_EXCEPTION) {
        int64_t mean_us = GET(d->latency_us);
        SET(d->latency_us, mean_us < 0
                               ? res->took_us
                               : mean_us + (res->took_us - mean_us) / LATENCY_WEIGHT);
    }
}

void
stats_request(struct bus_stats *b,
              struct device_stats *d,
              const struct link_result *res,
              int64_t now_ms,
              int64_t engine_ms)
{
    ADD(b->requests, 1);
    ADD(b->errors, res->quality != QUALITY_GOOD);
    add_busy(b, now_ms, res->took_us);
    if (res->quality == QUALITY_GOOD || res->quality == QUALITY_EXCEPTION) {
        SET(b->last_answer_ms, now_ms);
    }
    if (d != NULL) {
        count_device(d, res, engine_ms);
    }
}

struct device_counts
device_stats_read(const struct device_stats *d)
{
    int64_t latency_us = GET(d->latency_us);

    return (struct device_counts){
        .requests = GET(d->requests),
        .errors = GET(d->errors),
        .timeouts = GET(d->timeouts),
        .crc = GET(d->crc),
        .exceptions = GET(d->exceptions),
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

    for (int i = 0; i <= LOAD_SECONDS; i++) {
        int64_t age = now_ms / 1000 - GET(b->load[i].second);
        busy_us += age >= 0 && age < LOAD_SECONDS ? GET(b->load[i].busy_us) : 0;
    }
    if (span_ms > LOAD_SECONDS * 1000) {
        span_ms = LOAD_SECONDS * 1000;
    }
    double load = span_ms > 0 ? (double)busy_us / (double)span_ms / 10.0 : 0.0;
    return (struct bus_counts){
        .online = GET(b->open) && last_ms != INSTANT_NONE &&
                  now_ms - last_ms <= b->online_for_ms,
        .load = load > 100.0 ? 100.0 : load,
        .requests = GET(b->requests),
        .errors = GET(b->errors),
    };
}
