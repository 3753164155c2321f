/* What passes on a line or connection, as somebody sees it who only listens. */
#ifndef CARETAKER_COLLECTORS_TRAFFIC_H
#define CARETAKER_COLLECTORS_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#define TRAFFIC_RTU_BYTES_MAX 256 /* Modbus over Serial Line V1.02, 2.3. */
#define TRAFFIC_TCP_BYTES_MAX 260 /* Modbus Messaging on TCP/IP V1.0b, 4.1. */

enum traffic_framing { TRAFFIC_RTU, TRAFFIC_TCP };

/* As the master sees it. */
enum traffic_way {
    TRAFFIC_UNKNOWN, /* A line that two speak on tells nothing of who it was. */
    TRAFFIC_SENT,    /* A question. */
    TRAFFIC_RECEIVED /* An answer. */
};

/* A frame, or bytes that are none.  Times are UTC microseconds. */
struct traffic_frame {
    int64_t begin_us; /* Its first byte began. */
    int64_t end_us;   /* Its last byte had come. */
    int64_t gap_us;   /* Silence before it; negative when nothing is known of it. */
    enum traffic_way way;
    enum traffic_framing framing;
    bool good;            /* The check sum fits / the header makes sense. */
    uint32_t connection;  /* Of a capture; 0 on a line. */
    uint16_t transaction; /* TCP. */
    uint8_t unit;         /* What stands there, of a damaged frame too. */
    const uint8_t *pdu;   /* From the function on; NULL when there is none. */
    uint16_t pdu_size;
    const uint8_t *bytes; /* All of it; both borrowed for the call. */
    uint16_t size;
};

typedef void (*traffic_frame_fn)(void *ctx, const struct traffic_frame *f);

#endif
