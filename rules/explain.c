#include "rules/explain.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "rules/compile.h"
#include "rules/engine.h"

struct explainer {
    const struct rules *r;
    const struct instance *in;
    struct explanation *out;
    struct code_writer *w;
    struct series_book book; /* Those of the engine. */
    const struct expr_text *text;
};

/* ---- values ---- */

/* The rule was compiled without errors; its warnings have been told. */
static void
ignore(void *ctx,
       enum diag_level level,
       const struct expr_text *text,
       uint32_t at,
       const char *message)
{
    (void)ctx;
    (void)level;
    (void)text;
    (void)at;
    (void)message;
}

/* Begins a program of its own in the writer. */
static void
begin(struct explainer *e, struct compiler *c, struct expression_scope *scope)
{
    *scope = (struct expression_scope){e->r->site, &e->book, e->in->device,
                                       e->text,    ignore,   NULL};
    *c = (struct compiler){.w = e->w, .scope = scope};
    e->w->op_count = e->w->constant_count = 0;
    e->w->slot_count = e->w->watch_count = 0;
}

/* Runs what was written of [first, end).  A series that the engine does not keep has
 * no value. */
static double
run(struct explainer *e, const struct compiler *c, uint32_t first, uint32_t end)
{
    const struct rules *r = e->r;
    struct program_env env = {
        .known = r->known,
        .quality = r->quality,
        .aged_ms = r->aged_ms,
        .last_ms = r->last_ms,
        .health = r->health,
        .unreachable = r->unreachable,
        .series = r->series,
        .t_ms = e->out->t_ms,
    };
    if (c->failed || e->book.count > r->series_count) {
        return (double)NAN;
    }
    struct span span = {(uint16_t)first, (uint16_t)(end - first)};
    return program_run(e->w->ops, span, e->w->constants, e->w->slots, &env);
}

static const char *
unit_text(const struct explainer *e, const struct operand *o)
{
    bool none = o->plain || o->unit.name[0] == '\0' || o->kind == VALUE_TRUTH;
    return none ? NULL : arena_strdup(e->out->arena, o->unit.name);
}

/* ---- texts ---- */

/* A part as it was written, in one line.  Parentheses around its ends belong to what
 * they hold: as many are taken along as make it whole. */
static const char *
text_of(const struct explainer *e, const struct node *n)
{
    const char *text = e->text->text;
    uint32_t start = n->start;
    uint32_t end = n->end;
    int open = 0;
    int missing = 0;
    for (uint32_t i = start; i < end; i++) {
        open += text[i] == '(';
        open -= text[i] == ')';
        missing = -open > missing ? -open : missing;
    }
    open += missing;
    for (; missing > 0 && start > 0; start--) {
        missing -= text[start - 1] == '(';
    }
    for (; open > 0 && text[end] != '\0'; end++) {
        open -= text[end] == ')';
    }
    char *out = arena_strndup(e->out->arena, text + start, end - start);
    char *to = out;
    for (const char *from = out; *from != '\0'; from++) {
        bool space = isspace((unsigned char)*from);
        if (!space || (to > out && to[-1] != ' ')) {
            *to++ = space ? ' ' : *from;
        }
    }
    *to = '\0';
    return out;
}

static const char *
local(const struct explainer *e, int64_t t_ms)
{
    char text[INSTANT_TEXT_BYTES];
    return arena_strdup(e->out->arena, instant_format_local(text, t_ms));
}

static const char *
span_text(const struct explainer *e, int64_t ms)
{
    char text[INSTANT_TEXT_BYTES];
    return arena_strdup(e->out->arena, duration_format(text, ms));
}

char *
explain_number(char *out, double value)
{
    char digits[NUMBER_TEXT_BYTES];
    (void)snprintf(digits, sizeof digits, "%.7g", value);
    (void)number_format(out, strtod(digits, NULL));
    return out;
}

/* ---- points and devices ---- */

static const struct explain_point *
note_point(struct explainer *e, const struct node *n, uint32_t index)
{
    const struct rules *r = e->r;
    struct explanation *out = e->out;
    for (uint32_t i = 0; i < out->point_count; i++) {
        if (out->points[i].point == index) {
            return &out->points[i];
        }
    }
    /* Beyond the limit the last place is used again: only the list is short. */
    uint32_t place = out->point_count < EXPLAIN_POINTS_MAX ? out->point_count++
                                                           : EXPLAIN_POINTS_MAX - 1;
    struct explain_point *p = &out->points[place];
    *p = (struct explain_point){.point = index,
                                .latest = rules_latest(r, index),
                                .is_truth =
                                    expression_point_is_truth(&r->site->points[index]),
                                .known = !isnan(r->known[index]),
                                .stale_ms = INSTANT_NONE,
                                .reads = text_of(e, n)};
    if (r->fresh[index]) {
        p->stale_ms = r->fresh_ms[index] + r->site->points[index].stale_after_ms;
    }
    return p;
}

static const char *
why_no_value(const struct explainer *e, const struct explain_point *p)
{
    const char *quality = quality_word(p->latest.quality);
    if (p->known) {
        return NULL;
    }
    if (p->latest.t_ms == INSTANT_NONE) {
        return tr("it was never read");
    }
    if (p->latest.last_good_ms == INSTANT_NONE) {
        return arena_printf(e->out->arena,
                            tr("it has given no good sample so far (%s)"), quality);
    }
    return arena_printf(e->out->arena, tr("no good sample since %s (%s)"),
                        local(e, p->latest.last_good_ms), quality);
}

static const char *
why_not_online(const struct explainer *e, uint32_t device)
{
    if (e->r->unreachable[device]) {
        return tr("its line is lost");
    }
    return e->r->health[device] == DEVICE_UNKNOWN ? tr("it has not been asked yet")
                                                  : NULL;
}

/* ---- memory ---- */

static const char *
why_no_window(const struct explainer *e, const struct explain_memory *m)
{
    if (m->samples == 0) {
        return arena_printf(e->out->arena, tr("no good sample in the last %s"),
                            span_text(e, m->width_ms));
    }
    if (m->last_ms - m->first_ms < m->needed_ms) {
        return arena_printf(
            e->out->arena,
            tr("its good samples (%u since %s) span %s of the %s needed"), m->samples,
            local(e, m->first_ms), span_text(e, m->last_ms - m->first_ms),
            span_text(e, m->needed_ms));
    }
    return tr("its samples have no finite value");
}

static void
look_at_window(const struct explainer *e, struct series *s, struct explain_memory *m)
{
    struct window_extent x = window_extent(&s->window, e->out->t_ms);
    m->samples = x.count;
    m->first_ms = x.first_ms;
    m->last_ms = x.last_ms;
    m->needed_ms = (m->width_ms + 1) / 2;
    m->why = isnan(m->value) ? why_no_window(e, m) : NULL;
}

static void
look_at_spans(const struct explainer *e, struct series *s, struct explain_memory *m)
{
    struct spans_sum sum = spans_read(&s->spans, e->out->t_ms);
    m->starts = sum.edges;
    m->true_ms = sum.true_ms;
    m->unknown_ms = sum.unknown_ms;
    m->last_ms = s->spans.last_ms;
    series_range(s, e->out->t_ms, &m->low, &m->high);
    if (isnan(m->value)) {
        m->why = arena_printf(e->out->arena, tr("%s of the %s are not known"),
                              span_text(e, sum.unknown_ms), span_text(e, m->width_ms));
    }
}

static void
look_at_meter(const struct explainer *e, struct series *s, struct explain_memory *m)
{
    m->last_ms = s->meter.last_ms;
    m->since_ms = s->meter.since_ms;
    if (!isnan(m->value)) {
        return;
    }
    if (m->last_ms == INSTANT_NONE) {
        m->why = tr("what it follows was never known");
    } else if (m->kind == SERIES_STUCK &&
               e->out->t_ms - m->last_ms <=
                   memory_patience(s->spec->patience_ms, s->meter.resumed)) {
        m->why = arena_printf(e->out->arena, tr("it is followed only since %s"),
                              local(e, m->since_ms));
    } else {
        m->why = arena_printf(e->out->arena, tr("nothing is known since %s"),
                              local(e, m->last_ms));
    }
}

static const struct explain_memory *
note_memory(struct explainer *e, const struct explain_part *part, uint32_t series)
{
    struct explanation *out = e->out;
    struct series *s = &e->r->series[series];
    for (uint32_t i = 0; i < out->memory_count; i++) {
        if (strcmp(out->memories[i].text, part->text) == 0) {
            return &out->memories[i];
        }
    }
    uint32_t place = out->memory_count < EXPLAIN_POINTS_MAX ? out->memory_count++
                                                            : EXPLAIN_POINTS_MAX - 1;
    struct explain_memory *m = &out->memories[place];
    *m = (struct explain_memory){.text = part->text,
                                 .kind = s->spec->kind,
                                 .value = part->value,
                                 .unit = part->unit,
                                 .low = part->value,
                                 .high = part->value,
                                 .width_ms = s->spec->width_ms,
                                 .first_ms = INSTANT_NONE,
                                 .last_ms = INSTANT_NONE,
                                 .since_ms = INSTANT_NONE};
    if (s->spec->kind == SERIES_WINDOW) {
        look_at_window(e, s, m);
    } else if (series_has_meter(s->spec)) {
        look_at_meter(e, s, m);
    } else {
        look_at_spans(e, s, m);
    }
    return m;
}

/* ---- parts ---- */

static struct explain_part *part_of(struct explainer *e, const struct node *n);

/* 0 and 1 of a log are true and false where a condition stands. */
static void
want_truth(struct explain_part *p)
{
    if (!p->is_truth && !isnan(p->value)) {
        p->value = p->value != 0 ? 1 : 0;
    }
    p->is_truth = true;
}

/* `a or b or c` is a tree of pairs, and shown as three parts.  Adds those of `n` where
 * `*end` is; returns the new end. */
static const struct explain_part **
add_logic(struct explainer *e,
          const struct explain_part **end,
          const struct node *n,
          enum node_kind kind)
{
    for (uint32_t i = 0; i < n->arg_count; i++) {
        if (n->args[i]->kind == kind && kind != NODE_NOT) {
            end = add_logic(e, end, n->args[i], kind);
            continue;
        }
        struct explain_part *child = part_of(e, n->args[i]);
        want_truth(child);
        *end = child;
        end = &child->next;
    }
    return end;
}

static void
add_parts(struct explainer *e,
          struct explain_part *part,
          struct node *const *nodes,
          uint32_t count,
          bool truths)
{
    const struct explain_part **end = &part->first;
    for (uint32_t i = 0; i < count; i++) {
        struct explain_part *child = part_of(e, nodes[i]);
        if (truths) {
            want_truth(child);
        }
        *end = child;
        end = &child->next;
    }
}

static void
fill_point(struct explainer *e, const struct node *n, struct explain_part *part)
{
    uint32_t device =
        n->device == NULL ? e->in->device : site_device(e->r->site, n->device);
    uint32_t index = site_point(e->r->site, device, n->name);
    if (index == NONE_INDEX || e->r->site->points[index].derived == DERIVED_ONLINE) {
        part->kind = EXPLAIN_ONLINE;
        part->device = device;
        part->why = isnan(part->value) ? why_not_online(e, device) : NULL;
        return;
    }
    part->kind = EXPLAIN_POINT;
    part->point = index;
    part->why = why_no_value(e, note_point(e, n, index));
}

/* quality(x), which has no value of its own. */
static struct explain_part *
quality_part(struct explainer *e, const struct node *call)
{
    struct explain_part *part = arena_alloc(e->out->arena, sizeof *part);
    const struct node *n = call->list[0];
    uint32_t device =
        n->device == NULL ? e->in->device : site_device(e->r->site, n->device);
    *part = (struct explain_part){.kind = EXPLAIN_QUALITY,
                                  .text = text_of(e, call),
                                  .value = (double)NAN,
                                  .device = NONE_INDEX};
    part->point = site_point(e->r->site, device, n->name);
    const struct explain_point *p = note_point(e, n, part->point);
    if (p->latest.t_ms == INSTANT_NONE) {
        part->why = tr("it was never read");
    } else {
        part->word = quality_name(p->latest.quality);
    }
    return part;
}

static bool
is_future(enum function f)
{
    return f == FUNCTION_TREND || f == FUNCTION_TIME_TO || f == FUNCTION_DRIFT ||
           f == FUNCTION_BASELINE;
}

static void
fill_call(struct explainer *e,
          const struct node *n,
          const struct operand *o,
          struct explain_part *part)
{
    uint32_t op = o->op;
    if (n->function == FUNCTION_AGE) {
        part->kind = EXPLAIN_AGE;
        part->point = e->w->slots[e->w->ops[op].a];
        (void)note_point(e, n->list[0], part->point);
        part->why =
            isnan(part->value) ? tr("it has given no good sample so far") : NULL;
        return;
    }
    bool kept = e->w->op_count > op && e->w->ops[op].code == OP_SERIES &&
                e->w->op_count - op == 1;
    if (kept && e->w->slots[e->w->ops[op].a] < e->r->series_count) {
        part->kind = EXPLAIN_MEMORY;
        part->memory = note_memory(e, part, e->w->slots[e->w->ops[op].a]);
        part->why = part->memory->why;
        add_parts(e, part, n->list, n->arg_count,
                  function_takes(n->function) == TAKES_CONDITION ||
                      function_takes(n->function) == TAKES_CONDITION_WINDOW ||
                      function_takes(n->function) == TAKES_CONDITION_LIFE);
        return;
    }
    part->kind = EXPLAIN_NUMBER;
    add_parts(e, part, n->list, n->arg_count, false);
    if (is_future(n->function) && isnan(part->value)) {
        part->why = tr("no prediction can be made");
    }
}

/* The sides of a comparison; a constant is shown as it is compared, in the unit of the
 * other side. */
static void
fill_comparison(struct explainer *e, const struct node *n, struct explain_part *part)
{
    part->kind = EXPLAIN_COMPARISON;
    if (node_is_quality(n->args[0]) || node_is_quality(n->args[1])) {
        const struct node *call =
            n->args[0]->kind == NODE_CALL ? n->args[0] : n->args[1];
        part->first = quality_part(e, call);
        return;
    }
    struct explain_part *left = part_of(e, n->args[0]);
    struct explain_part *right = part_of(e, n->args[1]);
    struct compiler c;
    struct expression_scope scope;
    begin(e, &c, &scope);
    struct operand a = compile_node(&c, n->args[0]);
    struct operand b = compile_node(&c, n->args[1]);
    if (a.kind != VALUE_TRUTH && b.kind != VALUE_TRUTH) {
        operand_unify(&c, &a, &b, false, false);
    }
    if (a.constant) {
        left->value = run(e, &c, a.op, b.op);
        left->unit = unit_text(e, &a);
    }
    if (b.constant) {
        right->value = run(e, &c, b.op, e->w->op_count);
        right->unit = unit_text(e, &b);
    }
    part->first = left;
    left->next = right;
}

static void
fill_composition(struct explainer *e,
                 const struct node *n,
                 const struct operand *o,
                 struct explain_part *part)
{
    if (node_is_comparison(n)) {
        fill_comparison(e, n, part);
        return;
    }
    bool logic = n->kind == NODE_AND || n->kind == NODE_OR || n->kind == NODE_NOT;
    part->kind = n->kind == NODE_AND   ? EXPLAIN_AND
                 : n->kind == NODE_OR  ? EXPLAIN_OR
                 : n->kind == NODE_NOT ? EXPLAIN_NOT
                                       : EXPLAIN_NUMBER;
    if (o->constant && !logic) {
        part->kind = EXPLAIN_CONSTANT;
        return;
    }
    if (logic) {
        (void)add_logic(e, &part->first, n, n->kind);
    } else {
        add_parts(e, part, n->args, n->arg_count, false);
    }
}

static struct explain_part *
part_of(struct explainer *e, const struct node *n)
{
    struct compiler c;
    struct expression_scope scope;
    struct explain_part *part = arena_alloc(e->out->arena, sizeof *part);
    begin(e, &c, &scope);
    struct operand o = compile_node(&c, n);
    *part = (struct explain_part){.kind = EXPLAIN_CONSTANT,
                                  .text = text_of(e, n),
                                  .is_truth = o.kind == VALUE_TRUTH,
                                  .value = run(e, &c, o.op, e->w->op_count),
                                  .unit = unit_text(e, &o),
                                  .point = NONE_INDEX,
                                  .device = NONE_INDEX};
    if (n->kind == NODE_POINT) {
        fill_point(e, n, part);
    } else if (n->kind == NODE_CALL) {
        fill_call(e, n, &o, part);
    } else if (n->arg_count > 0) {
        fill_composition(e, n, &o, part);
    }
    bool leaf = part->first == NULL && part->kind != EXPLAIN_CONSTANT;
    if (isnan(part->value) && leaf && part->why == NULL) {
        part->why = tr("it has no value");
    }
    return part;
}

static const struct explain_part *
condition(struct explainer *e, const struct expr_text *text, const char **written)
{
    struct diags diags;
    *written = NULL;
    if (text->text == NULL) {
        return NULL;
    }
    diags_init(&diags);
    const struct node *root = syntax_parse(e->out->arena, text, &diags);
    diags_fini(&diags);
    assert(root != NULL); /* The engine has read it. */
    e->text = text;
    struct explain_part *part = part_of(e, root);
    want_truth(part);
    *written = part->text;
    return part;
}

static void
explain_levels(struct explainer *e)
{
    struct explanation *out = e->out;
    const struct rule_spec *rule = &e->r->site->rules[out->rule];
    const int64_t *since = instance_since(e->r, e->in);
    out->level_count = rule->level_count;
    for (uint32_t k = 0; k < rule->level_count; k++) {
        struct explain_level *level = &out->levels[k];
        level->severity = rule->levels[k].severity;
        level->when = condition(e, &rule->levels[k].when, &level->when_text);
        level->clear = condition(e, &rule->levels[k].clear, &level->clear_text);
        level->raised = (int)k <= e->in->level;
        level->since_ms = level->due_ms = since[k];
        if (since[k] != INSTANT_NONE) {
            level->due_ms += level->raised ? rule->clear_hold_ms : rule->hold_ms;
        }
    }
}

bool
explain_rule(struct explanation *out,
             const struct rules *r,
             uint32_t device,
             uint32_t rule,
             int64_t t_ms)
{
    uint32_t i = engine_find(r, device, rule);
    *out = (struct explanation){.device = device, .rule = rule, .t_ms = t_ms};
    if (i == NONE_INDEX) {
        return false;
    }
    struct explainer e = {.r = r, .in = &r->instances[i], .out = out};
    out->arena = arena_new();
    out->points = arena_array(out->arena, EXPLAIN_POINTS_MAX, sizeof *out->points);
    out->memories = arena_array(out->arena, EXPLAIN_POINTS_MAX, sizeof *out->memories);
    e.w = calloc(1, sizeof *e.w);
    if (e.w == NULL) {
        abort();
    }
    series_book_begin(&e.book, out->arena, r->specs, r->series_count);
    out->state = instance_state(r, e.in);
    out->resuming = e.in->flags & INSTANCE_RESUMING;
    out->due_ms = judge_due(r, e.in, t_ms);
    out->while_ = condition(&e, &r->site->rules[rule].while_, &out->while_text);
    explain_levels(&e);
    series_book_fini(&e.book);
    free(e.w);
    out->verdict = explain_verdict(out, r);
    return true;
}

void
explain_fini(struct explanation *e)
{
    arena_free(e->arena);
    *e = (struct explanation){0};
}
