/* When a group of points is due. */
#include "collectors/schedule.h"

#include <assert.h>

#define FIRST_WITHIN_MS 1000
/* Polls begin on a common beat.  To wake up for each of many devices would cost more
 * than to poll them. */
#define BEAT_MS 100

static int64_t
on_beat(int64_t ms)
{
    return ms - ms % BEAT_MS;
}

void
schedule_init(struct schedule *s,
              int64_t start_ms,
              uint32_t index,
              uint32_t count,
              int64_t base_ms,
              int64_t period_ms)
{
    int64_t first_ms = base_ms < FIRST_WITHIN_MS ? base_ms : FIRST_WITHIN_MS;
    int64_t turns = period_ms / base_ms;

    assert(base_ms > 0);
    assert(period_ms >= base_ms);
    assert(index < count);
    s->period_ms = period_ms;
    /* Slow groups fall together with a poll of the fast one, each device on a turn of
     * its own. */
    s->grid_ms =
        start_ms + on_beat(index * base_ms / count) + (index % turns) * base_ms;
    s->due_ms = start_ms + on_beat(index * first_ms / count);
}

void
schedule_next(struct schedule *s, int64_t now_ms)
{
    int64_t after = now_ms > s->due_ms ? now_ms : s->due_ms;
    int64_t turns = (after - s->grid_ms) / s->period_ms;
    int64_t due_ms = s->grid_ms + turns * s->period_ms; /* Rounded towards the grid. */

    while (due_ms <= after) {
        due_ms += s->period_ms;
    }
    while (due_ms - s->period_ms > after) {
        due_ms -= s->period_ms;
    }
    s->due_ms = due_ms;
}
