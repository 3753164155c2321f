/* A growing string, and the JSON that we write ourselves.
 *
 * JSON is written here because event lines must be the same to the byte on every
 * run, with the fewest digits that read back; reading JSON is left to jansson. */
#ifndef CARETAKER_BASE_STRBUF_H
#define CARETAKER_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"

/* Zero-initialised is empty and valid.  `text` is always NUL-terminated once
 * something was added.  Out of memory aborts: no caller could go on. */
struct strbuf {
    char *text;
    size_t size; /* Bytes used, without the NUL. */
    size_t capacity;
};

void strbuf_fini(struct strbuf *b); /* Frees and zeroes. */
/* Frees what held a secret: nothing of it stays in the memory that is given back. */
void strbuf_wipe(struct strbuf *b);
/* Room for `more` bytes: until they are there, nothing is moved. */
void strbuf_reserve(struct strbuf *b, size_t more);
void strbuf_clear(struct strbuf *b);             /* Empties, keeps the memory. */
const char *strbuf_text(const struct strbuf *b); /* "" when empty. */
char *
strbuf_take(struct strbuf *b); /* Returns owned (never NULL); `b` is empty after. */

void strbuf_add(struct strbuf *b, const char *text);
void strbuf_add_bytes(struct strbuf *b, const char *bytes, size_t size);
void strbuf_add_char(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The shortest decimal that reads back as `value`; NaN and infinity as "null". */
void strbuf_add_number(struct strbuf *b, double value);
#define NUMBER_TEXT_BYTES 32
/* The same into a caller's buffer of NUMBER_TEXT_BYTES; returns its length. */
size_t number_format(char *out, double value);
/* For people: four digits, whole ones from 1,000 on, and below 1e15 no exponent.  What
 * is too small for that is "< 0.001"; NaN and infinity are "-".  Returns `out`. */
const char *number_format_short(char *out, double value);

/* A JSON string with quotes; bytes that are no UTF-8 become U+FFFD. */
void strbuf_json_string(struct strbuf *b, const char *text);

/* JSON members inside an object: a comma is written first unless the text ends
 * in '{' or '['.  The _opt forms write nothing for NULL / 0. */
void strbuf_json_key(struct strbuf *b, const char *key);
void strbuf_json_str(struct strbuf *b,
                     const char *key,
                     const char *value); /* NULL -> null */
void strbuf_json_str_opt(struct strbuf *b, const char *key, const char *value);
void strbuf_json_int(struct strbuf *b, const char *key, int64_t value);
void strbuf_json_num(struct strbuf *b, const char *key, double value);
void strbuf_json_bool(struct strbuf *b, const char *key, bool value);
/* An instant as RFC 3339 UTC with milliseconds; INSTANT_NONE -> null. */
void strbuf_json_time(struct strbuf *b, const char *key, int64_t t_ms);
void strbuf_json_time_opt(struct strbuf *b, const char *key, int64_t t_ms);

#endif
