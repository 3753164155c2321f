/* Points whose samples the daemon makes itself: what it knows of a device that it
 * polls, of a line, and of the machine that it runs on. */
#include "config/load.h"
#include "daemon/base/catalogue.h"

#define DERIVED_POLL_MS MS_MINUTE /* For people and trends; rules have `online`. */

static const struct point_spec polled_points[] = {
    {.point = {.id = "errors",
               .title = {{N_("Errors on the wire")}},
               .type = TYPE_F64,
               .kind = POINT_COUNTER,
               .derived = DERIVED_ERRORS,
               .poll_ms = DERIVED_POLL_MS}},
    {.point = {.id = "latency",
               .title = {{N_("Response time")}},
               .type = TYPE_F64,
               .unit = "ms",
               .derived = DERIVED_LATENCY,
               .poll_ms = DERIVED_POLL_MS}},
    {.point = {.id = "online",
               .title = {{N_("Online")}},
               .type = TYPE_BOOL,
               .kind = POINT_STATE,
               .derived = DERIVED_ONLINE,
               .poll_ms = DERIVED_POLL_MS}},
};

static const struct point_spec bus_points[] = {
    {.point = {.id = "errors",
               .title = {{N_("Errors on the wire")}},
               .type = TYPE_F64,
               .kind = POINT_COUNTER}},
    {.point =
         {.id = "late", .title = {{N_("Late polls")}}, .type = TYPE_F64, .unit = "%"}},
    {.point =
         {.id = "load", .title = {{N_("Bus load")}}, .type = TYPE_F64, .unit = "%"}},
    {.point = {.id = "online",
               .title = {{N_("Online")}},
               .type = TYPE_BOOL,
               .kind = POINT_STATE}},
    {.point = {.id = "quarantined",
               .title = {{N_("Devices in quarantine")}},
               .type = TYPE_F64}},
};

static const struct point_spec gateway_points[] = {
    {.point = {.id = "clock_trusted",
               .title = {{N_("Clock trusted")}},
               .type = TYPE_BOOL,
               .kind = POINT_STATE}},
    {.point = {.id = "disk_free",
               .title = {{N_("Free disk space")}},
               .type = TYPE_F64,
               .unit = "MB"}},
    {.point = {.id = "frames_dropped",
               .title = {{N_("Frames dropped")}},
               .type = TYPE_F64,
               .kind = POINT_COUNTER}},
    {.point = {.id = "history_damaged",
               .title = {{N_("Damaged parts of the history")}},
               .type = TYPE_F64}},
    {.point = {.id = "history_full",
               .title = {{N_("History full")}},
               .type = TYPE_BOOL,
               .kind = POINT_STATE}},
    {.point = {.id = "memory",
               .title = {{N_("Memory used")}},
               .type = TYPE_F64,
               .unit = "MB"}},
    {.point = {.id = "outbox_depth",
               .title = {{N_("Messages to be sent")}},
               .type = TYPE_F64}},
    {.point = {.id = "papers_due",
               .title = {{N_("Papers that run out soon")}},
               .type = TYPE_F64}},
    {.point = {.id = "papers_over",
               .title = {{N_("Papers that have run out")}},
               .type = TYPE_F64}},
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

void
point_made_title(struct point *p)
{
    const char *english = p->title.in[LANGUAGE_EN];
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        p->title.in[i] = tr_in((enum language)i, english);
    }
}
