/* Bounds against published tables and against sums that are done another way. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/ticket/figures_bounds.h"

/* NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, upper-tail critical
 * values: three decimals are printed. */
static const struct {
    uint64_t half; /* Of the degrees of freedom. */
    double p, value;
} table[] = {
    {1, 0.90, 4.605},   {1, 0.95, 5.991},   {1, 0.99, 9.210},    {1, 0.10, 0.211},
    {2, 0.90, 7.779},   {2, 0.99, 13.277},  {2, 0.05, 0.711},    {3, 0.90, 10.645},
    {5, 0.90, 15.987},  {5, 0.10, 4.865},   {10, 0.90, 28.412},  {10, 0.95, 31.410},
    {10, 0.10, 12.443}, {15, 0.90, 40.256}, {15, 0.01, 14.953},  {20, 0.90, 51.805},
    {30, 0.90, 74.397}, {30, 0.10, 46.459}, {50, 0.90, 118.498}, {50, 0.95, 124.342},
    {50, 0.10, 82.358},
};

START_TEST(test_chi_square_is_that_of_the_tables)
{
    double value = figures_chi_square(table[_i].p, table[_i].half);
    ck_assert_double_eq_tol(value, table[_i].value, 0.0005001);
}
END_TEST

START_TEST(test_two_degrees_of_freedom_have_a_closed_form)
{
    for (double p = 0.01; p < 1; p += 0.01) {
        ck_assert_double_eq_tol(figures_chi_square(p, 1), -2 * log(1 - p), 1e-9);
    }
}
END_TEST

/* Wilson and Hilferty's approximation is good to a few parts in 10^5 there. */
START_TEST(test_many_degrees_of_freedom_are_no_burden)
{
    const double z = 1.2815515655446004; /* 90 %. */
    for (uint64_t half = 100; half <= 1000000; half *= 10) {
        double k = 2 * (double)half;
        double root = 1 - 2 / (9 * k) + z * sqrt(2 / (9 * k));
        double expected = k * root * root * root;
        ck_assert_double_eq_tol(figures_chi_square(0.9, half) / expected, 1, 3e-5);
    }
}
END_TEST

/* Half of the chi-square value of 2, 4 and 6 degrees of freedom: 2.303, 3.890, 5.322.
 */
START_TEST(test_mtbf_without_failures_has_a_bound)
{
    ck_assert_double_eq_tol(figures_mtbf_lower(1000, 0), 1000 / 2.302585, 0.001);
    ck_assert_double_eq_tol(figures_mtbf_lower(1000, 1), 1000 / 3.889720, 0.001);
    ck_assert_double_eq_tol(figures_mtbf_lower(1000, 2), 1000 / 5.322320, 0.001);
    ck_assert_double_lt(figures_mtbf_lower(1000, 10), 100);
    /* One repair of 2 h: 4 / 0.21072. */
    ck_assert_double_eq_tol(figures_mttr_upper(2, 1), 18.9824, 0.001);
    ck_assert_double_gt(figures_mttr_upper(20, 10), 2);
}
END_TEST

/* P(X <= k) by multiplying out, for small n. */
static double
naive_binomial_to(unsigned k, unsigned n, double p)
{
    double sum = 0;
    for (unsigned i = 0; i <= k; i++) {
        double term = 1;
        for (unsigned j = 0; j < i; j++) {
            term = term * (n - j) / (j + 1);
        }
        sum += term * pow(p, i) * pow(1 - p, n - i);
    }
    return sum;
}

START_TEST(test_rate_ratio_is_clopper_pearson)
{
    for (unsigned a = 0; a <= 12; a++) {
        for (unsigned b = 0; b <= 12; b++) {
            struct figures_interval i = figures_rate_ratio(a, 2, b, 3);
            if (a + b == 0) {
                ck_assert(isnan(i.low));
                continue;
            }
            double low = i.low * 2 / 3; /* As of equal times. */
            double high = i.high * 2 / 3;
            if (a > 0) {
                double p = low / (1 + low);
                ck_assert_double_eq_tol(1 - naive_binomial_to(a - 1, a + b, p), 0.05,
                                        1e-9);
            } else {
                ck_assert_double_eq(i.low, 0);
            }
            if (b > 0) {
                double p = high / (1 + high);
                ck_assert_double_eq_tol(naive_binomial_to(a, a + b, p), 0.05, 1e-9);
            } else {
                ck_assert(isinf(i.high));
            }
        }
    }
}
END_TEST

START_TEST(test_a_clear_change_is_seen_and_a_small_one_is_not)
{
    struct figures_interval clear = figures_rate_ratio(120, 12, 200, 12);
    struct figures_interval small = figures_rate_ratio(3, 12, 5, 12);
    ck_assert_double_lt(clear.high, 1);
    ck_assert_double_gt(clear.low, 0.4);
    ck_assert_double_lt(small.low, 1);
    ck_assert_double_gt(small.high, 1);
    struct figures_interval many = figures_rate_ratio(60000, 1, 100000, 1);
    ck_assert_double_eq_tol(many.low, 0.5951, 0.001);
    ck_assert_double_eq_tol(many.high, 0.6049, 0.001);
    struct figures_interval log_ratio = figures_log_ratio(0.8, 0.0004, 0.0005);
    ck_assert_double_eq_tol(log_ratio.low, 0.8 / exp(1.6448536 * 0.03), 1e-6);
    ck_assert_double_eq_tol(log_ratio.high, 0.8 * exp(1.6448536 * 0.03), 1e-6);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("figures_bounds");
    TCase *tc = tcase_create("bounds");
    tcase_add_loop_test(tc, test_chi_square_is_that_of_the_tables, 0,
                        (int)ARRAY_LEN(table));
    tcase_add_test(tc, test_two_degrees_of_freedom_have_a_closed_form);
    tcase_add_test(tc, test_many_degrees_of_freedom_are_no_burden);
    tcase_add_test(tc, test_mtbf_without_failures_has_a_bound);
    tcase_add_test(tc, test_rate_ratio_is_clopper_pearson);
    tcase_add_test(tc, test_a_clear_change_is_seen_and_a_small_one_is_not);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
