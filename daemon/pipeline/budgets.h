/* Whether the buses of a site can carry their plans: warnings, and the plans as JSON.
 */
#ifndef CARETAKER_PIPELINE_BUDGETS_H
#define CARETAKER_PIPELINE_BUDGETS_H

#include "daemon/base/diag.h"
#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

/* A warning, with what to change, for each bus that has little time left or none. */
int budgets_warn(const struct site *site, struct diags *diags, struct err *err);

/* Adds an object for each bus to an array that was begun in `out`: its load, cycle,
 * requests, what remains when devices die, and `advice` (null: it needs none). */
int budgets_json(const struct site *site, struct strbuf *out, struct err *err);

#endif
