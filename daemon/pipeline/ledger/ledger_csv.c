#include "daemon/pipeline/ledger/ledger_csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collectors/log_lines.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/csv.h"
#include "daemon/base/utf8.h"

#define CELLS_MAX 256 /* Columns that nobody reads are welcome. */

/* Columns before the fields of the ledger. */
enum { COLUMN_ID, COLUMN_NAME, COLUMN_TYPE, COLUMN_LOCATION, COLUMN_FIRST_FIELD };
#define COLUMN_COUNT (COLUMN_FIRST_FIELD + LEDGER_KEY_COUNT)
#define COLUMN_NONE  UINT32_MAX

static const char *
column_name(uint32_t column)
{
    static const char *const names[COLUMN_FIRST_FIELD] = {"id", "name", "type",
                                                          "location"};
    return column < COLUMN_FIRST_FIELD
               ? names[column]
               : ledger_key_name((enum ledger_key)(column - COLUMN_FIRST_FIELD));
}

/* ---- Writing ---- */

/* A name of several lines is one in a cell. */
static char *
flat(char out[LEDGER_TEXT_BYTES], const char *text)
{
    utf8_copy(out, LEDGER_TEXT_BYTES, text);
    utf8_to_line(out);
    return out;
}

static const char *
cell_of(char room[LEDGER_TEXT_BYTES], const struct ledger_line *l, uint32_t column)
{
    switch (column) {
    case COLUMN_ID:
        return l->id;
    case COLUMN_NAME:
        return flat(room, l->name);
    case COLUMN_TYPE:
        return flat(room, l->type);
    case COLUMN_LOCATION:
        return flat(room, l->location);
    default:
        return l->values[column - COLUMN_FIRST_FIELD];
    }
}

void
ledger_csv_write(struct strbuf *out, const struct ledger_sheet *sheet, bool bom)
{
    char room[LEDGER_TEXT_BYTES];
    strbuf_add(out, bom ? CSV_BOM : "");
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        strbuf_printf(out, "%s%s", c > 0 ? "," : "", column_name(c));
    }
    strbuf_add(out, "\r\n");
    for (uint32_t i = 0; i < sheet->count; i++) {
        for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
            strbuf_add(out, c > 0 ? "," : "");
            csv_add(out, cell_of(room, &sheet->lines[i], c));
        }
        strbuf_add(out, "\r\n");
    }
}

/* ---- Reading ---- */

struct reading {
    struct ledger_edits *out;
    struct arena *arena;
    const struct ledger_sheet *sheet;
    const struct ledger_line **by_id;
    uint32_t *seen_on; /* By index in by_id: the line of the file; 0: not yet. */
    const struct ledger_column *columns;
    uint32_t column_count;
    struct diags *diags;
    struct loc loc;                       /* Of the line. */
    char separator;                       /* NUL: not known yet. */
    uint32_t cell_count;                  /* Of the header. */
    uint32_t meaning[CELLS_MAX];          /* By cell: its column, or COLUMN_NONE. */
    uint32_t where[COLUMN_COUNT];         /* By column: its cell, or COLUMN_NONE. */
    uint32_t room;                        /* For edits. */
    struct log_cell cells[CELLS_MAX + 1]; /* A cell too many is noticed. */
};

static void complain(const struct reading *r,
                     enum diag_level level,
                     uint32_t column,
                     const char *fmt,
                     ...) PRINTF_LIKE(4, 5);

static void
complain(const struct reading *r,
         enum diag_level level,
         uint32_t column,
         const char *fmt,
         ...)
{
    struct loc loc = {r->loc.file, r->loc.line, column};
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, tr(fmt), args);
    va_end(args);
    utf8_to_line(text);
    diags_add(r->diags, level, &loc, "%s", text);
}

static int
compare_lines(const void *a, const void *b)
{
    const struct ledger_line *const *x = a;
    const struct ledger_line *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static void
index_lines(struct reading *r)
{
    uint32_t count = r->sheet->count;
    r->by_id = arena_array(r->arena, (size_t)count + 1, sizeof r->by_id[0]);
    r->seen_on = arena_array(r->arena, (size_t)count + 1, sizeof r->seen_on[0]);
    for (uint32_t i = 0; i < count; i++) {
        r->by_id[i] = &r->sheet->lines[i];
    }
    qsort(r->by_id, count, sizeof r->by_id[0], compare_lines);
}

/* The most frequent of the three; a comma when there is none. */
static char
separator_of(const char *line)
{
    static const char choice[] = ",;\t";
    size_t best = 0;
    size_t most = 0;
    for (size_t i = 0; i < strlen(choice); i++) {
        size_t count = 0;
        for (const char *p = line; *p != '\0'; p++) {
            count += *p == choice[i];
        }
        if (count > most) {
            most = count;
            best = i;
        }
    }
    return choice[best];
}

/* The column that a heading stands for; COLUMN_NONE: none that is known. */
static uint32_t
column_of(const struct reading *r, const char *heading)
{
    for (uint32_t i = 0; i < r->column_count; i++) {
        if (strcmp(r->columns[i].heading, heading) == 0) {
            heading = r->columns[i].key;
            break;
        }
    }
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        if (strcasecmp(column_name(c), heading) == 0) {
            return c;
        }
    }
    return COLUMN_NONE;
}

static void
complain_of_heading(const struct reading *r, const struct log_cell *cell)
{
    const char *names[COLUMN_COUNT];
    struct strbuf all = {0};
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        names[c] = column_name(c);
        strbuf_printf(&all, "%s%s", c > 0 ? ", " : "", names[c]);
    }
    const char *near = diag_nearest(cell->text, names, COLUMN_COUNT);
    complain(r, DIAG_ERROR, cell->column,
             "there is no column \"%.60s\"; %s%s%saccepted: %s; or say which it is: "
             "--column KEY=HEADING",
             cell->text, near != NULL ? tr("did you mean \"") : "",
             near != NULL ? near : "", near != NULL ? "\"? " : "", strbuf_text(&all));
    strbuf_fini(&all);
}

/* A spreadsheet's own line about what stands between the cells: "sep=;". */
static bool
is_separator_line(const char *line)
{
    return strncmp(line, "sep=", 4) == 0 && line[4] != '\0' && line[5] == '\0' &&
           strchr(",;\t", line[4]) != NULL;
}

static void
read_header(struct reading *r, char *line)
{
    struct err err = {0};
    r->separator = r->separator != '\0' ? r->separator : separator_of(line);
    r->cell_count = log_cells(r->cells, CELLS_MAX, line, r->separator, &err);
    if (r->cell_count == 0) {
        complain(r, DIAG_ERROR, 1, "%s", err.text);
        return;
    }
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        r->where[c] = COLUMN_NONE;
    }
    for (uint32_t i = 0; i < r->cell_count; i++) {
        uint32_t c = column_of(r, r->cells[i].text);
        r->meaning[i] = c;
        if (c == COLUMN_NONE && r->column_count == 0 && r->cells[i].size > 0) {
            complain_of_heading(r, &r->cells[i]);
        } else if (c != COLUMN_NONE && r->where[c] != COLUMN_NONE) {
            complain(r, DIAG_ERROR, r->cells[i].column, "a second column \"%s\"",
                     column_name(c));
        } else if (c != COLUMN_NONE) {
            r->where[c] = i;
        }
    }
    for (uint32_t i = 0; i < r->column_count; i++) {
        bool there = false;
        for (uint32_t k = 0; k < r->cell_count; k++) {
            there = there || strcmp(r->cells[k].text, r->columns[i].heading) == 0;
        }
        if (!there) {
            complain(r, DIAG_ERROR, 1, "there is no column \"%.60s\" for \"%s\"",
                     r->columns[i].heading, r->columns[i].key);
        }
    }
    if (r->where[COLUMN_ID] == COLUMN_NONE) {
        complain(r, DIAG_ERROR, 1,
                 "the first line names the columns, and \"id\" is missing; "
                 "id,maker,model,... is accepted");
    }
}

/* Excel's way to show a long number, which is lost then. */
static bool
looks_cut(const char *text)
{
    size_t digits = strspn(text, "0123456789.");
    return digits > 0 && strncmp(text + digits, "E+", 2) == 0 &&
           text[digits + 2] >= '0' && text[digits + 2] <= '9' &&
           text[digits + 2 + strspn(text + digits + 2, "0123456789")] == '\0';
}

static void
keep_edit(struct reading *r,
          const struct ledger_line *line,
          enum ledger_key key,
          const char *after)
{
    struct ledger_edits *out = r->out;
    if (out->count == r->room) {
        uint32_t room = r->room == 0 ? 64 : r->room * 2;
        struct ledger_edit *items = arena_array(r->arena, room, sizeof *items);
        if (out->count > 0) {
            memcpy(items, out->items, out->count * sizeof *items);
        }
        out->items = items;
        r->room = room;
    }
    if (out->count == 0 || out->items[out->count - 1].line != line) {
        out->devices++;
    }
    out->items[out->count++] =
        (struct ledger_edit){line, key, arena_strdup(r->arena, after)};
}

/* Where a comma is the decimal sign, cells stand apart by semicolons. */
static const char *
with_point(const struct reading *r, char *text)
{
    char *comma = strchr(text, ',');
    if (r->separator == ';' && comma != NULL && strchr(text, '.') == NULL) {
        *comma = '.';
    }
    return text;
}

static void
read_cell(struct reading *r, const struct ledger_line *line, uint32_t at)
{
    const struct log_cell *cell = &r->cells[at];
    uint32_t column = r->meaning[at];
    const char *text = csv_unguarded(cell->text);
    char value[LEDGER_TEXT_BYTES];
    struct err err = {0};
    if (column == COLUMN_NONE || column == COLUMN_ID) {
        return;
    }
    if (column < COLUMN_FIRST_FIELD) {
        const char *is = cell_of(value, line, column);
        if (strcmp(is, text) != 0) {
            complain(r, DIAG_WARNING, cell->column,
                     "the %s of %s is \"%.60s\" in the site file; it is changed there, "
                     "and not by this",
                     column_name(column), line->id, is);
        }
        return;
    }
    enum ledger_key key = (enum ledger_key)(column - COLUMN_FIRST_FIELD);
    text = key == LEDGER_PRICE ? with_point(r, cell->text) : text;
    if (ledger_value_read(value, key, text, &err) != 0) {
        complain(r, DIAG_ERROR, cell->column, "%s: %s", column_name(column), err.text);
        return;
    }
    if (strcmp(value, line->values[key]) == 0) {
        return;
    }
    if (key == LEDGER_SERIAL && looks_cut(value)) {
        complain(r, DIAG_WARNING, cell->column,
                 "serial: \"%.40s\" looks like a long number that a spreadsheet cut "
                 "short; let the column be text there",
                 value);
    }
    keep_edit(r, line, key, value);
}

static void
complain_of_device(const struct reading *r, const struct log_cell *cell)
{
    const char **ids =
        arena_array(r->arena, (size_t)r->sheet->count + 1, sizeof ids[0]);
    for (uint32_t i = 0; i < r->sheet->count; i++) {
        ids[i] = r->sheet->lines[i].id;
    }
    const char *near = diag_nearest(cell->text, ids, r->sheet->count);
    complain(
        r, DIAG_ERROR, cell->column,
        "there is no device \"%.60s\"%s%s%s; a device stands in the site file first",
        cell->text, near != NULL ? tr("; did you mean \"") : "",
        near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* The line of the ledger that a row is of; NULL: reported. */
static const struct ledger_line *
find_line(struct reading *r)
{
    const struct log_cell *cell = &r->cells[r->where[COLUMN_ID]];
    const struct ledger_line wanted = {.id = csv_unguarded(cell->text)};
    const struct ledger_line *key = &wanted;
    const struct ledger_line **found = r->sheet->count > 0
                                           ? bsearch(&key, r->by_id, r->sheet->count,
                                                     sizeof r->by_id[0], compare_lines)
                                           : NULL;
    if (found == NULL) {
        complain_of_device(r, cell);
        return NULL;
    }
    uint32_t *line = &r->seen_on[found - r->by_id];
    if (*line != 0) {
        complain(r, DIAG_ERROR, cell->column, "%s stands on line %u already", wanted.id,
                 *line);
        return NULL;
    }
    *line = r->loc.line;
    return *found;
}

static void
read_row(struct reading *r, char *text)
{
    struct err err = {0};
    uint32_t count = log_cells(r->cells, r->cell_count + 1, text, r->separator, &err);
    bool empty = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        empty = empty && r->cells[i].size == 0;
    }
    if (empty) {
        return; /* Spreadsheets leave rows of empty cells. */
    }
    if (count == 0) {
        complain(r, DIAG_ERROR, 1, "%s; a cell is one line of text", err.text);
        return;
    }
    if (count != r->cell_count) {
        complain(r, DIAG_ERROR, 1, "%s cells than the %u of the first line",
                 count > r->cell_count ? tr("more") : tr("fewer"), r->cell_count);
        return;
    }
    const struct ledger_line *line = find_line(r);
    r->out->rows++;
    for (uint32_t i = 0; line != NULL && i < count; i++) {
        read_cell(r, line, i);
    }
}

static bool
is_utf8(const char *text, size_t size)
{
    for (size_t at = 0, step; at < size; at += step) {
        step = utf8_size(text + at, size - at);
        if (step == 0) {
            return false;
        }
    }
    return true;
}

/* False: there is no sense in reading on. */
static bool
read_line(struct reading *r, char *text, size_t size, bool *header)
{
    if (!is_utf8(text, size)) {
        complain(r, DIAG_ERROR, 1,
                 "no UTF-8; in a spreadsheet, save it as \"CSV UTF-8\"");
        return false;
    }
    if (*header && r->separator == '\0' && is_separator_line(text)) {
        r->separator = text[4];
        return true;
    }
    if (*header) {
        *header = false;
        read_header(r, text);
        return r->diags->errors == 0;
    }
    read_row(r, text);
    return true;
}

static int
read_lines(struct reading *r, const char *path, struct err *err)
{
    struct log_lines lines = {.fd = -1};
    char *text = NULL;
    size_t size = 0;
    bool header = true;
    bool more = true;
    int code = log_lines_open(&lines, path, err);
    while (code == 0 && more) {
        enum log_line got = log_lines_next(&lines, &text, &size, err);
        r->loc.line = lines.line;
        if (got == LOG_LINE_END) {
            break;
        }
        if (got == LOG_LINE) {
            more = read_line(r, text, size, &header);
        } else if (err->code == ERR_IO) {
            code = err_wrap(err, "%s", log_lines_name(path));
        } else if (header) { /* Such as UTF-16, which has a NUL in each character. */
            complain(r, DIAG_ERROR, 1, "%s; in a spreadsheet, save it as \"CSV UTF-8\"",
                     err->text);
            more = false;
        } else {
            complain(r, DIAG_ERROR, 1, "%s", err->text);
        }
    }
    if (code == 0 && header && r->diags->errors == 0) {
        r->loc.line = 1;
        complain(r, DIAG_ERROR, 1,
                 "the file is empty; its first line names the columns: id,maker,...");
    }
    log_lines_close(&lines);
    return code;
}

int
ledger_csv_read(struct ledger_edits *out,
                struct arena *arena,
                const struct ledger_sheet *sheet,
                const char *path,
                const struct ledger_column *columns,
                uint32_t column_count,
                struct diags *diags,
                struct err *err)
{
    struct ledger_edits edits = {0};
    struct reading *r = arena_alloc(arena, sizeof *r);
    *r = (struct reading){.out = &edits,
                          .arena = arena,
                          .sheet = sheet,
                          .columns = columns,
                          .column_count = column_count,
                          .diags = diags,
                          .loc = {log_lines_name(path), 0, 0}};
    index_lines(r);
    int code = read_lines(r, path, err);
    if (code == 0 && diags->errors > 0) {
        code =
            err_set(err, ERR_CONFIG, "%s: %zu error%s; nothing is changed",
                    log_lines_name(path), diags->errors, diags->errors == 1 ? "" : "s");
    }
    if (code == 0) {
        *out = edits;
    }
    return code;
}
