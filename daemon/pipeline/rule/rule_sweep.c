#include "daemon/pipeline/rule/rule_sweep.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "rules/rules.h"

struct rule_sweep {
    struct site site;        /* The estate of the caller, with the variants as rules. */
    struct rule_spec *specs; /* Owned. */
    struct rules *rules;
    int64_t now_ms;
    rule_sweep_fn fn;
    void *ctx;
    struct frame *late; /* Room to correct a frame's time in. */
};

static void
on_edge(void *ctx, const struct edge *e)
{
    struct rule_sweep *s = ctx;
    if (e->kind == EDGE_RAISED || e->kind == EDGE_CHANGED || e->kind == EDGE_CLEARED) {
        s->fn(s->ctx, e->rule, e);
    }
}

static int
first_error(const struct diags *diags, struct err *err)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        if (d->level == DIAG_ERROR) {
            return err_set(err, ERR_CONFIG, "%s:%u:%u: %s",
                           d->file != NULL ? d->file : "rules", d->line, d->column,
                           d->text);
        }
    }
    return err_set(err, ERR_CONFIG, "the rules have errors");
}

int
rule_sweep_new(struct rule_sweep **out,
               const struct site *site,
               const struct rule_spec *variants,
               uint32_t count,
               rule_sweep_fn fn,
               void *ctx,
               struct err *err)
{
    struct diags diags;
    struct rule_sweep *s = calloc(1, sizeof *s);
    int code = 0;
    diags_init(&diags);
    if (s != NULL) {
        s->specs = malloc(((size_t)count + 1) * sizeof *s->specs);
        s->late = malloc(FRAME_BYTES_MAX);
    }
    if (s == NULL || s->specs == NULL || s->late == NULL) {
        code = err_set(err, ERR_NOMEM, "no memory for %u variants", count);
        goto done;
    }
    for (uint32_t i = 0; i < count; i++) {
        s->specs[i] = variants[i];
        s->specs[i].enabled = true;
    }
    s->site = *site;
    s->site.rules = s->specs;
    s->site.rule_count = count;
    s->now_ms = INSTANT_NONE;
    s->fn = fn;
    s->ctx = ctx;
    s->rules = rules_new(&s->site, &diags);
    if (s->rules == NULL) {
        code = first_error(&diags, err);
    }
done:
    diags_fini(&diags);
    if (code != 0) {
        rule_sweep_free(s);
        return code;
    }
    *out = s;
    return 0;
}

void
rule_sweep_free(struct rule_sweep *s)
{
    if (s == NULL) {
        return;
    }
    rules_free(s->rules);
    free(s->specs);
    free(s->late);
    free(s);
}

bool
rule_sweep_bound(const struct rule_sweep *s, uint32_t device, uint32_t variant)
{
    return rules_bound(s->rules, device, variant);
}

void
rule_sweep_advance(struct rule_sweep *s, int64_t t_ms)
{
    for (int64_t due = rules_due(s->rules); due <= t_ms && due != INSTANT_MAX;
         due = rules_due(s->rules)) {
        rules_fire(s->rules, on_edge, s);
    }
    s->now_ms = t_ms > s->now_ms ? t_ms : s->now_ms;
}

void
rule_sweep_frame(struct rule_sweep *s, const struct frame *f)
{
    if (f->t_ms < s->now_ms) {
        memcpy(s->late, f, frame_bytes(f->count));
        s->late->t_ms = s->now_ms;
        f = s->late;
    }
    rule_sweep_advance(s, f->t_ms);
    rules_frame(s->rules, f, on_edge, s);
}
