#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/live/live_inside.h"

#define STEP_MIN_MS 1000 /* Less is drift, and is followed slowly. */
#define SLEW_MS     2    /* Per look, once a second: 0.2 %. */
/* 2024-01-01T00:00:00Z: this program is younger. */
#define SET_FROM_MS INT64_C(1704067200000)

/* So long after the machine was started its clock is waited for, where it is one that
 * gets synchronised.  Then it is taken as it is: the network may never come back, and
 * most clocks are right all the same. */
#define AWAIT_MS INT64_C(21600000)
#define READINGS 10 /* Of both clocks, until nothing came between. */

/* Wall minus monotonic time.  Who is put to sleep between two readings takes the ones
 * that were closest. */
static int64_t
read_base(void)
{
    int64_t base = 0, least = INT64_MAX;
    for (int i = 0; i < READINGS && least > 1; i++) {
        int64_t before = clock_mono_ms();
        int64_t real = clock_real_ms();
        int64_t apart = clock_mono_ms() - before;
        if (apart < least) {
            least = apart;
            base = real - before;
        }
    }
    return base;
}

static void
judge(struct live_clock *c, int64_t real_ms)
{
    c->trusted = !c->held && !c->awaited && real_ms >= SET_FROM_MS;
}

void
live_clock_start(struct live_clock *c, int64_t last_ms)
{
    c->base_ms = read_base();
    int64_t mono = clock_mono_ms();
    int64_t real = c->base_ms + mono;
    bool behind = last_ms != INSTANT_NONE && real < last_ms;
    c->held = behind && last_ms - real >= STEP_MIN_MS;
    int64_t start = behind ? last_ms : real;
    atomic_store(&c->engine.offset_ms, start - mono);
    c->awaited = c->told = false;
    c->synchronised = clock_synchronised();
    c->step_ms = 0;
    c->stepped_at_ms = INSTANT_NONE;
    judge(c, real);
    if (c->held) {
        char text[INSTANT_TEXT_BYTES];
        log_warning("the wall clock is behind the last record (%s): time goes on from "
                    "there until the clock is set",
                    instant_format_utc(text, last_ms));
    } else if (!c->trusted) {
        log_warning("the wall clock was never set; samples are marked until it is");
    }
}

void
live_clock_expect(struct live_clock *c, bool synchronised)
{
    int64_t mono = clock_mono_ms();
    if (c->told) {
        return;
    }
    c->told = true;
    c->awaited = synchronised && !c->synchronised && mono < AWAIT_MS;
    judge(c, c->base_ms + mono);
    if (c->awaited) {
        log_warning("the wall clock is not synchronised yet; samples are marked until "
                    "it is");
    }
}

int64_t
live_clock_look(struct live_clock *c)
{
    c->synchronised = c->synchronised || clock_synchronised();

    int64_t base = read_base();
    int64_t real = base + clock_mono_ms();
    int64_t stepped = base - c->base_ms;
    c->base_ms = base;
    int64_t offset = atomic_load(&c->engine.offset_ms);
    int64_t behind = base - offset; /* What engine time lacks. */
    /* A clock that was right before we came makes no step that could be seen: that it
     * is synchronised says that the record is what was wrong. */
    bool set = llabs(stepped) >= STEP_MIN_MS || (c->held && clock_synchronised());
    if (set && llabs(behind) >= STEP_MIN_MS) {
        c->held = c->awaited = false;
        atomic_store(&c->engine.offset_ms, base);
        c->step_ms = behind;
        c->stepped_at_ms = real;
        judge(c, real);
        return behind;
    }
    if (behind > -STEP_MIN_MS) {
        c->held = false;
    }
    c->awaited = c->awaited && !c->synchronised && real - base < AWAIT_MS;
    judge(c, real);
    /* What is put right later must all be wrong by the same. */
    if (c->trusted && behind != 0) {
        int64_t slew = behind > SLEW_MS    ? SLEW_MS
                       : behind < -SLEW_MS ? -SLEW_MS
                                           : behind;
        atomic_store(&c->engine.offset_ms, offset + slew);
    }
    return 0;
}

int64_t
live_clock_of(struct live_clock *c, int64_t t_ms)
{
    int64_t now = engine_clock_now(&c->engine);
    if (t_ms < c->stepped_at_ms) {
        t_ms += c->step_ms;
    }
    return t_ms < now ? t_ms : now;
}
