#include "tests/fake/mixed_series.h"

#include <math.h>

#define POINT_DOOR    0 /* In mixed_points. */
#define POINT_ENERGY  1
#define POINT_RUNNING 5
#define DAY_S         86400.0
#define UNIFORM_SCALE (1.0 / 9007199254740992.0) /* 53 bits to [0, 1). */

const struct mixed_point mixed_points[MIXED_POINTS] = {
    {"door", MIXED_STATE, 1},
    {"energy", MIXED_COUNTER, 100},
    {"pressure_in", MIXED_PRESSURE, 1000},
    {"pressure_oil", MIXED_PRESSURE, 1000},
    {"pressure_out", MIXED_PRESSURE, 1000},
    {"running", MIXED_STATE, 1},
    {"temp_ambient", MIXED_TEMPERATURE, 10},
    {"temp_bearing_de", MIXED_TEMPERATURE, 10},
    {"temp_bearing_nde", MIXED_TEMPERATURE, 10},
    {"temp_medium", MIXED_TEMPERATURE, 10},
    {"temp_winding", MIXED_TEMPERATURE, 10},
    {"valve", MIXED_STATE, 1},
    {"vibration_de_h", MIXED_VIBRATION, 100},
    {"vibration_de_v", MIXED_VIBRATION, 100},
    {"vibration_nde_h", MIXED_VIBRATION, 100},
    {"vibration_nde_v", MIXED_VIBRATION, 100},
    {"voltage_l1", MIXED_VOLTAGE, 10},
    {"voltage_l2", MIXED_VOLTAGE, 10},
    {"voltage_l3", MIXED_VOLTAGE, 10},
    {"volume", MIXED_COUNTER, 100},
};

/* What a point rests at, what running adds, how fast it wanders and its noise, in its
 * own unit. */
static const struct shape {
    double rest, run, drift, noise, colour;
} shapes[MIXED_KINDS] = {
    [MIXED_TEMPERATURE] = {24, 32, 0.004, 0.045, 0.6},
    [MIXED_VIBRATION] = {0.05, 2.2, 0.0015, 0.025, 0.4},
    [MIXED_VOLTAGE] = {229, -1.5, 0.01, 0.22, 0.0},
    [MIXED_PRESSURE] = {0.21, 0.24, 0.0001, 0.0014, 0.5},
};

uint64_t
mixed_random(uint64_t *state)
{
    /* splitmix64, by Sebastiano Vigna. */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double
uniform(uint64_t *state)
{
    return (double)(mixed_random(state) >> 11) * UNIFORM_SCALE;
}

double
mixed_noise(uint64_t *state)
{
    /* Twelve uniform numbers: only sums, so that every machine makes the same. */
    double sum = 0;
    for (int draw = 0; draw < 3; draw++) {
        uint64_t bits = mixed_random(state);
        for (int i = 0; i < 4; i++) {
            sum += (double)(bits >> (16 * i) & 0xffff) + 0.5;
        }
    }
    return sum / 65536.0 - 6.0;
}

const char *
mixed_kind_name(enum mixed_kind k)
{
    static const char *const names[MIXED_KINDS] = {
        "temperature", "vibration", "voltage", "pressure", "state", "counter"};
    return names[k];
}

void
mixed_device_init(struct mixed_device *d, uint64_t seed, uint32_t device)
{
    *d = (struct mixed_device){.random = seed * 1000003 + device};
    d->running = device % 3 != 2;
    d->change_at = 300 + (int64_t)(uniform(&d->random) * 3000);
    d->valve_at = (int64_t)(uniform(&d->random) * 900);
    d->door_at = (int64_t)(uniform(&d->random) * 20000);
    d->ambient_phase = uniform(&d->random);
    d->heat = d->running ? 0.8 : 0.1;
    d->speed = d->running;
    d->energy = uniform(&d->random) * 4e6;
    d->volume = uniform(&d->random) * 9e6;
    for (int i = 0; i < MIXED_POINTS; i++) {
        d->character[i] = 0.75 + 0.5 * uniform(&d->random);
    }
}

/* Starts and stops, valves and doors. */
static void
step_states(struct mixed_device *d)
{
    if (d->second >= d->change_at) {
        d->running = !d->running;
        double mean = d->running ? 2400 : 900;
        d->change_at = d->second + 60 + (int64_t)(mean * 2 * uniform(&d->random));
    }
    if (d->second >= d->valve_at) {
        d->valve = !d->valve;
        d->valve_at = d->second + 20 + (int64_t)(600 * uniform(&d->random));
    }
    if (d->second >= d->door_at) {
        d->door = !d->door;
        d->door_at =
            d->second + (int64_t)((d->door ? 120 : 14400) * uniform(&d->random));
    }
    d->heat += ((d->running ? 1 : 0) - d->heat) / 1200.0;
    d->speed += ((d->running ? 1 : 0) - d->speed) / 4.0;
    for (int i = 0; i < MIXED_BUMPS; i++) {
        double pull = i == 0 ? 1.0 / 1800 : i == 1 ? 1.0 / 120 : 1.0 / 10;
        d->grid[i] +=
            -d->grid[i] * pull + mixed_noise(&d->random) * 0.6 * sqrt(2 * pull);
    }
}

static double
analogue(struct mixed_device *d, int i)
{
    enum mixed_kind kind = mixed_points[i].kind;
    const struct shape *s = &shapes[kind];
    double character = d->character[i];
    double noise = s->noise * character;
    double follows = kind == MIXED_TEMPERATURE ? d->heat : d->speed;
    double value = s->rest + s->run * character * follows;

    d->drift[i] += mixed_noise(&d->random) * s->drift - d->drift[i] / 3000;
    d->last_noise[i] = s->colour * d->last_noise[i] +
                       sqrt(1 - s->colour * s->colour) * mixed_noise(&d->random);
    if (kind == MIXED_VOLTAGE) {
        value += d->grid[0] + d->grid[1] * 0.5 + d->grid[2] * 0.2;
    } else if (kind == MIXED_TEMPERATURE) {
        double day = (double)d->second / DAY_S + d->ambient_phase;
        value += 3 * sin(6.283185307179586 * day);
    } else if (kind == MIXED_VIBRATION || kind == MIXED_PRESSURE) {
        noise *= 0.1 + 0.9 * d->speed; /* What stands still is quiet. */
    }
    return value + d->drift[i] + d->last_noise[i] * noise;
}

/* Counted in hundredths of a unit; a register of 32 bits begins again at 0. */
static int32_t
counter(struct mixed_device *d, int i)
{
    double load = d->speed * d->character[i];
    if (i == POINT_ENERGY) {
        d->energy += load * (0.42 + 0.01 * mixed_noise(&d->random));
        return (int32_t)d->energy;
    }
    d->volume += load * (1.4 + 0.05 * mixed_noise(&d->random));
    return (int32_t)d->volume;
}

void
mixed_device_next(struct mixed_device *d, int64_t *t_ms, int32_t *raw)
{
    step_states(d);
    *t_ms = MIXED_START_MS + d->second * MIXED_PERIOD_MS +
            (int64_t)(mixed_random(&d->random) % (MIXED_JITTER_MS + 1));
    for (int i = 0; i < MIXED_POINTS; i++) {
        if (mixed_points[i].kind == MIXED_COUNTER) {
            raw[i] = counter(d, i);
        } else if (mixed_points[i].kind == MIXED_STATE) {
            raw[i] = i == POINT_DOOR      ? d->door
                     : i == POINT_RUNNING ? d->running
                                          : d->valve;
        } else {
            double scaled = rint(analogue(d, i) * mixed_points[i].div);
            raw[i] = scaled < 0 && mixed_points[i].kind != MIXED_TEMPERATURE
                         ? 0
                         : (int32_t)scaled;
        }
    }
    d->second++;
}
