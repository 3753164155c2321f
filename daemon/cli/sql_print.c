#include "daemon/cli/sql_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/csv.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"
#include "daemon/cli/cli.h"

#define MEASURED_ROWS 200 /* More than a screen has. */

struct printing {
    struct history_sql *sql;
    enum sql_format format;
    size_t columns;
    struct strbuf line; /* Also that of a cell. */
    uint64_t rows;
    /* Of a table: rows that are kept back, and then the widths. */
    char **kept;
    bool *right; /* Of each cell that is kept: a number. */
    size_t kept_rows;
    int *widths; /* NULL: they are not known yet. */
};

static bool
flush_line(struct printing *p)
{
    return fwrite(p->line.text, 1, p->line.size, stdout) == p->line.size;
}

/* A number as few digits as read back to it; infinity has no digits. */
static void
add_real(struct strbuf *b, double value)
{
    if (isfinite(value)) {
        strbuf_add_number(b, value);
    } else {
        strbuf_add(b, value > 0 ? "inf" : "-inf");
    }
}

/* As SQL writes it: x'0aff'. */
static void
add_blob(struct strbuf *b, const struct sql_cell *cell)
{
    static const char digits[] = "0123456789abcdef";
    strbuf_add(b, "x'");
    for (size_t i = 0; i < cell->size; i++) {
        unsigned char byte = (unsigned char)cell->text[i];
        strbuf_add_char(b, digits[byte >> 4]);
        strbuf_add_char(b, digits[byte & 15]);
    }
    strbuf_add_char(b, '\'');
}

/* What is no text; false: it is one, or nothing. */
static bool
add_plain(struct strbuf *b, const struct sql_cell *cell)
{
    switch (cell->type) {
    case SQL_INTEGER:
        strbuf_printf(b, "%" PRId64, cell->integer);
        return true;
    case SQL_REAL:
        add_real(b, cell->real);
        return true;
    case SQL_BLOB:
        add_blob(b, cell);
        return true;
    case SQL_NULL:
    case SQL_TEXT:
    default:
        return false;
    }
}

/* ---- csv and JSON ---- */

static bool
print_csv(struct printing *p)
{
    strbuf_clear(&p->line);
    for (size_t c = 0; c < p->columns; c++) {
        struct sql_cell cell = history_sql_cell(p->sql, (int)c);
        if (c > 0) {
            strbuf_add_char(&p->line, ',');
        }
        if (!add_plain(&p->line, &cell) && cell.type == SQL_TEXT) {
            csv_add(&p->line, cell.text);
        }
    }
    strbuf_add_char(&p->line, '\n');
    return flush_line(p);
}

static bool
print_csv_headings(struct printing *p)
{
    strbuf_clear(&p->line);
    for (size_t c = 0; c < p->columns; c++) {
        if (c > 0) {
            strbuf_add_char(&p->line, ',');
        }
        csv_add(&p->line, history_sql_heading(p->sql, (int)c));
    }
    strbuf_add_char(&p->line, '\n');
    return flush_line(p);
}

static bool
print_object(struct printing *p)
{
    struct strbuf plain = {0};
    strbuf_clear(&p->line);
    if (p->format == SQL_JSON) {
        strbuf_add(&p->line, p->rows == 0 ? "[" : ",\n ");
    }
    strbuf_add_char(&p->line, '{');
    for (size_t c = 0; c < p->columns; c++) {
        struct sql_cell cell = history_sql_cell(p->sql, (int)c);
        strbuf_json_key(&p->line, history_sql_heading(p->sql, (int)c));
        if (cell.type == SQL_NULL || (cell.type == SQL_REAL && !isfinite(cell.real))) {
            strbuf_add(&p->line, "null");
        } else if (cell.type == SQL_TEXT) {
            strbuf_json_string(&p->line, cell.text);
        } else if (cell.type == SQL_BLOB) {
            strbuf_clear(&plain);
            add_blob(&plain, &cell);
            strbuf_json_string(&p->line, plain.text);
        } else {
            add_plain(&p->line, &cell);
        }
    }
    strbuf_add(&p->line, p->format == SQL_JSON ? "}" : "}\n");
    strbuf_fini(&plain);
    return flush_line(p);
}

/* ---- a table ---- */

/* What stands in the cell, owned. */
static char *
cell_text(const struct sql_cell *cell)
{
    struct strbuf b = {0};
    if (!add_plain(&b, cell)) {
        strbuf_add(&b, cell->type == SQL_TEXT ? cell->text : "-");
    }
    char *text = strbuf_take(&b);
    utf8_to_line(text);
    return text;
}

static void
print_cell(const struct printing *p, size_t column, const char *text, bool right)
{
    int space = p->widths[column] - cli_width(text);
    space = space > 0 ? space : 0;
    bool last = column + 1 == p->columns;
    printf("%*s%s%*s", right ? space : 0, "", text, right || last ? 0 : space, "");
    fputs(last ? "\n" : "  ", stdout);
}

/* The rows that were kept back, below their headings. */
static void
print_kept(struct printing *p)
{
    p->widths = calloc(p->columns + 1, sizeof *p->widths);
    if (p->widths == NULL) {
        abort();
    }
    for (size_t i = 0; i < p->columns * p->kept_rows; i++) {
        int width = cli_width(p->kept[i]);
        int *widest = &p->widths[i % p->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < p->columns * p->kept_rows; i++) {
        /* A heading stands as what is below it does. */
        bool heading = i < p->columns && p->kept_rows > 1;
        print_cell(p, i % p->columns, p->kept[i],
                   p->right[heading ? i + p->columns : i]);
    }
}

static void
print_row(struct printing *p)
{
    for (size_t c = 0; c < p->columns; c++) {
        struct sql_cell cell = history_sql_cell(p->sql, (int)c);
        char *text = cell_text(&cell);
        bool right = cell.type == SQL_INTEGER || cell.type == SQL_REAL;
        if (p->widths != NULL) {
            print_cell(p, c, text, right);
            free(text);
        } else {
            p->kept[p->kept_rows * p->columns + c] = text;
            p->right[p->kept_rows * p->columns + c] = right;
        }
    }
    if (p->widths == NULL && ++p->kept_rows == MEASURED_ROWS) {
        print_kept(p);
    }
}

static void
begin_table(struct printing *p)
{
    size_t cells = p->columns * MEASURED_ROWS + 1;
    p->kept = calloc(cells, sizeof *p->kept);
    p->right = calloc(cells, sizeof *p->right);
    if (p->kept == NULL || p->right == NULL) {
        abort();
    }
    for (size_t c = 0; c < p->columns; c++) {
        const char *heading = history_sql_heading(p->sql, (int)c);
        const struct sql_cell cell = {.type = SQL_TEXT, .text = heading};
        p->kept[c] = cell_text(&cell);
    }
    p->kept_rows = 1;
}

/* ---- all ---- */

static bool
begin(struct printing *p)
{
    if (p->format == SQL_TABLE) {
        begin_table(p);
    }
    return p->format != SQL_CSV || print_csv_headings(p);
}

static bool
print_one(struct printing *p)
{
    bool done = true;
    switch (p->format) {
    case SQL_TABLE:
        print_row(p);
        done = ferror(stdout) == 0;
        break;
    case SQL_CSV:
        done = print_csv(p);
        break;
    case SQL_JSON:
    case SQL_JSONL:
        done = print_object(p);
        break;
    default:
        break;
    }
    p->rows++;
    return done;
}

static void
finish(struct printing *p)
{
    if (p->format == SQL_TABLE && p->widths == NULL) {
        print_kept(p);
    } else if (p->format == SQL_JSON) {
        puts(p->rows == 0 ? "[]" : "]");
    }
}

int
sql_print(struct history_sql *h, enum sql_format format, struct err *err)
{
    struct printing p = {
        .sql = h, .format = format, .columns = (size_t)history_sql_columns(h)};
    bool more = true, written = begin(&p);
    int rc = 0;
    while (rc == 0 && more && written) {
        rc = history_sql_next(h, &more, err);
        if (rc == 0 && more) {
            written = print_one(&p);
        }
    }
    /* What came before an error is shown; an array that ends there is not closed. */
    if (rc == 0 || format == SQL_TABLE) {
        finish(&p);
    }
    if ((fflush(stdout) != 0 || !written) && rc == 0) {
        rc = err_set(err, ERR_IO, "the output cannot be written");
    }
    for (size_t i = 0; i < p.columns * p.kept_rows; i++) {
        free(p.kept[i]);
    }
    free(p.kept);
    free(p.right);
    free(p.widths);
    strbuf_fini(&p.line);
    return rc;
}
