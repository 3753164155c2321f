#include "daemon/base/markup.h"

#include <string.h>

#include "daemon/base/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static const char *
entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;"; /* HTML 4 does not know &apos;. */
    default:
        return NULL;
    }
}

/* U+FFFE and U+FFFF, which XML 1.0 (2.2) excludes. */
static bool
is_excluded(const char *text, size_t size)
{
    return size == 3 && memcmp(text, "\xEF\xBF", 2) == 0 &&
           ((unsigned char)text[2] == 0xBE || (unsigned char)text[2] == 0xBF);
}

void
markup_text(struct strbuf *out, const char *text)
{
    size_t left = text != NULL ? strlen(text) : 0;
    for (const char *at = text; left > 0;) {
        size_t size = utf8_size(at, left);
        size_t step = size > 0 ? size : 1;
        const char *name = entity(*at);
        if (name != NULL) {
            strbuf_add(out, name);
        } else if (size == 0 || is_excluded(at, size)) {
            strbuf_add(out, REPLACEMENT);
        } else if (*at == '\n' || *at == '\t') {
            strbuf_add_char(out, *at);
        } else if (utf8_is_control(at, left)) {
            strbuf_add_char(out, ' ');
        } else {
            strbuf_add_bytes(out, at, size);
        }
        at += step;
        left -= step;
    }
}
