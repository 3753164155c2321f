/* Of history_series.h: the newest sample of each point. */
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/history_points.h"
#include "daemon/store/history_reader.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/history_series.h"
#include "daemon/store/tail.h"

#define CHUNKS_TRIED 8  /* Of a device, the newest; a point may be missing in some. */
#define BLOCKS_TRIED 32 /* Of hours, behind these. */

struct newest {
    bool found, untrusted, in_tail;
    int64_t t_ms;
    double value;
    uint16_t status;
};

struct looking {
    struct history_reader *reader;
    struct history_points list;
    struct newest *newest; /* By place. */
    struct sheet sheet;
};

static int
no_memory(const struct looking *x, struct err *err)
{
    return err_set(err, ERR_NOMEM, "%s", x->reader->path);
}

/* What is dated by a clock that may be wrong only counts where there is nothing else.
 * Of samples of one time the one that was recorded last counts: it comes later in a
 * sheet, and in the tail.  `older`: recorded before all that was looked at so far. */
static bool
is_newer(const struct newest *n, int64_t t_ms, bool untrusted, bool older)
{
    if (!n->found || n->untrusted != untrusted) {
        return !n->found || n->untrusted;
    }
    return older ? t_ms > n->t_ms : t_ms >= n->t_ms;
}

static void
take_sheet(
    struct looking *x, const struct sheet *s, int64_t shift, bool untrusted, bool tail)
{
    for (uint32_t k = 0; k < s->columns; k++) {
        uint32_t place = history_points_place(&x->list, s->keys[k]);
        struct newest *n = place != 0 ? &x->newest[place - 1] : NULL;
        for (uint32_t i = 0; n != NULL && i < s->rows; i++) {
            int64_t t = (int64_t)((uint64_t)s->t_ms[i] + (uint64_t)shift);
            if (sheet_statuses(s, k)[i] != CHUNK_ABSENT &&
                is_newer(n, t, untrusted, !tail && n->in_tail)) {
                *n = (struct newest){.found = true,
                                     .untrusted = untrusted,
                                     .in_tail = tail,
                                     .t_ms = t,
                                     .value = sheet_values(s, k)[i],
                                     .status = sheet_statuses(s, k)[i]};
            }
        }
    }
}

/* Whether all points of a device are known, and none can be newer before `t1`. */
static bool
is_settled(const struct looking *x, const struct history_device *d, int64_t t1)
{
    for (uint32_t i = d->first; i < d->first + d->count; i++) {
        const struct newest *n = &x->newest[i];
        if (!n->found || n->untrusted || n->t_ms < t1) {
            return false;
        }
    }
    return true;
}

static bool
all_settled(const struct looking *x, int64_t t1)
{
    for (size_t i = 0; i < x->list.device_count; i++) {
        if (!is_settled(x, &x->list.devices[i], t1)) {
            return false;
        }
    }
    return true;
}

/* ---- the tail ---- */

static int
look_into_row(
    struct looking *x, sqlite3_stmt *fetch, int64_t seq, int64_t t1, struct err *err)
{
    struct tail tail = {.bytes = NULL};
    struct tail_part part = {0};
    int rc = 0;
    sqlite3_bind_int64(fetch, 1, seq);
    int step = sqlite3_step(fetch);
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        rc = db_error(x->reader->db, err, "read");
    }
    bool whole =
        step == SQLITE_ROW && tail_open(&tail, sqlite3_column_blob(fetch, 2),
                                        (size_t)sqlite3_column_bytes(fetch, 2));
    while (rc == 0 && whole && tail_next(&tail, &part)) {
        uint32_t rank = history_points_rank(&x->list, part.device);
        const struct history_device *d = rank != 0 ? &x->list.devices[rank - 1] : NULL;
        if (d == NULL || seq <= d->packed || is_settled(x, d, t1)) {
            continue;
        }
        enum tail_result r = tail_read(&tail, &part, &x->sheet);
        if (r == TAIL_NOMEM) {
            rc = no_memory(x, err);
        } else if (r == TAIL_READ) {
            take_sheet(x, &x->sheet, sqlite3_column_int64(fetch, 1),
                       sqlite3_column_int64(fetch, 0) != 0, true);
        }
    }
    sqlite3_reset(fetch);
    return rc;
}

/* From the newest row back, until nothing older can be newer. */
static int
look_into_tail(struct looking *x, struct err *err)
{
    sqlite3_stmt *row = NULL, *fetch = NULL;
    int step = SQLITE_DONE;
    int rc = db_prepare(
        x->reader->db, &row,
        "SELECT seq, t1 FROM tail ORDER BY untrusted <> 0, t1 DESC, seq", err);
    rc = rc == 0 ? db_prepare(x->reader->db, &fetch,
                              "SELECT untrusted, shift, bytes FROM tail WHERE seq = ?1",
                              err)
                 : rc;
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW &&
           !all_settled(x, sqlite3_column_int64(row, 1))) {
        rc = look_into_row(x, fetch, sqlite3_column_int64(row, 0),
                           sqlite3_column_int64(row, 1), err);
    }
    rc = rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE
             ? db_error(x->reader->db, err, "read")
             : rc;
    sqlite3_finalize(row);
    sqlite3_finalize(fetch);
    return rc;
}

/* ---- chunks, and what is rolled up ---- */

static int
look_into_chunk(struct looking *x,
                const struct history_device *d,
                sqlite3_stmt *fetch,
                int64_t key,
                int64_t t1,
                struct err *err)
{
    int rc = 0;
    sqlite3_bind_int64(fetch, 1, key);
    int step = sqlite3_step(fetch);
    if (step == SQLITE_ROW) {
        enum chunk_result r = chunk_sheet_read(
            sqlite3_column_blob(fetch, 2), (size_t)sqlite3_column_bytes(fetch, 2),
            d->count == 1 ? x->list.points[d->first].key : 0, &x->sheet);
        if (r == CHUNK_NOMEM) {
            rc = no_memory(x, err);
        } else { /* Of a damaged one what is whole. */
            if (r == CHUNK_DAMAGED) {
                history_damage_add(&x->reader->damage, d->id, t1, t1);
            }
            take_sheet(x, &x->sheet, sqlite3_column_int64(fetch, 1),
                       sqlite3_column_int64(fetch, 0) != 0, false);
        }
    } else if (step != SQLITE_DONE) {
        rc = db_error(x->reader->db, err, "read");
    }
    sqlite3_reset(fetch);
    return rc;
}

/* `row` gives chunks out of an index; only those that may tell something are fetched.
 */
static int
look_into_chunks(struct looking *x,
                 const struct history_device *d,
                 sqlite3_stmt *row,
                 sqlite3_stmt *fetch,
                 struct err *err)
{
    int step = SQLITE_DONE, rc = 0;
    sqlite3_bind_int64(row, 1, d->key);
    sqlite3_bind_int(row, 2, CHUNKS_TRIED);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t t1 = sqlite3_column_int64(row, 1);
        if (!is_settled(x, d, t1)) {
            rc = look_into_chunk(x, d, fetch, sqlite3_column_int64(row, 0), t1, err);
        } /* Else another one may overlap it. */
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(x->reader->db, err, "read") : rc;
    sqlite3_reset(row);
    return rc;
}

static void
take_hours(struct looking *x, const struct history_device *d)
{
    const struct sheet *s = &x->sheet;
    for (uint32_t k = 0; k < s->columns; k++) {
        uint32_t place =
            s->keys[k] % ROLLUP_COLUMNS == ROLLUP_LAST
                ? history_points_place(&x->list, s->keys[k] / ROLLUP_COLUMNS)
                : 0;
        if (place == 0 || place - 1 < d->first || place - 1 >= d->first + d->count) {
            continue;
        }
        struct newest *n = &x->newest[place - 1];
        for (uint32_t i = 0; i < s->rows; i++) {
            uint16_t status = sheet_statuses(s, k)[i];
            if (CHUNK_QUALITY(status) == QUALITY_GOOD &&
                is_newer(n, s->t_ms[i], false, true)) {
                *n = (struct newest){.found = true,
                                     .t_ms = s->t_ms[i],
                                     .value = sheet_values(s, k)[i],
                                     .status = status};
            }
        }
    }
}

/* The last good ones of points that have given nothing for long. */
static int
look_into_hours(struct looking *x,
                const struct history_device *d,
                sqlite3_stmt *row,
                struct err *err)
{
    int step = SQLITE_DONE, rc = 0;
    sqlite3_bind_int64(row, 1, d->key);
    sqlite3_bind_int64(row, 2, ROLLUP_HOUR_MS);
    sqlite3_bind_int(row, 3, BLOCKS_TRIED);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW &&
           !is_settled(x, d, INT64_MIN)) {
        enum chunk_result r =
            chunk_sheet_read(sqlite3_column_blob(row, 0),
                             (size_t)sqlite3_column_bytes(row, 0), 0, &x->sheet);
        if (r == CHUNK_NOMEM) {
            rc = no_memory(x, err);
        } else {
            take_hours(x, d);
        }
    }
    rc = rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE
             ? db_error(x->reader->db, err, "read")
             : rc;
    sqlite3_reset(row);
    return rc;
}

/* The statements that chunks and roll-ups are read with. */
struct asking {
    sqlite3_stmt *trusted, *untrusted, *fetch, *hours;
};

static int
prepare(sqlite3 *db, struct asking *q, struct err *err)
{
    int rc = db_prepare(db, &q->trusted,
                        "SELECT key, t1 FROM chunk INDEXED BY chunk_device"
                        " WHERE device = ?1 AND key NOT IN"
                        " (SELECT key FROM chunk WHERE untrusted <> 0)"
                        " ORDER BY t0 DESC LIMIT ?2",
                        err);
    rc = rc == 0 ? db_prepare(db, &q->untrusted,
                              "SELECT key, t1 FROM chunk INDEXED BY chunk_device"
                              " WHERE device = ?1 AND key IN"
                              " (SELECT key FROM chunk WHERE untrusted <> 0)"
                              " ORDER BY t0 DESC LIMIT ?2",
                              err)
                 : rc;
    rc = rc == 0 ? db_prepare(db, &q->fetch,
                              "SELECT untrusted, shift, bytes FROM chunk"
                              " WHERE key = ?1",
                              err)
                 : rc;
    return rc == 0 ? db_prepare(db, &q->hours,
                                "SELECT bytes FROM rollup WHERE device = ?1"
                                " AND resolution = ?2 ORDER BY t0 DESC LIMIT ?3",
                                err)
                   : rc;
}

static int
look(struct looking *x, struct err *err)
{
    struct asking q = {NULL};
    int rc = look_into_tail(x, err);
    rc = rc == 0 ? prepare(x->reader->db, &q, err) : rc;
    for (size_t i = 0; rc == 0 && i < x->list.device_count; i++) {
        const struct history_device *d = &x->list.devices[i];
        rc = look_into_chunks(x, d, q.trusted, q.fetch, err);
        if (rc == 0 && !is_settled(x, d, INT64_MIN)) {
            rc = look_into_hours(x, d, q.hours, err);
        }
        if (rc == 0 && !is_settled(x, d, INT64_MIN)) {
            rc = look_into_chunks(x, d, q.untrusted, q.fetch, err);
        }
    }
    sqlite3_finalize(q.trusted);
    sqlite3_finalize(q.untrusted);
    sqlite3_finalize(q.fetch);
    sqlite3_finalize(q.hours);
    return rc;
}

static void
tell(const struct looking *x, history_fn fn, void *ctx)
{
    bool wanted = true;
    for (size_t i = 0; wanted && i < x->list.point_count; i++) {
        const struct newest *n = &x->newest[i];
        if (n->found) {
            const struct history_sample s = {
                .t_ms = n->t_ms,
                .device = x->list.devices[x->list.points[i].device].id,
                .point = x->list.points[i].id,
                .value = n->value,
                .quality = CHUNK_QUALITY(n->status),
                .detail = CHUNK_DETAIL(n->status),
                .clock_untrusted = n->untrusted};
            wanted = fn(ctx, &s);
        }
    }
}

int
history_last(struct history_reader *r,
             const char *device,
             const char *point,
             history_fn fn,
             void *ctx,
             struct err *err)
{
    struct looking x = {.reader = r};
    bool begun = false;
    int rc = history_reader_refresh(r, err);
    rc = rc == 0 ? history_reader_begin(r, &begun, err) : rc;
    rc = rc == 0 ? history_points_read(&x.list, r->db, device, point, err) : rc;
    if (rc == 0) {
        x.newest = calloc(x.list.point_count + 1, sizeof *x.newest);
        rc = x.newest != NULL ? look(&x, err) : no_memory(&x, err);
    }
    history_reader_end(r, begun);
    if (rc == 0) {
        tell(&x, fn, ctx);
    }
    history_points_free(&x.list);
    free(x.newest);
    sheet_free(&x.sheet);
    return rc;
}
