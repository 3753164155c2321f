/* One direction of a TCP connection, from its segments as a capture has them.  Pure.
 *
 * What was sent again is dropped, what overtook waits for what it overtook; when too
 * much waits, or the connection ends, the hole is given up and said. */
#ifndef CARETAKER_COLLECTORS_TCP_STREAM_H
#define CARETAKER_COLLECTORS_TCP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_STREAM_WAITING_MAX 16   /* Segments that overtook others. */
#define TCP_STREAM_SEGMENT_MAX 2048 /* Longer ones cannot wait: no Modbus is. */
/* What overtook has waited for long enough: the capture has missed something. */
#define TCP_STREAM_PATIENCE_US 1000000
/* Further ahead than any window that a Modbus peer opens: another connection. */
#define TCP_STREAM_AHEAD_MAX (1 << 24)

struct tcp_stream_waiting {
    uint32_t sequence;
    int64_t t_us;
    uint16_t size; /* 0: the place is free. */
    uint8_t bytes[TCP_STREAM_SEGMENT_MAX];
};

struct tcp_stream {
    bool known;               /* `next` is. */
    uint32_t next;            /* Sequence number of the byte to come. */
    uint32_t repeated, holes; /* Segments dropped; places where bytes are missing. */
    uint32_t waiting_count;
    struct tcp_stream_waiting waiting[TCP_STREAM_WAITING_MAX];
};

/* `bytes` in order; `lost`: some before them are missing. */
typedef void (*tcp_stream_fn)(
    void *ctx, int64_t t_us, bool lost, const uint8_t *bytes, size_t size);

void tcp_stream_init(struct tcp_stream *s);
/* A SYN: the connection begins (anew). */
void tcp_stream_begin(struct tcp_stream *s, uint32_t sequence);
/* `size` bytes of `wire_size` that were sent. */
void tcp_stream_segment(struct tcp_stream *s,
                        uint32_t sequence,
                        int64_t t_us,
                        const uint8_t *bytes,
                        size_t size,
                        size_t wire_size,
                        tcp_stream_fn tell,
                        void *ctx);
/* Nothing more comes: what waits is told, with its holes. */
void tcp_stream_end(struct tcp_stream *s, tcp_stream_fn tell, void *ctx);

#endif
