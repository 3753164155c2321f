/* Of history.h: the first or the last good sample of a point.  What may hold it is read
 * from that end, until nothing else can. */
#include <stdio.h>

#include "daemon/store/chunk_sheet.h"
#include "daemon/store/history_reader.h"
#include "daemon/store/tail.h"

struct search {
    struct history_reader *reader;
    const char *device_id;
    uint32_t key;
    int64_t device, packed;
    int64_t from_ms, to_ms; /* The end is not included. */
    bool last;
    struct history_edge *out;
    sqlite3_stmt *fetch; /* Of a chunk or row of the tail, by key. */
    struct sheet sheet;
    /* As recorded: the kind of what is looked into, and its key; of what was found. */
    int kind, found_kind;
    int64_t at, found_at;
};

/* Nothing between these times is better than what was found. */
static bool
is_settled(const struct search *x, int64_t t0, int64_t t1)
{
    return x->out->found && (x->last ? t1 < x->out->t_ms : t0 > x->out->t_ms);
}

/* Of two samples of one time the one that was recorded first counts. */
static bool
is_better(const struct search *x, int64_t t_ms)
{
    if (!x->out->found || t_ms != x->out->t_ms) {
        return !x->out->found || (t_ms > x->out->t_ms) == x->last;
    }
    return x->kind != x->found_kind ? x->kind < x->found_kind : x->at < x->found_at;
}

static void
consider(struct search *x, int64_t t_ms, double value)
{
    if (t_ms >= x->from_ms && t_ms < x->to_ms && is_better(x, t_ms)) {
        *x->out = (struct history_edge){.found = true, .t_ms = t_ms, .value = value};
        x->found_kind = x->kind;
        x->found_at = x->at;
    }
}

static void
consider_sheet(struct search *x, int64_t shift)
{
    const struct sheet *s = &x->sheet;
    for (uint32_t k = 0; k < s->columns; k++) {
        for (uint32_t i = 0; s->keys[k] == x->key && i < s->rows; i++) {
            if (CHUNK_QUALITY(sheet_statuses(s, k)[i]) == QUALITY_GOOD) {
                consider(x, (int64_t)((uint64_t)s->t_ms[i] + (uint64_t)shift),
                         sheet_values(s, k)[i]);
            }
        }
    }
}

/* What could not be read is left out, and told by the reader. */
static void
damaged(const struct search *x, int64_t t0, int64_t t1)
{
    history_damage_add(&x->reader->damage, x->device_id, t0, t1);
}

static int
look_into_chunk(struct search *x, int64_t t0, int64_t t1, struct err *err)
{
    enum chunk_result r =
        chunk_sheet_read(sqlite3_column_blob(x->fetch, 2),
                         (size_t)sqlite3_column_bytes(x->fetch, 2), x->key, &x->sheet);
    if (r == CHUNK_NOMEM) {
        return err_set(err, ERR_NOMEM, "%s", x->reader->path);
    }
    if (r == CHUNK_DAMAGED) {
        damaged(x, t0, t1);
    }
    consider_sheet(x, sqlite3_column_int64(x->fetch, 1));
    return 0;
}

static int
look_into_tail(struct search *x, int64_t t0, int64_t t1, struct err *err)
{
    struct tail tail;
    struct tail_part part = {0};
    if (!tail_open(&tail, sqlite3_column_blob(x->fetch, 2),
                   (size_t)sqlite3_column_bytes(x->fetch, 2))) {
        damaged(x, t0, t1);
        return 0;
    }
    while (tail_next(&tail, &part)) {
        if (part.device != x->device) {
            continue;
        }
        enum tail_result r = tail_read(&tail, &part, &x->sheet);
        if (r == TAIL_NOMEM) {
            return err_set(err, ERR_NOMEM, "%s", x->reader->path);
        }
        if (r == TAIL_DAMAGED) {
            damaged(x, t0, t1);
            continue;
        }
        consider_sheet(x, sqlite3_column_int64(x->fetch, 1));
    }
    return 0;
}

static void
look_into_frame(struct search *x, sqlite3_stmt *row)
{
    struct blob_sample samples[FRAME_READINGS_MAX];
    size_t count = 0;
    if (!frame_blob_decode(samples, FRAME_READINGS_MAX, &count,
                           sqlite3_column_blob(row, 3),
                           (size_t)sqlite3_column_bytes(row, 3))) {
        damaged(x, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 0));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (samples[i].key == x->key && samples[i].quality == (uint8_t)QUALITY_GOOD) {
            consider(x, sqlite3_column_int64(row, 0), samples[i].value);
        }
    }
}

/* What may hold it, by that end; only what is looked into is read whole. */
struct place {
    const char *list;  /* t0, t1, key */
    const char *fetch; /* untrusted, shift, bytes by key; NULL: the list has it all. */
    int (*look_into)(struct search *, int64_t t0, int64_t t1, struct err *);
};

static int
look_at(struct search *x, const struct place *p, sqlite3_stmt *row, struct err *err)
{
    int64_t t0 = sqlite3_column_int64(row, 0), t1 = sqlite3_column_int64(row, 1);
    int rc = 0;
    x->at = sqlite3_column_int64(row, 2);
    if (p->fetch == NULL) {
        look_into_frame(x, row);
        return 0;
    }
    sqlite3_bind_int64(x->fetch, 1, x->at);
    int step = sqlite3_step(x->fetch);
    if (step == SQLITE_ROW && sqlite3_column_int(x->fetch, 0) == 0) {
        rc = p->look_into(x, t0, t1, err);
    } else if (step != SQLITE_ROW && step != SQLITE_DONE &&
               db_is_damaged(x->reader->db)) {
        damaged(x, t0, t1);
    } else if (step != SQLITE_ROW && step != SQLITE_DONE) {
        rc = db_error(x->reader->db, err, "read");
    }
    sqlite3_reset(x->fetch);
    return rc;
}

static int
look(struct search *x, const struct place *p, struct err *err)
{
    sqlite3_stmt *row = NULL;
    char sql[256];
    int step = SQLITE_DONE;
    x->kind++;
    snprintf(sql, sizeof sql, "%s ORDER BY %s", p->list, x->last ? "2 DESC" : "1");
    int rc = db_prepare(x->reader->db, &row, sql, err);
    if (rc == 0 && p->fetch != NULL) {
        rc = db_prepare(x->reader->db, &x->fetch, p->fetch, err);
    }
    if (rc == 0) {
        sqlite3_bind_int64(row, 1, x->from_ms);
        sqlite3_bind_int64(row, 2, x->to_ms);
        sqlite3_bind_int64(row, 3, x->device);
        sqlite3_bind_int64(row, 4, x->packed);
    }
    while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW &&
           !is_settled(x, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1))) {
        rc = look_at(x, p, row, err);
    }
    if (rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE) {
        rc = db_error(x->reader->db, err, "read");
    }
    sqlite3_finalize(row);
    sqlite3_finalize(x->fetch);
    x->fetch = NULL;
    return rc;
}

/* `key` 0: the point was never recorded. */
static int
find_point(struct search *x, const char *device, const char *point, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_prepare(x->reader->db, &stmt,
                        "SELECT p.key, d.key, ifnull(k.seq, 0) FROM point p"
                        " JOIN device d ON d.key = p.device"
                        " LEFT JOIN packed k ON k.device = d.key"
                        " WHERE d.id = ?1 AND p.id = ?2",
                        err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_text(stmt, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, point, -1, SQLITE_STATIC);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) {
        x->key = (uint32_t)sqlite3_column_int64(stmt, 0);
        x->device = sqlite3_column_int64(stmt, 1);
        x->packed = sqlite3_column_int64(stmt, 2);
    } else if (step != SQLITE_DONE) {
        rc = db_error(x->reader->db, err, "read");
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int
search(struct search *x, const char *device, const char *point, struct err *err)
{
    static const struct place frames = {
        "SELECT t, t, rowid, samples FROM frame WHERE t >= ?1 AND t < ?2"
        " AND device = ?3 AND flags & 1 = 0 AND ?4 IS NOT NULL",
        NULL, NULL};
    static const struct place chunks = {
        "SELECT t0, t1, key FROM chunk WHERE t1 >= ?1 AND t0 < ?2 AND device = ?3"
        " AND ?4 IS NOT NULL",
        "SELECT untrusted, shift, bytes FROM chunk WHERE key = ?1", look_into_chunk};
    static const struct place tail = {
        "SELECT t0, t1, seq FROM tail WHERE t1 >= ?1 AND t0 < ?2 AND ?3 IS NOT NULL"
        " AND seq > ?4",
        "SELECT untrusted, shift, bytes FROM tail WHERE seq = ?1", look_into_tail};
    bool has_frames = false;
    int rc = find_point(x, device, point, err);
    if (rc != 0 || x->key == 0) {
        return rc;
    }
    rc = history_has_frames(x->reader->db, &has_frames, err);
    rc = rc == 0 && has_frames ? look(x, &frames, err) : rc;
    rc = rc == 0 ? look(x, &chunks, err) : rc;
    return rc == 0 ? look(x, &tail, err) : rc;
}

int
history_edge(struct history_reader *r,
             const char *device,
             const char *point,
             int64_t from_ms,
             int64_t to_ms,
             bool last,
             struct history_edge *out,
             struct err *err)
{
    struct search x = {.reader = r,
                       .device_id = device,
                       .from_ms = from_ms,
                       .to_ms = to_ms,
                       .last = last,
                       .out = out};
    bool begun = false;
    *out = (struct history_edge){.found = false};
    int rc = history_reader_refresh(r, err);
    rc = rc == 0 ? history_reader_begin(r, &begun, err) : rc;
    rc = rc == 0 ? search(&x, device, point, err) : rc;
    history_reader_end(r, begun);
    sheet_free(&x.sheet);
    return rc;
}
