/* Why a sample is bad, in words, and what went wrong most often. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "daemon/model/sample.h"
#include "daemon/pipeline/causes.h"

static const struct {
    enum quality quality;
    uint8_t detail;
    const char *words;
} samples[] = {
    {QUALITY_GOOD, 0, "good"},
    {QUALITY_GOOD, COUNTER_WRAPPED, "good (counter wrapped)"},
    {QUALITY_GOOD, COUNTER_RESET, "good (counter reset)"},
    {QUALITY_TIMEOUT, 0, "timeout"},
    {QUALITY_TIMEOUT, WIRE_TIMEOUT, "timeout"},
    {QUALITY_TIMEOUT, 11, "timeout (exception 11)"},
    {QUALITY_CRC, 0, "crc"},
    {QUALITY_CRC, WIRE_CRC, "crc"},
    {QUALITY_CRC, WIRE_SHORT, "crc (short frame)"},
    {QUALITY_CRC, WIRE_WRONG_UNIT, "crc (wrong unit)"},
    {QUALITY_CRC, WIRE_MALFORMED, "crc (malformed)"},
    {QUALITY_EXCEPTION, 2, "exception 2"},
    {QUALITY_EXCEPTION, 255, "exception 255"},
    {QUALITY_EXCEPTION, 0, "exception"},
    {QUALITY_REFUSED, WIRE_REFUSED, "refused"},
    {QUALITY_REFUSED, WIRE_LOST, "refused (connection lost)"},
    {QUALITY_RANGE, WIRE_SHORT, "range"}, /* Says nothing there. */
    {QUALITY_STALE, 0, "stale"},
    {QUALITY_SENTINEL, 0, "sentinel"},
};

START_TEST(test_a_sample_says_why)
{
    char out[CAUSE_BYTES];
    ck_assert_str_eq(cause_describe(out, samples[_i].quality, samples[_i].detail),
                     samples[_i].words);
}
END_TEST

START_TEST(test_every_quality_and_detail_fits)
{
    char out[CAUSE_BYTES];
    for (int q = 0; q < QUALITY_COUNT; q++) {
        for (int detail = 0; detail <= UINT8_MAX; detail++) {
            const char *word = quality_name((enum quality)q);
            memset(out, 'x', sizeof out);
            (void)cause_describe(out, (enum quality)q, (uint8_t)detail);
            ck_assert_ptr_nonnull(memchr(out, '\0', sizeof out));
            ck_assert_int_eq(strncmp(out, word, strlen(word)), 0);
        }
    }
}
END_TEST

START_TEST(test_counts_as_json)
{
    struct wire_counts w = {.requests = 100, .errors = 15, .late = 4};
    struct strbuf out = {0};
    strbuf_add_char(&out, '{');
    w.faults[WIRE_OK] = 85;
    w.faults[WIRE_TIMEOUT] = 7;
    w.faults[WIRE_SHORT] = 1;
    w.faults[WIRE_EXCEPTION] = 5;
    w.exceptions[2] = 3;
    w.exceptions[11] = 2;
    w.faults[WIRE_LOST] = 2;
    causes_json(&out, "causes", &w);
    ck_assert_str_eq(strbuf_text(&out),
                     "{\"causes\":{\"timeout\":7,\"crc\":0,\"short\":1,"
                     "\"wrong_unit\":0,\"malformed\":0,\"exception\":{\"2\":3,"
                     "\"11\":2},\"refused\":0,\"lost\":2,\"late\":4}");
    strbuf_fini(&out);
}
END_TEST

START_TEST(test_the_main_cause)
{
    char out[CAUSE_BYTES];
    struct wire_counts w = {.requests = 100};
    w.faults[WIRE_OK] = 100;
    w.late = 3; /* Late answers are no errors of their own. */
    ck_assert_ptr_null(cause_most(out, &w));
    w.faults[WIRE_CRC] = 2;
    ck_assert_str_eq(cause_most(out, &w), "crc");
    w.faults[WIRE_TIMEOUT] = 2;
    ck_assert_str_eq(cause_most(out, &w), "timeout");
    /* Two codes of two are less than one of three. */
    w.faults[WIRE_EXCEPTION] = 4;
    w.exceptions[2] = w.exceptions[3] = 2;
    ck_assert_str_eq(cause_most(out, &w), "timeout");
    w.exceptions[3] = 3;
    ck_assert_str_eq(cause_most(out, &w), "exception 3");
    w.exceptions[0] = 4;
    ck_assert_str_eq(cause_most(out, &w), "exception");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("causes");
    TCase *tc = tcase_create("causes");
    tcase_add_loop_test(tc, test_a_sample_says_why, 0, (int)ARRAY_LEN(samples));
    tcase_add_test(tc, test_every_quality_and_detail_fits);
    tcase_add_test(tc, test_counts_as_json);
    tcase_add_test(tc, test_the_main_cause);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
