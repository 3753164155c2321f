#include "daemon/store/chunk_rows.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk_runs.h"

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
put_on_grid(struct rows_plan *plan, const int64_t *t_ms, uint32_t rows, bool follows)
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
rows_plan(struct rows_plan *plan, const int64_t *t_ms, uint32_t rows)
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
    plan->predictor = series_choose(plan->phases, rows);
}

void
rows_put_head(struct bytes *out, const struct rows_plan *plan, int64_t first)
{
    bytes_fixed(out, (plan->runs ? FORM_RUNS : 0) | (plan->follows ? FORM_FOLLOWS : 0),
                1);
    bytes_varint(out, zigzag(first));
    bytes_varint(out, (uint64_t)plan->period);
    bytes_fixed(out, plan->predictor, 1);
}

/* Of a row behind the first. */
struct times {
    bool before_was_one;
    struct chance is_one[2];
    struct chance lengths[NUMBER_CHANCES];
    struct series phases;
};

static void
times_init(struct times *t, unsigned predictor)
{
    t->before_was_one = true;
    chances_reset(t->is_one, 2);
    chances_reset(t->lengths, NUMBER_CHANCES);
    series_init(&t->phases, 0, predictor);
}

static int64_t
steps_code(struct times *t, struct coder *c, int64_t steps, bool decode)
{
    struct chance *is_one = &t->is_one[t->before_was_one];
    t->before_was_one = coder_bit(c, is_one, steps == 1, decode);
    if (t->before_was_one) {
        return 1;
    }
    return unzigzag(number_code(c, t->lengths, zigzag(steps), decode));
}

void
rows_put(const struct rows_plan *plan, uint32_t rows, struct coder *c)
{
    struct times t;
    if (plan->runs) {
        runs_put(c, plan->states, rows);
    }
    times_init(&t, plan->predictor);
    for (uint32_t i = 1; i < rows; i++) {
        (void)steps_code(&t, c, plan->steps[i], false);
        series_put(&t.phases, c, &plan->phases[i], 1);
    }
}

static bool
get_times(struct times *t,
          struct coder *c,
          int64_t period,
          bool follows,
          int64_t *t_ms,
          uint32_t rows)
{
    int64_t grid = t_ms[0], phase, jump;
    for (uint32_t i = 1; i < rows; i++) {
        int64_t steps = steps_code(t, c, 0, true);
        if (!series_get(&t->phases, c, &phase, 1) ||
            __builtin_mul_overflow(steps, period, &jump) ||
            __builtin_add_overflow(grid, jump, &grid) || grid > 2 * CHUNK_TIME_MAX ||
            grid < -2 * CHUNK_TIME_MAX) {
            return false;
        }
        t_ms[i] = grid + phase;
        if (t_ms[i] > CHUNK_TIME_MAX || t_ms[i] < -CHUNK_TIME_MAX) {
            return false;
        }
        grid = follows ? t_ms[i] : grid;
    }
    return true;
}

/* False when a status is none. */
static bool
get_states(struct coder *c, uint32_t rows, uint16_t *flags, uint16_t *row_statuses)
{
    uint32_t states[CHUNK_ROWS_MAX];
    runs_get(c, states, rows);
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
rows_get(const uint8_t *bytes,
         size_t size,
         uint32_t rows,
         int64_t *t_ms,
         uint16_t *flags,
         uint16_t *row_statuses)
{
    struct cursor head = {bytes, bytes + size};
    uint64_t form, first, period, predictor;
    struct coder c;
    struct times t;
    if (!cursor_fixed(&head, &form, 1) || form > (FORM_RUNS | FORM_FOLLOWS) ||
        !cursor_varint(&head, &first) || !cursor_varint(&head, &period) || period < 1 ||
        period > PERIOD_MAX || !cursor_fixed(&head, &predictor, 1) ||
        predictor >= SERIES_PREDICTORS) {
        return false;
    }
    t_ms[0] = unzigzag(first);
    if (t_ms[0] > CHUNK_TIME_MAX || t_ms[0] < -CHUNK_TIME_MAX) {
        return false;
    }
    coder_read(&c, head.at, (size_t)(head.end - head.at));
    if (form & FORM_RUNS) {
        if (!get_states(&c, rows, flags, row_statuses)) {
            return false;
        }
    } else {
        memset(flags, 0, rows * sizeof *flags);
        memset(row_statuses, 0, rows * sizeof *row_statuses);
    }
    times_init(&t, (unsigned)predictor);
    return get_times(&t, &c, (int64_t)period, form & FORM_FOLLOWS, t_ms, rows);
}
