/* Any text as an expression: it is refused with a message, or it compiles and runs on a
 * stream of samples with gaps, bad ones, a clock that is stepped and a service. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/diag.h"
#include "rules/expression.h"
#include "tests/rules/plant.h"

#define FRAMES 150
#define START  INT64_C(1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_edge(void *ctx, const struct edge *e)
{
    int64_t *last_ms = ctx;

    if (e->has_value && !(e->value - e->value == 0)) {
        abort(); /* A value that is given is finite. */
    }
    if (e->t_ms < *last_ms) {
        abort();
    }
    *last_ms = e->t_ms;
}

static void
fuzz_meter(void *ctx, const struct rules_meter *m)
{
    (void)ctx;
    if (m->key[0] == '\0' || m->true_ms < 0 || m->starts < 0 ||
        m->since_ms > m->last_ms) {
        abort();
    }
}

static uint32_t
draw(uint64_t *state, uint32_t count)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % count);
}

static void
fill(const struct plant *p, struct frame *f, uint64_t *rnd)
{
    const struct device *d = &p->devices[f->device];
    bool refused = draw(rnd, 12) == 0;

    f->count = 0;
    for (uint32_t i = 0; i < d->point_count; i++) {
        enum quality q = draw(rnd, 10) == 0 ? QUALITY_TIMEOUT : QUALITY_GOOD;
        double value = (double)draw(rnd, 8) * 12.5;
        if (p->points[d->first_point + i].type == TYPE_BOOL) {
            value = draw(rnd, 2);
        }
        q = refused ? QUALITY_REFUSED : q;
        if (draw(rnd, 5) != 0) {
            plant_frame_add(f, d->first_point + i, q == QUALITY_GOOD ? value : 0, q);
        }
    }
}

/* What comes is told by the text, so that it comes again with it. */
static void
stream(const struct plant *p, struct rules *r, uint64_t rnd)
{
    static const int64_t steps_ms[] = {0, 100, 1000, 1000, 1000, 30000, 3600000};
    struct frame *f = plant_frame(PUMP_1, START);
    int64_t last_ms = START;

    for (int i = 0; i < FRAMES; i++) {
        f->t_ms += steps_ms[draw(&rnd, i % 30 == 0 ? 7 : 5)];
        f->device = draw(&rnd, 3);
        while (rules_due(r) <= f->t_ms) {
            rules_fire(r, fuzz_edge, &last_ms);
        }
        fill(p, f, &rnd);
        rules_frame(r, f, fuzz_edge, &last_ms);
        if (i == FRAMES / 2) {
            rules_save_meters(r, fuzz_meter, NULL);
            rules_service(r, PUMP_1, f->t_ms);
            rules_shift(r, 3600000);
            f->t_ms += 3600000;
        }
    }
    rules_save_meters(r, fuzz_meter, NULL);
    free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plant *p = plant_new();
    struct diags diags;
    char *text = malloc(size + 1);
    uint64_t rnd = size;

    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < size; i++) {
        rnd = rnd * 31 + data[i];
    }
    p->points[site_point(&p->site, PUMP_1, "n")].kind = POINT_COUNTER;
    struct rule_spec *rule = plant_rule(p, "r", text);
    rule->levels[0].clear = plant_text(text);
    rule->while_ = plant_text(size % 2 == 0 ? text : "run");
    rule->hold_ms = 500;
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    if ((r == NULL) != (diags.errors > 0)) {
        abort(); /* Refused without a word, or accepted with an error. */
    }
    if (r != NULL) {
        stream(p, r, rnd);
    }
    rules_free(r);
    diags_fini(&diags);
    free(text);
    free(p);
    return 0;
}
