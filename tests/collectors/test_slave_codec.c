/* The codec of a Modbus slave, against frames written out by hand. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/slave_codec.h"
#include "daemon/base/err.h"

static size_t
unhex(uint8_t *out, const char *hex)
{
    size_t n = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            char two[3] = {hex[0], hex[1], '\0'};

            out[n++] = (uint8_t)strtoul(two, NULL, 16);
            hex++;
        }
    }
    return n;
}

struct parse_row {
    const char *name;
    enum slave_framing framing;
    const char *bytes;
    bool gap;
    enum slave_parse want;
    size_t used;
    struct slave_request request;
};

static const struct parse_row parse_rows[] = {
    {"a TCP read of holding registers",
     SLAVE_TCP,
     "0001 0000 0006 11 03 006B 0003",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 3, 0x6B, 3, 0}},
    {"a TCP header that is not whole",
     SLAVE_TCP,
     "0001 0000 0006",
     false,
     SLAVE_MORE,
     0,
     {0}},
    {"a TCP request without its last byte",
     SLAVE_TCP,
     "0001 0000 0006 11 03 006B 00",
     false,
     SLAVE_MORE,
     0,
     {0}},
    {"two TCP requests in one segment are taken one by one",
     SLAVE_TCP,
     "0001 0000 0006 01 04 0000 0001 0002 0000 0006 02 04 0000 0001",
     false,
     SLAVE_REQUEST,
     12,
     {1, 1, 4, 0, 1, 0}},
    {"a foreign protocol number cannot be followed",
     SLAVE_TCP,
     "0001 0001 0006 11 03 006B 0003",
     false,
     SLAVE_BROKEN,
     0,
     {0}},
    {"a TCP length without a function cannot be followed",
     SLAVE_TCP,
     "0001 0000 0001 11",
     false,
     SLAVE_BROKEN,
     0,
     {0}},
    {"a TCP length of 255 is broken",
     SLAVE_TCP,
     "0001 0000 00FF 11",
     false,
     SLAVE_BROKEN,
     0,
     {0}},
    {"a TCP write is refused with exception 01",
     SLAVE_TCP,
     "0007 0000 0006 11 06 0001 0003",
     false,
     SLAVE_REQUEST,
     12,
     {7, 0x11, 6, 0, 0, SLAVE_ILLEGAL_FUNCTION}},
    {"a TCP write of many registers is refused and skipped whole",
     SLAVE_TCP,
     "0007 0000 000B 11 10 0001 0002 04 000A 0102",
     false,
     SLAVE_REQUEST,
     17,
     {7, 0x11, 0x10, 0, 0, SLAVE_ILLEGAL_FUNCTION}},
    {"a TCP read with a byte too many has a bad value",
     SLAVE_TCP,
     "0007 0000 0007 11 03 0001 0003 00",
     false,
     SLAVE_REQUEST,
     13,
     {7, 0x11, 3, 0, 0, SLAVE_ILLEGAL_VALUE}},
    {"no registers is a bad count",
     SLAVE_TCP,
     "0001 0000 0006 11 03 006B 0000",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 3, 0x6B, 0, SLAVE_ILLEGAL_VALUE}},
    {"125 registers are the most",
     SLAVE_TCP,
     "0001 0000 0006 11 04 0000 007D",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 4, 0, 125, 0}},
    {"126 registers are too many",
     SLAVE_TCP,
     "0001 0000 0006 11 04 0000 007E",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 4, 0, 126, SLAVE_ILLEGAL_VALUE}},
    {"2000 bits are the most",
     SLAVE_TCP,
     "0001 0000 0006 11 01 0000 07D0",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 1, 0, 2000, 0}},
    {"2001 bits are too many",
     SLAVE_TCP,
     "0001 0000 0006 11 02 0000 07D1",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 2, 0, 2001, SLAVE_ILLEGAL_VALUE}},
    {"the last register can be read",
     SLAVE_TCP,
     "0001 0000 0006 11 03 FFFF 0001",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 3, 0xFFFF, 1, 0}},
    {"nothing lies behind the last register",
     SLAVE_TCP,
     "0001 0000 0006 11 03 FFFF 0002",
     false,
     SLAVE_REQUEST,
     12,
     {1, 0x11, 3, 0xFFFF, 2, SLAVE_ILLEGAL_ADDRESS}},
    {"an RTU read with its CRC",
     SLAVE_RTU,
     "11 03 006B 0003 7687",
     false,
     SLAVE_REQUEST,
     8,
     {0, 0x11, 3, 0x6B, 3, 0}},
    {"an RTU read without its last byte",
     SLAVE_RTU,
     "11 03 006B 0003 76",
     false,
     SLAVE_MORE,
     0,
     {0}},
    {"an RTU read with a wrong CRC waits for the gap",
     SLAVE_RTU,
     "11 03 006B 0003 7688",
     false,
     SLAVE_MORE,
     0,
     {0}},
    {"the gap clears what has a wrong CRC",
     SLAVE_RTU,
     "11 03 006B 0003 7688",
     true,
     SLAVE_MORE,
     8,
     {0}},
    {"a read is found behind garbage",
     SLAVE_RTU,
     "FF 00 03 11 03 006B 0003 7687",
     false,
     SLAVE_REQUEST,
     11,
     {0, 0x11, 3, 0x6B, 3, 0}},
    {"a read is found behind a damaged one",
     SLAVE_RTU,
     "11 03 006B 0003 7688 11 03 006B 0003 7687",
     false,
     SLAVE_REQUEST,
     16,
     {0, 0x11, 3, 0x6B, 3, 0}},
    {"an RTU write of one register is refused",
     SLAVE_RTU,
     "11 06 0001 0003 9A9B",
     false,
     SLAVE_REQUEST,
     8,
     {0, 0x11, 6, 0, 0, SLAVE_ILLEGAL_FUNCTION}},
    {"an RTU write of many registers is refused at its end",
     SLAVE_RTU,
     "11 10 0001 0002 04 000A 0102 C6F0",
     false,
     SLAVE_REQUEST,
     13,
     {0, 0x11, 0x10, 0, 0, SLAVE_ILLEGAL_FUNCTION}},
    {"a function of unknown length waits for the gap",
     SLAVE_RTU,
     "11 11 CDEC",
     false,
     SLAVE_MORE,
     0,
     {0}},
    {"a function of unknown length ends at the gap",
     SLAVE_RTU,
     "11 11 CDEC",
     true,
     SLAVE_REQUEST,
     4,
     {0, 0x11, 0x11, 0, 0, SLAVE_ILLEGAL_FUNCTION}},
    {"nothing is nothing", SLAVE_RTU, "", true, SLAVE_MORE, 0, {0}},
};

START_TEST(parses)
{
    const struct parse_row *row = &parse_rows[_i];
    uint8_t bytes[64];
    size_t size = unhex(bytes, row->bytes), used = 99;
    struct slave_request got;
    enum slave_parse status =
        slave_parse(&got, row->framing, bytes, size, row->gap, &used);

    ck_assert_msg(status == row->want, "%s: status %d", row->name, (int)status);
    ck_assert_msg(used == row->used, "%s: used %zu", row->name, used);
    if (status == SLAVE_REQUEST) {
        ck_assert_msg(memcmp(&got, &row->request, sizeof got) == 0,
                      "%s: transaction %u unit %u function %u address %u count %u "
                      "exception %u",
                      row->name, got.transaction, got.unit, got.function, got.address,
                      got.count, got.exception);
    }
}
END_TEST

/* However a stream is cut, the same requests come out of it. */
START_TEST(segments_do_not_matter)
{
    static const char *const streams[] = {
        [SLAVE_TCP] = "0001 0000 0006 11 03 006B 0003 0002 0000 0006 12 04 0001 0002",
        [SLAVE_RTU] = "11 03 006B 0003 7687 11 06 0001 0003 9A9B"};
    uint8_t bytes[64];
    size_t size = unhex(bytes, streams[_i]);

    for (size_t cut = 1; cut < size; cut++) {
        size_t at = 0, found = 0;

        for (size_t end = cut; end <= size; end += end < size ? size - end : 1) {
            struct slave_request q;
            size_t used;

            while (slave_parse(&q, (enum slave_framing)_i, bytes + at, end - at, false,
                               &used) == SLAVE_REQUEST) {
                at += used;
                found++;
            }
        }
        ck_assert_msg(found == 2, "cut at %zu: %zu requests", cut, found);
    }
}
END_TEST

START_TEST(endless_garbage_is_dropped)
{
    uint8_t bytes[300];
    struct slave_request q;
    size_t used;

    memset(bytes, 0xFF, sizeof bytes);
    ck_assert_int_eq(slave_parse(&q, SLAVE_RTU, bytes, 256, false, &used), SLAVE_MORE);
    ck_assert_uint_eq(used, 249);
}
END_TEST

struct answer_row {
    const char *name;
    enum slave_framing framing;
    struct slave_request request;
    uint8_t exception;
    uint16_t values[12];
    const char *want;
};

/* The reads are the examples of the Modbus Application Protocol V1.1b, 6.1 and 6.3. */
static const struct answer_row answer_rows[] = {
    {"registers by TCP",
     SLAVE_TCP,
     {0x1501, 0x01, 3, 0x6B, 3, 0},
     0,
     {0x022B, 0x0000, 0x0064},
     "1501 0000 0009 01 03 06 022B 0000 0064"},
    {"bits are packed from the lowest, the last byte filled with 0",
     SLAVE_TCP,
     {1, 2, 1, 0x13, 10, 0},
     0,
     {1, 0, 1, 1, 0, 0, 1, 1, 0, 1},
     "0001 0000 0005 02 01 02 CD 02"},
    {"registers by RTU end in their CRC",
     SLAVE_RTU,
     {0, 0x11, 3, 0x6B, 3, 0},
     0,
     {0xAE41, 0x5652, 0x4340},
     "11 03 06 AE41 5652 4340 49AD"},
    {"an exception by TCP",
     SLAVE_TCP,
     {9, 5, 3, 0, 1, 0},
     2,
     {0},
     "0009 0000 0003 05 83 02"},
    {"an exception by RTU", SLAVE_RTU, {0, 0x0A, 1, 0, 1, 0}, 2, {0}, "0A 81 02 B053"},
};

START_TEST(answers)
{
    const struct answer_row *row = &answer_rows[_i];
    uint8_t want[64], got[SLAVE_ADU_BYTES_MAX];
    size_t want_size = unhex(want, row->want), size;

    if (row->exception != 0) {
        size = slave_answer_exception(got, row->framing, &row->request, row->exception);
    } else {
        size = slave_answer(got, row->framing, &row->request, row->values);
    }
    ck_assert_msg(size == want_size, "%s: %zu bytes", row->name, size);
    ck_assert_msg(memcmp(got, want, size) == 0, "%s", row->name);
}
END_TEST

START_TEST(damage_is_to_the_check_sum_and_a_changed_unit_keeps_a_good_one)
{
    uint8_t adu[SLAVE_ADU_BYTES_MAX];
    const struct slave_request q = {0, 0x11, 3, 0, 1, 0};
    const uint16_t value = 7;
    size_t size = slave_answer(adu, SLAVE_RTU, &q, &value);

    slave_change_unit(adu, size, SLAVE_RTU);
    ck_assert_uint_eq(adu[0], 0x12);
    ck_assert_uint_eq(slave_crc(adu, size),
                      0); /* A frame with its CRC leaves nothing. */
    slave_damage(adu, size, SLAVE_RTU);
    ck_assert_uint_ne(slave_crc(adu, size), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("slave_codec");
    TCase *tc = tcase_create("slave_codec");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, parses, 0, (int)ARRAY_LEN(parse_rows));
    tcase_add_loop_test(tc, segments_do_not_matter, 0, 2);
    tcase_add_test(tc, endless_garbage_is_dropped);
    tcase_add_loop_test(tc, answers, 0, (int)ARRAY_LEN(answer_rows));
    tcase_add_test(tc, damage_is_to_the_check_sum_and_a_changed_unit_keeps_a_good_one);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
