/* How guessing is slowed down; the clock is turned by hand. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/pipeline/people/login_limit.h"

#define HERE "192.0.2.7"

static struct login_limit *limit;
static int64_t now_ms;

static void
setup(void)
{
    limit = login_limit_new();
    now_ms = 1000000;
}

static void
teardown(void)
{
    login_limit_free(limit);
}

static int64_t
ask(const char *user, const char *remote)
{
    return login_limit_ask(limit, user, remote, now_ms);
}

START_TEST(five_failures_are_free_then_the_wait_doubles_up_to_15_minutes)
{
    static const int64_t waits_s[] = {10, 20, 40, 80, 160, 320, 640, 900, 900, 900};
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(waits_s); i++) {
        ck_assert_int_eq(ask("li", HERE), waits_s[i] * 1000);
        /* To ask too early does not make it longer. */
        now_ms += 1000;
        ck_assert_int_eq(ask("li", HERE), waits_s[i] * 1000 - 1000);
        now_ms += waits_s[i] * 1000 - 1001;
        ck_assert_int_eq(ask("li", HERE), 1);
        now_ms += 1;
        ck_assert_int_eq(ask("li", HERE), 0);
    }
}
END_TEST

START_TEST(a_user_is_held_up_from_any_address_and_an_address_for_any_user)
{
    char text[32];
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        snprintf(text, sizeof text, "192.0.2.%d", 100 + i);
        ck_assert_int_eq(ask("li", text), 0);
        snprintf(text, sizeof text, "user-%d", i);
        ck_assert_int_eq(ask(text, HERE), 0);
    }
    ck_assert_int_eq(ask("li", "198.51.100.1"), LOGIN_LIMIT_FIRST_MS);
    ck_assert_int_eq(ask("zhang", HERE), LOGIN_LIMIT_FIRST_MS);
    ck_assert_int_eq(ask("zhang", "198.51.100.1"), 0);
}
END_TEST

START_TEST(the_right_password_frees_the_user_but_washes_no_address)
{
    for (int i = 0; i < LOGIN_LIMIT_FREE - 1; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
    }
    ck_assert_int_eq(ask("li", HERE), 0);
    login_limit_passed(limit, "li", HERE, now_ms);
    ck_assert_int_eq(ask("li", "198.51.100.1"), 0); /* Its first of five again. */
    /* Four failures of the address are still there: one more is free. */
    ck_assert_int_eq(ask("zhang", HERE), 0);
    ck_assert_int_eq(ask("zhang", HERE), LOGIN_LIMIT_FIRST_MS);
}
END_TEST

/* A row of wrong passwords for him, from everywhere, shuts nobody out where he is. */
START_TEST(who_logged_in_here_before_is_held_up_by_nobody_else)
{
    char text[32];
    ck_assert_int_eq(ask("li", HERE), 0);
    login_limit_passed(limit, "li", HERE, now_ms);
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        ck_assert_int_eq(ask("li", text), 0);
    }
    ck_assert_int_gt(ask("li", "203.0.113.1"), 0);
    ck_assert_int_eq(ask("li", HERE), 0);
    login_limit_passed(limit, "li", HERE, now_ms);
    ck_assert_int_gt(ask("li", "203.0.113.1"), 0); /* That washed nothing. */
    /* Nobody else is known there, and who guesses there is slowed down. */
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
    }
    ck_assert_int_eq(ask("li", HERE), LOGIN_LIMIT_FIRST_MS);
    now_ms += LOGIN_LIMIT_KNOWN_MS;
    (void)ask("li", "203.0.113.2");
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        (void)ask("li", text);
    }
    ck_assert_int_gt(ask("li", HERE), 0); /* It is too long ago. */
}
END_TEST

START_TEST(many_that_are_known_have_the_places_of_the_oldest)
{
    char text[32];
    for (int i = 0; i < 2 * LOGIN_LIMIT_SLOTS; i++) {
        snprintf(text, sizeof text, "net-%d", i);
        ck_assert_int_eq(ask("li", text), 0);
        login_limit_passed(limit, "li", text, ++now_ms);
    }
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        (void)ask("li", text);
    }
    ck_assert_int_gt(ask("li", "net-1"), 0);
    snprintf(text, sizeof text, "net-%d", 2 * LOGIN_LIMIT_SLOTS - 1);
    ck_assert_int_eq(ask("li", text), 0);
}
END_TEST

/* Who logs in rightly all day is never held up. */
START_TEST(right_passwords_are_never_held_up)
{
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
        login_limit_passed(limit, "li", HERE, now_ms);
    }
}
END_TEST

START_TEST(an_hour_of_quiet_is_forgotten)
{
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
    }
    ck_assert_int_gt(ask("li", HERE), 0);
    now_ms += LOGIN_LIMIT_QUIET_MS;
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
    }
    ck_assert_int_eq(ask("li", HERE), LOGIN_LIMIT_FIRST_MS);
}
END_TEST

START_TEST(many_addresses_do_not_push_out_a_user_nor_one_that_is_held_up)
{
    char text[32];
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        ck_assert_int_eq(ask("li", HERE), 0);
    }
    for (int i = 0; i < 5 * LOGIN_LIMIT_SLOTS; i++) {
        snprintf(text, sizeof text, "host-%d", i);
        ck_assert_int_eq(ask("someone", text) > 0, i >= LOGIN_LIMIT_FREE);
    }
    for (int i = 0; i < 5 * LOGIN_LIMIT_SLOTS; i++) {
        char user[32];
        snprintf(text, sizeof text, "net-%d", i);
        snprintf(user, sizeof user, "user-%d", i);
        ck_assert_int_eq(ask(user, text), 0);
    }
    ck_assert_int_eq(ask("li", "198.51.100.1"), LOGIN_LIMIT_FIRST_MS);
    ck_assert_int_eq(ask("zhang", HERE), LOGIN_LIMIT_FIRST_MS);
}
END_TEST

/* Addresses that are one, and others. */
static const struct {
    const char *a, *b;
    bool same;
} addresses[] = {
    {"2001:db8:1:2::1", "2001:db8:1:2:ffff:1:2:3", true},
    {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
    {"[2001:db8:1:2::1]", "[2001:db8:1:2::2]", true},
    {"[2001:db8:1:2::1]", "[2001:db8:1:3::1]", false},
    {"192.0.2.1", "192.0.2.2", false},
    {"::ffff:192.0.2.1", "192.0.2.1", true},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
    {"fe80::1%eth0", "fe80::2%eth1", true},
    {"", "192.0.2.1", false},
};

START_TEST(a_network_of_ipv6_is_one_address)
{
    char user[32];
    for (int i = 0; i < LOGIN_LIMIT_FREE; i++) {
        snprintf(user, sizeof user, "user-%d", i);
        ck_assert_int_eq(ask(user, addresses[_i].a), 0);
    }
    ck_assert_int_eq(ask("zhang", addresses[_i].b),
                     addresses[_i].same ? LOGIN_LIMIT_FIRST_MS : 0);
}
END_TEST

START_TEST(failures_are_told_once_a_minute_and_user)
{
    ck_assert(login_limit_tells(limit, "li", now_ms));
    ck_assert(!login_limit_tells(limit, "li", now_ms));
    ck_assert(login_limit_tells(limit, "zhang", now_ms));
    ck_assert(login_limit_tells(limit, NULL, now_ms));
    ck_assert(!login_limit_tells(limit, NULL, now_ms + LOGIN_TELL_MS - 1));
    ck_assert(!login_limit_tells(limit, "li", now_ms + LOGIN_TELL_MS - 1));
    ck_assert(login_limit_tells(limit, "li", now_ms + LOGIN_TELL_MS));
    ck_assert(!login_limit_tells(limit, "li", now_ms + LOGIN_TELL_MS));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("login limit");
    TCase *tc = tcase_create("login limit");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, five_failures_are_free_then_the_wait_doubles_up_to_15_minutes);
    tcase_add_test(tc, a_user_is_held_up_from_any_address_and_an_address_for_any_user);
    tcase_add_test(tc, the_right_password_frees_the_user_but_washes_no_address);
    tcase_add_test(tc, who_logged_in_here_before_is_held_up_by_nobody_else);
    tcase_add_test(tc, many_that_are_known_have_the_places_of_the_oldest);
    tcase_add_test(tc, right_passwords_are_never_held_up);
    tcase_add_test(tc, an_hour_of_quiet_is_forgotten);
    tcase_add_test(tc, many_addresses_do_not_push_out_a_user_nor_one_that_is_held_up);
    tcase_add_loop_test(tc, a_network_of_ipv6_is_one_address, 0,
                        (int)ARRAY_LEN(addresses));
    tcase_add_test(tc, failures_are_told_once_a_minute_and_user);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
