/* The ledger as CSV: what spreadsheets do to it, and what is written is read back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pipeline/ledger/ledger_csv.h"

#define HEAD                                                                           \
    "id,name,type,location,maker,model,specification,serial,supplier,installed,"       \
    "design_life,design_hours,design_starts,warranty_until,price,area,keeper\r\n"

#define EMPTY "", "", "", "", "", "", "", "", "", "", ""
static const struct ledger_line lines[] = {
    {"box-1", "=cmd|' /C calc'!A0", "box", "Lobby, \"north\"", {"", "", EMPTY}},
    {"pump-1", "1# 泵", "pump", "B1", {"Grundfos", "CR 32-4", EMPTY}},
};
static const struct ledger_sheet sheet = {lines, ARRAY_LEN(lines)};

static struct arena *arena;
static struct diags diags;
static struct ledger_edits edits;
static struct err err;
static char path[64];

static void
setup(void)
{
    arena = arena_new();
    diags_init(&diags);
    edits = (struct ledger_edits){0};
    err = (struct err){0};
    snprintf(path, sizeof path, "/tmp/caretaker-ledger.XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void
teardown(void)
{
    unlink(path);
    diags_fini(&diags);
    arena_free(arena);
}

static int
read_bytes(const struct ledger_sheet *of,
           const char *text,
           size_t size,
           const struct ledger_column *columns,
           uint32_t count)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, size, f), size);
    fclose(f);
    return ledger_csv_read(&edits, arena, of, path, columns, count, &diags, &err);
}

static int
read_text(const char *text)
{
    return read_bytes(&sheet, text, strlen(text), NULL, 0);
}

START_TEST(test_a_file_is_written_as_rfc_4180_says)
{
    struct strbuf out = {0};
    ledger_csv_write(&out, &sheet, false);
    ck_assert_str_eq(strbuf_text(&out), HEAD
                     "box-1,'=cmd|' /C calc'!A0,box,\"Lobby, \"\"north\"\"\",,,,,,,,"
                     ",,,,,\r\n"
                     "pump-1,1# 泵,pump,B1,Grundfos,CR 32-4,,,,,,,,,,,\r\n");
    strbuf_clear(&out);
    ledger_csv_write(&out, &sheet, true);
    ck_assert_int_eq(strncmp(strbuf_text(&out), "\xEF\xBB\xBFid,", 6), 0);
    strbuf_fini(&out);
}
END_TEST

/* Values that a cell, a separator, a formula or an apostrophe could spoil. */
static const char *const hard[] = {
    "plain",   "a,b",  "a;b",     "say \"hi\"", "\"",      "=1+1", "+86 20 1",
    "-5 °C",   "@x",   "'=1",     "''=1",       "'quoted", "'",    "＝1",
    "a\\b",    "0012", "1,2;3\t", "'-",         "x'",      "a  b", "=\"a\",b",
    "'\"=1\"", "#N/A", "1e5",     "é",
};

START_TEST(test_what_is_written_is_read_back_without_a_change)
{
    struct ledger_line line = {"pump-1", hard[_i], "pump", hard[_i], {"", "", EMPTY}};
    char kept[LEDGER_TEXT_BYTES];
    ck_assert_int_eq(ledger_value_read(kept, LEDGER_MAKER, hard[_i], &err), 0);
    line.values[LEDGER_MAKER] = kept;
    const struct ledger_sheet one = {&line, 1};
    struct strbuf out = {0};
    for (int bom = 0; bom < 2; bom++) {
        strbuf_clear(&out);
        ledger_csv_write(&out, &one, bom != 0);
        ck_assert_msg(read_bytes(&one, strbuf_text(&out), out.size, NULL, 0) == 0,
                      "%s: %s", hard[_i], err.text);
        ck_assert_uint_eq(edits.rows, 1);
        ck_assert_uint_eq(edits.count, 0);
    }
    /* And into an empty ledger it brings just that value. */
    struct ledger_line empty = line;
    empty.values[LEDGER_MAKER] = "";
    const struct ledger_sheet nothing = {&empty, 1};
    ck_assert_int_eq(read_bytes(&nothing, strbuf_text(&out), out.size, NULL, 0), 0);
    ck_assert_uint_eq(edits.count, 1);
    ck_assert_str_eq(edits.items[0].after, kept);
    strbuf_fini(&out);
}
END_TEST

static const struct {
    const char *what, *text;
    const char *edits; /* "DEVICE KEY=AFTER;" of each */
    size_t warnings;
} good[] = {
    {"a column that is not there leaves its field", "id,maker\npump-1,Wilo\n",
     "pump-1 maker=Wilo;", 0},
    {"an empty cell empties", "id,maker\npump-1,\n", "pump-1 maker=;", 0},
    {"no row, no change", "id,maker\n", "", 0},
    {"semicolons", "id;maker;serial\npump-1;Grundfos;A;B\n", NULL, 0},
    {"semicolons, as a spreadsheet writes them", "id;serial\r\npump-1;A,1\r\n",
     "pump-1 serial=A,1;", 0},
    {"tabs", "id\tserial\npump-1\tA\n", "pump-1 serial=A;", 0},
    {"a spreadsheet's day", "id,installed\npump-1,2019/6/1\n",
     "pump-1 installed=2019-06-01;", 0},
    {"rows and columns of nothing", "id,maker,,\n,,,\npump-1,Wilo,,\n,,,\n",
     "pump-1 maker=Wilo;", 0},
    {"the last line without an end", "id,maker\npump-1,Wilo", "pump-1 maker=Wilo;", 0},
    {"a name is not changed by it", "id,name,maker\npump-1,2# 泵,Wilo\n",
     "pump-1 maker=Wilo;", 1},
    {"a serial number that a spreadsheet cut", "id,serial\npump-1,6.90123E+12\n",
     "pump-1 serial=6.90123E+12;", 1},
    {"a mark, semicolons, CRLF and a decimal comma",
     "\xEF\xBB\xBFid;maker;price\r\npump-1;\"Wilo \"\"A\"\"\";1234,50\r\n",
     "pump-1 maker=Wilo \"A\";pump-1 price=1234.50;", 0},
    {"headings with capitals", "ID,Maker\npump-1,Wilo\n", "pump-1 maker=Wilo;", 0},
    {"a spreadsheet's own first line", "sep=;\r\nid;maker\r\npump-1;a,b,c\r\n",
     "pump-1 maker=a,b,c;", 0},
    {"a formula's apostrophe", "id,maker\npump-1,'=x\nbox-1,=y\n",
     "pump-1 maker==x;box-1 maker==y;", 0},
};

START_TEST(test_what_people_do_to_a_file)
{
    struct strbuf b = {0};
    int code = read_text(good[_i].text);
    if (good[_i].edits == NULL) {
        ck_assert_int_eq(code, ERR_CONFIG);
        return;
    }
    ck_assert_msg(code == 0, "%s: %s", good[_i].what,
                  diags.count > 0 ? diags.items[0].text : err.text);
    for (uint32_t i = 0; i < edits.count; i++) {
        strbuf_printf(&b, "%s %s=%s;", edits.items[i].line->id,
                      ledger_key_name(edits.items[i].key), edits.items[i].after);
    }
    ck_assert_msg(strcmp(strbuf_text(&b), good[_i].edits) == 0, "%s: %s", good[_i].what,
                  strbuf_text(&b));
    ck_assert_uint_eq(diags.warnings, good[_i].warnings);
    strbuf_fini(&b);
}
END_TEST

static const struct {
    const char *text;
    uint32_t line, column;
    const char *says;
} bad[] = {
    {"", 1, 1, "the file is empty"},
    {"maker\nWilo\n", 1, 1, "\"id\" is missing"},
    {"id,makr\n", 1, 4, "did you mean \"maker\"?"},
    {"id,maker,maker\n", 1, 10, "a second column \"maker\""},
    {"id,maker\npump-1\n", 2, 1, "fewer cells than the 2"},
    {"id,maker\npump-1,a,b\n", 2, 1, "more cells than the 2"},
    {"id,maker\npump-2,a\n", 2, 1, "did you mean \"pump-1\""},
    {"id,maker\npump-1,a\npump-1,b\n", 3, 1, "stands on line 2 already"},
    {"id,price\npump-1,cheap\n", 2, 8, "price: \"cheap\"; an amount"},
    {"id,maker\npump-1,\"two\nlines\"\n", 2, 1, "a cell is one line of text"},
    {"id,maker\npump-1,\xC4\xE3\n", 2, 1, "save it as \"CSV UTF-8\""},
    {"\xC9\xE8\xB1\xB8,id\n", 1, 1, "save it as \"CSV UTF-8\""},
    {"id;price\npump-1;1.234,50\n", 2, 8, "price: \"1.234,50\"; an amount"},
    {"id,price\npump-1,\"1234,50\"\n", 2, 8, "price: \"1234,50\"; an amount"},
    {"id,keeper\npump-1,Zhang San\n", 2, 8, "the id of a person"},
};

START_TEST(test_what_is_wrong_is_said_with_its_place)
{
    edits.count = 77;
    ck_assert_int_eq(read_text(bad[_i].text), ERR_CONFIG);
    ck_assert_uint_eq(edits.count, 77); /* Nothing is to be changed. */
    ck_assert_uint_ge(diags.errors, 1);
    ck_assert_msg(diags.items[0].line == bad[_i].line &&
                      diags.items[0].column == bad[_i].column &&
                      strstr(diags.items[0].text, bad[_i].says) != NULL,
                  "%s: %u:%u %s", bad[_i].text, diags.items[0].line,
                  diags.items[0].column, diags.items[0].text);
}
END_TEST

START_TEST(test_a_file_of_another_encoding_is_refused_at_once)
{
    static const char utf16[] = "\xFF\xFEi\0d\0,\0m\0\n\0p\0,\0x\0\n";
    ck_assert_int_eq(read_bytes(&sheet, utf16, sizeof utf16, NULL, 0), ERR_CONFIG);
    ck_assert_uint_eq(diags.errors, 1);
    ck_assert_ptr_nonnull(strstr(diags.items[0].text, "save it as \"CSV UTF-8\""));
}
END_TEST

START_TEST(test_every_error_of_a_file_is_reported)
{
    ck_assert_int_eq(read_text("id,price,installed\npump-1,x,y\nbox-2,1,\n"),
                     ERR_CONFIG);
    ck_assert_uint_eq(diags.errors, 3);
}
END_TEST

START_TEST(test_columns_may_have_other_headings)
{
    static const struct ledger_column columns[] = {{"id", "设备编号"},
                                                   {"maker", "厂家"}};
    static const struct ledger_column missing[] = {{"id", "编号"}};
    const char *text = "设备编号,备注,厂家\npump-1,whatever,威乐\n";
    ck_assert_int_eq(read_bytes(&sheet, text, strlen(text), columns, 2), 0);
    ck_assert_uint_eq(edits.count, 1);
    ck_assert_uint_eq(edits.devices, 1);
    ck_assert_str_eq(edits.items[0].after, "威乐");
    ck_assert_int_eq(read_bytes(&sheet, text, strlen(text), missing, 1), ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(diags.items[0].text, "there is no column \"编号\""));
}
END_TEST

START_TEST(test_a_file_that_is_not_there)
{
    ck_assert_int_eq(
        ledger_csv_read(&edits, arena, &sheet, "/nowhere/x.csv", NULL, 0, &diags, &err),
        ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/x.csv"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ledger csv");
    TCase *tc = tcase_create("csv");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_a_file_is_written_as_rfc_4180_says);
    tcase_add_loop_test(tc, test_what_is_written_is_read_back_without_a_change, 0,
                        (int)ARRAY_LEN(hard));
    tcase_add_loop_test(tc, test_what_people_do_to_a_file, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tc, test_what_is_wrong_is_said_with_its_place, 0,
                        (int)ARRAY_LEN(bad));
    tcase_add_test(tc, test_a_file_of_another_encoding_is_refused_at_once);
    tcase_add_test(tc, test_every_error_of_a_file_is_reported);
    tcase_add_test(tc, test_columns_may_have_other_headings);
    tcase_add_test(tc, test_a_file_that_is_not_there);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
