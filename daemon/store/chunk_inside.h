/* Inside of chunk.c: rows and columns of the input seen as what is to be coded, and
 * back. */
#ifndef CARETAKER_STORE_CHUNK_INSIDE_H
#define CARETAKER_STORE_CHUNK_INSIDE_H

#include "daemon/store/chunk.h"
#include "daemon/store/chunk_rows.h"
#include "daemon/store/chunk_runs.h"
#include "daemon/store/chunk_values.h"

/* What is learnt of one column. */
struct chunk_chances {
    struct chunk_rows_chances rows;
    struct chunk_values_chances values;
    struct chunk_runs runs; /* Of columns. */
};
void chunk_chances_reset(struct chunk_chances *chances);

/* The columns and rows that are being encoded. */
struct chunk_work {
    struct chunk_rows_plan rows;
    struct chunk_values_plan values;
    bool runs; /* The column has statuses of its own: `states`. */
    double good[CHUNK_ROWS_MAX];
    uint32_t states[CHUNK_ROWS_MAX];
};
/* ERR_RANGE: a time beyond CHUNK_TIME_MAX. */
int chunk_plan_rows(struct chunk_work *w, const struct chunk_input *in);
/* After the rows. */
void chunk_plan_column(struct chunk_work *w,
                       const struct chunk_input *in,
                       const struct chunk_column *k);
void chunk_put_column(struct chunk_work *w,
                      uint32_t rows,
                      struct coder *c,
                      struct chunk_chances *chances);

/* What stands behind a column's head. */
bool chunk_get_column(const struct chunk_values_reader *r,
                      uint32_t rows,
                      struct coder *c,
                      struct chunk_chances *chances,
                      const uint16_t *row_statuses,
                      double *values,
                      uint16_t *statuses);

#endif
