/* Buses: RS-485 lines and TCP endpoints. */
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"

#define MODBUS_TCP_PORT 502 /* Registered with IANA. */
#define BAUD_DEFAULT    9600

/* Of bus time, in %: less than the least finds nobody again, more than the most would
 * let the dead take half the line. */
#define PROBE_SHARE_DEFAULT 5.0
#define PROBE_SHARE_MIN     0.1
#define PROBE_SHARE_MAX     50.0
#define CONNECT_PAUSE_MS_MAX                                                           \
    (5 * MS_SECOND) /* Gateways start within a second or two. */

struct bus_yaml {
    const char *id, *name, *tcp, *rtu, *rtu_over_tcp;
    int64_t baud, stop_bits, timeout_ms, retries, connect_pause_ms;
    const struct node *probe_share;
    int parity;
    int rs485;
};

static const char *const parity_words[] = {"none", "even", "odd", NULL};
static const char *const rs485_words[] = {"none", "kernel", NULL};

static const struct field probe_share_value = {.key = "probe_share",
                                               .kind = FIELD_FLOAT,
                                               .low = PROBE_SHARE_MIN,
                                               .high = PROBE_SHARE_MAX};
static const struct shape probe_share_number = {.kind = SHAPE_VALUE,
                                                .value = &probe_share_value};
static const struct shape probe_share_percent = {
    .kind = SHAPE_TEXT,
    .pattern = "^[0-9.]+ *%?$",
    .accepted = "a share of bus time from 0.1 % to 50 % such as 5 % is accepted"};
static const struct shape *const probe_share_forms[] = {&probe_share_number,
                                                        &probe_share_percent, NULL};
static const struct shape probe_share_shape = {.kind = SHAPE_ANY,
                                               .any = probe_share_forms};

/* Those that a Linux serial driver can set (termios(3)); a gateway has its own. */
static const int64_t bauds[] = {300,    600,    1200,   2400,    4800,   9600,
                                19200,  38400,  57600,  115200,  230400, 460800,
                                500000, 576000, 921600, 1000000, -1};

static const struct field bus_fields[] = {
    {FIELD("id", FIELD_ID, struct bus_yaml, id), REQUIRED,
     ABOUT("Its id; a bus is a device too.")},
    {FIELD("name", FIELD_STRING, struct bus_yaml, name), .max = 200,
     ABOUT("Its name, for people.")},
    {FIELD("rtu", FIELD_STRING, struct bus_yaml, rtu),
     ABOUT("A serial line: the path of its port, such as /dev/ttyS1.")},
    {FIELD("tcp", FIELD_STRING, struct bus_yaml, tcp),
     LIKE("^" PATTERN_HOST "(:[0-9]+)?$",
          "HOST:PORT such as 192.0.2.10:502 is accepted"),
     ABOUT("A Modbus TCP endpoint: HOST[:PORT].")},
    {FIELD("rtu_over_tcp", FIELD_STRING, struct bus_yaml, rtu_over_tcp),
     LIKE("^" PATTERN_HOST ":[0-9]+$", "HOST:PORT such as 192.0.2.10:4001 is accepted"),
     ABOUT("RTU frames through a serial server: HOST:PORT.")},
    {FIELD("baud", FIELD_INT, struct bus_yaml, baud), BETWEEN(300, 4000000),
     ABOUT("Bits per second of a line, 9600 without it; or of the one behind an "
           "endpoint.")},
    {FIELD("parity", FIELD_ENUM, struct bus_yaml, parity), .words = parity_words,
     ABOUT("Of a line, or of the one behind an endpoint."), PRESET("even")},
    {FIELD("stop_bits", FIELD_INT, struct bus_yaml, stop_bits), BETWEEN(1, 2),
     ABOUT("Of a line, or of the one behind an endpoint."), PRESET("1")},
    {FIELD("rs485", FIELD_ENUM, struct bus_yaml, rs485), .words = rs485_words,
     ABOUT("kernel: the driver turns the line around itself."), PRESET("none")},
    {FIELD("timeout", FIELD_DURATION, struct bus_yaml, timeout_ms),
     BETWEEN(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX),
     ABOUT("How long an answer may take; without it 300ms on a line, else 1s.")},
    {FIELD("retries", FIELD_INT, struct bus_yaml, retries), BETWEEN(0, 10),
     ABOUT("How often a request is repeated before it counts as lost."), PRESET("1")},
    {FIELD("probe_share", FIELD_NODE, struct bus_yaml, probe_share),
     ABOUT("How much of the time, in percent, may go into asking devices that do not "
           "answer; 5 % without it."),
     SHAPE(probe_share_shape)},
    {FIELD("connect_pause", FIELD_DURATION, struct bus_yaml, connect_pause_ms),
     BETWEEN(0, CONNECT_PAUSE_MS_MAX), PRESET("0s"),
     ABOUT("How long to wait after connecting, or opening the port, before the first "
           "request.")},
};
static const char *const bus_kinds[] = {"rtu", "tcp", "rtu_over_tcp", NULL};
const struct shape bus_shape = {SHAPE_OF_TABLE(bus_fields), .name = "bus",
                                .about = "An RS-485 line or a TCP endpoint.",
                                .one_of = bus_kinds};

static void
check_baud(struct reader *r, const struct node *n, int64_t baud)
{
    struct strbuf accepted = {0};
    for (const int64_t *one = bauds; *one >= 0; one++) {
        if (baud == *one) {
            strbuf_fini(&accepted);
            return;
        }
        strbuf_printf(&accepted, "%s%lld", one == bauds ? "" : ", ", (long long)*one);
    }
    struct loc loc = loc_of(n, "baud");
    diags_add(r->diags, DIAG_ERROR, &loc, "\"baud\" is %lld; accepted: %s",
              (long long)baud, strbuf_text(&accepted));
    strbuf_fini(&accepted);
}

static void
read_endpoint(struct reader *r,
              const struct node *n,
              const char *key,
              const char *text,
              struct bus *bus)
{
    bool given = false;
    bus->kind = key[0] == 't' ? BUS_TCP : BUS_RTU_OVER_TCP;
    bus->port = bus->kind == BUS_TCP ? MODBUS_TCP_PORT : 0;
    struct loc loc = loc_of(n, key);
    if (!host_port_parse(r->arena, text, &bus->host, &bus->port, &given) ||
        bus->port == 0) {
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"%s\" is \"%.80s\"; HOST:PORT such as 192.0.2.10:%s is accepted%s",
                  key, text, bus->kind == BUS_TCP ? "502" : "4001",
                  bus->kind == BUS_TCP ? tr(", the port may be left out") : "");
    }
}

/* A share of the bus: `5`, `5%` or `5 %`. */
static void
read_probe_share(struct reader *r, const struct node *n, struct bus *bus)
{
    const char *text = n->kind == NODE_SCALAR ? n->text : "";
    char number[24];
    double share;
    size_t size = strcspn(text, " %");
    const char *unit = text + size + strspn(text + size, " ");
    if (size < sizeof number && (unit[0] == '\0' || strcmp(unit, "%") == 0)) {
        memcpy(number, text, size);
        number[size] = '\0';
        if (number_parse_float(&share, number) && share >= probe_share_value.low &&
            share <= probe_share_value.high) {
            bus->probe_share = share;
            return;
        }
    }
    diags_add(r->diags, DIAG_ERROR, &n->loc, "\"probe_share\" is %s%.60s%s; %s",
              text[0] != 0 ? "\"" : node_kind_name(n), text, text[0] != 0 ? "\"" : "",
              tr(probe_share_percent.accepted));
}

/* An endpoint may describe the line behind it, beginning with how fast that is.  How
 * the line is driven is the gateway's business. */
static void
check_line_behind(struct reader *r, const struct node *n)
{
    static const char *const keys[] = {"parity", "stop_bits"};
    const struct node *key = node_get(n, "rs485");
    if (key != NULL) {
        diags_add(r->diags, DIAG_ERROR, &key->key_loc,
                  "\"rs485\" of a bus without \"rtu\"; only a serial line of this "
                  "machine has it, leave it out");
    }
    if (node_get(n, "baud") != NULL) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        key = node_get(n, keys[i]);
        if (key != NULL) {
            diags_add(r->diags, DIAG_ERROR, &key->key_loc,
                      "\"%s\" of a bus without \"rtu\"; it is accepted together with "
                      "\"baud\", to say how fast the line behind a gateway is",
                      keys[i]);
        }
    }
}

static void
read_bus(struct reader *r, const struct node *n, struct bus *bus)
{
    struct bus_yaml y = {0};
    fields_preset(r, &y, bus_fields, ARRAY_LEN(bus_fields));
    (void)fields_read(r, &y, n, "bus", bus_fields, ARRAY_LEN(bus_fields));
    y.id = y.id != NULL ? y.id : "";
    *bus = (struct bus){.id = y.id,
                        .name = y.name != NULL ? y.name : y.id,
                        .kind = BUS_TCP,
                        .host = "",
                        .baud = (int)y.baud,
                        .parity = "NEO"[y.parity],
                        .data_bits = 8,
                        .stop_bits = (int)y.stop_bits,
                        .rs485 = y.rs485 == 1 ? RS485_KERNEL : RS485_NONE,
                        .timeout_ms = y.timeout_ms,
                        .retries = (int)y.retries,
                        .probe_share = PROBE_SHARE_DEFAULT,
                        .connect_pause_ms = y.connect_pause_ms,
                        .device = NONE_INDEX,
                        .loc = n->loc};
    int kinds = (y.tcp != NULL) + (y.rtu != NULL) + (y.rtu_over_tcp != NULL);
    if (kinds != 1 && n->kind == NODE_MAP) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "bus \"%s\" has %s; exactly one of rtu: /dev/ttyS1, tcp: HOST:PORT, "
                  "rtu_over_tcp: HOST:PORT is accepted",
                  bus->id,
                  kinds == 0 ? tr("no line and no endpoint")
                             : tr("several lines or endpoints"));
    } else if (y.rtu != NULL) {
        bus->kind = BUS_RTU;
        bus->path = path_absolute_beside(r->arena, n->loc.file, y.rtu);
        if (y.baud > 0) {
            check_baud(r, n, y.baud);
        } else {
            bus->baud = BAUD_DEFAULT;
        }
    } else if (kinds == 1) {
        const char *key = y.tcp != NULL ? "tcp" : "rtu_over_tcp";
        read_endpoint(r, n, key, y.tcp != NULL ? y.tcp : y.rtu_over_tcp, bus);
        check_line_behind(r, n);
    }
    if (y.probe_share != NULL) {
        read_probe_share(r, y.probe_share, bus);
    }
    if (bus->timeout_ms == 0) {
        bus->timeout_ms = bus->kind == BUS_RTU ? 300 : 1000;
    }
}

/* Two owners of one serial line take each other's answers. */
static void
check_shared(struct reader *r, const struct bus *a, const struct bus *b)
{
    if (a->kind == BUS_RTU && b->kind == BUS_RTU && strcmp(a->path, b->path) == 0) {
        diags_add(
            r->diags, DIAG_ERROR, &b->loc,
            "bus \"%s\" uses %s as bus \"%s\" does, at %s:%u:%u; a line is one bus, "
            "put its devices on it",
            b->id, b->path, a->id, a->loc.file, a->loc.line, a->loc.column);
    }
    if (a->kind == b->kind && a->kind != BUS_RTU && a->host[0] != 0 &&
        a->port == b->port && strcmp(a->host, b->host) == 0) {
        diags_add(r->diags, DIAG_WARNING, &b->loc,
                  "bus \"%s\" is the same endpoint as bus \"%s\", at %s:%u:%u; many "
                  "gateways serve one connection only",
                  b->id, a->id, a->loc.file, a->loc.line, a->loc.column);
    }
}

void
buses_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_BUSES];
    site->buses = arena_array(r->arena, list->count + 1, sizeof *site->buses);
    for (uint32_t i = 0; i < list->count; i++) {
        struct bus *bus = &site->buses[site->bus_count];
        read_bus(r, list->items[i], bus);
        site->bus_count++;
        for (uint32_t k = 0; k < i; k++) {
            if (bus->id[0] != 0 && strcmp(site->buses[k].id, bus->id) == 0) {
                report_duplicate(r, "bus", bus->id, &bus->loc, &site->buses[k].loc);
                break;
            }
            check_shared(r, &site->buses[k], bus);
        }
    }
}
