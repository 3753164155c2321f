/* Functions with a memory.  What they follow is compiled like any expression, taken out
 * of the rule's program, and becomes a series (series.h) that the program reads. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "rules/compile.h"

#define WATCH_MS_MAX 1e15 /* Nothing here gets 30,000 years old. */

/* ---- timers ---- */

void
compiler_watch(struct compiler *c,
               const struct node *n,
               enum watch_kind kind,
               uint32_t slot,
               double ms)
{
    struct code_writer *w = c->w;
    if (w->watch_count == CODE_WATCHES_MAX) {
        compiler_report(
            c, DIAG_ERROR, n->start,
            "the rule compares age(), held() and stuck() more than %d times",
            CODE_WATCHES_MAX);
        return;
    }
    if (fabs(ms - round(ms)) < 1e-6) {
        ms = round(ms); /* 0.3 s is 300 ms. */
    }
    if (ms >= 0 && ms < WATCH_MS_MAX) {
        w->watches[w->watch_count++] =
            (struct value_watch){.ms = ms, .slot = slot, .kind = (uint32_t)kind};
    }
}

void
watch_comparison(struct compiler *c,
                 const struct operand *side,
                 const struct operand *limit)
{
    if (c->failed || side->node->kind != NODE_CALL || !limit->constant) {
        return;
    }
    double ms = *operand_constant(c, limit) * 1000;
    if (side->node->function == FUNCTION_AGE) {
        compiler_watch(c, side->node, WATCH_AGE, c->w->ops[side->op].a, ms);
    } else if (side->node->function == FUNCTION_HELD) {
        compiler_watch(c, side->node, WATCH_HELD, c->w->ops[side->op].a, ms);
    }
}

/* ---- comparisons of what is known in part ---- */

/* Whether the operand, which ends before operation `end`, is a count, a time or a held
 * as the series says it. */
static bool
is_range(const struct compiler *c, const struct operand *o, uint32_t end)
{
    return o->node->kind == NODE_CALL && end - o->op == 1 &&
           c->w->ops[o->op].code == OP_SERIES &&
           (o->node->function == FUNCTION_COUNT || o->node->function == FUNCTION_TIME ||
            o->node->function == FUNCTION_HELD);
}

void
compile_range(struct compiler *c,
              enum op_code code,
              const struct operand *a,
              const struct operand *b)
{
    const struct code_writer *w = c->w;
    if (c->failed) {
        return;
    }
    if (is_range(c, a, b->op)) {
        compiler_emit(c, OP_RANGE, w->ops[a->op].a, code);
    } else if (is_range(c, b, w->op_count)) {
        compiler_emit(c, OP_RANGE, w->ops[b->op].a, code | RANGE_RIGHT);
    } else {
        compiler_emit(c, code, 0, 0);
    }
}

/* ---- series ---- */

/* Where a program that is taken out began. */
struct mark {
    uint32_t op, constant, watch;
};

/* The slots of a program that is taken out. */
struct local_slots {
    uint32_t index[CODE_SLOTS_MAX];
    uint8_t kind[CODE_SLOTS_MAX];
    uint32_t count;
};

static uint32_t
local_slot(struct local_slots *l, uint8_t kind, uint32_t index)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->index[i] == index && l->kind[i] == kind) {
            return i;
        }
    }
    assert(l->count < CODE_SLOTS_MAX);
    l->index[l->count] = index;
    l->kind[l->count] = kind;
    return l->count++;
}

static bool
op_has_slot(const struct op *op)
{
    return op->code == OP_POINT || op->code == OP_ONLINE || op->code == OP_QUALITY ||
           op->code == OP_AGE || op->code == OP_SERIES || op->code == OP_RANGE;
}

/* Makes the program since the mark one of its own: its slots and constants counted from
 * 0. */
static void
cut_out(struct compiler *c, const struct mark *m, struct local_slots *l)
{
    struct code_writer *w = c->w;
    for (uint32_t i = m->op; i < w->op_count; i++) {
        struct op *op = &w->ops[i];
        if (op_has_slot(op)) {
            op->a = (uint16_t)local_slot(l, w->slot_kinds[op->a], w->slots[op->a]);
        } else if (op->code == OP_CONST || op->code == OP_CONVERT) {
            op->a = (uint16_t)(op->a - m->constant);
        }
    }
    for (uint32_t i = m->watch; i < w->watch_count; i++) {
        struct value_watch *watch = &w->watches[i];
        watch->slot = local_slot(l, w->slot_kinds[watch->slot], w->slots[watch->slot]);
    }
    /* News of what the series within read is news of this one. */
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->kind[i] != SLOT_SERIES) {
            continue;
        }
        const struct series_spec *inner = &c->scope->series->items[l->index[i]];
        for (uint32_t k = 0; k < inner->slot_count && l->count < CODE_SLOTS_MAX; k++) {
            (void)local_slot(l, inner->slot_kinds[k], inner->slots[k]);
        }
    }
}

/* How often it is sampled, and for how long it may be silent. */
static void
take_rhythm(const struct compiler *c, struct series_spec *spec)
{
    const struct site *site = c->scope->site;
    spec->period_ms = INT64_MAX;
    for (uint32_t i = 0; i < spec->slot_count; i++) {
        const struct device *d = NULL;
        int64_t period_ms;
        int64_t patience_ms;
        if (spec->slot_kinds[i] == SLOT_POINT) {
            const struct point *p = &site->points[spec->slots[i]];
            period_ms = p->poll_ms;
            patience_ms = p->stale_after_ms;
        } else if (spec->slot_kinds[i] == SLOT_DEVICE) {
            d = &site->devices[spec->slots[i]];
            period_ms = d->poll_ms;
            patience_ms = d->stale_after_ms;
        } else {
            continue;
        }
        spec->period_ms = period_ms < spec->period_ms ? period_ms : spec->period_ms;
        spec->patience_ms =
            patience_ms > spec->patience_ms ? patience_ms : spec->patience_ms;
    }
    if (spec->period_ms <= 0 || spec->period_ms == INT64_MAX) {
        spec->period_ms = 1000;
    }
}

/* Its window, that of what it follows, and the sample before that begins it. */
static int64_t
reach_of(const struct compiler *c, const struct series_spec *spec)
{
    int64_t inner_ms = 0;
    for (uint32_t i = 0; i < spec->slot_count; i++) {
        if (spec->slot_kinds[i] == SLOT_SERIES) {
            int64_t ms = c->scope->series->items[spec->slots[i]].reach_ms;
            inner_ms = ms > inner_ms ? ms : inner_ms;
        }
    }
    return spec->width_ms + spec->patience_ms + inner_ms;
}

static void
add_point(struct strbuf *out, const struct compiler *c, uint32_t index)
{
    const struct point *p = &c->scope->site->points[index];
    if (p->device != c->scope->device) {
        strbuf_printf(out, "%s.", c->scope->site->devices[p->device].id);
    }
    strbuf_add(out, p->id);
}

static void
add_op(struct strbuf *out,
       const struct compiler *c,
       const struct series_spec *spec,
       const struct op *op)
{
    uint32_t index = op_has_slot(op) ? spec->slots[op->a] : 0;
    const struct device *devices = c->scope->site->devices;
    switch (op->code) {
    case OP_CONST:
        strbuf_add_number(out, spec->constants[op->a]);
        break;
    case OP_POINT:
        add_point(out, c, index);
        break;
    case OP_AGE:
    case OP_QUALITY:
        strbuf_add(out, op->code == OP_AGE ? "age:" : "quality:");
        add_point(out, c, index);
        strbuf_printf(out, ":%u", op->b);
        break;
    case OP_ONLINE:
        strbuf_printf(out, "online:%s", devices[index].id);
        break;
    case OP_SERIES:
    case OP_RANGE:
        strbuf_printf(out, "{%s}:%u", c->scope->series->items[index].key, op->b);
        break;
    case OP_CONVERT:
        for (int i = 0; i < 3; i++) {
            strbuf_add(out, i > 0 ? "/" : "convert:");
            strbuf_add_number(out, spec->constants[op->a + i]);
        }
        break;
    default:
        strbuf_printf(out, "op%u:%u", op->code, op->a);
        break;
    }
}

/* "pump-1 hours(running)": the device, and what the call means.  However a rule writes
 * it, what was counted is found again; more than a point is in postfix notation. */
static const char *
key_of(const struct compiler *c, const struct node *n, const struct series_spec *spec)
{
    const struct expression_scope *scope = c->scope;
    struct strbuf text = {0};
    strbuf_printf(&text, "%s %s(", scope->site->devices[scope->device].id,
                  function_name(n->function));
    for (uint32_t i = 0; i < spec->op_count; i++) {
        strbuf_add(&text, i > 0 ? " " : "");
        add_op(&text, c, spec, &spec->ops[i]);
    }
    if (spec->width_ms > 0) {
        strbuf_printf(&text, ",%" PRId64 "ms", spec->width_ms);
    }
    strbuf_add(&text, spec->since_service ? "," SINCE_SERVICE ")" : ")");
    const char *key = arena_strdup(scope->series->arena, strbuf_text(&text));
    strbuf_fini(&text);
    return key;
}

/* A statistic is known when its samples span half of the window; at this rhythm they
 * may never. */
static void
check_rhythm(struct compiler *c, const struct node *n, const struct series_spec *spec)
{
    int64_t most_ms = (spec->width_ms - 1) / spec->period_ms * spec->period_ms;
    /* A log brings its own rhythm. */
    bool polled = c->scope->site->devices[spec->device].bus != NONE_INDEX;
    if (polled && spec->kind == SERIES_WINDOW && 2 * most_ms < spec->width_ms) {
        char period[INSTANT_TEXT_BYTES];
        compiler_report(
            c, DIAG_WARNING, n->start,
            "`%.*s` will never be known: its samples come every %s; a window "
            "of more than twice that is of use",
            compiler_quote_size(n), compiler_quote(c, n),
            duration_format(period, spec->period_ms));
    }
}

/* It is refused where all of them no longer fit. */
static void
check_memory(struct compiler *c, const struct node *n, uint64_t before, uint32_t index)
{
    const struct series_book *book = c->scope->series;
    const struct series_spec *spec = &book->items[index];
    if (before > SERIES_BYTES_MAX || book->bytes <= SERIES_BYTES_MAX) {
        return; /* Said once. */
    }
    char width[INSTANT_TEXT_BYTES];
    char period[INSTANT_TEXT_BYTES];
    compiler_report(
        c, DIAG_ERROR, n->start,
        "`%.*s` needs %" PRIu64 " kB for %s of samples that come every %s, and with it "
        "all windows take %" PRIu64 " MB; up to %" PRIu64
        " MB are accepted: shorten windows, or poll more seldom",
        compiler_quote_size(n), compiler_quote(c, n), series_spec_bytes(spec) / 1000,
        duration_format(width, spec->width_ms),
        duration_format(period, spec->period_ms), book->bytes / 1000000,
        (uint64_t)(SERIES_BYTES_MAX / 1000000));
}

/* Takes the program since the mark out, enters it, and writes how it is read. */
static void
enter(struct compiler *c,
      const struct node *n,
      const struct mark *m,
      struct series_spec *spec)
{
    struct code_writer *w = c->w;
    struct local_slots local = {.count = 0};
    if (c->failed) {
        return;
    }
    bool plain_point = w->op_count - m->op == 1 && w->ops[m->op].code == OP_POINT;
    uint32_t point = plain_point ? w->slots[w->ops[m->op].a] : NONE_INDEX;
    cut_out(c, m, &local);
    spec->ops = &w->ops[m->op];
    spec->constants = &w->constants[m->constant];
    spec->watches = &w->watches[m->watch];
    spec->op_count = w->op_count - m->op;
    spec->constant_count = w->constant_count - m->constant;
    spec->watch_count = w->watch_count - m->watch;
    spec->slots = local.index;
    spec->slot_kinds = local.kind;
    spec->slot_count = local.count;
    spec->device = c->scope->device;
    spec->width_ms = n->window_ms;
    spec->since_service = n->since_service;
    spec->point = point;
    spec->counter = NONE_INDEX;
    bool counts = spec->kind == SERIES_WINDOW &&
                  (spec->window == WINDOW_DELTA || spec->window == WINDOW_RATE);
    if (counts && point != NONE_INDEX &&
        c->scope->site->points[point].kind == POINT_COUNTER) {
        spec->counter = point;
    }
    take_rhythm(c, spec);
    spec->reach_ms = reach_of(c, spec);
    spec->key = key_of(c, n, spec);
    check_rhythm(c, n, spec);
    uint64_t before = c->scope->series->bytes;
    uint32_t index = series_book_add(c->scope->series, spec);
    check_memory(c, n, before, index);
    w->op_count = m->op;
    w->constant_count = m->constant;
    w->watch_count = m->watch;
    compiler_emit(c, OP_SERIES, compiler_slot(c, SLOT_SERIES, index), 0);
}

static struct mark
mark_here(const struct compiler *c)
{
    return (struct mark){c->w->op_count, c->w->constant_count, c->w->watch_count};
}

static void
refuse_constant(struct compiler *c, const struct node *n, const struct operand *o)
{
    if (o->constant) {
        compiler_report(c, DIAG_ERROR, o->node->start,
                        "`%.*s` never changes; `%s` follows something that is measured",
                        compiler_quote_size(o->node), compiler_quote(c, o->node),
                        function_name(n->function));
    }
}

/* ---- kinds of functions ---- */

/* In the unit of what was measured, by the second. */
static void
make_rate(struct operand *o)
{
    struct unit second;
    struct unit rate;
    unit_parse(&second, "s", 1);
    if (!o->plain) {
        unit_product(&rate, &o->unit, &second, true);
        o->unit = rate;
        o->kelvin = false;
    }
}

static struct operand
of_values(struct compiler *c, const struct node *n, struct series_spec *spec)
{
    struct mark m = mark_here(c);
    struct operand o = compile_node(c, n->list[0]);
    operand_want_number(c, &o);
    refuse_constant(c, n, &o);
    spec->kind = SERIES_WINDOW;
    enter(c, n, &m, spec);
    o.node = n;
    o.kind = VALUE_NUMBER;
    o.minutes = false;
    if (spec->window == WINDOW_STDDEV || spec->window == WINDOW_DELTA ||
        spec->window == WINDOW_RATE) {
        o.weight = 0; /* A difference: zero points cancel out. */
        operand_settle(&o);
        o.kelvin = !o.plain && o.unit.zero == 0 && o.kelvin;
    }
    if (spec->window == WINDOW_RATE) {
        make_rate(&o);
    }
    return o;
}

static struct operand
of_condition(struct compiler *c,
             const struct node *n,
             struct series_spec *spec,
             enum series_kind kind,
             const char *unit)
{
    struct mark m = mark_here(c);
    struct operand o = compile_node(c, n->list[0]);
    operand_want_truth(c, &o);
    refuse_constant(c, n, &o);
    spec->kind = kind;
    enter(c, n, &m, spec);
    struct operand out = {.node = n, .kind = VALUE_NUMBER, .plain = true, .op = m.op};
    unit_none(&out.unit);
    if (unit != NULL) {
        operand_set_unit(&out, unit);
    }
    return out;
}

static struct operand
of_stillness(struct compiler *c, const struct node *n, struct series_spec *spec)
{
    struct mark m = mark_here(c);
    struct operand o = compile_node(c, n->list[0]);
    refuse_constant(c, n, &o);
    spec->kind = SERIES_STUCK;
    enter(c, n, &m, spec);
    if (!c->failed) {
        compiler_watch(c, n, WATCH_HELD, c->w->ops[m.op].a, (double)n->window_ms);
    }
    struct operand out = {.node = n, .kind = VALUE_TRUTH, .plain = true, .op = m.op};
    unit_none(&out.unit);
    return out;
}

/* Predictions are typed, and unknown until they are made. */
static struct operand
of_future(struct compiler *c, const struct node *n)
{
    struct mark m = mark_here(c);
    struct operand o = compile_node(c, n->list[0]);
    operand_want_number(c, &o);
    refuse_constant(c, n, &o);
    if (n->function == FUNCTION_TIME_TO) {
        struct operand limit = compile_node(c, n->list[1]);
        operand_want_number(c, &limit);
        operand_unify(c, &o, &limit, false, true);
        c->stack--;
    }
    c->w->op_count = m.op;
    c->w->constant_count = m.constant;
    c->w->watch_count = m.watch;
    compiler_emit(c, OP_CONST, compiler_constant(c, (double)NAN), 0);
    compiler_report(c, DIAG_WARNING, n->start,
                    "`%s` is unknown in this version: what depends on it neither "
                    "raises nor clears",
                    function_name(n->function));
    o.node = n;
    o.kind = VALUE_NUMBER;
    o.constant = o.minutes = false;
    if (n->function == FUNCTION_TIME_TO) {
        o.weight = 0;
        o.kelvin = false;
        operand_set_unit(&o, "s");
    } else if (n->function != FUNCTION_BASELINE) {
        o.weight = 0;
        operand_settle(&o);
    }
    if (n->function == FUNCTION_TREND) {
        make_rate(&o);
    }
    return o;
}

struct operand
compile_past(struct compiler *c, const struct node *n)
{
    struct series_spec spec = {.counter = NONE_INDEX};
    switch (n->function) {
    case FUNCTION_AVG:
        spec.window = WINDOW_AVG;
        return of_values(c, n, &spec);
    case FUNCTION_MIN:
        spec.window = WINDOW_MIN;
        return of_values(c, n, &spec);
    case FUNCTION_MAX:
        spec.window = WINDOW_MAX;
        return of_values(c, n, &spec);
    case FUNCTION_STDDEV:
        spec.window = WINDOW_STDDEV;
        return of_values(c, n, &spec);
    case FUNCTION_MEDIAN:
    case FUNCTION_P95:
        spec.window = WINDOW_QUANTILE;
        spec.quantile = n->function == FUNCTION_MEDIAN ? 0.5 : 0.95;
        return of_values(c, n, &spec);
    case FUNCTION_DELTA:
        spec.window = WINDOW_DELTA;
        return of_values(c, n, &spec);
    case FUNCTION_RATE:
        spec.window = WINDOW_RATE;
        return of_values(c, n, &spec);
    case FUNCTION_COUNT:
        return of_condition(c, n, &spec, SERIES_COUNT, NULL);
    case FUNCTION_TIME:
        return of_condition(c, n, &spec, SERIES_TIME, "s");
    case FUNCTION_HELD:
        return of_condition(c, n, &spec, SERIES_HELD, "s");
    case FUNCTION_HOURS:
        return of_condition(c, n, &spec, SERIES_HOURS, "h");
    case FUNCTION_STARTS:
        return of_condition(c, n, &spec, SERIES_STARTS, NULL);
    case FUNCTION_STUCK:
        return of_stillness(c, n, &spec);
    case FUNCTION_BASELINE:
    case FUNCTION_DRIFT:
    case FUNCTION_TIME_TO:
    case FUNCTION_TREND:
        return of_future(c, n);
    case FUNCTION_ABS:
    case FUNCTION_AGE:
    case FUNCTION_GREATEST:
    case FUNCTION_LEAST:
    case FUNCTION_QUALITY:
    case FUNCTION_UNBALANCE:
    case FUNCTIONS:
        break;
    }
    assert(!"a function with a memory");
    return compile_node(c, n->list[0]);
}
