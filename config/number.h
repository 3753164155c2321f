/* Numbers as people write them in YAML.  Every one must use its whole text. */
#ifndef CARETAKER_CONFIG_NUMBER_H
#define CARETAKER_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/site.h"

/* Decimal or 0x..., with a sign if need be. */
bool number_parse_int(int64_t *out, const char *text);
/* Decimal; no infinity, no NaN, no hexadecimal. */
bool number_parse_float(double *out, const char *text);
/* 8GB, 500MB, 64KiB: bytes. */
bool number_parse_size(int64_t *out, const char *text);
/* `HH:MM` to minutes since midnight; 24:00 is the end of the day. */
bool number_parse_clock(int *out_minutes, const char *text);
/* `YYYY-MM-DD`, a day that exists. */
bool number_is_date(const char *text);

/* An exact fraction where the text gives one that fits in 53 bits, else num / 1.0 in
 * double.  `den` is at least 1. */
struct ratio {
    double num;
    double den;
};
/* `0.01`, `1/512`, `2^-9`. */
bool ratio_parse(struct ratio *out, const char *text);
/* value = raw * scale + offset as (raw * mul + add) / div. */
struct scaling scaling_make(struct ratio scale, struct ratio offset);

#endif
