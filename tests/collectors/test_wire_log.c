/* The text of `caretaker record`: written and read back, and what is wrong with it. */
#include <check.h>
#include <string.h>

#include "collectors/wire_log.h"

#define T_US INT64_C(1772323200123456) /* 2026-03-01T00:00:00.123456Z */

START_TEST(what_is_written_reads_back)
{
    static const uint8_t bytes[] = {1, 3, 0, 0, 0, 2, 0xC4, 0x0B};
    struct strbuf b = {0};
    struct wire_log_record r;
    struct err err;
    uint32_t column;

    wire_log_add_record(&b, T_US, TRAFFIC_SENT, bytes, sizeof bytes);
    ck_assert_str_eq(strbuf_text(&b),
                     "2026-03-01T00:00:00.123456Z > 010300000002C40B\n");
    b.text[b.size - 1] = '\0'; /* A line without its end. */
    ck_assert_int_eq(wire_log_parse_record(&r, b.text, &column, &err), 0);
    ck_assert_int_eq(r.t_us, T_US);
    ck_assert_int_eq(r.way, TRAFFIC_SENT);
    ck_assert_uint_eq(r.size, sizeof bytes);
    ck_assert_mem_eq(r.bytes, bytes, sizeof bytes);
    strbuf_fini(&b);
}
END_TEST

START_TEST(more_than_a_frame_is_several_lines)
{
    uint8_t bytes[WIRE_LOG_BYTES_MAX + 1] = {0};
    struct strbuf b = {0};

    wire_log_add_record(&b, T_US, TRAFFIC_UNKNOWN, bytes, sizeof bytes);
    char *second = strchr(strbuf_text(&b), '\n') + 1;
    ck_assert_str_eq(second, "2026-03-01T00:00:00.123456Z ? 00\n");
    strbuf_fini(&b);
}
END_TEST

START_TEST(a_head_reads_back)
{
    const struct wire_log_head head = {
        .framing = TRAFFIC_TCP, .bus = "net", .line = "tcp:a b:502"};
    const struct wire_log_head bare = {.framing = TRAFFIC_RTU,
                                       .line = "rtu:/dev/ttyS1,9600,8N1"};
    const struct wire_log_head *heads[] = {&head, &bare};
    struct strbuf b = {0};
    struct wire_log_head out;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        strbuf_clear(&b);
        wire_log_add_head(&b, heads[i]);
        ck_assert(wire_log_magic(b.text, b.size));
        b.text[b.size - 1] = '\0';
        ck_assert_int_eq(wire_log_parse_head(&out, b.text, &err), 0);
        ck_assert_int_eq(out.framing, heads[i]->framing);
        ck_assert_str_eq(out.bus, heads[i]->bus);
        ck_assert_str_eq(out.line, heads[i]->line);
    }
    strbuf_fini(&b);
}
END_TEST

static const struct {
    const char *line, *want;
    uint32_t column;
} bad_records[] = {
    {"2026-03-01 > 03", "is no time", 1},
    {"2026-03-01T00:00:00.123Z > 03", "is no time", 1},
    {"2026-13-01T00:00:00.123456Z > 03", "is no time", 1},
    {"2026-03-01T00:00:00.123456Z", "no direction", 28},
    {"2026-03-01T00:00:00.123456Z ! 03", "no direction", 29},
    {"2026-03-01T00:00:00.123456Z > ", "no bytes", 29},
    {"2026-03-01T00:00:00.123456Z > 0", "no byte;", 31},
    {"2026-03-01T00:00:00.123456Z > 030G", "no byte;", 33},
    {"2026-03-01T00:00:00.123456Z > 03 04", "no byte;", 33},
};

START_TEST(a_bad_record_says_where)
{
    struct wire_log_record r;
    struct err err;
    uint32_t column = 0;

    ck_assert_int_eq(wire_log_parse_record(&r, bad_records[_i].line, &column, &err),
                     ERR_CONFIG);
    ck_assert_msg(strstr(err.text, bad_records[_i].want) != NULL, "%s", err.text);
    ck_assert_uint_eq(column, bad_records[_i].column);
}
END_TEST

static const struct {
    const char *line, *want;
} bad_heads[] = {
    {"time,device", "no record"},
    {"# caretaker-record 2 framing=rtu bus=- line=x", "version 2"},
    {"# caretaker-record 1", "incomplete"},
    {"# caretaker-record 1 framing=rtu bus=-", "incomplete"},
    {"# caretaker-record 1 framing=can bus=- line=x", "framing=can; rtu and tcp"},
};

START_TEST(a_bad_head_says_what_is_accepted)
{
    struct wire_log_head head;
    struct err err;

    ck_assert_int_eq(wire_log_parse_head(&head, bad_heads[_i].line, &err), ERR_CONFIG);
    ck_assert_msg(strstr(err.text, bad_heads[_i].want) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_record_of_too_many_bytes_is_refused)
{
    char line[2 * (WIRE_LOG_BYTES_MAX + 1) + 64] = "2026-03-01T00:00:00.123456Z > ";
    size_t at = strlen(line);
    struct wire_log_record r;
    struct err err;
    uint32_t column;

    memset(line + at, '0', 2 * (size_t)WIRE_LOG_BYTES_MAX);
    ck_assert_int_eq(wire_log_parse_record(&r, line, &column, &err), 0);
    memset(line + at, '0', 2 * (size_t)(WIRE_LOG_BYTES_MAX + 1));
    ck_assert_int_eq(wire_log_parse_record(&r, line, &column, &err), ERR_CONFIG);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("wire_log");
    TCase *tc = tcase_create("wire_log");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, what_is_written_reads_back);
    tcase_add_test(tc, more_than_a_frame_is_several_lines);
    tcase_add_test(tc, a_head_reads_back);
    tcase_add_loop_test(tc, a_bad_record_says_where, 0, (int)ARRAY_LEN(bad_records));
    tcase_add_loop_test(tc, a_bad_head_says_what_is_accepted, 0,
                        (int)ARRAY_LEN(bad_heads));
    tcase_add_test(tc, a_record_of_too_many_bytes_is_refused);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
