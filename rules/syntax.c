#include "rules/syntax.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct parser {
    struct arena *arena;
    const struct expr_text *source;
    const char *text;
    struct diags *diags;
    struct token token; /* The next one, not yet taken. */
    uint32_t depth;
    uint32_t nodes;
    bool failed; /* One error an expression: what follows would be noise. */
};

static const char *const functions[] = {
    [FUNCTION_ABS] = "abs",           [FUNCTION_AGE] = "age",
    [FUNCTION_GREATEST] = "greatest", [FUNCTION_LEAST] = "least",
    [FUNCTION_QUALITY] = "quality",   [FUNCTION_UNBALANCE] = "unbalance",
};

/* Known to the language, but not to this version. */
static const char *const later[] = {
    "avg",    "min",   "max",   "stddev", "median",  "p95",
    "delta",  "rate",  "count", "time",   "held",    "hours",
    "starts", "stuck", "trend", "drift",  "time_to", "baseline",
};

struct loc
syntax_loc(const struct expr_text *text, uint32_t at)
{
    struct loc loc = text->loc;
    if (loc.column == 0) {
        return loc;
    }
    for (uint32_t i = 0; i < at && text->text[i] != '\0'; i++) {
        if (((unsigned char)text->text[i] & 0xC0) != 0x80) {
            loc.column++;
        }
    }
    return loc;
}

/* Reports the first error at byte `at`, and lets the parser run to its end. */
static void PRINTF_LIKE(3, 4) fail(struct parser *p, uint32_t at, const char *fmt, ...)
{
    if (p->failed) {
        return;
    }
    char message[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    struct loc loc = syntax_loc(p->source, at);
    diags_add(p->diags, DIAG_ERROR, &loc, "%s", message);
    p->failed = true;
    p->token = (struct token){.kind = TOKEN_END, .start = at, .end = at};
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
word_is(const char *word, size_t size, const char *text)
{
    return strlen(text) == size && memcmp(word, text, size) == 0;
}

static bool
is_keyword(const char *word, size_t size)
{
    return word_is(word, size, "and") || word_is(word, size, "or") ||
           word_is(word, size, "not") || word_is(word, size, "mod");
}

/* Operators of a word processor; NULL when the text does not begin with one. */
static const char *
pretty_operator(const char *text, const char **plain)
{
    static const char *const pairs[][2] = {
        {"\u2265", ">="}, {"\u2264", "<="}, {"\u2260", "!="}, {"\u00d7", "*"},
        {"\u00f7", "/"},  {"\u2212", "-"},  {"\uff1e", ">"},  {"\uff1c", "<"},
        {"\uff08", "("},  {"\uff09", ")"},  {"\uff1d", "=="}, {"&&", "and"},
        {"||", "or"},     {"!", "not"},     {"=", "=="},      {"&", "and"},
        {"|", "or"},      {"^", "*"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (strncmp(text, pairs[i][0], strlen(pairs[i][0])) == 0) {
            *plain = pairs[i][1];
            return pairs[i][0];
        }
    }
    return NULL;
}

/* Bytes of the device and the dot when `text` begins with DEVICE.POINT, else 0. */
static uint32_t
device_prefix(const char *text)
{
    uint32_t i = 0;
    while ((text[i] >= 'a' && text[i] <= 'z') || is_digit(text[i]) || text[i] == '-' ||
           text[i] == '_') {
        i++;
    }
    bool is_one = i > 0 && text[0] != '-' && text[0] != '_' && text[i] == '.' &&
                  is_letter(text[i + 1]);
    return is_one ? i + 1 : 0;
}

/* The unit word behind a number: bytes of it, 0 when there is none. */
static uint32_t
unit_size(const char *text)
{
    const char *plain;
    uint32_t i = 0;
    for (;;) {
        char c = text[i];
        bool joins = is_letter(c) || c == '%' || (i > 0 && is_digit(c)) ||
                     (c == '/' && i > 0 &&
                      (is_letter(text[i + 1]) || ((unsigned char)text[i + 1] >= 0x80)));
        if ((unsigned char)c >= 0x80 && pretty_operator(text + i, &plain) == NULL) {
            joins = true;
        }
        if (!joins) {
            break;
        }
        i++;
    }
    return is_keyword(text, i) ? 0 : i;
}

static void
read_number(struct parser *p, uint32_t at)
{
    uint32_t i = at;
    while (is_digit(p->text[i])) {
        i++;
    }
    if (p->text[i] == '.') {
        i++;
        if (!is_digit(p->text[i])) {
            fail(p, i, "a digit is expected after the decimal point");
            return;
        }
        while (is_digit(p->text[i])) {
            i++;
        }
    }
    uint32_t sign = p->text[i + (p->text[i] != '\0')] == '-' ||
                    p->text[i + (p->text[i] != '\0')] == '+';
    if ((p->text[i] == 'e' || p->text[i] == 'E') && is_digit(p->text[i + 1 + sign])) {
        i += 1 + sign;
        while (is_digit(p->text[i])) {
            i++;
        }
    }
    struct token *t = &p->token;
    *t = (struct token){.kind = TOKEN_NUMBER, .start = at, .end = i};
    char *digits = arena_strndup(p->arena, p->text + at, i - at);
    t->number = strtod(digits, NULL);
    if (!isfinite(t->number)) {
        fail(p, at, "the number `%s` is too large", digits);
        return;
    }
    uint32_t unit = i;
    while (is_space(p->text[unit])) {
        unit++;
    }
    /* "5 running" is two operands, but "5 kW" is one: a device's point is no unit. */
    uint32_t size = device_prefix(p->text + unit) > 0 ? 0 : unit_size(p->text + unit);
    if (size > 0) {
        t->unit = arena_strndup(p->arena, p->text + unit, size);
        t->end = unit + size;
    }
}

static void
read_name(struct parser *p, uint32_t at)
{
    uint32_t prefix = device_prefix(p->text + at);
    uint32_t i = at + prefix;
    struct token *t = &p->token;
    while (is_letter(p->text[i]) || is_digit(p->text[i])) {
        i++;
    }
    *t = (struct token){.kind = TOKEN_NAME, .start = at, .end = i};
    if (prefix > 0) {
        t->device = arena_strndup(p->arena, p->text + at, prefix - 1);
    }
    t->name = arena_strndup(p->arena, p->text + at + prefix, i - at - prefix);
    if (p->text[i] == '.') {
        fail(p, i,
             "`.` is not expected here; a point of another device is written "
             "DEVICE.POINT");
    }
}

static void
read_string(struct parser *p, uint32_t at)
{
    const char *close = strchr(p->text + at + 1, p->text[at]);
    if (close == NULL) {
        fail(p, at, "the text in quotes has no end");
        return;
    }
    uint32_t end = (uint32_t)(close - p->text);
    p->token = (struct token){.kind = TOKEN_STRING, .start = at, .end = end + 1};
    p->token.name = arena_strndup(p->arena, p->text + at + 1, end - at - 1);
}

static void
read_operator(struct parser *p, uint32_t at)
{
    static const struct {
        const char *text;
        enum token_kind kind;
        enum node_kind op;
    } signs[] = {
        {"<=", TOKEN_BINARY, NODE_LE}, {">=", TOKEN_BINARY, NODE_GE},
        {"==", TOKEN_BINARY, NODE_EQ}, {"!=", TOKEN_BINARY, NODE_NE},
        {"<", TOKEN_BINARY, NODE_LT},  {">", TOKEN_BINARY, NODE_GT},
        {"+", TOKEN_BINARY, NODE_ADD}, {"-", TOKEN_BINARY, NODE_SUB},
        {"*", TOKEN_BINARY, NODE_MUL}, {"/", TOKEN_BINARY, NODE_DIV},
        {"(", TOKEN_OPEN, NODE_ADD},   {")", TOKEN_CLOSE, NODE_ADD},
        {",", TOKEN_COMMA, NODE_ADD},
    };
    const char *text = p->text + at;
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        uint32_t size = (uint32_t)strlen(signs[i].text);
        if (strncmp(text, signs[i].text, size) == 0) {
            p->token = (struct token){.kind = signs[i].kind,
                                      .op = signs[i].op,
                                      .start = at,
                                      .end = at + size};
            return;
        }
    }
    const char *plain;
    const char *pretty = pretty_operator(text, &plain);
    if (pretty != NULL) {
        fail(p, at, "`%s` is no operator; write `%s`", pretty, plain);
    } else if (text[0] == '%') {
        fail(p, at, "`%%` is only a unit (`30 %%`); the remainder is `mod`");
    } else {
        int size = 1;
        while (((unsigned char)text[size] & 0xC0) == 0x80) {
            size++;
        }
        fail(p, at, "`%.*s` is not expected in an expression", size, text);
    }
}

/* Reads the token behind the present one. */
static void
advance(struct parser *p)
{
    uint32_t at = p->token.end;
    if (p->failed) {
        return;
    }
    while (is_space(p->text[at])) {
        at++;
    }
    char c = p->text[at];
    if (c == '\0') {
        p->token = (struct token){.kind = TOKEN_END, .start = at, .end = at};
    } else if (is_letter(c) || device_prefix(p->text + at) > 0) {
        read_name(p, at);
    } else if (is_digit(c)) {
        read_number(p, at);
    } else if (c == '"' || c == '\'') {
        read_string(p, at);
    } else {
        read_operator(p, at);
    }
}

static bool
token_is_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_NAME && p->token.device == NULL &&
           strcmp(p->token.name, word) == 0;
}

static struct node *
node_new(struct parser *p, enum node_kind kind, uint32_t start, uint32_t end)
{
    if (++p->nodes > EXPR_NODES_MAX) {
        fail(p, start, "more than %d operands and operators", EXPR_NODES_MAX);
    }
    struct node *n = arena_alloc(p->arena, sizeof *n);
    n->kind = kind;
    n->start = start;
    n->end = end;
    return n;
}

static struct node *
node_binary(struct parser *p, enum node_kind kind, struct node *a, struct node *b)
{
    struct node *n = node_new(p, kind, a->start, b->end);
    n->args[0] = a;
    n->args[1] = b;
    n->arg_count = 2;
    return n;
}

static struct node *parse_or(struct parser *p);

/* Where the parser goes on after an error: nothing looks at it. */
static struct node *
parse_nothing(struct parser *p)
{
    return node_new(p, NODE_TRUTH, p->token.start, p->token.start);
}

static void
unexpected(struct parser *p, const char *wanted)
{
    const struct token *t = &p->token;
    if (t->kind == TOKEN_END) {
        fail(p, t->start, "the expression ends here, but %s is expected", wanted);
    } else {
        fail(p, t->start, "`%.*s` is not expected here; %s is",
             (int)(t->end - t->start), p->text + t->start, wanted);
    }
}

static bool
function_find(enum function *out, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (strcmp(functions[i], name) == 0) {
            *out = (enum function)i;
            return true;
        }
    }
    return false;
}

/* A known function of a later version, an unknown one: says which. */
static void
refuse_function(struct parser *p, const struct token *name)
{
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        if (strcmp(later[i], name->name) == 0) {
            fail(p, name->start,
                 "`%s` is known but not available in this version "
                 "yet; " FUNCTIONS_AVAILABLE,
                 name->name);
            return;
        }
    }
    const char *near = diag_nearest(name->name, functions, ARRAY_LEN(functions));
    if (near != NULL) {
        fail(p, name->start, "there is no function `%s`; did you mean `%s`?",
             name->name, near);
    } else {
        fail(p, name->start,
             "there is no function `%s`; " FUNCTIONS_AVAILABLE " available",
             name->name);
    }
}

static void
check_arguments(struct parser *p, const struct node *call, const char *name)
{
    bool one = call->function == FUNCTION_ABS || call->function == FUNCTION_AGE ||
               call->function == FUNCTION_QUALITY;
    if (one && call->arg_count != 1) {
        fail(p, call->start, "`%s` takes one argument", name);
    } else if (call->arg_count < 2 && !one) {
        fail(p, call->start, "`%s` takes two arguments or more", name);
    } else if (one && call->function != FUNCTION_ABS &&
               call->list[0]->kind != NODE_POINT) {
        fail(p, call->list[0]->start, "`%s` takes a point", name);
    }
}

static struct node *
parse_call(struct parser *p, const struct token *name)
{
    enum function function = FUNCTION_ABS;
    if (name->device != NULL || !function_find(&function, name->name)) {
        refuse_function(p, name);
        return parse_nothing(p);
    }
    struct node *call = node_new(p, NODE_CALL, name->start, name->end);
    call->function = function;
    call->list = arena_array(p->arena, EXPR_ARGS_MAX, sizeof(call->list[0]));
    do {
        advance(p); /* "(" or "," */
        if (call->arg_count == EXPR_ARGS_MAX) {
            fail(p, p->token.start, "a function takes at most %d arguments",
                 EXPR_ARGS_MAX);
            return call;
        }
        call->list[call->arg_count++] = parse_or(p);
    } while (p->token.kind == TOKEN_COMMA);
    if (p->token.kind != TOKEN_CLOSE) {
        unexpected(p, "`)` or `,`");
        return call;
    }
    call->end = p->token.end;
    advance(p);
    check_arguments(p, call, name->name);
    return call;
}

static struct node *
parse_name(struct parser *p)
{
    struct token t = p->token;
    if (t.device == NULL && is_keyword(t.name, strlen(t.name))) {
        unexpected(p, "a value");
        return parse_nothing(p);
    }
    advance(p);
    if (p->token.kind == TOKEN_OPEN) {
        return parse_call(p, &t);
    }
    struct node *n = node_new(p, NODE_POINT, t.start, t.end);
    n->name = t.name;
    n->device = t.device;
    if (t.device == NULL &&
        (strcmp(t.name, "true") == 0 || strcmp(t.name, "false") == 0)) {
        n->kind = NODE_TRUTH;
        n->number = t.name[0] == 't' ? 1 : 0;
    }
    return n;
}

static struct node *
parse_primary(struct parser *p)
{
    struct token t = p->token;
    struct node *n;
    switch (t.kind) {
    case TOKEN_NUMBER:
        n = node_new(p, NODE_NUMBER, t.start, t.end);
        n->number = t.number;
        n->unit = t.unit;
        advance(p);
        return n;
    case TOKEN_STRING:
        n = node_new(p, NODE_STRING, t.start, t.end);
        n->name = t.name;
        advance(p);
        return n;
    case TOKEN_NAME:
        return parse_name(p);
    case TOKEN_OPEN:
        advance(p);
        n = parse_or(p);
        if (p->token.kind != TOKEN_CLOSE) {
            unexpected(p, "`)`");
            return n;
        }
        advance(p);
        return n;
    case TOKEN_END:
    case TOKEN_BINARY:
    case TOKEN_CLOSE:
    case TOKEN_COMMA:
        break;
    }
    unexpected(p, "a value");
    return parse_nothing(p);
}

static struct node *
parse_sign(struct parser *p)
{
    if (p->depth >= EXPR_DEPTH_MAX) {
        fail(p, p->token.start, "nested more than %d deep", EXPR_DEPTH_MAX);
        return parse_nothing(p);
    }
    if (p->token.kind != TOKEN_BINARY || p->token.op != NODE_SUB) {
        return parse_primary(p);
    }
    uint32_t start = p->token.start;
    advance(p);
    p->depth++;
    struct node *operand = parse_sign(p);
    p->depth--;
    struct node *n = node_new(p, NODE_NEG, start, operand->end);
    n->args[0] = operand;
    n->arg_count = 1;
    return n;
}

static struct node *
parse_product(struct parser *p)
{
    struct node *n = parse_sign(p);
    for (;;) {
        enum node_kind op = NODE_MOD;
        if (p->token.kind == TOKEN_BINARY &&
            (p->token.op == NODE_MUL || p->token.op == NODE_DIV)) {
            op = p->token.op;
        } else if (!token_is_word(p, "mod")) {
            return n;
        }
        advance(p);
        n = node_binary(p, op, n, parse_sign(p));
    }
}

/* `a-b` may be meant as a difference, or as the id of a device. */
static void
check_spaces(struct parser *p)
{
    const struct token *t = &p->token;
    bool before = t->start > 0 && is_space(p->text[t->start - 1]);
    bool after = is_space(p->text[t->end]) || p->text[t->end] == '\0';
    if (!before || !after) {
        fail(p, t->start,
             "`-` between operands needs spaces around it (`a - b`); in a name it "
             "belongs to a device, as in `pump-1.pressure`");
    }
}

static struct node *
parse_sum(struct parser *p)
{
    struct node *n = parse_product(p);
    while (p->token.kind == TOKEN_BINARY &&
           (p->token.op == NODE_ADD || p->token.op == NODE_SUB)) {
        enum node_kind op = p->token.op;
        if (op == NODE_SUB) {
            check_spaces(p);
        }
        advance(p);
        n = node_binary(p, op, n, parse_product(p));
    }
    return n;
}

static bool
token_compares(const struct parser *p)
{
    return p->token.kind == TOKEN_BINARY && p->token.op >= NODE_LT &&
           p->token.op <= NODE_NE;
}

static struct node *
parse_compare(struct parser *p)
{
    struct node *n = parse_sum(p);
    if (!token_compares(p)) {
        return n;
    }
    enum node_kind op = p->token.op;
    advance(p);
    n = node_binary(p, op, n, parse_sum(p));
    if (token_compares(p)) {
        fail(p, p->token.start,
             "comparisons do not chain; write `a < b and b < c`, or parentheses");
    }
    return n;
}

static struct node *
parse_not(struct parser *p)
{
    if (!token_is_word(p, "not")) {
        return parse_compare(p);
    }
    if (p->depth >= EXPR_DEPTH_MAX) {
        fail(p, p->token.start, "nested more than %d deep", EXPR_DEPTH_MAX);
        return parse_nothing(p);
    }
    uint32_t start = p->token.start;
    advance(p);
    p->depth++;
    struct node *operand = parse_not(p);
    p->depth--;
    struct node *n = node_new(p, NODE_NOT, start, operand->end);
    n->args[0] = operand;
    n->arg_count = 1;
    return n;
}

static struct node *
parse_and(struct parser *p)
{
    struct node *n = parse_not(p);
    while (token_is_word(p, "and")) {
        advance(p);
        n = node_binary(p, NODE_AND, n, parse_not(p));
    }
    return n;
}

static struct node *
parse_or(struct parser *p)
{
    if (p->depth >= EXPR_DEPTH_MAX) {
        fail(p, p->token.start, "nested more than %d deep", EXPR_DEPTH_MAX);
        return parse_nothing(p);
    }
    p->depth++;
    struct node *n = parse_and(p);
    while (token_is_word(p, "or")) {
        advance(p);
        n = node_binary(p, NODE_OR, n, parse_and(p));
    }
    p->depth--;
    return n;
}

const struct node *
syntax_parse(struct arena *arena, const struct expr_text *text, struct diags *diags)
{
    struct parser p = {
        .arena = arena, .source = text, .text = text->text, .diags = diags};
    if (strlen(text->text) > EXPR_BYTES_MAX) {
        fail(&p, 0, "the expression is longer than %d bytes", EXPR_BYTES_MAX);
        return NULL;
    }
    advance(&p);
    const struct node *root = parse_or(&p);
    if (p.token.kind != TOKEN_END) {
        unexpected(&p, "`and`, `or`, an operator or the end");
    }
    return p.failed ? NULL : root;
}
