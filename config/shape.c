#include "config/shape.h"

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/model/site.h"

static const struct field text_value = {.key = "text", .kind = FIELD_STRING};
static const struct field bool_value = {.key = "bool", .kind = FIELD_BOOL};
static const struct field number_value = {.key = "number", .kind = FIELD_FLOAT};

const struct shape shape_text = {.kind = SHAPE_VALUE, .value = &text_value};
const struct shape shape_texts = {.kind = SHAPE_LIST, .item = &shape_text};
const struct shape shape_bool = {.kind = SHAPE_VALUE, .value = &bool_value};
const struct shape shape_number = {.kind = SHAPE_VALUE, .value = &number_value};

static const struct shape *const interval_parts[] = {&shape_number, &shape_number,
                                                     NULL};
const struct shape shape_interval = {
    .kind = SHAPE_ROW, .any = interval_parts, .min = 2};

static const struct shape *const number_or_bool[] = {&shape_number, &shape_bool, NULL};
const struct shape shape_number_or_bool = {.kind = SHAPE_ANY, .any = number_or_bool};

static const char *const some_language[] = {"en", "zh-CN", NULL};
static const struct shape languages = {.some_of = some_language,
                                       .kind = SHAPE_TABLE,
                                       .fields = text_fields,
                                       .field_count = TEXT_FIELD_COUNT};
static const struct shape *const text_forms[] = {&shape_text, &languages, NULL};
const struct shape shape_text_in_languages = {
    .kind = SHAPE_ANY, .name = "text", .any = text_forms};

static void
add_words(struct strbuf *b, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        strbuf_printf(b, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
}

void
shape_add_accepted(struct strbuf *b, const struct field *f)
{
    char low[INSTANT_TEXT_BYTES];
    char high[INSTANT_TEXT_BYTES];
    switch (f->kind) {
    case FIELD_STRING:
        strbuf_add(b, tr("text is accepted"));
        return;
    case FIELD_ID:
        strbuf_add(b, tr("an id of a-z 0-9 _ -, first a letter or digit, up to 63 "
                         "characters, is accepted"));
        return;
    case FIELD_POINT_ID:
        strbuf_add(
            b, tr("a point id of a-z 0-9 _, first a letter, up to 63 characters, is "
                  "accepted"));
        return;
    case FIELD_INT:
        strbuf_printf(b, tr("a whole number from %lld to %lld is accepted"),
                      (long long)f->min, (long long)f->max);
        return;
    case FIELD_FLOAT:
        strbuf_add(b, tr("a number such as 5 or 0.25 is accepted"));
        return;
    case FIELD_BOOL:
        strbuf_add(b, tr("true or false is accepted"));
        return;
    case FIELD_DURATION:
        strbuf_printf(
            b, tr("a duration from %s to %s is accepted, such as 300ms 5s 10m 2h 15d"),
            f->min == 0 ? "0s" : duration_format(low, f->min),
            duration_format(high, f->max));
        return;
    case FIELD_ENUM:
        strbuf_add(b, tr("accepted: "));
        add_words(b, f->words);
        return;
    case FIELD_STRINGS:
        strbuf_add(b, tr("a list such as [one, two] is accepted"));
        return;
    case FIELD_TEXT:
        strbuf_add(b, tr("text, or {en: ..., zh-CN: ...}, is accepted"));
        return;
    case FIELD_EXPR:
        strbuf_add(b, tr("an expression such as bearing > 80 is accepted"));
        return;
    case FIELD_DATE:
        strbuf_add(b, tr("a date such as 2019-06-01 is accepted"));
        return;
    case FIELD_NODE:
    default:
        return;
    }
}

bool
shape_read_name(struct reader *r,
                const struct node *n,
                const char *key,
                const struct shape *s,
                int *out)
{
    const char **words =
        arena_array(r->arena, (size_t)s->name_count + 1, sizeof(const char *));
    for (int i = 0; i < s->name_count; i++) {
        words[i] = s->name_of(i);
    }
    return value_enum(r, n, key, words, out);
}
