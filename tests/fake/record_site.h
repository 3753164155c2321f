/* A site for recorded traffic: a line "line" (rtu:/dev/ttyS1, 9600 8N1) and an endpoint
 * "net" (192.0.2.10:502).  Device "line-3" is unit 3 of the one, "net-3" of the other;
 * each has the points
 *
 *   0 level    holding 0  u16, with as many decimals as `places` says
 *   1 places   holding 1  u16
 *   2 power    holding 2  f32
 *   3 running  coil 3
 *   4 warm     input 1    s16, tenths, -40 to 100
 */
#ifndef CARETAKER_TESTS_FAKE_RECORD_SITE_H
#define CARETAKER_TESTS_FAKE_RECORD_SITE_H

#include "daemon/model/site.h"

#define RECORD_POINTS 5

/* All in the header, because fuzz targets link no fakes.  Returns owned: site_free().
 */
static inline struct site *
record_site_new(void)
{
    static const struct point points[RECORD_POINTS] = {
        {.id = "level", .table = REG_HOLDING, .address = 0, .type = TYPE_U16},
        {.id = "places", .table = REG_HOLDING, .address = 1, .type = TYPE_U16},
        {.id = "power", .table = REG_HOLDING, .address = 2, .type = TYPE_F32},
        {.id = "running", .table = REG_COIL, .address = 3, .type = TYPE_BOOL},
        {.id = "warm", .table = REG_INPUT, .address = 1, .type = TYPE_S16}};
    struct arena *a = arena_new();
    struct site *s = arena_alloc(a, sizeof *s);

    s->arena = a;
    s->id = s->name = "record";
    s->timezone = "UTC";
    s->buses = arena_array(a, 2, sizeof *s->buses);
    s->bus_count = 2;
    s->buses[0] = (struct bus){.id = "line",
                               .kind = BUS_RTU,
                               .path = "/dev/ttyS1",
                               .baud = 9600,
                               .parity = 'N',
                               .data_bits = 8,
                               .stop_bits = 1,
                               .timeout_ms = 300,
                               .retries = 1};
    s->buses[1] = (struct bus){.id = "net",
                               .kind = BUS_TCP,
                               .host = "192.0.2.10",
                               .port = 502,
                               .timeout_ms = 1000,
                               .retries = 1};
    s->devices = arena_array(a, 2, sizeof *s->devices);
    s->points = arena_array(a, 2 * (size_t)RECORD_POINTS, sizeof *s->points);
    for (uint32_t d = 0; d < 2; d++) {
        s->devices[s->device_count++] =
            (struct device){.id = d == 0 ? "line-3" : "net-3",
                            .type = "pump",
                            .bus = d,
                            .unit = 3,
                            .poll_ms = 1000,
                            .first_point = s->point_count,
                            .point_count = RECORD_POINTS};
        for (uint32_t p = 0; p < RECORD_POINTS; p++) {
            struct point *point = &s->points[s->point_count++];

            *point = points[p];
            point->device = d;
            point->poll_ms = 1000;
            point->scaling = (struct scaling){1, 0, p == 4 ? 10 : 1};
            point->decimals_from = p == 0 ? s->point_count : NONE_INDEX;
            point->has_range = p == 4;
            point->range_min = -40;
            point->range_max = 100;
        }
    }
    return s;
}

#endif
