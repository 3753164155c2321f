/* Records and captures through the points of tests/fake/record_site.h.  A frame is
 * written "MS DEVICE POINT=VALUE POINT:QUALITY;", the time since 2026-03-01T00:00:00Z.
 */
#include <check.h>
#include <stdio.h>

#include "collectors/record_reader.h"
#include "tests/fake/pcap.h"
#include "tests/fake/record_site.h"

#define ORIGIN_MS INT64_C(1772323200000)
#define LINES_MAX 8
#define HEAD_LINE                                                                      \
    "# caretaker-record 1 framing=rtu bus=line line=rtu:/dev/ttyS1,9600,8N1"
#define ASK       " 03 03 0000 0004 +"
#define TELL      " 03 03 08 0007 0001 4366 8000 +"
#define VALUES(t) t " line-3 level=0.7 places=1 power=230.5;"

struct outcome {
    struct strbuf frames, bad; /* "LINE:COLUMN text;" */
    struct record_reader_counts counts;
    char elsewhere[64];
    struct err err;
    int code;
};

static void
keep_bad(void *ctx, const struct loc *loc, const char *text)
{
    struct outcome *o = ctx;

    strbuf_printf(&o->bad, "%u:%u %s;", loc->line, loc->column, text);
}

static void
add_frame(struct strbuf *out, const struct site *site, const struct frame *f)
{
    strbuf_printf(out, "%lld %s", (long long)(f->t_ms - ORIGIN_MS),
                  site->devices[f->device].id);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];

        strbuf_printf(out, " %s", site->points[r->point].id);
        if (r->quality == QUALITY_GOOD) {
            strbuf_add_char(out, '=');
            strbuf_add_number(out, r->value);
        } else {
            strbuf_printf(out, ":%s", quality_name((enum quality)r->quality));
        }
    }
    strbuf_add_char(out, ';');
}

/* `bus` as in record_reader_open(); end with outcome_fini(). */
static void
replay(struct outcome *o, const char *bytes, size_t size, uint32_t bus)
{
    struct site *site = record_site_new();
    struct record_reader *r = NULL;
    char *copy = malloc(size + 1);
    const struct frame *f;

    *o = (struct outcome){0};
    memcpy(copy, bytes, size);
    FILE *file = fmemopen(copy, size, "rb");
    ck_assert_ptr_nonnull(file);
    o->code =
        record_reader_open_file(&r, site, file, "x.rec", bus, keep_bad, o, &o->err);
    while (o->code == 0 && (f = record_reader_next(r)) != NULL) {
        add_frame(&o->frames, site, f);
    }
    if (o->code == 0) {
        o->counts = record_reader_counts(r);
        snprintf(o->elsewhere, sizeof o->elsewhere, "%s", record_reader_elsewhere(r));
        record_reader_close(r);
    }
    site_free(site);
    free(copy);
}

static void
outcome_fini(struct outcome *o)
{
    strbuf_fini(&o->frames);
    strbuf_fini(&o->bad);
}

/* Lines "SECONDS MARK HEX" are expanded to records of 2026-03-01T00:00:0SECONDS; those
 * that begin with "=" stand as they are. */
static const struct row {
    const char *name, *head;
    const char *lines[LINES_MAX];
    const char *frames, *bad;
} rows[] = {
    {"a line", HEAD_LINE, {"0.000 >" ASK, "0.020 <" TELL}, VALUES("20"), ""},
    {"nobody says who spoke",
     HEAD_LINE,
     {"0.000 ?" ASK, "0.020 ?" TELL},
     VALUES("20"),
     ""},
    {"bits, and tenths with a range",
     HEAD_LINE,
     {"0.000 > 03 01 0003 0001 +", "0.010 < 03 01 01 01 +", "1.000 > 03 04 0001 0001 +",
      "1.010 < 03 04 02 00D7 +", "2.000 > 03 04 0001 0001 +",
      "2.010 < 03 04 02 270F +"},
     "10 line-3 running=1;1010 line-3 warm=21.5;2010 line-3 warm:range;",
     ""},
    {"an exception",
     HEAD_LINE,
     {"0.000 >" ASK, "0.020 < 03 83 02 +"},
     "20 line-3 level:exception places:exception power:exception;",
     ""},
    {"a failure that the master asked about again is none",
     HEAD_LINE,
     {"0.000 >" ASK, "0.500 >" ASK, "0.520 <" TELL},
     VALUES("520"),
     ""},
    {"one that it asked again with its next poll is one",
     HEAD_LINE,
     {"0.000 >" ASK, "1.000 >" ASK, "1.020 <" TELL},
     "1000 line-3 level:timeout places:timeout power:timeout;" VALUES("1020"),
     ""},
    {"one that it did not is one",
     HEAD_LINE,
     {"0.000 >" ASK, "0.500 > 03 01 0003 0001 +", "0.510 < 03 01 01 01 +"},
     "500 line-3 level:timeout places:timeout power:timeout;510 line-3 running=1;",
     ""},
    {"decimals that were never read",
     HEAD_LINE,
     {"0.000 > 03 03 0000 0001 +", "0.020 < 03 03 02 0007 +"},
     "20 line-3 level:offline;",
     ""},
    {"a register of no point",
     HEAD_LINE,
     {"0.000 > 03 03 0064 0001 +", "0.020 < 03 03 02 0007 +"},
     "",
     ""},
    {"an endpoint",
     "# caretaker-record 1 framing=tcp bus=net line=tcp:192.0.2.10:502",
     {"0.000 > 0001 0000 0006 03 03 0000 0004",
      "0.020 < 0001 0000 000B 03 03 08 0007 0001 4366 8000"},
     "20 net-3 level=0.7 places=1 power=230.5;",
     ""},
    {"the line is known by its path",
     "# caretaker-record 1 framing=rtu bus=- line=rtu:/dev/ttyS1,19200,8E1",
     {"0.000 >" ASK, "0.020 <" TELL},
     VALUES("20"),
     ""},
    {"broken records are told and left out",
     HEAD_LINE,
     {"=# a remark", "=", "0.000 >" ASK, "=rubbish",
      "=2026-03-01T00:00:00.010000Z ! 03", "0.020 <" TELL, "0.010 >" ASK},
     VALUES("20"),
     "5:1 'rubbish' is no time; 2026-03-01T10:14:30.123456Z is;"
     "6:29 no direction; '>' (sent), '<' (received) or '?' follows the time;"
     "8:1 goes back in time; records stand in order of time;"},
    {"lines end as on Windows",
     HEAD_LINE "\r",
     {"=\r", "0.000 >" ASK, "=\r", "0.020 <" TELL},
     VALUES("20"),
     ""},
};

static void
add_line(struct strbuf *text, const char *line)
{
    uint8_t bytes[256];

    if (line[0] == '=') {
        strbuf_printf(text, "%s\n", line + 1);
        return;
    }
    size_t size = hex_bytes(bytes, line + 7);

    strbuf_printf(text, "2026-03-01T00:00:0%.5s000Z %c ", line, line[6]);
    for (size_t i = 0; i < size; i++) {
        strbuf_printf(text, "%02X", bytes[i]);
    }
    strbuf_add_char(text, '\n');
}

START_TEST(records_become_samples)
{
    const struct row *row = &rows[_i];
    struct strbuf text = {0};
    struct outcome o;

    strbuf_printf(&text, "%s\n", row->head);
    for (size_t i = 0; i < LINES_MAX && row->lines[i] != NULL; i++) {
        add_line(&text, row->lines[i]);
    }
    replay(&o, text.text, text.size, NONE_INDEX);
    ck_assert_msg(o.code == 0, "%s: %s", row->name, o.err.text);
    ck_assert_msg(strcmp(strbuf_text(&o.frames), row->frames) == 0, "%s: %s", row->name,
                  strbuf_text(&o.frames));
    ck_assert_msg(strcmp(strbuf_text(&o.bad), row->bad) == 0, "%s: %s", row->name,
                  strbuf_text(&o.bad));
    strbuf_fini(&text);
    outcome_fini(&o);
}
END_TEST

static const struct {
    const char *text, *want;
} refused[] = {
    {"# caretaker-record 2 framing=rtu bus=- line=x\n", "x.rec:1: version 2"},
    {"# caretaker-record 1 framing=rtu\n", "x.rec:1: the first line is incomplete"},
    {"# caretaker-record 1 framing=rtu bus=cellar line=rtu:/dev/ttyS9,9600,8N1\n",
     "x.rec:1: recorded from bus cellar, which is no bus of the site; --bus ID"},
    {"# caretaker-record 1 framing=rtu bus=- line=rtu:/dev/ttyS9,9600,8N1\n",
     "x.rec:1: recorded from rtu:/dev/ttyS9,9600,8N1, which is no bus"},
};

START_TEST(a_record_that_cannot_be_read_says_why)
{
    struct outcome o;

    replay(&o, refused[_i].text, strlen(refused[_i].text), NONE_INDEX);
    ck_assert_int_eq(o.code, ERR_CONFIG);
    ck_assert_msg(strncmp(o.err.text, refused[_i].want, strlen(refused[_i].want)) == 0,
                  "%s", o.err.text);
    outcome_fini(&o);
}
END_TEST

START_TEST(a_nul_is_an_error_at_its_place_and_hides_nothing)
{
    struct strbuf text = {0};
    struct outcome o;

    strbuf_add(&text, HEAD_LINE "\n");
    add_line(&text, "0.000 >" ASK);
    text.text[text.size - 13] = '\0';
    add_line(&text, "1.000 >" ASK);
    add_line(&text, "1.020 <" TELL);
    replay(&o, text.text, text.size, NONE_INDEX);
    ck_assert_str_eq(strbuf_text(&o.bad), "2:35 no byte; two hex digits each are;");
    ck_assert_str_eq(strbuf_text(&o.frames), VALUES("1020"));
    strbuf_fini(&text);
    outcome_fini(&o);
}
END_TEST

/* ---- captures ---- */

#define PCAP_ASK  "0001 0000 0006 03 03 0000 0004"
#define PCAP_TELL "0001 0000 000B 03 03 08 0007 0001 4366 8000"

static void
replay_capture(struct outcome *o, struct strbuf *b, uint32_t bus)
{
    replay(o, b->text, b->size, bus);
    strbuf_fini(b);
}

START_TEST(a_capture_becomes_samples)
{
    struct strbuf b = {0};
    struct outcome o;

    pcap_begin(&b, 1);
    pcap_segment(&b, 0, true, 100, PCAP_SYN, "");
    pcap_segment(&b, 1, false, 900, PCAP_SYN_ACK, "");
    pcap_segment(&b, 10, true, 101, PCAP_DATA, PCAP_ASK);
    pcap_segment(&b, 11, true, 101, PCAP_DATA, PCAP_ASK); /* Again. */
    pcap_segment(&b, 20, false, 904, PCAP_DATA, "0000 0B 03 03 08 0007 0001 4366 8000");
    pcap_segment(&b, 21, false, 901, PCAP_DATA, "0001 00"); /* Overtaken. */
    replay_capture(&o, &b, NONE_INDEX);
    ck_assert_str_eq(strbuf_text(&o.bad), "");
    ck_assert_str_eq(strbuf_text(&o.frames),
                     "21 net-3 level=0.7 places=1 power=230.5;");
    ck_assert_uint_eq(o.counts.exchanges, 1);
    outcome_fini(&o);
}
END_TEST

START_TEST(a_reset_leaves_a_question_unanswered_but_the_end_of_a_capture_does_not)
{
    struct strbuf b = {0};
    struct outcome o;

    pcap_begin(&b, 1);
    pcap_segment(&b, 10, true, 101, PCAP_DATA, PCAP_ASK);
    if (_i == 1) {
        pcap_segment(&b, 20, false, 901, PCAP_RESET, "");
    }
    replay_capture(&o, &b, NONE_INDEX);
    ck_assert_str_eq(strbuf_text(&o.frames),
                     _i == 1 ? "20 net-3 level:timeout places:timeout power:timeout;"
                             : "");
    outcome_fini(&o);
}
END_TEST

START_TEST(another_endpoint_is_counted_and_named)
{
    struct strbuf b = {0};
    struct outcome o;

    pcap_begin(&b, 1);
    pcap_segment(&b, 10, true, 101, PCAP_DATA, PCAP_ASK);
    pcap_segment(&b, 20, false, 901, PCAP_DATA, PCAP_TELL);
    b.text[24 + 16 + 33] =
        77; /* The server's address: the last byte of each packet's. */
    b.text[24 + 16 + 54 + 12 + 16 + 29] = 77;
    replay_capture(&o, &b, NONE_INDEX);
    ck_assert_str_eq(strbuf_text(&o.frames), "");
    ck_assert_uint_eq(o.counts.elsewhere, 1);
    ck_assert_str_eq(o.elsewhere, "192.0.2.77:502");
    outcome_fini(&o);
}
END_TEST

START_TEST(a_capture_that_breaks_off_gives_what_it_has)
{
    struct strbuf b = {0};
    struct outcome o;

    pcap_begin(&b, 1);
    pcap_segment(&b, 10, true, 101, PCAP_DATA, PCAP_ASK);
    pcap_segment(&b, 20, false, 901, PCAP_DATA, PCAP_TELL);
    pcap_segment(&b, 30, true, 113, PCAP_DATA, PCAP_ASK);
    b.size -= 20;
    replay_capture(&o, &b, NONE_INDEX);
    ck_assert_str_eq(strbuf_text(&o.frames),
                     "20 net-3 level=0.7 places=1 power=230.5;");
    ck_assert_uint_eq(o.counts.bad, 1);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&o.bad), "truncated"));
    outcome_fini(&o);
}
END_TEST

START_TEST(a_capture_of_another_link_is_refused)
{
    struct strbuf b = {0};
    struct outcome o;

    pcap_begin(&b, 105);
    replay_capture(&o, &b, NONE_INDEX);
    ck_assert_int_eq(o.code, ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(o.err.text, "IEEE802_11"));
    ck_assert_ptr_nonnull(strstr(o.err.text, "Ethernet"));
    outcome_fini(&o);
}
END_TEST

/* pcapng: a time that no instant can hold must end the capture, not overflow. */
START_TEST(a_packet_beyond_all_time_ends_a_capture)
{
    static const char *const hex =
        "0A0D0D0A 1C000000 4D3C2B1A 01000000 FFFFFFFFFFFFFFFF 1C000000"
        "01000000 14000000 01000000 00000000 14000000"
        "06000000 24000000 00000000 FFFFFFFF 00000000 04000000 04000000 00000000"
        "24000000";
    uint8_t bytes[256];
    struct outcome o;

    replay(&o, (const char *)bytes, hex_bytes(bytes, hex), NONE_INDEX);
    ck_assert_msg(o.code == 0, "%s", o.err.text);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&o.bad), "1970 to 9999"));
    outcome_fini(&o);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("record_reader");
    TCase *tc = tcase_create("record_reader");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, records_become_samples, 0, (int)ARRAY_LEN(rows));
    tcase_add_loop_test(tc, a_record_that_cannot_be_read_says_why, 0,
                        (int)ARRAY_LEN(refused));
    tcase_add_test(tc, a_nul_is_an_error_at_its_place_and_hides_nothing);
    tcase_add_test(tc, a_capture_becomes_samples);
    tcase_add_loop_test(
        tc, a_reset_leaves_a_question_unanswered_but_the_end_of_a_capture_does_not, 0,
        2);
    tcase_add_test(tc, another_endpoint_is_counted_and_named);
    tcase_add_test(tc, a_capture_that_breaks_off_gives_what_it_has);
    tcase_add_test(tc, a_capture_of_another_link_is_refused);
    tcase_add_test(tc, a_packet_beyond_all_time_ends_a_capture);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
