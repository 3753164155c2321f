/* Counters that wrap or begin anew. */
#include <check.h>
#include <math.h>
#include <stdint.h>

#include "daemon/model/counter.h"

#define PLAIN   COUNTER_PLAIN
#define WRAPPED COUNTER_WRAPPED
#define RESET   COUNTER_RESET

static struct point
point_of(enum value_type type, double mul, double div)
{
    return (struct point){.id = "energy",
                          .table = REG_INPUT,
                          .type = type,
                          .kind = POINT_COUNTER,
                          .bit_high = 15,
                          .scaling = {mul, 0, div},
                          .decimals_from = NONE_INDEX};
}

static const struct {
    const char *name;
    enum value_type type;
    double mul, div;
    double before, after;
    double increase;
    enum counter_detail kind;
} steps[] = {
    {"it counts", TYPE_U16, 1, 1, 10, 12, 2, PLAIN},
    {"it stands", TYPE_U16, 1, 1, 10, 10, 0, PLAIN},
    {"a leap forward is counted", TYPE_U16, 1, 1, 0, 65535, 65535, PLAIN},
    {"past the end of 16 bits", TYPE_U16, 1, 1, 65530, 4, 10, WRAPPED},
    {"at the end of 16 bits", TYPE_U16, 1, 1, 65535, 0, 1, WRAPPED},
    {"an eighth is too far", TYPE_U16, 1, 1, 65535, 8191, 0, RESET},
    {"just below an eighth is not", TYPE_U16, 1, 1, 65535, 8190, 8191, WRAPPED},
    {"from the middle it is a reset", TYPE_U16, 1, 1, 30000, 3, 0, RESET},
    {"one back is a reset", TYPE_U16, 1, 1, 30000, 29999, 0, RESET},
    {"past the end of signed 16 bits", TYPE_S16, 1, 1, 32766, -32767, 3, WRAPPED},
    {"past the end of 32 bits", TYPE_U32, 1, 1, 4294967290.0, 6, 12, WRAPPED},
    {"32 bits from 51234", TYPE_U32, 1, 1, 51234, 17, 0, RESET},
    {"signed 32 bits", TYPE_S32, 1, 1, 2147483647.0, -2147483648.0, 1, WRAPPED},
    {"64 bits", TYPE_U64, 1, 1, 18446744073709549568.0, 2048, 4096, WRAPPED},
    {"decimal digits", TYPE_BCD16, 1, 1, 9998, 1, 3, WRAPPED},
    {"eight decimal digits", TYPE_BCD32, 1, 1, 99999999, 9, 10, WRAPPED},
    {"a field of bits", TYPE_BITS, 1, 1, 65535, 1, 2, WRAPPED},
    {"with a scale", TYPE_U16, 1, 10, 6553.5, 0.4, 0.5, WRAPPED},
    {"with a large scale", TYPE_U16, 100, 1, 6553500, 200, 300, WRAPPED},
    {"a negative scale counts down", TYPE_U16, -1, 10, -5, -7, -2, PLAIN},
    {"and wraps up", TYPE_U16, -1, 1, -65535, -1, -2, WRAPPED},
    {"and begins anew", TYPE_U16, -1, 1, -20000, 0, 0, RESET},
    {"a float has no end", TYPE_F32, 1, 1, 16777215, 3, 0, RESET},
    {"a float counts", TYPE_F32, 1, 1, 1.5, 1.75, 0.25, PLAIN},
};

START_TEST(test_one_step)
{
    struct point p = point_of(steps[_i].type, steps[_i].mul, steps[_i].div);
    struct counter_step s = counter_step(&p, steps[_i].before, steps[_i].after);
    ck_assert_msg(s.kind == steps[_i].kind, "%s: kind %d", steps[_i].name, (int)s.kind);
    ck_assert_msg(fabs(s.increase - steps[_i].increase) < 1e-9, "%s: %.17g",
                  steps[_i].name, s.increase);
}
END_TEST

START_TEST(test_without_a_known_end_there_is_no_wrap)
{
    struct point p = point_of(TYPE_U16, 1, 1);
    ck_assert(counter_modulus(&p) == 65536);
    p.decimals_from = 0;
    ck_assert(counter_modulus(&p) == 0);
    ck_assert_int_eq(counter_step(&p, 65535, 0).kind, RESET);
    p.decimals_from = NONE_INDEX;
    p.table = REG_NONE; /* Of a log. */
    ck_assert_int_eq(counter_step(&p, 65535, 0).kind, RESET);
}
END_TEST

static uint64_t
next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A device that counts modulo 2^n and restarts now and then, as a sensor would give it:
 * the sum of the steps is what it counted, but for what a restart hides. */
START_TEST(test_steps_add_up_to_what_was_counted)
{
    static const struct {
        enum value_type type;
        int bits;
    } types[] = {{TYPE_U16, 16}, {TYPE_U32, 32}, {TYPE_S16, 16}, {TYPE_S32, 32}};
    uint64_t rnd = 0x9E3779B97F4A7C15u + (uint64_t)_i;
    int bits = types[_i].bits;
    bool is_signed = types[_i].type == TYPE_S16 || types[_i].type == TYPE_S32;
    struct point p = point_of(types[_i].type, 1, 4); /* Exact in binary. */
    uint64_t range = UINT64_C(1) << bits;
    uint64_t raw = next(&rnd) % range;
    double before = NAN;
    double counted = 0;
    double seen = 0;
    int wraps = 0;
    int resets = 0;
    for (int i = 0; i < 100000; i++) {
        bool restart = next(&rnd) % 1000 == 0;
        uint64_t step = restart ? 0 : next(&rnd) % (range / 8);
        uint64_t last = raw;
        raw = restart ? next(&rnd) % 16 : (raw + step) % range;
        double shown = (double)raw;
        if (is_signed && raw >= range / 2) {
            shown -= (double)range;
        }
        double after = shown * p.scaling.mul / p.scaling.div;
        if (!isnan(before)) {
            struct counter_step s = counter_step(&p, before, after);
            ck_assert(s.increase >= 0);
            ck_assert(s.kind != WRAPPED || s.increase < (double)range / 8 / 4);
            ck_assert(s.kind == PLAIN || after < before);
            ck_assert(s.kind != RESET || s.increase == 0);
            if (restart) {
                /* Whatever it was taken for, it is left out of both sums. */
                resets += s.kind == RESET;
            } else {
                ck_assert_msg(s.kind != RESET, "%llu -> %llu", (unsigned long long)last,
                              (unsigned long long)raw);
                wraps += s.kind == WRAPPED;
                counted += (double)step / 4;
                seen += s.increase;
            }
        }
        before = after;
    }
    ck_assert(counted == seen);
    ck_assert_int_gt(wraps, 1000);
    ck_assert_int_gt(resets, 10);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("counter");
    TCase *tc = tcase_create("counter");
    tcase_add_loop_test(tc, test_one_step, 0, (int)ARRAY_LEN(steps));
    tcase_add_test(tc, test_without_a_known_end_there_is_no_wrap);
    tcase_add_loop_test(tc, test_steps_add_up_to_what_was_counted, 0, 4);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
