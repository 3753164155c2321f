/* The report for a terminal of 100 columns. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/report/site_report.h"

#define LABEL_MAX 34 /* Columns of the terminal; longer ones are cut. */
#define WIDTH_MAX 99
#define COLUMNS   16 /* Of any table, with those of the other period. */

/* Columns that a text takes: a Chinese character takes two.  In the locale's charset,
 * which the command line makes UTF-8. */
static int
width_of(const char *text)
{
    wchar_t wide[REPORT_CELL_BYTES];
    size_t count = mbstowcs(wide, text, REPORT_CELL_BYTES - 1);
    if (count == (size_t)-1) {
        return (int)strlen(text);
    }
    int width = wcswidth(wide, count);
    return width >= 0 ? width : (int)count;
}

/* Cuts `text` to `width` columns, in place. */
static void
cut(char *text, int width)
{
    if (width_of(text) <= width) {
        return;
    }
    size_t size = strlen(text);
    while (size > 0 && width_of(text) > width - 1) {
        do {
            size--;
        } while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80);
        text[size] = '\0';
    }
    strcat(text, "…"); /* Took the place of a character of its size or more. */
}

/* The next piece of `text` that stays together: a word up to a space, or one character
 * of a script without spaces. */
static size_t
piece_of(const char *text)
{
    if (((unsigned char)*text & 0x80) != 0) {
        size_t size = utf8_size(text, strlen(text));
        return size > 0 ? size : 1;
    }
    size_t size = 0;
    while (text[size] != '\0' && text[size] != ' ' &&
           ((unsigned char)text[size] & 0x80) == 0 && size + 1 < REPORT_CELL_BYTES) {
        size++;
    }
    return size;
}

static void
print_wrapped(const char *sign, const char *text, FILE *out)
{
    int column = (int)strlen(sign);
    bool space = false; /* Before the next piece. */
    fputs(sign, out);
    while (*text != '\0') {
        char piece[REPORT_CELL_BYTES];
        size_t size = piece_of(text);
        if (size == 0) {
            space = true;
            text++;
            continue;
        }
        memcpy(piece, text, size);
        piece[size] = '\0';
        int width = width_of(piece);
        if (column + space + width > WIDTH_MAX) {
            fprintf(out, "\n%*s", (int)strlen(sign), "");
            column = (int)strlen(sign);
            space = false;
        }
        fprintf(out, "%s%s", space ? " " : "", piece);
        column += space + width;
        space = false;
        text += size;
    }
    fputc('\n', out);
}

struct grid {
    char (*cells)[COLUMNS][REPORT_CELL_BYTES + 4]; /* Row 0: the headings. */
    bool left[COLUMNS];
    int widths[COLUMNS];
    size_t rows, columns;
};

static void
print_grid(const struct grid *g, FILE *out)
{
    for (size_t r = 0; r < g->rows; r++) {
        for (size_t c = 0; c < g->columns; c++) {
            const char *text = g->cells[r][c];
            int pad = g->widths[c] - width_of(text);
            bool last = c + 1 == g->columns;
            fprintf(out, "%s%*s%s%*s", c > 0 ? "  " : "", g->left[c] ? 0 : pad, "",
                    text, g->left[c] && !last ? pad : 0, "");
        }
        fputc('\n', out);
    }
}

/* The lead column's value of the other period, and the change. */
static void
add_before(struct grid *g,
           size_t row,
           size_t at,
           const struct site_report *r,
           const struct report_table *other,
           const struct report_row *mine,
           uint32_t column)
{
    const struct report_row *theirs = report_table_find(other, mine->key);
    snprintf(g->cells[row][at], REPORT_CELL_BYTES, "-");
    snprintf(g->cells[row][at + 1], REPORT_CELL_BYTES, "-");
    if (theirs != NULL) {
        report_cell_text(g->cells[row][at], r->language, other->spec, theirs, column);
        report_change_text(g->cells[row][at + 1],
                           report_unit_of(other->spec, theirs, column),
                           theirs->cells[column].value, mine->cells[column].value);
    }
}

static void
fill_row(struct grid *g,
         size_t at_row,
         const struct site_report *r,
         const struct report_table *t,
         const struct report_table *other,
         const struct report_row *row)
{
    size_t at = 1;
    if (row == NULL) {
        utf8_copy(g->cells[0][0], REPORT_CELL_BYTES,
                  report_word(r->language, t->spec->subject));
    } else {
        utf8_copy(g->cells[at_row][0], REPORT_CELL_BYTES, row->label);
        utf8_to_line(g->cells[at_row][0]);
        cut(g->cells[at_row][0], LABEL_MAX);
    }
    for (uint32_t c = 0; c < t->spec->column_count; c++) {
        const struct report_column *column = &t->spec->columns[c];
        if (column->data) {
            continue;
        }
        g->left[at] = column->unit == REPORT_WORD;
        if (row == NULL) {
            utf8_copy(g->cells[0][at], REPORT_CELL_BYTES,
                      report_word(r->language, column->title));
        } else {
            report_cell_text(g->cells[at_row][at], r->language, t->spec, row, c);
        }
        at++;
        if (column->lead && other != NULL) {
            if (row == NULL) {
                utf8_copy(g->cells[0][at], REPORT_CELL_BYTES,
                          report_word(r->language, "BEFORE"));
                utf8_copy(g->cells[0][at + 1], REPORT_CELL_BYTES,
                          report_word(r->language, "CHANGE"));
            } else {
                add_before(g, at_row, at, r, other, row, c);
            }
            at += 2;
        }
    }
    g->columns = at;
}

static void
print_table(const struct site_report *r, enum site_table which, FILE *out)
{
    const struct report_table *t = &r->periods[0].tables[which];
    const struct report_table *other =
        r->period_count > 1 ? &r->periods[1].tables[which] : NULL;
    size_t shown = t->count;
    if (t->spec->data || t->count == 0) {
        return;
    }
    if (t->spec->shown > 0 && shown > t->spec->shown) {
        shown = t->spec->shown;
    }
    struct grid g = {.rows = shown + 1, .left = {true}};
    g.cells = calloc(g.rows, sizeof *g.cells);
    if (g.cells == NULL) {
        abort();
    }
    fill_row(&g, 0, r, t, other, NULL);
    for (size_t i = 0; i < shown; i++) {
        fill_row(&g, i + 1, r, t, other, &t->rows[i]);
    }
    for (size_t c = 0; c < g.columns; c++) {
        for (size_t i = 0; i < g.rows; i++) {
            int width = width_of(g.cells[i][c]);
            g.widths[c] = width > g.widths[c] ? width : g.widths[c];
        }
    }
    fprintf(out, "\n%s\n", report_word(r->language, t->spec->title));
    print_grid(&g, out);
    free(g.cells);
    if (shown < t->count) {
        fprintf(out, tr_in(r->language, "and %zu more\n"), t->count - shown);
    }
    if (t->spec->note != NULL) {
        print_wrapped("", tr_in(r->language, t->spec->note), out);
    }
}

static void
print_changes(const struct site_report *r, FILE *out)
{
    struct grid g = {
        .rows = SITE_CHANGES + 1, .columns = SITE_CHANGE_COLUMNS, .left = {true}};
    g.left[7] = true;
    g.cells = calloc(g.rows, sizeof *g.cells);
    if (g.cells == NULL) {
        abort();
    }
    for (size_t c = 0; c < g.columns; c++) {
        utf8_copy(g.cells[0][c], REPORT_CELL_BYTES,
                  report_word(r->language, site_change_headings[c]));
    }
    for (size_t i = 0; i < SITE_CHANGES; i++) {
        const struct site_change *c = &r->changes[i];
        char(*row)[REPORT_CELL_BYTES + 4] = g.cells[i + 1];
        report_name_text(row[0], report_word(r->language, c->title), c->unit,
                         r->site->currency);
        report_value_text(row[1], c->unit, c->before);
        report_value_text(row[2], REPORT_COUNT, (double)c->before_n);
        report_value_text(row[3], c->unit, c->after);
        report_value_text(row[4], REPORT_COUNT, (double)c->after_n);
        report_change_text(row[5], c->unit, c->before, c->after);
        report_interval_text(row[6], &c->interval);
        utf8_copy(row[7], REPORT_CELL_BYTES,
                  report_word(r->language, site_change_verdict_text(c->verdict)));
    }
    for (size_t c = 0; c < g.columns; c++) {
        for (size_t i = 0; i < g.rows; i++) {
            int width = width_of(g.cells[i][c]);
            g.widths[c] = width > g.widths[c] ? width : g.widths[c];
        }
    }
    char said[SITE_RECORDED_BYTES];
    fprintf(out, "\n%s\n", report_word(r->language, "Before and after"));
    print_grid(&g, out);
    if (site_report_uneven_text(said, r) != NULL) {
        fprintf(out, "%s\n", said);
    }
    free(g.cells);
}

void
site_report_text(const struct site_report *r, FILE *out)
{
    fprintf(out, tr_in(r->language, "Report on %s (%s)\n"),
            r->site->name != NULL ? r->site->name : r->site->id, r->site->id);
    for (uint32_t i = 0; i < r->period_count; i++) {
        char from[INSTANT_TEXT_BYTES];
        char to[INSTANT_TEXT_BYTES];
        const struct site_period *p = &r->periods[i];
        fprintf(
            out, "%s%s .. %s\n",
            i == 0 ? tr_in(r->language, "period: ") : tr_in(r->language, "before: "),
            instant_format_local(from, p->from_ms), instant_format_local(to, p->to_ms));
        char said[SITE_RECORDED_BYTES];
        if (site_report_recorded_text(said, r, p) != NULL) {
            fprintf(out, "  %s\n", said);
        }
    }
    if (r->filter.type != NULL || r->filter.area != NULL || r->filter.device != NULL) {
        fprintf(out, tr_in(r->language, "only: %s %s %s\n"),
                r->filter.type != NULL ? r->filter.type : "",
                r->filter.area != NULL ? r->filter.area : "",
                r->filter.device != NULL ? r->filter.device : "");
    }
    if (r->period_count > 1) {
        print_changes(r, out);
    }
    for (int t = 0; t < SITE_TABLES; t++) {
        print_table(r, (enum site_table)t, out);
    }
    if (r->no_energy != NULL) {
        fprintf(out, tr_in(r->language, "\nno energy: %s\n"), r->no_energy);
    }
    fputc('\n', out);
    for (size_t i = 0; site_report_definition(i) != NULL; i++) {
        print_wrapped("* ", tr_in(r->language, site_report_definition(i)), out);
    }
}
