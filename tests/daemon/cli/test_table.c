/* A table on a terminal: texts come from anybody. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli/cli.h"

static const struct cli_column columns[] = {
    {"no", "NO", CLI_SHOW_TEXT},
    {"title", "TITLE", CLI_SHOW_TEXT},
};

static const struct {
    const char *what;
    const char *array;
    const char *expected;
} rows[] = {
    {"an empty listing says so", "[]", "nothing\n"},
    {"a line break does not break the table",
     "[{\"no\":1,\"title\":\"a\\nb\"},{\"no\":2,\"title\":\"c\"}]",
     "NO  TITLE\n1   a b\n2   c\n"},
    {"an escape does not command the terminal",
     "[{\"no\":1,\"title\":\"a\\u001b[2Jb\\u0007\"}]", "NO  TITLE\n1   a [2Jb \n"},
    {"Chinese stays as it is", "[{\"no\":1,\"title\":\"漏水\"}]",
     "NO  TITLE\n1   漏水\n"},
};

START_TEST(test_rows)
{
    char text[512] = "";
    FILE *capture = tmpfile();
    ck_assert_ptr_nonnull(capture);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    ck_assert_int_ge(dup2(fileno(capture), STDOUT_FILENO), 0);
    int status = cli_print_listing(rows[_i].array, false, columns, ARRAY_LEN(columns),
                                   "nothing");
    fflush(stdout);
    ck_assert_int_ge(dup2(kept, STDOUT_FILENO), 0);
    close(kept);
    rewind(capture);
    size_t size = fread(text, 1, sizeof text - 1, capture);
    text[size] = '\0';
    fclose(capture);
    ck_assert_int_eq(status, CLI_OK);
    ck_assert_msg(strcmp(text, rows[_i].expected) == 0, "%s:\n%s", rows[_i].what, text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("table");
    TCase *tc = tcase_create("table");
    tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(rows));
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
