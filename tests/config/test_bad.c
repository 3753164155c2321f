/* Every bad file says exactly what NAME.expected says, and is refused. */
#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static const char **files;

static const char *
base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* What is said of `path`; free() it. */
static char *
say(const char *path, bool *loaded)
{
    struct diags d;
    char *text = NULL;
    size_t size = 0;
    const char *name = base_name(path);
    FILE *out = open_memstream(&text, &size);
    diags_init(&d);
    if (strncmp(name, "case-", 5) == 0) {
        struct replay_case *c = config_load_case(path, &d);
        *loaded = c != NULL;
        replay_case_free(c);
    } else if (strncmp(name, "map-", 4) == 0) {
        struct log_map *m = config_load_map(path, &d);
        *loaded = m != NULL;
        log_map_free(m);
    } else if (strncmp(name, "sim-", 4) == 0) {
        struct sim *s = config_load_sim(path, &d);
        *loaded = s != NULL;
        sim_free(s);
    } else if (strncmp(name, "profile-", 8) == 0) {
        *loaded = config_check_profile(path, &d);
    } else {
        struct site *s = config_load_site(path, NULL, 0, &d);
        *loaded = s != NULL;
        site_free(s);
    }
    diags_sort(&d);
    diags_print(&d, out);
    diags_fini(&d);
    fclose(out);
    return text;
}

static char *
read_all(const char *path)
{
    char *text = calloc(1, 1 << 16);
    FILE *in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s is missing", path);
    size_t n = fread(text, 1, (1 << 16) - 1, in);
    ck_assert(n < (1 << 16) - 1);
    fclose(in);
    return text;
}

START_TEST(test_each_bad_file_is_refused_in_its_words)
{
    const char *path = files[_i];
    char expected_path[300];
    bool loaded = true;
    snprintf(expected_path, sizeof expected_path, "%s", path);
    strcpy(strrchr(expected_path, '.'), ".expected");
    char *said = say(path, &loaded);
    char *expected = read_all(expected_path);
    ck_assert_msg(strcmp(said, expected) == 0,
                  "%s\n---- says ----\n%s---- expected ----\n%s", path, said, expected);
    ck_assert_msg(!loaded, "%s was accepted", path);
    free(said);
    free(expected);
}
END_TEST

int
main(int argc, char **argv)
{
    glob_t found;
    setenv("CARETAKER_SHARE", "config", 1);
    if (argc == 2) { /* Prints what is said of one file, to write its .expected. */
        bool loaded;
        char *said = say(argv[1], &loaded);
        fputs(said, stdout);
        free(said);
        return 0;
    }
    if (glob("tests/config/bad/*-*.yaml", 0, NULL, &found) != 0) {
        fputs("tests/config/bad is missing; run from the top of the tree\n", stderr);
        return 1;
    }
    int count = 0;
    files = calloc(found.gl_pathc, sizeof files[0]);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        /* part-*.yaml are included by others. */
        if (strncmp(base_name(found.gl_pathv[i]), "part-", 5) != 0) {
            files[count++] = found.gl_pathv[i];
        }
    }
    Suite *s = suite_create("config bad files");
    TCase *tc = tcase_create("bad");
    tcase_add_loop_test(tc, test_each_bad_file_is_refused_in_its_words, 0, count);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    globfree(&found);
    free(files);
    return failed == 0 && count > 0 ? 0 : 1;
}
