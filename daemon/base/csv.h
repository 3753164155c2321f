/* Cells of CSV (RFC 4180) that a spreadsheet reads as the texts they are. */
#ifndef CARETAKER_BASE_CSV_H
#define CARETAKER_BASE_CSV_H

#include <stdbool.h>

#include "daemon/base/strbuf.h"

#define CSV_BOM "\xEF\xBB\xBF" /* Before the first line, Excel takes it for UTF-8. */

/* One cell: in quotes where it must be, and with an apostrophe before what would be a
 * formula (= + - @) there. */
void csv_add(struct strbuf *out, const char *text);
/* Begins with that apostrophe, or would be given one. */
bool csv_is_guarded(const char *text);
/* The text without the apostrophe that csv_add() puts before it; part of `text`. */
const char *csv_unguarded(const char *text);

#endif
