#include "daemon/pipeline/journal/journal_photos.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/journal/journal_finding.h"
#include "daemon/store/photos.h"
#include "daemon/store/state_photo.h"

/* `what` is translated already. */
static void
tell_photo(struct journal_photos *x, int64_t number, const char *what)
{
    struct strbuf text = {0};
    if (!journal_finding_is_shown(x->out)) {
        return;
    }
    journal_finding_begin(x->out, "photo");
    strbuf_json_int(&x->out->json, "ticket", x->ticket);
    strbuf_json_int(&x->out->json, "photo", number);
    strbuf_printf(&text, tr("ticket %" PRId64 ", photo %" PRId64 ": %s"), x->ticket,
                  number, what);
    journal_finding_end(x->out, &text);
    strbuf_fini(&text);
}

/* What the event says; false: that is nothing of a photo. */
static bool
read_event(struct photo *out, const struct event_row *row)
{
    json_t *event = json_loads(row->json, 0, NULL);
    const char *sha256 = json_string_value(json_object_get(event, "sha256"));
    const char *by = json_string_value(json_object_get(event, "by"));
    const char *note = json_string_value(json_object_get(event, "note"));
    bool good = photo_type_parse(&out->type,
                                 json_string_value(json_object_get(event, "type"))) &&
                sha256 != NULL &&
                strspn(sha256, "0123456789abcdef") == PHOTO_HASH_BYTES - 1 &&
                strlen(sha256) == PHOTO_HASH_BYTES - 1;
    if (good) {
        out->number = json_integer_value(json_object_get(event, "number"));
        out->bytes = json_integer_value(json_object_get(event, "bytes"));
        out->added_ms = row->t_ms;
        utf8_copy(out->sha256, sizeof out->sha256, sha256);
        utf8_copy(out->by, sizeof out->by, by);
        utf8_copy(out->note, sizeof out->note, note);
    }
    json_decref(event);
    return good;
}

/* The row with the number of `told`. */
struct row {
    const struct photo *told;
    bool found, same;
};

static bool
compare(void *ctx, const struct photo *p)
{
    struct row *r = ctx;
    if (p->number == r->told->number) {
        r->found = true;
        r->same = p->type == r->told->type && p->bytes == r->told->bytes &&
                  p->added_ms == r->told->added_ms &&
                  strcmp(p->sha256, r->told->sha256) == 0 &&
                  strcmp(p->by, r->told->by) == 0 &&
                  strcmp(p->note, r->told->note) == 0;
    }
    return !r->found;
}

int
journal_photos_note(struct journal_photos *x,
                    const struct event_row *row,
                    struct err *err)
{
    struct photo told = {0};
    struct row r = {.told = &told};
    struct strbuf bytes = {0};
    struct err why;
    if (strcmp(row->name, "ticket.photographed") != 0) {
        return 0;
    }
    x->told++;
    if (!read_event(&told, row)) {
        tell_photo(x, x->told, tr("its event cannot be read"));
        return 0;
    }
    int code = state_each_photo(x->store, x->ticket, compare, &r, err);
    if (code != 0) {
        return code;
    }
    if (!r.found) {
        tell_photo(x, told.number, tr("its row was removed from the table"));
    } else if (!r.same) {
        tell_photo(x, told.number, tr("its row is not what its event says"));
    }
    if (photos_get(&bytes, x->data_dir, &told, &why) != 0) {
        tell_photo(x, told.number, why.text);
    }
    strbuf_fini(&bytes);
    x->out->photos++;
    return 0;
}

static bool
is_told(void *ctx, const struct photo *p)
{
    struct journal_photos *x = ctx;
    if (p->number < 1 || p->number > x->told) {
        tell_photo(x, p->number, tr("no event tells of it"));
    }
    return true;
}

int
journal_photos_check(struct journal_photos *x, struct err *err)
{
    return state_each_photo(x->store, x->ticket, is_told, x, err);
}
