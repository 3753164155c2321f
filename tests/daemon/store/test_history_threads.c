/* One writer's thread and three readers on one file at the same time: each reader finds
 * the samples in order, none twice, and never less than it found before. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/history.h"
#include "daemon/store/history_cursor.h"
#include "daemon/store/history_reader.h"
#include "daemon/store/history_series.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"
#include "tests/fake/small_plant.h"

#define DEVICES 4
#define POINTS  3
#define READERS 3
#define FLUSHES 120
#define POLLS   60 /* Of a flush: every device moves into chunks a few times. */

static char dir[SCRATCH_BYTES];
static struct err err;
static struct small_plant plant;
static const char *const point_ids[POINTS] = {"flow", "level", "state"};
static struct site site;

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    small_plant_make(&plant, DEVICES, POINTS, point_ids);
    site = plant.site;
    site.history = (struct history_spec){.flush_ms = 3600000};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

/* What the threads share.  A thread tells what is wrong; the test's own asserts. */
struct shared {
    atomic_bool ended;             /* The writer has. */
    atomic_uint_least64_t on_disk; /* Samples that a flush has told are there. */
    pthread_mutex_t lock;
    pthread_cond_t read;
    unsigned reading; /* Readers that have been through the file once, or failed. */
};

struct reader {
    struct shared *shared;
    pthread_t thread;
    unsigned kind;
    uint64_t samples; /* Of the last round. */
    char wrong[ERR_TEXT_BYTES + 32];
};

/* One reading, sample by sample. */
struct check {
    int64_t t_ms;
    char device[8], point[8];
    uint64_t count;
    bool in_order;
};

static bool
check_sample(void *ctx, const struct history_sample *s)
{
    struct check *c = ctx;
    int order = (s->t_ms > c->t_ms) - (s->t_ms < c->t_ms);
    order = order != 0 ? order : strcmp(s->device, c->device);
    order = order != 0 ? order : strcmp(s->point, c->point);
    c->in_order = c->in_order && order > 0;
    c->count++;
    c->t_ms = s->t_ms;
    snprintf(c->device, sizeof c->device, "%s", s->device);
    snprintf(c->point, sizeof c->point, "%s", s->point);
    return true;
}

static int
read_frames(struct history_reader *r, struct check *c, struct err *e)
{
    const struct history_filter all = {.from_ms = INSTANT_NONE, .to_ms = INSTANT_MAX};
    struct history_cursor *cursor = NULL;
    struct history_row row;
    bool begun = false, more = true;
    int rc = history_reader_begin(r, &begun, e);
    rc = rc == 0 ? history_cursor_open(&cursor, r->db, &all, e) : rc;
    while (rc == 0 && more) {
        rc = history_cursor_next(cursor, &row, &more, e);
        if (rc == 0 && more) {
            c->in_order = c->in_order && row.t_ms >= c->t_ms && !row.damaged;
            c->t_ms = row.t_ms;
            c->count += row.count;
        }
    }
    history_cursor_close(cursor);
    history_reader_end(r, begun);
    return rc;
}

static bool
add_bucket(void *ctx, const struct history_bucket *b)
{
    *(uint64_t *)ctx += b->count;
    return true;
}

static bool
keep_last(void *ctx, const struct history_sample *s)
{
    *(int64_t *)ctx = s->t_ms;
    return true;
}

/* One point in each way: what is read later is not less. */
static int
read_point(struct history_reader *r, struct check *c, struct err *e)
{
    const char *device = plant.ids[1], *point = point_ids[1];
    struct history_edge last;
    uint64_t in_minutes = 0;
    int64_t newest = INT64_MIN, last_ms = INT64_MIN;
    int rc =
        history_each(r, INSTANT_NONE, INSTANT_MAX, device, point, check_sample, c, e);
    if (rc != 0 || c->count == 0) {
        return rc;
    }
    rc = history_series(r, MIXED_START_MS, MIXED_START_MS + 86400000, 60000, device,
                        point, add_bucket, &in_minutes, e);
    rc = rc == 0
             ? history_edge(r, device, point, INSTANT_NONE, INSTANT_MAX, true, &last, e)
             : rc;
    rc = rc == 0 ? history_last(r, device, point, keep_last, &last_ms, e) : rc;
    rc = rc == 0 ? history_newest(r, &newest, e) : rc;
    c->in_order = c->in_order && rc == 0 && in_minutes >= c->count && last.found &&
                  last.t_ms >= c->t_ms && last_ms >= last.t_ms && newest >= last_ms;
    c->count *= DEVICES * POINTS;
    return rc;
}

/* The reader's round; how many samples the file has by it. */
static int
read_round(unsigned kind, struct history_reader *r, struct check *c, struct err *e)
{
    switch (kind) {
    case 0:
        return history_each(r, INSTANT_NONE, INSTANT_MAX, NULL, NULL, check_sample, c,
                            e);
    case 1:
        return read_point(r, c, e);
    default:
        return read_frames(r, c, e);
    }
}

static void
tell_first_round(struct shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    shared->reading++;
    pthread_cond_signal(&shared->read);
    pthread_mutex_unlock(&shared->lock);
}

static void *
read_on(void *ctx)
{
    struct reader *self = ctx;
    struct history_reader *r = NULL;
    struct err e = {0};
    bool ended = false, first = true;
    int rc = history_reader_open(&r, dir, &e);
    while (rc == 0 && !ended && self->wrong[0] == '\0') {
        struct check c = {.t_ms = INT64_MIN, .in_order = true};
        ended = atomic_load(&self->shared->ended); /* Then this is the last round. */
        uint64_t least = atomic_load(&self->shared->on_disk);
        rc = read_round(self->kind, r, &c, &e);
        least = least > self->samples ? least : self->samples;
        if (rc == 0 && (!c.in_order || c.count < least)) {
            snprintf(self->wrong, sizeof self->wrong,
                     "reader %u: %s, %llu samples of at least %llu", self->kind,
                     c.in_order ? "in order" : "out of order",
                     (unsigned long long)c.count, (unsigned long long)least);
        }
        self->samples = c.count;
        if (first) {
            tell_first_round(self->shared);
            first = false;
        }
    }
    if (first) {
        tell_first_round(self->shared);
    }
    if (rc != 0) {
        snprintf(self->wrong, sizeof self->wrong, "reader %u: %s", self->kind, e.text);
    }
    history_reader_close(r);
    return NULL;
}

static void
push_polls(struct history *h, int64_t second)
{
    static union {
        struct frame frame;
        unsigned char bytes[sizeof(struct frame) + POINTS * sizeof(struct reading)];
    } room;
    struct frame *f = &room.frame;
    for (int64_t at = second; at < second + POLLS; at++) {
        for (uint32_t d = 0; d < DEVICES; d++) {
            *f = (struct frame){
                .t_ms = MIXED_START_MS + at * 1000 + d, .device = d, .count = POINTS};
            for (uint32_t k = 0; k < POINTS; k++) {
                f->readings[k] = (struct reading){.value = (double)(at % 50 + k) / 10,
                                                  .point = d * POINTS + k};
            }
            ck_assert(history_push(h, f));
        }
    }
}

START_TEST(three_readers_see_what_a_writer_has_flushed)
{
    struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .read = PTHREAD_COND_INITIALIZER};
    struct reader readers[READERS] = {0};
    struct history *h = NULL;
    int failed = 0;
    ck_assert_msg(history_open(&h, dir, &site, &err) == 0, "%s", err.text);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.shared = &shared, .kind = i};
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]),
                         0);
    }
    for (int i = 0; i < FLUSHES && failed == 0; i++) {
        push_polls(h, (int64_t)i * POLLS);
        failed = history_flush(h, &err);
        if (failed == 0) {
            atomic_fetch_add(&shared.on_disk, (uint64_t)POLLS * DEVICES * POINTS);
        }
        if (i == FLUSHES / 4) { /* The rest is written while all of them read. */
            pthread_mutex_lock(&shared.lock);
            while (shared.reading < READERS) {
                pthread_cond_wait(&shared.read, &shared.lock);
            }
            pthread_mutex_unlock(&shared.lock);
        }
    }
    atomic_store(&shared.ended, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
    }
    history_close(h);
    ck_assert_msg(failed == 0, "%s", err.text);
    for (unsigned i = 0; i < READERS; i++) {
        ck_assert_msg(readers[i].wrong[0] == '\0', "%s", readers[i].wrong);
        ck_assert_uint_eq(readers[i].samples,
                          (uint64_t)FLUSHES * POLLS * DEVICES * POINTS);
    }
    /* They were read from chunks and tail, while those were made. */
    char got[512];
    scratch_query(dir, "history.db", "SELECT count(*) >= 8 FROM chunk", got);
    ck_assert_str_eq(got, "1");
    scratch_query(dir, "history.db", "SELECT count(*) > 0 FROM tail", got);
    ck_assert_str_eq(got, "1");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("history_threads");
    TCase *tc = tcase_create("threads");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, three_readers_see_what_a_writer_has_flushed);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
