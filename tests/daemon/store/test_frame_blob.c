/* Samples to bytes and back: the same bits, in few bytes. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/model/words.h"
#include "daemon/store/frame_blob.h"

static uint8_t blob[1 + 1024 * FRAME_BLOB_SAMPLE_BYTES_MAX];
static struct blob_sample back[1024];

static const struct {
    const char *what;
    double value;
    size_t size; /* Format, tag, key, value. */
} values[] = {
    {"zero", 0.0, 3},
    {"minus zero keeps its sign", -0.0, 6},
    {"a small whole number", 63, 3},
    {"a small negative one", -64, 3},
    {"two bytes", 64, 4},
    {"tenths", 81.2, 4},
    {"hundredths", 230.41, 5},
    {"thousandths", -0.301, 4},
    {"what three times a tenth is not", 0.1 * 3, 10},
    {"a single from a meter", (double)81.2f, 6},
    {"a single that is tiny", (double)1.5e-20f, 6},
    {"the largest 32-bit counter", 4294967295.0, 7},
    {"2^53 - 1", 9007199254740991.0, 10},
    {"a power of two beyond it", 18446744073709551616.0, 6},
    {"a third", 1.0 / 3, 10},
    {"pi", 3.14159265358979, 10},
    {"the largest double", DBL_MAX, 10},
    {"the smallest double", DBL_TRUE_MIN, 10},
    {"the smallest normal, negative", -DBL_MIN, 10},
};

START_TEST(test_a_value_reads_back_to_the_same_bits)
{
    size_t count = 99;
    const struct blob_sample in = {.value = values[_i].value, .key = 1};
    size_t size = frame_blob_encode(blob, &in, 1);
    ck_assert_msg(frame_blob_decode(back, 1, &count, blob, size), "%s",
                  values[_i].what);
    ck_assert_uint_eq(count, 1);
    ck_assert_msg(memcmp(&back[0].value, &in.value, sizeof in.value) == 0, "%s: %.17g",
                  values[_i].what, back[0].value);
    /* The key 1 follows 0: it takes no byte. */
    ck_assert_msg(size == values[_i].size, "%s: %zu bytes", values[_i].what, size);
}
END_TEST

START_TEST(test_samples_of_every_quality_and_key_read_back)
{
    static const uint32_t keys[] = {0, 1, 2, UINT32_MAX, 7, 8, 1000000, 3, 4, 5};
    struct blob_sample in[ARRAY_LEN(keys)];
    size_t count = 0;
    ck_assert_uint_eq(ARRAY_LEN(keys), QUALITY_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        in[i] = (struct blob_sample){.key = keys[i], .quality = (uint8_t)i};
    }
    in[QUALITY_GOOD].value = 1.5;
    in[QUALITY_EXCEPTION].detail = 0x84;
    size_t size = frame_blob_encode(blob, in, ARRAY_LEN(keys));
    ck_assert(frame_blob_decode(back, ARRAY_LEN(back), &count, blob, size));
    ck_assert_uint_eq(count, ARRAY_LEN(keys));
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(back[i].key, in[i].key);
        ck_assert_uint_eq(back[i].quality, in[i].quality);
        ck_assert_uint_eq(back[i].detail, in[i].detail);
        ck_assert_double_eq(back[i].value, in[i].value);
    }
    /* Cut anywhere, it is no longer the same frame, and nothing is read beyond. */
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, blob, cut);
        ck_assert(!frame_blob_decode(back, ARRAY_LEN(back), &count, copy, cut) ||
                  count < ARRAY_LEN(keys));
        free(copy);
    }
}
END_TEST

START_TEST(test_a_full_frame_of_a_meter_is_small)
{
    struct blob_sample in[100];
    size_t count = 0;
    for (uint32_t i = 0; i < ARRAY_LEN(in); i++) {
        in[i] = (struct blob_sample){.key = 501 + i, .value = (2300 + i) / 10.0};
    }
    size_t size = frame_blob_encode(blob, in, ARRAY_LEN(in));
    ck_assert_uint_le(size, 310);
    ck_assert(frame_blob_decode(back, ARRAY_LEN(back), &count, blob, size));
    ck_assert_uint_eq(count, ARRAY_LEN(in));
    ck_assert(!frame_blob_decode(back, 99, &count, blob, size));
}
END_TEST

static const struct {
    const char *what;
    uint8_t bytes[16];
    size_t size;
} refused[] = {
    {"nothing at all", {0}, 0},
    {"a format of the future", {2}, 1},
    {"a quality that does not exist", {1, 0x80 | 0x0f}, 2},
    {"good without a value", {1, 0x80}, 2},
    {"a value that is not good", {1, 0x80 | 1 << 4 | QUALITY_CRC, 0}, 3},
    {"a key missing", {1, 1 << 4}, 2},
    {"a key below zero", {1, QUALITY_CRC, 1}, 3},
    {"a key above the largest",
     {1, QUALITY_CRC, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1},
     9},
    {"a varint without an end",
     {1, 0x80 | 1 << 4, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1},
     14},
    {"a single cut short", {1, 0x80 | 5 << 4, 0, 0, 0}, 5},
    {"a single that is infinite", {1, 0x80 | 5 << 4, 0, 0, 0x80, 0x7f}, 6},
    {"a double that is no number",
     {1, 0x80 | 6 << 4, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f},
     10},
    {"a detail cut short", {1, 0x80 | 7 << 4 | QUALITY_EXCEPTION}, 2},
};

START_TEST(test_bytes_that_are_no_frame_are_refused)
{
    size_t count = 77;
    ck_assert_msg(!frame_blob_decode(back, ARRAY_LEN(back), &count, refused[_i].bytes,
                                     refused[_i].size),
                  "%s", refused[_i].what);
    ck_assert_uint_eq(count, 77);
}
END_TEST

static Suite *
suite(void)
{
    Suite *su = suite_create("frame_blob");
    TCase *tc = tcase_create("frame_blob");
    tcase_add_loop_test(tc, test_a_value_reads_back_to_the_same_bits, 0,
                        (int)ARRAY_LEN(values));
    tcase_add_test(tc, test_samples_of_every_quality_and_key_read_back);
    tcase_add_test(tc, test_a_full_frame_of_a_meter_is_small);
    tcase_add_loop_test(tc, test_bytes_that_are_no_frame_are_refused, 0,
                        (int)ARRAY_LEN(refused));
    suite_add_tcase(su, tc);
    return su;
}

int
main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
