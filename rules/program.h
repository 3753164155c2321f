/* A compiled expression: a flat program for a stack of doubles.
 *
 * Unknown is NaN; true and false are 1 and 0.  So arithmetic and comparison carry
 * "unknown" through by themselves, and a result that is not finite becomes unknown. */
#ifndef CARETAKER_RULES_PROGRAM_H
#define CARETAKER_RULES_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct series;

#define PROGRAM_STACK_MAX 128 /* Operands waiting; compiling refuses more. */

enum op_code {
    OP_CONST,   /* a: constant */
    OP_POINT,   /* a: slot of a point; its value */
    OP_ONLINE,  /* a: slot of a device; whether it answers; unknown while its bus is
                   lost */
    OP_QUALITY, /* a: slot of a point, b: enum quality; whether it has that one */
    OP_AGE,     /* a: slot of a point; seconds since its last good sample */
    OP_SERIES,  /* a: slot of a series; what it says */
    OP_TRUTH,   /* A number as a condition: not 0. */
    OP_NOT,
    OP_AND,
    OP_OR,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_EQ,
    OP_NE,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_NEG,
    OP_ABS,
    OP_LEAST,     /* a: count of operands */
    OP_GREATEST,  /* a: count of operands */
    OP_UNBALANCE, /* a: count of operands; in % */
    OP_CONVERT,   /* a: first of three constants: num, den, add */
    OP_RANGE /* a: slot of a series whose value lies between two; b: the comparison,
                RANGE_RIGHT where the series is the right operand */
};
#define RANGE_RIGHT 0x8000u

struct op {
    uint16_t code; /* enum op_code */
    uint16_t a, b;
};

enum slot_kind { SLOT_POINT, SLOT_DEVICE, SLOT_SERIES };

/* What grows by itself is compared with a constant: it is to be judged when it gets
 * there. */
enum watch_kind {
    WATCH_AGE, /* Slot of a point: age(x). */
    WATCH_HELD /* Slot of a series: held(cond), or stuck(x, WINDOW) at its window. */
};
struct value_watch {
    double ms;
    uint32_t slot;
    uint32_t kind; /* enum watch_kind */
};

/* Part of a table of operations. */
struct span {
    uint16_t first;
    uint16_t count; /* 0: there is no such expression. */
};

/* What a program reads.  All tables are borrowed during the call. */
struct program_env {
    const double *known; /* By point: the value, NaN when it is not known. */
    const uint8_t *quality;
    const int64_t *aged_ms;  /* By point: since when age() counts. */
    const int64_t *last_ms;  /* By point: the last sample of any quality. */
    const uint8_t *health;   /* By device: enum device_health, */
    const bool *unreachable; /* and whether its bus is lost. */
    struct series *series;   /* By series; what left their windows is forgotten. */
    int64_t t_ms;
};

/* Runs the `span` of `ops`; `slots` say which points and devices are meant. */
double program_run(const struct op *ops,
                   struct span span,
                   const double *constants,
                   const uint32_t *slots,
                   const struct program_env *env);

#endif
