/* The daemon, as `caretaker run` is, with a wall clock that a test sets:
 *
 *   driver_clock SITE.yaml FILE
 *
 * FILE says by how many milliseconds the wall clock is ahead of the machine's; it is
 * read at each look.  The monotonic clock is the machine's.  The wall clock is never
 * synchronised: a test sets it, nobody else. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/live/live.h"

static const char *ahead_file;

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
    long long ahead_ms = 0;
    FILE *f = fopen(ahead_file, "re");
    if (f == NULL || fscanf(f, "%lld", &ahead_ms) != 1) {
        fprintf(stderr, "driver_clock: %s says nothing\n", ahead_file);
        exit(1);
    }
    fclose(f);
    return read_us(CLOCK_REALTIME) / 1000 + ahead_ms;
}

bool
clock_synchronised(void)
{
    return false;
}

int64_t
engine_clock_now(struct engine_clock *c)
{
    return clock_mono_ms() + atomic_load_explicit(&c->offset_ms, memory_order_relaxed);
}

int
main(int argc, char **argv)
{
    struct diags diags;
    struct err err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: driver_clock SITE.yaml FILE\n");
        return 2;
    }
    ahead_file = argv[2];
    catalogue_speak(LANGUAGE_EN);
    log_init(LOG_LEVEL_INFO);
    diags_init(&diags);
    int code = live_run(argv[1], NULL, &diags, &err);
    diags_print(&diags, stderr);
    diags_fini(&diags);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    return code;
}
