#include "daemon/pipeline/chart/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/base/markup.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/chart/chart_inside.h"

/* ---- Samples ---- */

void
chart_series_init(struct chart_series *s,
                  const char *name,
                  const char *unit,
                  bool state,
                  int64_t from_ms,
                  int64_t to_ms,
                  uint32_t columns)
{
    uint32_t count = columns < 1                   ? 1
                     : columns > CHART_COLUMNS_MAX ? CHART_COLUMNS_MAX
                                                   : columns;
    *s = (struct chart_series){
        .name = name,
        .unit = unit,
        .state = state,
        .from_ms = from_ms,
        .to_ms = to_ms > from_ms ? to_ms : from_ms + 1,
        .columns = count,
        .column = calloc(count, sizeof *s->column),
        .last_ms = INSTANT_NONE,
    };
    if (s->column == NULL) {
        abort();
    }
}

void
chart_series_fini(struct chart_series *s)
{
    free(s->column);
    memset(s, 0, sizeof *s);
}

/* NULL outside the range. */
static struct chart_column *
column_at(struct chart_series *s, int64_t t_ms)
{
    if (t_ms < s->from_ms || t_ms > s->to_ms) {
        return NULL;
    }
    double part = (double)(t_ms - s->from_ms) / (double)(s->to_ms - s->from_ms);
    uint32_t index = (uint32_t)(part * s->columns);
    return &s->column[index < s->columns ? index : s->columns - 1];
}

void
chart_series_gap(struct chart_series *s, int64_t t_ms)
{
    struct chart_column *c = column_at(s, t_ms);
    if (c != NULL) {
        c->bad = true;
        s->bad++;
    }
    s->broken = true;
}

void
chart_series_add(struct chart_series *s, int64_t t_ms, double value)
{
    struct chart_column *c = column_at(s, t_ms);
    if (!isfinite(value)) {
        chart_series_gap(s, t_ms);
        return;
    }
    if (c == NULL) {
        return;
    }
    double kept = fmin(fmax(value, -CHART_VALUE_MAX), CHART_VALUE_MAX);
    bool silent =
        s->gap_ms > 0 && s->last_ms != INSTANT_NONE && t_ms - s->last_ms > s->gap_ms;
    if (s->broken || silent) {
        c->broken = true;
    }
    if (c->count == 0) {
        c->first_ms = t_ms;
        c->min = c->max = kept;
    }
    c->count += c->count < UINT32_MAX;
    c->min = fmin(c->min, kept);
    c->max = fmax(c->max, kept);
    c->mean += (kept - c->mean) / c->count;
    c->last = kept;
    s->last_ms = t_ms;
    s->good++;
    s->broken = false;
}

/* ---- Pieces of SVG ---- */

struct chart_look
chart_look(uint32_t index)
{
    static const struct chart_look looks[] = {
        {"#0072b2", ""}, {"#d55e00", "7 3"}, {"#000000", "2 2"}, {"#009e73", "9 3 2 3"},
        {"#cc79a7", ""}, {"#56b4e9", "5 2"}, {"#e69f00", "3 3"}, {"#666666", "1 3"},
    };
    return looks[index % ARRAY_LEN(looks)];
}

void
chart_number(struct strbuf *out, double value)
{
    long tenths = lround(fmin(fmax(value, -1e6), 1e6) * 10);
    strbuf_printf(out, "%s%ld", tenths < 0 ? "-" : "", labs(tenths) / 10);
    if (tenths % 10 != 0) {
        strbuf_printf(out, ".%ld", labs(tenths) % 10);
    }
}

void
chart_attribute(struct strbuf *out, const char *name, double value)
{
    strbuf_printf(out, " %s=\"", name);
    chart_number(out, value);
    strbuf_add_char(out, '"');
}

void
chart_begin(
    struct strbuf *out, int width, int height, const char *title, const char *desc)
{
    strbuf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\""
                  " width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
                  " font-family=\"'Noto Sans','Noto Sans CJK SC','PingFang SC',"
                  "'Microsoft YaHei','WenQuanYi Micro Hei',sans-serif\""
                  " font-size=\"%d\" style=\"max-width:100%%;height:auto\">",
                  width, height, width, height, CHART_FONT_PX);
    strbuf_add(out, "<title>");
    markup_text(out, title);
    strbuf_add(out, "</title><desc>");
    markup_text(out, desc);
    strbuf_add(out, "</desc>");
    chart_rect(out, 0, 0, width, height, "#ffffff");
}

void
chart_end(struct strbuf *out)
{
    strbuf_add(out, "</svg>");
}

/* Letters of the usual fonts, as parts of their size. */
static double
glyph_width(const char *at, size_t size)
{
    if (size >= 3) {
        return 1; /* Chinese; wide enough for the rest too. */
    }
    return strchr("il.,:;'|!()[] ", *at) != NULL ? 0.34 : 0.58;
}

double
chart_text_width(const char *text)
{
    double width = 0;
    size_t left = strlen(text);
    while (left > 0) {
        size_t size = utf8_size(text, left);
        size = size > 0 ? size : 1;
        width += glyph_width(text, size);
        text += size;
        left -= size;
    }
    return width * CHART_FONT_PX;
}

/* The bytes of `text` that fit. */
static size_t
fitting(const char *text, double room)
{
    size_t used = 0;
    size_t left = strlen(text);
    double width = 0;
    while (left > 0) {
        size_t size = utf8_size(text + used, left);
        size = size > 0 ? size : 1;
        width += glyph_width(text + used, size) * CHART_FONT_PX;
        if (width > room) {
            break;
        }
        used += size;
        left -= size;
    }
    return used;
}

static void
add_label(struct strbuf *out,
          double x,
          double y,
          enum chart_anchor anchor,
          const char *attributes,
          double room,
          const char *text)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"",
                                          " text-anchor=\"end\""};
    strbuf_add(out, "<text");
    chart_attribute(out, "x", x);
    chart_attribute(out, "y", y);
    strbuf_printf(out, "%s %s>", anchors[anchor], attributes);
    if (chart_text_width(text) <= room) {
        markup_text(out, text);
    } else {
        struct strbuf cut = {0};
        strbuf_add_bytes(&cut, text, fitting(text, room - CHART_FONT_PX));
        strbuf_add(&cut, "\xE2\x80\xA6");
        markup_text(out, strbuf_text(&cut));
        strbuf_fini(&cut);
        strbuf_add(out, "<title>");
        markup_text(out, text);
        strbuf_add(out, "</title>");
    }
    strbuf_add(out, "</text>");
}

void
chart_label(struct strbuf *out,
            double x,
            double y,
            enum chart_anchor anchor,
            const char *colour,
            double room,
            const char *text)
{
    char fill[64];
    snprintf(fill, sizeof fill, "fill=\"%s\"", colour);
    add_label(out, x, y, anchor, fill, room, text);
}

void
chart_label_clear(struct strbuf *out,
                  double x,
                  double y,
                  enum chart_anchor anchor,
                  const char *colour,
                  double room,
                  const char *text)
{
    char look[128];
    /* not translated: SVG */
    snprintf(look, sizeof look,
             "fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"3\""
             " stroke-linejoin=\"round\" paint-order=\"stroke\"",
             colour);
    add_label(out, x, y, anchor, look, room, text);
}

void
chart_line(struct strbuf *out,
           double x1,
           double y1,
           double x2,
           double y2,
           const char *colour,
           const char *dash)
{
    strbuf_add(out, "<line");
    chart_attribute(out, "x1", x1);
    chart_attribute(out, "y1", y1);
    chart_attribute(out, "x2", x2);
    chart_attribute(out, "y2", y2);
    strbuf_printf(out, " stroke=\"%s\"", colour);
    if (dash[0] != '\0') {
        strbuf_printf(out, " stroke-dasharray=\"%s\"", dash);
    }
    strbuf_add(out, "/>");
}

void
chart_rect(struct strbuf *out,
           double x,
           double y,
           double width,
           double height,
           const char *fill)
{
    strbuf_add(out, "<rect");
    chart_attribute(out, "x", x);
    chart_attribute(out, "y", y);
    chart_attribute(out, "width", width);
    chart_attribute(out, "height", height);
    strbuf_printf(out, " fill=\"%s\"/>", fill);
}

/* ---- In a terminal ---- */

void
chart_spark(struct strbuf *out, const struct chart_series *s)
{
    /* A state that is always on is not low. */
    double low = s->state ? 0 : INFINITY;
    double high = s->state ? 1 : -INFINITY;
    for (uint32_t i = 0; i < s->columns; i++) {
        if (s->column[i].count > 0) {
            low = fmin(low, s->column[i].mean);
            high = fmax(high, s->column[i].mean);
        }
    }
    for (uint32_t i = 0; i < s->columns; i++) {
        const struct chart_column *c = &s->column[i];
        if (c->count == 0) {
            strbuf_add_char(out, ' ');
            continue;
        }
        double part = high > low ? (c->mean - low) / (high - low) : 0;
        char block[] = "\xE2\x96\x81";
        block[2] = (char)(0x81 + (int)lround(part * 7));
        strbuf_add(out, block);
    }
}
