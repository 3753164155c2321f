/* The grammar of expressions: text -> tree.  What the names mean, and whether the
 * operands fit, is for expression.h.
 *
 *   or      := and { "or" and }
 *   and     := not { "and" not }
 *   not     := "not" not | compare
 *   compare := sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
 *   sum     := product { ("+" | "-") product }
 *   product := sign { ("*" | "/" | "mod") sign }
 *   sign    := "-" sign | primary
 *   primary := NUMBER [UNIT] | STRING | "true" | "false" | POINT | DEVICE.POINT
 *            | FUNCTION "(" or { "," or } [ "," window ] ")" | "(" or ")"
 *   window  := NUMBER TIME | "since_service" */
#ifndef CARETAKER_RULES_SYNTAX_H
#define CARETAKER_RULES_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/model/site.h"
#include "rules/function.h"

#define EXPR_BYTES_MAX 4096 /* A condition that a person can still read. */
#define EXPR_DEPTH_MAX 64   /* Nesting; bounds our own recursion. */
#define EXPR_ARGS_MAX  16   /* Of one function. */
#define WINDOW_MS_MAX  (INT64_C(10) * 365 * 86400000)
#define EXPR_NODES_MAX 500 /* A long sum is a deep tree to walk. */

enum node_kind {
    NODE_NUMBER,
    NODE_TRUTH,
    NODE_STRING,
    NODE_POINT,
    NODE_CALL,
    NODE_NOT,
    NODE_AND,
    NODE_OR,
    NODE_LT,
    NODE_LE,
    NODE_GT,
    NODE_GE,
    NODE_EQ,
    NODE_NE,
    NODE_ADD,
    NODE_SUB,
    NODE_MUL,
    NODE_DIV,
    NODE_MOD,
    NODE_NEG
};

struct node {
    enum node_kind kind;
    enum function function; /* Of NODE_CALL. */
    uint32_t start, end;    /* Bytes of the text that it was read from. */
    double number;          /* Of NODE_NUMBER; 0 or 1 of NODE_TRUTH. */
    const char *unit;       /* Of NODE_NUMBER, as written; NULL: none. */
    const char *name;       /* Of NODE_POINT; the text of NODE_STRING. */
    const char *device;     /* Of NODE_POINT; NULL: the rule's own device. */
    struct node *args[2];   /* Operands; first arguments of a call. */
    struct node **list;     /* All arguments of a call: values, no windows. */
    uint32_t arg_count;
    int64_t window_ms;  /* Of a call that takes a WINDOW. */
    bool since_service; /* Of a call that takes the word. */
};

static inline bool
node_is_comparison(const struct node *n)
{
    return n->kind >= NODE_LT && n->kind <= NODE_NE;
}

/* Reads the whole text; NULL after an error, which is in `diags`.  The tree is in
 * `arena`. */
const struct node *
syntax_parse(struct arena *arena, const struct expr_text *text, struct diags *diags);

/* The place of byte `at` of the text: columns count characters, not bytes. */
struct loc syntax_loc(const struct expr_text *text, uint32_t at);

#endif
