/* Operands of a condition while it is compiled: what is known of each, and how two of
 * them are brought into one unit.
 *
 * Temperatures in °C carry a weight: how many zero points they hold.  A difference
 * holds none and is in K, a mean holds one and is in °C again, a sum holds two and is
 * nothing. */
#ifndef CARETAKER_RULES_OPERAND_H
#define CARETAKER_RULES_OPERAND_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/expression.h"
#include "rules/unit.h"

#define QUOTE_BYTES_MAX 60 /* Of the user's text in a message. */

enum value_kind {
    VALUE_TRUTH,
    VALUE_NUMBER,
    VALUE_EITHER /* A point of a log without type or unit: 0 and 1, or a number. */
};

/* What is known of an operand that has been written. */
struct operand {
    const struct node *node;
    enum value_kind kind;
    struct unit unit;
    bool plain;    /* No unit: takes the other operand's. */
    bool constant; /* One OP_CONST at `op`. */
    bool minutes;  /* "5m", constant: minutes against a time, metres else. */
    bool kelvin;   /* In K, which may be a temperature or a difference. */
    double weight; /* Zero points of °C in it. */
    uint32_t op;   /* Where its program begins. */
};

struct compiler {
    struct code_writer *w;
    const struct expression_scope *scope;
    uint32_t stack; /* Operands waiting. */
    bool failed;
};

/* Says what is wrong at byte `at` of the text.  After an error nothing more is said. */
void compiler_report(struct compiler *c,
                     enum diag_level level,
                     uint32_t at,
                     const char *fmt,
                     ...) PRINTF_LIKE(4, 5);
/* The user's words for a node, for a "%.*s". */
int compiler_quote_size(const struct node *n);
const char *compiler_quote(const struct compiler *c, const struct node *n);

void compiler_emit(struct compiler *c, enum op_code code, uint32_t a, uint32_t b);
/* Counts one more operand that waits on the stack. */
void compiler_push(struct compiler *c, const struct node *n);
uint32_t compiler_constant(struct compiler *c, double value); /* Its index. */
uint32_t compiler_slot(struct compiler *c, enum slot_kind kind, uint32_t index);

double *operand_constant(struct compiler *c, const struct operand *o);
/* Replaces the program of an operand, which reads nothing, by its result. */
void operand_fold(struct compiler *c, struct operand *o);
void operand_set_unit(struct operand *o, const char *word);
/* Gives the result of arithmetic on temperatures its unit. */
void operand_settle(struct operand *o);
/* Converts an operand; one that is not constant stands on top of the stack. */
void operand_convert(struct compiler *c,
                     struct operand *o,
                     const struct unit *to,
                     bool difference);
/* Brings two operands, `b` on top of the stack, into one unit.  `adding`: weights may
 * differ, and a number is a difference.  `keep`: it must be a's unit. */
void operand_unify(
    struct compiler *c, struct operand *a, struct operand *b, bool adding, bool keep);

#endif
