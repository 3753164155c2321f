/* The readings of one poll: what counters say beside their value, and what is kept. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collectors/decode.h"
#include "collectors/decoders.h"
#include "collectors/readings.h"

#define POINTS 4

/* energy (u16, counter), load (u16), run_hours (u32, counter), starts (f32, counter) */
static struct point points[POINTS] = {
    {.id = "energy", .address = 0, .type = TYPE_U16, .kind = POINT_COUNTER},
    {.id = "load", .address = 1, .type = TYPE_U16},
    {.id = "run_hours", .address = 2, .type = TYPE_U32, .kind = POINT_COUNTER},
    {.id = "starts", .address = 4, .type = TYPE_F32, .kind = POINT_COUNTER},
};
static struct device device = {.id = "meter", .point_count = POINTS};
static const struct site site = {
    .devices = &device, .device_count = 1, .points = points, .point_count = POINTS};
static struct readings *readings;
static struct decoders decoders;
static struct counter_memory memory[POINTS];
static struct plan_group group;
static struct plan_request request = {
    .table = REG_INPUT, .address = 0, .count = 6, .first = 0, .point_count = POINTS};
static uint32_t order[POINTS] = {0, 1, 2, 3};
static const struct frame *frame;

static void
setup(void)
{
    for (int i = 0; i < POINTS; i++) {
        points[i].table = REG_INPUT;
        points[i].scaling = (struct scaling){1, 0, 1};
        points[i].decimals_from = NONE_INDEX;
        memory[i] = (struct counter_memory){0, false, 0, 0};
    }
    group.order = order;
    group.point_count = POINTS;
    ck_assert_int_eq(decoders_init(&decoders, &site, &(struct err){0}), 0);
    readings = readings_new(&site, &decoders, POINTS, 0);
    ck_assert_ptr_nonnull(readings);
}

static void
teardown(void)
{
    readings_free(readings);
    decoders_fini(&decoders);
}

/* One poll that reads these values. */
static void
poll(double energy, double load, double run_hours, double starts)
{
    struct read_answer answer = {{0}, {0}};
    const double values[POINTS] = {energy, load, run_hours, starts};
    for (int i = 0; i < POINTS; i++) {
        encode_words(&answer.words[points[i].address], &points[i], values[i]);
    }
    readings_begin(readings, &device, NULL, memory);
    readings_decode(readings, &group, &request, &answer);
    frame = readings_finish(readings);
    ck_assert_uint_eq(frame->count, POINTS);
    for (int i = 0; i < POINTS; i++) {
        ck_assert(frame->readings[i].quality == QUALITY_GOOD &&
                  frame->readings[i].value == values[i]);
    }
}

static void
check_details(int energy, int load, int run_hours, int starts)
{
    ck_assert_int_eq(frame->readings[0].detail, energy);
    ck_assert_int_eq(frame->readings[1].detail, load);
    ck_assert_int_eq(frame->readings[2].detail, run_hours);
    ck_assert_int_eq(frame->readings[3].detail, starts);
}

START_TEST(test_counters_say_when_they_wrap_or_begin_anew)
{
    ck_assert_uint_eq(readings_counters(&decoders, &device), 3);
    poll(65530, 900, 1000, 50);
    check_details(0, 0, 0, 0); /* There is nothing to compare with. */
    poll(65534, 100, 1001, 51);
    check_details(0, 0, 0, 0);
    poll(3, 900, 4, 51);
    check_details(COUNTER_WRAPPED, 0, COUNTER_RESET, 0);
    poll(4, 100, 5, 2);
    check_details(0, 0, 0, COUNTER_RESET);
    poll(4, 100, 5, 2);
    check_details(0, 0, 0, 0);
}
END_TEST

START_TEST(test_a_bad_sample_between_does_not_hide_a_reset)
{
    poll(500, 0, 1000, 50);
    readings_begin(readings, &device, NULL, memory);
    readings_mark(readings, &group, &request, QUALITY_TIMEOUT, WIRE_TIMEOUT);
    frame = readings_finish(readings);
    check_details(WIRE_TIMEOUT, WIRE_TIMEOUT, WIRE_TIMEOUT, WIRE_TIMEOUT);
    poll(2, 0, 1000, 50);
    check_details(COUNTER_RESET, 0, 0, 0);
}
END_TEST

START_TEST(test_a_counter_that_is_not_in_the_frame_is_kept)
{
    struct plan_request part = request;
    poll(500, 0, 1000, 50);
    part.point_count = 2; /* energy and load only. */
    struct read_answer answer = {{400, 7}, {0}};
    readings_begin(readings, &device, NULL, memory);
    readings_decode(readings, &group, &part, &answer);
    frame = readings_finish(readings);
    ck_assert_uint_eq(frame->count, 2);
    ck_assert_int_eq(frame->readings[0].detail, COUNTER_RESET);
    poll(400, 0, 999, 50);
    check_details(0, 0, COUNTER_RESET, 0);
}
END_TEST

START_TEST(test_without_memory_nothing_is_said)
{
    poll(500, 0, 1000, 50);
    struct read_answer answer = {{1}, {0}};
    readings_begin(readings, &device, NULL, NULL);
    readings_decode(readings, &group, &request, &answer);
    frame = readings_finish(readings);
    check_details(0, 0, 0, 0);
}
END_TEST

START_TEST(test_a_bit_and_a_made_point_are_no_counters)
{
    points[0].type = TYPE_BOOL;
    points[2].table = REG_NONE;
    decoders_fini(&decoders);
    ck_assert_int_eq(decoders_init(&decoders, &site, &(struct err){0}), 0);
    ck_assert_uint_eq(readings_counters(&decoders, &device), 1);
    points[0].type = TYPE_U16;
}
END_TEST

static void
add_by_hand(void)
{
    readings_set(readings, 3, 1.0, QUALITY_GOOD, 0);
}

static void
add_a_fault(void)
{
    readings_mark(readings, &group, &request, QUALITY_TIMEOUT, WIRE_TIMEOUT);
}

static void
add_an_answer(void)
{
    struct read_answer answer = {{1}, {0}};

    readings_decode(readings, &group, &request, &answer);
}

static void
finish_again(void)
{
    readings_finish(readings);
}

/* The frame was closed up in its place: a reading that came later would stand in that
 * of another point. */
START_TEST(test_nothing_is_added_to_a_frame_that_was_taken)
{
    static void (*const ways[])(void) = {add_by_hand, add_a_fault, add_an_answer,
                                         finish_again};
    int status = 0;

    readings_begin(readings, &device, NULL, NULL);
    readings_set(readings, 1, 7.0, QUALITY_GOOD, 0);
    frame = readings_finish(readings);
    ck_assert_uint_eq(frame->count, 1);
    ck_assert_uint_eq(frame->readings[0].point, 1);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        fclose(stderr);
        ways[_i]();
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    poll(1, 2, 3, 4); /* And a new one may be begun. */
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("readings");
    TCase *tc = tcase_create("readings");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_counters_say_when_they_wrap_or_begin_anew);
    tcase_add_test(tc, test_a_bad_sample_between_does_not_hide_a_reset);
    tcase_add_test(tc, test_a_counter_that_is_not_in_the_frame_is_kept);
    tcase_add_test(tc, test_without_memory_nothing_is_said);
    tcase_add_test(tc, test_a_bit_and_a_made_point_are_no_counters);
    tcase_add_loop_test(tc, test_nothing_is_added_to_a_frame_that_was_taken, 0, 4);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
