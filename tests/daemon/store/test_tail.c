/* The tail's bytes: whatever is put in comes out bit for bit, and damage is found. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/words.h"
#include "daemon/store/tail.h"
#include "tests/fake/mixed_series.h"

static uint64_t seed;
static struct tail_writer writer;
static struct sheet in, out;
static const uint8_t *bytes;
static size_t size;

static void
begin(void)
{
    seed = 1;
}

static void
end(void)
{
    tail_writer_free(&writer);
    sheet_free(&in);
    sheet_free(&out);
}

static void
add(int64_t t_ms, uint16_t flags, const struct blob_sample *samples, size_t count)
{
    ck_assert(sheet_add(&in, t_ms, flags, samples, count));
}

/* What `in` holds, as one section, comes out again. */
static void
expect_same(void)
{
    struct tail t;
    struct tail_part part = {0};
    tail_begin(&writer, 1000, 1000);
    ck_assert(tail_add(&writer, 7, &in, 0, in.rows));
    ck_assert(tail_end(&writer, &bytes, &size));
    ck_assert(tail_open(&t, bytes, size));
    ck_assert(tail_next(&t, &part));
    ck_assert_uint_eq(part.device, 7);
    ck_assert_uint_eq(part.rows, in.rows);
    ck_assert_int_eq(tail_read(&t, &part, &out), TAIL_READ);
    ck_assert(!tail_next(&t, &part));
    ck_assert_uint_eq(out.rows, in.rows);
    ck_assert_uint_eq(out.columns, in.columns);
    for (uint32_t i = 0; i < in.rows; i++) {
        ck_assert_int_eq(out.t_ms[i], in.t_ms[i]);
        ck_assert_uint_eq(out.flags[i], in.flags[i]);
    }
    for (uint32_t k = 0; k < in.columns; k++) {
        ck_assert_uint_eq(out.keys[k], in.keys[k]);
        for (uint32_t i = 0; i < in.rows; i++) {
            ck_assert_uint_eq(sheet_statuses(&out, k)[i], sheet_statuses(&in, k)[i]);
            ck_assert_mem_eq(&sheet_values(&out, k)[i], &sheet_values(&in, k)[i],
                             sizeof(double));
        }
    }
}

static const double values[] = {0,
                                -0.0,
                                1,
                                -1,
                                0.1,
                                0.3,
                                3 * 0.1,
                                81.25,
                                1e-6,
                                1e15,
                                9007199254740993.0,
                                -9007199254740992.0,
                                DBL_MAX,
                                -DBL_MAX,
                                DBL_MIN,
                                4.9e-324,
                                (double)FLT_MAX,
                                -(double)FLT_MIN,
                                (double)(1.0f / 3),
                                1.0 / 3,
                                (double)(float)21.7,
                                4294967295.0};

START_TEST(each_value_alone_and_behind_each_other)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            sheet_clear(&in);
            const double both[] = {values[i], values[k], values[i]};
            for (int row = 0; row < 3; row++) {
                const struct blob_sample s = {.key = 3, .value = both[row]};
                add(1000 + row * 1000, 0, &s, 1);
            }
            expect_same();
        }
    }
}
END_TEST

static const struct {
    const char *what;
    int64_t t_ms[5];
} times[] = {
    {"on the grid", {1000, 2000, 3000, 4000, 5000}},
    {"a gap", {1000, 2000, 90000, 91000, 92000}},
    {"all at once", {5, 5, 5, 5, 5}},
    {"back", {5000, 4000, 3000, -2000, -1000}},
    {"far apart",
     {-CHUNK_TIME_MAX, CHUNK_TIME_MAX, 0, CHUNK_TIME_MAX, -CHUNK_TIME_MAX}},
    {"every minute", {0, 60001, 120000, 180003, 240000}},
};

START_TEST(times_of_any_kind)
{
    const struct blob_sample s = {.key = 1, .value = 2.5};
    for (int i = 0; i < 5; i++) {
        add(times[_i].t_ms[i], 0, &s, 1);
    }
    expect_same();
}
END_TEST

static uint32_t
any(uint32_t below)
{
    return (uint32_t)(mixed_random(&seed) >> 33) % below;
}

START_TEST(statuses_flags_and_missing_points_of_any_kind)
{
    for (int round = 0; round < 300; round++) {
        uint32_t rows = 1 + any(30), columns = any(12), calm = 1 + any(40);
        sheet_clear(&in);
        for (uint32_t i = 0; i < rows; i++) {
            struct blob_sample samples[12];
            size_t count = 0;
            for (uint32_t k = 0; k < columns; k++) {
                bool good = any(calm) != 0;
                samples[count] = (struct blob_sample){
                    .key = (k + 1) * (k + 1),
                    .value = good ? (double)any(5000) / (k % 3 == 0 ? 10 : 7) : 0,
                    .quality = (uint8_t)(good ? 0 : any(QUALITY_COUNT)),
                    .detail = (uint8_t)any(3)};
                count += any(calm) != 0;
            }
            add(1000 + i * 500, (uint16_t)(any(calm) == 0 ? any(65536) : 0), samples,
                count);
        }
        /* A column that no row has is not kept. */
        ck_assert_uint_le(in.columns, columns);
        expect_same();
    }
}
END_TEST

/* The sizes that the history's writes are reckoned by. */
static const struct {
    int polls;
    double bytes_max;
} costs[] = {{5, 0.85}, {60, 0.32}};

START_TEST(a_flush_costs_little)
{
    enum { DEVICES = 100 };
    static struct mixed_device d;
    tail_begin(&writer, MIXED_START_MS, MIXED_PERIOD_MS);
    for (uint32_t i = 0; i < DEVICES; i++) {
        mixed_device_init(&d, 11, i);
        sheet_clear(&in);
        for (int p = 0; p < costs[_i].polls; p++) {
            struct blob_sample samples[MIXED_POINTS];
            int32_t raw[MIXED_POINTS];
            int64_t t_ms;
            mixed_device_next(&d, &t_ms, raw);
            for (uint32_t k = 0; k < MIXED_POINTS; k++) {
                samples[k] =
                    (struct blob_sample){.key = i * MIXED_POINTS + k + 1,
                                         .value = raw[k] / mixed_points[k].div};
            }
            add(t_ms, 0, samples, MIXED_POINTS);
        }
        ck_assert(tail_add(&writer, i + 1, &in, 0, in.rows));
    }
    ck_assert(tail_end(&writer, &bytes, &size));
    double each = (double)size / (DEVICES * MIXED_POINTS * costs[_i].polls);
    ck_assert_msg(each < costs[_i].bytes_max, "%.3f bytes a sample", each);
}
END_TEST

/* Two devices, one of them twice. */
static void
write_three(void)
{
    sheet_clear(&in);
    for (int i = 0; i < 6; i++) {
        const struct blob_sample s[] = {{.key = 1, .value = i / 10.0},
                                        {.key = 2, .value = i % 2}};
        add(1000 + i * 1000, 0, s, 2);
    }
    tail_begin(&writer, 1000, 1000);
    ck_assert(tail_add(&writer, 3, &in, 0, 2));
    ck_assert(tail_add(&writer, 3, &in, 2, 1));
    ck_assert(tail_add(&writer, 9, &in, 3, 3));
    ck_assert(tail_end(&writer, &bytes, &size));
}

START_TEST(a_section_is_read_without_the_others)
{
    static const uint32_t devices[] = {3, 3, 9}, firsts[] = {0, 2, 3},
                          rows[] = {2, 1, 3};
    struct tail t;
    struct tail_part part = {0};
    write_three();
    ck_assert(tail_open(&t, bytes, size));
    for (int i = 0; i < 3; i++) {
        ck_assert(tail_next(&t, &part));
        ck_assert_uint_eq(part.device, devices[i]);
        ck_assert_uint_eq(part.rows, rows[i]);
    }
    ck_assert_int_eq(tail_read(&t, &part, &out), TAIL_READ);
    ck_assert_int_eq(out.t_ms[0], in.t_ms[firsts[2]]);
    ck_assert(sheet_values(&out, 0)[2] == 0.5);
}
END_TEST

START_TEST(each_flipped_bit_and_each_cut_is_found)
{
    uint8_t damaged[1024];
    write_three();
    ck_assert_uint_lt(size, sizeof damaged);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct tail t;
        struct tail_part part = {0};
        int bad = 0;
        memcpy(damaged, bytes, size);
        damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (tail_open(&t, damaged, size)) {
            while (tail_next(&t, &part)) {
                bad += tail_read(&t, &part, &out) == TAIL_DAMAGED;
            }
            ck_assert_int_eq(bad, 1); /* Of three sections. */
        }
    }
    for (size_t cut = 0; cut < size; cut++) {
        struct tail t;
        ck_assert(!tail_open(&t, bytes, cut));
    }
}
END_TEST

START_TEST(a_sheet_is_put_in_order_and_rows_of_one_time_stay)
{
    for (int i = 0; i < 200; i++) {
        const struct blob_sample s = {.key = 1, .value = i};
        add(any(20), (uint16_t)i, &s, 1);
    }
    ck_assert(sheet_sort(&in));
    for (uint32_t i = 1; i < in.rows; i++) {
        ck_assert_int_le(in.t_ms[i - 1], in.t_ms[i]);
        ck_assert(in.t_ms[i - 1] != in.t_ms[i] || in.flags[i - 1] < in.flags[i]);
        ck_assert(sheet_values(&in, 0)[i] == in.flags[i]);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tail");
    TCase *tc = tcase_create("tail");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, each_value_alone_and_behind_each_other);
    tcase_add_loop_test(tc, times_of_any_kind, 0,
                        (int)(sizeof times / sizeof times[0]));
    tcase_add_test(tc, statuses_flags_and_missing_points_of_any_kind);
    tcase_add_loop_test(tc, a_flush_costs_little, 0,
                        (int)(sizeof costs / sizeof costs[0]));
    tcase_add_test(tc, a_section_is_read_without_the_others);
    tcase_add_test(tc, each_flipped_bit_and_each_cut_is_found);
    tcase_add_test(tc, a_sheet_is_put_in_order_and_rows_of_one_time_stay);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
