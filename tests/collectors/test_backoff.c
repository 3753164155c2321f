/* The pause after failures and the grid of polls, with the clock turned by hand. */
#include <check.h>
#include <stdlib.h>

#include "collectors/backoff.h"
#include "collectors/schedule.h"
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

START_TEST(polls_keep_their_rate_when_they_are_late)
{
    struct schedule s;

    schedule_init(&s, 5000, 0, 1, 1000, 1000);
    ck_assert_int_eq(s.due_ms, 5000);
    for (int64_t k = 1; k <= 100; k++) { /* Each poll ends 3..9 ms late. */
        schedule_next(&s, s.due_ms + 3 + k % 7);
        ck_assert_int_eq(s.due_ms, 5000 + 1000 * k);
    }
}
END_TEST

START_TEST(polls_that_were_missed_are_left_out)
{
    struct schedule s;

    schedule_init(&s, 0, 0, 1, 1000, 1000);
    schedule_next(&s, 3500);
    ck_assert_int_eq(s.due_ms, 4000);
    schedule_next(&s, 4000); /* Ended at once, within the same millisecond. */
    ck_assert_int_eq(s.due_ms, 5000);
    schedule_next(&s, 6000); /* Ended just when another was due. */
    ck_assert_int_eq(s.due_ms, 7000);
}
END_TEST

START_TEST(devices_are_spread_over_the_period)
{
    struct schedule s;

    for (uint32_t i = 0; i < 10; i++) {
        schedule_init(&s, 100, i, 10, 1000, 1000);
        ck_assert_int_eq(s.due_ms, 100 + 100 * i);
        schedule_next(&s, s.due_ms + 10);
        ck_assert_int_eq(s.due_ms, 1100 + 100 * i);
    }
}
END_TEST

START_TEST(many_devices_share_the_beats_of_the_period)
{
    int64_t on_beat[10] = {0};
    struct schedule s;

    for (uint32_t i = 0; i < 200; i++) {
        schedule_init(&s, 7, i, 200, 1000, 1000);
        ck_assert_int_eq((s.due_ms - 7) % 100, 0);
        ck_assert_int_lt(s.due_ms, 1007);
        on_beat[(s.due_ms - 7) / 100]++;
        int64_t first_ms = s.due_ms;
        schedule_next(&s, first_ms + 3);
        ck_assert_int_eq(s.due_ms, first_ms + 1000);
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(on_beat[i], 20);
    }
    for (uint32_t i = 0; i < 2; i++) { /* Faster than a beat: all at once. */
        schedule_init(&s, 7, i, 2, 40, 40);
        ck_assert_int_eq(s.due_ms, 7);
        schedule_next(&s, 8);
        ck_assert_int_eq(s.due_ms, 47);
    }
}
END_TEST

START_TEST(slow_groups_start_within_a_second_and_then_spread)
{
    int64_t per_second[60] = {0};
    struct schedule fast, slow;

    for (uint32_t i = 0; i < 120; i++) {
        schedule_init(&fast, 0, i, 120, 1000, 1000);
        schedule_init(&slow, 0, i, 120, 1000, 60000);
        ck_assert_int_lt(slow.due_ms, 1000);
        ck_assert_int_eq(slow.due_ms, fast.due_ms);
        schedule_next(&slow, slow.due_ms);
        ck_assert_int_le(slow.due_ms, 60000 + 1000);
        ck_assert_int_eq(slow.due_ms % 1000, fast.due_ms); /* One frame for both. */
        per_second[slow.due_ms / 1000 % 60]++;
        int64_t due_ms = slow.due_ms;
        schedule_next(&slow, slow.due_ms + 500);
        ck_assert_int_eq(slow.due_ms, due_ms + 60000);
    }
    for (int i = 0; i < 60; i++) {
        ck_assert_int_eq(per_second[i], 2);
    }
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
    tcase_add_test(tc, polls_keep_their_rate_when_they_are_late);
    tcase_add_test(tc, polls_that_were_missed_are_left_out);
    tcase_add_test(tc, devices_are_spread_over_the_period);
    tcase_add_test(tc, many_devices_share_the_beats_of_the_period);
    tcase_add_test(tc, slow_groups_start_within_a_second_and_then_spread);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
