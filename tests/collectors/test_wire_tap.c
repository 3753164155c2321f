/* The tap of a bus: what is kept, for whom, and for how long. */
#include <check.h>
#include <string.h>

#include "collectors/wire_tap.h"

#define MAX 1024

static struct wire_record out[MAX];
static struct wire_tap *tap;

static void
setup(void)
{
    tap = wire_tap_new();
    ck_assert_ptr_nonnull(tap);
}

static void
teardown(void)
{
    wire_tap_free(tap);
}

static void
record(int64_t mono_us, uint8_t byte)
{
    wire_tap_record(tap, 1000 + mono_us, mono_us, true, &byte, 1);
}

START_TEST(nothing_is_kept_before_somebody_looks)
{
    uint64_t cursor = 0;

    ck_assert(!wire_tap_is_on(tap));
    ck_assert(!wire_tap_is_on(NULL));
    record(0, 1);
    ck_assert_uint_eq(wire_tap_fetch(tap, 1, &cursor, out, MAX), 0);
    ck_assert(wire_tap_is_on(tap));
    record(2, 2);
    record(3, 3);
    ck_assert_uint_eq(wire_tap_fetch(tap, 4, &cursor, out, MAX), 2);
    ck_assert_uint_eq(out[0].bytes[0], 2);
    ck_assert_int_eq(out[0].t_us, 1002);
    ck_assert(out[0].sent);
    ck_assert_uint_eq(out[1].bytes[0], 3);
    ck_assert_uint_eq(wire_tap_fetch(tap, 5, &cursor, out, MAX), 0);
}
END_TEST

START_TEST(several_look_without_taking_from_each_other)
{
    uint64_t first = 0, second = 0;

    (void)wire_tap_fetch(tap, 0, &first, out, MAX);
    (void)wire_tap_fetch(tap, 0, &second, out, MAX);
    record(1, 1);
    ck_assert_uint_eq(wire_tap_fetch(tap, 2, &first, out, MAX), 1);
    record(3, 2);
    ck_assert_uint_eq(wire_tap_fetch(tap, 4, &second, out, MAX), 2);
    ck_assert_uint_eq(wire_tap_fetch(tap, 4, &first, out, MAX), 1);
}
END_TEST

/* The cursor moves by more than what comes: so a reader counts what was lost. */
START_TEST(the_newest_stay_and_the_cursor_tells_what_is_lost)
{
    uint64_t cursor = 0;

    (void)wire_tap_fetch(tap, 0, &cursor, out, MAX);
    uint64_t before = cursor;
    for (uint32_t i = 0; i < 3 * TAP_RECORDS; i++) {
        record(1, (uint8_t)i);
    }
    size_t got = wire_tap_fetch(tap, 2, &cursor, out, MAX);
    ck_assert_uint_eq(got, TAP_RECORDS);
    ck_assert_uint_eq(cursor - before, 3 * TAP_RECORDS);
    ck_assert_uint_eq(out[got - 1].bytes[0], (uint8_t)(3 * TAP_RECORDS - 1));
}
END_TEST

START_TEST(it_is_off_again_when_nobody_has_looked_for_long)
{
    uint64_t cursor = 0;

    (void)wire_tap_fetch(tap, 0, &cursor, out, MAX);
    record(TAP_FOR_US, 1);
    ck_assert(wire_tap_is_on(tap));
    record(TAP_FOR_US + 1, 2);
    ck_assert(!wire_tap_is_on(tap));
    /* What was kept is gone, and is not told as something new. */
    ck_assert_uint_eq(wire_tap_fetch(tap, TAP_FOR_US + 2, &cursor, out, MAX), 0);
    record(TAP_FOR_US + 3, 3);
    ck_assert_uint_eq(wire_tap_fetch(tap, TAP_FOR_US + 4, &cursor, out, MAX), 1);
    ck_assert_uint_eq(out[0].bytes[0], 3);
}
END_TEST

START_TEST(a_cursor_of_another_daemon_begins_anew)
{
    uint64_t cursor = 1000000;

    ck_assert_uint_eq(wire_tap_fetch(tap, 0, &cursor, out, MAX), 0);
    record(1, 1);
    ck_assert_uint_eq(wire_tap_fetch(tap, 2, &cursor, out, MAX), 1);
}
END_TEST

START_TEST(long_pieces_are_cut_in_several)
{
    uint8_t bytes[3 * sizeof out[0].bytes];
    uint64_t cursor = 0;
    size_t size = 0;

    memset(bytes, 7, sizeof bytes);
    (void)wire_tap_fetch(tap, 0, &cursor, out, MAX);
    wire_tap_record(tap, 1, 1, false, bytes, sizeof bytes);
    size_t count = wire_tap_fetch(tap, 2, &cursor, out, MAX);
    for (size_t i = 0; i < count; i++) {
        ck_assert(!out[i].sent);
        size += out[i].size;
    }
    ck_assert_uint_eq(size, sizeof bytes);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("wire_tap");
    TCase *tc = tcase_create("wire_tap");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_is_kept_before_somebody_looks);
    tcase_add_test(tc, several_look_without_taking_from_each_other);
    tcase_add_test(tc, the_newest_stay_and_the_cursor_tells_what_is_lost);
    tcase_add_test(tc, it_is_off_again_when_nobody_has_looked_for_long);
    tcase_add_test(tc, a_cursor_of_another_daemon_begins_anew);
    tcase_add_test(tc, long_pieces_are_cut_in_several);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
