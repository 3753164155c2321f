/* Tokens of an expression, one at a time. */
#ifndef CARETAKER_RULES_LEXER_H
#define CARETAKER_RULES_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"
#include "daemon/model/site.h"
#include "rules/syntax.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_NAME,   /* name, or device.name */
    TOKEN_BINARY, /* An operator written with signs; `op` says which. */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA
};

struct token {
    enum token_kind kind;
    uint32_t start, end;
    enum node_kind op;
    double number;
    const char *unit, *name, *device;
};

struct lexer {
    struct arena *arena; /* Of the tokens' texts. */
    const struct expr_text *source;
    struct diags *diags;
    struct token token; /* The next one, not yet taken. */
    bool failed;        /* One error an expression: what follows would be noise. */
};

/* Reads the token behind the present one; after an error there is only TOKEN_END. */
void lexer_advance(struct lexer *l);
/* Reports the first error, at byte `at`, and ends the tokens. */
void lexer_fail(struct lexer *l, uint32_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool lexer_is_space(char c);
bool lexer_is_keyword(const char *word, size_t size);

#endif
