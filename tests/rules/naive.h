/* A second, naive engine: no timers, no queues, no programs, no sums that are kept.  It
 * walks time in milliseconds, keeps every sample of what a function follows, and
 * computes everything anew from all of them whenever it is asked.
 *
 * By the contract a rule is judged at each frame that brings one of its points, when
 * one of them goes stale, and when one of its timers is due: a hold, or an age, held()
 * or stuck() that gets to what it is compared with. */
#ifndef CARETAKER_TESTS_RULES_NAIVE_H
#define CARETAKER_TESTS_RULES_NAIVE_H

#include "tests/rules/naive_past.h"

static inline void
naive_say(
    struct naive *n, int64_t t, enum edge_kind kind, uint32_t d, int rule, int level)
{
    struct edge e = {.t_ms = t, .kind = kind, .device = d, .rule = (uint32_t)rule};
    if (kind == EDGE_RAISED || kind == EDGE_CHANGED || kind == EDGE_CLEARED) {
        e.severity = n->p->rules[rule].levels[level].severity;
    }
    if (rule < 0) {
        e.rule = NONE_INDEX;
    }
    plant_edge(&n->out, &e, n->p);
}

/* Starts and cancels holds. */
static inline void
naive_track(const struct naive_rule *r,
            struct naive_state *s,
            int w,
            const int *when,
            const int *clear,
            int64_t t)
{
    for (int k = 0; k < r->levels; k++) {
        bool runs = w == 1 && (k > s->level ? when[k] : clear[k]) == 1;
        if (!runs) {
            s->since[k] = -1;
        } else if (s->since[k] < 0) {
            s->since[k] = t;
        }
    }
}

static inline int
naive_destination(const struct naive_rule *r, const struct naive_state *s, int64_t t)
{
    int to = s->level;
    for (int k = s->level + 1; k < r->levels; k++) {
        if (s->since[k] >= 0 && s->since[k] + r->hold <= t) {
            to = k;
        }
    }
    if (to == s->level) {
        while (to >= 0 && s->since[to] >= 0 && s->since[to] + r->clear_hold <= t) {
            to--;
        }
    }
    return to;
}

static inline void
naive_judge(struct naive *n, uint32_t d, int i, int64_t t)
{
    const struct naive_rule *r = &n->rules[i];
    struct naive_state *s = &n->states[d][i];
    int w = r->while_ == NULL ? 1 : naive_truth(n, r->while_, d, t);
    int when[LEVELS];
    int clear[LEVELS];
    for (int k = 0; k < r->levels; k++) {
        when[k] = naive_truth(n, r->when[k], d, t);
        clear[k] = when[k] < 0 ? -1 : !when[k];
        if (r->clear[k] != NULL) {
            clear[k] = when[k] == 1 ? 0 : naive_truth(n, r->clear[k], d, t);
        }
    }
    int was = s->level;
    naive_track(r, s, w, when, clear, t);
    int to = naive_destination(r, s, t);
    for (int k = 0; k < r->levels; k++) {
        if ((k > s->level) != (k > to)) {
            s->since[k] = -1;
        }
    }
    s->level = to;
    naive_track(r, s, w, when, clear, t);
    if (was != s->level) {
        enum edge_kind kind = was < 0 ? EDGE_RAISED : EDGE_CHANGED;
        kind = s->level < 0 ? EDGE_CLEARED : kind;
        naive_say(n, t, kind, d, i, s->level < 0 ? was : s->level);
    }
    int is_clear = when[0] == 0 && w >= 0;
    int stands = when[0] == 1;
    /* What stands only because `while` is not true any more is another matter. */
    int matters = w == 1 || was >= 0;
    if (is_clear != s->clear || stands != s->stands ||
        ((w == 1) != (s->while_ == 1) && matters)) {
        naive_say(n, t, EDGE_WATCH, d, i, 0);
    }
    s->clear = is_clear;
    s->stands = stands;
    s->while_ = w == 1;
}

/* The trees of a rule, one after the other; NULL: there is none there. */
#define RULE_TREES (1 + 2 * LEVELS)
static inline struct tree *
naive_rule_tree(const struct naive_rule *r, int i)
{
    if (i == 0) {
        return r->while_;
    }
    return i % 2 == 1 ? r->when[(i - 1) / 2] : r->clear[(i - 1) / 2];
}

/* Whether the rule is to be judged: what it reads has news, or with `timed` one of its
 * timers is due. */
static inline bool
naive_concerns(
    const struct naive *n, uint32_t d, int i, struct reads news, bool timed, int64_t t)
{
    const struct naive_rule *r = &n->rules[i];
    const struct naive_state *s = &n->states[d][i];
    for (int k = 0; k < RULE_TREES; k++) {
        const struct tree *tree = naive_rule_tree(r, k);
        const struct reads reads = naive_reads(n, tree, d);
        if ((reads.points & news.points) != 0 || (reads.devices & news.devices) != 0 ||
            (timed && (naive_due(n, tree, d, t) || naive_was_taken(n, tree, d)))) {
            return true;
        }
    }
    for (int k = 0; timed && k < r->levels; k++) {
        if (s->since[k] >= 0 && k >= s->level &&
            s->since[k] + (k > s->level ? r->hold : r->clear_hold) == t) {
            return true;
        }
    }
    return false;
}

static inline void
naive_judge_all(struct naive *n, struct reads news, bool timed, int64_t t)
{
    for (uint32_t d = PUMP_1; d <= PUMP_2; d++) {
        for (int i = 0; i < RULES; i++) {
            if (n->always || naive_concerns(n, d, i, news, timed, t)) {
                naive_judge(n, d, i, t);
            }
        }
    }
}

/* News of points or devices. */
static inline void
naive_tell(struct naive *n, struct reads news, bool sampled, int64_t t)
{
    for (int i = 0; i < n->series_count; i++) {
        struct naive_series *s = &n->series[i];
        const struct reads reads = naive_reads(n, s->tree, s->device);
        if ((reads.points & news.points) != 0 || (reads.devices & news.devices) != 0) {
            naive_take(n, s, t, sampled);
        }
    }
    naive_judge_all(n, news, false, t);
}

/* What time alone brings, but staleness: what is followed first, then the rules. */
static inline void
naive_pass(struct naive *n, int64_t t)
{
    for (int i = 0; i < n->series_count; i++) {
        n->series[i].taken = false;
    }
    for (int i = 0; i < n->series_count; i++) {
        struct naive_series *s = &n->series[i];
        const struct tree *followed = s->tree->a;
        if (naive_due(n, followed, s->device, t) ||
            naive_was_taken(n, followed, s->device)) {
            naive_take(n, s, t, false);
        }
    }
    naive_judge_all(n, (struct reads){0, 0}, true, t);
}

static inline void
naive_stale(struct naive *n, uint32_t device, int64_t t)
{
    const struct device *d = &n->p->devices[device];
    struct reads news = {0, 0};
    int64_t fresh = -1; /* The newest of what is not stale, */
    int64_t gone = -1;  /* and of what is since now. */
    for (uint32_t p = d->first_point; p < d->first_point + d->point_count; p++) {
        if (n->quality[p] >= 0 && !n->stale[p] &&
            n->base[p] + n->p->points[p].stale_after_ms <= t) {
            n->stale[p] = true;
            news.points |= UINT64_C(1) << p;
            gone = n->base[p] > gone ? n->base[p] : gone;
            if (n->quality[p] == QUALITY_GOOD) {
                n->quality[p] = QUALITY_STALE;
            }
        }
        if (n->quality[p] >= 0 && !n->stale[p] && n->base[p] > fresh) {
            fresh = n->base[p];
        }
    }
    if (news.points != 0 && gone >= fresh && n->online[device] != 0) {
        n->online[device] = 0;
        news.devices = 1u << device;
        naive_say(n, t, EDGE_DEVICE_OFFLINE, device, -1, 0);
    }
    if (news.points != 0) {
        naive_tell(n, news, false, t);
    }
}

static inline void
naive_frame(struct naive *n, const struct frame *f)
{
    bool answers = false;
    struct reads news = {0, 1u << f->device};
    if (f->count > 0) {
        n->lost[f->device] = f->readings[0].quality == QUALITY_REFUSED;
    }
    for (int i = 0; i < f->count; i++) {
        uint32_t p = f->readings[i].point;
        bool good = f->readings[i].quality == QUALITY_GOOD;
        if (good || n->quality[p] < 0) {
            n->base[p] = f->t_ms;
            n->stale[p] = false;
        }
        news.points |= UINT64_C(1) << p;
        n->quality[p] = f->readings[i].quality;
        if (good) {
            n->value[p] = f->readings[i].value;
            n->good[p] = f->t_ms;
            answers = true;
        }
    }
    if (answers) {
        if (n->online[f->device] == 0) {
            naive_say(n, f->t_ms, EDGE_DEVICE_ONLINE, f->device, -1, 0);
        }
        n->online[f->device] = 1;
    }
    naive_tell(n, news, true, f->t_ms);
}

static inline struct naive *
naive_new(void)
{
    struct naive *n = calloc(1, sizeof *n);
    if (n == NULL) {
        abort();
    }
    n->p = plant_new();
    for (uint32_t p = 0; p < POINTS; p++) {
        n->quality[p] = -1;
        n->good[p] = -1;
        n->p->points[p].stale_after_ms = (int64_t)(10 + p % 5) * TICK_MS;
    }
    for (uint32_t d = 0; d < 3; d++) {
        n->p->devices[d].stale_after_ms = (int64_t)10 * TICK_MS;
        n->online[d] = HEALTH_NEW;
        if (d != FEEDER) {
            n->p->points[naive_point(n, d, "n")].kind = POINT_COUNTER;
        }
        for (int i = 0; i < RULES; i++) {
            n->states[d][i] = (struct naive_state){-1, {-1, -1}, 0, 0, 0};
        }
    }
    return n;
}

static inline void
naive_free(struct naive *n)
{
    for (int i = 0; i < n->series_count; i++) {
        free(n->series[i].text);
        free(n->series[i].takes);
    }
    free(n->p);
    free(n);
}

/* To be called when all rules are made. */
static inline void
naive_begin(struct naive *n)
{
    for (int i = 0; i < RULES; i++) {
        for (uint32_t d = PUMP_1; d <= PUMP_2; d++) {
            for (int k = 0; k < RULE_TREES; k++) {
                naive_enter(n, naive_rule_tree(&n->rules[i], k), d);
            }
            n->states[d][i].while_ = n->rules[i].while_ == NULL;
        }
    }
}

#endif
