#include "daemon/model/photo.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name, *suffix;
} types[] = {{"image/jpeg", "jpg"}, {"image/png", "png"}, {"image/webp", "webp"}};
_Static_assert(ARRAY_LEN(types) == PHOTO_TYPE_COUNT, "a name for each type");

const char *
photo_type_name(enum photo_type type)
{
    assert(type < PHOTO_TYPE_COUNT);
    return types[type].name;
}

const char *
photo_type_suffix(enum photo_type type)
{
    assert(type < PHOTO_TYPE_COUNT);
    return types[type].suffix;
}

bool
photo_type_parse(enum photo_type *out, const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *out = (enum photo_type)i;
            return true;
        }
    }
    return false;
}

void
photo_to_json(struct strbuf *out, const struct photo *p)
{
    strbuf_add_char(out, '{');
    strbuf_json_int(out, "number", p->number);
    strbuf_json_str(out, "type", photo_type_name(p->type));
    strbuf_json_int(out, "bytes", p->bytes);
    strbuf_json_str(out, "sha256", p->sha256);
    strbuf_json_str(out, "by", p->by);
    strbuf_json_time(out, "at", p->added_ms);
    strbuf_json_str(out, "note", p->note[0] != '\0' ? p->note : NULL);
    strbuf_add_char(out, '}');
}
