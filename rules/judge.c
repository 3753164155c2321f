/* One rule on one device, as the design has it:
 *
 *            when true            hold over
 *   NORMAL ------------> PENDING -----------> RAISED <-----------+
 *     ^  ^                  |                  |                 | clear not true
 *     |  +------------------+                  | clear true      |
 *     |     when not true                      v                 |
 *     +------------------------------------ CLEARING ------------+
 *                clear_hold over
 *
 * with levels, the same for each level: those above the raised one wait for their
 * `when`, those up to it for their `clear`.  Unknown is "not true" on both ways. */
#include <assert.h>
#include <math.h>

#include "daemon/base/instant.h"
#include "rules/engine.h"

static double
run(const struct rules *r, const struct instance *in, struct span span, int64_t t_ms)
{
    struct program_env env = {
        .known = r->known,
        .quality = r->quality,
        .aged_ms = r->aged_ms,
        .last_ms = r->last_ms,
        .health = r->health,
        .unreachable = r->unreachable,
        .series = r->series,
        .t_ms = t_ms,
    };
    const struct code *c = in->code;
    return program_run(c->ops, span, c->constants, &r->slots[in->first_slot], &env);
}

static enum tri
condition(const struct rules *r,
          const struct instance *in,
          struct span span,
          int64_t t_ms)
{
    double value = run(r, in, span, t_ms);
    if (isnan(value)) {
        return TRI_UNKNOWN;
    }
    return value != 0 ? TRI_TRUE : TRI_FALSE;
}

static enum tri
negate(enum tri t)
{
    if (t == TRI_UNKNOWN) {
        return t;
    }
    return t == TRI_TRUE ? TRI_FALSE : TRI_TRUE;
}

/* `clear` of the levels [from, to), whose `when` is known by now.  A condition that
 * still holds is not clear, whatever `clear` says: else the alarm would come and go
 * with every sample. */
static void
evaluate_clear(const struct rules *r,
               const struct instance *in,
               int from,
               int to,
               int64_t t_ms,
               struct verdict *v)
{
    for (int k = from; k < to; k++) {
        struct span clear = in->code->levels[k].clear;
        v->clear[k] = negate(v->when[k]);
        if (clear.count > 0 && v->when[k] != TRI_TRUE) {
            v->clear[k] = condition(r, in, clear, t_ms);
        }
    }
}

static void
evaluate(const struct rules *r,
         const struct instance *in,
         int64_t t_ms,
         struct verdict *out)
{
    const struct code *c = in->code;
    out->while_ = TRI_TRUE;
    if (c->while_.count > 0) {
        out->while_ = condition(r, in, c->while_, t_ms);
    }
    for (uint32_t k = 0; k < c->level_count; k++) {
        out->when[k] = condition(r, in, c->levels[k].when, t_ms);
    }
    evaluate_clear(r, in, 0, in->level + 1, t_ms, out);
}

void
judge_look(const struct rules *r,
           const struct instance *in,
           int64_t t_ms,
           struct verdict *out)
{
    evaluate(r, in, t_ms, out);
}

/* What level k waits for: up to the raised one for its clear, above it for its when. */
static enum tri
awaited(const struct instance *in, const struct verdict *v, int k)
{
    return k <= in->level ? v->clear[k] : v->when[k];
}

/* True while a restored state waits for points that have not been read since. */
static bool
is_awaiting_first_samples(const struct rules *r,
                          const struct instance *in,
                          const struct verdict *v)
{
    const struct code *c = in->code;
    bool unread = false;
    for (uint32_t s = 0; s < c->slot_count; s++) {
        uint32_t index = r->slots[in->first_slot + s];
        if (c->slot_kinds[s] == SLOT_POINT) {
            unread = unread || r->last_ms[index] == INSTANT_NONE;
        } else if (c->slot_kinds[s] == SLOT_DEVICE) {
            unread = unread || r->health[index] == DEVICE_UNKNOWN;
        }
    }
    bool unknown = v->while_ == TRI_UNKNOWN ||
                   ((in->flags & INSTANCE_WAS_CLEAR) && v->when[0] == TRI_UNKNOWN);
    const int64_t *since = instance_since(r, in);
    for (int k = 0; k < (int)c->level_count; k++) {
        unknown =
            unknown || (since[k] != INSTANT_NONE && awaited(in, v, k) == TRI_UNKNOWN);
    }
    return unread && unknown;
}

/* The first judgement after a restart: is what was running still so?  False when it
 * cannot be told yet. */
static bool
resume(struct rules *r, struct instance *in, const struct verdict *v, int64_t t_ms)
{
    if (r->alive_ms == INSTANT_NONE || t_ms - r->alive_ms > RULES_RESTART_GAP_MS) {
        int64_t *since = instance_since(r, in);
        for (uint32_t k = 0; k < in->code->level_count; k++) {
            since[k] = INSTANT_NONE;
        }
        in->flags &= (uint8_t) ~(INSTANCE_RESUMING | INSTANCE_WAS_CLEAR);
        return true;
    }
    if (is_awaiting_first_samples(r, in, v)) {
        return false;
    }
    in->flags &= (uint8_t)~INSTANCE_RESUMING;
    return true;
}

/* Keeps the watch on "known to be clear"; true when it, or whether `when` stands, has
 * changed. */
static bool
keep_watch(struct instance *in, const struct verdict *v, int64_t t_ms)
{
    bool was_clear = in->flags & INSTANCE_CLEAR;
    bool was_while = in->flags & INSTANCE_WHILE;
    bool stood = in->flags & INSTANCE_STANDS;
    bool is_clear = v->when[0] == TRI_FALSE && v->while_ != TRI_UNKNOWN;
    bool stands = v->when[0] == TRI_TRUE;
    bool is_while = v->while_ == TRI_TRUE;
    if (is_clear && !was_clear && !(in->flags & INSTANCE_WAS_CLEAR)) {
        in->clear_since_ms = t_ms;
    }
    if (is_while) {
        in->while_last_ms = t_ms;
    }
    in->flags &= (uint8_t) ~(INSTANCE_CLEAR | INSTANCE_STANDS | INSTANCE_WHILE |
                             INSTANCE_WAS_CLEAR);
    in->flags |=
        (uint8_t)((is_clear ? INSTANCE_CLEAR : 0u) | (stands ? INSTANCE_STANDS : 0u) |
                  (is_while ? INSTANCE_WHILE : 0u));
    /* What only stands because `while` is not true is told apart from what stands. */
    bool matters = is_while || in->level >= 0;
    return is_clear != was_clear || stands != stood ||
           (is_while != was_while && matters);
}

/* Starts and cancels the holds of levels [from, to); true when any did. */
static bool
track(struct rules *r,
      struct instance *in,
      const struct verdict *v,
      int from,
      int to,
      int64_t t_ms)
{
    int64_t *since = instance_since(r, in);
    bool changed = false;
    for (int k = from; k < to; k++) {
        bool holds = v->while_ == TRI_TRUE && awaited(in, v, k) == TRI_TRUE;
        if (holds == (since[k] != INSTANT_NONE)) {
            continue;
        }
        since[k] = holds ? t_ms : INSTANT_NONE;
        changed = true;
    }
    return changed;
}

static bool
is_over(int64_t since_ms, int64_t hold_ms, int64_t t_ms)
{
    return since_ms != INSTANT_NONE && t_ms - since_ms >= hold_ms;
}

/* The level that the holds lead to at t: the highest whose `when` has held, else down
 * past every level whose `clear` has. */
static int
destination(const struct rules *r, const struct instance *in, int64_t t_ms)
{
    const struct rule_spec *rule = &r->site->rules[in->rule];
    const int64_t *since = instance_since(r, in);
    for (int k = (int)in->code->level_count - 1; k > in->level; k--) {
        if (is_over(since[k], rule->hold_ms, t_ms)) {
            return k;
        }
    }
    int level = in->level;
    while (level >= 0 && is_over(since[level], rule->clear_hold_ms, t_ms)) {
        level--;
    }
    return level;
}

static void
send_move(const struct rules *r,
          const struct instance *in,
          int from,
          int64_t t_ms,
          rules_edge_fn fn,
          void *ctx)
{
    int shown = in->level >= 0 ? in->level : from;
    struct edge e = {
        .t_ms = t_ms,
        .kind = EDGE_CHANGED,
        .device = in->device,
        .rule = in->rule,
        .severity = r->site->rules[in->rule].levels[shown].severity,
    };
    if (from < 0) {
        e.kind = EDGE_RAISED;
    } else if (in->level < 0) {
        e.kind = EDGE_CLEARED;
    }
    struct span value = in->code->levels[shown].value;
    if (value.count > 0) {
        double number = run(r, in, value, t_ms);
        e.has_value = !isnan(number);
        e.value = e.has_value ? number : 0;
    }
    fn(ctx, &e);
}

static void
earliest(int64_t *best, int64_t due_ms, int64_t after_ms)
{
    if (due_ms > after_ms && due_ms < *best) {
        *best = due_ms;
    }
}

int64_t
watch_due(const struct rules *r,
          const struct value_watch *watches,
          uint32_t count,
          const uint32_t *slots,
          int64_t after_ms)
{
    int64_t best = INSTANT_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct value_watch *w = &watches[i];
        uint32_t index = slots[w->slot];
        int64_t from[2] = {INSTANT_NONE, INSTANT_NONE};
        if (w->kind == WATCH_AGE) {
            from[0] = r->aged_ms[index];
        } else {
            series_grows_from(&r->series[index], after_ms, from);
        }
        for (int k = 0; k < 2; k++) {
            if (from[k] != INSTANT_NONE) {
                /* Where it is reached, for >= and ==, and where it is passed, for >. */
                earliest(&best, from[k] + (int64_t)ceil(w->ms), after_ms);
                earliest(&best, from[k] + (int64_t)floor(w->ms) + 1, after_ms);
            }
        }
    }
    return best;
}

int64_t
judge_due(const struct rules *r, const struct instance *in, int64_t after_ms)
{
    const struct rule_spec *rule = &r->site->rules[in->rule];
    const struct code *c = in->code;
    const int64_t *since = instance_since(r, in);
    int64_t best = INSTANT_MAX;
    for (int k = 0; k < (int)c->level_count && !(in->flags & INSTANCE_RESUMING); k++) {
        if (since[k] != INSTANT_NONE && k >= in->level) {
            int64_t hold = k > in->level ? rule->hold_ms : rule->clear_hold_ms;
            earliest(&best, since[k] + hold, after_ms);
        }
    }
    int64_t grown =
        watch_due(r, c->watches, c->watch_count, &r->slots[in->first_slot], after_ms);
    return grown < best ? grown : best;
}

/* An age timer that is too early is left: it finds nothing to do and is set anew.
 * So the samples that keep the point young do not touch the queue. */
void
judge_arm(struct rules *r, uint32_t i, int64_t t_ms)
{
    int64_t due = judge_due(r, &r->instances[i], t_ms);
    if (due == INSTANT_MAX) {
        timerq_cancel(r->timers, i);
    } else if (timerq_due_of(r->timers, i) > due) {
        timerq_set(r->timers, i, due, TIMER_INSTANCE);
    }
}

void
judge(struct rules *r, uint32_t i, int64_t t_ms, rules_edge_fn fn, void *ctx)
{
    struct instance *in = &r->instances[i];
    struct verdict v;
    r->evaluations++;
    in->flags &= (uint8_t)~INSTANCE_CALLED;
    evaluate(r, in, t_ms, &v);
    bool resumes = in->flags & INSTANCE_RESUMING;
    if (resumes && !resume(r, in, &v, t_ms)) {
        judge_arm(r, i, t_ms); /* An age grows meanwhile. */
        return;
    }
    int levels = (int)in->code->level_count;
    bool watch_changed = keep_watch(in, &v, t_ms);
    bool changed = track(r, in, &v, 0, levels, t_ms);
    int from = in->level;
    int to = destination(r, in, t_ms);
    if (to != from) {
        int64_t *since = instance_since(r, in);
        int low = from < to ? from + 1 : to + 1;
        int high = from < to ? to + 1 : from + 1;
        for (int k = low; k < high; k++) {
            since[k] = INSTANT_NONE; /* They wait for the other way now. */
        }
        in->level = (int8_t)to;
        evaluate_clear(r, in, low, to + 1, t_ms, &v);
        (void)track(r, in, &v, low, high, t_ms);
        send_move(r, in, from, t_ms, fn, ctx);
        changed = true;
    }
    /* After a restart nobody knows what was told before. */
    if ((watch_changed || resumes) && (in->flags & INSTANCE_WATCHED)) {
        struct edge e = {t_ms,          EDGE_WATCH, in->device, in->rule,
                         SEVERITY_INFO, false,      0};
        fn(ctx, &e);
    }
    if (changed || (watch_changed && ((in->flags & INSTANCE_WATCHED) || to >= 0))) {
        marks_add(&r->dirty, i);
    }
    judge_arm(r, i, t_ms);
}
