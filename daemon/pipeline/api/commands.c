/* What people do: POST /api/v1/commands takes the same object as the MQTT topic. */
#include <jansson.h>
#include <string.h>

#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/commands/ledger_json.h"
#include "daemon/pipeline/commands/work_json.h"
#include "daemon/ticket/ledger.h"

/* One from the plant's side of things: the loop does it. */
static int
do_command(struct api *a,
           const struct web_request *r,
           const struct command *c,
           struct strbuf *body,
           struct err *err)
{
    struct request request = {.kind = REQUEST_COMMAND, .command = c, .peer = r->peer};
    if (request_ask(&a->live->requests, &request) != 0) {
        *err = request.err;
        return err->code;
    }
    strbuf_add(body, "{\"ok\":true");
    if (ledger_is_command(c->kind)) {
        ledger_add_answer(body, c->kind, request.ticket);
    } else if (request.ticket != 0) {
        strbuf_json_int(body, "ticket", request.ticket);
    }
    strbuf_add_char(body, '}');
    return 0;
}

static int
do_people(struct api *a,
          const struct web_request *r,
          struct command *c,
          json_t *root,
          struct strbuf *body,
          struct err *err)
{
    struct people_room room;
    struct people_work w = {.act = PEOPLE_COMMAND, .command = c, .peer = r->peer};
    const char *user = json_string_value(json_object_get(root, "user"));
    /* Who finds a session open must not keep it so. */
    if (c->kind == COMMAND_USER_PASSWORD && a->caller.user != NULL && user != NULL &&
        strcmp(user, a->caller.user) == 0) {
        return err_set(err, ERR_DENIED,
                       "one's own password is changed by POST users/ID/password, which "
                       "takes the old one");
    }
    int code = people_from_json(c, &room, root, err);
    code = code == 0 ? a->live->people.ask(a->live->people.ctx, &w, err) : code;
    if (code == 0) {
        strbuf_add(body, "{\"ok\":true");
        people_add_answer(body, c, &room, w.number);
        strbuf_add_char(body, '}');
    }
    people_room_fini(&room);
    return code;
}

/* Whether the role allows it; on TCP it is done by whom we know it is, whatever the
 * body says. */
static int
check_person(const struct api *a, struct command *c, struct err *err)
{
    if (a->caller.role >= command_role(c->kind) && !caller_may(&a->caller, c->kind)) {
        return err_set(err, ERR_DENIED,
                       "a token changes no user and no token; log in for that");
    }
    if (!caller_may(&a->caller, c->kind)) {
        return err_set(err, ERR_DENIED, "\"%s\" takes the role %s, and yours is %s",
                       command_kind_name(c->kind), role_word(command_role(c->kind)),
                       role_word(a->caller.role));
    }
    return 0;
}

unsigned
api_post_command(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    json_error_t where;
    json_t *root = json_loads(r->body, JSON_REJECT_DUPLICATES, &where);
    struct command c = {0};
    struct ticket_part parts[TICKET_PARTS_MAX];
    if (json_is_object(root) && !a->caller.local) {
        /* Whatever the body says: it is done by whom we know it is. */
        json_object_set_new(root, "by", json_string(a->caller.user));
    }
    int code = json_is_object(root)
                   ? command_from_json(&c, root, &err)
                   : err_set(&err, ERR_RANGE, "the body must be a JSON object: %s",
                             where.text);
    code = code == 0 ? check_person(a, &c, &err) : code;
    if (code == 0 && command_is_of_people(c.kind)) {
        code = do_people(a, r, &c, root, body, &err);
    } else if (code == 0) {
        code = work_from_json(&c, parts, root, &err);
        code = code == 0 ? ledger_from_json(&c, root, &err) : code;
        code = code == 0 ? do_command(a, r, &c, body, &err) : code;
    }
    ledger_json_fini(&c);
    json_decref(root);
    return code == 0 ? 200 : api_problem(body, &err);
}
