/* The small rooms of the floor: errors, diagnostics, arena. */
#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

START_TEST(context_goes_before_the_text)
{
    struct err err = {0};
    ck_assert_int_eq(err_set(&err, ERR_NOT_FOUND, "no %s", "file"), ERR_NOT_FOUND);
    ck_assert_int_eq(err_wrap(&err, "reading %d", 3), ERR_NOT_FOUND);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "reading 3: no file");
    /* The text may name the previous one. */
    err_set(&err, ERR_IO, "%s!", err.text);
    ck_assert_str_eq(err.text, "reading 3: no file!");
    ck_assert_int_eq(err_set(NULL, ERR_FULL, "nobody asks"), ERR_FULL);
}
END_TEST

START_TEST(long_errors_are_cut)
{
    struct err err = {0};
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", text);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
    err_wrap(&err, "front");
    ck_assert(strncmp(err.text, "front: xxx", 10) == 0);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
}
END_TEST

START_TEST(exit_statuses_are_those_of_the_contract)
{
    static const struct {
        enum err_code code;
        int status;
    } rows[] = {{ERR_NONE, 0},     {ERR_NOT_FOUND, 1}, {ERR_REFUSED, 1}, {ERR_USAGE, 2},
                {ERR_RANGE, 2},    {ERR_CONFIG, 3},    {ERR_NOMEM, 4},   {ERR_IO, 4},
                {ERR_PROTOCOL, 4}, {ERR_TIMEOUT, 4},   {ERR_FULL, 4}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(err_exit_status(rows[i].code), rows[i].status);
    }
}
END_TEST

static const char *const keys[] = {
    "severity", "hold",  "clear", "clear_hold", "respond_within",
    "when",     "while", NULL,    "id"};
static const struct {
    const char *word;
    const char *nearest;
} words[] = {{"severty", "severity"},
             {"sevreity", "severity"},
             {"holds", "hold"},
             {"clear-hold", "clear_hold"},
             {"respond_withn", "respond_within"},
             {"whil", "while"},
             {"banana", NULL},
             {"x", NULL},
             {"", NULL},
             {"zz", NULL}};

START_TEST(the_nearest_word_is_what_was_meant)
{
    const char *got = diag_nearest(words[_i].word, keys, ARRAY_LEN(keys));
    if (words[_i].nearest == NULL) {
        ck_assert_msg(got == NULL, "\"%s\" gave \"%s\"", words[_i].word, got);
    } else {
        ck_assert_ptr_nonnull(got);
        ck_assert_str_eq(got, words[_i].nearest);
    }
}
END_TEST

START_TEST(a_very_long_word_is_like_no_other)
{
    char word[5000];
    memset(word, 'h', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    ck_assert_ptr_null(diag_nearest(word, keys, ARRAY_LEN(keys)));
}
END_TEST

START_TEST(diagnostics_are_printed_in_order_of_place)
{
    struct diags d;
    diags_init(&d);
    char file[] = "b.yaml";
    struct loc late = {file, 10, 2};
    struct loc early = {file, 9, 30};
    struct loc whole = {"a.yaml", 0, 0};
    diags_add(&d, DIAG_ERROR, &late, "first %s", "said");
    diags_add(&d, DIAG_WARNING, &late, "said second");
    diags_add(&d, DIAG_ERROR, &early, "earlier");
    diags_add(&d, DIAG_ERROR, &whole, "unreadable");
    diags_add(&d, DIAG_ERROR, NULL, "nowhere");
    memset(file, 'x', 3); /* Everything was copied. */
    diags_sort(&d);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diags_print(&d, out);
    fclose(out);
    ck_assert_str_eq(text, "nowhere\n"
                           "a.yaml: unreadable\n"
                           "b.yaml:9:30: earlier\n"
                           "b.yaml:10:2: first said\n"
                           "b.yaml:10:2: warning: said second\n");
    ck_assert_uint_eq(d.errors, 4);
    ck_assert_uint_eq(d.warnings, 1);
    free(text);
    diags_fini(&d);
}
END_TEST

START_TEST(past_the_limit_diagnostics_are_counted)
{
    struct diags d;
    diags_init(&d);
    for (int i = 0; i < DIAGS_MAX + 7; i++) {
        diags_add(&d, DIAG_ERROR, NULL, "number %d", i);
    }
    ck_assert_uint_eq(d.count, DIAGS_MAX);
    ck_assert_uint_eq(d.errors, DIAGS_MAX + 7);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diags_print(&d, out);
    fclose(out);
    ck_assert_str_eq(text + size - strlen("and 7 more\n"), "and 7 more\n");
    free(text);
    diags_fini(&d);
}
END_TEST

START_TEST(the_arena_gives_zeroed_aligned_memory_that_stays)
{
    struct arena *a = arena_new();
    unsigned char *blocks[600];
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        size_t size = i * 37 % 900 + (i % 100 == 0 ? 40000 : 0);
        blocks[i] = arena_alloc(a, size);
        ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++) {
            ck_assert_uint_eq(blocks[i][k], 0);
        }
        memset(blocks[i], (int)(i & 0xFF), size);
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        size_t size = i * 37 % 900 + (i % 100 == 0 ? 40000 : 0);
        for (size_t k = 0; k < size; k++) {
            ck_assert_uint_eq(blocks[i][k], i & 0xFF);
        }
    }
    ck_assert_uint_gt(arena_bytes(a), 240000);
    arena_free(a);
    arena_free(NULL);
}
END_TEST

START_TEST(a_shared_arena_stays_until_its_last_owner_goes)
{
    struct arena *a = arena_new();
    char *text = arena_strdup(a, "here");
    ck_assert_ptr_eq(arena_share(a), a);
    ck_assert_ptr_eq(arena_share(a), a);
    arena_free(a);
    arena_free(a);
    ck_assert_str_eq(text, "here"); /* The sanitizer looks. */
    arena_free(a);
}
END_TEST

START_TEST(the_arena_copies_text)
{
    struct arena *a = arena_new();
    ck_assert_ptr_null(arena_strdup(a, NULL));
    ck_assert_str_eq(arena_strdup(a, "pump"), "pump");
    ck_assert_str_eq(arena_strndup(a, "pump-1", 4), "pump");
    ck_assert_str_eq(arena_printf(a, "%s/%d", "pump", 7), "pump/7");
    uint64_t *array = arena_array(a, 3, sizeof *array);
    ck_assert_uint_eq(array[0] | array[1] | array[2], 0);
    arena_free(a);
}
END_TEST

START_TEST(what_was_reserved_does_not_move_and_what_was_wiped_is_empty)
{
    struct strbuf b = {0};
    strbuf_reserve(&b, 1000);
    const char *at = b.text;
    for (int i = 0; i < 1000; i++) {
        strbuf_add_char(&b, 'x');
    }
    ck_assert_ptr_eq(b.text, at);
    strbuf_wipe(&b);
    ck_assert_str_eq(strbuf_text(&b), "");
    ck_assert_uint_eq(b.capacity, 0);
    strbuf_wipe(&b); /* Nothing was ever in it. */
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("base");
    TCase *tc = tcase_create("errors, diagnostics, arena");
    tcase_add_test(tc, context_goes_before_the_text);
    tcase_add_test(tc, long_errors_are_cut);
    tcase_add_test(tc, exit_statuses_are_those_of_the_contract);
    tcase_add_loop_test(tc, the_nearest_word_is_what_was_meant, 0,
                        (int)ARRAY_LEN(words));
    tcase_add_test(tc, a_very_long_word_is_like_no_other);
    tcase_add_test(tc, diagnostics_are_printed_in_order_of_place);
    tcase_add_test(tc, past_the_limit_diagnostics_are_counted);
    tcase_add_test(tc, the_arena_gives_zeroed_aligned_memory_that_stays);
    tcase_add_test(tc, the_arena_copies_text);
    tcase_add_test(tc, what_was_reserved_does_not_move_and_what_was_wiped_is_empty);
    tcase_add_test(tc, a_shared_arena_stays_until_its_last_owner_goes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
