/* A scan, asked of a make-believe line: what it asks, in which order, and what it makes
 * of the answers. */
#include <check.h>
#include <string.h>

#include "collectors/scan.h"

/* Units of the line.  A unit has holding and input registers, each holding `value`, up
 * to and without `end`. */
struct unit {
    bool present, only_input;
    uint8_t says; /* Exception, whatever is asked; 0: none. */
    uint16_t value, end;
    int damaged; /* So many answers cannot be read. */
    bool slow;   /* Answers only the patient. */
};

static struct unit units[SCAN_UNITS_MAX];
static uint32_t asked, patient_asked;
static struct read_answer answer;

static const struct point near_points[] = {
    {.id = "a",
     .table = REG_HOLDING,
     .address = 0,
     .type = TYPE_U16,
     .scaling = {1, 0, 1}},
    {.id = "b",
     .table = REG_HOLDING,
     .address = 9,
     .type = TYPE_U16,
     .scaling = {1, 0, 1}},
};
static const struct point wide_points[] = {
    {.id = "a",
     .table = REG_HOLDING,
     .address = 0,
     .type = TYPE_U16,
     .scaling = {1, 0, 1}},
    {.id = "b",
     .table = REG_HOLDING,
     .address = 1,
     .type = TYPE_U16,
     .scaling = {1, 0, 1}},
    {.id = "c",
     .table = REG_HOLDING,
     .address = 2,
     .type = TYPE_U16,
     .scaling = {1, 0, 1}},
    {.id = "d",
     .table = REG_INPUT,
     .address = 3,
     .type = TYPE_U16,
     .scaling = {1, 0, 1}},
};
static struct profile profiles[] = {
    {.id = "near",
     .points = near_points,
     .point_count = 2,
     .probe = 0,
     .probe_min = 1,
     .probe_max = 10},
    {.id = "none", .points = near_points, .point_count = 2, .probe = NONE_INDEX},
    {.id = "other",
     .points = wide_points,
     .point_count = 4,
     .probe = 0,
     .probe_min = 100,
     .probe_max = 200},
    {.id = "wide",
     .points = wide_points,
     .point_count = 4,
     .probe = 0,
     .probe_min = 5,
     .probe_max = 10},
};
static const struct profile_set set = {.items = profiles, .count = 4};

static void
forget(void)
{
    memset(units, 0, sizeof units);
    asked = patient_asked = 0;
}

static struct wire_result
say(const struct read_request *q, bool patient)
{
    struct unit *u = &units[q->unit];
    struct wire_result res = {.fault = WIRE_TIMEOUT, .took_us = 1000};

    asked++;
    patient_asked += patient;
    if (!u->present || (u->only_input && q->table != REG_INPUT)) {
        return res;
    }
    if (u->damaged > 0 || (u->slow && !patient)) {
        u->damaged -= u->damaged > 0;
        res.fault = WIRE_CRC;
        return res;
    }
    if (u->says != 0 || q->address + q->count > u->end) {
        res.fault = WIRE_EXCEPTION;
        res.exception = u->says != 0 ? u->says : 2;
        return res;
    }
    res.fault = WIRE_OK;
    for (unsigned i = 0; i < q->count; i++) {
        answer.words[i] = u->value;
    }
    return res;
}

/* Asks up to `most` questions of units 1 to `count`. */
static struct scan *
scan_some(uint32_t count, uint32_t most, const struct profile_set *profile_set)
{
    static uint8_t numbers[SCAN_UNITS_MAX];
    struct read_request q;
    bool patient;

    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = (uint8_t)(i + 1);
    }
    struct scan *s = scan_new(numbers, count, false, profile_set);
    ck_assert_ptr_nonnull(s);
    for (uint32_t i = 0; i < most && scan_next(s, &q, &patient); i++) {
        struct wire_result res = say(&q, patient);

        scan_answer(s, &res, &answer);
        uint32_t done, total;
        scan_progress(s, &done, &total);
        ck_assert_uint_eq(done, asked);
        ck_assert_uint_ge(total, done);
    }
    return s;
}

START_TEST(any_answer_is_somebody_but_not_a_gateways_word)
{
    uint32_t count;

    forget();
    units[2] = (struct unit){.present = true, .value = 7, .end = 1};
    units[4] = (struct unit){.present = true, .says = 1};
    units[5] = (struct unit){.present = true, .says = 0x0A};
    units[6] = (struct unit){.present = true, .says = 0x0B};
    struct scan *s = scan_some(6, UINT32_MAX, NULL);
    const struct scan_found *found = scan_found(s, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(found[0].unit, 2);
    ck_assert_uint_eq(found[0].exception, 0);
    ck_assert_uint_eq(found[1].unit, 4);
    ck_assert_uint_eq(found[1].exception, 1);
    ck_assert(!scan_all_answer(s));
    scan_free(s);
}
END_TEST

START_TEST(a_silent_line_is_asked_once_for_each_unit)
{
    uint32_t count;

    forget();
    struct scan *s = scan_some(20, UINT32_MAX, &set);
    (void)scan_found(s, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(asked, 20);
    scan_free(s);
}
END_TEST

START_TEST(who_has_only_input_registers_is_found_beside_others)
{
    uint32_t count;

    forget();
    units[1] = (struct unit){.present = true, .only_input = true, .value = 7, .end = 9};
    units[3] = (struct unit){.present = true, .value = 7, .end = 1};
    struct scan *s = scan_some(3, UINT32_MAX, NULL);
    const struct scan_found *found = scan_found(s, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(found[0].unit, 1); /* In order, though heard later. */
    scan_free(s);
}
END_TEST

START_TEST(damage_is_asked_again_with_patience)
{
    uint32_t count;

    forget();
    units[2] = (struct unit){.present = true, .slow = true, .value = 7, .end = 1};
    struct scan *s = scan_some(4, UINT32_MAX, NULL);
    const struct scan_found *found = scan_found(s, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(found[0].unit, 2);
    ck_assert_uint_eq(scan_damaged(s), 1);
    ck_assert_uint_eq(patient_asked,
                      2); /* And the unit before, whose late answer it may have been. */
    scan_free(s);
}
END_TEST

static const struct match_row {
    const char *name;
    uint16_t value, end;
    const char *want[2];  /* The best first. */
    uint32_t good, tried; /* Of the best. */
} match_rows[] = {
    {"the only one whose probe fits", 3, 20, {"near"}, 2, 2},
    {"of two that fit, the one with more points that answer",
     7,
     20,
     {"wide", "near"},
     4,
     4},
    {"though some of its points do not", 7, 3, {"wide", "near"}, 3, 4},
    {"of equals, the one with fewer that do not", 7, 1, {"near", "wide"}, 1, 2},
    {"no probe fits", 50, 20, {NULL}, 0, 0},
    {"another range of the same place", 150, 20, {"other"}, 4, 4},
};

START_TEST(profiles_are_matched_by_probe_and_points)
{
    const struct match_row *row = &match_rows[_i];
    uint32_t count;

    forget();
    units[1] = (struct unit){.present = true, .value = row->value, .end = row->end};
    struct scan *s = scan_some(1, UINT32_MAX, &set);
    const struct scan_found *f = scan_found(s, &count);
    ck_assert_uint_eq(count, 1);
    for (uint32_t i = 0; i < 2; i++) {
        const char *got =
            i < f->match_count ? profiles[f->matches[i].profile].id : NULL;

        ck_assert_msg(got == row->want[i] || (got != NULL && row->want[i] != NULL &&
                                              strcmp(got, row->want[i]) == 0),
                      "%s: %s", row->name, got != NULL ? got : "-");
    }
    ck_assert_uint_eq(f->matches[0].good, row->good);
    ck_assert_uint_eq(f->matches[0].tried, row->tried);
    scan_free(s);
}
END_TEST

START_TEST(probes_of_one_place_are_one_question)
{
    forget();
    units[1] = (struct unit){.present = true, .value = 50, .end = 20};
    struct scan *s = scan_some(1, UINT32_MAX, &set);
    ck_assert_uint_eq(asked, 2); /* Is it there, and the place of all three probes. */
    scan_free(s);
}
END_TEST

START_TEST(an_endpoint_that_answers_for_all_is_looked_at_once)
{
    uint32_t count;

    forget();
    for (int i = 1; i <= SCAN_ALL_ANSWER_MIN; i++) {
        units[i] = (struct unit){.present = true, .value = 3, .end = 20};
    }
    struct scan *s = scan_some(SCAN_ALL_ANSWER_MIN, UINT32_MAX, &set);
    const struct scan_found *found = scan_found(s, &count);
    ck_assert(scan_all_answer(s));
    ck_assert_uint_eq(count, SCAN_ALL_ANSWER_MIN);
    ck_assert_uint_eq(found[0].match_count, 1);
    ck_assert_uint_eq(found[1].match_count, 0);
    scan_free(s);
}
END_TEST

/* Wherever it is stopped, what is there is in order, and nothing more is asked. */
START_TEST(it_can_be_stopped_anywhere)
{
    struct read_request q;
    uint32_t count;
    bool patient;

    forget();
    units[1] = (struct unit){.present = true, .only_input = true, .value = 7, .end = 9};
    units[2] = (struct unit){.present = true, .value = 7, .end = 20};
    units[3] = (struct unit){.present = true, .value = 7, .end = 2};
    struct scan *s = scan_some(3, (uint32_t)_i, &set);
    scan_stop(s);
    const struct scan_found *found = scan_found(s, &count);
    ck_assert_uint_le(count, 3);
    for (uint32_t i = 1; i < count; i++) {
        ck_assert_uint_gt(found[i].unit, found[i - 1].unit);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t m = 1; m < found[i].match_count; m++) {
            ck_assert_uint_ge(found[i].matches[m - 1].good, found[i].matches[m].good);
        }
    }
    ck_assert(!scan_next(s, &q, &patient));
    scan_free(s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("scan");
    TCase *tc = tcase_create("scan");
    SRunner *runner = srunner_create(suite);
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        profiles[i].title = profiles[i].id;
    }
    tcase_add_test(tc, any_answer_is_somebody_but_not_a_gateways_word);
    tcase_add_test(tc, a_silent_line_is_asked_once_for_each_unit);
    tcase_add_test(tc, who_has_only_input_registers_is_found_beside_others);
    tcase_add_test(tc, damage_is_asked_again_with_patience);
    tcase_add_loop_test(tc, profiles_are_matched_by_probe_and_points, 0,
                        (int)ARRAY_LEN(match_rows));
    tcase_add_test(tc, probes_of_one_place_are_one_question);
    tcase_add_test(tc, an_endpoint_that_answers_for_all_is_looked_at_once);
    tcase_add_loop_test(tc, it_can_be_stopped_anywhere, 0, 24);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
