#include "daemon/base/utf8.h"

#include <assert.h>
#include <string.h>

#define CONTINUATIONS_MAX 3 /* A character has at most four bytes (RFC 3629). */

static bool
is_continuation(char c)
{
    return ((unsigned char)c & 0xC0u) == 0x80;
}

size_t
utf8_size(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) {
        return 1;
    }
    size_t size = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(text[i])) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xED && s[1] > 0x9F;
    bool beyond = s[0] == 0xF4 && s[1] > 0x8F; /* U+10FFFF is the last. */
    return overlong || surrogate || beyond ? 0 : size;
}

bool
utf8_is_control(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] == 0xC2) {
        return left > 1 && s[1] >= 0x80 && s[1] < 0xA0;
    }
    return s[0] < 0x20 || s[0] == 0x7F;
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

void
utf8_to_line(char *text)
{
    size_t left = strlen(text);
    char *to = text;
    for (const char *from = text; left > 0;) {
        size_t size = utf8_size(from, left);
        size_t step = size > 0 ? size : 1;
        if (size == 0) {
            *to++ = '?';
        } else if (utf8_is_control(from, left)) {
            *to++ = ' ';
        } else {
            memmove(to, from, size);
            to += size;
        }
        from += step;
        left -= step;
    }
    *to = '\0';
}
