#include "collectors/capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/tcp_stream.h"

#define MODBUS_PORT 502
#define MAGIC_BYTES 4
/* Until the year 9999, as all our instants: pcapng has room for more. */
#define SECONDS_MAX INT64_C(253402300799)

struct connection {
    struct capture_connection is;
    int64_t last_us;
    struct tcp_stream to_server, from_server;
};

struct capture {
    pcap_t *pcap;
    FILE *file; /* Owned by `pcap`. */
    enum packet_link link;
    struct capture_sink sink;
    struct capture_counts counts;
    uint32_t numbered;
    int64_t last_us;
    bool ended;
    uint32_t count;
    struct connection *connections[CAPTURE_CONNECTIONS_MAX];
    struct connection *telling; /* Whose bytes the sink is being told, */
    enum traffic_way way;       /* and which ones. */
};

bool
capture_magic(const uint8_t *b, size_t size)
{
    static const uint8_t magics[][MAGIC_BYTES] = {
        {0xA1, 0xB2, 0xC3, 0xD4}, {0xD4, 0xC3, 0xB2, 0xA1}, {0xA1, 0xB2, 0x3C, 0x4D},
        {0x4D, 0x3C, 0xB2, 0xA1}, {0x0A, 0x0D, 0x0D, 0x0A}, {0xA1, 0xB2, 0xCD, 0x34},
        {0x34, 0xCD, 0xB2, 0xA1}};

    for (size_t i = 0; size >= MAGIC_BYTES && i < ARRAY_LEN(magics); i++) {
        if (memcmp(b, magics[i], MAGIC_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static int
link_of(enum packet_link *out, int type, struct err *err)
{
    const char *name = pcap_datalink_val_to_name(type);

    switch (type) {
    case DLT_EN10MB:
        *out = PACKET_ETHERNET;
        return 0;
    case DLT_LINUX_SLL:
        *out = PACKET_COOKED;
        return 0;
    case DLT_LINUX_SLL2:
        *out = PACKET_COOKED2;
        return 0;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        *out = PACKET_RAW;
        return 0;
    case DLT_NULL:
    case DLT_LOOP:
        *out = PACKET_NULL;
        return 0;
    default:
        return err_set(
            err, ERR_CONFIG,
            "captured on a link of type %s (%d); Ethernet, Linux cooked, raw "
            "IP and loopback are read",
            name != NULL ? name : "unknown", type);
    }
}

int
capture_open(struct capture **out,
             FILE *file,
             const struct capture_sink *sink,
             struct err *err)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    struct capture *c = calloc(1, sizeof *c);

    if (c == NULL) {
        fclose(file);
        return err_set(err, ERR_NOMEM, "capture");
    }
    c->sink = *sink;
    c->pcap = pcap_fopen_offline(file, why);
    if (c->pcap == NULL) {
        fclose(file);
        free(c);
        return err_set(err, ERR_CONFIG, "%s", why);
    }
    c->file = file;
    if (link_of(&c->link, pcap_datalink(c->pcap), err) != 0) {
        capture_close(c);
        return err->code;
    }
    *out = c;
    return 0;
}

void
capture_close(struct capture *c)
{
    if (c == NULL) {
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        free(c->connections[i]);
    }
    pcap_close(c->pcap);
    free(c);
}

static void
tell_bytes(void *ctx, int64_t t_us, bool lost, const uint8_t *bytes, size_t size)
{
    struct capture *c = ctx;

    c->sink.bytes(c->sink.ctx, &c->telling->is, c->way, t_us, lost, bytes, size);
}

static void
count_stream(struct capture *c, const struct tcp_stream *s)
{
    c->counts.repeated += s->repeated;
    c->counts.holes += s->holes;
}

static void
close_connection(struct capture *c, uint32_t index)
{
    struct connection *n = c->connections[index];

    c->telling = n;
    c->way = TRAFFIC_SENT;
    tcp_stream_end(&n->to_server, tell_bytes, c);
    c->way = TRAFFIC_RECEIVED;
    tcp_stream_end(&n->from_server, tell_bytes, c);
    c->sink.closed(c->sink.ctx, &n->is, c->last_us, c->ended);
    count_stream(c, &n->to_server);
    count_stream(c, &n->from_server);
    free(n);
    c->count--;
    memmove(&c->connections[index], &c->connections[index + 1],
            (c->count - index) * sizeof(c->connections[0]));
}

static bool
same_end(const struct packet_end *a, const struct packet_end *b)
{
    return a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

static struct connection *
find(struct capture *c, const struct packet *p, uint32_t *index)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct capture_connection *is = &c->connections[i]->is;

        if (is->ipv6 == p->ipv6 &&
            ((same_end(&is->client, &p->from) && same_end(&is->server, &p->to)) ||
             (same_end(&is->client, &p->to) && same_end(&is->server, &p->from)))) {
            *index = i;
            return c->connections[i];
        }
    }
    return NULL;
}

/* Whoever the sink knows to serve, then who has Modbus's port, then who is called;
 * where the call was not captured, the lower port. */
static bool
goes_to_server(const struct capture *c, const struct packet *p)
{
    if (c->sink.serves != NULL) {
        bool to = c->sink.serves(c->sink.ctx, &p->to, p->ipv6);

        if (to != c->sink.serves(c->sink.ctx, &p->from, p->ipv6)) {
            return to;
        }
    }
    if ((p->to.port == MODBUS_PORT) != (p->from.port == MODBUS_PORT)) {
        return p->to.port == MODBUS_PORT;
    }
    return p->syn ? !p->ack : p->to.port < p->from.port;
}

static struct connection *
add(struct capture *c, const struct packet *p)
{
    struct connection *n = calloc(1, sizeof *n);
    bool to_server = goes_to_server(c, p);

    if (n == NULL) {
        return NULL;
    }
    if (c->count == CAPTURE_CONNECTIONS_MAX) {
        uint32_t oldest = 0;

        for (uint32_t i = 1; i < c->count; i++) {
            if (c->connections[i]->last_us < c->connections[oldest]->last_us) {
                oldest = i;
            }
        }
        close_connection(c, oldest);
    }
    n->is = (struct capture_connection){.number = ++c->numbered,
                                        .ipv6 = p->ipv6,
                                        .client = to_server ? p->from : p->to,
                                        .server = to_server ? p->to : p->from};
    tcp_stream_init(&n->to_server);
    tcp_stream_init(&n->from_server);
    c->connections[c->count++] = n;
    return n;
}

static int
take_packet(struct capture *c, const struct packet *p, int64_t t_us)
{
    uint32_t index = 0;
    struct connection *n = find(c, p, &index);
    struct tcp_stream *s;
    bool sent;

    if (n != NULL && p->syn && !p->ack) {
        close_connection(c, index); /* The same ports again: a new one. */
        n = NULL;
    }
    if (n == NULL && (p->size > 0 || p->syn)) {
        n = add(c, p);
        if (n == NULL) {
            return ERR_NOMEM;
        }
        index = c->count - 1;
    }
    if (n == NULL) {
        return 0;
    }
    n->last_us = t_us;
    sent = same_end(&n->is.server, &p->to) && same_end(&n->is.client, &p->from);
    s = sent ? &n->to_server : &n->from_server;
    c->telling = n;
    c->way = sent ? TRAFFIC_SENT : TRAFFIC_RECEIVED;
    if (p->syn) {
        tcp_stream_begin(s, p->sequence);
    } else if (p->size > 0) {
        c->counts.segments++;
        tcp_stream_segment(s, p->sequence, t_us, p->bytes, p->size, p->wire_size,
                           tell_bytes, c);
    }
    if (p->reset) {
        close_connection(c, index);
    }
    return 0;
}

static void
close_all(struct capture *c)
{
    while (c->count > 0) {
        close_connection(c, 0);
    }
}

int
capture_step(struct capture *c, struct err *err)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    struct packet p;
    int got;

    if (c->ended) {
        return 0;
    }
    got = pcap_next_ex(c->pcap, &head, &bytes);
    if (got != 1) {
        c->ended = true;
        close_all(c);
        return got == PCAP_ERROR_BREAK
                   ? 0
                   : err_set(err, ERR_CONFIG, "%s", pcap_geterr(c->pcap));
    }
    c->counts.packets++;
    if (head->ts.tv_sec < 0 || head->ts.tv_sec > SECONDS_MAX || head->ts.tv_usec < 0 ||
        head->ts.tv_usec > 999999) {
        c->ended = true;
        close_all(c);
        return err_set(err, ERR_CONFIG, "a packet has no time; 1970 to 9999 is read");
    }
    if (packet_parse(&p, c->link, bytes, head->caplen)) {
        c->last_us = (int64_t)head->ts.tv_sec * 1000000 + head->ts.tv_usec;
        if (take_packet(c, &p, c->last_us) != 0) {
            return err_set(err, ERR_NOMEM, "capture");
        }
    }
    return 1;
}

struct capture_counts
capture_counts(const struct capture *c)
{
    return c->counts;
}

int64_t
capture_position(const struct capture *c)
{
    return ftell(c->file);
}
