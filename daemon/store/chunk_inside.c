#include "daemon/store/chunk_inside.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_plan.h"

_Static_assert(CHUNK_VALUES_MAX == CHUNK_ROWS_MAX, "a column has a value a row");
_Static_assert(CHUNK_ABSENT + 1 == CHUNK_RUN_ABSENT, "no status is coded like it");
_Static_assert(QUALITY_GOOD == 0, "a row of good samples has state 0");

void
chunk_chances_reset(struct chunk_chances *chances)
{
    chunk_rows_chances_reset(&chances->rows);
    chunk_values_chances_reset(&chances->values);
    chunk_runs_init(&chances->runs);
}

/* The status that most points of each row have, after Boyer and Moore: the last one
 * that outvoted the others.  Where none has more than half, any of them will do. */
static void
vote(struct chunk_work *w, const struct chunk_input *in)
{
    uint32_t *states = w->rows.states;
    uint32_t *votes = w->states;
    memset(states, 0, in->rows * sizeof *states);
    memset(votes, 0, in->rows * sizeof *votes);
    for (uint32_t k = 0; k < in->columns; k++) {
        const uint16_t *statuses = in->column[k].statuses;
        for (uint32_t i = 0; i < in->rows; i++) {
            if (statuses[i] == CHUNK_ABSENT) {
                continue;
            }
            if (votes[i] == 0) {
                states[i] = statuses[i];
            }
            votes[i] += states[i] == statuses[i] ? 1 : UINT32_MAX;
        }
    }
    for (uint32_t i = 0; in->flags != NULL && i < in->rows; i++) {
        states[i] |= (uint32_t)in->flags[i] << 16;
    }
}

int
chunk_plan_rows(struct chunk_work *w, const struct chunk_input *in)
{
    assert(in->rows > 0);
    assert(in->rows <= CHUNK_ROWS_MAX);
    assert(in->columns <= CHUNK_COLUMNS_MAX);
    for (uint32_t i = 0; i < in->rows; i++) {
        if (in->t_ms[i] > CHUNK_TIME_MAX || in->t_ms[i] < -CHUNK_TIME_MAX) {
            return ERR_RANGE;
        }
    }
    vote(w, in);
    chunk_rows_plan(&w->rows, in->t_ms, in->rows);
    return 0;
}

void
chunk_plan_column(struct chunk_work *w,
                  const struct chunk_input *in,
                  const struct chunk_column *k)
{
    uint32_t count = 0, any = 0;
    for (uint32_t i = 0; i < in->rows; i++) {
        uint16_t status = k->statuses[i];
        bool as_row = status == (uint16_t)w->rows.states[i];
        w->states[i] = as_row ? 0 : status + 1u;
        any |= w->states[i];
        w->good[count] = k->values[i];
        count += status_has_value(status);
    }
    w->runs = any != 0;
    chunk_values_plan(&w->values, w->good, count, &k->scaling);
}

void
chunk_put_column(struct chunk_work *w,
                 uint32_t rows,
                 struct coder *c,
                 struct chunk_chances *chances)
{
    if (w->runs) {
        chunk_runs_put(&chances->runs, c, w->states, rows);
    }
    chunk_values_put(&w->values, c, &chances->values);
}

/* From runs to statuses; false when one is none. */
static bool
get_statuses(uint32_t rows,
             struct coder *c,
             struct chunk_runs *runs,
             const uint16_t *row_statuses,
             uint16_t *statuses)
{
    uint32_t states[CHUNK_ROWS_MAX];
    chunk_runs_get(runs, c, states, rows);
    for (uint32_t i = 0; i < rows; i++) {
        statuses[i] = states[i] == 0 ? row_statuses[i] : (uint16_t)(states[i] - 1);
        if (states[i] > CHUNK_RUN_ABSENT ||
            (states[i] != CHUNK_RUN_ABSENT &&
             CHUNK_QUALITY(statuses[i]) >= QUALITY_COUNT)) {
            return false;
        }
    }
    return true;
}

bool
chunk_get_column(const struct chunk_values_reader *r,
                 uint32_t rows,
                 struct coder *c,
                 struct chunk_chances *chances,
                 const uint16_t *row_statuses,
                 double *values,
                 uint16_t *statuses)
{
    uint32_t count = 0;
    if (!r->flag) {
        memcpy(statuses, row_statuses, rows * sizeof *statuses);
    } else if (!get_statuses(rows, c, &chances->runs, row_statuses, statuses)) {
        return false;
    }
    for (uint32_t i = 0; i < rows; i++) {
        count += status_has_value(statuses[i]);
    }
    return chunk_values_get(r, c, &chances->values, values, statuses, rows, count);
}
