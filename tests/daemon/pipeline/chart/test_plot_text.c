/* Pictures of characters, to the letter. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/chart/plot_text.h"

#define FROM INT64_C(1767225600000) /* 2026-01-01 */

static struct strbuf out;
static struct chart_series series;
static double limits[2];
static uint32_t limit_count;

static void
begin(void)
{
    limit_count = 0;
    instant_zone_set("UTC");
    strbuf_clear(&out);
}

static void
end(void)
{
    strbuf_fini(&out);
    chart_series_fini(&series);
}

/* A value a second. */
static void
fill(const struct plot_text *how, const double *values, uint32_t count, bool state)
{
    chart_series_init(&series, "pump.flow", "l/s", state, FROM,
                      FROM + (int64_t)count * 1000, plot_text_columns(how));
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(values[i])) {
            chart_series_gap(&series, FROM + i * 1000);
        } else {
            chart_series_add(&series, FROM + i * 1000, values[i]);
        }
    }
    plot_text_draw(&out, &series, limits, limit_count, how);
}

START_TEST(a_line_in_ascii)
{
    const struct plot_text how = {.width = 10, .height = 5, .ascii = true};
    const double values[] = {0, 1, 2, 3, 4, 4, 3, 2, 1, 0};
    fill(&how, values, 10, false);
    ck_assert_str_eq(strbuf_text(&out), "         4 |    **\n"
                                        "           |   *  *\n"
                                        "         2 |  *    *\n"
                                        "           | *      *\n"
                                        "         0 |*        *\n"
                                        "       l/s +|---------\n"
                                        "            00:00:00\n"
                                        "            2026-01-01\n");
}
END_TEST

START_TEST(a_jump_is_joined_and_a_gap_is_not)
{
    const struct plot_text how = {.width = 10, .height = 4, .ascii = true};
    const double values[] = {0, 0, 3, 3, NAN, 0, 0, 0, 3, 3};
    fill(&how, values, 10, false);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "         3 |  **    **\n"
                                                    "           |  *     *\n"
                                                    "           |  *     *\n"
                                                    "         0 |**   ***\n"));
}
END_TEST

START_TEST(one_value_is_a_line_in_the_middle)
{
    const struct plot_text how = {.width = 10, .height = 3, .ascii = true};
    const double values[] = {5, 5, 5, 5, 5, 5, 5, 5, 5, 5};
    fill(&how, values, 10, false);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "         6 |\n"
                                                    "           |**********\n"
                                                    "         4 |\n"));
}
END_TEST

START_TEST(dots_of_braille)
{
    const struct plot_text how = {.width = 10, .height = 1};
    double values[20];
    for (int i = 0; i < 20; i++) {
        values[i] = i % 4; /* Up in four dots, and down again. */
    }
    fill(&how, values, 20, false);
    /* U+2860: the lowest dot on the left, the one above it on the right; U+280A: the
     * second on the left, the first on the right. */
    ck_assert_msg(strstr(strbuf_text(&out), "         3 \xE2\x94\x82"
                                            "\xE2\xA1\xA0\xE2\xA0\x8A") != NULL,
                  "%s", strbuf_text(&out));
}
END_TEST

START_TEST(a_state_is_a_strip)
{
    const struct plot_text how = {.width = 10, .height = 8, .ascii = true};
    const double values[] = {1, 1, 0, 0, NAN, 1, 1, 1, 0, 0};
    fill(&how, values, 10, true);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "|##__ ###__\n"));
}
END_TEST

START_TEST(a_limit_lies_behind_and_is_in_the_picture)
{
    const struct plot_text how = {.width = 10, .height = 4, .ascii = true};
    const double values[] = {0, 0, 1, 1, 2, 2, 1, 1, 0, 0};
    limits[0] = 3;
    limits[1] = 1;
    limit_count = 2;
    fill(&how, values, 10, false);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "         3 |- - - - -\n"
                                                    "           |    **\n"
                                                    "           |- **- **-\n"
                                                    "         0 |**      **\n"));
}
END_TEST

START_TEST(in_colour_the_mean_stands_out)
{
    const struct plot_text how = {
        .width = 10, .height = 3, .ascii = true, .colour = true};
    chart_series_init(&series, "pump.flow", NULL, false, FROM, FROM + 10000, 10);
    for (int i = 0; i < 2; i++) {
        chart_series_add(&series, FROM + i * 1000, 0);
        chart_series_add(&series, FROM + i * 1000 + 100, 2);
    }
    limits[0] = 2;
    limit_count = 1;
    plot_text_draw(&out, &series, limits, limit_count, &how);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out),
                                 "         2 |\033[0;2;36m**\033[0;31m- - - -\033[0m\n"
                                 "           |\033[0;36m**\033[0m\n"
                                 "         0 |\033[0;2;36m**\033[0m\n"));
}
END_TEST

START_TEST(times_stand_below_their_ticks)
{
    const struct plot_text how = {.width = 40, .height = 1, .ascii = true};
    instant_zone_set("Asia/Shanghai"); /* FROM is 08:00 there. */
    chart_series_init(&series, "pump.flow",
                      "\xC2\xB0"
                      "C",
                      false, FROM, FROM + INT64_C(86400000), 40);
    chart_series_add(&series, FROM, 1);
    plot_text_draw(&out, &series, limits, limit_count, &how);
    /* 12:00 is 4/24 of 40, midnight 16/24. */
    ck_assert_msg(strstr(strbuf_text(&out),
                         "        \xC2\xB0"
                         "C +------|-------------------|-------------\n"
                         "                12:00               00:00\n"
                         "             2026-01-01             01-02\n") != NULL,
                  "%s", strbuf_text(&out));
}
END_TEST

START_TEST(a_state_stands_until_it_is_stale)
{
    const struct plot_text how = {.width = 10, .height = 1, .ascii = true};
    chart_series_init(&series, "pump.on", NULL, true, FROM, FROM + 10000, 10);
    series.gap_ms = 2000;
    chart_series_add(&series, FROM, 1);
    chart_series_add(&series, FROM + 4000, 0);
    chart_series_add(&series, FROM + 4500, 1);
    plot_text_draw(&out, &series, limits, limit_count, &how);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "|### +##   \n"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("plot_text");
    TCase *tc = tcase_create("plot_text");
    SRunner *runner = srunner_create(suite);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, a_line_in_ascii);
    tcase_add_test(tc, a_jump_is_joined_and_a_gap_is_not);
    tcase_add_test(tc, one_value_is_a_line_in_the_middle);
    tcase_add_test(tc, dots_of_braille);
    tcase_add_test(tc, a_state_is_a_strip);
    tcase_add_test(tc, a_limit_lies_behind_and_is_in_the_picture);
    tcase_add_test(tc, in_colour_the_mean_stands_out);
    tcase_add_test(tc, times_stand_below_their_ticks);
    tcase_add_test(tc, a_state_stands_until_it_is_stale);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
