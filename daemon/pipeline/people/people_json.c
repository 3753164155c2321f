/* Commands of people from JSON, and what is shown of users and tokens. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/people/api_people.h"
#include "daemon/pipeline/people/people_json.h"

#define PASSWORD_TEXT_BYTES 4096 /* Longer ones are told how long they may be. */
#define TEXT_BYTES          512  /* As well: the loop says what is accepted. */
#define TOKEN_FOR_MIN_MS    60000

static int
take_password(struct people_change *change,
              struct people_room *room,
              json_t *root,
              struct err *err)
{
    const char *password = NULL;
    if (!json_member_text(root, "password", PASSWORD_TEXT_BYTES, &password, err)) {
        return ERR_RANGE;
    }
    if (password == NULL) {
        return 0;
    }
    int code = secrets_password_hash(room->password, password, err);
    change->password = code == 0 ? room->password : NULL;
    return code;
}

static int
take_token(struct people_change *change,
           struct people_room *room,
           json_t *root,
           struct err *err)
{
    const char *how_long = NULL;
    struct err why;
    if (!json_member_text(root, "for", ID_BYTES_MAX, &how_long, err)) {
        return ERR_RANGE;
    }
    if (how_long != NULL && (duration_parse(&change->for_ms, how_long, &why) != 0 ||
                             change->for_ms < TOKEN_FOR_MIN_MS)) {
        return err_set(err, ERR_RANGE, "\"for\" must be a duration such as 90d");
    }
    change->token_name = change->name;
    int code = secrets_make(room->secret, SECRETS_TOKEN_MARK, err);
    if (code == 0) {
        secrets_hash(room->hash, room->secret);
        change->hash = room->hash;
    }
    return code;
}

/* null takes a language away. */
static int
take_language(struct people_change *change, json_t *root, struct err *err)
{
    if (json_is_null(json_object_get(root, "language"))) {
        change->language = "";
        return 0;
    }
    return json_member_text(root, "language", ID_BYTES_MAX, &change->language, err)
               ? 0
               : ERR_RANGE;
}

static int
take_flags(struct people_change *change, json_t *root, struct err *err)
{
    const char *role = NULL;
    json_t *disabled = json_object_get(root, "disabled");
    if (!json_member_text(root, "role", ID_BYTES_MAX, &role, err)) {
        return ERR_RANGE;
    }
    if (role != NULL && !role_parse(&change->role, role)) {
        return err_set(err, ERR_RANGE, "\"role\" must be %s", tr(ROLES_ACCEPTED));
    }
    if (disabled != NULL && !json_is_boolean(disabled)) {
        return err_set(err, ERR_RANGE, "\"disabled\" must be true or false");
    }
    change->has_disabled = disabled != NULL;
    change->disabled = json_is_true(disabled);
    return 0;
}

int
people_from_json(struct command *c,
                 struct people_room *room,
                 json_t *root,
                 struct err *err)
{
    memset(room, 0, sizeof *room);
    if (!command_is_of_people(c->kind)) {
        return 0;
    }
    struct people_change *change = &room->change;
    if (!json_member_text(root, "user", TEXT_BYTES, &change->user, err) ||
        !json_member_text(root, "name", TEXT_BYTES, &change->name, err) ||
        !json_member_int(root, "token", 1, INT64_MAX, &change->token, err)) {
        return ERR_RANGE;
    }
    if (c->kind == COMMAND_TOKEN_REVOKE && change->token == 0) {
        return err_set(err, ERR_RANGE, "\"token\" must say which one, by its number");
    }
    int code = take_flags(change, root, err);
    code = code == 0 ? take_language(change, root, err) : code;
    if (code == 0 &&
        (c->kind == COMMAND_USER_ADD || c->kind == COMMAND_USER_PASSWORD)) {
        code = take_password(change, room, root, err);
    }
    if (code == 0 && c->kind == COMMAND_TOKEN_ADD) {
        code = take_token(change, room, root, err);
    }
    c->people = change;
    return code;
}

void
people_add_answer(struct strbuf *out,
                  const struct command *c,
                  const struct people_room *room,
                  int64_t number)
{
    if (c->kind == COMMAND_TOKEN_ADD || c->kind == COMMAND_TOKEN_REVOKE) {
        strbuf_json_int(out, "token", number);
    }
    if (c->kind == COMMAND_TOKEN_ADD) {
        strbuf_json_str(out, "secret", room->secret);
    }
}

void
people_room_fini(struct people_room *room)
{
    secrets_wipe(room, sizeof *room);
}

/* All that it got, which may be more than it asked for. */
static void
wipe_and_free(void *bytes)
{
    if (bytes != NULL) {
        secrets_wipe(bytes, malloc_usable_size(bytes));
    }
    free(bytes);
}

void
people_wipe_json(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

/* ---- Listings ---- */

struct listing {
    struct strbuf *out;
    int64_t now_ms;
};

static bool
on_user(void *ctx, const struct user_row *row)
{
    struct strbuf *out = ((struct listing *)ctx)->out;
    const struct user *u = &row->user;
    strbuf_add(out, out->text[out->size - 1] == '[' ? "{" : ",{");
    strbuf_json_str(out, "id", u->id);
    strbuf_json_str(out, "name", u->name);
    strbuf_json_str(out, "role", role_name(u->role));
    strbuf_json_str(out, "language",
                    u->has_language ? language_name(u->language) : NULL);
    strbuf_json_bool(out, "disabled", u->disabled);
    strbuf_json_time(out, "created_at", u->created_ms);
    strbuf_json_time(out, "seen_at", row->seen_ms);
    strbuf_json_int(out, "sessions", row->sessions);
    strbuf_json_int(out, "tokens", row->tokens);
    strbuf_add_char(out, '}');
    return true;
}

int
people_users_json(struct state *reader, struct strbuf *out, struct err *err)
{
    struct listing l = {.out = out};
    strbuf_add_char(out, '[');
    int code = state_each_user(reader, on_user, &l, err);
    strbuf_add_char(out, ']');
    return code;
}

static bool
on_token(void *ctx, const struct token_row *row)
{
    struct listing *l = ctx;
    struct strbuf *out = l->out;
    strbuf_add(out, out->text[out->size - 1] == '[' ? "{" : ",{");
    strbuf_json_int(out, "number", row->number);
    strbuf_json_str(out, "user", row->user);
    strbuf_json_str(out, "name", row->name);
    strbuf_json_str(out, "role", role_name(row->role));
    strbuf_json_time(out, "created_at", row->created_ms);
    strbuf_json_time(out, "expires_at", row->expires_ms);
    strbuf_json_bool(out, "expired",
                     row->expires_ms != INSTANT_NONE && row->expires_ms <= l->now_ms);
    strbuf_json_time(out, "used_at", row->used_ms);
    strbuf_add_char(out, '}');
    return true;
}

int
people_tokens_json(struct state *reader,
                   const char *user,
                   int64_t now_ms,
                   struct strbuf *out,
                   struct err *err)
{
    struct listing l = {.out = out, .now_ms = now_ms};
    strbuf_add_char(out, '[');
    int code = state_each_token(reader, user, on_token, &l, err);
    strbuf_add_char(out, ']');
    return code;
}
