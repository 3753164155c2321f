#include "rules/program.h"

#include <assert.h>
#include <math.h>

#include "daemon/base/instant.h"
#include "rules/rules.h"
#include "rules/series.h"

static double
truth(bool is)
{
    return is ? 1 : 0;
}

static double
finite_or_unknown(double value)
{
    return isfinite(value) ? value : (double)NAN;
}

static double
both(double a, double b)
{
    if (a == 0 || b == 0) {
        return 0;
    }
    return isnan(a) || isnan(b) ? (double)NAN : 1;
}

static double
either(double a, double b)
{
    if ((a != 0 && !isnan(a)) || (b != 0 && !isnan(b))) {
        return 1;
    }
    return isnan(a) || isnan(b) ? (double)NAN : 0;
}

static double
arithmetic(enum op_code code, double a, double b)
{
    double value = (double)NAN;
    if (code == OP_ADD) {
        value = a + b;
    } else if (code == OP_SUB) {
        value = a - b;
    } else if (code == OP_MUL) {
        value = a * b;
    } else if (b != 0) {
        value = code == OP_DIV ? a / b : fmod(a, b);
    }
    return finite_or_unknown(value);
}

static double
compare(enum op_code code, double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (double)NAN;
    }
    if (code == OP_LT) {
        return truth(a < b);
    }
    if (code == OP_LE) {
        return truth(a <= b);
    }
    if (code == OP_GT) {
        return truth(a > b);
    }
    if (code == OP_GE) {
        return truth(a >= b);
    }
    return truth(code == OP_EQ ? a == b : a != b);
}

static double
extreme(const double *v, uint32_t count, bool least)
{
    double best = v[0];
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(v[i])) {
            return (double)NAN;
        }
        if (least ? v[i] < best : v[i] > best) {
            best = v[i];
        }
    }
    return best;
}

/* NEMA MG 1, 14.36: the largest deviation from the mean, in % of the mean. */
static double
unbalance(const double *v, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += v[i];
    }
    double mean = sum / count;
    if (isnan(mean) || mean == 0) {
        return (double)NAN;
    }
    double most = 0;
    for (uint32_t i = 0; i < count; i++) {
        most = fmax(most, fabs(v[i] - mean));
    }
    return finite_or_unknown(100 * most / fabs(mean));
}

/* Operations without operands. */
static double
load(const struct op *op,
     const double *constants,
     const uint32_t *slots,
     const struct program_env *env)
{
    if (op->code == OP_CONST) {
        return constants[op->a];
    }
    uint32_t index = slots[op->a];
    if (op->code == OP_POINT) {
        return env->known[index];
    }
    if (op->code == OP_ONLINE) {
        uint8_t health = env->health[index];
        bool unknown = health == DEVICE_UNKNOWN || env->unreachable[index];
        return unknown ? (double)NAN : truth(health == DEVICE_ONLINE);
    }
    if (op->code == OP_QUALITY) {
        bool asked = env->last_ms[index] != INSTANT_NONE;
        return asked ? truth(env->quality[index] == op->b) : (double)NAN;
    }
    if (op->code == OP_SERIES) {
        return series_value(&env->series[index], env->t_ms);
    }
    assert(op->code == OP_AGE);
    if (env->aged_ms[index] == INSTANT_NONE) {
        return (double)NAN;
    }
    return (double)(env->t_ms - env->aged_ms[index]) / 1000;
}

static double
apply_one(const struct op *op, const double *constants, double a)
{
    if (op->code == OP_CONVERT) {
        const double *c = &constants[op->a];
        return finite_or_unknown(a * c[0] / c[1] + c[2]);
    }
    if (op->code == OP_NEG) {
        return -a;
    }
    if (op->code == OP_ABS) {
        return fabs(a);
    }
    if (isnan(a)) {
        return a;
    }
    return truth(op->code == OP_TRUTH ? a != 0 : a == 0);
}

/* Compares what lies between two numbers: known only when all of it agrees. */
static double
compare_range(enum op_code code, double low, double high, double with)
{
    double a = compare(code, low, with);
    double b = compare(code, high, with);
    if (code == OP_EQ || code == OP_NE) {
        bool outside = with < low || with > high;
        return low == high ? a : outside ? truth(code == OP_NE) : (double)NAN;
    }
    return a == b ? a : (double)NAN;
}

static double
range(const struct op *op,
      const uint32_t *slots,
      const struct program_env *env,
      double left,
      double right)
{
    static const enum op_code turned[] = {
        [OP_LT] = OP_GT, [OP_LE] = OP_GE, [OP_GT] = OP_LT,
        [OP_GE] = OP_LE, [OP_EQ] = OP_EQ, [OP_NE] = OP_NE};
    bool is_right = (op->b & RANGE_RIGHT) != 0;
    enum op_code code = (enum op_code)(op->b & ~RANGE_RIGHT);
    double low;
    double high;
    series_range(&env->series[slots[op->a]], env->t_ms, &low, &high);
    double with = is_right ? left : right;
    if (isnan(with)) {
        return with;
    }
    return compare_range(is_right ? turned[code] : code, low, high, with);
}

/* Runs one operation on the stack of `depth`; returns the new depth. */
static uint32_t
step(const struct op *op, const double *constants, double *stack, uint32_t depth)
{
    enum op_code code = op->code;
    if (code == OP_LEAST || code == OP_GREATEST || code == OP_UNBALANCE) {
        depth -= op->a;
        stack[depth] = code == OP_UNBALANCE
                           ? unbalance(&stack[depth], op->a)
                           : extreme(&stack[depth], op->a, code == OP_LEAST);
        return depth + 1;
    }
    if (code == OP_TRUTH || code == OP_NOT || code == OP_NEG || code == OP_ABS ||
        code == OP_CONVERT) {
        stack[depth - 1] = apply_one(op, constants, stack[depth - 1]);
        return depth;
    }
    double a = stack[depth - 2];
    double b = stack[depth - 1];
    if (code == OP_AND) {
        a = both(a, b);
    } else if (code == OP_OR) {
        a = either(a, b);
    } else if (code >= OP_LT && code <= OP_NE) {
        a = compare(code, a, b);
    } else {
        a = arithmetic(code, a, b);
    }
    stack[depth - 2] = a;
    return depth - 1;
}

double
program_run(const struct op *ops,
            struct span span,
            const double *constants,
            const uint32_t *slots,
            const struct program_env *env)
{
    double stack[PROGRAM_STACK_MAX];
    uint32_t depth = 0;
    const struct op *end = ops + span.first + span.count;
    for (const struct op *op = ops + span.first; op < end; op++) {
        if (op->code <= OP_SERIES) {
            assert(depth < PROGRAM_STACK_MAX);
            stack[depth++] = load(op, constants, slots, env);
        } else if (op->code == OP_RANGE) {
            stack[depth - 2] =
                range(op, slots, env, stack[depth - 2], stack[depth - 1]);
            depth--;
        } else {
            depth = step(op, constants, stack, depth);
        }
    }
    assert(depth == 1);
    return stack[0];
}
