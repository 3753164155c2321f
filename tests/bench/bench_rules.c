/* How many judgements a second the engine makes: 1,000 rules on 2 devices of 100
 * points, frames of 100 points; five rules share each series.  Prints one line for each
 * kind of rules: simple limits;
 * two comparisons and a hold; all forms mixed; each function with a window alone.
 *
 * vmalert -replay and promtool test rules on series of the same kind: bench_replay.py.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"
#include "rules/rules.h"

#define DEVICES       2
#define POINTS        100 /* Of each device. */
#define RULES         1000
#define FRAMES        10000
#define WARM_UP       1300 /* More than the longest window. */
#define VALUES        628  /* A period of the sines, about. */
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
    double values[VALUES][POINTS];
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
                                      .poll_ms = SAMPLE_PERIOD,
                                      .stale_after_ms = STALE_MS};
    }
}

/* A form in its place: the points' numbers are the only arguments. */
static void
write_form(char *out, const char *form, unsigned a, unsigned b)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out, TEXT_BYTES, form, a, b);
#pragma GCC diagnostic pop
}

/* Forms of `when`, with the points %1$02u and %2$02u. */
static const char *const limits[] = {"p%1$02u > 80 °C"};
static const char *const pairs[] = {"p%1$02u > 80 °C and p%1$02u - p%2$02u > 2 K"};
static const char *const mixed[] = {
    "p%1$02u > 80 °C",
    "abs(p%1$02u - p%2$02u) > 12 K",
    "unbalance(p%1$02u, p%2$02u, p00) > 10 %%",
    "avg(p%1$02u, 60s) > 80 °C",
    "max(p%1$02u, 60s) - min(p%1$02u, 60s) > 20 K",
    "rate(p%1$02u, 60s) > 1 K/s",
    "p95(p%1$02u, 60s) > 84 °C",
    "stddev(p%1$02u, 60s) > 9 K",
    "count(p%1$02u > 80 °C, 10m) > 5",
    "time(p%1$02u > 80 °C, 10m) > 4m",
    "held(p%1$02u > 80 °C) > 30s",
    "stuck(p%1$02u, 60s) or age(p%2$02u) > 30s",
    "hours(p%1$02u > 80 °C) > 100 h and starts(p%1$02u > 80 °C) > 10",
    "p%1$02u > 80 °C and not (p%2$02u < 60 °C or quality(p%2$02u) == \"timeout\")",
};
static const char *const alone[] = {
    "avg(p%1$02u, 60s) > 80 °C",
    "min(p%1$02u, 60s) > 80 °C",
    "max(p%1$02u, 60s) > 80 °C",
    "stddev(p%1$02u, 60s) > 9 K",
    "median(p%1$02u, 60s) > 80 °C",
    "p95(p%1$02u, 60s) > 80 °C",
    "delta(p%1$02u, 60s) > 9 K",
    "rate(p%1$02u, 60s) > 1 K/s",
    "count(p%1$02u > 80 °C, 10m) > 5",
    "time(p%1$02u > 80 °C, 10m) > 4m",
    "held(p%1$02u > 80 °C) > 30s",
    "hours(p%1$02u > 80 °C) > 9 h",
    "stuck(p%1$02u, 60s)",
};

static void
make_rules(struct estate *e, const char *const *forms, size_t count)
{
    for (uint32_t i = 0; i < RULES; i++) {
        unsigned a = i / DEVICES % POINTS;
        unsigned b = (a + 7) % POINTS;
        char *when = e->texts[2 * i];
        char *clear = e->texts[2 * i + 1];
        (void)snprintf(e->ids[i], sizeof e->ids[0], "rule-%04u", (unsigned)i);
        write_form(when, forms[i / DEVICES % count], a, b);
        write_form(clear, "p%1$02u < 75 °C", a, b);
        struct rule_spec *r = &e->rules[i];
        *r = (struct rule_spec){.id = e->ids[i], .level_count = 1, .enabled = true};
        r->applies_to.id = e->devices[i % DEVICES].id;
        r->hold_ms = HOLD_MS;
        r->levels[0].when.text = when;
        if (forms == pairs) {
            r->levels[0].clear.text = clear;
        }
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

static void
run(struct estate *e, const char *name, const char *const *forms, size_t count)
{
    struct frame *f = calloc(1, FRAME_BYTES_MAX);
    struct diags diags;
    uint64_t edges = 0;
    if (f == NULL) {
        abort();
    }
    diags_init(&diags);
    make_rules(e, forms, count);
    struct rules *r = rules_new(&e->site, &diags);
    if (r == NULL) {
        diags_print(&diags, stderr);
        exit(1);
    }
    f->count = POINTS;
    double start = 0;
    uint64_t before = 0;
    for (uint32_t n = 0; n < WARM_UP + FRAMES; n++) {
        if (n == WARM_UP) { /* Windows are full by now. */
            start = cpu_seconds();
            before = rules_count(r).evaluations;
        }
        f->device = n % DEVICES;
        f->t_ms = (int64_t)n * SAMPLE_PERIOD / DEVICES;
        for (uint32_t p = 0; p < POINTS; p++) {
            f->readings[p].point = f->device * POINTS + p;
            f->readings[p].value = e->values[n % VALUES][p];
        }
        while (rules_due(r) <= f->t_ms) {
            rules_fire(r, count_edge, &edges);
        }
        rules_frame(r, f, count_edge, &edges);
    }
    double seconds = cpu_seconds() - start;
    struct rules_counts c = rules_count(r);
    printf(
        "rules: %-34.34s %5.1f million judgements/s, %6.2f us per frame of %d points "
        "and %d rules, %llu edges, %zu bytes per instance\n",
        name, (double)(c.evaluations - before) / seconds / 1e6, seconds / FRAMES * 1e6,
        POINTS, RULES / DEVICES, (unsigned long long)edges, c.bytes / c.instances);
    rules_free(r);
    diags_fini(&diags);
    free(f);
}

int
main(void)
{
    struct estate *e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    make_devices(e);
    for (uint32_t n = 0; n < VALUES; n++) {
        for (uint32_t p = 0; p < POINTS; p++) {
            e->values[n][p] = 70 + 15 * sin(n * 0.01 + p);
        }
    }
    e->site = (struct site){.devices = e->devices,
                            .device_count = DEVICES,
                            .points = e->points,
                            .point_count = DEVICES * POINTS,
                            .rules = e->rules,
                            .rule_count = RULES};
    run(e, "simple limits", limits, ARRAY_LEN(limits));
    run(e, "two comparisons, clear, hold", pairs, ARRAY_LEN(pairs));
    run(e, "all forms", mixed, ARRAY_LEN(mixed));
    for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
        char name[TEXT_BYTES];
        write_form(name, alone[i], 1, 2);
        run(e, name, &alone[i], 1);
    }
    free(e);
    return 0;
}
