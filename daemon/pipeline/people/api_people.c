#include "daemon/pipeline/people/api_people.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/people/people_json.h"
#include "daemon/web/web.h"

#define ROOT         "/api/v1/"
#define SESSION_PATH ROOT "session"
#define USERS_PATH   ROOT "users"
#define TOKENS_PATH  ROOT "tokens"
#define LOCAL_BY     "local" /* At the unix socket, where nobody says who it is. */

/* ---- What is common to the paths ---- */

static unsigned
status_of(int code)
{
    switch (code) {
    case 0:
        return 200;
    case ERR_DENIED:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_REFUSED:
        return 409;
    case ERR_USAGE:
    case ERR_RANGE:
        return 400;
    case ERR_BUSY:
        return 429;
    case ERR_FULL:
        return 507;
    default:
        return 503;
    }
}

/* 401: who he is must be known; 403: that is not enough. */
static bool
may(const struct people_request *q,
    struct people_answer *out,
    struct strbuf *body,
    bool allowed)
{
    if (allowed && q->caller->role != ROLE_NONE) {
        return true;
    }
    bool nobody = q->caller->user == NULL && !q->caller->local;
    out->status =
        web_problem(body, nobody ? 401 : 403,
                    nobody ? tr("log in first") : tr("your role does not allow this"));
    return false;
}

/* He looks at all users and tokens. */
static bool
oversees(const struct people_request *q)
{
    return q->caller->role >= ROLE_ADMINISTRATOR;
}

/* A token changes no user and no token: it could make itself last for ever. */
static bool
may_change(const struct people_request *q)
{
    return q->caller->way != CALLER_TOKEN;
}

/* He changes all users and tokens. */
static bool
reigns(const struct people_request *q)
{
    return oversees(q) && may_change(q);
}

static bool
is_self(const struct people_request *q, const char *user)
{
    return q->caller->user != NULL && user != NULL &&
           strcmp(q->caller->user, user) == 0;
}

static void
finish(struct people_answer *out, struct strbuf *body, int code, const struct err *err)
{
    out->status = status_of(code);
    if (code != 0) {
        strbuf_clear(body);
        (void)web_problem(body, out->status, err->text);
    }
}

/* ---- The session ---- */

static int
session_json(const struct people_request *q,
             const struct caller *c,
             struct strbuf *body,
             struct err *err)
{
    int64_t users = 0;
    int64_t administrators = 0;
    int code = state_count_users(q->reader, &users, &administrators, err);
    strbuf_add_char(body, '{');
    strbuf_json_str(body, "user", c->user);
    strbuf_json_str(body, "name", c->name);
    strbuf_json_str(body, "role", role_name(c->role));
    strbuf_json_str(body, "csrf", c->csrf[0] != '\0' ? c->csrf : NULL);
    strbuf_json_str(body, "language",
                    c->has_language ? language_name(c->language) : NULL);
    strbuf_json_str(body, "site_name", q->site_name);
    strbuf_json_str(body, "site_language", language_name(q->site_language));
    /* There is somebody to log in as. */
    strbuf_json_bool(body, "log_in", users > 0 && !c->local);
    strbuf_json_bool(body, "read_only", c->role < ROLE_TECHNICIAN);
    strbuf_json_time(body, "expires_at",
                     c->expires_ms == INSTANT_MAX ? INSTANT_NONE : c->expires_ms);
    strbuf_add_char(body, '}');
    return code;
}

static void
post_session(const struct people_request *q,
             struct people_answer *out,
             struct strbuf *body)
{
    struct err err = {0};
    struct caller c;
    struct people_session s;
    int code = people_log_in(q, &s, &err);
    if (code == 0) {
        code = people_caller(q->reader, s.secret, NULL, q->now_ms, &c, &err);
    }
    if (code == 0) {
        code = session_json(q, &c, body, &err);
    }
    finish(out, body, code, &err);
    if (code == 0) {
        out->cookie = COOKIE_SET;
        memcpy(out->secret, s.secret, sizeof out->secret);
        out->max_age_s = (s.expires_ms - q->now_ms) / 1000;
    } else if (code == ERR_DENIED) {
        strbuf_clear(body);
        out->status = web_problem(body, 401, err.text);
    } else if (code == ERR_BUSY) {
        out->retry_after_s = (s.wait_ms + 999) / 1000;
    }
    secrets_wipe(&s, sizeof s);
}

static void
delete_session(const struct people_request *q,
               struct people_answer *out,
               struct strbuf *body)
{
    struct err err = {0};
    int code = 0;
    if (q->caller->way == CALLER_SESSION) {
        struct session_row row;
        memcpy(row.hash, q->caller->session, sizeof row.hash);
        struct people_work w = {
            .act = PEOPLE_LOG_OUT, .session = &row, .peer = q->peer};
        code = q->desk->ask(q->desk->ctx, &w, &err);
    }
    strbuf_add(body, "{\"ok\":true}");
    finish(out, body, code, &err);
    /* Also where the disk is full: who goes away from a browser leaves no session in
     * it.
     */
    out->cookie = COOKIE_CLEAR;
}

static void
get_session(const struct people_request *q,
            struct people_answer *out,
            struct strbuf *body)
{
    struct err err = {0};
    finish(out, body, session_json(q, q->caller, body, &err), &err);
}

/* ---- Commands of users and tokens ---- */

/* Has `root` done as a command; `user`, where it is not NULL, is whose, whatever the
 * body says. */
static void
command(const struct people_request *q,
        enum command_kind kind,
        const char *user,
        json_t *root,
        struct people_answer *out,
        struct strbuf *body)
{
    struct err err = {0};
    struct people_room room;
    const char *by = q->caller->user;
    struct command c = {.kind = kind};
    int code = people_from_json(&c, &room, root, &err);
    if (code == 0 && by == NULL &&
        !json_member_text(root, "by", USER_ID_BYTES, &by, &err)) {
        code = err.code;
    }
    c.by = by != NULL && by[0] != '\0' ? by : LOCAL_BY;
    if (user != NULL) {
        room.change.user = user;
    }
    struct people_work w = {.act = PEOPLE_COMMAND, .command = &c, .peer = q->peer};
    code = code == 0 ? q->desk->ask(q->desk->ctx, &w, &err) : code;
    strbuf_add_char(body, '{');
    strbuf_json_bool(body, "ok", true);
    if (code == 0) {
        people_add_answer(body, &c, &room, w.number);
    }
    strbuf_add_char(body, '}');
    finish(out, body, code, &err);
    people_room_fini(&room);
}

/* The body as an object; NULL: it was refused. */
static json_t *
read_body(const struct people_request *q,
          struct people_answer *out,
          struct strbuf *body)
{
    json_t *root =
        json_loads(q->body[0] != '\0' ? q->body : "{}", JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        out->status = web_problem(body, 400, tr("the body must be a JSON object"));
        return NULL;
    }
    return root;
}

static void
get_users(const struct people_request *q,
          struct people_answer *out,
          struct strbuf *body)
{
    struct err err = {0};
    if (may(q, out, body, oversees(q))) {
        finish(out, body, people_users_json(q->reader, body, &err), &err);
    }
}

static void
post_user(const struct people_request *q,
          struct people_answer *out,
          struct strbuf *body)
{
    json_t *root = may(q, out, body, reigns(q)) ? read_body(q, out, body) : NULL;
    if (root == NULL) {
        return;
    }
    const char *id = json_string_value(json_object_get(root, "id"));
    if (id == NULL) {
        out->status = web_problem(body, 400, tr("\"id\" must say which user"));
    } else {
        command(q, COMMAND_USER_ADD, id, root, out, body);
    }
    json_decref(root);
}

/* Everybody says which language he reads. */
static bool
is_language_alone(json_t *root)
{
    return json_object_size(root) == 1 && json_object_get(root, "language") != NULL;
}

static void
patch_user(const struct people_request *q,
           const char *id,
           struct people_answer *out,
           struct strbuf *body)
{
    json_t *root = read_body(q, out, body);
    if (root != NULL && may(q, out, body,
                            reigns(q) || (may_change(q) && is_self(q, id) &&
                                          is_language_alone(root)))) {
        command(q, COMMAND_USER_CHANGE, id, root, out, body);
    }
    json_decref(root);
}

static void
delete_user(const struct people_request *q,
            const char *id,
            struct people_answer *out,
            struct strbuf *body)
{
    json_t *root = may(q, out, body, reigns(q)) ? read_body(q, out, body) : NULL;
    if (root != NULL) {
        command(q, COMMAND_USER_REMOVE, id, root, out, body);
    }
    json_decref(root);
}

/* Who has a session alone, or finds one open, must not keep it by a new password. */
static int
check_old(const struct people_request *q,
          json_t *root,
          struct people_answer *out,
          struct err *err)
{
    const char *old = json_string_value(json_object_get(root, "old"));
    struct user_row row = {0};
    int64_t wait_ms = 0;
    if (old == NULL) {
        return err_set(err, ERR_RANGE, "\"old\" must be the password until now");
    }
    int code = people_check_password(q, q->caller->user, old, &row, &wait_ms, err);
    out->retry_after_s = (wait_ms + 999) / 1000;
    return code == ERR_DENIED ? err_set(err, ERR_DENIED, "the old password is wrong")
                              : code;
}

static void
post_password(const struct people_request *q,
              const char *id,
              struct people_answer *out,
              struct strbuf *body)
{
    struct err err = {0};
    bool self = is_self(q, id);
    bool allowed = may_change(q) && (self || reigns(q));
    json_t *root = may(q, out, body, allowed) ? read_body(q, out, body) : NULL;
    if (root == NULL) {
        return;
    }
    int code = self ? check_old(q, root, out, &err) : 0;
    if (code != 0) {
        finish(out, body, code, &err);
    } else {
        command(q, COMMAND_USER_PASSWORD, id, root, out, body);
        out->cookie = self && out->status == 200 ? COOKIE_CLEAR : COOKIE_AS_IT_IS;
    }
    json_decref(root);
}

static void
get_tokens(const struct people_request *q,
           struct people_answer *out,
           struct strbuf *body)
{
    struct err err = {0};
    const char *user = oversees(q) ? q->user : q->caller->user;
    bool others = q->user != NULL && !is_self(q, q->user);
    if (may(q, out, body, oversees(q) || (q->caller->user != NULL && !others))) {
        finish(out, body, people_tokens_json(q->reader, user, q->now_ms, body, &err),
               &err);
    }
}

static void
post_token(const struct people_request *q,
           struct people_answer *out,
           struct strbuf *body)
{
    json_t *root = read_body(q, out, body);
    if (root == NULL) {
        return;
    }
    const char *user = json_string_value(json_object_get(root, "user"));
    user = user != NULL ? user : q->caller->user;
    bool allowed = may_change(q) && (is_self(q, user) || reigns(q));
    if (may(q, out, body, allowed)) {
        command(q, COMMAND_TOKEN_ADD, user, root, out, body);
    }
    json_decref(root);
}

/* Somebody else's is not there for who may not know of it. */
static void
delete_token(const struct people_request *q,
             const char *number,
             struct people_answer *out,
             struct strbuf *body)
{
    char *end = NULL;
    json_int_t token = strtoll(number, &end, 10);
    if (number[0] < '1' || number[0] > '9' || *end != '\0') {
        out->status = web_problem(body, 404, tr("a token has a number"));
        return;
    }
    bool allowed =
        q->caller->way != CALLER_TOKEN && (q->caller->user != NULL || q->caller->local);
    json_t *root = may(q, out, body, allowed) ? read_body(q, out, body) : NULL;
    if (root != NULL) {
        json_object_del(root, "user");
        json_object_set_new(root, "token", json_integer(token));
        command(q, COMMAND_TOKEN_REVOKE, reigns(q) ? NULL : q->caller->user, root, out,
                body);
    }
    json_decref(root);
}

/* ---- The paths ---- */

/* What stands behind "PATH/"; NULL: it is another path. */
static const char *
behind(const char *path, const char *start)
{
    size_t size = strlen(start);
    return strncmp(path, start, size) == 0 && path[size] == '/' &&
                   path[size + 1] != '\0'
               ? path + size + 1
               : NULL;
}

bool
people_is_path(const char *path)
{
    return strcmp(path, SESSION_PATH) == 0 || strcmp(path, USERS_PATH) == 0 ||
           strcmp(path, TOKENS_PATH) == 0 || behind(path, USERS_PATH) != NULL ||
           behind(path, TOKENS_PATH) != NULL;
}

typedef void (*handle_fn)(const struct people_request *q,
                          struct people_answer *out,
                          struct strbuf *body);
typedef void (*handle_one_fn)(const struct people_request *q,
                              const char *id,
                              struct people_answer *out,
                              struct strbuf *body);

static void
wrong_method(struct people_answer *out, struct strbuf *body)
{
    out->status = web_problem(body, 405, tr("this path takes another method"));
}

/* "ID" or "ID/password". */
static void
handle_user(const struct people_request *q,
            const char *rest,
            struct people_answer *out,
            struct strbuf *body)
{
    char id[USER_ID_BYTES];
    const char *slash = strchr(rest, '/');
    size_t size = slash != NULL ? (size_t)(slash - rest) : strlen(rest);
    bool password = slash != NULL && strcmp(slash, "/password") == 0;
    if (size >= sizeof id || (slash != NULL && !password)) {
        out->status = web_problem(body, 404, tr("there is no such user"));
        return;
    }
    memcpy(id, rest, size);
    id[size] = '\0';
    handle_one_fn handle = NULL;
    if (password) {
        handle = strcmp(q->method, "POST") == 0 ? post_password : NULL;
    } else if (strcmp(q->method, "PATCH") == 0) {
        handle = patch_user;
    } else if (strcmp(q->method, "DELETE") == 0) {
        handle = delete_user;
    }
    if (handle == NULL) {
        wrong_method(out, body);
    } else {
        handle(q, id, out, body);
    }
}

void
people_handle(const struct people_request *q,
              struct people_answer *out,
              struct strbuf *body)
{
    static const struct {
        const char *method, *path;
        handle_fn handle;
    } routes[] = {
        {"GET", SESSION_PATH, get_session},       {"POST", SESSION_PATH, post_session},
        {"DELETE", SESSION_PATH, delete_session}, {"GET", USERS_PATH, get_users},
        {"POST", USERS_PATH, post_user},          {"GET", TOKENS_PATH, get_tokens},
        {"POST", TOKENS_PATH, post_token},
    };
    *out = (struct people_answer){0};
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(q->path, routes[i].path) == 0 &&
            strcmp(q->method, routes[i].method) == 0) {
            routes[i].handle(q, out, body);
            return;
        }
    }
    const char *user = behind(q->path, USERS_PATH);
    const char *token = behind(q->path, TOKENS_PATH);
    if (user != NULL) {
        handle_user(q, user, out, body);
    } else if (token != NULL && strcmp(q->method, "DELETE") == 0) {
        delete_token(q, token, out, body);
    } else {
        wrong_method(out, body);
    }
}
