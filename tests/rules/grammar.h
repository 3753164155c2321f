/* Expressions grown from the grammar (design section 5): a tree that fits together by
 * kind and unit, how it is written, and what it is worth.
 *
 * It is worth what it says after pump-1 and feeder-1 were read once a second for
 * GRAMMAR_SECONDS and always said the same: see grammar_points.  So a mean is the value
 * itself, a change is 0, and what holds has held all the time. */
#ifndef CARETAKER_TESTS_RULES_GRAMMAR_H
#define CARETAKER_TESTS_RULES_GRAMMAR_H

#include <math.h>
#include <stdio.h>

#include "rules/syntax.h"
#include "tests/rules/plant.h"

#define GRAMMAR_SECONDS   30
#define GRAMMAR_NODES_MAX 4000
#define GRAMMAR_ARGS_MAX  4

/* What a number measures; a value is counted in the unit of the points. */
enum measure {
    PLAIN,
    HEAT,     /* °C: a temperature, */
    WARMING,  /* K: a difference of two. */
    PRESSURE, /* MPa */
    SPEED,    /* mm/s */
    FLOW,     /* m3/h */
    POWER,    /* kW */
    VOLTAGE,  /* V */
    DURATION, /* s */
    SHARE,    /* % */
    MEASURES
};

struct grammar_point {
    enum measure measure;
    const char *device, *id; /* NULL: pump-1. */
    double value;            /* NaN: never known. */
};

static const struct grammar_point grammar_points[] = {
    {PLAIN, NULL, "n", 7},
    {PLAIN, "pump-1", "n", 7},
    {PLAIN, "pump-2", "n", (double)NAN},
    {HEAT, NULL, "a", 81.25},
    {HEAT, NULL, "b", 71.5},
    {HEAT, "pump-2", "a", (double)NAN},
    {WARMING, NULL, "k", 300},
    {PRESSURE, NULL, "pressure", 0.75},
    {SPEED, NULL, "v", 4.5},
    {FLOW, NULL, "flow", 36},
    {POWER, "feeder-1", "p", 2},
    {VOLTAGE, "feeder-1", "u", (double)NAN},
    {SHARE, "feeder-1", "load", 30},
};

static const struct {
    enum measure measure;
    const char *text;
    double factor; /* To the unit of the points. */
} grammar_units[] = {
    {HEAT, "°C", 1},       {HEAT, "degC", 1},       {WARMING, "K", 1},
    {PRESSURE, "MPa", 1},  {PRESSURE, "kPa", 1e-3}, {PRESSURE, "bar", 0.1},
    {SPEED, "mm/s", 1},    {SPEED, "m/s", 1000},    {FLOW, "m3/h", 1},
    {FLOW, "L/s", 3.6},    {POWER, "kW", 1},        {POWER, "W", 1e-3},
    {VOLTAGE, "V", 1},     {VOLTAGE, "kV", 1000},   {DURATION, "s", 1},
    {DURATION, "min", 60}, {DURATION, "h", 3600},   {DURATION, "ms", 1e-3},
    {SHARE, "%", 1},
};

/* A node as the parser should make it, and what it measures. */
struct gnode {
    enum node_kind kind;
    enum function function;
    enum measure measure;
    double number;    /* As it is written. */
    double factor;    /* To the unit of the points. */
    const char *unit; /* NULL: none. */
    const char *device, *name;
    double value; /* Of a point. */
    struct gnode *args[GRAMMAR_ARGS_MAX];
    int count;
    int64_t window_s; /* 0: none. */
    bool since_service;
};

struct grammar {
    uint64_t seed;
    struct gnode nodes[GRAMMAR_NODES_MAX];
    int count;
    int inside;    /* Within a function with a memory: what changes by time alone would
                      not be worth the same all the time. */
    bool doubtful; /* Two numbers differ by less than rounding may. */
};

static inline int
grammar_pick(struct grammar *g, int count)
{
    g->seed = g->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((g->seed >> 33) % (uint64_t)count);
}

static inline struct gnode *
grammar_node(struct grammar *g, enum node_kind kind, enum measure m)
{
    if (g->count == GRAMMAR_NODES_MAX) {
        abort();
    }
    struct gnode *n = &g->nodes[g->count++];
    *n = (struct gnode){.kind = kind, .measure = m, .factor = 1};
    return n;
}

/* Whether it reads a point that is sampled; `own`: one of pump-1 by its own name. */
static inline bool
grammar_reads(const struct gnode *n, bool own)
{
    if (n->kind == NODE_POINT && strcmp(n->name, "x") != 0 &&
        (n->device == NULL || (!own && strcmp(n->device, "pump-2") != 0))) {
        return true;
    }
    for (int i = 0; i < n->count; i++) {
        if (grammar_reads(n->args[i], own)) {
            return true;
        }
    }
    return false;
}

/* ---- leaves ---- */

static inline struct gnode *
grammar_point(struct grammar *g, enum measure m)
{
    const struct grammar_point *p;
    do {
        p = &grammar_points[grammar_pick(g, (int)ARRAY_LEN(grammar_points))];
    } while (p->measure != m);
    struct gnode *n = grammar_node(g, NODE_POINT, m);
    n->device = p->device;
    n->name = p->id;
    n->value = p->value;
    return n;
}

static inline struct gnode *
grammar_literal(struct grammar *g, enum measure m)
{
    static const double numbers[] = {0, 1, 2, 3, 7, 9.75, 0.5, 30, 36, 75, 80, 0.125};
    struct gnode *n = grammar_node(g, NODE_NUMBER, m);
    n->number = numbers[grammar_pick(g, (int)ARRAY_LEN(numbers))];
    if (m != PLAIN) {
        int i;
        do {
            i = grammar_pick(g, (int)ARRAY_LEN(grammar_units));
        } while (grammar_units[i].measure != m);
        n->unit = grammar_units[i].text;
        n->factor = grammar_units[i].factor;
    }
    return n;
}

static inline struct gnode *grammar_condition(struct grammar *g, int depth);
static inline struct gnode *
grammar_number(struct grammar *g, enum measure m, int depth);

static inline struct gnode *
grammar_with(struct gnode *n, struct gnode *a, struct gnode *b)
{
    n->args[0] = a;
    n->args[1] = b;
    n->count = b == NULL ? 1 : 2;
    return n;
}

static inline struct gnode *
grammar_call(struct grammar *g, enum function f, enum measure m)
{
    struct gnode *n = grammar_node(g, NODE_CALL, m);
    n->function = f;
    return n;
}

/* What a function with a memory follows: something that is measured. */
static inline struct gnode *
grammar_followed(struct grammar *g, bool condition, enum measure m, int depth)
{
    struct gnode *n;
    g->inside++;
    do {
        n = condition ? grammar_condition(g, depth) : grammar_number(g, m, depth);
    } while (!grammar_reads(n, false));
    g->inside--;
    return n;
}

static inline struct gnode *
grammar_memory(struct grammar *g, enum function f, enum measure m, int depth)
{
    bool condition = function_takes(f) == TAKES_CONDITION ||
                     function_takes(f) == TAKES_CONDITION_WINDOW ||
                     function_takes(f) == TAKES_CONDITION_LIFE;
    enum measure of = m == WARMING && grammar_pick(g, 2) ? HEAT : m;
    if (f != FUNCTION_STDDEV && f != FUNCTION_DELTA && f != FUNCTION_DRIFT) {
        of = m;
    }
    struct gnode *n = grammar_call(g, f, m);
    if (f == FUNCTION_TIME_TO) {
        of = (enum measure)grammar_pick(g, MEASURES);
        of = of == DURATION ? PLAIN : of;
        n->args[1] = grammar_literal(g, of);
    }
    n->args[0] = grammar_followed(g, condition, of, depth);
    n->count = f == FUNCTION_TIME_TO ? 2 : 1;
    if (signature_window(function_takes(f)) > 0) {
        n->window_s = g->inside > 0 ? 4 : 5 + grammar_pick(g, 10);
    }
    n->since_service =
        function_takes(f) == TAKES_CONDITION_LIFE && grammar_pick(g, 2) == 0;
    return n;
}

/* ---- numbers ---- */

static inline struct gnode *
grammar_several(struct grammar *g, enum function f, enum measure m, int depth)
{
    struct gnode *n = grammar_call(g, f, f == FUNCTION_UNBALANCE ? SHARE : m);
    n->count = 2 + grammar_pick(g, GRAMMAR_ARGS_MAX - 1);
    for (int i = 0; i < n->count; i++) {
        n->args[i] = grammar_number(g, m, depth - 1);
    }
    return n;
}

/* A statistic in the unit of what it follows. */
static inline struct gnode *
grammar_statistic(struct grammar *g, enum measure m, int depth)
{
    static const enum function functions[] = {FUNCTION_AVG, FUNCTION_MIN,
                                              FUNCTION_MAX, FUNCTION_MEDIAN,
                                              FUNCTION_P95, FUNCTION_BASELINE};
    static const enum function changes[] = {FUNCTION_STDDEV, FUNCTION_DELTA,
                                            FUNCTION_DRIFT};
    bool change = m != HEAT && grammar_pick(g, 3) == 0;
    bool future = g->inside == 0; /* Predictions come last; nothing follows them yet. */
    enum function f =
        change ? changes[grammar_pick(g, (int)ARRAY_LEN(changes) - !future)]
               : functions[grammar_pick(g, (int)ARRAY_LEN(functions) - !future)];
    if (m == DURATION) { /* None of the points is one. */
        return grammar_literal(g, m);
    }
    return grammar_memory(g, f, m, g->inside > 0 ? 0 : depth - 1);
}

static inline struct gnode *
grammar_heat(struct grammar *g, int depth)
{
    struct gnode *n;
    switch (grammar_pick(g, 4)) {
    case 0:
        n = grammar_node(g, NODE_ADD, HEAT);
        return grammar_with(n, grammar_number(g, HEAT, depth - 1),
                            grammar_number(g, WARMING, depth - 1));
    case 1:
        n = grammar_node(g, NODE_SUB, HEAT);
        return grammar_with(n, grammar_number(g, HEAT, depth - 1),
                            grammar_number(g, WARMING, depth - 1));
    case 2: /* A mean. */
        n = grammar_node(g, NODE_ADD, HEAT);
        (void)grammar_with(n, grammar_number(g, HEAT, depth - 1),
                           grammar_number(g, HEAT, depth - 1));
        struct gnode *two = grammar_node(g, NODE_NUMBER, PLAIN);
        two->number = 2;
        return grammar_with(grammar_node(g, NODE_DIV, HEAT), n, two);
    default:
        n = grammar_node(g, NODE_NEG, HEAT); /* -5 °C */
        return grammar_with(n, grammar_literal(g, HEAT), NULL);
    }
}

static inline struct gnode *
grammar_duration(struct grammar *g, int depth)
{
    static const enum function functions[] = {FUNCTION_HELD, FUNCTION_HOURS,
                                              FUNCTION_TIME, FUNCTION_TIME_TO};
    if (g->inside > 0) {
        return grammar_literal(g, DURATION);
    }
    if (grammar_pick(g, 4) == 0) {
        enum measure m = (enum measure)grammar_pick(g, MEASURES);
        m = m == DURATION ? HEAT : m;
        struct gnode *n = grammar_call(g, FUNCTION_AGE, DURATION);
        return grammar_with(n, grammar_point(g, m), NULL);
    }
    return grammar_memory(g, functions[grammar_pick(g, (int)ARRAY_LEN(functions))],
                          DURATION, depth - 1);
}

/* A product, a quotient, a ratio of two alike. */
static inline struct gnode *
grammar_product(struct grammar *g, enum measure m, int depth)
{
    enum node_kind kind = grammar_pick(g, 2) ? NODE_MUL : NODE_DIV;
    struct gnode *n = grammar_node(g, kind, m);
    if (m == PLAIN && kind == NODE_DIV && grammar_pick(g, 2)) {
        enum measure of = (enum measure)(WARMING + grammar_pick(g, MEASURES - WARMING));
        return grammar_with(n, grammar_number(g, of, depth - 1),
                            grammar_number(g, of, depth - 1));
    }
    if (m == SHARE || m == WARMING) {
        return grammar_with(n, grammar_number(g, m, depth - 1),
                            grammar_literal(g, PLAIN));
    }
    struct gnode *one = grammar_number(g, m, depth - 1);
    struct gnode *other = m != PLAIN && kind == NODE_MUL && grammar_pick(g, 3) == 0
                              ? grammar_literal(g, SHARE)
                              : grammar_number(g, PLAIN, depth - 1);
    return kind == NODE_MUL && grammar_pick(g, 2) ? grammar_with(n, other, one)
                                                  : grammar_with(n, one, other);
}

static inline struct gnode *
grammar_plain(struct grammar *g, int depth)
{
    struct gnode *n;
    switch (g->inside > 0 ? 0 : grammar_pick(g, 3)) {
    case 0:
        n = grammar_node(g, NODE_MOD, PLAIN);
        return grammar_with(n, grammar_number(g, PLAIN, depth - 1),
                            grammar_number(g, PLAIN, depth - 1));
    case 1:
        return grammar_memory(g, FUNCTION_COUNT, PLAIN, depth - 1);
    default:
        return grammar_memory(g, FUNCTION_STARTS, PLAIN, depth - 1);
    }
}

static inline struct gnode *
grammar_sum(struct grammar *g, enum measure m, int depth)
{
    bool add = grammar_pick(g, 2);
    enum measure of = m == WARMING && !add && grammar_pick(g, 2) ? HEAT : m;
    struct gnode *n = grammar_node(g, add ? NODE_ADD : NODE_SUB, m);
    return grammar_with(n, grammar_number(g, of, depth - 1),
                        grammar_number(g, of, depth - 1));
}

static inline struct gnode *
grammar_leaf(struct grammar *g, enum measure m)
{
    bool literal = m == DURATION || (g->inside == 0 && grammar_pick(g, 3) == 0);
    return literal ? grammar_literal(g, m) : grammar_point(g, m);
}

static inline struct gnode *
grammar_number(struct grammar *g, enum measure m, int depth)
{
    int which = grammar_pick(g, 8);
    if (depth <= 0 || which == 0) {
        return m == DURATION && which > 3 ? grammar_duration(g, 0) : grammar_leaf(g, m);
    }
    if (which == 1) {
        return grammar_several(
            g, grammar_pick(g, 2) ? FUNCTION_LEAST : FUNCTION_GREATEST, m, depth);
    }
    if (which == 2 && g->inside <= 1) {
        return grammar_statistic(g, m, depth);
    }
    if (m == HEAT) {
        return grammar_heat(g, depth);
    }
    if (which == 3) {
        struct gnode *n = grammar_pick(g, 2) ? grammar_node(g, NODE_NEG, m)
                                             : grammar_call(g, FUNCTION_ABS, m);
        return grammar_with(n, grammar_number(g, m, depth - 1), NULL);
    }
    if (which == 4 && m == DURATION) {
        return grammar_duration(g, depth);
    }
    if (which == 4 && m == PLAIN) {
        return grammar_plain(g, depth);
    }
    if (which == 4 && m == SHARE) {
        enum measure of = (enum measure)grammar_pick(g, MEASURES);
        return grammar_several(g, FUNCTION_UNBALANCE, of, depth);
    }
    return which < 6 ? grammar_product(g, m, depth) : grammar_sum(g, m, depth);
}

/* ---- conditions ---- */

static inline struct gnode *
grammar_quality(struct grammar *g)
{
    static const char *const words[] = {"good", "timeout", "stale", "crc"};
    enum node_kind kind = grammar_pick(g, 2) ? NODE_EQ : NODE_NE;
    struct gnode *call = grammar_call(g, FUNCTION_QUALITY, PLAIN);
    enum measure m = (enum measure)grammar_pick(g, DURATION);
    (void)grammar_with(call, grammar_point(g, m), NULL);
    struct gnode *word = grammar_node(g, NODE_STRING, PLAIN);
    word->name = words[grammar_pick(g, (int)ARRAY_LEN(words))];
    struct gnode *n = grammar_node(g, kind, PLAIN);
    return grammar_pick(g, 4) ? grammar_with(n, call, word)
                              : grammar_with(n, word, call);
}

static inline struct gnode *
grammar_truth(struct grammar *g)
{
    static const struct grammar_point truths[] = {
        {PLAIN, NULL, "run", 1},
        {PLAIN, NULL, "online", 1},
        {PLAIN, "feeder-1", "online", 1},
        {PLAIN, "pump-2", "online", (double)NAN},
        {PLAIN, "pump-2", "run", (double)NAN},
        {PLAIN, NULL, "x", (double)NAN},
    };
    int which = grammar_pick(g, (int)ARRAY_LEN(truths) + 2);
    struct gnode *n;
    if (which >= (int)ARRAY_LEN(truths)) {
        n = grammar_node(g, NODE_TRUTH, PLAIN);
        n->number = which % 2;
        return n;
    }
    n = grammar_node(g, NODE_POINT, PLAIN);
    n->device = truths[which].device;
    n->name = truths[which].id;
    n->value = truths[which].value;
    return n;
}

/* rate(pressure, 5s) >= 3 MPa/s */
static inline struct gnode *
grammar_speed(struct grammar *g, enum node_kind kind, int depth)
{
    static const struct {
        enum measure measure;
        const char *unit;
        double factor;
    } units[] = {{PLAIN, NULL, 1},          {HEAT, "K/s", 1},
                 {HEAT, "K/min", 1.0 / 60}, {PRESSURE, "kPa/s", 1e-3},
                 {POWER, "kW/h", 1 / 3600}, {WARMING, "K/h", 1.0 / 3600}};
    int i = grammar_pick(g, (int)ARRAY_LEN(units));
    struct gnode *call = grammar_call(
        g, grammar_pick(g, 3) || g->inside > 0 ? FUNCTION_RATE : FUNCTION_TREND,
        units[i].measure);
    (void)grammar_with(call, grammar_followed(g, false, units[i].measure, depth - 1),
                       NULL);
    call->window_s = g->inside > 0 ? 4 : 5 + grammar_pick(g, 10);
    struct gnode *limit = grammar_literal(g, PLAIN);
    limit->unit = units[i].unit;
    limit->factor = units[i].factor;
    struct gnode *n = grammar_node(g, kind, PLAIN);
    return grammar_pick(g, 2) ? grammar_with(n, call, limit)
                              : grammar_with(n, limit, call);
}

static inline struct gnode *
grammar_comparison(struct grammar *g, int depth)
{
    enum node_kind kind = (enum node_kind)(NODE_LT + grammar_pick(g, 6));
    enum measure m = (enum measure)grammar_pick(g, MEASURES);
    int which = grammar_pick(g, 8);
    if (which == 0) {
        return grammar_quality(g);
    }
    if (which == 1 && g->inside <= 1) {
        return grammar_speed(g, kind, depth);
    }
    struct gnode *n = grammar_node(g, kind, PLAIN);
    if (which == 2) {
        n->kind = grammar_pick(g, 2) ? NODE_EQ : NODE_NE;
        return grammar_with(n, grammar_condition(g, depth - 1),
                            grammar_condition(g, depth - 1));
    }
    if (which == 3 && m != DURATION) { /* A number without unit takes the point's. */
        return grammar_with(n, grammar_point(g, m), grammar_literal(g, PLAIN));
    }
    return grammar_with(n, grammar_number(g, m, depth - 1),
                        grammar_number(g, m, depth - 1));
}

static inline struct gnode *
grammar_condition(struct grammar *g, int depth)
{
    int which = grammar_pick(g, 10);
    if (depth <= 0) {
        return grammar_truth(g);
    }
    if (which < 3) {
        struct gnode *n = grammar_node(g,
                                       which == 0   ? NODE_NOT
                                       : which == 1 ? NODE_AND
                                                    : NODE_OR,
                                       PLAIN);
        struct gnode *a = grammar_condition(g, depth - 1);
        return grammar_with(n, a, which == 0 ? NULL : grammar_condition(g, depth - 1));
    }
    if (which == 3) {
        return grammar_truth(g);
    }
    if (which == 4 && g->inside == 0) {
        bool condition = grammar_pick(g, 2);
        struct gnode *n = grammar_call(g, FUNCTION_STUCK, PLAIN);
        n->window_s = 5 + grammar_pick(g, 10);
        enum measure m = (enum measure)grammar_pick(g, DURATION);
        return grammar_with(n, grammar_followed(g, condition, m, depth - 1), NULL);
    }
    return grammar_comparison(g, depth);
}

#endif
