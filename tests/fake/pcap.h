/* Packet captures written out by hand: Modbus TCP between 192.0.2.1:40000 and
 * 192.0.2.10:502 on Ethernet. */
#ifndef CARETAKER_TESTS_FAKE_PCAP_H
#define CARETAKER_TESTS_FAKE_PCAP_H

#include "daemon/base/strbuf.h"
#include "tests/fake/hex.h"

#define PCAP_START_S 1772323200 /* 2026-03-01T00:00:00Z */

enum pcap_flags {
    PCAP_SYN = 0x02,
    PCAP_RESET = 0x04,
    PCAP_SYN_ACK = 0x12,
    PCAP_DATA = 0x18
};

static inline void
pcap_number(struct strbuf *b, uint32_t value, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++) {
        strbuf_add_char(b, (char)(value >> 8 * (big ? bytes - 1 - i : i) & 0xFF));
    }
}

/* A file that begins; `link` is LINKTYPE_..., 1 for Ethernet. */
static inline void
pcap_begin(struct strbuf *b, uint32_t link)
{
    pcap_number(b, 0xA1B2C3D4, 4, false);
    pcap_number(b, 2, 2, false);
    pcap_number(b, 4, 2, false);
    pcap_number(b, 0, 4, false);
    pcap_number(b, 0, 4, false);
    pcap_number(b, 65535, 4, false);
    pcap_number(b, link, 4, false);
}

/* A segment `ms` after the start, to the server or from it. */
static inline void
pcap_segment(struct strbuf *b,
             uint32_t ms,
             bool to_server,
             uint32_t sequence,
             enum pcap_flags flags,
             const char *hex)
{
    uint8_t data[512];
    uint8_t head[64];
    size_t size = hex_bytes(data, hex);
    size_t head_size =
        hex_bytes(head, "020000000001 020000000002 0800 45000000 0001 0000 "
                        "4006 0000");

    pcap_number(b, PCAP_START_S + ms / 1000, 4, false);
    pcap_number(b, ms % 1000 * 1000, 4, false);
    pcap_number(b, (uint32_t)(54 + size), 4, false);
    pcap_number(b, (uint32_t)(54 + size), 4, false);
    head[16] = (uint8_t)((40 + size) >> 8);
    head[17] = (uint8_t)((40 + size) & 0xFF);
    for (size_t i = 0; i < head_size; i++) {
        strbuf_add_char(b, (char)head[i]);
    }
    pcap_number(b, to_server ? 0xC0000201 : 0xC000020A, 4, true);
    pcap_number(b, to_server ? 0xC000020A : 0xC0000201, 4, true);
    pcap_number(b, to_server ? 40000 : 502, 2, true);
    pcap_number(b, to_server ? 502 : 40000, 2, true);
    pcap_number(b, sequence, 4, true);
    pcap_number(b, 0, 4, true);
    pcap_number(b, 0x5000 | flags, 2, true);
    pcap_number(b, 8192, 2, true);
    pcap_number(b, 0, 4, true);
    for (size_t i = 0; i < size; i++) {
        strbuf_add_char(b, (char)data[i]);
    }
}

#endif
