/* Tails: groups of many devices in one stream come out as they went in; what is damaged
 * is found, and safe to read. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_plan.h"
#include "daemon/store/chunk_tail.h"
#include "tests/fake/mixed_series.h"

#define GROUPS   40
#define COLUMNS  9
#define ROWS_MAX 70
#define CRC_AT   2 /* See chunk_tail.h. */
#define BODY_AT  6

struct group {
    uint32_t rows;
    int64_t t_ms[ROWS_MAX];
    uint16_t flags[ROWS_MAX];
    double values[COLUMNS][ROWS_MAX];
    uint16_t statuses[COLUMNS][ROWS_MAX];
    struct chunk_column columns[COLUMNS];
    struct chunk_input input;
};

static struct group groups[GROUPS];
static struct chunk_tail_writer *writer;
static struct chunk_tail_reader *reader;

static double
value_of(uint32_t kind, uint32_t row, uint64_t *random)
{
    double noise = mixed_noise(random), any;
    uint64_t bits = mixed_random(random);
    memcpy(&any, &bits, sizeof any);
    switch (kind % COLUMNS) {
    case 0:
        return 50;
    case 1:
        return rint(2300 + 3 * noise) / 10;
    case 2:
        return noise > 1;
    case 3:
        return 4294967290.0 + row;
    case 4:
        return (double)(float)noise;
    case 5:
        return noise / 3;
    case 6:
        return any; /* NaN among them. */
    case 7:
        return row % 30 == 29 ? noise : rint(noise);
    default:
        return 0.327927 * (double)(bits % 5);
    }
}

static uint16_t
status_of(uint32_t group, uint32_t column, uint64_t r)
{
    if (group % 5 == 1) { /* It does not answer. */
        return CHUNK_STATUS(QUALITY_TIMEOUT, 0);
    }
    if (group % 5 == 2 && column == 3) {
        return r % 3 == 0 ? CHUNK_ABSENT : 0;
    }
    if (group % 5 == 3) {
        return r % 4 == 0 ? CHUNK_STATUS(r / 4 % QUALITY_COUNT, r % 251) : 0;
    }
    return 0;
}

static void
setup(void)
{
    uint64_t random = 3;
    for (uint32_t k = 0; k < GROUPS; k++) {
        struct group *g = &groups[k];
        g->rows = 1 + (uint32_t)(mixed_random(&random) % ROWS_MAX);
        for (uint32_t i = 0; i < g->rows; i++) {
            uint64_t r = mixed_random(&random);
            g->t_ms[i] = MIXED_START_MS + 1000 * (int64_t)i + (int64_t)(r % 11) -
                         (k == 4 ? (int64_t)(r % 100000) : 0);
            g->flags[i] = k % 7 == 2;
            for (uint32_t c = 0; c < COLUMNS; c++) {
                g->values[c][i] = value_of(c + k, i, &random);
                g->statuses[c][i] = status_of(k, c, mixed_random(&random));
            }
        }
        for (uint32_t c = 0; c < COLUMNS; c++) {
            g->columns[c] = (struct chunk_column){.key = 20 * k + 2 * c,
                                                  .scaling = {1, 0, 10},
                                                  .values = g->values[c],
                                                  .statuses = g->statuses[c]};
        }
        g->input = (struct chunk_input){.rows = g->rows,
                                        .columns = k % (COLUMNS + 1),
                                        .t_ms = g->t_ms,
                                        .flags = g->flags,
                                        .column = g->columns};
    }
    writer = chunk_tail_writer_new();
    reader = chunk_tail_reader_new();
    ck_assert(writer != NULL && reader != NULL);
}

static void
teardown(void)
{
    chunk_tail_writer_free(writer);
    chunk_tail_reader_free(reader);
}

/* A copy that may be damaged and that a sanitizer knows the end of. */
static uint8_t *
write_groups(uint32_t count, size_t *size)
{
    const uint8_t *bytes;
    chunk_tail_begin(writer);
    for (uint32_t k = 0; k < count; k++) {
        ck_assert_int_eq(chunk_tail_add(writer, &groups[k].input), 0);
    }
    ck_assert_int_eq(chunk_tail_end(writer, &bytes, size), 0);
    uint8_t *copy = malloc(*size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, *size);
    return copy;
}

static void
expect_columns(const struct group *g)
{
    struct chunk_tail_column column;
    for (uint32_t c = 0; c < g->input.columns; c++) {
        ck_assert_int_eq(chunk_tail_column(reader, &column), CHUNK_TAIL_GROUP);
        ck_assert_uint_eq(column.key, g->columns[c].key);
        for (uint32_t i = 0; i < g->rows; i++) {
            ck_assert_uint_eq(column.statuses[i], g->statuses[c][i]);
            double in = status_has_value(g->statuses[c][i]) ? g->values[c][i] : 0.0;
            ck_assert_uint_eq(double_bits(column.values[i]), double_bits(in));
        }
    }
    ck_assert_int_eq(chunk_tail_column(reader, &column), CHUNK_TAIL_END);
}

static void
expect_groups(uint32_t count)
{
    struct chunk_tail_group group;
    for (uint32_t k = 0; k < count; k++) {
        const struct group *g = &groups[k];
        ck_assert_int_eq(chunk_tail_next(reader, &group), CHUNK_TAIL_GROUP);
        ck_assert_uint_eq(group.rows, g->rows);
        ck_assert_uint_eq(group.columns, g->input.columns);
        ck_assert(memcmp(group.t_ms, g->t_ms, g->rows * sizeof *g->t_ms) == 0);
        ck_assert(memcmp(group.flags, g->flags, g->rows * sizeof *g->flags) == 0);
        if (k % 3 != 2) { /* The others are stepped over. */
            expect_columns(g);
        }
    }
    ck_assert_int_eq(chunk_tail_next(reader, &group), CHUNK_TAIL_END);
}

START_TEST(test_groups_of_many_devices_read_back)
{
    static const uint32_t counts[] = {0, 1, 2, GROUPS};
    for (size_t n = 0; n < ARRAY_LEN(counts); n++) { /* The same writer and reader. */
        size_t size;
        uint8_t *bytes = write_groups(counts[n], &size);
        ck_assert(chunk_tail_open(reader, bytes, size));
        expect_groups(counts[n]);
        free(bytes);
    }
}
END_TEST

START_TEST(test_a_time_out_of_range_leaves_the_tail_as_it_was)
{
    const uint8_t *bytes;
    size_t size;
    struct group *bad = &groups[GROUPS - 1];
    chunk_tail_begin(writer);
    ck_assert_int_eq(chunk_tail_add(writer, &groups[0].input), 0);
    bad->t_ms[0] = CHUNK_TIME_MAX + 1;
    ck_assert_int_eq(chunk_tail_add(writer, &bad->input), ERR_RANGE);
    ck_assert_int_eq(chunk_tail_add(writer, &groups[1].input), 0);
    ck_assert_int_eq(chunk_tail_end(writer, &bytes, &size), 0);
    ck_assert(chunk_tail_open(reader, bytes, size));
    expect_groups(2);
}
END_TEST

START_TEST(test_flipped_bits_and_cut_tails_are_found)
{
    size_t size;
    uint8_t *bytes = write_groups(6, &size);
    struct chunk_tail_group group;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_msg(!chunk_tail_open(reader, bytes, size), "bit %zu", bit);
        ck_assert_int_eq(chunk_tail_next(reader, &group), CHUNK_TAIL_DAMAGED);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + (cut == 0));
        memcpy(copy, bytes, cut);
        ck_assert(!chunk_tail_open(reader, copy, cut));
        free(copy);
    }
    free(bytes);
}
END_TEST

START_TEST(test_damage_with_a_right_checksum_is_safe_to_read)
{
    size_t size;
    uint8_t *bytes = write_groups(GROUPS, &size);
    uint8_t *copy = malloc(size);
    uint64_t random = 5;
    uint32_t ended = 0, damaged = 0;
    for (int round = 0; round < 1000; round++) {
        struct chunk_tail_group group;
        struct chunk_tail_column column;
        enum chunk_tail_found found;
        memcpy(copy, bytes, size);
        copy[BODY_AT + mixed_random(&random) % (size - BODY_AT)] ^=
            (uint8_t)(1 + mixed_random(&random) % 255);
        struct bytes crc = {.at = copy + CRC_AT};
        bytes_fixed(&crc, crc32c(copy + BODY_AT, size - BODY_AT), 4);
        ck_assert(chunk_tail_open(reader, copy, size));
        while ((found = chunk_tail_next(reader, &group)) == CHUNK_TAIL_GROUP) {
            ck_assert_uint_ge(group.rows, 1);
            ck_assert_uint_le(group.rows, CHUNK_ROWS_MAX);
            while (chunk_tail_column(reader, &column) == CHUNK_TAIL_GROUP) {
                ck_assert_ptr_nonnull(column.values);
            }
        }
        ended += found == CHUNK_TAIL_END;
        damaged += found == CHUNK_TAIL_DAMAGED;
    }
    ck_assert_uint_eq(ended + damaged, 1000);
    ck_assert_uint_gt(damaged, 500); /* Most of it does not even look right. */
    free(copy);
    free(bytes);
}
END_TEST

/* The worst that the writer makes room for: whatever one of 8,192 rows may hold. */
START_TEST(test_the_largest_group_of_anything_at_all_has_room)
{
    static int64_t t_ms[CHUNK_ROWS_MAX];
    static uint16_t flags[CHUNK_ROWS_MAX], statuses[CHUNK_ROWS_MAX];
    static double values[CHUNK_ROWS_MAX];
    struct chunk_tail_group group;
    struct chunk_tail_column column;
    const uint8_t *bytes;
    size_t size;
    uint64_t random = 7;
    for (uint32_t i = 0; i < CHUNK_ROWS_MAX; i++) {
        uint64_t r = mixed_random(&random);
        t_ms[i] = (int64_t)(mixed_random(&random) >> 14) - CHUNK_TIME_MAX / 2;
        flags[i] = (uint16_t)r;
        statuses[i] = r % 3 == 0 ? CHUNK_STATUS(r >> 16 & 7, r >> 24 & 255) : 0;
        values[i] = value_of(6, i, &random);
    }
    const struct chunk_column in_column = {
        .key = UINT32_MAX, .values = values, .statuses = statuses};
    const struct chunk_input in = {.rows = CHUNK_ROWS_MAX,
                                   .columns = 1,
                                   .t_ms = t_ms,
                                   .flags = flags,
                                   .column = &in_column};
    chunk_tail_begin(writer);
    ck_assert_int_eq(chunk_tail_add(writer, &in), 0);
    ck_assert_int_eq(chunk_tail_end(writer, &bytes, &size), 0);
    ck_assert(chunk_tail_open(reader, bytes, size));
    ck_assert_int_eq(chunk_tail_next(reader, &group), CHUNK_TAIL_GROUP);
    ck_assert(memcmp(group.t_ms, t_ms, sizeof t_ms) == 0);
    ck_assert_int_eq(chunk_tail_column(reader, &column), CHUNK_TAIL_GROUP);
    ck_assert(memcmp(column.statuses, statuses, sizeof statuses) == 0);
    ck_assert_int_eq(chunk_tail_next(reader, &group), CHUNK_TAIL_END);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("chunk_tail");
    TCase *tc = tcase_create("tails");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_groups_of_many_devices_read_back);
    tcase_add_test(tc, test_a_time_out_of_range_leaves_the_tail_as_it_was);
    tcase_add_test(tc, test_flipped_bits_and_cut_tails_are_found);
    tcase_add_test(tc, test_damage_with_a_right_checksum_is_safe_to_read);
    tcase_add_test(tc, test_the_largest_group_of_anything_at_all_has_room);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
