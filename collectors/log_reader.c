#include "collectors/log_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/detail.h"
#include "collectors/log_header.h"
#include "collectors/log_json.h"
#include "collectors/log_lines.h"
#include "collectors/log_names.h"
#include "collectors/log_time.h"
#include "collectors/log_value.h"
#include "daemon/base/instant.h"

#define HINTS_MAX 100 /* Bad rows that say what was meant: it takes a search each. */

/* A frame that still grows: one place for each point of its device, so that readings
 * come out in order of their points however they stand in the log. */
struct gather {
    int64_t t_ms;
    uint32_t device;
    uint32_t first_point;
    uint16_t count, flags;
    uint64_t taken[DEVICE_POINTS_MAX / 64]; /* A bit a place. */
    struct reading places[DEVICE_POINTS_MAX];
};
_Static_assert(DEVICE_POINTS_MAX <= FRAME_READINGS_MAX,
               "a frame holds every point once");
_Static_assert(DEVICE_POINTS_MAX % 64 == 0, "whole words of bits");

struct log_file {
    char *path; /* Owned; places of bad rows refer to it. */
    struct log_lines lines;
    struct log_header header;
    struct log_time time;
    char *waiting; /* Of JSON lines: the first one, which is no header.  NULL: read. */
    size_t waiting_size;
    int64_t newest_ms; /* Time of the last good row. */
    /* The good row read last, and how many of its readings are in `gather`. */
    int64_t row_ms;
    struct reading *row;
    uint32_t row_count, row_taken;
    uint16_t row_flags; /* FRAME_... */
    struct gather gather;
    struct frame *frame; /* Head of the file, waiting for its turn. */
    bool has_frame;
};

struct log_reader {
    const struct site *site;
    struct log_names *names;
    log_bad_fn tell_bad;
    void *ctx;
    uint64_t rows, bad;
    const struct log_file *bad_file; /* With the bad row told last; NULL: none. */
    bool stopped;                    /* At that row. */
    struct log_file *files;
    uint32_t file_count;
    uint32_t given; /* File whose frame was given last; NONE_INDEX: none. */
    bool begun;
};

/* False when the reading cannot belong to the frame: it is of another time, device or
 * clock, or its point is there already. */
static bool
gather_add(struct gather *g,
           const struct site *site,
           int64_t t_ms,
           uint16_t flags,
           const struct reading *r)
{
    uint32_t device = site->points[r->point].device, place;
    uint64_t bit;

    if (g->count == 0) {
        g->t_ms = t_ms;
        g->flags = flags;
        g->device = device;
        g->first_point = site->devices[device].first_point;
    } else if (g->t_ms != t_ms || g->device != device || g->flags != flags) {
        return false;
    }
    place = r->point - g->first_point;
    assert(place < DEVICE_POINTS_MAX);
    bit = UINT64_C(1) << place % 64;
    if ((g->taken[place / 64] & bit) != 0) {
        return false;
    }
    g->taken[place / 64] |= bit;
    g->places[place] = *r;
    g->count++;
    return true;
}

/* Moves what was gathered into `f`; nothing is gathered then. */
static void
gather_move(struct gather *g, struct frame *f)
{
    uint16_t count = 0;

    f->t_ms = g->t_ms;
    f->device = g->device;
    f->flags = g->flags;
    for (uint32_t w = 0; count < g->count; w++) {
        for (uint64_t bits = g->taken[w]; bits != 0; bits &= bits - 1) {
            uint32_t place = w * 64 + (uint32_t)__builtin_ctzll(bits);

            f->readings[count++] = g->places[place];
        }
        g->taken[w] = 0;
    }
    f->count = count;
    g->count = 0;
}

static void
bad_row(struct log_reader *r,
        const struct log_file *f,
        uint32_t column,
        const char *text)
{
    const struct loc loc = {.file = f->path, .line = f->lines.line, .column = column};

    r->bad++;
    r->bad_file = f;
    if (r->tell_bad != NULL) {
        r->tell_bad(r->ctx, &loc, text);
    }
}

static int
take_clock(struct log_file *f, const struct log_cell **where, struct err *err)
{
    const struct log_header *h = &f->header;
    const struct log_cell *cell = h->clock != NONE_INDEX ? &h->cells[h->clock] : NULL;

    if (cell == NULL || cell->size == 0) {
        return 0;
    }
    if (strcmp(cell->text, LOG_CLOCK_UNTRUSTED) != 0) {
        *where = cell;
        return err_set(err, ERR_RANGE,
                       "'%.60s' is no state of a clock; untrusted and nothing are",
                       cell->text);
    }
    f->row_flags = FRAME_CLOCK_UNTRUSTED;
    return 0;
}

/* The one reading of a row in long form.  `*where` is the cell that is wrong. */
static int
take_long(struct log_reader *r,
          struct log_file *f,
          const struct log_cell **where,
          struct err *err)
{
    const struct log_header *h = &f->header;
    const struct log_cell *cells = h->cells;
    struct reading *out = &f->row[0];
    const char *device = cells[h->device].text, *point = cells[h->point].text;
    enum quality quality = QUALITY_GOOD;

    *out = (struct reading){.point = log_names_find(r->names, device, point)};
    if (out->point == NONE_INDEX) {
        *where =
            &cells[site_device(r->site, device) == NONE_INDEX ? h->device : h->point];
        if (r->bad < HINTS_MAX) {
            return log_names_unknown(r->names, device, point, err);
        }
        return err_set(err, ERR_CONFIG, "'%.64s.%.64s' is not in the site", device,
                       point);
    }
    if (h->quality != NONE_INDEX && cells[h->quality].size > 0 &&
        !quality_parse(&quality, cells[h->quality].text)) {
        *where = &cells[h->quality];
        return err_set(err, ERR_RANGE,
                       "'%.60s' is no quality; good, timeout, crc, exception, refused, "
                       "range, sentinel, stale, stuck and offline are",
                       cells[h->quality].text);
    }
    out->quality = (uint8_t)quality;
    if (h->detail != NONE_INDEX &&
        !detail_parse(&out->detail, quality, cells[h->detail].text)) {
        *where = &cells[h->detail];
        return err_set(err, ERR_RANGE, "'%.60s' is no detail of a sample that is %s",
                       cells[h->detail].text, quality_name(quality));
    }
    if (take_clock(f, where, err) != 0) {
        return err->code;
    }
    f->row_count = 1;
    *where = &cells[h->value];
    if (quality != QUALITY_GOOD && cells[h->value].size == 0) {
        return 0; /* Why there is no value is all there is to say. */
    }
    return log_value_read(&out->value, &r->site->points[out->point], &cells[h->value],
                          h->separator, err);
}

static int
take_wide(struct log_reader *r,
          struct log_file *f,
          const struct log_cell **where,
          struct err *err)
{
    const struct log_header *h = &f->header;

    for (uint32_t i = 0; i < h->column_count; i++) {
        const struct log_column *c = &h->columns[i];
        struct reading *out = &f->row[f->row_count];

        if (h->cells[c->cell].size == 0) {
            continue;
        }
        *where = &h->cells[c->cell];
        *out = (struct reading){.point = c->point, .quality = QUALITY_GOOD};
        if (log_value_read(&out->value, &r->site->points[c->point], *where,
                           h->separator, err) != 0) {
            return err->code;
        }
        f->row_count++;
    }
    return 0;
}

/* Fills the header's cells from a line. */
static int
cut_row(struct log_header *h,
        char *line,
        size_t size,
        const struct log_cell **where,
        struct err *err)
{
    uint32_t count;

    *where = NULL;
    if (h->is_json) {
        /* The spare cell says where it is wrong. */
        *where = &h->cells[LOG_JSON_CELLS];
        return log_json_cut(h->cells, line, size, &h->cells[LOG_JSON_CELLS].column,
                            err);
    }
    count = log_cells(h->cells, h->cell_count + 1, line, h->separator, err);
    if (count == 0) {
        return err->code;
    }
    if (count != h->cell_count) {
        return err_set(err, ERR_CONFIG, "%s cells than the header, which has %u",
                       count > h->cell_count ? "more" : "fewer", h->cell_count);
    }
    return 0;
}

/* All readings of a line, or none and `err`. */
static int
take_row(struct log_reader *r,
         struct log_file *f,
         char *line,
         size_t size,
         const struct log_cell **where,
         struct err *err)
{
    struct log_header *h = &f->header;
    int status;

    f->row_count = f->row_taken = f->row_flags = 0;
    if (cut_row(h, line, size, where, err) != 0) {
        return err->code;
    }
    *where = &h->cells[h->time];
    if (log_time_read(&f->time, (*where)->text, (*where)->size, &f->row_ms, err) != 0) {
        return err->code;
    }
    if (f->row_ms < f->newest_ms) {
        return err_set(err, ERR_CONFIG,
                       "goes back in time; rows stand in order of time");
    }
    status = h->is_long ? take_long(r, f, where, err) : take_wide(r, f, where, err);
    if (status == 0) {
        f->newest_ms = f->row_ms;
    }
    return status;
}

static enum log_line
next_line(struct log_file *f, char **line, size_t *size, struct err *err)
{
    if (f->waiting == NULL) {
        return log_lines_next(&f->lines, line, size, err);
    }
    *line = f->waiting;
    *size = f->waiting_size;
    f->waiting = NULL;
    return LOG_LINE;
}

/* Reads on to the next good row; false at the end. */
static bool
next_row(struct log_reader *r, struct log_file *f)
{
    struct err err;
    const struct log_cell *where;
    char *line;
    size_t size;

    while (!r->stopped) {
        switch (next_line(f, &line, &size, &err)) {
        case LOG_LINE_END:
            return false;
        case LOG_LINE_BAD:
            r->rows++;
            bad_row(r, f, 0, err.text);
            break;
        case LOG_LINE:
            if (size == 0) {
                break; /* An empty line is no row. */
            }
            r->rows++;
            if (take_row(r, f, line, size, &where, &err) == 0) {
                return true;
            }
            f->row_count = 0;
            bad_row(r, f, where != NULL ? where->column : 0, err.text);
            break;
        }
    }
    return false;
}

/* Fills the file's frame with the next one, if there is one. */
static void
next_frame(struct log_reader *r, struct log_file *f)
{
    f->has_frame = true;
    do {
        for (; f->row_taken < f->row_count; f->row_taken++) {
            if (!gather_add(&f->gather, r->site, f->row_ms, f->row_flags,
                            &f->row[f->row_taken])) {
                gather_move(&f->gather, f->frame);
                return; /* The reading that did not fit comes first in the next one. */
            }
        }
    } while (next_row(r, f));
    f->row_count = f->row_taken = 0;
    if (f->gather.count > 0) {
        gather_move(&f->gather, f->frame);
    } else {
        f->has_frame = false;
    }
}

static bool
is_named_jsonl(const char *path)
{
    static const char end[] = ".jsonl";
    size_t size = strlen(path);

    return size >= sizeof end && strcmp(path + size - strlen(end), end) == 0;
}

/* Finds out what the file is from its first line. */
static int
begin_file(struct log_reader *r,
           struct log_file *f,
           const struct log_map *map,
           bool *mapped,
           struct err *err)
{
    char *line;
    size_t size;
    enum log_line got = log_lines_next(&f->lines, &line, &size, err);
    bool is_json = got == LOG_LINE ? log_json_begins(line) : is_named_jsonl(f->path);

    if (got == LOG_LINE_BAD) {
        return err_wrap(err, "%s:1", f->path);
    }
    if (!is_json && (got == LOG_LINE_END || size == 0)) {
        return err_set(err, ERR_CONFIG, "%s:1: no header; a log begins with one",
                       f->path);
    }
    /* A map tells of columns and of their time; JSON lines have names of their own. */
    if (log_time_init(&f->time, is_json ? NULL : map, err) != 0) {
        return err->code;
    }
    if (is_json) {
        f->waiting = got == LOG_LINE ? line : NULL;
        f->waiting_size = size;
        return log_header_json(&f->header, f->path, err);
    }
    return log_header_parse(&f->header, f->path, line, r->site, r->names, map, mapped,
                            err);
}

static int
file_open(struct log_reader *r,
          struct log_file *f,
          const char *path,
          const struct log_map *map,
          bool *mapped,
          struct err *err)
{
    f->path = strdup(log_lines_name(path));
    if (f->path == NULL) {
        return err_set(err, ERR_NOMEM, "logs");
    }
    if (log_lines_open(&f->lines, path, err) != 0 ||
        begin_file(r, f, map, mapped, err) != 0) {
        return err->code;
    }
    f->newest_ms = INSTANT_NONE;
    f->row = calloc((size_t)f->header.column_count + 1, sizeof *f->row);
    f->frame = malloc(FRAME_BYTES_MAX);
    if (f->row == NULL || f->frame == NULL) {
        return err_set(err, ERR_NOMEM, "%s", f->path);
    }
    return 0;
}

/* A column that no file has is a misspelt one. */
static int
check_mapped(const struct log_map *map, const bool *mapped, struct err *err)
{
    for (uint32_t i = 0; map != NULL && i < map->column_count; i++) {
        if (!mapped[i]) {
            return err_set(err, ERR_CONFIG, "no log has the column '%.64s' of the map",
                           map->columns[i].column);
        }
    }
    return 0;
}

/* There is but one standard input. */
static int
check_stdin(const char *const *paths, uint32_t count, struct err *err)
{
    uint32_t times = 0;

    for (uint32_t i = 0; i < count; i++) {
        times += strcmp(paths[i], LOG_STDIN) == 0;
    }
    return times <= 1 ? 0
                      : err_set(err, ERR_USAGE, "%s was given twice; it is read once",
                                log_lines_name(LOG_STDIN));
}

static int
files_open(struct log_reader *r,
           const struct log_map *map,
           const char *const *paths,
           uint32_t count,
           struct err *err)
{
    bool *mapped =
        calloc(map != NULL ? (size_t)map->column_count + 1 : 1, sizeof *mapped);
    int status = check_stdin(paths, count, err);

    r->files = calloc((size_t)count + 1, sizeof *r->files);
    if (r->files == NULL || mapped == NULL) {
        status = err_set(err, ERR_NOMEM, "logs");
    }
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        struct log_file *f = &r->files[r->file_count++];

        f->lines.fd = -1;
        status = file_open(r, f, paths[i], map, mapped, err);
    }
    if (status == 0) {
        status = check_mapped(map, mapped, err);
    }
    free(mapped);
    return status;
}

int
log_reader_open(struct log_reader **out,
                const struct site *site,
                const struct log_map *map,
                const char *const *paths,
                uint32_t count,
                log_bad_fn bad,
                void *ctx,
                struct err *err)
{
    struct err own; /* Callers may not want to know. */
    struct log_reader *r = calloc(1, sizeof *r);

    err = err != NULL ? err : &own;
    if (r == NULL) {
        return err_set(err, ERR_NOMEM, "log reader");
    }
    r->site = site;
    r->tell_bad = bad;
    r->ctx = ctx;
    r->given = NONE_INDEX;
    if (log_names_new(&r->names, site, err) != 0 ||
        files_open(r, map, paths, count, err) != 0) {
        log_reader_close(r);
        return err->code;
    }
    *out = r;
    return 0;
}

void
log_reader_close(struct log_reader *r)
{
    if (r == NULL) {
        return;
    }
    for (uint32_t i = 0; i < r->file_count; i++) {
        struct log_file *f = &r->files[i];

        log_lines_close(&f->lines);
        log_header_fini(&f->header);
        free(f->row);
        free(f->frame);
        free(f->path);
    }
    free(r->files);
    log_names_free(r->names);
    free(r);
}

void
log_reader_stop(struct log_reader *r)
{
    r->stopped = r->bad_file != NULL;
}

const struct frame *
log_reader_next(struct log_reader *r)
{
    uint32_t first = NONE_INDEX;

    for (uint32_t i = 0; !r->begun && i < r->file_count; i++) {
        next_frame(r, &r->files[i]);
    }
    r->begun = true;
    if (r->given != NONE_INDEX) {
        next_frame(r, &r->files[r->given]);
        r->given = NONE_INDEX;
    }
    for (uint32_t i = 0; i < r->file_count; i++) {
        if (r->files[i].has_frame &&
            (first == NONE_INDEX ||
             r->files[i].frame->t_ms < r->files[first].frame->t_ms)) {
            first = i;
        }
    }
    if (first == NONE_INDEX || (r->stopped && !r->bad_file->has_frame)) {
        return NULL; /* What the others have left is later than the bad row. */
    }
    r->given = first;
    return r->files[first].frame;
}

uint64_t
log_reader_rows(const struct log_reader *r)
{
    return r->rows;
}

uint64_t
log_reader_bad(const struct log_reader *r)
{
    return r->bad;
}

int64_t
log_reader_last_row(const struct log_reader *r)
{
    int64_t last_ms = INSTANT_NONE;

    for (uint32_t i = 0; i < r->file_count; i++) {
        int64_t newest_ms = r->files[i].newest_ms;

        last_ms = newest_ms > last_ms ? newest_ms : last_ms;
    }
    return last_ms;
}

void
log_reader_progress(const struct log_reader *r, uint64_t *done, uint64_t *total)
{
    *done = *total = 0;
    for (uint32_t i = 0; i < r->file_count; i++) {
        *done += r->files[i].lines.done;
        *total += r->files[i].lines.total;
    }
}
