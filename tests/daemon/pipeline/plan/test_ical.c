#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/plan/ical.h"

static const struct {
    const char *text, *line;
} texts[] = {
    {"plain", "X:plain\r\n"},
    {"a,b;c\\d", "X:a\\,b\\;c\\\\d\r\n"},
    {"two\nlines", "X:two\\nlines\r\n"},
    {"bell\a and\rreturn", "X:bell andreturn\r\n"},
    {"", ""},
    {NULL, ""},
};

START_TEST(test_texts_are_escaped)
{
    struct strbuf out = {0};
    ical_text(&out, "X", texts[_i].text);
    ck_assert_str_eq(strbuf_text(&out), texts[_i].line);
    strbuf_fini(&out);
}
END_TEST

/* Lines of every length, of characters of one to four octets: no line is longer than 75
 * octets, no character is cut, and unfolded it is what it was. */
START_TEST(test_long_lines_are_folded_between_characters)
{
    static const char *const characters[] = {"a", "é", "电", "🛗"};
    for (size_t length = 0; length < 200; length++) {
        struct strbuf text = {0};
        struct strbuf out = {0};
        struct strbuf unfolded = {0};
        for (size_t i = 0; i < length; i++) {
            strbuf_add(&text, characters[(i * 7 + length) % 4]);
        }
        ical_line(&out, "SUMMARY", strbuf_text(&text));
        const char *line = strbuf_text(&out);
        for (const char *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
            ck_assert_int_le(end - line, 75);
            bool more = line != strbuf_text(&out);
            ck_assert(!more || line[0] == ' ');
            ck_assert_int_ne((unsigned char)line[more ? 1 : 0] & 0xc0, 0x80);
            strbuf_add_bytes(&unfolded, line + more, (size_t)(end - line) - more);
        }
        ck_assert_str_eq(line, "");
        ck_assert_str_eq(strbuf_text(&unfolded) + strlen("SUMMARY:"),
                         strbuf_text(&text));
        strbuf_fini(&text);
        strbuf_fini(&out);
        strbuf_fini(&unfolded);
    }
}
END_TEST

START_TEST(test_an_appointment)
{
    struct strbuf out = {0};
    ical_event(&out,
               &(struct ical_event){.uid = "u@s",
                                    .day = 20513, /* 2026-03-01 */
                                    .start_ms = INSTANT_NONE,
                                    .summary = "Grease",
                                    .alarm = "-P1D"},
               1772323200000);
    ck_assert_str_eq(strbuf_text(&out),
                     "BEGIN:VEVENT\r\nUID:u@s\r\nDTSTAMP:20260301T000000Z\r\n"
                     "DTSTART;VALUE=DATE:20260301\r\nDTEND;VALUE=DATE:20260302\r\n"
                     "TRANSP:TRANSPARENT\r\nSUMMARY:Grease\r\nBEGIN:VALARM\r\n"
                     "ACTION:DISPLAY\r\nDESCRIPTION:Grease\r\nTRIGGER:-P1D\r\n"
                     "END:VALARM\r\nEND:VEVENT\r\n");
    strbuf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("ical");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, test_texts_are_escaped, 0, (int)ARRAY_LEN(texts));
    tcase_add_test(tc, test_long_lines_are_folded_between_characters);
    tcase_add_test(tc, test_an_appointment);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
