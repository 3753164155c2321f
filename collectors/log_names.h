/* Device and point by their ids, fast where the same pairs come again and again. */
#ifndef CARETAKER_COLLECTORS_LOG_NAMES_H
#define CARETAKER_COLLECTORS_LOG_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/site.h"

struct log_names;

/* `site` is borrowed until log_names_free(). */
int log_names_new(struct log_names **out, const struct site *site, struct err *err);
void log_names_free(struct log_names *n);

/* Index into site->points, or NONE_INDEX. */
uint32_t log_names_find(struct log_names *n, const char *device, const char *point);

/* Says which of the two is not in the site, and what was probably meant; returns
 * ERR_CONFIG. */
int log_names_unknown(const struct log_names *n,
                      const char *device,
                      const char *point,
                      struct err *err);

#endif
