/* Chunks: what goes in comes out, bit for bit; what is damaged is found. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/model/sample.h"
#include "daemon/store/chunk.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_plan.h"
#include "daemon/store/chunk_rows.h"
#include "tests/fake/mixed_series.h"

#define COLUMNS 6

static struct chunk_encoder *encoder;
static int64_t times[CHUNK_ROWS_MAX], times_back[CHUNK_ROWS_MAX];
static uint16_t flags[CHUNK_ROWS_MAX], flags_back[CHUNK_ROWS_MAX];
static uint16_t row_statuses[CHUNK_ROWS_MAX];
static double values[COLUMNS][CHUNK_ROWS_MAX], values_back[CHUNK_ROWS_MAX];
static uint16_t statuses[COLUMNS][CHUNK_ROWS_MAX], statuses_back[CHUNK_ROWS_MAX];
static struct chunk_column columns[COLUMNS];
static struct chunk_input input;

static void
setup(void)
{
    encoder = chunk_encoder_new();
    ck_assert_ptr_nonnull(encoder);
    memset(flags, 0, sizeof flags);
    memset(statuses, 0, sizeof statuses);
    memset(values, 0, sizeof values);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        columns[i] = (struct chunk_column){.key = 10 + 3 * i,
                                           .scaling = {1, 0, 1},
                                           .values = values[i],
                                           .statuses = statuses[i]};
    }
    for (uint32_t i = 0; i < CHUNK_ROWS_MAX; i++) {
        times[i] = MIXED_START_MS + 1000 * (int64_t)i;
    }
    input = (struct chunk_input){.rows = CHUNK_ROWS_MAX,
                                 .columns = 1,
                                 .t_ms = times,
                                 .flags = flags,
                                 .column = columns};
}

static void
teardown(void)
{
    chunk_encoder_free(encoder);
}

static void
expect_same_value(double in, double back, uint32_t column, uint32_t row)
{
    ck_assert_msg(memcmp(&in, &back, sizeof in) == 0,
                  "column %u, row %u: %.17g instead of %.17g", column, row, back, in);
}

static void
expect_column(const struct chunk *c, uint32_t k)
{
    struct chunk_part part;
    const struct chunk_column *in = &input.column[k];
    ck_assert(chunk_find(c, in->key, &part));
    ck_assert(chunk_values(c, &part, row_statuses, values_back, statuses_back));
    for (uint32_t i = 0; i < c->rows; i++) {
        ck_assert_msg(statuses_back[i] == in->statuses[i],
                      "column %u, row %u: %x not %x", k, i, statuses_back[i],
                      in->statuses[i]);
        bool good = (in->statuses[i] & 0xff) == QUALITY_GOOD;
        expect_same_value(good ? in->values[i] : 0.0, values_back[i], k, i);
    }
}

/* Encodes the input and reads it back; the bytes that it took. */
static size_t
round_trip(void)
{
    const uint8_t *bytes;
    size_t size;
    struct chunk c;
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), 0);
    ck_assert(chunk_open(&c, bytes, size));
    ck_assert_uint_eq(c.rows, input.rows);
    ck_assert_uint_eq(c.columns, input.columns);
    ck_assert(chunk_rows(&c, times_back, flags_back, row_statuses));
    for (uint32_t i = 0; i < c.rows; i++) {
        ck_assert_msg(times_back[i] == times[i], "row %u: %lld not %lld", i,
                      (long long)times_back[i], (long long)times[i]);
        ck_assert_uint_eq(flags_back[i], input.flags == NULL ? 0 : flags[i]);
    }
    for (uint32_t k = 0; k < input.columns; k++) {
        expect_column(&c, k);
    }
    return size;
}

/* Of the first column's head. */
static unsigned
head_of_column(void)
{
    const uint8_t *bytes;
    size_t size;
    struct chunk c;
    struct chunk_part part = {0};
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), 0);
    ck_assert(chunk_open(&c, bytes, size));
    ck_assert(chunk_next(&c, &part));
    return bytes[part.at];
}

static double
any_double(uint64_t *random)
{
    uint64_t bits = mixed_random(random);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Signals, each a column: by row and a random state. */
static double
signal_of(int kind, uint32_t i, double last, uint64_t *r)
{
    switch (kind) {
    case 0:
        return 21.5;
    case 1: /* Slow, in tenths. */
        return rint(200 + 50 * sin(i / 500.0) + 0.4 * mixed_noise(r)) / 10;
    case 2: /* Noisy. */
        return rint(23000 + 90 * mixed_noise(r)) / 100;
    case 3: /* A state. */
        return mixed_random(r) % 50 == 0 ? 1 - last : last;
    case 4: /* A counter that wraps. */
        return fmod(4294960000.0 + 3 * i, 4294967296.0);
    case 5: /* A meter's single. */
        return (double)(float)(230 + 0.3 * mixed_noise(r));
    case 6: /* The same of one that rounds. */
        return (double)(float)(rint(2300 + 9 * mixed_noise(r)) / 10);
    case 7: /* A double. */
        return last * 0.99 + mixed_noise(r);
    case 8: /* Any bits at all: NaN, infinite, tiny. */
        return any_double(r);
    case 9: /* Few levels of a converter. */
        return 0.054711 + 0.327927 * (double)(mixed_random(r) % 9);
    case 10: /* Mostly whole, some are not. */
        return mixed_random(r) % 40 == 0 ? i / 3.0 : (double)(i % 97);
    case 11: /* Leaps of all sizes. */
        return rint(ldexp(mixed_noise(r), (int)(mixed_random(r) % 50)));
    case 12: /* Zeros of both signs. */
        return mixed_random(r) % 3 == 0 ? -0.0 : 0.0;
    default: /* Large whole numbers. */
        return 9007199254740000.0 + (double)(mixed_random(r) % 1000);
    }
}
#define SIGNALS 14

static void
fill(uint32_t k, int kind, uint32_t rows, uint64_t *random)
{
    double last = 0;
    for (uint32_t i = 0; i < rows; i++) {
        last = signal_of(kind, i, last, random);
        values[k][i] = last;
    }
}

static const uint32_t lengths[] = {
    1, 2, 3, 5, 15, 16, 17, 60, 257, 900, CHUNK_ROWS_MAX};

START_TEST(test_every_signal_of_every_length_reads_back)
{
    uint64_t random = 7;
    for (size_t n = 0; n < ARRAY_LEN(lengths); n++) {
        input.rows = lengths[n];
        fill(0, _i, input.rows, &random);
        round_trip();
    }
}
END_TEST

static const struct {
    const char *what;
    struct scaling scaling;
} scalings[] = {
    {"plain", {1, 0, 1}},
    {"tenths", {1, 0, 10}},
    {"thousandths", {1, 0, 1000}},
    {"times three", {3, 0, 10}},
    {"with an offset", {1, -27315, 100}},
    {"a fraction", {1, 0, 512}},
    {"negative", {-1, 50, 7}},
    {"an odd factor", {0.123456789, 4.2, 1}},
};

START_TEST(test_registers_of_every_scaling_are_coded_as_integers)
{
    const struct scaling *s = &scalings[_i].scaling;
    uint64_t random = 3;
    input.rows = 3600;
    columns[0].scaling = *s;
    for (uint32_t i = 0; i < input.rows; i++) {
        double raw = (double)(mixed_random(&random) % 4 + 30000);
        values[0][i] = (raw * s->mul + s->add) / s->div;
    }
    size_t size = round_trip();
    /* Two bits each; the rest is fixed. */
    ck_assert_msg(size < 1000 + 120, "%s: %zu", scalings[_i].what, size);
}
END_TEST

START_TEST(test_every_word_of_every_scaling_reads_back)
{
    const struct scaling *s = &scalings[_i].scaling;
    columns[0].scaling = *s;
    input.rows = CHUNK_ROWS_MAX;
    for (uint32_t from = 0; from < 65536; from += CHUNK_ROWS_MAX) {
        for (uint32_t i = 0; i < input.rows; i++) {
            values[0][i] = ((double)(from + i) * s->mul + s->add) / s->div;
        }
        round_trip();
    }
}
END_TEST

/* What stands in bits 0..2 and 5 of a column's head: chunk_values.h. */
static const struct {
    const char *what;
    int kind;
    unsigned head;
} heads[] = {
    {"a noisy register is scaled", 2, 1},
    {"a single is a single", 5, 2},
    {"a single of few decimals is scaled", 6, 1 | 4},
    {"a double is a double", 7, 3},
    {"few levels are a palette", 9, 3 | 0x20},
};

START_TEST(test_the_form_of_a_column_fits_its_values)
{
    uint64_t random = 5;
    input.rows = 3600;
    fill(0, heads[_i].kind, input.rows, &random);
    unsigned head = head_of_column();
    ck_assert_msg((head & 0x27) == heads[_i].head, "%s: %x", heads[_i].what, head);
}
END_TEST

START_TEST(test_nan_payloads_and_infinities_keep_their_bits)
{
    static const uint64_t bits[] = {
        0x7ff8000000000001, 0xfff8000000000000, 0x7ff0000000000001, 0x7ff4000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8123400000000, 0x0000000000000001,
        0x8000000000000000, 0x36a0000000000000, 0x47efffffe0000000, 0x7ff0000020000000};
    input.rows = 1000;
    for (uint32_t odd = 1; odd < 100; odd *= 3) { /* Some among others; all of them. */
        for (uint32_t i = 0; i < input.rows; i++) {
            values[0][i] = i % odd == 0 ? bits_double(bits[i / odd % ARRAY_LEN(bits)])
                                        : (double)(i % 5);
        }
        round_trip();
    }
}
END_TEST

START_TEST(test_a_value_of_another_form_does_not_spoil_the_column)
{
    uint64_t random = 11;
    input.rows = 3600;
    fill(0, 1, input.rows, &random);
    columns[0].scaling = (struct scaling){1, 0, 10};
    size_t size = round_trip();
    values[0][0] = 0.1 * 3;
    values[0][1700] = 1e300;
    values[0][3599] = -0.0;
    size_t with_odd = round_trip();
    ck_assert_uint_gt(with_odd, size);
    ck_assert_uint_lt(with_odd, size + 60);
}
END_TEST

START_TEST(test_times_may_repeat_go_back_and_leap)
{
    static const int64_t leaps[] = {0,   1,     -1,     1000,       -5000,
                                    999, 86400, 123456, -100000000, INT64_C(1) << 40};
    uint64_t random = 17;
    input.rows = 2000;
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 1; i < input.rows; i++) {
            bool leap = round == 2 || mixed_random(&random) % 50 == 0;
            int64_t step = round == 0 ? 1000 : (int64_t)(mixed_random(&random) % 300);
            step = leap ? leaps[mixed_random(&random) % ARRAY_LEN(leaps)] : step;
            times[i] = times[i - 1] + step;
        }
        round_trip();
    }
    times[0] = CHUNK_TIME_MAX;
    times[1] = -CHUNK_TIME_MAX;
    times[2] = CHUNK_TIME_MAX;
    input.rows = 3;
    round_trip();
}
END_TEST

START_TEST(test_a_time_beyond_all_calendars_is_refused)
{
    const uint8_t *bytes;
    size_t size;
    times[5] = CHUNK_TIME_MAX + 1;
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), ERR_RANGE);
    times[5] = INT64_MIN;
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), ERR_RANGE);
}
END_TEST

START_TEST(test_jitter_costs_little_more_than_its_entropy)
{
    uint64_t random = 23;
    input.rows = 3600;
    for (uint32_t i = 0; i < input.rows; i++) {
        times[i] =
            MIXED_START_MS + 1000 * (int64_t)i + (int64_t)(mixed_random(&random) % 11);
    }
    size_t size = round_trip();
    /* log2(11) bits are 1557 bytes. */
    ck_assert_msg(size < 1557 * 1.12, "%zu", size);
    ck_assert_uint_gt(size, 1557);
}
END_TEST

START_TEST(test_a_late_poll_and_a_gap_do_not_disturb_the_grid)
{
    uint64_t random = 23;
    input.rows = 3600;
    times[0] = MIXED_START_MS;
    for (uint32_t i = 1; i < input.rows; i++) {
        times[i] = times[i - 1] + 1000;
    }
    size_t size = round_trip();
    for (uint32_t i = 0; i < input.rows; i++) {
        times[i] += (i > 1000 ? 17000 : 0) + (i > 3000 ? 86400000 : 0);
        times[i] += mixed_random(&random) % 900 == 0 ? 450 : 0;
    }
    ck_assert_uint_lt(round_trip(), size + 140);
}
END_TEST

static void
fill_statuses(uint64_t *random, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        bool failed = i % 500 >= 480;
        flags[i] = i < 100 ? FRAME_CLOCK_UNTRUSTED : 0;
        for (uint32_t k = 0; k < COLUMNS; k++) {
            uint16_t s = CHUNK_STATUS(QUALITY_GOOD, 0);
            if (failed) {
                s = CHUNK_STATUS(QUALITY_TIMEOUT, i % 2000 < 500 ? 11 : 0);
            } else if (k == 1 && i % 60 != 3) {
                s = CHUNK_ABSENT; /* Polled each minute. */
            } else if (k == 2 && mixed_random(random) % 100 == 0) {
                s = CHUNK_STATUS(mixed_random(random) % QUALITY_COUNT,
                                 mixed_random(random) % 256);
            } else if (k == 3) {
                s = CHUNK_STATUS(QUALITY_EXCEPTION, 2);
            } else if (k == 4 && i % 777 == 0) {
                s = CHUNK_STATUS(QUALITY_GOOD, COUNTER_WRAPPED);
            } else if (k == 5 && i < rows / 2) {
                s = CHUNK_ABSENT; /* It is new. */
            }
            statuses[k][i] = s;
        }
    }
}

START_TEST(test_qualities_details_holes_and_flags_read_back)
{
    uint64_t random = 29;
    input.columns = COLUMNS;
    for (size_t n = 0; n < ARRAY_LEN(lengths); n++) {
        input.rows = lengths[n];
        for (uint32_t k = 0; k < COLUMNS; k++) {
            fill(k, (int)k + 1, input.rows, &random);
        }
        fill_statuses(&random, input.rows);
        round_trip();
    }
}
END_TEST

START_TEST(test_statuses_of_every_kind_at_random_read_back)
{
    uint64_t random = 31;
    input.columns = COLUMNS;
    input.rows = 1500;
    for (uint32_t i = 0; i < input.rows; i++) {
        flags[i] = (uint16_t)mixed_random(&random);
        for (uint32_t k = 0; k < COLUMNS; k++) {
            uint64_t r = mixed_random(&random);
            statuses[k][i] =
                r % 3 == 0 ? CHUNK_ABSENT
                           : CHUNK_STATUS((r >> 8) % QUALITY_COUNT, (r >> 16) % 256);
            values[k][i] = any_double(&random);
        }
    }
    round_trip();
}
END_TEST

START_TEST(test_regular_holes_and_failed_polls_cost_next_to_nothing)
{
    input.rows = 3600;
    input.columns = 2;
    size_t size = round_trip();
    for (uint32_t i = 0; i < input.rows; i++) {
        statuses[1][i] = i % 60 == 0 ? 0 : CHUNK_ABSENT;
    }
    ck_assert_uint_lt(round_trip(), size + 25);
    for (uint32_t i = 2000; i < 2300; i++) {
        statuses[0][i] = statuses[1][i] = CHUNK_STATUS(QUALITY_TIMEOUT, 0);
    }
    ck_assert_uint_lt(round_trip(), size + 50);
}
END_TEST

START_TEST(test_no_columns_no_good_values_and_no_flags_are_chunks_too)
{
    input.columns = 0;
    round_trip();
    input.columns = 1;
    input.flags = NULL;
    for (uint32_t i = 0; i < input.rows; i++) {
        statuses[0][i] = CHUNK_STATUS(QUALITY_REFUSED, 0);
        values[0][i] = NAN; /* Not looked at. */
    }
    round_trip();
    for (uint32_t i = 0; i < input.rows; i++) {
        statuses[0][i] = CHUNK_ABSENT;
    }
    round_trip();
}
END_TEST

START_TEST(test_keys_are_found_and_others_are_not)
{
    static const uint32_t keys[] = {0, 1, 7, 4000000000u, UINT32_MAX - 1, UINT32_MAX};
    const uint8_t *bytes;
    size_t size;
    struct chunk c;
    struct chunk_part part = {0};
    input.columns = COLUMNS;
    input.rows = 10;
    for (uint32_t k = 0; k < COLUMNS; k++) {
        columns[k].key = keys[k];
        values[k][0] = k; /* So that they differ. */
    }
    round_trip();
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), 0);
    ck_assert(chunk_open(&c, bytes, size));
    ck_assert(!chunk_find(&c, 2, &part));
    ck_assert(!chunk_find(&c, 4000000001u, &part));
    part = (struct chunk_part){0};
    for (uint32_t k = 0; k < COLUMNS; k++) {
        ck_assert(chunk_next(&c, &part));
        ck_assert_uint_eq(part.key, keys[k]);
    }
    ck_assert(!chunk_next(&c, &part));
    input.columns = 0;
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), 0);
    ck_assert(chunk_open(&c, bytes, size));
    ck_assert(!chunk_find(&c, 0, &part));
}
END_TEST

/* A chunk of some rows of all kinds, as a copy that may be damaged. */
static uint8_t *
damageable(size_t *size)
{
    uint64_t random = 37;
    const uint8_t *bytes;
    input.columns = COLUMNS;
    input.rows = 300;
    for (uint32_t k = 0; k < COLUMNS; k++) {
        fill(k, (int)k + 1, input.rows, &random);
    }
    fill_statuses(&random, input.rows);
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, size), 0);
    uint8_t *copy = malloc(*size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, *size);
    return copy;
}

/* The parts that are read without complaint: rows, columns. */
static unsigned
whole_parts(const uint8_t *bytes, size_t size)
{
    struct chunk c;
    struct chunk_part part = {0};
    unsigned whole = 0;
    if (!chunk_open(&c, bytes, size)) {
        return 0;
    }
    whole += chunk_rows(&c, times_back, flags_back, row_statuses);
    while (chunk_next(&c, &part)) {
        whole += chunk_values(&c, &part, row_statuses, values_back, statuses_back);
    }
    return whole;
}

START_TEST(test_every_flipped_bit_is_found_in_its_part)
{
    size_t size;
    uint8_t *bytes = damageable(&size);
    ck_assert_uint_eq(whole_parts(bytes, size), 1 + COLUMNS);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        unsigned whole = whole_parts(bytes, size);
        ck_assert_msg(whole == 0 || whole == COLUMNS, "bit %zu: %u", bit, whole);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}
END_TEST

START_TEST(test_a_chunk_cut_short_or_with_a_tail_is_refused)
{
    size_t size;
    uint8_t *bytes = damageable(&size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy =
            malloc(cut + (cut == 0)); /* So that a sanitizer sees its end. */
        memcpy(copy, bytes, cut);
        ck_assert_uint_eq(whole_parts(copy, cut), 0);
        free(copy);
    }
    bytes = realloc(bytes, size + 1);
    bytes[size] = 0;
    ck_assert_uint_eq(whole_parts(bytes, size + 1), 0);
    free(bytes);
}
END_TEST

/* Chunks that were written when their version was new, and what they hold: files in the
 * field are read for twenty years. */
static const struct {
    const char *path;
    uint32_t crc; /* Of times, flags and each column's statuses and values. */
} kept[] = {
    {"tests/data/chunk/scaled.v1", 0x46a5fd38},
    {"tests/data/chunk/singles.v1", 0xc2a9b2ae},
    {"tests/data/chunk/doubles.v1", 0x8004d090},
    {"tests/data/chunk/palette.v1", 0xe1346bc5},
    {"tests/data/chunk/statuses.v1", 0x9bebe2c7},
    {"tests/data/chunk/odd.v1", 0x8229e26e},
    {"tests/data/chunk/times.v1", 0x24f4da0e},
    {"tests/data/chunk/constant.v1", 0xc4e2e96d},
};

START_TEST(test_chunks_of_old_are_read_as_ever)
{
    static uint8_t bytes[4096], all[1 << 16];
    struct bytes out = {.at = all, .capacity = sizeof all};
    struct chunk c;
    struct chunk_part part = {0};
    FILE *file = fopen(kept[_i].path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert(chunk_open(&c, bytes, size));
    ck_assert(chunk_rows(&c, times_back, flags_back, row_statuses));
    for (uint32_t i = 0; i < c.rows; i++) {
        bytes_fixed(&out, (uint64_t)times_back[i], 8);
        bytes_fixed(&out, flags_back[i], 2);
    }
    while (chunk_next(&c, &part)) {
        ck_assert(chunk_values(&c, &part, row_statuses, values_back, statuses_back));
        for (uint32_t i = 0; i < c.rows; i++) {
            bytes_fixed(&out, statuses_back[i], 2);
            bytes_fixed(&out, double_bits(values_back[i]), 8);
        }
    }
    uint32_t crc = crc32c(out.at, out.size);
    ck_assert_msg(crc == kept[_i].crc, "%s: 0x%08x", kept[_i].path, crc);
}
END_TEST

START_TEST(test_another_version_is_refused)
{
    size_t size;
    struct chunk c;
    uint8_t *bytes = damageable(&size);
    ck_assert(chunk_open(&c, bytes, size));
    bytes[1]++;
    ck_assert(!chunk_open(&c, bytes, size));
    free(bytes);
}
END_TEST

/* Gives the part checksums that hold: what is damaged before them is then read. */
START_TEST(test_damage_with_a_right_checksum_is_safe_to_read)
{
    size_t size;
    uint8_t *bytes = damageable(&size);
    uint8_t *copy = malloc(size);
    uint64_t random = 41;
    struct chunk c;
    for (int round = 0; round < 3000; round++) {
        struct chunk_part part = {0};
        memcpy(copy, bytes, size);
        ck_assert(chunk_open(&c, copy, size));
        size_t at = c.rows_at, end = at + c.rows_size;
        for (uint64_t k = mixed_random(&random) % (COLUMNS + 1); k > 0; k--) {
            ck_assert(chunk_next(&c, &part));
            at = part.at;
            end = part.at + part.size;
        }
        for (uint64_t n = mixed_random(&random) % 8; n > 0; n--) {
            size_t span = n % 2 == 0 ? 6 : end - 4 - at; /* The head, or anywhere. */
            span = span < end - 4 - at ? span : end - 4 - at;
            copy[at + mixed_random(&random) % span] = (uint8_t)mixed_random(&random);
        }
        struct bytes crc = {.at = copy + end - 4};
        bytes_fixed(&crc, crc32c(copy + at, end - 4 - at), 4);
        unsigned whole = whole_parts(copy, size);
        ck_assert_uint_ge(whole, 1);
    }
    free(copy);
    free(bytes);
}
END_TEST

START_TEST(test_the_checksum_is_that_of_the_standard)
{
    static const uint8_t text[] = "123456789";
    uint8_t zeros[32] = {0};
    ck_assert_uint_eq(crc32c(text, 9), 0xe3069283);
    ck_assert_uint_eq(crc32c(zeros, 32), 0x8a9136aa); /* RFC 3720, B.4. */
    ck_assert_uint_eq(crc32c(NULL, 0), 0);
}
END_TEST

/* What CHUNK_SERIES_VALUE_MAX relies on: no predictor's answers to all values before it
 * add up to more than 3. */
START_TEST(test_predictors_amplify_by_at_most_three)
{
    double a = chunk_series_predictors[_i].a / 64.0,
           b = chunk_series_predictors[_i].b / 64.0;
    double level = 0, slope = 0, sum = 0;
    for (int i = 0; i < 100000; i++) {
        double predicted = level + slope, error = (i == 0) - predicted;
        sum += fabs(predicted);
        level = predicted + error * a;
        slope += error * b;
    }
    ck_assert_double_le(sum, 3.0 + 1e-9);
    ck_assert_double_lt(fabs(level) + fabs(slope), 1e-9); /* It has died away. */
}
END_TEST

START_TEST(test_values_at_the_limits_of_a_series_read_back)
{
    static const int64_t extremes[] = {CHUNK_SERIES_VALUE_MAX, -CHUNK_SERIES_VALUE_MAX,
                                       0, 1, CHUNK_SERIES_VALUE_MAX - 1};
    int64_t in[2000], back[2000];
    static uint8_t out[65536];
    static struct chunk_series_chances chances;
    struct chunk_series s;
    struct coder c;
    uint64_t random = 43;
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        uint64_t r = i < 1000 ? i : mixed_random(&random);
        in[i] = i < 500
                    ? (i % 2 == 0 ? CHUNK_SERIES_VALUE_MAX : -CHUNK_SERIES_VALUE_MAX)
                    : extremes[r % ARRAY_LEN(extremes)];
    }
    chunk_series_chances_reset(&chances);
    chunk_series_init(&s, &chances, in[0], (unsigned)_i);
    coder_write(&c, out, sizeof out);
    chunk_series_put(&s, &c, in + 1, ARRAY_LEN(in) - 1);
    size_t size = coder_end(&c);
    ck_assert(!c.full);
    chunk_series_chances_reset(&chances);
    chunk_series_init(&s, &chances, in[0], (unsigned)_i);
    coder_read(&c, out, size);
    ck_assert(chunk_series_get(&s, &c, back + 1, ARRAY_LEN(in) - 1));
    ck_assert(memcmp(in + 1, back + 1, sizeof in - sizeof in[0]) == 0);
}
END_TEST

START_TEST(test_numbers_of_every_length_read_back)
{
    struct chance lengths_of[NUMBER_CHANCES];
    static uint8_t out[65536];
    struct coder c;
    coder_write(&c, out, sizeof out);
    chances_reset(lengths_of, NUMBER_CHANCES);
    for (int i = 0; i < 65 * 3; i++) {
        uint64_t n = i / 3 == 0 ? 0 : UINT64_MAX >> (64 - i / 3);
        number_code(&c, lengths_of, n - (uint64_t)(i % 3), false);
    }
    size_t size = coder_end(&c);
    ck_assert(!c.full);
    coder_read(&c, out, size);
    chances_reset(lengths_of, NUMBER_CHANCES);
    for (int i = 0; i < 65 * 3; i++) {
        uint64_t n = i / 3 == 0 ? 0 : UINT64_MAX >> (64 - i / 3);
        ck_assert_uint_eq(number_code(&c, lengths_of, 0, true), n - (uint64_t)(i % 3));
    }
}
END_TEST

/* Carries run through bytes of 0xff; an output of any size says that it is full, and
 * nothing is written behind it. */
START_TEST(test_bits_at_the_edges_of_chance_read_back)
{
    static uint8_t out[4096 + 1];
    static const uint32_t ones[] = {24, 65512, 32768, 100, 65000};
    uint64_t random = 47;
    for (size_t capacity = 0; capacity <= 4096; capacity += capacity < 64 ? 1 : 336) {
        uint64_t start = random;
        struct coder c;
        out[capacity] = 0xa5;
        coder_write(&c, out, capacity);
        for (int i = 0; i < 20000; i++) {
            uint64_t r = mixed_random(&random);
            uint32_t one = ones[r % ARRAY_LEN(ones)];
            /* Almost always the likely one. */
            bool bit = (r >> 20 & 0xfff) == 0 ? one < 32768 : one >= 32768;
            coder_bit_of(&c, one, bit, false);
        }
        size_t size = coder_end(&c);
        ck_assert_uint_eq(out[capacity], 0xa5);
        ck_assert_uint_le(size, capacity);
        if (capacity < 256) {
            ck_assert(c.full);
            continue;
        }
        if (c.full) {
            continue;
        }
        coder_read(&c, out, size);
        random = start;
        for (int i = 0; i < 20000; i++) {
            uint64_t r = mixed_random(&random);
            uint32_t one = ones[r % ARRAY_LEN(ones)];
            bool bit = (r >> 20 & 0xfff) == 0 ? one < 32768 : one >= 32768;
            ck_assert(coder_bit_of(&c, one, false, true) == bit);
        }
    }
}
END_TEST

START_TEST(test_mixed_series_keep_to_the_figure)
{
    static int32_t raw[MIXED_POINTS];
    static double device[MIXED_POINTS][3600];
    static uint16_t good[3600];
    struct chunk_column all[MIXED_POINTS];
    struct mixed_device d;
    const uint8_t *bytes;
    size_t size;
    mixed_device_init(&d, 1, 0);
    for (uint32_t i = 0; i < 3600; i++) {
        mixed_device_next(&d, &times[i], raw);
        for (uint32_t k = 0; k < MIXED_POINTS; k++) {
            device[k][i] = (double)raw[k] / mixed_points[k].div;
        }
    }
    for (uint32_t k = 0; k < MIXED_POINTS; k++) {
        all[k] = (struct chunk_column){.key = k + 1,
                                       .scaling = {1, 0, mixed_points[k].div},
                                       .values = device[k],
                                       .statuses = good};
    }
    input = (struct chunk_input){
        .rows = 3600, .columns = MIXED_POINTS, .t_ms = times, .column = all};
    ck_assert_int_eq(chunk_encode(encoder, &input, &bytes, &size), 0);
    ck_assert_double_lt((double)size / (3600 * MIXED_POINTS), 0.28);
    round_trip();
}
END_TEST

static TCase *
tcase(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tc;
}

int
main(void)
{
    Suite *suite = suite_create("chunk");
    TCase *tc = tcase(suite, "values");
    tcase_add_loop_test(tc, test_every_signal_of_every_length_reads_back, 0, SIGNALS);
    tcase_add_loop_test(tc, test_registers_of_every_scaling_are_coded_as_integers, 0,
                        (int)ARRAY_LEN(scalings));
    tcase_add_loop_test(tc, test_every_word_of_every_scaling_reads_back, 0,
                        (int)ARRAY_LEN(scalings));
    tcase_add_loop_test(tc, test_the_form_of_a_column_fits_its_values, 0,
                        (int)ARRAY_LEN(heads));
    tcase_add_test(tc, test_nan_payloads_and_infinities_keep_their_bits);
    tcase_add_test(tc, test_a_value_of_another_form_does_not_spoil_the_column);
    tcase_add_test(tc, test_mixed_series_keep_to_the_figure);
    tc = tcase(suite, "rows");
    tcase_add_test(tc, test_times_may_repeat_go_back_and_leap);
    tcase_add_test(tc, test_a_time_beyond_all_calendars_is_refused);
    tcase_add_test(tc, test_jitter_costs_little_more_than_its_entropy);
    tcase_add_test(tc, test_a_late_poll_and_a_gap_do_not_disturb_the_grid);
    tcase_add_test(tc, test_qualities_details_holes_and_flags_read_back);
    tcase_add_test(tc, test_statuses_of_every_kind_at_random_read_back);
    tcase_add_test(tc, test_regular_holes_and_failed_polls_cost_next_to_nothing);
    tcase_add_test(tc, test_no_columns_no_good_values_and_no_flags_are_chunks_too);
    tcase_add_test(tc, test_keys_are_found_and_others_are_not);
    tc = tcase(suite, "damage");
    tcase_add_test(tc, test_every_flipped_bit_is_found_in_its_part);
    tcase_add_test(tc, test_a_chunk_cut_short_or_with_a_tail_is_refused);
    tcase_add_loop_test(tc, test_chunks_of_old_are_read_as_ever, 0,
                        (int)ARRAY_LEN(kept));
    tcase_add_test(tc, test_another_version_is_refused);
    tcase_add_test(tc, test_damage_with_a_right_checksum_is_safe_to_read);
    tcase_add_test(tc, test_the_checksum_is_that_of_the_standard);
    tc = tcase(suite, "coder");
    tcase_add_loop_test(tc, test_predictors_amplify_by_at_most_three, 0,
                        CHUNK_SERIES_PREDICTORS);
    tcase_add_loop_test(tc, test_values_at_the_limits_of_a_series_read_back, 0,
                        CHUNK_SERIES_PREDICTORS);
    tcase_add_test(tc, test_numbers_of_every_length_read_back);
    tcase_add_test(tc, test_bits_at_the_edges_of_chance_read_back);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
