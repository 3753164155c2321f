#include "daemon/pipeline/tuning/tune.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/replay/feed.h"
#include "daemon/pipeline/rule/rule_sweep.h"
#include "daemon/pipeline/tuning/tune_grid.h"

/* What the first look at the log shows of a device. */
struct seen {
    int64_t first_ms, last_ms; /* INSTANT_NONE: it is not in it. */
};

struct work {
    const struct tune_options *o;
    struct tune *out;
    struct rule_spec now; /* The present rule, of the one level, on the one device. */
    struct seen *seen;    /* By device. */
    bool *bound;          /* By device. */
    struct tune_pick *values, *intervals;
    struct tune_window *windows; /* Of the watches, one after the other. */
    struct tune_watch *watches;
    uint32_t watch_count;
    struct tune_score *score;
    struct rule_sweep *sweep;
};

/* ---- the first look ---- */

static void
look_at(void *ctx, const struct frame *f)
{
    struct work *w = ctx;
    const struct site *site = w->o->site;
    const struct rule_form *form = &w->out->form;
    bool own = form->device == NULL
                   ? w->bound[f->device]
                   : strcmp(site->devices[f->device].id, form->device) == 0;
    if (w->bound[f->device]) {
        struct seen *s = &w->seen[f->device];
        if (s->first_ms == INSTANT_NONE) {
            s->first_ms = f->t_ms;
        } else {
            tune_pick_add(w->intervals, (double)(f->t_ms - s->last_ms));
        }
        s->last_ms = f->t_ms;
    }
    for (uint16_t i = 0; i < f->count && own && form->point != NULL; i++) {
        const struct reading *r = &f->readings[i];
        const struct point *p = &site->points[r->point];
        double value = rule_form_in_unit(form, p, r->value);
        if (r->quality == QUALITY_GOOD && strcmp(p->id, form->point) == 0 &&
            isfinite(value)) {
            tune_pick_add(w->values, value);
        }
    }
}

static int
look(struct work *w, struct err *err)
{
    struct feed_result r;
    const struct feed_options feed = {.site = w->o->site,
                                      .logs = w->o->logs,
                                      .log_count = w->o->log_count,
                                      .map = w->o->map,
                                      .from_ms = INSTANT_NONE + 1,
                                      .to_ms = INSTANT_MAX - 1,
                                      .device = NONE_INDEX,
                                      .quiet = w->o->quiet,
                                      .progress = w->o->progress ? "looking" : NULL};
    int code = feed_each(&feed, look_at, w, &r, err);
    w->out->samples = r.samples;
    w->out->late_samples = r.late_samples;
    w->out->bad_rows = r.bad_rows;
    w->out->first_ms = r.first_ms;
    w->out->last_ms = r.last_ms;
    return code;
}

static void
no_edge(void *ctx, uint32_t variant, const struct edge *e)
{
    (void)ctx;
    (void)variant;
    (void)e;
}

static struct applies_to
only(const struct site *site, uint32_t device)
{
    return (struct applies_to){.id = site->devices[device].id};
}

/* Which devices the rule is for, and that it is right. */
static int
bind(struct work *w, struct err *err)
{
    const struct site *site = w->o->site;
    const struct rule_spec *rule = &site->rules[w->o->rule];
    struct rule_sweep *sweep = NULL;
    uint32_t count = 0;
    int code = rule_sweep_new(&sweep, site, rule, 1, no_edge, NULL, err);
    if (code != 0) {
        return code;
    }
    for (uint32_t d = 0; d < site->device_count; d++) {
        w->seen[d] = (struct seen){INSTANT_NONE, INSTANT_NONE};
        w->bound[d] = rule_sweep_bound(sweep, d, 0) &&
                      (w->o->device == NONE_INDEX || w->o->device == d);
        count += w->bound[d];
    }
    rule_sweep_free(sweep);
    if (count == 0) {
        return err_set(
            err, ERR_NOT_FOUND, "rule \"%s\" is not for device \"%s\"", rule->id,
            w->o->device != NONE_INDEX ? site->devices[w->o->device].id : "any");
    }
    w->now = *rule;
    w->now.level_count = 1;
    w->now.levels[0] = rule->levels[w->o->level];
    if (w->o->device != NONE_INDEX) {
        w->now.applies_to = only(site, w->o->device);
    }
    return 0;
}

/* ---- what is watched ---- */

/* The windows of one device that the log can show. */
static uint32_t
visible_windows(struct work *w, struct tune_window *out, uint32_t device)
{
    uint32_t all = tune_labels_of(out, w->o->labels, device);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < all; i++) {
        if (out[i].to_ms >= w->seen[device].first_ms &&
            out[i].from_ms <= w->seen[device].last_ms) {
            out[kept++] = out[i];
        }
    }
    w->out->left_out += all - kept;
    return kept;
}

static int
watch(struct work *w, struct err *err)
{
    const struct site *site = w->o->site;
    struct tune *t = w->out;
    size_t used = 0;
    for (uint32_t d = 0; d < site->device_count; d++) {
        t->devices += w->bound[d] && w->seen[d].first_ms != INSTANT_NONE;
    }
    if (t->devices == 0) {
        return err_set(err, ERR_NOT_FOUND,
                       "no sample of a device of rule \"%s\" is in the log",
                       t->form.rule->id);
    }
    w->windows =
        malloc(((size_t)t->devices * w->o->labels->count + 1) * sizeof *w->windows);
    w->watches = malloc(t->devices * sizeof *w->watches);
    if (w->windows == NULL || w->watches == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for so many windows");
    }
    for (uint32_t d = 0; d < site->device_count; d++) {
        if (!w->bound[d] || w->seen[d].first_ms == INSTANT_NONE) {
            continue;
        }
        uint32_t count = visible_windows(w, &w->windows[used], d);
        w->watches[w->watch_count++] =
            (struct tune_watch){.device = d,
                                .first_ms = w->seen[d].first_ms,
                                .last_ms = w->seen[d].last_ms,
                                .windows = &w->windows[used],
                                .window_count = count};
        used += count;
    }
    for (uint32_t i = 0; i < w->o->labels->count; i++) {
        uint32_t d = w->o->labels->items[i].device;
        t->left_out +=
            d != NONE_INDEX && (!w->bound[d] || w->seen[d].first_ms == INSTANT_NONE);
    }
    return used > 0
               ? 0
               : err_set(err, ERR_NOT_FOUND,
                         "no labelled window is of a device and a time that are in "
                         "the log");
}

/* ---- the settings ---- */

struct axes {
    double thresholds[TUNE_AXIS_MAX], deadbands[TUNE_AXIS_MAX];
    int64_t holds[TUNE_AXIS_MAX];
    uint32_t threshold_count, deadband_count, hold_count;
};

static void
add_number(double *values, uint32_t *count, double now)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (values[i] == now) {
            return;
        }
    }
    uint32_t at = (*count)++;
    for (; at > 0 && values[at - 1] > now; at--) {
        values[at] = values[at - 1];
    }
    values[at] = now;
}

static void
choose_thresholds(struct work *w, struct axes *a, uint32_t samples)
{
    const struct rule_form *form = &w->out->form;
    if (w->o->threshold_count > 0) {
        a->threshold_count = w->o->threshold_count;
        memcpy(a->thresholds, w->o->thresholds,
               a->threshold_count * sizeof *a->thresholds);
        add_number(a->thresholds, &a->threshold_count, form->threshold);
    } else if (samples > 0) {
        a->threshold_count = tune_grid_thresholds(a->thresholds, w->values, form->above,
                                                  form->threshold);
    } else {
        a->threshold_count = tune_grid_around(a->thresholds, form->threshold);
    }
}

static void
choose_deadbands(struct work *w, struct axes *a, uint32_t samples)
{
    const struct rule_form *form = &w->out->form;
    double spread = fabs(form->threshold);
    if (!form->has_deadband) {
        a->deadbands[a->deadband_count++] = 0; /* `clear` stays as it is. */
        return;
    }
    if (w->o->deadband_count > 0) {
        a->deadband_count = w->o->deadband_count;
        memcpy(a->deadbands, w->o->deadbands, a->deadband_count * sizeof *a->deadbands);
        add_number(a->deadbands, &a->deadband_count, form->deadband);
        return;
    }
    if (samples > 0) {
        spread =
            tune_pick_quantile(w->values, 0.95) - tune_pick_quantile(w->values, 0.05);
    }
    a->deadband_count = tune_grid_deadbands(a->deadbands, spread, 0.2, form->deadband);
}

static void
choose_holds(struct work *w, struct axes *a)
{
    int64_t now_ms = w->now.hold_ms;
    bool is_new = true;
    if (w->o->hold_count == 0) {
        int64_t interval_ms = tune_pick_sort(w->intervals) > 0
                                  ? (int64_t)tune_pick_quantile(w->intervals, 0.5)
                                  : 0;
        a->hold_count = tune_grid_holds(a->holds, interval_ms, now_ms);
        return;
    }
    for (uint32_t i = 0; i < w->o->hold_count; i++) {
        is_new = is_new && w->o->holds[i] != now_ms;
        if (a->hold_count == i && is_new && w->o->holds[i] > now_ms) {
            a->holds[a->hold_count++] = now_ms;
            is_new = false;
        }
        a->holds[a->hold_count++] = w->o->holds[i];
    }
    if (is_new) {
        a->holds[a->hold_count++] = now_ms;
    }
}

static int
combine(struct work *w, const struct axes *a, struct err *err)
{
    struct tune *t = w->out;
    uint64_t count = (uint64_t)a->threshold_count * a->deadband_count * a->hold_count;
    if (count > TUNE_SETTINGS_MAX) {
        return err_set(err, ERR_USAGE,
                       "%u thresholds times %u deadbands times %u holds are %llu "
                       "settings; at most %d are tried",
                       a->threshold_count, a->deadband_count, a->hold_count,
                       (unsigned long long)count, TUNE_SETTINGS_MAX);
    }
    t->settings = calloc(count, sizeof *t->settings);
    if (t->settings == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the settings");
    }
    for (uint32_t i = 0; i < a->threshold_count; i++) {
        for (uint32_t k = 0; k < a->deadband_count; k++) {
            for (uint32_t h = 0; h < a->hold_count; h++) {
                struct tune_setting *s = &t->settings[t->count];
                s->threshold = a->thresholds[i];
                s->deadband = a->deadbands[k];
                s->hold_ms = a->holds[h];
                s->now = s->threshold == t->form.threshold &&
                         (!t->form.has_deadband || s->deadband == t->form.deadband) &&
                         s->hold_ms == w->now.hold_ms;
                t->now = s->now ? t->count : t->now;
                t->count++;
            }
        }
    }
    return 0;
}

static int
choose(struct work *w, struct err *err)
{
    struct axes *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the settings");
    }
    uint32_t samples = tune_pick_sort(w->values);
    choose_thresholds(w, a, samples);
    choose_deadbands(w, a, samples);
    choose_holds(w, a);
    int code = combine(w, a, err);
    free(a);
    return code;
}

/* ---- the trial ---- */

static void
on_edge(void *ctx, uint32_t variant, const struct edge *e)
{
    struct work *w = ctx;
    if (e->kind == EDGE_RAISED) {
        tune_score_raise(w->score, variant, e->device, e->t_ms);
    }
}

static void
try_frame(void *ctx, const struct frame *f)
{
    struct work *w = ctx;
    rule_sweep_frame(w->sweep, f);
}

static int
try_all(struct work *w, struct err *err)
{
    struct tune *t = w->out;
    struct feed_result r;
    struct rule_spec *specs = malloc(t->count * sizeof *specs);
    int code = specs == NULL
                   ? err_set(err, ERR_NOMEM, "no memory for the settings")
                   : tune_score_new(&w->score, t->settings, t->count, w->watches,
                                    w->watch_count, w->o->early_ms, err);
    if (w->watch_count == 1) { /* Others of a large site would only cost memory. */
        w->now.applies_to = only(w->o->site, w->watches[0].device);
    }
    for (uint32_t i = 0; code == 0 && i < t->count; i++) {
        const struct tune_setting *s = &t->settings[i];
        specs[i] = rule_form_spec(&t->form, t->arena, s->threshold, s->deadband);
        specs[i].hold_ms = s->hold_ms;
    }
    if (code == 0) {
        code = rule_sweep_new(&w->sweep, w->o->site, specs, t->count, on_edge, w, err);
    }
    const struct feed_options feed = {.site = w->o->site,
                                      .logs = w->o->logs,
                                      .log_count = w->o->log_count,
                                      .map = w->o->map,
                                      .from_ms = INSTANT_NONE + 1,
                                      .to_ms = INSTANT_MAX - 1,
                                      .device = NONE_INDEX,
                                      .quiet = true,
                                      .progress = w->o->progress ? "trying " : NULL};
    if (code == 0) {
        code = feed_each(&feed, try_frame, w, &r, err);
    }
    if (code == 0) {
        rule_sweep_advance(w->sweep, t->last_ms);
        tune_score_finish(w->score);
        t->faults = tune_score_faults(w->score);
        t->days = tune_score_days(w->score);
        tune_score_rank(t->settings, t->count, t->faults,
                        tune_score_false_max(w->o->false_per_day_max, t->days));
    }
    free(specs);
    return code;
}

int
tune_run(struct tune *out, const struct tune_options *o, struct err *err)
{
    size_t devices = (size_t)o->site->device_count + 1;
    struct work w = {.o = o, .out = out};
    *out = (struct tune){.arena = arena_new(),
                         .knee = NONE_INDEX,
                         .false_per_day_max = o->false_per_day_max};
    w.seen = calloc(devices, sizeof *w.seen);
    w.bound = calloc(devices, sizeof *w.bound);
    w.values = calloc(1, sizeof *w.values);
    w.intervals = calloc(1, sizeof *w.intervals);
    int code = 0;
    if (w.seen == NULL || w.bound == NULL || w.values == NULL || w.intervals == NULL) {
        code = err_set(err, ERR_NOMEM, "no memory to tune");
    }
    code = code == 0 ? bind(&w, err) : code;
    code = code == 0 ? rule_form_read(&out->form, out->arena, o->site, &w.now, 0, err)
                     : code;
    code = code == 0 ? look(&w, err) : code;
    code = code == 0 ? watch(&w, err) : code;
    code = code == 0 ? choose(&w, err) : code;
    code = code == 0 ? try_all(&w, err) : code;
    if (code == 0) {
        out->form.rule = &o->site->rules[o->rule];
        out->form.level = o->level;
        out->unit = rule_form_unit(&out->form, o->site, w.watches[0].device);
        for (uint32_t i = 0; i < out->count; i++) {
            out->knee = out->settings[i].knee ? i : out->knee;
            out->any_found = out->any_found || out->settings[i].missed < out->faults;
        }
    } else {
        tune_fini(out);
    }
    rule_sweep_free(w.sweep);
    tune_score_free(w.score);
    free(w.windows);
    free(w.watches);
    free(w.seen);
    free(w.bound);
    free(w.values);
    free(w.intervals);
    return code;
}

void
tune_fini(struct tune *t)
{
    arena_free(t->arena);
    free(t->settings);
    *t = (struct tune){0};
}
