/* Random conditions: a tree, and how it is written as an expression. */
#ifndef CARETAKER_TESTS_RULES_NAIVE_TREE_H
#define CARETAKER_TESTS_RULES_NAIVE_TREE_H

#include <stdio.h>

#include "rules/function.h"
#include "tests/rules/plant.h"

#define TICK_MS      100
#define TREES_MAX    512
#define NUMBER_BYTES 32

static inline uint64_t
next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static inline int
pick(uint64_t *state, int count)
{
    return (int)(next_random(state) % (uint64_t)count);
}

/* First those that know nothing of the past. */
enum tree_kind {
    LESS,
    GAP,
    RUN,
    QUALITY,
    ONLINE,
    AGE,
    FEEDER_MORE,
    STAT,  /* avg(a, 3s) > 4.33 °C */
    STUCK, /* stuck(a, 3s) */
    COUNT, /* count(CONDITION, 3s) == 2, and so on: `a` is the condition. */
    TIME,
    HELD,
    HOURS,
    STARTS,
    NOT,
    AND,
    OR
};

enum tree_compare { LT, LE, GT, GE, EQ, NE };

struct tree {
    enum tree_kind kind;
    enum tree_compare compare;
    enum function function; /* Of STAT. */
    int number;
    char point; /* a b run=r n; STAT: also a - b, '-', and the one in `a`, 'v'. */
    int64_t window_ms;
    char limit[NUMBER_BYTES]; /* Of STAT. */
    struct tree *a, *b;
    int series[3]; /* By device: which of the naive engine it is. */
};

struct trees {
    struct tree items[TREES_MAX];
    int count;
};

static inline struct tree *
tree_new(struct trees *all, enum tree_kind kind)
{
    if (all->count == TREES_MAX) {
        abort();
    }
    struct tree *t = &all->items[all->count++];
    *t = (struct tree){.kind = kind, .series = {-1, -1, -1}};
    return t;
}

static inline void
grow_statistic(struct trees *all, uint64_t *rnd, struct tree *t)
{
    static const enum function functions[] = {
        FUNCTION_AVG,    FUNCTION_MIN, FUNCTION_MAX,   FUNCTION_STDDEV,
        FUNCTION_MEDIAN, FUNCTION_P95, FUNCTION_DELTA, FUNCTION_RATE};
    t->function = functions[pick(rnd, (int)ARRAY_LEN(functions))];
    t->point = "ab-nv"[pick(rnd, 5)];
    int number = pick(rnd, 8);
    if (t->point == 'v') {
        t->a = tree_new(all, STAT);
        t->a->function = FUNCTION_AVG;
        t->a->point = 'a';
        t->a->window_ms = (1 + pick(rnd, 6)) * 500;
    }
    if (t->function == FUNCTION_RATE) {
        snprintf(t->limit, sizeof t->limit, "%.2f", (number - 4) * 0.5 + 0.17);
    } else if (t->function == FUNCTION_DELTA || t->point == '-') {
        snprintf(t->limit, sizeof t->limit, "%.2f", number - 4 + 0.33 * pick(rnd, 2));
    } else {
        snprintf(t->limit, sizeof t->limit, "%.2f", number + 0.33 * pick(rnd, 2));
    }
    bool exact = (t->function == FUNCTION_MIN || t->function == FUNCTION_MAX ||
                  t->function == FUNCTION_DELTA) &&
                 t->point != 'v';
    if (!exact && t->limit[strlen(t->limit) - 1] == '0') {
        t->limit[strlen(t->limit) - 2] = '4'; /* 2.40: no statistic is just that. */
        t->limit[strlen(t->limit) - 1] = '7';
    }
}

static inline enum tree_kind
pick_kind(uint64_t *rnd, int depth, bool past)
{
    int which = pick(rnd, depth > 0 ? 12 : 6);
    if (!past) {
        return (enum tree_kind)pick(rnd, FEEDER_MORE + 1 + (depth > 0 ? 3 : 0));
    }
    if (which < 2) {
        return (enum tree_kind)pick(rnd, FEEDER_MORE + 1);
    }
    if (which < 6) {
        return which == 5 ? STUCK : STAT;
    }
    return (enum tree_kind)(COUNT + pick(rnd, OR - COUNT + 1));
}

/* `past`: with windows and lives. */
static inline struct tree *
grow_tree(struct trees *all, uint64_t *rnd, int depth, bool past)
{
    enum tree_kind kind = pick_kind(rnd, depth, past);
    if (!past && kind > FEEDER_MORE) {
        kind = (enum tree_kind)(NOT + (kind - FEEDER_MORE - 1));
    }
    struct tree *t = tree_new(all, kind);
    t->number = pick(rnd, 8);
    t->point = "ab"[pick(rnd, 2)];
    t->compare = (enum tree_compare)pick(rnd, NE + 1);
    t->window_ms = (1 + pick(rnd, 10)) * 500;
    if (kind == STAT) {
        grow_statistic(all, rnd, t);
    } else if (kind == STUCK) {
        t->point = "abr"[pick(rnd, 3)];
    } else if (kind > STUCK) {
        t->a = grow_tree(all, rnd, depth - 1, past);
        t->b = kind > NOT ? grow_tree(all, rnd, depth - 1, past) : NULL;
    }
    return t;
}

/* Whether it is followed over time: a series of the engine. */
static inline bool
tree_is_series(const struct tree *t)
{
    return t->kind >= STAT && t->kind < NOT;
}

static inline const char *
tree_unit(const struct tree *t)
{
    if (t->point == 'n') {
        return "";
    }
    if (t->function == FUNCTION_RATE) {
        return " K/s";
    }
    bool difference = t->point == '-' || t->function == FUNCTION_STDDEV ||
                      t->function == FUNCTION_DELTA;
    return difference ? " K" : " °C";
}

/* What hours() are compared with: never just what they are. */
static inline int
tree_life_ms(const struct tree *t)
{
    return t->number * 1500 + TICK_MS / 2;
}

static inline void print_tree(struct strbuf *out, const struct tree *t);

/* The call of a function with a memory, without what it is compared with. */
static inline void
print_call(struct strbuf *out, const struct tree *t)
{
    static const char *const names[] = {[COUNT] = "count",
                                        [TIME] = "time",
                                        [HELD] = "held",
                                        [HOURS] = "hours",
                                        [STARTS] = "starts"};
    if (t->kind == STAT || t->kind == STUCK) {
        strbuf_printf(out, "%s(",
                      t->kind == STUCK ? "stuck" : function_name(t->function));
        if (t->point == 'v') {
            print_call(out, t->a);
        } else {
            strbuf_add(out, t->point == '-'   ? "a - b"
                            : t->point == 'r' ? "run"
                            : t->point == 'a' ? "a"
                            : t->point == 'b' ? "b"
                                              : "n");
        }
    } else {
        strbuf_printf(out, "%s(", names[t->kind]);
        print_tree(out, t->a);
    }
    if (t->kind <= TIME) {
        strbuf_printf(out, ", %d ms", (int)t->window_ms);
    }
    strbuf_add(out, ")");
}

static inline void
print_series(struct strbuf *out, const struct tree *t)
{
    static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};
    print_call(out, t);
    switch ((int)t->kind) {
    case STAT:
        strbuf_printf(out, " %s %s%s", signs[t->compare], t->limit, tree_unit(t));
        break;
    case COUNT:
        strbuf_printf(out, " %s %d", signs[t->compare], t->number / 2);
        break;
    case TIME:
        strbuf_printf(out, " %s %d ms", signs[t->compare], t->number * 3 * TICK_MS);
        break;
    case HELD:
        strbuf_printf(out, " %s %d ms",
                      t->compare < GT ? "<" : ">=", t->number * 3 * TICK_MS);
        break;
    case HOURS:
        strbuf_printf(out, " %s %d ms", t->compare < GT ? "<" : ">=", tree_life_ms(t));
        break;
    case STARTS:
        strbuf_printf(out, " mod 3 %s 1", t->compare < GT ? "<" : ">=");
        break;
    default:
        break;
    }
}

static inline void
print_tree(struct strbuf *out, const struct tree *t)
{
    switch (t->kind) {
    case LESS:
        strbuf_printf(out, "%c < %d °C", t->point, t->number);
        break;
    case GAP:
        strbuf_printf(out, "a - b >= %d K", t->number - 4);
        break;
    case RUN:
        strbuf_add(out, "run");
        break;
    case QUALITY:
        strbuf_printf(out, "quality(%c) == \"timeout\"", t->point);
        break;
    case ONLINE:
        strbuf_add(out, "online");
        break;
    case AGE:
        strbuf_printf(out, "age(%c) >= %d ms", t->point, t->number * 3 * TICK_MS);
        break;
    case FEEDER_MORE:
        strbuf_printf(out, "feeder-1.u > %d V", t->number);
        break;
    case NOT:
        strbuf_add(out, "not (");
        print_tree(out, t->a);
        strbuf_add(out, ")");
        break;
    case AND:
    case OR:
        strbuf_add(out, "(");
        print_tree(out, t->a);
        strbuf_add(out, t->kind == AND ? ") and (" : ") or (");
        print_tree(out, t->b);
        strbuf_add(out, ")");
        break;
    case STAT:
    case STUCK:
    case COUNT:
    case TIME:
    case HELD:
    case HOURS:
    case STARTS:
        print_series(out, t);
        break;
    }
}

#endif
