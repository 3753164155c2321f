/* Packet captures (pcap, pcapng) -> the bytes of their TCP connections in order, by
 * libpcap, which only ever reads files here. */
#ifndef CARETAKER_COLLECTORS_CAPTURE_H
#define CARETAKER_COLLECTORS_CAPTURE_H

#include <stdio.h>

#include "collectors/packet.h"
#include "collectors/traffic.h"
#include "daemon/base/err.h"

/* At one time; the one that was silent for longest gives way.  64 KiB each. */
#define CAPTURE_CONNECTIONS_MAX 256

struct capture_connection {
    uint32_t number; /* From 1, in order of their first packet. */
    bool ipv6;
    struct packet_end client, server;
};

/* All are borrowed for the call. */
struct capture_sink {
    void *ctx;
    /* Bytes that the server was sent, or that were received from it.  `lost`: some
     * before them are missing. */
    void (*bytes)(void *ctx,
                  const struct capture_connection *c,
                  enum traffic_way way,
                  int64_t t_us,
                  bool lost,
                  const uint8_t *bytes,
                  size_t size);
    /* Nothing more comes of it; `cut`: since the capture ends here. */
    void (*closed)(void *ctx,
                   const struct capture_connection *c,
                   int64_t t_us,
                   bool cut);
    /* Which of two ends serves Modbus, when the capture begins in the middle; 502 is
     * taken for one anyway.  May be NULL. */
    bool (*serves)(void *ctx, const struct packet_end *e, bool ipv6);
};

struct capture_counts {
    uint64_t packets, segments; /* All packets; those with TCP bytes. */
    uint64_t repeated, holes; /* Segments that came again; places with bytes missing. */
};

struct capture;

/* True when the file begins like one. */
bool capture_magic(const uint8_t *bytes, size_t size);
/* Takes `file`, also when it fails.  `sink` is copied. */
int capture_open(struct capture **out,
                 FILE *file,
                 const struct capture_sink *sink,
                 struct err *err);
void capture_close(struct capture *c); /* NULL is accepted. */
/* Takes the next packet: 1, 0 at the end (all connections are closed then), or an
 * error: the file is damaged from here on, and closes like at its end. */
int capture_step(struct capture *c, struct err *err);
struct capture_counts capture_counts(const struct capture *c);
int64_t capture_position(const struct capture *c); /* Bytes read; for a progress bar. */

#endif
