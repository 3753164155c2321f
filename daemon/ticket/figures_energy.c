#include "daemon/ticket/figures_energy.h"

#include <math.h>
#include <stdlib.h>

#define MAD_TO_SIGMA 1.4826 /* 1 / (inverse normal of 3/4). */

static int
by_size(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

/* Sorts `values`; n > 0. */
static double
median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_size);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static void
mark_kind(struct figures_day *days,
          size_t count,
          enum figures_day_kind kind,
          double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (days[i].kind == kind && days[i].whole) {
            values[n++] = days[i].value;
        }
    }
    if (n < FIGURES_DAYS_MIN) {
        return;
    }
    double middle = median(values, n);
    for (size_t i = 0; i < n; i++) {
        values[i] = fabs(values[i] - middle);
    }
    double scale = MAD_TO_SIGMA * median(values, n);
    double floor_ = FIGURES_SCALE_FLOOR * fabs(middle);
    scale = scale > floor_ ? scale : floor_;
    for (size_t i = 0; i < count; i++) {
        struct figures_day *d = &days[i];
        if (d->kind == kind && d->whole) {
            d->expected = middle;
            d->score = scale > 0 ? (d->value - middle) / scale : 0;
            d->marked = fabs(d->score) > FIGURES_SCORE_CUT;
        }
    }
}

int
figures_mark_days(struct figures_day *days, size_t count, struct err *err)
{
    double *values = calloc(count + 1, sizeof *values);
    if (values == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for the report");
    }
    for (size_t i = 0; i < count; i++) {
        days[i].expected = (double)NAN;
        days[i].score = (double)NAN;
        days[i].marked = false;
    }
    for (int kind = 0; kind < FIGURES_DAY_KINDS; kind++) {
        mark_kind(days, count, (enum figures_day_kind)kind, values);
    }
    free(values);
    return 0;
}
