/* Titles in each language: what is kept, what is shown, what others read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/model/titles.h"

static const struct {
    struct text text;
    const char *json;
} texts[] = {
    {{{"Grease", "加油"}}, "{\"en\":\"Grease\",\"zh-CN\":\"加油\"}"},
    {{{"Grease \"it\"", "加油"}}, "{\"en\":\"Grease \\\"it\\\"\",\"zh-CN\":\"加油\"}"},
    {{{"Grease", NULL}}, "{}"}, /* One for everybody. */
    {{{NULL, "加油"}}, "{}"},
    {{{NULL, NULL}}, "{}"},
};

START_TEST(one_text_in_each_language_is_kept)
{
    struct titles t;
    struct strbuf out = {0};
    titles_of_text(&t, &texts[_i].text);
    titles_to_json(&out, &t);
    ck_assert_str_eq(strbuf_text(&out), texts[_i].json);
    ck_assert_int_eq(titles_are_empty(&t), strcmp(texts[_i].json, "{}") == 0);
    strbuf_fini(&out);
}
END_TEST

START_TEST(who_reads_gets_his_own_or_the_title_itself)
{
    struct titles t = {{{0}}};
    ck_assert_str_eq(titles_in(&t, LANGUAGE_ZH_CN, "hot"), "hot");
    titles_of_text(&t, &texts[0].text);
    ck_assert_str_eq(titles_in(&t, LANGUAGE_ZH_CN, "hot"), "加油");
    ck_assert_str_eq(titles_in(&t, LANGUAGE_EN, "hot"), "Grease");
}
END_TEST

START_TEST(they_join_an_object_as_its_last_member)
{
    struct titles t;
    struct strbuf out = {0};
    titles_of_text(&t, &texts[0].text);
    strbuf_add(&out, "{\"title\":\"Grease\"}");
    titles_join_json(&out, &t);
    ck_assert_str_eq(
        strbuf_text(&out),
        "{\"title\":\"Grease\",\"titles\":{\"en\":\"Grease\",\"zh-CN\":\"加油\"}}");
    strbuf_fini(&out);
}
END_TEST

START_TEST(a_long_one_is_cut_between_characters)
{
    char text[3 * 200 + 1] = "";
    for (int i = 0; i < 200; i++) {
        strcat(text, "泵");
    }
    struct text both = {{"pump", text}};
    struct titles t;
    titles_of_text(&t, &both);
    ck_assert_uint_eq(strlen(t.in[LANGUAGE_ZH_CN]), 255);
    struct titles other = t;
    ck_assert(titles_are_same(&t, &other));
    other.in[LANGUAGE_ZH_CN][0] = '\0';
    ck_assert(!titles_are_same(&t, &other));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("titles");
    TCase *tc = tcase_create("titles");
    tcase_add_loop_test(tc, one_text_in_each_language_is_kept, 0,
                        (int)ARRAY_LEN(texts));
    tcase_add_test(tc, who_reads_gets_his_own_or_the_title_itself);
    tcase_add_test(tc, they_join_an_object_as_its_last_member);
    tcase_add_test(tc, a_long_one_is_cut_between_characters);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
