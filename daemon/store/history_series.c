#include "daemon/store/history_series.h"

#include "daemon/base/instant.h"
#include "daemon/store/history_aggregate.h"
#include "daemon/store/history_reader.h"
#include "daemon/store/history_rollup.h"
#include "daemon/store/rollup_builder.h"

#define DAY_MS INT64_C(86400000)

/* Where the interval begins that it lies in. */
static int64_t
begin_of(int64_t t_ms, int64_t step_ms)
{
    return t_ms < INSTANT_NONE + step_ms ? INSTANT_NONE
                                         : rollup_interval(t_ms, step_ms) * step_ms;
}

/* ---- aggregates ---- */

static int
each_aggregate(struct history_reader *r,
               const struct aggregate_filter *filter,
               history_bucket_fn fn,
               void *ctx,
               bool *wanted,
               struct err *err)
{
    struct aggregate_cursor *c = NULL;
    struct aggregate_row row;
    bool more = true;
    int rc = aggregate_open(&c, r->db, filter, err);
    while (rc == 0 && *wanted && more) {
        rc = aggregate_next(c, &row, &more, err);
        if (rc == 0 && more) {
            const struct history_bucket b = {.t_ms = row.t_ms,
                                             .device = row.device,
                                             .point = row.point,
                                             .min = row.min,
                                             .max = row.max,
                                             .mean = row.sum / (double)row.count,
                                             .last = row.last,
                                             .last_ms = row.last_ms,
                                             .count = row.count};
            *wanted = fn(ctx, &b);
        }
    }
    for (uint64_t n = c != NULL ? aggregate_damaged(c) : 0; n > 0; n--) {
        history_damage_add(&r->damage, filter->device, filter->from_ms, filter->to_ms);
    }
    aggregate_close(c);
    return rc;
}

/* Before this, a multiple of the coarser resolution, there is only that; INT64_MIN: the
 * finer one goes back as far. */
static int
seam(struct history_reader *r,
     int64_t resolution_ms,
     int64_t coarser_ms,
     const char *device,
     int64_t *out,
     struct err *err)
{
    int64_t fine = INT64_MAX, raw = INT64_MAX, coarse = INT64_MAX;
    int rc = aggregate_oldest(r->db, resolution_ms, device, &fine, err);
    rc = rc == 0 ? aggregate_oldest(r->db, 0, device, &raw, err)
                 : rc; /* What is not rolled up yet. */
    rc = rc == 0 ? aggregate_oldest(r->db, coarser_ms, device, &coarse, err) : rc;
    fine = raw < fine ? raw : fine;
    *out = INT64_MIN;
    if (rc == 0 && coarse < fine) {
        *out = fine == INT64_MAX
                   ? fine
                   : (rollup_interval(fine - 1, coarser_ms) + 1) * coarser_ms;
    }
    return rc;
}

/* What there is only at `resolution_ms` of, from `at_ms` up to `end_ms`. */
static int
each_coarse(struct history_reader *r,
            struct aggregate_filter filter,
            int64_t resolution_ms,
            int64_t end_ms,
            int64_t *at_ms,
            history_bucket_fn fn,
            void *ctx,
            bool *wanted,
            struct err *err)
{
    if (end_ms <= *at_ms || !*wanted) {
        return 0;
    }
    if (filter.step_ms % resolution_ms != 0) {
        filter.step_ms = (filter.step_ms / resolution_ms + 1) * resolution_ms;
    }
    filter.from_ms = begin_of(*at_ms, filter.step_ms);
    filter.to_ms = end_ms - 1 < filter.to_ms ? end_ms - 1 : filter.to_ms;
    *at_ms = end_ms;
    return each_aggregate(r, &filter, fn, ctx, wanted, err);
}

/* The stretches of time, each out of what is the finest there. */
static int
each_stretch(struct history_reader *r,
             struct aggregate_filter filter,
             history_bucket_fn fn,
             void *ctx,
             struct err *err)
{
    int64_t minutes = INT64_MIN, samples = INT64_MIN; /* Where they begin. */
    int64_t at = filter.from_ms;
    bool wanted = true;
    int rc = 0;
    if (filter.step_ms % ROLLUP_HOUR_MS != 0) {
        rc = seam(r, ROLLUP_MINUTE_MS, ROLLUP_HOUR_MS, filter.device, &minutes, err);
    }
    if (rc == 0 && filter.step_ms % ROLLUP_MINUTE_MS != 0) {
        rc = seam(r, 0, ROLLUP_MINUTE_MS, filter.device, &samples, err);
    }
    rc = rc == 0 ? each_coarse(r, filter, ROLLUP_HOUR_MS, minutes, &at, fn, ctx,
                               &wanted, err)
                 : rc;
    rc = rc == 0 ? each_coarse(r, filter, ROLLUP_MINUTE_MS, samples, &at, fn, ctx,
                               &wanted, err)
                 : rc;
    filter.from_ms = at;
    return rc == 0 && wanted && at <= filter.to_ms
               ? each_aggregate(r, &filter, fn, ctx, &wanted, err)
               : rc;
}

int
history_series(struct history_reader *r,
               int64_t from_ms,
               int64_t to_ms,
               int64_t step_ms,
               const char *device,
               const char *point,
               history_bucket_fn fn,
               void *ctx,
               struct err *err)
{
    struct aggregate_filter filter = {
        .step_ms = step_ms, .to_ms = to_ms, .device = device, .point = point};
    bool begun = false;
    if (step_ms <= 0) {
        return err_set(err, ERR_RANGE, "an interval of %lld ms", (long long)step_ms);
    }
    filter.from_ms = begin_of(from_ms, step_ms);
    int rc = history_reader_refresh(r, err);
    rc = rc == 0 ? history_reader_begin(r, &begun, err) : rc;
    rc = rc == 0 ? each_stretch(r, filter, fn, ctx, err) : rc;
    history_reader_end(r, begun);
    return rc;
}

static bool
is_enough(int64_t from_ms, int64_t to_ms, int64_t step_ms, uint32_t most)
{
    return rollup_interval(to_ms, step_ms) - rollup_interval(from_ms, step_ms) < most;
}

int64_t
history_step(int64_t from_ms, int64_t to_ms, uint32_t most)
{
    static const int64_t steps[] = {
        1000,   2000,   5000,    10000,   15000,   30000,    60000,    120000,  300000,
        600000, 900000, 1800000, 3600000, 7200000, 10800000, 21600000, 43200000};
    int64_t days = 1;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (is_enough(from_ms, to_ms, steps[i], most)) {
            return steps[i];
        }
    }
    while (!is_enough(from_ms, to_ms, days * DAY_MS, most) && days < INT64_C(1) << 32) {
        days *= 2;
    }
    return days * DAY_MS;
}
