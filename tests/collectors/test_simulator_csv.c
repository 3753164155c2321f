/* Columns of logs as signals, and what is said about files that are none. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/simulator_csv.h"
#include "collectors/simulator_signal.h"
#include "collectors/simulator_unit.h"

static char dir[] = "/tmp/caretaker-csv.XXXXXX";
static char path[64];

static void
setup(void)
{
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log.csv", dir);
}

static void
teardown(void)
{
    unlink(path);
    rmdir(dir);
}

static void
write_log(const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

#define T    "2026-01-01T00:00:0"
#define WIDE "time,level,flow\n" T "0Z,3,10\n" T "1Z,,11\n" T "2Z,5,\n" T "4Z,6,true\n"
#define LONG                                                                           \
    "time,device,point,value,quality\n" T "0Z,pump,level,1,good\n" T                   \
    "0Z,pump,flow,9,good\n" T "1Z,pump,level,2,timeout\n" T "2Z,pump,level,3,good\n"

struct load_row {
    const char *name, *text, *column;
    uint32_t count;
    struct signal_step want[4];
    int64_t length_ms;
};

static const struct load_row load_rows[] = {
    {"a column, without the rows where it is empty",
     WIDE,
     "level",
     3,
     {{0, 3}, {2000, 5}, {4000, 6}},
     6000},
    {"true is 1", WIDE, "flow", 3, {{0, 10}, {1000, 11}, {4000, 1}}, 6000},
    {"a point of the long form, where it is good",
     LONG,
     "pump.level",
     2,
     {{0, 1}, {2000, 3}},
     3000},
    {"semicolons", "time;a\n" T "0Z;1\n" T "1Z;2\n", "a", 2, {{0, 1}, {1000, 2}}, 2000},
    {"two rows of one time: the later one counts",
     "time,a\n" T "0Z,1\n" T "0Z,2\n" T "3Z,4\n",
     "a",
     2,
     {{0, 2}, {3000, 4}},
     6000},
};

START_TEST(a_column_becomes_steps)
{
    const struct load_row *row = &load_rows[_i];
    struct simulator_csv got;
    struct err err = {0};

    write_log(row->text);
    ck_assert_msg(simulator_csv_load(&got, path, row->column, &err) == 0, "%s: %s",
                  row->name, err.text);
    ck_assert_msg(got.count == row->count, "%s: %u rows", row->name, got.count);
    for (uint32_t i = 0; i < row->count; i++) {
        ck_assert_msg(got.steps[i].at_ms == row->want[i].at_ms &&
                          got.steps[i].value == row->want[i].value,
                      "%s: row %u", row->name, i);
    }
    ck_assert_msg(got.length_ms == row->length_ms, "%s: %lld ms", row->name,
                  (long long)got.length_ms);
    simulator_csv_fini(&got);
}
END_TEST

static const struct {
    const char *text, *column, *want;
} wrong_rows[] = {
    {"", "a", ":1: no values of 'a'"},
    {"time,a\n", "a", ":1: no values of 'a'"},
    {"when,a\n1,2\n", "a", ":1: no column 'time'; a log begins with"},
    {WIDE, "depth", ":1: no column 'depth'; the file has time, level, flow"},
    {LONG, "pump.depth", ":1: no values of 'pump.depth'"},
    {"time,a\nyesterday,2\n", "a", ":2: "},
    {"time,a\n" T "0Z,2\n" T "1Z,2,3\n", "a", ":3: 3 cells; the header has 2"},
    {"time,a\n" T "0Z,much\n", "a", ":2: 'much' is no value"},
    {"time,a\n" T "0Z,nan\n", "a", ":2: 'nan' is no value"},
    {"time,a\n" T "5Z,1\n" T "4Z,1\n", "a", ":3: goes back in time"},
};

START_TEST(a_wrong_file_is_told_with_its_line)
{
    struct simulator_csv got;
    struct err err = {0};

    write_log(wrong_rows[_i].text);
    ck_assert_int_ne(simulator_csv_load(&got, path, wrong_rows[_i].column, &err), 0);
    ck_assert_msg(strncmp(err.text, path, strlen(path)) == 0, "%s", err.text);
    ck_assert_msg(strncmp(err.text + strlen(path), wrong_rows[_i].want,
                          strlen(wrong_rows[_i].want)) == 0,
                  "%s", err.text);
}
END_TEST

/* What a register that plays the log back has after so long. */
static double
value_at(bool loop, bool interpolate, int64_t t_ms)
{
    const struct signal_csv csv = {.file = path, .column = "level", .loop = loop};
    struct sim_register r = {
        "level",
        {.table = REG_INPUT, .type = TYPE_U16, .scaling = {1, 0, 1}},
        {.kind = SIGNAL_CSV, .csv = &csv, .interpolate = interpolate}};
    struct sim_unit spec = {.unit = 1, .registers = &r, .register_count = 1};
    struct simulator_unit *u;
    double value;

    ck_assert_int_eq(simulator_unit_new(&u, &spec, NULL), 0);
    ck_assert(simulator_unit_get(u, "level", t_ms, &value));
    simulator_unit_free(u);
    return value;
}

START_TEST(playback_holds_its_last_value_or_begins_again)
{
    write_log(WIDE);
    for (int loop = 0; loop < 2; loop++) {
        ck_assert(value_at(loop != 0, false, 0) == 3);
        ck_assert(value_at(loop != 0, false, 1999) == 3);
        ck_assert(value_at(loop != 0, false, 2000) == 5);
        ck_assert(value_at(loop != 0, false, 5999) == 6);
    }
    ck_assert(value_at(false, false, 6000) == 6);
    ck_assert(value_at(false, false, 1000000) == 6);
    ck_assert(value_at(true, false, 6000) == 3);
    ck_assert(value_at(true, false, 12000 + 2500) == 5);
    ck_assert(value_at(false, true, 1000) == 4); /* A line between 3 and 5. */
}
END_TEST

START_TEST(a_unit_whose_log_is_not_there_tells_where_it_is_named)
{
    const struct signal_csv csv = {
        .file = path, .column = "level", .loc = {"sim.yaml", 8, 31}};
    struct sim_register r = {
        "level", {.table = REG_INPUT}, {.kind = SIGNAL_CSV, .csv = &csv}};
    struct sim_unit units[2] = {{.unit = 1, .registers = &r, .register_count = 1},
                                {.unit = 2, .registers = &r, .register_count = 1}};
    struct sim_port port = {.units = units, .unit_count = 2};
    const struct sim sim = {.ports = &port, .port_count = 1};
    struct simulator_unit *u;
    struct diags diags;
    struct err err = {0};

    ck_assert_int_eq(simulator_unit_new(&u, &units[0], &err), ERR_CONFIG);
    ck_assert_msg(strncmp(err.text, "sim.yaml:8:31: ", 15) == 0, "%s", err.text);
    diags_init(&diags);
    ck_assert(!simulator_csv_check(&sim, &diags));
    ck_assert_uint_eq(diags.count, 1); /* Not again for its brother. */
    ck_assert_uint_eq(diags.items[0].line, 8);
    ck_assert_ptr_nonnull(strstr(diags.items[0].text, "No such file"));
    write_log(WIDE);
    ck_assert(simulator_csv_check(&sim, &diags));
    ck_assert_uint_eq(diags.count, 1);
    diags_fini(&diags);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("simulator_csv");
    TCase *tc = tcase_create("csv");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_column_becomes_steps, 0, (int)ARRAY_LEN(load_rows));
    tcase_add_loop_test(tc, a_wrong_file_is_told_with_its_line, 0,
                        (int)ARRAY_LEN(wrong_rows));
    tcase_add_test(tc, playback_holds_its_last_value_or_begins_again);
    tcase_add_test(tc, a_unit_whose_log_is_not_there_tells_where_it_is_named);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
