#include "collectors/listener.h"

#include <string.h>

#include "collectors/slave_codec.h"

#define MISSES_MAX 4 /* Then it is a line behind a gateway that hands on pieces. */

static void
on_exchange(void *ctx, const struct exchange *x)
{
    struct listener *l = ctx;
    struct exchange own = *x;

    own.connection = l->connection;
    l->sink->exchange(l->sink->ctx, &own);
}

static void
on_frame(void *ctx, const struct traffic_frame *f)
{
    struct listener *l = ctx;
    struct exchange x;
    enum frame_role role = exchange_frame(&l->pairs, f, &x);

    if (l->sink->frame != NULL) {
        x.connection = l->connection;
        l->sink->frame(l->sink->ctx, f, role, &x);
    }
}

static void
begin(struct listener *l,
      uint32_t number,
      int64_t give_up_us,
      const struct listener_sink *sink)
{
    memset(l, 0, sizeof *l);
    l->sink = sink;
    l->connection = number;
    exchange_init(&l->pairs, TRAFFIC_RTU, give_up_us, on_exchange, l);
}

static void
settle(struct listener *l, enum traffic_framing framing)
{
    l->begun = true;
    l->framing = l->pairs.framing = framing;
}

void
listener_line(struct listener *l,
              int64_t character_us,
              int64_t silence_us,
              int64_t give_up_us,
              const struct listener_sink *sink)
{
    begin(l, 0, give_up_us, sink);
    settle(l, TRAFFIC_RTU);
    for (size_t i = 0; i < ARRAY_LEN(l->line); i++) {
        frame_finder_init(&l->line[i], character_us, silence_us, on_frame, l);
    }
}

void
listener_connection(struct listener *l,
                    uint32_t number,
                    int64_t give_up_us,
                    const struct listener_sink *sink)
{
    begin(l, number, give_up_us, sink);
    for (size_t i = 0; i < ARRAY_LEN(l->line); i++) {
        frame_finder_init(&l->line[i], 0, 0, on_frame, l);
        l->line[i].connection = number;
        adu_finder_init(&l->connected[i], i == 0 ? TRAFFIC_SENT : TRAFFIC_RECEIVED,
                        number, on_frame, l);
    }
}

void
listener_feed(struct listener *l,
              enum traffic_way way,
              int64_t t_us,
              bool lost,
              const uint8_t *bytes,
              size_t size)
{
    size_t side = l->connection != 0 && way == TRAFFIC_RECEIVED ? 1 : 0;

    if (!l->begun && size > 0) {
        /* The question for address 0 looks like a header too: its check sum tells.
         * Who began to listen in the middle of an answer waits for the next. */
        bool whole = slave_crc(bytes, size) == 0;

        if (whole || adu_header_fits(bytes, size) || ++l->misses >= MISSES_MAX) {
            settle(l,
                   whole || !adu_header_fits(bytes, size) ? TRAFFIC_RTU : TRAFFIC_TCP);
        }
    }
    if (!l->begun) {
        return;
    }
    if (l->framing == TRAFFIC_RTU) {
        if (lost) {
            frame_finder_end(&l->line[side]);
        }
        if (l->connection != 0) {
            frame_finder_end(&l->line[1 - side]); /* They speak in turn. */
        }
        frame_finder_feed(&l->line[side], way, t_us, bytes, size);
        return;
    }
    if (lost) {
        adu_finder_lost(&l->connected[side], t_us);
    }
    adu_finder_feed(&l->connected[side], t_us, bytes, size);
}

void
listener_idle(struct listener *l, int64_t t_us)
{
    for (size_t i = 0; l->begun && l->framing == TRAFFIC_RTU && i < ARRAY_LEN(l->line);
         i++) {
        frame_finder_idle(&l->line[i], t_us);
    }
    exchange_idle(&l->pairs, t_us);
}

void
listener_end(struct listener *l, int64_t t_us, bool cut)
{
    for (size_t i = 0; l->begun && i < ARRAY_LEN(l->line); i++) {
        if (l->framing == TRAFFIC_RTU) {
            frame_finder_end(&l->line[i]);
        } else {
            adu_finder_lost(&l->connected[i], t_us);
        }
    }
    exchange_end(&l->pairs, t_us, cut);
}
