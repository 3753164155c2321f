/* Parts as people write them, and closing codes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/cause.h"
#include "daemon/model/ticket.h"

static struct err err;

static const struct {
    const char *text;
    const char *name; /* NULL: refused. */
    int64_t count, cost;
} part_texts[] = {
    {"seal ring", "seal ring", 1, 0},
    {"seal ring=2", "seal ring", 2, 0},
    {"seal=2@70", "seal", 2, 7000},
    {"seal=2@70.5", "seal", 2, 7050},
    {"seal=-1@-35.00", "seal", -1, -3500},
    {"a=b=3", "a=b", 3, 0},
    {"油封=4@12.34", "油封", 4, 1234},
    {"", NULL, 0, 0},
    {" ", NULL, 0, 0},
    {"=2", NULL, 0, 0},
    {"seal=", NULL, 0, 0},
    {"seal=0", NULL, 0, 0},
    {"seal=two", NULL, 0, 0},
    {"seal=2@", NULL, 0, 0},
    {"seal=2@1.234", NULL, 0, 0},
    {"seal=2 pieces", NULL, 0, 0},
    {"seal=1000001", NULL, 0, 0},
    {"seal=2@1e3", NULL, 0, 0},
};

START_TEST(a_part_is_read_as_it_is_written)
{
    struct ticket_part part = {"kept", 9, 9};
    int code = ticket_part_parse(&part, part_texts[_i].text, &err);
    if (part_texts[_i].name == NULL) {
        ck_assert_msg(code == ERR_RANGE, "%s", part_texts[_i].text);
        ck_assert_ptr_nonnull(strstr(err.text, "NAME=COUNT@COST"));
        ck_assert_str_eq(part.name, "kept");
    } else {
        ck_assert_msg(code == 0, "%s", err.text);
        ck_assert_str_eq(part.name, part_texts[_i].name);
        ck_assert_int_eq(part.count, part_texts[_i].count);
        ck_assert_int_eq(part.cost, part_texts[_i].cost);
    }
}
END_TEST

START_TEST(every_code_is_a_word_that_fits_a_row_and_stands_once)
{
    const struct site none = {0};
    size_t count = 0;
    for (; cause_code(count) != NULL; count++) {
        const char *code = cause_code(count);
        ck_assert_uint_lt(strlen(code), CODE_BYTES);
        ck_assert_uint_eq(strspn(code, "abcdefghijklmnopqrstuvwxyz-"), strlen(code));
        ck_assert(cause_is_known(&none, code));
        ck_assert_ptr_nonnull(cause_meaning(count));
        for (size_t i = 0; i < count; i++) {
            ck_assert_str_ne(cause_code(i), code);
        }
    }
    /* Figures count these by name. */
    static const char *const counted[] = {"false-alarm", "no-fault-found", "planned",
                                          "sensor",      "communication",  "other"};
    for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
        ck_assert(cause_is_known(&none, counted[i]));
    }
    ck_assert(!cause_is_known(&none, ""));
    ck_assert_ptr_null(cause_meaning(count));
}
END_TEST

START_TEST(the_sites_own_codes_count_too)
{
    static const char *const own[] = {"door-sill"};
    const struct site site = {.causes = own, .cause_count = 1};
    struct strbuf text = {0};
    ck_assert(cause_is_known(&site, "door-sill"));
    cause_refuse(&text, &site, "door-sil");
    ck_assert_ptr_nonnull(strstr(strbuf_text(&text), "did you mean door-sill?"));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&text), ", other, door-sill"));
    strbuf_fini(&text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("parts and causes");
    TCase *tc = tcase_create("parts and causes");
    tcase_add_loop_test(tc, a_part_is_read_as_it_is_written, 0,
                        (int)ARRAY_LEN(part_texts));
    tcase_add_test(tc, every_code_is_a_word_that_fits_a_row_and_stands_once);
    tcase_add_test(tc, the_sites_own_codes_count_too);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
