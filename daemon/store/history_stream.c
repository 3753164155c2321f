#include "daemon/store/history_stream.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/model/sample.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/db.h"

#define LIST_AT_ONCE 64 /* Chunks of a device whose places are read at a time. */
#define SLICE_ROWS   64

_Static_assert((STREAM_DAMAGED & FRAME_CLOCK_UNTRUSTED) == 0, "they share a field");

static int
no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "history");
}

/* Those rows of `section` that lie in the window go behind the others of `out`. */
static bool
take_rows(struct sheet *out,
          struct sheet *section,
          int64_t from_ms,
          int64_t to_ms,
          int64_t shift,
          bool untrusted)
{
    uint32_t i = 0;
    for (uint32_t k = 0; k < section->rows; k++) {
        section->t_ms[k] = (int64_t)((uint64_t)section->t_ms[k] + (uint64_t)shift);
        section->flags[k] &= (uint16_t)~STREAM_DAMAGED;
        section->flags[k] |= untrusted ? FRAME_CLOCK_UNTRUSTED : 0;
    }
    while (i < section->rows) {
        uint32_t first = i;
        while (i < section->rows && section->t_ms[i] >= from_ms &&
               section->t_ms[i] <= to_ms) {
            i++;
        }
        if (i > first && !sheet_append(out, section, first, i - first)) {
            return false;
        }
        i += i == first;
    }
    return true;
}

/* A row that says so, and the span is counted: once, however many windows it reaches
 * into.  `rank` NONE_INDEX: nobody knows whose. */
static bool
add_damaged(struct stream_source *source,
            struct sheet *out,
            uint32_t rank,
            const struct window_part *part,
            int64_t from_ms)
{
    if (part->t0 >= from_ms || from_ms <= source->from_ms) {
        history_damage_add(&source->damage,
                           rank != NONE_INDEX ? source->devices[rank].id : NULL,
                           part->t0, part->t1);
    }
    return sheet_add(out, part->t0 > from_ms ? part->t0 : from_ms, STREAM_DAMAGED, NULL,
                     0);
}

/* SQLite cannot reach this row, but maybe others.  Anything else is an error. */
static int
unreachable(struct stream_source *source, bool *damaged, struct err *err)
{
    *damaged = db_is_damaged(source->db);
    return *damaged ? 0 : db_error(source->db, err, "read");
}

/* ---- chunks of one device ---- */

static int
list_chunks(struct stream *s, struct stream_source *source, struct err *err)
{
    sqlite3_stmt *row = source->list;
    int count = 0, step = SQLITE_DONE, rc = 0;
    sqlite3_bind_int64(row, 1, source->devices[s->rank].key);
    sqlite3_bind_int64(row, 2, s->last.t0);
    sqlite3_bind_int64(row, 3, s->last.key);
    sqlite3_bind_int64(row, 4, source->from_ms);
    sqlite3_bind_int64(row, 5, source->to_ms);
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        s->last = (struct window_part){sqlite3_column_int64(row, 0),
                                       sqlite3_column_int64(row, 1),
                                       sqlite3_column_int64(row, 2)};
        rc = windows_add(&s->windows, s->last.key, s->last.t0, s->last.t1)
                 ? 0
                 : no_memory(err);
        count++;
    }
    bool torn = false;
    if (rc == 0 && step != SQLITE_DONE) {
        rc = unreachable(source, &torn, err);
    }
    sqlite3_reset(row);
    if (torn) { /* What is behind it cannot be found. */
        history_damage_add(&source->damage, source->devices[s->rank].id,
                           s->last.t0 > source->from_ms ? s->last.t0 : source->from_ms,
                           source->to_ms);
    }
    s->windows.complete = torn || count < LIST_AT_ONCE;
    return rc;
}

static int
read_chunk(struct stream_source *source,
           uint32_t rank,
           const struct window_part *part,
           int64_t from_ms,
           int64_t to_ms,
           struct sheet *out,
           struct err *err)
{
    sqlite3_stmt *row = source->chunk;
    const uint32_t point = source->devices[rank].point;
    bool torn = false;
    int rc = 0;
    enum chunk_result r = CHUNK_READ;
    sqlite3_bind_int64(row, 1, part->key);
    int step = sqlite3_step(row);
    if (step == SQLITE_ROW && point != 0) {
        rc = parts_read_chunk(&source->chunk_parts, source->db, part->key, point, &r,
                              &source->section, err);
        if (rc != 0) {
            sheet_clear(&source->section);
            rc = unreachable(source, &torn, err);
            r = CHUNK_DAMAGED;
        }
    } else if (step == SQLITE_ROW) {
        r = chunk_sheet_read(sqlite3_column_blob(row, 2),
                             (size_t)sqlite3_column_bytes(row, 2), 0, &source->section);
    }
    if (rc == 0 && step == SQLITE_ROW) {
        bool well = r != CHUNK_NOMEM && take_rows(out, &source->section, from_ms, to_ms,
                                                  sqlite3_column_int64(row, 1),
                                                  sqlite3_column_int(row, 0) != 0);
        if (r == CHUNK_DAMAGED) {
            well = well && add_damaged(source, out, rank, part, from_ms);
        }
        rc = well ? 0 : no_memory(err);
    } else if (rc == 0 && step != SQLITE_DONE) {
        rc = unreachable(source, &torn, err);
        if (torn && !add_damaged(source, out, rank, part, from_ms)) {
            rc = no_memory(err);
        }
    }
    sqlite3_reset(row);
    return rc;
}

static int
by_key(const void *left, const void *right)
{
    const struct window_part *a = left, *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

/* The rows of the window as slices, which take a thirtieth of the memory. */
static int
slice(struct stream *s, const struct sheet *window, struct err *err)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    uint32_t most = TAIL_CELLS_MAX / (window->columns > 0 ? window->columns : 1);
    most = most < SLICE_ROWS ? most : SLICE_ROWS;
    int64_t period = window->rows > 1 ? window->t_ms[1] - window->t_ms[0] : 0;
    bool well = true;
    tail_begin(&s->slices, window->t_ms[0], period > 0 ? period : 1);
    for (uint32_t at = 0; well && at < window->rows; at += most) {
        uint32_t count = window->rows - at < most ? window->rows - at : most;
        well = tail_add(&s->slices, 0, window, at, count);
    }
    s->part = (struct tail_part){0};
    well = well && tail_end(&s->slices, &bytes, &size) &&
           tail_open(&s->coded, bytes, size);
    bytes_free(&s->slices.body);
    bytes_free(&s->slices.directory);
    s->slices.body = s->slices.directory = (struct bytes){0};
    return well ? 0 : no_memory(err);
}

/* The next slice; false behind the last. */
static bool
next_slice(struct stream *s, int *rc, struct err *err)
{
    if (s->coded.bytes == NULL || !tail_next(&s->coded, &s->part)) {
        return false;
    }
    if (tail_read(&s->coded, &s->part, &s->sheet) != TAIL_READ) {
        *rc = no_memory(err); /* It was coded in this memory. */
    }
    return true;
}

/* Reads the next window that has rows. */
static int
load_chunks(struct stream *s, struct stream_source *source, struct err *err)
{
    struct sheet *out = source->sliced ? &source->window : &s->sheet;
    int64_t from_ms, to_ms;
    size_t count;
    int rc = 0;
    sheet_clear(out);
    while (rc == 0 && out->rows == 0) {
        if (!windows_next(&s->windows, &from_ms, &to_ms, &count)) {
            if (s->windows.complete) {
                s->ended = true;
                return 0;
            }
            rc = list_chunks(s, source, err);
            continue;
        }
        /* As recorded: in order of key. */
        struct window_part *parts = malloc((count + 1) * sizeof *parts);
        if (parts == NULL) {
            return no_memory(err);
        }
        memcpy(parts, s->windows.parts, count * sizeof *parts);
        qsort(parts, count, sizeof *parts, by_key);
        to_ms = to_ms < source->to_ms ? to_ms : source->to_ms;
        for (size_t i = 0; rc == 0 && i < count; i++) {
            rc = read_chunk(source, s->rank, &parts[i], from_ms, to_ms, out, err);
        }
        free(parts);
    }
    rc = rc == 0 && !sheet_sort(out) ? no_memory(err) : rc;
    return rc == 0 && source->sliced ? slice(s, out, err) : rc;
}

static int
step_chunks(struct stream *s, struct stream_source *source, struct err *err)
{
    int rc = 0;
    s->on = &s->sheet;
    if (s->loaded && ++s->row < s->sheet.rows) {
        s->t_ms = s->sheet.t_ms[s->row];
        return 0;
    }
    s->row = 0;
    if (!source->sliced || !next_slice(s, &rc, err)) {
        rc = load_chunks(s, source, err);
        if (rc == 0 && !s->ended && source->sliced) {
            (void)next_slice(s, &rc, err);
        }
    }
    s->loaded = true;
    s->t_ms = rc == 0 && !s->ended ? s->sheet.t_ms[0] : 0;
    return rc;
}

/* ---- the tail ---- */

int
stream_list_tail(struct stream *s, struct stream_source *source, struct err *err)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_DONE;
    int rc = db_prepare(source->db, &row,
                        "SELECT seq, t0, t1 FROM tail WHERE t1 >= ?1 AND t0 <= ?2"
                        " ORDER BY t0, seq",
                        err);
    if (rc == 0) {
        sqlite3_bind_int64(row, 1, source->from_ms);
        sqlite3_bind_int64(row, 2, source->to_ms);
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        rc = windows_add(&s->windows, sqlite3_column_int64(row, 0),
                         sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2))
                 ? 0
                 : no_memory(err);
    }
    rc = rc == 0 && step != SQLITE_DONE ? db_error(source->db, err, "read") : rc;
    sqlite3_finalize(row);
    s->windows.complete = true;
    s->windows.next_ms = source->from_ms;
    return rc;
}

/* Rows of a sheet become entries of the window. */
static bool
add_entries(struct stream *s, uint32_t rank, uint32_t sheet)
{
    const struct sheet *from = &s->sheets[sheet];
    if (s->entry_count + from->rows > s->entry_room) {
        size_t room = 2 * (s->entry_count + from->rows);
        struct stream_entry *grown = realloc(s->entries, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        s->entries = grown;
        s->entry_room = room;
    }
    for (uint32_t i = 0; i < from->rows; i++) {
        s->entries[s->entry_count++] =
            (struct stream_entry){from->t_ms[i], rank, sheet, i};
    }
    return true;
}

/* A sheet of the window that is not used yet; NULL without memory. */
static struct sheet *
new_sheet(struct stream *s)
{
    if (s->sheet_count == s->sheet_room) {
        size_t room = s->sheet_room + s->sheet_room / 2 + 16;
        struct sheet *grown = realloc(s->sheets, room * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + s->sheet_room, 0, (room - s->sheet_room) * sizeof *grown);
        s->sheets = grown;
        s->sheet_room = room;
    }
    struct sheet *out = &s->sheets[s->sheet_count++];
    sheet_clear(out);
    return out;
}

static int
read_sections(struct stream *s,
              struct stream_source *source,
              sqlite3_stmt *row,
              const struct window_part *part,
              int64_t from_ms,
              int64_t to_ms,
              struct err *err)
{
    struct tail tail;
    struct tail_part section = {0};
    struct sheet *out;
    bool one = source->device_count == 1, opened;
    int rc = 0;
    if (one) {
        rc = parts_open_tail(&source->tail_parts, source->db, part->key, &tail, &opened,
                             err);
    } else {
        opened = tail_open(&tail, sqlite3_column_blob(row, 2),
                           (size_t)sqlite3_column_bytes(row, 2));
    }
    if (rc == 0 && !opened) {
        /* Of some devices, nobody knows which. */
        out = source->device_count > 0 ? new_sheet(s) : NULL;
        return source->device_count == 0 ||
                       (out != NULL &&
                        add_damaged(source, out, NONE_INDEX, part, from_ms) &&
                        add_entries(s, 0, (uint32_t)s->sheet_count - 1))
                   ? 0
                   : no_memory(err);
    }
    while (rc == 0 && tail_next(&tail, &section)) {
        uint32_t rank =
            section.device < source->rank_count ? source->ranks[section.device] : 0;
        if (rank == 0 || part->key <= source->devices[rank - 1].packed) {
            continue;
        }
        rc = one ? parts_need_section(&source->tail_parts, source->db, &section, err)
                 : 0;
        if (rc != 0) {
            return rc;
        }
        enum tail_result r = tail_read_point(
            &tail, &section, source->devices[rank - 1].point, &source->section);
        bool well = r != TAIL_NOMEM && (out = new_sheet(s)) != NULL;
        if (well && r == TAIL_DAMAGED) {
            well = add_damaged(source, out, rank - 1, part, from_ms);
        } else {
            well = well && take_rows(out, &source->section, from_ms, to_ms,
                                     sqlite3_column_int64(row, 1),
                                     sqlite3_column_int(row, 0) != 0);
        }
        if (!well || !add_entries(s, rank - 1, (uint32_t)s->sheet_count - 1)) {
            return no_memory(err);
        }
    }
    return rc;
}

/* By time, device, then as recorded: sheets are in order of seq. */
static int
by_time(const void *left, const void *right)
{
    const struct stream_entry *a = left, *b = right;
    if (a->t_ms != b->t_ms) {
        return (a->t_ms > b->t_ms) - (a->t_ms < b->t_ms);
    }
    if (a->rank != b->rank) {
        return (a->rank > b->rank) - (a->rank < b->rank);
    }
    return a->sheet != b->sheet ? (a->sheet > b->sheet) - (a->sheet < b->sheet)
                                : (a->row > b->row) - (a->row < b->row);
}

static int
load_tail(struct stream *s, struct stream_source *source, struct err *err)
{
    int64_t from_ms, to_ms;
    size_t count;
    bool torn = false;
    int rc = 0;
    s->entry = s->entry_count = 0;
    while (rc == 0 && s->entry_count == 0) {
        s->sheet_count = 0;
        if (!windows_next(&s->windows, &from_ms, &to_ms, &count)) {
            s->ended = true;
            return 0;
        }
        struct window_part *parts = malloc((count + 1) * sizeof *parts);
        if (parts == NULL) {
            return no_memory(err);
        }
        memcpy(parts, s->windows.parts, count * sizeof *parts);
        qsort(parts, count, sizeof *parts, by_key);
        to_ms = to_ms < source->to_ms ? to_ms : source->to_ms;
        for (size_t i = 0; rc == 0 && i < count; i++) {
            sqlite3_bind_int64(source->tail, 1, parts[i].key);
            int step = sqlite3_step(source->tail);
            if (step == SQLITE_ROW) {
                rc = read_sections(s, source, source->tail, &parts[i], from_ms, to_ms,
                                   err);
            }
            if (rc == ERR_IO || (step != SQLITE_ROW && step != SQLITE_DONE)) {
                rc = unreachable(source, &torn, err);
                if (torn) {
                    history_damage_add(&source->damage, NULL, parts[i].t0, parts[i].t1);
                }
            }
            sqlite3_reset(source->tail);
        }
        free(parts);
    }
    if (rc == 0) {
        qsort(s->entries, s->entry_count, sizeof *s->entries, by_time);
    }
    return rc;
}

static int
step_tail(struct stream *s, struct stream_source *source, struct err *err)
{
    int rc = 0;
    if (!s->loaded || ++s->entry == s->entry_count) {
        rc = load_tail(s, source, err);
    }
    s->loaded = true;
    if (rc == 0 && !s->ended) {
        const struct stream_entry *e = &s->entries[s->entry];
        s->t_ms = e->t_ms;
        s->rank = e->rank;
        s->on = &s->sheets[e->sheet];
        s->row = e->row;
    }
    return rc;
}

/* ---- what an old schema left ---- */

static int
step_frames(struct stream *s, struct stream_source *source, struct err *err)
{
    struct blob_sample samples[FRAME_READINGS_MAX];
    size_t count = 0;
    uint32_t rank = 0;
    s->loaded = true;
    s->on = &s->sheet;
    s->row = 0;
    while (rank == 0) {
        int step = sqlite3_step(source->frames);
        s->ended = step != SQLITE_ROW;
        if (s->ended) {
            return step == SQLITE_DONE ? 0 : db_error(source->db, err, "read");
        }
        int64_t key = sqlite3_column_int64(source->frames, 1);
        rank = key >= 0 && (uint64_t)key < source->rank_count ? source->ranks[key] : 0;
    }
    s->t_ms = sqlite3_column_int64(source->frames, 0);
    s->rank = rank - 1;
    bool well = frame_blob_decode(samples, FRAME_READINGS_MAX, &count,
                                  sqlite3_column_blob(source->frames, 3),
                                  (size_t)sqlite3_column_bytes(source->frames, 3));
    if (!well) {
        history_damage_add(&source->damage, source->devices[s->rank].id, s->t_ms,
                           s->t_ms);
    }
    unsigned flags = (unsigned)sqlite3_column_int(source->frames, 2);
    sheet_clear(&s->sheet);
    if (!sheet_add(&s->sheet, s->t_ms,
                   (uint16_t)(well ? flags & FRAME_CLOCK_UNTRUSTED : STREAM_DAMAGED),
                   samples, well ? count : 0)) {
        return no_memory(err);
    }
    return 0;
}

int
stream_step(struct stream *s, struct stream_source *source, struct err *err)
{
    switch (s->kind) {
    case STREAM_CHUNKS:
        return step_chunks(s, source, err);
    case STREAM_TAIL:
        return step_tail(s, source, err);
    case STREAM_FRAMES:
        break;
    }
    return step_frames(s, source, err);
}

void
stream_free(struct stream *s)
{
    free(s->windows.parts);
    sheet_free(&s->sheet);
    tail_writer_free(&s->slices);
    for (size_t i = 0; i < s->sheet_room; i++) {
        sheet_free(&s->sheets[i]);
    }
    free(s->sheets);
    free(s->entries);
}
