/* The inside of the compiler, shared by the files that make it up:
 *
 *   expression.c  operators, points, numbers
 *   call.c        functions of the present: abs, age, least, quality, ...
 *   past.c        functions with a memory: windows, lives, predictions
 *   operand.c     units */
#ifndef CARETAKER_RULES_COMPILE_H
#define CARETAKER_RULES_COMPILE_H

#include "rules/operand.h"

/* Writes the program of a node. */
struct operand compile_node(struct compiler *c, const struct node *n);
struct operand compile_call(struct compiler *c, const struct node *n);
struct operand compile_past(struct compiler *c, const struct node *n);

/* quality(x) == "timeout" */
bool node_is_quality(const struct node *n);
struct operand compile_quality(struct compiler *c, const struct node *n);

/* Makes a written operand a condition. */
void operand_want_truth(struct compiler *c, struct operand *o);
void operand_want_number(struct compiler *c, const struct operand *o);
/* The device of a point's name. */
uint32_t compiler_device(const struct compiler *c, const struct node *n);

/* Sets a timer for age() or held(), which `side` may be, beside a constant. */
void watch_comparison(struct compiler *c,
                      const struct operand *side,
                      const struct operand *limit);
/* `ms` as it is reached by the slot of kind `kind`. */
void compiler_watch(struct compiler *c,
                    const struct node *n,
                    enum watch_kind kind,
                    uint32_t slot,
                    double ms);

/* Writes the comparison of a and b, b on top of the stack; count and time are compared
 * by what is known of them. */
void compile_range(struct compiler *c,
                   enum op_code code,
                   const struct operand *a,
                   const struct operand *b);

#endif
