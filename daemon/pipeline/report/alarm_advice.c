#include "daemon/pipeline/report/alarm_advice.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/feed.h"
#include "daemon/pipeline/rule/rule_form.h"
#include "daemon/pipeline/rule/rule_sweep.h"
#include "daemon/pipeline/tuning/tune_grid.h"

#define DEADBANDS_TRIED_MAX 16
#define DEADBAND_TAIL       0.01 /* The share of the samples that must lie beyond it. */
#define RESPOND_DEFAULT_MS  (INT64_C(2) * 3600 * 1000) /* Of `info`, which has none. */

/* Sizes of a delay that people choose. */
static const int64_t delays_ms[] = {5000,   10000,  15000,  30000,   60000,  120000,
                                    300000, 600000, 900000, 1800000, 3600000};
#define VARIANTS_MAX (1 + 2 * ARRAY_LEN(delays_ms) + DEADBANDS_TRIED_MAX)

/* One changed rule and what it did. */
struct variant {
    uint32_t actor;
    enum advice_kind kind; /* Of a changed one. */
    double deadband;
    int64_t delay_ms;
    struct advice_span *spans;
    size_t count, room;
};

/* What is known of an actor beside what the caller sees. */
struct known {
    struct rule_form form;
    bool has_form;
    uint32_t point; /* Whose spread sizes the deadbands; NONE_INDEX: none. */
    struct tune_pick *values;
    uint32_t first_variant, variant_count; /* The first is the present rule. */
    bool too_dear; /* Something would have saved enough, but cost too much. */
};

struct work {
    const struct advice_options *o;
    struct arena *arena;
    struct advice_actor **actors; /* Those of this run. */
    struct known *known;
    uint32_t count;
    struct variant *variants;
    struct rule_spec *specs;
    uint32_t variant_count;
    struct rule_sweep *sweep;
    int64_t last_ms;
    bool out_of_memory;
};

const char *
advice_kind_name(enum advice_kind k)
{
    static const char *const names[] = {
        [ADVICE_DEADBAND] = "deadband",
        [ADVICE_OFF_DELAY] = "off-delay",
        [ADVICE_ON_DELAY] = "on-delay",
    };
    return names[k];
}

/* ---- the first look: how far the values move ---- */

static void
look_at(void *ctx, const struct frame *f)
{
    struct work *w = ctx;
    for (uint32_t a = 0; a < w->count; a++) {
        struct known *k = &w->known[a];
        w->actors[a]->samples += f->device == w->actors[a]->device ? f->count : 0;
        for (uint16_t i = 0; i < f->count && k->point != NONE_INDEX; i++) {
            const struct reading *r = &f->readings[i];
            if (r->point == k->point && r->quality == QUALITY_GOOD) {
                tune_pick_add(k->values,
                              rule_form_in_unit(&k->form, &w->o->site->points[r->point],
                                                r->value));
            }
        }
    }
}

static int
read_form(struct work *w, uint32_t a)
{
    const struct site *site = w->o->site;
    struct advice_actor *actor = w->actors[a];
    struct known *k = &w->known[a];
    struct err err;
    k->point = NONE_INDEX;
    actor->unit = "";
    k->has_form = rule_form_read(&k->form, w->arena, site, &site->rules[actor->rule], 0,
                                 &err) == 0;
    if (!k->has_form) {
        actor->no_deadband = N_("the rule is no limit of one value");
        return 0;
    }
    if (!k->form.has_deadband) {
        actor->no_deadband = N_("its `clear` is no limit of the same value");
        return 0;
    }
    uint32_t device =
        k->form.device != NULL ? site_device(site, k->form.device) : actor->device;
    if (k->form.point == NULL || device == NONE_INDEX) {
        actor->no_deadband = N_("the limit is not of a point itself");
        return 0;
    }
    actor->unit = rule_form_unit(&k->form, site, actor->device);
    k->point = site_point(site, device, k->form.point);
    k->values = calloc(1, sizeof *k->values);
    return k->values != NULL ? 0 : ERR_NOMEM;
}

/* ---- the changed rules ---- */

static struct rule_spec *
add_variant(struct work *w, uint32_t a)
{
    const struct advice_actor *actor = w->actors[a];
    const struct site *site = w->o->site;
    struct known *k = &w->known[a];
    k->first_variant = k->variant_count == 0 ? w->variant_count : k->first_variant;
    k->variant_count++;
    struct rule_spec *spec = &w->specs[w->variant_count];
    *spec = site->rules[actor->rule];
    spec->applies_to = (struct applies_to){.id = site->devices[actor->device].id,
                                           .loc = spec->applies_to.loc};
    w->variants[w->variant_count++] = (struct variant){.actor = a};
    return spec;
}

/* Whether the value was ever beyond where it would have to come back to.  Some of what
 * was recorded has to be there: one outlier, as a 0 at the start, proves nothing. */
static bool
is_recorded(const struct known *k, double deadband)
{
    const struct rule_form *f = &k->form;
    return f->above
               ? tune_pick_quantile(k->values, DEADBAND_TAIL) < f->threshold - deadband
               : tune_pick_quantile(k->values, 1 - DEADBAND_TAIL) >
                     f->threshold + deadband;
}

static void
add_deadbands(struct work *w, uint32_t a)
{
    struct known *k = &w->known[a];
    double sizes[TUNE_AXIS_MAX];
    if (k->point == NONE_INDEX || tune_pick_sort(k->values) == 0) {
        return;
    }
    double spread =
        tune_pick_quantile(k->values, 0.95) - tune_pick_quantile(k->values, 0.05);
    uint32_t count = tune_grid_deadbands(sizes, spread, 1, k->form.deadband);
    for (uint32_t i = 0, tried = 0; i < count && tried < DEADBANDS_TRIED_MAX; i++) {
        if (sizes[i] > k->form.deadband && is_recorded(k, sizes[i])) {
            struct rule_spec *spec = add_variant(w, a);
            struct applies_to only = spec->applies_to;
            *spec = rule_form_spec(&k->form, w->arena, k->form.threshold, sizes[i]);
            spec->applies_to = only;
            w->variants[w->variant_count - 1].kind = ADVICE_DEADBAND;
            w->variants[w->variant_count - 1].deadband = sizes[i];
            tried++;
        }
    }
}

/* How long people have to respond. */
static int64_t
respond_time(const struct work *w, uint32_t a)
{
    const struct rule_spec *rule = &w->o->site->rules[w->actors[a]->rule];
    int64_t ms = rule->respond_within_ms;
    if (ms == 0) {
        ms = w->o->site->promises[rule->levels[0].severity].respond_ms;
    }
    return ms > 0 ? ms : RESPOND_DEFAULT_MS;
}

static void
add_delays(struct work *w, uint32_t a)
{
    const struct rule_spec *rule = &w->o->site->rules[w->actors[a]->rule];
    int64_t respond_ms = respond_time(w, a);
    for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++) {
        if (delays_ms[i] > rule->clear_hold_ms) {
            struct rule_spec *spec = add_variant(w, a);
            spec->clear_hold_ms = delays_ms[i];
            w->variants[w->variant_count - 1].kind = ADVICE_OFF_DELAY;
            w->variants[w->variant_count - 1].delay_ms = delays_ms[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++) {
        if (delays_ms[i] > rule->hold_ms &&
            delays_ms[i] <= respond_ms / ADVICE_RESPOND_SHARE) {
            struct rule_spec *spec = add_variant(w, a);
            spec->hold_ms = delays_ms[i];
            w->variants[w->variant_count - 1].kind = ADVICE_ON_DELAY;
            w->variants[w->variant_count - 1].delay_ms = delays_ms[i];
        }
    }
}

/* ---- the run ---- */

static void
on_edge(void *ctx, uint32_t variant, const struct edge *e)
{
    struct work *w = ctx;
    struct variant *v = &w->variants[variant];
    if (e->kind == EDGE_CLEARED && v->count > 0) {
        v->spans[v->count - 1].cleared_ms = e->t_ms;
    }
    if (e->kind != EDGE_RAISED) {
        return;
    }
    if (v->count == v->room) {
        size_t room = v->room == 0 ? 16 : v->room * 2;
        struct advice_span *spans = realloc(v->spans, room * sizeof *spans);
        if (spans == NULL) {
            w->out_of_memory = true;
            return;
        }
        v->spans = spans;
        v->room = room;
    }
    v->spans[v->count++] = (struct advice_span){e->t_ms, INSTANT_MAX};
}

static void
try_frame(void *ctx, const struct frame *f)
{
    struct work *w = ctx;
    rule_sweep_frame(w->sweep, f);
}

static struct feed_options
feed_of(const struct work *w, uint32_t device, const char *progress)
{
    const struct advice_options *o = w->o;
    return (struct feed_options){.site = o->site,
                                 .logs = o->logs,
                                 .log_count = o->log_count,
                                 .map = o->map,
                                 .from_ms = o->from_ms,
                                 .to_ms = o->to_ms,
                                 .device = device,
                                 .quiet = true,
                                 .progress = o->progress ? progress : NULL,
                                 .cancel = o->cancel};
}

static struct advice_times
times_of(const struct work *w, uint32_t a, const struct variant *v)
{
    const struct rule_spec *rule = &w->o->site->rules[w->actors[a]->rule];
    struct advice_times t = {.end_ms = w->last_ms,
                             .joins_ms = respond_time(w, a) / ADVICE_RESPOND_SHARE,
                             .same_clear = v->kind != ADVICE_DEADBAND};
    if (v->kind == ADVICE_OFF_DELAY) {
        t.clears_within_ms = v->delay_ms - rule->clear_hold_ms;
    }
    return t;
}

static void
keep_advice(struct work *w,
            uint32_t a,
            const struct variant *v,
            const struct advice_cost *cost)
{
    struct advice_actor *actor = w->actors[a];
    const struct rule_form *form = &w->known[a].form;
    struct advice *out = &actor->items[actor->count++];
    *out = (struct advice){.kind = v->kind,
                           .deadband = v->deadband,
                           .delay_ms = v->delay_ms,
                           .cost = *cost,
                           .burden = advice_burden(cost, respond_time(w, a))};
    if (v->kind == ADVICE_DEADBAND) {
        out->clear = rule_form_clear(form, w->arena, form->threshold, out->deadband);
    }
}

/* The costs of one kind for one actor, and which of them to take. */
static int
judge_kind(struct work *w, uint32_t a, enum advice_kind kind, struct err *err)
{
    struct known *k = &w->known[a];
    const struct variant *now = &w->variants[k->first_variant];
    const struct variant *tried[VARIANTS_MAX];
    struct advice_cost costs[VARIANTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 1; i < k->variant_count; i++) {
        const struct variant *v = &now[i];
        if (v->kind != kind) {
            continue;
        }
        struct advice_times times = times_of(w, a, v);
        int code =
            advice_compare(&costs[count], (struct advice_spans){now->spans, now->count},
                           (struct advice_spans){v->spans, v->count}, &times, err);
        if (code != 0) {
            return code;
        }
        if (advice_burden(&costs[count], respond_time(w, a)) <= 1) {
            tried[count++] = v;
        } else if (advice_saves_enough(costs[count].saved, w->actors[a]->raises)) {
            k->too_dear = true;
        }
    }
    uint32_t chosen = advice_compare_choose(costs, count, w->actors[a]->raises);
    if (chosen != UINT32_MAX) {
        keep_advice(w, a, tried[chosen], &costs[chosen]);
    }
    return 0;
}

static int
judge_actor(struct work *w, uint32_t a, struct err *err)
{
    struct advice_actor *actor = w->actors[a];
    const struct variant *now = &w->variants[w->known[a].first_variant];
    int code = 0;
    actor->raises = (uint32_t)now->count;
    if (actor->samples == 0) {
        actor->nothing = N_("no samples of it are recorded");
        return 0;
    }
    if (actor->raises > 0 && actor->raises < ADVICE_RAISES_MIN) {
        actor->nothing = N_("it was raised too seldom to change it");
        return 0;
    }
    for (int kind = 0; code == 0 && kind < ADVICE_KINDS; kind++) {
        code = judge_kind(w, a, (enum advice_kind)kind, err);
    }
    advice_mark_best(actor->items, actor->count);
    if (actor->count == 0) {
        actor->nothing =
            actor->raises == 0 ? N_("the recorded samples do not raise it")
            : w->known[a].too_dear
                ? N_("what would spare raises would hide it, or keep it, for too long")
                : N_("neither deadband nor delay would spare much");
    }
    return code;
}

static int
run(struct work *w, uint32_t device, struct err *err)
{
    struct feed_result r;
    struct feed_options feed = feed_of(w, device, "looking");
    int code = 0;
    for (uint32_t a = 0; code == 0 && a < w->count; a++) {
        code = read_form(w, a);
    }
    w->variants = calloc(w->count * VARIANTS_MAX, sizeof *w->variants);
    w->specs = calloc(w->count * VARIANTS_MAX, sizeof *w->specs);
    if (code != 0 || w->variants == NULL || w->specs == NULL) {
        return err_set(err, ERR_NOMEM, "no memory to try other rules");
    }
    code = feed_each(&feed, look_at, w, &r, err);
    w->last_ms = r.last_ms;
    for (uint32_t a = 0; code == 0 && a < w->count; a++) {
        (void)add_variant(w, a);
        add_deadbands(w, a);
        add_delays(w, a);
    }
    if (code == 0) {
        code = rule_sweep_new(&w->sweep, w->o->site, w->specs, w->variant_count,
                              on_edge, w, err);
    }
    feed = feed_of(w, device, "trying ");
    if (code == 0) {
        code = feed_each(&feed, try_frame, w, &r, err);
    }
    if (code == 0 && w->last_ms != INSTANT_NONE) {
        rule_sweep_advance(w->sweep, w->last_ms);
    }
    if (code == 0 && w->out_of_memory) {
        code = err_set(err, ERR_NOMEM, "no memory to try other rules");
    }
    for (uint32_t a = 0; code == 0 && a < w->count; a++) {
        code = judge_actor(w, a, err);
    }
    return code;
}

/* Those of `actors` for which `mine` is set, in one run over the samples. */
static int
run_some(struct advice_actor *actors,
         uint32_t count,
         const bool *mine,
         uint32_t device,
         struct arena *arena,
         const struct advice_options *o,
         struct err *err)
{
    struct advice_actor *chosen[ADVICE_ACTORS_MAX];
    struct known known[ADVICE_ACTORS_MAX] = {{.has_form = false}};
    struct work w = {.o = o, .arena = arena, .actors = chosen, .known = known};
    for (uint32_t i = 0; i < count; i++) {
        if (mine[i]) {
            chosen[w.count++] = &actors[i];
        }
    }
    if (w.count == 0) {
        return 0;
    }
    int code = run(&w, device, err);
    for (uint32_t i = 0; i < w.variant_count; i++) {
        free(w.variants[i].spans);
    }
    for (uint32_t a = 0; a < w.count; a++) {
        free(known[a].values);
    }
    rule_sweep_free(w.sweep);
    free(w.variants);
    free(w.specs);
    return code;
}

static void
no_edge(void *ctx, uint32_t variant, const struct edge *e)
{
    (void)ctx;
    (void)variant;
    (void)e;
}

/* Finds those whose rule is still for their device; the others are told why not.  Rules
 * with errors do not spoil the figures: they only cannot be tried. */
static int
find_tryable(bool *out,
             struct advice_actor *actors,
             uint32_t count,
             const struct site *site,
             struct err *err)
{
    struct rule_sweep *sweep = NULL;
    int code =
        rule_sweep_new(&sweep, site, site->rules, site->rule_count, no_edge, NULL, err);
    for (uint32_t i = 0; i < count; i++) {
        struct advice_actor *a = &actors[i];
        a->unit = "";
        out[i] = sweep != NULL && a->rule != NONE_INDEX && a->device != NONE_INDEX &&
                 rule_sweep_bound(sweep, a->device, a->rule);
        if (!out[i]) {
            a->nothing = sweep != NULL ? N_("it is not configured now")
                                       : N_("the rules have errors (caretaker check)");
        }
    }
    rule_sweep_free(sweep);
    return code == ERR_CONFIG ? 0 : code;
}

int
advice_give(struct advice_actor *actors,
            uint32_t count,
            struct arena *arena,
            const struct advice_options *o,
            struct err *err)
{
    bool left[ADVICE_ACTORS_MAX];
    bool mine[ADVICE_ACTORS_MAX];
    assert(count <= ADVICE_ACTORS_MAX);
    int code = find_tryable(left, actors, count, o->site, err);
    /* A device's own samples are found by its name, which is much faster than reading
     * all; logs can only be read as a whole, once for everybody. */
    for (uint32_t i = 0; code == 0 && o->log_count == 0 && i < count; i++) {
        if (!left[i] || rule_form_reads_others(&o->site->rules[actors[i].rule])) {
            continue;
        }
        for (uint32_t k = 0; k < count; k++) {
            mine[k] = left[k] && actors[k].device == actors[i].device &&
                      !rule_form_reads_others(&o->site->rules[actors[k].rule]);
            left[k] = left[k] && !mine[k];
        }
        code = run_some(actors, count, mine, actors[i].device, arena, o, err);
    }
    return code == 0 ? run_some(actors, count, left, NONE_INDEX, arena, o, err) : code;
}

void
advice_mark_best(struct advice *items, uint32_t count)
{
    uint64_t most = 0;
    struct advice *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        most = items[i].cost.saved > most ? items[i].cost.saved : most;
        items[i].best = false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct advice *a = &items[i];
        bool enough = (uint64_t)a->cost.saved * 100 >= most * ADVICE_ENOUGH_PERCENT;
        if (enough && (best == NULL || a->burden < best->burden)) {
            best = a;
        }
    }
    if (best != NULL) {
        best->best = true;
    }
}
