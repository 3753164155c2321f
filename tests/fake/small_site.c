#include "tests/fake/small_site.h"

static struct device devices[SMALL_SITE_DEVICES] = {
    [LIFT_1] = {.id = "lift-1", .name = "Lift 1", .type = "elevator"},
    [PUMP_1] = {.id = "pump-1", .name = "1# 生活水泵", .type = "pump"},
    [PUMP_2] = {.id = "pump-2", .name = "Pump 2", .type = "pump"},
};

static struct rule_spec rules[SMALL_SITE_RULES] = {
    [BEARING_HOT] = {.id = "bearing-hot",
                     .respond_within_ms = 10 * MINUTE,
                     .team = "mechanical",
                     .verify_for_ms = 30 * MINUTE,
                     .follow_up_ms = 7 * DAY},
    [DRY_RUN] = {.id = "dry-run", .verify_for_ms = 5 * MINUTE, .follow_up_ms = 2 * DAY},
    [LOCKED] = {.id = "locked",
                .group = "trip",
                .verify_for_ms = 5 * MINUTE,
                .follow_up_ms = 2 * DAY},
    [TRIPPED] = {.id = "tripped",
                 .group = "trip",
                 .verify_for_ms = 5 * MINUTE,
                 .follow_up_ms = 2 * DAY},
    [VIBRATION] = {.id = "vibration",
                   .verify_for_ms = 5 * MINUTE,
                   .follow_up_ms = 7 * DAY},
};

static const struct site site = {
    .id = "small",
    .name = "Small",
    .devices = devices,
    .device_count = SMALL_SITE_DEVICES,
    .rules = rules,
    .rule_count = SMALL_SITE_RULES,
    .promises = {[SEVERITY_NORMAL] = {2 * HOUR, 24 * HOUR},
                 [SEVERITY_URGENT] = {30 * MINUTE, 2 * HOUR},
                 [SEVERITY_CRITICAL] = {15 * MINUTE, 30 * MINUTE}},
    .verify_for_ms = 30 * MINUTE,
    .follow_up_ms = 7 * DAY,
};

const struct site *
small_site(void)
{
    return &site;
}
