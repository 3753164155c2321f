/* What the naive engine (naive.h) knows: every sample of what a function follows.  All
 * that is asked of it is computed anew from all of them. */
#ifndef CARETAKER_TESTS_RULES_NAIVE_PAST_H
#define CARETAKER_TESTS_RULES_NAIVE_PAST_H

#include <math.h>

#include "tests/rules/naive_tree.h"

#define RULES      5
#define LEVELS     2
#define POINTS     64
#define SERIES_MAX (2 * TREES_MAX)
#define TAKES_MAX  2048
#define HEALTH_NEW 2 /* Of a naive device: nothing is known of it. */

struct naive_rule {
    struct tree *while_, *when[LEVELS], *clear[LEVELS];
    int levels;
    int64_t hold, clear_hold;
};

struct naive_state {
    int level;
    int64_t since[LEVELS];     /* -1: not running. */
    int clear, stands, while_; /* For the watch. */
};

struct take {
    int64_t t;
    double value;
};

/* What one call follows on one device: all it ever was. */
struct naive_series {
    const struct tree *tree;
    uint32_t device;
    char *text;
    struct take *takes;
    int count;
    int64_t patience; /* How long nothing new may come. */
    bool taken;       /* At this moment. */
};

/* What something reads. */
struct reads {
    uint64_t points;
    uint32_t devices; /* Whether they answer. */
};

struct naive {
    struct plant *p;
    bool always; /* Judge everything at each step: for rules without a past. */
    struct naive_rule rules[RULES];
    struct naive_state states[3][RULES];
    struct trees trees;
    struct naive_series series[SERIES_MAX];
    int series_count;
    double value[POINTS];
    int quality[POINTS]; /* -1: never asked. */
    int64_t base[POINTS];
    int64_t good[POINTS]; /* -1: never. */
    bool stale[POINTS];
    int online[3];
    bool lost[3]; /* Its newest frame was refused, all of it. */
    struct strbuf out;
};

static inline uint32_t
naive_point(const struct naive *n, uint32_t device, const char *id)
{
    uint32_t point = site_point(&n->p->site, device, id);
    if (point == NONE_INDEX) {
        abort(); /* No ck_assert here: each writes to a file. */
    }
    return point;
}

static inline uint32_t
naive_letter(const struct naive *n, uint32_t device, char letter)
{
    return naive_point(n, device,
                       letter == 'r'   ? "run"
                       : letter == 'a' ? "a"
                       : letter == 'b' ? "b"
                                       : "n");
}

/* NaN: not known. */
static inline double
naive_value(const struct naive *n, uint32_t device, char letter)
{
    uint32_t p = naive_letter(n, device, letter);
    return n->quality[p] == QUALITY_GOOD ? n->value[p] : (double)NAN;
}

/* ---- what is read ---- */

static inline struct reads
naive_reads(const struct naive *n, const struct tree *t, uint32_t device)
{
    struct reads r = {0, 0};
    if (t == NULL) {
        return r;
    }
    const struct reads a = naive_reads(n, t->a, device);
    const struct reads b = naive_reads(n, t->b, device);
    r = (struct reads){a.points | b.points, a.devices | b.devices};
    if (t->kind == ONLINE) {
        r.devices |= 1u << device;
    } else if (t->kind == FEEDER_MORE) {
        r.points |= UINT64_C(1) << naive_point(n, FEEDER, "u");
    } else if (t->kind == GAP || t->point == '-') {
        r.points |= UINT64_C(1) << naive_letter(n, device, 'a');
        r.points |= UINT64_C(1) << naive_letter(n, device, 'b');
    } else if (t->kind == RUN) {
        r.points |= UINT64_C(1) << naive_letter(n, device, 'r');
    } else if (t->kind <= STUCK && t->point != 'v') {
        r.points |= UINT64_C(1) << naive_letter(n, device, t->point);
    }
    return r;
}

/* ---- statistics ---- */

static inline int
by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static inline double
naive_quantile(double *v, int count, double part)
{
    double at = (count - 1) * part;
    int below = (int)at;
    double between = at - floor(at);
    qsort(v, (size_t)count, sizeof *v, by_value);
    return between == 0 ? v[below] : v[below] + between * (v[below + 1] - v[below]);
}

static inline double
naive_statistic(enum function f, double *v, int count, int64_t span_ms)
{
    double sum = 0;
    double squares = 0;
    double least = v[0];
    double most = v[0];
    double change = v[count - 1] - v[0];
    for (int i = 0; i < count; i++) {
        sum += v[i];
        least = fmin(least, v[i]);
        most = fmax(most, v[i]);
    }
    for (int i = 0; i < count; i++) {
        squares += (v[i] - sum / count) * (v[i] - sum / count);
    }
    switch ((int)f) {
    case FUNCTION_AVG:
        return sum / count;
    case FUNCTION_MIN:
        return least;
    case FUNCTION_MAX:
        return most;
    case FUNCTION_STDDEV:
        return count > 1 ? sqrt(squares / (count - 1)) : (double)NAN;
    case FUNCTION_MEDIAN:
        return naive_quantile(v, count, 0.5);
    case FUNCTION_P95:
        return naive_quantile(v, count, 0.95);
    case FUNCTION_DELTA:
        return change;
    default:
        return change / (double)span_ms * 1000;
    }
}

/* `n` is a counter: what it fell by is not counted. */
static inline double
naive_window(const struct naive_series *s, int64_t now)
{
    const struct tree *t = s->tree;
    static double v[TAKES_MAX];
    double counted = 0;
    int count = 0;
    int64_t first = now;
    bool counts = t->point == 'n' &&
                  (t->function == FUNCTION_DELTA || t->function == FUNCTION_RATE);
    for (int i = 0; i < s->count; i++) {
        double rise = i > 0 ? s->takes[i].value - s->takes[i - 1].value : 0;
        counted += rise > 0 ? rise : 0;
        if (s->takes[i].t > now - t->window_ms) {
            first = count == 0 ? s->takes[i].t : first;
            v[count++] = counts ? counted : s->takes[i].value;
        }
    }
    int64_t span = count > 0 ? s->takes[s->count - 1].t - first : 0;
    if (count == 0 || 2 * span < t->window_ms) {
        return (double)NAN;
    }
    return naive_statistic(t->function, v, count, span);
}

/* ---- spans ---- */

struct naive_sums {
    int edges, starts; /* In the window, and ever. */
    int64_t true_ms, unknown_ms, life_ms;
};

static inline int64_t
overlap(int64_t from, int64_t to, int64_t start)
{
    from = from > start ? from : start;
    return to > from ? to - from : 0;
}

static inline struct naive_sums
naive_sum(const struct naive_series *s, int64_t now)
{
    struct naive_sums sum = {0};
    int64_t start = now - s->tree->window_ms;
    int64_t known = s->count > 0 ? s->takes[0].t : now;
    sum.unknown_ms = overlap(start, known, start);
    for (int i = 0; i < s->count; i++) {
        const struct take *k = &s->takes[i];
        int64_t end = i + 1 < s->count ? s->takes[i + 1].t : now;
        bool edge = i > 0 && k[-1].value == 0 && k->value != 0;
        sum.starts += edge;
        sum.edges += edge && k->t > start;
        if (end - k->t > s->patience) {
            sum.unknown_ms += overlap(k->t, end, start);
        } else if (k->value != 0) {
            sum.true_ms += overlap(k->t, end, start);
            sum.life_ms += end - k->t;
        }
    }
    return sum;
}

static inline bool
naive_is_lost(const struct naive_series *s, int64_t now)
{
    return s->count == 0 || now - s->takes[s->count - 1].t > s->patience;
}

/* Since when it is as it is; whether it is known to have been something else before. */
static inline int64_t
naive_since(const struct naive_series *s, bool *changed)
{
    *changed = false;
    for (int i = s->count - 1; i > 0; i--) {
        if (s->takes[i].t - s->takes[i - 1].t > s->patience) {
            return s->takes[i].t;
        }
        if (s->takes[i].value != s->takes[i - 1].value) {
            *changed = true;
            return s->takes[i].t;
        }
    }
    return s->count > 0 ? s->takes[0].t : -1;
}

/* Since when it may have been so: across a gap it may have stayed, or come within it.
 */
static inline int64_t
naive_early(const struct naive_series *s)
{
    for (int i = s->count - 1; i > 0; i--) {
        if (s->takes[i].value != s->takes[i - 1].value) {
            bool in_gap = s->takes[i].t - s->takes[i - 1].t > s->patience;
            return s->takes[in_gap ? i - 1 : i].t;
        }
    }
    return s->count > 0 ? s->takes[0].t : -1;
}

/* 1 % of a window may be unknown. */
static inline int64_t
naive_unknown(const struct naive_series *s, const struct naive_sums *sum)
{
    return sum->unknown_ms <= s->tree->window_ms / 100 ? 0 : sum->unknown_ms;
}

/* ---- truths: 0, 1, or -1 for unknown ---- */

static inline int
naive_compare(enum tree_compare c, double a, double b)
{
    switch (c) {
    case LT:
        return a < b;
    case LE:
        return a <= b;
    case GT:
        return a > b;
    case GE:
        return a >= b;
    case EQ:
        return a == b;
    case NE:
        break;
    }
    return a != b;
}

/* Of anything from low to high: known if it is the same for all of them. */
static inline int
naive_compare_range(enum tree_compare c, double low, double high, double b)
{
    if ((c == EQ || c == NE) && low < b && b < high) {
        return -1;
    }
    int first = naive_compare(c, low, b);
    return first == naive_compare(c, high, b) ? first : -1;
}

static inline int
naive_series_truth(const struct naive *n,
                   const struct tree *t,
                   uint32_t device,
                   int64_t now)
{
    const struct naive_series *s = &n->series[t->series[device]];
    const struct naive_sums sum = naive_sum(s, now);
    int64_t limit = t->number * 3 * TICK_MS;
    bool less = t->compare < GT;
    bool changed;
    int64_t since = naive_since(s, &changed);
    double value;
    switch ((int)t->kind) {
    case STAT:
        value = naive_window(s, now);
        return isnan(value) ? -1 : naive_compare(t->compare, value, atof(t->limit));
    case COUNT:
        return naive_compare_range(
            t->compare, sum.edges,
            naive_unknown(s, &sum) > 0 ? (double)INFINITY : sum.edges, t->number / 2);
    case TIME:
        return naive_compare_range(t->compare, (double)sum.true_ms,
                                   (double)(sum.true_ms + naive_unknown(s, &sum)),
                                   (double)limit);
    case HELD:
        if (naive_is_lost(s, now)) {
            return -1;
        }
        if (s->takes[s->count - 1].value == 0) {
            return naive_compare(less ? LT : GE, 0, (double)limit);
        }
        return naive_compare_range(less ? LT : GE, (double)(now - since),
                                   (double)(now - naive_early(s)), (double)limit);
    case HOURS:
        return s->count == 0 ? -1 : less == (sum.life_ms < tree_life_ms(t));
    case STARTS:
        return s->count == 0 ? -1 : less == (sum.starts % 3 < 1);
    default: /* STUCK */
        if (naive_is_lost(s, now)) {
            return -1;
        }
        return now - since >= t->window_ms ? 1 : changed ? 0 : -1;
    }
}

static inline int
naive_truth(const struct naive *n, const struct tree *t, uint32_t device, int64_t now)
{
    uint32_t p = naive_letter(n, device, t->point == 'a' ? 'a' : 'b');
    double a = naive_value(n, device, 'a');
    double b = naive_value(n, device, 'b');
    double run = naive_value(n, device, 'r');
    uint32_t u = naive_point(n, FEEDER, "u");
    int left;
    int right;
    switch (t->kind) {
    case LESS:
        a = t->point == 'a' ? a : b;
        return isnan(a) ? -1 : a < t->number;
    case GAP:
        return isnan(a) || isnan(b) ? -1 : a - b >= t->number - 4;
    case RUN:
        return isnan(run) ? -1 : run == 1;
    case QUALITY:
        return n->quality[p] < 0 ? -1 : n->quality[p] == QUALITY_TIMEOUT;
    case ONLINE:
        return n->lost[device] || n->online[device] == HEALTH_NEW ? -1
                                                                  : n->online[device];
    case AGE:
        return n->good[p] < 0 ? -1 : now - n->good[p] >= t->number * 3 * TICK_MS;
    case FEEDER_MORE:
        return n->quality[u] == QUALITY_GOOD ? n->value[u] > t->number : -1;
    case NOT:
        left = naive_truth(n, t->a, device, now);
        return left < 0 ? -1 : !left;
    case AND:
    case OR:
        left = naive_truth(n, t->a, device, now);
        right = naive_truth(n, t->b, device, now);
        if (left == (t->kind == OR) || right == (t->kind == OR)) {
            return t->kind == OR;
        }
        return left < 0 || right < 0 ? -1 : t->kind == AND;
    case STAT:
    case STUCK:
    case COUNT:
    case TIME:
    case HELD:
    case HOURS:
    case STARTS:
        break;
    }
    return naive_series_truth(n, t, device, now);
}

/* ---- series ---- */

static inline void
naive_take(struct naive *n, struct naive_series *s, int64_t now, bool sampled)
{
    const struct tree *t = s->tree;
    double value;
    s->taken = true;
    if (t->kind == STAT && t->point == '-') {
        value = naive_value(n, s->device, 'a') - naive_value(n, s->device, 'b');
    } else if (t->kind == STAT && t->point == 'v') {
        value = naive_window(&n->series[t->a->series[s->device]], now);
    } else if (t->kind == STAT || t->kind == STUCK) {
        value = naive_value(n, s->device, t->point);
    } else {
        int truth = naive_truth(n, t->a, s->device, now);
        value = truth < 0 ? (double)NAN : truth;
    }
    if (isnan(value) || (t->kind == STAT && !sampled)) {
        return;
    }
    if (s->count == TAKES_MAX) {
        abort();
    }
    s->takes[s->count++] = (struct take){now, value};
}

static inline int64_t
naive_patience(const struct naive *n, struct reads r)
{
    int64_t longest = 0;
    for (uint32_t p = 0; p < n->p->site.point_count; p++) {
        int64_t ms = n->p->points[p].stale_after_ms;
        longest = (r.points >> p & 1) && ms > longest ? ms : longest;
    }
    for (uint32_t d = 0; d < 3; d++) {
        int64_t ms = n->p->devices[d].stale_after_ms;
        longest = (r.devices >> d & 1) && ms > longest ? ms : longest;
    }
    return longest;
}

/* The same call on the same device is followed once; what it follows comes first. */
static inline void
naive_enter(struct naive *n, struct tree *t, uint32_t device)
{
    if (t == NULL) {
        return;
    }
    naive_enter(n, t->a, device);
    naive_enter(n, t->b, device);
    if (!tree_is_series(t)) {
        return;
    }
    struct strbuf text = {0};
    print_call(&text, t);
    int i = 0;
    while (i < n->series_count && (n->series[i].device != device ||
                                   strcmp(n->series[i].text, text.text) != 0)) {
        i++;
    }
    t->series[device] = i;
    if (i < n->series_count) {
        strbuf_fini(&text);
        return;
    }
    n->series[n->series_count++] =
        (struct naive_series){.tree = t,
                              .device = device,
                              .text = text.text,
                              .takes = calloc(TAKES_MAX, sizeof(struct take)),
                              .patience = naive_patience(n, naive_reads(n, t, device))};
    if (n->series[i].takes == NULL) {
        abort();
    }
}

/* Whether the tree, or with `inside` what its calls follow, has a call that was taken
 * just now. */
static inline bool
naive_was_taken(const struct naive *n, const struct tree *t, uint32_t device)
{
    return t != NULL &&
           ((tree_is_series(t) && n->series[t->series[device]].taken) ||
            naive_was_taken(n, t->a, device) || naive_was_taken(n, t->b, device));
}

/* ---- timers ---- */

static inline bool
naive_reached(int64_t from, int64_t ms, int64_t now)
{
    return from >= 0 && (now == from + ms || now == from + ms + 1);
}

/* Whether an age, or the like, gets to its limit now. */
static inline bool
naive_due(const struct naive *n, const struct tree *t, uint32_t device, int64_t now)
{
    if (t == NULL) {
        return false;
    }
    int64_t limit = t->number * 3 * TICK_MS;
    if (t->kind == AGE) {
        return naive_reached(n->good[naive_letter(n, device, t->point)], limit, now);
    }
    if (!tree_is_series(t)) {
        return naive_due(n, t->a, device, now) || naive_due(n, t->b, device, now);
    }
    const struct naive_series *s = &n->series[t->series[device]];
    bool changed;
    int64_t since = naive_since(s, &changed);
    if (t->kind == STUCK) {
        return naive_reached(since, t->window_ms, now);
    }
    return t->kind == HELD && !naive_is_lost(s, now - 1) &&
           s->takes[s->count - 1].value != 0 &&
           (naive_reached(since, limit, now) ||
            naive_reached(naive_early(s), limit, now));
}

#endif
