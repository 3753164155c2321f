#include "daemon/pipeline/tuning/tune_labels.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/log_lines.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define CELLS_MAX 64 /* Columns that nobody reads are welcome. */

enum column { COLUMN_FROM, COLUMN_TO, COLUMN_DEVICE, COLUMN_LABEL, COLUMN_COUNT };

static const char *const column_names[COLUMN_COUNT] = {"from", "to", "device", "label"};

struct reading_labels {
    struct tune_labels *out;
    const struct site *site;
    struct diags *diags;
    struct loc loc; /* Of the line. */
    char separator;
    uint32_t at[COLUMN_COUNT]; /* Which cell; NONE_INDEX: there is no such column. */
    uint32_t room;
};

static struct loc
cell_loc(const struct reading_labels *r, const struct log_cell *cell)
{
    return (struct loc){r->loc.file, r->loc.line, cell->column};
}

static void
read_header(struct reading_labels *r, char *line)
{
    struct log_cell cells[CELLS_MAX];
    struct err err = {0};
    r->separator = strchr(line, ',') == NULL && strchr(line, ';') != NULL ? ';' : ',';
    uint32_t count = log_cells(cells, CELLS_MAX, line, r->separator, &err);
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        r->at[c] = NONE_INDEX;
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(cells[i].text, column_names[c]) != 0) {
                continue;
            }
            if (r->at[c] != NONE_INDEX) {
                struct loc loc = cell_loc(r, &cells[i]);
                diags_add(r->diags, DIAG_ERROR, &loc, "a second column \"%s\"",
                          column_names[c]);
            }
            r->at[c] = i;
        }
    }
    if (r->at[COLUMN_FROM] == NONE_INDEX || r->at[COLUMN_TO] == NONE_INDEX) {
        struct loc loc = {r->loc.file, r->loc.line, 1};
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "%s%sthe first line names the columns: from,to[,device][,label]",
                  err.text, err.text[0] != '\0' ? "; " : "");
    }
}

static bool
read_instant(struct reading_labels *r,
             int64_t *out,
             const struct log_cell *cells,
             enum column column)
{
    const struct log_cell *cell = &cells[r->at[column]];
    struct err err = {0};
    if (instant_parse_log(out, cell->text, &err) == 0) {
        return true;
    }
    struct loc loc = cell_loc(r, cell);
    diags_add(r->diags, DIAG_ERROR, &loc, "%s: %s", column_names[column], err.text);
    return false;
}

/* NONE_INDEX in `*out`: every device. */
static bool
read_device(struct reading_labels *r,
            uint32_t *out,
            const struct log_cell *cells,
            uint32_t count)
{
    uint32_t at = r->at[COLUMN_DEVICE];
    *out = NONE_INDEX;
    if (at == NONE_INDEX || at >= count || cells[at].size == 0) {
        return true;
    }
    *out = site_device(r->site, cells[at].text);
    if (*out != NONE_INDEX) {
        return true;
    }
    struct loc loc = cell_loc(r, &cells[at]);
    diags_add(r->diags, DIAG_ERROR, &loc, "there is no device \"%s\" in %s",
              cells[at].text, r->site->file != NULL ? r->site->file : tr("the site"));
    return false;
}

static bool
keep(struct reading_labels *r, const struct tune_window *w)
{
    if (r->out->count == r->room) {
        uint32_t room = r->room == 0 ? 64 : r->room * 2;
        struct tune_window *items = realloc(r->out->items, room * sizeof *items);
        if (items == NULL) {
            return false;
        }
        r->out->items = items;
        r->room = room;
    }
    r->out->items[r->out->count++] = *w;
    return true;
}

/* False: memory. */
static bool
read_row(struct reading_labels *r, char *line)
{
    struct log_cell cells[CELLS_MAX];
    struct err err = {0};
    struct tune_window w;
    uint32_t count = log_cells(cells, CELLS_MAX, line, r->separator, &err);
    uint32_t from = r->at[COLUMN_FROM];
    uint32_t to = r->at[COLUMN_TO];
    uint32_t needed = (from > to ? from : to) + 1;
    if (count == 0 || count < needed) {
        struct loc loc = {r->loc.file, r->loc.line, 1};
        diags_add(r->diags, DIAG_ERROR, &loc, "%s",
                  count == 0 ? err.text : tr("a window has a `from` and a `to`"));
        return true;
    }
    bool ok = read_instant(r, &w.from_ms, cells, COLUMN_FROM);
    ok = read_instant(r, &w.to_ms, cells, COLUMN_TO) && ok;
    ok = read_device(r, &w.device, cells, count) && ok;
    if (!ok) {
        return true;
    }
    if (w.to_ms < w.from_ms) {
        struct loc loc = cell_loc(r, &cells[to]);
        diags_add(r->diags, DIAG_ERROR, &loc, "the window ends before it begins");
        return true;
    }
    if (r->out->count == TUNE_WINDOWS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &r->loc, "more than %d windows",
                  TUNE_WINDOWS_MAX);
        return true;
    }
    return keep(r, &w);
}

static int
read_lines(struct reading_labels *r, struct log_lines *lines, struct err *err)
{
    char *line;
    size_t size;
    bool header = true;
    for (;;) {
        struct err bad = {0};
        enum log_line kind = log_lines_next(lines, &line, &size, &bad);
        r->loc.line = lines->line;
        r->loc.column = 1;
        if (kind == LOG_LINE_END || r->diags->errors >= DIAGS_MAX) {
            return 0;
        }
        if (kind == LOG_LINE_BAD && bad.code == ERR_IO) {
            return err_set(err, ERR_IO, "%s: %s", r->loc.file, bad.text);
        }
        if (kind == LOG_LINE_BAD) {
            diags_add(r->diags, DIAG_ERROR, &r->loc, "%s", bad.text);
            if (header) {
                return 0;
            }
            continue;
        }
        if (header) {
            read_header(r, line);
            header = false;
            if (r->diags->errors > 0) {
                return 0; /* Every row would be wrong. */
            }
        } else if (size > 0 && !read_row(r, line)) {
            return err_set(err, ERR_NOMEM, "no memory for the labels");
        }
    }
}

int
tune_labels_read(struct tune_labels *out,
                 const struct site *site,
                 const char *path,
                 struct diags *diags,
                 struct err *err)
{
    struct reading_labels r = {
        .out = out, .site = site, .diags = diags, .loc = {path, 0, 0}};
    struct log_lines lines = {.fd = -1};
    size_t before = diags->errors;
    *out = (struct tune_labels){0};
    int code = log_lines_open(&lines, path, err);
    if (code == 0) {
        code = read_lines(&r, &lines, err);
    }
    log_lines_close(&lines);
    if (code == 0 && diags->errors == before && out->count == 0) {
        diags_add(diags, DIAG_ERROR, &(struct loc){path, 1, 1},
                  "there is no window in it; one line each: from,to[,device][,label]");
    }
    if (code == 0 && diags->errors > before) {
        code = err_set(err, ERR_CONFIG, "%s has errors", path);
    }
    if (code != 0) {
        tune_labels_fini(out);
    }
    return code;
}

void
tune_labels_fini(struct tune_labels *l)
{
    free(l->items);
    *l = (struct tune_labels){0};
}

static int
compare_windows(const void *x, const void *y)
{
    const struct tune_window *a = x;
    const struct tune_window *b = y;
    return a->from_ms != b->from_ms
               ? (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms)
               : (a->to_ms > b->to_ms) - (a->to_ms < b->to_ms);
}

uint32_t
tune_labels_of(struct tune_window *out, const struct tune_labels *l, uint32_t device)
{
    uint32_t count = 0;
    uint32_t joined = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->items[i].device == NONE_INDEX || l->items[i].device == device) {
            out[count++] = l->items[i];
        }
    }
    qsort(out, count, sizeof *out, compare_windows);
    for (uint32_t i = 0; i < count; i++) {
        struct tune_window *last = joined > 0 ? &out[joined - 1] : NULL;
        if (last != NULL && out[i].from_ms <= last->to_ms) {
            last->to_ms = out[i].to_ms > last->to_ms ? out[i].to_ms : last->to_ms;
        } else {
            out[joined++] = out[i];
        }
    }
    return joined;
}
