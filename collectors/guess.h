/* What registers of an unknown map may mean: every plausible decode of a place, and
 * which of them look like the value of something.  Pure. */
#ifndef CARETAKER_COLLECTORS_GUESS_H
#define CARETAKER_COLLECTORS_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/site.h"

struct guess {
    enum value_type type;
    enum byte_order order;
    uint16_t width; /* Registers. */
    bool valid;     /* It is a number at all. */
    bool sane;      /* And one that a measurement may have, see guess_at(). */
    double value;   /* With `valid`. */
};

/* Orders of every type of 32 and 64 bits, and three of 16. */
#define GUESSES_MAX 31

/* All decodes that begin at words[0] and fit into `count`: those of 16 bits, then of
 * 32, then of 64, by type, then by order.  Returns how many were written.
 *
 * Sane is what meters and sensors say: floating numbers that are 0 or between a
 * thousandth and ten million (their exponent gives the wrong order away), whole numbers
 * of 32 bits up to 10^9 - 1, of 64 bits up to 10^15 - 1, small negative ones, and BCD
 * that has no digit above 9.  Of 16 bits, numbers that are not rather a small negative
 * one. */
size_t guess_at(struct guess out[GUESSES_MAX], const uint16_t *words, size_t count);

/* Two printable characters in a register, into `out` of 3; false when they are not. */
bool guess_text(char *out, uint16_t word);

/* The number by which manuals in Modicon's style call an address: 40001, or 400001 from
 * address 9999 on. */
uint32_t modicon_number(enum reg_table table, uint16_t address);

#endif
