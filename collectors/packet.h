/* A captured packet -> its TCP segment.  Pure; every length is checked.
 *
 * Links: Ethernet (with VLAN tags), Linux cooked v1 and v2, raw IP, BSD loopback; IPv4
 * and IPv6 with extension headers.  Fragments are not joined: Modbus fits into one
 * packet. */
#ifndef CARETAKER_COLLECTORS_PACKET_H
#define CARETAKER_COLLECTORS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_link {
    PACKET_ETHERNET,
    PACKET_COOKED, /* LINKTYPE_LINUX_SLL */
    PACKET_COOKED2,
    PACKET_RAW,  /* IP from the first byte. */
    PACKET_NULL, /* Four bytes of address family before it. */
    PACKET_LINK_COUNT
};

struct packet_end {
    uint8_t address[16]; /* IPv4 in the first four, the rest 0. */
    uint16_t port;
};

struct packet {
    bool ipv6;
    struct packet_end from, to;
    uint32_t sequence; /* Of the first byte of `bytes`, or of SYN. */
    bool syn, fin, reset, ack;
    const uint8_t *bytes; /* Borrowed from the capture. */
    size_t size;          /* What was captured; */
    size_t wire_size;     /* what was sent: more when the capture cut it off. */
};

/* False: no TCP segment, or cut off before its data. */
bool packet_parse(struct packet *out,
                  enum packet_link link,
                  const uint8_t *bytes,
                  size_t size);

#define PACKET_END_TEXT_BYTES 56
/* "192.0.2.10:502", "[2001:db8::1]:502" */
char *packet_end_format(char *out, const struct packet_end *e, bool ipv6);

#endif
