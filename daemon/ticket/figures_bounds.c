#include "daemon/ticket/figures_bounds.h"

#include <assert.h>
#include <math.h>

#define HALVINGS   200   /* More than a double has bits: ends when nothing moves. */
#define NEGLIGIBLE 1e-18 /* Beside the sum, which is near 1. */
#define NORMAL_95  1.6448536269514722 /* 5 % are beyond it on each side. */

/* Plain lgamma() writes to a variable of all threads, and reports are made by several.
 */
static double
log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* P(X < half) for a Poisson X of this mean, and so P(chi-square > 2 * mean). */
static double
poisson_below(double mean, uint64_t half)
{
    double sum = 0;
    if (mean <= 0) {
        return 1;
    }
    /* From the greatest of the terms to the smaller ones. */
    double top = floor(mean);
    double begin = top < (double)(half - 1) ? top : (double)(half - 1);
    double first = exp(begin * log(mean) - mean - log_gamma(begin + 1));
    double term = first;
    for (double i = begin; i >= 0 && term > NEGLIGIBLE; i--) {
        sum += term;
        term *= i / mean;
    }
    term = first;
    for (double i = begin + 1; i < (double)half; i++) {
        term *= mean / i;
        sum += term;
        if (term < NEGLIGIBLE) {
            break;
        }
    }
    return sum < 1 ? sum : 1;
}

double
figures_chi_square(double p, uint64_t half)
{
    double low = 0;
    double high = 2 * (double)half + 20;
    assert(p > 0);
    assert(p < 1);
    assert(half >= 1);
    while (1 - poisson_below(high / 2, half) < p) {
        high *= 2;
    }
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) {
            break;
        }
        if (1 - poisson_below(middle / 2, half) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

double
figures_mtbf_lower(double up, uint64_t n)
{
    return 2 * up / figures_chi_square(FIGURES_CONFIDENCE, n + 1);
}

double
figures_mttr_upper(double sum, uint64_t n)
{
    assert(n >= 1);
    return 2 * sum / figures_chi_square(1 - FIGURES_CONFIDENCE, n);
}

/* P(X <= k) of a binomial X, 0 < p < 1, k < n. */
static double
binomial_to(uint64_t k, uint64_t n, double p)
{
    double size = (double)n;
    double mode = floor((size + 1) * p);
    double begin = mode < (double)k ? mode : (double)k;
    double odds = p / (1 - p);
    double first =
        exp(log_gamma(size + 1) - log_gamma(begin + 1) - log_gamma(size - begin + 1) +
            begin * log(p) + (size - begin) * log1p(-p));
    double sum = 0;
    double term = first;
    for (double i = begin; i >= 0 && term > NEGLIGIBLE; i--) {
        sum += term;
        term *= i / ((size - i + 1) * odds);
    }
    term = first;
    for (double i = begin + 1; i <= (double)k; i++) {
        term *= odds * (size - i + 1) / i;
        sum += term;
        if (term < NEGLIGIBLE) {
            break;
        }
    }
    return sum < 1 ? sum : 1;
}

/* The p at which P(X <= k) has fallen to `tail`. */
static double
binomial_solve(uint64_t k, uint64_t n, double tail)
{
    double low = 0;
    double high = 1;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) {
            break;
        }
        if (binomial_to(k, n, middle) > tail) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low + (high - low) / 2;
}

struct figures_interval
figures_rate_ratio(uint64_t a, double a_time, uint64_t b, double b_time)
{
    struct figures_interval none = {(double)NAN, (double)NAN};
    double tail = (1 - FIGURES_CONFIDENCE) / 2;
    uint64_t n = a + b;
    if (n == 0 || !(a_time > 0) || !(b_time > 0)) {
        return none;
    }
    double low = a == 0 ? 0 : binomial_solve(a - 1, n, 1 - tail);
    double high = a == n ? 1 : binomial_solve(a, n, tail);
    double scale = b_time / a_time;
    return (struct figures_interval){low / (1 - low) * scale,
                                     high < 1 ? high / (1 - high) * scale
                                              : (double)INFINITY};
}

struct figures_interval
figures_log_ratio(double ratio, double a_error2, double b_error2)
{
    double wide = exp(NORMAL_95 * sqrt(a_error2 + b_error2));
    return (struct figures_interval){ratio / wide, ratio * wide};
}
