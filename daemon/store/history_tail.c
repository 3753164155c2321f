#include "daemon/store/history_tail.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/model/sample.h"
#include "daemon/store/db.h"
#include "daemon/store/history_clock.h"
#include "daemon/store/history_tail_internal.h"

#define TRIM_ROWS      64   /* Of the tail, that go with one flush. */
#define COLUMNS_FIRST  32   /* A guess, until the device is met. */
#define PERIOD_DEFAULT 1000 /* ms */

/* In the table `damaged`. */
#define WHY_SECTION "section: checksum"
#define WHY_HEAD    "head: checksum"

static const char *const sql_texts[TAIL_SQL_COUNT] = {
    [TAIL_SQL_INSERT] = "INSERT INTO tail (seq, t0, t1, untrusted, bytes)"
                        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [TAIL_SQL_READ] = "SELECT seq, untrusted, shift, bytes, t0, t1 FROM tail"
                      " WHERE seq > ?1"
                      " ORDER BY seq",
    [TAIL_SQL_TRIM] = "DELETE FROM tail WHERE seq IN"
                      " (SELECT seq FROM tail WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
    [TAIL_SQL_CHUNK] = "INSERT OR REPLACE INTO chunk"
                       " (key, device, t0, t1, untrusted, shift, samples, bytes)"
                       " VALUES (ifnull(?1,"
                       "  max(ifnull((SELECT max(key) FROM chunk), 0),"
                       "   ifnull((SELECT max(rolled) FROM packed), 0)) + 1),"
                       " ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [TAIL_SQL_LAST_CHUNK] = "SELECT key, t1, untrusted, shift, samples, bytes"
                            " FROM chunk WHERE device = ?1 ORDER BY t0 DESC LIMIT 1",
    [TAIL_SQL_PACKED] = "INSERT INTO packed (device, seq) VALUES (?1, ?2)"
                        " ON CONFLICT (device) DO UPDATE SET seq = ?2",
    [TAIL_SQL_DROP_CHUNK] = "DELETE FROM chunk WHERE key = ?1",
    [TAIL_SQL_DROP_TAIL] = "DELETE FROM tail WHERE seq = ?1",
    [TAIL_SQL_UNROLLED] = "SELECT key, shift, samples, bytes FROM chunk"
                          " WHERE device = ?1 AND key > ?2 AND untrusted = 0"
                          " ORDER BY key",
    [TAIL_SQL_ROLLED] = "INSERT INTO packed (device, seq, rolled) VALUES (?1, 0, ?2)"
                        " ON CONFLICT (device) DO UPDATE SET rolled = ?2",
    [TAIL_SQL_LAST_ROLLUP] = "SELECT key, t0, t1, bytes FROM rollup"
                             " WHERE device = ?1 AND resolution = ?2"
                             " ORDER BY key DESC LIMIT ?3",
    [TAIL_SQL_PUT_ROLLUP] = "INSERT INTO rollup (device, resolution, t0, t1, bytes)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)",
    [TAIL_SQL_DROP_ROLLUP] = "DELETE FROM rollup WHERE key = ?1",
    [TAIL_SQL_EXPIRE_ROLLUP] =
        "DELETE FROM rollup WHERE key IN (SELECT key FROM rollup"
        " WHERE resolution = ?1 AND t1 < ?2 ORDER BY t1 LIMIT ?3)",
};

static struct scaling
no_scaling(void *ctx, uint32_t key)
{
    (void)ctx;
    (void)key;
    return (struct scaling){0};
}

int
history_tail_new(struct history_tail **out, int64_t flush_ms, struct err *err)
{
    struct history_tail *t = calloc(1, sizeof *t);
    if (t == NULL || (t->encoder = chunk_encoder_new()) == NULL) {
        free(t);
        return err_set(err, ERR_NOMEM, "history");
    }
    int64_t age = flush_ms > 0 ? PACK_AGE_MS / flush_ms : PACK_AGE_MAX;
    t->age = age < PACK_AGE_MIN   ? PACK_AGE_MIN
             : age > PACK_AGE_MAX ? PACK_AGE_MAX
                                  : age;
    t->scaling = no_scaling;
    t->mark = HISTORY_CLOCK_UNKNOWN;
    t->put_ms = INSTANT_NONE;
    *out = t;
    return 0;
}

void
history_tail_free(struct history_tail *t)
{
    if (t == NULL) {
        return;
    }
    history_tail_detach(t);
    for (size_t u = 0; u < 2; u++) {
        struct gathered *g = &t->gathered[u];
        for (uint32_t i = 0; i < g->room && g->sheets[i] != NULL; i++) {
            sheet_free(&g->sheets[i]->sheet);
            free(g->sheets[i]);
        }
        free(g->sheets);
        free(g->place);
    }
    tail_writer_free(&t->writer);
    chunk_encoder_free(t->encoder);
    sheet_free(&t->section);
    sheet_free(&t->before);
    free(t->waiting);
    free(t);
}

void
history_tail_scaling(struct history_tail *t, chunk_scaling_fn *scaling, void *ctx)
{
    t->scaling = scaling;
    t->scaling_ctx = ctx;
}

int
history_tail_attach(struct history_tail *t, sqlite3 *db, struct err *err)
{
    int rc = 0;
    t->db = db;
    for (int i = 0; rc == 0 && i < TAIL_SQL_COUNT; i++) {
        rc = db_prepare(db, &t->kept[i], sql_texts[i], err);
    }
    history_tail_forget(t);
    return rc;
}

void
history_tail_detach(struct history_tail *t)
{
    for (int i = 0; i < TAIL_SQL_COUNT; i++) {
        sqlite3_finalize(t->kept[i]);
        t->kept[i] = NULL;
    }
    t->db = NULL;
}

static void
empty(struct gathered *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        g->place[g->sheets[i]->device] = 0;
        sheet_clear(&g->sheets[i]->sheet);
    }
    g->count = 0;
}

void
history_tail_forget(struct history_tail *t)
{
    empty(&t->gathered[0]);
    empty(&t->gathered[1]);
    t->known = false;
}

int
history_tail_run(struct history_tail *t, enum tail_sql which, struct err *err)
{
    int step = sqlite3_step(t->kept[which]);
    int rc = step == SQLITE_DONE ? 0 : db_error(t->db, err, "write");
    sqlite3_reset(t->kept[which]);
    return rc;
}

/* ---- what waits ---- */

int
history_tail_waiting(struct history_tail *t,
                     uint32_t device,
                     struct waiting **out,
                     struct err *err)
{
    if (device >= t->waiting_count) {
        uint32_t count = device + device / 2 + 16;
        struct waiting *grown = realloc(t->waiting, count * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        memset(grown + t->waiting_count, 0, (count - t->waiting_count) * sizeof *grown);
        t->waiting = grown;
        t->waiting_count = count;
    }
    *out = &t->waiting[device];
    return 0;
}

static int
know_packed(struct history_tail *t, struct err *err)
{
    sqlite3_stmt *row = NULL;
    struct waiting *w;
    int step = SQLITE_DONE;
    int rc = db_prepare(t->db, &row, "SELECT device, seq, rolled FROM packed", err);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = history_tail_waiting(t, (uint32_t)sqlite3_column_int64(row, 0), &w, err);
        if (rc == 0) {
            w->packed = sqlite3_column_int64(row, 1);
            w->rolled = sqlite3_column_int64(row, 2);
            t->next_seq = w->packed >= t->next_seq ? w->packed + 1 : t->next_seq;
        }
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(t->db, err, "read") : rc;
    sqlite3_finalize(row);
    return rc;
}

/* Chunks that are not rolled up. */
static int
know_unrolled(struct history_tail *t, struct err *err)
{
    sqlite3_stmt *row = NULL;
    struct waiting *w;
    int step = SQLITE_DONE;
    int rc = db_prepare(t->db, &row,
                        "SELECT p.device, count(*), min(c.t1) FROM packed p"
                        " CROSS JOIN chunk c INDEXED BY chunk_device"
                        " ON c.device = p.device AND c.key > p.rolled"
                        " WHERE c.untrusted = 0 GROUP BY p.device",
                        err);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = history_tail_waiting(t, (uint32_t)sqlite3_column_int64(row, 0), &w, err);
        if (rc == 0) {
            w->unrolled = (uint32_t)sqlite3_column_int64(row, 1);
            w->oldest_ms = sqlite3_column_int64(row, 2);
        }
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(t->db, err, "read") : rc;
    sqlite3_finalize(row);
    return rc;
}

int
history_tail_set_aside(struct history_tail *t,
                       sqlite3_stmt *row,
                       const struct tail_part *part,
                       struct err *err)
{
    const uint8_t *bytes = sqlite3_column_blob(row, 3);
    const struct scrub_find f = {
        .what = "tail",
        .row = sqlite3_column_int64(row, 0),
        .device = part != NULL ? part->device : 0,
        .t0 = sqlite3_column_int64(row, 4),
        .t1 = sqlite3_column_int64(row, 5),
        .untrusted = sqlite3_column_int64(row, 1),
        .shift = sqlite3_column_int64(row, 2),
        .why = part != NULL ? WHY_SECTION : WHY_HEAD,
        .bytes = part != NULL ? bytes + part->at : bytes,
        .size = part != NULL ? part->size : (size_t)sqlite3_column_bytes(row, 3)};
    return scrub_put(t->db, &f, true, err); /* Packing comes by several times. */
}

static int
count_row(struct history_tail *t, sqlite3_stmt *row, struct err *err)
{
    int64_t seq = sqlite3_column_int64(row, 0);
    const void *bytes = sqlite3_column_blob(row, 3);
    struct tail tail;
    struct tail_part part = {0};
    struct waiting *w;
    t->next_seq = seq >= t->next_seq ? seq + 1 : t->next_seq;
    if (!tail_open(&tail, bytes, (size_t)sqlite3_column_bytes(row, 3))) {
        /* Nobody waits for it, and it goes with the others. */
        return history_tail_set_aside(t, row, NULL, err);
    }
    while (tail_next(&tail, &part)) {
        int rc = history_tail_waiting(t, part.device, &w, err);
        if (rc != 0) {
            return rc;
        }
        if (seq > w->packed) {
            w->first_seq = w->first_seq == 0 ? seq : w->first_seq;
            w->rows += part.rows;
            w->columns = w->columns == 0 ? COLUMNS_FIRST : w->columns;
        }
    }
    return 0;
}

int
history_tail_know(struct history_tail *t, struct err *err)
{
    sqlite3_stmt *row = t->kept[TAIL_SQL_READ];
    int step = SQLITE_DONE;
    if (t->known) {
        return 0;
    }
    if (t->waiting_count > 0) {
        memset(t->waiting, 0, t->waiting_count * sizeof *t->waiting);
    }
    t->next_seq = 1;
    int rc = know_packed(t, err);
    rc = rc == 0 ? know_unrolled(t, err) : rc;
    sqlite3_bind_int64(row, 1, INT64_MIN);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = count_row(t, row, err);
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(t->db, err, "read") : rc;
    sqlite3_reset(row);
    t->known = rc == 0;
    return rc;
}

int
history_tail_trim(struct history_tail *t, struct err *err)
{
    int64_t least = t->next_seq;
    for (uint32_t i = 0; i < t->waiting_count; i++) {
        const struct waiting *w = &t->waiting[i];
        least = w->first_seq != 0 && w->first_seq < least ? w->first_seq : least;
    }
    sqlite3_bind_int64(t->kept[TAIL_SQL_TRIM], 1, least - 1);
    sqlite3_bind_int64(t->kept[TAIL_SQL_TRIM], 2, TRIM_ROWS);
    return history_tail_run(t, TAIL_SQL_TRIM, err);
}

/* ---- gathering ---- */

/* The sheet of a device; NULL without memory. */
static struct sheet *
sheet_of(struct gathered *g, uint32_t device)
{
    if (device >= g->place_room) {
        uint32_t room = device + device / 2 + 16;
        uint32_t *place = realloc(g->place, room * sizeof *place);
        if (place == NULL) {
            return NULL;
        }
        memset(place + g->place_room, 0, (room - g->place_room) * sizeof *place);
        g->place = place;
        g->place_room = room;
    }
    if (g->place[device] != 0) {
        return &g->sheets[g->place[device] - 1]->sheet;
    }
    if (g->count == g->room) {
        uint32_t room = g->room + g->room / 2 + 16;
        struct gathered_sheet **sheets = realloc(g->sheets, room * sizeof *sheets);
        if (sheets == NULL) {
            return NULL;
        }
        memset(sheets + g->room, 0, (room - g->room) * sizeof *sheets);
        g->sheets = sheets;
        g->room = room;
    }
    if (g->sheets[g->count] == NULL &&
        (g->sheets[g->count] = calloc(1, sizeof **g->sheets)) == NULL) {
        return NULL;
    }
    g->sheets[g->count]->device = device;
    g->place[device] = ++g->count;
    return &g->sheets[g->count - 1]->sheet;
}

int
history_tail_take(struct history_tail *t,
                  uint32_t device,
                  int64_t t_ms,
                  uint16_t flags,
                  const struct blob_sample *samples,
                  size_t count,
                  struct err *err)
{
    bool untrusted = (flags & FRAME_CLOCK_UNTRUSTED) != 0;
    if (t_ms > CHUNK_TIME_MAX || t_ms < -CHUNK_TIME_MAX) {
        return err_set(err, ERR_RANGE, "a time 35,000 years away");
    }
    struct sheet *s = sheet_of(&t->gathered[untrusted], device);
    if (s == NULL || !sheet_add(s, t_ms, (uint16_t)(flags & ~FRAME_CLOCK_UNTRUSTED),
                                samples, count)) {
        return err_set(err, ERR_NOMEM, "history");
    }
    return 0;
}

/* ---- writing ---- */

static int
by_device(const void *left, const void *right)
{
    const struct gathered_sheet *const *a = left, *const *b = right;
    return ((*a)->device > (*b)->device) - ((*a)->device < (*b)->device);
}

/* The usual time between two rows: that of the device with most of them. */
static int64_t
usual_period(const struct gathered *g)
{
    const struct sheet *most = &g->sheets[0]->sheet;
    for (uint32_t i = 1; i < g->count; i++) {
        most = g->sheets[i]->sheet.rows > most->rows ? &g->sheets[i]->sheet : most;
    }
    int64_t period = most->rows > 1 ? most->t_ms[1] - most->t_ms[0] : 0;
    int64_t unit = period >= 500 ? 100 : 1; /* Jitter hides a round one. */
    period = (period + unit / 2) / unit * unit;
    return period > 0 ? period : PERIOD_DEFAULT;
}

static void
span(const struct gathered *g, int64_t *t0, int64_t *t1)
{
    *t0 = *t1 = g->sheets[0]->sheet.t_ms[0];
    for (uint32_t i = 0; i < g->count; i++) {
        const struct sheet *s = &g->sheets[i]->sheet;
        for (uint32_t k = 0; k < s->rows; k++) {
            *t0 = s->t_ms[k] < *t0 ? s->t_ms[k] : *t0;
            *t1 = s->t_ms[k] > *t1 ? s->t_ms[k] : *t1;
        }
    }
}

/* All sections; a device with very many rows has several. */
static bool
put_sections(struct history_tail *t, const struct gathered *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const struct sheet *s = &g->sheets[i]->sheet;
        uint32_t most = TAIL_CELLS_MAX / (s->columns > 0 ? s->columns : 1);
        most = most < TAIL_ROWS_MAX ? most : TAIL_ROWS_MAX;
        for (uint32_t at = 0; at < s->rows; at += most) {
            uint32_t count = s->rows - at < most ? s->rows - at : most;
            if (!tail_add(&t->writer, g->sheets[i]->device, s, at, count)) {
                return false;
            }
        }
    }
    return true;
}

static int
count_gathered(struct history_tail *t, const struct gathered *g, struct err *err)
{
    struct waiting *w;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct sheet *s = &g->sheets[i]->sheet;
        int rc = history_tail_waiting(t, g->sheets[i]->device, &w, err);
        if (rc != 0) {
            return rc;
        }
        w->first_seq = w->rows == 0 ? t->next_seq : w->first_seq;
        w->rows += s->rows;
        w->columns = s->columns;
        t->cells += (uint64_t)s->rows * s->columns;
        t->credit += ROLL_SHARE * (int64_t)s->rows * s->columns;
    }
    t->credit += ROLL_FLUSH;
    t->credit = t->credit < ROLL_CREDIT_MAX ? t->credit : ROLL_CREDIT_MAX;
    t->next_seq++;
    return 0;
}

static int
put_row(struct history_tail *t, bool untrusted, struct err *err)
{
    struct gathered *g = &t->gathered[untrusted];
    sqlite3_stmt *stmt = t->kept[TAIL_SQL_INSERT];
    const uint8_t *bytes = NULL;
    size_t size = 0;
    int64_t t0, t1;
    if (g->count == 0) {
        return 0;
    }
    /* `place` is not asked for before all of it is forgotten. */
    qsort(g->sheets, g->count, sizeof(struct gathered_sheet *), by_device);
    span(g, &t0, &t1);
    tail_begin(&t->writer, t0, usual_period(g));
    if (!put_sections(t, g) || !tail_end(&t->writer, &bytes, &size)) {
        return err_set(err, ERR_NOMEM, "history");
    }
    sqlite3_bind_int64(stmt, 1, t->next_seq);
    sqlite3_bind_int64(stmt, 2, t0);
    sqlite3_bind_int64(stmt, 3, t1);
    sqlite3_bind_int64(stmt, 4, untrusted ? t->mark : 0);
    sqlite3_bind_blob64(stmt, 5, bytes, size, SQLITE_STATIC);
    int rc = history_tail_run(t, TAIL_SQL_INSERT, err);
    rc = rc == 0 ? count_gathered(t, g, err) : rc;
    t->put_ms = !untrusted && t1 > t->put_ms ? t1 : t->put_ms;
    empty(g);
    return rc;
}

void
history_tail_mark(struct history_tail *t, int64_t mark)
{
    t->mark = mark;
}

void
history_tail_clock_changed(struct history_tail *t)
{
    t->put_ms = INSTANT_NONE;
}

int
history_tail_put(struct history_tail *t, struct err *err)
{
    int rc = history_tail_know(t, err);
    rc = rc == 0 ? put_row(t, false, err) : rc;
    return rc == 0 ? put_row(t, true, err) : rc;
}
