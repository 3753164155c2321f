/* The chart of a stretch of time in a pack. */
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/evidence/evidence.h"
#include "daemon/pipeline/evidence/evidence_words.h"

#define PANEL_PX       110
#define PANEL_PX_LIMIT 130
#define PANEL_PX_SMALL 60 /* Where there are many of them. */
#define PANELS_LARGE   3
#define LIMITS_MAX     (EVIDENCE_POINTS_MAX * EVIDENCE_LIMITS_MAX)

static const char *const mark_events[] = {
    "alarm.raised",    "alarm.cleared",   "ticket.responded", "ticket.resolved",
    "ticket.reopened", "ticket.verified", "ticket.closed",
};
/* Of each. */
static const char *const mark_words[] = {
    "raised",        "cleared",  "arrived",
    "repaired",      "reopened", "confirmed by the sensor",
    "ticket closed",
};
_Static_assert(ARRAY_LEN(mark_events) == ARRAY_LEN(mark_words), "words for each");

struct drawing {
    struct chart_series series[EVIDENCE_POINTS_MAX];
    struct chart_limit limits[LIMITS_MAX];
    struct chart_mark marks[EVIDENCE_MARKS_MAX];
    struct chart_time chart;
};

/* "bearing > 80 °C for 30s" */
static const char *
limit_label(const struct evidence *e, const struct evidence_limit *l)
{
    char hold[INSTANT_TEXT_BYTES];
    return l->hold_ms > 0 ? arena_printf(e->arena, tr("%s for %s"), l->text,
                                         duration_write(hold, l->hold_ms))
                          : l->text;
}

static void
add_series(struct drawing *d, const struct evidence *e, const struct evidence_window *w)
{
    for (uint32_t i = 0; i < w->series_count && i < EVIDENCE_POINTS_MAX; i++) {
        const struct evidence_series *s = &w->series[i];
        if (s->samples.good + s->samples.bad == 0) {
            continue;
        }
        uint32_t at = d->chart.series_count++;
        d->series[at] = s->samples; /* Its columns stay the window's. */
        for (uint32_t l = 0; l < s->limit_count; l++) {
            d->limits[d->chart.limit_count++] = (struct chart_limit){
                at, s->limits[l].value, limit_label(e, &s->limits[l])};
        }
    }
}

static void
add_marks(struct drawing *d, const struct evidence *e, const struct evidence_window *w)
{
    for (uint32_t i = 0; i < e->event_count; i++) {
        const struct evidence_event *v = &e->events[i];
        bool inside = v->t_ms >= w->from_ms && v->t_ms <= w->to_ms;
        for (size_t k = 0; inside && k < ARRAY_LEN(mark_events); k++) {
            /* Of several at one moment the first tells enough. */
            bool again = d->chart.mark_count > 0 &&
                         d->marks[d->chart.mark_count - 1].t_ms == v->t_ms;
            if (strcmp(mark_events[k], v->name) == 0 && !again &&
                d->chart.mark_count < EVIDENCE_MARKS_MAX) {
                d->marks[d->chart.mark_count++] =
                    (struct chart_mark){v->t_ms, tr_word(PACK, mark_words[k])};
            }
        }
    }
}

static uint32_t
panels(const struct drawing *d)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->chart.series_count; i++) {
        count += !d->series[i].state;
    }
    return count;
}

void
evidence_chart(struct strbuf *out,
               const struct evidence *e,
               const struct evidence_window *w)
{
    struct drawing *d = arena_alloc(e->arena, sizeof *d);
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    add_series(d, e, w);
    add_marks(d, e, w);
    d->chart.title =
        titles_in(&e->ticket.titles, catalogue_language(), e->ticket.title);
    d->chart.desc =
        arena_printf(e->arena, "%s .. %s", instant_format_local(from, w->from_ms),
                     instant_format_local(to, w->to_ms));
    d->chart.from_ms = w->from_ms;
    d->chart.to_ms = w->to_ms;
    d->chart.width = CHART_PAGE_WIDTH;
    d->chart.panel_height = panels(d) > PANELS_LARGE ? PANEL_PX_SMALL : PANEL_PX;
    d->chart.limit_height = PANEL_PX_LIMIT;
    d->chart.series = d->series;
    d->chart.limits = d->limits;
    d->chart.marks = d->marks;
    d->chart.empty = tr("no good samples");
    chart_time_draw(out, &d->chart);
}
