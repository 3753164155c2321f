#include "rules/expression.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "rules/compile.h"

static struct operand
compile_number(struct compiler *c, const struct node *n)
{
    struct operand o = {.node = n, .op = c->w->op_count, .constant = true};
    o.kind = n->kind == NODE_TRUTH ? VALUE_TRUTH : VALUE_NUMBER;
    o.plain = true;
    unit_none(&o.unit);
    if (n->unit != NULL) {
        operand_set_unit(&o, n->unit);
        o.minutes = strcmp(n->unit, "m") == 0;
    }
    compiler_emit(c, OP_CONST, compiler_constant(c, n->number), 0);
    compiler_push(c, n);
    return o;
}

bool
expression_point_is_truth(const struct point *p)
{
    return p->type == TYPE_BOOL || p->table == REG_COIL || p->table == REG_DISCRETE ||
           (p->type == TYPE_BITS && p->bit_low == p->bit_high);
}

uint32_t
compiler_device(const struct compiler *c, const struct node *n)
{
    return n->device == NULL ? c->scope->device
                             : site_device(c->scope->site, n->device);
}

static struct operand
compile_point(struct compiler *c, const struct node *n)
{
    struct operand o = {.node = n, .op = c->w->op_count, .plain = true};
    unit_none(&o.unit);
    uint32_t device = compiler_device(c, n);
    uint32_t index = site_point(c->scope->site, device, n->name);
    compiler_push(c, n);
    bool derived =
        index != NONE_INDEX && c->scope->site->points[index].derived == DERIVED_ONLINE;
    if (index == NONE_INDEX || derived) {
        assert(strcmp(n->name, "online") == 0);
        o.kind = VALUE_TRUTH;
        compiler_emit(c, OP_ONLINE, compiler_slot(c, SLOT_DEVICE, device), 0);
        return o;
    }
    const struct point *p = &c->scope->site->points[index];
    compiler_emit(c, OP_POINT, compiler_slot(c, SLOT_POINT, index), 0);
    if (expression_point_is_truth(p)) {
        o.kind = VALUE_TRUTH;
        return o;
    }
    o.kind = VALUE_NUMBER;
    if (p->unit != NULL && p->unit[0] != '\0') {
        operand_set_unit(&o, p->unit);
    } else if (p->table == REG_NONE && p->type == TYPE_F64 &&
               p->derived == DERIVED_NONE) {
        o.kind = VALUE_EITHER;
    }
    return o;
}

/* Makes a written operand a condition. */
void
operand_want_truth(struct compiler *c, struct operand *o)
{
    if (o->kind == VALUE_EITHER) {
        compiler_emit(c, OP_TRUTH, 0, 0);
        o->kind = VALUE_TRUTH;
    } else if (o->kind == VALUE_NUMBER) {
        compiler_report(
            c, DIAG_ERROR, o->node->start,
            "`%.*s` is a number; a condition is expected here, such as a comparison",
            compiler_quote_size(o->node), compiler_quote(c, o->node));
    }
}

void
operand_want_number(struct compiler *c, const struct operand *o)
{
    if (o->kind == VALUE_TRUTH) {
        compiler_report(c, DIAG_ERROR, o->node->start,
                        "`%.*s` is true or false; a number is expected here",
                        compiler_quote_size(o->node), compiler_quote(c, o->node));
    }
}

static struct operand
compile_logic(struct compiler *c, const struct node *n)
{
    struct operand a = compile_node(c, n->args[0]);
    operand_want_truth(c, &a);
    bool constant = a.constant;
    if (n->kind == NODE_NOT) {
        compiler_emit(c, OP_NOT, 0, 0);
    } else {
        struct operand b = compile_node(c, n->args[1]);
        operand_want_truth(c, &b);
        constant = constant && b.constant;
        compiler_emit(c, n->kind == NODE_AND ? OP_AND : OP_OR, 0, 0);
        c->stack--;
    }
    struct operand o = {.node = n, .kind = VALUE_TRUTH, .plain = true, .op = a.op};
    unit_none(&o.unit);
    if (constant) {
        operand_fold(c, &o);
    }
    return o;
}

static struct operand
compile_sum(struct compiler *c, const struct node *n)
{
    struct operand a = compile_node(c, n->args[0]);
    operand_want_number(c, &a);
    struct operand b = compile_node(c, n->args[1]);
    operand_want_number(c, &b);
    struct operand o = {.node = n, .kind = VALUE_NUMBER, .op = a.op};
    o.minutes = a.minutes && b.minutes;
    operand_unify(c, &a, &b, n->kind != NODE_MOD, false);
    o.plain = a.plain && b.plain;
    o.unit = a.unit.zero == 0 && b.unit.zero != 0 ? b.unit : a.unit;
    if (n->kind == NODE_MOD) {
        o.weight = a.weight;
        o.kelvin = a.kelvin;
        compiler_emit(c, OP_MOD, 0, 0);
    } else {
        o.weight = n->kind == NODE_ADD ? a.weight + b.weight : a.weight - b.weight;
        o.kelvin = a.kelvin && b.kelvin;
        compiler_emit(c, n->kind == NODE_ADD ? OP_ADD : OP_SUB, 0, 0);
    }
    operand_settle(&o);
    c->stack--;
    if (a.constant && b.constant) {
        operand_fold(c, &o);
    }
    return o;
}

/* A temperature can only be multiplied or divided by a number, to make a mean. */
static void
weigh_product(struct compiler *c,
              const struct operand *a,
              const struct operand *b,
              struct operand *o)
{
    bool divide = o->node->kind == NODE_DIV;
    const struct operand *hot = a->weight != 0 ? a : b;
    const struct operand *other = a->weight != 0 ? b : a;
    if (hot->weight == 0 || c->failed) {
        return;
    }
    if (!other->plain || !other->constant || (divide && hot == b)) {
        compiler_report(c, DIAG_ERROR, o->node->start,
                        "`%.*s` is a temperature in °C, which cannot be multiplied or "
                        "divided; a difference of two, in K, can",
                        compiler_quote_size(hot->node), compiler_quote(c, hot->node));
        return;
    }
    double factor = *operand_constant(c, other);
    o->weight = divide ? hot->weight / factor : hot->weight * factor;
    operand_settle(o);
}

static struct operand
compile_product(struct compiler *c, const struct node *n)
{
    struct operand a = compile_node(c, n->args[0]);
    operand_want_number(c, &a);
    struct operand b = compile_node(c, n->args[1]);
    operand_want_number(c, &b);
    bool divide = n->kind == NODE_DIV;
    struct operand o = {.node = n, .kind = VALUE_NUMBER, .op = a.op};
    o.plain = a.plain && b.plain;
    compiler_emit(c, divide ? OP_DIV : OP_MUL, 0, 0);
    c->stack--;
    bool share = !a.plain && !b.plain; /* 30 % of a power is a power. */
    struct operand *sides[] = {&a, &b};
    for (int i = 0; i < 2 && share; i++) {
        if (unit_is_percent(&sides[i]->unit)) {
            unit_none(&sides[i]->unit);
            sides[i]->unit.den = 100;
        }
    }
    if (b.plain || (a.plain && !divide)) {
        o.unit = b.plain ? a.unit : b.unit;
        o.minutes = a.minutes || b.minutes;
        o.kelvin = a.kelvin || b.kelvin;
    } else if (unit_is_none(&b.unit) || (unit_is_none(&a.unit) && !divide)) {
        bool left = unit_is_none(&b.unit);
        o.unit = left ? a.unit : b.unit; /* Keep the name: a share of kW is kW. */
        o.unit.num *= left ? (divide ? b.unit.den : b.unit.num) : a.unit.num;
        o.unit.den *= left ? (divide ? b.unit.num : b.unit.den) : a.unit.den;
    } else {
        unit_product(&o.unit, &a.unit, &b.unit, divide);
    }
    weigh_product(c, &a, &b, &o);
    if (a.constant && b.constant) {
        operand_fold(c, &o);
    }
    struct unit ratio;
    unit_none(&ratio);
    if (!o.plain && unit_is_none(&o.unit)) {
        operand_convert(c, &o, &ratio, true);
    } else if (share && o.unit.zero == 0 &&
               (unit_is_none(&a.unit) || unit_is_none(&b.unit))) {
        struct unit named = unit_is_none(&b.unit) ? a.unit : b.unit;
        if (unit_agrees(&o.unit, &named)) {
            operand_convert(c, &o, &named, true);
        }
    }
    return o;
}

/* A truth may be compared with another, or with 0 and 1. */
static void
check_truths(struct compiler *c,
             const struct node *n,
             const struct operand *a,
             const struct operand *b)
{
    if (a->kind == VALUE_TRUTH && b->kind == VALUE_TRUTH) {
        if (n->kind != NODE_EQ && n->kind != NODE_NE) {
            compiler_report(c, DIAG_ERROR, n->start,
                            "`%.*s` compares two conditions; only == and != do",
                            compiler_quote_size(n), compiler_quote(c, n));
        }
        return;
    }
    const struct operand *truth = a->kind == VALUE_TRUTH ? a : b;
    const struct operand *number = a->kind == VALUE_TRUTH ? b : a;
    if (c->failed || number->kind == VALUE_EITHER) {
        return;
    }
    if (!number->constant || !number->plain ||
        (*operand_constant(c, number) != 0 && *operand_constant(c, number) != 1)) {
        compiler_report(
            c, DIAG_ERROR, number->node->start,
            "`%.*s` is true or false and cannot be compared with `%.*s`; true, "
            "false, 1 and 0 are accepted",
            compiler_quote_size(truth->node), compiler_quote(c, truth->node),
            compiler_quote_size(number->node), compiler_quote(c, number->node));
    }
}

static struct operand
compile_compare(struct compiler *c, const struct node *n)
{
    if (node_is_quality(n->args[0]) || node_is_quality(n->args[1])) {
        return compile_quality(c, n);
    }
    struct operand a = compile_node(c, n->args[0]);
    struct operand b = compile_node(c, n->args[1]);
    if (a.kind == VALUE_TRUTH || b.kind == VALUE_TRUTH) {
        check_truths(c, n, &a, &b);
    } else {
        operand_unify(c, &a, &b, false, false);
        watch_comparison(c, &a, &b);
        watch_comparison(c, &b, &a);
    }
    static const enum op_code codes[] = {
        [NODE_LT] = OP_LT, [NODE_LE] = OP_LE, [NODE_GT] = OP_GT,
        [NODE_GE] = OP_GE, [NODE_EQ] = OP_EQ, [NODE_NE] = OP_NE,
    };
    compile_range(c, codes[n->kind], &a, &b);
    c->stack--;
    struct operand o = {.node = n, .kind = VALUE_TRUTH, .plain = true, .op = a.op};
    unit_none(&o.unit);
    if (a.constant && b.constant) {
        operand_fold(c, &o);
    }
    return o;
}

static struct operand
compile_negation(struct compiler *c, const struct node *n)
{
    struct operand o = compile_node(c, n->args[0]);
    operand_want_number(c, &o);
    compiler_emit(c, OP_NEG, 0, 0);
    o.node = n;
    o.kind = VALUE_NUMBER;
    /* -5 °C is a temperature; the negative of a measured one is not. */
    if (o.constant) {
        operand_fold(c, &o);
    } else {
        o.weight = -o.weight;
    }
    return o;
}

struct operand
compile_node(struct compiler *c, const struct node *n)
{
    switch (n->kind) {
    case NODE_NUMBER:
    case NODE_TRUTH:
        return compile_number(c, n);
    case NODE_POINT:
        return compile_point(c, n);
    case NODE_CALL:
        return compile_call(c, n);
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        return compile_logic(c, n);
    case NODE_LT:
    case NODE_LE:
    case NODE_GT:
    case NODE_GE:
    case NODE_EQ:
    case NODE_NE:
        return compile_compare(c, n);
    case NODE_ADD:
    case NODE_SUB:
    case NODE_MOD:
        return compile_sum(c, n);
    case NODE_MUL:
    case NODE_DIV:
        return compile_product(c, n);
    case NODE_NEG:
        return compile_negation(c, n);
    case NODE_STRING:
        break;
    }
    compiler_report(
        c, DIAG_ERROR, n->start,
        "a text in quotes goes only with a quality: quality(x) == \"timeout\"");
    return compile_number(c, n);
}

bool
expression_compile(struct code_writer *w,
                   const struct expression_scope *scope,
                   const struct node *root,
                   struct span *out)
{
    struct compiler c = {.w = w, .scope = scope};
    uint32_t first = w->op_count;
    struct operand o = compile_node(&c, root);
    operand_want_truth(&c, &o);
    *out = (struct span){(uint16_t)first, (uint16_t)(w->op_count - first)};
    return !c.failed;
}

bool
expression_compile_value(struct code_writer *w,
                         const struct expression_scope *scope,
                         const struct node *value,
                         struct span *out)
{
    struct compiler c = {.w = w, .scope = scope};
    uint32_t first = w->op_count;
    (void)compile_node(&c, value);
    *out = (struct span){(uint16_t)first, (uint16_t)(w->op_count - first)};
    return !c.failed;
}

static bool
node_is_constant(const struct node *n)
{
    if (n->kind == NODE_POINT) {
        return false;
    }
    struct node *const *args = n->kind == NODE_CALL ? n->list : n->args;
    for (uint32_t i = 0; i < n->arg_count; i++) {
        if (!node_is_constant(args[i])) {
            return false;
        }
    }
    return true;
}

static const struct node *
first_comparison(const struct node *n)
{
    for (uint32_t i = 0; i < n->arg_count && n->kind != NODE_CALL; i++) {
        const struct node *found = first_comparison(n->args[i]);
        if (found != NULL) {
            return found;
        }
    }
    bool is_one = node_is_comparison(n) && !node_is_quality(n->args[0]) &&
                  !node_is_quality(n->args[1]) &&
                  !(node_is_constant(n->args[0]) && node_is_constant(n->args[1]));
    return is_one ? n : NULL;
}

static const struct node *
first_point(const struct node *n)
{
    if (n->kind == NODE_POINT) {
        return n;
    }
    if (n->kind == NODE_CALL) {
        /* What is stuck has a number; a quality has none. */
        return n->function == FUNCTION_STUCK ? first_point(n->list[0]) : NULL;
    }
    for (uint32_t i = 0; i < n->arg_count; i++) {
        const struct node *found = first_point(n->args[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const struct node *
expression_value_node(const struct node *root)
{
    const struct node *n = first_comparison(root);
    if (n == NULL) {
        return first_point(root);
    }
    return node_is_constant(n->args[0]) ? n->args[1] : n->args[0];
}
