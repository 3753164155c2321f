/* A site is right when its files are and when its rules compile.  A bus that cannot
 * carry its plan is a warning, and one whose loss no rule tells of. */
#ifndef CARETAKER_PIPELINE_CHECK_H
#define CARETAKER_PIPELINE_CHECK_H

#include "daemon/base/diag.h"
#include "daemon/model/site.h"
#include "rules/rules.h"

/* Loads the site of `path` and compiles its rules; all errors and warnings of both go
 * to `diags`, in order of their places.  Returns owned, or NULL when there was an
 * error. `counts` (may be NULL) tells of the compiled rules.  Sets the zone of the
 * process. */
struct site *
check_site(const char *path, struct diags *diags, struct rules_counts *counts);

#endif
