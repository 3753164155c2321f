#include "daemon/pipeline/commands/ledger_json.h"

#include <stdlib.h>

#include "daemon/model/ledger.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/ticket/ledger.h"

static int
fields_from_json(struct ledger_change *out,
                 uint32_t *count,
                 const char *device,
                 json_t *fields,
                 struct err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(fields, name, value)
    {
        struct ledger_change *c = &out[*count];
        c->device = device;
        if (!ledger_key_parse(&c->key, name)) {
            struct strbuf b = {0};
            for (int k = 0; k < LEDGER_KEY_COUNT; k++) {
                strbuf_printf(&b, "%s%s", k > 0 ? ", " : "",
                              ledger_key_name((enum ledger_key)k));
            }
            err_set(err, ERR_RANGE, "%s: there is no field \"%.40s\"; accepted: %s",
                    device, name, strbuf_text(&b));
            strbuf_fini(&b);
            return ERR_RANGE;
        }
        if (!json_is_string(value) && !json_is_null(value)) {
            return err_set(err, ERR_RANGE,
                           "%s: \"%s\" must be a string, or null to empty it", device,
                           name);
        }
        c->value = json_string_value(value);
        ++*count;
    }
    return 0;
}

static int
changes_from_json(struct command *c, json_t *devices, struct err *err)
{
    const char *device;
    json_t *fields;
    size_t count = 0;
    json_object_foreach(devices, device, fields)
    {
        if (!json_is_object(fields)) {
            return err_set(err, ERR_RANGE,
                           "\"devices\": \"%.60s\" must be an object of fields",
                           device);
        }
        count += json_object_size(fields);
    }
    if (count > LEDGER_CHANGES_MAX) {
        return err_set(err, ERR_RANGE, "%zu fields; up to %d are accepted", count,
                       LEDGER_CHANGES_MAX);
    }
    struct ledger_change *changes = calloc(count + 1, sizeof *changes);
    if (changes == NULL) {
        return err_set(err, ERR_NOMEM, "ledger");
    }
    uint32_t used = 0;
    int code = 0;
    json_object_foreach(devices, device, fields)
    {
        code = code == 0 ? fields_from_json(changes, &used, device, fields, err) : code;
    }
    if (code != 0) {
        free(changes);
        return code;
    }
    c->changes = changes;
    c->change_count = used;
    return 0;
}

int
ledger_from_json(struct command *c, json_t *root, struct err *err)
{
    const char *kind = NULL;
    if (!ledger_is_command(c->kind)) {
        return 0;
    }
    json_t *devices = json_object_get(root, "devices");
    if (c->kind == COMMAND_LEDGER_SET) {
        if (!json_is_object(devices)) {
            return err_set(err, ERR_RANGE,
                           "\"devices\" must be an object: {\"pump-1\": {\"maker\": "
                           "\"...\"}}");
        }
        return changes_from_json(c, devices, err);
    }
    c->document = DOCUMENT_OTHER;
    if (!json_member_text(root, "title", TITLE_BYTES, &c->title, err) ||
        !json_member_text(root, "link", LEDGER_LINK_BYTES, &c->link, err) ||
        !json_member_text(root, "valid_until", ID_BYTES_MAX, &c->valid_until, err) ||
        !json_member_text(root, "kind", ID_BYTES_MAX, &kind, err) ||
        !json_member_text(root, "what", NOTE_BYTES, &c->what, err) ||
        !json_member_text(root, "effect", NOTE_BYTES, &c->effect, err) ||
        !json_member_text(root, "made_on", ID_BYTES_MAX, &c->made_on, err) ||
        !json_member_text(root, "made_by", TITLE_BYTES, &c->made_by, err) ||
        !json_member_int(root, "number", 1, INT64_MAX, &c->number, err)) {
        return ERR_RANGE;
    }
    if (kind != NULL && !document_kind_parse(&c->document, kind)) {
        return err_set(err, ERR_RANGE,
                       "\"kind\" must be manual, drawing, certificate, warranty or "
                       "other");
    }
    if (c->kind == COMMAND_LEDGER_REMOVE && c->number == 0) {
        return err_set(err, ERR_RANGE, "\"number\" must say which document");
    }
    return 0;
}

void
ledger_json_fini(struct command *c)
{
    /* The array is ours; that it is const is for those who do the command. */
    free((void *)(uintptr_t)c->changes);
    c->changes = NULL;
    c->change_count = 0;
}

void
ledger_add_answer(struct strbuf *out, enum command_kind kind, int64_t number)
{
    strbuf_json_int(out, kind == COMMAND_LEDGER_SET ? "changed" : "number", number);
}
