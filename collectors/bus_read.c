/* Single reads outside the plan, and how a bus is written on the command line. */
#include "collectors/bus_read.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/reactor.h"
#include "collectors/serial.h"

#define DEFAULT_TIMEOUT_MS 1000
#define DEFAULT_RETRIES    1
#define DEFAULT_BAUD       9600
#define DEFAULT_PORT       502

int
read_result(const struct wire_result *res, uint8_t unit, struct err *err)
{
    switch (res->fault) {
    case WIRE_OK:
        return 0;
    case WIRE_TIMEOUT:
        return err_set(err, ERR_TIMEOUT, "unit %u: %s", unit, res->text);
    case WIRE_EXCEPTION:
        return err_set(
            err, wire_quality(res) == QUALITY_TIMEOUT ? ERR_TIMEOUT : ERR_PROTOCOL,
            "unit %u answers with %s", unit, res->text);
    case WIRE_REFUSED:
    case WIRE_LOST:
        return err_set(err, ERR_IO, "%s", res->text);
    case WIRE_CRC:
    case WIRE_SHORT:
    case WIRE_WRONG_UNIT:
    case WIRE_MALFORMED:
    case WIRE_FAULT_COUNT:
        break;
    }
    return err_set(err, ERR_PROTOCOL, "unit %u: %s", unit, res->text);
}

void
read_copy(struct read_answer *out,
          const struct read_answer *answer,
          const struct read_request *q)
{
    if (q->table == REG_COIL || q->table == REG_DISCRETE) {
        memcpy(out->bits, answer->bits, q->count);
    } else {
        memcpy(out->words, answer->words, q->count * sizeof *out->words);
    }
}

/* ---- once, by a connection of its own ---- */

struct once {
    const struct bus *bus;
    const struct read_request *q;
    struct read_answer *out;
    int tries;
    bool may_ask, over;
    struct err err; /* Once it is over. */
};

static bool
once_next(void *arg, struct poller_now now, struct poller_ask *ask, int64_t *wake_us)
{
    struct once *o = arg;
    int64_t timeout_us = o->bus->timeout_ms * 1000;

    (void)now;
    *wake_us = INT64_MAX; /* The line's state calls again. */
    if (!o->may_ask || o->over) {
        return false;
    }
    *ask = (struct poller_ask){.q = *o->q,
                               .device = NONE_INDEX,
                               .timeout_us = timeout_us,
                               .listen_us = timeout_us};
    return true;
}

static void
once_answer(void *arg,
            struct poller_now now,
            const struct wire_result *res,
            const struct read_answer *answer)
{
    struct once *o = arg;
    bool again = res->fault == WIRE_TIMEOUT || res->fault == WIRE_CRC ||
                 res->fault == WIRE_SHORT || res->fault == WIRE_WRONG_UNIT ||
                 res->fault == WIRE_MALFORMED;

    (void)now;
    if (again && --o->tries > 0) {
        return;
    }
    o->over = true;
    if (read_result(res, o->q->unit, &o->err) == 0) {
        read_copy(o->out, answer, o->q);
    }
}

static void
once_line(void *arg, struct poller_now now, enum line_state state, const char *why)
{
    struct once *o = arg;

    (void)now;
    o->may_ask = state == LINE_UP;
    if (state == LINE_DOWN && !o->over) {
        o->over = true;
        err_set(&o->err, ERR_IO, "%s", why);
    }
}

int
bus_read_once(const struct bus *bus,
              const struct read_request *q,
              struct read_answer *out,
              struct err *err)
{
    struct once o = {.bus = bus, .q = q, .out = out, .tries = 1 + bus->retries};
    struct bus_stats stats;
    struct channel_args args = {.bus = bus,
                                .stats = &stats,
                                .user = {.arg = &o,
                                         .next = once_next,
                                         .answer = once_answer,
                                         .line = once_line},
                                .quiet = true};
    struct reactor *r;

    if (!read_request_valid(q, err)) {
        return ERR_USAGE;
    }
    bus_stats_init(&stats, 0, 0);
    int rc = reactor_new(&r, 1, err);
    if (rc != 0) {
        return rc;
    }
    rc = reactor_add(r, args, err);
    if (rc == 0) {
        reactor_start(r);
        while (!o.over) {
            (void)reactor_turn(r);
        }
        rc = o.err.code != ERR_NONE ? err_set(err, o.err.code, "%s", o.err.text) : 0;
    }
    reactor_free(r);
    return rc;
}

/* ---- on the command line ---- */

/* The whole of `text` as a decimal in [min, max]. */
static bool
parse_int(int *out, const char *text, int min, int max)
{
    char *end;
    long value;

    if (*text < '0' || *text > '9') {
        return false;
    }
    value = strtol(text, &end, 10);
    if (*end != '\0' || value < min || value > max) {
        return false;
    }
    *out = (int)value;
    return true;
}

static int
parse_tcp(struct bus *b, struct arena *arena, const char *text, struct err *err)
{
    bool port_needed = b->kind == BUS_RTU_OVER_TCP;
    const char *host = text;
    const char *host_end = strrchr(text, ':');
    const char *port = host_end;
    int number = DEFAULT_PORT;

    if (*text == '[') { /* [::1] or [::1]:502 */
        host = text + 1;
        host_end = strchr(text, ']');
        if (host_end == NULL || (host_end[1] != '\0' && host_end[1] != ':')) {
            return err_set(err, ERR_USAGE, "'%s'; accepted: [IPV6]:PORT", text);
        }
        port = host_end[1] == ':' ? host_end + 1 : NULL;
    } else if (host_end != NULL && strchr(text, ':') != host_end) {
        host_end = NULL; /* Several colons and no brackets: an IPv6 address. */
        port = NULL;
    }
    if (host_end == NULL) {
        host_end = text + strlen(text);
    }
    if (port != NULL && !parse_int(&number, port + 1, 1, 65535)) {
        return err_set(err, ERR_USAGE, "port '%s'; accepted: 1 to 65535", port + 1);
    }
    if (host_end == host) {
        return err_set(err, ERR_USAGE, "no host; accepted: HOST:PORT");
    }
    if (port == NULL && port_needed) { /* Serial servers have no common one. */
        return err_set(err, ERR_USAGE, "'%s' without a port; accepted: HOST:PORT",
                       text);
    }
    b->host = arena_strndup(arena, host, (size_t)(host_end - host));
    b->port = (uint16_t)number;
    return 0;
}

/* "8N1" */
static bool
parse_frame(struct bus *b, const char *text)
{
    if (strlen(text) != 3 || (text[0] != '7' && text[0] != '8') ||
        (text[1] != 'N' && text[1] != 'E' && text[1] != 'O') ||
        (text[2] != '1' && text[2] != '2')) {
        return false;
    }
    b->data_bits = text[0] - '0';
    b->parity = text[1];
    b->stop_bits = text[2] - '0';
    return true;
}

static int
parse_rtu(struct bus *b, struct arena *arena, const char *text, struct err *err)
{
    char *path = arena_strdup(arena, text);
    char *baud = strchr(path, ',');
    char *frame = baud != NULL ? strchr(baud + 1, ',') : NULL;

    b->kind = BUS_RTU;
    b->path = path;
    b->baud = DEFAULT_BAUD;
    (void)parse_frame(b, "8N1");
    if (frame != NULL) {
        *frame++ = '\0';
        if (!parse_frame(b, frame)) {
            return err_set(err, ERR_USAGE, "'%s'; accepted: 8N1 8E1 8O1 8N2 ...",
                           frame);
        }
    }
    if (baud != NULL) {
        *baud++ = '\0';
        if (!parse_int(&b->baud, baud, SERIAL_BAUD_MIN, SERIAL_BAUD_MAX)) {
            return err_set(err, ERR_USAGE, "'%s' baud; accepted: %d to %d", baud,
                           SERIAL_BAUD_MIN, SERIAL_BAUD_MAX);
        }
    }
    if (*path == '\0') {
        return err_set(err, ERR_USAGE, "'rtu:' without a path");
    }
    return 0;
}

int
bus_parse(struct bus *out, struct arena *arena, const char *text, struct err *err)
{
    struct bus b = {.timeout_ms = DEFAULT_TIMEOUT_MS,
                    .retries = DEFAULT_RETRIES,
                    .device = NONE_INDEX};
    int rc;

    if (strncmp(text, "tcp:", 4) == 0) {
        b.kind = BUS_TCP;
        rc = parse_tcp(&b, arena, text + 4, err);
    } else if (strncmp(text, "rtu_over_tcp:", 13) == 0) {
        b.kind = BUS_RTU_OVER_TCP;
        rc = parse_tcp(&b, arena, text + 13, err);
    } else if (strncmp(text, "rtu:", 4) == 0) {
        rc = parse_rtu(&b, arena, text + 4, err);
    } else {
        return err_set(err, ERR_USAGE,
                       "'%s'; accepted: tcp:HOST[:PORT], rtu_over_tcp:HOST:PORT or "
                       "rtu:PATH[,BAUD,8N1]",
                       text);
    }
    if (rc != 0) {
        return rc;
    }
    b.id = arena_strdup(arena, text);
    *out = b;
    return 0;
}
