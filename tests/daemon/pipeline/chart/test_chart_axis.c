#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/chart/chart_axis.h"

static const struct {
    double low, high;
    int wanted;
    double step;
    const char *first, *last;
} scales[] = {
    {0, 100, 5, 20, "0", "100"},
    {55, 99, 4, 20, "40", "100"},
    {0.31, 0.39, 4, 0.02, "0.30", "0.40"},
    {-3, 11, 4, 5, "-5", "15"},
    {-0.001, 0.001, 4, 0.0005, "-0.0010", "0.0010"},
    {1e6, 3e6, 4, 500000, "1000000", "3000000"},
    {5, 5, 4, 0.2, "4.6", "5.4"},
    {0, 0, 4, 0.5, "-1.0", "1.0"},
    {7, 3, 4, 1, "3", "7"},
};

START_TEST(values_have_even_ticks)
{
    double ticks[CHART_VALUE_TICK_MAX];
    char text[CHART_TICK_BYTES];
    struct chart_scale s =
        chart_scale_for(scales[_i].low, scales[_i].high, scales[_i].wanted);
    ck_assert_double_eq_tol(s.step, scales[_i].step, scales[_i].step * 1e-9);
    size_t count = chart_scale_ticks(ticks, &s);
    ck_assert_uint_ge(count, 2);
    ck_assert_str_eq(chart_scale_text(text, &s, ticks[0]), scales[_i].first);
    ck_assert_str_eq(chart_scale_text(text, &s, ticks[count - 1]), scales[_i].last);
    ck_assert_double_le(s.low, fmin(scales[_i].low, scales[_i].high));
    ck_assert_double_ge(s.high, fmax(scales[_i].low, scales[_i].high));
}
END_TEST

START_TEST(any_two_numbers_have_a_scale)
{
    static const double values[] = {0,   1,    -1,    1e-300, 1e100,   -1e100,
                                    0.1, 1e-9, 12345, 1e15,   1e15 + 1};
    double ticks[CHART_VALUE_TICK_MAX];
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            struct chart_scale s = chart_scale_for(values[i], values[j], 5);
            ck_assert(isfinite(s.low));
            ck_assert(isfinite(s.high));
            ck_assert_double_lt(s.low, s.high);
            ck_assert_uint_ge(chart_scale_ticks(ticks, &s), 2);
        }
    }
}
END_TEST

/* What the ticks say, with blanks between: "00:00/2026-03-29 06:00". */
static const struct {
    const char *zone, *from, *to;
    int wanted;
    const char *text;
} times[] = {
    {"UTC", "2026-03-01T10:00:00Z", "2026-03-01T10:00:12Z", 4,
     "10:00:00/2026-03-01 10:00:05 10:00:10"},
    {"UTC", "2026-03-01T10:03:00Z", "2026-03-01T11:31:00Z", 7,
     "10:15/2026-03-01 10:30 10:45 11:00 11:15 11:30"},
    {"UTC", "2025-12-31T22:00:00Z", "2026-01-01T03:00:00Z", 6,
     "22:00/2025-12-31 23:00 00:00/2026-01-01 01:00 02:00 03:00"},
    /* Even on the wall of Kathmandu, five hours and three quarters ahead. */
    {"Asia/Kathmandu", "2026-03-01T00:00:00Z", "2026-03-01T04:00:00Z", 5,
     "06:00/2026-03-01 07:00 08:00 09:00"},
    /* Clocks go forward at 02:00: there is no such hour. */
    {"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z", 6,
     "00:00/2026-03-29 01:00 03:00 04:00 05:00 06:00"},
    {"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 5,
     "00:00/2026-03-29 06:00 12:00 18:00 00:00/03-30"},
    {"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T10:00:00Z", 7,
     "00:00/2026-03-29 04:00 06:00 08:00 10:00 12:00"},
    /* And back at 03:00: it is two o'clock twice. */
    {"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z", 6,
     "00:00/2026-10-25 01:00 02:00 02:00 03:00 04:00"},
    {"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T07:00:00Z", 6,
     "00:00/2026-10-25 02:00 04:00 06:00 08:00"},
    {"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 5,
     "00:00/2026-10-25 06:00 12:00 18:00 00:00/10-26"},
    /* Half an hour back, at 02:00. */
    {"Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T18:00:00Z", 7,
     "00:00/2026-04-05 01:00 02:00 03:00 04:00"},
    {"Europe/Berlin", "2026-03-26T23:00:00Z", "2026-03-31T22:00:00Z", 7,
     "03-27/2026 03-28 03-29 03-30 03-31 04-01"},
    /* Mondays. */
    {"UTC", "2025-12-20T00:00:00Z", "2026-01-20T00:00:00Z", 6,
     "12-22/2025 12-29 01-05/2026 01-12 01-19"},
    {"UTC", "2025-11-15T00:00:00Z", "2026-03-15T00:00:00Z", 5,
     "2025-12 2026-01 2026-02 2026-03"},
    {"UTC", "2019-05-01T00:00:00Z", "2026-03-15T00:00:00Z", 8,
     "2020 2021 2022 2023 2024 2025 2026"},
};

START_TEST(times_have_even_ticks)
{
    struct err err;
    int64_t from_ms;
    int64_t to_ms;
    char text[CHART_TICKS_MAX * 2 * CHART_TICK_BYTES] = "";
    struct chart_tick ticks[CHART_TICKS_MAX];
    instant_zone_set(times[_i].zone);
    ck_assert_int_eq(instant_parse(&from_ms, times[_i].from, &err), 0);
    ck_assert_int_eq(instant_parse(&to_ms, times[_i].to, &err), 0);
    size_t count = chart_time_ticks(ticks, from_ms, to_ms, times[_i].wanted);
    for (size_t i = 0; i < count; i++) {
        char local[INSTANT_TEXT_BYTES];
        ck_assert_int_ge(ticks[i].t_ms, from_ms);
        ck_assert_int_le(ticks[i].t_ms, to_ms);
        ck_assert(i == 0 || ticks[i].t_ms > ticks[i - 1].t_ms);
        if (strchr(ticks[i].text, ':') != NULL) {
            instant_format_local(local, ticks[i].t_ms);
            ck_assert_int_eq(strncmp(local + 11, ticks[i].text, strlen(ticks[i].text)),
                             0);
        }
        strcat(text, i > 0 ? " " : "");
        strcat(text, ticks[i].text);
        strcat(text, ticks[i].below[0] != '\0' ? "/" : "");
        strcat(text, ticks[i].below);
    }
    ck_assert_str_eq(text, times[_i].text);
}
END_TEST

/* Every length, in zones with odd clocks: never none, never too many. */
START_TEST(any_length_has_some_ticks)
{
    static const char *const zones[] = {"UTC",
                                        "Europe/Berlin",
                                        "Asia/Shanghai",
                                        "Australia/Lord_Howe",
                                        "Asia/Kathmandu",
                                        "America/Sao_Paulo"};
    struct chart_tick ticks[CHART_TICKS_MAX];
    instant_zone_set(zones[_i]);
    for (int64_t span_ms = 20000; span_ms < 40LL * 365 * 86400000;
         span_ms += span_ms / 7) {
        for (int64_t from_ms = 1540000000000; from_ms < 1580000000000;
             from_ms += 3700000000) {
            size_t count = chart_time_ticks(ticks, from_ms, from_ms + span_ms, 8);
            ck_assert_uint_ge(count, 1);
            ck_assert_uint_le(count, 8);
        }
    }
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("chart_axis");
    TCase *tc = tcase_create("chart_axis");
    tcase_add_loop_test(tc, values_have_even_ticks, 0, (int)ARRAY_LEN(scales));
    tcase_add_test(tc, any_two_numbers_have_a_scale);
    tcase_add_loop_test(tc, times_have_even_ticks, 0, (int)ARRAY_LEN(times));
    tcase_add_loop_test(tc, any_length_has_some_ticks, 0, 6);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
