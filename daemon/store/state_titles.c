#include "daemon/store/state_titles.h"

#include <jansson.h>

#include "daemon/base/utf8.h"

void
state_titles_bind(sqlite3_stmt *stmt,
                  int at,
                  const struct titles *titles,
                  struct strbuf *text)
{
    bool none = titles_are_empty(titles);
    if (!none) {
        titles_to_json(text, titles);
    }
    bind_text_or_null(stmt, at, none ? NULL : strbuf_text(text));
}

void
state_titles_read(struct titles *out, sqlite3_stmt *stmt, int at)
{
    const char *text = column_text(stmt, at);
    json_t *root = text != NULL ? json_loads(text, 0, NULL) : NULL;
    *out = (struct titles){0};
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        const char *title =
            json_string_value(json_object_get(root, language_name((enum language)i)));
        if (title != NULL) {
            utf8_copy(out->in[i], sizeof out->in[i], title);
        }
    }
    json_decref(root);
}
