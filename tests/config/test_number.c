/* Numbers use their whole text, and scales stay exact. */
#include <check.h>
#include <math.h>

#include "config/number.h"

static const struct {
    const char *scale, *offset;
    double mul, add, div;
} scalings[] = {
    {"1", "0", 1, 0, 1},
    {"0.1", "0", 1, 0, 10},
    {"0.01", "-273.15", 1, -27315, 100},
    {"1/512", "0", 1, 0, 512},
    {"2^-9", "0", 1, 0, 512},
    {"2^3", "0", 8, 0, 1},
    {"-0.25", "0.1", -5, 2, 20},
    {"1e3", "0", 1000, 0, 1},
    {"1.5e-1", "0", 3, 0, 20},
    {"100/4", "0", 25, 0, 1},
    {"1/3", "0.5", 2, 3, 6},
};

START_TEST(test_a_scale_becomes_integers)
{
    struct ratio scale;
    struct ratio offset;
    ck_assert(ratio_parse(&scale, scalings[_i].scale));
    ck_assert(ratio_parse(&offset, scalings[_i].offset));
    struct scaling s = scaling_make(scale, offset);
    ck_assert_msg(s.mul == scalings[_i].mul && s.add == scalings[_i].add &&
                      s.div == scalings[_i].div,
                  "%s and %s: %.17g %.17g %.17g", scalings[_i].scale,
                  scalings[_i].offset, s.mul, s.add, s.div);
}
END_TEST

START_TEST(test_three_tenths_are_three_tenths)
{
    struct ratio scale;
    ck_assert(ratio_parse(&scale, "0.1"));
    struct scaling s = scaling_make(scale, (struct ratio){0, 1});
    ck_assert((3 * s.mul + s.add) / s.div == 0.3);
}
END_TEST

START_TEST(test_what_fits_in_no_integers_is_as_near_as_doubles_come)
{
    struct ratio scale;
    ck_assert(ratio_parse(&scale, "1e-30"));
    struct scaling s = scaling_make(scale, (struct ratio){1, 3});
    ck_assert(fabs(s.mul / s.div - 1e-30) < 1e-44);
    ck_assert(fabs(s.add / s.div - 1.0 / 3) < 1e-15);
}
END_TEST

static const char *const no_ratio[] = {"",    "x",      "1/0",   "1/-2", "0.1/2",
                                       "2^",  "2^99",   "1^2",   "1 ",   "nan",
                                       "inf", "0x10.5", "1e999", "--1",  "1..2"};

START_TEST(test_what_is_no_scale_is_refused)
{
    struct ratio r;
    ck_assert_msg(!ratio_parse(&r, no_ratio[_i]), "%s", no_ratio[_i]);
}
END_TEST

START_TEST(test_integers_use_their_whole_text)
{
    int64_t v = 0;
    ck_assert(number_parse_int(&v, "0x10") && v == 16);
    ck_assert(number_parse_int(&v, "-5") && v == -5);
    ck_assert(number_parse_int(&v, "010") && v == 10); /* Never octal. */
    static const char *const bad[] = {
        "", "5x", " 5", "5 ", "0x", "0xg", "1.0", "+", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(!number_parse_int(&v, bad[i]), "\"%s\"", bad[i]);
    }
}
END_TEST

START_TEST(test_floats_use_their_whole_text)
{
    double v = 0;
    ck_assert(number_parse_float(&v, "-1.5e3") && v == -1500);
    static const char *const bad[] = {"",     "inf", "nan", "0x10", "1,5",
                                      "1.5x", "1e",  "e5",  "-",    "1e400"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(!number_parse_float(&v, bad[i]), "\"%s\"", bad[i]);
    }
}
END_TEST

START_TEST(test_sizes_clocks_and_dates)
{
    int64_t bytes = 0;
    int minutes = 0;
    ck_assert(number_parse_size(&bytes, "8GB") && bytes == 8000000000);
    ck_assert(number_parse_size(&bytes, "1.5 MiB") && bytes == 1572864);
    ck_assert(!number_parse_size(&bytes, "8"));
    ck_assert(!number_parse_size(&bytes, "8 gb"));
    ck_assert(!number_parse_size(&bytes, "99999999TB"));
    ck_assert(number_parse_clock(&minutes, "08:30") && minutes == 510);
    ck_assert(number_parse_clock(&minutes, "24:00") && minutes == 1440);
    ck_assert(!number_parse_clock(&minutes, "24:01"));
    ck_assert(!number_parse_clock(&minutes, "8:30"));
    ck_assert(number_is_date("2024-02-29"));
    ck_assert(!number_is_date("2023-02-29"));
    ck_assert(!number_is_date("2023-04-31"));
    ck_assert(!number_is_date("2023-13-01"));
    ck_assert(!number_is_date("2023-1-01"));
    ck_assert(!number_is_date(""));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("config number");
    TCase *tc = tcase_create("number");
    tcase_add_loop_test(tc, test_a_scale_becomes_integers, 0, (int)ARRAY_LEN(scalings));
    tcase_add_test(tc, test_three_tenths_are_three_tenths);
    tcase_add_test(tc, test_what_fits_in_no_integers_is_as_near_as_doubles_come);
    tcase_add_loop_test(tc, test_what_is_no_scale_is_refused, 0,
                        (int)ARRAY_LEN(no_ratio));
    tcase_add_test(tc, test_integers_use_their_whole_text);
    tcase_add_test(tc, test_floats_use_their_whole_text);
    tcase_add_test(tc, test_sizes_clocks_and_dates);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
