/* The pause after failures, with the clock turned by hand. */
#include <check.h>
#include <stdlib.h>

#include "collectors/backoff.h"
#include "daemon/base/err.h"

START_TEST(a_new_one_may_be_asked_at_any_time)
{
    struct backoff b;

    backoff_init(&b, BACKOFF_DEVICE_MAX_MS);
    ck_assert(backoff_due(&b, INT64_MIN));
    ck_assert(backoff_due(&b, 0));
    ck_assert(!backoff_succeeded(&b));
}
END_TEST

START_TEST(pauses_double_up_to_the_limit)
{
    static const int64_t pauses[] = {500,   1000,  2000,  4000,  8000,
                                     16000, 32000, 60000, 60000, 60000};
    struct backoff b;
    int64_t now = 1000000;

    backoff_init(&b, BACKOFF_DEVICE_MAX_MS);
    for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
        ck_assert_int_eq(backoff_failed(&b, now), i == 0);
        ck_assert(!backoff_due(&b, now));
        ck_assert(!backoff_due(&b, now + pauses[i] - 1));
        ck_assert(backoff_due(&b, now + pauses[i]));
        now += pauses[i];
    }
}
END_TEST

START_TEST(a_line_is_tried_each_half_minute_at_least)
{
    struct backoff b;

    backoff_init(&b, BACKOFF_LINE_MAX_MS);
    for (int i = 0; i < 1000; i++) {
        backoff_failed(&b, 0);
    }
    ck_assert(!backoff_due(&b, 29999));
    ck_assert(backoff_due(&b, 30000));
}
END_TEST

START_TEST(the_first_answer_brings_it_back_at_once)
{
    struct backoff b;

    backoff_init(&b, BACKOFF_DEVICE_MAX_MS);
    for (int i = 0; i < 20; i++) {
        backoff_failed(&b, 0);
    }
    ck_assert(backoff_succeeded(&b));
    ck_assert(!backoff_succeeded(&b)); /* It is news only once. */
    ck_assert(backoff_due(&b, 0));
    ck_assert(backoff_failed(&b, 0)); /* And the pauses begin anew. */
    ck_assert(backoff_due(&b, 500));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("backoff");
    TCase *tc = tcase_create("backoff");

    tcase_add_test(tc, a_new_one_may_be_asked_at_any_time);
    tcase_add_test(tc, pauses_double_up_to_the_limit);
    tcase_add_test(tc, a_line_is_tried_each_half_minute_at_least);
    tcase_add_test(tc, the_first_answer_brings_it_back_at_once);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
