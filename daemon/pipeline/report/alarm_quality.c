#include "daemon/pipeline/report/alarm_quality.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* The raises of the period, in order of time; and the same by alarm, then time. */
struct work {
    const struct alarm_quality_options *o;
    struct alarm_quality_episode *raises, *by_alarm;
    size_t count;
    int64_t *stood; /* Room for twice as many times. */
};

static int
compare_times(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_raises(const void *x, const void *y)
{
    const struct alarm_quality_episode *a = x;
    const struct alarm_quality_episode *b = y;
    int order = compare_times(a->raised_ms, b->raised_ms);
    return order != 0 ? order : (a->alarm > b->alarm) - (a->alarm < b->alarm);
}

static int
compare_by_alarm(const void *x, const void *y)
{
    const struct alarm_quality_episode *a = x;
    const struct alarm_quality_episode *b = y;
    return a->alarm != b->alarm ? (a->alarm > b->alarm) - (a->alarm < b->alarm)
                                : compare_times(a->raised_ms, b->raised_ms);
}

static int
compare_actors(const void *x, const void *y)
{
    const struct alarm_quality_actor *a = x;
    const struct alarm_quality_actor *b = y;
    return a->raises != b->raises ? (a->raises < b->raises) - (a->raises > b->raises)
                                  : (a->alarm > b->alarm) - (a->alarm < b->alarm);
}

static int
compare_standing(const void *x, const void *y)
{
    const struct alarm_quality_standing *a = x;
    const struct alarm_quality_standing *b = y;
    int order = compare_times(b->stood_ms, a->stood_ms);
    return order != 0 ? order : (a->alarm > b->alarm) - (a->alarm < b->alarm);
}

static int
compare_longs(const void *x, const void *y)
{
    return compare_times(*(const int64_t *)x, *(const int64_t *)y);
}

/* ---- load and floods ---- */

static void
note_peak(struct alarm_quality *q, const struct work *w)
{
    size_t first = 0;
    q->peak_ms = INSTANT_NONE;
    for (size_t i = 0; i < w->count; i++) {
        while (w->raises[i].raised_ms - w->raises[first].raised_ms >=
               ALARM_QUALITY_SLOT_MS) {
            first++;
        }
        if (i - first + 1 > q->peak_10min) {
            q->peak_10min = (uint32_t)(i - first + 1);
            q->peak_ms = w->raises[first].raised_ms;
        }
    }
}

/* When the 10 min up to a moment behind raise i hold fewer than `fewest` raises for the
 * first time, or INSTANT_MAX when raise i + 1 comes before that. */
static int64_t
calms_at(const struct work *w, size_t i, size_t fewest)
{
    assert(i + 1 >= fewest);
    int64_t calm_ms = w->raises[i + 1 - fewest].raised_ms + ALARM_QUALITY_SLOT_MS;
    bool goes_on = i + 1 < w->count && w->raises[i + 1].raised_ms <= calm_ms;
    return goes_on ? INSTANT_MAX : calm_ms;
}

/* ISA-18.2 and EEMUA 191: a flood begins when more than 10 alarms come in 10 minutes,
 * and ends when fewer than 5 do.  The 10 minutes slide, so that no flood hides by lying
 * across the border of two. */
static void
find_floods(struct alarm_quality *q, const struct work *w)
{
    size_t above = (size_t)ALARM_QUALITY_FLOOD_ABOVE * w->o->operators;
    size_t fewest = (size_t)ALARM_QUALITY_FLOOD_ENDS * w->o->operators;
    size_t first = 0;
    size_t flood_first = 0;
    struct alarm_quality_flood *flood = NULL;
    for (size_t i = 0; i < w->count; i++) {
        while (w->raises[i].raised_ms - w->raises[first].raised_ms >=
               ALARM_QUALITY_SLOT_MS) {
            first++;
        }
        size_t held = i - first + 1;
        if (flood == NULL && held <= above) {
            continue;
        }
        if (flood == NULL) {
            flood = &q->floods[q->flood_count++];
            *flood =
                (struct alarm_quality_flood){.begin_ms = w->raises[first].raised_ms};
            flood_first = first;
        }
        flood->peak = held > flood->peak ? (uint32_t)held : flood->peak;
        flood->raises = (uint32_t)(i - flood_first + 1);
        int64_t calm_ms = calms_at(w, i, fewest);
        if (calm_ms != INSTANT_MAX) {
            flood->end_ms = calm_ms < w->o->to_ms ? calm_ms : w->o->to_ms;
            q->flood_ms += flood->end_ms - flood->begin_ms;
            flood = NULL;
        }
    }
    assert(flood == NULL); /* The last raise has none behind it. */
}

/* ---- single alarms ---- */

/* Raises that are among `least` within less than `window_ms`. */
static uint32_t
chatter_in(const struct alarm_quality_episode *e,
           size_t count,
           size_t least,
           int64_t window_ms)
{
    uint32_t raises = 0;
    size_t counted = 0; /* Up to which raise they are. */
    for (size_t last = least - 1; least > 0 && last < count; last++) {
        size_t first = last + 1 - least;
        if (e[last].raised_ms - e[first].raised_ms < window_ms) {
            size_t from = first > counted ? first : counted;
            raises += (uint32_t)(last + 1 - from);
            counted = last + 1;
        }
    }
    return raises;
}

static int64_t
stood_in_period(const struct alarm_quality_options *o,
                const struct alarm_quality_episode *e)
{
    int64_t from = e->raised_ms > o->from_ms ? e->raised_ms : o->from_ms;
    int64_t to = e->cleared_ms < o->to_ms ? e->cleared_ms : o->to_ms;
    return to > from ? to - from : 0;
}

static int64_t
median(int64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_longs);
    return count % 2 == 1 ? values[count / 2]
                          : values[count / 2 - 1] +
                                (values[count / 2] - values[count / 2 - 1]) / 2;
}

static void
add_actor(struct alarm_quality *q, const struct work *w, size_t first, size_t count)
{
    const struct alarm_quality_episode *e = &w->by_alarm[first];
    struct alarm_quality_actor *a = &q->actors[q->actor_count++];
    *a = (struct alarm_quality_actor){
        .alarm = e->alarm,
        .severity = e[count - 1].severity,
        .raises = (uint32_t)count,
        .share = 100.0 * (double)count / (double)w->count,
        .chatter_raises = chatter_in(e, count, ALARM_QUALITY_CHATTER_RAISES,
                                     ALARM_QUALITY_CHATTER_MS),
        .site_chatters =
            chatter_in(e, count, w->o->chatter_episodes, w->o->chatter_window_ms) > 0,
    };
    for (size_t i = 0; i < count; i++) {
        w->stood[i] = stood_in_period(w->o, &e[i]);
        a->stood_ms += w->stood[i];
    }
    a->median_ms = median(w->stood, count);
    q->chattering += a->chatter_raises > 0;
}

static void
find_actors(struct alarm_quality *q, const struct work *w)
{
    for (size_t first = 0, next; first < w->count; first = next) {
        next = first + 1;
        while (next < w->count && w->by_alarm[next].alarm == w->by_alarm[first].alarm) {
            next++;
        }
        add_actor(q, w, first, next - first);
    }
    qsort(q->actors, q->actor_count, sizeof *q->actors, compare_actors);
    uint32_t top = 0;
    for (size_t i = 0; i < q->actor_count && i < ALARM_QUALITY_TOP; i++) {
        top += q->actors[i].raises;
    }
    q->top_share = w->count > 0 ? 100.0 * top / (double)w->count : 0;
    q->alarms = (uint32_t)q->actor_count;
}

/* ---- standing alarms ---- */

/* Most of them that were stale at one time.  All stand at some moment of the period, so
 * those that became stale before it are stale when it begins. */
static void
note_standing_peak(struct alarm_quality *q, int64_t *stale, int64_t *cleared)
{
    size_t gone = 0;
    for (size_t i = 0; i < q->standing_count; i++) {
        stale[i] = q->standing[i].raised_ms + ALARM_QUALITY_STANDING_MS;
        cleared[i] = q->standing[i].cleared_ms;
    }
    qsort(stale, q->standing_count, sizeof *stale, compare_longs);
    qsort(cleared, q->standing_count, sizeof *cleared, compare_longs);
    for (size_t i = 0; i < q->standing_count; i++) {
        while (cleared[gone] <= stale[i]) {
            gone++;
        }
        uint32_t held = (uint32_t)(i + 1 - gone);
        q->standing_peak = held > q->standing_peak ? held : q->standing_peak;
    }
}

static void
find_standing(struct alarm_quality *q,
              const struct work *w,
              const struct alarm_quality_episode *episodes,
              size_t count)
{
    const struct alarm_quality_options *o = w->o;
    for (size_t i = 0; i < count; i++) {
        const struct alarm_quality_episode *e = &episodes[i];
        int64_t to = e->cleared_ms < o->to_ms ? e->cleared_ms : o->to_ms;
        if (to - e->raised_ms > ALARM_QUALITY_STANDING_MS && to > o->from_ms) {
            q->standing[q->standing_count++] =
                (struct alarm_quality_standing){.alarm = e->alarm,
                                                .severity = e->severity,
                                                .raised_ms = e->raised_ms,
                                                .cleared_ms = e->cleared_ms,
                                                .stood_ms = to - e->raised_ms};
        }
    }
    qsort(q->standing, q->standing_count, sizeof *q->standing, compare_standing);
    note_standing_peak(q, w->stood, w->stood + count);
}

/* ---- verdicts ---- */

const char *
alarm_quality_verdict_name(enum alarm_quality_verdict v)
{
    static const char *const names[] = {
        [ALARM_QUALITY_OK] = "ok",       [ALARM_QUALITY_HIGH] = "high",
        [ALARM_QUALITY_OVER] = "over",   [ALARM_QUALITY_FEW] = "few",
        [ALARM_QUALITY_SHORT] = "short",
    };
    return names[v];
}

static void
judge_figure(struct alarm_quality_figure *f,
             const struct alarm_quality *q,
             uint32_t split,
             bool is_short)
{
    double value = f->at_least ? -f->value : f->value;
    double target = f->at_least ? -f->target : f->target;
    double limit = f->at_least ? -f->limit : f->limit;
    f->verdict = value <= target  ? ALARM_QUALITY_OK
                 : value <= limit ? ALARM_QUALITY_HIGH
                                  : ALARM_QUALITY_OVER;
    if ((f->needs == ALARM_QUALITY_NEEDS_ALARMS &&
         q->alarms < ALARM_QUALITY_TOP_ALARMS_MIN) ||
        (f->needs == ALARM_QUALITY_NEEDS_RAISES &&
         split < ALARM_QUALITY_SPLIT_RAISES_MIN)) {
        f->verdict = ALARM_QUALITY_FEW;
    }
    if (is_short &&
        (f->needs == ALARM_QUALITY_NEEDS_PERIOD ||
         (f->needs == ALARM_QUALITY_NEEDS_TIME && f->verdict == ALARM_QUALITY_OK))) {
        f->verdict = ALARM_QUALITY_SHORT;
    }
}

static double
split_share(const struct alarm_quality *q, enum severity s)
{
    uint32_t all = q->by_severity[SEVERITY_NORMAL] + q->by_severity[SEVERITY_URGENT] +
                   q->by_severity[SEVERITY_CRITICAL];
    return all > 0 ? 100.0 * q->by_severity[s] / all : 0;
}

/* The targets.  Where the standards give one number only, it is the limit too; for the
 * split, which they give as "about", the limit is twice what stands for the exception.
 */
static void
fill_figures(struct alarm_quality *q, const struct alarm_quality_options *o)
{
    double span_ms = (double)(o->to_ms - o->from_ms);
    uint32_t split = q->by_severity[SEVERITY_NORMAL] + q->by_severity[SEVERITY_URGENT] +
                     q->by_severity[SEVERITY_CRITICAL];
    bool is_short = o->to_ms - o->from_ms < ALARM_QUALITY_PERIOD_MIN_MS;
    const enum alarm_quality_needs period = ALARM_QUALITY_NEEDS_PERIOD;
    const enum alarm_quality_needs time = ALARM_QUALITY_NEEDS_TIME;
    const enum alarm_quality_needs alarms = ALARM_QUALITY_NEEDS_ALARMS;
    const enum alarm_quality_needs raises = ALARM_QUALITY_NEEDS_RAISES;
    const struct alarm_quality_figure figures[ALARM_QUALITY_FIGURES] = {
        {"raises_per_day", N_("raises per day"), "", q->per_day, 144, 288, false,
         period, 0},
        {"raises_per_10min", N_("raises per 10 min"), "", q->per_10min, 1, 2, false,
         period, 0},
        {"peak_10min", N_("most raises in 10 min"), "",
         (double)q->peak_10min / o->operators, 10, 10, false, time, 0},
        {"time_in_flood", N_("time in flood"), "%",
         100.0 * (double)q->flood_ms / span_ms, 1, 1, false, period, 0},
        {"top_10_share", N_("share of the top 10 alarms"), "%", q->top_share, 5, 5,
         false, alarms, 0},
        {"chattering", N_("chattering alarms"), "", q->chattering, 0, 0, false, time,
         0},
        {"standing_24h", N_("most at once standing over 24 h"), "", q->standing_peak,
         ALARM_QUALITY_STANDING_MAX, ALARM_QUALITY_STANDING_MAX, false, time, 0},
        {"critical_share", N_("critical among all priorities"), "%",
         split_share(q, SEVERITY_CRITICAL), 5, 10, false, raises, 0},
        {"urgent_share", N_("urgent among all priorities"), "%",
         split_share(q, SEVERITY_URGENT), 15, 30, false, raises, 0},
        {"normal_share", N_("normal among all priorities"), "%",
         split_share(q, SEVERITY_NORMAL), 80, 60, true, raises, 0},
    };
    memcpy(q->figures, figures, sizeof figures);
    for (size_t i = 0; i < ALARM_QUALITY_FIGURES; i++) {
        judge_figure(&q->figures[i], q, split, is_short);
    }
}

/* ---- all of it ---- */

static int
work_init(struct work *w,
          struct alarm_quality *q,
          const struct alarm_quality_episode *episodes,
          size_t count,
          const struct alarm_quality_options *o)
{
    size_t room = count + 1;
    *w = (struct work){.o = o,
                       .raises = malloc(room * sizeof *w->raises),
                       .by_alarm = malloc(room * sizeof *w->by_alarm),
                       .stood = malloc(2 * room * sizeof *w->stood)};
    q->floods = malloc(room * sizeof *q->floods);
    q->actors = malloc(room * sizeof *q->actors);
    q->standing = malloc(room * sizeof *q->standing);
    if (w->raises == NULL || w->by_alarm == NULL || w->stood == NULL ||
        q->floods == NULL || q->actors == NULL || q->standing == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const struct alarm_quality_episode *e = &episodes[i];
        if (e->raised_ms >= o->from_ms &&
            (e->raised_ms < o->to_ms || (o->to_counts && e->raised_ms == o->to_ms))) {
            w->raises[w->count++] = *e;
            q->by_severity[e->severity]++;
        }
    }
    memcpy(w->by_alarm, w->raises, w->count * sizeof *w->raises);
    qsort(w->raises, w->count, sizeof *w->raises, compare_raises);
    qsort(w->by_alarm, w->count, sizeof *w->by_alarm, compare_by_alarm);
    return 0;
}

int
alarm_quality_of(struct alarm_quality *out,
                 const struct alarm_quality_episode *episodes,
                 size_t count,
                 uint32_t alarm_count,
                 const struct alarm_quality_options *options,
                 struct err *err)
{
    assert(options->from_ms < options->to_ms);
    assert(options->operators >= 1);
    for (size_t i = 0; i < count; i++) {
        assert(episodes[i].alarm < alarm_count);
    }
    struct work w;
    *out = (struct alarm_quality){0};
    int code = work_init(&w, out, episodes, count, options);
    if (code == 0) {
        double span_ms = (double)(options->to_ms - options->from_ms);
        out->raises = (uint32_t)w.count;
        out->days = span_ms / (double)DAY_MS;
        out->per_day = (double)w.count / out->days / options->operators;
        out->per_10min = (double)w.count * (double)ALARM_QUALITY_SLOT_MS / span_ms /
                         options->operators;
        note_peak(out, &w);
        find_floods(out, &w);
        find_actors(out, &w);
        find_standing(out, &w, episodes, count);
        fill_figures(out, options);
    } else {
        alarm_quality_fini(out);
        err_set(err, ERR_NOMEM, "no memory for so many alarms");
    }
    free(w.raises);
    free(w.by_alarm);
    free(w.stood);
    return code;
}

void
alarm_quality_fini(struct alarm_quality *q)
{
    free(q->floods);
    free(q->actors);
    free(q->standing);
    *q = (struct alarm_quality){0};
}
