#include <check.h>
#include <stdlib.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/queue.h"

/* 0 feeds 1 and 2, which feeds 3; 4 says itself, and what it feeds is in that.  Care
 * is told by 1, 3 and 5, and is that of all that feeds them. */
static struct device devices[] = {
    {.id = "a", .parent = NONE_INDEX},
    {.id = "b", .parent = 0, .serves = 10, .care = 1},
    {.id = "c", .parent = 0},
    {.id = "d", .parent = 2, .serves = 20, .care = 2},
    {.id = "e", .parent = 0, .serves = 50},
    {.id = "f", .parent = 4, .serves = 40, .care = 5},
};
static const struct site site = {.devices = devices,
                                 .device_count = ARRAY_LEN(devices)};

START_TEST(homes_are_its_own_or_those_of_what_it_feeds)
{
    static const struct queue_need expected[] = {{80, 8}, {10, 1}, {20, 2},
                                                 {20, 2}, {50, 5}, {40, 5}};
    struct queue_need *needs = queue_needs(&site);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        ck_assert_int_eq(needs[i].homes, expected[i].homes);
        ck_assert_int_eq(needs[i].care, expected[i].care);
    }
    struct ticket gone = {.number = 1, .device = "gone"};
    ck_assert_int_eq(queue_place_of(&site, needs, &gone).need.homes, 0);
    free(needs);
}
END_TEST

/* In their order. */
static const struct queue_place places[] = {
    {false, SEVERITY_CRITICAL, {5, 0}, 900, 7},
    {false, SEVERITY_CRITICAL, {0, 9}, 100, 8},
    {false, SEVERITY_URGENT, {9, 0}, 500, 9},
    {false, SEVERITY_URGENT, {9, 0}, 600, 6},
    {false, SEVERITY_NORMAL, {99, 0}, 100, 5},
    {false, SEVERITY_NORMAL, {9, 3}, 80, 10},
    {false, SEVERITY_NORMAL, {9, 1}, 70, 11},
    {false, SEVERITY_NORMAL, {9, 0}, 50, 3},
    {false, SEVERITY_NORMAL, {9, 0}, 50, 4},
    {true, SEVERITY_NORMAL, {0, 9}, 90, 1},
    {true, SEVERITY_CRITICAL, {99, 0}, 10, 2},
};

START_TEST(safety_then_homes_then_care_then_first_come)
{
    for (int i = 0; i < (int)ARRAY_LEN(places); i++) {
        for (int k = 0; k < (int)ARRAY_LEN(places); k++) {
            int by = queue_compare(&places[i], &places[k]);
            ck_assert_int_eq((by > 0) - (by < 0), (i > k) - (i < k));
        }
    }
}
END_TEST

static const struct {
    const char *what;
    enum ticket_state state;
    bool responded;
    int64_t respond_by, resolve_by;
    bool overdue;
} lates[] = {
    {"both ahead", TICKET_OPENED, false, 101, 200, false},
    {"nobody came in time", TICKET_OPENED, false, 100, 200, true},
    {"somebody came", TICKET_RESPONDED, true, 100, 200, false},
    {"not resolved in time", TICKET_RESPONDED, true, 50, 100, true},
    {"it waits", TICKET_WAITING, true, 50, 100, false},
    {"it waits, but nobody came", TICKET_WAITING, false, 50, 100, true},
    {"resolved", TICKET_RESOLVED, false, 50, 100, false},
    {"closed", TICKET_CLOSED, false, 50, 100, false},
};

START_TEST(a_missed_deadline_that_still_runs_is_overdue)
{
    struct ticket t = {.state = lates[_i].state,
                       .responded_ms = lates[_i].responded ? 40 : INSTANT_NONE,
                       .respond_by_ms = lates[_i].respond_by,
                       .resolve_by_ms = lates[_i].resolve_by};
    ck_assert_msg(queue_is_overdue(&t, 100) == lates[_i].overdue, "%s", lates[_i].what);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("queue");
    TCase *tc = tcase_create("queue");
    tcase_add_test(tc, homes_are_its_own_or_those_of_what_it_feeds);
    tcase_add_test(tc, safety_then_homes_then_care_then_first_come);
    tcase_add_loop_test(tc, a_missed_deadline_that_still_runs_is_overdue, 0,
                        (int)ARRAY_LEN(lates));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
