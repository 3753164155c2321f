#include "daemon/base/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_BYTES                                                                     \
    128 /* A context, a separator and a word; longer ones stay English. */

static enum language spoken = LANGUAGE_EN;
static _Thread_local int heard = CATALOGUE_SPOKEN;

void
catalogue_speak(enum language language)
{
    spoken = language;
}

int
catalogue_hear(int language)
{
    int before = heard;
    heard = language;
    return before;
}

enum language
catalogue_language(void)
{
    return heard != CATALOGUE_SPOKEN ? (enum language)heard : spoken;
}

static int
compare(const void *key, const void *entry)
{
    return strcmp(key, ((const struct catalogue_entry *)entry)->english);
}

/* NULL when there is none. */
static const char *
find(enum language language, const char *english)
{
    if (language != LANGUAGE_ZH_CN) {
        return NULL;
    }
    const struct catalogue_entry *e =
        bsearch(english, catalogue_zh_cn, catalogue_zh_cn_count, sizeof *e, compare);
    return e != NULL ? e->other : NULL;
}

const char *
tr_in(enum language language, const char *english)
{
    const char *other = find(language, english);
    return other != NULL ? other : english;
}

const char *
tr(const char *english)
{
    return tr_in(catalogue_language(), english);
}

const char *
tr_word_in(enum language language, const char *context, const char *english)
{
    char key[WORD_BYTES];
    int n = snprintf(key, sizeof key, "%s\004%s", context, english);
    const char *other = n > 0 && (size_t)n < sizeof key ? find(language, key) : NULL;
    return other != NULL ? other : english;
}

const char *
tr_word(const char *context, const char *english)
{
    return tr_word_in(catalogue_language(), context, english);
}

bool
catalogue_parse(enum language *out, const char *text)
{
    size_t size = strcspn(text, "_-.@,;");
    if (size == 2 && strncasecmp(text, "zh", 2) == 0) {
        *out = LANGUAGE_ZH_CN; /* Simplified is nearer to any Chinese than English. */
        return true;
    }
    if ((size == 2 && strncasecmp(text, "en", 2) == 0) ||
        (size == 1 && text[0] == 'C') || (size == 5 && strcmp(text, "POSIX") == 0)) {
        *out = LANGUAGE_EN;
        return true;
    }
    return false;
}
