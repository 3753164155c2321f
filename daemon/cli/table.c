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
        [CLI_SHOW_SEVERITY] = "severity",   [CLI_SHOW_ALARM] = "alarm_state",
        [CLI_SHOW_TICKET] = "ticket_state", [CLI_SHOW_KIND] = "ticket_kind",
        [CLI_SHOW_DEVICE] = "device",       [CLI_SHOW_SAID] = NULL,
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

/* Columns that a text takes on the terminal: a Chinese character takes two. */
static int
width_of(const char *text)
{
    wchar_t wide[CELL_BYTES];
    size_t count = mbstowcs(wide, text, CELL_BYTES - 1);
    if (count == (size_t)-1) {
        return (int)strlen(text);
    }
    int width = wcswidth(wide, count);
    return width >= 0 ? width : (int)count;
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

static int
print_table(const json_t *rows, const struct cli_column *columns, size_t count)
{
    int *widths = calloc(count, sizeof *widths);
    char(*cells)[CELL_BYTES] = calloc(count, sizeof *cells);
    if (widths == NULL || cells == NULL) {
        abort();
    }
    size_t index = 0;
    json_t *row = NULL;
    for (size_t c = 0; c < count; c++) {
        widths[c] = width_of(tr(columns[c].heading));
        json_array_foreach(rows, index, row)
        {
            cell_text(cells[c], row, &columns[c]);
            int width = width_of(cells[c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t c = 0; c < count; c++) {
        snprintf(cells[c], CELL_BYTES, "%s", tr(columns[c].heading));
    }
    print_row(cells, widths, count);
    json_array_foreach(rows, index, row)
    {
        for (size_t c = 0; c < count; c++) {
            cell_text(cells[c], row, &columns[c]);
        }
        print_row(cells, widths, count);
    }
    free(cells);
    free(widths);
    return CLI_OK;
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
    setlocale(LC_CTYPE, "C.UTF-8");
    json_error_t where;
    json_t *rows = json_loads(array, 0, &where);
    if (!json_is_array(rows)) {
        fprintf(stderr, tr("caretaker: the answer is no listing: %s\n"), where.text);
        json_decref(rows);
        return CLI_OUTSIDE;
    }
    int status = CLI_OK;
    if (json_array_size(rows) == 0) {
        puts(tr(empty));
    } else {
        status = print_table(rows, columns, count);
    }
    json_decref(rows);
    return status;
}
