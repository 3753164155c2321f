#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/instant.h"

#define T0  1772360070000LL /* 2026-03-01T10:14:30Z */
#define BAD INSTANT_NONE

/* Berlin springs forward on 2026-03-29 at 02:00 (01:00Z), back on 2026-10-25 at 03:00
 * (01:00Z). */
static const struct {
    const char *zone;
    const char *text;
    int64_t t_ms;
} instants[] = {
    {"UTC", "2026-03-01T10:14:30Z", T0},
    {"UTC", "2026-03-01T10:14:30.000Z", T0},
    {"UTC", "2026-03-01t10:14:30z", T0},
    {"UTC", "2026-03-01 10:14:30Z", T0},
    {"UTC", "2026-03-01T18:14:30+08:00", T0},
    {"UTC", "2026-03-01T18:14:30+0800", T0},
    {"UTC", "2026-03-01T06:44:30-03:30", T0},
    {"UTC", "2026-03-01T10:14:30.5Z", T0 + 500},
    {"UTC", "2026-03-01T10:14:30.1239999Z", T0 + 123},
    {"UTC", "2026-03-01 10:14:30", T0},
    {"UTC", "2026-03-01 10:14", T0 - 30000},
    {"UTC", "2026-03-01", 1772323200000LL},
    {"UTC", "1970-01-01", 0},
    {"UTC", "1969-12-31 23:59:59.999", -1},
    {"UTC", "2024-02-29", 1709164800000LL},
    {"UTC", "9999-12-31T23:59:59.999Z", 253402300799999LL},
    {"Asia/Shanghai", "2026-03-01 18:14:30", T0},
    {"Asia/Shanghai", "2026-03-01", 1772294400000LL},
    {"Asia/Shanghai", "2026-03-01T10:14:30Z", T0},
    {"Europe/Berlin", "2026-03-29 01:59:59", 1774745999000LL},
    {"Europe/Berlin", "2026-03-29 03:00:00", 1774746000000LL},
    {"Europe/Berlin", "2026-07-01 12:00", 1782900000000LL},
    {"Europe/Berlin", "2026-10-25 03:00:00", 1792893600000LL},
    {"Europe/Berlin", "2026-12-01 12:00", 1796122800000LL},
    {"Asia/Kolkata", "2026-03-01 15:44:30", T0},
    {"UTC", "", BAD},
    {"UTC", "yesterday", BAD},
    {"UTC", "2026-3-1", BAD},
    {"UTC", "2026-02-29", BAD},
    {"UTC", "2026-13-01", BAD},
    {"UTC", "2026-00-01", BAD},
    {"UTC", "2026-01-00", BAD},
    {"UTC", "2026-04-31", BAD},
    {"UTC", "2026-03-01 24:00:00", BAD},
    {"UTC", "2026-03-01 10:60:00", BAD},
    {"UTC", "2026-03-01 10", BAD},
    {"UTC", "2026-03-01 10:14:30 ", BAD},
    {"UTC", "2026-03-01 10:14:30.", BAD},
    {"UTC", "2026-03-01T10:14:30+8", BAD},
    {"UTC", "2026-03-01T10:14:30+24:00", BAD},
    {"UTC", "2026-03-01T10:14:30Zjunk", BAD},
    {"UTC", "0000-01-01", BAD},
    {"UTC", "now", BAD},
};

START_TEST(instants_are_read)
{
    instant_zone_set(instants[_i].zone);
    int64_t t_ms = 42;
    struct err err = {0};
    int code = instant_parse(&t_ms, instants[_i].text, &err);
    if (instants[_i].t_ms == BAD) {
        ck_assert_msg(code == ERR_RANGE, "\"%s\" was taken", instants[_i].text);
        ck_assert_int_eq(t_ms, 42);
        ck_assert_ptr_nonnull(strstr(err.text, "an instant is 2026-03-01T10:14:30Z"));
    } else {
        ck_assert_msg(code == 0, "\"%s\": %s", instants[_i].text, err.text);
        ck_assert_msg(t_ms == instants[_i].t_ms, "\"%s\" in %s gave %lld",
                      instants[_i].text, instants[_i].zone, (long long)t_ms);
    }
}
END_TEST

START_TEST(every_utc_text_reads_back)
{
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        int64_t t_ms = (int64_t)seed * 1000 - 900000000000LL + (int64_t)(seed % 1000);
        char text[INSTANT_TEXT_BYTES];
        int64_t back = 0;
        ck_assert_int_eq(instant_parse(&back, instant_format_utc(text, t_ms), NULL), 0);
        ck_assert_int_eq(back, t_ms);
    }
}
END_TEST

/* Each local hour of a year in a zone with summer time, against the C library alone;
 * hours that exist twice or never are left to it. */
START_TEST(local_times_agree_with_the_zone)
{
    static const char *const zones[] = {"Europe/Berlin", "America/New_York",
                                        "Asia/Kolkata", "Asia/Shanghai"};
    instant_zone_set(zones[_i]);
    for (int64_t t_ms = 1767225600000LL; t_ms < 1798761600000LL; t_ms += 1800000) {
        char text[INSTANT_TEXT_BYTES];
        int64_t back = 0;
        ck_assert_int_eq(instant_parse(&back, instant_format_local(text, t_ms), NULL),
                         0);
        char again[INSTANT_TEXT_BYTES];
        ck_assert_str_eq(instant_format_local(again, back), text);
        bool doubled = back != t_ms;
        ck_assert(!doubled || llabs(back - t_ms) == 3600000);
    }
}
END_TEST

START_TEST(people_read_local_time)
{
    char text[INSTANT_TEXT_BYTES];
    instant_zone_set("Asia/Shanghai");
    ck_assert_str_eq(instant_format_local(text, T0 + 999), "2026-03-01 18:14:30");
    ck_assert_str_eq(instant_format_local(text, -1), "1970-01-01 07:59:59");
    ck_assert_str_eq(instant_format_utc(text, T0 + 7), "2026-03-01T10:14:30.007Z");
    ck_assert_str_eq(instant_format_utc(text, -1), "1969-12-31T23:59:59.999Z");
    ck_assert_uint_lt(strlen(instant_format_utc(text, INT64_MAX)), INSTANT_TEXT_BYTES);
    ck_assert_uint_lt(strlen(instant_format_utc(text, INT64_MIN)), INSTANT_TEXT_BYTES);
}
END_TEST

START_TEST(zones_are_known_or_not)
{
    ck_assert(instant_zone_known("Asia/Shanghai"));
    ck_assert(instant_zone_known("UTC"));
    ck_assert(!instant_zone_known("Asia/Shanghay"));
    ck_assert(!instant_zone_known("Asia"));
    ck_assert(!instant_zone_known(""));
    ck_assert(!instant_zone_known("../../etc/passwd"));
    ck_assert(!instant_zone_known("/etc/localtime"));
}
END_TEST

static const struct {
    const char *text;
    int64_t t_ms;
} relatives[] = {{"now", T0},
                 {"-1h", T0 - 3600000},
                 {"+90s", T0 + 90000},
                 {"-2y", T0 - 2 * 365 * 86400000LL},
                 {"2026-03-01T10:14:30Z", T0},
                 {"-", BAD},
                 {"-1", BAD},
                 {"1h", BAD}};

START_TEST(ages_are_relative_to_now)
{
    int64_t t_ms = 42;
    struct err err = {0};
    int code = instant_parse_relative(&t_ms, relatives[_i].text, T0, &err);
    ck_assert_int_eq(code, relatives[_i].t_ms == BAD ? ERR_RANGE : 0);
    ck_assert_int_eq(t_ms, relatives[_i].t_ms == BAD ? 42 : relatives[_i].t_ms);
}
END_TEST

static const struct {
    const char *text;
    int64_t t_ms;
} log_times[] = {{"1772360070", T0},
                 {"1772360070.5", T0 + 500},
                 {"1772360070000", T0},
                 {"1772360070123", T0 + 123},
                 {"-1", -1000},
                 {"0", 0},
                 {"2026-03-01T10:14:30Z", T0},
                 {"12345678901234567890", BAD},
                 {"999999999999999", BAD},
                 {"1772360070s", BAD},
                 {"1e9", BAD},
                 {"", BAD}};

START_TEST(logs_may_count_from_the_epoch)
{
    int64_t t_ms = 42;
    int code = instant_parse_log(&t_ms, log_times[_i].text, NULL);
    ck_assert_msg(code == (log_times[_i].t_ms == BAD ? ERR_RANGE : 0), "\"%s\"",
                  log_times[_i].text);
    ck_assert_int_eq(t_ms, log_times[_i].t_ms == BAD ? 42 : log_times[_i].t_ms);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;
} durations[] = {{"300ms", 300},
                 {"5s", 5000},
                 {"10m", 600000},
                 {"2h", 7200000},
                 {"15d", 15 * 86400000LL},
                 {"2y", 730 * 86400000LL},
                 {"0s", 0},
                 {"0", BAD},
                 {"5", BAD},
                 {"", BAD},
                 {"s", BAD},
                 {"5 s", BAD},
                 {" 5s", BAD},
                 {"5sec", BAD},
                 {"-5s", BAD},
                 {"+5s", BAD},
                 {"1.5h", BAD},
                 {"0x5s", BAD},
                 {"99999999999999999999s", BAD},
                 {"9999999999999h", BAD}};

START_TEST(durations_are_read)
{
    int64_t ms = 42;
    int code = duration_parse(&ms, durations[_i].text, NULL);
    ck_assert_msg(code == (durations[_i].ms == BAD ? ERR_RANGE : 0), "\"%s\"",
                  durations[_i].text);
    ck_assert_int_eq(ms, durations[_i].ms == BAD ? 42 : durations[_i].ms);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} spoken[] = {{0, "0s"},
              {300, "300ms"},
              {999, "999ms"},
              {5000, "5s"},
              {5300, "5s"},
              {1800000, "30m"},
              {3900000, "1h 5m"},
              {7200000, "2h"},
              {7201000, "2h"},
              {90061000, "1d 1h"},
              {366 * 86400000LL, "1y 1d"},
              {-90000, "-1m 30s"}};

START_TEST(durations_are_spoken_in_two_units)
{
    char text[INSTANT_TEXT_BYTES];
    ck_assert_str_eq(duration_format(text, spoken[_i].ms), spoken[_i].text);
}
END_TEST

START_TEST(a_duration_is_written_exactly)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0ms"},           {7, "7ms"},        {1000, "1s"},
                {1500, "1500ms"},     {59000, "59s"},    {60000, "1m"},
                {90000, "90s"},       {3600000, "1h"},   {5400000, "90m"},
                {86400000, "1d"},     {90000000, "25h"}, {31536000000, "1y"},
                {31622400000, "366d"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[INSTANT_TEXT_BYTES];
        int64_t back = -1;
        ck_assert_str_eq(duration_write(text, rows[i].ms), rows[i].text);
        ck_assert_int_eq(duration_parse(&back, text, NULL), 0);
        ck_assert_int_eq(back, rows[i].ms);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("instant");
    TCase *tc = tcase_create("instants and durations");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, instants_are_read, 0, (int)ARRAY_LEN(instants));
    tcase_add_test(tc, every_utc_text_reads_back);
    tcase_add_loop_test(tc, local_times_agree_with_the_zone, 0, 4);
    tcase_add_test(tc, people_read_local_time);
    tcase_add_test(tc, zones_are_known_or_not);
    tcase_add_loop_test(tc, ages_are_relative_to_now, 0, (int)ARRAY_LEN(relatives));
    tcase_add_loop_test(tc, logs_may_count_from_the_epoch, 0,
                        (int)ARRAY_LEN(log_times));
    tcase_add_loop_test(tc, durations_are_read, 0, (int)ARRAY_LEN(durations));
    tcase_add_loop_test(tc, durations_are_spoken_in_two_units, 0,
                        (int)ARRAY_LEN(spoken));
    tcase_add_test(tc, a_duration_is_written_exactly);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
