/* A site of some devices that are all alike, "d-00" and so on, for tests of the
 * history. */
#ifndef CARETAKER_TESTS_FAKE_SMALL_PLANT_H
#define CARETAKER_TESTS_FAKE_SMALL_PLANT_H

#include <stdint.h>

#include "daemon/model/site.h"

#define SMALL_PLANT_DEVICES 16
#define SMALL_PLANT_POINTS  8 /* Of a device. */

struct small_plant {
    struct device devices[SMALL_PLANT_DEVICES];
    struct point points[SMALL_PLANT_DEVICES * SMALL_PLANT_POINTS];
    char ids[SMALL_PLANT_DEVICES][8];
    struct site site; /* Of all of them; the history's keys are the test's. */
};

/* `point_ids` are borrowed, in order. */
void small_plant_make(struct small_plant *p,
                      uint32_t devices,
                      uint32_t points,
                      const char *const *point_ids);

#endif
