#include "config/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/text.h"
#include "daemon/base/catalogue.h"

struct builder {
    struct arena *arena;
    struct diags *diags;
    const char *file;
    const char *bytes;
    size_t size;
    yaml_parser_t parser;
    uint32_t nodes;
    bool failed; /* Parsing cannot go on. */
};

/* A place inside `b->file`; libyaml counts from 0, in characters. */
static struct loc
place(const struct builder *b, yaml_mark_t mark)
{
    return (struct loc){b->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* Where line `line` (from 1) begins, or NULL past the end. */
static const char *
line_start(const struct builder *b, size_t line)
{
    const char *p = b->bytes;
    const char *end = b->bytes + b->size;
    while (line > 1 && p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (nl == NULL) {
            return NULL;
        }
        p = nl + 1;
        line--;
    }
    return p < end ? p : NULL;
}

/* The byte at a mark, or 0. */
static char
byte_at(const struct builder *b, yaml_mark_t mark)
{
    const char *p = line_start(b, mark.line + 1);
    const char *end = b->bytes + b->size;
    for (size_t column = 0; p != NULL && p < end; p++) {
        if (((unsigned char)*p & 0xC0) == 0x80) {
            continue; /* Inside a UTF-8 sequence. */
        }
        if (column++ == mark.column) {
            return *p;
        }
    }
    return 0;
}

/* What libyaml says (not translated: it is compared), and what a person at the keyboard
 * can do about it. */
static const struct {
    const char *says;
    const char *text;
} yaml_problems[] = {
    {"mapping values are not allowed in this context",
     N_("a \": \" where no key can stand; quote text that holds a colon, or check the "
        "indentation of this line")},
    {"did not find expected ',' or '}'",
     N_("a {...} goes on where \",\" or \"}\" is due; in {...} quote text that holds a "
        "comma, a brace or \": \"")},
    {"did not find expected ',' or ']'",
     N_("a [...] goes on where \",\" or \"]\" is due; in [...] quote text that holds a "
        "comma, a bracket or \": \"")},
    {"did not find expected key",
     N_("no key stands here; check the indentation, and quote text that begins with "
        "{ [ \" or '")},
    {"did not find expected '-' indicator",
     N_("a list goes on without \"- \"; indent every entry alike")},
    {"could not find expected ':'",
     N_("a key without \":\"; write \"key: value\" on one line")},
    {"found unexpected ':'", N_("a \":\" where no key can stand; in {...} put a space "
                                "between \"key:\" and \",\", "
                                "and quote text that holds a colon")},
    {"block sequence entries are not allowed in this context",
     N_("a \"- \" where no list can stand; begin the list on a line of its own")},
    {"found unexpected end of stream", N_("a quote that is never closed; close it")},
    {"found unknown escape character", N_("an unknown backslash sequence; write \\\\ "
                                          "for a backslash, or use single quotes")},
    {"did not find expected alphabetic or numeric character",
     N_("text that begins with \"*\" or \"&\", which YAML takes as an alias or anchor; "
        "quote it")},
    {"did not find expected <document start>",
     N_("the file goes on where it should end; check the indentation of this line")},
    {"found a tab character that violates indentation",
     N_("a tab; indent with spaces")},
    {"found a tab character where an indentation space is expected",
     N_("a tab; indent with spaces")},
    {"found undefined tag handle",
     N_("a tag (\"!...\"); tags are not accepted, quote it")},
};

static void
explain_parser_error(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    struct loc at = place(b, p->problem_mark);
    const char *problem = p->problem != NULL ? p->problem : tr("not readable as YAML");
    char found = byte_at(b, p->problem_mark);
    b->failed = true;
    if (strstr(problem, "cannot start any token") != NULL && found == '\t') {
        diags_add(b->diags, DIAG_ERROR, &at, "a tab; indent with spaces");
        return;
    }
    if (strstr(problem, "cannot start any token") != NULL && found != 0) {
        diags_add(b->diags, DIAG_ERROR, &at,
                  "text that begins with \"%c\"; YAML keeps that character for itself, "
                  "quote the text",
                  found);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(yaml_problems); i++) {
        if (strcmp(problem, yaml_problems[i].says) == 0) {
            problem = tr(yaml_problems[i].text);
            break;
        }
    }
    if (p->context != NULL && p->context_mark.line != p->problem_mark.line) {
        diags_add(b->diags, DIAG_ERROR, &at, "%s (it began at line %zu)", problem,
                  p->context_mark.line + 1);
        return;
    }
    diags_add(b->diags, DIAG_ERROR, &at, "%s", problem);
}

static void
refuse(struct builder *b, yaml_mark_t mark, const char *text)
{
    struct loc at = place(b, mark);
    b->failed = true;
    diags_add(b->diags, DIAG_ERROR, &at, "%s", tr(text));
}

static bool
next_event(struct builder *b, yaml_event_t *event)
{
    if (!yaml_parser_parse(&b->parser, event)) {
        explain_parser_error(b);
        return false;
    }
    return true;
}

/* A literal or folded scalar: its text begins on a later line than its mark. */
static struct loc
block_text_place(const struct builder *b, yaml_mark_t mark)
{
    struct loc at = place(b, mark);
    const char *end = b->bytes + b->size;
    const char *p = line_start(b, mark.line + 2);
    for (uint32_t line = at.line + 1; p != NULL && p < end; line++) {
        size_t left = (size_t)(end - p);
        const char *nl = memchr(p, '\n', left);
        size_t size = nl != NULL ? (size_t)(nl - p) : left;
        size_t indent = 0;
        while (indent < size && p[indent] == ' ') {
            indent++;
        }
        if (indent < size && p[indent] != '\r') {
            return (struct loc){b->file, line, (uint32_t)indent + 1};
        }
        p = nl != NULL ? nl + 1 : end;
    }
    return at;
}

static struct loc
scalar_place(const struct builder *b, const yaml_event_t *event)
{
    struct loc at = place(b, event->start_mark);
    switch (event->data.scalar.style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        at.column++;
        return at;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        return block_text_place(b, event->start_mark);
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
    default:
        return at;
    }
}

/* The anchor and tag of an event, whatever kind it is. */
static bool
is_decorated(struct builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL) {
        refuse(b, event->start_mark,
               "an anchor (\"&...\"); anchors are not accepted, write the text out or "
               "quote it");
        return true;
    }
    if (tag != NULL) {
        refuse(b, event->start_mark,
               "a tag (\"!...\"); tags are not accepted, write the value plainly or "
               "quote it");
        return true;
    }
    return false;
}

static struct node *
node_new(struct builder *b, enum node_kind kind, yaml_mark_t mark)
{
    if (++b->nodes > TREE_NODES_MAX) {
        refuse(b, mark, "more than 500000 values in one file; split it by include:");
        return NULL;
    }
    struct node *n = arena_alloc(b->arena, sizeof *n);
    n->kind = kind;
    n->loc = place(b, mark);
    return n;
}

static struct node *read_node(struct builder *b, yaml_event_t *event, unsigned depth);

static struct node *
read_scalar(struct builder *b, const yaml_event_t *event)
{
    struct node *n = node_new(b, NODE_SCALAR, event->start_mark);
    if (n == NULL) {
        return NULL;
    }
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    n->loc = scalar_place(b, event);
    if (memchr(text, 0, size) != NULL) {
        refuse(b, event->start_mark, "a NUL character in text; remove \"\\0\"");
        return NULL;
    }
    /* Terminals and logs print these texts: an escape must not bring in what the file
     * itself may not hold. */
    if (text_has_control(text, size)) {
        refuse(b, event->start_mark,
               "a control character in text; of the backslash sequences, \\n and \\t "
               "make one that is accepted");
        return NULL;
    }
    n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->text = arena_strndup(b->arena, text, size);
    return n;
}

static bool
read_list(struct builder *b, struct node *list, unsigned depth)
{
    const struct node **tail = &list->first;
    for (;;) {
        yaml_event_t event;
        if (!next_event(b, &event)) {
            return false;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        struct node *item = read_node(b, &event, depth);
        if (item == NULL) {
            return false;
        }
        *tail = item;
        tail = &item->next;
        list->count++;
    }
}

static int
compare_keys(const void *a, const void *b)
{
    const struct node *const *x = a;
    const struct node *const *y = b;
    int order = strcmp((*x)->key, (*y)->key);
    if (order != 0) {
        return order;
    }
    if ((*x)->key_loc.line != (*y)->key_loc.line) {
        return (*x)->key_loc.line < (*y)->key_loc.line ? -1 : 1;
    }
    return (*x)->key_loc.column < (*y)->key_loc.column ? -1 : 1;
}

/* Sorted, so that a mapping of 100,000 keys costs no 10^10 comparisons. */
static void
check_repeated_keys(struct builder *b, const struct node *map)
{
    if (map->count < 2) {
        return;
    }
    const struct node **sorted = calloc(map->count, sizeof(const struct node *));
    if (sorted == NULL) {
        abort(); /* As every allocation of the arena. */
    }
    size_t count = 0;
    for (const struct node *n = map->first; n != NULL; n = n->next) {
        sorted[count++] = n;
    }
    qsort(sorted, count, sizeof sorted[0], compare_keys);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(sorted[i]->key, sorted[first]->key) != 0) {
            first = i;
            continue;
        }
        diags_add(b->diags, DIAG_ERROR, &sorted[i]->key_loc,
                  "key \"%.60s\" stands twice, first at line %u column %u; keep one",
                  sorted[i]->key, sorted[first]->key_loc.line,
                  sorted[first]->key_loc.column);
    }
    free(sorted);
}

static bool
read_map(struct builder *b, struct node *map, unsigned depth)
{
    const struct node **tail = &map->first;
    for (;;) {
        yaml_event_t event;
        if (!next_event(b, &event)) {
            return false;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            check_repeated_keys(b, map);
            return true;
        }
        if (event.type != YAML_SCALAR_EVENT && event.type != YAML_ALIAS_EVENT) {
            refuse(b, event.start_mark,
                   "a list or mapping as a key; a key is plain text, quote text that "
                   "begins with { or [");
            yaml_event_delete(&event);
            return false;
        }
        const struct node *key = read_node(b, &event, depth);
        if (key == NULL || !next_event(b, &event)) {
            return false;
        }
        struct node *value = read_node(b, &event, depth);
        if (value == NULL) {
            return false;
        }
        value->key = key->text;
        value->key_loc = key->loc;
        *tail = value;
        tail = &value->next;
        map->count++;
    }
}

/* Takes `event`. */
static struct node *
read_node(struct builder *b, yaml_event_t *event, unsigned depth)
{
    struct node *n = NULL;
    if (event->type == YAML_ALIAS_EVENT) {
        refuse(b, event->start_mark,
               "an alias (\"*...\"); aliases are not accepted, write the text out or "
               "quote it");
        goto done;
    }
    if (is_decorated(b, event)) {
        goto done;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        n = read_scalar(b, event);
        goto done;
    }
    if (depth >= TREE_DEPTH_MAX) {
        refuse(b, event->start_mark, "nested deeper than 32 levels; flatten it");
        goto done;
    }
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    n = node_new(b, is_list ? NODE_LIST : NODE_MAP, event->start_mark);
    if (n != NULL &&
        !(is_list ? read_list(b, n, depth + 1) : read_map(b, n, depth + 1))) {
        n = NULL;
    }
done:
    yaml_event_delete(event);
    return n;
}

/* Stream start, at most one document, stream end. */
static const struct node *
read_stream(struct builder *b)
{
    struct node *root = NULL;
    yaml_event_t event;
    for (;;) {
        if (!next_event(b, &event)) {
            return NULL;
        }
        yaml_event_type_t type = event.type;
        yaml_mark_t mark = event.start_mark;
        if (type == YAML_DOCUMENT_START_EVENT && root != NULL) {
            refuse(b, mark, "a second document (\"---\"); one file holds one document");
        }
        if (type == YAML_DOCUMENT_START_EVENT && root == NULL) {
            yaml_event_delete(&event);
            if (!next_event(b, &event)) {
                return NULL;
            }
            root = read_node(b, &event, 0);
            if (root == NULL) {
                return NULL;
            }
            continue;
        }
        yaml_event_delete(&event);
        if (b->failed) {
            return NULL;
        }
        if (type == YAML_STREAM_END_EVENT) {
            return root != NULL ? root : node_new(b, NODE_MAP, mark);
        }
    }
}

const struct node *
tree_parse(struct arena *a,
           const char *name,
           const char *bytes,
           size_t size,
           struct diags *diags)
{
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        bytes += 3; /* A byte-order mark says nothing in UTF-8. */
        size -= 3;
    }
    if (!text_check(name, bytes, size, diags)) {
        return NULL;
    }
    struct builder b = {
        .arena = a, .diags = diags, .file = name, .bytes = bytes, .size = size};
    if (!yaml_parser_initialize(&b.parser)) {
        abort(); /* Out of memory, as in the arena. */
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)bytes, size);
    const struct node *root = read_stream(&b);
    yaml_parser_delete(&b.parser);
    /* Repeated keys are told of, and the rest is looked at all the same. */
    return b.failed ? NULL : root;
}

const struct node *
tree_load(struct arena *a, const char *path, struct diags *diags)
{
    size_t size = 0;
    char *bytes = text_read(path, &size, diags);
    if (bytes == NULL) {
        return NULL;
    }
    const char *name = arena_strdup(a, path);
    const struct node *root = tree_parse(a, name, bytes, size, diags);
    free(bytes);
    return root;
}

const struct node *
node_get(const struct node *map, const char *key)
{
    assert(map->kind == NODE_MAP);
    for (const struct node *n = map->first; n != NULL; n = n->next) {
        if (strcmp(n->key, key) == 0) {
            return n;
        }
    }
    return NULL;
}

bool
node_is_empty(const struct node *n)
{
    return n->kind == NODE_SCALAR && !n->quoted &&
           (n->text[0] == 0 || strcmp(n->text, "~") == 0 ||
            strcmp(n->text, "null") == 0);
}

const char *
node_kind_name(const struct node *n)
{
    if (node_is_empty(n)) {
        return tr("nothing");
    }
    return n->kind == NODE_LIST  ? tr("a list")
           : n->kind == NODE_MAP ? tr("a mapping")
                                 : tr("text");
}
