#include "rules/operand.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"

void
compiler_report(
    struct compiler *c, enum diag_level level, uint32_t at, const char *fmt, ...)
{
    char message[ERR_TEXT_BYTES];
    va_list args;
    if (c->failed) {
        return; /* What follows an error is its consequence. */
    }
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, tr(fmt), args);
    va_end(args);
    c->scope->report(c->scope->ctx, level, c->scope->text, at, message);
    c->failed = level == DIAG_ERROR;
}

int
compiler_quote_size(const struct node *n)
{
    uint32_t size = n->end - n->start;
    return size > QUOTE_BYTES_MAX ? QUOTE_BYTES_MAX : (int)size;
}

const char *
compiler_quote(const struct compiler *c, const struct node *n)
{
    return c->scope->text->text + n->start;
}

static const char *
unit_name(const struct operand *o)
{
    return o->unit.name[0] == '\0' ? tr("a plain number") : o->unit.name;
}

void
compiler_emit(struct compiler *c, enum op_code code, uint32_t a, uint32_t b)
{
    struct code_writer *w = c->w;
    if (w->op_count == CODE_OPS_MAX) {
        compiler_report(c, DIAG_ERROR, 0, "the rule has more than %d operations",
                        CODE_OPS_MAX);
        return;
    }
    w->ops[w->op_count++] =
        (struct op){.code = (uint16_t)code, .a = (uint16_t)a, .b = (uint16_t)b};
}

void
compiler_push(struct compiler *c, const struct node *n)
{
    if (++c->stack > PROGRAM_STACK_MAX) {
        compiler_report(c, DIAG_ERROR, n->start,
                        "too many operands wait for each other");
    }
}

uint32_t
compiler_constant(struct compiler *c, double value)
{
    struct code_writer *w = c->w;
    if (w->constant_count == CODE_CONSTANTS_MAX) {
        compiler_report(c, DIAG_ERROR, 0, "the rule has more than %d numbers",
                        CODE_CONSTANTS_MAX);
        return 0;
    }
    w->constants[w->constant_count] = value;
    return w->constant_count++;
}

uint32_t
compiler_slot(struct compiler *c, enum slot_kind kind, uint32_t index)
{
    struct code_writer *w = c->w;
    for (uint32_t i = 0; i < w->slot_count; i++) {
        if (w->slots[i] == index && w->slot_kinds[i] == kind) {
            return i;
        }
    }
    if (w->slot_count == CODE_SLOTS_MAX) {
        compiler_report(c, DIAG_ERROR, 0, "the rule reads more than %d points",
                        CODE_SLOTS_MAX);
        return 0;
    }
    w->slots[w->slot_count] = index;
    w->slot_kinds[w->slot_count] = (uint8_t)kind;
    return w->slot_count++;
}

double *
operand_constant(struct compiler *c, const struct operand *o)
{
    assert(o->constant);
    return &c->w->constants[c->w->ops[o->op].a];
}

void
operand_fold(struct compiler *c, struct operand *o)
{
    if (c->failed) {
        return;
    }
    struct code_writer *w = c->w;
    struct span span = {(uint16_t)o->op, (uint16_t)(w->op_count - o->op)};
    double value = program_run(w->ops, span, w->constants, NULL, NULL);
    if (isnan(value)) {
        compiler_report(
            c, DIAG_WARNING, o->node->start,
            "`%.*s` is always unknown: what depends on it neither raises nor "
            "clears",
            compiler_quote_size(o->node), compiler_quote(c, o->node));
    }
    w->op_count = o->op;
    compiler_emit(c, OP_CONST, compiler_constant(c, value), 0);
    o->constant = true;
}

static bool
is_temperature(const struct unit *u)
{
    struct unit kelvin;
    unit_parse(&kelvin, "K", 1);
    return unit_agrees(u, &kelvin);
}

static bool
is_time(const struct unit *u)
{
    struct unit second;
    unit_parse(&second, "s", 1);
    return unit_agrees(u, &second);
}

void
operand_set_unit(struct operand *o, const char *word)
{
    unit_parse(&o->unit, word, strlen(word));
    o->plain = false;
    o->weight = o->unit.zero != 0 ? 1 : 0;
    o->kelvin = o->unit.zero == 0 && is_temperature(&o->unit);
}

/* A difference of temperatures is in K, whatever was subtracted. */
void
operand_settle(struct operand *o)
{
    if (fabs(o->weight - 1) < 1e-9) {
        o->weight = 1; /* (a + b + c) / 3 */
    }
    if (o->weight == 0 && o->unit.zero != 0) {
        unit_parse(&o->unit, "K", 1);
    }
}

void
operand_convert(struct compiler *c,
                struct operand *o,
                const struct unit *to,
                bool difference)
{
    struct unit_conversion k = unit_conversion(&o->unit, to, difference);
    if (c->failed) {
        return;
    }
    if (unit_conversion_is_needed(&k)) {
        if (o->constant) {
            double *value = operand_constant(c, o);
            *value = unit_convert_constant(&k, *value);
        } else {
            uint32_t first = compiler_constant(c, k.num);
            (void)compiler_constant(c, k.den);
            (void)compiler_constant(c, k.add);
            compiler_emit(c, OP_CONVERT, first, 0);
        }
    }
    o->unit = *to;
}

/* One of the two has no unit.  A number takes the other's; so does a point, but the
 * reader should hear of it. */
static void
lend_unit(struct compiler *c, struct operand *plain, const struct operand *other)
{
    if (!plain->constant && !unit_is_none(&other->unit)) {
        compiler_report(c, DIAG_WARNING, plain->node->start,
                        "`%.*s` has no unit and is taken in %s, as `%.*s`",
                        compiler_quote_size(plain->node),
                        compiler_quote(c, plain->node), unit_name(other),
                        compiler_quote_size(other->node),
                        compiler_quote(c, other->node));
    }
    plain->unit = other->unit;
}

static void
mismatch(struct compiler *c, const struct operand *a, const struct operand *b)
{
    compiler_report(c, DIAG_ERROR, b->node->start,
                    "`%.*s` is in %s and `%.*s` in %s: neither converts into the other",
                    compiler_quote_size(a->node), compiler_quote(c, a->node),
                    unit_name(a), compiler_quote_size(b->node),
                    compiler_quote(c, b->node), unit_name(b));
}

/* A temperature may meet a temperature, a difference a difference. */
static void
check_temperatures(struct compiler *c, const struct operand *a, const struct operand *b)
{
    double weight = a->kelvin ? b->weight : a->weight;
    bool same = a->kelvin || b->kelvin || a->weight == b->weight;
    if (same && (weight == 0 || weight == 1 || a->weight == b->weight)) {
        return;
    }
    if (a->weight + b->weight == 1 && a->weight * b->weight == 0) {
        const struct operand *difference = a->weight == 0 ? a : b;
        const struct operand *temperature = a->weight == 0 ? b : a;
        compiler_report(c, DIAG_ERROR, temperature->node->start,
                        "`%.*s` is a difference, in K, and `%.*s` is in °C; write a "
                        "difference in K",
                        compiler_quote_size(difference->node),
                        compiler_quote(c, difference->node),
                        compiler_quote_size(temperature->node),
                        compiler_quote(c, temperature->node));
        return;
    }
    compiler_report(
        c, DIAG_ERROR, a->node->start,
        "`%.*s` is no temperature: a sum of temperatures in °C must be divided by "
        "their count; a difference of two is in K",
        compiler_quote_size(weight == a->weight && !a->kelvin ? a->node : b->node),
        compiler_quote(c, weight == a->weight && !a->kelvin ? a->node : b->node));
}

/* Whether its program, the last one, only reads a series. */
static bool
is_series(const struct compiler *c, const struct operand *o)
{
    const struct code_writer *w = c->w;
    return !c->failed && o->op + 1 == w->op_count && w->ops[o->op].code == OP_SERIES;
}

/* Converts `a` below b, which only reads a series: a count or a time that is known in
 * part is compared as the series says it. */
static void
convert_below(struct compiler *c, struct operand *a, struct operand *b, bool difference)
{
    struct code_writer *w = c->w;
    const struct op read = w->ops[--w->op_count];
    operand_convert(c, a, &b->unit, difference);
    b->op = w->op_count;
    compiler_emit(c, (enum op_code)read.code, read.a, read.b);
}

void
operand_unify(
    struct compiler *c, struct operand *a, struct operand *b, bool adding, bool keep)
{
    if (a->plain || b->plain) {
        if (a->plain != b->plain) {
            struct operand *plain = a->plain ? a : b;
            const struct operand *other = a->plain ? b : a;
            lend_unit(c, plain, other);
            plain->weight = adding ? 0 : other->weight;
            plain->kelvin = !adding && other->kelvin;
        }
        return;
    }
    struct unit minute;
    unit_parse(&minute, "min", 3);
    if (a->minutes && is_time(&b->unit)) {
        a->unit = minute;
    } else if (b->minutes && is_time(&a->unit)) {
        b->unit = minute;
    }
    struct unit hundredth;
    unit_none(&hundredth);
    hundredth.den = 100;
    if (unit_is_percent(&b->unit) && unit_is_none(&a->unit)) {
        b->unit = hundredth;
    } else if (unit_is_percent(&a->unit) && unit_is_none(&b->unit)) {
        a->unit = hundredth;
    }
    if (!unit_agrees(&a->unit, &b->unit)) {
        mismatch(c, a, b);
        return;
    }
    bool difference = true;
    if (is_temperature(&a->unit) && !adding) {
        check_temperatures(c, a, b);
        difference = a->kelvin == b->kelvin || a->weight + b->weight != 1;
    }
    if (a->constant && !b->constant && !keep) {
        operand_convert(c, a, &b->unit, difference);
    } else if (!adding && !keep && !a->constant && is_series(c, b)) {
        convert_below(c, a, b, difference);
    } else {
        operand_convert(c, b, &a->unit, difference);
    }
}
