#include "daemon/pipeline/commands/work_json.h"

#include "daemon/base/money.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/commands/command_json.h"

/* A number, or its text. */
static bool
member_money(json_t *root, const char *key, int64_t *out, struct err *err)
{
    json_t *value = json_object_get(root, key);
    if (value == NULL || json_is_null(value) ||
        (json_is_number(value) && money_from_number(out, json_number_value(value))) ||
        (json_is_string(value) && money_parse(out, json_string_value(value)))) {
        return true;
    }
    err_set(err, ERR_RANGE, "\"%s\" must be an amount such as 12.50", key);
    return false;
}

static bool
member_bool(json_t *root, const char *key, bool *out, struct err *err)
{
    json_t *value = json_object_get(root, key);
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_boolean(value)) {
        err_set(err, ERR_RANGE, "\"%s\" must be true or false", key);
        return false;
    }
    *out = json_is_true(value);
    return true;
}

static bool
read_part(json_t *item, struct ticket_part *out, struct err *err)
{
    const char *name = NULL;
    *out = (struct ticket_part){.count = 1};
    if (!json_is_object(item)) {
        err_set(
            err, ERR_RANGE,
            "each of \"parts\" must be {\"name\": .., \"count\": .., \"cost\": ..}");
        return false;
    }
    if (!json_member_text(item, "name", PART_BYTES, &name, err) ||
        !json_member_int(item, "count", -PART_COUNT_MAX, PART_COUNT_MAX, &out->count,
                         err) ||
        !member_money(item, "cost", &out->cost, err)) {
        return false;
    }
    if (name == NULL || name[0] == '\0') {
        err_set(err, ERR_RANGE, "each of \"parts\" must have a \"name\"");
        return false;
    }
    utf8_copy(out->name, sizeof out->name, name);
    return true;
}

static bool
read_parts(struct command *c, struct ticket_part *parts, json_t *list, struct err *err)
{
    if (list == NULL || json_is_null(list)) {
        return true;
    }
    if (!json_is_array(list) || json_array_size(list) > TICKET_PARTS_MAX) {
        err_set(err, ERR_RANGE, "\"parts\" must be a list of at most %d",
                TICKET_PARTS_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_part(json_array_get(list, i), &parts[i], err)) {
            return false;
        }
    }
    c->parts = parts;
    c->part_count = (uint32_t)json_array_size(list);
    return true;
}

int
work_from_json(struct command *c,
               struct ticket_part *parts,
               json_t *root,
               struct err *err)
{
    const char *pause = NULL;
    int64_t step = 0;
    if (!json_member_text(root, "category", ID_BYTES_MAX, &c->category, err) ||
        !json_member_text(root, "team", ID_BYTES_MAX, &c->team, err) ||
        !json_member_text(root, "symptom", NOTE_BYTES, &c->symptom, err) ||
        !json_member_text(root, "reporter", PERSON_BYTES, &c->reporter, err) ||
        !json_member_text(root, "pause", ID_BYTES_MAX, &pause, err) ||
        !json_member_text(root, "cause", CODE_BYTES, &c->cause, err) ||
        !json_member_int(root, "minutes", -WORK_MINUTES_MAX, WORK_MINUTES_MAX,
                         &c->minutes, err) ||
        !member_money(root, "cost", &c->cost, err) ||
        !json_member_int(root, "step", 1, TICKET_STEPS_MAX, &step, err) ||
        !member_bool(root, "undone", &c->undone, err) ||
        !read_parts(c, parts, json_object_get(root, "parts"), err)) {
        return ERR_RANGE;
    }
    c->step = (int)step;
    if (pause != NULL && (!pause_parse(&c->pause, pause) || c->pause == PAUSE_NONE)) {
        return err_set(err, ERR_RANGE,
                       "\"pause\" must be parts, contractor, access or other");
    }
    return 0;
}
