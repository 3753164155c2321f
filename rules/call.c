/* Functions of the present. */
#include "rules/compile.h"

/* quality(x) == "timeout" */
struct operand
compile_quality(struct compiler *c, const struct node *n)
{
    const struct node *call = n->args[0];
    const struct node *word = n->args[1];
    if (call->kind == NODE_STRING) {
        call = n->args[1];
        word = n->args[0];
    }
    struct operand o = {
        .node = n, .kind = VALUE_TRUTH, .plain = true, .op = c->w->op_count};
    unit_none(&o.unit);
    enum quality quality = QUALITY_GOOD;
    if (call->kind != NODE_CALL || call->function != FUNCTION_QUALITY ||
        word->kind != NODE_STRING || (n->kind != NODE_EQ && n->kind != NODE_NE)) {
        compiler_report(
            c, DIAG_ERROR, n->start,
            "a quality is compared with its word: quality(x) == \"timeout\", or !=");
    } else if (!quality_parse(&quality, word->name)) {
        compiler_report(
            c, DIAG_ERROR, word->start,
            "there is no quality \"%.*s\"; accepted are good, timeout, crc, "
            "exception, refused, range, sentinel, stale, stuck and offline",
            QUOTE_BYTES_MAX, word->name);
    } else {
        const struct node *p = call->list[0];
        uint32_t index = site_point(c->scope->site, compiler_device(c, p), p->name);
        if (index == NONE_INDEX) {
            compiler_report(c, DIAG_ERROR, p->start,
                            "`online` is no point and has no quality");
            return o;
        }
        compiler_emit(c, OP_QUALITY, compiler_slot(c, SLOT_POINT, index), quality);
        if (n->kind == NODE_NE) {
            compiler_emit(c, OP_NOT, 0, 0);
        }
    }
    compiler_push(c, n);
    return o;
}

bool
node_is_quality(const struct node *n)
{
    return n->kind == NODE_STRING ||
           (n->kind == NODE_CALL && n->function == FUNCTION_QUALITY);
}

static struct operand
compile_age(struct compiler *c, const struct node *n)
{
    struct operand o = {.node = n, .kind = VALUE_NUMBER, .op = c->w->op_count};
    const struct node *p = n->list[0];
    uint32_t index = site_point(c->scope->site, compiler_device(c, p), p->name);
    operand_set_unit(&o, "s");
    compiler_push(c, n);
    if (index == NONE_INDEX) {
        compiler_report(c, DIAG_ERROR, p->start, "`online` is no point and has no age");
        return o;
    }
    compiler_emit(c, OP_AGE, compiler_slot(c, SLOT_POINT, index), 0);
    return o;
}

struct operand
compile_call(struct compiler *c, const struct node *n)
{
    if (n->function == FUNCTION_AGE) {
        return compile_age(c, n);
    }
    if (n->function == FUNCTION_QUALITY) {
        compiler_report(
            c, DIAG_ERROR, n->start,
            "a quality is compared with its word: quality(x) == \"timeout\"");
        return compile_node(c, n->list[0]);
    }
    if (n->function != FUNCTION_ABS && n->function != FUNCTION_GREATEST &&
        n->function != FUNCTION_LEAST && n->function != FUNCTION_UNBALANCE) {
        return compile_past(c, n);
    }
    struct operand o = compile_node(c, n->list[0]);
    bool constant = o.constant;
    operand_want_number(c, &o);
    for (uint32_t i = 1; i < n->arg_count; i++) {
        struct operand next = compile_node(c, n->list[i]);
        operand_want_number(c, &next);
        constant = constant && next.constant;
        bool first_unit = o.plain && !next.plain;
        operand_unify(c, &o, &next, false, true);
        if (first_unit) {
            o.plain = false;
        }
    }
    c->stack -= n->arg_count - 1;
    o.node = n;
    o.kind = VALUE_NUMBER;
    o.constant = false;
    o.minutes = false;
    if (n->function == FUNCTION_ABS) {
        compiler_emit(c, OP_ABS, 0, 0);
    } else if (n->function == FUNCTION_UNBALANCE) {
        compiler_emit(c, OP_UNBALANCE, n->arg_count, 0);
        operand_set_unit(&o, "%");
    } else {
        compiler_emit(c, n->function == FUNCTION_LEAST ? OP_LEAST : OP_GREATEST,
                      n->arg_count, 0);
    }
    if (constant) {
        operand_fold(c, &o);
    }
    return o;
}
