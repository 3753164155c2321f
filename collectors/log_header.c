#include "collectors/log_header.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/log_json.h"
#include "daemon/base/catalogue.h"

static const char ACCEPTED[] =
    N_("a log begins with time,device,point,value[,quality[,detail[,clock]]] or "
       "time,DEVICE.POINT,..., or has a JSON object in each line");

static int
wrong(const struct log_header *h, struct err *err, const struct log_cell *cell)
{
    return err_wrap(err, "%s:1:%u", h->path, cell != NULL ? cell->column : 1);
}

static bool
separates(char c)
{
    return c == ',' || c == ';' || c == '\0';
}

/* Does a tab stand between two texts?  Those beside a comma are blanks. */
static bool
has_tabs(const char *line)
{
    char last = '\0'; /* That is no blank. */
    bool quoted = false, tab = false;

    for (; *line != '\0'; line++) {
        quoted ^= *line == '"';
        if (quoted || (*line != ' ' && *line != '\t')) {
            if (tab && !separates(last) && !separates(*line)) {
                return true;
            }
            tab = false;
            last = *line;
        } else {
            tab |= *line == '\t';
        }
    }
    return false;
}

/* A tab, or the one of ',' and ';' that stands more often outside quotes; their number
 * in all bounds the cells. */
static uint32_t
find_separator(struct log_header *h, const char *line)
{
    bool tabs = has_tabs(line), quoted = false;
    uint32_t commas = 0, semicolons = 0, tab_count = 0;

    for (; *line != '\0'; line++) {
        quoted ^= *line == '"';
        commas += !quoted && *line == ',';
        semicolons += !quoted && *line == ';';
        tab_count += !quoted && *line == '\t';
    }
    h->separator = tabs ? '\t' : semicolons > commas ? ';' : ',';
    return commas + semicolons + tab_count + 1;
}

static int
set_role(uint32_t *role, uint32_t cell, const struct log_header *h, struct err *err)
{
    if (*role != NONE_INDEX) {
        err_set(err, ERR_CONFIG, "a second column '%.64s'", h->cells[cell].text);
        return wrong(h, err, &h->cells[cell]);
    }
    *role = cell;
    return 0;
}

static int
parse_long(struct log_header *h, struct err *err)
{
    static const char *const words[] = {"time",    "device", "point", "value",
                                        "quality", "detail", "clock"};
    uint32_t *const roles[] = {&h->time,    &h->device, &h->point, &h->value,
                               &h->quality, &h->detail, &h->clock};

    for (uint32_t i = 0; i < h->cell_count; i++) {
        const char *text = h->cells[i].text, *near;
        size_t w = 0;

        while (w < ARRAY_LEN(words) && strcmp(text, words[w]) != 0) {
            w++;
        }
        if (w < ARRAY_LEN(words)) {
            if (set_role(roles[w], i, h, err) != 0) {
                return err->code;
            }
            continue;
        }
        near = diag_nearest(text, words, ARRAY_LEN(words));
        err_set(err, ERR_CONFIG, "column '%.64s' is not known; %s%s%s", text,
                near != NULL ? "'" : "", near != NULL ? near : tr(ACCEPTED),
                near != NULL ? "' is" : "");
        return wrong(h, err, &h->cells[i]);
    }
    for (size_t w = 0; w < 4; w++) { /* Those after them may be missing. */
        if (*roles[w] == NONE_INDEX) {
            err_set(err, ERR_CONFIG, "no column '%s'; %s", words[w], tr(ACCEPTED));
            return wrong(h, err, NULL);
        }
    }
    return 0;
}

static int
add_column(struct log_header *h,
           uint32_t cell,
           const char *device,
           const char *point,
           const struct site *site,
           struct log_names *names,
           struct err *err)
{
    uint32_t p = log_names_find(names, device, point);

    if (p == NONE_INDEX) {
        log_names_unknown(names, device, point, err);
        return wrong(h, err, &h->cells[cell]);
    }
    h->columns[h->column_count++] =
        (struct log_column){.cell = cell, .device = site->points[p].device, .point = p};
    return 0;
}

static int
parse_wide(struct log_header *h,
           const struct site *site,
           struct log_names *names,
           struct err *err)
{
    for (uint32_t i = 0; i < h->cell_count; i++) {
        char *text = h->cells[i].text;
        char *dot = strchr(text, '.');

        if (strcmp(text, "time") == 0) {
            if (set_role(&h->time, i, h, err) != 0) {
                return err->code;
            }
            continue;
        }
        if (dot == NULL) {
            err_set(err, ERR_CONFIG, "column '%.64s' is no DEVICE.POINT; %s", text,
                    tr(ACCEPTED));
            return wrong(h, err, &h->cells[i]);
        }
        *dot = '\0';
        if (add_column(h, i, text, dot + 1, site, names, err) != 0) {
            return err->code;
        }
    }
    if (h->time == NONE_INDEX) {
        err_set(err, ERR_CONFIG, "no column 'time'; %s", tr(ACCEPTED));
        return wrong(h, err, NULL);
    }
    return 0;
}

static int
parse_mapped(struct log_header *h,
             const struct site *site,
             struct log_names *names,
             const struct log_map *map,
             bool *mapped,
             struct err *err)
{
    for (uint32_t i = 0; i < h->cell_count; i++) {
        const char *text = h->cells[i].text;

        if (strcmp(text, map->time_column) == 0) {
            if (set_role(&h->time, i, h, err) != 0) {
                return err->code;
            }
            continue;
        }
        for (uint32_t m = 0; m < map->column_count; m++) {
            const struct log_map_column *c = &map->columns[m];

            if (strcmp(text, c->column) == 0) {
                if (add_column(h, i, c->device, c->point, site, names, err) != 0) {
                    return err->code;
                }
                mapped[m] = true;
                break;
            }
        }
    }
    if (h->time == NONE_INDEX) {
        err_set(err, ERR_CONFIG, "no column '%.64s', which the map takes for the time",
                map->time_column);
        return wrong(h, err, NULL);
    }
    return 0;
}

/* Orders by `device`, which holds the rank of the device here, then as written. */
static int
column_order(const void *a, const void *b)
{
    const struct log_column *x = a, *y = b;

    if (x->device != y->device) {
        return x->device < y->device ? -1 : 1;
    }
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

/* Brings the columns of a device together and refuses two of one point. */
static int
group_columns(struct log_header *h, const struct site *site, struct err *err)
{
    uint32_t *rank = malloc(((size_t)site->device_count + 1) * sizeof *rank);
    bool *taken = calloc((size_t)site->point_count + 1, sizeof *taken);
    uint32_t devices = 0;
    int status = 0;

    if (rank == NULL || taken == NULL) {
        status = err_set(err, ERR_NOMEM, "header");
        goto done;
    }
    memset(rank, 0xFF, site->device_count * sizeof *rank);
    for (uint32_t i = 0; i < h->column_count; i++) {
        struct log_column *c = &h->columns[i];

        if (taken[c->point]) {
            err_set(err, ERR_CONFIG, "a second column for %s.%s",
                    site->devices[c->device].id, site->points[c->point].id);
            status = wrong(h, err, &h->cells[c->cell]);
            goto done;
        }
        taken[c->point] = true;
        if (rank[c->device] == NONE_INDEX) {
            rank[c->device] = devices++;
        }
        c->device = rank[c->device];
    }
    qsort(h->columns, h->column_count, sizeof *h->columns, column_order);
    for (uint32_t i = 0; i < h->column_count; i++) {
        h->columns[i].device = site->points[h->columns[i].point].device;
    }
done:
    free(rank);
    free(taken);
    return status;
}

static bool
looks_long(const struct log_header *h)
{
    for (uint32_t i = 0; i < h->cell_count; i++) {
        const char *text = h->cells[i].text;

        if (strcmp(text, "device") == 0 || strcmp(text, "point") == 0 ||
            strcmp(text, "value") == 0) {
            return true;
        }
    }
    return false;
}

int
log_header_parse(struct log_header *out,
                 const char *path,
                 char *line,
                 const struct site *site,
                 struct log_names *names,
                 const struct log_map *map,
                 bool *mapped,
                 struct err *err)
{
    struct log_header *h = out;
    uint32_t most;

    memset(h, 0, sizeof *h);
    h->path = path;
    h->time = h->device = h->point = h->value = NONE_INDEX;
    h->quality = h->detail = h->clock = NONE_INDEX;
    most = find_separator(h, line);
    h->cells = calloc((size_t)most + 1, sizeof *h->cells);
    h->columns = calloc(most, sizeof *h->columns);
    if (h->cells == NULL || h->columns == NULL) {
        return err_set(err, ERR_NOMEM, "header");
    }
    h->cell_count = log_cells(h->cells, most, line, h->separator, err);
    if (h->cell_count == 0) {
        return wrong(h, err, NULL);
    }
    h->is_long = map == NULL && looks_long(h);
    if (h->is_long) {
        return parse_long(h, err);
    }
    if (map != NULL) {
        if (parse_mapped(h, site, names, map, mapped, err) != 0) {
            return err->code;
        }
    } else if (parse_wide(h, site, names, err) != 0) {
        return err->code;
    }
    return group_columns(h, site, err);
}

int
log_header_json(struct log_header *out, const char *path, struct err *err)
{
    *out = (struct log_header){.path = path,
                               .is_long = true,
                               .is_json = true,
                               .cell_count = LOG_JSON_CELLS,
                               .time = LOG_JSON_TIME,
                               .device = LOG_JSON_DEVICE,
                               .point = LOG_JSON_POINT,
                               .value = LOG_JSON_VALUE,
                               .quality = LOG_JSON_QUALITY,
                               .detail = LOG_JSON_DETAIL,
                               .clock = LOG_JSON_CLOCK};
    out->cells = calloc((size_t)out->cell_count + 1, sizeof *out->cells);
    return out->cells != NULL ? 0 : err_set(err, ERR_NOMEM, "%s", path);
}

void
log_header_fini(struct log_header *h)
{
    free(h->cells);
    free(h->columns);
    h->cells = NULL;
    h->columns = NULL;
}
