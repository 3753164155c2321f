/* Engine time beside a wall clock that is wrong at boot and jumps.  Both clocks are
 * turned by hand: this file stands for daemon/base/clock.c. */
#include <check.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/live/live_inside.h"

#define NOW    1767225600000LL /* 2026-01-01T00:00:00Z */
#define SECOND 1000LL
#define HOUR   (3600 * SECOND)

static int64_t mono_ms, real_ms;
static bool synchronised;

int64_t
clock_mono_ms(void)
{
    return mono_ms;
}

int64_t
clock_mono_us(void)
{
    return mono_ms * 1000;
}

int64_t
clock_real_ms(void)
{
    return real_ms;
}

bool
clock_synchronised(void)
{
    return synchronised;
}

int64_t
engine_clock_now(struct engine_clock *c)
{
    return mono_ms + atomic_load(&c->offset_ms);
}

static struct live_clock clock_;

static void
setup(void)
{
    log_init(LOG_LEVEL_ERROR);
    mono_ms = 50 * SECOND;
    real_ms = NOW;
    synchronised = false;
}

/* Time passes for both clocks. */
static void
pass(int64_t ms)
{
    mono_ms += ms;
    real_ms += ms;
}

static int64_t
now(void)
{
    return engine_clock_now(&clock_.engine);
}

START_TEST(it_starts_at_the_wall_clock)
{
    live_clock_start(&clock_, INSTANT_NONE);
    ck_assert_int_eq(now(), NOW);
    ck_assert(!clock_.held);
    live_clock_start(&clock_, NOW - HOUR);
    ck_assert_int_eq(now(), NOW);
    ck_assert(!clock_.held);
    pass(10 * SECOND);
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    ck_assert_int_eq(now(), NOW + 10 * SECOND);
}
END_TEST

START_TEST(it_never_starts_before_what_is_on_record)
{
    real_ms = 0; /* 1970: no battery. */
    live_clock_start(&clock_, NOW);
    ck_assert_int_eq(now(), NOW);
    ck_assert(clock_.held);
    for (int i = 0; i < 100; i++) {
        pass(SECOND);
        ck_assert_int_eq(live_clock_look(&clock_), 0);
    }
    ck_assert_int_eq(now(), NOW + 100 * SECOND); /* Held, and not stopped. */
    ck_assert(clock_.held);
    /* The time server has answered. */
    real_ms = NOW + 500 * SECOND;
    ck_assert_int_eq(live_clock_look(&clock_), 400 * SECOND);
    ck_assert_int_eq(now(), NOW + 500 * SECOND);
    ck_assert(!clock_.held);
    ck_assert_int_eq(live_clock_look(&clock_), 0); /* Once. */
}
END_TEST

START_TEST(a_clock_that_is_set_to_where_engine_time_stands_is_trusted_without_a_step)
{
    real_ms = 0;
    live_clock_start(&clock_, NOW);
    pass(10 * SECOND);
    real_ms = now() + 3;
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    ck_assert(!clock_.held);
}
END_TEST

static const int64_t steps[] = {SECOND, -SECOND,      HOUR,
                                -HOUR,  20000 * HOUR, -20000 * HOUR};

START_TEST(test_a_step_is_followed_at_once_and_told_with_its_length)
{
    live_clock_start(&clock_, INSTANT_NONE);
    pass(SECOND);
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    pass(SECOND);
    real_ms += steps[_i];
    ck_assert_int_eq(live_clock_look(&clock_), steps[_i]);
    ck_assert_int_eq(now(), real_ms);
    pass(SECOND);
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    ck_assert_int_eq(now(), real_ms);
}
END_TEST

static const int64_t drifts[] = {1, 2, 3, 999, -1, -2, -3, -999};

START_TEST(test_drift_is_followed_slowly_and_exactly)
{
    live_clock_start(&clock_, INSTANT_NONE);
    real_ms += drifts[_i];
    int64_t distance = drifts[_i] > 0 ? drifts[_i] : -drifts[_i];
    while (distance > 0) {
        int64_t before = now();
        ck_assert_int_eq(live_clock_look(&clock_), 0);
        int64_t moved = now() - before;
        ck_assert_int_ne(moved, 0);
        ck_assert_int_le(moved > 0 ? moved : -moved, 2); /* In a second: 0.2 %. */
        ck_assert_int_eq(moved > 0, drifts[_i] > 0);
        distance -= moved > 0 ? moved : -moved;
        ck_assert_int_ge(distance, 0); /* It does not swing. */
        pass(SECOND);
    }
    ck_assert_int_eq(now(), real_ms);
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    ck_assert_int_eq(now(), real_ms);
}
END_TEST

START_TEST(a_daemon_that_was_suspended_has_not_lived_meanwhile)
{
    live_clock_start(&clock_, INSTANT_NONE);
    pass(SECOND);
    real_ms += 8 * HOUR; /* The monotonic clock stood still. */
    ck_assert_int_eq(live_clock_look(&clock_), 8 * HOUR);
    ck_assert_int_eq(now(), real_ms);
}
END_TEST

#define RECORD_AHEAD (87600 * HOUR) /* Ten years. */

/* The program starts with the wall clock `start_ms` after the record, and looks after
 * one second of monotonic time, in which the wall clock went `went_ms`. */
static const struct {
    const char *what;
    bool recorded;
    int64_t start_ms;
    bool synchronised;
    int64_t went_ms;
    int64_t stepped_ms; /* What the look must return. */
    int64_t engine_ms;  /* Engine time after the record, after the look. */
    bool held;
} starts[] = {
    {"the first start takes the wall clock", false, 0, false, 1000, 0, 1000, false},
    {"a right clock is followed", true, HOUR, true, 1000, 0, HOUR + 1000, false},
    {"a clock behind the record is not followed back", true, -HOUR, false, 1000, 0,
     1000, true},
    {"a little behind is drift, and no reason to distrust", true, -400, false, 1000, 0,
     998, false},
    {"setting a clock that was behind is a step", true, -HOUR, false, 2 * HOUR,
     HOUR - 1000, HOUR, false},
    {"set to about where we are already, it is trusted again", true, -HOUR, false,
     HOUR + 800, 0, 998, false},
    {"a step back is followed", true, HOUR, true, -HOUR, -HOUR - 1000, 0, false},
    {"a step forward is followed", true, HOUR, true, HOUR, HOUR - 1000, 2 * HOUR,
     false},
    {"drift is followed slowly", true, HOUR, true, 1500, 0, HOUR + 1002, false},
    {"a record of the future gives way to a synchronised clock", true, -RECORD_AHEAD,
     true, 1000, -RECORD_AHEAD, -RECORD_AHEAD + 1000, false},
    {"a record of the future stands while nobody knows better", true, -RECORD_AHEAD,
     false, 1000, 0, 1000, true},
};

START_TEST(test_a_look_after_a_start)
{
    real_ms = NOW + starts[_i].start_ms;
    synchronised = starts[_i].synchronised;
    live_clock_start(&clock_, starts[_i].recorded ? NOW : INSTANT_NONE);
    mono_ms += SECOND;
    real_ms += starts[_i].went_ms;
    int64_t stepped = live_clock_look(&clock_);
    ck_assert_msg(stepped == starts[_i].stepped_ms, "%s: stepped %lld", starts[_i].what,
                  (long long)stepped);
    ck_assert_msg(now() - NOW == starts[_i].engine_ms, "%s: engine time %lld",
                  starts[_i].what, (long long)(now() - NOW));
    ck_assert_msg(clock_.held == starts[_i].held, "%s: held %d", starts[_i].what,
                  clock_.held);
}
END_TEST

START_TEST(a_clock_that_was_never_set_is_not_trusted_until_it_is)
{
    real_ms = 1000 * HOUR; /* 1970, and nothing on record. */
    live_clock_start(&clock_, INSTANT_NONE);
    ck_assert_int_eq(now(), 1000 * HOUR);
    ck_assert(!clock_.held && !clock_.trusted);
    pass(SECOND);
    real_ms += 999; /* Not followed: all samples shall be wrong by the same. */
    for (int i = 0; i < 10; i++) {
        pass(SECOND);
        ck_assert_int_eq(live_clock_look(&clock_), 0);
    }
    ck_assert_int_eq(now(), 1000 * HOUR + 11 * SECOND);
    ck_assert(!clock_.trusted);
    real_ms += HOUR; /* Set, and still wrong. */
    ck_assert_int_eq(live_clock_look(&clock_), HOUR + 999);
    ck_assert(!clock_.trusted);
    real_ms = NOW;
    ck_assert_int_ne(live_clock_look(&clock_), 0);
    ck_assert_int_eq(now(), NOW);
    ck_assert(clock_.trusted);
    real_ms = 0; /* Somebody sets it back. */
    pass(SECOND);
    ck_assert_int_ne(live_clock_look(&clock_), 0);
    ck_assert(!clock_.trusted);
}
END_TEST

START_TEST(a_held_clock_is_trusted_once_it_is_set)
{
    real_ms = NOW - HOUR;
    live_clock_start(&clock_, NOW);
    ck_assert(!clock_.trusted);
    real_ms = NOW + HOUR;
    ck_assert_int_eq(live_clock_look(&clock_), HOUR);
    ck_assert(clock_.trusted);
}
END_TEST

/* The power was off for an hour, and the clock stood: it is not behind the record. */
START_TEST(a_clock_that_gets_synchronised_is_not_trusted_before)
{
    live_clock_start(&clock_, NOW - SECOND);
    ck_assert(clock_.trusted);
    live_clock_expect(&clock_, true);
    ck_assert(!clock_.trusted && !clock_.held);
    pass(SECOND);
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    ck_assert(!clock_.trusted && !clock_.synchronised);
    synchronised = true;
    real_ms += HOUR;
    ck_assert_int_eq(live_clock_look(&clock_), HOUR);
    ck_assert(clock_.trusted && clock_.synchronised);
    synchronised = false; /* The network is gone again. */
    live_clock_expect(&clock_, true);
    pass(SECOND);
    ck_assert_int_eq(live_clock_look(&clock_), 0);
    ck_assert(clock_.trusted);
}
END_TEST

static const struct {
    bool before, now, step;
    int64_t up_ms, passed_ms;
    bool trusted, trusted_then;
} expectations[] = {
    {true, false, false, 50 * SECOND, SECOND, false, false},
    {true, false, false, 50 * SECOND, 6 * HOUR, false, true}, /* It never comes. */
    {true, false, true, 50 * SECOND, SECOND, false, true},    /* Set by hand. */
    {false, false, false, 50 * SECOND, SECOND, true, true},   /* It never did. */
    {true, true, false, 50 * SECOND, SECOND, true, true},
    {true, false, false, 6 * HOUR, SECOND, true, true}, /* A restart of the daemon. */
};

START_TEST(test_how_long_it_is_waited_for)
{
    mono_ms = expectations[_i].up_ms;
    synchronised = expectations[_i].now;
    live_clock_start(&clock_, INSTANT_NONE);
    live_clock_expect(&clock_, expectations[_i].before);
    ck_assert_int_eq(clock_.trusted, expectations[_i].trusted);
    pass(expectations[_i].passed_ms);
    real_ms += expectations[_i].step ? HOUR : 0;
    (void)live_clock_look(&clock_);
    ck_assert_int_eq(clock_.trusted, expectations[_i].trusted_then);
    ck_assert_int_eq(now(), real_ms);
}
END_TEST

/* Some frames are on their way when the clock is stepped. */
START_TEST(frames_that_were_dated_before_a_step_are_dated_anew)
{
    live_clock_start(&clock_, INSTANT_NONE);
    ck_assert_int_eq(live_clock_of(&clock_, NOW - 5), NOW - 5);
    ck_assert_int_eq(live_clock_of(&clock_, NOW + 5), NOW); /* None is of later. */
    pass(SECOND);
    real_ms += HOUR;
    ck_assert_int_eq(live_clock_look(&clock_), HOUR);
    ck_assert_int_eq(live_clock_of(&clock_, NOW + 990), NOW + HOUR + 990);
    pass(SECOND);
    ck_assert_int_eq(live_clock_of(&clock_, NOW + 990), NOW + HOUR + 990);
    ck_assert_int_eq(live_clock_of(&clock_, NOW + HOUR + 1500), NOW + HOUR + 1500);
    real_ms -= 2 * HOUR;
    ck_assert_int_eq(live_clock_look(&clock_), -2 * HOUR);
    ck_assert_int_eq(live_clock_of(&clock_, NOW + HOUR + 1500), now());
    ck_assert_int_eq(live_clock_of(&clock_, now()), now());
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("live_clock");
    TCase *tc = tcase_create("live_clock");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, it_starts_at_the_wall_clock);
    tcase_add_test(tc, it_never_starts_before_what_is_on_record);
    tcase_add_test(
        tc, a_clock_that_is_set_to_where_engine_time_stands_is_trusted_without_a_step);
    tcase_add_loop_test(tc, test_a_step_is_followed_at_once_and_told_with_its_length, 0,
                        (int)ARRAY_LEN(steps));
    tcase_add_loop_test(tc, test_drift_is_followed_slowly_and_exactly, 0,
                        (int)ARRAY_LEN(drifts));
    tcase_add_test(tc, a_daemon_that_was_suspended_has_not_lived_meanwhile);
    tcase_add_loop_test(tc, test_a_look_after_a_start, 0, (int)ARRAY_LEN(starts));
    tcase_add_test(tc, a_clock_that_was_never_set_is_not_trusted_until_it_is);
    tcase_add_test(tc, a_held_clock_is_trusted_once_it_is_set);
    tcase_add_test(tc, a_clock_that_gets_synchronised_is_not_trusted_before);
    tcase_add_loop_test(tc, test_how_long_it_is_waited_for, 0,
                        (int)ARRAY_LEN(expectations));
    tcase_add_test(tc, frames_that_were_dated_before_a_step_are_dated_anew);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
