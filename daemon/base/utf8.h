/* UTF-8 (RFC 3629): what is well formed, where it may be cut, what a line may hold. */
#ifndef CARETAKER_BASE_UTF8_H
#define CARETAKER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at `text`, of which `left` (at least 1) may be
 * read; 0 when there is none. */
size_t utf8_size(const char *text, size_t left);

/* A control character stands at `text`: C0, DEL or C1 (U+0080 to U+009F). */
bool utf8_is_control(const char *text, size_t left);

/* Copies `text` (NULL is "") into `out` of `out_size` bytes, NUL included; what does
 * not fit is left out from the last whole UTF-8 character on.  Returns the bytes used,
 * without the NUL.  `out` may be `text` itself. */
size_t utf8_copy(char *out, size_t out_size, const char *text);

/* Makes `text` fit for one line of a log or a terminal, in place: control characters
 * become spaces and bytes that are no UTF-8 question marks, so that no text from
 * outside can forge another line or steer the terminal. */
void utf8_to_line(char *text);

#endif
