/* Registers -> values, and back. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"

static const struct scaling one = {.mul = 1.0, .add = 0.0, .div = 1.0};

/* A value of every type in every order, the bytes written out by hand:
 *   abcd 01 02 03 04   cdab 03 04 01 02   badc 02 01 04 03   dcba 04 03 02 01 */
static const struct order_row {
    enum value_type type;
    enum byte_order order;
    uint16_t words[4];
    double value;
} order_rows[] = {
    {TYPE_U16, ORDER_ABCD, {0x0102}, 258},
    {TYPE_U16, ORDER_CDAB, {0x0102}, 258}, /* One word: nothing to reverse. */
    {TYPE_U16, ORDER_BADC, {0x0201}, 258},
    {TYPE_U16, ORDER_DCBA, {0x0201}, 258},
    {TYPE_S16, ORDER_ABCD, {0xFFFE}, -2},
    {TYPE_S16, ORDER_BADC, {0xFEFF}, -2},
    {TYPE_S16, ORDER_ABCD, {0x8000}, -32768},
    {TYPE_U32, ORDER_ABCD, {0x0102, 0x0304}, 16909060},
    {TYPE_U32, ORDER_CDAB, {0x0304, 0x0102}, 16909060},
    {TYPE_U32, ORDER_BADC, {0x0201, 0x0403}, 16909060},
    {TYPE_U32, ORDER_DCBA, {0x0403, 0x0201}, 16909060},
    {TYPE_U32, ORDER_ABCD, {0xFFFF, 0xFFFF}, 4294967295.0},
    {TYPE_S32, ORDER_ABCD, {0xFFFF, 0xFFFE}, -2},
    {TYPE_S32, ORDER_CDAB, {0xFFFE, 0xFFFF}, -2},
    {TYPE_S32, ORDER_BADC, {0xFFFF, 0xFEFF}, -2},
    {TYPE_S32, ORDER_DCBA, {0xFEFF, 0xFFFF}, -2},
    {TYPE_S32, ORDER_ABCD, {0x8000, 0x0000}, -2147483648.0},
    {TYPE_U64, ORDER_ABCD, {0x0001, 0x0203, 0x0405, 0x0607}, 283686952306183.0},
    {TYPE_U64, ORDER_CDAB, {0x0607, 0x0405, 0x0203, 0x0001}, 283686952306183.0},
    {TYPE_U64, ORDER_BADC, {0x0100, 0x0302, 0x0504, 0x0706}, 283686952306183.0},
    {TYPE_U64, ORDER_DCBA, {0x0706, 0x0504, 0x0302, 0x0100}, 283686952306183.0},
    {TYPE_S64, ORDER_ABCD, {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFD}, -3},
    {TYPE_S64, ORDER_CDAB, {0xFFFD, 0xFFFF, 0xFFFF, 0xFFFF}, -3},
    {TYPE_S64, ORDER_BADC, {0xFFFF, 0xFFFF, 0xFFFF, 0xFDFF}, -3},
    {TYPE_S64, ORDER_DCBA, {0xFDFF, 0xFFFF, 0xFFFF, 0xFFFF}, -3},
    {TYPE_S64, ORDER_ABCD, {0x8000, 0, 0, 0}, -9223372036854775808.0},
    {TYPE_U64, ORDER_ABCD, {0x0020, 0, 0, 0}, 9007199254740992.0}, /* 2^53 */
    {TYPE_U64, ORDER_ABCD, {0x8000, 0, 0, 0}, 9223372036854775808.0},
    {TYPE_F32, ORDER_ABCD, {0x42F6, 0xE979}, 123.45600128173828},
    {TYPE_F32, ORDER_CDAB, {0xE979, 0x42F6}, 123.45600128173828},
    {TYPE_F32, ORDER_BADC, {0xF642, 0x79E9}, 123.45600128173828},
    {TYPE_F32, ORDER_DCBA, {0x79E9, 0xF642}, 123.45600128173828},
    {TYPE_F64, ORDER_ABCD, {0x405E, 0xDD2F, 0x1A9F, 0xBE77}, 123.456},
    {TYPE_F64, ORDER_CDAB, {0xBE77, 0x1A9F, 0xDD2F, 0x405E}, 123.456},
    {TYPE_F64, ORDER_BADC, {0x5E40, 0x2FDD, 0x9F1A, 0x77BE}, 123.456},
    {TYPE_F64, ORDER_DCBA, {0x77BE, 0x9F1A, 0x2FDD, 0x5E40}, 123.456},
    {TYPE_BCD16, ORDER_ABCD, {0x1234}, 1234},
    {TYPE_BCD16, ORDER_BADC, {0x3412}, 1234},
    {TYPE_BCD32, ORDER_ABCD, {0x1234, 0x5678}, 12345678},
    {TYPE_BCD32, ORDER_CDAB, {0x5678, 0x1234}, 12345678},
    {TYPE_BCD32, ORDER_BADC, {0x3412, 0x7856}, 12345678},
    {TYPE_BCD32, ORDER_DCBA, {0x7856, 0x3412}, 12345678},
    {TYPE_BCD32, ORDER_ABCD, {0x0000, 0x0000}, 0},
    {TYPE_BCD16, ORDER_ABCD, {0x9999}, 9999},
};

START_TEST(every_type_reads_in_every_order)
{
    const struct order_row *row = &order_rows[_i];
    struct point p = {.table = REG_HOLDING,
                      .type = row->type,
                      .order = row->order,
                      .scaling = one,
                      .decimals_from = NONE_INDEX};
    struct reading r = {.quality = QUALITY_COUNT, .detail = 99};
    uint16_t back[4] = {0};

    decode_words(&r, &p, row->words, 4, -1);
    ck_assert_uint_eq(r.quality, QUALITY_GOOD);
    ck_assert_uint_eq(r.detail, 0);
    ck_assert_double_eq(r.value, row->value);
    encode_words(back, &p, row->value);
    ck_assert_mem_eq(back, row->words, point_width(&p) * sizeof back[0]);
}
END_TEST

/* Values that real devices would send, from the maps of their makers. */
static const struct golden_row {
    const char *name;
    struct point point;
    uint16_t words[2];
    double value;
} golden_rows[] = {
    {"Eastron SDM630, voltage L1",
     {.table = REG_INPUT, .type = TYPE_F32, .unit = "V", .scaling = {1, 0, 1}},
     {0x4366, 0x3333},
     230.1999969482422},
    {"Chint DTSU666, voltage: a float that is scaled too",
     {.table = REG_HOLDING, .type = TYPE_F32, .scaling = {1, 0, 10}},
     {0x450F, 0xD000},
     230.1},
    {"ABB B23, voltage",
     {.table = REG_HOLDING, .type = TYPE_U32, .scaling = {1, 0, 10}},
     {0x0000, 0x08FD},
     230.1},
    {"ABB B23, power factor",
     {.table = REG_HOLDING, .type = TYPE_S16, .scaling = {1, 0, 1000}},
     {0xFC2E},
     -0.978},
    {"Carlo Gavazzi EM24, voltage: low word first",
     {.table = REG_INPUT, .type = TYPE_S32, .order = ORDER_CDAB, .scaling = {1, 0, 10}},
     {0x08FF, 0x0000},
     230.3},
    {"Carlo Gavazzi EM24, exported power",
     {.table = REG_INPUT, .type = TYPE_S32, .order = ORDER_CDAB, .scaling = {1, 0, 10}},
     {0xFB2E, 0xFFFF},
     -123.4},
    {"PZEM-016, current: low word first",
     {.table = REG_INPUT,
      .type = TYPE_U32,
      .order = ORDER_CDAB,
      .scaling = {1, 0, 1000}},
     {0x86A1, 0x0001},
     100.001},
    {"XY-MD02, frost",
     {.table = REG_INPUT, .type = TYPE_S16, .scaling = {1, 0, 10}},
     {0xFFF6},
     -1.0},
    {"APC Smart-UPS, charge in 1/512 %",
     {.table = REG_HOLDING, .type = TYPE_U16, .scaling = {1, 0, 512}},
     {0xC800},
     100.0},
    {"Grundfos CIM 200, bearing in 0.01 K, shown in degrees C",
     {.table = REG_INPUT, .type = TYPE_U16, .scaling = {1, -27315, 100}},
     {31315},
     40.0},
    {"WitMotion WTVB01, acceleration in 16 g / 32768",
     {.table = REG_HOLDING, .type = TYPE_S16, .scaling = {16, 0, 32768}},
     {0xF800},
     -1.0},
    {"Danfoss FC51, alarm word",
     {.table = REG_HOLDING, .type = TYPE_U32, .scaling = {1, 0, 1}},
     {0x4000, 0x0001},
     1073741825.0},
    {"Danfoss FC51, running is bit 11 of the status word",
     {.table = REG_HOLDING,
      .type = TYPE_BOOL,
      .bit_low = 11,
      .bit_high = 11,
      .scaling = {1, 0, 1}},
     {0x0807},
     1.0},
    {"DSE GenComm, the second of four alarms of a register",
     {.table = REG_HOLDING,
      .type = TYPE_BITS,
      .bit_low = 8,
      .bit_high = 11,
      .scaling = {1, 0, 1}},
     {0x1342},
     3.0},
    {"three tenths are three tenths",
     {.table = REG_INPUT, .type = TYPE_U16, .scaling = {1, 0, 10}},
     {3},
     0.3},
};

START_TEST(real_devices_read_right)
{
    const struct golden_row *row = &golden_rows[_i];
    struct reading r;

    decode_words(&r, &row->point, row->words, point_width(&row->point), -1);
    ck_assert_msg(r.quality == QUALITY_GOOD, "%s", row->name);
    ck_assert_msg(r.value == row->value, "%s: %.17g", row->name, r.value);
}
END_TEST

static const struct sentinel abb_none[] = {{0xFFFFFFFF, "absent"}};
static const struct sentinel hgm_none[] = {{32767, "no sensor"}, {32766, "open"}};
static const struct sentinel dse_none[] = {{0xFFFF, "absent"}, {0xFFF8, "bad data"}};
static const struct sentinel nibble_none[] = {{15, "not fitted"}};
static const struct sentinel nan_none[] = {{0x7FC00000, "absent"}};
static const struct sentinel bcd_none[] = {{0xFFFF, "absent"}};

static const struct bad_row {
    const char *name;
    struct point point;
    uint16_t words[4];
    size_t count;
    int decimals;
    enum quality quality;
    double value; /* When good. */
} bad_rows[] = {
    {"short by one word is damaged",
     {.table = REG_INPUT, .type = TYPE_F32, .scaling = {1, 0, 1}},
     {0x4366},
     1,
     -1,
     QUALITY_CRC,
     0},
    {"nothing at all is damaged",
     {.table = REG_INPUT, .type = TYPE_U16, .scaling = {1, 0, 1}},
     {0},
     0,
     -1,
     QUALITY_CRC,
     0},
    {"NaN is no number",
     {.table = REG_INPUT, .type = TYPE_F32, .scaling = {1, 0, 1}},
     {0x7FC0, 0x0000},
     2,
     -1,
     QUALITY_RANGE,
     0},
    {"a NaN that is a sentinel says so",
     {.table = REG_INPUT,
      .type = TYPE_F32,
      .scaling = {1, 0, 1},
      .sentinels = nan_none,
      .sentinel_count = 1},
     {0x7FC0, 0x0000},
     2,
     -1,
     QUALITY_SENTINEL,
     0},
    {"infinity is no number",
     {.table = REG_INPUT, .type = TYPE_F32, .scaling = {1, 0, 1}},
     {0xFF80, 0x0000},
     2,
     -1,
     QUALITY_RANGE,
     0},
    {"a double NaN is no number",
     {.table = REG_INPUT, .type = TYPE_F64, .scaling = {1, 0, 1}},
     {0x7FF8, 0, 0, 1},
     4,
     -1,
     QUALITY_RANGE,
     0},
    {"a double infinity is no number, in any order",
     {.table = REG_INPUT, .type = TYPE_F64, .order = ORDER_CDAB, .scaling = {1, 0, 1}},
     {0, 0, 0, 0x7FF0},
     4,
     -1,
     QUALITY_RANGE,
     0},
    {"scaling past the largest double is no number",
     {.table = REG_INPUT, .type = TYPE_F64, .scaling = {1e10, 0, 1}},
     {0x7FE0, 0, 0, 0},
     4,
     -1,
     QUALITY_RANGE,
     0},
    {"a digit above 9 is no decimal",
     {.table = REG_INPUT, .type = TYPE_BCD16, .scaling = {1, 0, 1}},
     {0x12A4},
     1,
     -1,
     QUALITY_RANGE,
     0},
    {"nor in the high word",
     {.table = REG_INPUT, .type = TYPE_BCD32, .scaling = {1, 0, 1}},
     {0xF234, 0x5678},
     2,
     -1,
     QUALITY_RANGE,
     0},
    {"a sentinel of BCD is what was read",
     {.table = REG_INPUT,
      .type = TYPE_BCD16,
      .scaling = {1, 0, 1},
      .sentinels = bcd_none,
      .sentinel_count = 1},
     {0xFFFF},
     1,
     -1,
     QUALITY_SENTINEL,
     0},
    {"ABB: not available",
     {.table = REG_HOLDING,
      .type = TYPE_U32,
      .scaling = {1, 0, 10},
      .sentinels = abb_none,
      .sentinel_count = 1},
     {0xFFFF, 0xFFFF},
     2,
     -1,
     QUALITY_SENTINEL,
     0},
    {"SmartGen: open sensor, the second in the list",
     {.table = REG_HOLDING,
      .type = TYPE_S16,
      .scaling = {1, 0, 1},
      .sentinels = hgm_none,
      .sentinel_count = 2},
     {32766},
     1,
     -1,
     QUALITY_SENTINEL,
     0},
    {"one beside a sentinel is a value",
     {.table = REG_HOLDING,
      .type = TYPE_S16,
      .scaling = {1, 0, 1},
      .sentinels = hgm_none,
      .sentinel_count = 2},
     {32765},
     1,
     -1,
     QUALITY_GOOD,
     32765},
    {"DSE: -8 as read, of a signed type",
     {.table = REG_HOLDING,
      .type = TYPE_S16,
      .scaling = {1, 0, 1},
      .sentinels = dse_none,
      .sentinel_count = 2},
     {0xFFF8},
     1,
     -1,
     QUALITY_SENTINEL,
     0},
    {"a sentinel of swapped bytes is meant in order",
     {.table = REG_HOLDING,
      .type = TYPE_U16,
      .order = ORDER_BADC,
      .scaling = {1, 0, 1},
      .sentinels = dse_none,
      .sentinel_count = 2},
     {0xF8FF},
     1,
     -1,
     QUALITY_SENTINEL,
     0},
    {"a sentinel of bits is meant within them",
     {.table = REG_HOLDING,
      .type = TYPE_BITS,
      .bit_low = 4,
      .bit_high = 7,
      .scaling = {1, 0, 1},
      .sentinels = nibble_none,
      .sentinel_count = 1},
     {0x00F0},
     1,
     -1,
     QUALITY_SENTINEL,
     0},
    {"at the end of the range is within",
     {.table = REG_INPUT,
      .type = TYPE_U16,
      .scaling = {1, 0, 10},
      .has_range = true,
      .range_min = 0,
      .range_max = 1.6},
     {16},
     1,
     -1,
     QUALITY_GOOD,
     1.6},
    {"past it is not",
     {.table = REG_INPUT,
      .type = TYPE_U16,
      .scaling = {1, 0, 10},
      .has_range = true,
      .range_min = 0,
      .range_max = 1.6},
     {17},
     1,
     -1,
     QUALITY_RANGE,
     0},
    {"nor below it",
     {.table = REG_INPUT,
      .type = TYPE_S16,
      .scaling = {1, 0, 10},
      .has_range = true,
      .range_min = 0,
      .range_max = 1.6},
     {0xFFFF},
     1,
     -1,
     QUALITY_RANGE,
     0},
    {"QDY30A: three decimals",
     {.table = REG_HOLDING, .type = TYPE_S16, .scaling = {1, 0, 1}},
     {1234},
     1,
     3,
     QUALITY_GOOD,
     1.234},
    {"no decimals at all",
     {.table = REG_HOLDING, .type = TYPE_S16, .scaling = {1, 0, 1}},
     {1234},
     1,
     0,
     QUALITY_GOOD,
     1234},
    {"decimals shift the raw value, not the offset",
     {.table = REG_HOLDING, .type = TYPE_S16, .scaling = {1, -5, 1}},
     {1234},
     1,
     2,
     QUALITY_GOOD,
     7.34},
    {"rubbish for decimals is not believed",
     {.table = REG_HOLDING, .type = TYPE_S16, .scaling = {1, 0, 1}},
     {1234},
     1,
     65535,
     QUALITY_RANGE,
     0},
};

START_TEST(what_is_no_value_says_why)
{
    const struct bad_row *row = &bad_rows[_i];
    struct reading r = {.value = 77, .quality = QUALITY_COUNT, .detail = 99};

    decode_words(&r, &row->point, row->words, row->count, row->decimals);
    ck_assert_msg(r.quality == row->quality, "%s: %s", row->name,
                  quality_name((enum quality)r.quality));
    ck_assert_uint_eq(r.detail, 0);
    ck_assert_msg(fabs(r.value - row->value) < 1e-12, "%s: %.17g", row->name, r.value);
}
END_TEST

/* What does not fit in the 53 bits of a double becomes the nearest that does. */
START_TEST(numbers_past_2_53_are_rounded_to_the_nearest)
{
    static const struct {
        enum value_type type;
        uint16_t words[4];
        double value;
    } rows[] = {
        {TYPE_U64, {0x0020, 0, 0, 1}, 9007199254740992.0}, /* A tie: to the even one. */
        {TYPE_U64, {0x0020, 0, 0, 3}, 9007199254740996.0},
        {TYPE_U64, {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, 18446744073709551616.0},
        {TYPE_S64, {0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF}, 9223372036854775808.0},
        {TYPE_S64, {0xFFDF, 0xFFFF, 0xFFFF, 0xFFFF}, -9007199254740992.0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct point p = {.table = REG_HOLDING,
                          .type = rows[i].type,
                          .scaling = one,
                          .decimals_from = NONE_INDEX};
        struct reading r;
        decode_words(&r, &p, rows[i].words, 4, -1);
        ck_assert_uint_eq(r.quality, QUALITY_GOOD);
        ck_assert_double_eq(r.value, rows[i].value);
    }
}
END_TEST

/* Bits are counted from the least of the word, whatever order its registers have. */
START_TEST(every_bit_of_a_wide_word_is_read_alone)
{
    static const enum value_type types[] = {TYPE_U32, TYPE_U64};
    struct reading r;

    for (int t = 0; t < 2; t++) {
        uint8_t width = t == 0 ? 2 : 4;
        for (enum byte_order order = 0; order < ORDER_COUNT; order++) {
            struct point word = {.table = REG_HOLDING,
                                 .type = types[t],
                                 .order = order,
                                 .scaling = one,
                                 .decimals_from = NONE_INDEX};
            for (uint8_t bit = 0; bit < 16 * width; bit++) {
                struct point p = word;
                uint16_t words[4] = {0};
                p.type = TYPE_BOOL;
                p.bit_low = p.bit_high = bit;
                p.bit_words = width;
                ck_assert_uint_eq(point_width(&p), width);
                encode_words(words, &word, ldexp(1, bit));
                decode_words(&r, &p, words, width, -1);
                ck_assert(r.quality == QUALITY_GOOD && r.value == 1);
                encode_words(words, &p, 0);
                decode_words(&r, &word, words, width, -1);
                ck_assert_double_eq(r.value, 0);
                encode_words(words, &p, 1);
                decode_words(&r, &word, words, width, -1);
                ck_assert_double_eq(r.value, ldexp(1, bit));
                decode_words(&r, &p, words, width - 1u, -1);
                ck_assert_uint_eq(r.quality, QUALITY_CRC);
            }
        }
    }
}
END_TEST

START_TEST(a_field_may_cross_the_registers_of_a_wide_word)
{
    uint16_t words[] = {0x5678, 0x1234}; /* 0x12345678, low word first. */
    const struct sentinel none = {0x345, "none"};
    struct point p = {.table = REG_HOLDING,
                      .type = TYPE_BITS,
                      .order = ORDER_CDAB,
                      .bit_low = 12,
                      .bit_high = 23,
                      .bit_words = 2,
                      .scaling = one,
                      .decimals_from = NONE_INDEX};
    struct reading r;
    decode_words(&r, &p, words, 2, -1);
    ck_assert_double_eq(r.value, 0x345);
    p.sentinels = &none;
    p.sentinel_count = 1;
    decode_words(&r, &p, words, 2, -1);
    ck_assert_uint_eq(r.quality, QUALITY_SENTINEL);
    encode_words(words, &p, 0xABC);
    ck_assert_uint_eq(words[0], 0xC678);
    ck_assert_uint_eq(words[1], 0x12AB);
    p.bit_low = 0;
    p.bit_high = 31;
    decode_words(&r, &p, words, 2, -1);
    ck_assert_double_eq(r.value, 0x12ABC678);
}
END_TEST

START_TEST(every_bit_of_a_register_is_read_alone)
{
    struct reading r;

    for (uint8_t bit = 0; bit < 16; bit++) {
        struct point p = {.table = REG_HOLDING,
                          .type = TYPE_BOOL,
                          .bit_low = bit,
                          .bit_high = bit,
                          .scaling = one};
        for (uint8_t set = 0; set < 16; set++) {
            uint16_t word = (uint16_t)(1u << set);
            decode_words(&r, &p, &word, 1, -1);
            ck_assert_double_eq(r.value, set == bit ? 1.0 : 0.0);
        }
    }
}
END_TEST

START_TEST(coils_are_zero_or_one)
{
    struct point p = {.table = REG_COIL, .type = TYPE_BOOL, .scaling = one};
    struct reading r;
    uint16_t word = 7;

    decode_bit(&r, &p, true);
    ck_assert_uint_eq(r.quality, QUALITY_GOOD);
    ck_assert_double_eq(r.value, 1.0);
    decode_bit(&r, &p, false);
    ck_assert_double_eq(r.value, 0.0);
    p.scaling = (struct scaling){.mul = -1, .add = 1, .div = 1}; /* A break contact. */
    decode_bit(&r, &p, true);
    ck_assert_double_eq(r.value, 0.0);
    encode_words(&word, &p, 0.0);
    ck_assert_uint_eq(word, 1);
    encode_words(&word, &p, 1.0);
    ck_assert_uint_eq(word, 0);
}
END_TEST

START_TEST(raw_numbers_are_before_scaling)
{
    struct point p = {.table = REG_HOLDING, .type = TYPE_U16, .scaling = {1, 0, 1000}};
    uint16_t words[] = {3, 0x0009};

    ck_assert_uint_eq(decode_raw(&p, words, 2), 3);
    ck_assert_uint_eq(decode_raw(&p, words, 0), UINT64_MAX);
    p.type = TYPE_BCD32;
    ck_assert_uint_eq(decode_raw(&p, words, 2), 30009);
    words[0] = 0xA000;
    ck_assert_uint_eq(decode_raw(&p, words, 2), UINT64_MAX);
    p.type = TYPE_BITS;
    p.bit_low = 13;
    p.bit_high = 15;
    ck_assert_uint_eq(decode_raw(&p, words, 1), 5);
    p.type = TYPE_S16;
    words[0] = 0xFFFF;
    ck_assert_uint_eq(decode_raw(&p, words, 1), 0xFFFF);
}
END_TEST

static const struct clamp_row {
    enum value_type type;
    double value;
    double back;
} clamp_rows[] = {
    {TYPE_U16, -1, 0},
    {TYPE_U16, 65535.4, 65535},
    {TYPE_U16, 1e300, 65535},
    {TYPE_U16, 2.5, 3},
    {TYPE_S16, -1e300, -32768},
    {TYPE_S16, 40000, 32767},
    {TYPE_U32, 1e10, 4294967295.0},
    {TYPE_S32, -1e10, -2147483648.0},
    {TYPE_S32, 1e10, 2147483647.0},
    {TYPE_U64, 1e30, 18446744073709551615.0},
    {TYPE_U64, -5, 0},
    {TYPE_S64, 1e30, 9223372036854775807.0},
    {TYPE_S64, -1e30, -9223372036854775808.0},
    {TYPE_F32, 1e300, 3.4028234663852886e38},
    {TYPE_F32, -1e300, -3.4028234663852886e38},
    {TYPE_BCD16, 12345, 9999},
    {TYPE_BCD16, -1, 0},
    {TYPE_BCD32, 1e9, 99999999},
};

START_TEST(values_outside_the_type_are_clamped)
{
    const struct clamp_row *row = &clamp_rows[_i];

    for (enum byte_order order = 0; order < ORDER_COUNT; order++) {
        struct point p = {
            .table = REG_HOLDING, .type = row->type, .order = order, .scaling = one};
        uint16_t words[4] = {0};
        struct reading r;
        encode_words(words, &p, row->value);
        decode_words(&r, &p, words, 4, -1);
        ck_assert_uint_eq(r.quality, QUALITY_GOOD);
        ck_assert_double_eq(r.value, row->back);
    }
}
END_TEST

START_TEST(a_written_bit_leaves_its_neighbours_alone)
{
    for (enum byte_order order = 0; order < ORDER_COUNT; order++) {
        struct point p = {.table = REG_HOLDING,
                          .type = TYPE_BITS,
                          .order = order,
                          .bit_low = 4,
                          .bit_high = 7,
                          .scaling = one};
        bool swapped = order == ORDER_BADC || order == ORDER_DCBA;
        uint16_t word = swapped ? 0xCDAB : 0xABCD;
        encode_words(&word, &p, 5);
        ck_assert_uint_eq(word, swapped ? 0x5DAB : 0xAB5D);
        encode_words(&word, &p, 99); /* Clamped to the field. */
        ck_assert_uint_eq(word, swapped ? 0xFDAB : 0xABFD);
        p.type = TYPE_BOOL;
        p.bit_low = p.bit_high = 0;
        encode_words(&word, &p, 0);
        ck_assert_uint_eq(word, swapped ? 0xFCAB : 0xABFC);
    }
}
END_TEST

START_TEST(scaled_values_come_back)
{
    static const struct scaling scalings[] = {
        {1, 0, 10}, {1, -27315, 100}, {1, 0, 512}, {16, 0, 32768}, {3, 7, 11}};

    for (size_t s = 0; s < ARRAY_LEN(scalings); s++) {
        for (enum value_type t = TYPE_U16; t < TYPE_COUNT; t++) {
            struct point p = {.table = REG_HOLDING,
                              .type = t,
                              .bit_high = 15,
                              .scaling = scalings[s]};
            for (int raw = 0; raw < 9999; raw += 271) {
                uint16_t words[4] = {0};
                struct reading r;
                double value = (raw * p.scaling.mul + p.scaling.add) / p.scaling.div;
                encode_words(words, &p, value);
                decode_words(&r, &p, words, 4, -1);
                ck_assert_uint_eq(r.quality, QUALITY_GOOD);
                /* A float keeps seven digits of what scaling back gives. */
                ck_assert_double_le(fabs(r.value - value), t == TYPE_F32 ? 1e-2 : 1e-9);
            }
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tc = tcase_create("decode");

    tcase_add_loop_test(tc, every_type_reads_in_every_order, 0,
                        (int)ARRAY_LEN(order_rows));
    tcase_add_loop_test(tc, real_devices_read_right, 0, (int)ARRAY_LEN(golden_rows));
    tcase_add_loop_test(tc, what_is_no_value_says_why, 0, (int)ARRAY_LEN(bad_rows));
    tcase_add_test(tc, numbers_past_2_53_are_rounded_to_the_nearest);
    tcase_add_test(tc, every_bit_of_a_wide_word_is_read_alone);
    tcase_add_test(tc, a_field_may_cross_the_registers_of_a_wide_word);
    tcase_add_test(tc, every_bit_of_a_register_is_read_alone);
    tcase_add_test(tc, coils_are_zero_or_one);
    tcase_add_test(tc, raw_numbers_are_before_scaling);
    tcase_add_loop_test(tc, values_outside_the_type_are_clamped, 0,
                        (int)ARRAY_LEN(clamp_rows));
    tcase_add_test(tc, a_written_bit_leaves_its_neighbours_alone);
    tcase_add_test(tc, scaled_values_come_back);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
