/* A site built by hand, for tests that need buses and points without YAML. */
#ifndef CARETAKER_TESTS_FAKE_FAKE_ESTATE_H
#define CARETAKER_TESTS_FAKE_FAKE_ESTATE_H

#include "daemon/model/site.h"

#define FAKE_BUSES_MAX   32
#define FAKE_DEVICES_MAX 128
#define FAKE_POINTS_MAX  4096

/* Room for the maxima above; strings but paths must outlive it. */
struct fake_estate {
    struct site site;
    struct bus buses[FAKE_BUSES_MAX];
    char paths[FAKE_BUSES_MAX][64];
    struct device devices[FAKE_DEVICES_MAX];
    struct point points[FAKE_POINTS_MAX];
};

struct fake_estate *fake_estate_new(void); /* Returns owned; free() it. */

/* Timeout 200 ms, no retries; change it in the returned bus. */
struct bus *fake_estate_tcp(struct fake_estate *e, const char *id, uint16_t port);
struct bus *fake_estate_rtu(struct fake_estate *e, const char *id, const char *path);
/* On the bus added last, polled each `poll_ms`, with the protocol's own limits. */
struct device *fake_estate_device(struct fake_estate *e,
                                  const char *id,
                                  uint8_t unit,
                                  int64_t poll_ms);
/* Of the device added last; scale 1. */
struct point *fake_estate_point(struct fake_estate *e,
                                const char *id,
                                enum reg_table table,
                                uint16_t address,
                                enum value_type type);

#endif
