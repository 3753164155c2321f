/* Budgets and parts (daemon/pipeline/plan/plan_sums.h) for people, and all of a plan
 * for a spreadsheet. */
#ifndef CARETAKER_CLI_PLAN_TABLES_H
#define CARETAKER_CLI_PLAN_TABLES_H

#include <stdbool.h>

#include "daemon/base/strbuf.h"

/* To standard output, for people. */
void plan_budget_print(const char *budget, const char *currency);
void plan_parts_print(const char *parts);

/* A listing, a budget or a list of parts as CSV: the same keys, by their first row of
 * headings; lists of a cell are joined by "; ", times are those of the site. */
enum plan_sheet { PLAN_SHEET_VISITS, PLAN_SHEET_BUDGET, PLAN_SHEET_PARTS };
void plan_csv(struct strbuf *out, enum plan_sheet sheet, const char *array, bool bom);

#endif
