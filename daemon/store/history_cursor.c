#include "daemon/store/history_cursor.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/model/sample.h"
#include "daemon/store/db.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/history_stream.h"

#define SLICED_FROM 8 /* So many devices' windows are kept as they are. */

struct history_cursor {
    struct stream_source source;
    struct stream *streams;
    struct stream **heap; /* The one with the next row first. */
    size_t count;
    int64_t next_ms; /* No other stream than the first has a row before. */
    bool begun;
    struct blob_sample *samples;
    size_t sample_room;
};

/* ---- which row is next ---- */

static bool
is_before(const struct stream *a, const struct stream *b)
{
    if (a->t_ms != b->t_ms) {
        return a->t_ms < b->t_ms;
    }
    return a->rank != b->rank ? a->rank < b->rank : a->kind < b->kind;
}

static void
sink(struct history_cursor *c, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= c->count) {
            return;
        }
        if (child + 1 < c->count && is_before(c->heap[child + 1], c->heap[child])) {
            child++;
        }
        if (!is_before(c->heap[child], c->heap[at])) {
            return;
        }
        struct stream *swap = c->heap[at];
        c->heap[at] = c->heap[child];
        c->heap[child] = swap;
        at = child;
    }
}

/* Steps the first stream, and puts it where it belongs. */
static int
step_first(struct history_cursor *c, struct err *err)
{
    struct stream *s = c->heap[0];
    int rc = 0;
    if (!stream_step_within(s)) {
        rc = stream_step(s, &c->source, err);
    }
    if (rc == 0 && s->ended) {
        c->heap[0] = c->heap[--c->count];
    }
    if (rc == 0 && c->count > 0 && (s->ended || s->t_ms >= c->next_ms)) {
        sink(c, 0);
        c->next_ms = INT64_MAX;
        for (size_t i = 1; i < 3 && i < c->count; i++) {
            int64_t t_ms = c->heap[i]->t_ms;
            c->next_ms = t_ms < c->next_ms ? t_ms : c->next_ms;
        }
    }
    return rc;
}

/* ---- opening ---- */

static int
add_device(struct stream_source *s, sqlite3_stmt *row, size_t *room, struct err *err)
{
    uint32_t key = (uint32_t)sqlite3_column_int64(row, 0);
    const char *id = (const char *)sqlite3_column_text(row, 1);
    if (s->device_count == *room) {
        *room = *room + *room / 2 + 16;
        void *grown = realloc(s->devices, *room * sizeof *s->devices);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        s->devices = grown;
    }
    if (key >= s->rank_count) {
        size_t count = key + key / 2 + 16;
        uint32_t *grown = realloc(s->ranks, count * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        memset(grown + s->rank_count, 0, (count - s->rank_count) * sizeof *grown);
        s->ranks = grown;
        s->rank_count = count;
    }
    s->devices[s->device_count] =
        (struct stream_device){.key = key,
                               .point = (uint32_t)sqlite3_column_int64(row, 2),
                               .packed = sqlite3_column_int64(row, 3),
                               .id = strdup(id != NULL ? id : "")};
    s->ranks[key] = (uint32_t)++s->device_count;
    return s->devices[s->device_count - 1].id != NULL
               ? 0
               : err_set(err, ERR_NOMEM, "history");
}

static int
list_devices(struct stream_source *s,
             const struct history_filter *filter,
             struct err *err)
{
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int step = SQLITE_DONE;
    int rc = db_prepare(s->db, &row,
                        "SELECT d.key, d.id, ifnull(p.key, 0), ifnull(k.seq, 0)"
                        " FROM device d"
                        " LEFT JOIN point p ON p.device = d.key AND p.id = ?2"
                        " LEFT JOIN packed k ON k.device = d.key"
                        " WHERE (?1 IS NULL OR d.id = ?1)"
                        " AND (?2 IS NULL OR p.key IS NOT NULL) ORDER BY d.id",
                        err);
    if (rc == 0) {
        sqlite3_bind_text(row, 1, filter->device, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, filter->point, -1, SQLITE_STATIC);
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = add_device(s, row, &room, err);
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(s->db, err, "read") : rc;
    sqlite3_finalize(row);
    return rc;
}

static int
prepare(struct stream_source *s, bool one_point, bool has_frames, struct err *err)
{
    /* Bytes that are asked for are read whole. */
    int rc = db_prepare(s->db, &s->list,
                        "SELECT key, t0, t1 FROM chunk WHERE device = ?1"
                        " AND (t0, key) > (?2, ?3) AND t1 >= ?4 AND t0 <= ?5"
                        " ORDER BY t0, key LIMIT 64",
                        err);
    rc = rc == 0 ? db_prepare(s->db, &s->chunk,
                              one_point
                                  ? "SELECT untrusted, shift FROM chunk WHERE key = ?1"
                                  : "SELECT untrusted, shift, bytes FROM chunk"
                                    " WHERE key = ?1",
                              err)
                 : rc;
    rc = rc == 0 ? db_prepare(s->db, &s->tail,
                              s->device_count == 1
                                  ? "SELECT untrusted, shift FROM tail WHERE seq = ?1"
                                  : "SELECT untrusted, shift, bytes FROM tail"
                                    " WHERE seq = ?1",
                              err)
                 : rc;
    if (rc == 0 && has_frames) {
        /* CROSS JOIN keeps the frames outside, so that the index gives their order. */
        rc = db_prepare(s->db, &s->frames,
                        "SELECT f.t, f.device, f.flags, f.samples FROM frame f"
                        " CROSS JOIN device d ON d.key = f.device"
                        " WHERE f.t BETWEEN ?1 AND ?2 ORDER BY f.t, d.id, f.rowid",
                        err);
        sqlite3_bind_int64(s->frames, 1, s->from_ms);
        sqlite3_bind_int64(s->frames, 2, s->to_ms);
    }
    return rc;
}

/* A stream for each device that has chunks here: when the first of them begins. */
static int
add_chunks(struct history_cursor *c, struct err *err)
{
    struct stream_source *source = &c->source;
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    /* One device by its own index; all by the end of their chunks. */
    int rc = db_prepare(source->db, &row,
                        source->device_count == 1
                            ? "SELECT ?3, min(t0) FROM chunk WHERE device = ?3"
                              " AND t1 >= ?1 AND t0 <= ?2"
                            : "SELECT device, min(t0) FROM chunk INDEXED BY chunk_end"
                              " WHERE t1 >= ?1 AND t0 <= ?2 GROUP BY device",
                        err);
    if (rc == 0) {
        sqlite3_bind_int64(row, 1, source->from_ms);
        sqlite3_bind_int64(row, 2, source->to_ms);
        if (source->device_count == 1) {
            sqlite3_bind_int64(row, 3, source->devices[0].key);
        }
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t key = sqlite3_column_int64(row, 0);
        int64_t t0 = sqlite3_column_int64(row, 1);
        if (sqlite3_column_type(row, 1) == SQLITE_NULL || key < 0 ||
            (uint64_t)key >= source->rank_count || source->ranks[key] == 0) {
            continue;
        }
        struct stream *s = &c->streams[c->count];
        s->kind = STREAM_CHUNKS;
        s->rank = source->ranks[key] - 1;
        s->t_ms = t0 > source->from_ms ? t0 : source->from_ms;
        s->windows.next_ms = source->from_ms;
        s->last = (struct window_part){.t0 = INT64_MIN};
        c->heap[c->count++] = s;
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(source->db, err, "read") : rc;
    sqlite3_finalize(row);
    source->sliced = c->count > SLICED_FROM;
    return rc;
}

static int
add_streams(struct history_cursor *c, bool has_frames, struct err *err)
{
    size_t most = c->source.device_count + 2;
    c->streams = calloc(most, sizeof *c->streams);
    c->heap = calloc(most, sizeof(struct stream *));
    if (c->streams == NULL || c->heap == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    int rc = add_chunks(c, err);
    if (rc == 0) {
        struct stream *s = &c->streams[c->count];
        *s = (struct stream){.kind = STREAM_TAIL, .t_ms = INT64_MIN};
        c->heap[c->count++] = s;
        rc = stream_list_tail(s, &c->source, err);
    }
    if (rc == 0 && has_frames) {
        struct stream *s = &c->streams[c->count];
        *s = (struct stream){.kind = STREAM_FRAMES, .t_ms = INT64_MIN};
        c->heap[c->count++] = s;
    }
    for (size_t i = c->count; rc == 0 && i-- > 0;) {
        sink(c, i);
    }
    return rc;
}

int
history_cursor_open(struct history_cursor **out,
                    sqlite3 *db,
                    const struct history_filter *filter,
                    struct err *err)
{
    bool has_frames = false;
    struct history_cursor *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    c->source.db = db;
    c->source.from_ms = filter->from_ms;
    c->source.to_ms = filter->to_ms;
    c->next_ms = INT64_MIN;
    int rc = history_has_frames(db, &has_frames, err);
    rc = rc == 0 ? list_devices(&c->source, filter, err) : rc;
    rc = rc == 0 ? prepare(&c->source, filter->point != NULL, has_frames, err) : rc;
    rc = rc == 0 ? add_streams(c, has_frames, err) : rc;
    if (rc != 0) {
        history_cursor_close(c);
        return rc;
    }
    *out = c;
    return 0;
}

void
history_cursor_close(struct history_cursor *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; c->streams != NULL && i < c->source.device_count + 2; i++) {
        stream_free(&c->streams[i]);
    }
    for (size_t i = 0; i < c->source.device_count; i++) {
        free(c->source.devices[i].id);
    }
    sqlite3_finalize(c->source.list);
    sqlite3_finalize(c->source.chunk);
    sqlite3_finalize(c->source.tail);
    sqlite3_finalize(c->source.frames);
    parts_free(&c->source.chunk_parts);
    parts_free(&c->source.tail_parts);
    sheet_free(&c->source.section);
    sheet_free(&c->source.window);
    free(c->source.devices);
    free(c->source.ranks);
    free(c->streams);
    free(c->heap);
    free(c->samples);
    free(c);
}

const struct history_damage *
history_cursor_damage(const struct history_cursor *c)
{
    return &c->source.damage;
}

/* ---- reading ---- */

/* What of the row is asked for. */
static int
take_samples(struct history_cursor *c,
             const struct stream *s,
             uint32_t point,
             size_t *count,
             struct err *err)
{
    if (s->on->columns > c->sample_room) {
        size_t room = 2 * (size_t)s->on->columns;
        struct blob_sample *grown = realloc(c->samples, room * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        c->samples = grown;
        c->sample_room = room;
    }
    *count = sheet_samples(s->on, s->row, c->samples);
    if (point != 0 && (s->on->columns != 1 || s->on->keys[0] != point)) {
        size_t left = 0;
        for (size_t i = 0; i < *count; i++) {
            if (c->samples[i].key == point) {
                c->samples[left++] = c->samples[i];
            }
        }
        *count = left;
    }
    return 0;
}

/* The row of the first stream. */
static int
show(struct history_cursor *c, struct history_row *out, struct err *err)
{
    const struct stream *s = c->heap[0];
    const struct stream_device *d = &c->source.devices[s->rank];
    size_t count = 0;
    int rc = take_samples(c, s, d->point, &count, err);
    unsigned flags = s->on->flags[s->row];
    *out = (struct history_row){.t_ms = s->t_ms,
                                .device = d->key,
                                .device_id = d->id,
                                .untrusted = (flags & FRAME_CLOCK_UNTRUSTED) != 0,
                                .damaged = (flags & STREAM_DAMAGED) != 0,
                                .count = count,
                                .samples = c->samples};
    return rc;
}

int
history_cursor_next(struct history_cursor *c,
                    struct history_row *out,
                    bool *more,
                    struct err *err)
{
    int rc = 0;
    if (c->begun && c->count > 0) {
        rc = step_first(c, err);
    }
    c->begun = true;
    while (rc == 0 && c->count > 0) {
        struct stream *s = c->heap[0];
        if (!s->loaded) {
            rc = step_first(c, err);
            continue;
        }
        rc = show(c, out, err);
        bool wanted =
            out->count > 0 || out->damaged || c->source.devices[s->rank].point == 0;
        if (rc != 0 || wanted) {
            *more = true;
            return rc;
        }
        rc = step_first(c, err);
    }
    *more = false;
    return rc;
}

void
history_cursor_run(struct history_cursor *c, struct history_run *out)
{
    struct stream *s = c->heap[0];
    *out = (struct history_run){.count = 0};
    if (c->count == 0 || c->source.device_count != 1 || s->kind != STREAM_CHUNKS ||
        !s->loaded || s->sheet.columns != 1 ||
        s->sheet.keys[0] != c->source.devices[0].point) {
        return;
    }
    uint32_t first = s->row + 1, end = first;
    while (end < s->sheet.rows && s->sheet.t_ms[end] < c->next_ms &&
           (s->sheet.flags[end] & STREAM_DAMAGED) == 0) {
        end++;
    }
    *out = (struct history_run){.count = end - first,
                                .t_ms = s->sheet.t_ms + first,
                                .values = sheet_values(&s->sheet, 0) + first,
                                .statuses = sheet_statuses(&s->sheet, 0) + first,
                                .flags = s->sheet.flags + first};
    s->row = end - 1;
    s->t_ms = s->sheet.t_ms[s->row];
}
