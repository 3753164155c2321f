/* Amounts of money: whole hundredths of the site's currency, so that sums are exact. */
#ifndef CARETAKER_BASE_MONEY_H
#define CARETAKER_BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"

#define MONEY_MAX        INT64_C(100000000000000) /* Its JSON number is exact. */
#define MONEY_TEXT_BYTES 32

/* "12", "12.5" or "-12.50" to 1200, 1250, -1250.  False when it is no such amount, or
 * beyond MONEY_MAX; `out` is written only on success. */
bool money_parse(int64_t *out, const char *text);
/* The nearest hundredth of a number as JSON and YAML have it.  False beyond MONEY_MAX,
 * or when it is no number. */
bool money_from_number(int64_t *out, double amount);
/* "12.50" into `out` of MONEY_TEXT_BYTES; returns `out`. */
char *money_format(char *out, int64_t hundredths);
/* "key":12.50 */
void strbuf_json_money(struct strbuf *b, const char *key, int64_t hundredths);

#endif
