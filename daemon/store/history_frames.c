#include "daemon/store/history_frames.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/history_cursor.h"
#include "daemon/store/history_schema.h"

/* Rows of one read transaction: as long as one is open, the daemon's log file cannot be
 * folded back into the database.  Each begins with whole chunks of all devices, which
 * must not be read many times. */
#define ROWS_AT_ONCE 200000

/* Which index of the site a key of the file is. */
struct key_table {
    uint32_t *index; /* NONE_INDEX: not in the site. */
    size_t count;
};

/* A frame of the moment that is being given out. */
struct entry {
    size_t at; /* In `bytes`. */
    uint32_t device;
};

struct history_frames {
    const struct site *site;
    struct history_frames_options options;
    char path[DB_PATH_BYTES];
    sqlite3 *db;
    struct history_cursor *rows; /* NULL: no transaction is open. */
    struct history_row row;
    int64_t from_ms, to_ms;
    int64_t next_ms; /* Where the next transaction begins; INSTANT_MAX: nowhere. */
    bool stopped;
    bool in_rows; /* `row` is not taken yet. */
    uint64_t rows_here;
    struct key_table devices, points;
    /* All frames of one moment, so that they can be put in order of devices. */
    unsigned char *bytes;
    size_t size, capacity;
    struct entry *entries;
    size_t entry_count, entry_given, entry_capacity;
    struct history_frames_counts counts;
    bool told; /* Of earlier damage. */
};

/* ---- keys ---- */

static uint32_t
index_of(const struct key_table *t, int64_t key)
{
    return key >= 0 && (uint64_t)key < t->count ? t->index[key] : NONE_INDEX;
}

static int
table_set(struct key_table *t, int64_t key, uint32_t index, struct err *err)
{
    if (key < 0 || key > UINT32_MAX) {
        return err_set(err, ERR_IO, "a key of the history is no 32-bit number");
    }
    if ((uint64_t)key >= t->count) {
        size_t count = t->count > 0 ? t->count : 256;
        while (count <= (uint64_t)key) {
            count *= 2;
        }
        uint32_t *grown = realloc(t->index, count * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        memset(grown + t->count, 0xFF, (count - t->count) * sizeof *grown);
        t->index = grown;
        t->count = count;
    }
    t->index[key] = index;
    return 0;
}

static const char *
text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text != NULL ? text : "";
}

/* Reads the names anew: the daemon may have met new points since. */
static int
learn_keys(struct history_frames *h, struct err *err)
{
    static const char sql[] = "SELECT p.key, d.key, p.id, d.id FROM point p JOIN "
                              "device d ON d.key = p.device";
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = db_prepare(h->db, &row, sql, err);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        uint32_t d = site_device(h->site, text_at(row, 3));
        uint32_t p =
            d != NONE_INDEX ? site_point(h->site, d, text_at(row, 2)) : NONE_INDEX;
        rc = table_set(&h->points, sqlite3_column_int64(row, 0), p, err);
        if (rc == 0) {
            rc = table_set(&h->devices, sqlite3_column_int64(row, 1), d, err);
        }
    }
    if (rc == 0 && step != SQLITE_DONE) {
        rc = db_error(h->db, err, "read");
    }
    sqlite3_finalize(row);
    return rc;
}

/* ---- rows ---- */

static void
bad_row(struct history_frames *h, int64_t t_ms)
{
    const struct loc loc = {.file = h->path};
    char t[INSTANT_TEXT_BYTES], text[INSTANT_TEXT_BYTES + 40];

    h->counts.bad++;
    snprintf(text, sizeof text, tr("the frame of %s is damaged"),
             instant_format_utc(t, t_ms));
    if (h->options.bad != NULL) {
        h->options.bad(h->options.ctx, &loc, text);
    }
}

/* A new frame behind the others of this moment, with room for every reading; NULL:
 * memory. */
static struct frame *
new_frame(struct history_frames *h)
{
    if (h->size + FRAME_BYTES_MAX > h->capacity) {
        size_t capacity = 2 * (h->size + FRAME_BYTES_MAX);
        unsigned char *grown = realloc(h->bytes, capacity);
        if (grown == NULL) {
            return NULL;
        }
        h->bytes = grown;
        h->capacity = capacity;
    }
    if (h->entry_count == h->entry_capacity) {
        size_t capacity = h->entry_capacity > 0 ? 2 * h->entry_capacity : 64;
        struct entry *grown = realloc(h->entries, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        h->entries = grown;
        h->entry_capacity = capacity;
    }
    return (struct frame *)(void *)(h->bytes + h->size);
}

/* Fills `f` from the row; false when a point is another device's. */
static bool
fill(struct history_frames *h, struct frame *f)
{
    const struct device *device = &h->site->devices[f->device];
    uint32_t before = 0;
    bool ordered = true;

    f->count = 0;
    for (size_t i = 0; i < h->row.count; i++) {
        const struct blob_sample *s = &h->row.samples[i];
        uint32_t point = index_of(&h->points, s->key);
        if (point == NONE_INDEX) {
            h->counts.unknown++;
            continue;
        }
        if (point - device->first_point >= device->point_count) {
            return false;
        }
        ordered = ordered && (f->count == 0 || point > before);
        before = point;
        f->readings[f->count++] = (struct reading){.value = s->value,
                                                   .point = point,
                                                   .quality = s->quality,
                                                   .detail = s->detail};
    }
    for (uint16_t i = 1; !ordered && i < f->count; i++) {
        const struct reading r = f->readings[i];
        uint16_t at = i;
        for (; at > 0 && f->readings[at - 1].point > r.point; at--) {
            f->readings[at] = f->readings[at - 1];
        }
        f->readings[at] = r;
    }
    return true;
}

/* Puts the row to the frames of its moment. */
static int
take_row(struct history_frames *h, struct err *err)
{
    uint32_t device = index_of(&h->devices, h->row.device);
    int64_t t_ms = h->row.t_ms;

    h->counts.rows++;
    h->counts.last_ms = t_ms;
    if (h->row.damaged) {
        bad_row(h, t_ms);
        return 0;
    }
    if (device == NONE_INDEX) {
        h->counts.unknown += h->row.count;
        return 0;
    }
    struct frame *f = new_frame(h);
    if (f == NULL) {
        return err_set(err, ERR_NOMEM, "%s", h->path);
    }
    f->t_ms = t_ms;
    f->device = device;
    f->flags = h->row.untrusted ? FRAME_CLOCK_UNTRUSTED : 0;
    if (!fill(h, f)) {
        bad_row(h, t_ms);
    } else if (f->count > 0) {
        h->entries[h->entry_count++] = (struct entry){h->size, device};
        h->size += frame_bytes(f->count);
    }
    return 0;
}

static int
by_device(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    return a->device != b->device ? (a->device > b->device) - (a->device < b->device)
                                  : (a->at > b->at) - (a->at < b->at);
}

/* In order of devices, and those of one as recorded: nearly always so already. */
static void
order_entries(struct history_frames *h)
{
    for (size_t i = 1; i < h->entry_count; i++) {
        if (h->entries[i - 1].device > h->entries[i].device) {
            qsort(h->entries, h->entry_count, sizeof *h->entries, by_device);
            return;
        }
    }
}

static int
begin_rows(struct history_frames *h, struct err *err)
{
    const struct history_filter filter = {
        .from_ms = h->next_ms,
        .to_ms = h->to_ms,
        .device = h->options.device != NONE_INDEX
                      ? h->site->devices[h->options.device].id
                      : NULL};
    int rc = db_exec(h->db, "BEGIN", err);
    rc = rc == 0 ? learn_keys(h, err) : rc;
    h->rows_here = 0;
    if (rc == 0 && !h->told) { /* What the writer has set aside is no row. */
        struct history_damage damage = {0};
        rc = history_damage_set_aside(&damage, h->db, filter.from_ms, filter.to_ms,
                                      filter.device, err);
        history_damage_log(&damage, h->path);
        h->told = true;
    }
    return rc == 0 ? history_cursor_open(&h->rows, h->db, &filter, err) : rc;
}

static void
end_rows(struct history_frames *h)
{
    history_cursor_close(h->rows);
    h->rows = NULL;
    h->in_rows = false;
    if (h->db != NULL && sqlite3_get_autocommit(h->db) == 0) {
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL); /* It only read. */
    }
}

/* Stands on the next row, in a new transaction when the last one is over.  0 at the end
 * (next_ms is INSTANT_MAX then) or on a row. */
static int
step(struct history_frames *h, struct err *err)
{
    int rc = h->rows == NULL ? begin_rows(h, err) : 0;
    rc = rc == 0 ? history_cursor_next(h->rows, &h->row, &h->in_rows, err) : rc;
    if (rc == 0 && h->in_rows) {
        h->rows_here++;
        return 0;
    }
    h->next_ms = INSTANT_MAX;
    end_rows(h);
    return rc;
}

/* Reads all frames of the next moment that has any. */
static int
gather(struct history_frames *h, struct err *err)
{
    h->size = h->entry_count = h->entry_given = 0;
    while (h->entry_count == 0 && h->next_ms != INSTANT_MAX && !h->stopped) {
        int rc = h->in_rows ? 0 : step(h, err);
        int64_t t_ms = h->in_rows ? h->row.t_ms : INSTANT_NONE;
        while (rc == 0 && h->in_rows && !h->stopped && h->row.t_ms == t_ms) {
            rc = take_row(h, err);
            rc = rc == 0 ? step(h, err) : rc;
        }
        if (rc != 0) {
            h->next_ms = INSTANT_MAX;
            return rc;
        }
        if (h->in_rows && h->rows_here >= ROWS_AT_ONCE) {
            h->next_ms = h->row.t_ms;
            end_rows(h);
        }
    }
    order_entries(h);
    return 0;
}

/* ---- open, next, close ---- */

/* The least and the greatest time of all there is. */
static int
whole_span(struct history_frames *h, int64_t *first, int64_t *last, struct err *err)
{
    static const char *const firsts[] = {"SELECT min(t0) FROM chunk",
                                         "SELECT min(t0) FROM tail",
                                         "SELECT min(t) FROM frame"};
    static const char *const lasts[] = {"SELECT max(t1) FROM chunk",
                                        "SELECT max(t1) FROM tail",
                                        "SELECT max(t) FROM frame"};
    bool has_frames = false;
    int64_t one;
    int rc = history_has_frames(h->db, &has_frames, err);
    *first = INSTANT_MAX;
    *last = INSTANT_NONE;
    for (size_t i = 0; rc == 0 && i < (has_frames ? 3 : 2); i++) {
        rc = db_int(h->db, firsts[i], INSTANT_MAX, &one, err);
        *first = rc == 0 && one < *first ? one : *first;
        rc = rc == 0 ? db_int(h->db, lasts[i], INSTANT_NONE, &one, err) : rc;
        *last = rc == 0 && one > *last ? one : *last;
    }
    return rc;
}

static int
open_file(struct history_frames *h, struct err *err)
{
    int64_t first, last;
    int rc = db_path(h->path, h->options.dir, HISTORY_FILE, err);
    rc = rc == 0 ? db_open(&h->db, h->path, DB_READ, err) : rc;
    rc = rc == 0 ? db_check_version(h->db, HISTORY_SCHEMA_VERSION, err) : rc;
    rc = rc == 0 ? db_exec(h->db, "BEGIN", err) : rc;
    rc = rc == 0 ? whole_span(h, &first, &last, err) : rc;
    end_rows(h);
    if (rc == 0) {
        h->from_ms = h->options.from_ms > first ? h->options.from_ms : first;
        h->to_ms = h->options.to_ms < last ? h->options.to_ms : last;
        h->next_ms = h->from_ms <= h->to_ms ? h->from_ms : INSTANT_MAX;
    }
    return rc;
}

int
history_frames_open(struct history_frames **out,
                    const struct site *site,
                    const struct history_frames_options *options,
                    struct err *err)
{
    struct err local = {0};
    struct history_frames *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    h->site = site;
    h->options = *options;
    h->counts.last_ms = INSTANT_NONE;
    int rc = open_file(h, &local);
    if (rc != 0) {
        history_frames_close(h);
        return err_set(err, local.code, "%s", local.text);
    }
    *out = h;
    return 0;
}

void
history_frames_close(struct history_frames *h)
{
    if (h == NULL) {
        return;
    }
    end_rows(h);
    db_close(h->db);
    free(h->devices.index);
    free(h->points.index);
    free(h->bytes);
    free(h->entries);
    free(h);
}

void
history_frames_stop(struct history_frames *h)
{
    h->stopped = true;
}

const struct frame *
history_frames_next(struct history_frames *h, struct err *err)
{
    err->code = 0;
    if (h->entry_given == h->entry_count && gather(h, err) != 0) {
        return NULL;
    }
    if (h->entry_given == h->entry_count) {
        return NULL;
    }
    return (const struct frame *)(const void *)(h->bytes +
                                                h->entries[h->entry_given++].at);
}

struct history_frames_counts
history_frames_counts(const struct history_frames *h)
{
    struct history_frames_counts out = h->counts;

    if (h->from_ms <= h->to_ms) {
        out.total = (uint64_t)(h->to_ms - h->from_ms) / 1000 + 1;
        out.done = h->next_ms == INSTANT_MAX && !h->in_rows ? out.total
                   : out.last_ms != INSTANT_NONE
                       ? (uint64_t)(out.last_ms - h->from_ms) / 1000
                       : 0;
    }
    return out;
}
