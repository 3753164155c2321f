/* Horizontal bars. */
#include <math.h>

#include "daemon/pipeline/chart/chart.h"
#include "daemon/pipeline/chart/chart_inside.h"

#define BAR_PX     13
#define GAP_PX     9 /* Between two groups. */
#define EDGE_PX    8
#define LEGEND_PX  20
#define FILL_FIRST "#1f4e79"
#define FILL_OTHER "#c3d3e3" /* With an outline: it prints as nearly white. */

static int
clipped_width(const struct chart_bars *c)
{
    return c->width < CHART_WIDTH_MIN ? CHART_WIDTH_MIN : c->width;
}

static int
group_px(const struct chart_bars *c)
{
    return (c->series_count > 1 ? 2 : 1) * BAR_PX + GAP_PX;
}

int
chart_bars_height(const struct chart_bars *c)
{
    int legend = c->series_count > 1 ? LEGEND_PX : 0;
    int groups = c->count > 0 ? (int)c->count : 1;
    return 2 * EDGE_PX + legend + groups * group_px(c);
}

/* What is drawn of it. */
static double
amount(const struct chart_bars *c, uint32_t bar, uint32_t series)
{
    double value = c->bars[bar].value[series];
    if (!isfinite(value)) {
        return 0;
    }
    return c->pareto ? fmax(value, 0)
                     : fmin(fmax(value, -CHART_VALUE_MAX), CHART_VALUE_MAX);
}

struct frame_of_bars {
    double left, right; /* Where bars are. */
    double low, high;   /* Values there. */
    double total;       /* Of a Pareto. */
};

static struct frame_of_bars
measure(const struct chart_bars *c)
{
    int width = clipped_width(c);
    double label = 40;
    struct frame_of_bars f = {0};
    for (uint32_t i = 0; i < c->count; i++) {
        label = fmax(label, chart_text_width(c->bars[i].label));
        for (uint32_t s = 0; s < c->series_count; s++) {
            f.low = fmin(f.low, amount(c, i, s));
            f.high = fmax(f.high, amount(c, i, s));
        }
        f.total += amount(c, i, 0);
    }
    f.high = f.high > f.low ? f.high : f.low + 1;
    f.left = EDGE_PX + fmin(label + 10, width * 0.4);
    f.right = width - EDGE_PX - (c->pareto ? 150 : 85);
    return f;
}

static double
x_of(const struct frame_of_bars *f, double value)
{
    return f->left + (value - f->low) / (f->high - f->low) * (f->right - f->left);
}

static void
value_text(struct strbuf *out,
           const struct chart_bars *c,
           uint32_t bar,
           uint32_t series)
{
    const struct chart_bar *b = &c->bars[bar];
    char number[NUMBER_TEXT_BYTES];
    if (b->text[series] != NULL) {
        strbuf_add(out, b->text[series]);
        return;
    }
    strbuf_add(out, number_format_short(number, b->value[series]));
    if (c->unit != NULL && c->unit[0] != '\0' && isfinite(b->value[series])) {
        strbuf_printf(out, " %s", c->unit);
    }
}

/* The share of the bar, and of it and all above it. */
static void
share_text(struct strbuf *out, double value, double above, double total)
{
    if (total > 0) {
        strbuf_printf(out, "%ld %%", lround(value / total * 100));
        strbuf_printf(out, " \xCE\xA3 %ld %%", lround((above + value) / total * 100));
    }
}

static void
draw_bar(struct strbuf *out,
         const struct chart_bars *c,
         const struct frame_of_bars *f,
         uint32_t bar,
         uint32_t series,
         double y)
{
    struct strbuf text = {0};
    double zero = x_of(f, 0);
    double end = x_of(f, amount(c, bar, series));
    double x = fmin(zero, end);
    strbuf_add(out, "<rect");
    chart_attribute(out, "x", x);
    chart_attribute(out, "y", y);
    chart_attribute(out, "width", fabs(end - zero));
    chart_attribute(out, "height", BAR_PX - 2);
    strbuf_printf(out, " fill=\"%s\" stroke=\"%s\"/>",
                  series == 0 ? FILL_FIRST : FILL_OTHER, FILL_FIRST);
    value_text(&text, c, bar, series);
    chart_label(out, fmax(zero, end) + 5, y + BAR_PX - 4, CHART_START, CHART_INK,
                f->right + 80 - fmax(zero, end), strbuf_text(&text));
    strbuf_fini(&text);
}

static void
draw_legend(struct strbuf *out, const struct chart_bars *c, double left)
{
    double x = left;
    for (uint32_t s = 0; s < 2; s++) {
        const char *name = c->series_name[s] != NULL ? c->series_name[s] : "";
        strbuf_add(out, "<rect");
        chart_attribute(out, "x", x);
        chart_attribute(out, "y", EDGE_PX);
        strbuf_printf(out, " width=\"18\" height=\"10\" fill=\"%s\" stroke=\"%s\"/>",
                      s == 0 ? FILL_FIRST : FILL_OTHER, FILL_FIRST);
        chart_label(out, x + 24, EDGE_PX + 9, CHART_START, CHART_INK,
                    clipped_width(c) / 2.5, name);
        x += 24 + fmin(chart_text_width(name), clipped_width(c) / 2.5) + 20;
    }
}

void
chart_bars_draw(struct strbuf *out, const struct chart_bars *c)
{
    int width = clipped_width(c);
    int height = chart_bars_height(c);
    struct frame_of_bars f = measure(c);
    double y = EDGE_PX + (c->series_count > 1 ? LEGEND_PX : 0);
    double above = 0;
    chart_begin(out, width, height, c->title, c->desc);
    if (c->series_count > 1) {
        draw_legend(out, c, f.left);
    }
    if (c->count == 0) {
        chart_label(out, width / 2.0, y + BAR_PX, CHART_MIDDLE, CHART_GREY, width, "-");
    }
    for (uint32_t i = 0; i < c->count; i++) {
        chart_label(out, f.left - 8, y + group_px(c) / 2.0, CHART_END, CHART_INK,
                    f.left - 8 - EDGE_PX, c->bars[i].label);
        for (uint32_t s = 0; s < c->series_count && s < 2; s++) {
            draw_bar(out, c, &f, i, s, y + s * BAR_PX);
        }
        if (c->pareto) {
            struct strbuf share = {0};
            share_text(&share, amount(c, i, 0), above, f.total);
            chart_label(out, width - EDGE_PX, y + BAR_PX - 4, CHART_END, CHART_GREY,
                        100, strbuf_text(&share));
            strbuf_fini(&share);
            above += amount(c, i, 0);
        }
        y += group_px(c);
    }
    if (c->count > 0) {
        double base = EDGE_PX + (c->series_count > 1 ? LEGEND_PX : 0) - 3;
        chart_line(out, x_of(&f, 0), base, x_of(&f, 0), height - EDGE_PX, CHART_GREY,
                   "");
    }
    chart_end(out);
}
