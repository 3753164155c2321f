#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/money.h"

static const struct {
    const char *text;
    bool good;
    int64_t hundredths;
} texts[] = {
    {"0", true, 0},
    {"12", true, 1200},
    {"12.5", true, 1250},
    {"12.50", true, 1250},
    {"0.07", true, 7},
    {"-12.5", true, -1250},
    {"1000000000000", true, MONEY_MAX},
    {"1000000000000.01", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {".5", false, 0},
    {"5.", false, 0},
    {"1.234", false, 0},
    {"1,5", false, 0},
    {"1e3", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"+1", false, 0},
    {"--1", false, 0},
    {"1.2.3", false, 0},
};

START_TEST(an_amount_has_at_most_two_decimals)
{
    int64_t out = 77;
    ck_assert_msg(money_parse(&out, texts[_i].text) == texts[_i].good, "%s",
                  texts[_i].text);
    ck_assert_int_eq(out, texts[_i].good ? texts[_i].hundredths : 77);
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    static const int64_t amounts[] = {0,    7,     -7,    100,       1250,
                                      -101, 99999, 12345, MONEY_MAX, -MONEY_MAX};
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        char text[MONEY_TEXT_BYTES];
        int64_t back = 0;
        ck_assert(money_parse(&back, money_format(text, amounts[i])));
        ck_assert_int_eq(back, amounts[i]);
        back = 0;
        ck_assert(money_from_number(&back, strtod(text, NULL)));
        ck_assert_int_eq(back, amounts[i]);
    }
    char text[MONEY_TEXT_BYTES];
    ck_assert_str_eq(money_format(text, INT64_MIN), "-92233720368547758.08");
}
END_TEST

START_TEST(a_number_that_is_no_amount_is_refused)
{
    static const double numbers[] = {NAN, INFINITY, -INFINITY, 1e13, -1e13};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t out = 77;
        ck_assert(!money_from_number(&out, numbers[i]));
        ck_assert_int_eq(out, 77);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("money");
    TCase *tc = tcase_create("money");
    tcase_add_loop_test(tc, an_amount_has_at_most_two_decimals, 0,
                        (int)ARRAY_LEN(texts));
    tcase_add_test(tc, what_is_written_reads_back);
    tcase_add_test(tc, a_number_that_is_no_amount_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
