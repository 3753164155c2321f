/* A site for logs: devices d0, d1, ... (sorted by id) with points p0000, p0001, ...,
 * and a `running` of type bool last in each. */
#ifndef CARETAKER_TESTS_FAKE_LOG_SITE_H
#define CARETAKER_TESTS_FAKE_LOG_SITE_H

#include <assert.h>

#include "daemon/model/site.h"

/* All in the header, because fuzz targets link no fakes.  `devices` at most 10,
 * `points` at most 1023 a device.  Returns owned: site_free(). */
static inline struct site *
log_site_new(uint32_t devices, uint32_t points)
{
    struct arena *a = arena_new();
    struct site *s = arena_alloc(a, sizeof *s);

    assert(devices <= 10); /* So that the ids sort as the numbers do. */
    assert(points < DEVICE_POINTS_MAX);
    s->arena = a;
    s->id = "log";
    s->timezone = "UTC";
    s->devices = arena_array(a, devices, sizeof *s->devices);
    s->points = arena_array(a, (size_t)devices * (points + 1), sizeof *s->points);
    for (uint32_t d = 0; d < devices; d++) {
        struct device *device = &s->devices[s->device_count++];

        device->id = device->name = arena_printf(a, "d%u", d);
        device->type = "pump";
        device->bus = NONE_INDEX;
        device->first_point = s->point_count;
        device->point_count = points + 1;
        for (uint32_t p = 0; p <= points; p++) {
            struct point *point = &s->points[s->point_count++];

            point->id = p < points ? arena_printf(a, "p%04u", p) : "running";
            point->device = d;
            point->table = p < points ? REG_INPUT : REG_DISCRETE;
            point->type = p < points ? TYPE_F32 : TYPE_BOOL;
            point->scaling = (struct scaling){1, 0, 1};
            point->decimals_from = NONE_INDEX;
        }
    }
    return s;
}

#endif
