/* The tables and shapes of the readers -> JSON Schema, for editors.
 *
 * Draft-07: the YAML server that VS Code, vim and others share reads no later one well.
 * A value that the readers take as text may look like a number or a bool to whoever
 * reads YAML by its core schema, so those are accepted for texts too. */
#include <assert.h>
#include <float.h>
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/range_pattern.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/model/site.h"

#define DEFINITIONS_MAX 64
#define TEXT_CHARS_MAX  1000 /* As field.c: what fits on a ticket. */

static const struct {
    const char *name;
    const struct shape *shape;
} schemas[] = {{"site", &site_file_shape},         {"rules", &rules_file_shape},
               {"profile", &profile_file_shape},   {"case", &case_file_shape},
               {"commands", &commands_file_shape}, {"map", &map_file_shape},
               {"simulation", &sim_file_shape}};

const char *
config_schema_name(size_t index, const char **about)
{
    if (index >= ARRAY_LEN(schemas)) {
        return NULL;
    }
    *about = schemas[index].shape->about;
    return schemas[index].name;
}

/* ---- Pieces of JSON ---- */

/* Begins the next entry of an array. */
static void
next_item(struct strbuf *b)
{
    if (b->text[b->size - 1] != '[') {
        strbuf_add_char(b, ',');
    }
}

static void
add_item(struct strbuf *b, const char *text)
{
    next_item(b);
    strbuf_json_string(b, text);
}

static void
open_array(struct strbuf *b, const char *key)
{
    strbuf_json_key(b, key);
    strbuf_add_char(b, '[');
}

static void
open_object(struct strbuf *b, const char *key)
{
    strbuf_json_key(b, key);
    strbuf_add_char(b, '{');
}

/* `kind`, or nothing at all where the readers take that. */
static void
add_type(struct strbuf *b, const char *kind, bool may_be_empty)
{
    if (!may_be_empty) {
        strbuf_json_str(b, "type", kind);
        return;
    }
    open_array(b, "type");
    add_item(b, kind);
    add_item(b, "null");
    strbuf_add_char(b, ']');
}

/* What the readers take as text; `number` may be NULL: none looks like one. */
static void
add_text_type(struct strbuf *b, const char *number)
{
    open_array(b, "type");
    add_item(b, "string");
    if (number != NULL) {
        add_item(b, number);
    }
    add_item(b, "boolean");
    strbuf_add_char(b, ']');
}

static void
add_pattern(struct strbuf *b, const char *pattern, const char *accepted)
{
    strbuf_json_str(b, "pattern", pattern);
    strbuf_json_str_opt(b, "patternErrorMessage",
                        accepted != NULL ? tr(accepted)
                                         : NULL); /* For the YAML server. */
}

/* ---- Values ---- */

/* Each unit with the counts that stay within the bounds. */
static void
add_duration_pattern(struct strbuf *b, const struct field *f, const char *accepted)
{
    struct strbuf pattern = {0};
    const char *unit = NULL;
    int64_t ms = 0;
    strbuf_add(&pattern, "^0*(");
    for (size_t i = 0; (unit = duration_unit(i, &ms)) != NULL; i++) {
        int64_t low = (f->min + ms - 1) / ms;
        int64_t high = f->max / ms;
        if (low <= high) {
            strbuf_add(&pattern, pattern.size > 4 ? "|" : "");
            range_pattern_add(&pattern, low, high);
            strbuf_add(&pattern, unit);
        }
    }
    strbuf_add(&pattern, ")$");
    add_pattern(b, strbuf_text(&pattern), accepted);
    strbuf_fini(&pattern);
}

/* A word that YAML takes for a bool is one. */
static void
add_word(struct strbuf *b, const char *word)
{
    add_item(b, word);
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        next_item(b);
        strbuf_add(b, word);
    }
}

static void
add_number_bounds(struct strbuf *b, const struct field *f)
{
    if (f->kind == FIELD_INT) {
        strbuf_json_int(b, "minimum", f->min);
        strbuf_json_int(b, "maximum", f->max);
    } else if (f->low < f->high) {
        strbuf_json_num(b, "minimum", f->low);
        if (f->high < DBL_MAX) {
            strbuf_json_num(b, "maximum", f->high);
        }
    }
}

static void
add_enum(struct strbuf *b, const char *const *words)
{
    open_array(b, "enum");
    for (size_t i = 0; words[i] != NULL; i++) {
        add_word(b, words[i]);
    }
    strbuf_add_char(b, ']');
}

static void add_shape(struct strbuf *b, const struct shape *s);

/* The members that say what a value of this field may be. */
static void
add_value(struct strbuf *b, const struct field *f)
{
    struct strbuf accepted = {0};
    shape_add_accepted(&accepted, f);
    const char *text = strbuf_text(&accepted);
    switch (f->kind) {
    case FIELD_STRING:
        add_text_type(b, "number");
        if (f->pattern != NULL) {
            add_pattern(b, f->pattern, f->accepted);
        }
        strbuf_json_int(b, "minLength", 1);
        strbuf_json_int(b, "maxLength", f->max > 0 ? f->max : TEXT_CHARS_MAX);
        break;
    case FIELD_EXPR:
        add_text_type(b, "number");
        strbuf_json_int(b, "minLength", 1);
        break;
    case FIELD_ID:
        add_text_type(b, "integer");
        strbuf_json_int(b, "minimum", 0);
        strbuf_json_int(b, "maxLength", ID_BYTES_MAX - 1);
        add_pattern(b, PATTERN_ID, text);
        break;
    case FIELD_POINT_ID:
        add_text_type(b, NULL);
        strbuf_json_int(b, "maxLength", ID_BYTES_MAX - 1);
        add_pattern(b, PATTERN_POINT_ID, text);
        break;
    case FIELD_DATE:
        strbuf_json_str(b, "type", "string");
        add_pattern(b, PATTERN_DATE, text);
        break;
    case FIELD_DURATION:
        strbuf_json_str(b, "type", "string");
        add_duration_pattern(b, f, text);
        break;
    case FIELD_INT:
    case FIELD_FLOAT:
        strbuf_json_str(b, "type", f->kind == FIELD_INT ? "integer" : "number");
        add_number_bounds(b, f);
        break;
    case FIELD_BOOL:
        strbuf_json_str(b, "type", "boolean");
        break;
    case FIELD_ENUM:
        add_enum(b, f->words);
        break;
    case FIELD_STRINGS:
        add_shape(b, &shape_texts);
        break;
    case FIELD_TEXT:
        add_shape(b, &shape_text_in_languages);
        break;
    case FIELD_NODE:
        add_shape(b, f->shape);
        break;
    }
    strbuf_fini(&accepted);
}

static void
add_default(struct strbuf *b, const struct field *f)
{
    if (f->preset == NULL) {
        return;
    }
    if (f->kind == FIELD_INT || f->kind == FIELD_FLOAT || f->kind == FIELD_BOOL) {
        strbuf_json_key(b, "default");
        strbuf_add(b, f->preset);
    } else {
        strbuf_json_str(b, "default", f->preset);
    }
}

/* ---- Mappings and lists ---- */

static void
add_properties(struct strbuf *b, const struct shape *s)
{
    if (s->extends != NULL) {
        add_properties(b, s->extends);
    }
    for (size_t i = 0; i < s->field_count; i++) {
        const struct field *f = &s->fields[i];
        open_object(b, f->key);
        strbuf_json_str_opt(b, "description", f->about != NULL ? tr(f->about) : NULL);
        add_value(b, f);
        add_default(b, f);
        strbuf_add_char(b, '}');
    }
}

static void
add_required_items(struct strbuf *b, const struct shape *s)
{
    if (s->extends != NULL) {
        add_required_items(b, s->extends);
    }
    for (size_t i = 0; i < s->field_count; i++) {
        if (s->fields[i].required) {
            add_item(b, s->fields[i].key);
        }
    }
    for (size_t i = 0; s->also_required != NULL && s->also_required[i] != NULL; i++) {
        add_item(b, s->also_required[i]);
    }
}

/* Groups of keys, as {"required": [...]} each. */
static void
add_groups(struct strbuf *b, const char *keyword, const char *const *groups)
{
    if (groups == NULL) {
        return;
    }
    open_array(b, keyword);
    for (size_t i = 0; groups[i] != NULL; i++) {
        next_item(b);
        strbuf_add(b, "{\"required\":[\"");
        for (const char *p = groups[i]; *p != '\0'; p++) {
            if (*p == ' ') {
                strbuf_add(b, "\",\"");
            } else {
                strbuf_add_char(b, *p);
            }
        }
        strbuf_add(b, "\"]}");
    }
    strbuf_add_char(b, ']');
}

static void
add_table(struct strbuf *b, const struct shape *s)
{
    struct strbuf required = {0};
    strbuf_add(&required, "[");
    add_required_items(&required, s);
    bool may_be_empty = required.size == 1 && s->one_of == NULL && s->some_of == NULL;
    add_type(b, "object", may_be_empty);
    open_object(b, "properties");
    add_properties(b, s);
    strbuf_add_char(b, '}');
    strbuf_json_bool(b, "additionalProperties", false);
    if (required.size > 1) {
        strbuf_json_key(b, "required");
        strbuf_add(b, strbuf_text(&required));
        strbuf_add_char(b, ']');
    }
    strbuf_fini(&required);
    add_groups(b, "oneOf", s->one_of);
    add_groups(b, "anyOf", s->some_of);
}

static void
add_keyed(struct strbuf *b, const struct shape *s)
{
    add_type(b, "object", s->min == 0);
    if (s->pattern != NULL) {
        open_object(b, "propertyNames");
        add_pattern(b, s->pattern, s->accepted);
        strbuf_add_char(b, '}');
    }
    if (s->min > 0) {
        strbuf_json_int(b, "minProperties", s->min);
    }
    open_object(b, "additionalProperties");
    add_shape(b, s->item);
    strbuf_add_char(b, '}');
}

static void
add_list(struct strbuf *b, const struct shape *s)
{
    add_type(b, "array", s->min == 0);
    open_object(b, "items");
    add_shape(b, s->item);
    strbuf_add_char(b, '}');
    if (s->min > 0) {
        strbuf_json_int(b, "minItems", s->min);
    }
    if (s->max > 0) {
        strbuf_json_int(b, "maxItems", s->max);
    }
}

static void
add_each(struct strbuf *b, const char *keyword, const struct shape *const *any)
{
    open_array(b, keyword);
    for (size_t i = 0; any[i] != NULL; i++) {
        next_item(b);
        strbuf_add_char(b, '{');
        add_shape(b, any[i]);
        strbuf_add_char(b, '}');
    }
    strbuf_add_char(b, ']');
}

static void
add_names(struct strbuf *b, const struct shape *s)
{
    open_array(b, "enum");
    for (int i = 0; i < s->name_count; i++) {
        add_word(b, s->name_of(i));
    }
    const char *also = NULL;
    for (size_t i = 0; s->also_of != NULL && (also = s->also_of(i)) != NULL; i++) {
        add_word(b, also);
    }
    strbuf_add_char(b, ']');
}

/* The members of a shape, whatever its name. */
static void
add_whole(struct strbuf *b, const struct shape *s)
{
    switch (s->kind) {
    case SHAPE_TABLE:
        add_table(b, s);
        return;
    case SHAPE_KEYED:
        add_keyed(b, s);
        return;
    case SHAPE_LIST:
        add_list(b, s);
        return;
    case SHAPE_ROW:
        strbuf_json_str(b, "type", "array");
        add_each(b, "items", s->any);
        strbuf_json_bool(b, "additionalItems", false);
        strbuf_json_int(b, "minItems", s->min);
        return;
    case SHAPE_ANY:
        add_each(b, "anyOf", s->any);
        return;
    case SHAPE_VALUE:
        add_value(b, s->value);
        add_default(b, s->value);
        return;
    case SHAPE_TEXT:
        strbuf_json_str(b, "type", "string");
        add_pattern(b, s->pattern, s->accepted);
        return;
    case SHAPE_NONE:
        strbuf_json_str(b, "type", "null");
        return;
    case SHAPE_NAMES:
        add_names(b, s);
        return;
    }
}

/* The members of a shape, or where they stand. */
static void
add_shape(struct strbuf *b, const struct shape *s)
{
    if (s->name != NULL) {
        strbuf_json_key(b, "$ref");
        strbuf_printf(b, "\"#/definitions/%s\"", s->name);
    } else {
        add_whole(b, s);
    }
}

/* ---- Definitions ---- */

struct definitions {
    const struct shape *items[DEFINITIONS_MAX];
    size_t count;
};

static void note_named(struct definitions *d, const struct shape *s);

static void
note_named_fields(struct definitions *d, const struct shape *s)
{
    for (size_t i = 0; i < s->field_count; i++) {
        const struct field *f = &s->fields[i];
        note_named(d, f->kind == FIELD_TEXT ? &shape_text_in_languages : f->shape);
    }
    if (s->extends != NULL) {
        note_named_fields(d, s->extends);
    }
}

/* Those that add_shape() refers to, in the order in which they are met. */
static void
note_named(struct definitions *d, const struct shape *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->items[i] == s) {
            return;
        }
    }
    if (s->name != NULL) {
        assert(d->count < DEFINITIONS_MAX);
        d->items[d->count++] = s;
    }
    note_named(d, s->item);
    for (size_t i = 0; s->any != NULL && s->any[i] != NULL; i++) {
        note_named(d, s->any[i]);
    }
    note_named_fields(d, s);
}

bool
config_schema_write(struct strbuf *out, const char *name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(schemas) && strcmp(schemas[i].name, name) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(schemas)) {
        return false;
    }
    const struct shape *root = schemas[i].shape;
    struct definitions named = {{NULL}, 0};
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "$schema", "http://json-schema.org/draft-07/schema#");
    strbuf_json_key(out, "title");
    strbuf_printf(out, "\"caretaker %s\"", name);
    strbuf_json_str(out, "description", tr(root->about));
    add_whole(out, root);
    note_named(&named, root);
    open_object(out, "definitions");
    for (size_t k = 0; k < named.count; k++) {
        open_object(out, named.items[k]->name);
        strbuf_json_str_opt(out, "description",
                            named.items[k]->about != NULL ? tr(named.items[k]->about)
                                                          : NULL);
        add_whole(out, named.items[k]);
        strbuf_add_char(out, '}');
    }
    strbuf_add(out, "}}");
    return true;
}
