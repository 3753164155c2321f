#include "tests/fake/fake_estate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 5000 /* A slave that is well answers by then on any machine. */

struct fake_estate *
fake_estate_new(void)
{
    struct fake_estate *e = calloc(1, sizeof *e);

    assert(e != NULL);
    e->site.id = "fake";
    e->site.buses = e->buses;
    e->site.devices = e->devices;
    e->site.points = e->points;
    e->site.gateway_device = NONE_INDEX;
    return e;
}

static struct bus *
add_bus(struct fake_estate *e, const char *id, enum bus_kind kind)
{
    assert(e->site.bus_count < FAKE_BUSES_MAX);
    struct bus *b = &e->buses[e->site.bus_count++];
    *b = (struct bus){
        .id = id, .kind = kind, .timeout_ms = TIMEOUT_MS, .device = NONE_INDEX};
    return b;
}

struct bus *
fake_estate_tcp(struct fake_estate *e, const char *id, uint16_t port)
{
    struct bus *b = add_bus(e, id, BUS_TCP);

    b->host = "127.0.0.1";
    b->port = port;
    return b;
}

struct bus *
fake_estate_rtu(struct fake_estate *e, const char *id, const char *path)
{
    struct bus *b = add_bus(e, id, BUS_RTU);
    char *copy = e->paths[b - e->buses];
    int length = snprintf(copy, sizeof e->paths[0], "%s", path);

    assert(length < (int)sizeof e->paths[0]);
    b->path = copy;
    b->baud = 115200;
    b->parity = 'N';
    b->data_bits = 8;
    b->stop_bits = 1;
    return b;
}

struct device *
fake_estate_device(struct fake_estate *e, const char *id, uint8_t unit, int64_t poll_ms)
{
    assert(e->site.device_count < FAKE_DEVICES_MAX);
    struct device *d = &e->devices[e->site.device_count++];
    *d = (struct device){.id = id,
                         .name = id,
                         .bus = e->site.bus_count - 1,
                         .unit = unit,
                         .parent = NONE_INDEX,
                         .poll_ms = poll_ms,
                         .limits = {.max_registers = 125, .max_bits = 2000},
                         .first_point = e->site.point_count};
    return d;
}

struct point *
fake_estate_point(struct fake_estate *e,
                  const char *id,
                  enum reg_table table,
                  uint16_t address,
                  enum value_type type)
{
    struct device *d = &e->devices[e->site.device_count - 1];

    assert(e->site.point_count < FAKE_POINTS_MAX);
    struct point *p = &e->points[e->site.point_count++];
    d->point_count++;
    *p = (struct point){.id = id,
                        .device = e->site.device_count - 1,
                        .table = table,
                        .address = address,
                        .type = type,
                        .scaling = {.mul = 1.0, .add = 0.0, .div = 1.0},
                        .decimals_from = NONE_INDEX,
                        .poll_ms = d->poll_ms};
    return p;
}
