/* Values over time: panels of one unit each, strips of states, one time axis below. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/chart/chart.h"
#include "daemon/pipeline/chart/chart_axis.h"
#include "daemon/pipeline/chart/chart_inside.h"

#define LEFT_PX       62 /* Values of the ticks, or more for the names of states. */
#define LEFT_PX_MAX   140
#define RIGHT_PX      10
#define PANEL_PX      120
#define LEGEND_PX     18 /* Above each panel: its series and their unit. */
#define STRIP_PX      14
#define STRIP_STEP_PX 22
#define AXIS_PX       34
#define MARK_ROW_PX   14
#define MARK_ROWS     3
#define PER_TICK_PX   72
#define BAD_FILL      "#eeeeee"

struct drawing {
    const struct chart_time *chart;
    struct strbuf *out;
    int width, panel_px;
    double left, right, top; /* Of the panels. */
    int mark_rows;
};

static double
x_at(const struct drawing *d, int64_t t_ms)
{
    double part = (double)(t_ms - d->chart->from_ms) /
                  (double)(d->chart->to_ms - d->chart->from_ms);
    return d->left + fmin(fmax(part, 0), 1) * (d->right - d->left);
}

/* Where a column's values are drawn: a single sample at its own time. */
static double
x_of_column(const struct drawing *d, const struct chart_series *s, uint32_t i)
{
    const struct chart_column *c = &s->column[i];
    double span = (double)(s->to_ms - s->from_ms);
    int64_t middle = s->from_ms + (int64_t)(span * (i + 0.5) / s->columns);
    return x_at(d, c->count == 1 ? c->first_ms : middle);
}

/* The begin of a column, and of the one behind the last. */
static double
x_of_begin(const struct drawing *d, const struct chart_series *s, uint32_t i)
{
    double span = (double)(s->to_ms - s->from_ms);
    return x_at(d, s->from_ms + (int64_t)(span * i / s->columns));
}

static const char *
unit_of(const struct chart_series *s)
{
    return s->unit != NULL ? s->unit : "";
}

static bool
shares_panel(const struct chart_series *a, const struct chart_series *b)
{
    return !a->state && !b->state && strcmp(unit_of(a), unit_of(b)) == 0;
}

/* The first of its unit: it brings the panel. */
static bool
leads_panel(const struct chart_time *c, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (shares_panel(&c->series[i], &c->series[index])) {
            return false;
        }
    }
    return !c->series[index].state;
}

/* ---- A panel ---- */

struct panel {
    uint32_t lead; /* Index of its first series. */
    double top, bottom;
    struct chart_scale scale;
    bool any; /* There is a good sample. */
};

static double
y_at(const struct panel *p, double value)
{
    double part = (value - p->scale.low) / (p->scale.high - p->scale.low);
    return p->bottom - fmin(fmax(part, 0), 1) * (p->bottom - p->top);
}

static bool
is_member(const struct drawing *d, const struct panel *p, uint32_t series)
{
    return shares_panel(&d->chart->series[p->lead], &d->chart->series[series]);
}

static bool
is_limit_of(const struct drawing *d, const struct panel *p, uint32_t index)
{
    const struct chart_limit *limit = &d->chart->limits[index];
    return limit->series < d->chart->series_count && is_member(d, p, limit->series) &&
           fabs(limit->value) < CHART_VALUE_MAX; /* Not NaN either. */
}

/* The height of the inside of the panel that `lead` brings. */
static int
panel_px(const struct drawing *d, uint32_t lead)
{
    const struct panel p = {.lead = lead};
    for (uint32_t l = 0; l < d->chart->limit_count && d->chart->limit_height > 0; l++) {
        if (is_limit_of(d, &p, l)) {
            return d->chart->limit_height;
        }
    }
    return d->panel_px;
}

static void
scale_panel(const struct drawing *d, struct panel *p)
{
    double low = INFINITY;
    double high = -INFINITY;
    const struct chart_time *c = d->chart;
    for (uint32_t s = 0; s < c->series_count; s++) {
        for (uint32_t i = 0; is_member(d, p, s) && i < c->series[s].columns; i++) {
            if (c->series[s].column[i].count > 0) {
                low = fmin(low, c->series[s].column[i].min);
                high = fmax(high, c->series[s].column[i].max);
            }
        }
    }
    p->any = low <= high;
    for (uint32_t l = 0; l < c->limit_count; l++) {
        if (is_limit_of(d, p, l)) {
            low = fmin(low, c->limits[l].value);
            high = fmax(high, c->limits[l].value);
        }
    }
    if (!(low <= high)) {
        low = 0;
        high = 1;
    }
    p->scale = chart_scale_for(low, high, (int)(p->bottom - p->top) / 30);
}

static void
draw_grid(const struct drawing *d, const struct panel *p)
{
    double ticks[CHART_VALUE_TICK_MAX];
    size_t count = chart_scale_ticks(ticks, &p->scale);
    for (size_t i = 0; i < count; i++) {
        char text[CHART_TICK_BYTES];
        double y = y_at(p, ticks[i]);
        chart_line(d->out, d->left, y, d->right, y, CHART_GRID, "");
        chart_label(d->out, d->left - 6, y + 4, CHART_END, CHART_GREY, LEFT_PX,
                    chart_scale_text(text, &p->scale, ticks[i]));
    }
}

/* Where samples came that were not good, until the next good one. */
static void
draw_bad(const struct drawing *d,
         const struct chart_series *s,
         double top,
         double bottom)
{
    uint32_t from = UINT32_MAX;
    for (uint32_t i = 0; i <= s->columns; i++) {
        bool ends = i == s->columns || s->column[i].count > 0;
        if (ends && from != UINT32_MAX) {
            double x = x_of_begin(d, s, from);
            /* One lost sample among many can be seen too. */
            double end = fmax(x_of_begin(d, s, i), x + 1);
            chart_rect(d->out, x, top, end - x, bottom - top, BAD_FILL);
            from = UINT32_MAX;
        }
        if (i < s->columns && s->column[i].bad && from == UINT32_MAX) {
            from = i;
        }
    }
}

static void
add_point(struct strbuf *out, char how, double x, double y)
{
    strbuf_add_char(out, how);
    chart_number(out, x);
    strbuf_add_char(out, ' ');
    chart_number(out, y);
}

/* From the least to the greatest of each column, where many samples met in one. */
static void
draw_band(const struct drawing *d,
          const struct panel *p,
          const struct chart_series *s,
          const char *colour)
{
    struct strbuf path = {0};
    for (uint32_t i = 0; i < s->columns; i++) {
        const struct chart_column *c = &s->column[i];
        if (c->count > 1 && c->max > c->min) {
            double x = x_of_column(d, s, i);
            add_point(&path, 'M', x, y_at(p, c->min));
            strbuf_add_char(&path, 'V');
            chart_number(&path, y_at(p, c->max));
        }
    }
    if (path.size > 0) {
        double per = (d->right - d->left) / s->columns;
        strbuf_printf(d->out, "<path d=\"%s\" fill=\"none\" stroke=\"%s\"",
                      strbuf_text(&path), colour);
        chart_attribute(d->out, "stroke-width", fmax(per, 1));
        strbuf_add(d->out, " stroke-opacity=\"0.3\"/>");
    }
    strbuf_fini(&path);
}

/* Through the means; single samples between two gaps are dots. */
static void
draw_line(const struct drawing *d,
          const struct panel *p,
          const struct chart_series *s,
          const struct chart_look *look)
{
    struct strbuf path = {0};
    struct strbuf dots = {0};
    uint32_t run = 0;
    double x = 0;
    double y = 0;
    for (uint32_t i = 0; i < s->columns; i++) {
        const struct chart_column *c = &s->column[i];
        if (c->count == 0) {
            continue;
        }
        if (c->broken && run == 1) {
            add_point(&dots, 'M', x, y);
            strbuf_add(&dots, "h0");
        }
        run = c->broken ? 1 : run + 1;
        x = x_of_column(d, s, i);
        y = y_at(p, c->mean);
        add_point(&path, run == 1 ? 'M' : 'L', x, y);
    }
    if (run == 1) {
        add_point(&dots, 'M', x, y);
        strbuf_add(&dots, "h0");
    }
    if (path.size > 0) {
        strbuf_printf(d->out,
                      "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\""
                      " stroke-linejoin=\"round\"",
                      strbuf_text(&path), look->colour);
        strbuf_printf(d->out,
                      look->dash[0] != '\0' ? " stroke-dasharray=\"%s\"/>" : "%s/>",
                      look->dash);
    }
    if (dots.size > 0) {
        strbuf_printf(d->out,
                      "<path d=\"%s\" stroke=\"%s\" stroke-width=\"4\""
                      " stroke-linecap=\"round\"/>",
                      strbuf_text(&dots), look->colour);
    }
    strbuf_fini(&path);
    strbuf_fini(&dots);
}

static void
draw_limits(const struct drawing *d, const struct panel *p)
{
    const struct chart_time *c = d->chart;
    struct chart_level levels[CHART_LEVELS_MAX];
    uint32_t count = 0;
    for (uint32_t l = 0; l < c->limit_count && count < CHART_LEVELS_MAX; l++) {
        if (is_limit_of(d, p, l)) {
            levels[count++] =
                (struct chart_level){y_at(p, c->limits[l].value), c->limits[l].label};
        }
    }
    chart_levels_draw(d->out, levels, count, d->left, d->right, p->top);
}

/* A piece of its line, then its name; returns where the next begins. */
static double
draw_key(const struct drawing *d,
         const struct chart_series *s,
         const struct chart_look *look,
         double x,
         double y)
{
    double room = (d->right - d->left) / 3;
    strbuf_add(d->out, "<path d=\"");
    add_point(d->out, 'M', x, y - 4);
    /* not translated: SVG */
    strbuf_printf(d->out, "h22\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"",
                  look->colour);
    strbuf_printf(d->out, look->dash[0] != '\0' ? " stroke-dasharray=\"%s\"/>" : "%s/>",
                  look->dash);
    chart_label(d->out, x + 27, y, CHART_START, CHART_INK, room, s->name);
    return x + 27 + fmin(chart_text_width(s->name), room) + 16;
}

static void
draw_panel(const struct drawing *d, uint32_t lead, double top)
{
    const struct chart_time *c = d->chart;
    struct panel p = {.lead = lead, .top = top + LEGEND_PX};
    p.bottom = p.top + panel_px(d, lead);
    scale_panel(d, &p);
    for (uint32_t s = 0; s < c->series_count; s++) {
        if (is_member(d, &p, s)) {
            draw_bad(d, &c->series[s], p.top, p.bottom);
        }
    }
    draw_grid(d, &p);
    chart_label(d->out, d->left - 6, top + 11, CHART_END, CHART_INK, LEFT_PX - 8,
                unit_of(&c->series[lead]));
    double x = d->left;
    uint32_t of_panel = 0;
    for (uint32_t s = 0; s < c->series_count; s++) {
        if (!is_member(d, &p, s)) {
            continue;
        }
        struct chart_look look = chart_look(of_panel++);
        if (x < d->right - 60) {
            x = draw_key(d, &c->series[s], &look, x, top + 11);
        }
        draw_band(d, &p, &c->series[s], look.colour);
        draw_line(d, &p, &c->series[s], &look);
    }
    draw_limits(d, &p);
    if (!p.any) {
        chart_label(d->out, (d->left + d->right) / 2, (p.top + p.bottom) / 2,
                    CHART_MIDDLE, CHART_GREY, d->right - d->left,
                    c->empty != NULL ? c->empty : "-");
    }
}

/* ---- A strip ---- */

/* On, off, both in one column, or not known. */
enum strip { STRIP_UNKNOWN, STRIP_OFF, STRIP_BOTH, STRIP_ON };

static enum strip
strip_of(const struct chart_column *c)
{
    return c->max == 0 ? STRIP_OFF : c->min == 0 ? STRIP_BOTH : STRIP_ON;
}

static void
draw_strip_run(
    const struct drawing *d, enum strip what, double x, double end, double top)
{
    if (what == STRIP_ON) {
        chart_rect(d->out, x, top, end - x, STRIP_PX, "#1f4e79");
    } else if (what == STRIP_BOTH) {
        chart_rect(d->out, x, top, end - x, STRIP_PX, "#8fb0cf");
    } else if (what == STRIP_OFF) {
        chart_rect(d->out, x, top + STRIP_PX - 2, end - x, 2, CHART_GREY);
    }
}

static void
draw_strip(const struct drawing *d, uint32_t index, double top)
{
    const struct chart_series *s = &d->chart->series[index];
    enum strip now = STRIP_UNKNOWN;
    double begin = d->left;
    int64_t last_ms = INSTANT_NONE;
    double column_ms = (double)(s->to_ms - s->from_ms) / s->columns;
    draw_bad(d, s, top, top + STRIP_PX);
    for (uint32_t i = 0; i < s->columns; i++) {
        const struct chart_column *c = &s->column[i];
        enum strip next = now;
        int64_t at_ms = s->from_ms + (int64_t)(column_ms * i);
        if (c->count > 0) {
            next = strip_of(c);
            last_ms = at_ms;
        } else if (c->bad ||
                   (s->gap_ms > 0 && last_ms != INSTANT_NONE &&
                    (double)(at_ms - last_ms) > (double)s->gap_ms + column_ms)) {
            next = STRIP_UNKNOWN;
        } else if (now == STRIP_BOTH) {
            /* What was last stands until it is told otherwise. */
            next = s->column[i - 1].last != 0 ? STRIP_ON : STRIP_OFF;
        } else if (s->last_ms != INSTANT_NONE && at_ms > s->last_ms && s->gap_ms == 0) {
            next = STRIP_UNKNOWN; /* Behind the last sample. */
        }
        if (next != now) {
            double x = x_of_begin(d, s, i);
            draw_strip_run(d, now, begin, x, top);
            begin = x;
            now = next;
        }
    }
    draw_strip_run(d, now, begin, d->right, top);
    chart_label(d->out, d->left - 6, top + 11, CHART_END, CHART_INK, d->left - 10,
                s->name);
}

/* ---- Marks and the axis ---- */

static bool
is_inside(const struct drawing *d, const struct chart_mark *m)
{
    return m->t_ms >= d->chart->from_ms && m->t_ms <= d->chart->to_ms;
}

/* The row in which each mark's text has room; MARK_ROWS: in none. */
static int
row_of_mark(const struct drawing *d, const struct chart_mark *m, double ends[MARK_ROWS])
{
    double half = chart_text_width(m->label) / 2;
    double x = fmin(fmax(x_at(d, m->t_ms), d->left + half), d->right - half);
    for (int row = 0; row < MARK_ROWS; row++) {
        if (x - half > ends[row]) {
            ends[row] = x + half + 8;
            return row;
        }
    }
    return MARK_ROWS;
}

static int
rows_of_marks(const struct drawing *d)
{
    double ends[MARK_ROWS] = {-1, -1, -1};
    int rows = 0;
    for (uint32_t i = 0; i < d->chart->mark_count; i++) {
        if (!is_inside(d, &d->chart->marks[i])) {
            continue;
        }
        int row = row_of_mark(d, &d->chart->marks[i], ends);
        rows = row < MARK_ROWS && row + 1 > rows ? row + 1 : rows;
    }
    return rows;
}

static void
draw_marks(const struct drawing *d, double bottom)
{
    double ends[MARK_ROWS] = {-1, -1, -1};
    for (uint32_t i = 0; i < d->chart->mark_count; i++) {
        const struct chart_mark *m = &d->chart->marks[i];
        if (!is_inside(d, m)) {
            continue;
        }
        double x = x_at(d, m->t_ms);
        int row = row_of_mark(d, m, ends);
        double y = row < MARK_ROWS ? (row + 1) * MARK_ROW_PX : d->top - 4;
        if (row < MARK_ROWS) {
            double half = chart_text_width(m->label) / 2;
            double middle = fmin(fmax(x, d->left + half), d->right - half);
            chart_label(d->out, middle, y - 2, CHART_MIDDLE, CHART_INK, 1e6, m->label);
        }
        chart_line(d->out, x, y, x, bottom, CHART_INK, "1 3");
    }
}

/* Below its tick; at the edges of the drawing so far beside it that it is whole. */
static void
draw_tick_text(
    const struct drawing *d, double x, double y, const char *colour, const char *text)
{
    double half = chart_text_width(text) / 2 + 1;
    double middle = fmin(fmax(x, half), d->width - half);
    if (text[0] != '\0') {
        chart_label(d->out, middle, y, CHART_MIDDLE, colour, PER_TICK_PX, text);
    }
}

static void
draw_axis(const struct drawing *d, double bottom)
{
    struct chart_tick ticks[CHART_TICKS_MAX];
    int wanted = (int)(d->right - d->left) / PER_TICK_PX;
    size_t count = chart_time_ticks(ticks, d->chart->from_ms, d->chart->to_ms, wanted);
    chart_line(d->out, d->left, bottom, d->right, bottom, CHART_GREY, "");
    for (size_t i = 0; i < count; i++) {
        double x = x_at(d, ticks[i].t_ms);
        chart_line(d->out, x, bottom, x, bottom + 4, CHART_GREY, "");
        draw_tick_text(d, x, bottom + 16, CHART_INK, ticks[i].text);
        draw_tick_text(d, x, bottom + 29, CHART_GREY, ticks[i].below);
    }
}

static double
left_px(const struct chart_time *c)
{
    double left = LEFT_PX;
    for (uint32_t i = 0; i < c->series_count; i++) {
        if (c->series[i].state) {
            left = fmax(left, chart_text_width(c->series[i].name) + 12);
        }
    }
    return fmin(left, LEFT_PX_MAX);
}

/* The height of all panels and strips. */
static double
inside_px(const struct drawing *d)
{
    double sum = 0;
    for (uint32_t i = 0; i < d->chart->series_count; i++) {
        if (d->chart->series[i].state) {
            sum += STRIP_STEP_PX;
        } else if (leads_panel(d->chart, i)) {
            sum += LEGEND_PX + panel_px(d, i) + 8;
        }
    }
    return sum > 0 ? sum : STRIP_STEP_PX;
}

void
chart_time_draw(struct strbuf *out, const struct chart_time *c)
{
    struct chart_time fixed = *c;
    if (fixed.to_ms <= fixed.from_ms) {
        fixed.to_ms = fixed.from_ms + 1;
    }
    struct drawing d = {
        .chart = &fixed,
        .out = out,
        .width = c->width < CHART_WIDTH_MIN ? CHART_WIDTH_MIN : c->width,
        .panel_px = c->panel_height > 0 ? c->panel_height : PANEL_PX,
        .left = left_px(c),
    };
    d.right = d.width - RIGHT_PX;
    d.mark_rows = rows_of_marks(&d);
    d.top = 4 + d.mark_rows * MARK_ROW_PX;
    double bottom = d.top + inside_px(&d);
    chart_begin(out, d.width, (int)bottom + AXIS_PX, c->title, c->desc);
    double y = d.top;
    for (uint32_t i = 0; i < c->series_count; i++) {
        if (leads_panel(&fixed, i)) {
            draw_panel(&d, i, y);
            y += LEGEND_PX + panel_px(&d, i) + 8;
        }
    }
    for (uint32_t i = 0; i < c->series_count; i++) {
        if (c->series[i].state) {
            draw_strip(&d, i, y);
            y += STRIP_STEP_PX;
        }
    }
    if (c->series_count == 0) {
        chart_label(out, (d.left + d.right) / 2, y + 14, CHART_MIDDLE, CHART_GREY,
                    d.right - d.left, c->empty != NULL ? c->empty : "-");
    }
    draw_marks(&d, bottom);
    draw_axis(&d, bottom);
    chart_end(out);
}
