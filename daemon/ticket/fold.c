#include "daemon/ticket/fold.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/money.h"
#include "daemon/base/utf8.h"

enum member_kind {
    MEMBER_INT64,
    MEMBER_INT,
    MEMBER_FLAG,
    MEMBER_BITS,    /* uint64_t, written as the int64_t of the same bits. */
    MEMBER_INSTANT, /* Moves with the clock. */
    MEMBER_DAY,     /* An instant that stands for a day of the calendar: it stays. */
    MEMBER_TEXT,    /* In the row. */
    MEMBER_ID,      /* A pointer in the row; its text is in the fold. */
    MEMBER_WORD,    /* An enum; see words[]. */
    MEMBER_PARTS,
    MEMBER_TITLES
};

/* The enums of the row: all are of one size and none is negative. */
struct word {
    const char *(*name)(unsigned value);
    bool (*parse)(unsigned *out, const char *text);
};

#define WORD(what, type)                                                               \
    static const char *what##_to_word(unsigned value)                                  \
    {                                                                                  \
        return what##_name((type)value);                                               \
    }                                                                                  \
    static bool what##_of_word(unsigned *out, const char *text)                        \
    {                                                                                  \
        type value;                                                                    \
        if (!what##_parse(&value, text)) {                                             \
            return false;                                                              \
        }                                                                              \
        *out = (unsigned)value;                                                        \
        return true;                                                                   \
    }                                                                                  \
    static const struct word what##_spelling = {what##_to_word, what##_of_word};       \
    _Static_assert(sizeof(type) == sizeof(unsigned), "an enum is read as a number")

WORD(ticket_kind, enum ticket_kind);
WORD(severity, enum severity);
WORD(ticket_state, enum ticket_state);
WORD(pause, enum pause);
WORD(proof, enum proof);

struct member {
    const char *name; /* As the column of the table. */
    enum member_kind kind;
    size_t at;               /* In struct ticket. */
    size_t size;             /* Of a text, with its NUL. */
    size_t id;               /* MEMBER_ID: of its text, in struct fold. */
    const struct word *word; /* MEMBER_WORD */
};

#define AT(field) offsetof(struct ticket, field)
#define INT64(field)                                                                   \
    {                                                                                  \
#field, MEMBER_INT64, AT(field), 0, 0, NULL                                    \
    }
#define INT(field)                                                                     \
    {                                                                                  \
#field, MEMBER_INT, AT(field), 0, 0, NULL                                      \
    }
#define FLAG(field)                                                                    \
    {                                                                                  \
#field, MEMBER_FLAG, AT(field), 0, 0, NULL                                     \
    }
#define BITS(field)                                                                    \
    {                                                                                  \
#field, MEMBER_BITS, AT(field), 0, 0, NULL                                     \
    }
#define INSTANT(field)                                                                 \
    {                                                                                  \
#field, MEMBER_INSTANT, AT(field), 0, 0, NULL                                  \
    }
#define DAY(field)                                                                     \
    {                                                                                  \
#field, MEMBER_DAY, AT(field), 0, 0, NULL                                      \
    }
#define TEXT(field)                                                                    \
    {                                                                                  \
#field, MEMBER_TEXT, AT(field), sizeof_text(field), 0, NULL                    \
    }
#define ID(field)                                                                      \
    {                                                                                  \
#field, MEMBER_ID, AT(field), 0, offsetof(struct fold, field), NULL            \
    }
#define NAMED(field, what)                                                             \
    {                                                                                  \
#field, MEMBER_WORD, AT(field), 0, 0, &what##_spelling                         \
    }
#define PARTS(field)                                                                   \
    {                                                                                  \
#field, MEMBER_PARTS, AT(field), 0, 0, NULL                                    \
    }
#define TITLES(field)                                                                  \
    {                                                                                  \
#field, MEMBER_TITLES, AT(field), 0, 0, NULL                                   \
    }
#define sizeof_text(field) sizeof(((struct ticket *)0)->field)

/* Every column of the row.  The first makes a patch a whole row. */
static const struct member members[] = {
    INT64(number),
    NAMED(kind, ticket_kind),
    ID(device),
    ID(rule),
    NAMED(priority, severity),
    NAMED(state, ticket_state),
    INSTANT(opened_ms),
    INSTANT(respond_by_ms),
    INSTANT(resolve_by_ms),
    INSTANT(respond_from_ms),
    INSTANT(resolve_from_ms),
    INSTANT(assigned_ms),
    INSTANT(responded_ms),
    INSTANT(resolved_ms),
    INSTANT(verified_ms),
    INSTANT(closed_ms),
    INSTANT(waiting_since_ms),
    INSTANT(cleared_ms),
    INT64(episodes),
    INT64(reopened),
    FLAG(respond_warned),
    FLAG(respond_breached),
    FLAG(resolve_warned),
    FLAG(resolve_breached),
    TEXT(assignee),
    TEXT(team),
    TEXT(title),
    TITLES(titles),
    TEXT(resolution),
    INT(rating),
    TEXT(category),
    TEXT(plan),
    DAY(due_ms),
    TEXT(symptom),
    TEXT(reporter),
    FLAG(taken),
    NAMED(pause, pause),
    INT(level),
    NAMED(proof, proof),
    TEXT(cause),
    INT64(minutes),
    INT64(cost),
    PARTS(parts),
    BITS(steps),
    INT64(photos),
    INSTANT(first_responded_ms),
    INSTANT(first_resolved_ms),
    INSTANT(visit_ms),
    INSTANT(respond_warn_ms),
    INSTANT(resolve_warn_ms),
    INSTANT(assign_ms),
    INSTANT(escalate_ms),
};
#define NUMBER (&members[0])

const char *
fold_member(size_t index)
{
    return index < ARRAY_LEN(members) ? members[index].name : NULL;
}

static const void *
place(const struct ticket *row, const struct member *m)
{
    return (const char *)row + m->at;
}

static void *
place_in(struct fold *f, const struct member *m)
{
    return (char *)&f->row + m->at;
}

static bool
is_instant(const struct member *m)
{
    return m->kind == MEMBER_INSTANT || m->kind == MEMBER_DAY;
}

static bool
is_text(const struct member *m)
{
    return m->kind == MEMBER_TEXT || m->kind == MEMBER_ID || m->kind == MEMBER_WORD;
}

/* Of every kind that is a number; 0 for an instant that is none. */
static int64_t
number_of(const struct ticket *row, const struct member *m)
{
    const void *p = place(row, m);
    switch (m->kind) {
    case MEMBER_INT64:
        return *(const int64_t *)p;
    case MEMBER_INT:
        return *(const int *)p;
    case MEMBER_FLAG:
        return *(const bool *)p;
    case MEMBER_BITS:
        return (int64_t) * (const uint64_t *)p;
    case MEMBER_INSTANT:
    case MEMBER_DAY:
        return *(const int64_t *)p == INSTANT_NONE ? 0 : *(const int64_t *)p;
    case MEMBER_TEXT:
    case MEMBER_ID:
    case MEMBER_WORD:
    case MEMBER_PARTS:
    case MEMBER_TITLES:
        break;
    }
    return 0;
}

/* Of every kind that is a text; "" for none. */
static const char *
text_of(const struct ticket *row, const struct member *m)
{
    const char *text = "";
    if (m->kind == MEMBER_TEXT) {
        text = place(row, m);
    } else if (m->kind == MEMBER_ID) {
        text = *(const char *const *)place(row, m);
    } else if (m->kind == MEMBER_WORD) {
        text = m->word->name(*(const unsigned *)place(row, m));
    }
    return text != NULL ? text : "";
}

static bool
same_parts(const struct ticket *a, const struct ticket *b)
{
    bool same = a->part_count == b->part_count;
    for (uint32_t i = 0; same && i < a->part_count; i++) {
        same = strcmp(a->parts[i].name, b->parts[i].name) == 0 &&
               a->parts[i].count == b->parts[i].count &&
               a->parts[i].cost == b->parts[i].cost;
    }
    return same;
}

static bool
same(const struct ticket *a, const struct ticket *b, const struct member *m)
{
    if (m->kind == MEMBER_PARTS) {
        return same_parts(a, b);
    }
    if (m->kind == MEMBER_TITLES) {
        return titles_are_same(&a->titles, &b->titles);
    }
    if (is_text(m)) {
        return strcmp(text_of(a, m), text_of(b, m)) == 0;
    }
    return number_of(a, m) == number_of(b, m);
}

static bool
is_empty(const struct ticket *row, const struct member *m)
{
    if (m->kind == MEMBER_PARTS) {
        return row->part_count == 0;
    }
    if (m->kind == MEMBER_TITLES) {
        return titles_are_empty(&row->titles);
    }
    return is_text(m) ? text_of(row, m)[0] == '\0' : number_of(row, m) == 0;
}

/* ---- Out ---- */

static void
write_member(struct strbuf *out, const struct ticket *row, const struct member *m)
{
    if (is_empty(row, m)) {
        strbuf_json_key(out, m->name);
        strbuf_add(out, "null");
    } else if (m->kind == MEMBER_PARTS) {
        strbuf_json_key(out, m->name);
        ticket_parts_to_json(out, row->parts, row->part_count);
    } else if (m->kind == MEMBER_TITLES) {
        strbuf_json_key(out, m->name);
        titles_to_json(out, &row->titles);
    } else if (is_text(m)) {
        strbuf_json_str(out, m->name, text_of(row, m));
    } else {
        strbuf_json_int(out, m->name, number_of(row, m));
    }
}

void
fold_row_to_json(struct strbuf *out, const struct ticket *row)
{
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!is_empty(row, &members[i])) {
            write_member(out, row, &members[i]);
        }
    }
    strbuf_add_char(out, '}');
}

bool
fold_patch(struct strbuf *out, const struct fold *before, const struct ticket *after)
{
    if (!before->known) {
        fold_row_to_json(out, after);
        return true;
    }
    size_t start = out->size;
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!same(&before->row, after, &members[i])) {
            write_member(out, after, &members[i]);
        }
    }
    if (out->size == start + 1) {
        out->size = start;
        out->text[start] = '\0';
        return false;
    }
    strbuf_add_char(out, '}');
    return true;
}

/* ---- In ---- */

static void
set_number(struct fold *f, const struct member *m, int64_t value)
{
    void *p = place_in(f, m);
    switch (m->kind) {
    case MEMBER_INT64:
        *(int64_t *)p = value;
        break;
    case MEMBER_INT:
        *(int *)p = (int)value;
        break;
    case MEMBER_FLAG:
        *(bool *)p = value != 0;
        break;
    case MEMBER_BITS:
        *(uint64_t *)p = (uint64_t)value;
        break;
    case MEMBER_INSTANT:
    case MEMBER_DAY:
        *(int64_t *)p = value == 0 ? INSTANT_NONE : value;
        break;
    case MEMBER_TEXT:
    case MEMBER_ID:
    case MEMBER_WORD:
    case MEMBER_PARTS:
    case MEMBER_TITLES:
        assert(!"a member that is a number");
        break;
    }
}

/* False when it is a word that nobody knows, or a text too long for the row. */
static bool
set_text(struct fold *f, const struct member *m, const char *text)
{
    void *p = place_in(f, m);
    if (m->kind == MEMBER_WORD) {
        return m->word->parse(p, text);
    }
    if (m->kind == MEMBER_TEXT) {
        utf8_copy(p, m->size, text);
        return strlen(text) < m->size;
    }
    char *id = (char *)f + m->id;
    utf8_copy(id, ID_BYTES_MAX, text);
    *(const char **)p = id[0] != '\0' ? id : NULL;
    return strlen(text) < ID_BYTES_MAX;
}

static bool
set_parts(struct fold *f, const json_t *array)
{
    size_t count = json_array_size(array);
    f->row.part_count = 0;
    if (count > TICKET_PARTS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        struct ticket_part *part = &f->row.parts[i];
        if (name == NULL || strlen(name) >= sizeof part->name) {
            return false;
        }
        utf8_copy(part->name, sizeof part->name, name);
        part->count = json_integer_value(json_object_get(item, "count"));
        /* In whole units, as everywhere in JSON. */
        if (!money_from_number(&part->cost,
                               json_number_value(json_object_get(item, "cost")))) {
            return false;
        }
    }
    f->row.part_count = (uint32_t)count;
    return true;
}

static bool
set_titles(struct fold *f, json_t *object)
{
    const char *name;
    json_t *value;
    f->row.titles = (struct titles){0};
    json_object_foreach(object, name, value)
    {
        enum language language;
        const char *text = json_string_value(value);
        if (text == NULL || !language_parse(&language, name) ||
            strlen(text) >= TITLE_BYTES) {
            return false;
        }
        utf8_copy(f->row.titles.in[language], TITLE_BYTES, text);
    }
    return true;
}

static bool
empty_member(struct fold *f, const struct member *m)
{
    if (m->kind == MEMBER_PARTS) {
        f->row.part_count = 0;
    } else if (m->kind == MEMBER_TITLES) {
        f->row.titles = (struct titles){0};
    } else if (m->kind == MEMBER_WORD) {
        return m->word->parse(place_in(f, m), ""); /* A kind and a state are always. */
    } else if (is_text(m)) {
        return set_text(f, m, "");
    } else {
        set_number(f, m, 0);
    }
    return true;
}

static bool
take_member(struct fold *f, const struct member *m, json_t *value)
{
    if (json_is_null(value)) {
        return empty_member(f, m);
    }
    if (m->kind == MEMBER_PARTS) {
        return json_is_array(value) && set_parts(f, value);
    }
    if (m->kind == MEMBER_TITLES) {
        return json_is_object(value) && set_titles(f, value);
    }
    if (is_text(m)) {
        return json_is_string(value) && set_text(f, m, json_string_value(value));
    }
    if (!json_is_integer(value)) {
        return false;
    }
    int64_t number = json_integer_value(value);
    if (m->kind == MEMBER_INT && (number < INT32_MIN || number > INT32_MAX)) {
        return false;
    }
    set_number(f, m, number);
    return true;
}

static const struct member *
find_member(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (strcmp(members[i].name, name) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

static int
take_patch(struct fold *f, json_t *patch, struct err *err)
{
    if (!json_is_object(patch)) {
        return err_set(err, ERR_IO, "it is no object");
    }
    if (json_object_get(patch, NUMBER->name) != NULL) {
        fold_init(f);
    }
    const char *name;
    json_t *value;
    json_object_foreach(patch, name, value)
    {
        const struct member *m = find_member(name);
        if (m == NULL && strcmp(name, FOLD_EVIDENCE) == 0) {
            continue;
        }
        if (m == NULL) {
            return err_set(err, ERR_IO, "\"%.40s\" is no column of a ticket", name);
        }
        if (!take_member(f, m, value)) {
            return err_set(err, ERR_IO, "\"%s\" is no value of its column", name);
        }
    }
    f->known = true;
    return 0;
}

void
fold_init(struct fold *f)
{
    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (is_instant(&members[i])) {
            set_number(f, &members[i], 0);
        }
    }
}

void
fold_set(struct fold *f, const struct ticket *row)
{
    fold_init(f);
    f->known = true;
    f->row = *row;
    (void)set_text(f, find_member("device"), row->device != NULL ? row->device : "");
    (void)set_text(f, find_member("rule"), row->rule != NULL ? row->rule : "");
}

void
fold_move(struct fold *f, int64_t step_ms)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct member *m = &members[i];
        int64_t t_ms = m->kind == MEMBER_INSTANT ? number_of(&f->row, m) : 0;
        int64_t moved_ms;
        if (t_ms != 0 && !__builtin_add_overflow(t_ms, step_ms, &moved_ms)) {
            set_number(f, m, moved_ms);
        }
    }
}

/* What clock.stepped means for this ticket: nothing when it is not named. */
static int
take_step(struct fold *f,
          int64_t number,
          const char *json,
          const json_t *more,
          struct err *err)
{
    char key[32];
    snprintf(key, sizeof key, "%" PRId64, number);
    json_t *patch = json_object_get(more, key);
    if (patch == NULL) {
        return 0;
    }
    json_t *event = json_loads(json, 0, NULL);
    const json_t *step_ms = json_object_get(event, "step_ms");
    int code = json_is_integer(step_ms)
                   ? 0
                   : err_set(err, ERR_IO, "the event does not say by how much");
    if (code == 0) {
        fold_move(f, json_integer_value(step_ms));
        code = take_patch(f, patch, err);
    }
    json_decref(event);
    return code;
}

int
fold_event(struct fold *f,
           int64_t number,
           const char *name,
           const char *json,
           const char *more,
           struct err *err)
{
    if (more == NULL) {
        return 0;
    }
    json_error_t why;
    json_t *root = json_loads(more, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        return err_set(err, ERR_IO, "it is no JSON: %s", why.text);
    }
    int code = strcmp(name, "clock.stepped") == 0
                   ? take_step(f, number, json, root, err)
                   : take_patch(f, root, err);
    json_decref(root);
    return code;
}
