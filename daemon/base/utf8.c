#include "daemon/base/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define CONTINUATIONS_MAX 3 /* A character has at most four bytes (RFC 3629). */

static bool
is_continuation(char c)
{
    return ((unsigned char)c & 0xC0u) == 0x80;
}

size_t
utf8_copy(char *out, size_t out_size, const char *text)
{
    assert(out_size > 0);
    size_t size = text != NULL ? strnlen(text, out_size) : 0;
    if (size == out_size) {
        size--; /* Room for the NUL. */
        size_t start = size;
        while (start > 0 && size - start < CONTINUATIONS_MAX &&
               is_continuation(text[start])) {
            start--;
        }
        /* Bytes that are no UTF-8 at all are cut where the buffer ends. */
        if (!is_continuation(text[start])) {
            size = start;
        }
    }
    if (size > 0) {
        memmove(out, text, size);
    }
    out[size] = '\0';
    return size;
}
