/* Options anywhere on the line, and listings as tables. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli/cli.h"

#define WORDS_MAX (CLI_LIST_MAX + 8)

static int
run_nothing(const struct cli_command *self, int argc, char **argv)
{
    (void)self;
    (void)argc;
    (void)argv;
    return CLI_OK;
}

static const struct cli_command command = {"try", "tries options", "[-c SITE] WORD...",
                                           "Tries options.\n", run_nothing};

struct given {
    const char *site, *from;
    bool json;
    struct cli_list rules;
};

/* Splits `line` at blanks and parses it; "site|from|json|rules|args" into `out`. */
static int
parse(const char *line, char out[512], bool *done)
{
    struct given g = {0};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &g.site, "SITE", "site file"},
        {"from", 0, CLI_TEXT, &g.from, "TIME", "start"},
        {"json", 'j', CLI_FLAG, &g.json, NULL, "JSON"},
        {"rules", 0, CLI_LIST, &g.rules, "FILE", "rules"},
    };
    char name[] = "try";
    char *argv[WORDS_MAX + 2] = {name};
    int argc = 1;
    char *copy = strdup(line);
    char *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        ck_assert_int_lt(argc, WORDS_MAX);
        argv[argc++] = word;
    }
    struct cli_list args = {.count = 99};
    int status =
        cli_parse(&command, options, ARRAY_LEN(options), argc, argv, &args, done);
    struct strbuf text = {0};
    if (status == CLI_OK && !*done) {
        strbuf_printf(&text, "%s|%s|%d|", g.site != NULL ? g.site : "",
                      g.from != NULL ? g.from : "", g.json);
        for (uint32_t i = 0; i < g.rules.count; i++) {
            strbuf_printf(&text, "%s%s", i > 0 ? "," : "", g.rules.items[i]);
        }
        strbuf_add(&text, "|");
        for (uint32_t i = 0; i < args.count; i++) {
            strbuf_printf(&text, "%s%s", i > 0 ? "," : "", args.items[i]);
        }
    }
    snprintf(out, 512, "%s", strbuf_text(&text));
    strbuf_fini(&text);
    free(copy);
    return status;
}

/* What `fn` prints to `from` (stdout or stderr) into `out`. */
static FILE *
divert(FILE *from, int *saved)
{
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    fflush(from);
    *saved = dup(fileno(from));
    ck_assert_int_ge(*saved, 0);
    ck_assert_int_ge(dup2(fileno(f), fileno(from)), 0);
    return f;
}

static void
restore(FILE *from, int saved, FILE *f, char out[2048])
{
    fflush(from);
    ck_assert_int_ge(dup2(saved, fileno(from)), 0);
    close(saved);
    rewind(f);
    out[fread(out, 1, 2047, f)] = '\0';
    fclose(f);
}

static const struct {
    const char *line;
    const char *parsed;
} good[] = {
    {"", "||0||"},
    {"a b", "||0||a,b"},
    {"-c x.yaml a", "x.yaml||0||a"},
    {"a -c x.yaml b --json c", "x.yaml||1||a,b,c"},
    {"--site=x.yaml -j", "x.yaml||1||"},
    {"-cx.yaml", "x.yaml||0||"},
    {"--from -1h", "|-1h|0||"},
    {"--from=-1h a", "|-1h|0||a"},
    {"--rules r1 --rules r2 log", "||0|r1,r2|log"},
    {"-c x -c y", "y||0||"},
    {"-- --json -c", "||0||--json,-c"},
    {"a -", "||0||a,-"},
    {"-jc x a", "x||1||a"},
    {"--rul r", "||0|r|"},
};

START_TEST(test_lines_that_are_taken)
{
    char parsed[512];
    bool done = true;
    ck_assert_int_eq(parse(good[_i].line, parsed, &done), CLI_OK);
    ck_assert(!done);
    ck_assert_str_eq(parsed, good[_i].parsed);
}
END_TEST

static const struct {
    const char *line;
    const char *said;
} bad[] = {
    {"--jsn", "there is no option --jsn; did you mean --json?"},
    {"--colour", "there is no option --colour"},
    {"-x", "there is no option -x\n"},
    {"-xj a", "there is no option -x\n"},
    {"-jx", "there is no option -x\n"},
    {"--json=yes", "--json takes no value"},
    {"--help=yes", "--help takes no value"},
    {"-jc", "-c needs a value"},
    {"--si", "--site needs a value"}, /* A beginning will do. */
    {"-c", "-c needs a value"},
    {"a --from", "--from needs a value"},
};

START_TEST(test_lines_that_are_refused)
{
    char parsed[512];
    char said[2048];
    bool done = false;
    int saved = -1;
    FILE *f = divert(stderr, &saved);
    int status = parse(bad[_i].line, parsed, &done);
    restore(stderr, saved, f, said);
    ck_assert_int_eq(status, CLI_USAGE);
    ck_assert_msg(strstr(said, bad[_i].said) != NULL, "%s", said);
    ck_assert_msg(strstr(said, "usage: caretaker try [-c SITE] WORD...") != NULL, "%s",
                  said);
}
END_TEST

START_TEST(a_refused_line_leaves_nothing_behind)
{
    char parsed[512];
    char said[2048];
    bool done = false;
    int saved = -1;
    FILE *f = divert(stderr, &saved);
    int status = parse("-xj a", parsed, &done);
    restore(stderr, saved, f, said);
    ck_assert_int_eq(status, CLI_USAGE);
    ck_assert_int_eq(parse("b", parsed, &done), CLI_OK);
    ck_assert_str_eq(parsed, "||0||b");
}
END_TEST

START_TEST(too_much_is_refused)
{
    struct strbuf line = {0};
    char parsed[512];
    char said[2048];
    bool done = false;
    for (int i = 0; i <= CLI_LIST_MAX; i++) {
        strbuf_add(&line, "w ");
    }
    int saved = -1;
    FILE *f = divert(stderr, &saved);
    ck_assert_int_eq(parse(strbuf_text(&line), parsed, &done), CLI_USAGE);
    restore(stderr, saved, f, said);
    ck_assert_ptr_nonnull(strstr(said, "too many words"));
    strbuf_fini(&line);
}
END_TEST

START_TEST(help_says_it_all_and_does_nothing_else)
{
    char parsed[512];
    char said[2048];
    bool done = false;
    int saved = -1;
    FILE *f = divert(stdout, &saved);
    int status = parse("a --help --nonsense", parsed, &done);
    restore(stdout, saved, f, said);
    ck_assert_int_eq(status, CLI_OK);
    ck_assert(done);
    ck_assert_ptr_nonnull(strstr(said, "Usage: caretaker try [-c SITE] WORD..."));
    ck_assert_ptr_nonnull(strstr(said, "-c, --site SITE"));
    ck_assert_ptr_nonnull(strstr(said, "--rules FILE"));
}
END_TEST

/* ---- Tables ---- */

static const struct cli_column columns[] = {{"id", "device", CLI_SHOW_TEXT},
                                            {"value", "value", CLI_SHOW_TEXT},
                                            {"title", "title", CLI_SHOW_TEXT}};

static const struct {
    const char *array;
    const char *printed;
} tables[] = {
    {"[]", "nothing\n"},
    {"[{\"id\":\"pump-1\",\"value\":3,\"title\":\"hot\"}]",
     "device  value  title\npump-1  3      hot\n"},
    /* A Chinese character takes two columns. */
    {"[{\"id\":\"水泵\",\"value\":81.25,\"title\":\"x\"},"
     "{\"id\":\"pump-10\",\"value\":null}]",
     "device   value  title\n水泵     81.25  x\npump-10  -      -\n"},
    {"[{\"id\":\"a\",\"value\":true},{\"id\":\"b\",\"value\":false}]",
     "device  value  title\na       yes    -\nb       no     -\n"},
};

START_TEST(test_tables)
{
    char printed[2048];
    int saved = -1;
    FILE *f = divert(stdout, &saved);
    int status = cli_print_listing(tables[_i].array, false, columns, ARRAY_LEN(columns),
                                   "nothing");
    restore(stdout, saved, f, printed);
    ck_assert_int_eq(status, CLI_OK);
    ck_assert_str_eq(printed, tables[_i].printed);
}
END_TEST

START_TEST(json_is_printed_as_it_came)
{
    char printed[2048];
    int saved = -1;
    FILE *f = divert(stdout, &saved);
    int status = cli_print_listing("[]", true, columns, ARRAY_LEN(columns), "nothing");
    restore(stdout, saved, f, printed);
    ck_assert_int_eq(status, CLI_OK);
    ck_assert_str_eq(printed, "[]\n");
}
END_TEST

START_TEST(an_answer_that_is_no_listing_is_an_error)
{
    char said[2048];
    int saved = -1;
    FILE *f = divert(stderr, &saved);
    int status = cli_print_listing("<html>", false, columns, ARRAY_LEN(columns), "");
    restore(stderr, saved, f, said);
    ck_assert_int_eq(status, CLI_OUTSIDE);
    ck_assert_ptr_nonnull(strstr(said, "no listing"));
}
END_TEST

START_TEST(a_query_is_escaped)
{
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/alarms");
    cli_query(&path, "device", NULL);
    cli_query(&path, "device", "pump-1");
    cli_query(&path, "state", "a&b=c d/ö%");
    ck_assert_str_eq(strbuf_text(&path),
                     "/api/v1/alarms?device=pump-1&state=a%26b%3Dc%20d%2F%C3%B6%25");
    strbuf_fini(&path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("cli");
    TCase *tc = tcase_create("options");
    tcase_add_loop_test(tc, test_lines_that_are_taken, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(tc, test_lines_that_are_refused, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(tc, a_refused_line_leaves_nothing_behind);
    tcase_add_test(tc, too_much_is_refused);
    tcase_add_test(tc, help_says_it_all_and_does_nothing_else);
    suite_add_tcase(s, tc);
    tc = tcase_create("listings");
    tcase_add_loop_test(tc, test_tables, 0, (int)ARRAY_LEN(tables));
    tcase_add_test(tc, json_is_printed_as_it_came);
    tcase_add_test(tc, an_answer_that_is_no_listing_is_an_error);
    tcase_add_test(tc, a_query_is_escaped);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
