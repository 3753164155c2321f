/* Of history_tail.h: from the tail into chunks. */
#include <stdlib.h>
#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/history_tail_internal.h"

#define JOBS_MAX  32    /* Devices packed in one pass over the tail. */
#define CELLS_MIN 32768 /* Packed with one flush, at least. */
#define GAP_MS                                                                         \
    INT64_C(21600000)      /* A chunk has no hole that is longer: frames of            \
                              another day are no neighbours. */
#define GROW_ROWS_MAX 4096 /* A chunk that small ones are put together to. */
#define NEW_KEY       (-1)

/* A device on its way. */
struct job {
    uint32_t device;
    int64_t packed, seq; /* Before; now. */
    bool full;           /* It takes no more. */
    int64_t untrusted;   /* All of the sheet. */
    int64_t shift;
    struct sheet sheet;
};

static uint64_t
cells_of(const struct waiting *w)
{
    return w->rows * (w->columns > 0 ? w->columns : 1);
}

static bool
is_due(const struct history_tail *t, const struct waiting *w, bool all)
{
    return w->first_seq != 0 &&
           (all || w->rows >= PACK_ROWS || cells_of(w) >= PACK_CELLS_MAX ||
            t->next_seq - w->first_seq >= t->age);
}

static bool
is_chosen(const struct job *jobs, size_t count, uint32_t device)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].device == device) {
            return true;
        }
    }
    return false;
}

/* Those that have waited longest, within the budget. */
static size_t
choose(struct history_tail *t, bool all, uint64_t *left, struct job *jobs)
{
    uint64_t budget = *left < PACK_CELLS_MAX ? *left : PACK_CELLS_MAX, used = 0;
    size_t count = 0;
    while (count < JOBS_MAX && used < budget) {
        const struct waiting *best = NULL;
        for (uint32_t i = 0; i < t->waiting_count; i++) {
            const struct waiting *w = &t->waiting[i];
            if (is_due(t, w, all) && (best == NULL || w->first_seq < best->first_seq) &&
                !is_chosen(jobs, count, i)) {
                best = w;
            }
        }
        if (best == NULL || (count > 0 && used + cells_of(best) > budget)) {
            break;
        }
        jobs[count++] = (struct job){.device = (uint32_t)(best - t->waiting),
                                     .packed = best->packed,
                                     .seq = best->packed};
        used += cells_of(best);
    }
    *left -= used < *left ? used : *left;
    return count;
}

/* ---- chunks ---- */

static int
insert_chunk(struct history_tail *t,
             const struct job *job,
             int64_t key,
             const struct sheet *s,
             uint32_t first,
             uint32_t count,
             struct err *err)
{
    sqlite3_stmt *stmt = t->kept[TAIL_SQL_CHUNK];
    const uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t samples = 0;
    int rc = chunk_sheet_encode(t->encoder, s, first, count, t->scaling, t->scaling_ctx,
                                &bytes, &size, &samples);
    if (rc != 0) {
        return err_set(err, (enum err_code)rc, "history: a chunk cannot be made");
    }
    if (key == NEW_KEY) {
        sqlite3_bind_null(stmt, 1);
    } else {
        sqlite3_bind_int64(stmt, 1, key);
    }
    sqlite3_bind_int64(stmt, 2, job->device);
    sqlite3_bind_int64(stmt, 3, s->t_ms[first] + job->shift);
    sqlite3_bind_int64(stmt, 4, s->t_ms[first + count - 1] + job->shift);
    sqlite3_bind_int64(stmt, 5, job->untrusted);
    sqlite3_bind_int64(stmt, 6, job->shift);
    sqlite3_bind_int64(stmt, 7, (int64_t)samples);
    sqlite3_bind_blob64(stmt, 8, bytes, size, SQLITE_STATIC);
    rc = history_tail_run(t, TAIL_SQL_CHUNK, err);
    if (rc == 0 && job->untrusted == 0) {
        struct waiting *w = &t->waiting[job->device];
        int64_t t1 = s->t_ms[first + count - 1] + job->shift;
        w->oldest_ms = w->unrolled == 0 || t1 < w->oldest_ms ? t1 : w->oldest_ms;
        w->unrolled += key == NEW_KEY || w->unrolled == 0;
    }
    return rc;
}

/* A short chunk that ends right before the job's first frame is written anew together
 * with it, under its key: `before` holds both then.  It may be up to twice as long as
 * what is put behind it, so that a frame is written but a few times. */
static int
join_last(struct history_tail *t, const struct job *job, int64_t *key, struct err *err)
{
    sqlite3_stmt *row = t->kept[TAIL_SQL_LAST_CHUNK];
    const struct sheet *s = &job->sheet;
    int rc = 0;
    *key = NEW_KEY;
    sqlite3_bind_int64(row, 1, job->device);
    int step = sqlite3_step(row);
    if (step == SQLITE_ROW && s->rows < PACK_ROWS / 2 &&
        sqlite3_column_int64(row, 0) > t->waiting[job->device].rolled &&
        sqlite3_column_int64(row, 1) <= s->t_ms[0] + job->shift &&
        s->t_ms[0] + job->shift - sqlite3_column_int64(row, 1) <= GAP_MS &&
        sqlite3_column_int64(row, 2) == job->untrusted &&
        sqlite3_column_int64(row, 3) == job->shift &&
        sqlite3_column_int64(row, 4) <= 2 * (int64_t)s->rows * s->columns) {
        enum chunk_result r =
            chunk_sheet_read(sqlite3_column_blob(row, 5),
                             (size_t)sqlite3_column_bytes(row, 5), 0, &t->before);
        if (r == CHUNK_DAMAGED) {
            scrub_suspect(&t->suspects, SCRUB_CHUNK, sqlite3_column_int64(row, 0));
        }
        uint32_t columns = sheet_columns_with(&t->before, s);
        uint32_t rows = t->before.rows + s->rows;
        if (r == CHUNK_READ && t->before.rows <= 2 * s->rows && rows <= GROW_ROWS_MAX &&
            columns <= CHUNK_COLUMNS_MAX && rows * columns <= PACK_CELLS_MAX &&
            sheet_append(&t->before, s, 0, s->rows)) {
            *key = sqlite3_column_int64(row, 0);
        }
    } else if (step != SQLITE_ROW && step != SQLITE_DONE) {
        rc = db_error(t->db, err, "read");
    }
    sqlite3_reset(row);
    return rc;
}

/* The next rows that belong together. */
static uint32_t
piece(const struct sheet *s, uint32_t first)
{
    uint32_t most = PACK_CELLS_MAX / (s->columns > 0 ? s->columns : 1);
    uint32_t at = first + 1;
    most = most < CHUNK_ROWS_MAX ? most : CHUNK_ROWS_MAX;
    while (at < s->rows && at - first < most &&
           s->t_ms[at] - s->t_ms[at - 1] <= GAP_MS) {
        at++;
    }
    return at - first;
}

static int
put_chunks(struct history_tail *t, struct job *job, struct err *err)
{
    struct sheet *s = &job->sheet;
    int64_t key = NEW_KEY;
    if (s->rows == 0) {
        return 0;
    }
    if (!sheet_sort(s)) {
        return err_set(err, ERR_NOMEM, "history");
    }
    int rc = piece(s, 0) == s->rows ? join_last(t, job, &key, err) : 0;
    if (rc == 0 && key != NEW_KEY) {
        rc = insert_chunk(t, job, key, &t->before, 0, t->before.rows, err);
    } else {
        for (uint32_t at = 0, count; rc == 0 && at < s->rows; at += count) {
            count = piece(s, at);
            rc = insert_chunk(t, job, NEW_KEY, s, at, count, err);
        }
    }
    sheet_clear(s);
    return rc;
}

/* ---- the pass over the tail ---- */

/* Puts a section behind what the job has, in chunks of their own where they do not go
 * together. */
static int
take_section(struct history_tail *t,
             struct job *job,
             int64_t untrusted,
             int64_t shift,
             struct err *err)
{
    struct sheet *s = &job->sheet;
    int rc = 0;
    if (s->rows > 0 &&
        (job->untrusted != untrusted || job->shift != shift ||
         sheet_columns_with(s, &t->section) > CHUNK_COLUMNS_MAX ||
         (uint64_t)(s->rows + t->section.rows) * sheet_columns_with(s, &t->section) >
             PACK_CELLS_MAX)) {
        rc = put_chunks(t, job, err);
    }
    job->untrusted = untrusted;
    job->shift = shift;
    if (rc == 0 && !sheet_append(s, &t->section, 0, t->section.rows)) {
        rc = err_set(err, ERR_NOMEM, "history");
    }
    return rc;
}

static int
take_row(struct history_tail *t,
         sqlite3_stmt *row,
         struct job *jobs,
         size_t count,
         struct err *err)
{
    int64_t seq = sqlite3_column_int64(row, 0);
    const void *bytes = sqlite3_column_blob(row, 3);
    struct tail tail;
    struct tail_part part = {0};
    int rc = 0;
    if (!tail_open(&tail, bytes, (size_t)sqlite3_column_bytes(row, 3))) {
        return history_tail_set_aside(t, row, NULL, err);
    }
    while (rc == 0 && tail_next(&tail, &part)) {
        size_t i = 0;
        while (i < count && jobs[i].device != part.device) {
            i++;
        }
        if (i == count || seq <= jobs[i].packed) {
            continue;
        }
        enum tail_result r = tail_read(&tail, &part, &t->section);
        if (r == TAIL_NOMEM) {
            rc = err_set(err, ERR_NOMEM, "history");
        } else if (r == TAIL_DAMAGED) {
            rc = history_tail_set_aside(t, row, &part, err);
        } else {
            rc = take_section(t, &jobs[i], sqlite3_column_int64(row, 1),
                              sqlite3_column_int64(row, 2), err);
        }
    }
    return rc;
}

static int
read_jobs(struct history_tail *t, struct job *jobs, size_t count, struct err *err)
{
    sqlite3_stmt *row = t->kept[TAIL_SQL_READ];
    int64_t from = INT64_MAX;
    int step = SQLITE_DONE, rc = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t before = t->waiting[jobs[i].device].first_seq - 1;
        from = before < from ? before : from;
    }
    sqlite3_bind_int64(row, 1, from);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = take_row(t, row, jobs, count, err);
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(t->db, err, "read") : rc;
    sqlite3_reset(row);
    return rc;
}

static int
finish_job(struct history_tail *t, struct job *job, struct err *err)
{
    struct waiting *w = &t->waiting[job->device];
    int rc = put_chunks(t, job, err);
    if (rc == 0) {
        sqlite3_bind_int64(t->kept[TAIL_SQL_PACKED], 1, job->device);
        sqlite3_bind_int64(t->kept[TAIL_SQL_PACKED], 2, t->next_seq - 1);
        rc = history_tail_run(t, TAIL_SQL_PACKED, err);
    }
    w->packed = t->next_seq - 1;
    w->rows = 0;
    w->first_seq = 0;
    return rc;
}

int
history_tail_pack(struct history_tail *t, bool all, struct err *err)
{
    struct job jobs[JOBS_MAX];
    size_t count;
    int rc = history_tail_know(t, err);
    uint64_t left = all ? UINT64_MAX : 2 * t->cells + CELLS_MIN;
    do {
        count = rc == 0 ? choose(t, all, &left, jobs) : 0;
        rc = rc == 0 && count > 0 ? read_jobs(t, jobs, count, err) : rc;
        for (size_t i = 0; i < count; i++) {
            rc = rc == 0 ? finish_job(t, &jobs[i], err) : rc;
            sheet_free(&jobs[i].sheet);
        }
    } while (rc == 0 && count > 0 && left > 0);
    t->cells = 0;
    return rc == 0 ? history_tail_trim(t, err) : rc;
}
