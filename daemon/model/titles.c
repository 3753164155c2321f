#include "daemon/model/titles.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/utf8.h"

bool
titles_are_empty(const struct titles *t)
{
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        if (t->in[i][0] != '\0') {
            return false;
        }
    }
    return true;
}

bool
titles_are_same(const struct titles *a, const struct titles *b)
{
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        if (strcmp(a->in[i], b->in[i]) != 0) {
            return false;
        }
    }
    return true;
}

const char *
titles_in(const struct titles *t, enum language language, const char *title)
{
    return t->in[language][0] != '\0' ? t->in[language] : title;
}

bool
titles_differ(const struct text *text)
{
    size_t count = 0;
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        count += text->in[i] != NULL;
    }
    return count > 1;
}

void
titles_of_text(struct titles *out, const struct text *text)
{
    *out = (struct titles){0};
    for (size_t i = 0; titles_differ(text) && i < LANGUAGE_COUNT; i++) {
        if (text->in[i] != NULL) {
            utf8_copy(out->in[i], sizeof out->in[i], text->in[i]);
        }
    }
}

void
titles_join_json(struct strbuf *out, const struct titles *t)
{
    assert(out->size > 0 && out->text[out->size - 1] == '}');
    out->text[--out->size] = '\0';
    strbuf_json_key(out, "titles");
    titles_to_json(out, t);
    strbuf_add_char(out, '}');
}

void
titles_to_json(struct strbuf *out, const struct titles *t)
{
    strbuf_add_char(out, '{');
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        if (t->in[i][0] != '\0') {
            strbuf_json_str(out, language_name((enum language)i), t->in[i]);
        }
    }
    strbuf_add_char(out, '}');
}
