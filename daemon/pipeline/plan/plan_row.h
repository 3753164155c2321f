/* The members of one visit of a listing (GET /api/v1/plan), or of a sum of visits. */
#ifndef CARETAKER_PIPELINE_PLAN_ROW_H
#define CARETAKER_PIPELINE_PLAN_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"

const char *plan_row_text(const json_t *row, const char *key); /* "": none. */
int64_t plan_row_int(const json_t *row, const char *key);      /* 0: none. */
bool plan_row_true(const json_t *row, const char *key);
/* In hundredths; false, and 0: it is not said. */
bool plan_row_cost(const json_t *row, int64_t *cost);
/* "seal ring x 2, grease" */
void plan_row_add_parts(struct strbuf *out, const json_t *parts);

#endif
