/* Any text as an expression: it is refused with a message, or it compiles and runs. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/diag.h"
#include "rules/expression.h"
#include "tests/rules/plant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_edge(void *ctx, const struct edge *e)
{
    (void)ctx;
    if (e->has_value && !(e->value - e->value == 0)) {
        abort(); /* A value that is given is finite. */
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plant *p = plant_new();
    struct diags diags;
    char *text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    struct rule_spec *rule = plant_rule(p, "r", text);
    rule->levels[0].clear = plant_text(text);
    rule->while_ = plant_text(size % 2 == 0 ? text : "run");
    rule->hold_ms = 500;
    diags_init(&diags);
    struct rules *r = rules_new(&p->site, &diags);
    if ((r == NULL) != (diags.errors > 0)) {
        abort(); /* Refused without a word, or accepted with an error. */
    }
    struct frame *f = plant_frame(PUMP_1, 1000);
    for (uint32_t i = 0; i < p->devices[PUMP_1].point_count; i++) {
        plant_frame_add(f, p->devices[PUMP_1].first_point + i, (double)i, QUALITY_GOOD);
    }
    for (int i = 0; i < 3 && r != NULL; i++) {
        f->t_ms = 1000 + 2000 * i;
        while (rules_due(r) <= f->t_ms) {
            rules_fire(r, fuzz_edge, NULL);
        }
        rules_frame(r, f, fuzz_edge, NULL);
    }
    free(f);
    rules_free(r);
    diags_fini(&diags);
    free(text);
    free(p);
    return 0;
}
