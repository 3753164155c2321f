#include "daemon/ticket/ledger.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"

struct doing {
    struct ledger_book *book;
    const struct site *site;
    const struct sink *sink;
    const struct command *command;
};

bool
ledger_is_command(enum command_kind k)
{
    return k == COMMAND_LEDGER_SET || k == COMMAND_LEDGER_DOCUMENT ||
           k == COMMAND_LEDGER_REMOVE || k == COMMAND_LEDGER_ALTERATION;
}

static int
find_device(const struct doing *d, const char *id, uint32_t *out, struct err *err)
{
    *out = id != NULL ? site_device(d->site, id) : NONE_INDEX;
    if (id == NULL) {
        return err_set(err, ERR_USAGE, "which device? \"device\" is its id");
    }
    if (*out == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", id);
    }
    if (d->site->devices[*out].role != DEVICE_EQUIPMENT) {
        return err_set(err, ERR_REFUSED,
                       "\"%s\" is no equipment of its own; the ledger has what stands "
                       "under `devices`",
                       id);
    }
    return 0;
}

/* As the site file's keeper: one of the people, as far as people are listed. */
static int
check_keeper(const struct doing *d, const char *id, struct err *err)
{
    for (uint32_t i = 0; i < d->site->person_count; i++) {
        if (strcmp(d->site->people[i].id, id) == 0) {
            return 0;
        }
    }
    return d->site->person_count == 0
               ? 0
               : err_set(
                     err, ERR_NOT_FOUND,
                     "there is no person \"%s\"; the id of one of the site's people "
                     "is accepted",
                     id);
}

static int
read_change(const struct doing *d,
            const struct ledger_change *change,
            uint32_t *device,
            char value[LEDGER_TEXT_BYTES],
            struct err *err)
{
    int code = find_device(d, change->device, device, err);
    if (code != 0) {
        return code;
    }
    code = ledger_value_read(value, change->key, change->value, err);
    if (code == 0 && change->key == LEDGER_KEEPER && value[0] != '\0') {
        code = check_keeper(d, value, err);
    }
    return code != 0
               ? err_wrap(err, "%s: %s", change->device, ledger_key_name(change->key))
               : 0;
}

static void
put(const struct doing *d, const struct ledger_row *row)
{
    ledger_book_put(d->book, row);
    if (d->sink->ledger != NULL) {
        d->sink->ledger(d->sink->ctx, row);
    }
}

static void
tell(const struct doing *d,
     uint32_t device,
     const char *record,
     const char *before,
     const char *after)
{
    const struct event e = {
        .t_ms = d->command->t_ms,
        .kind = EVENT_LEDGER_CHANGED,
        .device = d->site->devices[device].id,
        .record = record,
        .before = before != NULL && before[0] != '\0' ? before : NULL,
        .after = after != NULL && after[0] != '\0' ? after : NULL,
        .by = d->command->by,
        .note = d->command->note,
    };
    d->sink->event(d->sink->ctx, &e);
}

static void
change_field(const struct doing *d,
             uint32_t device,
             enum ledger_key key,
             const char *value,
             int64_t *number)
{
    char before[LEDGER_TEXT_BYTES];
    char of_file[LEDGER_TEXT_BYTES];
    ledger_book_value(before, d->book, device, key);
    if (strcmp(before, value) == 0) {
        return;
    }
    ledger_file_value(of_file, &d->site->devices[device].ledger, key);
    struct ledger_row row = {
        .kind = LEDGER_ROW_FIELD,
        .field = {.device = d->site->devices[device].id,
                  .key = key,
                  .gone = strcmp(of_file, value) == 0,
                  .changed_ms = d->command->t_ms},
    };
    utf8_copy(row.field.value, sizeof row.field.value, value);
    utf8_copy(row.field.by, sizeof row.field.by, d->command->by);
    put(d, &row);
    tell(d, device, ledger_key_name(key), before, value);
    ++*number;
}

static int
set_fields(const struct doing *d, int64_t *number, struct err *err)
{
    const struct command *c = d->command;
    char value[LEDGER_TEXT_BYTES];
    uint32_t device;
    if (c->change_count == 0) {
        return err_set(err, ERR_USAGE,
                       "which fields? \"devices\": {\"pump-1\": {\"maker\": \"...\"}}");
    }
    for (uint32_t i = 0; i < c->change_count; i++) {
        int code = read_change(d, &c->changes[i], &device, value, err);
        if (code != 0) {
            return code;
        }
    }
    *number = 0;
    for (uint32_t i = 0; i < c->change_count; i++) {
        (void)read_change(d, &c->changes[i], &device, value, NULL);
        change_field(d, device, c->changes[i].key, value, number);
    }
    return 0;
}

/* "certificate: Yearly inspection, https://..., valid until 2027-03-01" */
static void
describe_document(struct strbuf *out,
                  const struct ledger_document *doc,
                  enum language language)
{
    strbuf_printf(out, "%s: %s", document_kind_name(doc->kind), doc->title);
    if (strcmp(doc->title, doc->link) != 0) {
        strbuf_printf(out, ", %s", doc->link);
    }
    if (doc->valid_until[0] != '\0') {
        strbuf_printf(out, tr_in(language, ", valid until %s"), doc->valid_until);
    }
}

static void
tell_document(const struct doing *d,
              uint32_t device,
              const struct ledger_document *doc,
              bool added)
{
    char record[40];
    struct strbuf text = {0};
    snprintf(record, sizeof record, "document %lld", (long long)doc->number);
    describe_document(&text, doc, d->site->language);
    tell(d, device, record, added ? NULL : strbuf_text(&text),
         added ? strbuf_text(&text) : NULL);
    strbuf_fini(&text);
}

static int
read_document(const struct command *c, struct ledger_document *doc, struct err *err)
{
    int code = ledger_text_read(doc->link, sizeof doc->link, c->link, err);
    if (code != 0) {
        return err_wrap(err, "link");
    }
    if (doc->link[0] == '\0') {
        return err_set(err, ERR_USAGE, "link: where it is, an address or a path");
    }
    code = ledger_text_read(doc->title, sizeof doc->title, c->title, err);
    if (code != 0) {
        return err_wrap(err, "title");
    }
    if (doc->title[0] == '\0') {
        utf8_copy(doc->title, sizeof doc->title, doc->link);
    }
    code = ledger_day_read(doc->valid_until, c->valid_until, err);
    return code != 0 ? err_wrap(err, "valid_until") : 0;
}

static int
add_document(const struct doing *d, int64_t *number, struct err *err)
{
    const struct command *c = d->command;
    struct ledger_row row = {.kind = LEDGER_ROW_DOCUMENT};
    struct ledger_document *doc = &row.document;
    uint32_t device;
    int code = find_device(d, c->device, &device, err);
    if (code == 0) {
        code = read_document(c, doc, err);
    }
    if (code != 0) {
        return code;
    }
    doc->device = d->site->devices[device].id;
    doc->number = ledger_book_next_document(d->book);
    doc->kind = c->document;
    doc->added_ms = c->t_ms;
    doc->removed_ms = INSTANT_NONE;
    utf8_copy(doc->by, sizeof doc->by, c->by);
    put(d, &row);
    tell_document(d, device, doc, true);
    *number = doc->number;
    return 0;
}

static int
remove_document(const struct doing *d, int64_t *number, struct err *err)
{
    const struct command *c = d->command;
    const struct ledger_document *doc = ledger_book_document(d->book, c->number);
    if (doc == NULL || (c->device != NULL && strcmp(c->device, doc->device) != 0)) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no document %lld%s%s; those of the site file are "
                       "taken out there",
                       (long long)c->number, c->device != NULL ? " of " : "",
                       c->device != NULL ? c->device : "");
    }
    if (doc->removed_ms != INSTANT_NONE) {
        return err_set(err, ERR_REFUSED, "document %lld was removed already, by %s",
                       (long long)c->number, doc->removed_by);
    }
    struct ledger_row row = {.kind = LEDGER_ROW_DOCUMENT, .document = *doc};
    utf8_copy(row.document.removed_by, sizeof row.document.removed_by, c->by);
    row.document.removed_ms = c->t_ms;
    put(d, &row);
    tell_document(d, site_device(d->site, row.document.device), &row.document, false);
    *number = c->number;
    return 0;
}

static int
read_alteration(const struct command *c, struct ledger_alteration *a, struct err *err)
{
    int code = ledger_text_read(a->what, sizeof a->what, c->what, err);
    if (code != 0) {
        return err_wrap(err, "what");
    }
    if (a->what[0] == '\0') {
        return err_set(err, ERR_USAGE, "what: what was altered");
    }
    code = ledger_text_read(a->effect, sizeof a->effect, c->effect, err);
    if (code != 0) {
        return err_wrap(err, "effect");
    }
    code = ledger_text_read(a->made_by, sizeof a->made_by, c->made_by, err);
    if (code != 0) {
        return err_wrap(err, "made_by");
    }
    code = ledger_day_read(a->day, c->made_on, err);
    if (code != 0) {
        return err_wrap(err, "made_on");
    }
    char today[CIVIL_TEXT_BYTES];
    civil_format(today, civil_day(c->t_ms));
    if (a->day[0] == '\0') {
        utf8_copy(a->day, sizeof a->day, today);
    }
    return strcmp(a->day, today) > 0
               ? err_set(err, ERR_RANGE,
                         "made_on: %s is still to come; what was done is accepted",
                         a->day)
               : 0;
}

static int
add_alteration(const struct doing *d, int64_t *number, struct err *err)
{
    const struct command *c = d->command;
    struct ledger_row row = {.kind = LEDGER_ROW_ALTERATION};
    struct ledger_alteration *a = &row.alteration;
    uint32_t device;
    int code = find_device(d, c->device, &device, err);
    if (code == 0) {
        code = read_alteration(c, a, err);
    }
    if (code != 0) {
        return code;
    }
    a->device = d->site->devices[device].id;
    a->number = ledger_book_next_alteration(d->book);
    a->added_ms = c->t_ms;
    utf8_copy(a->by, sizeof a->by, c->by);
    put(d, &row);
    char record[40];
    struct strbuf text = {0};
    snprintf(record, sizeof record, "alteration %lld", (long long)a->number);
    strbuf_printf(&text, "%s: %s", a->day, a->what);
    if (a->effect[0] != '\0') {
        strbuf_printf(&text, tr_in(d->site->language, "; effect: %s"), a->effect);
    }
    if (a->made_by[0] != '\0') {
        strbuf_printf(&text, tr_in(d->site->language, "; made by %s"), a->made_by);
    }
    tell(d, device, record, NULL, strbuf_text(&text));
    strbuf_fini(&text);
    *number = a->number;
    return 0;
}

int
ledger_command(struct ledger_book *b,
               const struct site *site,
               const struct sink *sink,
               const struct command *c,
               int64_t *number,
               struct err *err)
{
    const struct doing d = {b, site, sink, c};
    int64_t ignored = 0;
    number = number != NULL ? number : &ignored;
    if (c->kind == COMMAND_LEDGER_DOCUMENT) {
        return add_document(&d, number, err);
    }
    if (c->kind == COMMAND_LEDGER_REMOVE) {
        return remove_document(&d, number, err);
    }
    if (c->kind == COMMAND_LEDGER_ALTERATION) {
        return add_alteration(&d, number, err);
    }
    return set_fields(&d, number, err);
}
