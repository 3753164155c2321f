/* What the drawings of charts share (chart*.c only). */
#ifndef CARETAKER_PIPELINE_CHART_INSIDE_H
#define CARETAKER_PIPELINE_CHART_INSIDE_H

#include "daemon/base/strbuf.h"
#include "daemon/pipeline/chart/chart.h"

/* No value of a building is near it, and differences of such values are finite. */
#define CHART_VALUE_MAX 1e100

#define CHART_FONT_PX 11
#define CHART_INK     "#222222"
#define CHART_GREY    "#666666"
#define CHART_GRID    "#dddddd"
#define CHART_ALERT   "#a01010" /* Limits: dark in a black and white print too. */

/* How the n-th series looks: colours that people with any colour vision tell apart
 * (Okabe and Ito, "Color Universal Design", 2008), of different lightness. */
struct chart_look {
    const char *colour, *dash; /* `dash` is "" for a solid line. */
};
struct chart_look chart_look(uint32_t index);

/* <svg ...><title>..</title><desc>..</desc> and a white ground. */
void chart_begin(
    struct strbuf *out, int width, int height, const char *title, const char *desc);
void chart_end(struct strbuf *out);

/* A coordinate with one decimal, the same in every locale. */
void chart_number(struct strbuf *out, double value);
/* ` name="value"` */
void chart_attribute(struct strbuf *out, const char *name, double value);

enum chart_anchor { CHART_START, CHART_MIDDLE, CHART_END };
/* Text at x, y (its base line), cut with "..." to `room` pixels. */
void chart_label(struct strbuf *out,
                 double x,
                 double y,
                 enum chart_anchor anchor,
                 const char *colour,
                 double room,
                 const char *text);
/* The same on a ground of its own, where lines would cross it. */
void chart_label_clear(struct strbuf *out,
                       double x,
                       double y,
                       enum chart_anchor anchor,
                       const char *colour,
                       double room,
                       const char *text);
/* About how wide the text comes out. */
double chart_text_width(const char *text);

/* A level of a panel: where its line is, and what is written at it (NULL: nothing). */
struct chart_level {
    double y;
    const char *label;
};
#define CHART_LEVELS_MAX 24
/* Lines from `left` to `right`, with their labels at the right end; where lines are
 * near each other the labels go below or beside one another, and what finds no room is
 * left out.  `top` is that of the panel; at most CHART_LEVELS_MAX of them. */
void chart_levels_draw(struct strbuf *out,
                       const struct chart_level *levels,
                       uint32_t count,
                       double left,
                       double right,
                       double top);

void chart_line(struct strbuf *out,
                double x1,
                double y1,
                double x2,
                double y2,
                const char *colour,
                const char *dash);
void chart_rect(struct strbuf *out,
                double x,
                double y,
                double width,
                double height,
                const char *fill);

#endif
