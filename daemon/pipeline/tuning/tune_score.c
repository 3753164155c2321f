#include "daemon/pipeline/tuning/tune_score.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/instant.h"

#define DAY_MS (24.0 * 3600 * 1000)

struct tune_score {
    struct tune_setting *settings;
    uint32_t setting_count;
    const struct tune_watch *watches;
    uint32_t watch_count;
    uint32_t *first_fault; /* Of watch w: faults [w], [w + 1]. */
    uint32_t faults;
    int64_t early_ms;
    /* By setting and fault: when the alarm was raised; INSTANT_NONE: it was not. */
    int64_t *found_ms;
    int64_t *delays; /* Room for those of one setting. */
};

int
tune_score_new(struct tune_score **out,
               struct tune_setting *settings,
               uint32_t setting_count,
               const struct tune_watch *watches,
               uint32_t watch_count,
               int64_t early_ms,
               struct err *err)
{
    struct tune_score *s = calloc(1, sizeof *s);
    uint64_t faults = 0;
    for (uint32_t i = 0; i < watch_count; i++) {
        faults += watches[i].window_count;
    }
    if (faults * setting_count > TUNE_FINDINGS_MAX) {
        free(s);
        return err_set(err, ERR_FULL,
                       "%llu faults times %u settings are more than %d; give fewer "
                       "settings, or one device",
                       (unsigned long long)faults, setting_count, TUNE_FINDINGS_MAX);
    }
    if (s != NULL) {
        size_t findings = (size_t)faults * setting_count;
        s->first_fault = calloc((size_t)watch_count + 1, sizeof *s->first_fault);
        s->found_ms = malloc((findings + 1) * sizeof *s->found_ms);
        s->delays = malloc(((size_t)faults + 1) * sizeof *s->delays);
        for (size_t i = 0; s->found_ms != NULL && i < findings; i++) {
            s->found_ms[i] = INSTANT_NONE;
        }
    }
    if (s == NULL || s->first_fault == NULL || s->found_ms == NULL ||
        s->delays == NULL) {
        tune_score_free(s);
        return err_set(err, ERR_NOMEM, "no memory for so many settings");
    }
    for (uint32_t i = 0; i < watch_count; i++) {
        s->first_fault[i + 1] = s->first_fault[i] + watches[i].window_count;
    }
    s->settings = settings;
    s->setting_count = setting_count;
    s->watches = watches;
    s->watch_count = watch_count;
    s->faults = (uint32_t)faults;
    s->early_ms = early_ms;
    *out = s;
    return 0;
}

void
tune_score_free(struct tune_score *s)
{
    if (s == NULL) {
        return;
    }
    free(s->first_fault);
    free(s->found_ms);
    free(s->delays);
    free(s);
}

uint32_t
tune_score_faults(const struct tune_score *s)
{
    return s->faults;
}

double
tune_score_days(const struct tune_score *s)
{
    double ms = 0;
    for (uint32_t i = 0; i < s->watch_count; i++) {
        const struct tune_watch *w = &s->watches[i];
        ms += (double)(w->last_ms - w->first_ms);
        for (uint32_t k = 0; k < w->window_count; k++) {
            const struct tune_window *f = &w->windows[k];
            int64_t from = f->from_ms > w->first_ms ? f->from_ms : w->first_ms;
            int64_t to = f->to_ms < w->last_ms ? f->to_ms : w->last_ms;
            ms -= to > from ? (double)(to - from) : 0;
        }
    }
    return ms / DAY_MS;
}

static uint32_t
watch_of(const struct tune_score *s, uint32_t device)
{
    uint32_t low = 0;
    uint32_t high = s->watch_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->watches[middle].device < device) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < s->watch_count && s->watches[low].device == device ? low : NONE_INDEX;
}

/* The first window that has not ended by t; window_count: none. */
static uint32_t
window_at(const struct tune_watch *w, int64_t t_ms)
{
    uint32_t low = 0;
    uint32_t high = w->window_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (w->windows[middle].to_ms < t_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void
tune_score_raise(struct tune_score *s, uint32_t setting, uint32_t device, int64_t t_ms)
{
    uint32_t i = watch_of(s, device);
    if (i == NONE_INDEX) {
        return;
    }
    const struct tune_watch *w = &s->watches[i];
    uint32_t k = window_at(w, t_ms);
    if (k == w->window_count || w->windows[k].from_ms - s->early_ms > t_ms) {
        s->settings[setting].false_raises++;
        return;
    }
    int64_t *found = &s->found_ms[(size_t)setting * s->faults + s->first_fault[i] + k];
    *found = *found == INSTANT_NONE ? t_ms : *found;
}

static int
compare_longs(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x;
    int64_t b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* Delays of all settings are those of the same faults: one that was missed counts with
 * its whole length, or who misses the hard ones would look fast. */
static void
finish_one(struct tune_score *s, uint32_t setting, double days)
{
    struct tune_setting *t = &s->settings[setting];
    const int64_t *found = &s->found_ms[(size_t)setting * s->faults];
    uint32_t count = 0;
    t->missed = 0;
    for (uint32_t i = 0; i < s->watch_count; i++) {
        const struct tune_watch *w = &s->watches[i];
        for (uint32_t k = 0; k < w->window_count; k++) {
            int64_t at = found[s->first_fault[i] + k];
            int64_t from = w->windows[k].from_ms;
            int64_t to = w->windows[k].to_ms;
            from = from > w->first_ms ? from : w->first_ms;
            to = to < w->last_ms ? to : w->last_ms;
            if (at == INSTANT_NONE) {
                t->missed++;
                at = to;
            }
            s->delays[count++] = at > from ? at - from : 0;
        }
    }
    qsort(s->delays, count, sizeof *s->delays, compare_longs);
    t->false_per_day = days > 0 ? (double)t->false_raises / days : 0;
    t->delay_median_ms = INSTANT_NONE;
    t->delay_worst_ms = INSTANT_NONE;
    if (t->missed < count) {
        int64_t low = s->delays[(count - 1) / 2];
        t->delay_median_ms = low + (s->delays[count / 2] - low) / 2;
        t->delay_worst_ms = s->delays[count - 1];
    }
}

void
tune_score_finish(struct tune_score *s)
{
    double days = tune_score_days(s);
    for (uint32_t i = 0; i < s->setting_count; i++) {
        finish_one(s, i, days);
    }
}

/* ---- the front and its knee ---- */

/* What nothing found costs in time: more than any delay. */
static double
delay_of(const struct tune_setting *t)
{
    return t->delay_median_ms == INSTANT_NONE ? (double)INFINITY
                                              : (double)t->delay_median_ms;
}

/* Whether a makes b needless: as good in everything, and better in something; or the
 * same in everything, and the present one, or else before it. */
static bool
beats(const struct tune_setting *a, const struct tune_setting *b)
{
    if (a->missed > b->missed || a->false_raises > b->false_raises ||
        delay_of(a) > delay_of(b)) {
        return false;
    }
    bool better = a->missed < b->missed || a->false_raises < b->false_raises ||
                  delay_of(a) < delay_of(b);
    return better || (a != b && (a->now || (a < b && !b->now)));
}

struct range {
    double low, high;
};

static void
widen(struct range *r, double value)
{
    r->low = value < r->low ? value : r->low;
    r->high = value > r->high ? value : r->high;
}

static double
scaled(const struct range *r, double value)
{
    return r->high > r->low ? (value - r->low) / (r->high - r->low) : 0;
}

static bool
may_be_knee(const struct tune_setting *t, uint32_t faults, uint64_t false_max)
{
    return t->front && t->missed < faults && t->false_raises <= false_max;
}

uint64_t
tune_score_false_max(double per_day, double days)
{
    double most = floor(per_day * days);
    return per_day > 0 && most < 1 ? 1 : (uint64_t)fmin(most, 1e18);
}

void
tune_score_rank(struct tune_setting *settings,
                uint32_t count,
                uint32_t faults,
                uint64_t false_max)
{
    struct range missed = {INFINITY, -INFINITY};
    struct range false_raises = missed;
    struct range delay = missed;
    uint32_t knee = NONE_INDEX;
    double nearest = INFINITY;
    for (uint32_t i = 0; i < count; i++) {
        struct tune_setting *t = &settings[i];
        t->front = true;
        t->knee = false;
        for (uint32_t k = 0; k < count && t->front; k++) {
            t->front = !beats(&settings[k], t);
        }
        if (may_be_knee(t, faults, false_max)) {
            widen(&missed, t->missed);
            widen(&false_raises, log2(1.0 + (double)t->false_raises));
            widen(&delay, delay_of(t));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tune_setting *t = &settings[i];
        if (!may_be_knee(t, faults, false_max)) {
            continue;
        }
        double m = scaled(&missed, t->missed) * 2;
        double f = scaled(&false_raises, log2(1.0 + (double)t->false_raises));
        double d = scaled(&delay, delay_of(t)) / 2;
        double distance = m * m + f * f + d * d;
        /* Of equals the present one, else the first: the least change. */
        if (distance < nearest || (distance == nearest && t->now)) {
            nearest = distance;
            knee = i;
        }
    }
    if (knee != NONE_INDEX) {
        settings[knee].knee = true;
    }
}
