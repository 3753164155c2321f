/* Texts for people in each language that the program speaks.
 *
 * Sources hold the English; config/language/zh-CN.po holds the other side and is
 * compiled into the program, so there is no file to install beside it.  A text that is
 * not in the catalogue is shown in English; scripts/language check finds it.
 *
 * What machines read is never translated: keys and words of JSON, YAML and MQTT, and
 * the log. */
#ifndef CARETAKER_BASE_CATALOGUE_H
#define CARETAKER_BASE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

enum language { LANGUAGE_EN, LANGUAGE_ZH_CN, LANGUAGE_COUNT };

/* Marks a text that is translated where it is printed, not where it stands. */
#define N_(english) english

/* Speaks this language from now on; English at first.  The one piece of state at file
 * scope beside the log's: it is set before threads start, as messages are worded
 * everywhere. */
void catalogue_speak(enum language language);

/* The same for the calling thread alone, while it answers somebody who wants another
 * language: returns what to give to catalogue_hear() when that is done. */
#define CATALOGUE_SPOKEN (-1) /* Nobody in particular: as catalogue_speak() said. */
int catalogue_hear(int language);

/* The language of this thread. */
enum language catalogue_language(void);

/* The text in the language of this thread; `english` itself when there is no other.  A
 * translation takes the arguments of its English (checked by msgfmt -c), so the
 * compiler checks the English alone. */
const char *tr(const char *english) __attribute__((format_arg(1)));
const char *tr_in(enum language language, const char *english)
    __attribute__((format_arg(2)));

/* One word that may mean several things: "normal" is a severity and a state.  The
 * context tells which. */
const char *tr_word(const char *context, const char *english);
const char *
tr_word_in(enum language language, const char *context, const char *english);

/* "zh-CN", "zh_CN.UTF-8", "en", "C": what environments, options and requests say. False
 * for a language that is not spoken here. */
bool catalogue_parse(enum language *out, const char *text);

/* The compiled catalogue: sorted by `english` as strcmp() does.  A context stands
 * before the text, with \004 between them, as in gettext. */
struct catalogue_entry {
    const char *english;
    const char *other;
};
extern const struct catalogue_entry catalogue_zh_cn[];
extern const size_t catalogue_zh_cn_count;

#endif
