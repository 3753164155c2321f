#include "daemon/base/clock.h"

#include <sys/timex.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t
clock_real_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

bool
clock_synchronised(void)
{
    struct timex state = {.modes = 0};
    int status = adjtimex(&state);
    return status >= 0 && status != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

int64_t
engine_clock_now(struct engine_clock *c)
{
    return clock_mono_ms() + atomic_load_explicit(&c->offset_ms, memory_order_relaxed);
}
