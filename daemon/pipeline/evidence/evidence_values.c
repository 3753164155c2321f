#include "daemon/pipeline/evidence/evidence_values.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/history.h"

#define OPENINGS_SHOWN 3 /* The first, and the latest ones. */

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- Which stretches ---- */

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* Rules of one ticket whose alarms stand. */
struct standing {
    const char *rules[EVIDENCE_OTHERS_MAX + 1];
    uint32_t count;
};

static void
stands(struct standing *s, const char *rule, bool raised)
{
    uint32_t at = 0;
    while (at < s->count && strcmp(s->rules[at], rule) != 0) {
        at++;
    }
    if (raised && at == s->count && s->count < ARRAY_LEN(s->rules)) {
        s->rules[s->count++] = rule;
    } else if (!raised && at < s->count) {
        s->rules[at] = s->rules[--s->count];
    }
}

/* When the fault of this opening was last seen to go: all of its alarms cleared, or
 * somebody said that it is repaired; INSTANT_NONE: it stands. */
static int64_t
end_of(const struct evidence *e, uint32_t opening, int64_t next_ms)
{
    struct standing now = {0};
    int64_t cleared_ms = INSTANT_NONE;
    int64_t resolved_ms = INSTANT_NONE;
    for (uint32_t i = 0; i < e->event_count; i++) {
        const struct evidence_event *v = &e->events[i];
        if (v->t_ms < e->openings[opening].t_ms || v->t_ms >= next_ms) {
            continue;
        }
        bool raised = strcmp(v->name, "alarm.raised") == 0;
        if (raised || strcmp(v->name, "alarm.cleared") == 0) {
            stands(&now, v->rule != NULL ? v->rule : "", raised);
            cleared_ms = now.count > 0 ? INSTANT_NONE : v->t_ms;
        } else if (strcmp(v->name, "ticket.resolved") == 0) {
            resolved_ms = v->t_ms;
        }
    }
    return cleared_ms != INSTANT_NONE ? cleared_ms : resolved_ms;
}

static void
add_window(struct evidence *e,
           int64_t from_ms,
           int64_t to_ms,
           int64_t opened_ms,
           int64_t cleared_ms)
{
    if (e->window_count < EVIDENCE_WINDOWS_MAX && to_ms > from_ms) {
        e->windows[e->window_count++] = (struct evidence_window){
            .from_ms = from_ms,
            .to_ms = to_ms,
            .opened_ms = opened_ms,
            .cleared_ms = cleared_ms != INSTANT_NONE && cleared_ms <= to_ms
                              ? cleared_ms
                              : INSTANT_NONE};
    }
}

/* Around one opening; and around its repair where that came much later. */
static void
add_opening(struct evidence *e, uint32_t opening, int64_t next_ms)
{
    int64_t opened_ms = e->openings[opening].t_ms;
    int64_t from_ms = opened_ms - EVIDENCE_BEFORE_MS;
    int64_t last_ms = earlier(next_ms, later(e->now_ms, opened_ms));
    int64_t cleared_ms = end_of(e, opening, next_ms);
    int64_t most_ms = earlier(last_ms, opened_ms + EVIDENCE_LONGEST_MS);
    if (cleared_ms == INSTANT_NONE) {
        add_window(e, from_ms, most_ms, opened_ms, INSTANT_NONE);
        return;
    }
    int64_t after_ms = cleared_ms + EVIDENCE_AFTER_MS;
    int64_t closed_ms = e->ticket.closed_ms;
    if (closed_ms != INSTANT_NONE && closed_ms - cleared_ms <= EVIDENCE_CLOSED_MS) {
        after_ms = later(after_ms, closed_ms + EVIDENCE_AFTER_MS / 6);
    }
    after_ms = earlier(after_ms, last_ms);
    add_window(e, from_ms, earlier(after_ms, most_ms), opened_ms, cleared_ms);
    if (cleared_ms > opened_ms + EVIDENCE_LONGEST_MS) {
        add_window(e, cleared_ms - EVIDENCE_BEFORE_MS, after_ms, INSTANT_NONE,
                   cleared_ms);
    }
}

void
evidence_find_windows(struct evidence *e)
{
    for (uint32_t i = 0; i < e->opening_count; i++) {
        bool shown = i == 0 || i + OPENINGS_SHOWN > e->opening_count;
        int64_t next_ms =
            i + 1 < e->opening_count ? e->openings[i + 1].t_ms : INSTANT_MAX;
        if (shown) {
            add_opening(e, i, next_ms);
        }
    }
}

/* ---- The samples in them ---- */

/* What the opening that the window is of said should be drawn. */
static json_t *
facts_of(const struct evidence *e, const struct evidence_window *w)
{
    for (uint32_t i = e->opening_count; i > 0; i--) {
        if (e->openings[i - 1].t_ms <= w->to_ms) {
            return e->openings[i - 1].facts;
        }
    }
    return e->openings[0].facts;
}

static void
add_limits(struct evidence_series *s, const json_t *limits)
{
    size_t i;
    json_t *limit;
    json_array_foreach(limits, i, limit)
    {
        const char *device = text_of(limit, "device");
        const char *point = text_of(limit, "point");
        const char *text = text_of(limit, "text");
        if (device != NULL && point != NULL && text != NULL &&
            strcmp(device, s->device) == 0 && strcmp(point, s->point) == 0 &&
            s->limit_count < ARRAY_LEN(s->limits)) {
            s->limits[s->limit_count++] = (struct evidence_limit){
                json_number_value(json_object_get(limit, "value")), text,
                json_integer_value(json_object_get(limit, "hold_ms"))};
        }
    }
}

static void
prepare_series(struct evidence *e, struct evidence_window *w)
{
    const json_t *facts = facts_of(e, w);
    const json_t *points = json_object_get(facts, "points");
    size_t i;
    json_t *item;
    w->series = arena_array(e->arena, json_array_size(points) + 1, sizeof *w->series);
    json_array_foreach(points, i, item)
    {
        const char *device = text_of(item, "device");
        const char *point = text_of(item, "point");
        if (device == NULL || point == NULL) {
            continue;
        }
        struct evidence_series *s = &w->series[w->series_count++];
        s->device = device;
        s->point = point;
        s->foreign = e->ticket.device == NULL || strcmp(device, e->ticket.device) != 0;
        const char *name =
            s->foreign ? arena_printf(e->arena, "%s.%s", device, point) : point;
        chart_series_init(&s->samples, name, text_of(item, "unit"),
                          json_is_true(json_object_get(item, "state")), w->from_ms,
                          w->to_ms, EVIDENCE_CHART_COLUMNS);
        s->samples.gap_ms = json_integer_value(json_object_get(item, "gap_ms"));
        add_limits(s, json_object_get(facts, "limits"));
    }
}

static void
sum_add(struct evidence_sum *s, double value)
{
    s->min = s->count == 0 ? value : fmin(s->min, value);
    s->max = s->count == 0 ? value : fmax(s->max, value);
    s->mean = s->count == 0 ? value : s->mean;
    s->count++;
    s->mean += (value - s->mean) / (double)s->count;
    s->last = value;
}

static struct evidence_series *
series_of(struct evidence_window *w, const struct history_sample *sample)
{
    for (uint32_t i = 0; i < w->series_count; i++) {
        if (strcmp(w->series[i].point, sample->point) == 0 &&
            strcmp(w->series[i].device, sample->device) == 0) {
            return &w->series[i];
        }
    }
    return NULL;
}

static bool
take_sample(void *ctx, const struct history_sample *sample)
{
    struct evidence_window *w = ctx;
    struct evidence_series *s = series_of(w, sample);
    if (s == NULL) {
        return true;
    }
    if (sample->quality != QUALITY_GOOD) {
        w->bad++;
        chart_series_gap(&s->samples, sample->t_ms);
        return true;
    }
    w->samples++;
    chart_series_add(&s->samples, sample->t_ms, sample->value);
    bool before = w->opened_ms != INSTANT_NONE && sample->t_ms < w->opened_ms;
    bool after = w->cleared_ms != INSTANT_NONE && sample->t_ms >= w->cleared_ms;
    sum_add(before ? &s->before : after ? &s->after : &s->during, sample->value);
    return true;
}

/* Each device once: several of its points are drawn. */
static int
read_window(struct history_reader *r, struct evidence_window *w, struct err *err)
{
    int code = 0;
    for (uint32_t i = 0; i < w->series_count && code == 0; i++) {
        bool again = false;
        for (uint32_t k = 0; k < i; k++) {
            again = again || strcmp(w->series[k].device, w->series[i].device) == 0;
        }
        if (!again) {
            code = history_each(r, w->from_ms, w->to_ms, w->series[i].device, NULL,
                                take_sample, w, err);
        }
    }
    return code;
}

static bool
take_oldest(void *ctx, const struct history_sample *s)
{
    int64_t *t_ms = ctx;
    *t_ms = s->t_ms;
    return false;
}

void
evidence_read_history(struct evidence *e)
{
    struct err err = {0};
    struct history_reader *r = NULL;
    int code = history_reader_open(&r, e->site->data_dir, &err);
    if (code == 0) {
        code = history_each(r, INT64_MIN, INT64_MAX, NULL, NULL, take_oldest,
                            &e->history_from_ms, &err);
    }
    for (uint32_t i = 0; i < e->window_count; i++) {
        struct evidence_window *w = &e->windows[i];
        if (e->history_from_ms > w->from_ms && e->history_from_ms < w->opened_ms) {
            w->from_ms = e->history_from_ms; /* No hour of nothing is drawn. */
        }
        prepare_series(e, w);
    }
    for (uint32_t i = 0; i < e->window_count && code == 0; i++) {
        code = read_window(r, &e->windows[i], &err);
    }
    history_reader_close(r);
    if (code != 0 && code != ERR_NOT_FOUND) {
        e->history_trouble = arena_strdup(e->arena, err.text);
    }
}
