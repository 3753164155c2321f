/* The report as one page that stands alone: style and charts are inside, nothing comes
 * from elsewhere, every text is escaped; it prints on A4. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/markup.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/chart/chart.h"
#include "daemon/pipeline/report/site_report.h"

#define BARS_MAX 31 /* More bars than a page has room for become a line. */
#define METERS_DRAWN                                                                   \
    12                  /* On paper; the rest is in the tables, the JSON and the CSV.  \
                         */
#define TYPES_DRAWN   6 /* Lines of one panel that can be told apart. */
#define CAUSES_DRAWN  12
#define DAY_MS        INT64_C(86400000)
#define ROWS_TOGETHER 16 /* A table up to this long is not torn by a page. */
#define GAP_MS        (45 * DAY_MS)

struct page {
    const struct site_report *r;
    struct strbuf b;
};

static const char style[] =
    "@page{size:A4;margin:14mm 12mm}"
    "*{box-sizing:border-box}"
    "body{font:10pt/1.45 'Noto Sans','Noto Sans CJK SC','Source Han Sans SC',"
    "'Microsoft YaHei','PingFang SC','DejaVu "
    "Sans',sans-serif;color:#000;background:#fff;"
    "max-width:190mm;margin:0 auto;padding:4mm}"
    "h1{font-size:18pt;line-height:1.2;margin:0 0 1mm}"
    "h2{font-size:12pt;margin:7mm 0 2mm;border-bottom:.4mm solid #000;"
    "padding-bottom:.6mm;break-after:avoid}"
    "p{margin:1mm 0}.meta{color:#333}.note{font-size:8.5pt;color:#333}"
    "table{border-collapse:collapse;width:100%;font-size:8.5pt}"
    "thead{display:table-header-group}tr{break-inside:avoid}"
    "th{text-align:right;vertical-align:bottom;border-bottom:.3mm solid #000;"
    "padding:.6mm 1.2mm;font-weight:600}"
    "td{text-align:right;border-bottom:.15mm solid #bbb;padding:.6mm 1.2mm;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th.l,td.l{text-align:left}td+td.l,th+th.l{padding-left:4mm}"
    "td.l{white-space:normal;overflow-wrap:break-word;min-width:6em;max-width:70mm}"
    "td+td.l{min-width:0}small{color:#555}"
    ".wide{overflow-x:auto}table.short{break-inside:avoid}p.note{break-before:avoid}"
    "tr.sum td{font-weight:600}tr.type td{background:#f1f1f1}"
    "td.better{font-weight:600}td.worse{font-weight:600;text-decoration:underline}"
    "figure{margin:3mm 0;break-inside:avoid}figcaption{font-size:8.5pt;"
    "font-weight:600}svg{max-width:100%;height:auto}"
    "section.defs{break-inside:avoid;margin-top:8mm;border-top:.4mm solid #000;"
    "font-size:8.5pt}"
    "@media screen and (max-width:640px){body{padding:3mm}h1{font-size:15pt}"
    "figure{overflow-x:auto}svg{min-width:600px;max-width:none}"
    ".wide table{width:max-content;min-width:100%}}"
    "@media print{body{padding:0;max-width:none}.wide{overflow:visible}"
    "tr.type td{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

static const char *
say(const struct page *p, const char *english)
{
    return report_word(p->r->language, english);
}

static void
cell(struct page *p, const char *tag, const char *kind, const char *text)
{
    strbuf_printf(&p->b, "<%s", tag);
    if (kind[0] != '\0') {
        strbuf_printf(&p->b, " class=\"%s\"", kind);
    }
    strbuf_add_char(&p->b, '>');
    markup_text(&p->b, text);
    strbuf_printf(&p->b, "</%s>", tag);
}

static void
change_cell(struct page *p, enum report_unit unit, double before, double after)
{
    char text[REPORT_CELL_BYTES];
    report_change_text(text, unit, before, after);
    cell(p, "td", "", text);
}

/* ---- charts ---- */

static void
begin_figure(struct page *p, const char *title)
{
    strbuf_add(&p->b, "<figure>");
    cell(p, "figcaption", "", title);
}

static void
draw_bars(struct page *p, struct chart_bars *c)
{
    begin_figure(p, c->title);
    c->width = CHART_PAGE_WIDTH;
    chart_bars_draw(&p->b, c);
    strbuf_add(&p->b, "</figure>\n");
}

static void
draw_causes(struct page *p)
{
    const struct report_table *t = &p->r->periods[0].tables[SITE_CAUSES];
    struct chart_bar bars[CAUSES_DRAWN];
    uint32_t count = 0;
    for (size_t i = 0; i < t->count && count < CAUSES_DRAWN; i++) {
        bars[count++] =
            (struct chart_bar){.label = t->rows[i].label,
                               .value = {t->rows[i].cells[0].value, (double)NAN}};
    }
    struct chart_bars c = {.title = say(p, "Causes of faults"),
                           .series_count = 1,
                           .bars = bars,
                           .count = count,
                           .pareto = count == t->count}; /* Shares are of all. */
    if (count > 1) {
        draw_bars(p, &c);
    }
}

/* Fault rate of each type, beside that of the period before. */
static void
draw_types(struct page *p)
{
    const struct report_table *t = &p->r->periods[0].tables[SITE_RELIABILITY];
    const struct report_table *other = &p->r->periods[1].tables[SITE_RELIABILITY];
    bool two = p->r->period_count > 1;
    uint32_t column = report_column_index(t->spec, "fault_rate");
    struct chart_bar bars[BARS_MAX];
    uint32_t count = 0;
    for (size_t i = 0; i < t->count && count < BARS_MAX; i++) {
        const struct report_row *row = &t->rows[i];
        if (strncmp(row->key, "type:", strlen("type:")) != 0) {
            continue;
        }
        const struct report_row *theirs =
            two ? report_table_find(other, row->key) : NULL;
        double now = row->cells[column].value;
        double before = theirs != NULL ? theirs->cells[column].value : (double)NAN;
        if (!isnan(now) || !isnan(before)) {
            bars[count++] = (struct chart_bar){.label = row->key + strlen("type:"),
                                               .value = {two ? before : now, now}};
        }
    }
    struct chart_bars c = {.title = say(p, "Faults per device-month"),
                           .series_count = two ? 2 : 1,
                           .series_name = {say(p, "before"), say(p, "this period")},
                           .bars = bars,
                           .count = count};
    if (count > 0) {
        draw_bars(p, &c);
    }
}

static int64_t
middle_of(const struct site_period *period, uint32_t part)
{
    int64_t from_ms = part == 0 ? period->from_ms : period->part_ends[part - 1];
    return from_ms + (period->part_ends[part] - from_ms) / 2;
}

/* Of every type, or of all together where there are too many to tell apart. */
static void
draw_parts(struct page *p, const char *title, const char *unit, bool availability)
{
    const struct site_period *period = &p->r->periods[0];
    const struct figures *f = &period->figures;
    uint32_t types = p->r->rows.types.count;
    uint32_t drawn = 0;
    for (uint32_t type = 0; type < types; type++) {
        drawn += !availability && f->types[type].faults > 0;
    }
    if (availability ? isnan(figures_availability(&f->all)) : f->all.faults == 0) {
        return; /* There is nothing to draw. */
    }
    bool each = drawn > 1 && drawn <= TYPES_DRAWN;
    struct chart_series lines[TYPES_DRAWN + 1];
    uint32_t count = 0;
    for (uint32_t type = each ? 0 : types; type < (each ? types : types + 1); type++) {
        if (each && f->types[type].faults == 0) {
            continue;
        }
        struct chart_series *s = &lines[count++];
        const char *name = type < types ? p->r->rows.types.items[type] : say(p, "all");
        chart_series_init(s, name, unit, false, period->from_ms, period->to_ms,
                          CHART_PAGE_WIDTH);
        s->gap_ms = GAP_MS;
        for (uint32_t i = 0; i < period->part_count; i++) {
            const struct figures_part *part = &f->parts[type * period->part_count + i];
            int64_t seen_ms = part->up_ms + part->down_ms;
            if (!availability) {
                chart_series_add(s, middle_of(period, i), (double)part->faults);
            } else if (seen_ms > 0) {
                chart_series_add(s, middle_of(period, i),
                                 100.0 * (double)part->up_ms / (double)seen_ms);
            }
        }
    }
    const struct chart_time c = {.title = title,
                                 .from_ms = period->from_ms,
                                 .to_ms = period->to_ms,
                                 .width = CHART_PAGE_WIDTH,
                                 .series = lines,
                                 .series_count = count};
    begin_figure(p, c.title);
    chart_time_draw(&p->b, &c);
    strbuf_add(&p->b, "</figure>\n");
    for (uint32_t i = 0; i < count; i++) {
        chart_series_fini(&lines[i]);
    }
}

/* One meter: a line through its days; those that stand out are marked. */
static void
draw_meter(struct page *p, const struct report_meter *m)
{
    const struct site_period *period = &p->r->periods[0];
    const struct report_energy *e = &period->energy;
    const struct device *d = &p->r->site->devices[m->device];
    struct chart_series line;
    struct chart_mark *marks = calloc((size_t)e->days + 1, sizeof *marks);
    char(*names)[CIVIL_TEXT_BYTES] = calloc((size_t)e->days + 1, sizeof *names);
    uint32_t count = 0;
    if (marks == NULL || names == NULL) {
        abort();
    }
    chart_series_init(&line, d->id, "kWh", false, period->from_ms, period->to_ms,
                      CHART_PAGE_WIDTH);
    for (uint32_t i = 0; i < e->days; i++) {
        int32_t day = e->first_day + (int32_t)i;
        int64_t noon_ms = civil_instant(day, CIVIL_DAY_MINUTES / 2);
        if (!m->days[i].whole) {
            chart_series_gap(&line, noon_ms);
            continue;
        }
        chart_series_add(&line, noon_ms, m->days[i].value);
        if (m->days[i].marked) {
            char date[CIVIL_TEXT_BYTES];
            civil_format(date, day);
            snprintf(names[count], sizeof names[count], "%s",
                     date + strlen(date) - strlen("MM-DD"));
            marks[count] = (struct chart_mark){noon_ms, names[count]};
            count++;
        }
    }
    char title[REPORT_CELL_BYTES];
    snprintf(title, sizeof title, "%.150s, %s", d->name, say(p, "kWh a day"));
    const struct chart_time c = {.title = title,
                                 .from_ms = period->from_ms,
                                 .to_ms = period->to_ms,
                                 .width = CHART_PAGE_WIDTH,
                                 .series = &line,
                                 .series_count = 1,
                                 .marks = marks,
                                 .mark_count = count};
    begin_figure(p, c.title);
    chart_time_draw(&p->b, &c);
    strbuf_add(&p->b, "</figure>\n");
    chart_series_fini(&line);
    free(marks);
    free(names);
}

static void
draw_energy(struct page *p)
{
    const struct report_energy *e = &p->r->periods[0].energy;
    uint32_t drawn = 0;
    for (uint32_t i = 0; i < e->meter_count && drawn < METERS_DRAWN; i++) {
        if (e->meters[i].measured && e->days > 1) {
            draw_meter(p, &e->meters[i]);
            drawn++;
        }
    }
}

static void
draw(struct page *p, enum site_table table)
{
    switch ((int)table) {
    case SITE_AVAILABILITY:
        draw_parts(p, say(p, "Availability over time"), "%", true);
        break;
    case SITE_RELIABILITY:
        draw_types(p);
        draw_parts(p, say(p, "Faults over time"), say(p, "faults"), false);
        break;
    case SITE_CAUSES:
        draw_causes(p);
        break;
    case SITE_ENERGY:
        draw_energy(p);
        break;
    default:
        break;
    }
}

/* ---- tables ---- */

static void
add_heading(struct page *p, const struct report_table *t, bool two)
{
    strbuf_add(&p->b, "<thead><tr>");
    cell(p, "th", "l", say(p, t->spec->subject));
    for (uint32_t c = 0; c < t->spec->column_count; c++) {
        const struct report_column *column = &t->spec->columns[c];
        if (column->data) {
            continue;
        }
        cell(p, "th", column->unit == REPORT_WORD ? "l" : "", say(p, column->title));
        if (column->lead && two) {
            cell(p, "th", "", say(p, "BEFORE"));
            cell(p, "th", "", say(p, "CHANGE"));
        }
    }
    strbuf_add(&p->b, "</tr></thead>\n");
}

static void
add_row(struct page *p,
        const struct report_table *t,
        const struct report_table *other,
        const struct report_row *row)
{
    char text[REPORT_CELL_BYTES];
    bool sum = strcmp(row->key, "all") == 0;
    bool type = strncmp(row->key, "type:", strlen("type:")) == 0 ||
                strncmp(row->key, "area:", strlen("area:")) == 0;
    const struct report_row *theirs =
        other != NULL ? report_table_find(other, row->key) : NULL;
    strbuf_printf(&p->b, "<tr%s>",
                  sum    ? " class=\"sum\""
                  : type ? " class=\"type\""
                         : "");
    strbuf_add(&p->b, "<td class=\"l\">");
    markup_text(&p->b, row->label);
    if (row->name != NULL) {
        strbuf_add_char(&p->b, ' ');
        cell(p, "small", "", row->name);
    }
    strbuf_add(&p->b, "</td>");
    for (uint32_t c = 0; c < t->spec->column_count; c++) {
        const struct report_column *column = &t->spec->columns[c];
        if (column->data) {
            continue;
        }
        report_cell_text(text, p->r->language, t->spec, row, c);
        cell(p, "td", column->unit == REPORT_WORD ? "l" : "", text);
        if (column->lead && other != NULL) {
            double before = theirs != NULL ? theirs->cells[c].value : (double)NAN;
            snprintf(text, sizeof text, "-");
            if (theirs != NULL) {
                report_cell_text(text, p->r->language, t->spec, theirs, c);
            }
            cell(p, "td", "", text);
            change_cell(p, report_unit_of(t->spec, row, c), before,
                        row->cells[c].value);
        }
    }
    strbuf_add(&p->b, "</tr>\n");
}

static void
add_table(struct page *p, enum site_table which)
{
    const struct report_table *t = &p->r->periods[0].tables[which];
    const struct report_table *other =
        p->r->period_count > 1 ? &p->r->periods[1].tables[which] : NULL;
    size_t shown = t->count;
    if (t->spec->data || t->count == 0) {
        return;
    }
    if (t->spec->shown > 0 && shown > t->spec->shown) {
        shown = t->spec->shown;
    }
    cell(p, "h2", "", say(p, t->spec->title));
    draw(p, which);
    strbuf_printf(&p->b, "<div class=\"wide\"><table%s>",
                  shown <= ROWS_TOGETHER ? " class=\"short\"" : "");
    add_heading(p, t, other != NULL);
    strbuf_add(&p->b, "<tbody>\n");
    for (size_t i = 0; i < shown; i++) {
        add_row(p, t, other, &t->rows[i]);
    }
    strbuf_add(&p->b, "</tbody></table></div>\n");
    if (shown < t->count) {
        strbuf_printf(&p->b, "<p class=\"note\">%s %zu</p>\n",
                      say(p, "rows that are not shown:"), t->count - shown);
    }
    if (t->spec->note != NULL) {
        cell(p, "p", "note", tr_in(p->r->language, t->spec->note));
    }
}

static void
add_changes(struct page *p)
{
    cell(p, "h2", "", say(p, "Before and after"));
    strbuf_add(&p->b, "<div class=\"wide\"><table class=\"short\"><thead><tr>");
    for (size_t i = 0; i < SITE_CHANGE_COLUMNS; i++) {
        bool left = i == 0 || i + 1 == SITE_CHANGE_COLUMNS;
        cell(p, "th", left ? "l" : "", say(p, site_change_headings[i]));
    }
    strbuf_add(&p->b, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < SITE_CHANGES; i++) {
        const struct site_change *c = &p->r->changes[i];
        char text[REPORT_CELL_BYTES];
        strbuf_add(&p->b, "<tr>");
        report_name_text(text, say(p, c->title), c->unit, p->r->site->currency);
        cell(p, "td", "l", text);
        report_value_text(text, c->unit, c->before);
        cell(p, "td", "", text);
        report_value_text(text, REPORT_COUNT, (double)c->before_n);
        cell(p, "td", "", text);
        report_value_text(text, c->unit, c->after);
        cell(p, "td", "", text);
        report_value_text(text, REPORT_COUNT, (double)c->after_n);
        cell(p, "td", "", text);
        change_cell(p, c->unit, c->before, c->after);
        report_interval_text(text, &c->interval);
        cell(p, "td", "", text);
        cell(p, "td",
             c->verdict == CHANGE_BETTER  ? "l better"
             : c->verdict == CHANGE_WORSE ? "l worse"
                                          : "l",
             say(p, site_change_verdict_text(c->verdict)));
        strbuf_add(&p->b, "</tr>\n");
    }
    strbuf_add(&p->b, "</tbody></table></div>\n");
    char said[SITE_RECORDED_BYTES];
    if (site_report_uneven_text(said, p->r) != NULL) {
        cell(p, "p", "note", said);
    }
}

static void
add_head(struct page *p)
{
    const struct site_report *r = p->r;
    const char *name = r->site->name != NULL ? r->site->name : r->site->id;
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    strbuf_printf(&p->b,
                  "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width\"><title>",
                  language_name(r->language));
    markup_text(&p->b, name);
    strbuf_printf(&p->b, "</title><style>%s</style></head><body>\n<h1>", style);
    markup_text(&p->b, name);
    strbuf_printf(&p->b, "%s</h1>\n", say(p, ": report"));
    for (uint32_t i = 0; i < r->period_count; i++) {
        const struct site_period *period = &r->periods[i];
        strbuf_printf(&p->b, "<p class=\"meta\">%s %s .. %s</p>\n",
                      i == 0 ? say(p, "Period:") : say(p, "Before:"),
                      instant_format_local(from, period->from_ms),
                      instant_format_local(to, period->to_ms));
        char said[SITE_RECORDED_BYTES];
        if (site_report_recorded_text(said, r, period) != NULL) {
            cell(p, "p", "meta", said);
        }
    }
    const char *const only[] = {r->filter.type, r->filter.area, r->filter.device};
    for (size_t i = 0; i < ARRAY_LEN(only); i++) {
        if (only[i] != NULL) {
            strbuf_printf(&p->b, "<p class=\"meta\">%s ", say(p, "Only:"));
            markup_text(&p->b, only[i]);
            strbuf_add(&p->b, "</p>\n");
        }
    }
}

void
site_report_html(const struct site_report *r, FILE *out)
{
    struct page p = {.r = r};
    char made[INSTANT_TEXT_BYTES];
    add_head(&p);
    if (r->period_count > 1) {
        add_changes(&p);
    }
    for (int t = 0; t < SITE_TABLES; t++) {
        add_table(&p, (enum site_table)t);
    }
    if (r->no_energy != NULL) {
        strbuf_printf(&p.b, "<p class=\"note\">%s ", say(&p, "No energy:"));
        markup_text(&p.b, r->no_energy);
        strbuf_add(&p.b, "</p>\n");
    }
    strbuf_add(&p.b, "<section class=\"defs\"><h2>");
    strbuf_add(&p.b, say(&p, "What the words mean"));
    strbuf_add(&p.b, "</h2>\n");
    for (size_t i = 0; site_report_definition(i) != NULL; i++) {
        cell(&p, "p", "", tr_in(r->language, site_report_definition(i)));
    }
    strbuf_printf(&p.b, "<p>%s %s</p></section>\n</body></html>\n", say(&p, "Made at"),
                  instant_format_local(made, r->now_ms));
    fwrite(p.b.text, 1, p.b.size, out);
    strbuf_fini(&p.b);
}
