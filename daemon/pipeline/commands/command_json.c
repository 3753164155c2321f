#include "daemon/pipeline/commands/command_json.h"

#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/model/alarm.h"
#include "daemon/model/site.h"

bool
json_member_text(
    json_t *root, const char *key, size_t bytes_max, const char **out, struct err *err)
{
    json_t *value = json_object_get(root, key);
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) >= bytes_max) {
        err_set(err, ERR_RANGE, "\"%s\" must be a string of less than %zu bytes", key,
                bytes_max);
        return false;
    }
    *out = json_string_value(value);
    return true;
}

bool
json_member_int(json_t *root,
                const char *key,
                int64_t min,
                int64_t max,
                int64_t *out,
                struct err *err)
{
    json_t *value = json_object_get(root, key);
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        err_set(err, ERR_RANGE, "\"%s\" must be a whole number from %lld to %lld", key,
                (long long)min, (long long)max);
        return false;
    }
    *out = json_integer_value(value);
    return true;
}

/* "for": "2h", "until": an instant, "state": "out" or "in". */
static int
hiding_from_json(struct command *c, json_t *root, struct err *err)
{
    const char *how_long = NULL;
    const char *until = NULL;
    const char *state = NULL;
    struct err why = {0};
    if (!json_member_text(root, "for", ID_BYTES_MAX, &how_long, err) ||
        !json_member_text(root, "until", ID_BYTES_MAX, &until, err) ||
        !json_member_text(root, "state", ID_BYTES_MAX, &state, err)) {
        return ERR_RANGE;
    }
    if (how_long != NULL &&
        (duration_parse(&c->for_ms, how_long, &why) != 0 || c->for_ms == 0)) {
        return err_set(err, ERR_RANGE, "\"for\" must be a duration such as 30m or 2h");
    }
    if (until != NULL && instant_parse(&c->until_ms, until, &why) != 0) {
        return err_set(err, ERR_RANGE, "\"until\": %s", why.text);
    }
    if (state != NULL && strcmp(state, "out") == 0) {
        c->service = SERVICE_OUT;
    } else if (state != NULL && strcmp(state, "in") == 0) {
        c->service = SERVICE_IN;
    } else if (state != NULL) {
        return err_set(err, ERR_RANGE, "\"state\" must be out or in");
    }
    return 0;
}

/* "plan": its id, "day": a date. */
static int
plan_from_json(struct command *c, json_t *root, struct err *err)
{
    const char *day = NULL;
    if (!json_member_text(root, "plan", ID_BYTES_MAX, &c->plan, err) ||
        !json_member_text(root, "day", ID_BYTES_MAX, &day, err)) {
        return ERR_RANGE;
    }
    if (day != NULL && !civil_parse_date(&c->day, day)) {
        return err_set(err, ERR_RANGE, "\"day\" must be a date such as 2026-03-01");
    }
    return 0;
}

int
command_from_json(struct command *c, json_t *root, struct err *err)
{
    const char *kind = NULL;
    const char *priority = NULL;
    int64_t rating = 0;
    if (!json_member_text(root, "cmd", ID_BYTES_MAX, &kind, err) ||
        !json_member_text(root, "device", ID_BYTES_MAX, &c->device, err) ||
        !json_member_text(root, "rule", ID_BYTES_MAX, &c->rule, err) ||
        !json_member_text(root, "by", PERSON_BYTES, &c->by, err) ||
        !json_member_text(root, "assignee", PERSON_BYTES, &c->assignee, err) ||
        !json_member_text(root, "reason", NOTE_BYTES, &c->note, err) ||
        !json_member_text(root, "note", NOTE_BYTES, &c->note, err) ||
        !json_member_text(root, "priority", ID_BYTES_MAX, &priority, err) ||
        !json_member_int(root, "ticket", 1, INT64_MAX, &c->ticket, err) ||
        !json_member_int(root, "rating", 1, 5, &rating, err)) {
        return ERR_RANGE;
    }
    c->rating = (int)rating;
    if (kind == NULL || !command_kind_parse(&c->kind, kind)) {
        err_set(err, ERR_RANGE,
                "\"cmd\" must be ack, shelve, unshelve, service or one of "
                "ticket.open, .take, .arrive, .wait, .resume, .resolve, .close, "
                ".reopen, .note, .rate, .tick, .change, of plan.start, .done, .move, "
                "of ledger.set, .document, "
                ".remove, .alteration, of user.add, .change, .password, .remove, or of "
                "token.add, .revoke");
        return ERR_RANGE;
    }
    if (c->by == NULL || c->by[0] == '\0') {
        err_set(err, ERR_RANGE, "\"by\" must say who asks");
        return ERR_RANGE;
    }
    if (priority != NULL) {
        c->has_priority = severity_parse(&c->priority, priority);
        if (!c->has_priority || c->priority == SEVERITY_INFO) {
            err_set(err, ERR_RANGE, "\"priority\" must be critical, urgent or normal");
            return ERR_RANGE;
        }
    }
    int code = plan_from_json(c, root, err);
    return code != 0 ? code : hiding_from_json(c, root, err);
}
