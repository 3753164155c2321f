/* The title of an alarm or a ticket in each language that its rule or plan has: who
 * reads it later may speak another language than the site. */
#ifndef CARETAKER_MODEL_TITLES_H
#define CARETAKER_MODEL_TITLES_H

#include <stdbool.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/words.h"

#define TITLE_BYTES 256 /* With the NUL. */

/* "" in a language that it does not have.  All are empty where there is one text for
 * everybody: the title alone says it. */
struct titles {
    char in[LANGUAGE_COUNT][TITLE_BYTES];
};

bool titles_are_empty(const struct titles *t);
bool titles_are_same(const struct titles *a, const struct titles *b);
/* In that language, else `title`. */
const char *
titles_in(const struct titles *t, enum language language, const char *title);
/* Whether the text is one for each language, and worth a struct titles. */
bool titles_differ(const struct text *text);
/* Of a text without anything to fill in; too long a title is cut. */
void titles_of_text(struct titles *out, const struct text *text);

/* {"en":"Bearing hot","zh-CN":"轴承过热"}; {} for none. */
void titles_to_json(struct strbuf *out, const struct titles *t);
/* The same as the last member, "titles", of the object that `out` ends with. */
void titles_join_json(struct strbuf *out, const struct titles *t);

#endif
