#include "collectors/simulator_signal.h"

#include <math.h>

#include "daemon/model/counter.h"

/* The first step after `t_ms`. */
static uint32_t
step_after(const struct signal *s, int64_t t_ms)
{
    uint32_t low = 0, high = s->step_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (s->steps[middle].at_ms <= t_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static double
steps_value(const struct signal *s, int64_t t_ms)
{
    uint32_t next = step_after(s, t_ms);
    const struct signal_step *a, *b;

    if (next == 0) {
        return s->step_count > 0 ? s->steps[0].value : s->value;
    }
    a = &s->steps[next - 1];
    if (!s->interpolate || next == s->step_count) {
        return a->value;
    }
    b = &s->steps[next];
    return a->value + (b->value - a->value) * (double)(t_ms - a->at_ms) /
                          (double)(b->at_ms - a->at_ms);
}

static double
ramp_value(const struct signal *s, double seconds)
{
    double value = s->value + s->per_second * seconds;

    if (value < s->min) { /* Never true of a NaN. */
        value = s->min;
    }
    if (value > s->max) {
        value = s->max;
    }
    return value;
}

static double
counter_value(const struct signal *s, int64_t t_ms)
{
    uint32_t next = step_after(s, t_ms);
    const struct signal_step begin = {0, s->value};
    const struct signal_step *from = next > 0 ? &s->steps[next - 1] : &begin;

    return from->value + s->per_second * (double)(t_ms - from->at_ms) / 1000.0;
}

double
signal_value(const struct signal *s, int64_t t_ms)
{
    double seconds = (double)t_ms / 1000.0;

    switch (s->kind) {
    case SIGNAL_CONSTANT:
        break;
    case SIGNAL_SINE:
        if (s->period_ms > 0) {
            double turn = (double)(t_ms % s->period_ms) / (double)s->period_ms;

            return s->value + s->amplitude * sin(2.0 * M_PI * turn);
        }
        break;
    case SIGNAL_RAMP:
        return ramp_value(s, seconds);
    case SIGNAL_STEPS:
        return steps_value(s, t_ms);
    case SIGNAL_CSV:
        return steps_value(s, s->period_ms > 0 ? t_ms % s->period_ms : t_ms);
    case SIGNAL_COUNTER:
        return counter_value(s, t_ms);
    }
    return s->value;
}

double
signal_roll_over(const struct point *p, double value)
{
    const struct scaling *s = &p->scaling;
    bool is_signed = p->type == TYPE_S16 || p->type == TYPE_S32 || p->type == TYPE_S64;
    double span = counter_raw_values(p), raw, low;

    if (span == 0.0 || s->mul == 0.0 || s->div == 0.0) {
        return value;
    }
    raw = (value * s->div - s->add) / s->mul;
    low = is_signed ? -span / 2.0 : 0.0;
    if (raw >= low && raw < low + span) {
        return value; /* As it is, not as it comes back from the scale. */
    }
    raw -= span * floor((raw - low) / span);
    return (raw * s->mul + s->add) / s->div;
}

/* splitmix64. */
uint64_t
signal_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

double
signal_random_share(uint64_t *state)
{
    return (double)(signal_random(state) >> 11) * 0x1p-53;
}
