/* What a bad sample says beside its quality. */
#include <check.h>
#include <string.h>

#include "collectors/collectors.h"
#include "collectors/detail.h"

static const struct {
    enum quality quality;
    uint8_t detail;
    const char *text;
} rows[] = {
    {QUALITY_TIMEOUT, WIRE_TIMEOUT, "timeout"},
    {QUALITY_TIMEOUT, 11, "11"}, /* A gateway's word for it. */
    {QUALITY_TIMEOUT, 0, ""},
    {QUALITY_CRC, WIRE_CRC, "crc"},
    {QUALITY_CRC, WIRE_SHORT, "short"},
    {QUALITY_CRC, WIRE_WRONG_UNIT, "wrong_unit"},
    {QUALITY_CRC, WIRE_MALFORMED, "malformed"},
    {QUALITY_REFUSED, WIRE_REFUSED, "refused"},
    {QUALITY_REFUSED, WIRE_LOST, "lost"},
    {QUALITY_EXCEPTION, 1, "1"},
    {QUALITY_EXCEPTION, 2, "2"},
    {QUALITY_EXCEPTION, 255, "255"},
};

START_TEST(test_a_word_for_each_fault)
{
    char text[DETAIL_BYTES];
    uint8_t back = 99;
    ck_assert_str_eq(detail_write(text, rows[_i].quality, rows[_i].detail),
                     rows[_i].text);
    ck_assert(detail_parse(&back, rows[_i].quality, rows[_i].text));
    ck_assert_uint_eq(back, rows[_i].detail);
}
END_TEST

START_TEST(test_whatever_is_written_reads_back)
{
    for (int q = 0; q < QUALITY_COUNT; q++) {
        for (int detail = 0; detail <= UINT8_MAX; detail++) {
            char text[DETAIL_BYTES];
            uint8_t back = 99;
            (void)detail_write(text, (enum quality)q, (uint8_t)detail);
            ck_assert(detail_parse(&back, (enum quality)q, text));
            ck_assert_int_eq(back, text[0] != '\0' ? detail : 0);
        }
    }
}
END_TEST

START_TEST(test_what_is_no_word_is_not_read)
{
    static const struct {
        enum quality quality;
        const char *text;
    } bad[] = {
        {QUALITY_GOOD, "2"},        {QUALITY_GOOD, "timeout"},
        {QUALITY_STALE, "lost"},    {QUALITY_EXCEPTION, "lost"},
        {QUALITY_EXCEPTION, "256"}, {QUALITY_EXCEPTION, "-1"},
        {QUALITY_EXCEPTION, "02"},  {QUALITY_EXCEPTION, "2 "},
        {QUALITY_TIMEOUT, "3"},     {QUALITY_CRC, "ok"},
        {QUALITY_CRC, "Short"},     {QUALITY_CRC, "short frame"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t out = 99;
        ck_assert_msg(!detail_parse(&out, bad[i].quality, bad[i].text), "%s",
                      bad[i].text);
        ck_assert_uint_eq(out, 99);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("detail");
    TCase *tc = tcase_create("detail");
    tcase_add_loop_test(tc, test_a_word_for_each_fault, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, test_whatever_is_written_reads_back);
    tcase_add_test(tc, test_what_is_no_word_is_not_read);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
