/* When polls are due: a grid without drift, spread over devices. */
#include <check.h>
#include <stdlib.h>

#include "collectors/schedule.h"
#include "daemon/base/err.h"

#define MS 1000
#define S  1000000

static struct schedule_place
place(double share, uint32_t turn, int64_t beat_us)
{
    return (struct schedule_place){.share = share, .turn = turn, .beat_us = beat_us};
}

START_TEST(polls_keep_their_rate_for_ever)
{
    struct schedule s;

    schedule_init(&s, 5 * S, place(0.25, 0, 1), S, S);
    ck_assert_int_eq(s.due_us, 5250 * MS);
    for (int64_t k = 1; k <= 100000; k++) {
        schedule_next(&s);
        ck_assert_int_eq(s.due_us, 5250 * MS + k * S);
    }
}
END_TEST

START_TEST(devices_are_spread_over_the_period)
{
    struct schedule s;

    for (uint32_t i = 0; i < 10; i++) {
        schedule_init(&s, 100, place(i / 10.0, i, 1), S, S);
        ck_assert_int_eq(s.due_us, 100 + 100 * MS * i);
    }
}
END_TEST

START_TEST(many_endpoints_share_the_beats_of_the_period)
{
    int on_beat[20] = {0};
    struct schedule s;

    for (uint32_t i = 0; i < 2000; i++) {
        schedule_init(&s, 7, place(schedule_spread(i), i, 50 * MS), S, S);
        ck_assert_int_eq((s.due_us - 7) % (50 * MS), 0);
        ck_assert_int_lt(s.due_us, S + 7);
        on_beat[(s.due_us - 7) / (50 * MS)]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(on_beat); i++) {
        ck_assert_int_ge(on_beat[i], 95); /* Of 100. */
        ck_assert_int_le(on_beat[i], 105);
    }
}
END_TEST

START_TEST(slow_groups_start_within_a_second_and_then_spread)
{
    int per_second[60] = {0};
    struct schedule fast, slow;

    for (uint32_t i = 0; i < 120; i++) {
        schedule_init(&fast, 0, place(i / 120.0, i, 1), S, S);
        schedule_init(&slow, 0, place(i / 120.0, i, 1), S, 60 * S);
        ck_assert_int_lt(slow.due_us, S);
        ck_assert_int_eq(slow.due_us, fast.due_us);
        schedule_next(&slow);
        ck_assert_int_le(slow.due_us, 61 * S);
        ck_assert_int_eq(slow.due_us % S, fast.due_us); /* One frame for both. */
        per_second[slow.due_us / S % 60]++;
        int64_t due_us = slow.due_us;
        schedule_next(&slow);
        ck_assert_int_eq(slow.due_us, due_us + 60 * S);
    }
    for (int i = 0; i < 60; i++) {
        ck_assert_int_eq(per_second[i], 2);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tc = tcase_create("schedule");

    tcase_add_test(tc, polls_keep_their_rate_for_ever);
    tcase_add_test(tc, devices_are_spread_over_the_period);
    tcase_add_test(tc, many_endpoints_share_the_beats_of_the_period);
    tcase_add_test(tc, slow_groups_start_within_a_second_and_then_spread);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
