#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/cli/cli.h"

#define CELL_BYTES 300

/* "crc (short frame)", "exception 2": a quality and what is known beside it. */
static void
quality_cell(char *out, const char *text)
{
    char word[CELL_BYTES];
    size_t size = strcspn(text, " ");
    snprintf(word, sizeof word, "%.*s", (int)size, text);
    const char *rest = text + size;
    size_t rest_size = strlen(rest);
    char remark[CELL_BYTES];
    if (rest[0] == ' ' && rest[1] == '(' && rest[rest_size - 1] == ')') {
        snprintf(remark, sizeof remark, "%.*s", (int)rest_size - 3, rest + 2);
        snprintf(out, CELL_BYTES, "%.100s (%.150s)", tr_word("quality", word),
                 tr(remark));
    } else {
        snprintf(out, CELL_BYTES, "%.100s%.150s", tr_word("quality", word), rest);
    }
}

/* What a word of ours is for people. */
static const char *
word_text(enum cli_show show, const char *word)
{
    static const char *const contexts[] = {
        [CLI_SHOW_SEVERITY] = "severity",
        [CLI_SHOW_ALARM] = "alarm_state",
        [CLI_SHOW_TICKET] = "ticket_state",
        [CLI_SHOW_KIND] = "ticket_kind",
        [CLI_SHOW_DEVICE] = "device",
        [CLI_SHOW_ROLE] = "role",
        [CLI_SHOW_SAID] = NULL,
    };
    return show == CLI_SHOW_SAID ? tr(word)
           : (size_t)show < ARRAY_LEN(contexts) && contexts[show]
               ? tr_word(contexts[show], word)
               : word;
}

static void
cell_text(char *out, const json_t *object, const struct cli_column *column)
{
    const json_t *value = json_object_get(object, column->key);
    const char *text = json_string_value(value);
    int64_t t_ms = 0;
    if (text != NULL && column->show == CLI_SHOW_TIME &&
        instant_parse(&t_ms, text, NULL) == 0) {
        instant_format_local(out, t_ms);
    } else if (text != NULL && column->show == CLI_SHOW_QUALITY) {
        quality_cell(out, text);
        utf8_to_line(out);
    } else if (text != NULL) {
        utf8_copy(out, CELL_BYTES, word_text(column->show, text));
        utf8_to_line(out);
    } else if (json_is_integer(value)) {
        snprintf(out, CELL_BYTES, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(out, CELL_BYTES, "%.4g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, CELL_BYTES, "%s", json_is_true(value) ? tr("yes") : tr("no"));
    } else {
        snprintf(out, CELL_BYTES, "-");
    }
}

static int
width_of(const char *text)
{
    size_t plain = 0;
    while (text[plain] > 0) {
        plain++;
    }
    if (text[plain] == '\0') { /* ASCII: the most, and at once. */
        return (int)plain;
    }
    wchar_t wide[CELL_BYTES];
    size_t count = mbstowcs(wide, text, CELL_BYTES - 1);
    if (count == (size_t)-1) {
        return (int)strlen(text);
    }
    int width = wcswidth(wide, count);
    return width >= 0 ? width : (int)count;
}

int
cli_width(const char *text)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    return width_of(text);
}

void
cli_pad(const char *text, int width)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    int used = width_of(text);
    printf("%s%*s", text, used < width ? width - used : 0, "");
}

static void
print_row(char (*cells)[CELL_BYTES], const int *widths, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        bool last = c + 1 == count;
        printf("%s%*s", cells[c], last ? 0 : widths[c] - width_of(cells[c]) + 2, "");
    }
    putchar('\n');
}

/* The widths that the rows need, and how many rows there are. */
static size_t
measure(const struct cli_rows *rows,
        const struct cli_column *columns,
        int *widths,
        size_t count)
{
    char cell[CELL_BYTES];
    size_t found = 0;
    for (size_t c = 0; c < count; c++) {
        widths[c] = width_of(tr(columns[c].heading));
    }
    for (json_t *row = rows->next(rows->ctx); row != NULL;
         row = rows->next(rows->ctx)) {
        for (size_t c = 0; c < count; c++) {
            cell_text(cell, row, &columns[c]);
            int width = width_of(cell);
            widths[c] = width > widths[c] ? width : widths[c];
        }
        json_decref(row);
        found++;
    }
    return found;
}

static int
print_table(const struct cli_rows *rows,
            const struct cli_column *columns,
            const int *widths,
            size_t count)
{
    char(*cells)[CELL_BYTES] = calloc(count, sizeof *cells);
    if (cells == NULL) {
        abort();
    }
    for (size_t c = 0; c < count; c++) {
        snprintf(cells[c], CELL_BYTES, "%s", tr(columns[c].heading));
    }
    print_row(cells, widths, count);
    for (json_t *row = rows->next(rows->ctx); row != NULL;
         row = rows->next(rows->ctx)) {
        for (size_t c = 0; c < count; c++) {
            cell_text(cells[c], row, &columns[c]);
        }
        print_row(cells, widths, count);
        json_decref(row);
    }
    free(cells);
    return CLI_OK;
}

int
cli_print_rows(const struct cli_rows *rows,
               const struct cli_column *columns,
               size_t count,
               const char *empty)
{
    struct err err = {0};
    setlocale(LC_CTYPE, "C.UTF-8");
    int *widths = calloc(count, sizeof *widths);
    if (widths == NULL) {
        abort();
    }
    int status = CLI_OK;
    if (rows->rewind(rows->ctx, &err) != 0) {
        status = cli_fail(&err);
    } else if (measure(rows, columns, widths, count) == 0) {
        puts(tr(empty));
    } else if (rows->rewind(rows->ctx, &err) != 0) {
        status = cli_fail(&err);
    } else {
        status = print_table(rows, columns, widths, count);
    }
    free(widths);
    return status;
}

/* The rows of an array that is in memory. */
struct array_rows {
    const json_t *array;
    size_t index;
};

static json_t *
next_of_array(void *ctx)
{
    struct array_rows *r = ctx;
    return json_incref(json_array_get(r->array, r->index++));
}

static int
rewind_array(void *ctx, struct err *err)
{
    (void)err;
    struct array_rows *r = ctx;
    r->index = 0;
    return 0;
}

int
cli_print_listing(const char *array,
                  bool json,
                  const struct cli_column *columns,
                  size_t count,
                  const char *empty)
{
    if (json) {
        puts(array);
        return CLI_OK;
    }
    json_error_t where;
    json_t *root = json_loads(array, 0, &where);
    if (!json_is_array(root)) {
        fprintf(stderr, tr("caretaker: the answer is no listing: %s\n"), where.text);
        json_decref(root);
        return CLI_OUTSIDE;
    }
    struct array_rows in_array = {root, 0};
    const struct cli_rows rows = {next_of_array, rewind_array, &in_array};
    int status = cli_print_rows(&rows, columns, count, empty);
    json_decref(root);
    return status;
}
