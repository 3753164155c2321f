/* Text of any length into a buffer of fixed size, never cut inside a character. */
#ifndef CARETAKER_BASE_UTF8_H
#define CARETAKER_BASE_UTF8_H

#include <stddef.h>

/* Copies `text` (NULL is "") into `out` of `out_size` bytes, NUL included; what does
 * not fit is left out from the last whole UTF-8 character on.  Returns the bytes used,
 * without the NUL.  `out` may be `text` itself. */
size_t utf8_copy(char *out, size_t out_size, const char *text);

#endif
