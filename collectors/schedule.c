/* When a group of points is due. */
#include "collectors/schedule.h"

#include <assert.h>
#include <math.h>

#define FIRST_WITHIN_US 1000000

static int64_t
on_beat(double us, int64_t beat_us)
{
    int64_t whole = (int64_t)us;

    return whole - whole % beat_us;
}

void
schedule_init(struct schedule *s,
              int64_t start_us,
              struct schedule_place place,
              int64_t base_us,
              int64_t period_us)
{
    int64_t first_us = base_us < FIRST_WITHIN_US ? base_us : FIRST_WITHIN_US;
    int64_t turns = period_us / base_us;

    assert(base_us > 0);
    assert(period_us >= base_us);
    assert(place.share >= 0.0 && place.share < 1.0);
    assert(place.beat_us > 0);
    s->period_us = period_us;
    /* Slow groups fall together with a poll of the fast one, each device on a turn of
     * its own. */
    s->grid_us = start_us + on_beat(place.share * (double)base_us, place.beat_us) +
                 (place.turn % turns) * base_us;
    s->due_us = start_us + on_beat(place.share * (double)first_us, place.beat_us);
}

void
schedule_next(struct schedule *s)
{
    int64_t turns = (s->due_us - s->grid_us) / s->period_us;
    int64_t due_us = s->grid_us + turns * s->period_us; /* Rounded towards the grid. */

    while (due_us <= s->due_us) {
        due_us += s->period_us;
    }
    while (due_us - s->period_us > s->due_us) {
        due_us -= s->period_us;
    }
    s->due_us = due_us;
}

double
schedule_spread(uint32_t index)
{
    const double golden = 0.6180339887498949;

    return fmod((double)index * golden, 1.0);
}
