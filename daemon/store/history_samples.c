#include "daemon/store/history_samples.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/db.h"
#include "daemon/store/history_schema.h"

/* One sample of the device and time being gathered. */
struct gathered {
    struct blob_sample sample;
    const char *point; /* Borrowed from the names. */
    uint32_t order;    /* As read: the earlier of two frames comes first. */
    bool untrusted;
};

struct history_samples {
    sqlite3 *db;
    struct history_names *names;
    struct history_cursor *cursor;
    struct history_row row; /* Read, and not gathered yet. */
    bool more;              /* It is one. */
    bool one_point; /* Then nothing is gathered: there is no order to be made. */
    struct history_run run; /* What follows the row; */
    size_t run_at;          /* as far as it was given. */
    struct gathered *gathered;
    size_t count, capacity, at;
    struct history_sample shown;
    struct history_damage damage; /* Beside what the cursor met. */
};

static const char *
file_of(sqlite3 *db)
{
    const char *file = sqlite3_db_filename(db, "main");
    return file != NULL ? file : HISTORY_FILE;
}

/* ---- names ---- */

void
history_names_fini(struct history_names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free(n->ids[i]);
    }
    free(n->ids);
    sqlite3_finalize(n->ask);
    *n = (struct history_names){0};
}

static int
keep_name(
    struct history_names *n, sqlite3 *db, uint32_t key, const char *id, struct err *err)
{
    if (key >= n->count) {
        size_t count = n->count == 0 ? 256 : n->count;
        while (count <= key) {
            count *= 2;
        }
        char **ids = realloc(n->ids, count * sizeof *ids);
        if (ids == NULL) {
            return err_set(err, ERR_NOMEM, "%s", file_of(db));
        }
        memset(ids + n->count, 0, (count - n->count) * sizeof *ids);
        n->ids = ids;
        n->count = count;
    }
    n->ids[key] = strdup(id != NULL ? id : "");
    return n->ids[key] != NULL ? 0 : err_set(err, ERR_NOMEM, "%s", file_of(db));
}

static int
ask_name(struct history_names *n, sqlite3 *db, uint32_t key, struct err *err)
{
    int rc = n->ask == NULL
                 ? db_prepare(db, &n->ask, "SELECT id FROM point WHERE key = ?1", err)
                 : 0;
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(n->ask, 1, key);
    int step = sqlite3_step(n->ask);
    if (step == SQLITE_ROW) {
        rc = keep_name(n, db, key, (const char *)sqlite3_column_text(n->ask, 0), err);
    } else if (step != SQLITE_DONE) {
        rc = db_error(db, err, "read");
    }
    sqlite3_reset(n->ask);
    return rc;
}

/* NULL: it has none; what is of it is damaged. */
static int
name_of(struct history_samples *s, uint32_t key, const char **out, struct err *err)
{
    struct history_names *n = s->names;
    int rc = key < n->count && n->ids[key] != NULL ? 0 : ask_name(n, s->db, key, err);
    if (rc == 0) {
        *out = key < n->count ? n->ids[key] : NULL;
    }
    if (rc == 0 && *out == NULL) {
        history_damage_add(&s->damage, s->row.device_id, s->row.t_ms, s->row.t_ms);
    }
    return rc;
}

/* ---- gathering ---- */

/* Adds the samples of the row to those of its device and time. */
static int
gather(struct history_samples *s, struct err *err)
{
    const struct history_row *row = &s->row;
    if (s->count + row->count > s->capacity) {
        size_t capacity = 2 * (s->count + row->count);
        struct gathered *grown = realloc(s->gathered, capacity * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "%s", file_of(s->db));
        }
        s->gathered = grown;
        s->capacity = capacity;
    }
    for (size_t i = 0; i < row->count; i++) {
        struct gathered *g = &s->gathered[s->count];
        *g = (struct gathered){.sample = row->samples[i],
                               .order = (uint32_t)s->count,
                               .untrusted = row->untrusted};
        int rc = name_of(s, row->samples[i].key, &g->point, err);
        if (rc != 0) {
            return rc;
        }
        s->count += g->point != NULL;
    }
    return 0;
}

static int
by_point(const void *left, const void *right)
{
    const struct gathered *a = left;
    const struct gathered *b = right;
    int order = strcmp(a->point, b->point);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* All samples of the next moment and device that has some; none at the end. */
static int
gather_next(struct history_samples *s, struct err *err)
{
    int rc = 0;
    s->count = s->at = 0;
    while (rc == 0 && s->more && s->count == 0) {
        int64_t t_ms = s->shown.t_ms = s->row.t_ms;
        const char *device = s->shown.device = s->row.device_id;
        while (rc == 0 && s->more && s->row.t_ms == t_ms &&
               s->row.device_id == device) {
            rc = gather(s, err);
            rc = rc == 0 ? history_cursor_next(s->cursor, &s->row, &s->more, err) : rc;
        }
    }
    for (size_t i = 1; i < s->count; i++) {
        /* In order already, unless two frames of one time met here. */
        if (by_point(&s->gathered[i - 1], &s->gathered[i]) > 0) {
            qsort(s->gathered, s->count, sizeof *s->gathered, by_point);
            break;
        }
    }
    return rc;
}

/* ---- one point ---- */

/* The next one of the run; false when there is none. */
static bool
show_of_run(struct history_samples *s)
{
    const struct history_run *run = &s->run;
    while (s->run_at < run->count) {
        size_t i = s->run_at++;
        if (run->statuses[i] != CHUNK_ABSENT) {
            s->shown.t_ms = run->t_ms[i];
            s->shown.value = run->values[i];
            s->shown.quality = CHUNK_QUALITY(run->statuses[i]);
            s->shown.detail = CHUNK_DETAIL(run->statuses[i]);
            s->shown.clock_untrusted = (run->flags[i] & FRAME_CLOCK_UNTRUSTED) != 0;
            return true;
        }
    }
    return false;
}

/* The next one behind the run; false at the end. */
static int
show_row(struct history_samples *s, bool *shown, struct err *err)
{
    const struct history_row *row = &s->row;
    int rc;
    s->run = (struct history_run){.count = 0};
    *shown = false;
    do { /* Nothing but damage is no sample. */
        rc = history_cursor_next(s->cursor, &s->row, &s->more, err);
    } while (rc == 0 && s->more && row->count == 0);
    if (rc != 0 || !s->more) {
        return rc;
    }
    s->shown = (struct history_sample){.t_ms = row->t_ms,
                                       .device = row->device_id,
                                       .value = row->samples[0].value,
                                       .quality = (enum quality)row->samples[0].quality,
                                       .detail = row->samples[0].detail,
                                       .clock_untrusted = row->untrusted};
    rc = name_of(s, row->samples[0].key, &s->shown.point, err);
    *shown = rc == 0;
    history_cursor_run(s->cursor, &s->run);
    s->run_at = 0;
    return rc;
}

/* ---- what the header promises ---- */

int
history_samples_open(struct history_samples **out,
                     sqlite3 *db,
                     struct history_names *names,
                     const struct history_filter *filter,
                     struct err *err)
{
    struct history_samples *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    s->db = db;
    s->names = names;
    s->one_point = filter->device != NULL && filter->point != NULL;
    int rc = history_cursor_open(&s->cursor, db, filter, err);
    rc = rc == 0 && !s->one_point
             ? history_cursor_next(s->cursor, &s->row, &s->more, err)
             : rc;
    if (rc != 0) {
        history_samples_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void
history_samples_close(struct history_samples *s)
{
    if (s != NULL) {
        history_cursor_close(s->cursor);
        free(s->gathered);
        free(s);
    }
}

void
history_samples_damage(const struct history_samples *s, struct history_damage *d)
{
    history_damage_join(d, history_cursor_damage(s->cursor));
    history_damage_join(d, &s->damage);
}

int
history_samples_next(struct history_samples *s,
                     const struct history_sample **out,
                     struct err *err)
{
    int rc = 0;
    if (s->one_point) {
        bool shown = show_of_run(s);
        rc = shown ? 0 : show_row(s, &shown, err);
        *out = shown ? &s->shown : NULL;
        return rc;
    }
    rc = s->at == s->count ? gather_next(s, err) : 0;
    if (rc != 0 || s->count == 0) {
        *out = NULL;
        return rc;
    }
    const struct gathered *g = &s->gathered[s->at++];
    s->shown.point = g->point;
    s->shown.value = g->sample.value;
    s->shown.quality = (enum quality)g->sample.quality;
    s->shown.detail = g->sample.detail;
    s->shown.clock_untrusted = g->untrusted;
    *out = &s->shown;
    return 0;
}
