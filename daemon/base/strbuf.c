#include "daemon/base/strbuf.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

void
strbuf_reserve(struct strbuf *b, size_t more)
{
    size_t wanted = b->size + more + 1;
    if (wanted <= b->capacity) {
        return;
    }
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity < wanted) {
        capacity *= 2;
    }
    char *grown = realloc(b->text, capacity);
    if (grown == NULL) {
        abort();
    }
    b->text = grown;
    b->capacity = capacity;
}

void
strbuf_fini(struct strbuf *b)
{
    free(b->text);
    memset(b, 0, sizeof *b);
}

void
strbuf_wipe(struct strbuf *b)
{
    if (b->text != NULL) {
        explicit_bzero(b->text, b->capacity);
    }
    strbuf_fini(b);
}

void
strbuf_clear(struct strbuf *b)
{
    b->size = 0;
    if (b->text != NULL) {
        b->text[0] = '\0';
    }
}

const char *
strbuf_text(const struct strbuf *b)
{
    return b->text != NULL ? b->text : "";
}

char *
strbuf_take(struct strbuf *b)
{
    strbuf_reserve(b, 0);
    b->text[b->size] = '\0';
    char *text = b->text;
    memset(b, 0, sizeof *b);
    return text;
}

void
strbuf_add_bytes(struct strbuf *b, const char *bytes, size_t size)
{
    strbuf_reserve(b, size);
    if (size > 0) {
        memcpy(b->text + b->size, bytes, size);
    }
    b->size += size;
    b->text[b->size] = '\0';
}

void
strbuf_add(struct strbuf *b, const char *text)
{
    strbuf_add_bytes(b, text, strlen(text));
}

void
strbuf_add_char(struct strbuf *b, char c)
{
    strbuf_add_bytes(b, &c, 1);
}

void
strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(size >= 0);
    strbuf_reserve(b, (size_t)size);
    vsnprintf(b->text + b->size, (size_t)size + 1, fmt, again);
    va_end(again);
    b->size += (size_t)size;
}

size_t
number_format(char *out, double value)
{
    if (!isfinite(value)) {
        return (size_t)snprintf(out, NUMBER_TEXT_BYTES, "null");
    }
    if (value == 0) {
        value = 0; /* Never "-0". */
    }
    /* Any decimal of 15 digits survives a double, but not below the normal ones. */
    int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    int size = 0;
    for (; digits <= DBL_DECIMAL_DIG; digits++) {
        size = snprintf(out, NUMBER_TEXT_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            break;
        }
    }
    assert(size > 0 && size < NUMBER_TEXT_BYTES);
    return (size_t)size;
}

const char *
number_format_short(char *out, double value)
{
    double size = fabs(value);
    if (!isfinite(value)) {
        snprintf(out, NUMBER_TEXT_BYTES, "-");
    } else if (size > 0 && size < 0.001) {
        snprintf(out, NUMBER_TEXT_BYTES, "%s0.001", value < 0 ? "> -" : "< ");
    } else if (size < 999.95) {
        snprintf(out, NUMBER_TEXT_BYTES, "%.4g", value == 0 ? 0 : value);
    } else if (size < 1e15) {
        snprintf(out, NUMBER_TEXT_BYTES, "%.0f", value);
    } else {
        number_format(out, value); /* No count or rate of ours comes near it. */
    }
    return out;
}

void
strbuf_add_number(struct strbuf *b, double value)
{
    char text[NUMBER_TEXT_BYTES];
    strbuf_add_bytes(b, text, number_format(text, value));
}

void
strbuf_json_string(struct strbuf *b, const char *text)
{
    strbuf_add_char(b, '"');
    size_t left = strlen(text);
    for (const char *s = text; left > 0;) {
        size_t size = utf8_size(s, left);
        size_t step = size > 0 ? size : 1;
        if (size == 0) {
            strbuf_add(b, "\xEF\xBF\xBD"); /* U+FFFD */
        } else if (*s == '"' || *s == '\\') {
            strbuf_add_char(b, '\\');
            strbuf_add_char(b, *s);
        } else if (*s == '\n') {
            strbuf_add(b, "\\n");
        } else if (size == 1 && utf8_is_control(s, left)) {
            strbuf_printf(b, "\\u%04x", (unsigned)*s);
        } else {
            strbuf_add_bytes(b, s, size);
        }
        s += step;
        left -= step;
    }
    strbuf_add_char(b, '"');
}

void
strbuf_json_key(struct strbuf *b, const char *key)
{
    char last = b->size > 0 ? b->text[b->size - 1] : '{';
    if (last != '{' && last != '[') {
        strbuf_add_char(b, ',');
    }
    strbuf_json_string(b, key);
    strbuf_add_char(b, ':');
}

void
strbuf_json_str(struct strbuf *b, const char *key, const char *value)
{
    strbuf_json_key(b, key);
    if (value == NULL) {
        strbuf_add(b, "null");
    } else {
        strbuf_json_string(b, value);
    }
}

void
strbuf_json_str_opt(struct strbuf *b, const char *key, const char *value)
{
    if (value != NULL) {
        strbuf_json_str(b, key, value);
    }
}

void
strbuf_json_int(struct strbuf *b, const char *key, int64_t value)
{
    strbuf_json_key(b, key);
    strbuf_printf(b, "%lld", (long long)value);
}

void
strbuf_json_num(struct strbuf *b, const char *key, double value)
{
    strbuf_json_key(b, key);
    strbuf_add_number(b, value);
}

void
strbuf_json_bool(struct strbuf *b, const char *key, bool value)
{
    strbuf_json_key(b, key);
    strbuf_add(b, value ? "true" : "false");
}

void
strbuf_json_time(struct strbuf *b, const char *key, int64_t t_ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_json_str(b, key,
                    t_ms == INSTANT_NONE ? NULL : instant_format_utc(text, t_ms));
}

void
strbuf_json_time_opt(struct strbuf *b, const char *key, int64_t t_ms)
{
    if (t_ms != INSTANT_NONE) {
        strbuf_json_time(b, key, t_ms);
    }
}
