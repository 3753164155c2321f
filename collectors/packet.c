#include "collectors/packet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define TYPE_IPV4     0x0800
#define TYPE_IPV6     0x86DD
#define TYPE_VLAN     0x8100 /* IEEE 802.1Q, */
#define TYPE_QINQ     0x88A8 /* 802.1ad, */
#define TYPE_QINQ_OLD 0x9100 /* and before it. */
#define VLAN_TAGS_MAX 4      /* Two are what there is. */
#define PROTOCOL_TCP  6

#define ETHERNET_BYTES 14
#define COOKED_BYTES   16
#define COOKED2_BYTES  20
#define NULL_BYTES     4
#define IPV4_BYTES_MIN 20
#define IPV6_BYTES     40
#define TCP_BYTES_MIN  20
#define EXTENSIONS_MAX 8 /* Of IPv6; a chain that is longer is no Modbus. */

struct rest {
    const uint8_t *bytes;
    size_t size;
};

static bool
skip(struct rest *r, size_t bytes)
{
    if (r->size < bytes) {
        return false;
    }
    r->bytes += bytes;
    r->size -= bytes;
    return true;
}

static uint16_t
get_u16(const uint8_t *b)
{
    return (uint16_t)((uint32_t)b[0] << 8 | b[1]);
}

static uint32_t
get_u32(const uint8_t *b)
{
    return (uint32_t)get_u16(b) << 16 | get_u16(b + 2);
}

/* To the IP header.  What the packet says it is may be a lie: the version counts. */
static bool
skip_link(struct rest *r, enum packet_link link)
{
    static const struct {
        size_t bytes;
        size_t type_at; /* Of the EtherType. */
    } heads[PACKET_LINK_COUNT] = {
        [PACKET_ETHERNET] = {ETHERNET_BYTES, 12}, [PACKET_COOKED] = {COOKED_BYTES, 14},
        [PACKET_COOKED2] = {COOKED2_BYTES, 0},    [PACKET_RAW] = {0, 0},
        [PACKET_NULL] = {NULL_BYTES, 0},
    };
    const uint8_t *head = r->bytes;
    uint16_t type;

    if (!skip(r, heads[link].bytes)) {
        return false;
    }
    if (link == PACKET_RAW || link == PACKET_NULL) {
        return true;
    }
    type = get_u16(head + heads[link].type_at);
    for (int tags = 0; type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD;
         tags++) {
        if (tags == VLAN_TAGS_MAX || r->size < 4) {
            return false;
        }
        type = get_u16(r->bytes + 2);
        skip(r, 4);
    }
    return type == TYPE_IPV4 || type == TYPE_IPV6;
}

/* To the TCP header; cuts off what an Ethernet frame was filled up with.  `*wire_size`
 * is what follows the IP headers as it was sent. */
static bool
skip_ipv4(struct rest *r, struct packet *out, size_t *wire_size)
{
    const uint8_t *b = r->bytes;
    size_t head, total;

    if (r->size < IPV4_BYTES_MIN) {
        return false;
    }
    head = (size_t)(b[0] & 0x0F) * 4;
    total = get_u16(b + 2);
    if (head < IPV4_BYTES_MIN || b[9] != PROTOCOL_TCP ||
        (get_u16(b + 6) & 0x3FFF) != 0) {
        return false; /* A fragment, or none of ours. */
    }
    memcpy(out->from.address, b + 12, 4);
    memcpy(out->to.address, b + 16, 4);
    if (total == 0) {
        total = r->size; /* Left to the network card. */
    }
    if (total < head || !skip(r, head)) {
        return false;
    }
    *wire_size = total - head;
    r->size = r->size < *wire_size ? r->size : *wire_size;
    return true;
}

static bool
skip_ipv6(struct rest *r, struct packet *out, size_t *wire_size)
{
    const uint8_t *b = r->bytes;
    uint8_t next;

    if (r->size < IPV6_BYTES) {
        return false;
    }
    next = b[6];
    *wire_size = get_u16(b + 4);
    memcpy(out->from.address, b + 8, 16);
    memcpy(out->to.address, b + 24, 16);
    out->ipv6 = true;
    skip(r, IPV6_BYTES);
    if (*wire_size == 0) {
        *wire_size = r->size;
    }
    r->size = r->size < *wire_size ? r->size : *wire_size;
    /* Hop-by-hop, routing and destination options (RFC 8200, 4). */
    for (int i = 0; next == 0 || next == 43 || next == 60; i++) {
        size_t bytes;

        if (i == EXTENSIONS_MAX || r->size < 8) {
            return false;
        }
        next = r->bytes[0];
        bytes = 8 * ((size_t)r->bytes[1] + 1);
        if (bytes > *wire_size || !skip(r, bytes)) {
            return false;
        }
        *wire_size -= bytes;
    }
    return next == PROTOCOL_TCP;
}

bool
packet_parse(struct packet *out,
             enum packet_link link,
             const uint8_t *bytes,
             size_t size)
{
    struct rest r = {bytes, size};
    size_t wire_size = 0, head;
    const uint8_t *tcp;
    int version;

    memset(out, 0, sizeof *out);
    if (!skip_link(&r, link) || r.size == 0) {
        return false;
    }
    version = r.bytes[0] >> 4;
    if (version == 4 ? !skip_ipv4(&r, out, &wire_size)
                     : version != 6 || !skip_ipv6(&r, out, &wire_size)) {
        return false;
    }
    if (r.size < TCP_BYTES_MIN) {
        return false;
    }
    tcp = r.bytes;
    head = (size_t)(tcp[12] >> 4) * 4;
    if (head < TCP_BYTES_MIN || head > wire_size || !skip(&r, head)) {
        return false;
    }
    out->from.port = get_u16(tcp);
    out->to.port = get_u16(tcp + 2);
    out->sequence = get_u32(tcp + 4);
    out->fin = (tcp[13] & 0x01) != 0;
    out->syn = (tcp[13] & 0x02) != 0;
    out->reset = (tcp[13] & 0x04) != 0;
    out->ack = (tcp[13] & 0x10) != 0;
    out->bytes = r.bytes;
    out->size = r.size;
    out->wire_size = wire_size - head;
    return true;
}

char *
packet_end_format(char *out, const struct packet_end *e, bool ipv6)
{
    char address[INET6_ADDRSTRLEN] = "?";

    inet_ntop(ipv6 ? AF_INET6 : AF_INET, e->address, address, sizeof address);
    snprintf(out, PACKET_END_TEXT_BYTES, ipv6 ? "[%s]:%u" : "%s:%u", address, e->port);
    return out;
}
