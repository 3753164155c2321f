#include "daemon/store/history_keep.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/history_keep_internal.h"
#include "daemon/store/history_rollup.h"

/* A page of the tail that is used again before the log is folded back into the file is
 * written to the file once: the log holds the tail about twice. */
#define LOG_BYTES        (INT64_C(16) << 20)
#define LOG_SHARE        8                  /* Of `max_size`, at most. */
#define LOG_FROZEN_BYTES (INT64_C(1) << 20) /* While the disk is nearly full. */
#define INDEX_BYTES      INT64_C(32768)     /* Of the log's index, at least. */
#define INDEX_SHARE      64                 /* Of the log. */
#define PAGES_MIN        64                 /* Of a file with `max_size`. */
#define FILE_BYTES       (INT64_C(1) << 20) /* A frozen file may grow to this. */
#define DISK_LOG_SHARE   64 /* Of the disk, that the log takes at most; */
#define DISK_SHARE       4  /* and that is left to others. */

#define DROP_SHARE  16                 /* Of the file's place, that is kept free; */
#define SLACK_BYTES (INT64_C(8) << 20) /* at most so much. */
#define DROP_BYTES  (INT64_C(1) << 20) /* That go with one flush. */
#define HARD_BYTES  (INT64_C(4) << 20) /* That go when a write was refused. */

#define FREE_SHARE 8                  /* Free pages of a file that are given back. */
#define FREE_BYTES (INT64_C(4) << 20) /* Fewer are not. */
#define STORE_MS   INT64_C(3600000)   /* How exactly the present is kept. */
#define DAY_MS     INT64_C(86400000)

/* What is kept where the site does not say for how long: for the order of going. */
#define KEEP_DEFAULT_MS    INT64_C(7776000000)   /* 90 days */
#define KEEP_1M_DEFAULT_MS INT64_C(63072000000)  /* 2 years */
#define KEEP_1H_DEFAULT_MS INT64_C(630720000000) /* 20 years */
/* What has lived so little of its time does not go for others' sake. */
#define LIVED_LEAST (1.0 / 64)

void
history_present_step(struct history_present *p, int64_t newest_ms, int64_t mono_ms)
{
    int64_t passed =
        p->mono_ms != INSTANT_NONE && mono_ms > p->mono_ms ? mono_ms - p->mono_ms : 0;
    p->mono_ms = mono_ms;
    if (newest_ms == INSTANT_NONE) {
        return;
    }
    if (p->t_ms == INSTANT_NONE || newest_ms <= p->t_ms + KEEP_LEAP_MS) {
        p->t_ms = newest_ms;
    } else {
        p->t_ms += KEEP_HASTE * passed;
        p->t_ms = p->t_ms < newest_ms ? p->t_ms : newest_ms;
    }
}

/* ---- limits of the file and its log ---- */

static int64_t
log_limit(const struct history_keep *k)
{
    return k->frozen && k->log_bytes > LOG_FROZEN_BYTES ? LOG_FROZEN_BYTES
                                                        : k->log_bytes;
}

/* What does not fit is SQLITE_FULL, and the oldest make room. */
static int
set_limits(struct history_keep *k, struct err *err)
{
    char sql[192];
    int64_t pages = k->pages_max > 0 ? k->pages_max : INT32_MAX;
    pages = k->frozen && k->pages < pages ? k->pages : pages;
    snprintf(sql, sizeof sql,
             "PRAGMA max_page_count = %lld; PRAGMA wal_autocheckpoint = %lld;"
             "PRAGMA journal_size_limit = %lld;"
             /* Pages that are free would else be written, full of zeros. */
             "PRAGMA secure_delete = OFF",
             (long long)pages, (long long)(log_limit(k) / k->page_bytes),
             (long long)(log_limit(k) + log_limit(k) / 4));
    return db_exec(k->db, sql, err);
}

/* On a small disk, or in a small place, the log is short, and less is left. */
static void
fit_in(struct history_keep *k)
{
    struct statvfs vfs;
    int64_t max = k->site->history.max_bytes, disk = INT64_MAX;
    if (statvfs(k->dir, &vfs) == 0) {
        disk = (int64_t)((uint64_t)vfs.f_blocks * vfs.f_frsize);
    }
    k->log_bytes = max > 0 && max / LOG_SHARE < LOG_BYTES ? max / LOG_SHARE : LOG_BYTES;
    if (disk / DISK_LOG_SHARE < k->log_bytes) {
        k->log_bytes = disk / DISK_LOG_SHARE;
    }
    k->reserve_bytes =
        disk / DISK_SHARE < KEEP_RESERVE_BYTES ? disk / DISK_SHARE : KEEP_RESERVE_BYTES;
}

int
history_keep_attach(struct history_keep *k, sqlite3 *db, struct err *err)
{
    int64_t max = k->site->history.max_bytes, kind = 0;
    k->db = db;
    k->frozen = k->short_of = k->refused = k->vacuuming = false;
    fit_in(k);
    int rc = db_int(db, "PRAGMA page_size", 1024, &k->page_bytes, err);
    rc = rc == 0 ? db_int(db, "PRAGMA auto_vacuum", 0, &kind, err) : rc;
    rc = rc == 0
             ? db_int(db, "SELECT t FROM present", INSTANT_NONE, &k->present_ms, err)
             : rc;
    if (rc != 0) {
        return rc;
    }
    k->vacuums = kind == 2;
    k->stored_ms = k->present_ms;
    k->pages_max = 0;
    if (max > 0) {
        int64_t index = k->log_bytes / INDEX_SHARE;
        int64_t beside = k->log_bytes + k->log_bytes / 4 +
                         (index > INDEX_BYTES ? index : INDEX_BYTES);
        k->pages_max = (max - beside) / k->page_bytes;
        k->pages_max = k->pages_max > PAGES_MIN ? k->pages_max : PAGES_MIN;
    }
    return set_limits(k, err);
}

/* ---- the disk ---- */

static int64_t
size_of(const char *path, const char *suffix)
{
    char name[DB_PATH_BYTES + 8];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Bytes that the log may still take, and the file when that is folded back. */
static int64_t
promised(const struct history_keep *k, int64_t pages)
{
    int64_t log = k->log_bytes + k->log_bytes / 4 - size_of(k->path, "-wal");
    int64_t file = pages * k->page_bytes - size_of(k->path, "");
    return (log > 0 ? log : 0) + (file > 0 ? file : 0);
}

/* A file of `pages` gets no longer, but a short one has room for the newest. */
static int64_t
frozen_pages(const struct history_keep *k, int64_t pages)
{
    int64_t least = FILE_BYTES / k->page_bytes;
    return pages > least ? pages : least;
}

static void
freeze(struct history_keep *k, bool frozen, int64_t pages)
{
    struct err err = {0};
    k->frozen = frozen;
    k->pages = frozen_pages(k, pages);
    if (set_limits(k, &err) != 0) {
        log_warning("%s", err.text);
    }
    if (frozen) {
        log_warning("%s: the disk is nearly full; the oldest samples make room",
                    k->path);
        history_keep_fold(k); /* The log gets short. */
    } else {
        log_info("%s: the disk has room again", k->path);
    }
}

void
history_keep_watch(struct history_keep *k)
{
    struct statvfs vfs;
    struct err err = {0};
    int64_t pages = 0;
    if (statvfs(k->dir, &vfs) != 0 ||
        db_int(k->db, "PRAGMA page_count", 0, &pages, &err) != 0) {
        return; /* The write itself will say what is wrong. */
    }
    uint64_t have = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    uint64_t need = (uint64_t)(k->reserve_bytes + promised(k, pages));
    if (!k->frozen && (have < need || k->refused)) {
        freeze(k, true, pages);
    } else if (k->frozen && !k->refused && have >= need + need / 4) {
        freeze(k, false, 0);
    }
    k->refused = false;
    k->short_of = have < (uint64_t)k->reserve_bytes;
}

void
history_keep_fold(struct history_keep *k)
{
    /* It may be that not all can be folded back now: the next one goes on. */
    (void)sqlite3_wal_checkpoint_v2(k->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* ---- what goes ---- */

int64_t
history_keep_before(const struct history_keep *k, int64_t now_ms)
{
    int64_t keep_ms = k->site->history.keep_ms;
    return now_ms == INSTANT_NONE || keep_ms <= 0 || now_ms < INSTANT_NONE + keep_ms
               ? INSTANT_NONE
               : now_ms - keep_ms;
}

static int64_t
before(int64_t now_ms, int64_t keep_ms)
{
    return keep_ms > 0 && now_ms >= INSTANT_NONE + keep_ms ? now_ms - keep_ms
                                                           : INSTANT_NONE;
}

static int
expire(struct history_keep *k, int64_t now_ms, struct err *err)
{
    const struct history_spec *spec = &k->site->history;
    int64_t before_ms = history_keep_before(k, now_ms);
    struct keep_budget left = {.bytes = INT64_MAX, .rows = KEEP_AT_ONCE};
    int rc = before_ms != INSTANT_NONE
                 ? history_keep_chunks(k, before_ms, true, &left, err)
                 : 0;
    return rc == 0 ? history_rollup_expire(k->tail, before(now_ms, spec->keep_1m_ms),
                                           before(now_ms, spec->keep_1h_ms), err)
                   : rc;
}

/* Samples, minutes, or hours. */
struct layer {
    int64_t resolution_ms; /* 0: samples. */
    int64_t keep_ms;
    int64_t oldest_ms; /* INSTANT_MAX: there are none. */
    double lived;      /* Of the oldest: how much of its time. */
};
#define LAYERS 3

/* The layer whose oldest have lived most of their time; NULL: all are empty. */
static struct layer *
look_at(struct history_keep *k, struct layer *layers, int64_t now_ms, struct err *err)
{
    struct layer *most = NULL;
    for (size_t i = 0; i < LAYERS; i++) {
        struct layer *l = &layers[i];
        if (l->oldest_ms != INSTANT_MAX &&
            history_keep_oldest(k, l->resolution_ms, &l->oldest_ms, err) != 0) {
            return NULL;
        }
        l->lived = ((double)now_ms - (double)l->oldest_ms) / (double)l->keep_ms;
        if (l->oldest_ms != INSTANT_MAX && (most == NULL || l->lived > most->lived)) {
            most = l;
        }
    }
    return most;
}

/* Up to when those of the layer go before the oldest of the others. */
static int64_t
turn_until(const struct layer *layers, const struct layer *l, int64_t now_ms)
{
    double lived = LIVED_LEAST;
    for (size_t i = 0; i < LAYERS; i++) {
        if (&layers[i] != l && layers[i].oldest_ms != INSTANT_MAX &&
            layers[i].lived > lived) {
            lived = layers[i].lived;
        }
    }
    double until = (double)now_ms - lived * (double)l->keep_ms;
    return until > (double)l->oldest_ms ? (int64_t)until + 1
           : l->oldest_ms < INSTANT_MAX ? l->oldest_ms + 1
                                        : INSTANT_MAX;
}

static int64_t
or_default(int64_t ms, int64_t default_ms)
{
    return ms > 0 ? ms : default_ms;
}

/* The oldest go, in the order of how much of their time they have lived: samples,
 * minutes and hours get shorter together.  `rolled`: no samples that are in no roll-up
 * yet, and nothing that has lived but little of its time. */
static int
drop_layers(struct history_keep *k,
            bool rolled,
            struct keep_budget *left,
            struct err *err)
{
    const struct history_spec *spec = &k->site->history;
    struct layer layers[LAYERS] = {
        {.keep_ms = or_default(spec->keep_ms, KEEP_DEFAULT_MS)},
        {.resolution_ms = ROLLUP_MINUTE_MS,
         .keep_ms = or_default(spec->keep_1m_ms, KEEP_1M_DEFAULT_MS)},
        {.resolution_ms = ROLLUP_HOUR_MS,
         .keep_ms = or_default(spec->keep_1h_ms, KEEP_1H_DEFAULT_MS)}};
    int64_t now_ms = k->present_ms;
    struct layer *l = NULL;
    int rc = now_ms != INSTANT_NONE
                 ? 0
                 : db_int(k->db, "SELECT max(t1) FROM chunk", 0, &now_ms, err);
    err->code = ERR_NONE;
    while (rc == 0 && left->rows > 0 && left->freed < left->bytes &&
           (l = look_at(k, layers, now_ms, err)) != NULL &&
           (!rolled || l->lived > LIVED_LEAST)) {
        const int rows = left->rows;
        int64_t until = turn_until(layers, l, now_ms);
        rc = l->resolution_ms == 0
                 ? history_keep_chunks(k, until, rolled, left, err)
                 : history_keep_rollups(k, l->resolution_ms, until, left, err);
        if (left->rows == rows) { /* None of them may go now. */
            l->oldest_ms = INSTANT_MAX;
        }
    }
    return rc != 0 || l != NULL ? rc : (int)err->code;
}

/* Pages that are kept free, so that what comes finds a place. */
static int64_t
slack_pages(const struct history_keep *k, int64_t most)
{
    int64_t slack = most / DROP_SHARE;
    return slack < SLACK_BYTES / k->page_bytes ? slack : SLACK_BYTES / k->page_bytes;
}

/* What is left of schema 1 goes first, and the tail last. */
static int
drop(struct history_keep *k, struct keep_budget *left, struct err *err)
{
    int rc = history_keep_frames(k, left, err);
    rc = rc == 0 ? drop_layers(k, true, left, err) : rc;
    rc = rc == 0 ? drop_layers(k, false, left, err) : rc;
    return rc == 0 ? history_keep_rows(k, left, err) : rc;
}

/* Near its limit the file drops its oldest before it is full. */
static int
make_room(struct history_keep *k, struct err *err)
{
    int64_t pages = 0, unused = 0;
    int64_t most = k->frozen ? k->pages : k->pages_max;
    struct keep_budget left = {.rows = KEEP_AT_ONCE};
    if (most == 0) {
        return 0;
    }
    int rc = db_int(k->db, "PRAGMA page_count", 0, &pages, err);
    rc = rc == 0 ? db_int(k->db, "PRAGMA freelist_count", 0, &unused, err) : rc;
    if (k->pages_max > 0 && k->pages_max < most) {
        most = k->pages_max;
    }
    int64_t slack = slack_pages(k, most);
    int64_t over = (pages - unused + slack - most) * k->page_bytes;
    if (rc == 0 && over > 0) {
        left.bytes = over < DROP_BYTES ? over : DROP_BYTES;
        rc = drop(k, &left, err);
    }
    if (rc == 0 && k->short_of && unused < slack + KEEP_VACUUM_PAGES) {
        left.bytes = DROP_BYTES;
        rc = drop_layers(k, true, &left, err);
    }
    return rc;
}

static int
store_present(struct history_keep *k, int64_t now_ms, struct err *err)
{
    char sql[96];
    if (now_ms == INSTANT_NONE ||
        (k->present_ms != INSTANT_NONE && now_ms < k->present_ms + STORE_MS &&
         now_ms > k->present_ms - STORE_MS)) {
        return 0;
    }
    snprintf(sql, sizeof sql,
             "INSERT OR REPLACE INTO present (key, t) VALUES (1, %lld)",
             (long long)now_ms);
    k->present_ms = now_ms;
    return db_exec(k->db, sql, err);
}

int
history_keep_settle(struct history_keep *k, int64_t now_ms, struct err *err)
{
    int rc = store_present(k, now_ms, err);
    rc = rc == 0 ? expire(k, now_ms, err) : rc;
    return rc == 0 ? make_room(k, err) : rc;
}

int
history_keep_drop(struct history_keep *k, int64_t *freed, struct err *err)
{
    int64_t share = k->pages_max * k->page_bytes / DROP_SHARE;
    struct keep_budget left = {.bytes =
                                   share > 0 && share < HARD_BYTES ? share : HARD_BYTES,
                               .rows = INT32_MAX};
    int rc = drop(k, &left, err);
    *freed = left.freed;
    return rc;
}

void
history_keep_ended(struct history_keep *k, bool well)
{
    if (well) {
        k->stored_ms = k->present_ms;
    } else {
        k->present_ms = k->stored_ms;
    }
}

/* ---- space that goes back ---- */

void
history_keep_tidy(struct history_keep *k)
{
    char sql[64];
    int64_t pages = 0, unused = 0;
    struct err err = {0};
    if (!k->vacuums || db_int(k->db, "PRAGMA page_count", 0, &pages, &err) != 0 ||
        db_int(k->db, "PRAGMA freelist_count", 0, &unused, &err) != 0) {
        return; /* The next flush says what is wrong. */
    }
    int64_t much = pages / FREE_SHARE > FREE_BYTES / k->page_bytes
                       ? pages / FREE_SHARE
                       : FREE_BYTES / k->page_bytes;
    bool over = k->pages_max > 0 && pages > k->pages_max;
    int64_t least = over ? 0 : k->short_of ? slack_pages(k, pages) : much / 2;
    k->vacuuming =
        unused > least && (unused > much || over || k->short_of || k->vacuuming);
    if (!k->vacuuming) {
        return;
    }
    int64_t step =
        unused - least < KEEP_VACUUM_PAGES ? unused - least : KEEP_VACUUM_PAGES;
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%lld)", (long long)step);
    if (db_exec(k->db, sql, &err) != 0) {
        log_warning("%s; its space is given back later", err.text);
        return;
    }
    /* What was given back is not taken again. */
    if (db_int(k->db, "PRAGMA page_count", 0, &pages, &err) == 0 &&
        (k->frozen || over)) {
        k->pages = frozen_pages(k, pages);
        (void)set_limits(k, &err);
    }
    if (k->frozen) {
        history_keep_fold(k); /* Until then the disk has none of it. */
    }
}
