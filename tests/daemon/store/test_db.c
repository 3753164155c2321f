/* Opening SQLite files and taking their schema from version to version. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/db.h"
#include "daemon/store/state.h"
#include "daemon/store/state_schema.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static char path[DB_PATH_BYTES];
static struct err err;
static char got[512];

static void
make_dir(void)
{
    scratch_make(dir);
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(db_path(path, dir, "x.db", &err), 0);
}

static void
remove_dir(void)
{
    scratch_remove(dir);
}

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static const char *const steps[] = {
    "CREATE TABLE pump (id TEXT)",
    "ALTER TABLE pump ADD COLUMN hours INTEGER DEFAULT 0;"
    "UPDATE pump SET hours = 5",
    "CREATE TABLE lift (id TEXT)",
};

static sqlite3 *
open_db(enum db_mode mode)
{
    sqlite3 *db = NULL;
    must(db_open(&db, path, mode, &err));
    return db;
}

START_TEST(test_an_older_schema_is_taken_on_step_by_step_with_its_rows)
{
    scratch_exec(dir, "x.db",
                 "CREATE TABLE pump (id TEXT); INSERT INTO pump VALUES ('p1');"
                 "PRAGMA user_version = 1");
    sqlite3 *db = open_db(DB_WRITE);
    must(db_migrate(db, steps, ARRAY_LEN(steps), &err));
    must(db_migrate(db, steps, ARRAY_LEN(steps), &err)); /* Nothing left to do. */
    db_close(db);
    scratch_query(dir, "x.db", "SELECT id || ' ' || hours FROM pump", got);
    ck_assert_str_eq(got, "p1 5");
    scratch_query(dir, "x.db", "PRAGMA user_version", got);
    ck_assert_str_eq(got, "3");
}
END_TEST

START_TEST(test_a_step_that_fails_is_undone_and_those_before_it_stay)
{
    static const char *const bad[] = {
        "CREATE TABLE pump (id TEXT)",
        "CREATE TABLE lift (id TEXT); CREATE TABLE pump (id TEXT)",
    };
    sqlite3 *db = open_db(DB_WRITE);
    ck_assert_int_eq(db_migrate(db, bad, ARRAY_LEN(bad), &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "schema 2"));
    ck_assert_ptr_nonnull(strstr(err.text, path));
    db_close(db);
    scratch_query(dir, "x.db", "PRAGMA user_version", got);
    ck_assert_str_eq(got, "1");
    scratch_query(dir, "x.db", "SELECT group_concat(name) FROM sqlite_master", got);
    ck_assert_str_eq(got, "pump");
    /* The next start, with the step repaired, goes on from there. */
    db = open_db(DB_WRITE);
    must(db_migrate(db, steps, ARRAY_LEN(steps), &err));
    db_close(db);
}
END_TEST

START_TEST(test_a_newer_schema_is_refused)
{
    scratch_exec(dir, "x.db", "PRAGMA user_version = 4");
    sqlite3 *db = open_db(DB_WRITE);
    ck_assert_int_eq(db_migrate(db, steps, ARRAY_LEN(steps), &err), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.text, "newer than this program"));
    ck_assert_int_eq(db_check_version(db, ARRAY_LEN(steps), &err), ERR_REFUSED);
    db_close(db);
}
END_TEST

START_TEST(test_a_reader_asks_for_the_daemon_when_the_schema_is_older)
{
    scratch_exec(dir, "x.db", "PRAGMA user_version = 2");
    sqlite3 *db = open_db(DB_READ);
    ck_assert_int_eq(db_check_version(db, ARRAY_LEN(steps), &err), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.text, "start the daemon once"));
    db_close(db);
}
END_TEST

START_TEST(test_an_empty_file_has_nothing_to_read)
{
    sqlite3 *db = open_db(DB_WRITE);
    db_close(db);
    db = open_db(DB_READ);
    ck_assert_int_eq(db_check_version(db, ARRAY_LEN(steps), &err), ERR_NOT_FOUND);
    db_close(db);
}
END_TEST

START_TEST(test_a_file_that_is_no_database_is_told_from_other_errors)
{
    sqlite3 *db = NULL;
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database ", f);
    }
    fclose(f);
    for (int mode = DB_WRITE; mode <= DB_READ; mode++) {
        char want[DB_PATH_BYTES + 64];
        ck_assert_int_eq(db_open(&db, path, (enum db_mode)mode, &err), ERR_IO);
        snprintf(want, sizeof want, "%s: open: no SQLite database, or damaged", path);
        ck_assert_msg(strncmp(err.text, want, strlen(want)) == 0, "%s", err.text);
        ck_assert(db_is_damaged(db));
        db_close(db);
    }
    ck_assert(!db_is_damaged(NULL));
}
END_TEST

/* What an import by root leaves must be the daemon's to open. */
START_TEST(test_what_root_makes_belongs_to_the_owner_of_its_folder)
{
    static const char *const names[] = {"", "/y.db", "/y.db-wal", "/y.db-shm"};
    const bool root = geteuid() == 0;
    const uid_t owner = root ? 65534 : geteuid();
    char inner[SCRATCH_BYTES + 16], made[DB_PATH_BYTES + 8];
    struct stat st;
    sqlite3 *db = NULL;
    ck_assert(!root || chown(dir, owner, 65534) == 0);
    snprintf(inner, sizeof inner, "%s/data", dir);
    must(db_make_dir(inner, &err));
    must(db_make_dir(inner, &err)); /* It is there already. */
    must(db_path(path, inner, "y.db", &err));
    db = open_db(DB_WRITE);
    must(db_migrate(db, steps, ARRAY_LEN(steps), &err));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(made, sizeof made, "%s%s", inner, names[i]);
        ck_assert_msg(stat(made, &st) == 0, "%s", made);
        ck_assert_msg(st.st_uid == owner, "%s belongs to %u", made, st.st_uid);
        ck_assert(!root || st.st_gid == 65534);
    }
    db_close(db);
    scratch_remove(inner);
}
END_TEST

START_TEST(test_a_reader_cannot_write)
{
    sqlite3 *db = open_db(DB_WRITE);
    must(db_migrate(db, steps, ARRAY_LEN(steps), &err));
    sqlite3 *reader = open_db(DB_READ);
    ck_assert_int_eq(db_exec(reader, "INSERT INTO lift VALUES ('x')", &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "readonly"));
    db_close(reader);
    db_close(db);
}
END_TEST

START_TEST(test_every_commit_is_synced)
{
    int64_t value = -1;
    sqlite3 *db = open_db(DB_WRITE);
    must(db_int(db, "PRAGMA synchronous", -1, &value, &err));
    ck_assert_int_eq(value, 2);
    must(db_int(db, "PRAGMA foreign_keys", -1, &value, &err));
    ck_assert_int_eq(value, 1);
    must(db_int(db, "SELECT NULL", 7, &value, &err));
    ck_assert_int_eq(value, 7);
    must(db_int(db, "SELECT 1 WHERE 0", 8, &value, &err));
    ck_assert_int_eq(value, 8);
    db_close(db);
}
END_TEST

/* The disk may be full. */
START_TEST(test_what_only_an_empty_file_is_told_is_not_written_again)
{
    static const char first[] = "PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2";
    sqlite3 *db, *again;
    struct stat before, after;
    char log[DB_PATH_BYTES + 8];
    snprintf(log, sizeof log, "%s-wal", path);
    must(db_open_new(&db, path, first, &err));
    must(db_migrate(db, steps, 1, &err));
    ck_assert_int_eq(stat(log, &before), 0);
    must(db_open_new(&again, path, first, &err));
    ck_assert_int_eq(stat(log, &after), 0);
    ck_assert_int_eq(after.st_size, before.st_size);
    db_close(again);
    db_close(db);
    scratch_query(dir, "x.db", "PRAGMA auto_vacuum", got);
    ck_assert_str_eq(got, "2");
    scratch_query(dir, "x.db", "PRAGMA page_size", got);
    ck_assert_str_eq(got, "1024");
}
END_TEST

START_TEST(test_state_db_of_a_newer_program_is_refused)
{
    struct state *s = NULL;
    must(state_open(&s, dir, STORE_WRITE, &err));
    state_close(s);
    scratch_exec(dir, "state.db", "PRAGMA user_version = 1000");
    s = NULL;
    ck_assert_int_eq(state_open(&s, dir, STORE_WRITE, &err), ERR_REFUSED);
    ck_assert_int_eq(state_open(&s, dir, STORE_READ, &err), ERR_REFUSED);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(test_state_db_without_a_schema_is_built_up)
{
    struct state *s = NULL;
    char want[16];
    scratch_exec(dir, "state.db", "PRAGMA user_version = 0; VACUUM");
    must(state_open(&s, dir, STORE_WRITE, &err));
    state_close(s);
    snprintf(want, sizeof want, "%d", STATE_SCHEMA_VERSION);
    scratch_query(dir, "state.db", "PRAGMA user_version", got);
    ck_assert_str_eq(got, want);
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("db");
    TCase *tc = tcase_create("db");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, test_an_older_schema_is_taken_on_step_by_step_with_its_rows);
    tcase_add_test(tc, test_a_step_that_fails_is_undone_and_those_before_it_stay);
    tcase_add_test(tc, test_a_newer_schema_is_refused);
    tcase_add_test(tc, test_a_reader_asks_for_the_daemon_when_the_schema_is_older);
    tcase_add_test(tc, test_an_empty_file_has_nothing_to_read);
    tcase_add_test(tc, test_a_file_that_is_no_database_is_told_from_other_errors);
    tcase_add_test(tc, test_what_root_makes_belongs_to_the_owner_of_its_folder);
    tcase_add_test(tc, test_a_reader_cannot_write);
    tcase_add_test(tc, test_every_commit_is_synced);
    tcase_add_test(tc, test_what_only_an_empty_file_is_told_is_not_written_again);
    tcase_add_test(tc, test_state_db_of_a_newer_program_is_refused);
    tcase_add_test(tc, test_state_db_without_a_schema_is_built_up);
    suite_add_tcase(su, tc);
    return su;
}

int
main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
