/* Single reads outside the plan, and how a bus is written on the command line. */
#include "collectors/bus_read.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/modbus_rtu.h"
#include "collectors/plan.h"

#define DEFAULT_TIMEOUT_MS 1000
#define DEFAULT_RETRIES    1
#define DEFAULT_BAUD       9600
#define DEFAULT_PORT       502

bool
read_request_valid(const struct read_request *q, struct err *err)
{
    bool bits = q->table == REG_COIL || q->table == REG_DISCRETE;
    int max = bits ? READ_BITS_MAX : READ_REGISTERS_MAX;

    if (q->table == REG_NONE) {
        err_set(err, ERR_USAGE, "no table; accepted: coil discrete input holding");
        return false;
    }
    if (q->count < 1 || q->count > max || q->address + q->count > 65536) {
        err_set(err, ERR_USAGE,
                "%u from address %u; accepted: 1 to %d, up to address 65535", q->count,
                q->address, max);
        return false;
    }
    return true;
}

static int
result_error(const struct link_result *res, uint8_t unit, struct err *err)
{
    switch (res->quality) {
    case QUALITY_GOOD:
        return 0;
    case QUALITY_TIMEOUT:
        return err_set(err, ERR_TIMEOUT, "unit %u: %s", unit, res->text);
    case QUALITY_EXCEPTION:
        return err_set(err, ERR_PROTOCOL, "unit %u answers with exception %u: %s", unit,
                       res->exception, res->text);
    case QUALITY_REFUSED:
        return err_set(err, ERR_IO, "%s", res->text);
    case QUALITY_CRC:
    case QUALITY_RANGE:
    case QUALITY_SENTINEL:
    case QUALITY_STALE:
    case QUALITY_STUCK:
    case QUALITY_OFFLINE:
    case QUALITY_COUNT:
        break;
    }
    return err_set(err, ERR_PROTOCOL, "unit %u: damaged answer: %s", unit, res->text);
}

int
bus_read_line(struct line *l,
              const struct read_request *q,
              struct read_answer *out,
              struct err *err)
{
    struct read_answer answer;
    struct link_result res;
    struct err local = {0};

    if (!line_ready(l, true, &local)) {
        return err_set(err, local.code, "%s", local.text);
    }
    line_ask(l, q, 0, NULL, &answer, &res);
    if (res.quality != QUALITY_GOOD) {
        return result_error(&res, q->unit, err);
    }
    /* The other kind was not written. */
    if (q->table == REG_COIL || q->table == REG_DISCRETE) {
        memcpy(out->bits, answer.bits, q->count);
    } else {
        memcpy(out->words, answer.words, q->count * sizeof *out->words);
    }
    return 0;
}

int
bus_read_once(const struct bus *bus,
              const struct read_request *q,
              struct read_answer *out,
              struct err *err)
{
    struct link *link;
    struct link_result res;
    int rc;

    if (!read_request_valid(q, err)) {
        return ERR_USAGE;
    }
    link = link_new(bus, NULL);
    if (link == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a bus");
    }
    rc = link_open(link, err);
    for (int tries = 1 + bus->retries; rc == 0 && tries > 0; tries--) {
        link_read(link, q, 0, out, &res);
        if (res.quality != QUALITY_TIMEOUT && res.quality != QUALITY_CRC) {
            break;
        }
        link_recover(link, &res);
        if (tries > 1 && !link_is_open(link)) {
            rc = link_open(link, err);
        }
    }
    if (rc == 0) {
        rc = result_error(&res, q->unit, err);
    }
    link_free(link);
    return rc;
}

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
        return err_set(err, ERR_USAGE, "'tcp:' without a host");
    }
    b->kind = BUS_TCP;
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
        if (!parse_int(&b->baud, baud, 110, 4000000) || !rtu_baud_known(b->baud)) {
            return err_set(err, ERR_USAGE, "'%s' baud; accepted: 1200 to 115200 and up",
                           baud);
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
        rc = parse_tcp(&b, arena, text + 4, err);
    } else if (strncmp(text, "rtu:", 4) == 0) {
        rc = parse_rtu(&b, arena, text + 4, err);
    } else {
        return err_set(err, ERR_USAGE,
                       "'%s'; accepted: tcp:HOST[:PORT] or rtu:PATH[,BAUD,8N1]", text);
    }
    if (rc != 0) {
        return rc;
    }
    b.id = arena_strdup(arena, text);
    *out = b;
    return 0;
}
