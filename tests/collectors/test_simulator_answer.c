/* Which requests a fault strikes, and what several of them make of an answer. */
#include <check.h>
#include <string.h>

#include "collectors/simulator_answer.h"
#include "daemon/base/instant.h"

static struct sim_register registers[] = {
    {"low",
     {.table = REG_HOLDING, .address = 0, .type = TYPE_U16, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 0x1234}},
    {"high",
     {.table = REG_HOLDING, .address = 40, .type = TYPE_U16, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 7}},
    {"other",
     {.table = REG_INPUT, .address = 15, .type = TYPE_U16, .scaling = {1, 0, 1}},
     {.kind = SIGNAL_CONSTANT, .value = 7}},
};
static const struct sim_unit spec = {
    .unit = 7, .registers = registers, .register_count = ARRAY_LEN(registers)};
static const struct slave_request first = {0x0102, 7, 3, 0, 1, 0};
static const uint8_t whole[] = {7,    3,    2,   0x12,
                                0x34, 0x3D, 0x33}; /* RTU, with its CRC. */

static struct simulator_unit *unit;

static void
setup(void)
{
    ck_assert_int_eq(simulator_unit_new(&unit, &spec, NULL), 0);
}

static void
teardown(void)
{
    simulator_unit_free(unit);
}

static void
set(struct sim_fault f)
{
    sim_fault_settle(&f);
    simulator_unit_set_fault(unit, &f);
}

static struct simulator_answer
ask(const struct slave_request *q)
{
    struct simulator_answer got;

    simulator_answer(&got, unit, SLAVE_RTU, q, 0);
    return got;
}

/* The exception that is answered; 0: none. */
static uint8_t
exception_of(const struct simulator_answer *a)
{
    return a->size == 5 && (a->adu[1] & 0x80) != 0 ? a->adu[2] : 0;
}

#define HOLDING(low_, high_)                                                           \
    {                                                                                  \
        .table = REG_HOLDING, .low = (low_), .high = (high_)                           \
    }

struct refuse_row {
    const char *name;
    struct sim_fault fault;
    uint8_t function;
    uint16_t address, count;
    uint8_t want;
};

static const struct refuse_row refuse_rows[] = {
    {"ends before the range", {.range = HOLDING(10, 20)}, 3, 5, 5, 0},
    {"ends in it", {.range = HOLDING(10, 20)}, 3, 5, 6, 2},
    {"its last register", {.range = HOLDING(10, 20)}, 3, 20, 1, 2},
    {"begins behind it", {.range = HOLDING(10, 20)}, 3, 21, 1, 0},
    {"all around it", {.range = HOLDING(10, 20)}, 3, 0, 41, 2},
    {"another table", {.range = HOLDING(10, 20)}, 4, 15, 1, 0},
    {"the whole table", {.range = HOLDING(0, 65535)}, 3, 40, 1, 2},
    {"with a code of its own", {.range = HOLDING(10, 20), .code = 4}, 3, 10, 1, 4},
    {"a function", {.function = 3}, 3, 0, 1, 1},
    {"another function", {.function = 3}, 4, 15, 1, 0},
    {"a function with a code", {.function = 4, .code = 11}, 4, 15, 1, 11},
};

START_TEST(what_touches_the_refused_is_refused)
{
    const struct refuse_row *row = &refuse_rows[_i];
    const struct slave_request q = {1, 7, row->function, row->address, row->count, 0};
    struct sim_fault f = row->fault;
    struct simulator_answer got;

    f.kind = SIM_FAULT_REFUSE;
    set(f);
    got = ask(&q);
    ck_assert_msg(exception_of(&got) == row->want, "%s: %u", row->name,
                  exception_of(&got));
    ck_assert_uint_eq(simulator_unit_stats(unit)->faults[SIM_FAULT_REFUSE],
                      row->want != 0);
}
END_TEST

START_TEST(every_counts_and_times_ends)
{
    static const uint8_t want[] = {0, 0, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0};

    set((struct sim_fault){
        .kind = SIM_FAULT_EXCEPTION, .code = 6, .every = 3, .times = 2});
    for (size_t i = 0; i < sizeof want; i++) {
        const struct simulator_answer got = ask(&first);

        ck_assert_msg(exception_of(&got) == want[i], "request %zu", i);
    }
}
END_TEST

START_TEST(chance_is_about_as_often_as_it_says_and_the_same_in_each_run)
{
    struct simulator_unit *twin;
    uint32_t struck = 0;

    ck_assert_int_eq(simulator_unit_new(&twin, &spec, NULL), 0);
    const struct sim_fault f = {.kind = SIM_FAULT_EXCEPTION, .code = 6, .chance = 0.2};

    simulator_unit_set_fault(unit, &f);
    simulator_unit_set_fault(twin, &f);
    for (int i = 0; i < 10000; i++) {
        struct simulator_answer a = ask(&first), b;

        simulator_answer(&b, twin, SLAVE_RTU, &first, 0);
        ck_assert_uint_eq(exception_of(&a), exception_of(&b));
        struck += exception_of(&a) != 0;
    }
    ck_assert_uint_ge(struck, 1800);
    ck_assert_uint_le(struck, 2200);
    simulator_unit_free(twin);
}
END_TEST

START_TEST(a_late_answer_comes_once_and_adds_to_a_slow_one)
{
    set((struct sim_fault){.kind = SIM_FAULT_SLOW, .delay_ms = 100});
    set((struct sim_fault){.kind = SIM_FAULT_LATE});
    ck_assert_int_eq(ask(&first).delay_ms, 100 + SIM_DELAY_LATE_MS);
    ck_assert_int_eq(ask(&first).delay_ms, 100);
    ck_assert_int_eq(ask(&first).delay_ms, 100);
}
END_TEST

START_TEST(garbage_leaves_the_answer_whole)
{
    for (int place = GARBAGE_BEFORE; place <= GARBAGE_BETWEEN; place++) {
        set((struct sim_fault){.kind = SIM_FAULT_GARBAGE,
                               .place = (enum sim_garbage)place,
                               .bytes = SIM_GARBAGE_BYTES_MAX});
        for (int i = 0; i < 200; i++) {
            const struct simulator_answer got = ask(&first);
            size_t more = got.size - sizeof whole;
            size_t at = place == GARBAGE_BEFORE ? more : 0;

            ck_assert_uint_ge(got.size, sizeof whole);
            ck_assert(memcmp(got.adu + at, whole, sizeof whole) == 0);
            if (place == GARBAGE_BETWEEN) {
                ck_assert_uint_eq(more, 0);
                more = got.stray_size;
                ck_assert_int_gt(got.stray_delay_ms, 0);
            } else {
                ck_assert_uint_eq(got.stray_size, 0);
            }
            ck_assert_uint_ge(more, 1);
            ck_assert_uint_le(more, SIM_GARBAGE_BYTES_MAX);
        }
    }
}
END_TEST

START_TEST(damage_comes_one_on_top_of_the_other)
{
    struct simulator_answer got;

    set((struct sim_fault){.kind = SIM_FAULT_WRONG_UNIT});
    set((struct sim_fault){.kind = SIM_FAULT_BAD_CRC});
    got = ask(&first);
    ck_assert_uint_eq(got.size, sizeof whole);
    ck_assert_uint_eq(got.adu[0], 8);
    ck_assert_uint_ne(slave_crc(got.adu, 5), (uint16_t)(got.adu[5] | got.adu[6] << 8));
    set((struct sim_fault){.kind = SIM_FAULT_TRUNCATED});
    ck_assert_uint_eq(ask(&first).size, sizeof whole / 2);
}
END_TEST

START_TEST(silence_outdoes_damage_and_counts_alone)
{
    const struct simulator_stats *stats = simulator_unit_stats(unit);

    set((struct sim_fault){.kind = SIM_FAULT_BAD_CRC});
    set((struct sim_fault){.kind = SIM_FAULT_SILENT});
    ck_assert_int_eq((int)ask(&first).kind, ANSWER_NONE);
    ck_assert_uint_eq(stats->faults[SIM_FAULT_SILENT], 1);
    ck_assert_uint_eq(stats->faults[SIM_FAULT_BAD_CRC], 0);
    ck_assert_uint_eq(stats->requests, 1);
    ck_assert_uint_eq(stats->answers, 0);
    /* What is set last decides. */
    set((struct sim_fault){.kind = SIM_FAULT_EXCEPTION, .code = 6});
    set((struct sim_fault){.kind = SIM_FAULT_DROP});
    ck_assert_int_eq((int)ask(&first).kind, ANSWER_HANG_UP);
    simulator_unit_clear_faults(unit, 0);
    const struct simulator_answer got = ask(&first);

    ck_assert_uint_eq(got.size, sizeof whole);
    ck_assert(memcmp(got.adu, whole, sizeof whole) == 0);
    ck_assert_uint_eq(stats->answers, 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("simulator_answer");
    TCase *tc = tcase_create("faults");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_touches_the_refused_is_refused, 0,
                        (int)ARRAY_LEN(refuse_rows));
    tcase_add_test(tc, every_counts_and_times_ends);
    tcase_add_test(tc, chance_is_about_as_often_as_it_says_and_the_same_in_each_run);
    tcase_add_test(tc, a_late_answer_comes_once_and_adds_to_a_slow_one);
    tcase_add_test(tc, garbage_leaves_the_answer_whole);
    tcase_add_test(tc, damage_comes_one_on_top_of_the_other);
    tcase_add_test(tc, silence_outdoes_damage_and_counts_alone);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0;
}
