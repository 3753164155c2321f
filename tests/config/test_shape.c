/* Every table of the readers can be reached from a schema, and says what its keys are
 * for.  tests/system/test_schema.py compares the schemas with the readers. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/shape.h"

#define SHAPES_MAX 400
#define LINE_CHARS 110 /* A description that an editor shows in one or two lines. */

static const struct shape *shapes[SHAPES_MAX];
static size_t shape_count;

/* Collects what can be reached. */
static void
walk(const struct shape *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < shape_count; i++) {
        if (shapes[i] == s) {
            return;
        }
    }
    ck_assert(shape_count < SHAPES_MAX);
    shapes[shape_count++] = s;
    walk(s->item);
    walk(s->extends);
    for (size_t i = 0; s->any != NULL && s->any[i] != NULL; i++) {
        walk(s->any[i]);
    }
    for (size_t i = 0; i < s->field_count; i++) {
        walk(s->fields[i].kind == FIELD_TEXT ? &shape_text_in_languages
                                             : s->fields[i].shape);
    }
}

static void
walk_all(void)
{
    shape_count = 0;
    walk(&site_file_shape);
    walk(&rules_file_shape);
    walk(&profile_file_shape);
    walk(&case_file_shape);
    walk(&commands_file_shape);
    walk(&map_file_shape);
    walk(&sim_file_shape);
}

START_TEST(test_each_key_says_what_it_is_for)
{
    for (size_t i = 0; i < shape_count; i++) {
        for (size_t k = 0; k < shapes[i]->field_count; k++) {
            const struct field *f = &shapes[i]->fields[k];
            ck_assert_msg(f->about != NULL, "\"%s\" has no ABOUT", f->key);
            ck_assert_msg(f->about[0] != '\0' && strlen(f->about) <= LINE_CHARS &&
                              strchr(f->about, '\n') == NULL,
                          "\"%s\": \"%s\" is no line", f->key, f->about);
        }
    }
}
END_TEST

START_TEST(test_what_is_read_by_hand_has_a_shape)
{
    for (size_t i = 0; i < shape_count; i++) {
        for (size_t k = 0; k < shapes[i]->field_count; k++) {
            const struct field *f = &shapes[i]->fields[k];
            ck_assert_msg((f->kind == FIELD_NODE) == (f->shape != NULL), "\"%s\"",
                          f->key);
            ck_assert_msg(f->kind != FIELD_NODE || f->preset == NULL, "\"%s\"", f->key);
        }
    }
}
END_TEST

/* A preset is read as if it stood in the file: it is accepted like that. */
START_TEST(test_each_preset_is_accepted)
{
    struct diags d;
    diags_init(&d);
    struct reader r = {arena_new(), &d};
    size_t presets = 0;
    for (size_t i = 0; i < shape_count; i++) {
        for (size_t k = 0; k < shapes[i]->field_count; k++) {
            const struct field *f = &shapes[i]->fields[k];
            size_t size = f->offset + f->size + sizeof(void *);
            size_t room = f->count_offset + sizeof(uint32_t);
            void *out = arena_array(r.arena, size > room ? size : room, 1);
            fields_preset(&r, out, f, 1);
            presets += f->preset != NULL;
        }
    }
    ck_assert_uint_eq(d.errors, 0);
    ck_assert_uint_gt(presets, 20);
    arena_free(r.arena);
    diags_fini(&d);
}
END_TEST

/* Lines of a source that begin a table of fields. */
static size_t
count_tables(const char *path)
{
    char line[500];
    size_t count = 0;
    FILE *in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s", path);
    while (fgets(line, sizeof line, in) != NULL) {
        count += strstr(line, "const struct field ") != NULL &&
                 strstr(line, "[") != NULL && strstr(line, "] = {") != NULL;
    }
    fclose(in);
    return count;
}

START_TEST(test_no_table_is_out_of_reach)
{
    glob_t found;
    size_t written = 0;
    const struct field *tables[SHAPES_MAX];
    size_t reached = 0;
    ck_assert_int_eq(glob("config/*.c", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        written += count_tables(found.gl_pathv[i]);
    }
    globfree(&found);
    for (size_t i = 0; i < shape_count; i++) {
        size_t k = 0;
        while (k < reached && tables[k] != shapes[i]->fields) {
            k++;
        }
        if (shapes[i]->fields != NULL && k == reached) {
            tables[reached++] = shapes[i]->fields;
        }
    }
    ck_assert_uint_gt(written, 30);
    ck_assert_uint_eq(reached, written);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("shapes");
    TCase *tc = tcase_create("shapes");
    tcase_add_checked_fixture(tc, walk_all, NULL);
    tcase_add_test(tc, test_each_key_says_what_it_is_for);
    tcase_add_test(tc, test_what_is_read_by_hand_has_a_shape);
    tcase_add_test(tc, test_each_preset_is_accepted);
    tcase_add_test(tc, test_no_table_is_out_of_reach);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
