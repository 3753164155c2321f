/* Charts: what is reduced, what is drawn, where gaps and marks are.  Whole texts are
 * not compared: what matters is found in them. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/chart/chart.h"
#include "daemon/pipeline/chart/chart_inside.h"

#define T0_MS   1772500000000 /* 2026-03-03 01:06:40 UTC */
#define HOUR_MS 3600000

static uint32_t
occurrences(const char *text, const char *what)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

static void
start(struct chart_series *s, bool state)
{
    chart_series_init(s, "bearing", "C", state, T0_MS, T0_MS + HOUR_MS, 60);
}

/* The chart of this series alone; the caller frees the text. */
static char *
drawn(const struct chart_series *s)
{
    struct strbuf out = {0};
    struct chart_time c = {.title = "t",
                           .from_ms = s->from_ms,
                           .to_ms = s->to_ms,
                           .width = 600,
                           .series = s,
                           .series_count = 1,
                           .empty = "nothing here"};
    chart_time_draw(&out, &c);
    return strbuf_take(&out);
}

START_TEST(a_column_holds_the_least_the_greatest_and_the_mean)
{
    struct chart_series s;
    start(&s, false);
    chart_series_add(&s, T0_MS, 4);
    chart_series_add(&s, T0_MS + 1000, 8);
    chart_series_add(&s, T0_MS + 2000, 3);
    chart_series_add(&s, T0_MS + HOUR_MS, 5);
    ck_assert_uint_eq(s.column[0].count, 3);
    ck_assert_double_eq(s.column[0].min, 3);
    ck_assert_double_eq(s.column[0].max, 8);
    ck_assert_double_eq_tol(s.column[0].mean, 5, 1e-12);
    ck_assert_double_eq(s.column[0].last, 3);
    ck_assert_int_eq(s.column[0].first_ms, T0_MS);
    ck_assert_uint_eq(s.column[59].count, 1); /* The last instant is in the last one. */
    chart_series_fini(&s);
}
END_TEST

START_TEST(what_lies_outside_is_left_out)
{
    struct chart_series s;
    start(&s, false);
    chart_series_add(&s, T0_MS - 1, 4);
    chart_series_add(&s, T0_MS + HOUR_MS + 1, 4);
    ck_assert_uint_eq(s.good, 0);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_sample_that_is_not_good_breaks_the_line)
{
    struct chart_series s;
    start(&s, false);
    for (int i = 0; i < 60; i++) {
        int64_t t_ms = T0_MS + i * 60000;
        if (i == 20 || i == 40) {
            chart_series_gap(&s, t_ms);
        } else {
            chart_series_add(&s, t_ms, i);
        }
    }
    char *text = drawn(&s);
    const char *line = strstr(text, "<path d=\"M62 ");
    ck_assert_ptr_nonnull(line);
    line = strstr(line + 1, "<path d=\"M62 "); /* Behind the key in the legend. */
    ck_assert_ptr_nonnull(line);
    char *end = strchr(line + 9, '"');
    *end = '\0';
    ck_assert_uint_eq(occurrences(line, "M"), 3);
    *end = '"';
    ck_assert_uint_eq(occurrences(text, "fill=\"#eeeeee\""), 2);
    free(text);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_value_that_is_not_finite_is_a_gap)
{
    struct chart_series s;
    start(&s, false);
    chart_series_add(&s, T0_MS, 1);
    chart_series_add(&s, T0_MS + 60000, (double)NAN);
    chart_series_add(&s, T0_MS + 120000, (double)INFINITY);
    chart_series_add(&s, T0_MS + 180000, 1);
    ck_assert_uint_eq(s.good, 2);
    ck_assert_uint_eq(s.bad, 2);
    ck_assert(s.column[3].broken);
    ck_assert(!s.column[0].broken);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_long_silence_breaks_the_line)
{
    struct chart_series s;
    start(&s, false);
    s.gap_ms = 10000;
    chart_series_add(&s, T0_MS, 1);
    chart_series_add(&s, T0_MS + 10000, 1);
    chart_series_add(&s, T0_MS + 70000, 1);
    ck_assert(!s.column[0].broken);
    ck_assert(s.column[1].broken);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_million_samples_make_no_larger_a_chart)
{
    struct chart_series s;
    start(&s, false);
    for (int i = 0; i < 1000000; i++) {
        chart_series_add(&s, T0_MS + i * (int64_t)HOUR_MS / 1000000, sin(i / 1e4));
    }
    ck_assert_uint_eq(s.good, 1000000);
    char *text = drawn(&s);
    ck_assert_uint_lt(strlen(text), 60 * 60 + 6000);
    ck_assert_uint_eq(occurrences(text, "<svg "), 1);
    free(text);
    chart_series_fini(&s);
}
END_TEST

START_TEST(columns_are_kept_in_their_range)
{
    struct chart_series s;
    chart_series_init(&s, "a", NULL, false, 0, 0, 0);
    ck_assert_uint_eq(s.columns, 1);
    chart_series_add(&s, 0, 1);
    ck_assert_uint_eq(s.good, 1);
    chart_series_fini(&s);
    chart_series_init(&s, "a", NULL, false, 0, 10, UINT32_MAX);
    ck_assert_uint_eq(s.columns, CHART_COLUMNS_MAX);
    chart_series_fini(&s);
    chart_series_fini(&s); /* Zeroed by now. */
}
END_TEST

START_TEST(texts_are_escaped)
{
    struct chart_series s;
    chart_series_init(&s, "<b>&\"'", "\x01\xff", false, T0_MS, T0_MS + HOUR_MS, 10);
    chart_series_add(&s, T0_MS, 1);
    struct chart_limit limit = {0, 3, "</svg>"};
    struct chart_mark mark = {T0_MS + 1000, "<script>"};
    struct chart_time c = {.title = "a < b & \xE8\xBD\xB4",
                           .desc = "]]>",
                           .from_ms = T0_MS,
                           .to_ms = T0_MS + HOUR_MS,
                           .width = 600,
                           .series = &s,
                           .series_count = 1,
                           .limits = &limit,
                           .limit_count = 1,
                           .marks = &mark,
                           .mark_count = 1};
    struct strbuf out = {0};
    chart_time_draw(&out, &c);
    const char *text = strbuf_text(&out);
    ck_assert_ptr_nonnull(
        strstr(text, "<title>a &lt; b &amp; \xE8\xBD\xB4</title><desc>]]&gt;</desc>"));
    ck_assert_ptr_nonnull(strstr(text, ">&lt;b&gt;&amp;&quot;&#39;</text>"));
    ck_assert_ptr_nonnull(strstr(text, "> \xEF\xBF\xBD</text>"));
    ck_assert_ptr_nonnull(strstr(text, "&lt;script&gt;"));
    ck_assert_ptr_null(strstr(text, "<b>"));
    ck_assert_ptr_null(strstr(text, "<script"));
    ck_assert_uint_eq(occurrences(text, "</svg>"), 1);
    ck_assert_ptr_nonnull(strstr(text, "role=\"img\""));
    strbuf_fini(&out);
    chart_series_fini(&s);
}
END_TEST

START_TEST(series_of_one_unit_share_a_panel)
{
    struct chart_series s[4];
    const char *const units[] = {"MPa", "C", "MPa", ""};
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        chart_series_init(&s[i], "x", units[i], i == 3, T0_MS, T0_MS + HOUR_MS, 10);
        chart_series_add(&s[i], T0_MS, (double)i);
        chart_series_add(&s[i], T0_MS + HOUR_MS / 2, (double)i);
    }
    struct chart_time c = {.title = "t",
                           .from_ms = T0_MS,
                           .to_ms = T0_MS + HOUR_MS,
                           .width = 600,
                           .series = s,
                           .series_count = 4};
    struct strbuf out = {0};
    chart_time_draw(&out, &c);
    const char *text = strbuf_text(&out);
    ck_assert_uint_eq(occurrences(text, ">MPa</text>"), 1);
    ck_assert_uint_eq(occurrences(text, ">C</text>"), 1);
    /* The two that share one differ by more than their colour. */
    ck_assert_uint_eq(occurrences(text, "stroke-dasharray=\"7 3\""), 2);
    strbuf_fini(&out);
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        chart_series_fini(&s[i]);
    }
}
END_TEST

START_TEST(a_limit_widens_the_panel)
{
    struct chart_series s;
    start(&s, false);
    chart_series_add(&s, T0_MS, 10);
    chart_series_add(&s, T0_MS + 60000, 20);
    struct chart_limit limits[] = {
        {0, 80, "hot"}, {0, (double)NAN, "never"}, {7, 9, "of none"}};
    struct chart_time c = {.title = "t",
                           .from_ms = T0_MS,
                           .to_ms = T0_MS + HOUR_MS,
                           .width = 600,
                           .series = &s,
                           .series_count = 1,
                           .limits = limits,
                           .limit_count = 3};
    struct strbuf out = {0};
    chart_time_draw(&out, &c);
    const char *text = strbuf_text(&out);
    ck_assert_ptr_nonnull(strstr(text, ">80</text>"));
    ck_assert_ptr_nonnull(strstr(text, ">hot</text>"));
    ck_assert_ptr_null(strstr(text, "never"));
    ck_assert_ptr_null(strstr(text, "of none"));
    strbuf_fini(&out);
    chart_series_fini(&s);
}
END_TEST

struct label {
    double left, right, y;
};

/* The labels of limits, which alone have a ground of their own; how many. */
static uint32_t
labels_of_limits(struct label out[16], const char *text)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, "<text x=\""); at != NULL && count < 16;
         at = strstr(at + 1, "<text x=\"")) {
        const char *begin = strchr(at, '>') + 1;
        const char *ground = strstr(at, "paint-order");
        if (ground == NULL || ground > begin) {
            continue;
        }
        char words[64] = "";
        memcpy(words, begin, (size_t)(strchr(begin, '<') - begin));
        double right = strtod(at + strlen("<text x=\""), NULL);
        char *entity = strchr(words, '&'); /* One letter in four. */
        if (entity != NULL) {
            memmove(entity + 1, entity + 4, strlen(entity + 4) + 1);
        }
        double width = chart_text_width(words);
        out[count++] =
            (struct label){right - width, right, strtod(strstr(at, "y=\"") + 3, NULL)};
    }
    return count;
}

START_TEST(labels_of_near_limits_do_not_lie_over_each_other)
{
    struct chart_series s;
    start(&s, false);
    chart_series_add(&s, T0_MS, 3);
    chart_series_add(&s, T0_MS + 60000, 10);
    const struct chart_limit limits[] = {
        {0, 5.1, "vibration > 5.1 mm/s"}, {0, 8.5, "vibration > 8.5 mm/s"},
        {0, 4.6, "vibration < 4.6 mm/s"}, {0, 7.8, "vibration < 7.8 mm/s"},
        {0, 5.0, "vibration > 5 mm/s"},   {0, 4.7, "vibration < 4.7 mm/s"}};
    struct label labels[16];
    for (int height = 40; height <= 160; height += 30) {
        struct chart_time c = {.title = "t",
                               .from_ms = T0_MS,
                               .to_ms = T0_MS + HOUR_MS,
                               .width = 680,
                               .panel_height = height,
                               .series = &s,
                               .series_count = 1,
                               .limits = limits,
                               .limit_count = ARRAY_LEN(limits)};
        struct strbuf out = {0};
        chart_time_draw(&out, &c);
        uint32_t count = labels_of_limits(labels, strbuf_text(&out));
        ck_assert_uint_ge(count, 4);
        for (uint32_t i = 0; i < count; i++) {
            ck_assert_double_ge(labels[i].left, 62);
            for (uint32_t k = 0; k < i; k++) {
                ck_assert_msg(labels[i].right < labels[k].left ||
                                  labels[k].right < labels[i].left ||
                                  fabs(labels[i].y - labels[k].y) >= CHART_FONT_PX,
                              "%d: %u over %u", height, i, k);
            }
        }
        strbuf_fini(&out);
    }
    chart_series_fini(&s);
}
END_TEST

START_TEST(panels_with_limits_may_be_higher)
{
    struct chart_series s[2];
    const struct chart_limit limit = {0, 5, "limit"};
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        chart_series_init(&s[i], "x", i == 0 ? "C" : "bar", false, T0_MS,
                          T0_MS + HOUR_MS, 10);
        chart_series_add(&s[i], T0_MS, 3);
    }
    struct chart_time c = {.title = "t",
                           .from_ms = T0_MS,
                           .to_ms = T0_MS + HOUR_MS,
                           .width = 680,
                           .panel_height = 60,
                           .limit_height = 100,
                           .series = s,
                           .series_count = 2,
                           .limits = &limit};
    int heights[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct strbuf out = {0};
        c.limit_count = i;
        chart_time_draw(&out, &c);
        heights[i] = atoi(strstr(strbuf_text(&out), " height=\"") + 9);
        strbuf_fini(&out);
    }
    ck_assert_int_eq(heights[1], heights[0] + 40);
    for (size_t i = 0; i < ARRAY_LEN(s); i++) {
        chart_series_fini(&s[i]);
    }
}
END_TEST

START_TEST(marks_outside_are_not_drawn)
{
    struct chart_mark marks[] = {
        {T0_MS - 1, "before"}, {T0_MS, "first"}, {T0_MS + HOUR_MS + 1, "after"}};
    struct chart_time c = {.title = "t",
                           .from_ms = T0_MS,
                           .to_ms = T0_MS + HOUR_MS,
                           .width = 600,
                           .marks = marks,
                           .mark_count = 3};
    struct strbuf out = {0};
    chart_time_draw(&out, &c);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), ">first</text>"));
    ck_assert_ptr_null(strstr(strbuf_text(&out), "before"));
    ck_assert_ptr_null(strstr(strbuf_text(&out), "after"));
    strbuf_fini(&out);
}
END_TEST

START_TEST(without_samples_it_says_so)
{
    struct chart_series s;
    start(&s, false);
    char *text = drawn(&s);
    ck_assert_ptr_nonnull(strstr(text, "nothing here"));
    free(text);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_state_is_filled_while_it_is_on)
{
    struct chart_series s;
    start(&s, true);
    for (int i = 0; i < 60; i++) {
        chart_series_add(&s, T0_MS + i * 60000, i >= 15 && i < 30 ? 1 : 0);
    }
    char *text = drawn(&s);
    /* A quarter of the 60 columns, in one piece. */
    ck_assert_uint_eq(occurrences(text, "height=\"14\" fill=\"#1f4e79\""), 1);
    ck_assert_uint_eq(occurrences(text, "height=\"2\" fill=\"#666666\""), 2);
    free(text);
    chart_series_fini(&s);
}
END_TEST

START_TEST(extreme_values_are_drawn_too)
{
    struct chart_series s;
    start(&s, false);
    chart_series_add(&s, T0_MS, 1.7e308);
    chart_series_add(&s, T0_MS + 60000, -1.7e308);
    chart_series_add(&s, T0_MS + 120000, 5e-324);
    char *text = drawn(&s);
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf"));
    free(text);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_spark_has_a_sign_for_each_column)
{
    struct chart_series s;
    struct strbuf out = {0};
    chart_series_init(&s, "a", NULL, false, 0, 40, 4);
    chart_series_add(&s, 5, 1);
    chart_series_add(&s, 15, 8);
    chart_series_gap(&s, 25);
    chart_series_add(&s, 35, 4.5);
    chart_spark(&out, &s);
    ck_assert_str_eq(strbuf_text(&out), "\xE2\x96\x81\xE2\x96\x88 \xE2\x96\x85");
    strbuf_fini(&out);
    chart_series_fini(&s);
}
END_TEST

START_TEST(a_spark_of_a_state_tells_on_from_off)
{
    struct chart_series s;
    struct strbuf out = {0};
    for (int on = 0; on < 2; on++) {
        chart_series_init(&s, "a", NULL, true, 0, 20, 2);
        chart_series_add(&s, 5, on);
        chart_series_add(&s, 15, on);
        chart_spark(&out, &s);
        chart_series_fini(&s);
    }
    ck_assert_str_eq(strbuf_text(&out),
                     "\xE2\x96\x81\xE2\x96\x81\xE2\x96\x88\xE2\x96\x88");
    strbuf_fini(&out);
}
END_TEST

START_TEST(bars_are_as_long_as_their_values)
{
    const struct chart_bar bars[] = {{"a", {40, 0}, {NULL, NULL}},
                                     {"b", {10, 0}, {"ten", NULL}},
                                     {"c", {(double)NAN, 0}, {NULL, NULL}}};
    struct chart_bars c = {.title = "t",
                           .width = 600,
                           .unit = "h",
                           .series_count = 1,
                           .bars = bars,
                           .count = 3,
                           .pareto = true};
    struct strbuf out = {0};
    chart_bars_draw(&out, &c);
    const char *text = strbuf_text(&out);
    double widths[3];
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        /* Bars alone have both a fill and an outline. */
        const char *end = strstr(at, "stroke=\"#1f4e79\"/>");
        ck_assert_ptr_nonnull(end);
        const char *width = strstr(at, "\" width=\"");
        for (const char *next = width; next != NULL && next < end;
             next = strstr(next + 1, "\" width=\"")) {
            width = next;
        }
        ck_assert_ptr_nonnull(width);
        widths[i] = strtod(width + strlen("\" width=\""), NULL);
        at = end + 1;
    }
    ck_assert_double_eq_tol(widths[0], widths[1] * 4, 0.5);
    ck_assert_double_eq(widths[2], 0);
    ck_assert_ptr_nonnull(strstr(text, ">40 h<"));
    ck_assert_ptr_nonnull(strstr(text, ">ten<"));
    ck_assert_ptr_nonnull(strstr(text, ">-<"));
    ck_assert_ptr_nonnull(strstr(text, ">80 % "));
    ck_assert_ptr_nonnull(strstr(text, " 100 %<"));
    strbuf_fini(&out);
}
END_TEST

START_TEST(two_periods_have_a_legend)
{
    const struct chart_bar bars[] = {{"a", {4, -2}, {NULL, NULL}}};
    struct chart_bars one = {
        .title = "t", .width = 600, .series_count = 1, .bars = bars, .count = 1};
    struct chart_bars two = one;
    two.series_count = 2;
    two.series_name[0] = "2025";
    two.series_name[1] = "2026";
    struct strbuf out = {0};
    chart_bars_draw(&out, &two);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), ">2025<"));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), ">2026<"));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), ">-2<"));
    ck_assert_int_gt(chart_bars_height(&two), chart_bars_height(&one));
    strbuf_fini(&out);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("chart");
    TCase *tc = tcase_create("chart");
    tcase_add_test(tc, a_column_holds_the_least_the_greatest_and_the_mean);
    tcase_add_test(tc, what_lies_outside_is_left_out);
    tcase_add_test(tc, a_sample_that_is_not_good_breaks_the_line);
    tcase_add_test(tc, a_value_that_is_not_finite_is_a_gap);
    tcase_add_test(tc, a_long_silence_breaks_the_line);
    tcase_add_test(tc, a_million_samples_make_no_larger_a_chart);
    tcase_add_test(tc, columns_are_kept_in_their_range);
    tcase_add_test(tc, texts_are_escaped);
    tcase_add_test(tc, series_of_one_unit_share_a_panel);
    tcase_add_test(tc, a_limit_widens_the_panel);
    tcase_add_test(tc, labels_of_near_limits_do_not_lie_over_each_other);
    tcase_add_test(tc, panels_with_limits_may_be_higher);
    tcase_add_test(tc, marks_outside_are_not_drawn);
    tcase_add_test(tc, without_samples_it_says_so);
    tcase_add_test(tc, a_state_is_filled_while_it_is_on);
    tcase_add_test(tc, extreme_values_are_drawn_too);
    tcase_add_test(tc, a_spark_has_a_sign_for_each_column);
    tcase_add_test(tc, a_spark_of_a_state_tells_on_from_off);
    tcase_add_test(tc, bars_are_as_long_as_their_values);
    tcase_add_test(tc, two_periods_have_a_legend);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    instant_zone_set("UTC");
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
