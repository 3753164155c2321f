/* The bar of long work, by a clock that the test turns. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "daemon/base/progress.h"

static struct progress bar;
static struct strbuf out;

static void
begin(void)
{
    bar = (struct progress){.label = "import", .begin_ms = 10000};
}

static void
end(void)
{
    strbuf_fini(&out);
}

static bool
draw(double done, int64_t now_ms)
{
    strbuf_clear(&out);
    return progress_draw(&bar, done, now_ms, &out);
}

START_TEST(short_work_shows_nothing)
{
    ck_assert(!draw(0.1, 10000));
    ck_assert(!draw(0.9, 10499));
    ck_assert_str_eq(strbuf_text(&out), "");
    ck_assert(!bar.shown);
}
END_TEST

START_TEST(the_bar_grows_by_steps_of_time)
{
    ck_assert(draw(0.5, 10500));
    ck_assert_str_eq(strbuf_text(&out), "\rimport [###############...............]"
                                        "  50 %\033[K");
    ck_assert(!draw(0.6, 10699));
    ck_assert(draw(0.7, 10700));
    ck_assert_str_eq(strbuf_text(&out), "\rimport [#####################.........]"
                                        "  70 %\033[K");
}
END_TEST

START_TEST(after_a_while_it_tells_what_is_left)
{
    bar.unit = "samples";
    bar.count = 5000;
    ck_assert(draw(0.25, 15000));
    ck_assert_str_eq(strbuf_text(&out), "\rimport [#######.......................]"
                                        "  25 %, 1000 samples/s, 15s left\033[K");
}
END_TEST

START_TEST(no_share_is_too_odd)
{
    ck_assert(draw(-1, 11000));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "[..............................]"
                                                    "   0 %"));
    ck_assert(draw(NAN, 12000));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "   0 %\033[K"));
    ck_assert(draw(1e9, 13000));
    ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "[##############################]"
                                                    " 100 %, 0s left"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("progress");
    TCase *tc = tcase_create("progress");
    SRunner *runner = srunner_create(suite);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, short_work_shows_nothing);
    tcase_add_test(tc, the_bar_grows_by_steps_of_time);
    tcase_add_test(tc, after_a_while_it_tells_what_is_left);
    tcase_add_test(tc, no_share_is_too_odd);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
