#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"

static const struct {
    double value;
    const char *text;
} numbers[] = {
    {0, "0"},
    {-0.0, "0"},
    {1, "1"},
    {-1, "-1"},
    {81.2, "81.2"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
    {100, "100"},
    {1e6, "1000000"},
    {123456789012345.0, "123456789012345"},
    {9007199254740993.0, "9007199254740992"},
    {1e21, "1e+21"},
    {1e-7, "1e-07"},
    {5e-324, "5e-324"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {NAN, "null"},
    {INFINITY, "null"},
    {-INFINITY, "null"},
};

START_TEST(numbers_print_as_listed)
{
    char text[NUMBER_TEXT_BYTES];
    ck_assert_uint_eq(number_format(text, numbers[_i].value), strlen(numbers[_i].text));
    ck_assert_str_eq(text, numbers[_i].text);
}
END_TEST

static const struct {
    double value;
    const char *text;
} for_people[] = {{0, "0"},
                  {-0.0, "0"},
                  {0.0009, "< 0.001"},
                  {-0.0009, "> -0.001"},
                  {0.001, "0.001"},
                  {0.00123456, "0.001235"},
                  {27.5, "27.5"},
                  {99.999, "100"},
                  {999.94, "999.9"},
                  {999.96, "1000"},
                  {10380.4, "10380"},
                  {123456789.0, "123456789"},
                  {-1e14, "-100000000000000"},
                  {NAN, "-"},
                  {INFINITY, "-"}};

START_TEST(numbers_for_people_have_no_exponent)
{
    char text[NUMBER_TEXT_BYTES];
    ck_assert_str_eq(number_format_short(text, for_people[_i].value),
                     for_people[_i].text);
}
END_TEST

START_TEST(numbers_read_back_and_no_shorter_text_does)
{
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double value = 0;
        if (i % 2 == 0) {
            memcpy(&value, &seed, sizeof value); /* Any bit pattern. */
        } else {
            value = (double)(int64_t)(seed % 2000000) / 1000; /* As sensors give. */
        }
        if (!isfinite(value)) {
            continue;
        }
        char text[NUMBER_TEXT_BYTES];
        ck_assert_uint_lt(number_format(text, value), sizeof text);
        ck_assert(strtod(text, NULL) == value);
        /* Digits of the mantissa, without leading and trailing zeros. */
        int digits = 0;
        int zeros = 0;
        for (const char *c = text; *c != '\0' && *c != 'e'; c++) {
            bool is_digit = *c >= '0' && *c <= '9';
            if (is_digit && (digits > 0 || *c != '0')) {
                digits++;
                zeros = *c == '0' ? zeros + 1 : 0;
            }
        }
        int shorter = digits - zeros - 1;
        if (shorter >= 1) {
            char other[400];
            snprintf(other, sizeof other, "%.*g", shorter, value);
            ck_assert_msg(strtod(other, NULL) != value, "%s is shorter than %s", other,
                          text);
        }
    }
}
END_TEST

static const struct {
    const char *name;
    const char *in;
    const char *out;
} strings[] = {
    {"plain", "pump-1", "\"pump-1\""},
    {"empty", "", "\"\""},
    {"quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""},
    {"line end", "a\nb", "\"a\\nb\""},
    {"other controls", "\t\r\x01\x7f", "\"\\u0009\\u000d\\u0001\\u007f\""},
    {"Chinese", "水泵", "\"水泵\""},
    {"four bytes", "\xF0\x9F\x9A\xB0", "\"\xF0\x9F\x9A\xB0\""},
    {"a lone continuation", "a\x80z", "\"a\xEF\xBF\xBDz\""},
    {"cut inside a character", "a\xE6\xB0", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"an overlong slash", "\xC0\xAF\xE0\x80\xAF",
     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"a surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"beyond Unicode", "\xF4\x90\x80\x80",
     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"the last of Unicode", "\xF4\x8F\xBF\xBF", "\"\xF4\x8F\xBF\xBF\""},
};

START_TEST(strings_are_escaped)
{
    struct strbuf b = {0};
    strbuf_json_string(&b, strings[_i].in);
    ck_assert_msg(strcmp(strbuf_text(&b), strings[_i].out) == 0, "%s: %s",
                  strings[_i].name, strbuf_text(&b));
    strbuf_fini(&b);
}
END_TEST

START_TEST(members_are_parted_by_commas)
{
    struct strbuf b = {0};
    strbuf_add_char(&b, '{');
    strbuf_json_str_opt(&b, "absent", NULL);
    strbuf_json_str(&b, "a", NULL);
    strbuf_json_int(&b, "b", INT64_MIN);
    strbuf_json_num(&b, "c", 0.5);
    strbuf_json_bool(&b, "d", true);
    strbuf_json_time_opt(&b, "never", INSTANT_NONE);
    strbuf_json_time(&b, "e", INSTANT_NONE);
    strbuf_json_time(&b, "f", 0);
    strbuf_add_char(&b, '}');
    ck_assert_str_eq(strbuf_text(&b),
                     "{\"a\":null,\"b\":-9223372036854775808,\"c\":0.5,"
                     "\"d\":true,\"e\":null,"
                     "\"f\":\"1970-01-01T00:00:00.000Z\"}");
    strbuf_fini(&b);
}
END_TEST

START_TEST(it_grows_and_can_be_taken)
{
    struct strbuf b = {0};
    ck_assert_str_eq(strbuf_text(&b), "");
    for (int i = 0; i < 1000; i++) {
        strbuf_printf(&b, "%d,", i);
    }
    ck_assert_uint_eq(b.size, strlen(b.text));
    ck_assert_uint_eq(b.size, 3890);
    char *taken = strbuf_take(&b);
    ck_assert_uint_eq(b.size, 0);
    ck_assert_ptr_null(b.text);
    ck_assert(strncmp(taken, "0,1,2,", 6) == 0);
    free(taken);
    taken = strbuf_take(&b);
    ck_assert_str_eq(taken, "");
    free(taken);
    strbuf_add(&b, "x");
    strbuf_clear(&b);
    ck_assert_str_eq(strbuf_text(&b), "");
    strbuf_fini(&b);
}
END_TEST

static const struct {
    const char *text;
    size_t size;
    const char *out;
} cuts[] = {
    {"abc", 4, "abc"}, {"abc", 3, "ab"},
    {"abc", 1, ""},    {"", 1, ""},
    {NULL, 8, ""},     {"a水b", 5, "a水"},
    {"a水b", 4, "a"},  {"a水b", 3, "a"},
    {"水", 4, "水"},   {"\xF0\x9F\x9A\xB0", 4, ""},
    {"aé", 3, "a"},    {"\x80\x80\x80\x80\x80\x80", 6, "\x80\x80\x80\x80\x80"},
};

START_TEST(text_is_cut_between_characters)
{
    char out[16];
    memset(out, '#', sizeof out);
    size_t used = utf8_copy(out, cuts[_i].size, cuts[_i].text);
    ck_assert_str_eq(out, cuts[_i].out);
    ck_assert_uint_eq(used, strlen(cuts[_i].out));
    ck_assert_int_eq(out[cuts[_i].size], '#');
}
END_TEST

static const struct {
    const char *text, *line;
} shown[] = {
    {"", ""},
    {"Pump 2: bearing at 84.5 °C", "Pump 2: bearing at 84.5 °C"},
    {"1# 水泵 🔧", "1# 水泵 🔧"},
    {"one\ntwo\r\nthree\tfour", "one two  three four"},
    {"\x1b[2Jgone\x07\x7f", " [2Jgone  "},
    {"C1 \xC2\x9B[2J and NEL \xC2\x85", "C1  [2J and NEL  "},
    {"Caf\xE9", "Caf?"},
    {"cut \xE6\xB0", "cut ??"},
    {"surrogate \xED\xA0\x80, overlong \xC0\xAF", "surrogate ???, overlong ??"},
};

START_TEST(a_line_is_one_line_and_steers_no_terminal)
{
    char text[64];
    snprintf(text, sizeof text, "%s", shown[_i].text);
    utf8_to_line(text);
    ck_assert_str_eq(text, shown[_i].line);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("strbuf");
    TCase *tc = tcase_create("text and JSON");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, numbers_print_as_listed, 0, (int)ARRAY_LEN(numbers));
    tcase_add_loop_test(tc, numbers_for_people_have_no_exponent, 0,
                        (int)ARRAY_LEN(for_people));
    tcase_add_test(tc, numbers_read_back_and_no_shorter_text_does);
    tcase_add_loop_test(tc, strings_are_escaped, 0, (int)ARRAY_LEN(strings));
    tcase_add_test(tc, members_are_parted_by_commas);
    tcase_add_test(tc, it_grows_and_can_be_taken);
    tcase_add_loop_test(tc, text_is_cut_between_characters, 0, (int)ARRAY_LEN(cuts));
    tcase_add_loop_test(tc, a_line_is_one_line_and_steers_no_terminal, 0,
                        (int)ARRAY_LEN(shown));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
