#include "config/field.h"

#include <assert.h>
#include <string.h>

#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

#define STRING_BYTES_MAX 1000 /* A title, a cause: what fits on a ticket. */
#define WORDS_LISTED_MAX 12   /* More would bury the message. */
#define HINTS_MAX        100  /* Errors that come with "did you mean". */

static bool
is_made_of(const char *text, const char *first, const char *rest)
{
    size_t size = strlen(text);
    return size > 0 && size < ID_BYTES_MAX && strchr(first, text[0]) != NULL &&
           strspn(text, rest) == size;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

bool
is_id(const char *text)
{
    return is_made_of(text, LOWER DIGIT, LOWER DIGIT "_-");
}

bool
is_point_id(const char *text)
{
    return is_made_of(text, LOWER, LOWER DIGIT "_");
}

/* "device \"pump-1\"" when the mapping says its id, else "the device". */
static void
add_label(struct strbuf *b, const struct node *map, const char *what)
{
    const struct node *id = map->kind == NODE_MAP ? node_get(map, "id") : NULL;
    if (id != NULL && id->kind == NODE_SCALAR && id->text[0] != 0) {
        strbuf_printf(b, "%s \"%.60s\"", tr(what), id->text);
    } else {
        strbuf_add(b, tr(what));
    }
}

static void
add_words(struct strbuf *b, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        strbuf_printf(b, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
}

/* Also says what the value is that was found. */
static bool
report_value(struct reader *r, const struct node *n, const struct field *f)
{
    struct strbuf b = {0};
    strbuf_printf(&b, "\"%s\" ", f->key);
    if (n->kind != NODE_SCALAR || node_is_empty(n)) {
        strbuf_printf(&b, tr("is %s"), node_kind_name(n));
    } else if (n->quoted && (f->kind == FIELD_INT || f->kind == FIELD_FLOAT ||
                             f->kind == FIELD_BOOL)) {
        strbuf_printf(&b, tr("is text in quotes, '%.60s'"), n->text);
    } else {
        strbuf_printf(&b, tr("is \"%.60s\""), n->text);
    }
    strbuf_add(&b, "; ");
    shape_add_accepted(&b, f);
    if (f->kind == FIELD_ENUM && n->kind == NODE_SCALAR) {
        size_t count = 0;
        while (f->words[count] != NULL) {
            count++;
        }
        const char *near = diag_nearest(n->text, f->words, count);
        if (near != NULL) {
            strbuf_printf(&b, tr("; did you mean \"%s\"?"), near);
        }
    }
    diags_add(r->diags, DIAG_ERROR, &n->loc, "%s", strbuf_text(&b));
    strbuf_fini(&b);
    return false;
}

static void
store_int(void *member, size_t size, int64_t value)
{
    switch (size) {
    case 1:
        *(uint8_t *)member = (uint8_t)value;
        return;
    case 2:
        *(uint16_t *)member = (uint16_t)value;
        return;
    case 4:
        *(uint32_t *)member = (uint32_t)value;
        return;
    default:
        assert(size == 8);
        *(int64_t *)member = value;
        return;
    }
}

static bool
read_enum(struct reader *r, const struct node *n, const struct field *f, void *member)
{
    for (int i = 0; f->words[i] != NULL; i++) {
        if (strcmp(n->text, f->words[i]) == 0) {
            store_int(member, f->size, i);
            return true;
        }
    }
    return report_value(r, n, f);
}

static bool
read_strings(struct reader *r,
             const struct node *n,
             const struct field *f,
             void *member,
             uint32_t *count)
{
    if (n->kind != NODE_LIST && !node_is_empty(n)) {
        return report_value(r, n, f);
    }
    const char **items = arena_array(r->arena, n->count + 1, sizeof(const char *));
    bool ok = true;
    uint32_t used = 0;
    for (const struct node *item = n->first; item != NULL; item = item->next) {
        ok = value_text(r, item, f->key) && ok;
        if (item->text != NULL) {
            items[used++] = item->text;
        }
    }
    *(const char *const **)member = items;
    *count = used;
    return ok;
}

const struct field text_fields[TEXT_FIELD_COUNT] = {
    {FIELD("en", FIELD_STRING, struct text, in[LANGUAGE_EN]), ABOUT("In English.")},
    {FIELD("zh-CN", FIELD_STRING, struct text, in[LANGUAGE_ZH_CN]),
     ABOUT("In simplified Chinese.")},
};

static bool
read_text(struct reader *r, const struct node *n, const struct field *f, void *member)
{
    struct text text = {{NULL}};
    if (n->kind == NODE_MAP) {
        if (n->first == NULL) {
            return report_value(r, n, f);
        }
        if (!fields_read(r, &text, n, f->key, text_fields, TEXT_FIELD_COUNT)) {
            return false;
        }
    } else if (value_text(r, n, f->key)) {
        /* One text for all: shown whatever the language. */
        text.in[LANGUAGE_EN] = n->text;
    } else {
        return false;
    }
    memcpy(member, &text, sizeof text);
    return true;
}

static bool
read_bool(struct reader *r, const struct node *n, const struct field *f, void *member)
{
    bool yes = !n->quoted && strcmp(n->text, "true") == 0;
    if (!yes && (n->quoted || strcmp(n->text, "false") != 0)) {
        return report_value(r, n, f);
    }
    *(bool *)member = yes;
    return true;
}

/* Scalars only. */
static bool
read_scalar(struct reader *r, const struct node *n, const struct field *f, void *member)
{
    int64_t whole;
    double number;
    size_t max = f->max > 0 ? (size_t)f->max : STRING_BYTES_MAX;
    switch (f->kind) {
    case FIELD_STRING:
        if (strlen(n->text) > max) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "\"%s\" is %zu bytes long; up to %zu are accepted", f->key,
                      strlen(n->text), max);
            return false;
        }
        *(const char **)member = n->text;
        return n->text[0] != 0 || report_value(r, n, f);
    case FIELD_ID:
        *(const char **)member = n->text;
        return is_id(n->text) || report_value(r, n, f);
    case FIELD_POINT_ID:
        *(const char **)member = n->text;
        return is_point_id(n->text) || report_value(r, n, f);
    case FIELD_DATE:
        *(const char **)member = n->text;
        return number_is_date(n->text) || report_value(r, n, f);
    case FIELD_INT:
        if (n->quoted || !number_parse_int(&whole, n->text) || whole < f->min ||
            whole > f->max) {
            return report_value(r, n, f);
        }
        store_int(member, f->size, whole);
        return true;
    case FIELD_FLOAT:
        if (n->quoted || !number_parse_float(&number, n->text)) {
            return report_value(r, n, f);
        }
        *(double *)member = number;
        return true;
    case FIELD_DURATION:
        if (duration_parse(&whole, n->text, NULL) != 0 || whole < f->min ||
            whole > f->max) {
            return report_value(r, n, f);
        }
        *(int64_t *)member = whole;
        return true;
    case FIELD_BOOL:
        return read_bool(r, n, f, member);
    case FIELD_ENUM:
        return read_enum(r, n, f, member);
    case FIELD_EXPR:
        *(struct expr_text *)member = (struct expr_text){n->text, n->loc};
        return n->text[0] != 0 || report_value(r, n, f);
    case FIELD_STRINGS:
    case FIELD_TEXT:
    case FIELD_NODE:
    default:
        assert(!"not a scalar field");
        return false;
    }
}

static bool
read_field(struct reader *r, const struct node *n, const struct field *f, void *out)
{
    char *member = (char *)out + f->offset;
    switch (f->kind) {
    case FIELD_NODE:
        *(const struct node **)(void *)member = n;
        return true;
    case FIELD_STRINGS:
        return read_strings(r, n, f, member,
                            (uint32_t *)(void *)((char *)out + f->count_offset));
    case FIELD_TEXT:
        return read_text(r, n, f, member);
    case FIELD_STRING:
    case FIELD_ID:
    case FIELD_POINT_ID:
    case FIELD_INT:
    case FIELD_FLOAT:
    case FIELD_BOOL:
    case FIELD_DURATION:
    case FIELD_ENUM:
    case FIELD_EXPR:
    case FIELD_DATE:
    default:
        if (n->kind != NODE_SCALAR || node_is_empty(n)) {
            return report_value(r, n, f);
        }
        return read_scalar(r, n, f, member);
    }
}

static void
read_preset(struct reader *r, const struct field *f, void *out)
{
    if (f->preset != NULL) {
        struct node n = {
            .kind = NODE_SCALAR, .text = f->preset, .loc = {"preset", 0, 0}};
        bool ok = read_field(r, &n, f, out);
        assert(ok); /* It stands in our own table. */
        (void)ok;
    }
}

void
fields_preset(struct reader *r, void *out, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        read_preset(r, &fields[i], out);
    }
}

static void
report_unknown_key(struct reader *r,
                   const struct node *map,
                   const struct node *child,
                   const char *what,
                   const struct field *fields,
                   size_t count)
{
    struct strbuf b = {0};
    const char **keys = arena_array(r->arena, count + 1, sizeof(const char *));
    for (size_t i = 0; i < count; i++) {
        keys[i] = fields[i].key;
    }
    add_label(&b, map, what);
    strbuf_printf(&b, tr(": unknown key \"%.60s\"; "), child->key);
    const char *near = diag_nearest(child->key, keys, count);
    if (near != NULL) {
        strbuf_printf(&b, tr("did you mean \"%s\"? "), near);
    }
    strbuf_add(&b, tr("accepted: "));
    add_words(&b, keys);
    diags_add(r->diags, DIAG_ERROR, &child->key_loc, "%s", strbuf_text(&b));
    strbuf_fini(&b);
}

static void
report_missing_key(struct reader *r,
                   const struct node *map,
                   const char *what,
                   const struct field *f)
{
    struct strbuf b = {0};
    add_label(&b, map, what);
    strbuf_printf(&b, tr(": \"%s\" is missing; "), f->key);
    if (f->kind == FIELD_NODE) {
        strbuf_printf(&b, tr("add %s: ..."), f->key);
    } else {
        shape_add_accepted(&b, f);
    }
    diags_add(r->diags, DIAG_ERROR, &map->loc, "%s", strbuf_text(&b));
    strbuf_fini(&b);
}

bool
fields_read(struct reader *r,
            void *out,
            const struct node *map,
            const char *what,
            const struct field *fields,
            size_t count)
{
    uint64_t seen = 0;
    bool ok = true;
    assert(count <= 64);
    if (map->kind != NODE_MAP && !node_is_empty(map)) {
        diags_add(r->diags, DIAG_ERROR, &map->loc,
                  "%s is %s; a mapping of key: value is accepted", tr(what),
                  node_kind_name(map));
        return false;
    }
    for (const struct node *child = map->first; child != NULL; child = child->next) {
        size_t i = 0;
        while (i < count && strcmp(fields[i].key, child->key) != 0) {
            i++;
        }
        if (i == count) {
            report_unknown_key(r, map, child, what, fields, count);
            ok = false;
            continue;
        }
        seen |= UINT64_C(1) << i;
        ok = read_field(r, child, &fields[i], out) && ok;
    }
    for (size_t i = 0; i < count; i++) {
        if ((seen >> i & 1) != 0) {
            continue;
        }
        read_preset(r, &fields[i], out);
        if (fields[i].required) {
            report_missing_key(r, map, what, &fields[i]);
            ok = false;
        }
    }
    return ok;
}

static const struct node *
items_of(struct reader *r, const struct node *n, const char *what, enum node_kind kind)
{
    if (n == NULL || node_is_empty(n)) {
        return NULL;
    }
    if (n->kind != kind) {
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"%s\" is %s; %s is accepted",
                  tr(what), node_kind_name(n),
                  kind == NODE_LIST ? tr("a list (each entry begins with \"- \")")
                                    : tr("a mapping of key: value"));
        return NULL;
    }
    return n->first;
}

const struct node *
list_items(struct reader *r, const struct node *n, const char *what)
{
    return items_of(r, n, what, NODE_LIST);
}

const struct node *
map_items(struct reader *r, const struct node *n, const char *what)
{
    return items_of(r, n, what, NODE_MAP);
}

/* A value outside a table, as a field of its own. */
static bool
read_value(struct reader *r, const struct node *n, struct field f, void *out)
{
    return read_field(r, n, &f, out);
}

bool
value_text(struct reader *r, const struct node *n, const char *name)
{
    const char *text;
    return read_value(r, n, (struct field){.key = name, .kind = FIELD_STRING},
                      (void *)&text);
}

bool
value_id(struct reader *r, const struct node *n, const char *name)
{
    const char *text;
    return read_value(r, n, (struct field){.key = name, .kind = FIELD_ID},
                      (void *)&text);
}

bool
value_duration(struct reader *r,
               const struct node *n,
               const char *name,
               int64_t min,
               int64_t max,
               int64_t *out)
{
    return read_value(
        r, n,
        (struct field){.key = name, .kind = FIELD_DURATION, .min = min, .max = max},
        out);
}

bool
value_float(struct reader *r, const struct node *n, const char *name, double *out)
{
    return read_value(r, n, (struct field){.key = name, .kind = FIELD_FLOAT}, out);
}

bool
value_int(struct reader *r,
          const struct node *n,
          const char *name,
          int64_t min,
          int64_t max,
          int64_t *out)
{
    return read_value(r, n,
                      (struct field){.key = name,
                                     .kind = FIELD_INT,
                                     .size = sizeof *out,
                                     .min = min,
                                     .max = max},
                      out);
}

bool
value_enum(struct reader *r,
           const struct node *n,
           const char *name,
           const char *const *words,
           int *out)
{
    return read_value(
        r, n,
        (struct field){
            .key = name, .kind = FIELD_ENUM, .size = sizeof *out, .words = words},
        out);
}

/* The nearest of `words`, and the first of them. */
static void
add_known(struct strbuf *b, const char *name, const char *const *words, size_t count)
{
    const char *near = diag_nearest(name, words, count);
    size_t listed = 0;
    size_t left = 0;
    if (near != NULL) {
        strbuf_printf(b, tr("did you mean \"%s\"? "), near);
    }
    strbuf_add(b, tr("known: "));
    for (size_t i = 0; i < count; i++) {
        if (words[i][0] == 0 || (i > 0 && strcmp(words[i], words[i - 1]) == 0)) {
            continue; /* Wrong ones, reported elsewhere. */
        }
        if (listed == WORDS_LISTED_MAX) {
            left++;
            continue;
        }
        strbuf_printf(b, "%s%s", listed == 0 ? "" : ", ", words[i]);
        listed++;
    }
    if (left > 0) {
        strbuf_printf(b, tr(" and %zu more"), left);
    }
}

void
report_dangling(struct reader *r,
                const struct loc *loc,
                const char *noun,
                const char *name,
                const char *const *words,
                size_t count)
{
    struct strbuf b = {0};
    strbuf_printf(&b, tr("%s \"%.60s\" does not exist; "), tr(noun), name);
    if (count == 0) {
        strbuf_printf(&b, tr("there is no %s in these files"), tr(noun));
    } else if (r->diags->errors >= HINTS_MAX) {
        /* Looking through 20,000 devices costs, and nobody reads the 100th hint. */
        strbuf_printf(&b, tr("the id of one of %zu is accepted"), count);
    } else {
        add_known(&b, name, words, count);
    }
    diags_add(r->diags, DIAG_ERROR, loc, "%s", strbuf_text(&b));
    strbuf_fini(&b);
}
