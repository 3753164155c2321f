/* Points whose samples the daemon makes itself: what it knows of a device that it
 * polls, of a line, and of the machine that it runs on. */
#include "config/load.h"

#define DERIVED_POLL_MS MS_MINUTE /* For people and trends; rules have `online`. */

static const struct point_spec polled_points[] = {
    {.point = {.id = "errors",
               .type = TYPE_F64,
               .kind = POINT_COUNTER,
               .derived = DERIVED_ERRORS,
               .poll_ms = DERIVED_POLL_MS}},
    {.point = {.id = "latency",
               .type = TYPE_F64,
               .unit = "ms",
               .derived = DERIVED_LATENCY,
               .poll_ms = DERIVED_POLL_MS}},
    {.point = {.id = "online",
               .type = TYPE_BOOL,
               .kind = POINT_STATE,
               .derived = DERIVED_ONLINE,
               .poll_ms = DERIVED_POLL_MS}},
};

static const struct point_spec bus_points[] = {
    {.point = {.id = "errors", .type = TYPE_F64, .kind = POINT_COUNTER}},
    {.point = {.id = "late", .type = TYPE_F64, .unit = "%"}},
    {.point = {.id = "load", .type = TYPE_F64, .unit = "%"}},
    {.point = {.id = "online", .type = TYPE_BOOL, .kind = POINT_STATE}},
    {.point = {.id = "quarantined", .type = TYPE_F64}},
};

static const struct point_spec gateway_points[] = {
    {.point = {.id = "clock_trusted", .type = TYPE_BOOL, .kind = POINT_STATE}},
    {.point = {.id = "disk_free", .type = TYPE_F64, .unit = "MB"}},
    {.point = {.id = "frames_dropped", .type = TYPE_F64, .kind = POINT_COUNTER}},
    {.point = {.id = "history_damaged", .type = TYPE_F64}},
    {.point = {.id = "history_full", .type = TYPE_BOOL, .kind = POINT_STATE}},
    {.point = {.id = "memory", .type = TYPE_F64, .unit = "MB"}},
    {.point = {.id = "outbox_depth", .type = TYPE_F64}},
    {.point = {.id = "papers_due", .type = TYPE_F64}},
    {.point = {.id = "papers_over", .type = TYPE_F64}},
};

#define MADE(table)                                                                    \
    (struct made_points)                                                               \
    {                                                                                  \
        (table), ARRAY_LEN(table)                                                      \
    }

struct made_points
points_made_for(enum device_role role)
{
    switch (role) {
    case DEVICE_BUS:
        return MADE(bus_points);
    case DEVICE_GATEWAY:
        return MADE(gateway_points);
    case DEVICE_EQUIPMENT:
        break;
    }
    return MADE(polled_points);
}
