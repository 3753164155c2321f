/* Text inside HTML and XML (SVG). */
#ifndef CARETAKER_BASE_MARKUP_H
#define CARETAKER_BASE_MARKUP_H

#include "daemon/base/strbuf.h"

/* `text` (NULL is "") as character data or as an attribute's value in quotes, the same
 * in HTML and in XML 1.0: & < > " ' are escaped, control characters but tab and line
 * end become spaces, and what is no UTF-8 or no character of XML becomes U+FFFD. */
void markup_text(struct strbuf *out, const char *text);

#endif
