/* What is read of chunks and rows of the tail in part is what is read of them whole,
 * whatever their size. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/history_parts.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"

#define ROW 7

static char dir[SCRATCH_BYTES];
static struct err err;
static sqlite3 *db;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static void
make_file(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    db = scratch_open(dir, "history.db");
    ck_assert_int_eq(sqlite3_exec(db,
                                  "PRAGMA page_size = 1024; PRAGMA synchronous = OFF;"
                                  "PRAGMA auto_vacuum = INCREMENTAL;"
                                  "CREATE TABLE chunk (key INTEGER PRIMARY KEY, bytes);"
                                  "CREATE TABLE tail (seq INTEGER PRIMARY KEY, bytes)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
}

static void
remove_file(void)
{
    sqlite3_close(db);
    scratch_remove(dir);
}

static void
put(const char *sql, int64_t row, const uint8_t *bytes, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, row);
    sqlite3_bind_blob64(stmt, 2, bytes, size, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
}

/* Every third point has key 3, 6, ...; some samples are not good, or not there. */
static void
fill(struct sheet *s, uint32_t rows, uint32_t columns, uint64_t seed)
{
    static struct blob_sample samples[CHUNK_COLUMNS_MAX];
    sheet_clear(s);
    for (uint32_t i = 0; i < rows; i++) {
        size_t count = 0;
        for (uint32_t k = 0; k < columns; k++) {
            uint32_t any = (uint32_t)(mixed_random(&seed) >> 40);
            if (any % 32 != 0) {
                samples[count++] = (struct blob_sample){
                    .key = 3 * k + 3,
                    .value = any % 16 == 1 ? 0 : (double)(any % 2000) / 10,
                    .quality = any % 16 == 1 ? QUALITY_TIMEOUT : QUALITY_GOOD};
            }
        }
        ck_assert(sheet_add(s, MIXED_START_MS + i * 1000, 0, samples, count));
    }
}

/* `one` is the column of that key of `all`, and its rows. */
static void
expect_column(const struct sheet *one, const struct sheet *all, uint32_t key)
{
    uint32_t k = 0;
    while (k < all->columns && all->keys[k] != key) {
        k++;
    }
    ck_assert_uint_eq(one->rows, all->rows);
    ck_assert_mem_eq(one->t_ms, all->t_ms, all->rows * sizeof *all->t_ms);
    ck_assert_mem_eq(one->flags, all->flags, all->rows * sizeof *all->flags);
    ck_assert_uint_eq(one->columns, k < all->columns);
    if (k < all->columns) {
        ck_assert_uint_eq(one->keys[0], key);
        ck_assert_mem_eq(sheet_values(one, 0), sheet_values(all, k),
                         all->rows * sizeof *all->values);
        ck_assert_mem_eq(sheet_statuses(one, 0), sheet_statuses(all, k),
                         all->rows * sizeof *all->statuses);
    }
}

static struct scaling
no_scaling(void *ctx, uint32_t key)
{
    (void)ctx;
    (void)key;
    return (struct scaling){0};
}

static const struct {
    uint32_t rows, columns;
} chunks[] = {{1, 1}, {300, 4}, {1800, 20}, {20, 1000}, {3000, 2}};

START_TEST(one_point_of_a_chunk_is_what_the_whole_has)
{
    struct chunk_encoder *encoder = chunk_encoder_new();
    struct sheet in = {0}, all = {0}, one = {0};
    struct parts parts = {0};
    enum chunk_result result;
    ck_assert_ptr_nonnull(encoder);
    for (int64_t row = 0; row < (int64_t)ARRAY_LEN(chunks); row++) {
        const uint8_t *bytes;
        size_t size;
        uint64_t samples;
        fill(&in, chunks[row].rows, chunks[row].columns, (uint64_t)row);
        ck_assert_int_eq(chunk_sheet_encode(encoder, &in, 0, in.rows, no_scaling, NULL,
                                            &bytes, &size, &samples),
                         0);
        put("INSERT INTO chunk VALUES (?1, ?2)", row, bytes, size);
        ck_assert_int_eq(chunk_sheet_read(bytes, size, 0, &all), CHUNK_READ);
        for (uint32_t key = 1; key <= 3 * chunks[row].columns + 3; key += 1) {
            must(parts_read_chunk(&parts, db, row, key, &result, &one, &err));
            ck_assert_int_eq(result, CHUNK_READ);
            expect_column(&one, &all, key);
        }
    }
    parts_free(&parts);
    chunk_encoder_free(encoder);
    sheet_free(&in);
    sheet_free(&all);
    sheet_free(&one);
}
END_TEST

/* So many devices that the head is longer than what is read at first. */
#define DEVICES 900

START_TEST(one_device_of_the_tail_is_what_the_whole_has)
{
    static const uint8_t nothing[1];
    struct tail_writer writer = {0};
    struct tail tail, whole;
    struct tail_part part = {0};
    struct sheet in = {0}, all = {0}, one = {0};
    struct parts parts = {0};
    const uint8_t *bytes;
    size_t size;
    bool well;
    tail_begin(&writer, MIXED_START_MS, 1000);
    for (uint32_t d = 0; d < DEVICES; d++) {
        fill(&in, 1 + d % 5, 1 + d % 7, d);
        ck_assert(tail_add(&writer, 2 * d + 1, &in, 0, in.rows));
    }
    ck_assert(tail_end(&writer, &bytes, &size));
    ck_assert(tail_open(&whole, bytes, size));
    put("INSERT INTO tail VALUES (?1, ?2)", ROW, bytes, size);
    put("INSERT INTO tail VALUES (?1, ?2)", ROW + 1, nothing, 0);
    for (uint32_t d = 0; tail_next(&whole, &part); d++) {
        must(parts_open_tail(&parts, db, ROW + 1, &tail, &well, &err));
        ck_assert(!well);
        must(parts_open_tail(&parts, db, ROW, &tail, &well, &err));
        ck_assert(well);
        must(parts_need_section(&parts, db, &part, &err));
        ck_assert_int_eq(tail_read(&whole, &part, &all), TAIL_READ);
        for (uint32_t key = 0; key <= 3 * (1 + d % 7) + 3; key++) {
            ck_assert_int_eq(tail_read_point(&tail, &part, key, &one), TAIL_READ);
            if (key != 0) {
                expect_column(&one, &all, key);
            } else {
                ck_assert_uint_eq(one.columns, all.columns);
            }
        }
    }
    parts_free(&parts);
    tail_writer_free(&writer);
    sheet_free(&in);
    sheet_free(&all);
    sheet_free(&one);
}
END_TEST

START_TEST(what_is_cut_off_is_damaged)
{
    struct chunk_encoder *encoder = chunk_encoder_new();
    struct sheet in = {0}, one = {0};
    struct parts parts = {0};
    enum chunk_result result;
    const uint8_t *bytes;
    size_t size;
    uint64_t samples;
    fill(&in, 100, 3, 1);
    ck_assert_int_eq(chunk_sheet_encode(encoder, &in, 0, in.rows, no_scaling, NULL,
                                        &bytes, &size, &samples),
                     0);
    for (size_t left = 0; left < size; left++) {
        put("INSERT OR REPLACE INTO chunk VALUES (?1, ?2)", (int64_t)left, bytes, left);
        must(parts_read_chunk(&parts, db, (int64_t)left, 3, &result, &one, &err));
        ck_assert_int_eq(result, CHUNK_DAMAGED);
    }
    parts_free(&parts);
    chunk_encoder_free(encoder);
    sheet_free(&in);
    sheet_free(&one);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("history_parts");
    TCase *tc = tcase_create("parts");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_file, remove_file);
    tcase_add_test(tc, one_point_of_a_chunk_is_what_the_whole_has);
    tcase_add_test(tc, one_device_of_the_tail_is_what_the_whole_has);
    tcase_add_test(tc, what_is_cut_off_is_damaged);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
