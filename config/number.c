#include "config/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"

#define EXACT_MAX                                                                      \
    9007199254740992.0 /* 2^53: integers are exact in a double to here.                \
                        */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
number_parse_int(int64_t *out, const char *text)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    const char *used = hex ? "0123456789abcdefABCDEF" : "0123456789";
    const char *body = digits + (hex ? 2 : 0);
    if (body[0] == 0 || body[strspn(body, used)] != 0) {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, NULL, hex ? 16 : 10);
    if (errno != 0) {
        return false;
    }
    *out = value;
    return true;
}

bool
number_parse_float(double *out, const char *text)
{
    /* strtod also takes "inf", "nan" and hexadecimal, which nobody means here. */
    if (text[0] == 0 || text[strspn(text, "0123456789+-.eE")] != 0) {
        return false;
    }
    char *end = NULL;
    double value = strtod(text, &end);
    if (*end != 0 || end == text || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

bool
number_parse_size(int64_t *out, const char *text)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"B", 1},
                 {"KB", 1e3},
                 {"MB", 1e6},
                 {"GB", 1e9},
                 {"TB", 1e12},
                 {"KiB", 1024.0},
                 {"MiB", 1024.0 * 1024},
                 {"GiB", 1024.0 * 1024 * 1024},
                 {"TiB", 1024.0 * 1024 * 1024 * 1024}};
    char number[24];
    size_t size = strspn(text, "0123456789.");
    const char *unit = text + size;
    double value;
    if (size == 0 || size >= sizeof number) {
        return false;
    }
    memcpy(number, text, size);
    number[size] = 0;
    if (!number_parse_float(&value, number)) {
        return false;
    }
    unit += strspn(unit, " ");
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(unit, units[i].unit) == 0 && value * units[i].bytes < EXACT_MAX) {
            *out = (int64_t)(value * units[i].bytes);
            return true;
        }
    }
    return false;
}

bool
number_parse_clock(int *out_minutes, const char *text)
{
    if (strlen(text) != 5 || !is_digit(text[0]) || !is_digit(text[1]) ||
        text[2] != ':' || !is_digit(text[3]) || !is_digit(text[4])) {
        return false;
    }
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    if (minute > 59 || hour > 24 || (hour == 24 && minute != 0)) {
        return false;
    }
    *out_minutes = hour * 60 + minute;
    return true;
}

bool
number_is_date(const char *text)
{
    int32_t day = 0;
    return civil_parse_date(&day, text);
}

static double
greatest_common(double a, double b)
{
    a = fabs(a);
    b = fabs(b);
    while (b != 0) {
        double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

static bool
is_exact(double x)
{
    return fabs(x) <= EXACT_MAX && x == trunc(x);
}

static struct ratio
reduce(struct ratio r)
{
    double common = greatest_common(r.num, r.den);
    if (common > 1) {
        r.num /= common;
        r.den /= common;
    }
    return r;
}

/* Digits and a power of ten, as long as both stay exact. */
static bool
decimal_parse(struct ratio *out, const char *text)
{
    double value;
    if (!number_parse_float(&value, text)) {
        return false;
    }
    struct ratio r = {0, 1};
    int exponent = 0;
    bool point = false;
    const char *p = text + (text[0] == '-' || text[0] == '+');
    for (; is_digit(*p) || *p == '.'; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        r.num = r.num * 10 + (*p - '0');
        exponent -= point;
    }
    long written = *p == 'e' || *p == 'E' ? strtol(p + 1, NULL, 10) : 0;
    written = written > 400 ? 400 : written < -400 ? -400 : written;
    exponent += (int)written;
    if (r.num == 0) {
        exponent = 0;
    }
    if (exponent < -15 || exponent > 15 || !is_exact(r.num)) {
        *out = (struct ratio){value, 1};
        return true;
    }
    for (; exponent > 0; exponent--) {
        r.num *= 10;
    }
    for (; exponent < 0; exponent++) {
        r.den *= 10;
    }
    if (!is_exact(r.num)) {
        *out = (struct ratio){value, 1};
        return true;
    }
    r.num = text[0] == '-' ? -r.num : r.num;
    *out = reduce(r);
    return true;
}

bool
ratio_parse(struct ratio *out, const char *text)
{
    char left[40];
    size_t size = strcspn(text, "/^");
    if (text[size] == 0) {
        return decimal_parse(out, text);
    }
    int64_t a;
    int64_t b;
    if (size >= sizeof left) {
        return false;
    }
    memcpy(left, text, size);
    left[size] = 0;
    if (!number_parse_int(&a, left) || !number_parse_int(&b, text + size + 1)) {
        return false;
    }
    if (text[size] == '/') {
        if (b <= 0 || !is_exact((double)a) || !is_exact((double)b)) {
            return false;
        }
        *out = reduce((struct ratio){(double)a, (double)b});
        return true;
    }
    if (a < 2 || a > 10 || b < -52 || b > 52) {
        return false;
    }
    double power = pow((double)a, (double)(b < 0 ? -b : b));
    if (!is_exact(power)) {
        return false;
    }
    *out = b < 0 ? (struct ratio){1, power} : (struct ratio){power, 1};
    return true;
}

struct scaling
scaling_make(struct ratio scale, struct ratio offset)
{
    double div = scale.den / greatest_common(scale.den, offset.den) * offset.den;
    struct scaling s = {scale.num * (div / scale.den), offset.num * (div / offset.den),
                        div};
    bool exact = is_exact(s.mul) && is_exact(s.add) && is_exact(s.div);
    bool inexact_on_purpose = !is_exact(scale.num) || !is_exact(offset.num);
    if (!exact && !(inexact_on_purpose && div == 1)) {
        /* Does not fit in integers: as near as doubles come. */
        s = (struct scaling){scale.num / scale.den, offset.num / offset.den, 1};
    }
    return s;
}
