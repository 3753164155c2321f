/* Compiles the tree of an expression for one device: resolves the names, checks kinds
 * and units, folds constants, and writes a program (program.h).
 *
 * A value is a truth or a number with a unit (operand.h). */
#ifndef CARETAKER_RULES_EXPRESSION_H
#define CARETAKER_RULES_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/diag.h"
#include "daemon/model/site.h"
#include "rules/program.h"
#include "rules/series.h"
#include "rules/syntax.h"

/* Of one rule: `while` and all levels together. */
#define CODE_OPS_MAX       16384
#define CODE_CONSTANTS_MAX 16384
#define CODE_SLOTS_MAX     512
#define CODE_WATCHES_MAX   64

/* Programs being written, for one rule on one device.  Too big for a stack. */
struct code_writer {
    struct op ops[CODE_OPS_MAX];
    uint32_t op_count;
    double constants[CODE_CONSTANTS_MAX];
    uint32_t constant_count;
    uint32_t slots[CODE_SLOTS_MAX]; /* Index of a point, a device or a series. */
    uint8_t slot_kinds[CODE_SLOTS_MAX];
    uint32_t slot_count;
    struct value_watch watches[CODE_WATCHES_MAX];
    uint32_t watch_count;
};

/* Where messages go; `at` is the byte of the text that is meant. */
typedef void (*expression_report_fn)(void *ctx,
                                     enum diag_level level,
                                     const struct expr_text *text,
                                     uint32_t at,
                                     const char *message);

struct expression_scope {
    const struct site *site;
    struct series_book *series; /* Where calls with a memory are entered. */
    uint32_t device;            /* Whose points the bare names are. */
    const struct expr_text *text;
    expression_report_fn report;
    void *ctx;
};

/* Writes the condition `root`.  Every name is known to exist.  False after an error,
 * which was reported. */
bool expression_compile(struct code_writer *w,
                        const struct expression_scope *scope,
                        const struct node *root,
                        struct span *out);

/* Whether the values of a point are true and false; one of a log without type and unit
 * may be so too. */
bool expression_point_is_truth(const struct point *p);

/* The part of a condition whose value goes with an edge: the left side of the first
 * comparison (the right one if the left is constant), else the first point. */
const struct node *expression_value_node(const struct node *root);
/* Writes that part; its kind does not matter. */
bool expression_compile_value(struct code_writer *w,
                              const struct expression_scope *scope,
                              const struct node *value,
                              struct span *out);

#endif
