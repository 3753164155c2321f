#include "tests/fake/small_plant.h"

#include <assert.h>
#include <stdio.h>

void
small_plant_make(struct small_plant *p,
                 uint32_t devices,
                 uint32_t points,
                 const char *const *point_ids)
{
    assert(devices <= SMALL_PLANT_DEVICES && points <= SMALL_PLANT_POINTS);
    for (uint32_t i = 0; i < devices; i++) {
        snprintf(p->ids[i], sizeof p->ids[i], "d-%02u", i % 100);
        p->devices[i] = (struct device){
            .id = p->ids[i], .first_point = i * points, .point_count = points};
        for (uint32_t k = 0; k < points; k++) {
            p->points[i * points + k] = (struct point){.id = point_ids[k], .device = i};
        }
    }
    p->site = (struct site){.devices = p->devices,
                            .device_count = devices,
                            .points = p->points,
                            .point_count = devices * points};
}
