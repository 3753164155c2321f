#include "daemon/base/money.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define FRACTION_DIGITS 2

bool
money_parse(int64_t *out, const char *text)
{
    bool negative = text[0] == '-';
    const char *c = text + (negative ? 1 : 0);
    int64_t amount = 0;
    int digits = 0;
    int fraction = -1; /* Digits behind the point; -1: there is none. */
    for (; *c != '\0'; c++) {
        if (*c == '.' && fraction < 0 && digits > 0) {
            fraction = 0;
            continue;
        }
        if (*c < '0' || *c > '9' || fraction == FRACTION_DIGITS ||
            amount > MONEY_MAX / 10) {
            return false;
        }
        amount = amount * 10 + (*c - '0');
        digits++;
        fraction += fraction >= 0 ? 1 : 0;
    }
    if (digits == 0 || fraction == 0) {
        return false;
    }
    for (int i = fraction < 0 ? 0 : fraction; i < FRACTION_DIGITS; i++) {
        amount *= 10;
    }
    if (amount > MONEY_MAX) {
        return false;
    }
    *out = negative ? -amount : amount;
    return true;
}

bool
money_from_number(int64_t *out, double amount)
{
    double hundredths = amount * 100;
    if (!(fabs(hundredths) <= (double)MONEY_MAX)) {
        return false;
    }
    *out = llround(hundredths);
    return true;
}

char *
money_format(char *out, int64_t hundredths)
{
    uint64_t size =
        hundredths < 0 ? -(uint64_t)hundredths : (uint64_t)hundredths; /* INT64_MIN. */
    snprintf(out, MONEY_TEXT_BYTES, "%s%" PRIu64 ".%02u", hundredths < 0 ? "-" : "",
             size / 100, (unsigned)(size % 100));
    return out;
}

void
strbuf_json_money(struct strbuf *b, const char *key, int64_t hundredths)
{
    char text[MONEY_TEXT_BYTES];
    strbuf_json_key(b, key);
    strbuf_add(b, money_format(text, hundredths));
}
