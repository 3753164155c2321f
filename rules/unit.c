#include "rules/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53: integers up to here are exact. */

struct symbol {
    const char *text;
    double num, den, zero;
    int8_t power[UNIT_BASES];
};

#define M   [UNIT_METRE]
#define KG  [UNIT_KILOGRAM]
#define SEC [UNIT_SECOND]
#define AMP [UNIT_AMPERE]

#define LENGTH                                                                         \
    {                                                                                  \
        M = 1                                                                          \
    }
#define MASS                                                                           \
    {                                                                                  \
        KG = 1                                                                         \
    }
#define TIME                                                                           \
    {                                                                                  \
        SEC = 1                                                                        \
    }
#define CURRENT                                                                        \
    {                                                                                  \
        AMP = 1                                                                        \
    }
#define KELVIN                                                                         \
    {                                                                                  \
        [UNIT_KELVIN] = 1                                                              \
    }
#define TURN                                                                           \
    {                                                                                  \
        [UNIT_TURN] = 1                                                                \
    }
#define BYTES                                                                          \
    {                                                                                  \
        [UNIT_BYTE] = 1                                                                \
    }
#define PERCENT                                                                        \
    {                                                                                  \
        [UNIT_PERCENT] = 1                                                             \
    }
#define VOLUME                                                                         \
    {                                                                                  \
        M = 3                                                                          \
    }
#define RATE                                                                           \
    {                                                                                  \
        SEC = -1                                                                       \
    }
#define FORCE                                                                          \
    {                                                                                  \
        KG = 1, M = 1, SEC = -2                                                        \
    }
#define PRESSURE                                                                       \
    {                                                                                  \
        KG = 1, M = -1, SEC = -2                                                       \
    }
#define ENERGY                                                                         \
    {                                                                                  \
        KG = 1, M = 2, SEC = -2                                                        \
    }
#define POWER                                                                          \
    {                                                                                  \
        KG = 1, M = 2, SEC = -3                                                        \
    }
#define VOLTAGE                                                                        \
    {                                                                                  \
        KG = 1, M = 2, SEC = -3, AMP = -1                                              \
    }
#define OHM                                                                            \
    {                                                                                  \
        KG = 1, M = 2, SEC = -3, AMP = -2                                              \
    }
#define CHARGE                                                                         \
    {                                                                                  \
        SEC = 1, AMP = 1                                                               \
    }
#define APPARENT                                                                       \
    {                                                                                  \
        KG = 1, M = 2, SEC = -3, [UNIT_APPARENT] = 1                                   \
    }
#define REACTIVE                                                                       \
    {                                                                                  \
        KG = 1, M = 2, SEC = -3, [UNIT_REACTIVE] = 1                                   \
    }

static const struct symbol symbols[] = {
    {"m", 1, 1, 0, LENGTH},
    {"km", 1e3, 1, 0, LENGTH},
    {"cm", 1, 100, 0, LENGTH},
    {"mm", 1, 1e3, 0, LENGTH},
    {"um", 1, 1e6, 0, LENGTH},
    {"\u00b5m", 1, 1e6, 0, LENGTH},
    {"\u03bcm", 1, 1e6, 0, LENGTH},
    {"L", 1, 1e3, 0, VOLUME},
    {"l", 1, 1e3, 0, VOLUME},
    {"mL", 1, 1e6, 0, VOLUME},
    {"kg", 1, 1, 0, MASS},
    {"g", 1, 1e3, 0, MASS},
    {"mg", 1, 1e6, 0, MASS},
    {"s", 1, 1, 0, TIME},
    {"ms", 1, 1e3, 0, TIME},
    {"min", 60, 1, 0, TIME},
    {"h", 3600, 1, 0, TIME},
    {"d", 86400, 1, 0, TIME},
    {"y", 31536000, 1, 0, TIME}, /* 365 d, as in every duration of the site. */
    {"A", 1, 1, 0, CURRENT},
    {"mA", 1, 1e3, 0, CURRENT},
    {"kA", 1e3, 1, 0, CURRENT},
    {"Ah", 3600, 1, 0, CHARGE},
    {"mAh", 36, 10, 0, CHARGE},
    {"K", 1, 1, 0, KELVIN},
    {"\u00b0C", 1, 1, 273.15, KELVIN},
    {"\u2103", 1, 1, 273.15, KELVIN},
    {"degC", 1, 1, 273.15, KELVIN},
    {"V", 1, 1, 0, VOLTAGE},
    {"mV", 1, 1e3, 0, VOLTAGE},
    {"kV", 1e3, 1, 0, VOLTAGE},
    {"W", 1, 1, 0, POWER},
    {"mW", 1, 1e3, 0, POWER},
    {"kW", 1e3, 1, 0, POWER},
    {"MW", 1e6, 1, 0, POWER},
    {"VA", 1, 1, 0, APPARENT},
    {"kVA", 1e3, 1, 0, APPARENT},
    {"MVA", 1e6, 1, 0, APPARENT},
    {"var", 1, 1, 0, REACTIVE},
    {"kvar", 1e3, 1, 0, REACTIVE},
    {"Mvar", 1e6, 1, 0, REACTIVE},
    {"J", 1, 1, 0, ENERGY},
    {"kJ", 1e3, 1, 0, ENERGY},
    {"MJ", 1e6, 1, 0, ENERGY},
    {"Wh", 3600, 1, 0, ENERGY},
    {"kWh", 3.6e6, 1, 0, ENERGY},
    {"MWh", 3.6e9, 1, 0, ENERGY},
    {"ohm", 1, 1, 0, OHM},
    {"\u03a9", 1, 1, 0, OHM},
    {"k\u03a9", 1e3, 1, 0, OHM},
    {"M\u03a9", 1e6, 1, 0, OHM},
    {"N", 1, 1, 0, FORCE},
    {"kN", 1e3, 1, 0, FORCE},
    {"kgf", 980665, 1e5, 0, FORCE},
    {"Pa", 1, 1, 0, PRESSURE},
    {"hPa", 100, 1, 0, PRESSURE},
    {"kPa", 1e3, 1, 0, PRESSURE},
    {"MPa", 1e6, 1, 0, PRESSURE},
    {"mbar", 100, 1, 0, PRESSURE},
    {"bar", 1e5, 1, 0, PRESSURE},
    {"mH2O", 980665, 100, 0, PRESSURE},
    {"Hz", 1, 1, 0, RATE},
    {"kHz", 1e3, 1, 0, RATE},
    {"r", 1, 1, 0, TURN},
    {"rpm", 1, 60, 0, {[UNIT_TURN] = 1, SEC = -1}},
    {"B", 1, 1, 0, BYTES},
    {"kB", 1e3, 1, 0, BYTES},
    {"MB", 1e6, 1, 0, BYTES},
    {"GB", 1e9, 1, 0, BYTES},
    {"TB", 1e12, 1, 0, BYTES},
    {"KiB", 1024, 1, 0, BYTES},
    {"MiB", 1048576, 1, 0, BYTES},
    {"GiB", 1073741824, 1, 0, BYTES},
    {"%", 1, 1, 0, PERCENT},
};

static const struct symbol *
symbol_find(const char *text, size_t size)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        if (strlen(symbols[i].text) == size &&
            memcmp(symbols[i].text, text, size) == 0) {
            return &symbols[i];
        }
    }
    return NULL;
}

static double
common_divisor(double a, double b)
{
    while (b != 0) {
        double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

/* Makes the fraction as small as it can be, so that products stay exact. */
static void
reduce(double *num, double *den)
{
    if (*num >= EXACT_MAX || *den >= EXACT_MAX || *num != floor(*num) ||
        *den != floor(*den)) {
        return;
    }
    double divisor = common_divisor(*num, *den);
    if (divisor > 1) {
        *num /= divisor;
        *den /= divisor;
    }
}

void
unit_none(struct unit *out)
{
    *out = (struct unit){.num = 1, .den = 1};
}

/* "m3", "s²": the power behind a symbol, cut off `size`. */
static int
exponent(const char *text, size_t *size)
{
    if (*size > 1 && (text[*size - 1] == '2' || text[*size - 1] == '3')) {
        *size -= 1;
        return text[*size] - '0';
    }
    if (*size > 2 && memcmp(text + *size - 2, "\u00b2", 2) == 0) {
        *size -= 2;
        return 2;
    }
    if (*size > 2 && memcmp(text + *size - 2, "\u00b3", 2) == 0) {
        *size -= 2;
        return 3;
    }
    return 1;
}

/* Multiplies `u` by one factor of a unit word, or divides; false: not known. */
static bool
multiply_factor(struct unit *u, const char *text, size_t size, bool divide)
{
    int times = 1;
    const struct symbol *s = symbol_find(text, size);
    if (s == NULL) {
        times = exponent(text, &size);
        s = symbol_find(text, size);
    }
    if (s == NULL) {
        return false;
    }
    for (int i = 0; i < times; i++) {
        u->num *= divide ? s->den : s->num;
        u->den *= divide ? s->num : s->den;
        for (int base = 0; base < UNIT_BASES; base++) {
            int power = divide ? -s->power[base] : s->power[base];
            u->power[base] = (int8_t)(u->power[base] + power);
        }
    }
    reduce(&u->num, &u->den);
    return true;
}

#define UNIT_FACTORS_MAX                                                               \
    4 /* "kWh/m3", "kgf/cm2": more is no unit of a plant, and powers stay small. */

void
unit_parse(struct unit *out, const char *word, size_t size)
{
    unit_none(out);
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)size, word);
    const struct symbol *s = symbol_find(word, size);
    if (s != NULL) {
        out->num = s->num;
        out->den = s->den;
        out->zero = s->zero;
        memcpy(out->power, s->power, sizeof out->power);
        return;
    }
    const char *at = word;
    const char *end = word + size;
    for (int i = 0; i < UNIT_FACTORS_MAX; i++) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash == NULL ? end : slash;
        if (!multiply_factor(out, at, (size_t)(stop - at), at != word)) {
            break;
        }
        if (slash == NULL) {
            return;
        }
        at = slash + 1;
    }
    char name[UNIT_NAME_BYTES];
    memcpy(name, out->name, sizeof name);
    unit_none(out);
    memcpy(out->name, name, sizeof name);
    out->own = true;
}

bool
unit_is_none(const struct unit *u)
{
    static const int8_t none[UNIT_BASES];
    return !u->own && memcmp(u->power, none, sizeof none) == 0;
}

bool
unit_is_percent(const struct unit *u)
{
    struct unit percent;
    unit_parse(&percent, "%", 1);
    return unit_agrees(u, &percent);
}

bool
unit_agrees(const struct unit *a, const struct unit *b)
{
    if (a->own || b->own) {
        return a->own && b->own && strcmp(a->name, b->name) == 0;
    }
    return memcmp(a->power, b->power, sizeof a->power) == 0;
}

struct unit_conversion
unit_conversion(const struct unit *from, const struct unit *to, bool difference)
{
    struct unit_conversion c = {from->num * to->den, from->den * to->num, 0};
    if (from->own) {
        return (struct unit_conversion){1, 1, 0};
    }
    reduce(&c.num, &c.den);
    if (!difference) {
        c.add = (from->zero - to->zero) * to->den / to->num;
    }
    return c;
}

bool
unit_conversion_is_needed(const struct unit_conversion *c)
{
    return c->num != c->den || c->add != 0;
}

double
unit_convert(const struct unit_conversion *c, double value)
{
    return value * c->num / c->den + c->add;
}

double
unit_convert_constant(const struct unit_conversion *c, double value)
{
    if (!unit_conversion_is_needed(c)) {
        return value;
    }
    double converted = unit_convert(c, value);
    if (!isfinite(converted)) {
        return converted;
    }
    char text[32];
    /* Two digits fewer than a double has: 353.15 K - 273.15 is 80 °C. */
    (void)snprintf(text, sizeof text, "%.13e", converted);
    return strtod(text, NULL);
}

void
unit_product(struct unit *out, const struct unit *a, const struct unit *b, bool divide)
{
    struct unit u;
    unit_none(&u);
    bool simple = strpbrk(b->name, "/*") == NULL;
    char name[2 * UNIT_NAME_BYTES + 8];
    int size = snprintf(name, sizeof name, simple ? "%s%s%s" : "%s%s(%s)", a->name,
                        divide ? "/" : "*", b->name);
    size_t cut = (size_t)size < sizeof u.name ? (size_t)size : sizeof u.name - 1;
    memcpy(u.name, name, cut);
    if (a->own || b->own) {
        if (divide && unit_agrees(a, b)) {
            unit_none(&u);
        } else {
            u.own = true;
        }
        *out = u;
        return;
    }
    u.num = a->num * (divide ? b->den : b->num);
    u.den = a->den * (divide ? b->num : b->den);
    reduce(&u.num, &u.den);
    for (int base = 0; base < UNIT_BASES; base++) {
        int power = a->power[base] + (divide ? -b->power[base] : b->power[base]);
        /* A tower of products may not wrap round to another dimension. */
        if (power > INT8_MAX / 2 || power < INT8_MIN / 2) {
            u.own = true;
            power = 0;
        }
        u.power[base] = (int8_t)power;
    }
    if (unit_is_none(&u)) {
        u.name[0] = '\0';
    }
    *out = u;
}
