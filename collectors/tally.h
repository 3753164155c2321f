/* Exchanges counted by unit and function: who asks for what, who answers how fast. */
#ifndef CARETAKER_COLLECTORS_TALLY_H
#define CARETAKER_COLLECTORS_TALLY_H

#include "collectors/exchange.h"
#include "daemon/base/strbuf.h"

#define TALLY_RANGES_MAX 64 /* Of addresses, a row; further ones are only counted. */
#define TALLY_LATENCIES_MAX                                                            \
    16384 /* A row; then every second one is kept, and so on.                          \
           */

struct tally_range {
    uint32_t first, last;
};

struct tally_row {
    uint8_t unit, function;
    uint64_t requests, answers, exceptions, unanswered, damaged, malformed, stray;
    int64_t latency_min_us, latency_max_us; /* Negative before the first answer. */
    int64_t latency_sum_us;
    uint64_t timed; /* Exchanges in the sum. */
    /* Addresses that were read, joined where they touch, in order. */
    struct tally_range ranges[TALLY_RANGES_MAX];
    uint32_t range_count;
    bool more_ranges;
    /* Inside. */
    int32_t *latencies; /* Every `stride`-th. */
    uint32_t latency_count, stride, until_next;
};

struct tally {
    struct tally_row **rows; /* By unit, then function; each owned. */
    uint32_t count, capacity;
    uint64_t frames, damaged; /* Frames told to it; those with a wrong check sum. */
    uint64_t short_gaps; /* Less than 3.5 characters before a frame, as far as seen. */
    int64_t first_us, last_us; /* INSTANT_NONE: no frame. */
};

void tally_init(struct tally *t);
void tally_fini(struct tally *t);
/* Both return false when memory is out. */
bool tally_exchange(struct tally *t, const struct exchange *x);
/* `silence_us`: 3.5 characters, 0 where there is no line. */
void tally_frame(struct tally *t, const struct traffic_frame *f, int64_t silence_us);
/* The middle one of the row's latencies; negative when there is none.  Sorts them. */
int64_t tally_median_us(struct tally_row *row);
/* "0-9,20", with "..." when there were more, into `b`. */
void tally_ranges(struct strbuf *b, const struct tally_row *row);

#endif
