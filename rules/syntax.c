#include "rules/syntax.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "rules/lexer.h"

#define FUNCTION_LIST_BYTES 256
#define WINDOW_TEXT_BYTES   64

struct parser {
    struct lexer in;
    uint32_t depth;
    uint32_t nodes;
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

static bool
token_is_word(const struct parser *p, const char *word)
{
    return p->in.token.kind == TOKEN_NAME && p->in.token.device == NULL &&
           strcmp(p->in.token.name, word) == 0;
}

static struct node *
node_new(struct parser *p, enum node_kind kind, uint32_t start, uint32_t end)
{
    if (++p->nodes > EXPR_NODES_MAX) {
        lexer_fail(&p->in, start, "more than %d operands and operators",
                   EXPR_NODES_MAX);
    }
    struct node *n = arena_alloc(p->in.arena, sizeof *n);
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
    return node_new(p, NODE_TRUTH, p->in.token.start, p->in.token.start);
}

static void
unexpected(struct parser *p, const char *wanted)
{
    const struct token *t = &p->in.token;
    if (t->kind == TOKEN_END) {
        lexer_fail(&p->in, t->start, "the expression ends here, but %s is expected",
                   tr(wanted));
    } else {
        lexer_fail(&p->in, t->start, "`%.*s` is not expected here; %s is",
                   (int)(t->end - t->start), p->in.source->text + t->start, tr(wanted));
    }
}

static void
refuse_function(struct parser *p, const struct token *name)
{
    const char *near = function_nearest(name->name);
    char list[FUNCTION_LIST_BYTES];
    if (near != NULL) {
        lexer_fail(&p->in, name->start, "there is no function `%s`; did you mean `%s`?",
                   name->name, near);
        return;
    }
    function_list(list, sizeof list);
    lexer_fail(&p->in, name->start, "there is no function `%s`; there are %s",
               name->name, list);
}

/* A window such as 5m: `m` is minutes here. */
static void
take_window(struct parser *p, struct node *call, const struct node *n)
{
    char text[WINDOW_TEXT_BYTES];
    struct err err;
    int64_t ms = 0;
    (void)snprintf(text, sizeof text, "%.15g%s", n->number,
                   n->unit == NULL               ? ""
                   : strcmp(n->unit, "min") == 0 ? "m"
                                                 : n->unit);
    if (n->kind != NODE_NUMBER || n->unit == NULL ||
        duration_parse(&ms, text, &err) != 0 || ms <= 0 || ms > WINDOW_MS_MAX) {
        lexer_fail(
            &p->in, n->start,
            "a window is expected here: a time up to 10y such as 30s, 5m, 24h, 7d");
        return;
    }
    call->window_ms = ms;
}

/* Takes what is no value out of the arguments, and looks at what is left. */
static void
check_arguments(struct parser *p, struct node *call, const char *name)
{
    enum signature s = function_takes(call->function);
    uint32_t window = signature_window(s);
    if (p->in.failed) {
        return;
    }
    if (!signature_fits(s, call->arg_count)) {
        lexer_fail(&p->in, call->start, "`%s` %s", name, signature_text(s));
        return;
    }
    if (window > 0) {
        take_window(p, call, call->list[window]);
        call->arg_count = window;
    }
    if (s == TAKES_CONDITION_LIFE && call->arg_count == 2) {
        const struct node *word = call->list[1];
        if (word->kind != NODE_POINT || word->device != NULL ||
            strcmp(word->name, SINCE_SERVICE) != 0) {
            lexer_fail(&p->in, word->start, "`%s` %s", name, signature_text(s));
        }
        call->since_service = true;
        call->arg_count = 1;
    }
    if (s == TAKES_POINT && call->list[0]->kind != NODE_POINT) {
        lexer_fail(&p->in, call->list[0]->start, "`%s` takes a point", name);
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
    call->list = arena_array(p->in.arena, EXPR_ARGS_MAX, sizeof(call->list[0]));
    do {
        lexer_advance(&p->in); /* "(" or "," */
        if (call->arg_count == EXPR_ARGS_MAX) {
            lexer_fail(&p->in, p->in.token.start,
                       "a function takes at most %d arguments", EXPR_ARGS_MAX);
            return call;
        }
        call->list[call->arg_count++] = parse_or(p);
    } while (p->in.token.kind == TOKEN_COMMA);
    if (p->in.token.kind != TOKEN_CLOSE) {
        unexpected(p, "`)` or `,`");
        return call;
    }
    call->end = p->in.token.end;
    lexer_advance(&p->in);
    check_arguments(p, call, name->name);
    return call;
}

static struct node *
parse_name(struct parser *p)
{
    struct token t = p->in.token;
    if (t.device == NULL && lexer_is_keyword(t.name, strlen(t.name))) {
        unexpected(p, "a value");
        return parse_nothing(p);
    }
    lexer_advance(&p->in);
    if (p->in.token.kind == TOKEN_OPEN) {
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
    struct token t = p->in.token;
    struct node *n;
    switch (t.kind) {
    case TOKEN_NUMBER:
        n = node_new(p, NODE_NUMBER, t.start, t.end);
        n->number = t.number;
        n->unit = t.unit;
        lexer_advance(&p->in);
        return n;
    case TOKEN_STRING:
        n = node_new(p, NODE_STRING, t.start, t.end);
        n->name = t.name;
        lexer_advance(&p->in);
        return n;
    case TOKEN_NAME:
        return parse_name(p);
    case TOKEN_OPEN:
        lexer_advance(&p->in);
        n = parse_or(p);
        if (p->in.token.kind != TOKEN_CLOSE) {
            unexpected(p, "`)`");
            return n;
        }
        lexer_advance(&p->in);
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
        lexer_fail(&p->in, p->in.token.start, "nested more than %d deep",
                   EXPR_DEPTH_MAX);
        return parse_nothing(p);
    }
    if (p->in.token.kind != TOKEN_BINARY || p->in.token.op != NODE_SUB) {
        return parse_primary(p);
    }
    uint32_t start = p->in.token.start;
    lexer_advance(&p->in);
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
        if (p->in.token.kind == TOKEN_BINARY &&
            (p->in.token.op == NODE_MUL || p->in.token.op == NODE_DIV)) {
            op = p->in.token.op;
        } else if (!token_is_word(p, "mod")) {
            return n;
        }
        lexer_advance(&p->in);
        n = node_binary(p, op, n, parse_sign(p));
    }
}

/* `a-b` may be meant as a difference, or as the id of a device. */
static void
check_spaces(struct parser *p)
{
    const struct token *t = &p->in.token;
    bool before = t->start > 0 && lexer_is_space(p->in.source->text[t->start - 1]);
    bool after = lexer_is_space(p->in.source->text[t->end]) ||
                 p->in.source->text[t->end] == '\0';
    if (!before || !after) {
        lexer_fail(
            &p->in, t->start,
            "`-` between operands needs spaces around it (`a - b`); in a name it "
            "belongs to a device, as in `pump-1.pressure`");
    }
}

static struct node *
parse_sum(struct parser *p)
{
    struct node *n = parse_product(p);
    while (p->in.token.kind == TOKEN_BINARY &&
           (p->in.token.op == NODE_ADD || p->in.token.op == NODE_SUB)) {
        enum node_kind op = p->in.token.op;
        if (op == NODE_SUB) {
            check_spaces(p);
        }
        lexer_advance(&p->in);
        n = node_binary(p, op, n, parse_product(p));
    }
    return n;
}

static bool
token_compares(const struct parser *p)
{
    return p->in.token.kind == TOKEN_BINARY && p->in.token.op >= NODE_LT &&
           p->in.token.op <= NODE_NE;
}

static struct node *
parse_compare(struct parser *p)
{
    struct node *n = parse_sum(p);
    if (!token_compares(p)) {
        return n;
    }
    enum node_kind op = p->in.token.op;
    lexer_advance(&p->in);
    n = node_binary(p, op, n, parse_sum(p));
    if (token_compares(p)) {
        lexer_fail(&p->in, p->in.token.start,
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
        lexer_fail(&p->in, p->in.token.start, "nested more than %d deep",
                   EXPR_DEPTH_MAX);
        return parse_nothing(p);
    }
    uint32_t start = p->in.token.start;
    lexer_advance(&p->in);
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
        lexer_advance(&p->in);
        n = node_binary(p, NODE_AND, n, parse_not(p));
    }
    return n;
}

static struct node *
parse_or(struct parser *p)
{
    if (p->depth >= EXPR_DEPTH_MAX) {
        lexer_fail(&p->in, p->in.token.start, "nested more than %d deep",
                   EXPR_DEPTH_MAX);
        return parse_nothing(p);
    }
    p->depth++;
    struct node *n = parse_and(p);
    while (token_is_word(p, "or")) {
        lexer_advance(&p->in);
        n = node_binary(p, NODE_OR, n, parse_and(p));
    }
    p->depth--;
    return n;
}

const struct node *
syntax_parse(struct arena *arena, const struct expr_text *text, struct diags *diags)
{
    struct parser p = {.in = {.arena = arena, .source = text, .diags = diags}};
    if (strlen(text->text) > EXPR_BYTES_MAX) {
        lexer_fail(&p.in, 0, "the expression is longer than %d bytes", EXPR_BYTES_MAX);
        return NULL;
    }
    lexer_advance(&p.in);
    const struct node *root = parse_or(&p);
    if (p.in.token.kind != TOKEN_END) {
        unexpected(&p, "`and`, `or`, an operator or the end");
    }
    return p.in.failed ? NULL : root;
}
