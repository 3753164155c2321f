/* A range as a regular expression: just the numbers that are in it. */
#include <check.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/range_pattern.h"

static void
compile(regex_t *re, int64_t low, int64_t high)
{
    struct strbuf pattern = {0};
    strbuf_add(&pattern, "^");
    range_pattern_add(&pattern, low, high);
    strbuf_add(&pattern, "$");
    ck_assert_msg(regcomp(re, strbuf_text(&pattern), REG_EXTENDED | REG_NOSUB) == 0,
                  "%s", strbuf_text(&pattern));
    strbuf_fini(&pattern);
}

static bool
takes(const regex_t *re, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    return regexec(re, text, 0, NULL, 0) == 0;
}

START_TEST(test_every_small_range_takes_what_is_in_it)
{
    for (int64_t low = 0; low <= 120; low += low < 25 ? 1 : 7) {
        for (int64_t high = low; high <= 220; high += high < 40 ? 1 : 17) {
            regex_t re;
            compile(&re, low, high);
            for (int64_t n = 0; n <= 230; n++) {
                ck_assert_msg(takes(&re, n) == (n >= low && n <= high),
                              "%" PRId64 " in %" PRId64 "..%" PRId64, n, low, high);
            }
            regfree(&re);
        }
    }
}
END_TEST

static const struct {
    int64_t low, high;
} large[] = {
    {0, INT64_C(999999999999999999)},
    {1000, INT64_C(315360000000)},
    {999, 1000},
    {INT64_C(99999999999), INT64_C(100000000001)},
    {65535, 65535},
    {INT64_C(123456789012345678), INT64_C(876543210987654321)},
};

START_TEST(test_large_ranges_end_where_they_say)
{
    regex_t re;
    int64_t low = large[_i].low;
    int64_t high = large[_i].high;
    compile(&re, low, high);
    for (int64_t p = 1; p <= INT64_C(100000000000000000); p *= 10) {
        for (int64_t digit = 1; digit <= 9; digit++) {
            const int64_t probes[] = {low - p * digit, low + p * digit,
                                      high - p * digit, high + p * digit, p * digit};
            for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
                if (probes[i] >= 0) {
                    ck_assert_msg(takes(&re, probes[i]) ==
                                      (probes[i] >= low && probes[i] <= high),
                                  "%" PRId64 " in %" PRId64 "..%" PRId64, probes[i],
                                  low, high);
                }
            }
        }
    }
    ck_assert(takes(&re, low));
    ck_assert(takes(&re, high));
    regfree(&re);
}
END_TEST

START_TEST(test_only_whole_numbers_are_taken)
{
    regex_t re;
    compile(&re, 0, 99);
    ck_assert(regexec(&re, "", 0, NULL, 0) != 0);
    ck_assert(regexec(&re, "007", 0, NULL, 0) != 0);
    ck_assert(regexec(&re, "-1", 0, NULL, 0) != 0);
    ck_assert(regexec(&re, "1.5", 0, NULL, 0) != 0);
    regfree(&re);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("range pattern");
    TCase *tc = tcase_create("range pattern");
    tcase_add_test(tc, test_every_small_range_takes_what_is_in_it);
    tcase_add_loop_test(tc, test_large_ranges_end_where_they_say, 0,
                        (int)(sizeof large / sizeof large[0]));
    tcase_add_test(tc, test_only_whole_numbers_are_taken);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
