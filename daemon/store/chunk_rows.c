#include "daemon/store/chunk_rows.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk_series_code.h"

#define FORM_RUNS      0x01u
#define FORM_FOLLOWS   0x02u
#define PERIOD_MAX     (INT64_C(1) << 31) /* 24 days; longer ones cost some more. */
#define PERIOD_DEFAULT 1000
#define PERIOD_SAMPLES 63 /* Differences whose median is taken for the period. */

static int
by_size(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int64_t
median_step(const int64_t *t_ms, uint32_t rows)
{
    int64_t found[PERIOD_SAMPLES];
    uint32_t count = 0;
    uint32_t apart = rows / PERIOD_SAMPLES + 1;
    for (uint32_t i = 1; i < rows && count < PERIOD_SAMPLES; i += apart) {
        int64_t step = t_ms[i] - t_ms[i - 1];
        if (step > 0 && step <= PERIOD_MAX) {
            found[count++] = step;
        }
    }
    if (count == 0) {
        return PERIOD_DEFAULT;
    }
    qsort(found, count, sizeof found[0], by_size);
    int64_t median = found[count / 2];
    /* Jitter hides a round period. */
    int64_t unit = median >= 500 ? 100 : median >= 50 ? 10 : 1;
    int64_t round = (median + unit / 2) / unit * unit;
    return llabs(median - round) <= unit / 4 ? round : median;
}

/* Returns the sum of the logarithms, about, of what is left to code. */
static uint64_t
put_on_grid(struct chunk_rows_plan *plan,
            const int64_t *t_ms,
            uint32_t rows,
            bool follows)
{
    int64_t grid = t_ms[0], half = plan->period / 2;
    int64_t last = 0;
    uint64_t cost = 0;
    plan->steps[0] = 0;
    plan->phases[0] = 0;
    for (uint32_t i = 1; i < rows; i++) {
        int64_t ahead = t_ms[i] - grid + half;
        int64_t steps = ahead / plan->period - (ahead % plan->period < 0);
        int64_t phase = ahead - steps * plan->period - half;
        plan->steps[i] = steps;
        plan->phases[i] = phase;
        cost += 64u - (unsigned)__builtin_clzll(1 + 3 * (uint64_t)llabs(phase - last));
        cost += steps == 1 ? 0 : 12;
        last = phase;
        grid = follows ? t_ms[i] : grid + steps * plan->period;
    }
    return cost;
}

void
chunk_rows_plan(struct chunk_rows_plan *plan, const int64_t *t_ms, uint32_t rows)
{
    plan->runs = false;
    for (uint32_t i = 0; i < rows && !plan->runs; i++) {
        plan->runs = plan->states[i] != 0;
    }
    plan->period = median_step(t_ms, rows);
    uint64_t following = put_on_grid(plan, t_ms, rows, true);
    uint64_t fixed = put_on_grid(plan, t_ms, rows, false);
    plan->follows = following < fixed;
    if (plan->follows) {
        (void)put_on_grid(plan, t_ms, rows, true);
    }
    plan->predictor = chunk_series_choose(plan->phases, rows);
}

void
chunk_rows_put_head(struct bytes *out,
                    const struct chunk_rows_plan *plan,
                    int64_t first)
{
    bytes_fixed(out, (plan->runs ? FORM_RUNS : 0) | (plan->follows ? FORM_FOLLOWS : 0),
                1);
    bytes_varint(out, zigzag(first));
    bytes_varint(out, (uint64_t)plan->period);
    bytes_fixed(out, plan->predictor, 1);
}

void
chunk_rows_chances_reset(struct chunk_rows_chances *chances)
{
    chances_reset(chances->is_one, 2);
    chances_reset(chances->lengths, NUMBER_CHANCES);
    chunk_series_chances_reset(&chances->phases);
    chunk_runs_init(&chances->runs);
}

/* `is_one`: the row before was one step on; then whether this one is. */
CODER_INLINE int64_t
steps_code(struct chunk_rows_chances *chances,
           struct coder *c,
           bool *is_one,
           int64_t steps,
           const bool decode)
{
    *is_one = coder_bit(c, &chances->is_one[*is_one], steps == 1, decode);
    if (*is_one) {
        return 1;
    }
    return unzigzag(number_code(c, chances->lengths, zigzag(steps), decode));
}

void
chunk_rows_put(const struct chunk_rows_plan *plan,
               uint32_t rows,
               struct coder *c,
               struct chunk_rows_chances *chances)
{
    struct chunk_series phases;
    bool is_one = true;
    if (plan->runs) {
        chunk_runs_put(&chances->runs, c, plan->states, rows);
    }
    chunk_series_init(&phases, &chances->phases, 0, plan->predictor);
    for (uint32_t i = 1; i < rows; i++) {
        (void)steps_code(chances, c, &is_one, plan->steps[i], false);
        chunk_series_put(&phases, c, &plan->phases[i], 1);
    }
}

static bool
time_is_sane(int64_t t_ms, int64_t limit)
{
    return t_ms <= limit && t_ms >= -limit;
}

bool
chunk_rows_get_head(struct chunk_rows_reader *r, struct cursor *c)
{
    uint64_t form, first, period, predictor;
    if (!cursor_fixed(c, &form, 1) || form > (FORM_RUNS | FORM_FOLLOWS) ||
        !cursor_varint(c, &first) || !cursor_varint(c, &period) || period < 1 ||
        period > PERIOD_MAX || !cursor_fixed(c, &predictor, 1) ||
        predictor >= CHUNK_SERIES_PREDICTORS) {
        return false;
    }
    *r = (struct chunk_rows_reader){.runs = form & FORM_RUNS,
                                    .follows = form & FORM_FOLLOWS,
                                    .first = unzigzag(first),
                                    .period = (int64_t)period,
                                    .predictor = (unsigned)predictor};
    return time_is_sane(r->first, CHUNK_TIME_MAX);
}

static bool
get_times(const struct chunk_rows_reader *r,
          uint32_t rows,
          struct coder *c,
          struct chunk_rows_chances *chances,
          int64_t *t_ms)
{
    struct chunk_series phases;
    struct coder coder = *c; /* In registers, mostly. */
    bool is_one = true;
    int64_t grid = r->first, phase, jump;
    chunk_series_init(&phases, &chances->phases, 0, r->predictor);
    t_ms[0] = r->first;
    for (uint32_t i = 1; i < rows; i++) {
        int64_t steps = steps_code(chances, &coder, &is_one, 0, true);
        if (!chunk_series_code(&phases, &coder, &phase, true) ||
            __builtin_mul_overflow(steps, r->period, &jump) ||
            __builtin_add_overflow(grid, jump, &grid) ||
            !time_is_sane(grid, 2 * CHUNK_TIME_MAX) ||
            !time_is_sane(grid + phase, CHUNK_TIME_MAX)) {
            return false;
        }
        t_ms[i] = grid + phase;
        grid = r->follows ? t_ms[i] : grid;
    }
    *c = coder;
    return true;
}

/* False when a status is none. */
static bool
get_states(uint32_t rows,
           struct coder *c,
           struct chunk_rows_chances *chances,
           uint16_t *flags,
           uint16_t *row_statuses)
{
    uint32_t states[CHUNK_ROWS_MAX];
    chunk_runs_get(&chances->runs, c, states, rows);
    for (uint32_t i = 0; i < rows; i++) {
        flags[i] = (uint16_t)(states[i] >> 16);
        row_statuses[i] = (uint16_t)states[i];
        if (CHUNK_QUALITY(row_statuses[i]) >= QUALITY_COUNT) {
            return false;
        }
    }
    return true;
}

bool
chunk_rows_get(const struct chunk_rows_reader *r,
               uint32_t rows,
               struct coder *c,
               struct chunk_rows_chances *chances,
               int64_t *t_ms,
               uint16_t *flags,
               uint16_t *row_statuses)
{
    if (!r->runs) {
        memset(flags, 0, rows * sizeof *flags);
        memset(row_statuses, 0, rows * sizeof *row_statuses);
    } else if (!get_states(rows, c, chances, flags, row_statuses)) {
        return false;
    }
    return get_times(r, rows, c, chances, t_ms);
}
