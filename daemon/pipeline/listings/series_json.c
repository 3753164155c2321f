#include "daemon/pipeline/listings/series_json.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/pipeline/rule/rule_points.h"
#include "daemon/store/history_series.h"

#define MINUTE_MS    INT64_C(60000)
#define HOUR_MS      INT64_C(3600000)
#define THIN_ABOVE   4 /* Samples for each column. */
#define COLUMN_KEEPS 5 /* First, last, least, greatest, gap. */
#define MISSING_MIN  3 /* The line breaks where so many are missing. */

/* One point, as it is read. */
struct series {
    struct series_samples samples; /* The mean, of intervals. */
    double *min, *max;
    size_t room;
    int64_t step_ms; /* 0: samples. */
    bool out_of_memory;
};

static bool
grow_one(double **values, size_t room)
{
    double *bigger = realloc(*values, room * sizeof *bigger);
    if (bigger != NULL) {
        *values = bigger;
    }
    return bigger != NULL;
}

static bool
grow(struct series *s)
{
    size_t room = s->room > 0 ? s->room * 2 : 256;
    int64_t *t_ms = realloc(s->samples.t_ms, room * sizeof *t_ms);
    if (t_ms != NULL) {
        s->samples.t_ms = t_ms;
    }
    bool grown =
        t_ms != NULL && grow_one(&s->samples.value, room) &&
        (s->step_ms == 0 || (grow_one(&s->min, room) && grow_one(&s->max, room)));
    s->room = grown ? room : s->room;
    s->out_of_memory = !grown;
    return grown;
}

static void
series_fini(struct series *s)
{
    free(s->samples.t_ms);
    free(s->samples.value);
    free(s->min);
    free(s->max);
}

static void
add(struct series *s, int64_t t_ms, double mean, double min, double max)
{
    if (s->samples.count == s->room && !grow(s)) {
        return;
    }
    size_t i = s->samples.count++;
    s->samples.t_ms[i] = t_ms;
    s->samples.value[i] = mean;
    if (s->step_ms > 0) {
        s->min[i] = min;
        s->max[i] = max;
    }
}

/* The line breaks here, unless it is broken, or has not begun. */
static void
add_gap(struct series *s, int64_t t_ms)
{
    size_t count = s->samples.count;
    if (count > 0 && !isnan(s->samples.value[count - 1])) {
        add(s, t_ms, (double)NAN, (double)NAN, (double)NAN);
    }
}

static bool
take_sample(void *ctx, const struct history_sample *h)
{
    struct series *s = ctx;
    if (h->quality != QUALITY_GOOD) {
        add_gap(s, h->t_ms);
        return !s->out_of_memory;
    }
    add(s, h->t_ms, h->value, h->value, h->value);
    return !s->out_of_memory;
}

static bool
take_bucket(void *ctx, const struct history_bucket *b)
{
    struct series *s = ctx;
    add(s, b->t_ms, b->mean, b->min, b->max);
    return !s->out_of_memory;
}

/* ---- where it was silent ---- */

static int
compare_times(const void *x, const void *y)
{
    const int64_t *a = x;
    const int64_t *b = y;
    return (*a > *b) - (*a < *b);
}

/* How far apart they are as a rule: logs have another rhythm than polls.  0: too few to
 * say, or memory is out. */
static int64_t
rhythm_of(const struct series_samples *s)
{
    int64_t *apart = s->count > 2 ? malloc((s->count - 1) * sizeof *apart) : NULL;
    int64_t rhythm_ms = 0;
    if (apart != NULL) {
        for (size_t i = 1; i < s->count; i++) {
            apart[i - 1] = s->t_ms[i] - s->t_ms[i - 1];
        }
        qsort(apart, s->count - 1, sizeof *apart, compare_times);
        rhythm_ms = apart[(s->count - 1) / 2];
    }
    free(apart);
    return rhythm_ms;
}

/* Breaks the line where nothing came for longer than `silent_ms`, and than the rhythm
 * of what did come allows. */
static void
break_silences(struct series *s, int64_t silent_ms)
{
    int64_t least_ms = MISSING_MIN * rhythm_of(&s->samples);
    struct series out = {.step_ms = s->step_ms};
    silent_ms = silent_ms > least_ms ? silent_ms : least_ms;
    const struct series_samples *in = &s->samples;
    for (size_t i = 0; i < in->count; i++) {
        if (i > 0 && in->t_ms[i] - in->t_ms[i - 1] > silent_ms &&
            !isnan(in->value[i])) {
            add_gap(&out, in->t_ms[i - 1] + (s->step_ms > 0 ? s->step_ms : 1));
        }
        add(&out, in->t_ms[i], in->value[i], s->min != NULL ? s->min[i] : 0,
            s->max != NULL ? s->max[i] : 0);
    }
    series_fini(s);
    *s = out;
}

/* ---- thinning ---- */

static void
keep(size_t *kept, size_t *count, size_t index)
{
    for (size_t i = 0; i < *count; i++) {
        if (kept[i] == index) {
            return;
        }
    }
    size_t at = (*count)++;
    for (; at > 0 && kept[at - 1] > index; at--) {
        kept[at] = kept[at - 1];
    }
    kept[at] = index;
}

/* Of [first, end), all in one column, into `kept` in their order. */
static size_t
pick(size_t *kept, const double *value, size_t first, size_t end)
{
    size_t none = end, gap = end, head = end, tail = end, least = end, most = end;
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        if (isnan(value[i])) {
            gap = gap == none ? i : gap;
            continue;
        }
        head = head == none ? i : head;
        tail = i;
        least = least == none || value[i] < value[least] ? i : least;
        most = most == none || value[i] > value[most] ? i : most;
    }
    const size_t wanted[COLUMN_KEEPS] = {gap, head, tail, least, most};
    for (size_t i = 0; i < COLUMN_KEEPS; i++) {
        if (wanted[i] != none) {
            keep(kept, &count, wanted[i]);
        }
    }
    return count;
}

static int64_t
column_of(int64_t t_ms, int64_t from_ms, int64_t to_ms, uint32_t columns)
{
    double span = to_ms > from_ms ? (double)(to_ms - from_ms) : 1;
    return (int64_t)floor((double)(t_ms - from_ms) / span * columns);
}

void
series_thin(struct series_samples *s, int64_t from_ms, int64_t to_ms, uint32_t columns)
{
    size_t out = 0;
    size_t first = 0;
    while (first < s->count) {
        int64_t column = column_of(s->t_ms[first], from_ms, to_ms, columns);
        size_t end = first + 1;
        while (end < s->count &&
               column_of(s->t_ms[end], from_ms, to_ms, columns) == column) {
            end++;
        }
        size_t kept[COLUMN_KEEPS];
        size_t count = pick(kept, s->value, first, end);
        for (size_t i = 0; i < count; i++) { /* Never ahead of what is read. */
            s->t_ms[out] = s->t_ms[kept[i]];
            s->value[out++] = s->value[kept[i]];
        }
        first = end;
    }
    s->count = out;
}

/* ---- writing ---- */

static void
add_numbers(struct strbuf *out, const char *key, const double *value, size_t count)
{
    strbuf_json_key(out, key);
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        strbuf_add_number(out, value[i]);
    }
    strbuf_add_char(out, ']');
}

static void
add_times(struct strbuf *out, const int64_t *t_ms, size_t count)
{
    strbuf_json_key(out, "t");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_printf(out, "%s%lld", i > 0 ? "," : "", (long long)t_ms[i]);
    }
    strbuf_add_char(out, ']');
}

static void
add_limits(struct strbuf *out, const struct site *site, uint32_t point)
{
    struct rule_limit limits[RULE_LIMITS_MAX];
    struct arena *arena = arena_new();
    uint32_t count = rule_points_limits(limits, RULE_LIMITS_MAX, arena, site, point);
    strbuf_json_key(out, "limits");
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        const struct rule_limit *l = &limits[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "rule", l->rule->id);
        strbuf_json_str(out, "level",
                        severity_name(l->rule->levels[l->level].severity));
        strbuf_json_num(out, "value", l->value);
        strbuf_json_str(out, "side", rule_side_name(l->side));
        strbuf_json_str(out, "text", l->text);
        strbuf_json_int(out, "hold_ms", l->hold_ms);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    arena_free(arena);
}

static void
add_point(struct strbuf *out, const struct site *site, uint32_t point, struct series *s)
{
    static const char *const kinds[] = {"gauge", "counter", "state"};
    const struct point *p = &site->points[point];
    enum point_kind kind = p->type == TYPE_BOOL ? POINT_STATE : p->kind;
    const char *title = text_in(&p->title, catalogue_language());
    strbuf_json_key(out, p->id);
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "unit", p->unit);
    strbuf_json_str(out, "title", title != NULL ? title : p->id);
    strbuf_json_str(out, "kind", kinds[kind]);
    add_times(out, s->samples.t_ms, s->samples.count);
    add_numbers(out, "mean", s->samples.value, s->samples.count);
    if (s->step_ms > 0) {
        add_numbers(out, "min", s->min, s->samples.count);
        add_numbers(out, "max", s->max, s->samples.count);
    }
    add_limits(out, site, point);
    strbuf_add_char(out, '}');
}

static int
read_point(struct series *s,
           struct history_reader *reader,
           const struct series_request *q,
           uint32_t point,
           struct err *err)
{
    const struct point *p = &q->site->points[point];
    const char *device = q->site->devices[q->device].id;
    int64_t apart_ms = s->step_ms > 0 ? s->step_ms : p->poll_ms;
    int code = 0;
    if (reader != NULL && s->step_ms > 0) {
        code = history_series(reader, q->from_ms, q->to_ms, s->step_ms, device, p->id,
                              take_bucket, s, err);
    } else if (reader != NULL) {
        code = history_each(reader, q->from_ms, q->to_ms, device, p->id, take_sample, s,
                            err);
    }
    if (code == 0) {
        int64_t missing_ms = (MISSING_MIN - 1) * apart_ms;
        break_silences(s,
                       p->stale_after_ms > missing_ms ? p->stale_after_ms : missing_ms);
    }
    if (code == 0 && s->out_of_memory) {
        code = err_set(err, ERR_NOMEM, "the series of %s", p->id);
    }
    if (code == 0 && s->step_ms == 0 &&
        s->samples.count > (size_t)THIN_ABOVE * q->width) {
        series_thin(&s->samples, q->from_ms, q->to_ms, q->width);
    }
    return code;
}

int
series_json(struct strbuf *out,
            struct history_reader *reader,
            const struct series_request *q,
            struct err *err)
{
    int64_t step_ms = history_step(q->from_ms, q->to_ms, q->width);
    int code = 0;
    step_ms = step_ms < MINUTE_MS ? 0 : step_ms;
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "device", q->site->devices[q->device].id);
    strbuf_json_int(out, "from", q->from_ms);
    strbuf_json_int(out, "to", q->to_ms);
    strbuf_json_str(out, "resolution",
                    step_ms == 0             ? "samples"
                    : step_ms % HOUR_MS == 0 ? "1h"
                                             : "1m");
    strbuf_json_int(out, "step_ms", step_ms);
    strbuf_json_key(out, "points");
    strbuf_add_char(out, '{');
    for (uint32_t i = 0; code == 0 && i < q->point_count; i++) {
        struct series s = {.step_ms = step_ms};
        code = read_point(&s, reader, q, q->points[i], err);
        if (code == 0) {
            add_point(out, q->site, q->points[i], &s);
        }
        series_fini(&s);
    }
    strbuf_add(out, "}}");
    return code;
}
