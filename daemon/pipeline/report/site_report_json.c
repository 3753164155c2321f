/* The report as JSON and as CSV: keys are those of the specifications, numbers have the
 * fewest digits that read back, what is not known is null (CSV: empty). */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/report/site_report.h"

#define PERIOD_BYTES (2 * INSTANT_TEXT_BYTES + 2)

static void
add_cell(struct strbuf *b,
         const struct report_column *c,
         const struct report_cell *cell)
{
    char day[CIVIL_TEXT_BYTES];
    if (c->unit == REPORT_WORD) {
        strbuf_json_str(b, c->key, cell->word);
    } else if (c->unit == REPORT_DAY) {
        strbuf_json_str(b, c->key,
                        isnan(cell->value) ? NULL
                                           : civil_format(day, (int32_t)cell->value));
    } else if (c->unit == REPORT_COUNT && !isnan(cell->value)) {
        strbuf_json_int(b, c->key, (int64_t)cell->value);
    } else {
        strbuf_json_num(b, c->key, cell->value);
    }
}

static void
add_table(struct strbuf *b, const struct report_table *t)
{
    strbuf_json_key(b, t->spec->key);
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < t->count; i++) {
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_str(b, "key", t->rows[i].key);
        for (uint32_t c = 0; c < t->spec->column_count; c++) {
            add_cell(b, &t->spec->columns[c], &t->rows[i].cells[c]);
        }
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

static void
add_changes(struct strbuf *b, const struct site_report *r)
{
    strbuf_json_key(b, "comparison");
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < SITE_CHANGES; i++) {
        const struct site_change *c = &r->changes[i];
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_str(b, "key", c->key);
        strbuf_json_str(b, "unit", report_unit_name(c->unit, r->site->currency));
        strbuf_json_num(b, "before", c->before);
        strbuf_json_int(b, "before_n", (int64_t)c->before_n);
        strbuf_json_num(b, "after", c->after);
        strbuf_json_int(b, "after_n", (int64_t)c->after_n);
        strbuf_json_num(b, "change_percent", c->percent);
        strbuf_json_num(b, "change_low", c->interval.low);
        strbuf_json_num(b, "change_high", c->interval.high);
        strbuf_json_str(b, "verdict", site_change_verdict_name(c->verdict));
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

void
site_report_json(const struct site_report *r, FILE *out)
{
    struct strbuf b = {0};
    strbuf_add_char(&b, '{');
    strbuf_json_str(&b, "report", "figures");
    strbuf_json_str(&b, "site", r->site->id);
    strbuf_json_str(&b, "currency", r->site->currency);
    strbuf_json_time(&b, "recorded_from", r->rows.first_ms);
    strbuf_json_time(&b, "recorded_to", r->rows.last_ms);
    strbuf_json_key(&b, "filter");
    strbuf_add_char(&b, '{');
    strbuf_json_str(&b, "type", r->filter.type);
    strbuf_json_str(&b, "area", r->filter.area);
    strbuf_json_str(&b, "device", r->filter.device);
    strbuf_add_char(&b, '}');
    strbuf_json_num(&b, "confidence", FIGURES_CONFIDENCE);
    if (r->period_count > 1) {
        add_changes(&b, r);
    }
    strbuf_json_key(&b, "periods");
    strbuf_add_char(&b, '[');
    for (uint32_t i = 0; i < r->period_count; i++) {
        strbuf_add(&b, i > 0 ? ",{" : "{");
        strbuf_json_time(&b, "from", r->periods[i].from_ms);
        strbuf_json_time(&b, "to", r->periods[i].to_ms);
        for (size_t t = 0; t < SITE_TABLES; t++) {
            add_table(&b, &r->periods[i].tables[t]);
        }
        strbuf_add_char(&b, '}');
    }
    strbuf_add(&b, "]}\n");
    fwrite(b.text, 1, b.size, out);
    strbuf_fini(&b);
}

/* RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe. */
static void
csv_text(struct strbuf *b, const char *text)
{
    text = text != NULL ? text : "";
    bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
    bool quoted = formula || strpbrk(text, ",;\"\r\n") != NULL;
    if (!quoted) {
        strbuf_add(b, text);
        return;
    }
    strbuf_add(b, formula ? "\"'" : "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            strbuf_add_char(b, '"');
        }
        strbuf_add_char(b, *text);
    }
    strbuf_add_char(b, '"');
}

static void
csv_row(struct strbuf *b,
        const struct site_report *r,
        const struct report_table *t,
        const struct report_row *row,
        const char *period)
{
    for (uint32_t c = 0; c < t->spec->column_count; c++) {
        const struct report_column *column = &t->spec->columns[c];
        const struct report_cell *cell = &row->cells[c];
        char day[CIVIL_TEXT_BYTES];
        strbuf_add(b, t->spec->key);
        strbuf_add_char(b, ',');
        struct strbuf key = {0};
        strbuf_printf(&key, "%s/%s", row->key, column->key);
        csv_text(b, strbuf_text(&key));
        strbuf_fini(&key);
        strbuf_printf(b, ",%s,", period);
        if (column->unit == REPORT_WORD) {
            csv_text(b, cell->word);
        } else if (column->unit == REPORT_DAY) {
            strbuf_add(b, isnan(cell->value) ? ""
                                             : civil_format(day, (int32_t)cell->value));
        } else if (isfinite(cell->value)) {
            strbuf_add_number(b, cell->value);
        }
        strbuf_add_char(b, ',');
        csv_text(b,
                 report_unit_name(report_unit_of(t->spec, row, c), r->site->currency));
        strbuf_add_char(b, ',');
        if (column->n != NULL) {
            double n = row->cells[report_column_index(t->spec, column->n)].value;
            if (isfinite(n)) {
                strbuf_add_number(b, n);
            }
        }
        strbuf_add(b, "\r\n");
    }
}

/* A number of the comparison; what is not known, or has no end, is empty. */
static void
csv_number(struct strbuf *b,
           const struct site_change *c,
           const char *column,
           const char *period,
           double value,
           const char *unit)
{
    strbuf_printf(b, "comparison,%s/%s,%s,", c->key, column, period);
    if (isfinite(value)) {
        strbuf_add_number(b, value);
    }
    strbuf_add_char(b, ',');
    csv_text(b, unit);
    strbuf_add_char(b, ',');
}

static void
csv_changes(struct strbuf *b,
            const struct site_report *r,
            char (*periods)[PERIOD_BYTES])
{
    for (size_t i = 0; i < SITE_CHANGES; i++) {
        const struct site_change *c = &r->changes[i];
        const char *unit = report_unit_name(c->unit, r->site->currency);
        csv_number(b, c, "before", periods[1], c->before, unit);
        strbuf_printf(b, "%" PRIu64 "\r\n", c->before_n);
        csv_number(b, c, "after", periods[0], c->after, unit);
        strbuf_printf(b, "%" PRIu64 "\r\n", c->after_n);
        csv_number(b, c, "change_percent", periods[0], c->percent, "%");
        strbuf_add(b, "\r\n");
        csv_number(b, c, "change_low", periods[0], c->interval.low, "%");
        strbuf_add(b, "\r\n");
        csv_number(b, c, "change_high", periods[0], c->interval.high, "%");
        strbuf_printf(b, "\r\ncomparison,%s/verdict,%s,%s,,\r\n", c->key, periods[0],
                      site_change_verdict_name(c->verdict));
    }
}

/* A day where it begins, else the moment. */
static void
csv_moment(char out[INSTANT_TEXT_BYTES], int64_t t_ms)
{
    int32_t day = civil_day(t_ms);
    if (civil_instant(day, 0) == t_ms) {
        civil_format(out, day);
    } else {
        instant_format_local(out, t_ms);
    }
}

void
site_report_csv(const struct site_report *r, FILE *out)
{
    struct strbuf b = {0};
    char periods[ARRAY_LEN(r->periods)][PERIOD_BYTES];
    strbuf_add(&b, "section,key,period,value,unit,n\r\n");
    for (uint32_t i = 0; i < r->period_count; i++) {
        char from[INSTANT_TEXT_BYTES];
        char to[INSTANT_TEXT_BYTES];
        csv_moment(from, r->periods[i].from_ms);
        csv_moment(to, r->periods[i].to_ms);
        snprintf(periods[i], sizeof periods[i], "%s..%s", from, to);
    }
    if (r->period_count > 1) {
        csv_changes(&b, r, periods);
    }
    for (uint32_t i = 0; i < r->period_count; i++) {
        const struct site_period *p = &r->periods[i];
        for (size_t t = 0; t < SITE_TABLES; t++) {
            for (size_t k = 0; k < p->tables[t].count; k++) {
                csv_row(&b, r, &p->tables[t], &p->tables[t].rows[k], periods[i]);
            }
        }
    }
    fwrite(strbuf_text(&b), 1, b.size, out);
    strbuf_fini(&b);
}
