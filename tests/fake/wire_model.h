/* A bus in virtual time, for tests of the poller: units that answer, are silent, refuse
 * and drop as told; the clock moves by what each exchange takes on the wire. */
#ifndef CARETAKER_TESTS_FAKE_WIRE_MODEL_H
#define CARETAKER_TESTS_FAKE_WIRE_MODEL_H

#include "collectors/decoders.h"
#include "collectors/poller.h"
#include "tests/fake/fake_estate.h"

#define MODEL_UNITS      256
#define MODEL_NETWORK_US 200 /* There and back, on TCP. */

struct model_unit {
    bool dead;
    int64_t think_us;
    enum wire_fault fault; /* Not WIRE_OK: what its answers are like. */
    uint8_t exception;     /* Not 0: all that it says. */
    int exceptions_left;   /* So often; negative: always. */
    int bad_from, bad_to;  /* Registers that it refuses with exception 2; -1: none. */
    int mute;    /* A request that touches this register gets no answer; -1. */
    int longest; /* Registers that it gives at once; 0: as many as asked. */
    int drops;   /* So many questions lose the connection. */
    uint32_t asked, answered;
    int64_t last_asked_us;
};

/* What the frames of a device said. */
struct model_device {
    uint32_t frames;
    uint32_t by_quality[QUALITY_COUNT]; /* Readings. */
    uint32_t good_frames;               /* With a good reading. */
    int64_t last_frame_ms, last_good_ms;
    struct reading last[64]; /* By point from the device's first. */
    bool seen[64];
};

struct model {
    struct fake_estate *estate;
    struct ring *ring;
    struct decoders decoders;
    struct device_stats *stats;
    struct bus_stats bus;
    struct poller *poller;
    int64_t now_us;
    int64_t busy_us; /* Of the wire, in all. */
    struct model_unit units[MODEL_UNITS];
    struct model_device devices[FAKE_DEVICES_MAX];
};

/* A serial line of 9600 8N1, or an endpoint that is a network device or does not say
 * what is behind it; devices are added to m->estate. */
void model_init(struct model *m, enum bus_kind kind);
/* An endpoint that says what is behind it: a line of 9600 8E1. */
void model_init_gateway(struct model *m, enum bus_kind kind);
void model_start(struct model *m); /* The devices are complete: makes the poller. */
void model_fini(struct model *m);
/* Forgets what frames and units counted. */
void model_forget(struct model *m);

/* Lets time pass until `until_us` after the start. */
void model_run(struct model *m, int64_t until_us);
void model_line(struct model *m, enum line_state state);
/* The value that register `address` of `unit` holds. */
uint16_t model_value(uint8_t unit, unsigned address);

#endif
