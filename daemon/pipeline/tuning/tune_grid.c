#include "daemon/pipeline/tuning/tune_grid.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/err.h"

#define HOLDS_TRIED 7 /* Beside 0 and the present one. */

/* Reservoir sampling (Vitter's algorithm R) with a fixed seed. */
void
tune_pick_add(struct tune_pick *p, double value)
{
    if (p->seen == 0) {
        p->least = p->most = value;
        p->random = 88172645463325252u; /* Any but 0. */
    }
    p->least = value < p->least ? value : p->least;
    p->most = value > p->most ? value : p->most;
    p->seen++;
    if (p->seen <= TUNE_SAMPLES_KEPT) {
        p->values[p->seen - 1] = value;
        return;
    }
    p->random ^= p->random << 13; /* xorshift64, Marsaglia 2003. */
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    uint64_t at = p->random % p->seen;
    if (at < TUNE_SAMPLES_KEPT) {
        p->values[at] = value;
    }
}

static int
compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;
    return (a > b) - (a < b);
}

static int
compare_longs(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x;
    int64_t b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

uint32_t
tune_pick_sort(struct tune_pick *p)
{
    uint32_t kept = p->seen < TUNE_SAMPLES_KEPT ? (uint32_t)p->seen : TUNE_SAMPLES_KEPT;
    qsort(p->values, kept, sizeof p->values[0], compare_doubles);
    return kept;
}

double
tune_pick_quantile(const struct tune_pick *p, double share)
{
    uint32_t kept = p->seen < TUNE_SAMPLES_KEPT ? (uint32_t)p->seen : TUNE_SAMPLES_KEPT;
    assert(kept > 0);
    if (share <= 0) {
        return p->least; /* Which may not be among those kept. */
    }
    return share >= 1 ? p->most : p->values[(uint32_t)(share * (kept - 1) + 0.5)];
}

double
tune_grid_round_step(double size)
{
    if (!(size > 0)) {
        return 0;
    }
    double power = pow(10, floor(log10(size)));
    double times = size / power;
    /* A whisker below, because 0.2 / 0.1 may come out as 1.9999999999999998. */
    return times >= 5 - 1e-9 ? 5 * power : times >= 2 - 1e-9 ? 2 * power : power;
}

/* The multiple of `step` nearest to the value, without the digits of arithmetic. */
static double
round_to(double value, double step)
{
    char text[40];
    if (step <= 0) {
        return value;
    }
    snprintf(text, sizeof text, "%.12g", round(value / step) * step);
    return strtod(text, NULL);
}

static uint32_t
sort_out(double *values, uint32_t count)
{
    uint32_t kept = 0;
    qsort(values, count, sizeof *values, compare_doubles);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || values[i] != values[kept - 1]) {
            values[kept++] = values[i] + 0.0; /* -0 is 0. */
        }
    }
    return kept;
}

uint32_t
tune_grid_thresholds(double *out, const struct tune_pick *p, bool above, double now)
{
    /* Evenly, and closer together where the rare values are. */
    static const double rare[] = {0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999};
    const int even = 10;
    double step = tune_grid_round_step((p->most - p->least) / 200);
    double from = tune_pick_quantile(p, 0.5);
    double to = above ? p->most : p->least;
    uint32_t count = 0;
    out[count++] = now;
    for (int i = 0; i < even && p->most > p->least; i++) {
        out[count++] = round_to(from + (to - from) * i / even, step);
    }
    for (size_t i = 0; i < ARRAY_LEN(rare) && p->most > p->least; i++) {
        out[count++] =
            round_to(tune_pick_quantile(p, above ? rare[i] : 1 - rare[i]), step);
    }
    return sort_out(out, count);
}

uint32_t
tune_grid_around(double *out, double now)
{
    uint32_t count = 0;
    double step = tune_grid_round_step(fabs(now) / 100);
    for (int percent = -30; percent <= 30; percent += 5) {
        out[count++] =
            percent == 0 ? now : round_to(now + fabs(now) * percent / 100, step);
    }
    return sort_out(out, count);
}

uint32_t
tune_grid_deadbands(double *out, double spread, double most, double now)
{
    /* Around the 1 to 5 % of the range that are usual to begin with (EEMUA 191). */
    static const double shares[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
    uint32_t count = 0;
    out[count++] = 0;
    out[count++] = now;
    for (size_t i = 0; i < ARRAY_LEN(shares) && spread > 0 && shares[i] <= most; i++) {
        double wanted = spread * shares[i];
        out[count++] = round_to(wanted, tune_grid_round_step(wanted / 2));
    }
    return sort_out(out, count);
}

uint32_t
tune_grid_holds(int64_t *out, int64_t interval_ms, int64_t now_ms)
{
    static const int64_t seconds[] = {1,   5,   10,   30,   60,   120,
                                      300, 600, 1800, 3600, 7200, 14400};
    uint32_t count = 0;
    uint32_t kept = 0;
    out[count++] = 0;
    out[count++] = now_ms;
    /* Less than from one sample to the next is the same as that. */
    for (size_t i = 0; i < ARRAY_LEN(seconds) && count < HOLDS_TRIED + 2; i++) {
        if (seconds[i] * 1000 >= interval_ms) {
            out[count++] = seconds[i] * 1000;
        }
    }
    qsort(out, count, sizeof *out, compare_longs);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || out[i] != out[kept - 1]) {
            out[kept++] = out[i];
        }
    }
    return kept;
}
