/* The time of a simulated line: its pace, its silence, and who speaks too early. */
#include <check.h>

#include "collectors/simulator_line.h"

/* At 9,600 baud and 10 bits a character takes 1,041.6 us, and 3.5 of them 3,645 us. */
#define BAUD       9600
#define BITS       10
#define SILENCE_US 3645

struct pace_row {
    const char *name;
    int baud, bits;
    int64_t hundred_us; /* 100 characters. */
    int64_t silence_us;
};

static const struct pace_row pace_rows[] = {
    {"9600 8N1", 9600, 10, 104167, 3645},
    {"9600 8E1", 9600, 11, 114584, 4010},
    {"19200 still counts characters", 19200, 10, 52084, 1822},
    {"above it silence is fixed", 38400, 10, 26042, 1750},
    {"without a pace nothing takes time", 0, 10, 0, 0},
};

START_TEST(characters_take_their_time)
{
    const struct pace_row *row = &pace_rows[_i];
    struct simulator_line l;

    simulator_line_init(&l, row->baud, row->bits, false);
    ck_assert_msg(l.silence_us == row->silence_us, "%s: %lld", row->name,
                  (long long)l.silence_us);
    ck_assert_msg(simulator_line_us(&l, 100) == row->hundred_us, "%s: %lld", row->name,
                  (long long)simulator_line_us(&l, 100));
}
END_TEST

struct heard_row {
    const char *name;
    int64_t after_us; /* The end of the answer before. */
    bool strict, inside;
    enum line_heard want;
};

static const struct heard_row heard_rows[] = {
    {"at once", 0, true, false, LINE_EARLY},
    {"a moment too early", SILENCE_US - 1, true, false, LINE_EARLY},
    {"in time", SILENCE_US, true, false, LINE_HEARD},
    {"the rest of a request", 100, true, true, LINE_HEARD},
    {"a line that does not mind", 0, false, false, LINE_HEARD},
};

START_TEST(silence_comes_before_a_request)
{
    const struct heard_row *row = &heard_rows[_i];
    struct simulator_line l;

    simulator_line_init(&l, BAUD, BITS, row->strict);
    ck_assert_int_eq(simulator_line_receive(&l, 0, 8, false), LINE_HEARD);
    (void)simulator_line_answer(&l, 0, 7);
    ck_assert_msg((int)simulator_line_receive(&l, l.end_us + row->after_us, 8,
                                              row->inside) == (int)row->want,
                  "%s", row->name);
}
END_TEST

START_TEST(one_early_request_is_one_violation_however_many_pieces_it_has)
{
    struct simulator_line l;

    simulator_line_init(&l, BAUD, BITS, true);
    ck_assert_int_eq(simulator_line_receive(&l, 0, 8, false), LINE_HEARD);
    ck_assert_int_eq(simulator_line_receive(&l, l.end_us + 10, 3, false), LINE_EARLY);
    ck_assert_int_eq(simulator_line_receive(&l, l.end_us + 10, 5, false),
                     LINE_EARLY_MORE);
    ck_assert_int_eq(simulator_line_receive(&l, l.end_us + SILENCE_US, 8, false),
                     LINE_HEARD);
    ck_assert_int_eq(simulator_line_receive(&l, l.end_us + 10, 8, false), LINE_EARLY);
}
END_TEST

START_TEST(an_answer_follows_the_request_and_its_silence)
{
    struct simulator_line l;
    int64_t start_us;

    simulator_line_init(&l, BAUD, BITS, true);
    (void)simulator_line_receive(&l, 0, 8, false); /* On the line for 8,334 us. */
    ck_assert_int_eq(l.end_us, 8334);
    start_us = simulator_line_answer(&l, 0, 7);
    ck_assert_int_eq(start_us, 8334 + SILENCE_US);
    ck_assert_int_eq(l.end_us, start_us + 7292);
    /* The next one stands behind it, and one that is ready later waits for itself. */
    ck_assert_int_eq(simulator_line_answer(&l, 0, 7), start_us + 7292 + SILENCE_US);
    ck_assert_int_eq(simulator_line_answer(&l, 900000, 7), 900000);
    /* Given out later than planned, silence begins later. */
    simulator_line_given_out(&l, l.end_us + 500);
    ck_assert_int_eq(
        simulator_line_receive(&l, 900000 + 7292 + 500 + SILENCE_US - 1, 8, false),
        LINE_EARLY);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("simulator_line");
    TCase *tc = tcase_create("line");
    SRunner *r;
    int failed;

    tcase_add_loop_test(tc, characters_take_their_time, 0,
                        (int)(sizeof pace_rows / sizeof pace_rows[0]));
    tcase_add_loop_test(tc, silence_comes_before_a_request, 0,
                        (int)(sizeof heard_rows / sizeof heard_rows[0]));
    tcase_add_test(tc, one_early_request_is_one_violation_however_many_pieces_it_has);
    tcase_add_test(tc, an_answer_follows_the_request_and_its_silence);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
