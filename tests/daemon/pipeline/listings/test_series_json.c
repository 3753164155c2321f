/* The past of points for a chart: what thinning keeps, and the answer without a
 * history.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/listings/series_json.h"
#include "tests/fake/log_site.h"

#define GAP ((double)NAN)

/* Ten moments a column. */
static const struct {
    const char *what;
    double values[20];
    size_t count;
    double kept[20];
    size_t kept_count;
} rows[] = {
    {"first, last, least and greatest, in their order",
     {5, 6, 9, 4, 3, 1, 2, 3, 4, 5},
     10,
     {5, 9, 1, 5},
     4},
    {"a flat line needs its ends", {2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 10, {2, 2}, 2},
    {"a rising one too", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 10, {1, 10}, 2},
    {"a gap stays where it was",
     {1, 2, 8, GAP, GAP, 3, 4, 5, 6, 7},
     10,
     {1, 8, GAP, 7},
     4},
    {"each column by itself",
     {1, 2, 3, 2, 1, 1, 1, 1, 1, 1, 7, 7, 7, 9, 7, 7, 7, 7, 7, 7},
     20,
     {1, 3, 1, 7, 9, 7},
     6},
    {"nothing of nothing", {0}, 0, {0}, 0},
    {"one", {4}, 1, {4}, 1},
};

START_TEST(thinning_keeps_the_picture)
{
    int64_t t_ms[20];
    double value[20];
    struct series_samples s = {t_ms, value, rows[_i].count};
    for (size_t i = 0; i < s.count; i++) {
        t_ms[i] = 1000 + (int64_t)i * 10;
        value[i] = rows[_i].values[i];
    }
    series_thin(&s, 1000, 1200, 2);
    ck_assert_uint_eq(s.count, rows[_i].kept_count);
    for (size_t i = 0; i < s.count; i++) {
        ck_assert_msg(s.value[i] == rows[_i].kept[i] ||
                          (isnan(s.value[i]) && isnan(rows[_i].kept[i])),
                      "%s: %zu is %g", rows[_i].what, i, s.value[i]);
        ck_assert(i == 0 || s.t_ms[i] > s.t_ms[i - 1]);
    }
}
END_TEST

START_TEST(without_a_history_it_is_empty)
{
    static const struct {
        int64_t span_ms;
        const char *want;
    } spans[] = {
        {1000, "\"resolution\":\"samples\",\"step_ms\":0"},
        {INT64_C(86400000), "\"resolution\":\"1m\",\"step_ms\":300000"},
        {INT64_C(86400000) * 300, "\"resolution\":\"1h\",\"step_ms\":86400000"},
    };
    struct site *site = log_site_new(1, 2);
    const uint32_t points[] = {1, 2};
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        struct strbuf out = {0};
        struct err err;
        const struct series_request q = {.site = site,
                                         .points = points,
                                         .point_count = 2,
                                         .from_ms = 0,
                                         .to_ms = spans[i].span_ms,
                                         .width = 400};
        ck_assert_int_eq(series_json(&out, NULL, &q, &err), 0);
        ck_assert_msg(strstr(strbuf_text(&out), spans[i].want) != NULL, "%s",
                      strbuf_text(&out));
        ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "\"t\":[],\"mean\":[]"));
        ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "\"running\":{"));
        ck_assert_ptr_null(strstr(strbuf_text(&out), "p0000"));
        strbuf_fini(&out);
    }
    site_free(site);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("series_json");
    TCase *tc = tcase_create("series_json");
    tcase_add_loop_test(tc, thinning_keeps_the_picture, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, without_a_history_it_is_empty);
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
