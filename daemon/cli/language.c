/* In which language the command line speaks.  First: what the person says (--language,
 * CARETAKER_LANGUAGE); the locale; where there is none, the site; English. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/cli/cli.h"

#define OPTION "--language"

/* What LC_ALL, LC_MESSAGES or LANG says of messages, in the C library's order: false
 * where none of them is set.  "C", and languages that we do not have, are English. */
static bool
of_locale(enum language *out)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0') {
            *out = LANGUAGE_EN;
            (void)catalogue_parse(out, value);
            return true;
        }
    }
    return false;
}

static bool
of_person(enum language *out)
{
    const char *value = getenv(CLI_LANGUAGE);
    return value != NULL && value[0] != '\0' && catalogue_parse(out, value);
}

void
cli_speak(const char *site_file)
{
    enum language language = LANGUAGE_EN;
    if (!of_person(&language) && !of_locale(&language)) {
        (void)config_site_language(&language, site_file);
    }
    catalogue_speak(language);
}

enum language
cli_document_language(const struct site *site)
{
    enum language language = site->language;
    (void)of_person(&language);
    catalogue_speak(language);
    return language;
}

/* The value of the option at `argv[i]`; NULL when it is another one, "" without one. */
static const char *
value_at(char **argv, int i, int *words)
{
    const size_t size = strlen(OPTION);
    if (strncmp(argv[i], OPTION, size) != 0) {
        return NULL;
    }
    if (argv[i][size] == '=') {
        *words = 1;
        return argv[i] + size + 1;
    }
    if (argv[i][size] != '\0') {
        return NULL;
    }
    *words = argv[i + 1] != NULL ? 2 : 1;
    return argv[i + 1] != NULL ? argv[i + 1] : "";
}

static int
refuse(const char *where, const char *value)
{
    fprintf(stderr, tr("caretaker: %s \"%s\" is not spoken here; accepted are %s\n"),
            where, value, "en, zh-CN"); /* not translated: ids. */
    return CLI_USAGE;
}

int
cli_take_language(int *argc, char **argv)
{
    enum language language = LANGUAGE_EN;
    (void)of_locale(&language);
    catalogue_speak(language);
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0;) {
        int words = 0;
        const char *value = value_at(argv, i, &words);
        if (value == NULL) {
            i++;
            continue;
        }
        if (!catalogue_parse(&language, value)) {
            return refuse(OPTION, value);
        }
        if (setenv(CLI_LANGUAGE, language_name(language), 1) != 0) {
            abort();
        }
        memmove(&argv[i], &argv[i + words],
                (size_t)(*argc - i - words + 1) * sizeof *argv);
        *argc -= words;
    }
    const char *value = getenv(CLI_LANGUAGE);
    if (value != NULL && value[0] != '\0' && !of_person(&language)) {
        return refuse(CLI_LANGUAGE, value);
    }
    catalogue_speak(language);
    return CLI_OK;
}
