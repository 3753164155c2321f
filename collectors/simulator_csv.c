#include "collectors/simulator_csv.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/log_lines.h"
#include "collectors/log_number.h"
#include "collectors/log_time.h"

#define CELLS_MAX 4096 /* Columns of a file; a row of 64 KiB has hardly more. */
#define NO_CELL   UINT32_MAX

/* A file as it is read. */
struct csv {
    const char *path, *wanted;
    struct log_lines lines;
    struct log_time time;
    struct log_cell *cells;
    uint32_t cell_count;
    char separator;
    bool is_long;
    uint32_t time_cell, device, point, value, quality;
    struct signal_step *steps;
    uint32_t count, room;
    int64_t first_ms, last_ms, before_ms; /* Times of rows; `before`: another time. */
    uint64_t rows;
};

static char
find_separator(const char *line)
{
    uint32_t commas = 0, semicolons = 0;

    for (; *line != '\0'; line++) {
        commas += *line == ',';
        semicolons += *line == ';';
    }
    return semicolons > commas ? ';' : ',';
}

/* Does a row of a log in long form belong to "DEVICE.POINT"? */
static bool
names_it(const char *wanted,
         const struct log_cell *device,
         const struct log_cell *point)
{
    return strncmp(wanted, device->text, device->size) == 0 &&
           wanted[device->size] == '.' &&
           strcmp(wanted + device->size + 1, point->text) == 0;
}

static int
no_column(const struct csv *c, struct err *err)
{
    char names[200] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < c->cell_count && used < sizeof names; i++) {
        int n = snprintf(names + used, sizeof names - used, "%s%.40s",
                         i > 0 ? ", " : "", c->cells[i].text);
        used += n > 0 ? (size_t)n : 0;
    }
    return err_set(err, ERR_CONFIG, "no column '%.80s'; the file has %s", c->wanted,
                   names);
}

static int
read_header(struct csv *c, char *line, struct err *err)
{
    uint32_t named = NO_CELL;

    c->separator = find_separator(line);
    c->cell_count = log_cells(c->cells, CELLS_MAX, line, c->separator, err);
    if (c->cell_count == 0) {
        return err->code;
    }
    c->time_cell = c->device = c->point = c->value = c->quality = NO_CELL;
    for (uint32_t i = 0; i < c->cell_count; i++) {
        const char *text = c->cells[i].text;
        const struct {
            const char *word;
            uint32_t *cell;
        } roles[] = {{"time", &c->time_cell},
                     {"device", &c->device},
                     {"point", &c->point},
                     {"value", &c->value},
                     {"quality", &c->quality}};

        for (size_t r = 0; r < ARRAY_LEN(roles); r++) {
            if (strcmp(text, roles[r].word) == 0) {
                *roles[r].cell = i;
            }
        }
        if (strcmp(text, c->wanted) == 0) {
            named = i;
        }
    }
    if (c->time_cell == NO_CELL) {
        return err_set(err, ERR_CONFIG,
                       "no column 'time'; a log begins with "
                       "time,device,point,value or time,COLUMN,...");
    }
    if (named != NO_CELL) {
        c->value = named;
        c->quality = NO_CELL;
        return 0;
    }
    c->is_long = c->device != NO_CELL && c->point != NO_CELL && c->value != NO_CELL;
    if (!c->is_long) {
        return no_column(c, err);
    }
    return 0;
}

static int
add_step(struct csv *c, int64_t at_ms, double value, struct err *err)
{
    struct signal_step *more;

    if (c->count > 0 && c->steps[c->count - 1].at_ms == at_ms) {
        c->steps[c->count - 1].value = value; /* Two at one time: the later row. */
        return 0;
    }
    if (c->count == CSV_ROWS_MAX) {
        return err_set(err, ERR_FULL, "more than %d rows to play back", CSV_ROWS_MAX);
    }
    if (c->count == c->room) {
        c->room = c->room > 0 ? c->room * 2 : 256;
        more = realloc(c->steps, c->room * sizeof *more);
        if (more == NULL) {
            return err_set(err, ERR_NOMEM, "%u rows", c->room);
        }
        c->steps = more;
    }
    c->steps[c->count++] = (struct signal_step){at_ms, value};
    return 0;
}

static int
read_value(double *out, const struct log_cell *cell, struct err *err)
{
    if (strcmp(cell->text, "true") == 0 || strcmp(cell->text, "false") == 0) {
        *out = cell->text[0] == 't';
        return 0;
    }
    if (!log_number_parse(out, cell->text)) {
        return err_set(err, ERR_CONFIG,
                       "'%.60s' is no value; a decimal number, true or false is",
                       cell->text);
    }
    return 0;
}

static int
read_row(struct csv *c, char *line, struct err *err)
{
    uint32_t count = log_cells(c->cells, CELLS_MAX, line, c->separator, err);
    const struct log_cell *cells = c->cells, *time;
    int64_t t_ms;
    double value;

    if (count == 0) {
        return err->code;
    }
    if (count != c->cell_count) {
        return err_set(err, ERR_CONFIG, "%u cells; the header has %u", count,
                       c->cell_count);
    }
    time = &cells[c->time_cell];
    if (log_time_read(&c->time, time->text, time->size, &t_ms, err) != 0) {
        return err->code;
    }
    if (c->rows == 0) {
        c->first_ms = c->last_ms = c->before_ms = t_ms;
    }
    if (t_ms < c->last_ms) {
        return err_set(err, ERR_CONFIG,
                       "goes back in time; rows stand in order of time");
    }
    if (t_ms != c->last_ms) {
        c->before_ms = c->last_ms;
    }
    c->last_ms = t_ms;
    c->rows++;
    if ((c->is_long && !names_it(c->wanted, &cells[c->device], &cells[c->point])) ||
        cells[c->value].size == 0 ||
        (c->quality != NO_CELL && cells[c->quality].size > 0 &&
         strcmp(cells[c->quality].text, "good") != 0)) {
        return 0;
    }
    if (read_value(&value, &cells[c->value], err) != 0) {
        return err->code;
    }
    return add_step(c, t_ms - c->first_ms, value, err);
}

static int
read_lines(struct csv *c, struct err *err)
{
    bool has_header = false;
    char *line;
    size_t size;

    for (;;) {
        enum log_line got = log_lines_next(&c->lines, &line, &size, err);
        int status = 0;

        if (got == LOG_LINE_END) {
            break;
        }
        if (got == LOG_LINE_BAD) {
            status = err->code;
        } else if (size > 0) {
            status = has_header ? read_row(c, line, err) : read_header(c, line, err);
            has_header = true;
        }
        if (status != 0) {
            return err_wrap(err, "%s:%u", c->path, c->lines.line);
        }
    }
    if (c->count == 0) {
        return err_set(err, ERR_CONFIG, "%s:1: no values of '%.80s'", c->path,
                       c->wanted);
    }
    return 0;
}

int
simulator_csv_load(struct simulator_csv *out,
                   const char *path,
                   const char *column,
                   struct err *err)
{
    struct csv c = {.path = path, .wanted = column, .lines = {.fd = -1}};
    int status = 0;

    c.cells = calloc(CELLS_MAX, sizeof *c.cells);
    if (c.cells == NULL) {
        return err_set(err, ERR_NOMEM, "%s", path);
    }
    if ((status = log_lines_open(&c.lines, path, err)) == 0 &&
        (status = log_time_init(&c.time, NULL, err)) == 0) {
        status = read_lines(&c, err);
    }
    log_lines_close(&c.lines);
    free(c.cells);
    if (status != 0) {
        free(c.steps);
        return status;
    }
    *out = (struct simulator_csv){.steps = c.steps,
                                  .count = c.count,
                                  .length_ms = c.last_ms - c.first_ms +
                                               (c.last_ms - c.before_ms)};
    return 0;
}

void
simulator_csv_fini(struct simulator_csv *c)
{
    free(c->steps);
    c->steps = NULL;
}

static bool
check_unit(const struct sim_unit *u, struct diags *diags)
{
    bool good = true;

    for (uint32_t i = 0; i < u->register_count; i++) {
        const struct signal_csv *csv = u->registers[i].signal.csv;
        struct simulator_csv rows;
        struct err err;

        if (u->registers[i].signal.kind != SIGNAL_CSV) {
            continue;
        }
        if (simulator_csv_load(&rows, csv->file, csv->column, &err) == 0) {
            simulator_csv_fini(&rows);
        } else {
            diags_add(diags, DIAG_ERROR, &csv->loc, "%s", err.text);
            good = false;
        }
    }
    return good;
}

bool
simulator_csv_check(const struct sim *sim, struct diags *diags)
{
    const struct sim_register *last = NULL;
    bool good = true;

    for (uint32_t i = 0; i < sim->port_count; i++) {
        for (uint32_t k = 0; k < sim->ports[i].unit_count; k++) {
            const struct sim_unit *u = &sim->ports[i].units[k];

            if (u->registers != last) { /* Else they are those of the unit before. */
                good &= check_unit(u, diags);
            }
            last = u->registers;
        }
    }
    return good;
}
