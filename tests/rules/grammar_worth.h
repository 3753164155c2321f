/* What a grown expression is worth (grammar.h): NaN unknown, 0 and 1 for truths. */
#ifndef CARETAKER_TESTS_RULES_GRAMMAR_WORTH_H
#define CARETAKER_TESTS_RULES_GRAMMAR_WORTH_H

#include "tests/rules/grammar.h"

#define GRAMMAR_NEAR 1e-9

/* A number lies between two that differ only for a count or a time of which not all is
 * known.  `rounded`: another order of the same arithmetic may give other last digits.
 */
struct worth {
    double value, low, high;
    bool is_range, rounded;
};

static inline struct worth grammar_worth(struct grammar *g, const struct gnode *n);

static inline double
worth_finite(double value)
{
    return isfinite(value) ? value : (double)NAN;
}

static inline bool
worth_near(double a, double b)
{
    return fabs(a - b) <= GRAMMAR_NEAR * fmax(1e-3, fmax(fabs(a), fabs(b)));
}

static inline double
worth_compare_one(enum node_kind kind, double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (double)NAN;
    }
    return kind == NODE_LT   ? a < b
           : kind == NODE_LE ? a <= b
           : kind == NODE_GT ? a > b
           : kind == NODE_GE ? a >= b
           : kind == NODE_EQ ? a == b
                             : a != b;
}

static inline enum node_kind
worth_turned(enum node_kind kind)
{
    return kind == NODE_LT   ? NODE_GT
           : kind == NODE_LE ? NODE_GE
           : kind == NODE_GT ? NODE_LT
           : kind == NODE_GE ? NODE_LE
                             : kind;
}

static inline double
worth_compare(struct grammar *g, enum node_kind kind, struct worth a, struct worth b)
{
    if (!a.is_range && b.is_range) {
        return worth_compare(g, worth_turned(kind), b, a);
    }
    bool rounded = a.rounded || b.rounded;
    if (rounded && (worth_near(a.value, b.value) || worth_near(a.low, b.value) ||
                    worth_near(a.high, b.value))) {
        g->doubtful = true;
    }
    if (!a.is_range || isnan(b.value)) {
        return worth_compare_one(kind, a.is_range ? (double)NAN : a.value, b.value);
    }
    if ((kind == NODE_EQ || kind == NODE_NE) && a.low <= b.value && b.value <= a.high) {
        return (double)NAN;
    }
    double low = worth_compare_one(kind, a.low, b.value);
    return low == worth_compare_one(kind, a.high, b.value) ? low : (double)NAN;
}

static inline struct worth
worth_arithmetic(struct grammar *g, const struct gnode *n)
{
    struct worth a = grammar_worth(g, n->args[0]);
    struct worth b = grammar_worth(g, n->args[1]);
    struct worth w = {.rounded = a.rounded || b.rounded};
    bool alike = n->args[0]->measure == n->args[1]->measure;
    if (n->kind == NODE_ADD) {
        w.value = a.value + b.value;
    } else if (n->kind == NODE_SUB) {
        w.value = a.value - b.value;
    } else if (n->kind == NODE_MUL) {
        w.value = a.value * b.value;
        if (n->measure != SHARE && n->measure != PLAIN &&
            (n->args[0]->measure == SHARE || n->args[1]->measure == SHARE)) {
            w.value /= 100;
            w.rounded = true;
        }
    } else if (n->kind == NODE_DIV) {
        g->doubtful = g->doubtful || (b.rounded && worth_near(b.value, 0));
        w.rounded = w.rounded || (alike && n->args[0]->measure != PLAIN);
        w.value = b.value == 0 ? (double)NAN : a.value / b.value;
    } else {
        g->doubtful = g->doubtful || w.rounded; /* It jumps. */
        w.value = b.value == 0 ? (double)NAN : fmod(a.value, b.value);
    }
    w.value = worth_finite(w.value);
    return w;
}

static inline struct worth
worth_several(struct grammar *g, const struct gnode *n)
{
    double v[GRAMMAR_ARGS_MAX];
    struct worth w = {.rounded = n->function == FUNCTION_UNBALANCE};
    double sum = 0;
    double least = (double)INFINITY;
    double most = -(double)INFINITY;
    bool known = true;
    for (int i = 0; i < n->count; i++) {
        struct worth arg = grammar_worth(g, n->args[i]);
        w.rounded = w.rounded || arg.rounded;
        known = known && !isnan(arg.value);
        v[i] = arg.value;
        sum += v[i];
        least = fmin(least, v[i]);
        most = fmax(most, v[i]);
    }
    double mean = sum / n->count;
    if (!known) {
        w.value = (double)NAN;
    } else if (n->function == FUNCTION_LEAST) {
        w.value = least;
    } else if (n->function == FUNCTION_GREATEST) {
        w.value = most;
    } else {
        g->doubtful = g->doubtful || (mean != 0 && fabs(mean) < 1e-6);
        double apart = fmax(most - mean, mean - least);
        w.value = mean == 0 ? (double)NAN : worth_finite(100 * apart / fabs(mean));
    }
    return w;
}

/* After GRAMMAR_SECONDS in which nothing changed. */
static inline struct worth
worth_memory(struct grammar *g, const struct gnode *n)
{
    struct worth a = grammar_worth(g, n->args[0]);
    struct worth w = a;
    bool known = !isnan(a.value);
    w.is_range = false;
    switch ((int)n->function) {
    case FUNCTION_AVG:
        w.rounded = true;
        break;
    case FUNCTION_STDDEV:
    case FUNCTION_DELTA:
    case FUNCTION_RATE:
    case FUNCTION_STARTS:
        w = (struct worth){.value = known ? 0 : (double)NAN};
        break;
    case FUNCTION_COUNT:
        w = (struct worth){.value = known ? 0 : (double)NAN};
        w.is_range = !known;
        w.high = (double)INFINITY;
        break;
    case FUNCTION_TIME:
        w = (struct worth){.value = a.value * (double)n->window_s};
        w.is_range = !known;
        w.high = (double)n->window_s;
        w.rounded = true;
        break;
    case FUNCTION_HELD:
    case FUNCTION_HOURS:
        w = (struct worth){.value = a.value * GRAMMAR_SECONDS, .rounded = true};
        break;
    case FUNCTION_STUCK:
        w = (struct worth){.value = known ? 1 : (double)NAN};
        break;
    case FUNCTION_TREND:
    case FUNCTION_TIME_TO:
    case FUNCTION_DRIFT:
    case FUNCTION_BASELINE:
        w = (struct worth){.value = (double)NAN};
        break;
    default: /* min, max, median, p95 */
        break;
    }
    return w;
}

static inline struct worth
worth_call(struct grammar *g, const struct gnode *n)
{
    struct worth w;
    switch ((int)n->function) {
    case FUNCTION_ABS:
        w = grammar_worth(g, n->args[0]);
        return (struct worth){.value = fabs(w.value), .rounded = w.rounded};
    case FUNCTION_AGE:
        return (struct worth){.value = isnan(n->args[0]->value) ? (double)NAN : 0};
    case FUNCTION_LEAST:
    case FUNCTION_GREATEST:
    case FUNCTION_UNBALANCE:
        return worth_several(g, n);
    default:
        return worth_memory(g, n);
    }
}

static inline double
worth_quality(const struct gnode *n)
{
    const struct gnode *call = n->args[n->args[0]->kind == NODE_STRING];
    const struct gnode *word = n->args[n->args[0]->kind != NODE_STRING];
    const struct gnode *p = call->args[0];
    if (p->device != NULL && strcmp(p->device, "pump-2") == 0) {
        return (double)NAN; /* Never asked. */
    }
    bool is = strcmp(word->name, isnan(p->value) ? "timeout" : "good") == 0;
    return is == (n->kind == NODE_EQ);
}

static inline struct worth
worth_logic(struct grammar *g, const struct gnode *n)
{
    double a = grammar_worth(g, n->args[0]).value;
    double b = n->count > 1 ? grammar_worth(g, n->args[1]).value : 0;
    struct worth w = {.value = (double)NAN};
    if (n->kind == NODE_NOT) {
        w.value = isnan(a) ? a : a == 0;
    } else if (n->kind == NODE_AND) {
        w.value = a == 0 || b == 0 ? 0 : isnan(a) || isnan(b) ? (double)NAN : 1;
    } else {
        w.value = a == 1 || b == 1 ? 1 : isnan(a) || isnan(b) ? (double)NAN : 0;
    }
    return w;
}

static inline struct worth
grammar_worth(struct grammar *g, const struct gnode *n)
{
    struct worth w = {.value = n->value};
    switch (n->kind) {
    case NODE_NUMBER:
        w.value = n->number * n->factor;
        w.rounded = n->factor != 1;
        return w;
    case NODE_TRUTH:
        w.value = n->number;
        return w;
    case NODE_POINT:
    case NODE_STRING:
        return w;
    case NODE_CALL:
        return worth_call(g, n);
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        return worth_logic(g, n);
    case NODE_LT:
    case NODE_LE:
    case NODE_GT:
    case NODE_GE:
    case NODE_EQ:
    case NODE_NE:
        if (n->args[0]->kind == NODE_STRING || n->args[1]->kind == NODE_STRING) {
            w.value = worth_quality(n);
        } else {
            struct worth a = grammar_worth(g, n->args[0]);
            w.value = worth_compare(g, n->kind, a, grammar_worth(g, n->args[1]));
        }
        return w;
    case NODE_NEG:
        w = grammar_worth(g, n->args[0]);
        return (struct worth){.value = -w.value, .rounded = w.rounded};
    case NODE_ADD:
    case NODE_SUB:
    case NODE_MUL:
    case NODE_DIV:
    case NODE_MOD:
        break;
    }
    return worth_arithmetic(g, n);
}

#endif
