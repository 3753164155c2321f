/* The history as tables of SQL: what they answer is what plain tables with the same
 * rows do, whatever is asked; and it is not more work than it must be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/history_vtab.h"
#include "daemon/store/sql_time.h"
#include "tests/daemon/store/scratch.h"
#include "tests/fake/mixed_series.h"
#include "tests/fake/sanitized.h"
#include "tests/fake/sql_statement.h"

#define STATEMENTS (600 / SANITIZED_SLOWER)

static char dir[SCRATCH_BYTES];
static struct sql_world world;

static void
make_world(void)
{
    scratch_make(dir);
    sql_world_make(&world, dir);
}

static void
remove_world(void)
{
    sqlite3_close(world.db);
    scratch_remove(dir);
}

START_TEST(test_any_statement_answers_as_over_plain_tables)
{
    uint64_t seed = 1;
    size_t answered = 0;
    ck_assert_uint_gt(world.samples, 200);
    ck_assert_uint_gt(world.minutes, 30);
    for (int i = 0; i < STATEMENTS; i++) {
        uint8_t bytes[120];
        size_t rows;
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (uint8_t)(mixed_random(&seed) >> 40);
        }
        ck_assert_msg(sql_world_agrees(&world, bytes, sizeof bytes, &rows),
                      "statement %d: see above", i);
        answered += rows > 0;
    }
    ck_assert_uint_gt(answered, STATEMENTS / 4);
}
END_TEST

/* The plan of a statement, its steps joined by "; ". */
static void
plan_of(const char *sql, char *out, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    char explain[1000];
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    ck_assert_msg(sqlite3_prepare_v2(world.db, explain, -1, &stmt, NULL) == SQLITE_OK,
                  "%s: %s", sql, sqlite3_errmsg(world.db));
    size_t used = 0;
    out[0] = '\0';
    while (sqlite3_step(stmt) == SQLITE_ROW && used < size) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? "; " : "",
                                 (const char *)sqlite3_column_text(stmt, 3));
    }
    sqlite3_finalize(stmt);
}

#define SCAN(plan) "SCAN s VIRTUAL TABLE INDEX 0:" plan
#define SORT       "; USE TEMP B-TREE FOR ORDER BY"

static const struct {
    const char *rest, *plan;
} plans[] = {
    {"", SCAN("")},
    {"WHERE device = 'a' AND point = ?1 AND time >= '2026-05-01' AND t_ms < 5",
     SCAN("d=p=igm<")},
    {"WHERE time BETWEEN '2026-05-01' AND ?2", SCAN("igil")},
    {"WHERE device IN ('a', 'A') AND point = 'p'", SCAN("dnp=")},
    {"WHERE time IN (?1, ?2) AND t_ms IN (1, 2)", SCAN("inmn")},
    {"WHERE time = '2026-05-01' COLLATE BINARY", SCAN("b=")},
    {"WHERE device = 'a' COLLATE NOCASE AND point LIKE 'p'", SCAN("")},
    {"WHERE device <> 'a' AND value > 5 AND quality = 'good'", SCAN("")},
    {"ORDER BY time", SCAN("")},
    {"ORDER BY time, device, point", SCAN("")},
    {"ORDER BY t_ms, device", SCAN("")},
    {"WHERE device = 'a' ORDER BY device, time, point", SCAN("d=")},
    {"WHERE device = 'a' AND point = 'p' ORDER BY point, t_ms", SCAN("d=p=")},
    {"WHERE device = ?1 ORDER BY device, time", SCAN("d=") SORT},
    {"WHERE device IN ('a', 'A') ORDER BY time", SCAN("dn") SORT},
    {"ORDER BY time DESC", SCAN("") SORT},
    {"ORDER BY time COLLATE BINARY", SCAN("") SORT},
    {"ORDER BY time, point", SCAN("") SORT},
    {"ORDER BY device", SCAN("") SORT},
};

START_TEST(test_conditions_and_orders_that_the_table_takes_over)
{
    char sql[500], plan[500];
    snprintf(sql, sizeof sql, "SELECT * FROM samples s %s", plans[_i].rest);
    plan_of(sql, plan, sizeof plan);
    ck_assert_msg(strcmp(plan, plans[_i].plan) == 0 ||
                      /* SQLite says which part it must sort. */
                      (strstr(plans[_i].plan, SORT) != NULL &&
                       strncmp(plan, plans[_i].plan, strlen(SCAN(""))) == 0 &&
                       strstr(plan, "USE TEMP B-TREE") != NULL),
                  "%s: %s", sql, plan);
}
END_TEST

START_TEST(test_intervals_are_asked_for_alike)
{
    char plan[500];
    plan_of("SELECT * FROM samples_1m s WHERE device = 'a' AND time > ?1 ORDER BY time",
            plan, sizeof plan);
    ck_assert_str_eq(plan, SCAN("d=i>"));
    plan_of("SELECT * FROM samples_1h s WHERE point = 'p' AND t_ms > ?1 ORDER BY t_ms",
            plan, sizeof plan);
    ck_assert_str_eq(plan, SCAN("p=m>"));
}
END_TEST

/* Rows that only one of them has. */
static int
differing(const char *interval, int64_t step_ms)
{
    sqlite3_stmt *stmt = NULL;
    char sql[2000];
    snprintf(sql, sizeof sql,
             "WITH a AS (SELECT device, point, t_ms, min, max, round(mean, 6), count"
             "  FROM %s),"
             " b AS (SELECT device, point, t_ms - (t_ms %% %lld + %lld) %% %lld,"
             "  min(value), max(value), round(avg(value), 6), count(*) FROM samples"
             "  WHERE quality = 'good' AND clock_untrusted = 0 GROUP BY 1, 2, 3)"
             "SELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT * FROM b)) +"
             " (SELECT count(*) FROM (SELECT * FROM b EXCEPT SELECT * FROM a))",
             interval, (long long)step_ms, (long long)step_ms, (long long)step_ms);
    ck_assert_msg(sqlite3_prepare_v2(world.db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(world.db));
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    int count = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

START_TEST(test_intervals_are_what_their_samples_give)
{
    ck_assert_int_eq(differing("samples_1m", 60000), 0);
    ck_assert_int_eq(differing("samples_1h", 3600000), 0);
}
END_TEST

START_TEST(test_a_join_asks_for_each_row_of_the_other_table)
{
    char plan[500];
    plan_of("SELECT * FROM samples s JOIN p.keys k ON s.device = k.t"
            " AND s.time BETWEEN k.m AND k.t WHERE s.point = 'p'",
            plan, sizeof plan);
    ck_assert_str_eq(plan, "SCAN k; " SCAN("p=d=igil"));
}
END_TEST

/* ---- instants as texts ---- */

static const struct {
    const char *a, *b;
    int order;
} instants[] = {
    {"2026-05-01", "2026-05-01T00:00:00.000Z", 0},
    {"2026", "2026-01-01 00:00", 0},
    {"2026-05", "2026-05-01", 0},
    {"2026-05-01 08", "2026-05-01T08:00Z", 0},
    {"2026-05-01T08:00:00+08:00", "2026-05-01", 0},
    {"2026-05-01T08:00+08", "2026-05-01", 0},
    {"2026-04-30T22:30:00-0130", "2026-05-01t00:00:00z", 0},
    {"2026-05-01T00:00:00.1", "2026-05-01T00:00:00,100000000Z", 0},
    {"2026-05-01T00:00:00.000000", "2026-05-01T00:00:00.0000001", -1},
    {"2026-05-01T00:00:00.0000019", "2026-05-01T00:00:00.000002", -1},
    {"2026-05-01T00:00:60Z", "2026-05-01T00:01:00Z", 0},
    {"2026-05-01 00:00", "2026-05-01T00:00:00.000Z", 0},
    {"2024-02-29", "2024-03-01", -1},
    {"9999-12-31", "", -1}, /* What is no instant stands behind. */
    {"9999-12-31", "0", -1},
    {"9999-12-31", "2026-02-29", -1},
    {"9999-12-31", "2026-05-01T", -1},
    {"9999-12-31", "2026-05-01T24:00", -1},
    {"9999-12-31", "2026-05-01 00:00:00 ", -1},
    {"9999-12-31", "2026-05+08:00", -1},
    {"9999-12-31", "2026-05-01T00:00:00.Z", -1},
    {"9999-12-31", "2026-05-01T00:00:00+8:00", -1},
    {"9999-12-31", "2026-13", -1},
    {"9999-12-31", "0000-01-01", -1},
    {"a", "b", -1},
    {"a", "aa", -1},
    {"a", "a", 0},
};

static int
sign(int n)
{
    return (n > 0) - (n < 0);
}

START_TEST(test_texts_compare_as_the_instants_they_name)
{
    const char *a = instants[_i].a, *b = instants[_i].b;
    int a_size = (int)strlen(a), b_size = (int)strlen(b);
    ck_assert_int_eq(sign(sql_time_collate(NULL, a_size, a, b_size, b)),
                     instants[_i].order);
    ck_assert_int_eq(sign(sql_time_collate(NULL, b_size, b, a_size, a)),
                     -instants[_i].order);
}
END_TEST

START_TEST(test_times_are_written_as_elsewhere)
{
    struct sql_time_writer w = {0};
    uint64_t seed = 5;
    int64_t t_ms = 0;
    for (int i = 0; i < 20000; i++) {
        char want[INSTANT_TEXT_BYTES];
        uint64_t n = mixed_random(&seed);
        t_ms = i % 3 == 0      ? (int64_t)(n % 400000000000000) - 100000000000000
               : i % 1000 == 1 ? (int64_t)n
                               : t_ms + (int64_t)(n % 200000000) - 100000000;
        ck_assert_str_eq(sql_time_write(&w, t_ms), instant_format_utc(want, t_ms));
    }
}
END_TEST

/* ---- one moment ---- */

static int64_t
rest_of(sqlite3_stmt *stmt)
{
    int64_t rows = 0;
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        rows++;
    }
    ck_assert_int_eq(step, SQLITE_DONE);
    return rows;
}

START_TEST(test_a_statement_sees_one_moment)
{
    sqlite3_stmt *stmt = NULL;
    struct err err = {0};
    struct history_db *h = NULL;
    struct device device = {.id = "a", .point_count = 1};
    struct point point = {.id = "p"};
    const struct site site = {
        .devices = &device, .device_count = 1, .points = &point, .point_count = 1};
    ck_assert_int_eq(
        sqlite3_prepare_v2(world.db, "SELECT * FROM samples", -1, &stmt, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    /* More comes in, and all that was in the tail moves, while the statement reads. */
    unsigned char frame[sizeof(struct frame) + sizeof(struct reading)];
    struct frame *f = (void *)frame;
    *f = (struct frame){.t_ms = WORLD_T0 + 86400000, .count = 1};
    f->readings[0] = (struct reading){.value = 1};
    enum history_trouble trouble;
    ck_assert_int_eq(history_db_open(&h, dir, &site, &err), 0);
    ck_assert_int_eq(
        history_db_write(h, frame, frame_bytes(1), INSTANT_NONE, &trouble, &err), 0);
    ck_assert_int_eq(history_db_pack(h, &err), 0);
    history_db_close(h);
    ck_assert_int_eq(rest_of(stmt), (int64_t)world.samples - 1);
    sqlite3_reset(stmt);
    ck_assert_int_eq(rest_of(stmt), (int64_t)world.samples + 1);
    sqlite3_finalize(stmt);
}
END_TEST

START_TEST(test_a_file_that_is_no_history_is_told)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(history_vtab_register(db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT * FROM samples", -1, &stmt, NULL),
                     SQLITE_ERROR);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "is no history of caretaker"));
    sqlite3_close(db);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("history_vtab");
    TCase *tc = tcase_create("tables");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_world, remove_world);
    tcase_add_test(tc, test_any_statement_answers_as_over_plain_tables);
    tcase_add_loop_test(tc, test_conditions_and_orders_that_the_table_takes_over, 0,
                        (int)ARRAY_LEN(plans));
    tcase_add_test(tc, test_intervals_are_asked_for_alike);
    tcase_add_test(tc, test_intervals_are_what_their_samples_give);
    tcase_add_test(tc, test_a_join_asks_for_each_row_of_the_other_table);
    tcase_add_test(tc, test_a_statement_sees_one_moment);
    suite_add_tcase(s, tc);
    tc = tcase_create("texts");
    tcase_add_loop_test(tc, test_texts_compare_as_the_instants_they_name, 0,
                        (int)ARRAY_LEN(instants));
    tcase_add_test(tc, test_times_are_written_as_elsewhere);
    tcase_add_test(tc, test_a_file_that_is_no_history_is_told);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
