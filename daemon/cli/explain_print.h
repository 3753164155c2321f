/* An explanation for a person, from the JSON of
 * daemon/pipeline/listings/explain_json.h. */
#ifndef CARETAKER_CLI_EXPLAIN_PRINT_H
#define CARETAKER_CLI_EXPLAIN_PRINT_H

#include "daemon/base/err.h"

/* To standard output, its last line the verdict.  ERR_PROTOCOL: it is none. */
int explain_print(const char *json, struct err *err);

#endif
