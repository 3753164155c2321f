/* How many judgements a second the engine makes: 1,000 rules on 2 devices of 100
 * points, frames of 100 points.  Prints one line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/diag.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"
#include "rules/rules.h"

#define DEVICES       2
#define POINTS        100 /* Of each device. */
#define RULES         1000
#define FRAMES        20000
#define TEXT_BYTES    200
#define STALE_MS      5000
#define HOLD_MS       3000
#define SAMPLE_PERIOD 1000

struct estate {
    struct site site;
    struct device devices[DEVICES];
    struct point points[DEVICES * POINTS];
    struct rule_spec rules[RULES];
    char ids[RULES + DEVICES * POINTS + DEVICES][16];
    char texts[2 * RULES][TEXT_BYTES];
};

static void
make_devices(struct estate *e)
{
    for (uint32_t d = 0; d < DEVICES; d++) {
        char *id = e->ids[RULES + DEVICES * POINTS + d];
        (void)snprintf(id, sizeof e->ids[0], "device-%u", (unsigned)d);
        e->devices[d] = (struct device){.id = id,
                                        .name = id,
                                        .type = "pump",
                                        .first_point = d * POINTS,
                                        .point_count = POINTS};
    }
    for (uint32_t p = 0; p < DEVICES * POINTS; p++) {
        char *id = e->ids[RULES + p];
        (void)snprintf(id, sizeof e->ids[0], "p%02u", (unsigned)(p % POINTS));
        e->points[p] = (struct point){.id = id,
                                      .device = p / POINTS,
                                      .table = REG_INPUT,
                                      .type = TYPE_F32,
                                      .unit = "°C",
                                      .stale_after_ms = STALE_MS};
    }
}

static void
make_rules(struct estate *e)
{
    for (uint32_t i = 0; i < RULES; i++) {
        unsigned a = i / DEVICES % POINTS;
        unsigned b = (a + 7) % POINTS;
        char *when = e->texts[2 * i];
        char *clear = e->texts[2 * i + 1];
        (void)snprintf(e->ids[i], sizeof e->ids[0], "rule-%04u", (unsigned)i);
        (void)snprintf(when, TEXT_BYTES, "p%02u > 80 °C and p%02u - p%02u > 2 K", a, a,
                       b);
        (void)snprintf(clear, TEXT_BYTES, "p%02u < 75 °C", a);
        struct rule_spec *r = &e->rules[i];
        *r = (struct rule_spec){.id = e->ids[i], .level_count = 1, .enabled = true};
        r->applies_to.id = e->devices[i % DEVICES].id;
        r->hold_ms = HOLD_MS;
        r->levels[0].when.text = when;
        r->levels[0].clear.text = clear;
    }
}

static void
count_edge(void *ctx, const struct edge *e)
{
    uint64_t *edges = ctx;
    (void)e;
    (*edges)++;
}

static double
cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(void)
{
    struct estate *e = calloc(1, sizeof *e);
    struct frame *f = calloc(1, FRAME_BYTES_MAX);
    struct diags diags;
    uint64_t edges = 0;
    if (e == NULL || f == NULL) {
        abort();
    }
    diags_init(&diags);
    make_devices(e);
    make_rules(e);
    e->site = (struct site){.devices = e->devices,
                            .device_count = DEVICES,
                            .points = e->points,
                            .point_count = DEVICES * POINTS,
                            .rules = e->rules,
                            .rule_count = RULES};
    struct rules *r = rules_new(&e->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
        return 1;
    }
    f->count = POINTS;
    double start = cpu_seconds();
    for (uint32_t n = 0; n < FRAMES; n++) {
        f->device = n % DEVICES;
        f->t_ms = (int64_t)n * SAMPLE_PERIOD / DEVICES;
        for (uint32_t p = 0; p < POINTS; p++) {
            f->readings[p].point = f->device * POINTS + p;
            f->readings[p].value = 70 + 15 * sin(n * 0.01 + p);
        }
        while (rules_due(r) <= f->t_ms) {
            rules_fire(r, count_edge, &edges);
        }
        rules_frame(r, f, count_edge, &edges);
    }
    double seconds = cpu_seconds() - start;
    struct rules_counts c = rules_count(r);
    printf("rules: %.1f million judgements/s, %.2f us per frame of %d points and %d "
           "rules, %llu edges, %zu bytes per instance\n",
           (double)c.evaluations / seconds / 1e6, seconds / FRAMES * 1e6, POINTS,
           RULES / DEVICES, (unsigned long long)edges, c.bytes / c.instances);
    rules_free(r);
    diags_fini(&diags);
    free(f);
    free(e);
    return 0;
}
