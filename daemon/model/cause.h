/* Closing codes: what a fault turned out to be, in few enough words to be counted. */
#ifndef CARETAKER_MODEL_CAUSE_H
#define CARETAKER_MODEL_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

/* The codes that every site has, and what each means; NULL behind the last. */
const char *cause_code(size_t index);
const char *cause_meaning(size_t index);

/* One of ours, or of the site's own. */
bool cause_is_known(const struct site *site, const char *code);
/* `there is no closing code "waer"; did you mean wear? Accepted are wear, ...` */
void cause_refuse(struct strbuf *out, const struct site *site, const char *code);

#endif
