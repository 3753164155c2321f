/* What may stand in a place of a file, as data: the reader of that place takes its
 * keys, words and bounds from it, and the schema for editors is written from it, so
 * that the two cannot disagree.
 *
 * A mapping is a table of fields (config/field.h).  A field of the kind FIELD_NODE is
 * read by hand; its shape says what the hand accepts. */
#ifndef CARETAKER_CONFIG_SHAPE_H
#define CARETAKER_CONFIG_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "config/field.h"
#include "daemon/base/strbuf.h"

enum shape_kind {
    SHAPE_TABLE, /* A mapping with the keys of `fields`. */
    SHAPE_KEYED, /* A mapping from texts like `pattern` to `item`. */
    SHAPE_LIST,  /* `min` to `max` (0: any number) of `item`. */
    SHAPE_ROW, /* A list whose entries are `any`, in this order, `min` of them or more.
                */
    SHAPE_ANY, /* One of `any`. */
    SHAPE_VALUE, /* One value like the field `value`. */
    SHAPE_TEXT,  /* A text like `pattern`. */
    SHAPE_NONE,  /* Nothing is written: `key:` alone, or ~. */
    SHAPE_NAMES  /* name_of(0) to name_of(name_count - 1), and those of also_of. */
};

struct shape {
    enum shape_kind kind;
    const char *name;  /* What it is called where it is used more than once, or NULL. */
    const char *about; /* One line, or NULL: the place says it. */

    /* SHAPE_TABLE */
    const struct field *fields;
    size_t field_count;
    const struct shape *extends;      /* A table whose keys count too; NULL: none. */
    const char *const *also_required; /* Beside those of the fields; NULL: none. */
    /* Groups of keys, those of a group with blanks between them; NULL-terminated.
     * Exactly one group / at least one stands in the mapping; NULL: no matter. */
    const char *const *one_of;
    const char *const *some_of;

    const struct shape *item;       /* SHAPE_KEYED, SHAPE_LIST */
    const struct shape *const *any; /* SHAPE_ROW, SHAPE_ANY; NULL-terminated. */
    uint32_t min, max;              /* SHAPE_KEYED (min only), SHAPE_LIST, SHAPE_ROW */

    const struct field *value; /* SHAPE_VALUE; its key does not matter. */

    /* A regular expression that JavaScript, POSIX and Python read alike. */
    const char *pattern;  /* SHAPE_KEYED, SHAPE_TEXT */
    const char *accepted; /* For people: "HH:MM such as \"08:00\"". */

    const char *(*name_of)(int index); /* SHAPE_NAMES */
    int name_count;
    /* Words that mean one of the names; NULL behind the last.  NULL: none. */
    const char *(*also_of)(size_t index);
};

#define SHAPE_OF_TABLE(fields_)                                                        \
    .kind = SHAPE_TABLE, .fields = (fields_), .field_count = ARRAY_LEN(fields_)

/* Patterns that several places share. */
#define PATTERN_NUMBER   "[0-9]+|0[xX][0-9a-fA-F]+"
#define PATTERN_ID       "^[a-z0-9][a-z0-9_-]*$"
#define PATTERN_POINT_ID "^[a-z][a-z0-9_]*$"
#define PATTERN_DATE     "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
#define PATTERN_DURATION "[0-9]+(ms|s|m|h|d|y)"
#define PATTERN_HOST     "([^ /@:]+|\\[[0-9a-zA-Z:.%_-]+\\])"
#define PATTERN_CLOCK    "([01][0-9]|2[0-3]):[0-5][0-9]"

/* One text; a list of texts; true or false; any number. */
extern const struct shape shape_text;
extern const struct shape shape_texts;
extern const struct shape shape_bool;
extern const struct shape shape_number;
/* [number, number] */
extern const struct shape shape_interval;
/* A number, or true or false for 1 or 0. */
extern const struct shape shape_number_or_bool;
/* Text, or a mapping from languages to texts: FIELD_TEXT. */
extern const struct shape shape_text_in_languages;

/* What a value of this field may be, for people: "text is accepted". */
void shape_add_accepted(struct strbuf *b, const struct field *f);

/* `n` as one of the names of a SHAPE_NAMES, reported with `key` when it is none.  Not
 * for those of its also_of. */
bool shape_read_name(struct reader *r,
                     const struct node *n,
                     const char *key,
                     const struct shape *s,
                     int *out);

#endif
