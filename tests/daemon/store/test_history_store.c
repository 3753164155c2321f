/* The store beneath the history: whatever moves from the tail into chunks, or from an
 * old schema, what is read stays the same. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/db.h"
#include "daemon/store/frame_blob.h"
#include "daemon/store/history.h"
#include "daemon/store/history_db.h"
#include "daemon/store/history_series.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"
#include "tests/fake/sanitized.h"
#include "tests/fake/small_plant.h"

#define DEVICES    12
#define POINTS     5
#define FRAMES_MAX 40000

static char dir[SCRATCH_BYTES];
static struct err err;
static char got[512];
static struct small_plant plant;
static const char *const point_ids[POINTS] = {"current", "flow", "level", "speed",
                                              "state"};
static struct site site;
static uint64_t seed;

/* What was written, in the order of writing. */
struct model_frame {
    int64_t t_ms;
    uint32_t device, order;
    uint16_t flags;
    uint16_t count;
    struct reading readings[POINTS];
};
static struct model_frame model[FRAMES_MAX];
static size_t model_count;
static unsigned char batch[FRAMES_MAX / 4 * (sizeof(struct frame) + POINTS * 16)];
static size_t batch_size;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    seed = 7;
    model_count = batch_size = 0;
    small_plant_make(&plant, DEVICES, POINTS, point_ids);
    site = plant.site;
    site.history = (struct history_spec){.flush_ms = 5000};
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

static uint32_t
any(uint32_t below)
{
    return (uint32_t)(mixed_random(&seed) >> 33) % below;
}

static double
some_value(uint32_t point)
{
    double n = (double)any(2000) - 1000;
    return point == 0   ? n / 10
           : point == 1 ? (double)(float)(n / 7)
           : point == 2 ? n / 7
           : point == 3 ? n * 0.1
                        : (double)any(2);
}

/* A frame of some of the device's points into batch and model. */
static void
add_frame(uint32_t device, int64_t t_ms, uint16_t flags)
{
    struct frame *f = (void *)(batch + batch_size);
    struct model_frame *m = &model[model_count];
    ck_assert_uint_lt(model_count, FRAMES_MAX);
    *f = (struct frame){.t_ms = t_ms, .device = device, .flags = flags};
    for (uint32_t k = 0; k < POINTS; k++) {
        if (any(16) == 0) {
            continue;
        }
        struct reading *r = &f->readings[f->count++];
        *r = (struct reading){.point = device * POINTS + k, .value = some_value(k)};
        if (any(20) == 0) {
            *r = (struct reading){.point = r->point,
                                  .quality = QUALITY_EXCEPTION,
                                  .detail = (uint8_t)any(4)};
        }
    }
    *m = (struct model_frame){.t_ms = t_ms,
                              .device = device,
                              .order = (uint32_t)model_count,
                              .flags = flags,
                              .count = f->count};
    memcpy(m->readings, f->readings, f->count * sizeof *f->readings);
    model_count++;
    batch_size += frame_bytes(f->count);
}

static struct history_db *
open_writer(void)
{
    struct history_db *h = NULL;
    must(history_db_open(&h, dir, &site, &err));
    return h;
}

static void
write_batch(struct history_db *h)
{
    enum history_trouble trouble;
    must(history_db_write(h, batch, batch_size, INSTANT_NONE, &trouble, &err));
    batch_size = 0;
}

static int
by_time(const void *left, const void *right)
{
    const struct model_frame *a = left, *b = right;
    if (a->t_ms != b->t_ms) {
        return (a->t_ms > b->t_ms) - (a->t_ms < b->t_ms);
    }
    return a->device != b->device ? (a->device > b->device) - (a->device < b->device)
                                  : (a->order > b->order) - (a->order < b->order);
}

/* Where the reading of samples is in the model. */
struct comparison {
    int64_t from_ms, to_ms;
    uint32_t device, point; /* NONE_INDEX: all. */
    size_t samples;
    uint64_t sum;
};

static uint64_t
digest(uint64_t sum,
       int64_t t_ms,
       const char *device,
       const char *point,
       double value,
       unsigned quality,
       unsigned detail,
       bool untrusted)
{
    uint64_t bits = 0;
    if (quality == QUALITY_GOOD) {
        memcpy(&bits, &value, sizeof bits);
    }
    bits ^= (uint64_t)t_ms << 20 ^ (uint64_t)quality << 8 ^ detail ^
            (uint64_t)untrusted << 63;
    for (const char *c = device; *c != '\0'; c++) {
        bits = bits * 31 + (uint64_t)*c;
    }
    for (const char *c = point; *c != '\0'; c++) {
        bits = bits * 31 + (uint64_t)*c;
    }
    return (sum ^ bits) * UINT64_C(0x9E3779B97F4A7C15) + 1; /* In this order. */
}

static bool
take_sample(void *ctx, const struct history_sample *s)
{
    struct comparison *c = ctx;
    c->samples++;
    c->sum = digest(c->sum, s->t_ms, s->device, s->point, s->value, s->quality,
                    s->detail, s->clock_untrusted);
    return true;
}

/* Samples of one time and device are in order of point, then as recorded. */
static void
take_moment(struct comparison *c, size_t first, size_t end)
{
    for (uint32_t k = 0; k < POINTS; k++) {
        for (size_t i = first; i < end; i++) {
            const struct model_frame *m = &model[i];
            for (uint16_t n = 0; n < m->count; n++) {
                const struct reading *r = &m->readings[n];
                if (r->point % POINTS != k ||
                    (c->point != NONE_INDEX && c->point != k)) {
                    continue;
                }
                c->samples++;
                c->sum = digest(c->sum, m->t_ms, plant.ids[m->device], point_ids[k],
                                r->value, r->quality, r->detail,
                                (m->flags & FRAME_CLOCK_UNTRUSTED) != 0);
            }
        }
    }
}

static void
expect_range(int64_t from_ms, int64_t to_ms, uint32_t device, uint32_t point)
{
    struct comparison want = {from_ms, to_ms, device, point, 0, 0};
    struct comparison have = want;
    struct history_reader *r = NULL;
    for (size_t i = 0, end; i < model_count; i = end) {
        end = i + 1;
        while (end < model_count && model[end].t_ms == model[i].t_ms &&
               model[end].device == model[i].device) {
            end++;
        }
        if (model[i].t_ms >= from_ms && model[i].t_ms <= to_ms &&
            (device == NONE_INDEX || model[i].device == device)) {
            take_moment(&want, i, end);
        }
    }
    must(history_reader_open(&r, dir, &err));
    must(history_each(
        r, from_ms, to_ms, device == NONE_INDEX ? NULL : plant.ids[device],
        point == NONE_INDEX ? NULL : point_ids[point], take_sample, &have, &err));
    history_reader_close(r);
    ck_assert_uint_eq(have.samples, want.samples);
    ck_assert_uint_eq(have.sum, want.sum);
}

/* The first or last good one of the model under a trusted clock. */
static void
expect_edge(int64_t from_ms, int64_t to_ms, uint32_t device, uint32_t point, bool last)
{
    struct history_edge want = {.found = false}, have;
    struct history_reader *r = NULL;
    for (size_t i = 0; i < model_count; i++) {
        const struct model_frame *m = &model[i];
        if (m->device != device || m->t_ms < from_ms || m->t_ms >= to_ms ||
            (m->flags & FRAME_CLOCK_UNTRUSTED)) {
            continue;
        }
        for (uint16_t n = 0; n < m->count; n++) {
            const struct reading *g = &m->readings[n];
            if (g->point % POINTS == point && g->quality == QUALITY_GOOD &&
                (!want.found || (last && m->t_ms > want.t_ms))) {
                want = (struct history_edge){true, m->t_ms, g->value};
            }
        }
    }
    must(history_reader_open(&r, dir, &err));
    must(history_edge(r, plant.ids[device], point_ids[point], from_ms, to_ms, last,
                      &have, &err));
    history_reader_close(r);
    ck_assert_int_eq(have.found, want.found);
    if (want.found) {
        ck_assert_int_eq(have.t_ms, want.t_ms);
        ck_assert_mem_eq(&have.value, &want.value, sizeof have.value);
    }
}

/* A good sample of the model, and where it belongs. */
struct summand {
    int64_t begin_ms, t_ms;
    uint32_t device, point, order;
    double value;
};
static struct summand *summands;
static size_t summand_count, summand_at;

static int
by_interval(const void *left, const void *right)
{
    const struct summand *a = left, *b = right;
    if (a->begin_ms != b->begin_ms) {
        return (a->begin_ms > b->begin_ms) - (a->begin_ms < b->begin_ms);
    }
    if (a->device != b->device) {
        return (a->device > b->device) - (a->device < b->device);
    }
    if (a->point != b->point) {
        return (a->point > b->point) - (a->point < b->point);
    }
    return (a->order > b->order) - (a->order < b->order);
}

/* The next interval of the model is this one. */
static bool
take_bucket(void *ctx, const struct history_bucket *b)
{
    const struct summand *s = &summands[summand_at];
    double min = INFINITY, max = -INFINITY, sum = 0;
    size_t count = 0;
    (void)ctx;
    ck_assert_uint_lt(summand_at, summand_count);
    ck_assert_int_eq(b->t_ms, s->begin_ms);
    ck_assert_str_eq(b->device, plant.ids[s->device]);
    ck_assert_str_eq(b->point, point_ids[s->point]);
    while (summand_at < summand_count && summands[summand_at].begin_ms == s->begin_ms &&
           summands[summand_at].device == s->device &&
           summands[summand_at].point == s->point) {
        double v = summands[summand_at++].value;
        min = v < min ? v : min;
        max = v > max ? v : max;
        sum += v;
        count++;
    }
    ck_assert_uint_eq(b->count, count);
    ck_assert_double_eq(b->min, min);
    ck_assert_double_eq(b->max, max);
    ck_assert_double_eq(b->last, summands[summand_at - 1].value);
    ck_assert_int_eq(b->last_ms, summands[summand_at - 1].t_ms);
    /* Sums of singles are singles; the terms are below 1000. */
    ck_assert_double_eq_tol(b->mean, sum / (double)count, s->point == 1 ? 1e-4 : 1e-11);
    return true;
}

/* The model is in order. */
static void
expect_series(int64_t step, uint32_t device, uint32_t point)
{
    struct history_reader *r = NULL;
    summand_count = summand_at = 0;
    summands = calloc(model_count * POINTS + 1, sizeof *summands);
    ck_assert_ptr_nonnull(summands);
    for (size_t i = 0; i < model_count; i++) {
        const struct model_frame *m = &model[i];
        for (uint16_t n = 0; n < m->count; n++) {
            const struct reading *g = &m->readings[n];
            if (g->quality == QUALITY_GOOD && !(m->flags & FRAME_CLOCK_UNTRUSTED) &&
                (device == NONE_INDEX || m->device == device) &&
                (point == NONE_INDEX || g->point % POINTS == point)) {
                int64_t begin = m->t_ms - (m->t_ms % step + step) % step;
                summands[summand_count++] =
                    (struct summand){begin,       m->t_ms, m->device, g->point % POINTS,
                                     (uint32_t)i, g->value};
            }
        }
    }
    qsort(summands, summand_count, sizeof *summands, by_interval);
    must(history_reader_open(&r, dir, &err));
    must(history_series(r, INSTANT_NONE, INSTANT_MAX, step,
                        device == NONE_INDEX ? NULL : plant.ids[device],
                        point == NONE_INDEX ? NULL : point_ids[point], take_bucket,
                        NULL, &err));
    history_reader_close(r);
    ck_assert_uint_eq(summand_at, summand_count);
    free(summands);
}

/* All, and parts by time, device and point; the model is in order afterwards. */
static void
expect_model(void)
{
    int64_t t0, t1;
    qsort(model, model_count, sizeof model[0], by_time);
    t0 = model[0].t_ms;
    t1 = model[model_count - 1].t_ms;
    expect_range(INSTANT_NONE, INSTANT_MAX, NONE_INDEX, NONE_INDEX);
    for (int i = 0; i < 12; i++) {
        int64_t from = t0 + (int64_t)any((uint32_t)(t1 - t0));
        int64_t to = from + (int64_t)any((uint32_t)(t1 - from + 1));
        uint32_t device = any(3) == 0 ? NONE_INDEX : any(DEVICES);
        uint32_t point = any(2) == 0 ? NONE_INDEX : any(POINTS);
        expect_range(from, to, device, point);
        expect_range(from, to, any(DEVICES), any(POINTS));
        expect_edge(from, to, any(DEVICES), any(POINTS), i % 2 != 0);
    }
    for (size_t i = 0; i < model_count; i++) {
        model[i].order = (uint32_t)i;
    }
    expect_series(60000, NONE_INDEX, NONE_INDEX);
    expect_series(3600000, any(DEVICES), NONE_INDEX);
    expect_series(10000, any(DEVICES), any(POINTS));
    expect_series(120000, NONE_INDEX, any(POINTS));
}

static int64_t
count_of(const char *sql)
{
    scratch_query(dir, "history.db", sql, got);
    return strtoll(got, NULL, 10);
}

/* Polls of all devices, some late, some under an untrusted clock. */
static void
add_polls(int64_t from_ms, int polls)
{
    for (int p = 0; p < polls; p++) {
        for (uint32_t d = 0; d < DEVICES; d++) {
            int64_t t_ms = from_ms + p * 1000 + any(11);
            if (any(50) == 0) {
                t_ms -= any(100000);
            }
            add_frame(d, t_ms, any(200) == 0 ? FRAME_CLOCK_UNTRUSTED : 0);
        }
    }
}

START_TEST(what_is_read_stays_the_same_while_it_moves)
{
    struct history_db *h = open_writer();
    int64_t now = MIXED_START_MS;
    for (int round = 0; round < 6; round++) {
        for (int flush = 0; flush < 20 / SANITIZED_SLOWER + 1; flush++) {
            add_polls(now, 5);
            write_batch(h);
            now += 5000;
        }
        expect_model();
        must(history_db_pack(h, &err));
        ck_assert_int_eq(count_of("SELECT count(*) FROM tail"), 0);
        ck_assert_int_gt(count_of("SELECT count(*) FROM chunk"), 0);
        ck_assert_int_gt(count_of("SELECT count(*) FROM rollup"), 0);
        expect_model();
        if (round == 2) {
            now -= 60000; /* The clock is set back. */
            history_db_close(h);
            h = open_writer();
        }
    }
    history_db_close(h);
    expect_model();
}
END_TEST

START_TEST(devices_move_into_chunks_by_themselves_and_the_tail_stays_short)
{
    struct history_db *h = NULL;
    int64_t now = MIXED_START_MS;
    int staggered = 0;
    site.history.flush_ms = 3600000; /* After 16 flushes, then. */
    h = open_writer();
    for (int flush = 0; flush < 24; flush++) {
        add_polls(now, 120); /* More than one flush packs. */
        write_batch(h);
        now += 120000;
        ck_assert_int_le(count_of("SELECT count(*) FROM tail"), 2 * 20);
        bool apart = count_of("SELECT count(DISTINCT seq) FROM packed") > 1;
        if (apart || count_of("SELECT count(*) FROM packed") % DEVICES != 0) {
            expect_model();
            staggered++;
        }
    }
    ck_assert_int_gt(staggered, 0);
    ck_assert_int_gt(count_of("SELECT count(*) FROM chunk"), 0);
    /* Each frame under another clock parts two of them; not each flush does. */
    ck_assert_int_lt(count_of("SELECT count(*) FROM chunk WHERE untrusted = 0"),
                     DEVICES * 16);
    history_db_close(h);
    expect_model();
}
END_TEST

/* An import beside the daemon: two that write, move and drop in turn. */
START_TEST(two_that_write_see_what_the_other_did)
{
    int64_t now = MIXED_START_MS;
    struct history_db *h = open_writer(), *other = open_writer();
    for (int round = 0; round < 12; round++) {
        add_polls(now, 5);
        write_batch(h);
        add_polls(now + 2000, 5);
        write_batch(other);
        if (round % 3 == 0) {
            must(history_db_pack(round % 2 == 0 ? h : other, &err));
        }
        now += 5000;
        expect_model();
    }
    must(history_db_pack(h, &err));
    history_db_close(h);
    history_db_close(other);
    expect_model();
}
END_TEST

/* As schema 1 wrote it. */
static void
write_old_file(void)
{
    char sql[512];
    static struct blob_sample samples[POINTS];
    static uint8_t blob[1 + POINTS * FRAME_BLOB_SAMPLE_BYTES_MAX];
    struct sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    char path[SCRATCH_BYTES + 16];
    snprintf(path, sizeof path, "%s/history.db", dir);
    must(db_open(&db, path, DB_WRITE, &err));
    must(db_migrate(db, history_schema, 1, &err));
    must(db_exec(db, "BEGIN", &err));
    for (uint32_t i = 0; i < DEVICES * POINTS; i++) {
        if (i % POINTS == 0) {
            snprintf(sql, sizeof sql, "INSERT INTO device (key, id) VALUES (%u, '%s')",
                     i / POINTS + 1, plant.ids[i / POINTS]);
            must(db_exec(db, sql, &err));
        }
        snprintf(sql, sizeof sql,
                 "INSERT INTO point (key, device, id) VALUES (%u, %u, '%s')", i + 1,
                 i / POINTS + 1, point_ids[i % POINTS]);
        must(db_exec(db, sql, &err));
    }
    must(db_prepare(db, &stmt, "INSERT INTO frame VALUES (?1, ?2, ?3, ?4)", &err));
    for (size_t i = 0; i < model_count; i++) {
        const struct model_frame *m = &model[i];
        for (uint16_t n = 0; n < m->count; n++) {
            const struct reading *r = &m->readings[n];
            samples[n] = (struct blob_sample){.value = r->value,
                                              .key = r->point + 1,
                                              .quality = r->quality,
                                              .detail = r->detail};
        }
        size_t size = frame_blob_encode(blob, samples, m->count);
        sqlite3_bind_int64(stmt, 1, m->t_ms);
        sqlite3_bind_int64(stmt, 2, m->device + 1);
        sqlite3_bind_int64(stmt, 3, m->flags);
        sqlite3_bind_blob(stmt, 4, blob, (int)size, SQLITE_STATIC);
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    must(db_exec(db, "COMMIT", &err));
    db_close(db);
    batch_size = 0;
}

START_TEST(frames_of_an_old_schema_move_in_steps)
{
    add_polls(MIXED_START_MS, 800);
    write_old_file();
    struct history_db *h = open_writer();
    expect_model();
    for (int flush = 0; flush < 8; flush++) {
        add_polls(MIXED_START_MS + 10000000 + flush * 5000, 2);
        write_batch(h);
        expect_model();
        if (flush == 1) { /* Under way. */
            ck_assert_int_gt(count_of("SELECT count(*) FROM frame"), 0);
            history_db_close(h);
            h = open_writer();
        }
    }
    ck_assert_int_eq(
        count_of("SELECT count(*) FROM sqlite_schema WHERE name = 'frame'"), 0);
    must(history_db_pack(h, &err));
    history_db_close(h);
    expect_model();
}
END_TEST

START_TEST(what_was_imported_once_is_known_wherever_it_is)
{
    struct history_import_counts counts;
    struct history_db *h = open_writer();
    uint64_t samples = 0;
    size_t size;
    static unsigned char kept[sizeof batch];
    add_polls(MIXED_START_MS, 100);
    size = batch_size;
    memcpy(kept, batch, size);
    for (size_t i = 0; i < model_count; i++) {
        samples += model[i].count;
    }
    must(history_db_import(h, kept, size, &counts, &err));
    ck_assert_uint_eq(counts.known, 0);
    expect_model();
    for (int where = 0; where < 2; where++) {
        must(history_db_import(h, kept, size, &counts, &err));
        ck_assert_uint_eq(counts.known, samples);
        must(history_db_pack(h, &err));
    }
    history_db_close(h);
    expect_model();
}
END_TEST

START_TEST(a_damaged_chunk_is_told_and_the_others_are_read)
{
    struct history_reader *r = NULL;
    struct comparison c = {0};
    size_t total = 0;
    struct history_db *h = open_writer();
    add_polls(MIXED_START_MS, 10);
    write_batch(h);
    must(history_db_pack(h, &err));
    history_db_close(h);
    /* The last column's checksum. */
    scratch_exec(dir, "history.db",
                 "UPDATE chunk SET bytes = CAST(substr(bytes, 1, length(bytes) - 1)"
                 " || x'00' AS BLOB) WHERE device = 1");
    must(history_reader_open(&r, dir, &err));
    must(history_each(r, INSTANT_NONE, INSTANT_MAX, plant.ids[0], NULL, take_sample, &c,
                      &err));
    ck_assert_uint_gt(c.samples, 0); /* All columns but the last. */
    for (size_t i = 0; i < model_count; i++) {
        total += model[i].device == 0 ? model[i].count : 0;
    }
    ck_assert_uint_lt(c.samples, total);
    const uint64_t spans = history_reader_damage(r)->spans;
    ck_assert_uint_ge(spans, 1);
    ck_assert_str_eq(history_reader_damage(r)->device, "d-00");
    must(history_each(r, INSTANT_NONE, INSTANT_MAX, plant.ids[1], NULL, take_sample, &c,
                      &err));
    ck_assert_uint_eq(history_reader_damage(r)->spans, spans);
    history_reader_close(r);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("history_store");
    TCase *tc = tcase_create("history_store");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, what_is_read_stays_the_same_while_it_moves);
    tcase_add_test(tc, devices_move_into_chunks_by_themselves_and_the_tail_stays_short);
    tcase_add_test(tc, two_that_write_see_what_the_other_did);
    tcase_add_test(tc, frames_of_an_old_schema_move_in_steps);
    tcase_add_test(tc, what_was_imported_once_is_known_wherever_it_is);
    tcase_add_test(tc, a_damaged_chunk_is_told_and_the_others_are_read);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
