#include "daemon/base/csv.h"

#include <string.h>

#include "daemon/base/err.h"

/* A spreadsheet would take it for a formula. */
static bool
is_formula(const char *text)
{
    static const char *const starts[] = {"=", "+", "-", "@", "＝", "＋", "－", "＠"};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (strncmp(text, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Apostrophes and a formula behind them: one more, or one less, tells them apart. */
bool
csv_is_guarded(const char *text)
{
    return is_formula(text + strspn(text, "'"));
}

const char *
csv_unguarded(const char *text)
{
    return text[0] == '\'' && csv_is_guarded(text) ? text + 1 : text;
}

void
csv_add(struct strbuf *out, const char *text)
{
    size_t size = strlen(text);
    bool guard = csv_is_guarded(text);
    bool quote = strpbrk(text, ",;\"\t\r\n") != NULL ||
                 (size > 0 && (text[0] == ' ' || text[size - 1] == ' '));
    if (quote) {
        strbuf_add_char(out, '"');
    }
    if (guard) {
        strbuf_add_char(out, '\'');
    }
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            strbuf_add_char(out, '"');
        }
        strbuf_add_char(out, *text);
    }
    if (quote) {
        strbuf_add_char(out, '"');
    }
}
