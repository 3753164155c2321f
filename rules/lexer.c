#include "rules/lexer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"

void
lexer_fail(struct lexer *l, uint32_t at, const char *fmt, ...)
{
    if (l->failed) {
        return;
    }
    char message[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, tr(fmt), args);
    va_end(args);
    struct loc loc = syntax_loc(l->source, at);
    diags_add(l->diags, DIAG_ERROR, &loc, "%s", message);
    l->failed = true;
    l->token = (struct token){.kind = TOKEN_END, .start = at, .end = at};
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

bool
lexer_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
word_is(const char *word, size_t size, const char *text)
{
    return strlen(text) == size && memcmp(word, text, size) == 0;
}

bool
lexer_is_keyword(const char *word, size_t size)
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
    return lexer_is_keyword(text, i) ? 0 : i;
}

static void
read_number(struct lexer *l, uint32_t at)
{
    uint32_t i = at;
    while (is_digit(l->source->text[i])) {
        i++;
    }
    if (l->source->text[i] == '.') {
        i++;
        if (!is_digit(l->source->text[i])) {
            lexer_fail(l, i, "a digit is expected after the decimal point");
            return;
        }
        while (is_digit(l->source->text[i])) {
            i++;
        }
    }
    uint32_t sign = l->source->text[i + (l->source->text[i] != '\0')] == '-' ||
                    l->source->text[i + (l->source->text[i] != '\0')] == '+';
    if ((l->source->text[i] == 'e' || l->source->text[i] == 'E') &&
        is_digit(l->source->text[i + 1 + sign])) {
        i += 1 + sign;
        while (is_digit(l->source->text[i])) {
            i++;
        }
    }
    struct token *t = &l->token;
    *t = (struct token){.kind = TOKEN_NUMBER, .start = at, .end = i};
    char *digits = arena_strndup(l->arena, l->source->text + at, i - at);
    t->number = strtod(digits, NULL);
    if (!isfinite(t->number)) {
        lexer_fail(l, at, "the number `%s` is too large", digits);
        return;
    }
    uint32_t unit = i;
    while (lexer_is_space(l->source->text[unit])) {
        unit++;
    }
    /* "5 running" is two operands, but "5 kW" is one: a device's point is no unit. */
    uint32_t size = device_prefix(l->source->text + unit) > 0
                        ? 0
                        : unit_size(l->source->text + unit);
    if (size > 0) {
        t->unit = arena_strndup(l->arena, l->source->text + unit, size);
        t->end = unit + size;
    }
}

static void
read_name(struct lexer *l, uint32_t at)
{
    uint32_t prefix = device_prefix(l->source->text + at);
    uint32_t i = at + prefix;
    struct token *t = &l->token;
    while (is_letter(l->source->text[i]) || is_digit(l->source->text[i])) {
        i++;
    }
    *t = (struct token){.kind = TOKEN_NAME, .start = at, .end = i};
    if (prefix > 0) {
        t->device = arena_strndup(l->arena, l->source->text + at, prefix - 1);
    }
    t->name = arena_strndup(l->arena, l->source->text + at + prefix, i - at - prefix);
    if (l->source->text[i] == '.') {
        lexer_fail(l, i,
                   "`.` is not expected here; a point of another device is written "
                   "DEVICE.POINT");
    }
}

static void
read_string(struct lexer *l, uint32_t at)
{
    const char *close = strchr(l->source->text + at + 1, l->source->text[at]);
    if (close == NULL) {
        lexer_fail(l, at, "the text in quotes has no end");
        return;
    }
    uint32_t end = (uint32_t)(close - l->source->text);
    l->token = (struct token){.kind = TOKEN_STRING, .start = at, .end = end + 1};
    l->token.name = arena_strndup(l->arena, l->source->text + at + 1, end - at - 1);
}

static void
read_operator(struct lexer *l, uint32_t at)
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
    const char *text = l->source->text + at;
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        uint32_t size = (uint32_t)strlen(signs[i].text);
        if (strncmp(text, signs[i].text, size) == 0) {
            l->token = (struct token){.kind = signs[i].kind,
                                      .op = signs[i].op,
                                      .start = at,
                                      .end = at + size};
            return;
        }
    }
    const char *plain;
    const char *pretty = pretty_operator(text, &plain);
    if (pretty != NULL) {
        lexer_fail(l, at, "`%s` is no operator; write `%s`", pretty, plain);
    } else if (text[0] == '%') {
        lexer_fail(l, at, "`%%` is only a unit (`30 %%`); the remainder is `mod`");
    } else {
        int size = 1;
        while (((unsigned char)text[size] & 0xC0) == 0x80) {
            size++;
        }
        lexer_fail(l, at, "`%.*s` is not expected in an expression", size, text);
    }
}

void
lexer_advance(struct lexer *l)
{
    uint32_t at = l->token.end;
    if (l->failed) {
        return;
    }
    while (lexer_is_space(l->source->text[at])) {
        at++;
    }
    char c = l->source->text[at];
    if (c == '\0') {
        l->token = (struct token){.kind = TOKEN_END, .start = at, .end = at};
    } else if (is_letter(c) || device_prefix(l->source->text + at) > 0) {
        read_name(l, at);
    } else if (is_digit(c)) {
        read_number(l, at);
    } else if (c == '"' || c == '\'') {
        read_string(l, at);
    } else {
        read_operator(l, at);
    }
}
