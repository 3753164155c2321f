/* Any bytes as what passes on a line or a connection: the first four choose the kind,
 * and how the rest is cut in pieces and spread over time. */
#include <assert.h>

#include "collectors/adu_finder.h"
#include "collectors/exchange.h"
#include "collectors/frame_finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 4

struct heard {
    struct exchange_pairs pairs;
    int64_t last_us;
    uint64_t bytes;
};

static void
take_exchange(void *ctx, const struct exchange *x)
{
    (void)ctx;
    assert(x->outcome <= EXCHANGE_STRAY);
    assert(exchange_outcome_name(x->outcome) != NULL);
    if (x->outcome == EXCHANGE_ANSWERED && x->table != REG_NONE) {
        bool bits = x->table == REG_COIL || x->table == REG_DISCRETE;
        assert(x->data != NULL);
        assert(x->data_size == (bits ? (x->count + 7) / 8 : 2 * x->count));
    }
}

static void
take_frame(void *ctx, const struct traffic_frame *f)
{
    struct heard *h = ctx;
    struct exchange x;

    assert(f->size > 0);
    h->bytes += f->size;
    (void)exchange_frame(&h->pairs, f, &x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard h = {.last_us = 0};
    struct frame_finder line;
    struct adu_finder to, from;

    if (size < HEAD) {
        return 0;
    }
    bool serial = (data[0] & 1) != 0;
    int64_t step_us = data[1] * INT64_C(500);
    size_t piece = 1 + (size_t)data[2];
    exchange_init(&h.pairs, serial ? TRAFFIC_RTU : TRAFFIC_TCP, 1000000, take_exchange,
                  NULL);
    frame_finder_init(&line, (data[0] & 2) != 0 ? 1042 : 0,
                      (data[0] & 2) != 0 ? 3646 : 0, take_frame, &h);
    adu_finder_init(&to, TRAFFIC_SENT, 1, take_frame, &h);
    adu_finder_init(&from, TRAFFIC_RECEIVED, 1, take_frame, &h);
    int64_t t_us = 1000000;
    for (size_t at = HEAD, turn = 0; at < size; at += piece, turn++) {
        size_t part = size - at < piece ? size - at : piece;
        t_us += step_us * (int64_t)(1 + turn % 3);
        if (!serial) {
            adu_finder_feed(turn % 2 == 0 ? &to : &from, t_us, data + at, part);
        } else if (data[3] % 2 == 0) {
            frame_finder_feed(&line, TRAFFIC_UNKNOWN, t_us, data + at, part);
        } else {
            frame_finder_feed(&line, turn % 2 == 0 ? TRAFFIC_SENT : TRAFFIC_RECEIVED,
                              t_us, data + at, part);
        }
        if (data[3] > 200 && turn % 5 == 4) {
            frame_finder_idle(&line, t_us + 100000);
            exchange_idle(&h.pairs, t_us + 100000);
        }
    }
    adu_finder_lost(&from, t_us);
    frame_finder_end(&line);
    exchange_end(&h.pairs, t_us);
    assert(h.bytes <= size); /* Nothing is told twice. */
    return 0;
}
