#include <check.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/base/markup.h"

static const struct {
    const char *text, *markup;
} texts[] = {
    {NULL, ""},
    {"", ""},
    {"pump 1", "pump 1"},
    {"<b a=\"1\">&'", "&lt;b a=&quot;1&quot;&gt;&amp;&#39;"},
    {"a\nb\tc", "a\nb\tc"},
    {"a\x01"
     "b\x7f"
     "c\r",
     "a b c "},
    {"\xC2\x85", " "},
    {"\xE8\xBD\xB4\xE6\x89\xBF", "\xE8\xBD\xB4\xE6\x89\xBF"},
    {"\xF0\x9F\x94\xA5", "\xF0\x9F\x94\xA5"},
    {"\xFF", "\xEF\xBF\xBD"},
    {"\xE8\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* A surrogate. */
    {"\xEF\xBF\xBE", "\xEF\xBF\xBD"},                         /* U+FFFE */
};

START_TEST(texts_are_escaped_as_listed)
{
    struct strbuf out = {0};
    markup_text(&out, texts[_i].text);
    ck_assert_str_eq(strbuf_text(&out), texts[_i].markup);
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("markup");
    TCase *tc = tcase_create("markup");
    tcase_add_loop_test(tc, texts_are_escaped_as_listed, 0, (int)ARRAY_LEN(texts));
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
