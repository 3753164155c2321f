/* Runs the collectors of a site and nothing behind them: no rules, no history.
 *
 *   driver_site [--frames] SITE.yaml
 *
 * Prints "ready" when they run.  With --frames each frame is printed as a JSON object:
 *   {"frame":"DEVICE","t":ENGINE_MS,"POINT":VALUE or "QUALITY",...}
 * Standard input: "report" is answered by one JSON object with what happened since the
 * report before (`cpu_us`: user and system time of the whole process; `timeouts`:
 * questions that were not answered in time); its end ends the program. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collectors/collectors.h"
#include "config/config.h"
#include "daemon/base/log.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/sample.h"

#define RING_BYTES (16 << 20) /* Two seconds of 5,000 devices with 100 points each. */

struct totals {
    int64_t cpu_us;
    int64_t mono_us;
    uint64_t frames, good_frames;
    uint64_t good, bad; /* Samples. */
    uint64_t timeouts;
};

struct driver {
    struct site *site;
    struct collectors *collectors;
    struct ring *ring;
    struct frame *frame; /* FRAME_BYTES_MAX */
    bool print;
    struct totals now, before;
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "driver_site: %s: %s\n", what, why);
    exit(4);
}

static void
print_line(struct strbuf *line)
{
    strbuf_add(line, "}\n");
    fputs(strbuf_text(line), stdout);
    fflush(stdout);
    strbuf_fini(line);
}

static void
print_frame(const struct site *site, const struct frame *f)
{
    struct strbuf out = {0};

    strbuf_add_char(&out, '{');
    strbuf_json_str(&out, "frame", site->devices[f->device].id);
    strbuf_json_int(&out, "t", f->t_ms);
    for (uint16_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        const char *id = site->points[r->point].id;
        if (r->quality == QUALITY_GOOD) {
            strbuf_json_num(&out, id, r->value);
        } else {
            strbuf_json_str(&out, id, quality_name(r->quality));
        }
    }
    print_line(&out);
}

static void
take_frames(struct driver *d)
{
    while (ring_pop(d->ring, d->frame, FRAME_BYTES_MAX) > 0) {
        uint32_t good = 0;
        for (uint16_t i = 0; i < d->frame->count; i++) {
            good += d->frame->readings[i].quality == QUALITY_GOOD;
        }
        if (d->site->devices[d->frame->device].role != DEVICE_EQUIPMENT) {
            continue; /* A bus tells of itself. */
        }
        d->now.frames++;
        d->now.good_frames += good > 0;
        d->now.good += good;
        d->now.bad += d->frame->count - good;
        if (d->print) {
            print_frame(d->site, d->frame);
        }
    }
}

static void
report(struct driver *d)
{
    struct rusage u;
    struct strbuf out = {0};
    const struct totals *was = &d->before;

    getrusage(RUSAGE_SELF, &u);
    d->now.cpu_us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) +
                    u.ru_utime.tv_usec + u.ru_stime.tv_usec;
    d->now.mono_us = clock_mono_us();
    d->now.timeouts = 0;
    for (uint32_t i = 0; i < d->site->bus_count; i++) {
        d->now.timeouts += collectors_bus(d->collectors, i).wire.faults[WIRE_TIMEOUT];
    }
    strbuf_add_char(&out, '{');
    strbuf_json_int(&out, "wall_us", d->now.mono_us - was->mono_us);
    strbuf_json_int(&out, "cpu_us", d->now.cpu_us - was->cpu_us);
    strbuf_json_int(&out, "frames", (int64_t)(d->now.frames - was->frames));
    strbuf_json_int(&out, "good_frames",
                    (int64_t)(d->now.good_frames - was->good_frames));
    strbuf_json_int(&out, "good", (int64_t)(d->now.good - was->good));
    strbuf_json_int(&out, "bad", (int64_t)(d->now.bad - was->bad));
    strbuf_json_int(&out, "timeouts", (int64_t)(d->now.timeouts - was->timeouts));
    strbuf_json_int(&out, "dropped", (int64_t)ring_dropped(d->ring));
    strbuf_json_int(&out, "peak_kib", u.ru_maxrss);
    print_line(&out);
    d->before = d->now;
}

/* False at the end of standard input. */
static bool
obey(struct driver *d)
{
    char words[64];
    ssize_t size = read(STDIN_FILENO, words, sizeof words - 1);

    if (size <= 0) {
        return false;
    }
    words[size] = '\0';
    if (strcmp(words, "report\n") != 0) {
        die(words, "is not understood; \"report\" is");
    }
    report(d);
    return true;
}

static void
run(struct driver *d)
{
    struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                         {.fd = ring_fd(d->ring), .events = POLLIN}};

    puts("ready");
    fflush(stdout);
    for (;;) {
        if (poll(p, 2, -1) < 0) {
            die("poll", "failed");
        }
        take_frames(d);
        if (p[0].revents != 0 && !obey(d)) {
            return;
        }
    }
}

int
main(int argc, char **argv)
{
    struct engine_clock clock = {0};
    struct driver d = {.print = argc > 2 && strcmp(argv[1], "--frames") == 0};
    struct diags diags;
    struct err err;

    log_init(d.print ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR);
    if (argc != (d.print ? 3 : 2)) {
        fprintf(stderr, "usage: driver_site [--frames] SITE.yaml\n");
        return 2;
    }
    diags_init(&diags);
    d.site = config_load_site(argv[argc - 1], NULL, 0, &diags);
    diags_print(&diags, stderr);
    diags_fini(&diags);
    d.frame = malloc(FRAME_BYTES_MAX);
    if (d.site == NULL || d.frame == NULL) {
        die("start", "no site, or no memory");
    }
    atomic_store(&clock.offset_ms, clock_real_ms() - clock_mono_ms());
    if (ring_new(&d.ring, RING_BYTES, &err) != 0 ||
        collectors_start(&d.collectors, d.site, &clock, d.ring, &err) != 0) {
        die("start", err.text);
    }
    run(&d);
    collectors_stop(d.collectors);
    ring_free(d.ring);
    free(d.frame);
    site_free(d.site);
    return 0;
}
