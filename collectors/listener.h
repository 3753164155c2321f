/* Raw bytes of one line or connection -> its frames and exchanges: what `sniff` shows
 * and what replay decodes.  Pure. */
#ifndef CARETAKER_COLLECTORS_LISTENER_H
#define CARETAKER_COLLECTORS_LISTENER_H

#include "collectors/adu_finder.h"
#include "collectors/exchange.h"
#include "collectors/frame_finder.h"

struct listener_sink {
    void *ctx;
    /* `x` is what ended with the frame; of a question, what it asks.  May be NULL. */
    void (*frame)(void *ctx,
                  const struct traffic_frame *f,
                  enum frame_role role,
                  const struct exchange *x);
    /* Every exchange that ended, before its frame is told. */
    void (*exchange)(void *ctx, const struct exchange *x);
};

struct listener {
    const struct listener_sink *sink;
    uint32_t connection;
    struct exchange_pairs pairs;
    bool begun;     /* `framing` is settled. */
    uint8_t misses; /* Pieces before that which told nothing. */
    enum traffic_framing framing;
    struct frame_finder line[2]; /* RTU; by direction where it is a connection. */
    struct adu_finder connected[2];
};

/* A line: both directions are one stream.  `sink` is borrowed. */
void listener_line(struct listener *l,
                   int64_t character_us,
                   int64_t silence_us,
                   int64_t give_up_us,
                   const struct listener_sink *sink);
/* A connection; its first whole frame tells whether it carries Modbus TCP or RTU, and
 * what is in pieces before it is left out. */
void listener_connection(struct listener *l,
                         uint32_t number,
                         int64_t give_up_us,
                         const struct listener_sink *sink);

/* On a line `lost` means nothing. */
void listener_feed(struct listener *l,
                   enum traffic_way way,
                   int64_t t_us,
                   bool lost,
                   const uint8_t *bytes,
                   size_t size);
void listener_idle(struct listener *l, int64_t t_us);
/* As exchange_end(). */
void listener_end(struct listener *l, int64_t t_us, bool cut);

#endif
