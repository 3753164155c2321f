/* Sensors of a plant, made up: what the history's benches store and measure, the same
 * for us and for other databases.  The same seed and device give the same samples.
 *
 * A device is a machine that runs and rests.  Its 20 points follow it as the real ones
 * do: what a 16- or 32-bit register of such a transmitter gives, noise included. */
#ifndef CARETAKER_TESTS_FAKE_MIXED_SERIES_H
#define CARETAKER_TESTS_FAKE_MIXED_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#define MIXED_POINTS    20   /* Of a device. */
#define MIXED_DEVICES   10   /* That make the 200 series of the bench. */
#define MIXED_PERIOD_MS 1000 /* Between two polls. */
#define MIXED_JITTER_MS 10   /* A poll is 0..this late, uniformly. */
#define MIXED_SECONDS   (6 * 3600)
#define MIXED_START_MS  INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define MIXED_BUMPS     3 /* Slow movements that add up to a weather. */

enum mixed_kind {
    MIXED_TEMPERATURE, /* s16, 0.1 degrees */
    MIXED_VIBRATION,   /* u16, 0.01 mm/s */
    MIXED_VOLTAGE,     /* u16, 0.1 V */
    MIXED_PRESSURE,    /* u16, 0.001 MPa */
    MIXED_STATE,       /* a bit */
    MIXED_COUNTER,     /* u32, 0.01 kWh or 0.01 m3 */
    MIXED_KINDS
};

struct mixed_point {
    const char *id;
    enum mixed_kind kind;
    double div; /* value = raw / div */
};
/* In the order of a frame: by id. */
extern const struct mixed_point mixed_points[MIXED_POINTS];
const char *mixed_kind_name(enum mixed_kind k);

struct mixed_device {
    uint64_t random;
    int64_t second; /* Of the next poll, since the start. */
    bool running;
    int64_t change_at;         /* The second at which it starts or stops. */
    int64_t valve_at, door_at; /* The same of its valve; of a door that is opened. */
    bool valve, door;
    double ambient_phase;
    double heat;                     /* 0..1, follows `running` slowly. */
    double speed;                    /* 0..1, follows it in seconds. */
    double grid[MIXED_BUMPS];        /* V, of the mains: slow, common to phases. */
    double character[MIXED_POINTS];  /* What sets one sensor off from another. */
    double drift[MIXED_POINTS];      /* Slow wandering of one quantity. */
    double last_noise[MIXED_POINTS]; /* Noise that is not white. */
    double energy, volume;           /* What the counters have counted. */
};

void mixed_device_init(struct mixed_device *d, uint64_t seed, uint32_t device);
/* The next poll: its time and what the registers hold.  value = raw / div. */
void mixed_device_next(struct mixed_device *d, int64_t *t_ms, int32_t *raw);

/* Uniform 64 bits; noise of mean 0 and deviation 1, never beyond 6. */
uint64_t mixed_random(uint64_t *state);
double mixed_noise(uint64_t *state);

#endif
