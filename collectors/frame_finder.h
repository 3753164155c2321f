/* The bytes of an RTU line -> frames with their times.  Pure.
 *
 * A line has no marks: a frame ends where its check sum fits, and begins after silence.
 * What user space sees of silence is coarse (adapters hand bytes over in lumps), so the
 * check sum decides and silence only helps: after damage the next frame is looked for
 * behind the next silence, or else at the next place where a whole frame fits.
 *
 *   unit(1) function(1) data... crc(2, low byte first)
 */
#ifndef CARETAKER_COLLECTORS_FRAME_FINDER_H
#define CARETAKER_COLLECTORS_FRAME_FINDER_H

#include <stddef.h>

#include "collectors/traffic.h"

#define FRAME_FINDER_BYTES                                                             \
    1024 /* Four frames: room to find the next one behind damage. */

struct frame_finder {
    int64_t character_us; /* 0: there is no line behind it (RTU over TCP). */
    int64_t silence_us;   /* 3.5 characters. */
    int64_t idle_us;      /* Nothing more is expected of a frame after so much. */
    traffic_frame_fn tell;
    void *ctx;
    enum traffic_way way;
    uint32_t connection;
    int64_t last_us; /* End of what was told last; INSTANT_NONE at first. */
    size_t count;
    uint8_t bytes[FRAME_FINDER_BYTES];
    int64_t at_us[FRAME_FINDER_BYTES]; /* When each byte had come. */
};

/* Both times are 0 where there is no line.  `ctx` is borrowed. */
void frame_finder_init(struct frame_finder *f,
                       int64_t character_us,
                       int64_t silence_us,
                       traffic_frame_fn tell,
                       void *ctx);

/* Bytes that were there at `t_us`; a change of `way` ends what came before. */
void frame_finder_feed(struct frame_finder *f,
                       enum traffic_way way,
                       int64_t t_us,
                       const uint8_t *bytes,
                       size_t size);
/* Nothing had come until `t_us`. */
void frame_finder_idle(struct frame_finder *f, int64_t t_us);
/* Nothing more comes. */
void frame_finder_end(struct frame_finder *f);

#endif
