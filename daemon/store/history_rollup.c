#include "daemon/store/history_rollup.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/history_tail_internal.h"
#include "daemon/store/rollup_builder.h"

#define ROLL_CHUNKS  8                  /* A device's, that are rolled up together. */
#define ROLL_AGE_MS  INT64_C(86400000)  /* Or those that wait longer. */
#define ROLL_CELLS   (INT64_C(1) << 22) /* Of one device with one flush: 0.2 s. */
#define OUT_CELLS    (1u << 17)         /* Of a block that is being built. */
#define MINUTE_ROWS  1440               /* Of a block that small ones are put into. */
#define HOUR_ROWS    1024
#define JOIN_MINUTES 240 /* Shorter blocks of minutes are put together. */
#define BLOCKS_TRIED 8
#define EXPIRE_ROWS  16 /* That go with one flush. */

/* Some of the device's points. */
struct group {
    struct rollup_builder minutes, hours;
    int *places; /* Of the columns of the chunk in hand. */
};

struct rolling {
    struct history_tail *tail;
    uint32_t device;
    struct group **groups; /* Owned, as are they. */
    size_t count;
};

static int
no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "history");
}

/* ---- blocks: rows of the table ---- */

struct scaling
history_rollup_scaling(void *ctx, uint32_t key)
{
    const struct history_tail *t = ctx;
    return key % ROLLUP_COLUMNS == ROLLUP_COUNT
               ? (struct scaling){.mul = 1, .div = 1}
               : t->scaling(t->scaling_ctx, key / ROLLUP_COLUMNS);
}

static uint32_t
rows_max(int64_t resolution_ms, uint32_t columns)
{
    uint32_t most = PACK_CELLS_MAX / (columns > 0 ? columns : 1);
    uint32_t rows = resolution_ms == ROLLUP_MINUTE_MS ? MINUTE_ROWS : HOUR_ROWS;
    return rows < most ? rows : most;
}

static int
insert_block(const struct rolling *r,
             int64_t resolution_ms,
             const struct sheet *s,
             uint32_t first,
             uint32_t count,
             struct err *err)
{
    struct history_tail *t = r->tail;
    sqlite3_stmt *stmt = t->kept[TAIL_SQL_PUT_ROLLUP];
    const uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t samples;
    int rc = chunk_sheet_encode(t->encoder, s, first, count, history_rollup_scaling, t,
                                &bytes, &size, &samples);
    if (rc != 0) {
        return err_set(err, (enum err_code)rc, "history: a roll-up cannot be made");
    }
    sqlite3_bind_int64(stmt, 1, r->device);
    sqlite3_bind_int64(stmt, 2, resolution_ms);
    sqlite3_bind_int64(stmt, 3, s->t_ms[first]);
    sqlite3_bind_int64(stmt, 4, s->t_ms[first + count - 1]);
    sqlite3_bind_blob64(stmt, 5, bytes, size, SQLITE_STATIC);
    return history_tail_run(t, TAIL_SQL_PUT_ROLLUP, err);
}

/* Whether a block goes together with what comes behind it: it is of these points, near
 * in time, and at most twice as long, so that a row is written but a few times. Minutes
 * of four hours stay as they are: longer blocks are hardly smaller, and written twice.
 */
static bool
goes_together(const struct rolling *r,
              int64_t resolution_ms,
              const struct sheet *block,
              const struct sheet *s)
{
    uint32_t columns = sheet_columns_with(block, s);
    uint32_t most = rows_max(resolution_ms, columns);
    if (resolution_ms == ROLLUP_MINUTE_MS && most > JOIN_MINUTES) {
        most = JOIN_MINUTES;
    }
    int64_t t0 = block->t_ms[0] < s->t_ms[0] ? block->t_ms[0] : s->t_ms[0];
    int64_t t1 = block->t_ms[block->rows - 1] > s->t_ms[s->rows - 1]
                     ? block->t_ms[block->rows - 1]
                     : s->t_ms[s->rows - 1];
    return columns <= ROLLUP_POINTS_MAX * ROLLUP_VALUES &&
           (r->count == 1 ||
            block->keys[0] / ROLLUP_COLUMNS == s->keys[0] / ROLLUP_COLUMNS) &&
           block->rows <= 2 * s->rows && block->rows + s->rows <= most &&
           t1 - t0 <= 2 * most * resolution_ms;
}

/* Looks at the last blocks for one that goes before the rows of `s`: it is in `block`
 * then, under `key`; 0: none. */
static int
find_block(const struct rolling *r,
           int64_t resolution_ms,
           const struct sheet *s,
           struct sheet *block,
           int64_t *key,
           struct err *err)
{
    struct history_tail *t = r->tail;
    sqlite3_stmt *row = t->kept[TAIL_SQL_LAST_ROLLUP];
    int step = SQLITE_DONE, rc = 0;
    *key = 0;
    sqlite3_bind_int64(row, 1, r->device);
    sqlite3_bind_int64(row, 2, resolution_ms);
    sqlite3_bind_int(row, 3, r->count == 1 ? 1 : BLOCKS_TRIED);
    while (rc == 0 && *key == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        enum chunk_result result =
            chunk_sheet_read(sqlite3_column_blob(row, 3),
                             (size_t)sqlite3_column_bytes(row, 3), 0, block);
        if (result == CHUNK_NOMEM) {
            rc = no_memory(err);
        } else if (result == CHUNK_DAMAGED) {
            scrub_suspect(&t->suspects, SCRUB_ROLLUP, sqlite3_column_int64(row, 0));
        } else if (block->rows > 0 && block->columns > 0 &&
                   goes_together(r, resolution_ms, block, s)) {
            *key = sqlite3_column_int64(row, 0);
        }
    }
    if (rc == 0 && *key == 0 && step != SQLITE_DONE) {
        rc = db_error(t->db, err, "read");
    }
    sqlite3_reset(row);
    return rc;
}

/* The next rows that make a block: not with a long time without any between them, or
 * what is old would wait for what is new before it goes. */
static uint32_t
piece(const struct sheet *s, uint32_t first, int64_t resolution_ms)
{
    uint32_t most = rows_max(resolution_ms, s->columns);
    uint32_t at = first + 1;
    while (at < s->rows && at - first < most &&
           s->t_ms[at] - s->t_ms[at - 1] <= most * resolution_ms) {
        at++;
    }
    return at - first;
}

/* The rows that were built go into the table; the sheet is empty then. */
static int
put_block(const struct rolling *r, struct rollup_builder *b, struct err *err)
{
    struct history_tail *t = r->tail;
    struct sheet block = {0}, *s = &b->out;
    int64_t key = 1;
    int rc = s->rows > 0 && !sheet_sort(s) ? no_memory(err) : 0;
    while (rc == 0 && s->rows > 0 && key != 0) {
        rc = find_block(r, b->resolution_ms, s, &block, &key, err);
        if (rc == 0 && key != 0) {
            sqlite3_bind_int64(t->kept[TAIL_SQL_DROP_ROLLUP], 1, key);
            rc = history_tail_run(t, TAIL_SQL_DROP_ROLLUP, err);
        }
        if (rc == 0 && key != 0) {
            if (!sheet_append(&block, s, 0, s->rows) || !sheet_sort(&block)) {
                rc = no_memory(err);
            }
            struct sheet swap = *s;
            *s = block;
            block = swap;
        }
    }
    for (uint32_t at = 0, count; rc == 0 && at < s->rows; at += count) {
        count = piece(s, at, b->resolution_ms);
        rc = insert_block(r, b->resolution_ms, s, at, count, err);
    }
    sheet_clear(s);
    sheet_free(&block);
    return rc;
}

/* ---- chunks of a device ---- */

static struct group *
add_group(struct rolling *r)
{
    struct group **grown = realloc(r->groups, (r->count + 1) * sizeof(struct group *));
    if (grown == NULL) {
        return NULL;
    }
    r->groups = grown;
    struct group *g = r->groups[r->count] = calloc(1, sizeof *g);
    if (g == NULL ||
        (g->places = malloc(CHUNK_COLUMNS_MAX * sizeof *g->places)) == NULL) {
        free(g);
        return NULL;
    }
    g->minutes.resolution_ms = ROLLUP_MINUTE_MS;
    g->hours.resolution_ms = ROLLUP_HOUR_MS;
    r->count++;
    return g;
}

static void
free_rolling(struct rolling *r)
{
    for (size_t i = 0; i < r->count; i++) {
        rollup_builder_free(&r->groups[i]->minutes);
        rollup_builder_free(&r->groups[i]->hours);
        free(r->groups[i]->places);
        free(r->groups[i]);
    }
    free(r->groups);
}

/* Each column of the sheet has a place in one group. */
static int
place_columns(struct rolling *r, const struct sheet *s, struct err *err)
{
    bool placed[CHUNK_COLUMNS_MAX] = {false};
    uint32_t left = s->columns;
    for (size_t i = 0; i < r->count || left > 0; i++) {
        struct group *g = i < r->count ? r->groups[i] : add_group(r);
        if (g == NULL) {
            return no_memory(err);
        }
        for (uint32_t k = 0; k < s->columns; k++) {
            g->places[k] =
                placed[k] ? -1 : rollup_builder_place(&g->minutes, s->keys[k]);
            if (g->places[k] >= 0) {
                (void)rollup_builder_place(&g->hours, s->keys[k]); /* The same. */
                placed[k] = true;
                left--;
            }
        }
    }
    return 0;
}

/* All rows of the sheet, interval by interval. */
static int
add_rows(const struct rolling *r,
         struct rollup_builder *b,
         const struct sheet *s,
         const int *places,
         int64_t shift_ms,
         struct err *err)
{
    for (uint32_t at = 0, end; at < s->rows; at = end) {
        int64_t interval = rollup_interval(s->t_ms[at] + shift_ms, b->resolution_ms);
        end = at + 1;
        while (end < s->rows &&
               rollup_interval(s->t_ms[end] + shift_ms, b->resolution_ms) == interval) {
            end++;
        }
        if (!rollup_builder_add(b, s, places, at, end - at, shift_ms)) {
            return no_memory(err);
        }
        if ((uint64_t)b->out.rows * b->out.columns >= OUT_CELLS) {
            int rc = put_block(r, b, err);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

static int
roll_chunk(struct rolling *r, sqlite3_stmt *row, struct err *err)
{
    struct sheet *s = &r->tail->before;
    int64_t shift = sqlite3_column_int64(row, 1);
    enum chunk_result result = chunk_sheet_read(
        sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3), 0, s);
    if (result == CHUNK_NOMEM || !sheet_sort(s)) {
        return no_memory(err);
    }
    if (result == CHUNK_DAMAGED) { /* What is whole is rolled up. */
        scrub_suspect(&r->tail->suspects, SCRUB_CHUNK, sqlite3_column_int64(row, 0));
    }
    int rc = place_columns(r, s, err);
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        struct group *g = r->groups[i];
        rc = add_rows(r, &g->minutes, s, g->places, shift, err);
        rc = rc == 0 ? add_rows(r, &g->hours, s, g->places, shift, err) : rc;
    }
    return rc;
}

static int
end_groups(struct rolling *r, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        struct group *g = r->groups[i];
        if (!rollup_builder_end(&g->minutes) || !rollup_builder_end(&g->hours)) {
            return no_memory(err);
        }
        rc = put_block(r, &g->minutes, err);
        rc = rc == 0 ? put_block(r, &g->hours, err) : rc;
    }
    return rc;
}

/* The device's chunks that wait, or as many as may be at once. */
static int
roll_device(struct history_tail *t, uint32_t device, struct err *err)
{
    struct waiting *w = &t->waiting[device];
    struct rolling r = {.tail = t, .device = device};
    sqlite3_stmt *row = t->kept[TAIL_SQL_UNROLLED];
    int64_t cells = 0, last = w->rolled;
    uint32_t count = 0;
    int step = SQLITE_DONE, rc = 0;
    sqlite3_bind_int64(row, 1, device);
    sqlite3_bind_int64(row, 2, w->rolled);
    while (rc == 0 && cells < ROLL_CELLS && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = roll_chunk(&r, row, err);
        last = sqlite3_column_int64(row, 0);
        cells += sqlite3_column_int64(row, 2);
        count++;
    }
    rc = rc == 0 && step != SQLITE_DONE && step != SQLITE_ROW
             ? db_error(t->db, err, "read")
             : rc;
    sqlite3_reset(row);
    rc = rc == 0 ? end_groups(&r, err) : rc;
    if (rc == 0) {
        sqlite3_bind_int64(t->kept[TAIL_SQL_ROLLED], 1, device);
        sqlite3_bind_int64(t->kept[TAIL_SQL_ROLLED], 2, last);
        rc = history_tail_run(t, TAIL_SQL_ROLLED, err);
    }
    w->rolled = last;
    /* With some left over it stays due: when the oldest ended is not known. */
    w->unrolled = step == SQLITE_ROW && w->unrolled > count ? w->unrolled - count : 0;
    t->credit -= cells;
    free_rolling(&r);
    return rc;
}

/* So long before the newest that was put; INSTANT_NONE: that is not known. */
static int64_t
before(const struct history_tail *t, int64_t ms)
{
    return t->put_ms < INSTANT_NONE + ms ? INSTANT_NONE : t->put_ms - ms;
}

/* The device that has waited longest; 0: none. */
static uint32_t
next_device(const struct history_tail *t, bool all, int64_t expire_ms)
{
    const struct waiting *best = NULL;
    for (uint32_t i = 0; i < t->waiting_count; i++) {
        const struct waiting *w = &t->waiting[i];
        bool due = all || w->unrolled >= ROLL_CHUNKS || w->oldest_ms < expire_ms ||
                   w->oldest_ms < before(t, ROLL_AGE_MS);
        if (w->unrolled > 0 && due &&
            (best == NULL || w->oldest_ms < best->oldest_ms)) {
            best = w;
        }
    }
    return best != NULL ? (uint32_t)(best - t->waiting) : 0;
}

int
history_rollup_make(struct history_tail *t,
                    bool all,
                    int64_t expire_ms,
                    struct err *err)
{
    uint32_t device;
    int rc = history_tail_know(t, err);
    while (rc == 0 && (all || t->credit > 0) &&
           (device = next_device(t, all, expire_ms)) != 0) {
        rc = roll_device(t, device, err);
    }
    return rc;
}

static int
expire(struct history_tail *t,
       int64_t resolution_ms,
       int64_t before_ms,
       struct err *err)
{
    sqlite3_stmt *stmt = t->kept[TAIL_SQL_EXPIRE_ROLLUP];
    if (before_ms == INSTANT_NONE) {
        return 0;
    }
    sqlite3_bind_int64(stmt, 1, resolution_ms);
    sqlite3_bind_int64(stmt, 2, before_ms);
    sqlite3_bind_int(stmt, 3, EXPIRE_ROWS);
    return history_tail_run(t, TAIL_SQL_EXPIRE_ROLLUP, err);
}

int
history_rollup_expire(struct history_tail *t,
                      int64_t minutes_before_ms,
                      int64_t hours_before_ms,
                      struct err *err)
{
    int rc = expire(t, ROLLUP_MINUTE_MS, minutes_before_ms, err);
    return rc == 0 ? expire(t, ROLLUP_HOUR_MS, hours_before_ms, err) : rc;
}
