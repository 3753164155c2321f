/* Alarm quality against figures computed by hand. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/report/alarm_quality.h"

#define S(n)    ((n)*INT64_C(1000))
#define MIN(n)  S((n)*60)
#define HOUR(n) MIN((n)*60)
#define START   INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define ROOM    5000

static struct alarm_quality_episode episodes[ROOM];
static size_t count;
static struct alarm_quality q;
static bool to_counts;

static void
set_up(void)
{
    count = 0;
    to_counts = false;
    q = (struct alarm_quality){0};
}

static void
tear_down(void)
{
    alarm_quality_fini(&q);
}

static void
add(uint32_t alarm, enum severity s, int64_t at_ms, int64_t stands_ms)
{
    ck_assert_uint_lt(count, ROOM);
    episodes[count++] = (struct alarm_quality_episode){
        alarm, s, START + at_ms,
        stands_ms < 0 ? INSTANT_MAX : START + at_ms + stands_ms};
}

static void
work_out(int64_t period_ms, uint32_t operators)
{
    const struct alarm_quality_options o = {.from_ms = START,
                                            .to_ms = START + period_ms,
                                            .to_counts = to_counts,
                                            .operators = operators,
                                            .chatter_episodes = 5,
                                            .chatter_window_ms = MIN(10)};
    struct err err;
    alarm_quality_fini(&q);
    ck_assert_int_eq(alarm_quality_of(&q, episodes, count, 1000, &o, &err), 0);
}

static const struct alarm_quality_figure *
figure(const char *name)
{
    for (size_t i = 0; i < ALARM_QUALITY_FIGURES; i++) {
        if (strcmp(q.figures[i].name, name) == 0) {
            return &q.figures[i];
        }
    }
    ck_abort_msg("no figure %s", name);
}

static void
check_figure(const char *name, double value, enum alarm_quality_verdict verdict)
{
    const struct alarm_quality_figure *f = figure(name);
    ck_assert_double_eq_tol(f->value, value, 1e-9);
    ck_assert_str_eq(alarm_quality_verdict_name(f->verdict),
                     alarm_quality_verdict_name(verdict));
}

START_TEST(nothing_raised_is_good)
{
    work_out(HOUR(24), 1);
    ck_assert_uint_eq(q.raises, 0);
    ck_assert_int_eq(q.peak_ms, INSTANT_NONE);
    check_figure("raises_per_day", 0, ALARM_QUALITY_OK);
    check_figure("peak_10min", 0, ALARM_QUALITY_OK);
    check_figure("time_in_flood", 0, ALARM_QUALITY_OK);
    check_figure("top_10_share", 0, ALARM_QUALITY_FEW);
    check_figure("critical_share", 0, ALARM_QUALITY_FEW);
    check_figure("standing_24h", 0, ALARM_QUALITY_OK);
}
END_TEST

/* 288 raises in 2 days: 144 a day and one in 10 minutes, just what is allowed. */
START_TEST(rates_are_means_over_the_period)
{
    for (int i = 0; i < 288; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, MIN(10) * i, S(1));
    }
    work_out(HOUR(48), 1);
    ck_assert_double_eq_tol(q.days, 2, 1e-12);
    check_figure("raises_per_day", 144, ALARM_QUALITY_OK);
    check_figure("raises_per_10min", 1, ALARM_QUALITY_OK);
    check_figure("peak_10min", 1, ALARM_QUALITY_OK);
    work_out(HOUR(24), 1); /* The one at the end of the day is the next day's, ... */
    check_figure("raises_per_day", 144, ALARM_QUALITY_OK);
    to_counts = true; /* ... unless there is none. */
    work_out(HOUR(24), 1);
    check_figure("raises_per_day", 145, ALARM_QUALITY_HIGH);
    work_out(HOUR(24), 2);
    check_figure("raises_per_day", 72.5, ALARM_QUALITY_OK);
    count = 0;
    for (int i = 0; i < 289; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, MIN(4) * i, S(1));
    }
    work_out(HOUR(24), 1);
    check_figure("raises_per_day", 289, ALARM_QUALITY_OVER);
}
END_TEST

START_TEST(the_period_is_cut_at_both_ends)
{
    add(1, SEVERITY_NORMAL, -1, S(10));
    add(1, SEVERITY_NORMAL, 0, S(10));
    add(1, SEVERITY_NORMAL, HOUR(1) - 1, S(10));
    add(1, SEVERITY_NORMAL, HOUR(1), S(10));
    add(1, SEVERITY_NORMAL, HOUR(1) + 1, S(10));
    work_out(HOUR(1), 1);
    ck_assert_uint_eq(q.raises, 2);
    ck_assert_int_eq(q.actors[0].stood_ms, S(10) + 1); /* Of the second, a moment. */
    to_counts = true;
    work_out(HOUR(1), 1);
    ck_assert_uint_eq(q.raises, 3);
}
END_TEST

/* 11 raises a minute apart: when the last comes, the first is 10 min old, so that no 10
 * minutes hold more than 10. */
START_TEST(ten_in_ten_minutes_are_no_flood)
{
    for (int i = 0; i < 11; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, MIN(5 + i), S(30));
    }
    work_out(HOUR(24), 1);
    ck_assert_uint_eq(q.peak_10min, 10);
    ck_assert_int_eq(q.peak_ms, START + MIN(5));
    ck_assert_uint_eq(q.flood_count, 0);
    check_figure("peak_10min", 10, ALARM_QUALITY_OK);
}
END_TEST

/* 11 raises, every 50 s from 00:05:00 to 00:13:20.  The flood begins with the first of
 * them.  The fifth from the end is at 00:10:00 (300 + 6 * 50 = 600 s): 10 min after it
 * there are 4 left, so the flood ends at 00:20:00 and lasted 15 min. */
START_TEST(a_flood_begins_above_ten_and_ends_below_five)
{
    for (int i = 0; i < 11; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, MIN(5) + S(50) * i, S(30));
    }
    work_out(HOUR(24), 1);
    ck_assert_uint_eq(q.flood_count, 1);
    ck_assert_int_eq(q.floods[0].begin_ms, START + MIN(5));
    ck_assert_int_eq(q.floods[0].end_ms, START + MIN(20));
    ck_assert_uint_eq(q.floods[0].raises, 11);
    ck_assert_uint_eq(q.floods[0].peak, 11);
    check_figure("time_in_flood", 100.0 * 15 / 1440, ALARM_QUALITY_OVER);
    check_figure("peak_10min", 11, ALARM_QUALITY_OVER);
    work_out(HOUR(24), 2); /* For two people it is none. */
    ck_assert_uint_eq(q.flood_count, 0);
    check_figure("peak_10min", 5.5, ALARM_QUALITY_OK);
}
END_TEST

/* Five raises in 10 minutes keep a flood going: one every 2 min until 00:33:20, then
 * the fifth from the end (00:25:20) leaves at 00:35:20. */
START_TEST(a_flood_goes_on_while_there_are_five)
{
    for (int i = 0; i < 11; i++) {
        add(7, SEVERITY_NORMAL, MIN(5) + S(50) * i, S(30));
    }
    for (int i = 1; i <= 10; i++) {
        add(8, SEVERITY_NORMAL, MIN(13) + S(20) + MIN(2) * i, S(30));
    }
    add(9, SEVERITY_NORMAL, HOUR(2), S(30)); /* Long after. */
    work_out(HOUR(10), 1);
    ck_assert_uint_eq(q.flood_count, 1);
    ck_assert_uint_eq(q.floods[0].raises, 21);
    ck_assert_int_eq(q.floods[0].end_ms, START + MIN(35) + S(20));
}
END_TEST

START_TEST(two_floods_are_two_and_the_last_ends_with_the_period)
{
    for (int i = 0; i < 12; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, S(i), S(1));
        add((uint32_t)i, SEVERITY_NORMAL, HOUR(1) - S(30) + S(i), S(1));
    }
    work_out(HOUR(1), 1);
    ck_assert_uint_eq(q.flood_count, 2);
    ck_assert_int_eq(q.floods[0].begin_ms, START);
    ck_assert_int_eq(q.floods[0].end_ms, START + MIN(10) + S(7));
    ck_assert_int_eq(q.floods[1].begin_ms, START + HOUR(1) - S(30));
    ck_assert_int_eq(q.floods[1].end_ms, START + HOUR(1));
}
END_TEST

/* Three raises in less than a minute chatter; at exactly a minute they do not.  The
 * site's five in 10 min is another thing. */
START_TEST(chatter_by_the_standard_and_by_the_site)
{
    for (int i = 0; i < 3; i++) {
        add(1, SEVERITY_NORMAL, S(29) * i, S(5));
        add(2, SEVERITY_NORMAL, S(30) * i, S(5));
    }
    for (int i = 0; i < 5; i++) {
        add(3, SEVERITY_NORMAL, MIN(2) * i, S(5));
    }
    add(1, SEVERITY_NORMAL, HOUR(1), S(5));
    work_out(HOUR(24), 1);
    ck_assert_uint_eq(q.chattering, 1);
    check_figure("chattering", 1, ALARM_QUALITY_OVER);
    ck_assert_uint_eq(q.actors[0].alarm, 3);
    ck_assert_uint_eq(q.actors[0].chatter_raises, 0);
    ck_assert(q.actors[0].site_chatters);
    ck_assert_uint_eq(q.actors[1].alarm, 1);
    ck_assert_uint_eq(q.actors[1].raises, 4);
    ck_assert_uint_eq(q.actors[1].chatter_raises, 3);
    ck_assert(!q.actors[1].site_chatters);
    ck_assert_uint_eq(q.actors[2].chatter_raises, 0);
}
END_TEST

/* 300 alarms: 10 of them 11 times, 290 once.  110 of 400 is 27.5 %. */
START_TEST(bad_actors_and_their_share)
{
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < (i % 30 == 7 ? 11 : 1); k++) {
            add((uint32_t)i, SEVERITY_NORMAL, MIN(i) + HOUR(6) * k, S(10 * (k + 1)));
        }
    }
    work_out(HOUR(24) * 7, 1);
    ck_assert_uint_eq(q.raises, 400);
    ck_assert_uint_eq(q.alarms, 300);
    check_figure("top_10_share", 27.5, ALARM_QUALITY_OVER);
    ck_assert_uint_eq(q.actors[0].alarm, 7); /* Of equals, in order. */
    ck_assert_uint_eq(q.actors[9].alarm, 277);
    ck_assert_uint_eq(q.actors[0].raises, 11);
    ck_assert_double_eq_tol(q.actors[0].share, 2.75, 1e-12);
    ck_assert_int_eq(q.actors[0].median_ms, S(60));
    ck_assert_int_eq(q.actors[0].stood_ms, S(660)); /* 10 + 20 + ... + 110 */
    ck_assert_uint_eq(q.actors[10].raises, 1);
}
END_TEST

START_TEST(few_alarms_say_nothing_of_the_top_ten)
{
    for (int i = 0; i < 30; i++) {
        add((uint32_t)(i % 15), SEVERITY_NORMAL, MIN(20) * i, S(1));
    }
    work_out(HOUR(24), 1);
    check_figure("top_10_share", 100.0 * 20 / 30, ALARM_QUALITY_FEW);
}
END_TEST

/* Standing: one of 25 h from before the period, one of just 24 h (not over), one that
 * still stands, and one that was over long ago. */
START_TEST(standing_over_a_day)
{
    add(1, SEVERITY_NORMAL, -HOUR(20), HOUR(25));
    add(2, SEVERITY_NORMAL, HOUR(1), HOUR(24));
    add(3, SEVERITY_URGENT, -HOUR(100), -1);
    add(4, SEVERITY_NORMAL, -HOUR(100), HOUR(50));
    work_out(HOUR(48), 1);
    ck_assert_uint_eq(q.raises, 1);
    ck_assert_uint_eq(q.standing_count, 2);
    ck_assert_uint_eq(q.standing[0].alarm, 3);
    ck_assert_int_eq(q.standing[0].stood_ms, HOUR(148));
    ck_assert_int_eq(q.standing[0].cleared_ms, INSTANT_MAX);
    ck_assert_uint_eq(q.standing[1].alarm, 1);
    ck_assert_int_eq(q.standing[1].stood_ms, HOUR(25));
    check_figure("standing_24h", 2, ALARM_QUALITY_OK);
}
END_TEST

/* Eight stand over 24 h, but one after the other: no more than four at once. */
START_TEST(standing_counts_those_at_one_time)
{
    for (uint32_t i = 0; i < 8; i++) {
        add(i, SEVERITY_NORMAL, HOUR(24) * (i / 4 * 3), HOUR(24) + HOUR(24));
    }
    work_out(HOUR(24) * 10, 1);
    ck_assert_uint_eq(q.standing_count, 8);
    check_figure("standing_24h", 4, ALARM_QUALITY_OK);
    add(9, SEVERITY_NORMAL, HOUR(12), -1);
    work_out(HOUR(24) * 10, 1);
    check_figure("standing_24h", 5, ALARM_QUALITY_OVER);
}
END_TEST

/* 100 raises as the standards have it, then twice as many critical ones. `info` has no
 * part in the split. */
START_TEST(priorities_against_80_15_5)
{
    for (int i = 0; i < 100; i++) {
        enum severity s = i < 5    ? SEVERITY_CRITICAL
                          : i < 20 ? SEVERITY_URGENT
                                   : SEVERITY_NORMAL;
        add((uint32_t)i, s, MIN(i), S(1));
        add((uint32_t)i, SEVERITY_INFO, HOUR(2) + MIN(i), S(1));
    }
    work_out(HOUR(24) * 7, 1);
    check_figure("critical_share", 5, ALARM_QUALITY_OK);
    check_figure("urgent_share", 15, ALARM_QUALITY_OK);
    check_figure("normal_share", 80, ALARM_QUALITY_OK);
    ck_assert_uint_eq(q.by_severity[SEVERITY_INFO], 100);
    for (int i = 0; i < 25; i++) {
        add(1, SEVERITY_CRITICAL, HOUR(8) + MIN(i), S(1));
    }
    work_out(HOUR(24) * 7, 1); /* 30, 15 and 80 of 125. */
    check_figure("critical_share", 24, ALARM_QUALITY_OVER);
    check_figure("urgent_share", 12, ALARM_QUALITY_OK);
    check_figure("normal_share", 64, ALARM_QUALITY_HIGH);
}
END_TEST

/* 12 raises in 12 minutes: no rate, but certainly a flood, and too many for 10 min. */
START_TEST(a_short_period_has_no_rates)
{
    for (int i = 0; i < 12; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, S(50) * i, S(1));
    }
    work_out(MIN(12), 1);
    check_figure("raises_per_day", 1440, ALARM_QUALITY_SHORT);
    check_figure("raises_per_10min", 10, ALARM_QUALITY_SHORT);
    ck_assert_uint_eq(q.flood_count, 1);
    ck_assert_int_eq(figure("time_in_flood")->verdict, ALARM_QUALITY_SHORT);
    check_figure("peak_10min", 12, ALARM_QUALITY_OVER);
    check_figure("chattering", 0, ALARM_QUALITY_SHORT);
    check_figure("standing_24h", 0, ALARM_QUALITY_SHORT);
    check_figure("top_10_share", 100.0 * 10 / 12, ALARM_QUALITY_FEW);
    work_out(HOUR(23) - 1, 1);
    ck_assert_int_eq(figure("raises_per_day")->verdict, ALARM_QUALITY_SHORT);
    work_out(HOUR(23), 1);
    ck_assert_int_eq(figure("raises_per_day")->verdict, ALARM_QUALITY_OK);
    check_figure("chattering", 0, ALARM_QUALITY_OK);
}
END_TEST

START_TEST(the_order_of_episodes_does_not_matter)
{
    for (int i = 0; i < 11; i++) {
        add((uint32_t)i, SEVERITY_NORMAL, MIN(5) + S(50) * ((i * 7) % 11), S(30));
    }
    work_out(HOUR(10), 1);
    ck_assert_uint_eq(q.flood_count, 1);
    ck_assert_int_eq(q.floods[0].end_ms, START + MIN(20));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("alarm_quality");
    TCase *tc = tcase_create("figures");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, nothing_raised_is_good);
    tcase_add_test(tc, rates_are_means_over_the_period);
    tcase_add_test(tc, the_period_is_cut_at_both_ends);
    tcase_add_test(tc, ten_in_ten_minutes_are_no_flood);
    tcase_add_test(tc, a_flood_begins_above_ten_and_ends_below_five);
    tcase_add_test(tc, a_flood_goes_on_while_there_are_five);
    tcase_add_test(tc, two_floods_are_two_and_the_last_ends_with_the_period);
    tcase_add_test(tc, chatter_by_the_standard_and_by_the_site);
    tcase_add_test(tc, bad_actors_and_their_share);
    tcase_add_test(tc, few_alarms_say_nothing_of_the_top_ten);
    tcase_add_test(tc, standing_over_a_day);
    tcase_add_test(tc, standing_counts_those_at_one_time);
    tcase_add_test(tc, priorities_against_80_15_5);
    tcase_add_test(tc, a_short_period_has_no_rates);
    tcase_add_test(tc, the_order_of_episodes_does_not_matter);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
