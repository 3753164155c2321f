#include "collectors/log_number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT_POWER_MAX 22                 /* 10^22 is the last exact in a double. */
#define EXACT_DIGITS    (INT64_C(1) << 53) /* Integers up to here are exact. */
#define DIGITS_MAX      18                 /* So many fit 64 bits. */

/* A decimal number taken apart: digits x 10^power. */
struct decimal {
    uint64_t digits;
    int digit_count; /* Without leading zeros. */
    int power;
    bool negative;
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void
add_digit(struct decimal *d, char c)
{
    if (d->digits != 0 || c != '0') {
        d->digit_count++;
    }
    if (d->digit_count <= DIGITS_MAX) {
        d->digits = d->digits * 10 + (uint64_t)(c - '0');
    }
}

/* False unless `text` is a decimal number from its first byte to its NUL. */
static bool
scan(struct decimal *d, const char *text)
{
    const char *at = text, *from;
    int exponent = 0;
    bool down;

    *d = (struct decimal){.negative = *at == '-'};
    at += *at == '-' || *at == '+';
    from = at;
    for (; is_digit(*at); at++) {
        add_digit(d, *at);
    }
    if (*at == '.') {
        const char *dot = at++;

        for (; is_digit(*at); at++) {
            add_digit(d, *at);
        }
        d->power = (int)(dot + 1 - at);
        from++; /* A dot alone is no number. */
    }
    if (at <= from) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        down = *at == '-';
        at += *at == '-' || *at == '+';
        if (!is_digit(*at)) {
            return false;
        }
        for (; is_digit(*at); at++) {
            exponent = exponent < 100000 ? exponent * 10 + (*at - '0') : exponent;
        }
        d->power += down ? -exponent : exponent;
    }
    return *at == '\0';
}

bool
log_number_parse(double *out, const char *text)
{
    static const double powers[EXACT_POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    double value;

    if (!scan(&d, text)) {
        return false;
    }
    if (d.digit_count <= DIGITS_MAX && d.digits <= EXACT_DIGITS &&
        d.power >= -EXACT_POWER_MAX && d.power <= EXACT_POWER_MAX) {
        /* Both are exact, so the one rounding of IEEE 754 gives the nearest. */
        value = (double)d.digits;
        value = d.power < 0 ? value / powers[-d.power] : value * powers[d.power];
        *out = d.negative ? -value : value;
        return true;
    }
    value = strtod(text, NULL); /* The program stays in the C locale for numbers. */
    if (!isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}
