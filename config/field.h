/* A mapping of the tree -> the members of a struct, by a table.  Unknown keys, missing
 * ones and values of the wrong kind are reported, all of them, with what is accepted.
 * Members whose key is absent take the preset of the table; without one they are left
 * as they are: the caller fills in the defaults.
 */
#ifndef CARETAKER_CONFIG_FIELD_H
#define CARETAKER_CONFIG_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/tree.h"
#include "daemon/base/arena.h"
#include "daemon/base/diag.h"

/* What every loader needs: where memory comes from and where errors go. */
struct reader {
    struct arena *arena;
    struct diags *diags;
};

enum field_kind {
    FIELD_STRING,   /* const char *; not empty, at most `max` bytes (0: 1000). */
    FIELD_ID,       /* const char *; [a-z0-9][a-z0-9_-]* */
    FIELD_POINT_ID, /* const char *; [a-z][a-z0-9_]* */
    FIELD_INT,      /* Any integer member; min..max. */
    FIELD_FLOAT,    /* double */
    FIELD_BOOL,     /* bool */
    FIELD_DURATION, /* int64_t in ms; min..max. */
    FIELD_ENUM,     /* An enum, or any int; `words`, ended by NULL, in its order. */
    FIELD_STRINGS,  /* const char *const *, and its uint32_t count. */
    FIELD_TEXT,     /* struct text: one text, or one in each language. */
    FIELD_EXPR,     /* struct expr_text */
    FIELD_DATE,     /* const char *; YYYY-MM-DD */
    FIELD_NODE      /* const struct node *, for what no table can say. */
};

struct shape; /* config/shape.h */

struct field {
    const char *key;
    enum field_kind kind;
    const char *about; /* What it is, for whoever writes the file: one line. */
    bool required;
    size_t offset;
    size_t size;
    size_t count_offset; /* FIELD_STRINGS */
    int64_t min, max;
    double low, high; /* FIELD_FLOAT: the bounds, where low < high. */
    const char *const *words;
    /* FIELD_STRING: what the reader wants beyond a text, as in struct shape, for
     * schemas. */
    const char *pattern, *accepted;
    const char *preset;        /* Read as if it stood there; NULL: none. */
    const struct shape *shape; /* FIELD_NODE: what may stand there. */
};

/* A row of a table begins with this: {FIELD("hold", FIELD_DURATION, struct rule_yaml,
 * hold_ms), BETWEEN(0, MS_YEAR), ABOUT("...")} */
#define FIELD(key_, kind_, struct_, member_)                                           \
    .key = (key_), .kind = (kind_), .offset = offsetof(struct_, member_),              \
    .size = sizeof(((struct_ *)0)->member_)
#define REQUIRED                  .required = true
#define BETWEEN(min_, max_)       .min = (min_), .max = (max_)
#define ABOUT(text_)              .about = (text_)
#define SHAPE(shape_)             .shape = &(shape_)
#define LIKE(pattern_, accepted_) .pattern = (pattern_), .accepted = (accepted_)
#define PRESET(text_)             .preset = (text_)

#define MS_SECOND INT64_C(1000)
#define MS_MINUTE (60 * MS_SECOND)
#define MS_HOUR   (60 * MS_MINUTE)
#define MS_DAY    (24 * MS_HOUR)
#define MS_YEAR   (365 * MS_DAY)

/* `what` is a noun for messages: "device", "the history block".  False when anything
 * was reported. */
bool fields_read(struct reader *r,
                 void *out,
                 const struct node *map,
                 const char *what,
                 const struct field *fields,
                 size_t count);

/* The presets alone, of a mapping that is absent. */
void
fields_preset(struct reader *r, void *out, const struct field *fields, size_t count);

/* The keys of a text in several languages: FIELD_TEXT. */
#define TEXT_FIELD_COUNT 2
extern const struct field text_fields[TEXT_FIELD_COUNT];

/* The first child of a list / mapping; NULL when it is empty, or is none (reported). */
const struct node *list_items(struct reader *r, const struct node *n, const char *what);
const struct node *map_items(struct reader *r, const struct node *n, const char *what);

/* One value of the kinds above, reported with `name` when it is wrong. */
bool value_text(struct reader *r, const struct node *n, const char *name);
bool value_id(struct reader *r, const struct node *n, const char *name);
bool value_duration(struct reader *r,
                    const struct node *n,
                    const char *name,
                    int64_t min,
                    int64_t max,
                    int64_t *out);
bool value_float(struct reader *r, const struct node *n, const char *name, double *out);
bool value_int(struct reader *r,
               const struct node *n,
               const char *name,
               int64_t min,
               int64_t max,
               int64_t *out);
bool value_enum(struct reader *r,
                const struct node *n,
                const char *name,
                const char *const *words,
                int *out);

bool is_id(const char *text);       /* And fits ID_BYTES_MAX. */
bool is_point_id(const char *text); /* And fits ID_BYTES_MAX. */

/* Reports `noun "name" does not exist` with the nearest of `words`, or all of them when
 * they are few. */
void report_dangling(struct reader *r,
                     const struct loc *loc,
                     const char *noun,
                     const char *name,
                     const char *const *words,
                     size_t count);

#endif
