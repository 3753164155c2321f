/* Units of measurement: which can be converted into which, and how.
 *
 * A unit is a factor (kept as a fraction of two integers, so that 800 kPa is exactly
 * 0.8 MPa), a zero point (only °C has one) and the powers of the base dimensions.  A
 * word that is not known is a dimension of its own: it agrees with itself only. */
#ifndef CARETAKER_RULES_UNIT_H
#define CARETAKER_RULES_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_NAME_BYTES 40 /* For messages; the name of a product is cut to it. */

enum unit_base {
    UNIT_METRE,
    UNIT_KILOGRAM,
    UNIT_SECOND,
    UNIT_AMPERE,
    UNIT_KELVIN,
    UNIT_TURN, /* Of a shaft: rpm is no Hz. */
    UNIT_BYTE,
    UNIT_APPARENT, /* Of VA: kVA is no kW. */
    UNIT_REACTIVE, /* Of var. */
    UNIT_PERCENT,
    UNIT_BASES
};

struct unit {
    double num, den; /* In base units: value * num / den + zero. */
    double zero;
    int8_t power[UNIT_BASES];
    bool own; /* A dimension of its own, known by its name. */
    char name[UNIT_NAME_BYTES];
};

/* value in the other unit = value * num / den + add */
struct unit_conversion {
    double num, den, add;
};

/* Reads a unit word of `size` bytes such as "mm/s" or "m3/h". */
void unit_parse(struct unit *out, const char *word, size_t size);
/* A number without dimension and with factor 1, such as a ratio. */
void unit_none(struct unit *out);
bool unit_is_none(const struct unit *u); /* No dimension; the factor may be any. */
bool unit_is_percent(const struct unit *u);
bool unit_agrees(const struct unit *a, const struct unit *b);
/* `from` and `to` agree.  A difference is converted without the zero points. */
struct unit_conversion
unit_conversion(const struct unit *from, const struct unit *to, bool difference);
bool unit_conversion_is_needed(const struct unit_conversion *c);
double unit_convert(const struct unit_conversion *c, double value);
/* The same for a constant: without the last digits that only the arithmetic made. */
double unit_convert_constant(const struct unit_conversion *c, double value);
/* The unit of a product, or of a quotient. */
void
unit_product(struct unit *out, const struct unit *a, const struct unit *b, bool divide);

#endif
