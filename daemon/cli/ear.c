#include "daemon/cli/ear.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collectors/serial.h"
#include "daemon/base/catalogue.h"
#include "daemon/cli/stop.h"

#define CHUNK_BYTES   1024
#define TAP_PERIOD_MS 200 /* The daemon keeps what passes meanwhile. */

struct ear {
    struct arena *arena;
    struct bus bus;
    struct cli_owner owner; /* With the daemon's tap, or a bus of the site. */
    bool tapped;
    uint64_t cursor, dropped;
    int port, signals;
    int64_t base_us; /* UTC minus monotonic, at the start. */
};

static int64_t
clock_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
ear_now_us(const struct ear *e)
{
    return clock_us(CLOCK_MONOTONIC) + e->base_us;
}

void
ear_announce(const struct ear *e)
{
    char text[BUS_TEXT_BYTES];
    fprintf(stderr, tr("listening on %s%s%s; Ctrl-C ends it\n"),
            bus_describe(text, &e->bus),
            e->tapped ? tr(" through the daemon, bus ") : "",
            e->tapped ? e->bus.id : "");
}

/* Which bus is meant, and who owns it. */
static int
choose(struct ear *e, const char *site_file, const char *text, struct err *err)
{
    if (strchr(text, ':') == NULL) {
        struct err why = {0};
        if (cli_owner_of_bus(&e->owner, site_file, text, &e->tapped, &why) != 0) {
            return err_set(err, why.code,
                           "\"%s\" is no bus: %s; rtu:PATH[,BAUD,8N1], the id of a bus "
                           "of the site, or (sniff) a file is accepted",
                           text, why.text);
        }
        e->bus = e->owner.site->buses[e->owner.bus];
    } else {
        if (bus_parse(&e->bus, e->arena, text, err) != 0) {
            return err->code;
        }
        e->tapped = cli_owner_find(&e->owner, site_file, &e->bus);
        if (e->tapped) {
            e->bus = e->owner.site->buses[e->owner.bus]; /* As it is set in truth. */
        }
    }
    if (!e->tapped && e->bus.kind != BUS_RTU) {
        return err_set(
            err, ERR_IO,
            "%s: nobody can listen to a connection of others; a serial line, "
            "or the bus of a running daemon by its id",
            text);
    }
    return 0;
}

int
ear_open(struct ear **out, const char *site_file, const char *text, struct err *err)
{
    struct ear *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return err_set(err, ERR_NOMEM, "%s", text);
    }
    e->port = e->signals = -1;
    e->owner.bus = NONE_INDEX;
    e->arena = arena_new();
    e->base_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
    int code = choose(e, site_file, text, err);
    if (code == 0) {
        code = stop_open(&e->signals, err);
    }
    if (code == 0 && !e->tapped) {
        code = serial_open(&e->port, &e->bus, err);
    }
    if (code != 0) {
        ear_close(e);
        return code;
    }
    *out = e;
    return 0;
}

void
ear_close(struct ear *e)
{
    if (e == NULL) {
        return;
    }
    if (e->port >= 0) {
        serial_close(e->port);
    }
    if (e->signals >= 0) {
        close(e->signals);
    }
    cli_owner_fini(&e->owner);
    arena_free(e->arena);
    free(e);
}

const struct bus *
ear_bus(const struct ear *e)
{
    return &e->bus;
}

const char *
ear_bus_id(const struct ear *e)
{
    return e->owner.site != NULL ? e->bus.id : "";
}

bool
ear_is_daemon(const struct ear *e)
{
    return e->tapped;
}

enum traffic_framing
ear_framing(const struct ear *e)
{
    return e->bus.kind == BUS_TCP ? TRAFFIC_TCP : TRAFFIC_RTU;
}

uint64_t
ear_dropped(const struct ear *e)
{
    return e->dropped;
}

static size_t
bytes_of(uint8_t *out, size_t max, const char *hex)
{
    size_t size = 0;
    unsigned byte = 0;
    while (size < max && sscanf(hex + 2 * size, "%2x", &byte) == 1) {
        out[size++] = (uint8_t)byte;
    }
    return size;
}

/* What the daemon has kept since the last time. */
static int
hear_tap(struct ear *e, ear_fn tell, void *ctx, struct err *err)
{
    struct strbuf path = {0};
    struct strbuf answer = {0};
    strbuf_add(&path, "/api/v1/wire");
    cli_query(&path, "bus", e->bus.id);
    strbuf_printf(&path, "&cursor=%llu", (unsigned long long)e->cursor);
    int code =
        cli_ask(e->owner.site->data_dir, "GET", strbuf_text(&path), NULL, &answer, err);
    json_t *root = code == 0 ? json_loads(strbuf_text(&answer), 0, NULL) : NULL;
    if (code == 0 && !json_is_integer(json_object_get(root, "cursor"))) {
        code = err_set(err, ERR_IO, "the daemon's answer is incomplete");
    }
    if (code == 0) {
        size_t i = 0;
        json_t *record = NULL;
        e->cursor = (uint64_t)json_integer_value(json_object_get(root, "cursor"));
        e->dropped += (uint64_t)json_integer_value(json_object_get(root, "dropped"));
        json_array_foreach(json_object_get(root, "records"), i, record)
        {
            uint8_t bytes[TRAFFIC_TCP_BYTES_MAX];
            const char *hex = json_string_value(json_object_get(record, "bytes"));
            size_t size = bytes_of(bytes, sizeof bytes, hex != NULL ? hex : "");
            tell(ctx,
                 json_is_true(json_object_get(record, "sent")) ? TRAFFIC_SENT
                                                               : TRAFFIC_RECEIVED,
                 json_integer_value(json_object_get(record, "t_us")), bytes, size);
        }
    }
    json_decref(root);
    strbuf_fini(&path);
    strbuf_fini(&answer);
    return code;
}

static int
hear_port(struct ear *e, ear_fn tell, void *ctx, struct err *err)
{
    uint8_t bytes[CHUNK_BYTES];
    ssize_t size = read(e->port, bytes, sizeof bytes);
    int64_t now_us = ear_now_us(e);
    if (size > 0) {
        tell(ctx, TRAFFIC_UNKNOWN, now_us, bytes, (size_t)size);
        return 0;
    }
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return err_set(err, ERR_IO, "%s: the port is gone%s%s", e->bus.path,
                   size < 0 ? ": " : "", size < 0 ? err_reason(errno) : "");
}

int
ear_hear(struct ear *e, int timeout_ms, ear_fn tell, void *ctx, struct err *err)
{
    struct pollfd fds[] = {{.fd = e->signals, .events = POLLIN},
                           {.fd = e->port, .events = POLLIN}};
    if (e->tapped) {
        int code = hear_tap(e, tell, ctx, err);
        if (code != 0) {
            return code;
        }
        timeout_ms = timeout_ms < TAP_PERIOD_MS ? timeout_ms : TAP_PERIOD_MS;
    }
    if (poll(fds, ARRAY_LEN(fds), timeout_ms) < 0 && errno != EINTR) {
        return err_set(err, ERR_IO, "poll: %s", err_reason(errno));
    }
    if (fds[0].revents != 0) {
        return 0;
    }
    if (fds[1].revents != 0) {
        int code = hear_port(e, tell, ctx, err);
        if (code != 0) {
            return code;
        }
    }
    return 1;
}
